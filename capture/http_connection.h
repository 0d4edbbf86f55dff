/*
 * http_connection.h - one connection's two byte streams as HTTP/1 exchanges and WebSocket messages.
 *
 *     HEAD --> BODY --> HEAD ...        a message after the other
 *       |        \--> SEARCH            bytes are missing, or are not HTTP: for the next start
 *       |--> WAIT                       an upgrade or CONNECT was asked for: the answer decides
 *       |      |--> WEBSOCKET           101 to `Upgrade: websocket`
 *       |      |--> HEAD                2xx to CONNECT: what comes may be HTTP again
 *       |      \--> OPAQUE              101 to any other protocol
 *       \--> OPAQUE                     it was never HTTP
 *
 * Whether a connection is HTTP is decided by its bytes, never by its port. Which side is the client
 * was guessed by the caller for connections without SYN; the first message start corrects it.
 *
 * Every byte that goes in ends in stored_bytes or in one of the counts. Memory: a head of at most
 * HTTP1_MAX_HEAD_BYTES a side, the bodies under the pool's limits, max_pending requests.
 */
#ifndef REPRISE_CAPTURE_HTTP_CONNECTION_H
#define REPRISE_CAPTURE_HTTP_CONNECTION_H

#include "capture/exchange.h"
#include "capture/flow.h"

/* What the connection hands on; all called while bytes are being delivered. */
struct http_sink {
    /* A body that is whole, or as whole as it will be. Its id, which goes into the row. */
    int64_t (*put_body)(void *owner, struct exchange *exchange, enum trace_sender sender,
                        struct bytes body);
    /* An exchange is over. The row lacks ids and connection; the receiver gives it exchange_id and
     * session_id. response_body: as put_body() had it, empty when it is no longer at hand. */
    void (*on_exchange)(void *owner, const struct exchange *exchange, struct trace_exchange *row,
                        struct bytes response_body);
    /* A WebSocket message of the exchange whose ids the row carries; lacks connection and body. */
    void (*on_message)(void *owner, struct trace_message *row, struct bytes content);
};

struct http_limits {
    size_t max_body_bytes; /* of one body or message */
    size_t max_held_bytes; /* of all bodies being collected */
    size_t max_pending;    /* requests without answer on one connection */
};

/* What the connections of one capture share: limits, scratch, memory to use again. */
struct http_context {
    struct http_limits limits;
    struct http_sink sink;
    struct exchange_pool pool;
    struct http1_head head; /* of the message being read */
};

struct http_limits http_default_limits(void);
void http_context_init(struct http_context *context, const struct http_limits *limits,
                       const struct http_sink *sink);
void http_context_fini(struct http_context *context);

/* What became of the bytes that were not kept. */
struct http_losses {
    uint64_t payload_bytes[TRACE_REASON_COUNT];
    int64_t first_us[TRACE_REASON_COUNT]; /* where payload_bytes is not 0 */
    int64_t last_us[TRACE_REASON_COUNT];
};

struct http_connection;

/* `owner` goes to the sink. NULL without memory. */
struct http_connection *http_connection_new(struct http_context *context, void *owner,
                                            bool is_mid_stream);
/* After both sides were closed: nothing is handed on any more. NULL is allowed. */
void http_connection_free(struct http_connection *connection);

/* As in flow_sink. */
void http_connection_data(struct http_connection *connection, enum flow_side from,
                          struct bytes data, int64_t at_us);
void http_connection_gap(struct http_connection *connection, enum flow_side from,
                         uint64_t missing_bytes, int64_t at_us);
void http_connection_close(struct http_connection *connection, enum flow_side from,
                           enum trace_connection_end end, int64_t at_us);

/* "http/1.1", "websocket", or "unknown" while no message was seen. */
const char *http_connection_protocol(const struct http_connection *connection);
/* The guess which side is the client was wrong. */
bool http_connection_is_swapped(const struct http_connection *connection);
uint32_t http_connection_flaws(const struct http_connection *connection);
uint64_t http_connection_stored_bytes(const struct http_connection *connection);
const struct http_losses *http_connection_losses(const struct http_connection *connection);

#endif

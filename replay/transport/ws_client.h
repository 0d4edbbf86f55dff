/*
 * ws_client.h - a WebSocket client on a connection somebody else made (RFC 6455). No sockets here:
 * bytes come and go through functions.
 *
 * No extension is offered, so payloads are never compressed. Pings are answered; pongs are
 * swallowed. One that is open and idle holds this struct and at most WS_CLIENT_KEPT_BYTES more.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_WS_CLIENT_H
#define REPRISE_REPLAY_TRANSPORT_WS_CLIENT_H

#include "core/buf.h"
#include "core/http_message.h"
#include "core/random.h"
#include "replay/outcome.h"

#define WS_IO_BLOCKED (-2)
#define WS_IO_FAILED (-1)

struct ws_io {
    void *owner;
    /* Bytes moved; 0 from read: closed by the peer; WS_IO_BLOCKED; WS_IO_FAILED. */
    ssize_t (*read)(void *owner, char *data, size_t len);
    ssize_t (*write)(void *owner, const char *data, size_t len);
    /* Bytes that read would give although the connection is not ready; NULL: nobody knows, and
     * reading goes on until it blocks. */
    bool (*has_pending)(void *owner);
};

enum {
    WS_CLIENT_KEPT_BYTES = 1024, /* room for the next small message, so that it needs no malloc() */
    WS_CLIENT_PUMP_BYTES =
        32 * 1024, /* read at most by one pump: the others have their turn then */
    WS_CLIENT_MAX_QUEUE_BYTES = 64 * 1024 * 1024 /* written, and not taken by the target */
};

enum ws_client_state {
    WS_STATE_HANDSHAKE,
    WS_STATE_OPEN,
    WS_STATE_CLOSING, /* a close frame went out, or came in */
    WS_STATE_CLOSED,  /* by a closing handshake */
    WS_STATE_REFUSED, /* the handshake was answered, but not by 101 */
    WS_STATE_BROKEN   /* the connection or the protocol failed: `failure`, `detail` say how */
};

struct ws_client;

typedef void (*ws_message_fn)(void *owner, int opcode, struct bytes payload);

/*
 * `request` gives URL and headers of the upgrade; `cookies` its Cookie value. `random` masks frames
 * and makes the key: seeded, it makes runs repeat. NULL without memory.
 */
struct ws_client *ws_client_new(const struct ws_io *io, const struct http_request *request,
                                struct bytes cookies, struct random random,
                                size_t max_message_bytes, ws_message_fn on_message, void *owner);
void ws_client_free(struct ws_client *client);

/*
 * Move what can be moved both ways, no more than WS_CLIENT_PUMP_BYTES in; returns the state after
 * it. Call when the connection is ready, and again when ws_client_has_more().
 */
enum ws_client_state ws_client_pump(struct ws_client *client);
/* The last pump stopped at its limit. */
bool ws_client_has_more(const struct ws_client *client);

/* Write what is queued, without reading: no callback comes of it, so it may be called in one. What
 * went wrong is told by the next pump. -1: something did. */
int ws_client_flush(struct ws_client *client);

/* Queue a message, a ping or a close (without a reason); ws_client_pump() sends them in this order.
 * -1 when it is not open, or when too much is queued already. */
int ws_client_send(struct ws_client *client, int opcode, struct bytes payload, int close_code);

bool ws_client_wants_write(const struct ws_client *client);

/* Of the answer to the handshake; 0 before it. */
int ws_client_status(const struct ws_client *client);
/* Its head, parsed anew; views are valid until the next pump. -1 before it, and after that. */
int ws_client_head(const struct ws_client *client, struct http1_head *ret_head);
int ws_client_close_code(const struct ws_client *client); /* received; 0: none */
enum failure ws_client_failure(const struct ws_client *client);
const char *ws_client_detail(const struct ws_client *client);
uint64_t ws_client_bytes_sent(const struct ws_client *client);
uint64_t ws_client_bytes_received(const struct ws_client *client);

/* The Sec-WebSocket-Accept that answers this key (RFC 6455 4.2.2, 5.4). `out` holds 29. */
void ws_accept_of(struct bytes key, char out[29]);

#endif

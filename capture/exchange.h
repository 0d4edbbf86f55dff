/*
 * exchange.h - one request and its answer while they are being put together, and the pool they come
 * from.
 *
 * Heads are copied once, in the form in which they are stored. A body that lies whole in one
 * delivery is only looked at; one that comes in several pieces is collected. What an exchange needs
 * is kept for the next one, so that a busy connection allocates nothing.
 */
#ifndef REPRISE_CAPTURE_EXCHANGE_H
#define REPRISE_CAPTURE_EXCHANGE_H

#include "capture/session_keys.h"
#include "core/buf.h"
#include "core/http1.h"
#include "traces/trace.h"

/* One of the two messages. */
struct exchange_part {
    struct buf text;     /* start line's parts and header lines; the views below point into it */
    struct buf trailers; /* as received, rewritten by exchange_part_end() */
    struct buf body;     /* a body of several pieces */
    struct bytes whole;  /* a body of one piece, in the delivery; until exchange_part_keep() */
    struct bytes headers;
    uint64_t body_bytes; /* as transferred, lost ones included */
    uint64_t cut_bytes;  /* of those seen: not kept, for a limit */
    int64_t first_us;
    int64_t last_us; /* TRACE_NO_MOMENT until it ended in order */
    int64_t body_id;
    bool has_head;
    bool has_ended; /* in order or not */
};

struct exchange {
    struct exchange *next;
    struct exchange_part request;
    struct exchange_part response;
    struct bytes method; /* empty: no request was seen */
    struct bytes target;
    struct bytes authority;
    struct bytes reason;
    char interim_statuses[48];
    char http_version[8];
    int status;
    uint32_t flaws;
    struct session_hint hints[4]; /* of the request's body; the last stays empty */
    bool is_websocket;
    bool is_upgrade;      /* the request asked for another protocol */
    bool is_lost_request; /* holds the place of a request known to be lost: has no row */
    bool was_before_gap;  /* sent before bytes of the answers were lost */
};

struct exchange_pool {
    struct exchange *free;
    size_t held_bytes;     /* of bodies being collected, all exchanges together */
    size_t max_held_bytes; /* beyond it bodies are cut */
    size_t max_body_bytes;
};

void exchange_pool_init(struct exchange_pool *pool, size_t max_body_bytes, size_t max_held_bytes);
void exchange_pool_fini(struct exchange_pool *pool);

/* NULL without memory. */
struct exchange *exchange_new(struct exchange_pool *pool);
void exchange_free(struct exchange_pool *pool, struct exchange *exchange);

/* Take over a head. -1 without memory. */
int exchange_set_request(struct exchange *exchange, const struct http1_head *head,
                         int64_t first_us);
int exchange_set_response(struct exchange *exchange, const struct http1_head *head,
                          int64_t first_us);
void exchange_add_interim(struct exchange *exchange, int status);

/* Add a piece of the body, or of it what the limits allow. */
void exchange_part_add_body(struct exchange_pool *pool, struct exchange_part *part,
                            struct bytes piece);
void exchange_part_add_trailer(struct exchange_part *part, struct bytes piece);

/* The delivery that `whole` points into is about to go: copy it. */
void exchange_part_keep(struct exchange_pool *pool, struct exchange_part *part);

/* The body is stored: forget it. */
void exchange_part_drop_body(struct exchange_pool *pool, struct exchange_part *part);

/* The body as kept. */
struct bytes exchange_part_body(const struct exchange_part *part);

/* The message is over; at_us is TRACE_NO_MOMENT when it did not end in order. */
void exchange_part_end(struct exchange_part *part, int64_t at_us);

/* Its row, but for the ids; the views are good for as long as the exchange. */
void exchange_row(const struct exchange *exchange, struct trace_exchange *row);

#endif

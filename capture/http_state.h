/*
 * http_state.h - the inside of an http_connection, shared by its files: http_connection.c moves
 * bytes, http_messages.c makes exchanges of them, http_losses.c deals with gaps and ends.
 */
#ifndef REPRISE_CAPTURE_HTTP_STATE_H
#define REPRISE_CAPTURE_HTTP_STATE_H

#include "capture/http_connection.h"
#include "capture/pairing.h"
#include "capture/ws_stream.h"
#include "core/http1_body.h"

enum side_state { SIDE_HEAD, SIDE_BODY, SIDE_SEARCH, SIDE_WAIT, SIDE_WEBSOCKET, SIDE_OPAQUE };

/* One direction. */
struct http_side {
    enum side_state state;
    enum trace_reason skip_reason; /* SEARCH: of the bytes passed over */
    bool was_found;                /* HEAD: the start was found by searching, so it may be none */
    bool has_messages;             /* at least one head was read */
    bool is_closed;
    bool has_gap_in_wait;  /* WAIT: bytes are missing, whatever they will be read as */
    struct buf held;       /* a head that is not whole, or what waits for an answer */
    size_t looked_bytes;   /* of `held`: no end of a head in them */
    int64_t held_since_us; /* of its first byte */
    struct http1_body body;
    struct exchange *exchange;   /* whose message is in BODY */
    uint64_t message_bytes;      /* of the message in hand, head and framing included */
    uint64_t lost_bytes;         /* since the last message: missing or passed over */
    bool was_lost_from_boundary; /* they began at a message's first byte or in its head */
    struct ws_stream *ws;
};

struct http_connection {
    struct http_context *context;
    void *owner;
    struct http_side sides[2]; /* by enum flow_side, after swapping */
    struct pairing pairing;
    int64_t exchange_id; /* of the upgrade, for the messages */
    int64_t session_id;
    int64_t now_us;
    bool is_mid_stream;
    bool is_swapped;
    bool is_websocket;
    bool has_cut_head; /* a start line was there, the rest of its head was not */
    uint32_t flaws;
    uint64_t stored_bytes;
    struct http_losses losses;
};

/* Which side that is, after a wrong guess was put right. */
static inline enum flow_side http_side_now(const struct http_connection *connection,
                                           enum flow_side from)
{
    return connection->is_swapped ? (enum flow_side) !from : from;
}

/* Counting: each byte is taken once. */
void http_lose(struct http_connection *connection, enum trace_reason reason, uint64_t bytes);
/* From here on look for the next message start. */
void http_side_search(struct http_side *side, enum trace_reason reason);

/* http_messages.c: a head was read into context->head. -1: no memory, the message is not kept. */
int http_begin_request(struct http_connection *connection, int64_t first_us);
int http_begin_response(struct http_connection *connection, int64_t first_us);

/* side->exchange's message is over. */
void http_end_message(struct http_connection *connection, enum flow_side from, bool is_in_order);
/* The body is cut or broken: `flaws` say how. */
void http_cut_message(struct http_connection *connection, enum flow_side from, uint32_t flaws);
/* Nothing more will be answered. */
void http_end_pending(struct http_connection *connection);
/* A request was lost before it could be read: hold its place. */
void http_hold_place(struct http_connection *connection);

#endif

/* http_connection.c - moves a connection's bytes through its states; counts what it cannot keep. */
#include "capture/http_connection.h"

#include <stdlib.h>

#include "capture/http_state.h"
#include "capture/http_sync.h"

enum {
    MAX_WAIT_BYTES = 64 * 1024, /* sent before an upgrade was answered */
    MAX_HELD_BYTES = HTTP1_MAX_HEAD_BYTES + MAX_WAIT_BYTES,
    KEPT_HELD_BYTES = 4096
};

struct http_limits http_default_limits(void)
{
    return (struct http_limits){
        .max_body_bytes = 64u << 20, .max_held_bytes = 512u << 20, .max_pending = 4096};
}

void http_context_init(struct http_context *context, const struct http_limits *limits,
                       const struct http_sink *sink)
{
    context->limits = *limits;
    context->sink = *sink;
    exchange_pool_init(&context->pool, limits->max_body_bytes, limits->max_held_bytes);
}

void http_context_fini(struct http_context *context)
{
    exchange_pool_fini(&context->pool);
}

void http_lose(struct http_connection *connection, enum trace_reason reason, uint64_t bytes)
{
    struct http_losses *losses = &connection->losses;
    if (bytes == 0)
        return;
    if (losses->payload_bytes[reason] == 0)
        losses->first_us[reason] = connection->now_us;
    losses->payload_bytes[reason] += bytes;
    losses->last_us[reason] = connection->now_us;
}

void http_side_search(struct http_side *side, enum trace_reason reason)
{
    side->state = SIDE_SEARCH;
    side->skip_reason = reason;
    side->was_found = false;
    side->looked_bytes = 0;
}

struct http_connection *http_connection_new(struct http_context *context, void *owner,
                                            bool is_mid_stream)
{
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->context = context;
    connection->owner = owner;
    connection->is_mid_stream = is_mid_stream;
    connection->flaws = is_mid_stream ? TRACE_FLAW_MID_STREAM : 0;
    for (int i = 0; i < 2; i++) {
        buf_init(&connection->sides[i].held, MAX_HELD_BYTES);
        connection->sides[i].was_lost_from_boundary = true;
        if (is_mid_stream)
            http_side_search(&connection->sides[i], TRACE_REASON_MID_STREAM);
    }
    return connection;
}

void http_connection_free(struct http_connection *connection)
{
    if (!connection)
        return;
    struct exchange_pool *pool = &connection->context->pool;
    struct exchange *exchange;
    while ((exchange = pairing_pop(&connection->pairing))) {
        if (exchange != connection->sides[FLOW_CLIENT].exchange)
            exchange_free(pool, exchange);
    }
    for (int i = 0; i < 2; i++) {
        struct http_side *side = &connection->sides[i];
        if (side->exchange && (i == 0 || side->exchange != connection->sides[0].exchange))
            exchange_free(pool, side->exchange);
        pool->held_bytes -= side->held.len;
        buf_fini(&side->held);
        ws_stream_free(side->ws);
    }
    free(connection);
}

/* The bytes at the start of `in` are no message: search from the next one on. */
static size_t refuse_head(struct http_connection *connection, struct http_side *side,
                          struct bytes in)
{
    bool is_from_client = side == &connection->sides[FLOW_CLIENT];
    enum trace_reason reason = TRACE_REASON_UNPARSABLE;
    if (side->was_found) {
        reason = side->skip_reason;
    } else if (!side->has_messages) {
        reason = TRACE_REASON_NOT_HTTP;
        if (is_from_client && http_sync_is_socks(in)) {
            http_side_search(&connection->sides[FLOW_SERVER], reason);
        } else {
            side->state = SIDE_OPAQUE;
            return 0;
        }
    } else {
        connection->flaws |= TRACE_FLAW_UNPARSABLE;
    }
    http_side_search(side, reason);
    http_lose(connection, reason, 1);
    side->lost_bytes += reason == TRACE_REASON_AFTER_GAP;
    return 1;
}

/* Is there an empty line behind the part that was looked at before? */
static bool has_head_end(struct bytes in, size_t looked_bytes)
{
    size_t at = looked_bytes > 3 ? looked_bytes - 3 : 0;
    while ((at += bytes_index_of(bytes_from(in, at), '\n')) < in.len) {
        at++;
        if (at < in.len && in.ptr[at] == '\n')
            return true;
        if (at + 1 < in.len && in.ptr[at] == '\r' && in.ptr[at + 1] == '\n')
            return true;
    }
    return false;
}

static size_t count_blank(struct bytes in)
{
    size_t count = 0;
    while (count < in.len && (in.ptr[count] == '\r' || in.ptr[count] == '\n'))
        count++;
    return count;
}

/* A head that came in pieces is parsed when its first line is there and when its end is. */
static bool is_worth_parsing(const struct http_side *side, struct bytes in)
{
    if (side->looked_bytes == 0 || has_head_end(in, side->looked_bytes))
        return true;
    size_t first_line = bytes_index_of(in, '\n');
    return first_line >= side->looked_bytes && first_line < in.len;
}

static size_t step_head(struct http_connection *connection, enum flow_side from, struct bytes in)
{
    struct http_side *side = &connection->sides[from];
    struct http1_head *head = &connection->context->head;
    bool is_response = from == FLOW_SERVER;
    size_t blank = count_blank(in);
    if (blank && (side->has_messages || blank == in.len)) {
        connection->stored_bytes += side->has_messages ? blank : 0;
        if (!side->has_messages)
            return 0;
        return blank; /* an old client's CRLF behind its body (RFC 9112 2.2) */
    }
    size_t proxy_line = side->has_messages || is_response ? 0 : http_sync_proxy_line(in);
    if (proxy_line) {
        http_lose(connection, TRACE_REASON_NOT_HTTP, proxy_line);
        return proxy_line;
    }
    if (!(is_response ? http1_looks_like_response(in) : http1_looks_like_request(in)))
        return refuse_head(connection, side, in);
    ssize_t used = HTTP1_NEED_MORE;
    if (is_worth_parsing(side, in))
        used = is_response ? http1_parse_response(in, head) : http1_parse_request(in, head);
    if (used == HTTP1_BAD || (used == HTTP1_NEED_MORE && in.len > HTTP1_MAX_HEAD_BYTES))
        return refuse_head(connection, side, in);
    side->looked_bytes = used == HTTP1_NEED_MORE ? in.len : 0;
    if (used == HTTP1_NEED_MORE)
        return 0;
    side->was_found = false;
    side->message_bytes = (uint64_t)used;
    int result = is_response ? http_begin_response(connection, side->held_since_us)
                             : http_begin_request(connection, side->held_since_us);
    if (result)
        http_lose(connection, TRACE_REASON_INCOMPLETE, (uint64_t)used);
    else
        connection->stored_bytes += (uint64_t)used;
    return (size_t)used;
}

static size_t step_body(struct http_connection *connection, enum flow_side from, struct bytes in)
{
    struct http_side *side = &connection->sides[from];
    struct exchange *exchange = side->exchange;
    struct exchange_part *part = from == FLOW_CLIENT ? &exchange->request : &exchange->response;
    if (exchange->is_lost_request && part->body_bytes == 0 && http_sync_is_response(in)) {
        /* The request that was not seen was a HEAD: here is the next answer, not a body. */
        http_end_message(connection, from, true);
        return 0;
    }
    struct http1_piece piece;
    ssize_t used = http1_body_next(&side->body, in, &piece);
    if (used < 0) {
        http_cut_message(connection, from, TRACE_FLAW_UNPARSABLE);
        http_side_search(side, TRACE_REASON_UNPARSABLE);
        return 0;
    }
    connection->stored_bytes += (uint64_t)used;
    side->message_bytes += (uint64_t)used;
    if (piece.kind == HTTP1_PIECE_DATA)
        exchange_part_add_body(&connection->context->pool, part, piece.bytes);
    else if (piece.kind == HTTP1_PIECE_TRAILER)
        exchange_part_add_trailer(part, piece.bytes);
    if (side->body.is_done)
        http_end_message(connection, from, true);
    return (size_t)used;
}

static size_t step_search(struct http_connection *connection, enum flow_side from, struct bytes in)
{
    struct http_side *side = &connection->sides[from];
    bool is_response = from == FLOW_SERVER;
    bool is_after_gap = side->skip_reason == TRACE_REASON_AFTER_GAP;
    enum http_sync_places places = HTTP_SYNC_AT_START;
    if (is_after_gap)
        places =
            is_response && connection->pairing.count ? HTTP_SYNC_ANYWHERE : HTTP_SYNC_AFTER_BLANK;
    size_t skipped = http_sync_find(in, is_response, places);
    http_lose(connection, side->skip_reason, skipped);
    if (is_after_gap)
        side->lost_bytes += skipped;
    if (skipped < in.len) {
        side->state = SIDE_HEAD;
        side->was_found = true;
    }
    return skipped;
}

static size_t step_wait(struct http_connection *connection, enum flow_side from, struct bytes in)
{
    struct http_side *side = &connection->sides[from];
    if (http_sync_is_request(in)) {
        side->state = SIDE_HEAD; /* the upgrade was ignored, and its answer is lost or late */
        return 0;
    }
    if (in.len <= MAX_WAIT_BYTES)
        return 0;
    http_lose(connection, TRACE_REASON_UNPARSABLE, in.len);
    side->has_gap_in_wait = true;
    return in.len;
}

static size_t step(struct http_connection *connection, enum flow_side from, struct bytes in)
{
    struct http_side *side = &connection->sides[from];
    switch (side->state) {
    case SIDE_HEAD:
        return step_head(connection, from, in);
    case SIDE_BODY:
        return step_body(connection, from, in);
    case SIDE_SEARCH:
        return step_search(connection, from, in);
    case SIDE_WAIT:
        return step_wait(connection, from, in);
    case SIDE_WEBSOCKET:
        if (side->ws)
            ws_stream_data(side->ws, in, connection->now_us);
        else
            http_lose(connection, TRACE_REASON_UNPARSABLE, in.len);
        return in.len;
    case SIDE_OPAQUE:
        http_lose(connection, TRACE_REASON_NOT_HTTP, in.len);
        return in.len;
    }
    return in.len;
}

static void set_held(struct http_connection *connection, struct http_side *side, size_t used,
                     struct bytes left)
{
    struct exchange_pool *pool = &connection->context->pool;
    if (side->held.len) {
        pool->held_bytes -= used < side->held.len ? used : side->held.len;
        buf_consume(&side->held, used);
        if (side->held.len == 0 && side->held.capacity > KEPT_HELD_BYTES)
            buf_release(&side->held);
        return;
    }
    if (left.len == 0)
        return;
    if (pool->held_bytes + left.len > pool->max_held_bytes || buf_append_bytes(&side->held, left)) {
        buf_clear(&side->held);
        http_lose(connection, TRACE_REASON_INCOMPLETE, left.len);
        http_side_search(side, TRACE_REASON_UNPARSABLE);
        return;
    }
    pool->held_bytes += left.len;
}

/* Everything that can be read of what is held and of `data`. */
static void run(struct http_connection *connection, enum flow_side from, struct bytes data)
{
    struct http_side *side = &connection->sides[from];
    struct exchange_pool *pool = &connection->context->pool;
    struct bytes in = data;
    if (side->held.len == 0) {
        side->held_since_us = connection->now_us;
    } else {
        if (buf_append_bytes(&side->held, data)) { /* cannot be: step() has refused before */
            http_lose(connection, TRACE_REASON_INCOMPLETE, data.len);
            side->held.has_failed = false;
        } else {
            pool->held_bytes += data.len;
        }
        in = buf_bytes(&side->held);
    }
    size_t total = in.len;
    while (in.len) {
        enum side_state before = side->state;
        size_t used = step(connection, from, in);
        if (used == 0 && side->state == before)
            break;
        if (used)
            side->held_since_us = connection->now_us;
        in = bytes_from(in, used);
    }
    if (side->state == SIDE_BODY && side->exchange)
        exchange_part_keep(pool, from == FLOW_CLIENT ? &side->exchange->request
                                                     : &side->exchange->response);
    set_held(connection, side, total - in.len, in);
}

/* The caller guessed who is the client; before the first message the bytes may say otherwise. */
static bool is_other_way_round(const struct http_connection *connection, enum flow_side from,
                               struct bytes data)
{
    if (!connection->is_mid_stream || connection->sides[0].has_messages ||
        connection->sides[1].has_messages)
        return false;
    return from == FLOW_CLIENT ? http_sync_is_response(data) : http_sync_is_request(data);
}

static void swap_sides(struct http_connection *connection)
{
    struct http_side client = connection->sides[FLOW_CLIENT];
    connection->sides[FLOW_CLIENT] = connection->sides[FLOW_SERVER];
    connection->sides[FLOW_SERVER] = client;
    connection->is_swapped = !connection->is_swapped;
}

void http_connection_data(struct http_connection *connection, enum flow_side from,
                          struct bytes data, int64_t at_us)
{
    struct http_side *client = &connection->sides[FLOW_CLIENT];
    connection->now_us = at_us;
    from = http_side_now(connection, from);
    if (is_other_way_round(connection, from, data)) {
        swap_sides(connection);
        from = (enum flow_side) !from;
    }
    bool was_waiting = client->state == SIDE_WAIT;
    run(connection, from, data);
    if (was_waiting && client->state != SIDE_WAIT && from == FLOW_SERVER && client->held.len)
        run(connection, FLOW_CLIENT, (struct bytes){.ptr = ""});
}

const char *http_connection_protocol(const struct http_connection *connection)
{
    if (connection->is_websocket)
        return "websocket";
    return connection->stored_bytes || connection->has_cut_head ? "http/1.1" : "unknown";
}

bool http_connection_is_swapped(const struct http_connection *connection)
{
    return connection->is_swapped;
}

uint32_t http_connection_flaws(const struct http_connection *connection)
{
    return connection->flaws;
}

uint64_t http_connection_stored_bytes(const struct http_connection *connection)
{
    uint64_t bytes = connection->stored_bytes;
    for (int i = 0; i < 2; i++) {
        if (connection->sides[i].ws)
            bytes += ws_stream_stored_bytes(connection->sides[i].ws);
    }
    return bytes;
}

const struct http_losses *http_connection_losses(const struct http_connection *connection)
{
    return &connection->losses;
}

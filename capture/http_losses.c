/* http_losses.c - the parts of an http_connection that deal with what is missing: gaps in the
 * streams, and their ends. */
#include "capture/http_state.h"
#include "capture/http_sync.h"

/* What is held will not become a message. */
static void drop_held(struct http_connection *connection, struct http_side *side,
                      enum trace_reason reason)
{
    size_t len = side->held.len;
    struct bytes held = buf_bytes(&side->held);
    connection->has_cut_head |= http_sync_is_request(held) || http_sync_is_response(held);
    http_lose(connection, side->was_found ? side->skip_reason : reason, len);
    connection->context->pool.held_bytes -= len;
    buf_release(&side->held);
    side->looked_bytes = 0;
}

/* Bytes of a body are missing: true when its framing survives. *ret_beyond: those behind its end.
 */
static bool skip_body(struct http_side *side, struct exchange_part *part, uint64_t missing_bytes,
                      uint64_t *ret_beyond)
{
    uint64_t in_body = missing_bytes;
    *ret_beyond = 0;
    if (side->body.framing == HTTP1_LENGTH && missing_bytes > side->body.left_bytes) {
        in_body = side->body.left_bytes;
        *ret_beyond = missing_bytes - in_body;
    }
    if (!http1_body_skip(&side->body, in_body))
        return false;
    part->body_bytes += in_body;
    return true;
}

static void gap_in_body(struct http_connection *connection, enum flow_side from,
                        uint64_t missing_bytes)
{
    struct http_side *side = &connection->sides[from];
    struct exchange *exchange = side->exchange;
    uint64_t beyond;
    exchange->flaws |= TRACE_FLAW_GAP;
    if (!skip_body(side, from == FLOW_CLIENT ? &exchange->request : &exchange->response,
                   missing_bytes, &beyond)) {
        http_cut_message(connection, from, TRACE_FLAW_GAP | TRACE_FLAW_TRUNCATED);
        http_side_search(side, TRACE_REASON_AFTER_GAP);
        side->lost_bytes = missing_bytes;
        side->was_lost_from_boundary = false;
        return;
    }
    if (side->body.is_done)
        http_end_message(connection, from, true);
    if (!beyond)
        return;
    if (side->state == SIDE_WAIT) {
        side->has_gap_in_wait = true;
        return;
    }
    http_side_search(side, TRACE_REASON_AFTER_GAP);
    side->lost_bytes = beyond;
    if (from == FLOW_CLIENT)
        http_hold_place(connection);
}

void http_connection_gap(struct http_connection *connection, enum flow_side from,
                         uint64_t missing_bytes, int64_t at_us)
{
    from = http_side_now(connection, from);
    struct http_side *side = &connection->sides[from];
    connection->now_us = at_us;
    connection->flaws |= TRACE_FLAW_GAP;
    if (from == FLOW_SERVER)
        pairing_mark_gap(&connection->pairing);
    switch (side->state) {
    case SIDE_HEAD:
        side->lost_bytes += missing_bytes + side->held.len;
        side->was_lost_from_boundary = true;
        drop_held(connection, side, TRACE_REASON_INCOMPLETE);
        http_side_search(side, TRACE_REASON_AFTER_GAP);
        if (from == FLOW_CLIENT)
            http_hold_place(connection);
        break;
    case SIDE_SEARCH:
        side->lost_bytes += missing_bytes;
        break;
    case SIDE_BODY:
        gap_in_body(connection, from, missing_bytes);
        break;
    case SIDE_WAIT:
        drop_held(connection, side, TRACE_REASON_AFTER_GAP);
        side->has_gap_in_wait = true;
        break;
    case SIDE_WEBSOCKET:
        if (side->ws)
            ws_stream_gap(side->ws, at_us);
        break;
    case SIDE_OPAQUE:
        break;
    }
}

/* No message was ever seen: whatever its bytes were counted as, they are another protocol's. */
static void count_as_not_http(struct http_connection *connection)
{
    uint64_t *bytes = connection->losses.payload_bytes;
    int64_t first_us = connection->now_us;
    uint64_t total = 0;
    for (int reason = 0; reason < TRACE_REASON_COUNT; reason++) {
        if (bytes[reason] && connection->losses.first_us[reason] < first_us)
            first_us = connection->losses.first_us[reason];
        total += bytes[reason];
        bytes[reason] = 0;
    }
    http_lose(connection, TRACE_REASON_NOT_HTTP, total);
    connection->losses.first_us[TRACE_REASON_NOT_HTTP] = first_us;
}

static void end_of_body(struct http_connection *connection, enum flow_side from,
                        enum trace_connection_end end)
{
    struct http_side *side = &connection->sides[from];
    if (http1_body_close(&side->body) && end == TRACE_END_FIN)
        http_end_message(connection, from, true);
    else
        http_cut_message(connection, from, TRACE_FLAW_TRUNCATED);
}

/* Nothing more comes: neither of a body, nor of a head, nor of a frame. */
static void end_side(struct http_connection *connection, enum flow_side from,
                     enum trace_connection_end end)
{
    struct http_side *side = &connection->sides[from];
    if (side->state == SIDE_BODY)
        end_of_body(connection, from, end);
    if (side->held.len)
        drop_held(connection, side, TRACE_REASON_INCOMPLETE);
    if (side->ws)
        ws_stream_close(side->ws, connection->now_us);
}

void http_connection_close(struct http_connection *connection, enum flow_side from,
                           enum trace_connection_end end, int64_t at_us)
{
    from = http_side_now(connection, from);
    struct http_side *side = &connection->sides[from];
    if (side->is_closed)
        return;
    connection->now_us = at_us;
    side->is_closed = true;
    /* What waits for the answer to an upgrade waits on: the answer may still come. */
    if (side->state != SIDE_WAIT)
        end_side(connection, from, end);
    if (!connection->sides[!from].is_closed)
        return;
    end_side(connection, FLOW_CLIENT, end);
    end_side(connection, FLOW_SERVER, end);
    http_end_pending(connection);
    if (!connection->sides[0].has_messages && !connection->sides[1].has_messages &&
        connection->stored_bytes == 0 && !connection->has_cut_head)
        count_as_not_http(connection);
}

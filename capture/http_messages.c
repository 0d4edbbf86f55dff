/* http_messages.c - from heads and bodies to exchanges: pairing, upgrades, what ends when. */
#include "capture/http_state.h"
#include "capture/session_keys.h"
#include "capture/ws_handshake.h"

static struct http_side *client_of(struct http_connection *connection)
{
    return &connection->sides[FLOW_CLIENT];
}

static struct http_side *server_of(struct http_connection *connection)
{
    return &connection->sides[FLOW_SERVER];
}

/* An exchange leaves when both of its messages are over. */
static void emit_when_over(struct http_connection *connection, struct exchange *exchange)
{
    struct http_context *context = connection->context;
    if (!exchange->request.has_ended || !exchange->response.has_ended)
        return;
    if (exchange->is_lost_request && !exchange->response.has_head &&
        !exchange->interim_statuses[0]) {
        exchange_free(&context->pool, exchange);
        return;
    }
    struct trace_exchange row;
    exchange_row(exchange, &row);
    context->sink.on_exchange(connection->owner, exchange, &row,
                              exchange_part_body(&exchange->response));
    if (exchange->is_websocket) {
        connection->exchange_id = row.exchange_id;
        connection->session_id = row.session_id;
    }
    exchange_free(&context->pool, exchange);
}

/* The request's answer will not come, or was not seen. */
static void end_without_response(struct http_connection *connection, struct exchange *exchange,
                                 uint32_t flaws)
{
    exchange->flaws |= flaws;
    if (!exchange->is_lost_request)
        exchange->flaws |= TRACE_FLAW_NO_RESPONSE;
    exchange_part_end(&exchange->response, TRACE_NO_MOMENT);
    emit_when_over(connection, exchange);
}

void http_end_pending(struct http_connection *connection)
{
    struct exchange *exchange;
    while ((exchange = pairing_pop(&connection->pairing)))
        end_without_response(connection, exchange, 0);
}

void http_hold_place(struct http_connection *connection)
{
    struct pairing *pairing = &connection->pairing;
    if (pairing->last && pairing->last->is_lost_request)
        return; /* one is enough: how many were lost is not known */
    struct exchange *exchange = exchange_new(&connection->context->pool);
    if (!exchange)
        return;
    exchange->is_lost_request = true;
    exchange_part_end(&exchange->request, TRACE_NO_MOMENT);
    pairing_push(pairing, exchange);
}

static void end_part(struct http_connection *connection, struct exchange *exchange,
                     enum flow_side from, int64_t at_us)
{
    struct http_context *context = connection->context;
    bool is_request = from == FLOW_CLIENT;
    struct exchange_part *part = is_request ? &exchange->request : &exchange->response;
    if (part->cut_bytes) {
        connection->stored_bytes -= part->cut_bytes;
        http_lose(connection, TRACE_REASON_BODY_LIMIT, part->cut_bytes);
        exchange->flaws |= TRACE_FLAW_TRUNCATED;
    }
    struct bytes body = exchange_part_body(part);
    if (body.len)
        part->body_id = context->sink.put_body(connection->owner, exchange,
                                               is_request ? TRACE_CLIENT : TRACE_SERVER, body);
    exchange_part_end(part, at_us);
    /* A request may wait long for its answer: not with its body. The answer's is looked at again.
     */
    if (is_request || !exchange->request.has_ended)
        exchange_part_drop_body(&context->pool, part);
    emit_when_over(connection, exchange);
}

static void on_ws_message(void *owner, struct trace_message *row, struct bytes content)
{
    struct http_connection *connection = owner;
    row->exchange_id = connection->exchange_id;
    row->session_id = connection->session_id;
    connection->context->sink.on_message(connection->owner, row, content);
}

static void on_ws_lost(void *owner, enum trace_reason reason, uint64_t payload_bytes)
{
    http_lose(owner, reason, payload_bytes);
}

static void start_websocket(struct http_connection *connection, struct bytes extensions)
{
    static const struct ws_callbacks callbacks = {on_ws_message, on_ws_lost};
    struct ws_settings settings = {.max_message_bytes = connection->context->limits.max_body_bytes};
    connection->is_websocket = true;
    for (int i = 0; i < 2; i++) {
        struct http_side *side = &connection->sides[i];
        enum trace_sender sender = i == FLOW_CLIENT ? TRACE_CLIENT : TRACE_SERVER;
        ws_settings_read(&settings, extensions, sender);
        side->state = SIDE_WEBSOCKET;
        side->ws = ws_stream_new(&settings, sender, &callbacks, connection);
        if (side->ws && side->has_gap_in_wait)
            ws_stream_gap(side->ws, connection->now_us);
    }
}

/* 2xx to CONNECT: what comes may be HTTP again; where it is not, it never was. */
static void start_tunnel(struct http_connection *connection, enum side_state state)
{
    for (int i = 0; i < 2; i++) {
        struct http_side *side = &connection->sides[i];
        side->state = state;
        side->looked_bytes = 0;
        side->has_messages = false;
        if (side->has_gap_in_wait && state == SIDE_HEAD)
            http_side_search(side, TRACE_REASON_AFTER_GAP);
        side->has_gap_in_wait = false;
    }
}

void http_end_message(struct http_connection *connection, enum flow_side from, bool is_in_order)
{
    struct http_side *side = &connection->sides[from];
    struct exchange *exchange = side->exchange;
    side->exchange = NULL;
    side->state = SIDE_HEAD;
    side->was_found = false;
    side->lost_bytes = 0;
    side->was_lost_from_boundary = true;
    if (from == FLOW_SERVER && is_in_order && !(exchange->flaws & TRACE_FLAW_GAP))
        pairing_learn(&connection->pairing, side->message_bytes);
    side->message_bytes = 0;
    if (from == FLOW_CLIENT && exchange->is_upgrade && !exchange->response.has_ended)
        side->state = SIDE_WAIT;
    end_part(connection, exchange, from, is_in_order ? connection->now_us : TRACE_NO_MOMENT);
}

void http_cut_message(struct http_connection *connection, enum flow_side from, uint32_t flaws)
{
    connection->sides[from].exchange->flaws |= flaws;
    connection->flaws |= flaws;
    http_end_message(connection, from, false);
}

/* A place held for a lost request is given up when a client that waits for answers goes on. */
static void drop_held_places(struct http_connection *connection)
{
    struct pairing *pairing = &connection->pairing;
    while (!pairing->is_pipelined && pairing->first && pairing->first->is_lost_request)
        end_without_response(connection, pairing_pop(pairing), 0);
}

/* The streams come in causal order: an answer that the client had seen before it sent this request
 * has been delivered, or its loss has been reported. */
static bool is_ahead_of_answers(const struct http_connection *connection)
{
    const struct exchange *last = connection->pairing.last;
    const struct http_side *server = &connection->sides[FLOW_SERVER];
    if (server->state == SIDE_SEARCH || server->state == SIDE_OPAQUE || server->is_closed)
        return false;
    if (last && !last->is_lost_request && !last->was_before_gap)
        return true;
    return server->state == SIDE_BODY && server->body.framing != HTTP1_UNTIL_CLOSE;
}

static bool asks_for_upgrade(const struct http1_head *head)
{
    return bytes_equal(head->method, bytes_of("CONNECT")) ||
           (http1_header(head, "upgrade").ptr &&
            http1_header_has_token(head, "connection", "upgrade"));
}

int http_begin_request(struct http_connection *connection, int64_t first_us)
{
    struct http_context *context = connection->context;
    struct http_side *side = client_of(connection);
    struct pairing *pairing = &connection->pairing;
    side->has_messages = true;
    side->lost_bytes = 0;
    drop_held_places(connection);
    pairing->is_pipelined |= is_ahead_of_answers(connection);
    struct exchange *exchange = exchange_new(&context->pool);
    if (!exchange || exchange_set_request(exchange, &context->head, first_us)) {
        if (exchange)
            exchange_free(&context->pool, exchange);
        return -1;
    }
    exchange->is_upgrade = asks_for_upgrade(&context->head);
    if (pairing->count >= context->limits.max_pending)
        end_without_response(connection, pairing_pop(pairing), 0);
    pairing_push(pairing, exchange);
    side->exchange = exchange;
    if (http1_request_body(&context->head, &side->body)) {
        http_cut_message(connection, FLOW_CLIENT, TRACE_FLAW_UNPARSABLE);
        http_side_search(side, TRACE_REASON_UNPARSABLE);
        return 0;
    }
    side->state = SIDE_BODY;
    if (side->body.is_done)
        http_end_message(connection, FLOW_CLIENT, true);
    return 0;
}

/* The request that this answer is for; those whose answer was lost are let go. NULL: not seen. */
static struct exchange *take_request(struct http_connection *connection)
{
    struct http_side *side = server_of(connection);
    size_t lost =
        pairing_lost_answers(&connection->pairing, side->lost_bytes, side->was_lost_from_boundary);
    side->lost_bytes = 0;
    while (lost--)
        end_without_response(connection, pairing_pop(&connection->pairing), TRACE_FLAW_GAP);
    return pairing_pop(&connection->pairing);
}

static struct exchange *new_orphan(struct http_connection *connection)
{
    struct exchange *exchange = exchange_new(&connection->context->pool);
    if (!exchange)
        return NULL;
    exchange_part_end(&exchange->request, TRACE_NO_MOMENT);
    exchange->is_lost_request = true;
    return exchange;
}

/* 101, or 2xx to CONNECT. */
static void begin_tunnel(struct http_connection *connection, struct exchange *exchange)
{
    const struct http1_head *head = &connection->context->head;
    bool is_websocket = head->status == 101 && http1_header_has_token(head, "upgrade", "websocket");
    exchange->is_websocket = is_websocket;
    /* A browser would have hung up; others go on, and so do we. */
    if (is_websocket && !exchange->is_lost_request &&
        !ws_accept_is_right(session_header_of(exchange->request.headers, "sec-websocket-key"),
                            http1_header(head, "sec-websocket-accept")))
        exchange->flaws |= TRACE_FLAW_UNPARSABLE;
    if (client_of(connection)->exchange == exchange) /* its body has not ended: it never will */
        http_cut_message(connection, FLOW_CLIENT, TRACE_FLAW_TRUNCATED);
    http_end_message(connection, FLOW_SERVER, true);
    if (is_websocket)
        start_websocket(connection, http1_header(head, "sec-websocket-extensions"));
    else
        start_tunnel(connection, head->status == 101 ? SIDE_OPAQUE : SIDE_HEAD);
}

static void frame_response(struct http_connection *connection, struct exchange *exchange)
{
    struct http_side *side = server_of(connection);
    const struct http1_head *head = &connection->context->head;
    int bad = http1_response_body(head, exchange->method, &side->body);
    if (bad) {
        http_cut_message(connection, FLOW_SERVER, TRACE_FLAW_UNPARSABLE);
        http_side_search(side, TRACE_REASON_UNPARSABLE);
        return;
    }
    side->state = SIDE_BODY;
    if (side->body.framing == HTTP1_TUNNEL) {
        begin_tunnel(connection, exchange);
    } else if (side->body.is_done) {
        http_end_message(connection, FLOW_SERVER, true);
    }
}

/* The client's bytes that waited for this answer are read as the next request. */
static void end_wait(struct http_connection *connection)
{
    struct http_side *client = client_of(connection);
    if (client->state != SIDE_WAIT)
        return;
    client->state = SIDE_HEAD;
    client->looked_bytes = 0;
    if (client->has_gap_in_wait)
        http_side_search(client, TRACE_REASON_AFTER_GAP);
    client->has_gap_in_wait = false;
}

int http_begin_response(struct http_connection *connection, int64_t first_us)
{
    const struct http1_head *head = &connection->context->head;
    struct http_side *side = server_of(connection);
    side->has_messages = true;
    struct exchange *exchange = take_request(connection);
    if (!exchange)
        exchange = new_orphan(connection);
    if (!exchange)
        return -1;
    if (exchange->is_lost_request)
        exchange->flaws |= TRACE_FLAW_NO_REQUEST;
    if (head->status / 100 == 1 && head->status != 101) {
        exchange_add_interim(exchange, head->status);
        if (exchange->response.first_us == TRACE_NO_MOMENT)
            exchange->response.first_us = first_us;
        pairing_push_front(&connection->pairing, exchange);
        return 0;
    }
    if (exchange_set_response(exchange, head, first_us)) {
        end_without_response(connection, exchange, TRACE_FLAW_TRUNCATED);
        return -1;
    }
    side->exchange = exchange;
    if (exchange->is_upgrade)
        end_wait(connection);
    frame_response(connection, exchange);
    return 0;
}

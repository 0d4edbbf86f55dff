/* transport_ws.c - moves a WebSocket through its states, and tells its owner once of each. */
#include "replay/transport/transport_ws.h"

static void pump(struct transport_ws *ws);

static void on_ready(struct loop_watch *watch, void *owner, int events)
{
    (void)watch;
    (void)events;
    pump(owner);
}

static void on_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_ws *ws = owner;
    if (ws->is_open)
        pump(ws);
    else if (!loop_has_looked(ws->loop, ws->deadline_us))
        timers_set(&ws->loop->timers, timer, now_us);
    else
        transport_ws_failed(ws, ws->client ? FAILURE_TIMEOUT : FAILURE_CONNECT_TIMEOUT,
                            "the upgrade was not answered in time");
}

void transport_ws_init(struct transport_ws *ws, const struct transport_ws_way *way,
                       struct loop *loop, uint64_t deadline_us,
                       const struct transport_ws_events *events, void *owner)
{
    *ws = (struct transport_ws){
        .way = way, .loop = loop, .tell = *events, .owner = owner, .deadline_us = deadline_us};
    loop_watch_init(&ws->watch, on_ready, ws);
    timer_init(&ws->timer, on_timer, ws);
}

void transport_ws_link(struct transport_ws *ws, struct transport_ws **list)
{
    ws->next = *list;
    ws->link = list;
    if (ws->next)
        ws->next->link = &ws->next;
    *list = ws;
}

void transport_ws_limit(struct transport_ws *ws)
{
    timers_set(&ws->loop->timers, &ws->timer, ws->deadline_us);
}

static void disconnect(struct transport_ws *ws)
{
    loop_watch_clear(ws->loop, &ws->watch);
    timers_cancel(&ws->loop->timers, &ws->timer);
    if (ws->way->disconnect)
        ws->way->disconnect(ws);
}

static void destroy(struct transport_ws *ws)
{
    disconnect(ws);
    ws_client_free(ws->client);
    *ws->link = ws->next;
    if (ws->next)
        ws->next->link = ws->link;
    ws->way->destroy(ws);
}

/* ---- telling the owner ---- */

static void on_message(void *owner, int opcode, struct bytes payload)
{
    struct transport_ws *ws = owner;
    if (!ws->is_freed)
        ws->tell.on_message(ws->owner, opcode, payload);
}

/* Status, bytes and times, and while the handshake's answer is there its headers, parsed into
 * `head`. */
static void fill_result(const struct transport_ws *ws, struct http1_head *head,
                        struct transport_result *result)
{
    result->dns_us = ws->dns_us;
    result->connect_us = ws->connect_us;
    result->tls_us = ws->tls_us;
    if (!ws->client)
        return;
    result->response.status = ws_client_status(ws->client);
    result->bytes_sent = ws_client_bytes_sent(ws->client);
    result->bytes_received = ws_client_bytes_received(ws->client);
    if (ws_client_head(ws->client, head) == 0) {
        result->response.headers = head->headers;
        result->response.header_count = head->header_count;
        result->waiting_us = ws->loop->now_us - ws->connected_us;
    }
}

/* No more comes: say so once. */
static void finish(struct transport_ws *ws, enum failure failure, const char *detail)
{
    struct transport_result result = {.failure = failure, .detail = detail};
    struct http1_head head;
    if (ws->is_over || ws->is_freed)
        return;
    ws->is_over = true;
    fill_result(ws, &head, &result);
    disconnect(ws);
    ws->tell.on_close(ws->owner, &result,
                      ws->client && ws->is_open ? ws_client_close_code(ws->client) : 0);
}

static void tell_open(struct transport_ws *ws)
{
    struct transport_result result = {0};
    struct http1_head head;
    ws->is_open = true;
    timers_cancel(&ws->loop->timers, &ws->timer);
    fill_result(ws, &head, &result);
    ws->tell.on_open(ws->owner, &result);
}

static void leave_callback(struct transport_ws *ws)
{
    ws->is_in_callback = false;
    if (ws->is_freed)
        destroy(ws);
}

void transport_ws_failed(struct transport_ws *ws, enum failure failure, const char *detail)
{
    ws->is_in_callback = true;
    finish(ws, failure, detail);
    leave_callback(ws);
}

/* ---- its states ---- */

static void pump_soon(struct transport_ws *ws)
{
    timers_set(&ws->loop->timers, &ws->timer, ws->loop->now_us);
}

/* Under TLS a write may have to wait for something to read: that is watched for in any case. */
static int watch(struct transport_ws *ws, int descriptor)
{
    int events = LOOP_READ;
    if (ws_client_wants_write(ws->client))
        events |= ws->way->events ? ws->way->events(ws) & LOOP_WRITE : LOOP_WRITE;
    return loop_watch_set(ws->loop, &ws->watch, descriptor, events);
}

static void go_on(struct transport_ws *ws)
{
    int descriptor = ws->way->descriptor(ws);
    if (descriptor < 0)
        finish(ws, FAILURE_RESET, "the connection is gone");
    else if (watch(ws, descriptor))
        finish(ws, FAILURE_NO_FILES, "the connection cannot be watched");
    else if (ws->is_open && ws_client_has_more(ws->client))
        pump_soon(ws); /* in TLS perhaps: no event tells of it */
}

static void act_on_state(struct transport_ws *ws, enum ws_client_state state)
{
    if (!ws->is_open &&
        (state == WS_STATE_OPEN || state == WS_STATE_CLOSING || state == WS_STATE_CLOSED))
        tell_open(ws);
    if (ws->is_freed)
        return;
    switch (state) {
    case WS_STATE_HANDSHAKE:
    case WS_STATE_OPEN:
    case WS_STATE_CLOSING:
        go_on(ws);
        break;
    case WS_STATE_CLOSED:
    case WS_STATE_REFUSED:
        finish(ws, FAILURE_NONE, NULL);
        break;
    case WS_STATE_BROKEN:
        finish(ws, ws_client_failure(ws->client), ws_client_detail(ws->client));
        break;
    }
}

static void pump(struct transport_ws *ws)
{
    if (ws->is_in_callback || ws->is_over)
        return;
    ws->is_in_callback = true;
    bool was_handshake = !ws->is_open;
    act_on_state(ws, ws_client_pump(ws->client));
    /* Frames may have come in the answer's packet, and on_open may have queued some. */
    if (was_handshake && ws->is_open && !ws->is_over && !ws->is_freed)
        act_on_state(ws, ws_client_pump(ws->client));
    leave_callback(ws);
}

static struct random mask_random(const struct transport_ws *ws, uint64_t seed)
{
    /* Masks need to be unpredictable to scripts in browsers, not to us (RFC 6455 10.3). */
    struct random random;
    random_init(&random, seed, (uint64_t)(uintptr_t)ws ^ ws->loop->now_us);
    return random;
}

void transport_ws_connected(struct transport_ws *ws, const struct http_request *http,
                            struct bytes cookies, const struct transport_options *options)
{
    const struct ws_io io = {.owner = ws,
                             .read = ws->way->read,
                             .write = ws->way->write,
                             .has_pending = ws->way->has_pending};
    ws->connected_us = ws->loop->now_us;
    ws->client = ws_client_new(&io, http, cookies, mask_random(ws, options->seed),
                               options->max_message_bytes, on_message, ws);
    if (!ws->client) {
        transport_ws_failed(ws, FAILURE_NO_FILES, "no memory for a WebSocket");
        return;
    }
    transport_ws_limit(ws);
    pump(ws);
}

int transport_ws_send(struct transport_ws *ws, int opcode, struct bytes payload, int close_code)
{
    if (!ws->is_open || ws->is_over || ws_client_send(ws->client, opcode, payload, close_code))
        return -1;
    if (ws_client_flush(ws->client) ||
        (!ws->is_in_callback && ws_client_wants_write(ws->client) && watch(ws, ws->watch.fd)))
        pump_soon(ws);
    return 0;
}

void transport_ws_free(struct transport_ws *ws)
{
    if (ws->is_in_callback)
        ws->is_freed = true;
    else
        destroy(ws);
}

/*
 * native_ws.c - WebSockets of the native transport: dialed, upgraded, then frames as they come.
 *
 *   DIALING --> HANDSHAKE --> OPEN --> OVER
 *        \__________\______________/
 *
 * An open one that is idle holds this struct and its ws_client: no buffer, no timer.
 */
#include <stdlib.h>

#include "replay/transport/transport_native.h"
#include "replay/transport/ws_client.h"

struct transport_ws {
    struct transport_ws *next, *previous; /* in user->websockets */
    struct transport_user *user;
    const struct http_request *http; /* until the handshake has been written down */
    struct bytes cookies;
    struct dial *dial;           /* DIALING */
    struct native_stream stream; /* from HANDSHAKE on */
    struct ws_client *client;    /* the same */
    struct transport_ws_events events;
    void *owner;
    struct loop_watch watch;
    struct timer timer; /* limits the handshake; later: pump again, there is more to read or tell */
    uint64_t deadline_us, connected_us;
    uint64_t dns_us, connect_us, tls_us;
    bool is_open;        /* on_open was called */
    bool is_over;        /* on_close was called */
    bool is_in_callback; /* of ours, or where one may come from */
    bool is_freed;       /* in a callback: free it behind that */
};

static struct loop *loop_of(const struct transport_ws *ws)
{
    return ws->user->transport->loop;
}

static struct random mask_random(const struct transport_ws *ws)
{
    /* Masks need to be unpredictable to scripts in browsers, not to us (RFC 6455 10.3). */
    struct random random;
    random_init(&random, ws->user->transport->options.seed,
                (uint64_t)(uintptr_t)ws ^ loop_of(ws)->now_us);
    return random;
}

static ssize_t io_result(ssize_t moved)
{
    return moved >= 0 ? moved : moved == STREAM_BLOCKED ? WS_IO_BLOCKED : WS_IO_FAILED;
}

static ssize_t io_read(void *owner, char *data, size_t len)
{
    struct transport_ws *ws = owner;
    return io_result(stream_read(&ws->stream, data, len));
}

static ssize_t io_write(void *owner, const char *data, size_t len)
{
    struct transport_ws *ws = owner;
    const struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    return io_result(stream_write(&ws->stream, &piece, 1));
}

static bool io_has_pending(void *owner)
{
    struct transport_ws *ws = owner;
    return stream_has_pending(&ws->stream);
}

static void on_message(void *owner, int opcode, struct bytes payload)
{
    struct transport_ws *ws = owner;
    if (!ws->is_freed)
        ws->events.on_message(ws->owner, opcode, payload);
}

/* Nothing will be read or written any more. */
static void disconnect(struct transport_ws *ws)
{
    loop_watch_clear(loop_of(ws), &ws->watch);
    timers_cancel(&loop_of(ws)->timers, &ws->timer);
    if (ws->dial)
        dial_cancel(ws->dial);
    ws->dial = NULL;
    if (ws->stream.fd >= 0) {
        struct tcp_seen seen = {.is_made = true}; /* the dialer counts */
        network_health_close(&ws->user->transport->network.health, ws->stream.fd, &seen);
        stream_close(&ws->stream);
        native_count_connection(ws->user->transport, -1);
    }
}

static void ws_destroy(struct transport_ws *ws)
{
    struct transport_user *user = ws->user;
    disconnect(ws);
    ws_client_free(ws->client);
    if (ws->previous)
        ws->previous->next = ws->next;
    else
        user->websockets = ws->next;
    if (ws->next)
        ws->next->previous = ws->previous;
    free(ws);
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
        result->waiting_us = loop_of(ws)->now_us - ws->connected_us;
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
    ws->events.on_close(ws->owner, &result,
                        ws->client && ws->is_open ? ws_client_close_code(ws->client) : 0);
}

static void tell_open(struct transport_ws *ws)
{
    struct transport_result result = {0};
    struct http1_head head;
    ws->is_open = true;
    timers_cancel(&loop_of(ws)->timers, &ws->timer);
    fill_result(ws, &head, &result);
    ws->events.on_open(ws->owner, &result);
}

static void pump_soon(struct transport_ws *ws)
{
    timers_set(&loop_of(ws)->timers, &ws->timer, loop_of(ws)->now_us);
}

/* Under TLS a write may have to wait for something to read: that is watched for in any case. */
static void watch_connection(struct transport_ws *ws)
{
    int events = LOOP_READ;
    if (ws_client_wants_write(ws->client))
        events |= stream_events(&ws->stream) & LOOP_WRITE;
    if (loop_watch_set(loop_of(ws), &ws->watch, ws->stream.fd, events))
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
        watch_connection(ws);
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

static void leave_callback(struct transport_ws *ws)
{
    ws->is_in_callback = false;
    if (ws->is_freed)
        ws_destroy(ws);
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

static void on_ready(struct loop_watch *watch, void *owner, int events)
{
    (void)watch;
    (void)events;
    pump(owner);
}

static void finish_in_callback(struct transport_ws *ws, enum failure failure, const char *detail)
{
    ws->is_in_callback = true;
    finish(ws, failure, detail);
    leave_callback(ws);
}

static void on_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_ws *ws = owner;
    (void)timer;
    (void)now_us;
    if (ws->is_open)
        pump(ws);
    else
        finish_in_callback(ws, FAILURE_TIMEOUT, "the upgrade was not answered in time");
}

static void on_dialed(void *owner, const struct dial_result *result)
{
    struct transport_ws *ws = owner;
    struct transport *transport = ws->user->transport;
    ws->dial = NULL;
    ws->dns_us = result->dns_us;
    ws->connect_us = result->connect_us;
    ws->tls_us = result->tls_us;
    if (result->failure != FAILURE_NONE) {
        finish_in_callback(ws, result->failure, result->detail);
        return;
    }
    ws->stream = result->stream;
    ws->connected_us = transport->loop->now_us;
    native_count_connection(transport, 1);
    const struct ws_io io = {
        .owner = ws, .read = io_read, .write = io_write, .has_pending = io_has_pending};
    ws->client = ws_client_new(&io, ws->http, ws->cookies, mask_random(ws),
                               transport->options.max_message_bytes, on_message, ws);
    if (!ws->client) {
        finish_in_callback(ws, FAILURE_NO_FILES, "no memory for a WebSocket");
        return;
    }
    timers_set(&transport->loop->timers, &ws->timer, ws->deadline_us);
    pump(ws);
}

struct transport_ws *native_ws_open(struct transport_user *user,
                                    const struct transport_request *request,
                                    const struct transport_ws_events *events, void *owner)
{
    struct transport *transport = user->transport;
    struct url url;
    struct transport_ws *ws = calloc(1, sizeof *ws);
    if (!ws || url_parse(request->http->url, &url)) {
        free(ws);
        return NULL;
    }
    *ws = (struct transport_ws){.user = user,
                                .http = request->http,
                                .cookies = request->cookies,
                                .stream = {.fd = -1},
                                .events = *events,
                                .owner = owner};
    loop_watch_init(&ws->watch, on_ready, ws);
    timer_init(&ws->timer, on_timer, ws);
    ws->deadline_us = transport->loop->now_us + transport->options.timeout_us;
    ws->dial = dial_start(transport->dialer, &url, false, &user->resumption, ws->deadline_us,
                          on_dialed, ws);
    if (!ws->dial) {
        free(ws);
        return NULL;
    }
    ws->next = user->websockets;
    if (ws->next)
        ws->next->previous = ws;
    user->websockets = ws;
    return ws;
}

/* Written at once where the connection takes it; what goes wrong is told by the loop, never inside
 * this call. */
int native_ws_send(struct transport_ws *ws, int opcode, struct bytes payload, int close_code)
{
    if (!ws->is_open || ws->is_over || ws_client_send(ws->client, opcode, payload, close_code))
        return -1;
    if (ws_client_flush(ws->client))
        pump_soon(ws);
    else if (!ws->is_in_callback && ws_client_wants_write(ws->client) &&
             loop_watch_set(loop_of(ws), &ws->watch, ws->stream.fd,
                            LOOP_READ | (stream_events(&ws->stream) & LOOP_WRITE)))
        pump_soon(ws);
    return 0;
}

void native_ws_free(struct transport_ws *ws)
{
    if (ws->is_in_callback)
        ws->is_freed = true;
    else
        ws_destroy(ws);
}

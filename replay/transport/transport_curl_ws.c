/* transport_curl_ws.c - WebSockets over a connection that libcurl makes (CONNECT_ONLY), TLS
 * included. */
#include <stdlib.h>

#include "replay/transport/transport_curl.h"
#include "replay/transport/ws_client.h"

struct transport_ws {
    struct transport_ws *next, *previous; /* in user->websockets */
    struct transport_user *user;
    struct transport_call *call; /* holds the connection */
    struct ws_client *client;    /* NULL until connected */
    struct transport_ws_events events;
    void *owner;
    struct loop_watch watch;
    struct timer timer; /* limits connecting and the handshake; later pumps what was queued */
    bool is_open;       /* on_open was called */
    bool is_over;       /* on_close was called */
    bool is_in_callback;
    bool is_freed; /* in a callback: free it behind that */
};

static struct random mask_random(const struct transport_ws *ws)
{
    /* Masks need to be unpredictable to scripts in browsers, not to us (RFC 6455 10.3). */
    struct random random;
    random_init(&random, (uint64_t)(uintptr_t)ws, ws->user->transport->loop->now_us);
    return random;
}

static ssize_t io_result(CURLcode code, size_t moved)
{
    if (code == CURLE_OK)
        return (ssize_t)moved;
    return code == CURLE_AGAIN ? WS_IO_BLOCKED : WS_IO_FAILED;
}

static ssize_t io_read(void *owner, char *data, size_t len)
{
    struct transport_ws *ws = owner;
    size_t moved = 0;
    CURLcode code = curl_easy_recv(ws->call->easy, data, len, &moved);
    return io_result(code, moved);
}

static ssize_t io_write(void *owner, const char *data, size_t len)
{
    struct transport_ws *ws = owner;
    size_t moved = 0;
    CURLcode code = curl_easy_send(ws->call->easy, data, len, &moved);
    return io_result(code, moved);
}

static void on_message(void *owner, int opcode, struct bytes payload)
{
    struct transport_ws *ws = owner;
    if (!ws->is_freed)
        ws->events.on_message(ws->owner, opcode, payload);
}

static void ws_destroy(struct transport_ws *ws)
{
    struct transport_user *user = ws->user;
    struct loop *loop = user->transport->loop;
    loop_watch_clear(loop, &ws->watch);
    timers_cancel(&loop->timers, &ws->timer);
    ws_client_free(ws->client);
    if (ws->call) {
        curl_multi_remove_handle(user->multi, ws->call->easy);
        tcurl_call_release(ws->call);
    }
    if (ws->previous)
        ws->previous->next = ws->next;
    else
        user->websockets = ws->next;
    if (ws->next)
        ws->next->previous = ws->previous;
    free(ws);
}

/* No more comes: say so once. */
static void finish(struct transport_ws *ws, enum failure failure, const char *detail)
{
    struct transport_result result = {.failure = failure, .detail = detail};
    struct http1_head head;
    struct loop *loop = ws->user->transport->loop;
    int close_code = 0;
    loop_watch_clear(loop, &ws->watch);
    timers_cancel(&loop->timers, &ws->timer);
    if (ws->is_over || ws->is_freed)
        return;
    ws->is_over = true;
    if (ws->client) {
        close_code = ws->is_open ? ws_client_close_code(ws->client) : 0;
        result.response.status = ws_client_status(ws->client);
        if (!ws->is_open && ws_client_head(ws->client, &head) == 0) {
            result.response.headers = head.headers;
            result.response.header_count = head.header_count;
        }
        result.bytes_sent = ws_client_bytes_sent(ws->client);
        result.bytes_received = ws_client_bytes_received(ws->client);
    }
    ws->events.on_close(ws->owner, &result, close_code);
}

static void tell_open(struct transport_ws *ws)
{
    struct transport_result result = {0};
    struct http1_head head;
    ws->is_open = true;
    timers_cancel(&ws->user->transport->loop->timers, &ws->timer);
    if (ws_client_head(ws->client, &head) == 0) {
        result.response = (struct http_response){
            .status = head.status, .headers = head.headers, .header_count = head.header_count};
    }
    result.bytes_sent = ws_client_bytes_sent(ws->client);
    result.bytes_received = ws_client_bytes_received(ws->client);
    ws->events.on_open(ws->owner, &result);
}

static void watch_connection(struct transport_ws *ws)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(ws->call->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (ws->watch.fd < 0 && fd != CURL_SOCKET_BAD)
        tcurl_socket_release(ws->user, fd);
    int events = LOOP_READ | (ws_client_wants_write(ws->client) ? LOOP_WRITE : 0);
    if (fd == CURL_SOCKET_BAD || loop_watch_set(ws->user->transport->loop, &ws->watch, fd, events))
        finish(ws, FAILURE_RESET, "the connection is gone");
}

static void act_on_state(struct transport_ws *ws, enum ws_client_state state)
{
    if (!ws->is_open &&
        (state == WS_STATE_OPEN || state == WS_STATE_CLOSING || state == WS_STATE_CLOSED))
        tell_open(ws);
    switch (state) {
    case WS_STATE_HANDSHAKE:
    case WS_STATE_OPEN:
    case WS_STATE_CLOSING:
        if (!ws->is_freed)
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
    ws->is_in_callback = false;
    if (ws->is_freed)
        ws_destroy(ws);
    else if (!ws->is_over && ws_client_has_more(ws->client)) /* in TLS: no event tells of it */
        timers_set(&ws->user->transport->loop->timers, &ws->timer, 0);
}

static void on_ready(struct loop_watch *watch, void *owner, int events)
{
    (void)watch;
    (void)events;
    pump(owner);
}

static void on_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_ws *ws = owner;
    (void)timer;
    (void)now_us;
    if (ws->is_open) {
        pump(ws);
        return;
    }
    ws->is_in_callback = true;
    finish(ws, ws->client ? FAILURE_TIMEOUT : FAILURE_CONNECT_TIMEOUT,
           "the upgrade was not answered in time");
    ws->is_in_callback = false;
    if (ws->is_freed)
        ws_destroy(ws);
}

void tcurl_ws_connected(struct transport_ws *ws, CURLcode code)
{
    if (code != CURLE_OK) {
        ws->is_in_callback = true;
        finish(ws, tcurl_failure_of(ws->call, code),
               ws->call->error_text[0] ? ws->call->error_text : curl_easy_strerror(code));
        ws->is_in_callback = false;
        if (ws->is_freed)
            ws_destroy(ws);
        return;
    }
    const struct ws_io io = {.owner = ws, .read = io_read, .write = io_write};
    const struct transport_request *request = &ws->call->request;
    ws->client = ws_client_new(&io, request->http, request->cookies, mask_random(ws),
                               ws->user->transport->options.max_message_bytes, on_message, ws);
    if (ws->client)
        pump(ws);
    else
        finish(ws, FAILURE_NO_PORTS, "no memory for a WebSocket");
}

static int set_connect_options(struct transport_call *call)
{
    struct buf *scratch = &call->user->transport->scratch;
    buf_clear(scratch);
    buf_append_bytes(scratch, call->request.http->url);
    if (buf_failed(scratch) ||
        curl_easy_setopt(call->easy, CURLOPT_URL, buf_text(scratch)) != CURLE_OK)
        return -1;
    curl_easy_setopt(call->easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 0L); /* what its last request wanted */
    curl_easy_setopt(call->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, 0L); /* ours covers the handshake too */
    return 0;
}

struct transport_ws *tcurl_ws_open(struct transport_user *user,
                                   const struct transport_request *request,
                                   const struct transport_ws_events *events, void *owner)
{
    struct loop *loop = user->transport->loop;
    struct transport_ws *ws = calloc(1, sizeof *ws);
    struct transport_call *call = ws ? tcurl_call_take(user) : NULL;
    if (!call) {
        free(ws);
        return NULL;
    }
    *ws = (struct transport_ws){.user = user, .call = call, .events = *events, .owner = owner};
    call->request = *request;
    call->ws = ws;
    loop_watch_init(&ws->watch, on_ready, ws);
    timer_init(&ws->timer, on_timer, ws);
    if (set_connect_options(call) || curl_multi_add_handle(user->multi, call->easy) != CURLM_OK) {
        tcurl_call_release(call);
        free(ws);
        return NULL;
    }
    ws->next = user->websockets;
    if (ws->next)
        ws->next->previous = ws;
    user->websockets = ws;
    timers_set(&loop->timers, &ws->timer, loop->now_us + user->transport->options.timeout_us);
    tcurl_user_kick(user);
    return ws;
}

int tcurl_ws_send(struct transport_ws *ws, int opcode, struct bytes payload, int close_code)
{
    if (!ws->client || ws->is_over || ws_client_send(ws->client, opcode, payload, close_code))
        return -1;
    if (ws->is_in_callback) /* pump() goes on behind the callback only for on_open: ask again */
        timers_set(&ws->user->transport->loop->timers, &ws->timer, 0);
    else
        pump(ws);
    return 0;
}

void tcurl_ws_free(struct transport_ws *ws)
{
    if (ws->is_in_callback)
        ws->is_freed = true;
    else
        ws_destroy(ws);
}

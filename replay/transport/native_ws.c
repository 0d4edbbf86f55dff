/* native_ws.c - the connection under a WebSocket of the native transport: dialed, read, written. */
#include <stdlib.h>

#include "replay/transport/transport_native.h"
#include "replay/transport/transport_ws.h"

struct native_ws {
    struct transport_ws base; /* first */
    struct transport_user *user;
    const struct http_request *http; /* until the handshake has been written down */
    struct bytes cookies;
    struct dial *dial; /* CONNECTING */
    struct native_stream stream;
};

static struct native_ws *own(struct transport_ws *base)
{
    return (struct native_ws *)base;
}

static ssize_t io_result(ssize_t moved)
{
    return moved >= 0 ? moved : moved == STREAM_BLOCKED ? WS_IO_BLOCKED : WS_IO_FAILED;
}

static ssize_t io_read(void *owner, char *data, size_t len)
{
    return io_result(stream_read(&own(owner)->stream, data, len));
}

static ssize_t io_write(void *owner, const char *data, size_t len)
{
    const struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    return io_result(stream_write(&own(owner)->stream, &piece, 1));
}

static bool io_has_pending(void *owner)
{
    return stream_has_pending(&own(owner)->stream);
}

static int descriptor(struct transport_ws *base)
{
    return own(base)->stream.fd;
}

static int events(const struct transport_ws *base)
{
    return stream_events(&((const struct native_ws *)base)->stream);
}

static void disconnect(struct transport_ws *base)
{
    struct native_ws *ws = own(base);
    struct transport *transport = ws->user->transport;
    if (ws->dial)
        dial_cancel(ws->dial);
    ws->dial = NULL;
    if (ws->stream.fd >= 0) {
        struct tcp_seen seen = {.is_made = true}; /* the dialer counts */
        network_health_close(&transport->network.health, ws->stream.fd, &seen);
        stream_close(&ws->stream);
        native_count_connection(transport, -1);
    }
}

static void destroy(struct transport_ws *base)
{
    free(own(base));
}

static const struct transport_ws_way way = {
    .read = io_read,
    .write = io_write,
    .has_pending = io_has_pending,
    .descriptor = descriptor,
    .events = events,
    .disconnect = disconnect,
    .destroy = destroy,
};

static void on_dialed(void *owner, const struct dial_result *result)
{
    struct native_ws *ws = owner;
    struct transport *transport = ws->user->transport;
    ws->dial = NULL;
    ws->base.dns_us = result->dns_us;
    ws->base.connect_us = result->connect_us;
    ws->base.tls_us = result->tls_us;
    if (result->failure != FAILURE_NONE) {
        transport_ws_failed(&ws->base, result->failure, result->detail);
        return;
    }
    ws->stream = result->stream;
    native_count_connection(transport, 1);
    transport_ws_connected(&ws->base, ws->http, ws->cookies, &transport->options);
}

struct transport_ws *native_ws_open(struct transport_user *user,
                                    const struct transport_request *request,
                                    const struct transport_ws_events *tell, void *owner)
{
    struct transport *transport = user->transport;
    struct url url;
    struct native_ws *ws = calloc(1, sizeof *ws);
    if (!ws || url_parse(request->http->url, &url)) {
        free(ws);
        return NULL;
    }
    *ws = (struct native_ws){
        .user = user, .http = request->http, .cookies = request->cookies, .stream = {.fd = -1}};
    transport_ws_init(&ws->base, &way, transport->loop,
                      transport->loop->now_us + transport->options.timeout_us, tell, owner);
    ws->dial = dial_start(transport->dialer, &url, false, &user->resumption, ws->base.deadline_us,
                          on_dialed, ws);
    if (!ws->dial) {
        free(ws);
        return NULL;
    }
    transport_ws_link(&ws->base, &user->websockets);
    return &ws->base;
}

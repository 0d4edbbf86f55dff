/* transport_curl_ws.c - the connection under a WebSocket of the libcurl transport: libcurl makes it
 * (CONNECT_ONLY), TLS included, and moves its bytes; beside the user's requests, which may have all
 * the connections that they are allowed. */
#include <stdlib.h>

#include "replay/transport/transport_curl.h"
#include "replay/transport/transport_ws.h"

struct tcurl_ws {
    struct transport_ws base; /* first */
    struct transport_user *user;
    struct transport_call *call; /* holds the connection */
};

static struct tcurl_ws *own(struct transport_ws *base)
{
    return (struct tcurl_ws *)base;
}

static ssize_t io_result(CURLcode code, size_t moved)
{
    if (code == CURLE_OK)
        return (ssize_t)moved;
    return code == CURLE_AGAIN ? WS_IO_BLOCKED : WS_IO_FAILED;
}

static ssize_t io_read(void *owner, char *data, size_t len)
{
    size_t moved = 0;
    CURLcode code = curl_easy_recv(own(owner)->call->easy, data, len, &moved);
    return io_result(code, moved);
}

static ssize_t io_write(void *owner, const char *data, size_t len)
{
    size_t moved = 0;
    CURLcode code = curl_easy_send(own(owner)->call->easy, data, len, &moved);
    return io_result(code, moved);
}

/* libcurl may have closed it: it looks after connections that nobody uses, as it sees it. */
static int descriptor(struct transport_ws *base)
{
    struct tcurl_ws *ws = own(base);
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(ws->call->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (base->watch.fd < 0 && fd != CURL_SOCKET_BAD)
        tcurl_socket_release(ws->user, fd);
    return fd;
}

/* Not sooner: the text of a failure lies in the call. */
static void destroy(struct transport_ws *base)
{
    struct tcurl_ws *ws = own(base);
    curl_multi_remove_handle(ws->call->multi->handle, ws->call->easy);
    tcurl_call_release(ws->call);
    free(ws);
}

static const struct transport_ws_way way = {
    .read = io_read, .write = io_write, .descriptor = descriptor, .destroy = destroy};

void tcurl_ws_connected(struct transport_ws *base, CURLcode code)
{
    struct transport_call *call = own(base)->call;
    if (code == CURLE_OK) {
        transport_ws_connected(base, call->request.http, call->request.cookies,
                               &call->user->transport->options);
        return;
    }
    enum failure failure = tcurl_failure_of(call, code);
    transport_ws_failed(base, failure, tcurl_failure_detail(call, code));
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
                                   const struct transport_ws_events *tell, void *owner)
{
    struct loop *loop = user->transport->loop;
    struct tcurl_multi *multi = &user->upgrades;
    if (!multi->handle && tcurl_multi_open(multi, user))
        return NULL;
    struct tcurl_ws *ws = calloc(1, sizeof *ws);
    struct transport_call *call = ws ? tcurl_call_take(multi) : NULL;
    if (!call) {
        free(ws);
        return NULL;
    }
    ws->user = user;
    ws->call = call;
    transport_ws_init(&ws->base, &way, loop, loop->now_us + user->transport->options.timeout_us,
                      tell, owner);
    call->request = *request;
    call->ws = &ws->base;
    if (set_connect_options(call) || curl_multi_add_handle(multi->handle, call->easy) != CURLM_OK) {
        tcurl_call_release(call);
        free(ws);
        return NULL;
    }
    transport_ws_link(&ws->base, &user->websockets);
    transport_ws_limit(&ws->base);
    tcurl_multi_kick(multi);
    return &ws->base;
}

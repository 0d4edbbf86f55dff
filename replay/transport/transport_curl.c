/* transport_curl.c - HTTP through libcurl's multi_socket interface, on the worker's loop. */
#include "replay/transport/transport_curl.h"

#include <pthread.h>
#include <stdlib.h>

#include "replay/transport/transport_curl_headers.h"
#include "replay/transport/transport_curl_tls.h"
#include "replay/transport/transport_ws.h"

enum { MAX_ANSWER_HEADERS_BYTES = 256 * 1024, MAX_IDLE_CONNECTIONS = 16 };

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void deliver(struct transport_call *call, CURLcode code)
{
    struct transport_result result;
    struct http_header headers[CALL_MAX_HEADERS];
    transport_done_fn done = call->request.done;
    void *owner = call->request.owner;
    curl_multi_remove_handle(call->multi->handle, call->easy);
    if (call->is_cut && code == CURLE_WRITE_ERROR)
        code = CURLE_OK;
    tcurl_result_fill(call, code, headers, &result);
    done(owner, &result);
    tcurl_call_release(call);
}

static void drain(struct tcurl_multi *multi)
{
    CURLMsg *message;
    int left;
    while (multi->handle && (message = curl_multi_info_read(multi->handle, &left))) {
        struct transport_call *call = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        if (call->ws)
            tcurl_ws_connected(call->ws, code);
        else
            deliver(call, code);
    }
}

/* What a callback has just started is sent now, not at the next look at the timers. */
static bool start_new(struct tcurl_multi *multi)
{
    int running;
    if (!multi->needs_kick)
        return false;
    multi->needs_kick = false;
    curl_multi_socket_action(multi->handle, CURL_SOCKET_TIMEOUT, 0, &running);
    return true;
}

static void drain_all(struct transport_user *user)
{
    bool has_new;
    user->is_draining = true;
    do {
        drain(&user->requests);
        drain(&user->upgrades);
        has_new = start_new(&user->requests);
        has_new |= start_new(&user->upgrades);
    } while (has_new);
    user->is_draining = false;
}

void tcurl_multi_act(struct tcurl_multi *multi, curl_socket_t socket, int events)
{
    int running;
    curl_multi_socket_action(multi->handle, socket, events, &running);
    if (!multi->user->is_draining)
        drain_all(multi->user);
}

void tcurl_multi_kick(struct tcurl_multi *multi)
{
    struct transport_user *user = multi->user;
    int running;
    if (user->is_draining) {
        multi->needs_kick = true;
        return;
    }
    curl_multi_socket_action(multi->handle, CURL_SOCKET_TIMEOUT, 0, &running);
    /* The caller does not hold the call yet: deliver from the loop whatever has ended already. */
    if (running < multi->call_count)
        timers_set(&user->transport->loop->timers, &user->drain_timer, 0);
}

static void on_curl_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    (void)timer;
    (void)now_us;
    tcurl_multi_act(owner, CURL_SOCKET_TIMEOUT, 0);
}

static void on_drain_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    (void)timer;
    (void)now_us;
    drain_all(owner);
}

static int timer_callback(CURLM *handle, long timeout_ms, void *owner)
{
    struct tcurl_multi *multi = owner;
    struct loop *loop = multi->user->transport->loop;
    (void)handle;
    if (timeout_ms < 0)
        timers_cancel(&loop->timers, &multi->timer);
    else
        timers_set(&loop->timers, &multi->timer, loop->now_us + (uint64_t)timeout_ms * 1000);
    return 0;
}

int tcurl_multi_open(struct tcurl_multi *multi, struct transport_user *user)
{
    multi->user = user;
    multi->handle = curl_multi_init();
    if (!multi->handle)
        return -1;
    timer_init(&multi->timer, on_curl_timer, multi);
    curl_multi_setopt(multi->handle, CURLMOPT_SOCKETFUNCTION, tcurl_socket_watch);
    curl_multi_setopt(multi->handle, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi->handle, CURLMOPT_TIMERFUNCTION, timer_callback);
    curl_multi_setopt(multi->handle, CURLMOPT_TIMERDATA, multi);
    return 0;
}

static void multi_close(struct tcurl_multi *multi)
{
    if (!multi->handle)
        return;
    curl_multi_cleanup(multi->handle);
    timers_cancel(&multi->user->transport->loop->timers, &multi->timer);
}

static size_t on_header(char *data, size_t size, size_t count, void *owner)
{
    struct transport_call *call = owner;
    struct bytes line = bytes_make(data, size * count);
    if (tcurl_reads_body(call->request.http) && bytes_starts_with_nocase(line, bytes_of("HTTP/")))
        call->answered_us = loop_read_clock(call->user->transport->loop);
    if (tcurl_header_keep(call, line))
        return 0;
    if (call->request.viewer && (data[0] == '\r' || data[0] == '\n'))
        tcurl_head_show(call);
    return line.len;
}

static void set_common_options(struct transport_call *call)
{
    static const long versions[] = {
        [TRANSPORT_HTTP_AUTO] = CURL_HTTP_VERSION_2TLS,
        [TRANSPORT_HTTP_1_1] = CURL_HTTP_VERSION_1_1,
        [TRANSPORT_HTTP_2] = CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE,
    };
    const struct transport *transport = call->user->transport;
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_SHARE, transport->share);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error_text);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, tcurl_body_take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, tcurl_socket_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, tcurl_socket_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, call->user);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(transport->options.timeout_us / 1000));
    /* "": no proxy, whatever the environment says. */
    curl_easy_setopt(easy, CURLOPT_PROXY,
                     transport->options.proxy_url ? transport->options.proxy_url : "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, versions[transport->options.http]);
    trust_store_apply(transport->trust, &transport->options, easy);
}

struct transport_call *tcurl_call_take(struct tcurl_multi *multi)
{
    struct transport_user *user = multi->user;
    struct transport_call *call = user->idle;
    if (call) {
        user->idle = call->next;
    } else {
        call = calloc(1, sizeof *call);
        if (!call)
            return NULL;
        call->user = user;
        call->easy = curl_easy_init();
        if (!call->easy) {
            free(call);
            return NULL;
        }
        timer_init(&call->body_timer, tcurl_body_on_timer, call);
        buf_init(&call->header_text, MAX_ANSWER_HEADERS_BYTES);
        buf_init(&call->body, user->transport->options.max_body_bytes);
        set_common_options(call);
    }
    call->error_text[0] = '\0';
    call->socket_error = 0;
    call->is_cut = call->has_body_failed = false;
    call->was_shown = call->is_over_ratio = false;
    call->shown_bytes = 0;
    call->previous = NULL;
    call->next = user->active;
    if (user->active)
        user->active->previous = call;
    user->active = call;
    call->multi = multi;
    multi->call_count++;
    return call;
}

static void call_free(struct transport_call *call)
{
    curl_easy_cleanup(call->easy);
    header_list_fini(&call->headers);
    buf_fini(&call->header_text);
    buf_fini(&call->body);
    free(call);
}

void tcurl_call_release(struct transport_call *call)
{
    struct transport_user *user = call->user;
    call->multi->call_count--;
    tcurl_body_fini(call);
    if (call->has_limit)
        curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS,
                         (long)(user->transport->options.timeout_us / 1000));
    call->has_limit = false;
    if (call->previous)
        call->previous->next = call->next;
    else
        user->active = call->next;
    if (call->next)
        call->next->previous = call->previous;
    if (call->ws) { /* its options are not those of a request */
        call_free(call);
        return;
    }
    buf_clear(&call->header_text);
    buf_release(&call->body);
    call->next = user->idle;
    user->idle = call;
}

uint64_t tcurl_timeout_us(const struct transport_call *call)
{
    uint64_t timeout_us = call->user->transport->options.timeout_us;
    uint64_t limit_us = call->request.limit_us;
    return limit_us && limit_us < timeout_us ? limit_us : timeout_us;
}

/* In whole milliseconds, of which 0 is none. */
static void apply_limit(struct transport_call *call)
{
    uint64_t timeout_us = tcurl_timeout_us(call);
    call->has_limit = timeout_us < call->user->transport->options.timeout_us;
    if (call->has_limit)
        curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, (long)((timeout_us + 999) / 1000));
}

static struct transport_call *tcurl_send(struct transport_user *user,
                                         const struct transport_request *request,
                                         enum failure *ret_failure)
{
    *ret_failure = FAILURE_NO_FILES;
    uint32_t most = request->max_connections;
    struct tcurl_multi *multi = &user->requests;
    bool may_wait = most && (uint32_t)multi->call_count >= most;
    struct transport_call *call = tcurl_call_take(multi);
    if (!call)
        return NULL;
    if (most != user->max_connections)
        curl_multi_setopt(multi->handle, CURLMOPT_MAX_HOST_CONNECTIONS, (long)most);
    user->max_connections = most;
    call->request = *request;
    call->may_wait = may_wait;
    apply_limit(call);
    call->started_us = user->transport->loop->now_us;
    if (tcurl_request_apply(call) || curl_multi_add_handle(multi->handle, call->easy) != CURLM_OK) {
        tcurl_call_release(call);
        return NULL;
    }
    tcurl_multi_kick(multi);
    return call;
}

static void tcurl_cancel(struct transport_call *call)
{
    curl_multi_remove_handle(call->multi->handle, call->easy);
    tcurl_call_release(call);
}

static struct transport_user *tcurl_user_open(struct transport *transport)
{
    struct transport_user *user = calloc(1, sizeof *user);
    if (!user)
        return NULL;
    user->transport = transport;
    if (tcurl_multi_open(&user->requests, user)) {
        free(user);
        return NULL;
    }
    curl_multi_setopt(user->requests.handle, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS);
    timer_init(&user->drain_timer, on_drain_timer, user);
    return user;
}

static void tcurl_user_close(struct transport_user *user)
{
    while (user->websockets)
        transport_ws_free(user->websockets);
    while (user->active)
        tcurl_cancel(user->active);
    while (user->idle) {
        struct transport_call *call = user->idle;
        user->idle = call->next;
        call_free(call);
    }
    multi_close(&user->requests);
    multi_close(&user->upgrades);
    tcurl_socket_release_all(user);
    timers_cancel(&user->transport->loop->timers, &user->drain_timer);
    free(user);
}

static void tcurl_close(struct transport *transport)
{
    buf_fini(&transport->scratch);
    curl_share_cleanup(transport->share);
    trust_store_close(transport->trust);
    network_sampler_fini(&transport->network);
    free(transport);
}

static int tcurl_check(const struct transport_options *options, struct error *err)
{
    struct trust_store *trust;
    struct dial_sources sources;
    if (dial_sources_init(&sources, &options->bind_addresses, 0, err) ||
        trust_store_open(&trust, options, err))
        return -1;
    trust_store_close(trust);
    return 0;
}

static int tcurl_open(struct transport **ret_transport, struct loop *loop,
                      const struct transport_options *options, struct error *err)
{
    pthread_once(&curl_once, init_curl);
    struct transport *transport = calloc(1, sizeof *transport);
    if (!transport)
        return error_set(err, EXIT_TOOL, "no memory for the transport");
    transport->loop = loop;
    transport->options = *options;
    network_sampler_init(&transport->network);
    buf_init(&transport->scratch, HTTP_MAX_URL_BYTES + MAX_ANSWER_HEADERS_BYTES);
    transport->share = curl_share_init();
    if (!transport->share) {
        tcurl_close(transport);
        return error_set(err, EXIT_TOOL, "no memory for the transport");
    }
    if (dial_sources_init(&transport->sources, &options->bind_addresses, options->worker_number,
                          err) ||
        trust_store_open(&transport->trust, options, err)) {
        tcurl_close(transport);
        return -1;
    }
    curl_share_setopt(transport->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    *ret_transport = transport;
    return 0;
}

static size_t tcurl_most_connections(struct transport *transport)
{
    size_t most = transport->most_connections;
    transport->most_connections = transport->connections_open;
    return most;
}

static void tcurl_network_health(struct transport *transport, struct network_health *health)
{
    network_sampler_take(&transport->network, health);
}

const struct transport_ops transport_curl = {
    .name = "curl",
    .check = tcurl_check,
    .open = tcurl_open,
    .close = tcurl_close,
    .user_open = tcurl_user_open,
    .user_close = tcurl_user_close,
    .send = tcurl_send,
    .cancel = tcurl_cancel,
    .ws_open = tcurl_ws_open,
    .ws_send = transport_ws_send,
    .ws_free = transport_ws_free,
    .most_connections = tcurl_most_connections,
    .network_health = tcurl_network_health,
};

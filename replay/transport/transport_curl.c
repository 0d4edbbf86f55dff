/* transport_curl.c - HTTP through libcurl's multi_socket interface, on the worker's loop. */
#include "replay/transport/transport_curl.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "replay/transport/transport_curl_headers.h"
#include "replay/transport/transport_curl_tls.h"

enum { MAX_ANSWER_HEADERS_BYTES = 256 * 1024, MAX_IDLE_CONNECTIONS = 16 };

/*
 * One socket that libcurl asked us to watch. libcurl takes its interest back after every request; a
 * connection stays registered all the same until it is closed: two system calls less a request. Its
 * resolver's descriptors come and go without our knowing, so those are dropped at once.
 */
struct curl_socket {
    struct curl_socket *next; /* user->sockets */
    struct loop_watch watch;
    struct transport_user *user;
    curl_socket_t fd;
    struct tcp_seen seen;
    bool is_connection; /* opened and closed through us */
    bool is_idle;       /* libcurl does not want to hear of it */
};

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
    curl_multi_remove_handle(call->user->multi, call->easy);
    tcurl_result_fill(call, code, headers, &result);
    done(owner, &result);
    tcurl_call_release(call);
}

static void drain(struct transport_user *user)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(user->multi, &left))) {
        struct transport_call *call = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        if (call->ws)
            tcurl_ws_connected(call->ws, code);
        else
            deliver(call, code);
    }
}

static void act(struct transport_user *user, curl_socket_t socket, int events)
{
    int running;
    curl_multi_socket_action(user->multi, socket, events, &running);
    if (user->is_draining)
        return;
    user->is_draining = true;
    do {
        user->needs_kick = false;
        drain(user);
        /* What a callback has just started is sent now, not at the next look at the timers. */
        if (user->needs_kick)
            curl_multi_socket_action(user->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    } while (user->needs_kick);
    user->is_draining = false;
    drain(user);
}

void tcurl_user_kick(struct transport_user *user)
{
    int running;
    if (user->is_draining) {
        user->needs_kick = true;
        return;
    }
    curl_multi_socket_action(user->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    /* The caller does not hold the call yet: deliver from the loop whatever has ended already. */
    if (running < user->active_count)
        timers_set(&user->transport->loop->timers, &user->drain_timer, 0);
}

/*
 * Closed by the target between requests: libcurl will notice on use. Bytes that nobody asked for it
 * would take for the answer to the next request, so the connection is made useless; over TLS they
 * may be tickets, which is libcurl's to know.
 */
static void idle_ready(struct curl_socket *socket)
{
    enum { FIRST_TLS_RECORD = 20, LAST_TLS_RECORD = 23 };
    unsigned char bytes[4096];
    loop_watch_clear(socket->user->transport->loop, &socket->watch);
    if (recv(socket->fd, bytes, 1, MSG_PEEK | MSG_DONTWAIT) != 1 ||
        (bytes[0] >= FIRST_TLS_RECORD && bytes[0] <= LAST_TLS_RECORD))
        return;
    shutdown(socket->fd, SHUT_RDWR);
    while (recv(socket->fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
    }
}

static void on_socket_ready(struct loop_watch *watch, void *owner, int events)
{
    struct curl_socket *socket = owner;
    if (socket->is_idle) {
        idle_ready(socket);
        return;
    }
    struct network_sampler *network = &socket->user->transport->network;
    bool is_due = network_sampler_is_due(network) || !socket->seen.is_made;
    if (is_due && socket->is_connection)
        network_sampler_look(network, watch->fd, &socket->seen);
    act(socket->user, watch->fd,
        (events & LOOP_READ ? CURL_CSELECT_IN : 0) | (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_curl_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    (void)timer;
    (void)now_us;
    act(owner, CURL_SOCKET_TIMEOUT, 0);
}

static void on_drain_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_user *user = owner;
    (void)timer;
    (void)now_us;
    user->is_draining = true;
    drain(user);
    user->is_draining = false;
    if (user->needs_kick) {
        user->needs_kick = false;
        act(user, CURL_SOCKET_TIMEOUT, 0);
    }
}

static struct curl_socket **find_socket(struct transport_user *user, curl_socket_t fd)
{
    struct curl_socket **at = &user->sockets;
    while (*at && (*at)->fd != fd)
        at = &(*at)->next;
    return at;
}

void tcurl_socket_release(struct transport_user *user, curl_socket_t fd)
{
    struct curl_socket **at = find_socket(user, fd);
    struct curl_socket *socket = *at;
    if (!socket)
        return;
    *at = socket->next;
    loop_watch_clear(user->transport->loop, &socket->watch);
    free(socket);
}

static struct curl_socket *add_socket(struct transport_user *user, curl_socket_t fd)
{
    struct curl_socket *socket = calloc(1, sizeof *socket);
    if (!socket)
        return NULL;
    socket->user = user;
    socket->fd = fd;
    loop_watch_init(&socket->watch, on_socket_ready, socket);
    socket->next = user->sockets;
    user->sockets = socket;
    return socket;
}

static int socket_callback(CURL *easy, curl_socket_t fd, int what, void *owner, void *unused)
{
    struct transport_user *user = owner;
    struct curl_socket *socket = *find_socket(user, fd);
    (void)easy;
    (void)unused;
    if (what == CURL_POLL_REMOVE) {
        if (socket && socket->is_connection)
            socket->is_idle = true;
        else
            tcurl_socket_release(user, fd);
        return 0;
    }
    if (!socket && !(socket = add_socket(user, fd)))
        return -1;
    socket->is_idle = false;
    int events = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
    return loop_watch_set(user->transport->loop, &socket->watch, fd, events);
}

static int timer_callback(CURLM *multi, long timeout_ms, void *owner)
{
    struct transport_user *user = owner;
    struct loop *loop = user->transport->loop;
    (void)multi;
    if (timeout_ms < 0)
        timers_cancel(&loop->timers, &user->curl_timer);
    else
        timers_set(&loop->timers, &user->curl_timer, loop->now_us + (uint64_t)timeout_ms * 1000);
    return 0;
}

static curl_socket_t open_socket(void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transport_call *call = owner;
    struct transport_user *user = call->user;
    struct transport *transport = user->transport;
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->protocol);
    if (fd < 0) {
        call->socket_error = errno;
        transport->network.health.no_files++;
        return CURL_SOCKET_BAD;
    }
    transport->network.health.connects_started++;
    struct curl_socket *socket = NULL;
    if (dial_sources_bind(&transport->sources, fd, address->family) == 0)
        socket = add_socket(user, fd);
    if (!socket) {
        call->socket_error = errno;
        close(fd);
        return CURL_SOCKET_BAD;
    }
    socket->is_connection = true;
    if (++transport->connections_open > transport->most_connections)
        transport->most_connections = transport->connections_open;
    return fd;
}

static int close_socket(void *owner, curl_socket_t fd)
{
    struct transport_user *user = owner;
    struct curl_socket *socket = *find_socket(user, fd);
    struct tcp_seen seen = socket ? socket->seen : (struct tcp_seen){0};
    network_health_close(&user->transport->network.health, fd, &seen);
    user->transport->connections_open--;
    tcurl_socket_release(user, fd);
    return close(fd);
}

static size_t on_header(char *data, size_t size, size_t count, void *owner)
{
    struct transport_call *call = owner;
    return tcurl_header_keep(call, bytes_make(data, size * count)) ? 0 : size * count;
}

static size_t on_body(char *data, size_t size, size_t count, void *owner)
{
    struct transport_call *call = owner;
    size_t len = size * count;
    if (call->request.keeps_body && buf_append(&call->body, data, len))
        return 0; /* libcurl ends the transfer with CURLE_WRITE_ERROR */
    return len;
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
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, call->user);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(transport->options.timeout_us / 1000));
    /* "": no proxy, whatever the environment says. */
    curl_easy_setopt(easy, CURLOPT_PROXY,
                     transport->options.proxy_url ? transport->options.proxy_url : "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, versions[transport->options.http]);
    trust_store_apply(transport->trust, &transport->options, easy);
}

struct transport_call *tcurl_call_take(struct transport_user *user)
{
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
        buf_init(&call->header_text, MAX_ANSWER_HEADERS_BYTES);
        buf_init(&call->body, user->transport->options.max_body_bytes);
        set_common_options(call);
    }
    call->error_text[0] = '\0';
    call->socket_error = 0;
    call->previous = NULL;
    call->next = user->active;
    if (user->active)
        user->active->previous = call;
    user->active = call;
    user->active_count++;
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
    user->active_count--;
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

static struct transport_call *tcurl_send(struct transport_user *user,
                                         const struct transport_request *request,
                                         enum failure *ret_failure)
{
    *ret_failure = FAILURE_NO_FILES;
    uint32_t most = request->max_connections;
    bool may_wait = most && (uint32_t)user->active_count >= most;
    struct transport_call *call = tcurl_call_take(user);
    if (!call)
        return NULL;
    if (most != user->max_connections)
        curl_multi_setopt(user->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)most);
    user->max_connections = most;
    call->request = *request;
    call->may_wait = may_wait;
    if (tcurl_request_apply(call) || curl_multi_add_handle(user->multi, call->easy) != CURLM_OK) {
        tcurl_call_release(call);
        return NULL;
    }
    tcurl_user_kick(user);
    return call;
}

static void tcurl_cancel(struct transport_call *call)
{
    curl_multi_remove_handle(call->user->multi, call->easy);
    tcurl_call_release(call);
}

static struct transport_user *tcurl_user_open(struct transport *transport)
{
    struct transport_user *user = calloc(1, sizeof *user);
    if (!user)
        return NULL;
    user->transport = transport;
    user->multi = curl_multi_init();
    if (!user->multi) {
        free(user);
        return NULL;
    }
    timer_init(&user->curl_timer, on_curl_timer, user);
    timer_init(&user->drain_timer, on_drain_timer, user);
    curl_multi_setopt(user->multi, CURLMOPT_SOCKETFUNCTION, socket_callback);
    curl_multi_setopt(user->multi, CURLMOPT_SOCKETDATA, user);
    curl_multi_setopt(user->multi, CURLMOPT_TIMERFUNCTION, timer_callback);
    curl_multi_setopt(user->multi, CURLMOPT_TIMERDATA, user);
    curl_multi_setopt(user->multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS);
    return user;
}

static void tcurl_user_close(struct transport_user *user)
{
    while (user->websockets)
        tcurl_ws_free(user->websockets);
    while (user->active)
        tcurl_cancel(user->active);
    while (user->idle) {
        struct transport_call *call = user->idle;
        user->idle = call->next;
        call_free(call);
    }
    curl_multi_cleanup(user->multi);
    while (user->sockets)
        tcurl_socket_release(user, user->sockets->fd);
    timers_cancel(&user->transport->loop->timers, &user->curl_timer);
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
    .ws_send = tcurl_ws_send,
    .ws_free = tcurl_ws_free,
    .most_connections = tcurl_most_connections,
    .network_health = tcurl_network_health,
};

/* transport_curl_socket.c - the descriptors that libcurl asks us to watch: opened, watched, idle,
 * closed. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "replay/transport/transport_curl.h"

/*
 * One socket that libcurl asked us to watch. libcurl takes its interest back after every request; a
 * connection stays registered all the same until it is closed: two system calls less a request. Its
 * resolver's descriptors come and go without our knowing, so those are dropped at once.
 */
struct curl_socket {
    struct curl_socket *next; /* user->sockets */
    struct loop_watch watch;
    struct tcurl_multi *multi; /* it is a connection of */
    curl_socket_t fd;
    struct tcp_seen seen;
    bool is_connection; /* opened and closed through us */
    bool is_idle;       /* libcurl does not want to hear of it */
};

/*
 * Closed by the target between requests: libcurl will notice on use. Bytes that nobody asked for it
 * would take for the answer to the next request, so the connection is made useless; over TLS they
 * may be tickets, which is libcurl's to know.
 */
static void idle_ready(struct curl_socket *socket)
{
    enum { FIRST_TLS_RECORD = 20, LAST_TLS_RECORD = 23 };
    unsigned char bytes[4096];
    loop_watch_clear(socket->multi->user->transport->loop, &socket->watch);
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
    struct network_sampler *network = &socket->multi->user->transport->network;
    bool is_due = network_sampler_is_due(network) || !socket->seen.is_made;
    if (is_due && socket->is_connection)
        network_sampler_look(network, watch->fd, &socket->seen);
    tcurl_multi_act(socket->multi, watch->fd,
                    (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
                        (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
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

void tcurl_socket_release_all(struct transport_user *user)
{
    while (user->sockets)
        tcurl_socket_release(user, user->sockets->fd);
}

static struct curl_socket *add_socket(struct tcurl_multi *multi, curl_socket_t fd)
{
    struct transport_user *user = multi->user;
    struct curl_socket *socket = calloc(1, sizeof *socket);
    if (!socket)
        return NULL;
    socket->multi = multi;
    socket->fd = fd;
    loop_watch_init(&socket->watch, on_socket_ready, socket);
    socket->next = user->sockets;
    user->sockets = socket;
    return socket;
}

int tcurl_socket_watch(CURL *easy, curl_socket_t fd, int what, void *owner, void *unused)
{
    struct tcurl_multi *multi = owner;
    struct transport_user *user = multi->user;
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
    if (!socket && !(socket = add_socket(multi, fd)))
        return -1;
    socket->is_idle = false;
    int events = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
    return loop_watch_set(user->transport->loop, &socket->watch, fd, events);
}

curl_socket_t tcurl_socket_open(void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transport_call *call = owner;
    struct transport *transport = call->user->transport;
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
        socket = add_socket(call->multi, fd);
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

int tcurl_socket_close(void *owner, curl_socket_t fd)
{
    struct transport_user *user = owner;
    struct curl_socket *socket = *find_socket(user, fd);
    struct tcp_seen seen = socket ? socket->seen : (struct tcp_seen){0};
    network_health_close(&user->transport->network.health, fd, &seen);
    user->transport->connections_open--;
    tcurl_socket_release(user, fd);
    return close(fd);
}

/* wire_server.c - plays scripts of bytes on sockets of the test's own loop. */
#include "tests/support/wire_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, MAX_HEARD = 32 << 20 };

static void play(struct wire_connection *connection);

static void again(struct wire_connection *connection)
{
    struct loop *loop = connection->server->loop;
    timers_set(&loop->timers, &connection->timer, loop->now_us);
}

static void end(struct wire_connection *connection)
{
    loop_watch_clear(connection->server->loop, &connection->watch);
    timers_cancel(&connection->server->loop->timers, &connection->timer);
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
}

static void listen_to(struct wire_connection *connection, bool wants_write)
{
    int events = (connection->is_deaf ? 0 : LOOP_READ) | (wants_write ? LOOP_WRITE : 0);
    if (events)
        loop_watch_set(connection->server->loop, &connection->watch, connection->fd, events);
    else
        loop_watch_clear(connection->server->loop, &connection->watch);
}

/* True when all of it is out. */
static bool say(struct wire_connection *connection, const char *text, size_t len, uint64_t total)
{
    while (connection->done_count < total) {
        size_t at = (size_t)(connection->done_count % len);
        uint64_t left = total - connection->done_count;
        size_t now = left < len - at ? (size_t)left : len - at;
        ssize_t sent = send(connection->fd, text + at, now, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) {
            listen_to(connection, true);
            return false;
        }
        connection->done_count += (uint64_t)sent;
    }
    listen_to(connection, false);
    return true;
}

static bool take_head(struct wire_connection *connection)
{
    struct buf *heard = &connection->heard;
    const char *found = heard->len ? memmem(heard->data, heard->len, "\r\n\r\n", 4) : NULL;
    if (!found)
        return false;
    size_t len = (size_t)(found + 4 - heard->data);
    buf_append(&connection->server->log, heard->data, len);
    buf_consume(heard, len);
    return true;
}

static bool take_body(struct wire_connection *connection, uint64_t count)
{
    size_t left = (size_t)(count - connection->done_count);
    size_t now = connection->heard.len < left ? connection->heard.len : left;
    buf_consume(&connection->heard, now);
    connection->done_count += now;
    return connection->done_count == count;
}

/* True when the step is done. */
static bool play_step(struct wire_connection *connection, const struct wire_step *step)
{
    struct wire_server *server = connection->server;
    switch (step->kind) {
    case WIRE_END:
        return false;
    case WIRE_HEAD:
        return take_head(connection);
    case WIRE_BODY:
        return take_body(connection, step->count);
    case WIRE_GO:
        if (server->going == server->go)
            return false;
        server->going++;
        return true;
    case WIRE_SAY:
        return say(connection, step->text, step->len, step->len);
    case WIRE_FLOOD:
        return say(connection, step->text, step->len, step->count);
    case WIRE_DRIP:
        if (!say(connection, step->text, step->len, connection->done_count + 1))
            return false;
        if (connection->done_count < step->len)
            again(connection);
        return connection->done_count == step->len;
    case WIRE_DEAF:
        connection->is_deaf = true;
        listen_to(connection, false);
        return true;
    case WIRE_RESET:
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                   sizeof(struct linger));
        end(connection);
        return false;
    case WIRE_CLOSE:
        end(connection);
        return false;
    }
    return false;
}

static void play(struct wire_connection *connection)
{
    while (connection->fd >= 0 && play_step(connection, connection->step)) {
        connection->step++;
        connection->done_count = 0;
    }
}

static void on_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    (void)timer;
    (void)now_us;
    play(owner);
}

static void on_ready(struct loop_watch *watch, void *owner, int events)
{
    static char bytes[READ_BYTES];
    struct wire_connection *connection = owner;
    if (events & LOOP_READ) {
        ssize_t got = recv(watch->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got > 0) {
            connection->heard_bytes += (uint64_t)got;
            buf_append(&connection->heard, bytes, (size_t)got);
        } else if (got == 0 || errno != EAGAIN) {
            connection->has_ended = true;
            end(connection);
            return;
        }
    }
    play(connection);
}

static void on_accept(struct loop_watch *watch, void *owner, int events)
{
    struct wire_server *server = owner;
    int on = 1, fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    (void)events;
    if (fd < 0)
        return;
    assert(server->count < WIRE_MAX_CONNECTIONS);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct wire_connection *connection = &server->connections[server->count];
    static const struct wire_step at_once[] = {CLOSE};
    *connection = (struct wire_connection){.server = server, .fd = fd};
    connection->step = server->scripts[server->count] ? server->scripts[server->count] : at_once;
    server->count++;
    buf_init(&connection->heard, MAX_HEARD);
    timer_init(&connection->timer, on_timer, connection);
    loop_watch_init(&connection->watch, on_ready, connection);
    listen_to(connection, false);
    play(connection);
}

void wire_server_open(struct wire_server *server, struct loop *loop, int receive_bytes)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    *server = (struct wire_server){.loop = loop};
    buf_init(&server->log, MAX_HEARD);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (receive_bytes)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, WIRE_MAX_CONNECTIONS) ||
        getsockname(fd, (struct sockaddr *)&at, &len))
        abort();
    server->port = ntohs(at.sin_port);
    loop_watch_init(&server->watch, on_accept, server);
    loop_watch_set(loop, &server->watch, fd, LOOP_READ);
}

void wire_server_close(struct wire_server *server)
{
    int fd = server->watch.fd;
    for (size_t i = 0; i < server->count; i++) {
        end(&server->connections[i]);
        buf_fini(&server->connections[i].heard);
    }
    loop_watch_clear(server->loop, &server->watch);
    if (fd >= 0)
        close(fd);
    buf_fini(&server->log);
}

void wire_server_go(struct wire_server *server)
{
    server->go++;
    for (size_t i = 0; i < server->count; i++)
        play(&server->connections[i]);
}

size_t wire_server_open_count(const struct wire_server *server)
{
    size_t count = 0;
    for (size_t i = 0; i < server->count; i++)
        count += server->connections[i].fd >= 0;
    return count;
}

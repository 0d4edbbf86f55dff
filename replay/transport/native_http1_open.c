/* native_http1_open.c - how a user comes by an HTTP/1.1 connection: dialed, or taken over from whom
 * it was dialed for. */
#include <stdlib.h>
#include <sys/socket.h>

#include "replay/transport/native_http1.h"

static struct transport *transport_of(const struct native_connection *connection)
{
    return connection->user->transport;
}

static struct loop *loop_of(const struct native_connection *connection)
{
    return connection->user->transport->loop;
}

static void on_idle_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct native_connection *connection = owner;
    uint64_t due_us = connection->idle_since_us + NATIVE_MAX_IDLE_US;
    if (!connection->call && now_us >= due_us)
        native_http1_close(connection);
    else
        timers_set(&loop_of(connection)->timers, timer,
                   connection->call ? now_us + NATIVE_MAX_IDLE_US : due_us);
}

/* Where it is asked for and can be had: what is written is not what TLS sends. */
static void take_stamps(struct native_connection *connection)
{
    if (!transport_of(connection)->options.kernel_timestamps || connection->stream.tls)
        return;
    connection->stamps = calloc(1, sizeof *connection->stamps);
    if (connection->stamps && native_timestamps_enable(connection->stream.fd)) {
        free(connection->stamps);
        connection->stamps = NULL;
    }
}

/* As stream_read(). Over TLS the first bytes may be tickets: only TLS itself can tell. Without it
 * an end is left for whoever reads next. */
static ssize_t hear_first(struct native_stream *stream)
{
    char byte;
    if (stream->tls)
        return stream_read(stream, &byte, 1);
    return recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1 ? 1 : STREAM_BLOCKED;
}

/* HTTP's servers are asked first: what one has said by now is no answer. */
static void begin_first(struct native_connection *connection)
{
    ssize_t heard = hear_first(&connection->stream);
    if (heard > 0)
        native_http1_end_call(connection, FAILURE_UNASKED, NATIVE_HTTP1_UNASKED);
    else if (heard == STREAM_BLOCKED)
        native_http1_begin(connection);
    else
        native_http1_ended(connection, heard);
}

static void on_dialed(void *owner, const struct dial_result *result)
{
    struct native_connection *connection = owner;
    struct transport_call *call = connection->call;
    connection->dial = NULL;
    call->dns_us += result->dns_us;
    call->tls_us += result->tls_us;
    if (result->failure != FAILURE_NONE) {
        native_http1_end_call(connection, result->failure, result->detail);
        return;
    }
    connection->stream = result->stream;
    take_stamps(connection);
    if (loop_watch_set(loop_of(connection), &connection->watch, connection->stream.fd, LOOP_READ)) {
        native_http1_end_call(connection, FAILURE_NO_FILES,
                              "the loop cannot watch another descriptor");
        return;
    }
    begin_first(connection);
}

static struct native_connection *connection_new(struct transport_user *user)
{
    struct native_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->user = user;
    connection->stream.fd = -1;
    connection->seen.is_made = true; /* the dialer counts */
    loop_watch_init(&connection->watch, native_http1_ready, connection);
    timer_init(&connection->idle_timer, on_idle_timer, connection);
    return connection;
}

static void give_to(struct native_connection *connection, struct transport_call *call)
{
    connection->origin = call->origin;
    connection->origin->references++;
    connection->call = call;
    call->connection = connection;
    native_http1_link_first(connection);
    connection->user->connection_count++;
    native_count_connection(transport_of(connection), 1);
}

int native_http1_open(struct transport_call *call)
{
    struct transport_user *user = call->user;
    struct native_connection *connection = connection_new(user);
    if (!connection)
        return -1;
    connection->dial = dial_start(user->transport->dialer, &call->origin->url, false,
                                  &user->resumption, call->deadline_us, on_dialed, connection);
    if (!connection->dial) {
        free(connection);
        return -1;
    }
    give_to(connection, call);
    return 0;
}

int native_http1_adopt(struct transport_call *call, struct native_stream *stream)
{
    struct native_connection *connection = connection_new(call->user);
    if (!connection ||
        loop_watch_set(loop_of(connection), &connection->watch, stream->fd, LOOP_READ)) {
        free(connection);
        return -1;
    }
    connection->stream = *stream;
    stream->fd = -1;
    stream->tls = NULL;
    give_to(connection, call);
    begin_first(connection);
    return 0;
}

/* native_http1.c - sends a request, reads its answer, keeps the connection for the next one. */
#include "replay/transport/native_http1.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

_Static_assert(sizeof(struct native_connection) < 512, "what waits is small: there are many");
_Static_assert(sizeof(struct transport_user) < 200, "what waits is small: there are many");

/* Of one connection before others have their turn: reads of a block, writes of a TLS record. */
enum { STEPS_PER_EVENT = 16 };

static struct transport *transport_of(const struct native_connection *connection)
{
    return connection->user->transport;
}

static struct loop *loop_of(const struct native_connection *connection)
{
    return connection->user->transport->loop;
}

void native_http1_link_first(struct native_connection *connection)
{
    struct transport_user *user = connection->user;
    connection->previous = NULL;
    connection->next = user->connections;
    if (connection->next)
        connection->next->previous = connection;
    user->connections = connection;
}

static void unlink_connection(struct native_connection *connection)
{
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        connection->user->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
}

static void give_block(struct native_connection *connection)
{
    buffer_pool_give(&transport_of(connection)->pool, connection->block);
    connection->block = NULL;
    connection->block_len = 0;
}

void native_http1_close(struct native_connection *connection)
{
    struct transport *transport = transport_of(connection);
    if (connection->call)
        connection->call->connection = NULL;
    if (connection->dial)
        dial_cancel(connection->dial);
    timers_cancel(&transport->loop->timers, &connection->idle_timer);
    loop_watch_clear(transport->loop, &connection->watch);
    if (connection->stream.fd >= 0)
        network_health_close(&transport->network.health, connection->stream.fd, &connection->seen);
    stream_close(&connection->stream);
    free(connection->stamps);
    give_block(connection);
    unlink_connection(connection);
    connection->user->connection_count--;
    connection->origin->references--;
    native_count_connection(transport, -1);
    free(connection);
}

/* Take the call away from its connection, which is closed, and tell its owner. */
void native_http1_end_call(struct native_connection *connection, enum failure failure,
                           const char *detail)
{
    struct transport_call *call = connection->call;
    connection->call = NULL;
    call->connection = NULL;
    native_http1_close(connection);
    native_call_done(call, failure, detail);
}

/* A connection that was kept turned out to be gone before it brought a byte: once more, on a new
 * one. Browsers and libcurl do so whatever the method is. */
static bool try_again(struct native_connection *connection)
{
    struct transport_call *call = connection->call;
    if (!connection->is_reused || call->was_retried || call->received_bytes)
        return false;
    native_http1_close(connection);
    call->was_retried = true;
    call->is_ready = call->is_sent = false;
    call->continue_at_us = call->sent_bytes = 0;
    native_body_reset(call);
    if (native_http1_open(call))
        native_call_done(call, FAILURE_NO_FILES, "no memory for a connection");
    return true;
}

void native_http1_ended(struct native_connection *connection, ssize_t how)
{
    struct transport_call *call = connection->call;
    if (try_again(connection))
        return;
    if (how < 0 || connection->has_send_failed) {
        char detail[96];
        const char *text = how < 0 ? stream_detail(&connection->stream) : "closed while sending";
        snprintf(detail, sizeof detail, "%s", text);
        native_http1_end_call(connection, FAILURE_RESET, detail);
        return;
    }
    call->ended_us = loop_arrived_us(loop_of(connection), call->ended_us);
    if (native_answer_close(&call->answer, transport_of(connection)->scratch) == ANSWER_BROKEN)
        native_http1_end_call(connection, call->answer.failure, call->answer.detail);
    else
        native_http1_end_call(connection, FAILURE_NONE, NULL);
}

/* ---- sending ---- */

static void watch(struct native_connection *connection, int events)
{
    loop_watch_set(loop_of(connection), &connection->watch, connection->stream.fd, events);
}

/* Nothing more can be sent. What the peer said before it went may still lie in the socket: the loop
 * tells of it, and of the end behind it. */
static void sending_failed(struct native_connection *connection)
{
    connection->has_send_failed = true;
    watch(connection, LOOP_READ);
}

/* Of a request that asks for 100 the body is still to come. */
static void head_or_all_sent(struct native_connection *connection, bool with_body)
{
    struct transport_call *call = connection->call;
    watch(connection, LOOP_READ);
    if (!with_body) {
        native_call_await_continue(call);
        return;
    }
    call->sent_us = loop_of(connection)->now_us;
    call->is_sent = true;
}

static void send_on(struct native_connection *connection)
{
    struct transport_call *call = connection->call;
    struct native_pieces pieces;
    bool with_body = !call->expects_continue;
    for (int step = 0; step < STEPS_PER_EVENT; step++) {
        native_request_pieces(call, with_body, &pieces);
        if (!pieces.count) { /* its source, or its pace, has nothing for now */
            watch(connection, LOOP_READ);
            return;
        }
        ssize_t sent = stream_write(&connection->stream, pieces.first, pieces.count);
        if (sent == STREAM_BLOCKED) {
            watch(connection, LOOP_READ | stream_events(&connection->stream));
            return;
        }
        if (sent < 0) {
            sending_failed(connection);
            return;
        }
        call->sent_bytes += (uint64_t)sent;
        if (connection->stamps)
            native_timestamps_wrote(connection->stamps, (size_t)sent);
        if (call->sent_bytes == pieces.end) {
            head_or_all_sent(connection, with_body);
            return;
        }
        if ((uint64_t)sent < pieces.len && !connection->stream.tls) /* it had no more room */
            break;
    }
    watch(connection, LOOP_READ | LOOP_WRITE);
}

void native_http1_continue(struct native_connection *connection)
{
    native_call_continue(connection->call);
    send_on(connection);
}

void native_http1_resume(struct native_connection *connection)
{
    if (!connection->call->is_sent && !connection->has_send_failed)
        send_on(connection);
}

void native_http1_begin(struct native_connection *connection)
{
    struct transport_call *call = connection->call;
    call->ready_us = loop_of(connection)->now_us;
    call->is_ready = true;
    call->expects_continue = native_request_expects_continue(&call->request);
    send_on(connection);
}

void native_http1_use(struct native_connection *connection, struct transport_call *call)
{
    assert(!connection->call && !connection->dial);
    connection->call = call;
    call->connection = connection;
    call->used_at_wait = loop_of(connection)->wait_count;
    connection->is_reused = true;
    native_http1_begin(connection);
}

/* ---- receiving ---- */

/* Keep the connection if it can be used again, and tell. Nothing of it is touched behind that. */
static void finish(struct native_connection *connection, bool may_be_kept)
{
    struct transport_call *call = connection->call;
    struct transport_user *user = connection->user;
    struct loop *loop = loop_of(connection);
    connection->call = NULL;
    call->connection = NULL;
    if (!may_be_kept || user->connection_count > NATIVE_MAX_IDLE_CONNECTIONS) {
        native_http1_close(connection);
    } else {
        connection->idle_since_us = loop->now_us;
        if (!timer_is_set(&connection->idle_timer))
            timers_set(&loop->timers, &connection->idle_timer, loop->now_us + NATIVE_MAX_IDLE_US);
        if (connection->previous) {
            unlink_connection(connection);
            native_http1_link_first(connection);
        }
    }
    native_call_done(call, FAILURE_NONE, NULL);
}

/* How the answer stands after these bytes; the block they lie in is given back by the caller. */
static enum answer_state take(struct native_connection *connection, char *block, size_t len)
{
    struct transport_call *call = connection->call;
    size_t left;
    enum answer_state state = native_answer_take(&call->answer, block, len, len == POOL_BLOCK_BYTES,
                                                 transport_of(connection)->scratch, &left);
    connection->block_len = left;
    return state;
}

/* Bytes have come, by the first read of this event or by a later one. */
static void stamp(struct native_connection *connection, int reads)
{
    struct transport_call *call = connection->call;
    struct loop *loop = loop_of(connection);
    struct network_sampler *network = &transport_of(connection)->network;
    call->ended_us = reads > 1
                         ? loop_refresh(loop)
                         : loop_arrived_us(loop, call->is_sent ? call->sent_us : call->ready_us);
    if (call->first_us)
        return;
    call->first_us = call->ended_us;
    if (network_sampler_is_due(network))
        network_sampler_look(network, connection->stream.fd, &connection->seen);
}

/* What TLS has read ahead behind an answer may be tickets, which are no words to us. */
static bool has_said_more(struct native_connection *connection)
{
    char byte;
    return stream_has_pending(&connection->stream) &&
           stream_read(&connection->stream, &byte, 1) != STREAM_BLOCKED;
}

/* The answer is there, or will never be: what follows is told with the block still lent. */
static void conclude(struct native_connection *connection, enum answer_state state)
{
    struct transport_call *call = connection->call;
    struct transport *transport = transport_of(connection);
    char *block = connection->block;
    connection->block = NULL;
    if (connection->stamps)
        call->kernel_us = native_timestamps_service_us(connection->stamps);
    if (state == ANSWER_BROKEN)
        native_http1_end_call(connection, call->answer.failure, call->answer.detail);
    else
        finish(connection, !call->answer.ends_connection && !call->request.closes_connection &&
                               call->is_sent && !has_said_more(connection));
    buffer_pool_give(&transport->pool, block);
}

/* Bytes that had come before the request was sent cannot be its answer. */
static bool is_unasked(const struct native_connection *connection)
{
    const struct transport_call *call = connection->call;
    return connection->is_reused && !call->received_bytes &&
           call->used_at_wait == loop_of(connection)->wait_count;
}

static ssize_t read_some(struct native_connection *connection, char *data, size_t len)
{
    return connection->stamps
               ? native_timestamps_read(connection->stamps, &connection->stream, data, len)
               : stream_read(&connection->stream, data, len);
}

static void receive(struct native_connection *connection)
{
    struct transport_call *call = connection->call;
    if (!connection->block &&
        !(connection->block = buffer_pool_take(&transport_of(connection)->pool))) {
        native_http1_end_call(connection, FAILURE_NO_FILES, "no memory for an answer");
        return;
    }
    const struct content_streams *streams = transport_of(connection)->streams;
    uint64_t most_given = content_streams_given(streams) + NATIVE_VIEW_EVENT_BYTES;
    for (int reads = 1; (reads <= STEPS_PER_EVENT && content_streams_given(streams) < most_given) ||
                        stream_has_pending(&connection->stream);
         reads++) {
        size_t room = POOL_BLOCK_BYTES - connection->block_len;
        ssize_t got = read_some(connection, connection->block + connection->block_len, room);
        if (got == STREAM_BLOCKED) {
            if (stream_events(&connection->stream) & LOOP_WRITE)
                watch(connection, LOOP_READ | LOOP_WRITE);
            break;
        }
        if (got <= 0) {
            native_http1_ended(connection, got);
            return;
        }
        if (is_unasked(connection)) {
            native_http1_end_call(connection, FAILURE_UNASKED, NATIVE_HTTP1_UNASKED);
            return;
        }
        stamp(connection, reads);
        call->received_bytes += (uint64_t)got;
        enum answer_state state =
            take(connection, connection->block, connection->block_len + (size_t)got);
        if (state != ANSWER_NEEDS_MORE) {
            conclude(connection, state);
            return;
        }
        if (call->answer.was_continued && call->continue_at_us)
            native_http1_continue(connection);
        else if (call->answer.has_head && call->continue_at_us)
            call->continue_at_us = NATIVE_CONTINUE_NEVER; /* the body is not wanted */
        if ((size_t)got < room && !stream_has_pending(&connection->stream))
            break;
    }
    if (!connection->block_len)
        give_block(connection);
}

/* Nobody has asked: the peer has closed, or says something that belongs to no request. */
static void idle_ready(struct native_connection *connection)
{
    char byte;
    if (stream_read(&connection->stream, &byte, 1) == STREAM_BLOCKED)
        return;
    struct transport_user *user = connection->user;
    native_http1_close(connection);
    native_user_start_waiting(user);
}

void native_http1_ready(struct loop_watch *watched, void *owner, int events)
{
    struct native_connection *connection = owner;
    (void)watched;
    if (connection->stamps)
        native_timestamps_drain(connection->stamps, connection->stream.fd);
    if (!connection->call) {
        idle_ready(connection);
        return;
    }
    const struct transport_call *call = connection->call;
    bool is_sending = !call->is_sent && !call->continue_at_us && !connection->has_send_failed;
    if (is_sending && (events & (LOOP_WRITE | stream_events(&connection->stream))))
        send_on(connection);
    else if (events & LOOP_WRITE) /* TLS had to write in order to read */
        watch(connection, LOOP_READ);
    if (events & LOOP_READ || !is_sending)
        receive(connection);
}

/* transport_native.c - the native transport's users and calls: who waits, who is told, what ends.
 */
#include "replay/transport/transport_native.h"

#include <stdlib.h>
#include <unistd.h>

#include "replay/transport/native_h2.h"
#include "replay/transport/native_http1.h"
#include "replay/transport/transport_ws.h"

static const char no_connection[] = "no memory for a connection";

void native_count_connection(struct transport *transport, int change)
{
    transport->connections_open += (size_t)(ptrdiff_t)change;
    if (transport->connections_open > transport->most_connections)
        transport->most_connections = transport->connections_open;
}

/* ---- waiting for a connection ---- */

static void enqueue(struct transport_call *call)
{
    struct transport_user *user = call->user;
    struct transport *transport = user->transport;
    call->next = NULL;
    call->previous = user->last_waiting;
    if (user->last_waiting)
        user->last_waiting->next = call;
    else
        user->first_waiting = call;
    user->last_waiting = call;
    if (++transport->waiting_count > transport->most_waiting)
        transport->most_waiting = transport->waiting_count;
}

static void leave_queue(struct transport_call *call)
{
    struct transport_user *user = call->user;
    if (call->previous)
        call->previous->next = call->next;
    else
        user->first_waiting = call->next;
    if (call->next)
        call->next->previous = call->previous;
    else
        user->last_waiting = call->previous;
    user->transport->waiting_count--;
}

void native_call_fail_later(struct transport_call *call, enum failure failure, const char *detail)
{
    struct loop *loop = call->user->transport->loop;
    call->failure = failure;
    call->failure_detail = detail;
    enqueue(call);
    timers_set(&loop->timers, &call->timer, loop->now_us);
}

/* May it go now? On the connection that is idle, or (NULL) on a new one. */
static bool has_place(const struct transport_call *call, struct native_connection **ret_idle)
{
    uint32_t count = 0, most = call->request.max_connections;
    *ret_idle = NULL;
    for (struct native_connection *at = call->user->connections; at; at = at->next) {
        if (at->origin != call->origin)
            continue;
        if (!at->call) {
            *ret_idle = at;
            return true;
        }
        count++;
    }
    return most == 0 || count < most;
}

static void place(struct transport_call *call, struct native_connection *idle)
{
    if (idle)
        native_http1_use(idle, call);
    else if (native_http1_open(call))
        native_call_fail_later(call, FAILURE_NO_FILES, no_connection);
}

void native_user_start_waiting(struct transport_user *user)
{
    const struct native_origin *full = NULL;
    struct native_connection *idle;
    struct transport_call *next;
    for (struct transport_call *call = user->first_waiting; call; call = next) {
        next = call->next;
        if (call->failure != FAILURE_NONE || call->origin == full)
            continue;
        if (has_place(call, &idle)) {
            leave_queue(call);
            place(call, idle);
        } else {
            full = call->origin;
        }
    }
}

void native_call_start(struct transport_call *call, struct native_stream *stream)
{
    struct transport_user *user = call->user;
    struct native_connection *idle;
    if (stream && stream->fd >= 0) {
        if (native_http1_adopt(call, stream))
            native_call_fail_later(call, FAILURE_NO_FILES, no_connection);
    } else if (!user->first_waiting && has_place(call, &idle)) {
        place(call, idle);
    } else {
        enqueue(call);
        native_user_start_waiting(user); /* it may go ahead of those for another target */
    }
}

/* Over HTTP/1.1 the connection goes with it, over HTTP/2 only its stream. */
static void leave_connection(struct transport_call *call)
{
    if (call->h2)
        native_h2_drop(call);
    else if (call->connection)
        native_http1_close(call->connection);
    else
        leave_queue(call);
}

/* ---- one call ---- */

void native_call_done(struct transport_call *call, enum failure failure, const char *detail)
{
    struct transport_user *user = call->user;
    struct transport *transport = user->transport;
    struct transport_result result;
    if (failure != FAILURE_NONE || !call->received_bytes)
        call->ended_us = loop_refresh(transport->loop);
    native_call_result(call, failure, detail, &result);
    call->request.done(call->request.owner, &result);
    native_call_give(call);
    content_decoder_release(transport->decoder); /* a small body may have become a large one */
    if (user->first_waiting)
        native_user_start_waiting(user);
}

static void time_out(struct transport_call *call)
{
    leave_connection(call);
    if (call->is_ready)
        native_call_done(call, FAILURE_TIMEOUT,
                         native_call_is_limited(call) ? TRANSPORT_LIMITED
                                                      : "no whole answer in time");
    else
        native_call_done(call, FAILURE_CONNECT_TIMEOUT, "no connection in time");
}

/* 100 has not come in time. */
static void send_body(struct transport_call *call)
{
    if (call->h2)
        native_h2_continue(call);
    else
        native_http1_continue(call->connection);
}

/* One timer per call, set lazily: it may fire for a request that is long done. */
static void on_call_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_call *call = owner;
    if (!call->user)
        return;
    if (call->failure != FAILURE_NONE) {
        leave_queue(call);
        native_call_done(call, call->failure, call->failure_detail);
        return;
    }
    if (call->body.failure != FAILURE_NONE) {
        enum failure failure = call->body.failure;
        leave_connection(call);
        native_call_done(call, failure,
                         failure == FAILURE_PLUGIN ? call->request.http->source->failure
                                                   : "no memory for a body");
        return;
    }
    if (now_us >= call->deadline_us) {
        if (loop_has_looked(call->user->transport->loop, call->deadline_us))
            time_out(call);
        else
            timers_set(&call->user->transport->loop->timers, timer, now_us);
        return;
    }
    if (call->continue_at_us && now_us >= call->continue_at_us)
        send_body(call);
    uint64_t next_us = call->deadline_us;
    if (call->continue_at_us && call->continue_at_us < next_us)
        next_us = call->continue_at_us;
    timers_set(&call->user->transport->loop->timers, timer, next_us);
}

/* The pace of its body lets more of it go. */
static void on_body_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_call *call = owner;
    (void)timer;
    (void)now_us;
    if (call->h2)
        native_h2_resume(call);
    else if (call->connection)
        native_http1_resume(call->connection);
}

static struct native_origin *origin_of(struct transport_user *user, struct bytes url,
                                       enum failure *ret_failure)
{
    struct native_origin *origin = NULL;
    if (user->connections && native_origin_begins(user->connections->origin, url))
        return user->connections->origin;
    *ret_failure = native_origin_find(&user->transport->origins, url, &origin) ? FAILURE_PROTOCOL
                                                                               : FAILURE_NO_FILES;
    return origin;
}

static struct transport_call *native_send(struct transport_user *user,
                                          const struct transport_request *request,
                                          enum failure *ret_failure)
{
    const struct http_request *http = request->http;
    enum failure failure;
    struct native_origin *origin = origin_of(user, http->url, ret_failure);
    if (!origin)
        return NULL;
    if (!native_request_is_valid(request)) {
        *ret_failure = FAILURE_PROTOCOL;
        return NULL;
    }
    struct transport_call *call = native_call_take(user, on_call_timer, on_body_timer);
    if (!call) {
        *ret_failure = FAILURE_NO_FILES;
        return NULL;
    }
    call->request = *request;
    native_call_limit(call);
    call->origin = origin;
    origin->references++;
    call->answer.is_to_head = bytes_equal(http->method, bytes_of("HEAD"));
    native_view_begin(call);
    if (!native_request_fits(request))
        native_call_fail_later(call, FAILURE_HEAD_TOO_LARGE, NATIVE_REQUEST_TOO_LARGE);
    else if (!native_h2_takes(call))
        native_call_start(call, NULL);
    else if ((failure = native_h2_send(call)) != FAILURE_NONE)
        native_call_fail_later(call, failure, native_h2_unsent_detail(failure));
    return call;
}

static void drop(struct transport_call *call)
{
    leave_connection(call);
    native_call_give(call);
}

static void native_cancel(struct transport_call *call)
{
    struct transport_user *user = call->user;
    struct loop *loop = user->transport->loop;
    drop(call);
    /* Not at once: who cancels one at the end of a session cancels the next in a moment, and that
     * would have left by then. */
    if (user->first_waiting)
        timers_set(&loop->timers, &user->start_timer, loop->now_us);
}

static void on_start_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    (void)timer;
    (void)now_us;
    native_user_start_waiting(owner);
}

/* ---- users and the transport ---- */

static struct transport_user *native_user_open(struct transport *transport)
{
    struct transport_user *user = calloc(1, sizeof *user);
    if (!user)
        return NULL;
    user->transport = transport;
    timer_init(&user->start_timer, on_start_timer, user);
    return user;
}

static void native_user_close(struct transport_user *user)
{
    while (user->websockets)
        transport_ws_free(user->websockets);
    while (user->first_waiting)
        drop(user->first_waiting);
    while (user->h2) {
        if (user->h2->calls)
            drop(user->h2->calls);
        else
            native_h2_close(user->h2);
    }
    while (user->connections) {
        struct transport_call *call = user->connections->call;
        native_http1_close(user->connections);
        if (call)
            native_call_give(call);
    }
    dial_resumption_fini(&user->resumption);
    timers_cancel(&user->transport->loop->timers, &user->start_timer);
    free(user);
}

static void native_close(struct transport *transport)
{
    native_calls_free(transport);
    native_h2_shared_fini(&transport->h2_shared);
    if (transport->dialer)
        dialer_close(transport->dialer);
    native_origins_fini(&transport->origins);
    buffer_pool_fini(&transport->pool);
    content_decoder_free(transport->decoder);
    content_streams_free(transport->streams);
    network_sampler_fini(&transport->network);
    if (transport->timestamps_fd >= 0)
        close(transport->timestamps_fd);
    buf_fini(&transport->request_text);
    free(transport->scratch);
    free(transport);
}

static int native_open(struct transport **ret_transport, struct loop *loop,
                       const struct transport_options *options, struct error *err)
{
    struct transport *transport = calloc(1, sizeof *transport);
    if (!transport)
        return error_set(err, EXIT_TOOL, "no memory for the transport");
    transport->loop = loop;
    transport->options = *options;
    buffer_pool_init(&transport->pool);
    network_sampler_init(&transport->network);
    transport->timestamps_fd = options->kernel_timestamps ? native_timestamps_hold() : -1;
    buf_init(&transport->request_text, NATIVE_MAX_REQUEST_HEAD_BYTES);
    transport->scratch = calloc(1, sizeof *transport->scratch);
    transport->decoder = content_decoder_new(options->max_body_bytes);
    transport->streams = content_streams_new();
    if (!transport->scratch || !transport->decoder || !transport->streams) {
        native_close(transport);
        return error_set(err, EXIT_TOOL, "no memory for the transport");
    }
    if (dialer_open(&transport->dialer, loop, options, err)) {
        native_close(transport);
        return -1;
    }
    *ret_transport = transport;
    return 0;
}

static int native_check(const struct transport_options *options, struct error *err)
{
    struct loop loop;
    struct transport *transport;
    if (options->proxy_url)
        return error_set(err, EXIT_INPUT,
                         "--transport native knows no proxy; leave it out, or "
                         "take --transport curl");
    if (loop_init(&loop, err))
        return -1;
    int outcome = native_open(&transport, &loop, options, err);
    if (outcome == 0)
        native_close(transport);
    loop_fini(&loop);
    return outcome;
}

static size_t native_most_connections(struct transport *transport)
{
    size_t most = transport->most_connections;
    transport->most_connections = transport->connections_open;
    return most;
}

static void native_network_health(struct transport *transport, struct network_health *health)
{
    struct dial_counts now, *told = &transport->told_counts;
    struct network_health *seen = &transport->network.health;
    dialer_count(transport->dialer, &now);
    seen->connects_started += now.started - told->started;
    seen->connects_made += now.connected - told->connected;
    seen->connects_failed += now.failed - told->failed;
    seen->no_ports += now.no_ports - told->no_ports;
    seen->no_files += now.no_files - told->no_files;
    if (transport->most_waiting > seen->most_waiting)
        seen->most_waiting = transport->most_waiting;
    *told = now;
    transport->most_waiting = transport->waiting_count;
    network_sampler_take(&transport->network, health);
}

const struct transport_ops transport_native = {
    .name = "native",
    .check = native_check,
    .open = native_open,
    .close = native_close,
    .user_open = native_user_open,
    .user_close = native_user_close,
    .send = native_send,
    .cancel = native_cancel,
    .ws_open = native_ws_open,
    .ws_send = transport_ws_send,
    .ws_free = transport_ws_free,
    .most_connections = native_most_connections,
    .network_health = native_network_health,
};

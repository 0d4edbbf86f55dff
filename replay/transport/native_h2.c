/* native_h2.c - an HTTP/2 connection of a user: dialed for a request, shared by those beside it,
 * until it ends. */
#include "replay/transport/native_h2.h"

#include <assert.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/transport/dial_race.h"
#include "replay/transport/native_http1.h"

enum { MAX_SPILL_BYTES = 64 * 1024 };

static struct transport *transport_of(const struct native_h2 *h2)
{
    return h2->user->transport;
}

static struct loop *loop_of(const struct native_h2 *h2)
{
    return h2->user->transport->loop;
}

/* ---- which HTTP ---- */

bool native_h2_takes(const struct transport_call *call)
{
    enum transport_http http = call->user->transport->options.http;
    if (http == TRANSPORT_HTTP_AUTO)
        return call->origin->url.is_secure && !call->origin->speaks_http1;
    return http == TRANSPORT_HTTP_2;
}

/* ---- calls on a connection ---- */

static void link_call(struct native_h2 *h2, struct transport_call *call)
{
    call->h2 = h2;
    call->stream_id = 0;
    call->previous = NULL;
    call->next = h2->calls;
    if (call->next)
        call->next->previous = call;
    h2->calls = call;
}

void native_h2_unlink(struct transport_call *call)
{
    struct native_h2 *h2 = call->h2;
    if (call->stream_id)
        nghttp2_session_set_stream_user_data(h2->session, call->stream_id, NULL);
    if (call->previous)
        call->previous->next = call->next;
    else
        h2->calls = call->next;
    if (call->next)
        call->next->previous = call->previous;
    call->next = call->previous = NULL;
    call->h2 = NULL;
    call->stream_id = 0;
    if (!h2->calls)
        h2->idle_since_us = loop_of(h2)->now_us;
}

static void flush_soon(struct native_h2 *h2)
{
    if (!h2->is_busy && !timer_is_set(&h2->flush_timer))
        timers_set(&loop_of(h2)->timers, &h2->flush_timer, loop_of(h2)->now_us);
}

/* Submitted, and written with whatever else is of this moment. */
static enum failure start(struct native_h2 *h2, struct transport_call *call)
{
    call->was_kept = h2->is_used;
    enum failure failure = native_h2_submit(h2, call);
    if (failure == FAILURE_NONE)
        flush_soon(h2);
    return failure;
}

const char *native_h2_unsent_detail(enum failure failure)
{
    return failure == FAILURE_PROTOCOL ? "with this user's values its URL is none"
                                       : "no memory for a connection";
}

static struct native_h2 *find(const struct transport_call *call)
{
    struct native_h2 *h2 = call->user->h2;
    while (h2 && (h2->origin != call->origin || h2->is_going))
        h2 = h2->next;
    return h2;
}

static struct native_h2 *open_connection(const struct transport_call *call);

enum failure native_h2_send(struct transport_call *call)
{
    struct native_h2 *h2 = find(call);
    enum failure failure = FAILURE_NONE;
    if (!h2)
        h2 = open_connection(call);
    if (!h2)
        return FAILURE_NO_FILES;
    link_call(h2, call);
    if (h2->dial) /* each ends by its own timer; the dial must not end before the last of them */
        dial_extend(h2->dial, call->deadline_us);
    if (h2->session)
        failure = start(h2, call);
    if (failure != FAILURE_NONE) {
        native_h2_unlink(call);
        if (failure != FAILURE_PROTOCOL)
            h2->is_going = true; /* out of stream numbers, or of memory */
        flush_soon(h2);
    }
    return failure;
}

void native_h2_again(struct transport_call *call)
{
    call->was_retried = true;
    call->was_reset = false;
    call->is_ready = call->is_sent = false;
    call->continue_at_us = call->sent_bytes = call->received_bytes = call->first_us = 0;
    native_answer_fini(&call->answer); /* an interim answer, perhaps */
    native_view_begin(call);
    enum failure failure = native_h2_send(call);
    if (failure != FAILURE_NONE)
        native_call_done(call, failure, native_h2_unsent_detail(failure));
}

void native_h2_resume(struct transport_call *call)
{
    nghttp2_session_resume_data(call->h2->session, call->stream_id);
    flush_soon(call->h2);
}

void native_h2_continue(struct transport_call *call)
{
    native_call_continue(call);
    native_h2_resume(call);
}

void native_h2_drop(struct transport_call *call)
{
    struct native_h2 *h2 = call->h2;
    if (call->stream_id)
        nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, call->stream_id, NGHTTP2_CANCEL);
    /* Nothing at all since it was sent: the connection may be dead, and the next has another. A
     * plugin's limit may be a short one. */
    if (call->is_ready && !native_call_is_limited(call) &&
        loop_of(h2)->now_us >= call->deadline_us && h2->heard_us <= call->ready_us)
        h2->is_going = true;
    native_h2_unlink(call);
    if (h2->session)
        flush_soon(h2);
    else if (!h2->calls && !h2->is_busy) /* nobody waits for it to connect */
        native_h2_close(h2);
}

/* ---- the end of a connection ---- */

/* Closes what it still has; whether it counts as a connection is the caller's to know. */
static void free_connection(struct native_h2 *h2)
{
    struct transport *transport = transport_of(h2);
    assert(!h2->calls && !h2->is_busy);
    if (h2->dial)
        dial_cancel(h2->dial);
    timers_cancel(&transport->loop->timers, &h2->idle_timer);
    timers_cancel(&transport->loop->timers, &h2->flush_timer);
    loop_watch_clear(transport->loop, &h2->watch);
    if (h2->stream.fd >= 0)
        network_health_close(&transport->network.health, h2->stream.fd, &h2->seen);
    stream_close(&h2->stream);
    nghttp2_session_del(h2->session);
    buffer_pool_give(&transport->pool, h2->block);
    buf_fini(&h2->spill);
    if (h2->previous)
        h2->previous->next = h2->next;
    else
        h2->user->h2 = h2->next;
    if (h2->next)
        h2->next->previous = h2->previous;
    h2->origin->references--;
    free(h2);
}

void native_h2_close(struct native_h2 *h2)
{
    native_count_connection(transport_of(h2), -1);
    free_connection(h2);
}

/* All its calls fail alike, and it is gone. */
void native_h2_fail(struct native_h2 *h2, enum failure failure, const char *detail)
{
    char kept[DIAL_DETAIL_BYTES];
    snprintf(kept, sizeof kept, "%s", detail); /* may be the stream's */
    h2->is_going = h2->is_busy = true;
    while (h2->calls) {
        struct transport_call *call = h2->calls;
        native_h2_unlink(call);
        native_call_done(call, failure, kept);
    }
    h2->is_busy = false;
    native_h2_close(h2);
}

/* The target closed, or reset (-1). A kept connection may have been closed before it heard of the
 * call: that one is sent again on a new one, as over HTTP/1. */
void native_h2_lost(struct native_h2 *h2, ssize_t how)
{
    char detail[128];
    if (h2->goaway_code)
        snprintf(detail, sizeof detail, "the target ended the connection: %s",
                 nghttp2_http2_strerror(h2->goaway_code));
    else
        snprintf(detail, sizeof detail, "%s",
                 how < 0 ? stream_detail(&h2->stream) : "the target closed the connection");
    h2->is_going = h2->is_busy = true;
    while (h2->calls) {
        struct transport_call *call = h2->calls;
        bool has_begun = call->first_us > 0; /* frames may have come that are no answer */
        native_h2_unlink(call);
        if (call->was_kept && !has_begun && !call->was_retried)
            native_h2_again(call);
        else
            native_call_done(call,
                             how < 0 || h2->goaway_code ? FAILURE_RESET
                             : has_begun                ? FAILURE_TRUNCATED
                                                        : FAILURE_CLOSED,
                             detail);
    }
    h2->is_busy = false;
    native_h2_close(h2);
}

/* ---- opening ---- */

static int open_session(struct native_h2 *h2)
{
    struct native_h2_shared *shared = &transport_of(h2)->h2_shared;
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, NATIVE_H2_STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP1_MAX_HEAD_BYTES},
    };
    if (!shared->callbacks && native_h2_shared_init(shared))
        return -1;
    if (nghttp2_session_client_new2(&h2->session, shared->callbacks, h2, shared->option))
        return -1;
    if (nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
                                sizeof settings / sizeof settings[0]) ||
        nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
                                              NATIVE_H2_CONNECTION_WINDOW))
        return -1;
    return loop_watch_set(loop_of(h2), &h2->watch, h2->stream.fd, LOOP_READ);
}

/* Those that waited for the connection, in the order they came. */
static void start_calls(struct native_h2 *h2)
{
    struct transport_call *call = h2->calls, *previous;
    while (call && call->next)
        call = call->next;
    for (; call; call = previous) {
        previous = call->previous;
        enum failure failure = start(h2, call);
        if (failure != FAILURE_NONE) {
            native_h2_unlink(call);
            native_call_fail_later(call, failure, native_h2_unsent_detail(failure));
        }
    }
}

/* ALPN chose HTTP/1.1: the calls go there, one of them on this connection. That one may end at
 * once, and its owner cancel the others. */
static void fall_back(struct native_h2 *h2)
{
    struct native_stream stream = h2->stream;
    h2->origin->speaks_http1 = h2->is_going = h2->is_busy = true;
    h2->stream.fd = -1;
    h2->stream.tls = NULL;
    native_count_connection(transport_of(h2), -1); /* before the call that takes it counts it */
    while (h2->calls) {
        struct transport_call *call = h2->calls;
        while (call->next) /* in the order they came */
            call = call->next;
        native_h2_unlink(call);
        native_call_start(call, &stream);
    }
    stream_close(&stream);
    h2->is_busy = false;
    free_connection(h2);
}

/* The part of the dial that a call waited for: one that came later missed its beginning. */
static void add_times(struct transport_call *call, const struct dial_result *result,
                      uint64_t now_us)
{
    uint64_t waited_us = now_us - call->started_us;
    uint64_t tls_us = result->tls_us < waited_us ? result->tls_us : waited_us;
    uint64_t behind_us = tls_us + result->connect_us;
    uint64_t dns_us = waited_us > behind_us ? waited_us - behind_us : 0;
    call->tls_us += tls_us;
    call->dns_us += dns_us < result->dns_us ? dns_us : result->dns_us;
}

static void on_dialed(void *owner, const struct dial_result *result)
{
    struct native_h2 *h2 = owner;
    h2->dial = NULL;
    for (struct transport_call *call = h2->calls; call; call = call->next)
        add_times(call, result, loop_of(h2)->now_us);
    if (result->failure != FAILURE_NONE) {
        native_h2_fail(h2, result->failure, result->detail);
        return;
    }
    h2->stream = result->stream;
    if (h2->origin->url.is_secure && !h2->stream.is_h2) {
        if (transport_of(h2)->options.http == TRANSPORT_HTTP_2)
            native_h2_fail(h2, FAILURE_PROTOCOL, "the target does not speak HTTP/2");
        else
            fall_back(h2);
        return;
    }
    if (open_session(h2)) {
        native_h2_fail(h2, FAILURE_NO_FILES, "no memory for an HTTP/2 connection");
        return;
    }
    start_calls(h2);
    timers_cancel(&loop_of(h2)->timers, &h2->flush_timer);
    native_h2_settle(h2);
}

static struct native_h2 *open_connection(const struct transport_call *call)
{
    struct transport_user *user = call->user;
    struct native_h2 *h2 = calloc(1, sizeof *h2);
    if (!h2)
        return NULL;
    h2->user = user;
    h2->stream.fd = -1;
    h2->seen.is_made = true; /* the dialer counts */
    buf_init(&h2->spill, MAX_SPILL_BYTES);
    loop_watch_init(&h2->watch, native_h2_ready, h2);
    timer_init(&h2->idle_timer, native_h2_on_idle_timer, h2);
    timer_init(&h2->flush_timer, native_h2_on_flush_timer, h2);
    h2->dial = dial_start(user->transport->dialer, &call->origin->url, true, &user->resumption,
                          call->deadline_us, on_dialed, h2);
    if (!h2->dial) {
        free(h2);
        return NULL;
    }
    h2->origin = call->origin;
    h2->origin->references++;
    h2->next = user->h2;
    if (h2->next)
        h2->next->previous = h2;
    user->h2 = h2;
    native_count_connection(user->transport, 1);
    return h2;
}

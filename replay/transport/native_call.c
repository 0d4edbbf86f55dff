/* native_call.c - the store of calls, and what became of one: its times, its answer decoded. */
#include <stdlib.h>

#include "replay/transport/transport_native.h"

enum { MAX_FREE_CALLS = 4096, SHOWN_WHOLE_BYTES = 1024 * 1024 };

struct transport_call *native_call_take(struct transport_user *user, timer_fn on_timer,
                                        timer_fn on_body_timer)
{
    struct transport *transport = user->transport;
    struct transport_call *call = transport->free_calls;
    if (call) {
        transport->free_calls = call->next;
        transport->free_call_count--;
    } else {
        call = calloc(1, sizeof *call);
        if (!call)
            return NULL;
        timer_init(&call->timer, on_timer, call);
        timer_init(&call->body.timer, on_body_timer, call);
    }
    uint64_t now_us = transport->loop->now_us;
    call->next = call->previous = NULL;
    call->user = user;
    call->connection = NULL;
    call->h2 = NULL;
    call->stream_id = 0;
    call->started_us = now_us;
    call->deadline_us = now_us + transport->options.timeout_us;
    call->ready_us = call->sent_us = call->first_us = call->ended_us = 0;
    call->dns_us = call->tls_us = 0;
    call->continue_at_us = call->sent_bytes = call->received_bytes = 0;
    call->used_at_wait = 0;
    call->kernel_us = 0;
    call->failure = FAILURE_NONE;
    call->is_ready = call->is_sent = call->was_retried = call->expects_continue = false;
    call->was_kept = call->was_reset = false;
    if (!timer_is_set(&call->timer))
        timers_set(&transport->loop->timers, &call->timer, call->deadline_us);
    return call;
}

bool native_call_is_limited(const struct transport_call *call)
{
    uint64_t limit_us = call->request.limit_us;
    return limit_us && limit_us < call->user->transport->options.timeout_us;
}

uint64_t native_call_timeout_us(const struct transport_call *call)
{
    return native_call_is_limited(call) ? call->request.limit_us
                                        : call->user->transport->options.timeout_us;
}

void native_call_limit(struct transport_call *call)
{
    if (!native_call_is_limited(call))
        return;
    call->deadline_us = call->started_us + call->request.limit_us;
    timers_set(&call->user->transport->loop->timers, &call->timer, call->deadline_us);
}

void native_call_give(struct transport_call *call)
{
    struct transport *transport = call->user->transport;
    call->origin->references--;
    native_answer_fini(&call->answer);
    native_h2_request_fini(call);
    native_body_reset(call);
    native_view_end(call);
    call->user = NULL;
    if (transport->free_call_count == MAX_FREE_CALLS) {
        timers_cancel(&transport->loop->timers, &call->timer);
        free(call);
        return;
    }
    call->next = transport->free_calls;
    transport->free_calls = call;
    transport->free_call_count++;
}

void native_call_await_continue(struct transport_call *call)
{
    struct loop *loop = call->user->transport->loop;
    call->continue_at_us = loop->now_us + NATIVE_CONTINUE_WAIT_US;
    if (call->continue_at_us < call->deadline_us)
        timers_set(&loop->timers, &call->timer, call->continue_at_us);
}

void native_call_continue(struct transport_call *call)
{
    call->expects_continue = false;
    call->continue_at_us = 0;
    if (!call->answer.has_head)
        call->first_us = 0; /* the interim answer's */
}

void native_calls_free(struct transport *transport)
{
    while (transport->free_calls) {
        struct transport_call *call = transport->free_calls;
        transport->free_calls = call->next;
        timers_cancel(&transport->loop->timers, &call->timer);
        free(call);
    }
    transport->free_call_count = 0;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/*
 * The parts follow each other without a gap: what passed before the first byte was sent and was
 * neither a name's nor TLS's is connecting, waiting for one of the user's connections and a
 * connection that turned out stale included.
 */
void native_call_times(const struct transport_call *call, struct transport_result *result)
{
    uint64_t ended_us = call->ended_us;
    uint64_t ready_us = call->is_ready ? call->ready_us : ended_us;
    uint64_t before_us = minus(ready_us, call->started_us);
    result->dns_us = call->dns_us < before_us ? call->dns_us : before_us;
    result->tls_us = minus(before_us, result->dns_us);
    if (call->tls_us < result->tls_us)
        result->tls_us = call->tls_us;
    result->connect_us = before_us - result->dns_us - result->tls_us;
    if (!call->is_ready)
        return;
    uint64_t first_us = call->first_us ? call->first_us : ended_us;
    uint64_t sent_us = call->is_sent && call->sent_us < first_us ? call->sent_us : first_us;
    result->sending_us = minus(sent_us, ready_us);
    result->waiting_us = minus(first_us, sent_us);
    result->receiving_us = minus(ended_us, first_us);
}

enum failure native_coding_failure(enum content_result result)
{
    switch (result) {
    case CONTENT_DECODED:
        return FAILURE_NONE;
    case CONTENT_TOO_LARGE:
        return FAILURE_BODY_TOO_LARGE;
    case CONTENT_NO_MEMORY:
        return FAILURE_NO_FILES;
    case CONTENT_BAD:
    case CONTENT_BAD_WINDOW:
        break;
    }
    return FAILURE_CODING;
}

/* A viewer is shown piece by piece what would need more memory than this. */
static size_t whole_limit(const struct transport_call *call)
{
    size_t most = call->user->transport->options.max_body_bytes;
    return call->request.keeps_body || most < SHOWN_WHOLE_BYTES ? most : SHOWN_WHOLE_BYTES;
}

/* Only what is kept, or handed to a viewer whole, is decoded. */
static void fill_body(struct transport_call *call, struct transport_result *result)
{
    struct transport *transport = call->user->transport;
    struct native_answer *answer = &call->answer;
    struct http_response *response = &result->response;
    struct bytes body = answer->content;
    if (body.len && answer->facts.has_coding) {
        struct answer_head facts; /* all headers, whichever are kept */
        struct http1_head *core = &transport->scratch->core;
        answer_head_parse_core(answer->head, answer->keeps_headers, answer->is_to_head, &facts,
                               transport->scratch);
        content_decoder_limit(transport->decoder, whole_limit(call));
        result->failure = native_coding_failure(content_decode(
            transport->decoder, core->headers, core->header_count, body, &body, &result->detail));
        if (result->failure == FAILURE_BODY_TOO_LARGE && !call->request.keeps_body) {
            result->failure = FAILURE_NONE;
            result->detail = NULL;
            native_view_late(call, result);
            return;
        }
        if (result->failure != FAILURE_NONE) {
            result->response = (struct http_response){0};
            return;
        }
    }
    response->body = body;
}

void native_call_result(struct transport_call *call, enum failure failure, const char *detail,
                        struct transport_result *ret_result)
{
    *ret_result = (struct transport_result){
        .failure = failure,
        .detail = detail,
        .bytes_sent = call->sent_bytes,
        .bytes_received = call->received_bytes,
        .kernel_us = call->kernel_us,
        .body_bytes = call->answer.body_bytes,
        .was_shown = call->answer.was_shown,
    };
    native_call_times(call, ret_result);
    if (failure != FAILURE_NONE)
        return;
    ret_result->response.status = call->answer.facts.status;
    ret_result->response.headers = call->user->transport->scratch->headers;
    ret_result->response.header_count = call->answer.facts.header_count;
    if (call->answer.was_shown)
        native_view_result(call, ret_result);
    else if (call->answer.gathers_body)
        fill_body(call, ret_result);
}

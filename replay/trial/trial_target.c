/* trial_target.c - requests, and the answers that the trace has for them. */
#include "replay/trial/trial_target.h"

#include <stdlib.h>

#include "core/url.h"
#include "replay/task.h"

enum { ANSWER_US = 10000, MAX_ANSWER_BYTES = 64 << 20 };

struct transport_call {
    struct transport_call *next;
    struct transport_user *user;
    struct timer timer;
    struct transport_request request;
    struct arena texts; /* the answer's */
    struct http_response answer;
    struct http_header headers[HTTP1_MAX_HEADERS];
    uint64_t waiting_us, receiving_us;
};

/* "GET /jobs/{id}" and a request of it. */
static bool is_of_endpoint(struct bytes endpoint, struct bytes method, struct bytes path)
{
    struct bytes left, right;
    if (!bytes_starts_with(endpoint, method) || endpoint.len <= method.len ||
        endpoint.ptr[method.len] != ' ')
        return false;
    endpoint = bytes_from(endpoint, method.len + 1);
    while (endpoint.len && path.len) {
        if (!bytes_split(&endpoint, '/', &left) || !bytes_split(&path, '/', &right))
            return false;
        bool is_any = left.len > 1 && left.ptr[0] == '{' && left.ptr[left.len - 1] == '}';
        if (!is_any && !bytes_equal(left, right))
            return false;
    }
    return !endpoint.len && !path.len;
}

static struct bytes path_of(struct bytes url_text)
{
    struct url url;
    if (url_parse(url_text, &url))
        return (struct bytes){0};
    struct bytes path = url.target;
    const char *query = memchr(path.ptr, '?', path.len);
    return query ? bytes_make(path.ptr, (size_t)(query - path.ptr)) : path;
}

static int64_t find_in(const struct trial_source *source, const struct plan_session *session,
                       const struct http_request *http)
{
    struct bytes path = path_of(http->url);
    for (uint32_t i = 0; i < session->step_count; i++) {
        const struct plan_step *step = &session->steps[i];
        if (step->kind != STEP_REQUEST || step->endpoint >= source->plan->endpoint_count)
            continue;
        bool is_same =
            bytes_equal(step->method, http->method) && bytes_equal(path_of(step->url), path);
        if (is_same || is_of_endpoint(source->plan->endpoints[step->endpoint], http->method, path))
            return step->exchange_id;
    }
    return 0;
}

/* The session's own first; 0: the trace has nothing like it. */
static int64_t find_like(const struct trial_source *source, const struct http_request *http)
{
    int64_t found = find_in(source, source->session, http);
    for (size_t i = 0; i < source->plan->session_count && !found; i++)
        found = find_in(source, &source->plan->sessions[i], http);
    return found;
}

static void take_answer(struct transport_call *call, const struct recorded *recorded)
{
    const struct trace_exchange *exchange = &recorded->exchange;
    const struct http_response *answer = &recorded->answer;
    size_t count = 0;
    for (; count < answer->header_count; count++) {
        call->headers[count].name = arena_copy(&call->texts, answer->headers[count].name);
        call->headers[count].value = arena_copy(&call->texts, answer->headers[count].value);
    }
    call->answer = (struct http_response){
        .status = exchange->status, .headers = call->headers, .header_count = count};
    if (recorded->has_body)
        call->answer.body = arena_copy(&call->texts, answer->body);
    if (exchange->response_first_us > exchange->request_last_us)
        call->waiting_us = (uint64_t)(exchange->response_first_us - exchange->request_last_us);
    if (exchange->response_last_us > exchange->response_first_us)
        call->receiving_us = (uint64_t)(exchange->response_last_us - exchange->response_first_us);
}

static void find_answer(struct transport_call *call)
{
    struct trial_source *source = call->user->transport->source;
    const struct task *task = call->request.owner;
    struct error err;
    bool is_recorded = task->step && !task->added;
    int64_t exchange_id =
        is_recorded ? task->step->exchange_id : find_like(source, call->request.http);
    call->waiting_us = ANSWER_US;
    if (is_recorded)
        source->trial->requests_sent++;
    else
        source->trial->added_sent++;
    if (exchange_id && recorded_read(source->recorded, exchange_id, &err) == 1) {
        take_answer(call, source->recorded);
        return;
    }
    source->trial->answered_by_nothing++;
    call->answer = (struct http_response){.status = 200, .body = bytes_of("")};
}

static void unlink_call(struct transport_call *call)
{
    struct transport_call **at = &call->user->calls;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
}

static void free_call(struct transport_call *call)
{
    arena_fini(&call->texts);
    free(call);
}

static void on_answer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_call *call = owner;
    bool keeps = call->request.keeps_body || call->request.viewer; /* it comes at once */
    struct transport_result result = {
        .failure = call->answer.status ? FAILURE_NONE : FAILURE_RESET,
        .detail = call->answer.status ? NULL : "the trace has no answer to it",
        .response = call->answer,
        .waiting_us = call->waiting_us,
        .receiving_us = call->receiving_us,
        .body_bytes = call->answer.body.len,
    };
    (void)timer;
    (void)now_us;
    if (!keeps)
        result.response.body = (struct bytes){0};
    unlink_call(call);
    call->request.done(call->request.owner, &result);
    free_call(call);
}

/* All of a body that is made on the way is read, as it would be. */
static const char *read_source(const struct http_request *http)
{
    char piece[16384];
    if (!http->source)
        return NULL;
    for (uint64_t at = 0; at < http->source->body_bytes;) {
        uint64_t left = http->source->body_bytes - at;
        ssize_t got = http->source->read(http->source, at, piece,
                                         left < sizeof piece ? (size_t)left : sizeof piece);
        if (got <= 0)
            return http->source->failure;
        at += (uint64_t)got;
    }
    return NULL;
}

static void on_failure(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_call *call = owner;
    const struct transport_result result = {.failure = FAILURE_PLUGIN,
                                            .detail = call->request.http->source->failure};
    (void)timer;
    (void)now_us;
    unlink_call(call);
    call->request.done(call->request.owner, &result);
    free_call(call);
}

static struct transport_call *send_request(struct transport_user *user,
                                           const struct transport_request *request,
                                           enum failure *ret_failure)
{
    struct transport_call *call = calloc(1, sizeof *call);
    if (!call) {
        *ret_failure = FAILURE_NO_FILES;
        return NULL;
    }
    *call = (struct transport_call){.next = user->calls, .user = user, .request = *request};
    arena_init(&call->texts, 2 * MAX_ANSWER_BYTES);
    find_answer(call);
    user->calls = call;
    struct timers *timers = &user->transport->loop->timers;
    uint64_t now_us = user->transport->loop->now_us;
    timer_init(&call->timer, read_source(request->http) ? on_failure : on_answer, call);
    timers_set(timers, &call->timer, now_us + call->waiting_us + call->receiving_us);
    return call;
}

static void cancel(struct transport_call *call)
{
    timers_cancel(&call->user->transport->loop->timers, &call->timer);
    unlink_call(call);
    free_call(call);
}

static int open_target(struct transport **ret_transport, struct loop *loop,
                       const struct transport_options *options, struct error *err)
{
    (void)options;
    *ret_transport = calloc(1, sizeof **ret_transport);
    if (!*ret_transport)
        return error_set(err, EXIT_TOOL, "no memory");
    (*ret_transport)->loop = loop;
    return 0;
}

static void close_target(struct transport *transport)
{
    free(transport);
}

static struct transport_user *open_user(struct transport *transport)
{
    struct transport_user *user = calloc(1, sizeof *user);
    if (user)
        user->transport = transport;
    return user;
}

static void close_user(struct transport_user *user)
{
    while (user->calls)
        cancel(user->calls);
    free(user);
}

static size_t most_connections(struct transport *transport)
{
    (void)transport;
    return 0;
}

const struct transport_ops trial_target = {
    .name = "trial",
    .open = open_target,
    .close = close_target,
    .user_open = open_user,
    .user_close = close_user,
    .send = send_request,
    .cancel = cancel,
    .ws_open = trial_ws_open,
    .ws_send = trial_ws_send,
    .ws_free = trial_ws_free,
    .most_connections = most_connections,
};

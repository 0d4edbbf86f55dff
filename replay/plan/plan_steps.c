/* plan_steps.c - turns recorded exchanges and messages into the steps of one session. */
#include "replay/plan/plan_steps.h"

#include <stdlib.h>

#include "core/grow.h"
#include "core/http1.h"
#include "core/url.h"

bool plan_exchange_is_playable(const struct trace_exchange *exchange)
{
    if (!http1_is_token(exchange->method) || bytes_equal(exchange->method, bytes_of("CONNECT")))
        return false;
    /* "*" names the server, not a resource: no URL can carry it. */
    struct bytes target = exchange->target;
    struct url url;
    if (target.len == 0 || (target.ptr[0] != '/' && url_parse(target, &url)))
        return false;
    return url_text_is_whole(target);
}

struct plan_draft *plan_add_draft(struct plan_builder *builder)
{
    struct plan_draft *drafts = grow_by_one(builder->drafts, builder->draft_count,
                                            &builder->draft_capacity, sizeof *drafts, SIZE_MAX);
    if (!drafts)
        return NULL;
    builder->drafts = drafts;
    struct plan_draft *draft = &builder->drafts[builder->draft_count++];
    *draft = (struct plan_draft){.moments.anchor_us = INT64_MIN};
    return draft;
}

/* When the exchange had ended, as far as its user could see; INT64_MAX: never. */
static int64_t end_of(const struct trace_exchange *exchange)
{
    if (exchange->is_websocket && exchange->response_first_us != TRACE_NO_MOMENT)
        return exchange->response_first_us;
    return exchange->response_last_us == TRACE_NO_MOMENT ? INT64_MAX : exchange->response_last_us;
}

int plan_fill_request(struct plan_builder *builder, const struct trace_exchange *exchange,
                      struct bytes body, uint32_t endpoint, struct plan_draft *draft)
{
    struct plan_step *step = &draft->step;
    step->kind = exchange->is_websocket ? STEP_WS_CONNECT : STEP_REQUEST;
    step->endpoint = endpoint;
    step->exchange_id = exchange->exchange_id;
    step->recorded_status = exchange->status;
    step->body = body;
    if (step->kind == STEP_WS_CONNECT)
        step->channel = builder->channel_count++;
    draft->moments.begin_us = exchange->request_first_us;
    draft->moments.end_us = end_of(exchange);
    if (draft->moments.end_us < draft->moments.begin_us)
        draft->moments.end_us = draft->moments.begin_us; /* an answer before its request's end */
    if (plan_make_request(builder, exchange, step))
        return -1;
    draft->exchange_id = exchange->exchange_id;
    draft->cut = builder->cut;
    return 0;
}

void plan_fill_message(const struct plan_draft *connect, const struct trace_message *message,
                       struct bytes body, const struct plan_channel *channel,
                       struct plan_draft *draft)
{
    draft->step = (struct plan_step){
        .kind = STEP_WS_MESSAGE,
        .endpoint = connect->step.endpoint,
        .channel = connect->step.channel,
        .server_messages = channel->server_messages,
        .opcode = message->opcode,
        .close_code = message->close_code,
        .body = body,
    };
    draft->moments = (struct plan_moments){
        .begin_us = message->first_us,
        .end_us = message->last_us,
        .anchor_us = channel->last_server_us,
    };
    /* A message that shares the answer's packet still comes after it. */
    if (draft->moments.begin_us < connect->moments.end_us)
        draft->moments.begin_us = draft->moments.end_us = connect->moments.end_us;
}

/* The most requests that were under way at once; one that began as another ended came after it. */
static uint32_t most_at_once(const struct plan_session *session, const struct plan_moments *moments)
{
    uint32_t most = 0, begun = 0, ended = 0, at = 0;
    for (uint32_t i = 0; i < session->step_count; i++) {
        for (; at < session->step_count; at++) {
            uint32_t step = session->end_order[at];
            if (step >= i || moments[step].end_us > moments[i].begin_us)
                break;
            ended += session->steps[step].kind == STEP_REQUEST;
        }
        begun += session->steps[i].kind == STEP_REQUEST;
        if (session->steps[i].kind == STEP_REQUEST && begun - ended > most)
            most = begun - ended;
    }
    return most;
}

static int compare_drafts(const void *a, const void *b)
{
    const struct plan_draft *x = a, *y = b;
    if (x->moments.begin_us != y->moments.begin_us)
        return x->moments.begin_us < y->moments.begin_us ? -1 : 1;
    return x->step.number < y->step.number ? -1 : x->step.number > y->step.number;
}

static bool is_in_order(const struct plan_builder *builder)
{
    for (size_t i = 1; i < builder->draft_count; i++) {
        if (compare_drafts(&builder->drafts[i - 1], &builder->drafts[i]) > 0)
            return false;
    }
    return true;
}

int plan_finish_session(struct plan_builder *builder, struct plan_session *ret_session)
{
    struct arena *arena = builder->arena;
    uint32_t count = (uint32_t)builder->draft_count;
    struct plan_session session = {.step_count = count, .channel_count = builder->channel_count};
    for (uint32_t i = 0; i < count; i++)
        builder->drafts[i].step.number = i; /* makes the sort stable; numbered for good later */
    if (!is_in_order(builder))              /* with messages among its requests */
        qsort(builder->drafts, count, sizeof *builder->drafts, compare_drafts);
    if (plan_mark_closings(builder))
        return -1;
    session.steps = arena_alloc(arena, count * sizeof *session.steps);
    struct plan_moments *moments = malloc(count * sizeof *moments);
    if (!session.steps || !moments) {
        free(moments);
        return -1;
    }
    for (uint32_t i = 0; i < count; i++) {
        session.steps[i] = builder->drafts[i].step;
        moments[i] = builder->drafts[i].moments;
    }
    int64_t start_us = moments[0].begin_us;
    int result = plan_order(arena, &session, moments, start_us);
    if (result == 0)
        session.connection_count = most_at_once(&session, moments);
    free(moments);
    /* Moments may be negative in a capture that is not in order: make the trace's time unsigned. */
    session.start_us = (uint64_t)start_us - (uint64_t)INT64_MIN;
    session.duration_us = count ? session.steps[count - 1].offset_us : 0;
    *ret_session = session;
    return result;
}

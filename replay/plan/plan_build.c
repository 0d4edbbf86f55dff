/* plan_build.c - reads a trace and makes the plan of its replay. */
#include "replay/plan/plan.h"

#include <stdlib.h>

#include "core/buf.h"
#include "core/http_message.h"
#include "core/url.h"
#include "replay/plan/plan_steps.h"
#include "traces/reader.h"

/* Bodies as they come from the trace; one larger than this cannot be in a plan. */
#define MAX_BODY_BYTES (1024u * 1024 * 1024)

static int out_of_memory(const struct plan_options *options, struct error *err)
{
    return error_set(err, EXIT_INPUT, "the plan needs more than %zu MB; raise --max-plan-size",
                     options->max_bytes / 1000000);
}

static int add_session_slot(struct plan *plan)
{
    if (plan->session_count < plan->session_capacity)
        return 0;
    size_t capacity = plan->session_capacity ? plan->session_capacity * 2 : 64;
    struct plan_session *sessions = realloc(plan->sessions, capacity * sizeof *sessions);
    if (!sessions)
        return -1;
    plan->sessions = sessions;
    plan->session_capacity = capacity;
    return 0;
}

/* The content of a body of the trace, read once and shared by all steps that carry it. */
static int load_body(struct plan_builder *builder, int64_t body_id, struct bytes *ret_body,
                     struct error *err)
{
    *ret_body = (struct bytes){0};
    if (!body_id)
        return 0;
    struct plan_body *known = map_get(&builder->plan->bodies, bytes_make(&body_id, sizeof body_id));
    if (known) {
        *ret_body = known->content;
        return 0;
    }
    buf_clear(&builder->scratch);
    if (trace_reader_get_body(builder->reader, body_id, &builder->scratch, err))
        return -1;
    struct plan_body *body = arena_alloc(&builder->plan->arena, sizeof *body);
    if (!body)
        return out_of_memory(builder->options, err);
    body->body_id = body_id;
    body->content = arena_copy(&builder->plan->arena, buf_bytes(&builder->scratch));
    if (!body->content.ptr ||
        map_set(&builder->plan->bodies, bytes_make(&body->body_id, sizeof body->body_id), body))
        return out_of_memory(builder->options, err);
    *ret_body = body->content;
    return 0;
}

static int add_exchange(struct plan_builder *builder, const struct trace_exchange *exchange,
                        int64_t endpoint_id, struct error *err)
{
    struct bytes body;
    if (!plan_exchange_is_playable(exchange)) {
        builder->plan->unplayable++;
        return 0;
    }
    if (load_body(builder, exchange->request_body_id, &body, err))
        return -1;
    if (body.len != exchange->request_body_bytes && !exchange->is_websocket) {
        builder->plan->unplayable++; /* its body is not whole in the trace */
        return 0;
    }
    uint32_t endpoint;
    if (plan_endpoint(builder, endpoint_id, &endpoint, err))
        return -1;
    struct plan_draft *draft = plan_add_draft(builder);
    if (!draft || plan_fill_request(builder, exchange, body, endpoint, draft))
        return out_of_memory(builder->options, err);
    return plan_find_closing(builder, exchange->connection_id, draft, err);
}

/* The messages of a WebSocket become steps (the client's) and counts to wait for (the server's). */
static int add_messages(struct plan_builder *builder, int64_t exchange_id, uint32_t connect_draft,
                        struct error *err)
{
    struct trace_message message;
    struct plan_channel channel = {.last_server_us = INT64_MIN};
    int more;
    if (trace_reader_start_messages(builder->reader, exchange_id, err))
        return -1;
    while ((more = trace_reader_next_message(builder->reader, &message, err)) > 0) {
        if (message.sender == TRACE_SERVER) {
            if (message.opcode == 1 || message.opcode == 2) {
                channel.server_messages++;
                channel.last_server_us = message.last_us;
            }
            continue;
        }
        struct bytes body;
        if (message.opcode == 10) /* pongs answer the live server's pings, not the recorded ones */
            continue;
        if (load_body(builder, message.body_id, &body, err))
            return -1;
        if (body.len != message.payload_bytes) {
            builder->plan->unplayable++;
            continue;
        }
        struct plan_draft *draft = plan_add_draft(builder);
        if (!draft)
            return out_of_memory(builder->options, err);
        plan_fill_message(&builder->drafts[connect_draft], &message, body, &channel, draft);
    }
    builder->drafts[connect_draft].step.server_messages = channel.server_messages;
    return more;
}

static int read_session_rows(struct plan_builder *builder, int64_t session_id, struct error *err)
{
    struct trace_exchange exchange;
    int64_t endpoint_id;
    int more;
    builder->draft_count = 0;
    builder->channel_count = 0;
    if (trace_reader_start_exchanges(builder->reader, session_id, err))
        return -1;
    while ((more = trace_reader_next_exchange(builder->reader, &exchange, &endpoint_id, err)) > 0) {
        size_t before = builder->draft_count;
        if (add_exchange(builder, &exchange, endpoint_id, err))
            return -1;
        if (builder->draft_count > before && exchange.is_websocket &&
            add_messages(builder, exchange.exchange_id, (uint32_t)before, err))
            return -1;
    }
    return more;
}

static int add_session(struct plan_builder *builder, const struct trace_session *row,
                       struct error *err)
{
    struct plan *plan = builder->plan;
    if (read_session_rows(builder, row->session_id, err))
        return -1;
    if (builder->draft_count == 0)
        return 0;
    if (add_session_slot(plan) ||
        plan_finish_session(builder, &plan->sessions[plan->session_count]))
        return out_of_memory(builder->options, err);
    plan->sessions[plan->session_count++].session_id = row->session_id;
    return 0;
}

static int compare_sessions(const void *a, const void *b)
{
    const struct plan_session *x = a, *y = b;
    if (x->start_us != y->start_us)
        return x->start_us < y->start_us ? -1 : 1;
    return x->session_id < y->session_id ? -1 : x->session_id > y->session_id;
}

/* Count starts from the first session's; number the steps in the order the sessions start. */
static void settle(struct plan *plan)
{
    uint64_t gap_sum_us = 0, gap_count = 0;
    qsort(plan->sessions, plan->session_count, sizeof *plan->sessions, compare_sessions);
    uint64_t first_us = plan->sessions[0].start_us;
    for (size_t i = 0; i < plan->session_count; i++) {
        struct plan_session *session = &plan->sessions[i];
        session->start_us -= first_us;
        for (uint32_t j = 0; j < session->step_count; j++) {
            session->steps[j].number = plan->step_count++;
            gap_sum_us += j ? session->steps[j].gap_us : 0;
            gap_count += j > 0;
        }
    }
    plan->span_us = plan->sessions[plan->session_count - 1].start_us;
    plan->mean_gap_us = gap_count ? gap_sum_us / gap_count : 0;
}

static int read_trace(struct plan_builder *builder, struct error *err)
{
    struct trace_session row;
    int more;
    if (trace_reader_start_sessions(builder->reader, err))
        return -1;
    while ((more = trace_reader_next_session(builder->reader, &row, err)) > 0) {
        if (add_session(builder, &row, err))
            return -1;
    }
    if (more < 0)
        return -1;
    if (builder->plan->session_count == 0)
        return error_set(err, EXIT_INPUT,
                         "no session with a request that can be replayed; "
                         "'reprise inspect TRACE' shows what it holds");
    settle(builder->plan);
    return 0;
}

int plan_build(struct plan **ret_plan, const char *trace_path, const struct plan_options *options,
               struct error *err)
{
    struct plan_builder builder = {.options = options};
    int result = -1;
    buf_init(&builder.scratch, MAX_BODY_BYTES);
    buf_init(&builder.head, MAX_BODY_BYTES);
    builder.plan = calloc(1, sizeof *builder.plan);
    if (!builder.plan) {
        error_set(err, EXIT_TOOL, "no memory for a plan");
        goto out;
    }
    builder.plan->target_bytes = options->target.len;
    arena_init(&builder.plan->arena, options->max_bytes);
    builder.arena = &builder.plan->arena;
    map_init(&builder.plan->bodies);
    map_init(&builder.endpoints);
    if (trace_reader_open(&builder.reader, trace_path, err))
        goto out;
    if (read_trace(&builder, err)) {
        error_prefix(err, "%s", trace_path);
        goto out;
    }
    *ret_plan = builder.plan;
    builder.plan = NULL;
    result = 0;
out:
    plan_builder_fini(&builder);
    plan_free(builder.plan);
    return result;
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    map_fini(&plan->bodies);
    arena_fini(&plan->arena);
    free(plan->sessions);
    free(plan->endpoints);
    free(plan);
}

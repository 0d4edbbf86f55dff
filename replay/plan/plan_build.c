/* plan_build.c - reads a trace's index, and its sessions too where they are few. */
#include "replay/plan/plan.h"

#include <stdlib.h>

#include "replay/plan/plan_steps.h"
#include "replay/plan/plan_stream.h"

enum { MAX_NAMES_BYTES = 16 * 1024 * 1024, MAX_WHOLE_BYTES = 256 * 1024 * 1024 };

static int nothing_to_play(struct error *err)
{
    return error_set(err, EXIT_INPUT,
                     "no session with a request that can be replayed; "
                     "'reprise inspect TRACE' shows what it holds");
}

static int compare_sessions(const void *a, const void *b)
{
    const struct plan_session *x = a, *y = b;
    if (x->start_us != y->start_us)
        return x->start_us < y->start_us ? -1 : 1;
    return x->session_id < y->session_id ? -1 : x->session_id > y->session_id;
}

/* Count starts from the first session's; number the steps in the order the sessions start. */
static void settle_whole(struct plan *plan, size_t count)
{
    uint64_t gap_sum_us = 0, gap_count = 0;
    qsort(plan->sessions, count, sizeof *plan->sessions, compare_sessions);
    uint64_t first_us = plan->sessions[0].start_us;
    plan->step_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct plan_session *session = &plan->sessions[i];
        session->start_us -= first_us;
        plan->index[i] = (struct plan_entry){.session_id = session->session_id,
                                             .start_us = session->start_us,
                                             .duration_us = session->duration_us,
                                             .has_account = session->has_account};
        for (uint32_t j = 0; j < session->step_count; j++) {
            session->steps[j].number = (uint32_t)plan->step_count++;
            gap_sum_us += j ? session->steps[j].gap_us : 0;
            gap_count += j > 0;
        }
    }
    plan->session_count = count;
    plan->span_us = plan->sessions[count - 1].start_us;
    plan->mean_gap_us = gap_count ? gap_sum_us / gap_count : 0;
}

/* 1: it takes more than it may. */
static int load_all(struct plan_builder *builder, size_t *ret_count, struct error *err)
{
    struct plan *plan = builder->plan;
    plan->sessions = calloc(plan->session_count + 1, sizeof *plan->sessions);
    if (!plan->sessions)
        return error_set(err, EXIT_TOOL, "no memory for %zu sessions", plan->session_count);
    for (size_t i = 0; i < plan->session_count; i++) {
        struct plan_session *session = &plan->sessions[*ret_count];
        if (plan_load_session(builder, plan->index[i].session_id, session, err))
            return builder->is_out_of_memory ? 1 : -1;
        *ret_count += session->step_count > 0;
    }
    return 0;
}

static void forget_all(struct plan_builder *builder)
{
    struct plan *plan = builder->plan;
    plan_endpoints_clear(builder);
    plan_bodies_fini(&plan->bodies);
    plan_bodies_init(&plan->bodies);
    arena_fini(&plan->arena);
    free(plan->sessions);
    plan->sessions = NULL;
    builder->arena = &plan->arena;
    builder->bodies_base = 0;
    builder->unplayable = 0;
    builder->binding_losses = (struct plan_binding_losses){0};
    builder->data_sessions = 0;
    builder->maps_used = 0;
    builder->columns_unused = 0;
}

/* One session by itself, and freed again. 1: it needs more than `max_bytes`. */
static int try_session(struct plan_builder *builder, int64_t session_id, size_t max_bytes,
                       size_t *ret_bytes)
{
    struct arena arena;
    struct plan_session session;
    struct error err;
    arena_init(&arena, max_bytes);
    builder->arena = &arena;
    builder->bodies_base = builder->bodies->used_bytes;
    int result = plan_load_session(builder, session_id, &session, &err);
    *ret_bytes = arena.used_bytes + builder->bodies->used_bytes - builder->bodies_base;
    for (size_t i = 0; i < builder->taken_count; i++)
        plan_bodies_drop(builder->bodies, builder->taken[i]);
    builder->taken_count = 0;
    arena_fini(&arena);
    return result && builder->is_out_of_memory ? 1 : result;
}

/*
 * A session for which there is not room would end the run that comes to it. Which one needs how
 * much is known by loading them, one after the other: as far as MAX_WHOLE_BYTES go, which is the
 * work of a plan that is loaded whole. A damaged row is the run's to tell of.
 */
static int check_room(struct plan_builder *builder, struct error *err)
{
    const struct plan *plan = builder->plan;
    size_t max_bytes = builder->options.max_bytes, needed = 0, looked_at = 0, bytes;
    int64_t largest = 0;
    int result = 0;
    for (size_t i = 0; i < plan->session_count && result >= 0 && looked_at < MAX_WHOLE_BYTES; i++) {
        int64_t session_id = plan->index[i].session_id;
        result = try_session(builder, session_id, max_bytes, &bytes);
        if (result == 1 && try_session(builder, session_id, MAX_WHOLE_BYTES, &bytes) == 0 &&
            bytes > needed) {
            needed = bytes;
            largest = session_id;
        }
        looked_at += bytes;
    }
    forget_all(builder);
    if (!needed)
        return 0;
    return error_set(err, EXIT_INPUT,
                     "session %lld by itself needs %zu KiB, --max-plan-size allows %zu bytes; "
                     "raise --max-plan-size to %zuKiB",
                     (long long)largest, needed / 1024 + 1, max_bytes, needed / 1024 + 1);
}

/* 1: it has to stream. */
static int build_whole(struct plan_builder *builder, struct error *err)
{
    struct plan *plan = builder->plan;
    size_t most = builder->options.whole_bytes ? builder->options.whole_bytes : MAX_WHOLE_BYTES;
    if (most > builder->options.max_bytes)
        most = builder->options.max_bytes;
    arena_init(&plan->arena, most);
    builder->arena = &plan->arena;
    size_t count = 0;
    int result = load_all(builder, &count, err);
    if (result == 1) {
        forget_all(builder);
        if (most == builder->options.max_bytes && check_room(builder, err))
            return -1;
    }
    if (result == 0 && count == 0)
        return nothing_to_play(err);
    if (result == 0) {
        settle_whole(plan, count);
        plan->unplayable = builder->unplayable;
        plan->binding_losses = builder->binding_losses;
        plan->data_sessions = builder->data_sessions;
        plan->maps_used = builder->maps_used;
        plan->columns_unused = builder->columns_unused;
    }
    return result;
}

/* The builder goes with it. */
static int build_stream(struct plan_builder *builder, struct error *err)
{
    struct plan *plan = builder->plan;
    if (plan_endpoints_read(builder, err))
        return -1;
    plan_index_settle(plan);
    if (plan->session_count == 0)
        return nothing_to_play(err);
    if (plan_index_accounts(builder, err))
        return -1;
    return plan_stream_new(&plan->stream, builder, err);
}

static int build(struct plan_builder *builder, struct error *err)
{
    bool is_large = false;
    if (plan_index_read(builder, &is_large, err))
        return -1;
    bool was_sized = builder->options.whole_bytes != 0; /* then its count of rows says nothing */
    int result = is_large && !was_sized ? 1 : build_whole(builder, err);
    return result == 1 ? build_stream(builder, err) : result;
}

int plan_build(struct plan **ret_plan, const char *trace_path, const struct plan_options *options,
               struct error *err)
{
    struct plan_builder builder = {0};
    struct plan *plan = calloc(1, sizeof *plan);
    int result = -1;
    if (!plan)
        return error_set(err, EXIT_TOOL, "no memory for a plan");
    plan->target_bytes = options->target.len;
    arena_init(&plan->names, MAX_NAMES_BYTES);
    plan_bodies_init(&plan->bodies);
    if (plan_builder_init(&builder, plan, trace_path, options, err))
        goto out;
    if (build(&builder, err)) {
        error_prefix(err, "%s", trace_path);
        goto out;
    }
    *ret_plan = plan;
    plan = NULL;
    result = 0;
out:
    plan_builder_fini(&builder);
    plan_free(plan);
    return result;
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    plan_stream_free(plan->stream);
    plan_bodies_fini(&plan->bodies);
    arena_fini(&plan->arena);
    arena_fini(&plan->names);
    free(plan->sessions);
    free(plan->index);
    free(plan->endpoints);
    free(plan);
}

struct plan_binding_losses plan_binding_losses(const struct plan *plan)
{
    return plan->stream ? plan_stream_binding_losses(plan->stream) : plan->binding_losses;
}

uint64_t plan_unplayable(const struct plan *plan)
{
    return plan->stream ? plan_stream_unplayable(plan->stream) : plan->unplayable;
}

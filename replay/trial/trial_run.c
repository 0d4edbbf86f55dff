/*
 * trial_run.c - sets up what a worker would: plan, chain, loop, one user; and moves the clock from
 * timer to timer until the user has ended.
 */
#include "replay/trial/trial.h"

#include <stdlib.h>

#include "core/clock.h"
#include "replay/plugin_recorded.h"
#include "replay/trial/trial_target.h"
#include "replay/trial/trial_watch.h"
#include "replay/user.h"

enum { MAX_TEXT_BYTES = 64 << 20, MAX_PLAN_BYTES = 1 << 30 };

/* One trial a thread; a loop asks for the time without saying who it is. */
static _Thread_local uint64_t virtual_now_us;

static uint64_t virtual_clock_us(void)
{
    return virtual_now_us;
}

struct stage_set {
    struct trial *trial;
    struct plan *plan;
    struct loop loop;
    bool has_loop;
    struct trace_reader *reader;
    struct recorded recorded;
    bool has_recorded;
    struct trial_source source;
    struct trial_watch watch;
    struct user_env env;
    struct user *user;
    bool has_ended;
};

static void on_user_ended(void *owner, struct user *user)
{
    struct stage_set *set = owner;
    struct trial *trial = set->trial;
    set->has_ended = true;
    trial->result = user->result;
    trial->duration_us = virtual_now_us;
    snprintf(trial->detail, sizeof trial->detail, "%s", user->detail ? user->detail : "");
}

static void run_timers(struct loop *loop, const bool *until)
{
    for (;;) {
        uint64_t next_us = timers_next_us(&loop->timers);
        if (next_us == TIMERS_NONE_US || (until && *until))
            return;
        if (next_us > virtual_now_us)
            virtual_now_us = next_us;
        loop->now_us = virtual_now_us;
        timers_run(&loop->timers, virtual_now_us);
    }
}

static const struct plan_session *find_session(const struct plan *plan, int64_t session_id)
{
    for (size_t i = 0; i < plan->session_count; i++) {
        if (!session_id || plan->sessions[i].session_id == session_id)
            return &plan->sessions[i];
    }
    return NULL;
}

static int prepare_plan(struct stage_set *set, const struct trial_options *options,
                        const struct plan_options *plan_options, struct error *err)
{
    if (plan_build(&set->plan, options->trace_path, plan_options, err))
        return -1;
    if (set->plan->stream)
        return error_set(err, EXIT_INPUT,
                         "%s: its sessions take more than 1 GiB; try the plugin on a smaller trace",
                         options->trace_path);
    set->source.plan = set->plan;
    set->source.session = find_session(set->plan, options->session_id);
    if (!set->source.session)
        return error_set(err, EXIT_INPUT,
                         "%s: it has no session %lld that could be played; 'reprise inspect %s "
                         "sessions' lists them",
                         options->trace_path, (long long)options->session_id, options->trace_path);
    set->trial->session_id = set->source.session->session_id;
    set->trial->step_count = set->source.session->step_count;
    return 0;
}

static int prepare_chain(struct stage_set *set, const struct trial_options *options,
                         const struct plan_options *plan_options, struct error *err)
{
    struct trial *trial = set->trial;
    const struct chain_options chain_options = {.seed = options->seed,
                                                .unix_us = clock_unix_us(),
                                                .target_url = options->target,
                                                .timeout_us = options->plugin_timeout_us};
    if (chain_open(&trial->chain, options->plugins, options->plugin_count, &options->search, err))
        return -1;
    trial->chain_is_open = true;
    guard_name_crashes();
    if (chain_start(&trial->chain, &chain_options, err))
        return -1;
    trial->chain_is_started = true;
    return plugin_show_recorded(set->plan, options->trace_path, plan_options, &trial->chain, err);
}

static int prepare_engine(struct stage_set *set, const struct trial_options *options,
                          struct error *err)
{
    struct user_env *env = &set->env;
    *env = (struct user_env){
        .loop = &set->loop,
        .plan = set->plan,
        .pacing = {.mode = PACING_THINK, .arrival_speed = 1, .think_speed = 1},
        .ops = &trial_target,
        .target = bytes_of(options->target),
        .chain = &set->trial->chain,
        .seed = options->seed,
        .ws_wait_us = 10000000,
        .unix_origin_us = set->trial->chain.options.unix_us,
        .max_in_flight = 1000,
        .user_ended = on_user_ended,
        .owner = set,
    };
    if (loop_init(&set->loop, err))
        return -1;
    set->has_loop = true;
    set->loop.clock_us = virtual_clock_us;
    loop_set_origin(&set->loop, 0);
    env->metrics = metrics_new(set->plan->endpoint_count + 1);
    env->chain_worker = chain_worker_new(&set->trial->chain, trial_watch_record, &set->watch);
    if (!env->metrics || !env->chain_worker)
        return error_set(err, EXIT_TOOL, "no memory for a user");
    chain_watch_worker(&set->trial->chain, env->chain_worker);
    chain_worker_serve(env->chain_worker, trial_watch_services(&set->watch), 1);
    chain_worker_tap(env->chain_worker, &set->watch.tap);
    if (trial_target.open(&env->transport, &set->loop, NULL, err))
        return -1;
    env->transport->source = &set->source;
    return 0;
}

static int play(struct stage_set *set, struct error *err)
{
    set->user = user_new(&set->env, 0);
    if (!set->user || user_play(set->user, set->source.session, 0))
        return error_set(err, EXIT_TOOL, "no memory for a user");
    run_timers(&set->loop, &set->has_ended);
    if (!set->has_ended) {
        set->trial->is_stuck = true;
        set->trial->duration_us = virtual_now_us;
        snprintf(set->trial->detail, sizeof set->trial->detail,
                 "the session waits for what does not come");
    }
    return 0;
}

static void strike(struct stage_set *set)
{
    struct user_env *env = &set->env;
    if (set->user)
        user_free(set->user);
    if (env->chain_worker)
        chain_stats_merge(&set->trial->calls, chain_worker_stats(env->chain_worker));
    if (set->trial->chain.own_worker)
        chain_stats_merge(&set->trial->calls, chain_worker_stats(set->trial->chain.own_worker));
    if (set->plan)
        user_env_fini(env);
    if (set->has_loop)
        run_timers(&set->loop, NULL); /* what is freed a turn later */
    if (env->transport)
        trial_target.close(env->transport);
    if (env->chain_worker)
        chain_watch_worker(&set->trial->chain, NULL);
    chain_worker_free(env->chain_worker);
    metrics_free(env->metrics);
    if (set->has_loop)
        loop_fini(&set->loop);
    if (set->has_recorded)
        recorded_fini(&set->recorded);
    if (set->reader)
        trace_reader_close(set->reader);
    plan_free(set->plan);
    trial_watch_fini(&set->watch);
    free(set);
}

int trial_run(struct trial *trial, const struct trial_options *options, struct error *err)
{
    struct stage_set *set = calloc(1, sizeof *set);
    const struct plan_options plan_options = {.target = bytes_of(options->target),
                                              .max_bytes = MAX_PLAN_BYTES,
                                              .whole_bytes = MAX_PLAN_BYTES};
    int result = -1;
    *trial = (struct trial){0};
    arena_init(&trial->texts, MAX_TEXT_BYTES);
    trial->events_out = options->events_out;
    if (!set)
        return error_set(err, EXIT_TOOL, "no memory for a user");
    virtual_now_us = 0;
    set->trial = trial;
    set->source.trial = trial;
    trial_watch_init(&set->watch, trial);
    if (prepare_plan(set, options, &plan_options, err) ||
        prepare_chain(set, options, &plan_options, err) ||
        trace_reader_open(&set->reader, options->trace_path, err))
        goto out;
    set->has_recorded = true;
    if (recorded_init(&set->recorded, set->reader)) {
        error_set(err, EXIT_TOOL, "no memory to read answers");
        goto out;
    }
    set->source.reader = set->reader;
    set->source.recorded = &set->recorded;
    if (prepare_engine(set, options, err) == 0)
        result = play(set, err);
out:
    strike(set);
    return result;
}

void trial_free(struct trial *trial)
{
    if (trial->chain_is_started)
        chain_stop(&trial->chain, trial->duration_us);
    if (trial->chain_is_open)
        chain_close(&trial->chain);
    free(trial->events);
    arena_fini(&trial->texts);
}

/* director.c - starts the workers at one moment, gathers what they measured, stops them. */
#include "replay/director.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/units.h"

enum {
    START_DELAY_US = 20000, /* so that every worker is waiting at the run's 0 */
    SECOND_US = 1000000,
    GATHER_DELAY_US = 30000, /* workers hand over on the second; give them time to */
    LOOK_EVERY_US = 50000    /* at signals and for the end */
};

struct gathering {
    const struct director *director;
    struct worker *workers;
    uint32_t count;
    struct guard_watch *watches; /* one for each worker */
    struct metrics *delta;
    struct loop loop;
    struct timer timer;
    uint32_t second;
    uint64_t second_start_us;
    bool has_failed;
    struct error *err;
};

static void merge(struct gathering *gathering, const struct metrics *metrics)
{
    if (metrics && metrics_merge(gathering->delta, metrics) && !gathering->has_failed) {
        gathering->has_failed = true;
        error_set(gathering->err, EXIT_TOOL, "no memory to add up metrics");
    }
}

static void emit(struct gathering *gathering, uint64_t now_us)
{
    const struct director *director = gathering->director;
    uint64_t length_us =
        now_us > gathering->second_start_us ? now_us - gathering->second_start_us : 0;
    if (!gathering->has_failed && director->on_second(director->owner, gathering->delta,
                                                      gathering->second, length_us, gathering->err))
        gathering->has_failed = true;
    metrics_clear(gathering->delta);
    gathering->second++;
    gathering->second_start_us = now_us;
}

static void take_all(struct gathering *gathering)
{
    for (uint32_t i = 0; i < gathering->count; i++) {
        struct metrics *metrics = worker_take(&gathering->workers[i]);
        if (!metrics)
            continue;
        merge(gathering, metrics);
        worker_return(&gathering->workers[i], metrics);
    }
}

static void on_second(struct timer *timer, void *owner, uint64_t now_us)
{
    struct gathering *gathering = owner;
    take_all(gathering);
    uint64_t second_us = now_us / SECOND_US * SECOND_US;
    emit(gathering, second_us);
    timers_set(&gathering->loop.timers, timer, second_us + SECOND_US + GATHER_DELAY_US);
}

static bool all_done(struct gathering *gathering)
{
    for (uint32_t i = 0; i < gathering->count; i++) {
        if (!worker_is_done(&gathering->workers[i]))
            return false;
    }
    return true;
}

static bool any_has_given_up(struct gathering *gathering)
{
    for (uint32_t i = 0; i < gathering->count; i++) {
        if (worker_has_given_up(&gathering->workers[i]))
            return true;
    }
    return false;
}

static void stop_all(struct gathering *gathering)
{
    for (uint32_t i = 0; i < gathering->count; i++)
        worker_stop(&gathering->workers[i]);
}

/* There is no way out of a plugin's function but its own return, and none to join its thread. */
static void give_up(struct gathering *gathering, const struct worker *worker,
                    const struct guard *guard)
{
    const struct director *director = gathering->director;
    const char *plugin = atomic_load(&guard->plugin), *doing = atomic_load(&guard->doing);
    char limit[UNITS_TEXT_BYTES];
    struct error err;
    uint64_t now_us = loop_read_clock(&gathering->loop);
    if (!plugin)
        return; /* back at the last moment */
    error_set(&err, EXIT_TOOL,
              "plugin %s: %s has not returned for %s, its worker (%u) and the users on it stand "
              "still: the run is given up; --plugin-timeout sets the limit",
              plugin, doing,
              duration_format(limit, sizeof limit, (double)director->settings->plugin_timeout_us),
              worker->number);
    take_all(gathering);
    emit(gathering, now_us);
    if (director->on_stuck)
        director->on_stuck(director->owner, now_us, &err);
    _exit(error_report(&err));
}

static void look_at_plugins(struct gathering *gathering)
{
    uint64_t limit_us = gathering->director->settings->plugin_timeout_us;
    for (uint32_t i = 0; limit_us && i < gathering->count; i++) {
        struct worker *worker = &gathering->workers[i];
        if (!worker->env.chain_worker)
            continue;
        struct guard *guard = chain_worker_guard(worker->env.chain_worker);
        uint64_t inside_us = guard_look(&gathering->watches[i], guard,
                                        loop_read_clock(&gathering->loop), LOOK_EVERY_US);
        if (inside_us > limit_us)
            give_up(gathering, worker, guard);
    }
}

static void wait_for_end(struct gathering *gathering, struct director_result *result)
{
    bool is_stopping = false;
    while (!all_done(gathering)) {
        bool has_failed = gathering->has_failed || any_has_given_up(gathering);
        if (!is_stopping && (stop_requested() || has_failed)) {
            is_stopping = true;
            result->was_stopped = !has_failed;
            stop_all(gathering);
        }
        loop_pass(&gathering->loop, LOOK_EVERY_US);
        look_at_plugins(gathering);
    }
}

static void move_greater(uint64_t *from, uint64_t *to)
{
    if (*from > *to)
        *to = *from;
    *from = 0;
}

/* Two shards of one worker are about to be added up: what was the most at once must not be. */
static void keep_greater(struct metrics *filled, struct metrics *last)
{
    if (!filled || !last)
        return;
    move_greater(&filled->users_active, &last->users_active);
    move_greater(&filled->requests_in_flight, &last->requests_in_flight);
    move_greater(&filled->connections_open, &last->connections_open);
    move_greater(&filled->generator.queued, &last->generator.queued);
    move_greater(&filled->generator.network.most_waiting, &last->generator.network.most_waiting);
}

/* What the workers had not handed over when they ended. */
static void gather_rest(struct gathering *gathering, struct director_result *result)
{
    for (uint32_t i = 0; i < gathering->count; i++) {
        struct worker *worker = &gathering->workers[i];
        worker_join(worker);
        keep_greater(worker->filled, worker->env.metrics);
        merge(gathering, worker->filled);
        merge(gathering, worker->env.metrics);
        if (worker->ended_us > result->duration_us)
            result->duration_us = worker->ended_us;
        if (worker->env.chain_worker)
            chain_stats_merge(&result->plugins, chain_worker_stats(worker->env.chain_worker));
        if (worker->error.exit_code && !gathering->has_failed) {
            gathering->has_failed = true;
            *gathering->err = worker->error;
        }
    }
}

static int start_all(struct gathering *gathering, struct error *err)
{
    const struct director *director = gathering->director;
    const struct replay_settings *settings = director->settings;
    for (uint32_t i = 0; i < settings->worker_count; i++) {
        if (worker_init(&gathering->workers[i], settings, i, err)) {
            worker_fini(&gathering->workers[i]);
            return -1;
        }
        gathering->count++;
    }
    struct arrivals arrivals;
    arrivals_init(&arrivals, settings->plan, settings->scale, settings->pacing.arrival_speed,
                  settings->seed);
    bool is_open = !settings->stages.count && !settings->sequence.count;
    if (plan_stream_start(settings->plan, is_open ? &arrivals : NULL, settings->duration_us, err))
        return -1;
    uint64_t origin_us = clock_now_us() + START_DELAY_US;
    int64_t unix_us = clock_unix_us() + START_DELAY_US;
    chain_set_origin(settings->chain, unix_us);
    loop_set_origin(&gathering->loop, origin_us);
    timers_set(&gathering->loop.timers, &gathering->timer, SECOND_US + GATHER_DELAY_US);
    for (uint32_t i = 0; i < gathering->count; i++) {
        if (worker_start(&gathering->workers[i], origin_us, unix_us, err)) {
            stop_all(gathering);
            return -1;
        }
    }
    return 0;
}

int director_run(const struct director *director, struct director_result *ret_result,
                 struct error *err)
{
    struct gathering gathering = {.director = director, .err = err};
    *ret_result = (struct director_result){0};
    int result = -1;
    timer_init(&gathering.timer, on_second, &gathering);
    if (loop_init(&gathering.loop, err))
        return -1;
    gathering.workers = calloc(director->settings->worker_count, sizeof *gathering.workers);
    gathering.watches = calloc(director->settings->worker_count, sizeof *gathering.watches);
    gathering.delta = metrics_new(director->settings->plan->endpoint_count + 1);
    if (!gathering.workers || !gathering.watches || !gathering.delta) {
        error_set(err, EXIT_TOOL, "no memory for %u workers", director->settings->worker_count);
        goto out;
    }
    if (start_all(&gathering, err) == 0) {
        wait_for_end(&gathering, ret_result);
        result = 0;
    }
    gather_rest(&gathering, ret_result);
    plan_stream_stop(director->settings->plan);
    if (director->on_end)
        director->on_end(director->owner);
    emit(&gathering, ret_result->duration_us);
    if (gathering.has_failed)
        result = -1;
out:
    for (uint32_t i = 0; i < gathering.count; i++)
        worker_fini(&gathering.workers[i]);
    free(gathering.workers);
    free(gathering.watches);
    metrics_free(gathering.delta);
    loop_fini(&gathering.loop);
    return result;
}

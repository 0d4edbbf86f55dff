/* run_record.c - the parts of a run that need no file. */
#include "replay/results/run_record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *run_record_state_name(enum run_record_state state)
{
    static const char *const names[RUN_STATE_COUNT] = {[RUN_RUNNING] = "running",
                                                       [RUN_DONE] = "done",
                                                       [RUN_STOPPED] = "stopped",
                                                       [RUN_FAILED] = "failed"};
    assert((unsigned)state < RUN_STATE_COUNT);
    return names[state];
}

const char *run_metric_size(const struct run_plugin_metric *metric)
{
    static const char bytes[] = "bytes";
    const char *unit = metric->unit;
    if (!unit || strncmp(unit, bytes, sizeof bytes - 1) != 0)
        return NULL;
    unit += sizeof bytes - 1;
    return !*unit || strcmp(unit, "/s") == 0 ? unit : NULL;
}

static void raise_to(uint64_t *peak, uint64_t value)
{
    if (value > *peak)
        *peak = value;
}

static void add_load_point(struct run_health *health, const struct generator_second *second)
{
    const struct load_point point = {second->requests_in_flight, second->service_p50_us};
    bool is_first = !health->calm.requests_in_flight && !health->loaded.requests_in_flight;
    if (is_first || point.requests_in_flight < health->calm.requests_in_flight)
        health->calm = point;
    if (is_first || point.requests_in_flight > health->loaded.requests_in_flight)
        health->loaded = point;
}

void run_health_add(struct run_health *health, const struct generator_second *second)
{
    double percent = second->length_us ? 100.0 * (double)second->busiest_worker_busy_us /
                                             (double)second->length_us
                                       : 0;
    health->seconds++;
    health->length_us += second->length_us;
    health->cpu_us += second->health.cpu_us;
    /* The tail of a run is too short to say that a worker was busy. */
    if (second->length_us >= 500000) {
        health->busy_seconds += percent > BUSY_PERCENT;
        if (percent > 100) /* handed over late: more than a second's worth */
            percent = 100;
        if (percent > health->busiest_percent)
            health->busiest_percent = percent;
    }
    raise_to(&health->max_loop_lag_us, second->max_loop_lag_us);
    raise_to(&health->max_silence_us, second->max_silence_us);
    raise_to(&health->peak_rss_bytes, second->health.rss_bytes);
    raise_to(&health->peak_open_files, second->health.open_files);
    raise_to(&health->peak_users, second->users_active);
    raise_to(&health->peak_in_flight, second->requests_in_flight);
    raise_to(&health->peak_connections, second->connections_open);
    raise_to(&health->peak_queued, second->queued);
    raise_to(&health->peak_waiting, second->waiting);
    raise_to(&health->peak_ports, second->ports_in_use);
    health->users_us += (double)second->users_active * (double)second->length_us;
    if (second->answers >= FEWEST_ANSWERS)
        add_load_point(health, second);
}

void run_record_free(struct run_record *run)
{
    if (!run)
        return;
    endpoint_metrics_fini(&run->all);
    metrics_free(run->totals);
    arena_fini(&run->arena);
    free(run);
}

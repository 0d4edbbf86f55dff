/* generator_metrics.c - adds up what workers know of themselves. */
#include "replay/generator_metrics.h"

void generator_metrics_init(struct generator_metrics *generator)
{
    *generator = (struct generator_metrics){0};
    histogram_init(&generator->loop_lag);
    histogram_init(&generator->kernel_service);
    histogram_init(&generator->kernel_gap);
    network_health_init(&generator->network);
}

void generator_metrics_fini(struct generator_metrics *generator)
{
    histogram_fini(&generator->loop_lag);
    histogram_fini(&generator->kernel_service);
    histogram_fini(&generator->kernel_gap);
    network_health_fini(&generator->network);
}

void generator_metrics_clear(struct generator_metrics *generator)
{
    histogram_clear(&generator->loop_lag);
    histogram_clear(&generator->kernel_service);
    histogram_clear(&generator->kernel_gap);
    network_health_clear(&generator->network);
    for (uint32_t i = 0; i < generator->worker_count; i++)
        generator->workers[i] = (struct worker_health){0};
    generator->worker_count = 0;
    generator->queued = 0;
    generator->under_way_us = 0;
}

static void merge_worker(struct worker_health *worker, const struct worker_health *other)
{
    worker->cpu_us += other->cpu_us;
    worker->spin_us += other->spin_us;
    worker->cpu_wait_us += other->cpu_wait_us;
    if (other->max_loop_lag_us > worker->max_loop_lag_us)
        worker->max_loop_lag_us = other->max_loop_lag_us;
}

int generator_metrics_merge(struct generator_metrics *generator,
                            const struct generator_metrics *other)
{
    for (uint32_t i = 0; i < other->worker_count; i++)
        merge_worker(generator_worker(generator, i), &other->workers[i]);
    generator->queued += other->queued;
    generator->under_way_us += other->under_way_us;
    if (histogram_merge(&generator->loop_lag, &other->loop_lag) ||
        histogram_merge(&generator->kernel_service, &other->kernel_service) ||
        histogram_merge(&generator->kernel_gap, &other->kernel_gap))
        return -1;
    return network_health_merge(&generator->network, &other->network);
}

struct worker_health *generator_worker(struct generator_metrics *generator, uint32_t number)
{
    if (number >= GENERATOR_MAX_WORKERS)
        number = GENERATOR_MAX_WORKERS - 1;
    if (number >= generator->worker_count)
        generator->worker_count = number + 1;
    return &generator->workers[number];
}

uint64_t generator_busiest_us(const struct generator_metrics *generator)
{
    uint64_t busiest_us = 0;
    for (uint32_t i = 0; i < generator->worker_count; i++) {
        uint64_t busy_us = worker_busy_us(&generator->workers[i]);
        if (busy_us > busiest_us)
            busiest_us = busy_us;
    }
    return busiest_us;
}

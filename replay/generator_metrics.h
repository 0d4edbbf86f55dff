/*
 * generator_metrics.h - what the generator knows of itself, worker by worker, as a group of
 * struct metrics: filled by a worker, merged exactly.
 *
 * It says whether the generator or the network was the limit; results/verdict.h judges by it.
 */
#ifndef REPRISE_REPLAY_GENERATOR_METRICS_H
#define REPRISE_REPLAY_GENERATOR_METRICS_H

#include "replay/network_health.h"

#define GENERATOR_MAX_WORKERS 64

/* One worker's thread. A shard that comes from a worker has one of these filled, by its number. */
struct worker_health {
    uint64_t cpu_us;      /* used, user and system */
    uint64_t spin_us;     /* of that, awake only to be exact: the thread could have done more */
    uint64_t cpu_wait_us; /* it had work, and another thread had the processor */
    uint64_t max_loop_lag_us;
};

struct generator_metrics {
    uint32_t worker_count; /* one more than the greatest number */
    struct worker_health workers[GENERATOR_MAX_WORKERS];
    uint64_t queued;           /* requests due, and over --max-in-flight, the most at once */
    uint64_t under_way_us;     /* of all requests, from started to ended, however they ended */
    struct histogram loop_lag; /* of every pass, see loop_take_lag_us() */
    struct network_health network;
    /* Of requests with kernel time stamps: last byte sent to last byte received as the kernel saw
     * it, and how much longer `service` says it took. */
    struct histogram kernel_service;
    struct histogram kernel_gap;
};

void generator_metrics_init(struct generator_metrics *generator);
void generator_metrics_fini(struct generator_metrics *generator);
void generator_metrics_clear(struct generator_metrics *generator);
/* Counts and gauges add up, lags take the greater. -1 without memory. */
int generator_metrics_merge(struct generator_metrics *generator,
                            const struct generator_metrics *other);

/* Of the worker of this number; beyond GENERATOR_MAX_WORKERS the last one's. */
struct worker_health *generator_worker(struct generator_metrics *generator, uint32_t number);

/* What it was busy with its work, or waited for a processor to be. */
static inline uint64_t worker_busy_us(const struct worker_health *worker)
{
    uint64_t spin_us = worker->spin_us < worker->cpu_us ? worker->spin_us : worker->cpu_us;
    return worker->cpu_us - spin_us + worker->cpu_wait_us;
}

/* The busiest worker's; 0 without any. */
uint64_t generator_busiest_us(const struct generator_metrics *generator);

#endif

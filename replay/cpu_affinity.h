/*
 * cpu_affinity.h - which core each worker keeps to.
 *
 * A worker that the scheduler moves loses its caches and waits for a turn elsewhere; one that spins
 * for exact timing should have its core to itself.
 */
#ifndef REPRISE_REPLAY_CPU_AFFINITY_H
#define REPRISE_REPLAY_CPU_AFFINITY_H

#include <pthread.h>
#include <sched.h>
#include <stdint.h>

#include "core/error.h"

struct cpu_affinity {
    uint32_t count; /* 0: workers run where the scheduler puts them */
    uint16_t cpus[CPU_SETSIZE];
};

/* The cores that this process may use; none when the system does not say. */
void cpu_affinity_allowed(cpu_set_t *ret_allowed);

/*
 * "none", "auto" (the allowed cores in turn if there is one for each worker, else none) or a list
 * like "0,2,4-7", one for each worker at least, in this order. -1 with err (EXIT_INPUT).
 */
int cpu_affinity_parse(const char *text, const cpu_set_t *allowed, uint32_t worker_count,
                       struct cpu_affinity *ret_affinity, struct error *err);

/* Have threads that are made with `attributes` keep to this worker's core; an errno code, or 0. */
int cpu_affinity_apply(const struct cpu_affinity *affinity, uint32_t worker,
                       pthread_attr_t *attributes);

#endif

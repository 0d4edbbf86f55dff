/* cpu_affinity.c - lists of cores as taskset(1) writes them, and a thread's core. */
#include "replay/cpu_affinity.h"

#include <stdbool.h>
#include <string.h>

#include "core/bytes.h"

void cpu_affinity_allowed(cpu_set_t *ret_allowed)
{
    CPU_ZERO(ret_allowed);
    if (sched_getaffinity(0, sizeof *ret_allowed, ret_allowed))
        CPU_ZERO(ret_allowed);
}

static bool has_cpu(const struct cpu_affinity *affinity, uint64_t cpu)
{
    for (uint32_t i = 0; i < affinity->count; i++) {
        if (affinity->cpus[i] == cpu)
            return true;
    }
    return false;
}

static void add_all(struct cpu_affinity *affinity, const cpu_set_t *allowed)
{
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, allowed))
            affinity->cpus[affinity->count++] = (uint16_t)cpu;
    }
}

/* "3" or "4-7". */
static int add_range(struct cpu_affinity *affinity, struct bytes range, const cpu_set_t *allowed,
                     struct error *err)
{
    struct bytes first_text = {0}, last_text = range;
    uint64_t first, last;
    bytes_split(&last_text, '-', &first_text);
    bool is_one = !last_text.ptr;
    if (!bytes_to_u64(first_text, &first) || (!is_one && !bytes_to_u64(last_text, &last)))
        return error_set(err, EXIT_INPUT, "expected auto, none or a list of cores, like 0,2-3");
    if (is_one)
        last = first;
    if (last < first)
        return error_set(err, EXIT_INPUT, "a range goes from the lower core to the higher");
    for (uint64_t cpu = first; cpu <= last; cpu++) {
        if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, allowed))
            return error_set(err, EXIT_INPUT,
                             "core %llu is none that this process may use; 'taskset -cp $$' lists "
                             "them",
                             (unsigned long long)cpu);
        if (has_cpu(affinity, cpu))
            return error_set(err, EXIT_INPUT, "core %llu is named twice", (unsigned long long)cpu);
        affinity->cpus[affinity->count++] = (uint16_t)cpu;
    }
    return 0;
}

int cpu_affinity_parse(const char *text, const cpu_set_t *allowed, uint32_t worker_count,
                       struct cpu_affinity *ret_affinity, struct error *err)
{
    struct cpu_affinity affinity = {0};
    if (strcmp(text, "auto") == 0) {
        add_all(&affinity, allowed);
        if (affinity.count < worker_count)
            affinity.count = 0;
    } else if (strcmp(text, "none") != 0) {
        struct bytes rest = bytes_of(text), range;
        while (bytes_split(&rest, ',', &range)) {
            if (add_range(&affinity, range, allowed, err))
                return -1;
        }
        if (affinity.count < worker_count)
            return error_set(err, EXIT_INPUT, "%u cores for %u workers; name one for each",
                             affinity.count, worker_count);
    }
    *ret_affinity = affinity;
    return 0;
}

int cpu_affinity_apply(const struct cpu_affinity *affinity, uint32_t worker,
                       pthread_attr_t *attributes)
{
    cpu_set_t set;
    if (affinity->count == 0)
        return 0;
    CPU_ZERO(&set);
    CPU_SET(affinity->cpus[worker % affinity->count], &set);
    return pthread_attr_setaffinity_np(attributes, sizeof set, &set);
}

/*
 * place_counters.h - how often each name has been seen in a message: the numbers of places.
 *
 * A name is known by a keyed hash of 64 bits alone, so a table of any names takes 16 bytes each.
 */
#ifndef REPRISE_TRACES_PLACES_PLACE_COUNTERS_H
#define REPRISE_TRACES_PLACES_PLACE_COUNTERS_H

#include "core/bytes.h"

struct place_counter {
    uint64_t hash;
    uint32_t message; /* the counters of another message are free */
    uint32_t count;
};

struct place_counters {
    struct place_counter *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t used;     /* by this message */
    uint32_t message;
};

#define PLACE_COUNTERS_MAX (1u << 21) /* 32 MiB */

void place_counters_init(struct place_counters *counters);
void place_counters_fini(struct place_counters *counters);

/* For the next message. Gives back what a large one took. */
void place_counters_reset(struct place_counters *counters);

/* How often now, from 1; 0: it cannot be counted, there are too many names or is no memory. Names
 * of one `kind` are apart from those of another; `ignores_case` as HTTP does. */
uint32_t place_count(struct place_counters *counters, uint32_t kind, struct bytes name,
                     bool ignores_case);

#endif

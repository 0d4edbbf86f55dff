/* place_counters.c - counts names by their hashes. */
#include "traces/places/place_counters.h"

#include <stdlib.h>

#include "core/map.h"

enum { SMALLEST_CAPACITY = 256, KEPT_CAPACITY = 64 * 1024, MAX_FOLDED_BYTES = 256 };

void place_counters_init(struct place_counters *counters)
{
    *counters = (struct place_counters){.message = 1};
}

void place_counters_fini(struct place_counters *counters)
{
    free(counters->entries);
    *counters = (struct place_counters){0};
}

void place_counters_reset(struct place_counters *counters)
{
    uint32_t message = counters->message + 1;
    if (counters->capacity > KEPT_CAPACITY || message == 0) {
        place_counters_fini(counters);
        message = 1;
    }
    counters->message = message;
    counters->used = 0;
}

static struct place_counter *slot_of(const struct place_counters *counters, uint64_t hash)
{
    size_t mask = counters->capacity - 1, at = (size_t)hash & mask;
    while (counters->entries[at].message == counters->message && counters->entries[at].hash != hash)
        at = (at + 1) & mask;
    return &counters->entries[at];
}

/* Three quarters may be used. */
static int grow(struct place_counters *counters)
{
    struct place_counters grown = *counters;
    if (counters->used < counters->capacity / 4 * 3)
        return 0;
    grown.capacity = counters->capacity ? counters->capacity * 2 : SMALLEST_CAPACITY;
    if (grown.capacity > PLACE_COUNTERS_MAX)
        return -1;
    grown.entries = calloc(grown.capacity, sizeof *grown.entries);
    if (!grown.entries)
        return -1;
    for (size_t i = 0; i < counters->capacity; i++) {
        if (counters->entries[i].message == counters->message)
            *slot_of(&grown, counters->entries[i].hash) = counters->entries[i];
    }
    free(counters->entries);
    *counters = grown;
    return 0;
}

uint32_t place_count(struct place_counters *counters, uint32_t kind, struct bytes name,
                     bool ignores_case)
{
    char folded[MAX_FOLDED_BYTES];
    if (ignores_case) {
        if (name.len > sizeof folded)
            return 0;
        for (size_t i = 0; i < name.len; i++)
            folded[i] = ascii_lower(name.ptr[i]);
        name.ptr = folded;
    }
    if (grow(counters))
        return 0;
    uint64_t hash = bytes_hash(name) ^ (kind + 1) * 0x9e3779b97f4a7c15U;
    struct place_counter *counter = slot_of(counters, hash);
    if (counter->message != counters->message) {
        *counter = (struct place_counter){.hash = hash, .message = counters->message};
        counters->used++;
    }
    return ++counter->count;
}

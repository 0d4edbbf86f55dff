/*
 * id_map.h - from 64-bit keys to small numbers: what correlation looks up millions of times.
 *
 * Keys are hashes already, or pairs of ids. Any key will do.
 */
#ifndef REPRISE_TRACES_CORRELATE_ID_MAP_H
#define REPRISE_TRACES_CORRELATE_ID_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_MAP_NONE UINT32_MAX

struct id_slot {
    uint64_t key; /* 0: empty */
    uint32_t value;
};

struct id_map {
    struct id_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

/* All zeros is an empty map. */
void id_map_fini(struct id_map *map);
/* Empty it; a table much larger than what was in it is given back. */
void id_map_clear(struct id_map *map);

/* ID_MAP_NONE when absent. */
uint32_t id_map_get(const struct id_map *map, uint64_t key);
/* The value's place, ID_MAP_NONE in it when it is new; until the next call. NULL without memory. */
uint32_t *id_map_at(struct id_map *map, uint64_t key);

static inline uint64_t id_pair(uint32_t a, uint32_t b)
{
    return (uint64_t)a << 32 | b;
}

#endif

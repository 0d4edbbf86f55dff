/*
 * map.h - a hash map from bytes to a pointer; keys are borrowed from the values.
 *
 * A key must stay where it is for as long as its entry is in the map. The hash is SipHash-1-3
 * (Aumasson and Bernstein, 2012) under a key of the process, so that input cannot choose its
 * collisions.
 */
#ifndef REPRISE_CORE_MAP_H
#define REPRISE_CORE_MAP_H

#include "core/bytes.h"

struct map_entry {
    uint64_t hash; /* 0: empty slot */
    struct bytes key;
    void *value;
};

struct map {
    struct map_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

void map_init(struct map *map);
void map_fini(struct map *map);

/* NULL when absent. */
void *map_get(const struct map *map, struct bytes key);

/* Add or replace. -1 without memory. */
int map_set(struct map *map, struct bytes key, void *value);

/* The value that was removed, or NULL. */
void *map_remove(struct map *map, struct bytes key);

/*
 * Walk: start with *position 0; false at the end. Do not add or remove during a walk.
 */
bool map_next(const struct map *map, size_t *position, struct map_entry **ret_entry);

/* Seeded once per process from the system; never 0. */
uint64_t bytes_hash(struct bytes bytes);

/* Under a key of the caller's: for hashes that must be the same in every process. */
uint64_t bytes_hash_keyed(struct bytes bytes, uint64_t key0, uint64_t key1);

#endif

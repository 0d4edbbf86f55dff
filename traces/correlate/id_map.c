/* id_map.c - open addressing with linear probing; nothing is ever removed but all at once. */
#include "traces/correlate/id_map.h"

#include <stdlib.h>
#include <string.h>

/* What stands for key 0, which is an empty slot: a number that no pair of ids comes to. */
static const uint64_t KEY_ZERO = 0x9e3779b97f4a7c15U;

enum { FIRST_CAPACITY = 64, KEPT_CAPACITY = 4096 };

static uint64_t key_of(uint64_t key)
{
    return key ? key : KEY_ZERO;
}

void id_map_fini(struct id_map *map)
{
    free(map->slots);
    *map = (struct id_map){0};
}

void id_map_clear(struct id_map *map)
{
    if (map->capacity > KEPT_CAPACITY && map->count * 8 < map->capacity) {
        id_map_fini(map);
        return;
    }
    if (map->count)
        memset(map->slots, 0, map->capacity * sizeof *map->slots);
    map->count = 0;
}

/* Pairs of small ids differ in few bits: spread them (the finalizer of SplitMix64). */
static size_t home_of(const struct id_map *map, uint64_t key)
{
    key ^= key >> 30;
    key *= 0xbf58476d1ce4e5b9U;
    key ^= key >> 27;
    key *= 0x94d049bb133111ebU;
    return (key ^ key >> 31) & (map->capacity - 1);
}

static struct id_slot *find(const struct id_map *map, uint64_t key)
{
    for (size_t i = home_of(map, key);; i = (i + 1) & (map->capacity - 1)) {
        if (!map->slots[i].key || map->slots[i].key == key)
            return &map->slots[i];
    }
}

uint32_t id_map_get(const struct id_map *map, uint64_t key)
{
    if (!map->count)
        return ID_MAP_NONE;
    const struct id_slot *slot = find(map, key_of(key));
    return slot->key ? slot->value : ID_MAP_NONE;
}

static int grow(struct id_map *map)
{
    struct id_map bigger = {.capacity = map->capacity ? map->capacity * 2 : FIRST_CAPACITY,
                            .count = map->count};
    bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
    if (!bigger.slots)
        return -1;
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].key)
            *find(&bigger, map->slots[i].key) = map->slots[i];
    }
    free(map->slots);
    *map = bigger;
    return 0;
}

uint32_t *id_map_at(struct id_map *map, uint64_t key)
{
    if ((map->count + 1) * 3 > map->capacity * 2 && grow(map))
        return NULL;
    key = key_of(key);
    struct id_slot *slot = find(map, key);
    if (!slot->key) {
        *slot = (struct id_slot){.key = key, .value = ID_MAP_NONE};
        map->count++;
    }
    return &slot->value;
}

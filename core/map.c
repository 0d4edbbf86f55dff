/* map.c - open addressing with linear probing and backward-shift deletion. */
#include "core/map.h"

#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

enum { FIRST_CAPACITY = 16 };

static pthread_once_t seed_once = PTHREAD_ONCE_INIT;
static uint64_t seed[2];

static void seed_from_system(void)
{
    /* Without entropy the map still works; only its defence against chosen collisions is lost. */
    if (getrandom(seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed[0] = 0x9e3779b97f4a7c15U;
}

static inline uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

uint64_t bytes_hash_keyed(struct bytes bytes, uint64_t key0, uint64_t key1)
{
    uint64_t v[4] = {key0 ^ 0x736f6d6570736575U, key1 ^ 0x646f72616e646f6dU,
                     key0 ^ 0x6c7967656e657261U, key1 ^ 0x7465646279746573U};
    const char *at = bytes.ptr;
    size_t left = bytes.len;
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        word = le64toh(word);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)bytes.len << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)(unsigned char)at[i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t bytes_hash(struct bytes bytes)
{
    pthread_once(&seed_once, seed_from_system);
    uint64_t hash = bytes_hash_keyed(bytes, seed[0], seed[1]);
    return hash ? hash : 1;
}

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_fini(struct map *map)
{
    free(map->entries);
    *map = (struct map){0};
}

/* The entry of `key`, or the empty slot where it would go. Needs a free slot. */
static struct map_entry *find(const struct map *map, uint64_t hash, struct bytes key)
{
    size_t mask = map->capacity - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct map_entry *entry = &map->entries[i];
        if (!entry->hash || (entry->hash == hash && bytes_equal(entry->key, key)))
            return entry;
    }
}

void *map_get(const struct map *map, struct bytes key)
{
    return map->count ? find(map, bytes_hash(key), key)->value : NULL;
}

static int grow(struct map *map)
{
    struct map bigger = {.capacity = map->capacity ? map->capacity * 2 : FIRST_CAPACITY,
                         .count = map->count};
    bigger.entries = calloc(bigger.capacity, sizeof *bigger.entries);
    if (!bigger.entries)
        return -1;
    for (size_t i = 0; i < map->capacity; i++) {
        struct map_entry *entry = &map->entries[i];
        if (entry->hash)
            *find(&bigger, entry->hash, entry->key) = *entry;
    }
    free(map->entries);
    *map = bigger;
    return 0;
}

int map_set(struct map *map, struct bytes key, void *value)
{
    /* At most three quarters full, so that probes stay short. */
    if ((map->count + 1) * 4 > map->capacity * 3 && grow(map))
        return -1;
    uint64_t hash = bytes_hash(key);
    struct map_entry *entry = find(map, hash, key);
    if (!entry->hash)
        map->count++;
    *entry = (struct map_entry){.hash = hash, .key = key, .value = value};
    return 0;
}

void *map_remove(struct map *map, struct bytes key)
{
    if (!map->count)
        return NULL;
    struct map_entry *entry = find(map, bytes_hash(key), key);
    if (!entry->hash)
        return NULL;
    void *value = entry->value;
    size_t mask = map->capacity - 1;
    size_t hole = (size_t)(entry - map->entries);
    for (size_t i = (hole + 1) & mask; map->entries[i].hash; i = (i + 1) & mask) {
        size_t home = map->entries[i].hash & mask;
        /* An entry may move back only as far as its home slot. */
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->entries[hole] = map->entries[i];
            hole = i;
        }
    }
    map->entries[hole] = (struct map_entry){0};
    map->count--;
    return value;
}

bool map_next(const struct map *map, size_t *position, struct map_entry **ret_entry)
{
    for (; *position < map->capacity; (*position)++) {
        struct map_entry *entry = &map->entries[*position];
        if (entry->hash) {
            (*position)++;
            *ret_entry = entry;
            return true;
        }
    }
    return false;
}

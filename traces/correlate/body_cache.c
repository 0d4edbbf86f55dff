/* body_cache.c - a bounded table of lists; of two bodies in one slot the later one stays. */
#include <stdlib.h>

#include "traces/correlate/walk_state.h"

enum { SLOTS = 1 << 14 };

struct slot {
    uint64_t key;
    struct given *items;
    size_t count;
    bool is_used, is_partial;
};

struct body_cache {
    size_t bytes, max_bytes;
    struct slot slots[SLOTS];
};

struct body_cache *body_cache_new(size_t max_bytes)
{
    struct body_cache *cache = calloc(1, sizeof *cache);
    if (cache)
        cache->max_bytes = max_bytes;
    return cache;
}

void body_cache_free(struct body_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        free(cache->slots[i].items);
    free(cache);
}

static struct slot *slot_of(struct body_cache *cache, uint64_t key)
{
    return &cache->slots[(key ^ key >> 32) % SLOTS];
}

const struct given *body_cache_get(struct body_cache *cache, uint64_t key, size_t *ret_count,
                                   bool *ret_is_partial)
{
    static const struct given nothing;
    const struct slot *slot = slot_of(cache, key);
    if (!slot->is_used || slot->key != key)
        return NULL;
    *ret_count = slot->count;
    *ret_is_partial = slot->is_partial;
    return slot->count ? slot->items : &nothing;
}

void body_cache_put(struct body_cache *cache, uint64_t key, const struct given *items, size_t count,
                    bool is_partial)
{
    struct slot *slot = slot_of(cache, key);
    size_t bytes = count * sizeof *items;
    cache->bytes -= slot->count * sizeof *items;
    free(slot->items);
    *slot = (struct slot){0};
    if (bytes > cache->max_bytes - cache->bytes)
        return;
    struct given *copy = count ? malloc(bytes) : NULL;
    if (count && !copy)
        return; /* it is read again then */
    if (count)
        memcpy(copy, items, bytes);
    *slot = (struct slot){
        .key = key, .items = copy, .count = count, .is_used = true, .is_partial = is_partial};
    cache->bytes += bytes;
}

/* buffer_pool.c - a stack of idle blocks. */
#include "replay/transport/buffer_pool.h"

#include <assert.h>
#include <stdlib.h>

struct pool_block {
    struct pool_block *next;
};

void buffer_pool_init(struct buffer_pool *pool)
{
    *pool = (struct buffer_pool){0};
}

void buffer_pool_fini(struct buffer_pool *pool)
{
    assert(pool->lent_count == 0);
    while (pool->idle) {
        struct pool_block *block = pool->idle;
        pool->idle = block->next;
        free(block);
    }
    pool->idle_count = 0;
}

char *buffer_pool_take(struct buffer_pool *pool)
{
    struct pool_block *block = pool->idle;
    if (block) {
        pool->idle = block->next;
        pool->idle_count--;
    } else {
        block = malloc(POOL_BLOCK_BYTES + 1);
        if (!block)
            return NULL;
    }
    pool->lent_count++;
    return (char *)block;
}

void buffer_pool_give(struct buffer_pool *pool, char *bytes)
{
    if (!bytes)
        return;
    pool->lent_count--;
    if (pool->idle_count == POOL_MAX_IDLE_BLOCKS) {
        free(bytes);
        return;
    }
    struct pool_block *block = (void *)bytes;
    block->next = pool->idle;
    pool->idle = block;
    pool->idle_count++;
}

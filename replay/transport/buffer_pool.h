/*
 * buffer_pool.h - blocks of one size that a worker lends to whatever has an answer under way.
 *
 * The block given back last is lent next: it is the one still in the CPU's cache, and with answers
 * that come whole a worker of any number of users touches a single one. What is lent has no limit
 * of its own (each connection has at most one); what lies idle has.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_BUFFER_POOL_H
#define REPRISE_REPLAY_TRANSPORT_BUFFER_POOL_H

#include <stddef.h>

#define POOL_BLOCK_BYTES (16 * 1024) /* one record of TLS */
#define POOL_MAX_IDLE_BLOCKS 256     /* 4 MiB */

struct pool_block; /* of an idle block, its first bytes */

struct buffer_pool {
    struct pool_block *idle;
    size_t idle_count;
    size_t lent_count;
};

void buffer_pool_init(struct buffer_pool *pool);

/* Everything must have been given back. */
void buffer_pool_fini(struct buffer_pool *pool);

/* POOL_BLOCK_BYTES and room for a '\0' behind them, not zeroed; NULL without memory. */
char *buffer_pool_take(struct buffer_pool *pool);

/* No-op for NULL. */
void buffer_pool_give(struct buffer_pool *pool, char *block);

#endif

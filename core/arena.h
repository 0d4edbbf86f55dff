/*
 * arena.h - memory that is freed as one: everything one exchange, one user or one callback needs.
 *
 * Under AddressSanitizer every allocation is a block of its own, so that overruns are still seen.
 */
#ifndef REPRISE_CORE_ARENA_H
#define REPRISE_CORE_ARENA_H

#include "core/bytes.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* the first is the one being filled */
    size_t used_bytes;          /* of all chunks, rounding included */
    size_t max_bytes;           /* used_bytes is never above it */
};

void arena_init(struct arena *arena, size_t max_bytes);
void arena_fini(struct arena *arena);

/* Aligned for any type, not zeroed. NULL over the maximum or without memory. */
void *arena_alloc(struct arena *arena, size_t size_bytes);
void *arena_zalloc(struct arena *arena, size_t size_bytes);

/* A copy followed by '\0'; .ptr is NULL on failure. */
struct bytes arena_copy(struct arena *arena, struct bytes bytes);
const char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Forget everything allocated; one chunk of the usual size is kept for what comes next. */
void arena_reset(struct arena *arena);

#endif

/* arena.c - memory in chunks that are freed as one. */
#include "core/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) /* gcc's way to say it */
#define EVERY_BLOCK_ALONE 1
#elif defined(__has_feature)
#define EVERY_BLOCK_ALONE __has_feature(address_sanitizer)
#else
#define EVERY_BLOCK_ALONE 0
#endif

#if EVERY_BLOCK_ALONE
#define ARENA_CHUNK_BYTES 0
#define FIRST_CHUNK_BYTES 0
#else
#define ARENA_CHUNK_BYTES 4032 /* with its header just under a page of malloc's */
#define FIRST_CHUNK_BYTES 992  /* the most that malloc keeps at hand; few arenas hold more */
#endif

struct arena_chunk {
    struct arena_chunk *next;
    size_t size_bytes;
    size_t used_bytes;
    alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena, size_t max_bytes)
{
    *arena = (struct arena){.max_bytes = max_bytes};
}

static void free_chunks(struct arena_chunk *chunk)
{
    while (chunk) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void arena_fini(struct arena *arena)
{
    free_chunks(arena->chunks);
    *arena = (struct arena){.max_bytes = arena->max_bytes};
}

static struct arena_chunk *add_chunk(struct arena *arena, size_t at_least)
{
    size_t usual_bytes =
        arena->chunks || at_least > FIRST_CHUNK_BYTES ? ARENA_CHUNK_BYTES : FIRST_CHUNK_BYTES;
    size_t size_bytes = at_least > usual_bytes ? at_least : usual_bytes;
    struct arena_chunk *chunk = malloc(sizeof *chunk + size_bytes);
    if (!chunk)
        return NULL;
    *chunk = (struct arena_chunk){.size_bytes = size_bytes};
    /* A block that fills a chunk of its own goes behind the first, which keeps its free room. */
    struct arena_chunk **at = &arena->chunks;
    if (*at && size_bytes > ARENA_CHUNK_BYTES)
        at = &(*at)->next;
    chunk->next = *at;
    *at = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size_bytes)
{
    size_t align = alignof(max_align_t);
    if (size_bytes > PTRDIFF_MAX) /* more than malloc has, and rounding could wrap around */
        return NULL;
    size_t rounded = (size_bytes + align - 1) & ~(align - 1);
    if (rounded > arena->max_bytes || arena->used_bytes > arena->max_bytes - rounded)
        return NULL;
    struct arena_chunk *chunk = arena->chunks;
    if (!chunk || chunk->size_bytes - chunk->used_bytes < rounded) {
        chunk = add_chunk(arena, rounded);
        if (!chunk)
            return NULL;
    }
    void *block = chunk->data + chunk->used_bytes;
    chunk->used_bytes += rounded;
    arena->used_bytes += rounded;
    return block;
}

void *arena_zalloc(struct arena *arena, size_t size_bytes)
{
    void *block = arena_alloc(arena, size_bytes);
    if (block)
        memset(block, 0, size_bytes);
    return block;
}

struct bytes arena_copy(struct arena *arena, struct bytes bytes)
{
    char *copy = arena_alloc(arena, bytes.len + 1);
    if (!copy)
        return (struct bytes){0};
    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    copy[bytes.len] = '\0';
    return bytes_make(copy, bytes.len);
}

const char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int needed = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = needed < 0 ? NULL : arena_alloc(arena, (size_t)needed + 1);
    if (!text)
        return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)needed + 1, format, args);
    va_end(args);
    return text;
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *kept = arena->chunks;
    if (kept && kept->size_bytes > ARENA_CHUNK_BYTES) {
        arena_fini(arena);
        return;
    }
    if (kept) {
        free_chunks(kept->next);
        kept->next = NULL;
        kept->used_bytes = 0;
    }
    arena->used_bytes = 0;
}

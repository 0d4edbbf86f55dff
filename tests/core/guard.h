/*
 * guard.h - bytes placed against a page that must not be touched: one byte read too far crashes.
 *
 * For parsers that read from the caller's memory; works without a sanitizer too.
 */
#ifndef REPRISE_TESTS_CORE_GUARD_H
#define REPRISE_TESTS_CORE_GUARD_H

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/bytes.h"

struct guard {
    char *pages;
    size_t size_bytes; /* without the last page */
};

static inline void guard_init(struct guard *guard, size_t max_bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    guard->size_bytes = (max_bytes + page - 1) / page * page;
    guard->pages = mmap(NULL, guard->size_bytes + page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(guard->pages != MAP_FAILED);
    int protected = mprotect(guard->pages + guard->size_bytes, page, PROT_NONE);
    assert(protected == 0);
}

static inline void guard_fini(struct guard *guard)
{
    munmap(guard->pages, guard->size_bytes + (size_t)sysconf(_SC_PAGESIZE));
}

/* A copy whose last byte is the last that may be read; good until the next call. */
static inline struct bytes guard_place(struct guard *guard, struct bytes bytes)
{
    assert(bytes.len <= guard->size_bytes);
    char *at = guard->pages + guard->size_bytes - bytes.len;
    if (bytes.len)
        memcpy(at, bytes.ptr, bytes.len);
    return bytes_make(at, bytes.len);
}

#endif

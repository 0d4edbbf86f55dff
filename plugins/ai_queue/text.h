/*
 * text.h - a piece of somebody else's text, and the few questions that are asked of it here.
 */
#ifndef AI_QUEUE_TEXT_H
#define AI_QUEUE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Borrowed; ptr is NULL when the thing does not exist. No '\0' need follow. */
struct span {
    const char *ptr;
    size_t len;
};

static inline struct span span_of(const char *text)
{
    return (struct span){text, text ? strlen(text) : 0};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool span_is(struct span a, const char *text)
{
    return span_equal(a, span_of(text));
}

static inline bool span_begins_nocase(struct span a, const char *text)
{
    size_t len = strlen(text);
    return a.len >= len && strncasecmp(a.ptr, text, len) == 0;
}

static inline bool span_contains(struct span a, struct span part)
{
    return a.ptr && part.len && memmem(a.ptr, a.len, part.ptr, part.len) != NULL;
}

/* On the heap; NULL: no memory. */
static inline char *span_copy(struct span a)
{
    char *copy = malloc(a.len + 1);
    if (!copy)
        return NULL;
    if (a.len)
        memcpy(copy, a.ptr, a.len);
    copy[a.len] = '\0';
    return copy;
}

#endif

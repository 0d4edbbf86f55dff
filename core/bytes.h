/*
 * bytes.h - a borrowed view of bytes: pointer and length, not terminated, never owned.
 *
 * Whoever made the bytes owns them; a view is good for as long as they are.
 */
#ifndef REPRISE_CORE_BYTES_H
#define REPRISE_CORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const char *ptr; /* NULL when the thing does not exist */
    size_t len;
};

/* For printf: "%.*s" takes BYTES_ARG(b). */
#define BYTES_ARG(b) (int)((b).len < INT32_MAX ? (b).len : INT32_MAX), (b).ptr ? (b).ptr : ""

static inline struct bytes bytes_make(const void *ptr, size_t len)
{
    return (struct bytes){.ptr = ptr, .len = len};
}

static inline struct bytes bytes_of(const char *text)
{
    return (struct bytes){.ptr = text, .len = text ? strlen(text) : 0};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ASCII only, which is what HTTP names are (RFC 9110 5.1). */
static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_is_alpha(char c)
{
    c = ascii_lower(c);
    return c >= 'a' && c <= 'z';
}

static inline bool ascii_is_alnum(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c);
}

/* -1 when `c` is no hexadecimal digit. */
static inline int ascii_hex_value(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
            return false;
    }
    return true;
}

static inline bool bytes_starts_with(struct bytes a, struct bytes prefix)
{
    return a.len >= prefix.len && bytes_equal(bytes_make(a.ptr, prefix.len), prefix);
}

static inline bool bytes_starts_with_nocase(struct bytes a, struct bytes prefix)
{
    return a.len >= prefix.len && bytes_equal_nocase(bytes_make(a.ptr, prefix.len), prefix);
}

/* From `start` (clamped) to the end. */
static inline struct bytes bytes_from(struct bytes a, size_t start)
{
    if (start > a.len)
        start = a.len;
    return (struct bytes){.ptr = a.ptr ? a.ptr + start : NULL, .len = a.len - start};
}

/* Without spaces and tabs at both ends. */
static inline struct bytes bytes_trim(struct bytes a)
{
    while (a.len && (a.ptr[0] == ' ' || a.ptr[0] == '\t')) {
        a.ptr++;
        a.len--;
    }
    while (a.len && (a.ptr[a.len - 1] == ' ' || a.ptr[a.len - 1] == '\t'))
        a.len--;
    return a;
}

/* Index of the first `c`, or a.len. */
static inline size_t bytes_index_of(struct bytes a, char c)
{
    const char *found = a.len ? memchr(a.ptr, c, a.len) : NULL;
    return found ? (size_t)(found - a.ptr) : a.len;
}

/* The part up to the next `separator`; *rest moves behind it. False when *rest is used up. */
static inline bool bytes_split(struct bytes *rest, char separator, struct bytes *ret_part)
{
    if (!rest->ptr)
        return false;
    size_t at = bytes_index_of(*rest, separator);
    *ret_part = bytes_make(rest->ptr, at);
    if (at == rest->len)
        *rest = (struct bytes){0};
    else
        *rest = bytes_from(*rest, at + 1);
    return true;
}

/* Something, all of it what ASCII prints. */
static inline bool bytes_are_ascii_text(struct bytes a)
{
    for (size_t i = 0; i < a.len; i++) {
        if (a.ptr[i] < ' ' || a.ptr[i] > '~')
            return false;
    }
    return a.len > 0;
}

/* Decimal digits only, the whole view, no overflow; else false. */
static inline bool bytes_to_u64(struct bytes a, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (a.len == 0)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (!ascii_is_digit(a.ptr[i]))
            return false;
        uint64_t digit = (uint64_t)(a.ptr[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

#endif

/* buf.c - a growable byte buffer with a stated maximum and a sticky error. */
#include "core/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { SMALLEST_CAPACITY = 64 };

void buf_init(struct buf *buf, size_t max_len)
{
    *buf = (struct buf){.max_len = max_len};
}

void buf_fini(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.max_len = buf->max_len};
}

/* Make room for `len` more bytes and the '\0'. */
static int grow(struct buf *buf, size_t len)
{
    if (buf->has_failed)
        return -1;
    if (len > buf->max_len || buf->len > buf->max_len - len) {
        buf->has_failed = true;
        return -1;
    }
    size_t needed = buf->len + len + 1;
    if (needed <= buf->capacity)
        return 0;
    size_t capacity = buf->capacity ? buf->capacity : SMALLEST_CAPACITY;
    while (capacity < needed)
        capacity *= 2;
    if (capacity - 1 > buf->max_len)
        capacity = buf->max_len + 1;
    char *data = realloc(buf->data, capacity);
    if (!data) {
        buf->has_failed = true;
        return -1;
    }
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

int buf_append(struct buf *buf, const void *data, size_t len)
{
    if (grow(buf, len))
        return -1;
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

int buf_append_bytes(struct buf *buf, struct bytes bytes)
{
    return buf_append(buf, bytes.ptr, bytes.len);
}

int buf_append_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

int buf_append_char(struct buf *buf, char c)
{
    return buf_append(buf, &c, 1);
}

int buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int needed = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (needed < 0)
        buf->has_failed = true;
    if (needed < 0 || grow(buf, (size_t)needed))
        return -1;
    vsnprintf(buf->data + buf->len, (size_t)needed + 1, format, args);
    buf->len += (size_t)needed;
    return 0;
}

int buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int result = buf_vprintf(buf, format, args);
    va_end(args);
    return result;
}

char *buf_reserve(struct buf *buf, size_t len)
{
    return grow(buf, len) ? NULL : buf->data + buf->len;
}

void buf_commit(struct buf *buf, size_t len)
{
    assert(buf->len + len < buf->capacity);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_consume(struct buf *buf, size_t len)
{
    assert(len <= buf->len);
    if (len == 0)
        return;
    memmove(buf->data, buf->data + len, buf->len - len);
    buf->len -= len;
    buf->data[buf->len] = '\0';
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->has_failed = false;
    if (buf->data)
        buf->data[0] = '\0';
}

void buf_release(struct buf *buf)
{
    buf_fini(buf);
}

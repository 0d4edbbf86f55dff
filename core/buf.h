/*
 * buf.h - a growable byte buffer with a stated maximum and a sticky error.
 *
 * Append freely, look at buf_failed() once at the end: after a failed append (over the maximum, no
 * memory) the content stays as it was before it and every later append fails too. The byte after
 * the last is always '\0'.
 */
#ifndef REPRISE_CORE_BUF_H
#define REPRISE_CORE_BUF_H

#include <stdarg.h>
#include <stdbool.h>

#include "core/bytes.h"

struct buf {
    char *data; /* owned; NULL until the first append */
    size_t len;
    size_t capacity;
    size_t max_len;
    bool has_failed;
};

#define BUF_INIT(max) ((struct buf){.max_len = (max)})

void buf_init(struct buf *buf, size_t max_len);
void buf_fini(struct buf *buf);

/* 0, or -1 once anything has failed. */
int buf_append(struct buf *buf, const void *data, size_t len);
int buf_append_bytes(struct buf *buf, struct bytes bytes);
int buf_append_text(struct buf *buf, const char *text);
int buf_append_char(struct buf *buf, char c);
int buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Room for `len` more bytes at the end, to be taken with buf_commit(); NULL on failure. */
char *buf_reserve(struct buf *buf, size_t len);
void buf_commit(struct buf *buf, size_t len);

/* Drop bytes from the front: moves the rest. */
void buf_consume(struct buf *buf, size_t len);

/* Empty it and forget a failure; the memory stays. */
void buf_clear(struct buf *buf);

/* Empty it and give the memory back. */
void buf_release(struct buf *buf);

static inline bool buf_failed(const struct buf *buf)
{
    return buf->has_failed;
}

static inline struct bytes buf_bytes(const struct buf *buf)
{
    return (struct bytes){.ptr = buf->data ? buf->data : "", .len = buf->len};
}

/* The content as a C string; valid until the buffer changes. */
static inline const char *buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

#endif

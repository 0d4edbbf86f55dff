/*
 * pieces.h - a body that lies in pieces, read as if it were one.
 *
 * A request at hand is pieces: what the trace says, and between it the values of this user. A
 * recorded body is one piece. Nothing is copied; the pieces stay their owner's.
 */
#ifndef MULTIPART_AUDIO_PIECES_H
#define MULTIPART_AUDIO_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PIECES_MAX_NEEDLE_BYTES = 256 };
#define PIECES_NOWHERE UINT64_MAX

struct span {
    const char *ptr;
    size_t len;
};

struct pieces {
    const struct span *piece;
    size_t count;
    uint64_t total_bytes;
};

void pieces_init(struct pieces *pieces, const struct span *piece, size_t count);

/* How many bytes of the `len` from `at` on there are. */
size_t pieces_copy(const struct pieces *pieces, uint64_t at, void *into, size_t len);

/* The bytes from `at` on that lie in one piece, at most `max`; ptr is NULL behind the end. */
struct span pieces_run(const struct pieces *pieces, uint64_t at, uint64_t max);

/* The same bytes, wherever they lie. */
bool pieces_equal(const struct pieces *one, const struct pieces *other);

bool pieces_match(const struct pieces *pieces, uint64_t at, const void *text, size_t len);

/* Where the needle (1 to PIECES_MAX_NEEDLE_BYTES) first begins from `from` on; PIECES_NOWHERE. */
uint64_t pieces_find(const struct pieces *pieces, uint64_t from, const void *needle, size_t len);

#endif

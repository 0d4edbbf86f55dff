/* pieces.c - a body that lies in pieces, read as if it were one. */
#include "pieces.h"

#include <assert.h>
#include <string.h>

void pieces_init(struct pieces *pieces, const struct span *piece, size_t count)
{
    *pieces = (struct pieces){.piece = piece, .count = count};
    for (size_t i = 0; i < count; i++)
        pieces->total_bytes += piece[i].len;
}

struct span pieces_run(const struct pieces *pieces, uint64_t at, uint64_t max)
{
    for (size_t i = 0; i < pieces->count; i++) {
        const struct span *piece = &pieces->piece[i];
        if (at < piece->len) {
            uint64_t len = piece->len - at;
            return (struct span){piece->ptr + at, (size_t)(len < max ? len : max)};
        }
        at -= piece->len;
    }
    return (struct span){NULL, 0};
}

size_t pieces_copy(const struct pieces *pieces, uint64_t at, void *into, size_t len)
{
    size_t done = 0;
    while (done < len) {
        struct span run = pieces_run(pieces, at + done, len - done);
        if (!run.ptr)
            break;
        memcpy((char *)into + done, run.ptr, run.len);
        done += run.len;
    }
    return done;
}

bool pieces_equal(const struct pieces *one, const struct pieces *other)
{
    size_t i = 0, k = 0, from = 0, with = 0; /* so far into each one's piece */
    if (one->total_bytes != other->total_bytes)
        return false;
    while (i < one->count && k < other->count) {
        const struct span *a = &one->piece[i], *b = &other->piece[k];
        size_t len = a->len - from < b->len - with ? a->len - from : b->len - with;
        if (len && a->ptr + from != b->ptr + with && memcmp(a->ptr + from, b->ptr + with, len) != 0)
            return false;
        from += len;
        with += len;
        if (from == a->len)
            i++, from = 0;
        if (with == b->len)
            k++, with = 0;
    }
    return true;
}

bool pieces_match(const struct pieces *pieces, uint64_t at, const void *text, size_t len)
{
    size_t done = 0;
    while (done < len) {
        struct span run = pieces_run(pieces, at + done, len - done);
        if (!run.ptr || memcmp(run.ptr, (const char *)text + done, run.len) != 0)
            return false;
        done += run.len;
    }
    return true;
}

/* One that begins in the last bytes of the piece at `base` and ends in a later one. */
static uint64_t find_across(const struct pieces *pieces, uint64_t from, uint64_t base, size_t i,
                            const void *needle, size_t len)
{
    const struct span *piece = &pieces->piece[i];
    uint64_t end = base + piece->len;
    uint64_t at = piece->len >= len ? end - len + 1 : base;
    for (at = at > from ? at : from; at < end; at++)
        if (piece->ptr[at - base] == *(const char *)needle && pieces_match(pieces, at, needle, len))
            return at;
    return PIECES_NOWHERE;
}

uint64_t pieces_find(const struct pieces *pieces, uint64_t from, const void *needle, size_t len)
{
    uint64_t base = 0;
    assert(len > 0 && len <= PIECES_MAX_NEEDLE_BYTES);
    for (size_t i = 0; i < pieces->count; base += pieces->piece[i++].len) {
        const struct span *piece = &pieces->piece[i];
        if (base + piece->len <= from)
            continue;
        size_t skip = from > base ? (size_t)(from - base) : 0;
        const char *hit = memmem(piece->ptr + skip, piece->len - skip, needle, len);
        if (hit)
            return base + (uint64_t)(hit - piece->ptr);
        uint64_t across = find_across(pieces, from, base, i, needle, len);
        if (across != PIECES_NOWHERE)
            return across;
    }
    return PIECES_NOWHERE;
}

/*
 * flow_stream.h - inside of a flow: one direction's place in its sequence space, and what is held
 * back until its turn comes.
 *
 *        next                 first                    last
 *     ----+.......hole.........[ piece ][ piece ]..hole..[ piece ]
 *
 * Invariant: pieces are sorted by seq, do not overlap (FIN and RST stand between them), and none
 * begins before `next` once the stream is anchored.
 */
#ifndef REPRISE_CAPTURE_FLOW_STREAM_H
#define REPRISE_CAPTURE_FLOW_STREAM_H

#include "capture/flow.h"

enum piece_kind {
    PIECE_DATA,
    PIECE_CUT, /* bytes the snaplen cut off: a length without bytes */
    PIECE_FIN, /* these two have no length */
    PIECE_RST
};

struct piece {
    struct piece *previous;
    struct piece *next;
    uint64_t arrival; /* counts up over both directions */
    int64_t at_us;
    uint32_t seq;
    uint32_t len;
    uint32_t ack;
    bool has_ack;
    enum piece_kind kind;
    char data[];
};

/* The largest window there is (RFC 7323 section 2.3): 1 GiB. */
enum { MAX_WINDOW_BYTES = 1 << 30 };

struct stream {
    uint32_t next;    /* the next byte to let out; before it is anchored: where it may be */
    bool is_anchored; /* it is known where the stream begins */
    bool is_seen;     /* a segment came from this side */
    bool has_syn;
    bool is_closed;
    bool has_hint;
    uint32_t hint;         /* before it is anchored: the lowest the peer acknowledged */
    uint32_t hint_end;     /* and the highest */
    uint32_t isn;          /* with has_syn */
    uint64_t passed_bytes; /* let out or given up since it was anchored: what `next` counts */
    uint64_t acked_bytes;  /* the peer has that many; matters when more than passed_bytes */
    int64_t acked_us;      /* since when it is more */
    uint32_t stray_next;   /* out-of-window segments that continue each other */
    uint32_t stray_run;
    struct piece *first;
    struct piece *last;
};

/* How far behind `next` the peer has acknowledged; 0: it has not. */
static inline uint32_t stream_acked_ahead(const struct stream *stream)
{
    return stream->acked_bytes > stream->passed_bytes
               ? (uint32_t)(stream->acked_bytes - stream->passed_bytes)
               : 0;
}

/* Serial numbers (RFC 1982): sound while both are within 2^31 of each other. */
static inline bool seq_after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

/* Arrived bytes on their way into the list; `data` has a NULL ptr when they were cut off. */
struct stream_input {
    uint32_t seq;
    uint32_t len;
    uint32_t ack;
    bool has_ack;
    enum piece_kind kind;
    const char *data;
    uint64_t arrival;
    int64_t at_us;
};

struct stream_overlap {
    uint32_t seen_bytes;      /* were held already: the first seen stay */
    uint32_t differing_bytes; /* of those */
    uint32_t held_bytes;      /* went into the list */
    uint32_t held_pieces;
};

/* Put what is new of `input` into the list. -1 without memory: *input is what is left of it. */
int stream_hold(struct stream *stream, struct stream_input *input, struct stream_overlap *overlap);

/* Out of the list: the caller's to free(). */
void stream_take(struct stream *stream, struct piece *piece);

void stream_free_pieces(struct stream *stream);

/* Bytes of memory and of stream that a piece stands for in the limits. */
static inline size_t piece_held_bytes(const struct piece *piece)
{
    return piece->kind == PIECE_DATA ? piece->len : 0;
}

#endif

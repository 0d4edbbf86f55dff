/* flow_stream.c - the sorted list of what one direction holds back. */
#include "capture/flow_stream.h"

#include <stdlib.h>

/* A piece of `len` bytes from the front of `input`, behind `previous` (NULL: at the front). */
static int insert_behind(struct stream *stream, struct piece *previous,
                         const struct stream_input *input, uint32_t len)
{
    size_t data_bytes = input->kind == PIECE_DATA ? len : 0;
    struct piece *piece = malloc(sizeof *piece + data_bytes);
    if (!piece)
        return -1;
    *piece = (struct piece){.previous = previous,
                            .next = previous ? previous->next : stream->first,
                            .arrival = input->arrival,
                            .at_us = input->at_us,
                            .seq = input->seq,
                            .len = len,
                            .ack = input->ack,
                            .has_ack = input->has_ack,
                            .kind = input->kind};
    if (data_bytes)
        memcpy(piece->data, input->data, data_bytes);
    if (piece->next)
        piece->next->previous = piece;
    else
        stream->last = piece;
    if (previous)
        previous->next = piece;
    else
        stream->first = piece;
    return 0;
}

static void advance(struct stream_input *input, uint32_t bytes)
{
    input->seq += bytes;
    input->len -= bytes;
    if (input->data)
        input->data += bytes;
}

static uint32_t count_differing(const char *a, const char *b, uint32_t len)
{
    uint32_t differing = 0;
    if (memcmp(a, b, len) == 0)
        return 0;
    for (uint32_t i = 0; i < len; i++)
        differing += a[i] != b[i];
    return differing;
}

/* The front of `input` lies in `piece`: leave it out. */
static void pass_over(const struct piece *piece, struct stream_input *input,
                      struct stream_overlap *overlap)
{
    uint32_t from = input->seq - piece->seq;
    uint32_t bytes = piece->len - from;
    if (bytes > input->len)
        bytes = input->len;
    if (input->kind == PIECE_DATA) {
        overlap->seen_bytes += bytes;
        if (piece->kind == PIECE_DATA)
            overlap->differing_bytes += count_differing(piece->data + from, input->data, bytes);
    }
    advance(input, bytes);
}

/* The last piece that begins at or before `seq`. From the end: what comes is mostly the newest. */
static struct piece *find_previous(const struct stream *stream, uint32_t seq)
{
    struct piece *piece = stream->last;
    while (piece && seq_after(piece->seq, seq))
        piece = piece->previous;
    return piece;
}

/* FIN and RST stand before what begins where they are, so that it is behind the close. Inside of a
 * piece a FIN contradicts bytes seen before it and is ignored; a RST waits for the piece's end. */
static int hold_mark(struct stream *stream, struct stream_input *input,
                     struct stream_overlap *overlap)
{
    struct piece *previous = find_previous(stream, input->seq - 1);
    if (previous && seq_after(previous->seq + previous->len, input->seq)) {
        if (input->kind == PIECE_FIN)
            return 0;
        input->seq = previous->seq + previous->len;
    }
    if (insert_behind(stream, previous, input, 0))
        return -1;
    overlap->held_pieces++;
    return 0;
}

int stream_hold(struct stream *stream, struct stream_input *input, struct stream_overlap *overlap)
{
    if (input->len == 0)
        return hold_mark(stream, input, overlap);
    struct piece *previous = find_previous(stream, input->seq);
    while (input->len > 0) {
        if (previous && seq_after(previous->seq + previous->len, input->seq)) {
            pass_over(previous, input, overlap);
            continue;
        }
        const struct piece *next = previous ? previous->next : stream->first;
        uint32_t len = input->len;
        if (next && next->seq - input->seq < len)
            len = next->seq - input->seq;
        if (len > 0) {
            if (insert_behind(stream, previous, input, len))
                return -1;
            overlap->held_pieces++;
            overlap->held_bytes += input->kind == PIECE_DATA ? len : 0;
            advance(input, len);
        }
        previous = previous ? previous->next : stream->first;
    }
    return 0;
}

void stream_take(struct stream *stream, struct piece *piece)
{
    if (piece->previous)
        piece->previous->next = piece->next;
    else
        stream->first = piece->next;
    if (piece->next)
        piece->next->previous = piece->previous;
    else
        stream->last = piece->previous;
}

void stream_free_pieces(struct stream *stream)
{
    while (stream->first) {
        struct piece *piece = stream->first;
        stream_take(stream, piece);
        free(piece);
    }
}

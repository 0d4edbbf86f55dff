/*
 * http1_body_fuzz.c - a response head and what follows, fed whole and in two cuts: the same body.
 *
 * The first byte chooses where the second feeding is cut.
 */
#include <assert.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/http1_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    struct buf data;
    struct buf trailer;
    uint64_t used_bytes;
    bool is_bad;
};

static void feed(struct http1_body *body, struct bytes in, struct outcome *outcome)
{
    while (in.len && !body->is_done && !outcome->is_bad) {
        struct http1_piece piece;
        ssize_t used = http1_body_next(body, in, &piece);
        assert(used == HTTP1_BAD || (used > 0 && (size_t)used <= in.len));
        if (used == HTTP1_BAD) {
            outcome->is_bad = true;
            return;
        }
        assert(piece.kind == HTTP1_PIECE_NONE ||
               (piece.bytes.ptr >= in.ptr && piece.bytes.ptr + piece.bytes.len <= in.ptr + used));
        if (piece.kind == HTTP1_PIECE_DATA)
            buf_append_bytes(&outcome->data, piece.bytes);
        else if (piece.kind == HTTP1_PIECE_TRAILER)
            buf_append_bytes(&outcome->trailer, piece.bytes);
        outcome->used_bytes += (uint64_t)used;
        in = bytes_from(in, (size_t)used);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http1_head head;
    struct http1_body whole_body, cut_body;
    if (size < 2)
        return 0;
    struct bytes in = bytes_make(data + 1, size - 1);
    ssize_t used = http1_parse_response(in, &head);
    if (used < 0 || http1_response_body(&head, bytes_of("GET"), &whole_body))
        return 0;
    in = bytes_from(in, (size_t)used);
    cut_body = whole_body;
    size_t cut = in.len * data[0] / 256;
    struct outcome whole = {.data = BUF_INIT(size), .trailer = BUF_INIT(size)};
    struct outcome cuts = {.data = BUF_INIT(size), .trailer = BUF_INIT(size)};
    feed(&whole_body, in, &whole);
    feed(&cut_body, bytes_make(in.ptr, cut), &cuts);
    feed(&cut_body, bytes_from(in, cut), &cuts);
    assert(whole.is_bad == cuts.is_bad);
    assert(whole_body.is_done == cut_body.is_done);
    if (!whole.is_bad) {
        assert(bytes_equal(buf_bytes(&whole.data), buf_bytes(&cuts.data)));
        assert(bytes_equal(buf_bytes(&whole.trailer), buf_bytes(&cuts.trailer)));
        assert(whole.used_bytes == cuts.used_bytes);
    }
    assert(!buf_failed(&whole.data) && !buf_failed(&whole.trailer));
    buf_fini(&whole.data);
    buf_fini(&whole.trailer);
    buf_fini(&cuts.data);
    buf_fini(&cuts.trailer);
    return 0;
}

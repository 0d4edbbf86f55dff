/*
 * content_coding_fuzz.c - any bytes in any coding: decoded, or refused, within the limit; the same
 * again by a decoder that has been used, and piece by piece.
 *
 * The first byte chooses the codings.
 */
#include <assert.h>

#include "core/buf.h"
#include "traces/content_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BODY_BYTES = 64 * 1024 };

/* Keeps what there is room for, and one byte more tells that there is more. */
static bool keep(void *owner, struct bytes data)
{
    return buf_append_bytes(owner, data) == 0;
}

/* The same body in pieces of `step` bytes. */
static void in_pieces(const struct http_header *header, struct bytes in, size_t step,
                      enum content_result expected, struct bytes whole)
{
    static struct content_streams *streams; /* each body finds what the one before it has left */
    struct content_stream *stream;
    if (!streams)
        streams = content_streams_new();
    assert(streams);
    struct buf out = BUF_INIT(MAX_BODY_BYTES);
    const char *detail = NULL;
    enum content_result result = content_stream_new(streams, header, 1, &stream, &detail);
    bool is_coded = stream != NULL;
    for (size_t at = 0; is_coded && at < in.len && result == CONTENT_DECODED && !buf_failed(&out);
         at += step) {
        size_t left = in.len - at;
        result = content_stream_feed(stream, bytes_make(in.ptr + at, left < step ? left : step),
                                     keep, &out, &detail);
    }
    if (result == CONTENT_BAD_WINDOW)
        expected = result; /* a short frame, whole, is decoded without any */
    if (is_coded && expected == CONTENT_TOO_LARGE)
        assert(buf_failed(&out) || result != CONTENT_DECODED);
    else if (is_coded && expected == CONTENT_DECODED)
        assert(result == CONTENT_DECODED && content_stream_is_whole(stream) &&
               bytes_equal(buf_bytes(&out), whole));
    else if (is_coded)
        assert(result != CONTENT_DECODED || buf_failed(&out) || !content_stream_is_whole(stream));
    content_stream_free(stream);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const codings[] = {
        "gzip", "deflate", "br", "zstd", "", "gzip, br", "zstd, gzip", "deflate,identity,gzip"};
    static struct content_decoder *used;
    if (size < 1)
        return 0;
    if (!used)
        used = content_decoder_new(MAX_BODY_BYTES);
    struct content_decoder *fresh = content_decoder_new(MAX_BODY_BYTES);
    assert(used && fresh);
    const struct http_header header = {bytes_of("Content-Encoding"),
                                       bytes_of(codings[data[0] % 8])};
    struct bytes in = bytes_make(data + 1, size - 1), one = {0}, other = {0};
    const char *detail = NULL;
    enum content_result result = content_decode(fresh, &header, 1, in, &one, &detail);
    assert(result == content_decode(used, &header, 1, in, &other, &detail));
    assert(result == CONTENT_DECODED || detail);
    if (result == CONTENT_DECODED) {
        assert(one.len <= MAX_BODY_BYTES || one.ptr == in.ptr);
        assert(bytes_equal(one, other));
    }
    if (in.len) {
        in_pieces(&header, in, 1 + data[0] / 8, result, one);
        in_pieces(&header, in, in.len, result, one);
    }
    content_decoder_free(fresh);
    return 0;
}

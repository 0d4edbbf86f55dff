/*
 * content_coding_fuzz.c - any bytes in any coding: decoded, or refused, within the limit; the same
 * again by a decoder that has been used.
 *
 * The first byte chooses the codings.
 */
#include <assert.h>

#include "core/buf.h"
#include "traces/content_coding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BODY_BYTES = 64 * 1024 };

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
    content_decoder_free(fresh);
    return 0;
}

/* content_coding.c - zlib, brotli and zstd behind one function from bytes to bytes. */
#include "traces/content_coding.h"

#include <brotli/decode.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "core/buf.h"

enum { STEP_BYTES = 64 * 1024, KEPT_BYTES = 1024 * 1024 };

struct content_decoder {
    struct buf out[2]; /* a coding reads from one and writes to the other */
    int last_out;
    z_stream zlib;
    bool has_zlib;
    ZSTD_DCtx *zstd;
};

struct coding {
    const char *name;
    enum content_result (*decode)(struct content_decoder *decoder, struct bytes in,
                                  struct buf *out);
};

const char *content_result_detail(enum content_result result)
{
    switch (result) {
    case CONTENT_TOO_LARGE:
        return "the decoded body is over the limit";
    case CONTENT_BAD_WINDOW:
        return "the body's zstd window is over the 8 MiB that RFC 9659 allows";
    case CONTENT_BAD:
        return "the body is not in the coding that it says";
    default:
        return "no memory to decode the body";
    }
}

struct content_decoder *content_decoder_new(size_t max_body_bytes)
{
    struct content_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        return NULL;
    buf_init(&decoder->out[0], max_body_bytes);
    buf_init(&decoder->out[1], max_body_bytes);
    return decoder;
}

void content_decoder_free(struct content_decoder *decoder)
{
    if (!decoder)
        return;
    if (decoder->has_zlib)
        inflateEnd(&decoder->zlib);
    ZSTD_freeDCtx(decoder->zstd);
    buf_fini(&decoder->out[0]);
    buf_fini(&decoder->out[1]);
    free(decoder);
}

void content_decoder_limit(struct content_decoder *decoder, size_t max_body_bytes)
{
    decoder->out[0].max_len = decoder->out[1].max_len = max_body_bytes;
}

void content_decoder_release(struct content_decoder *decoder)
{
    for (int i = 0; i < 2; i++) {
        if (decoder->out[i].capacity > KEPT_BYTES)
            buf_release(&decoder->out[i]);
    }
}

/* Room for the next step, at most up to the maximum and one byte more would be too many. */
static enum content_result reserve(struct buf *out, char **ret_room, size_t *ret_len)
{
    size_t left = out->max_len - out->len;
    if (left == 0)
        return CONTENT_TOO_LARGE;
    *ret_len = left < STEP_BYTES ? left : STEP_BYTES;
    *ret_room = buf_reserve(out, *ret_len);
    return *ret_room ? CONTENT_DECODED : CONTENT_NO_MEMORY;
}

/* What a decoder does once the limit is reached: one byte more proves that there is more. */
static enum content_result room_for(struct buf *out, char **ret_room, size_t *ret_len, char *spare)
{
    if (out->len == out->max_len) {
        *ret_room = spare;
        *ret_len = 1;
        return CONTENT_DECODED;
    }
    return reserve(out, ret_room, ret_len);
}

/* Account for bytes written to the room. */
static enum content_result keep(struct buf *out, const char *room, const char *spare, size_t len)
{
    if (room == spare)
        return len ? CONTENT_TOO_LARGE : CONTENT_DECODED;
    buf_commit(out, len);
    return CONTENT_DECODED;
}

/* `window_bits` as inflateInit2() has it. One member after another (RFC 1952 2.2). */
static enum content_result inflate_all(struct content_decoder *decoder, struct bytes in,
                                       struct buf *out, int window_bits)
{
    z_stream *zlib = &decoder->zlib;
    int code =
        decoder->has_zlib ? inflateReset2(zlib, window_bits) : inflateInit2(zlib, window_bits);
    if (code != Z_OK)
        return CONTENT_NO_MEMORY;
    decoder->has_zlib = true;
    const char *end = in.ptr + in.len;
    zlib->next_in = (z_const Bytef *)in.ptr;
    for (;;) {
        char *room, spare;
        size_t len;
        enum content_result result = room_for(out, &room, &len, &spare);
        if (result != CONTENT_DECODED)
            return result;
        size_t left = (size_t)(end - (const char *)zlib->next_in);
        zlib->avail_in = left < UINT32_MAX ? (uInt)left : UINT32_MAX;
        zlib->next_out = (Bytef *)room;
        zlib->avail_out = (uInt)len;
        code = inflate(zlib, Z_NO_FLUSH);
        result = keep(out, room, &spare, len - zlib->avail_out);
        if (result != CONTENT_DECODED)
            return result;
        bool is_at_end = (const char *)zlib->next_in == end;
        if (code == Z_STREAM_END && is_at_end)
            return CONTENT_DECODED;
        if (code == Z_STREAM_END && window_bits > MAX_WBITS)
            inflateReset(zlib);
        else if (code != Z_OK) /* Z_BUF_ERROR: the input ends too early */
            return CONTENT_BAD;
    }
}

static enum content_result decode_gzip(struct content_decoder *decoder, struct bytes in,
                                       struct buf *out)
{
    return inflate_all(decoder, in, out, MAX_WBITS + 16);
}

/* With zlib's head as the standard says, or raw, as some servers send it. */
static enum content_result decode_deflate(struct content_decoder *decoder, struct bytes in,
                                          struct buf *out)
{
    enum content_result result = inflate_all(decoder, in, out, MAX_WBITS);
    if (result != CONTENT_BAD)
        return result;
    buf_clear(out);
    return inflate_all(decoder, in, out, -MAX_WBITS);
}

static enum content_result decode_brotli(struct content_decoder *decoder, struct bytes in,
                                         struct buf *out)
{
    (void)decoder;
    enum content_result result = CONTENT_NO_MEMORY;
    BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    BrotliDecoderResult code = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
    const uint8_t *next_in = (const uint8_t *)in.ptr;
    size_t left = in.len;
    while (state && code == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
        char *room, spare;
        size_t len;
        result = room_for(out, &room, &len, &spare);
        if (result != CONTENT_DECODED)
            break;
        uint8_t *next_out = (uint8_t *)room;
        size_t unused = len;
        code = BrotliDecoderDecompressStream(state, &left, &next_in, &unused, &next_out, NULL);
        result = keep(out, room, &spare, len - unused);
        if (result != CONTENT_DECODED)
            break;
        if (code != BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT &&
            (code != BROTLI_DECODER_RESULT_SUCCESS || left))
            result = CONTENT_BAD;
    }
    BrotliDecoderDestroyInstance(state);
    return result;
}

struct ZSTD_DCtx_s *content_zstd_new(void)
{
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    if (zstd)
        ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, CONTENT_ZSTD_WINDOW_LOG);
    return zstd;
}

enum content_result content_zstd_result(size_t code)
{
    switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_no_error:
        return CONTENT_DECODED;
    case ZSTD_error_frameParameter_windowTooLarge:
        return CONTENT_BAD_WINDOW;
    case ZSTD_error_memory_allocation:
        return CONTENT_NO_MEMORY;
    default:
        return CONTENT_BAD;
    }
}

static enum content_result decode_zstd(struct content_decoder *decoder, struct bytes in,
                                       struct buf *out)
{
    if (!decoder->zstd && !(decoder->zstd = content_zstd_new()))
        return CONTENT_NO_MEMORY;
    ZSTD_DCtx_reset(decoder->zstd, ZSTD_reset_session_only);
    ZSTD_inBuffer input = {in.ptr, in.len, 0};
    size_t left = 1; /* 0: a frame is whole */
    for (;;) {
        char *room, spare;
        size_t len;
        enum content_result result = room_for(out, &room, &len, &spare);
        if (result != CONTENT_DECODED)
            return result;
        ZSTD_outBuffer output = {room, len, 0};
        left = ZSTD_decompressStream(decoder->zstd, &output, &input);
        if (ZSTD_isError(left))
            return content_zstd_result(left);
        result = keep(out, room, &spare, output.pos);
        if (result != CONTENT_DECODED)
            return result;
        if (input.pos == input.size && output.pos < output.size)
            return left ? CONTENT_BAD : CONTENT_DECODED;
        if (left == 0 && input.pos == input.size)
            return CONTENT_DECODED;
    }
}

static const struct coding codings[] = {
    {"gzip", decode_gzip}, {"x-gzip", decode_gzip}, {"deflate", decode_deflate},
    {"br", decode_brotli}, {"zstd", decode_zstd},
};

static const struct coding *find_coding(struct bytes name)
{
    for (size_t i = 0; i < sizeof codings / sizeof codings[0]; i++) {
        if (bytes_equal_nocase(name, bytes_of(codings[i].name)))
            return &codings[i];
    }
    return NULL;
}

/* Those of the content, and those of its transfer around them. */
int content_coding_names(const struct http_header *headers, size_t header_count,
                         struct bytes names[CONTENT_MAX_CODINGS])
{
    static const char *const sources[] = {"content-encoding", "transfer-encoding"};
    bool has_chunked = false;
    int count = 0;
    for (size_t i = 0; i < 2 * header_count; i++) {
        bool is_transfer = i >= header_count;
        const struct http_header *header = &headers[i % header_count];
        struct bytes rest = header->value, part;
        if (!bytes_equal_nocase(header->name, bytes_of(sources[is_transfer])))
            continue;
        while (bytes_split(&rest, ',', &part)) {
            part = bytes_trim(part);
            if (part.len == 0 || bytes_equal_nocase(part, bytes_of("identity")) ||
                bytes_equal_nocase(part, bytes_of("none")))
                continue;
            bool is_chunked = is_transfer && bytes_equal_nocase(part, bytes_of("chunked"));
            if (has_chunked || (!is_chunked && count == CONTENT_MAX_CODINGS))
                return -1;
            has_chunked = is_chunked;
            if (!is_chunked)
                names[count++] = part;
        }
    }
    return count;
}

enum content_result content_decode(struct content_decoder *decoder,
                                   const struct http_header *headers, size_t header_count,
                                   struct bytes body, struct bytes *ret_body,
                                   const char **ret_detail)
{
    struct bytes names[CONTENT_MAX_CODINGS];
    const struct coding *list[CONTENT_MAX_CODINGS];
    int count = content_coding_names(headers, header_count, names);
    bool are_known = count >= 0;
    for (int i = 0; i < count; i++) {
        list[i] = find_coding(names[i]);
        are_known = are_known && list[i];
    }
    if (!are_known) {
        *ret_detail = CONTENT_UNKNOWN_DETAIL;
        return CONTENT_BAD;
    }
    for (int i = count - 1; i >= 0 && body.len; i--) {
        struct buf *out = &decoder->out[i & 1];
        buf_clear(out);
        enum content_result result = list[i]->decode(decoder, body, out);
        if (result != CONTENT_DECODED) {
            *ret_detail = content_result_detail(result);
            return result;
        }
        body = buf_bytes(out);
    }
    *ret_body = body;
    return CONTENT_DECODED;
}

/* content_stream.c - zlib, brotli and zstd one behind the other, each with the state it is in. */
#include "traces/content_stream.h"

#include <assert.h>
#include <brotli/decode.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

/* Idle codings hold a window each: 40 KB of zlib, some 100 KB of zstd. */
enum { OUT_BYTES = 16 * 1024, ZLIB_HEAD_BYTES = 2, MAX_IDLE = 16, MAX_IDLE_ZSTD_BYTES = 1 << 20 };

enum coding_kind { CODING_GZIP, CODING_DEFLATE, CODING_BROTLI, CODING_ZSTD };

struct coding {
    struct coding *next; /* idle */
    z_stream zlib;
    ZSTD_DCtx *zstd;
    bool has_zlib; /* these three are used again */
    enum coding_kind kind;
    BrotliDecoderState *brotli;
    bool is_reset; /* zlib or zstd is ready for this body */
    bool is_raw;   /* deflate without zlib's head, as some servers send it */
    bool is_whole; /* what came is, so far */
    bool has_begun;
    unsigned char head[ZLIB_HEAD_BYTES]; /* of deflate: they tell whether it is raw */
    size_t head_len;
};

struct content_streams {
    struct coding *idle;
    int idle_count;
    bool is_feeding;
    uint64_t given_bytes;
    char out[CONTENT_MAX_CODINGS][OUT_BYTES + 1]; /* of the stream in hand */
};

struct content_stream {
    struct content_streams *streams;
    int count;
    struct coding *codings[CONTENT_MAX_CODINGS]; /* the one applied last comes first */
    content_sink_fn sink;
    void *owner;
    bool is_enough;
    uint64_t free_bytes;
    uint64_t fed_bytes;
    uint64_t out_bytes;  /* all that its codings have given */
    uint64_t most_bytes; /* that they may have, of what was fed */
};

static enum content_result feed(struct content_stream *stream, int at, struct bytes in);

/* What a coding has put into `out` goes to the next one, or to whoever asked. */
static enum content_result hand_on(struct content_stream *stream, int at, size_t len)
{
    char *out = stream->streams->out[at];
    if (len == 0)
        return CONTENT_DECODED;
    stream->out_bytes += len;
    stream->streams->given_bytes += len;
    if (stream->out_bytes > stream->most_bytes)
        return CONTENT_TOO_LARGE;
    if (at + 1 < stream->count)
        return feed(stream, at + 1, bytes_make(out, len));
    out[len] = '\0';
    stream->is_enough = !stream->sink(stream->owner, bytes_make(out, len));
    return CONTENT_DECODED;
}

static int begin_zlib(struct coding *coding)
{
    int window_bits = coding->kind == CODING_GZIP ? MAX_WBITS + 16
                      : coding->is_raw            ? -MAX_WBITS
                                                  : MAX_WBITS;
    int code = coding->has_zlib ? inflateReset2(&coding->zlib, window_bits)
                                : inflateInit2(&coding->zlib, window_bits);
    coding->has_zlib |= code == Z_OK;
    coding->is_reset = code == Z_OK;
    return coding->is_reset ? 0 : -1;
}

/* One member after another (RFC 1952 2.2). */
static enum content_result inflate_some(struct content_stream *stream, int at, struct bytes in)
{
    struct coding *coding = stream->codings[at];
    z_stream *zlib = &coding->zlib;
    char *out = stream->streams->out[at];
    if (!coding->is_reset && begin_zlib(coding))
        return CONTENT_NO_MEMORY;
    zlib->next_in = (z_const Bytef *)in.ptr;
    zlib->avail_in = (uInt)in.len;
    for (;;) {
        if (coding->is_whole && zlib->avail_in) {
            if (coding->kind != CODING_GZIP || inflateReset(zlib) != Z_OK)
                return CONTENT_BAD;
            coding->is_whole = false;
        }
        zlib->next_out = (Bytef *)out;
        zlib->avail_out = OUT_BYTES;
        int code = inflate(zlib, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return code == Z_MEM_ERROR ? CONTENT_NO_MEMORY : CONTENT_BAD;
        coding->is_whole = code == Z_STREAM_END;
        bool has_more = zlib->avail_in || zlib->avail_out == 0;
        enum content_result result = hand_on(stream, at, OUT_BYTES - zlib->avail_out);
        if (result != CONTENT_DECODED || stream->is_enough || !has_more)
            return result;
        if (coding->is_whole && !zlib->avail_in)
            return CONTENT_DECODED;
    }
}

/* RFC 1950 2.2: the first two bytes are a multiple of 31, and the method is 8. */
static bool has_zlib_head(const unsigned char *head)
{
    return (head[0] & 0x0f) == 8 && (head[0] << 8 | head[1]) % 31 == 0;
}

static enum content_result deflate_some(struct content_stream *stream, int at, struct bytes in)
{
    struct coding *coding = stream->codings[at];
    if (coding->is_reset)
        return inflate_some(stream, at, in);
    while (coding->head_len < ZLIB_HEAD_BYTES && in.len) {
        coding->head[coding->head_len++] = (unsigned char)in.ptr[0];
        in = bytes_from(in, 1);
    }
    if (coding->head_len < ZLIB_HEAD_BYTES)
        return CONTENT_DECODED;
    coding->is_raw = !has_zlib_head(coding->head);
    enum content_result result =
        inflate_some(stream, at, bytes_make(coding->head, ZLIB_HEAD_BYTES));
    bool goes_on = result == CONTENT_DECODED && in.len && !stream->is_enough;
    return goes_on ? inflate_some(stream, at, in) : result;
}

static enum content_result brotli_some(struct content_stream *stream, int at, struct bytes in)
{
    struct coding *coding = stream->codings[at];
    const uint8_t *next_in = (const uint8_t *)in.ptr;
    size_t left = in.len;
    if (!coding->brotli && !(coding->brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL)))
        return CONTENT_NO_MEMORY;
    for (;;) {
        uint8_t *next_out = (uint8_t *)stream->streams->out[at];
        size_t room = OUT_BYTES;
        if (coding->is_whole)
            return left ? CONTENT_BAD : CONTENT_DECODED;
        BrotliDecoderResult code =
            BrotliDecoderDecompressStream(coding->brotli, &left, &next_in, &room, &next_out, NULL);
        if (code == BROTLI_DECODER_RESULT_ERROR)
            return CONTENT_BAD;
        coding->is_whole = code == BROTLI_DECODER_RESULT_SUCCESS;
        enum content_result result = hand_on(stream, at, OUT_BYTES - room);
        if (result != CONTENT_DECODED || stream->is_enough ||
            code == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT)
            return result;
    }
}

static enum content_result zstd_some(struct content_stream *stream, int at, struct bytes in)
{
    struct coding *coding = stream->codings[at];
    ZSTD_inBuffer input = {in.ptr, in.len, 0};
    if (!coding->zstd && !(coding->zstd = content_zstd_new()))
        return CONTENT_NO_MEMORY;
    if (!coding->is_reset)
        ZSTD_DCtx_reset(coding->zstd, ZSTD_reset_session_only);
    coding->is_reset = true;
    for (;;) {
        ZSTD_outBuffer output = {stream->streams->out[at], OUT_BYTES, 0};
        size_t left = ZSTD_decompressStream(coding->zstd, &output, &input);
        if (ZSTD_isError(left))
            return content_zstd_result(left);
        coding->is_whole = left == 0;
        enum content_result result = hand_on(stream, at, output.pos);
        if (result != CONTENT_DECODED || stream->is_enough ||
            (input.pos == input.size && (left == 0 || output.pos < OUT_BYTES)))
            return result;
    }
}

static enum content_result feed(struct content_stream *stream, int at, struct bytes in)
{
    struct coding *coding = stream->codings[at];
    if (in.len == 0)
        return CONTENT_DECODED;
    coding->has_begun = true;
    switch (coding->kind) {
    case CODING_GZIP:
        return inflate_some(stream, at, in);
    case CODING_DEFLATE:
        return deflate_some(stream, at, in);
    case CODING_BROTLI:
        return brotli_some(stream, at, in);
    case CODING_ZSTD:
        return zstd_some(stream, at, in);
    }
    return CONTENT_BAD;
}

enum content_result content_stream_feed(struct content_stream *stream, struct bytes in,
                                        content_sink_fn sink, void *owner, const char **ret_detail)
{
    assert(!stream->streams->is_feeding);
    stream->streams->is_feeding = true;
    stream->sink = sink;
    stream->owner = owner;
    stream->fed_bytes += in.len;
    stream->most_bytes = content_most_bytes(stream->fed_bytes);
    if (stream->most_bytes < stream->free_bytes)
        stream->most_bytes = stream->free_bytes;
    enum content_result result = feed(stream, 0, in);
    stream->streams->is_feeding = false;
    if (result != CONTENT_DECODED)
        *ret_detail =
            result == CONTENT_TOO_LARGE ? CONTENT_RATIO_DETAIL : content_result_detail(result);
    return result;
}

void content_stream_allow(struct content_stream *stream, uint64_t free_bytes)
{
    stream->free_bytes = free_bytes;
}

bool content_stream_is_whole(const struct content_stream *stream)
{
    for (int i = 0; i < stream->count; i++) {
        if (stream->codings[i]->has_begun && !stream->codings[i]->is_whole)
            return false;
    }
    return true;
}

/* ---- from one body to the next ---- */

static void coding_free(struct coding *coding)
{
    if (coding->has_zlib)
        inflateEnd(&coding->zlib);
    ZSTD_freeDCtx(coding->zstd);
    free(coding);
}

static struct coding *take_coding(struct content_streams *streams)
{
    struct coding *coding = streams->idle;
    if (!coding)
        return calloc(1, sizeof *coding);
    streams->idle = coding->next;
    streams->idle_count--;
    coding->is_reset = coding->is_raw = coding->is_whole = coding->has_begun = false;
    coding->head_len = 0;
    return coding;
}

static void give_coding(struct content_streams *streams, struct coding *coding)
{
    if (coding->brotli)
        BrotliDecoderDestroyInstance(coding->brotli);
    coding->brotli = NULL;
    if (streams->idle_count == MAX_IDLE || ZSTD_sizeof_DCtx(coding->zstd) > MAX_IDLE_ZSTD_BYTES) {
        coding_free(coding);
        return;
    }
    coding->next = streams->idle;
    streams->idle = coding;
    streams->idle_count++;
}

struct content_streams *content_streams_new(void)
{
    return calloc(1, sizeof(struct content_streams));
}

void content_streams_free(struct content_streams *streams)
{
    while (streams && streams->idle) {
        struct coding *coding = streams->idle;
        streams->idle = coding->next;
        coding_free(coding);
    }
    free(streams);
}

uint64_t content_streams_given(const struct content_streams *streams)
{
    return streams->given_bytes;
}

static enum content_result add_coding(struct content_stream *stream, struct bytes name)
{
    static const struct {
        const char *name;
        enum coding_kind kind;
    } kinds[] = {{"gzip", CODING_GZIP},
                 {"x-gzip", CODING_GZIP},
                 {"deflate", CODING_DEFLATE},
                 {"br", CODING_BROTLI},
                 {"zstd", CODING_ZSTD}};
    size_t at = 0, count = sizeof kinds / sizeof kinds[0];
    while (at < count && !bytes_equal_nocase(name, bytes_of(kinds[at].name)))
        at++;
    if (at == count || stream->count == CONTENT_MAX_CODINGS)
        return CONTENT_BAD;
    struct coding *coding = take_coding(stream->streams);
    if (!coding)
        return CONTENT_NO_MEMORY;
    coding->kind = kinds[at].kind;
    for (int i = stream->count++; i > 0; i--)
        stream->codings[i] = stream->codings[i - 1];
    stream->codings[0] = coding;
    return CONTENT_DECODED;
}

enum content_result content_stream_new(struct content_streams *streams,
                                       const struct http_header *headers, size_t header_count,
                                       struct content_stream **ret_stream, const char **ret_detail)
{
    struct content_stream *stream = calloc(1, sizeof *stream);
    enum content_result result = stream ? CONTENT_DECODED : CONTENT_NO_MEMORY;
    if (stream)
        stream->streams = streams;
    *ret_stream = NULL;
    struct bytes names[CONTENT_MAX_CODINGS];
    int count = content_coding_names(headers, header_count, names);
    if (stream && count < 0)
        result = CONTENT_BAD;
    for (int i = 0; i < count && result == CONTENT_DECODED; i++)
        result = add_coding(stream, names[i]);
    if (result == CONTENT_DECODED && stream->count) {
        *ret_stream = stream;
        return result;
    }
    content_stream_free(stream);
    if (result == CONTENT_BAD)
        *ret_detail = CONTENT_UNKNOWN_DETAIL;
    else if (result != CONTENT_DECODED)
        *ret_detail = content_result_detail(result);
    return result;
}

void content_stream_free(struct content_stream *stream)
{
    if (!stream)
        return;
    for (int i = 0; i < stream->count; i++)
        give_coding(stream->streams, stream->codings[i]);
    free(stream);
}

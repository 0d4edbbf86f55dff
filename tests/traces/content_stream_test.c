/* content_stream_test.c - bodies that stand for far more than came of them: where they end, and
 * which ones do not. What is decoded is held against the encoders in the transports' tests. */
#include "traces/content_stream.h"

#include <brotli/encode.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "core/buf.h"

enum { MIB = 1 << 20, READ_BYTES = 16 * 1024, LARGE_BYTES = 40 * MIB };

static char *zeros; /* LARGE_BYTES of them */
static struct content_streams *streams;

static int set_up(void **state)
{
    (void)state;
    zeros = calloc(1, LARGE_BYTES);
    streams = content_streams_new();
    return zeros && streams ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    free(zeros);
    content_streams_free(streams);
    return 0;
}

static void gzip_to(struct buf *out, struct bytes in)
{
    z_stream zlib = {0};
    assert_int_equal(deflateInit2(&zlib, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
    size_t most = deflateBound(&zlib, in.len) + 32;
    zlib.next_in = (Bytef *)(uintptr_t)in.ptr;
    zlib.avail_in = (uInt)in.len;
    zlib.next_out = (Bytef *)buf_reserve(out, most);
    zlib.avail_out = (uInt)most;
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    buf_commit(out, most - zlib.avail_out);
    deflateEnd(&zlib);
}

static void brotli_to(struct buf *out, struct bytes in)
{
    size_t len = BrotliEncoderMaxCompressedSize(in.len) + 64;
    char *room = buf_reserve(out, len);
    assert_int_equal(BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, in.len,
                                           (const uint8_t *)in.ptr, &len, (uint8_t *)room),
                     BROTLI_TRUE);
    buf_commit(out, len);
}

/* A frame that does not say how long it is, so that its decoder needs the whole window. */
static void zstd_to(struct buf *out, struct bytes in, int window_log)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t most = ZSTD_compressBound(in.len);
    ZSTD_inBuffer input = {in.ptr, in.len, 0};
    ZSTD_outBuffer room = {buf_reserve(out, most), most, 0};
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    assert_int_equal(ZSTD_compressStream2(context, &room, &input, ZSTD_e_end), 0);
    buf_commit(out, room.pos);
    ZSTD_freeCCtx(context);
}

static bool count(void *owner, struct bytes data)
{
    *(uint64_t *)owner += data.len;
    return true;
}

struct fed {
    enum content_result result;
    const char *detail;
    uint64_t seen_bytes;  /* by the sink */
    uint64_t given_bytes; /* by all codings */
    uint64_t most_bytes;  /* of one feed */
};

/* As it is read, until something is wrong. `free_bytes` 0: as they are. */
static struct fed feed_all(const char *coding, struct bytes in, uint64_t free_bytes)
{
    const struct http_header header = {bytes_of("Content-Encoding"), bytes_of(coding)};
    struct fed fed = {.result = CONTENT_DECODED};
    struct content_stream *stream;
    uint64_t from_bytes = content_streams_given(streams);
    assert_int_equal(content_stream_new(streams, &header, 1, &stream, &fed.detail),
                     CONTENT_DECODED);
    if (free_bytes)
        content_stream_allow(stream, free_bytes);
    while (in.len && fed.result == CONTENT_DECODED) {
        size_t len = in.len < READ_BYTES ? in.len : READ_BYTES;
        uint64_t before_bytes = content_streams_given(streams);
        fed.result = content_stream_feed(stream, bytes_make(in.ptr, len), count, &fed.seen_bytes,
                                         &fed.detail);
        uint64_t bytes = content_streams_given(streams) - before_bytes;
        if (bytes > fed.most_bytes)
            fed.most_bytes = bytes;
        in = bytes_from(in, len);
    }
    if (fed.result == CONTENT_DECODED)
        assert_true(content_stream_is_whole(stream));
    fed.given_bytes = content_streams_given(streams) - from_bytes;
    content_stream_free(stream);
    return fed;
}

static void a_body_that_stands_for_far_more_than_came_ends(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct buf coded = BUF_INIT(2 * LARGE_BYTES);
        if (i)
            brotli_to(&coded, bytes_make(zeros, LARGE_BYTES));
        else
            zstd_to(&coded, bytes_make(zeros, LARGE_BYTES), 20);
        assert_true(coded.len < READ_BYTES);
        struct fed fed = feed_all(i ? "br" : "zstd", buf_bytes(&coded), 0);
        assert_int_equal(fed.result, CONTENT_TOO_LARGE);
        assert_string_equal(fed.detail, CONTENT_RATIO_DETAIL);
        assert_in_range(fed.seen_bytes, MIB, CONTENT_FREE_BYTES);
        assert_in_range(fed.most_bytes, MIB, CONTENT_FREE_BYTES + READ_BYTES);
        buf_fini(&coded);
    }
}

/* What fits into the free bytes may be of any ratio; and one that is kept has another limit. */
static void a_body_ends_nowhere_within_its_free_bytes(void **state)
{
    (void)state;
    for (int is_kept = 0; is_kept < 2; is_kept++) {
        uint64_t bytes = is_kept ? LARGE_BYTES : CONTENT_FREE_BYTES;
        struct buf coded = BUF_INIT(2 * LARGE_BYTES);
        brotli_to(&coded, bytes_make(zeros, bytes));
        struct fed fed = feed_all("br", buf_bytes(&coded), is_kept ? LARGE_BYTES : 0);
        assert_int_equal(fed.result, CONTENT_DECODED);
        assert_int_equal(fed.seen_bytes, bytes);
        buf_fini(&coded);
    }
}

/* Nothing has a higher ratio in it than zeros. */
static void no_body_in_gzip_alone_ends(void **state)
{
    (void)state;
    struct buf coded = BUF_INIT(2 * LARGE_BYTES);
    gzip_to(&coded, bytes_make(zeros, LARGE_BYTES));
    assert_true(coded.len < LARGE_BYTES / 1020);
    struct fed fed = feed_all("gzip", buf_bytes(&coded), 0);
    assert_int_equal(fed.result, CONTENT_DECODED);
    assert_int_equal(fed.seen_bytes, LARGE_BYTES);
    assert_in_range(fed.most_bytes, MIB, CONTENT_FREE_BYTES + MIB);
    buf_fini(&coded);
}

/* A million empty members of gzip, themselves coded: nobody would see a byte of all that work. */
static void what_is_between_two_codings_counts(void **state)
{
    (void)state;
    struct buf member = BUF_INIT(MIB), members = BUF_INIT(LARGE_BYTES);
    struct buf coded = BUF_INIT(2 * LARGE_BYTES);
    gzip_to(&member, (struct bytes){0});
    while (members.len + member.len <= LARGE_BYTES)
        buf_append_bytes(&members, buf_bytes(&member));
    brotli_to(&coded, buf_bytes(&members));
    struct fed fed = feed_all("gzip, br", buf_bytes(&coded), 0);
    assert_int_equal(fed.result, CONTENT_TOO_LARGE);
    assert_int_equal(fed.seen_bytes, 0);
    assert_in_range(fed.given_bytes, MIB, CONTENT_FREE_BYTES + READ_BYTES);
    buf_fini(&member);
    buf_fini(&members);
    buf_fini(&coded);
}

/* RFC 9659: 8 MiB; piece by piece and whole. */
static void a_zstd_window_has_a_limit(void **state)
{
    (void)state;
    const struct http_header header = {bytes_of("Content-Encoding"), bytes_of("zstd")};
    struct content_decoder *decoder = content_decoder_new(LARGE_BYTES);
    assert_non_null(decoder);
    for (int window_log = 22; window_log <= 27; window_log++) {
        bool is_over = window_log > 23;
        const char *detail = NULL;
        struct buf coded = BUF_INIT(2 * LARGE_BYTES);
        struct bytes whole = {0};
        zstd_to(&coded, bytes_make(zeros, 9 * MIB), window_log);
        struct fed fed = feed_all("zstd", buf_bytes(&coded), 0);
        assert_int_equal(fed.result, is_over ? CONTENT_BAD_WINDOW : CONTENT_DECODED);
        assert_int_equal(fed.seen_bytes, is_over ? 0 : 9 * MIB);
        assert_int_equal(content_decode(decoder, &header, 1, buf_bytes(&coded), &whole, &detail),
                         fed.result);
        if (is_over)
            assert_string_equal(detail, fed.detail);
        else
            assert_int_equal(whole.len, 9 * MIB);
        buf_fini(&coded);
    }
    content_decoder_free(decoder);
}

static void a_decoder_takes_another_limit(void **state)
{
    (void)state;
    const struct http_header header = {bytes_of("Content-Encoding"), bytes_of("gzip")};
    static const size_t limits[] = {MIB, 1000, 1001, MIB};
    struct content_decoder *decoder = content_decoder_new(MIB);
    struct buf coded = BUF_INIT(MIB);
    assert_non_null(decoder);
    gzip_to(&coded, bytes_make(zeros, 1001));
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const char *detail = NULL;
        struct bytes whole = {0};
        content_decoder_limit(decoder, limits[i]);
        assert_int_equal(content_decode(decoder, &header, 1, buf_bytes(&coded), &whole, &detail),
                         limits[i] < 1001 ? CONTENT_TOO_LARGE : CONTENT_DECODED);
    }
    content_decoder_free(decoder);
    buf_fini(&coded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_that_stands_for_far_more_than_came_ends),
        cmocka_unit_test(a_body_ends_nowhere_within_its_free_bytes),
        cmocka_unit_test(no_body_in_gzip_alone_ends),
        cmocka_unit_test(what_is_between_two_codings_counts),
        cmocka_unit_test(a_zstd_window_has_a_limit),
        cmocka_unit_test(a_decoder_takes_another_limit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

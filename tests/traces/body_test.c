/* body_test.c - a content comes back bit for bit, packed or not, and damage is noticed. */
#include "traces/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/random.h"

enum { LARGEST = 300000 };

static char content[LARGEST];
static struct body_packer *packer;

static int make_packer(void **state)
{
    (void)state;
    packer = body_packer_new();
    return packer ? 0 : -1;
}

static int free_packer(void **state)
{
    (void)state;
    body_packer_free(packer);
    return 0;
}

static void fill_random(size_t len)
{
    struct random random;
    random_init(&random, 1, len);
    for (size_t i = 0; i < len; i++)
        content[i] = (char)random_u64(&random);
}

static void fill_words(size_t len)
{
    for (size_t i = 0; i < len; i++)
        content[i] = "{\"id\":4711,\"state\":\"queued\"}"[(i + i / 97) % 28];
}

static enum body_encoding check_round_trip(size_t len)
{
    struct bytes stored;
    struct buf out = BUF_INIT(LARGEST + 3);
    struct error err = {0};
    enum body_encoding encoding = body_pack(packer, bytes_make(content, len), &stored);
    char *copy = malloc(stored.len + 1); /* of its own size: a read behind it is seen */
    memcpy(copy, stored.ptr, stored.len);
    buf_append_text(&out, "pre");
    if (body_unpack(packer, encoding, bytes_make(copy, stored.len), len, &out, &err))
        fail_msg("%zu bytes: %s", len, err.text);
    assert_int_equal(out.len, len + 3);
    assert_memory_equal(out.data + 3, content, len);
    free(copy);
    buf_fini(&out);
    return encoding;
}

static void every_size_comes_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 255, 256, 257, 4095, 4096, 4097, 16384, 16385, LARGEST};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        fill_random(sizes[i]);
        assert_int_equal(check_round_trip(sizes[i]), BODY_RAW);
        fill_words(sizes[i]);
        assert_int_equal(check_round_trip(sizes[i]),
                         sizes[i] < BODY_MIN_PACK_BYTES ? BODY_RAW : BODY_ZSTD);
    }
}

static void a_saving_of_less_than_a_tenth_is_not_taken(void **state)
{
    (void)state;
    struct bytes stored;
    fill_random(10000);
    memset(content, 0, 800);
    assert_int_equal(body_pack(packer, bytes_make(content, 10000), &stored), BODY_RAW);
    memset(content, 0, 1300);
    assert_int_equal(body_pack(packer, bytes_make(content, 10000), &stored), BODY_ZSTD);
    assert_true(stored.len <= 9000);
}

static void a_length_that_is_not_the_contents_is_refused(void **state)
{
    (void)state;
    struct bytes stored;
    struct buf out = BUF_INIT(LARGEST);
    fill_words(5000);
    enum body_encoding encoding = body_pack(packer, bytes_make(content, 5000), &stored);
    static const uint64_t lengths[] = {0, 4999, 5001, UINT64_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct error err = {0};
        assert_int_equal(body_unpack(packer, encoding, stored, lengths[i], &out, &err), -1);
        assert_int_equal(err.exit_code, EXIT_INPUT);
        assert_int_equal(out.len, 0);
        assert_int_equal(
            body_unpack(packer, BODY_RAW, bytes_make(content, 5000), lengths[i], &out, &err), -1);
    }
    buf_fini(&out);
}

static void a_content_over_the_callers_maximum_is_refused(void **state)
{
    (void)state;
    struct bytes stored;
    struct buf out = BUF_INIT(4999);
    struct error err = {0};
    fill_words(5000);
    enum body_encoding encoding = body_pack(packer, bytes_make(content, 5000), &stored);
    assert_int_equal(body_unpack(packer, encoding, stored, 5000, &out, &err), -1);
    assert_non_null(strstr(err.text, "5000 bytes are over the limit of 4999"));
    buf_fini(&out);
}

/* Whatever the bytes are, the outcome is the content's length of bytes, or a refusal. */
static void packed_bytes_that_were_changed_never_do_harm(void **state)
{
    (void)state;
    struct bytes stored;
    fill_words(3000);
    assert_int_equal(body_pack(packer, bytes_make(content, 3000), &stored), BODY_ZSTD);
    size_t len = stored.len;
    char *copy = malloc(len);
    for (size_t at = 0; at < len; at++) {
        for (int bit = 0; bit < 8; bit++) {
            struct buf out = BUF_INIT(3000);
            struct error err = {0};
            body_pack(packer, bytes_make(content, 3000), &stored);
            memcpy(copy, stored.ptr, len);
            copy[at] = (char)(copy[at] ^ 1 << bit);
            int result = body_unpack(packer, BODY_ZSTD, bytes_make(copy, len), 3000, &out, &err);
            assert_int_equal(out.len, result == 0 ? 3000 : 0);
            buf_fini(&out);
        }
    }
    for (size_t cut = 0; cut < len; cut++) {
        struct buf out = BUF_INIT(3000);
        struct error err = {0};
        char *prefix = malloc(cut + 1);
        memcpy(prefix, copy, cut);
        assert_int_equal(body_unpack(packer, BODY_ZSTD, bytes_make(prefix, cut), 3000, &out, &err),
                         -1);
        free(prefix);
        buf_fini(&out);
    }
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_comes_back),
        cmocka_unit_test(a_saving_of_less_than_a_tenth_is_not_taken),
        cmocka_unit_test(a_length_that_is_not_the_contents_is_refused),
        cmocka_unit_test(a_content_over_the_callers_maximum_is_refused),
        cmocka_unit_test(packed_bytes_that_were_changed_never_do_harm),
    };
    return cmocka_run_group_tests(tests, make_packer, free_packer);
}

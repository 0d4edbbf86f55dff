/* histogram_test.c - bucket edges, percentiles against an exact sort, merging in any order. */
#include "core/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/random.h"

static void buckets_meet_without_gaps_and_no_wider_than_promised(void **state)
{
    (void)state;
    assert_int_equal(histogram_bucket_low(0), 0);
    for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
        uint64_t low = histogram_bucket_low(i), high = histogram_bucket_high(i);
        assert_true(low <= high);
        assert_true(histogram_bucket_low(i + 1) == high + 1);
        assert_true((high - low) * 128 <= low);
    }
    assert_true(histogram_bucket_high(HISTOGRAM_BUCKETS - 1) == HISTOGRAM_MAX_VALUE);
}

static void bucket_edges_are_those_of_hdrhistogram_with_two_digits(void **state)
{
    (void)state;
    /* Worked out from HdrHistogram's definition: 256 sub-buckets, the upper half of each used. */
    static const struct {
        uint32_t bucket;
        uint64_t low, high;
    } rows[] = {
        {0, 0, 0},
        {255, 255, 255},
        {256, 256, 257},
        {257, 258, 259},
        {383, 510, 511},
        {384, 512, 515},
        {511, 1020, 1023},
        {512, 1024, 1031},
        {640, 2048, 2063},
        {768, 4096, 4127},
        {1023, 16320, 16383},
        {1024, 16384, 16511},
        {1792, UINT64_C(1) << 20, (UINT64_C(1) << 20) + 8191},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(histogram_bucket_low(rows[i].bucket) == rows[i].low);
        assert_true(histogram_bucket_high(rows[i].bucket) == rows[i].high);
    }
}

static void every_edge_is_counted_in_its_own_bucket(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i += i < 1000 ? 1 : 97) {
        struct histogram histogram;
        histogram_init(&histogram);
        histogram_record(&histogram, histogram_bucket_low(i));
        histogram_record(&histogram, histogram_bucket_high(i));
        assert_int_equal(histogram_bucket_count(&histogram, i), 2);
        histogram_fini(&histogram);
    }
}

static void an_empty_one_answers_zero(void **state)
{
    (void)state;
    struct histogram histogram;
    histogram_init(&histogram);
    assert_int_equal(histogram_percentile(&histogram, 99), 0);
    assert_int_equal(histogram_min(&histogram), 0);
    assert_true(histogram_mean(&histogram) == 0);
    histogram_clear(&histogram);
    histogram_fini(&histogram);
}

static void values_over_the_maximum_count_there(void **state)
{
    (void)state;
    struct histogram histogram;
    histogram_init(&histogram);
    histogram_record(&histogram, UINT64_MAX);
    assert_true(histogram.max == HISTOGRAM_MAX_VALUE && histogram.sum == HISTOGRAM_MAX_VALUE);
    assert_true(histogram_percentile(&histogram, 50) == HISTOGRAM_MAX_VALUE);
    histogram_fini(&histogram);
}

static size_t blocks_held(const struct histogram *histogram)
{
    size_t held = 0;
    for (uint32_t i = 0; histogram->blocks && i < HISTOGRAM_BLOCKS; i++)
        held += histogram->blocks[i] != NULL;
    return held;
}

static void memory_is_taken_for_the_powers_of_two_that_came_and_kept(void **state)
{
    (void)state;
    struct histogram histogram, other;
    histogram_init(&histogram);
    histogram_init(&other);
    assert_int_equal(blocks_held(&histogram), 0);
    for (uint64_t value = 0; value < 128; value++)
        histogram_record(&histogram, value);
    assert_int_equal(blocks_held(&histogram), 1);
    histogram_record(&histogram, 4096);
    histogram_record(&histogram, 8191);
    assert_int_equal(blocks_held(&histogram), 2);
    histogram_clear(&histogram);
    assert_int_equal(blocks_held(&histogram), 2);
    assert_int_equal(histogram.used_blocks, 0);
    histogram_record(&histogram, 5000);
    histogram_record(&other, 9000);
    assert_int_equal(histogram_merge(&other, &histogram),
                     0); /* what is empty there is not asked for */
    assert_int_equal(blocks_held(&other), 2);
    histogram_fini(&histogram);
    histogram_fini(&other);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Small, large and clustered values alike: a value of up to `bits` bits. */
static uint64_t draw(struct random *random)
{
    uint64_t bits = 1 + random_below(random, HISTOGRAM_MAX_BITS);
    return random_below(random, UINT64_C(1) << bits);
}

static void percentiles_are_never_below_the_true_one_and_at_most_a_128th_above(void **state)
{
    (void)state;
    static const double percents[] = {0, 0.1, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100};
    enum { MOST = 3000 };
    static uint64_t values[MOST];
    struct random random;
    random_init(&random, 1, 0);
    for (size_t count = 1; count <= MOST; count = count * 3 / 2 + 1) {
        struct histogram histogram;
        histogram_init(&histogram);
        for (size_t i = 0; i < count; i++) {
            values[i] = draw(&random);
            histogram_record(&histogram, values[i]);
        }
        qsort(values, count, sizeof values[0], by_value);
        for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
            /* Nearest rank in integers: the least rank r with r * 10000 >= percent * 100 * count.
             */
            uint64_t hundredths = (uint64_t)(percents[i] * 100 + 0.5);
            uint64_t rank = (hundredths * count + 9999) / 10000;
            uint64_t exact = values[rank ? rank - 1 : 0];
            uint64_t answered = histogram_percentile(&histogram, percents[i]);
            assert_true(answered >= exact && answered - exact <= exact / 128);
        }
        assert_true(histogram_percentile(&histogram, 100) == values[count - 1]);
        assert_true(histogram_min(&histogram) == values[0]);
        histogram_fini(&histogram);
    }
}

static void clearing_forgets_the_values_and_nothing_shines_through(void **state)
{
    (void)state;
    struct histogram histogram;
    histogram_init(&histogram);
    histogram_record(&histogram, 5);
    histogram_record(&histogram, 5000000);
    histogram_clear(&histogram);
    histogram_record(&histogram, 70);
    assert_int_equal(histogram.count, 1);
    assert_int_equal(histogram_percentile(&histogram, 0), 70);
    assert_int_equal(histogram_percentile(&histogram, 100), 70);
    assert_true(histogram_mean(&histogram) == 70);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        assert_int_equal(histogram_bucket_count(&histogram, i), i == 70);
    histogram_fini(&histogram);
}

static void assert_same(const struct histogram *a, const struct histogram *b)
{
    struct buf a_bytes = BUF_INIT(1 << 20), b_bytes = BUF_INIT(1 << 20);
    assert_int_equal(histogram_encode(a, &a_bytes), 0);
    assert_int_equal(histogram_encode(b, &b_bytes), 0);
    assert_true(bytes_equal(buf_bytes(&a_bytes), buf_bytes(&b_bytes)));
    assert_true(a->count == b->count);
    buf_fini(&a_bytes);
    buf_fini(&b_bytes);
}

static void parts_merged_or_decoded_in_any_order_are_the_whole(void **state)
{
    (void)state;
    enum { PARTS = 5 };
    struct histogram whole, parts[PARTS], forward, backward, decoded;
    struct histogram *all[] = {&whole, &forward, &backward, &decoded};
    struct random random;
    random_init(&random, 2, 0);
    for (size_t i = 0; i < 4; i++)
        histogram_init(all[i]);
    for (size_t i = 0; i < PARTS; i++)
        histogram_init(&parts[i]);
    for (size_t i = 0; i < 2000; i++) {
        uint64_t value = draw(&random);
        histogram_record(&whole, value);
        /* The last part stays empty. */
        histogram_record(&parts[random_below(&random, PARTS - 1)], value);
    }
    for (size_t i = 0; i < PARTS; i++) {
        struct buf bytes = BUF_INIT(1 << 20);
        assert_int_equal(histogram_merge(&forward, &parts[i]), 0);
        assert_int_equal(histogram_merge(&backward, &parts[PARTS - 1 - i]), 0);
        assert_int_equal(histogram_encode(&parts[i], &bytes), 0);
        assert_int_equal(histogram_decode(&decoded, buf_bytes(&bytes)), 0);
        buf_fini(&bytes);
    }
    for (size_t i = 1; i < 4; i++)
        assert_same(&whole, all[i]);
    for (size_t i = 0; i < 4; i++)
        histogram_fini(all[i]);
    for (size_t i = 0; i < PARTS; i++)
        histogram_fini(&parts[i]);
}

static void the_encoded_form_is_pinned(void **state)
{
    (void)state;
    struct histogram histogram;
    struct buf out = BUF_INIT(100);
    histogram_init(&histogram);
    histogram_record(&histogram, 3);
    histogram_record(&histogram, 3);
    histogram_record(&histogram, 300); /* bucket 256 + (300 - 256) / 2 = 278 */
    assert_int_equal(histogram_encode(&histogram, &out), 0);
    /* sum 306, min 3, max 300; bucket 3: 2; 275 further: 1 */
    static const char expected[] = "\xb2\x02\x03\xac\x02\x03\x02\x93\x02\x01";
    assert_true(bytes_equal(buf_bytes(&out), bytes_of(expected)));
    buf_fini(&out);
    histogram_fini(&histogram);
}

static void a_prefix_of_an_encoding_is_refused_and_adds_nothing(void **state)
{
    (void)state;
    struct histogram histogram, target;
    struct buf out = BUF_INIT(1 << 16);
    struct random random;
    random_init(&random, 3, 0);
    histogram_init(&histogram);
    histogram_init(&target);
    histogram_record(&target, 7);
    for (int i = 0; i < 100; i++)
        histogram_record(&histogram, draw(&random));
    histogram_encode(&histogram, &out);
    for (size_t len = 1; len < out.len; len++) {
        assert_int_equal(histogram_decode(&target, bytes_make(out.data, len)), -1);
        assert_int_equal(target.count, 1);
        assert_int_equal(target.sum, 7);
        assert_int_equal(histogram_percentile(&target, 100), 7);
    }
    assert_int_equal(histogram_decode(&target, buf_bytes(&out)), 0);
    assert_int_equal(target.count, 101);
    buf_fini(&out);
    histogram_fini(&histogram);
    histogram_fini(&target);
}

static void what_no_histogram_encodes_to_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        const char *bytes;
        size_t len;
    } rows[] = {
        {"no bucket", "\x05\x01\x04", 3},
        {"least above greatest", "\x05\x04\x01\x01\x01", 5},
        {"greatest over the maximum", "\x01\x01\x80\x80\x80\x80\x80\x10\x01\x01", 10},
        {"a count of nothing", "\x01\x01\x01\x01\x00", 5},
        {"the same bucket twice", "\x02\x01\x01\x01\x01\x00\x01", 7},
        {"a bucket that is none", "\x01\x01\x01\xff\xff\x7f\x01", 7},
        {"least not in the first bucket", "\x05\x01\x03\x02\x01\x01\x01", 7},
        {"greatest not in the last bucket", "\x03\x01\x02\x01\x01\x02\x01", 7},
        {"a mean above the greatest", "\x7f\x01\x01\x01\x01", 5},
        {"a number of 65 bits", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02\x01\x01\x01\x01", 14},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct histogram histogram;
        histogram_init(&histogram);
        if (histogram_decode(&histogram, bytes_make(rows[i].bytes, rows[i].len)) != -1)
            fail_msg("accepted: %s", rows[i].why);
        assert_int_equal(histogram.count, 0);
        histogram_fini(&histogram);
    }
}

static void an_output_that_is_full_is_an_error(void **state)
{
    (void)state;
    struct histogram histogram;
    struct buf out = BUF_INIT(4);
    histogram_init(&histogram);
    histogram_record(&histogram, 300);
    assert_int_equal(histogram_encode(&histogram, &out), -1);
    buf_fini(&out);
    histogram_fini(&histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_meet_without_gaps_and_no_wider_than_promised),
        cmocka_unit_test(bucket_edges_are_those_of_hdrhistogram_with_two_digits),
        cmocka_unit_test(every_edge_is_counted_in_its_own_bucket),
        cmocka_unit_test(an_empty_one_answers_zero),
        cmocka_unit_test(values_over_the_maximum_count_there),
        cmocka_unit_test(percentiles_are_never_below_the_true_one_and_at_most_a_128th_above),
        cmocka_unit_test(clearing_forgets_the_values_and_nothing_shines_through),
        cmocka_unit_test(memory_is_taken_for_the_powers_of_two_that_came_and_kept),
        cmocka_unit_test(parts_merged_or_decoded_in_any_order_are_the_whole),
        cmocka_unit_test(the_encoded_form_is_pinned),
        cmocka_unit_test(a_prefix_of_an_encoding_is_refused_and_adds_nothing),
        cmocka_unit_test(what_no_histogram_encodes_to_is_refused),
        cmocka_unit_test(an_output_that_is_full_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

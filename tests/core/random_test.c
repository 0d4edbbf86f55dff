/* random_test.c - seeded streams: the same everywhere, apart from each other, evenly spread. */
#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_generator_is_xoshiro256_starstar(void **state)
{
    (void)state;
    /* The first outputs from the state 1, 2, 3, 4, worked out by hand from the paper. */
    struct random random = {{1, 2, 3, 4}};
    assert_true(random_u64(&random) == 11520);
    assert_true(random_u64(&random) == 0);
    assert_true(random_u64(&random) == 1509978240);
    assert_true(random_u64(&random) == 1215971899390074240);
}

static void the_same_seed_and_stream_give_the_same_numbers_for_ever(void **state)
{
    (void)state;
    struct random random, again;
    random_init(&random, 42, 7);
    random_init(&again, 42, 7);
    for (int i = 0; i < 100; i++)
        assert_true(random_u64(&random) == random_u64(&again));
}

static void another_seed_or_stream_gives_others(void **state)
{
    (void)state;
    enum { STREAMS = 200 };
    uint64_t first[2 * STREAMS];
    for (uint64_t i = 0; i < STREAMS; i++) {
        struct random random;
        random_init(&random, 1, i);
        first[2 * i] = random_u64(&random);
        random_init(&random, i + 2, 0);
        first[2 * i + 1] = random_u64(&random);
    }
    for (size_t i = 0; i < 2 * STREAMS; i++) {
        for (size_t j = 0; j < i; j++)
            assert_true(first[i] != first[j]);
    }
}

static void below_stays_below_and_reaches_everything_evenly(void **state)
{
    (void)state;
    enum { LIMIT = 10, DRAWS = 100000 };
    size_t counts[LIMIT] = {0};
    struct random random;
    random_init(&random, 3, 0);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t drawn = random_below(&random, LIMIT);
        assert_true(drawn < LIMIT);
        counts[drawn]++;
    }
    /* Six standard deviations (95 each) around the tenth of all draws. */
    for (int i = 0; i < LIMIT; i++)
        assert_in_range(counts[i], DRAWS / LIMIT - 570, DRAWS / LIMIT + 570);
}

static void below_knows_its_extremes(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 3, 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(random_below(&random, 0), 0);
        assert_int_equal(random_below(&random, 1), 0);
        assert_true(random_below(&random, UINT64_MAX) < UINT64_MAX);
    }
}

static void unit_is_below_one_and_its_mean_is_a_half(void **state)
{
    (void)state;
    enum { DRAWS = 100000 };
    struct random random;
    double sum = 0;
    random_init(&random, 4, 0);
    for (int i = 0; i < DRAWS; i++) {
        double drawn = random_unit(&random);
        assert_true(drawn >= 0 && drawn < 1);
        sum += drawn;
    }
    /* Six standard deviations of the mean: 6 * sqrt(1/12 / DRAWS). */
    assert_true(sum / DRAWS > 0.5 - 0.0055 && sum / DRAWS < 0.5 + 0.0055);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_is_xoshiro256_starstar),
        cmocka_unit_test(the_same_seed_and_stream_give_the_same_numbers_for_ever),
        cmocka_unit_test(another_seed_or_stream_gives_others),
        cmocka_unit_test(below_stays_below_and_reaches_everything_evenly),
        cmocka_unit_test(below_knows_its_extremes),
        cmocka_unit_test(unit_is_below_one_and_its_mean_is_a_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

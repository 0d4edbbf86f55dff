/* grow_test.c - an array has room for one more until it has as many as it may have. */
#include "core/grow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void what_is_in_it_stays_while_it_grows(void **state)
{
    (void)state;
    uint64_t *items = NULL;
    size_t capacity = 0, moves = 0;
    for (size_t count = 0; count < 1000; count++) {
        size_t before = capacity;
        uint64_t *grown = grow_by_one(items, count, &capacity, sizeof *items, SIZE_MAX);
        assert_non_null(grown);
        assert_true(capacity > count);
        moves += capacity != before;
        items = grown;
        items[count] = count;
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    assert_int_equal(moves, 7); /* 16, 32 ... 1024 */
    free(items);
}

static void it_ends_at_its_maximum_whatever_that_is(void **state)
{
    (void)state;
    static const size_t maxima[] = {1, 2, 15, 16, 17, 100};
    for (size_t i = 0; i < sizeof maxima / sizeof maxima[0]; i++) {
        char *items = NULL;
        size_t capacity = 0, count = 0;
        for (char *grown; (grown = grow_by_one(items, count, &capacity, 1, maxima[i])); count++)
            items = grown;
        assert_int_equal(count, maxima[i]);
        assert_int_equal(capacity, maxima[i]);
        free(items);
    }
}

static void nothing_goes_into_none(void **state)
{
    (void)state;
    size_t capacity = 0;
    assert_null(grow_by_one(NULL, 0, &capacity, 8, 0));
    assert_int_equal(capacity, 0);
}

static void more_bytes_than_a_size_can_say_is_no_memory(void **state)
{
    (void)state;
    size_t capacity = 0;
    assert_null(grow_by_one(NULL, 0, &capacity, SIZE_MAX / 2, SIZE_MAX));
    assert_int_equal(capacity, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_it_stays_while_it_grows),
        cmocka_unit_test(it_ends_at_its_maximum_whatever_that_is),
        cmocka_unit_test(nothing_goes_into_none),
        cmocka_unit_test(more_bytes_than_a_size_can_say_is_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* buf_test.c - a buffer grows to its maximum and not beyond; the first failure sticks. */
#include "core/buf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "core/random.h"

static void an_untouched_buffer_reads_as_empty_text(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(10);
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf_bytes(&buf).len, 0);
    assert_non_null(buf_bytes(&buf).ptr);
    buf_consume(&buf, 0);
    buf_clear(&buf);
    assert_false(buf_failed(&buf));
    buf_fini(&buf);
}

static void appends_add_up_and_are_terminated(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(100);
    assert_int_equal(buf_append(&buf, "ab", 2), 0);
    assert_int_equal(buf_append_char(&buf, '-'), 0);
    assert_int_equal(buf_append_text(&buf, "cd"), 0);
    assert_int_equal(buf_append_bytes(&buf, bytes_make("efgh", 2)), 0);
    assert_int_equal(buf_printf(&buf, "%03d", 7), 0);
    assert_string_equal(buf_text(&buf), "ab-cdef007");
    assert_int_equal(buf.len, 10);
    buf_fini(&buf);
}

static void it_fills_to_the_last_byte_of_its_maximum(void **state)
{
    (void)state;
    for (size_t max = 0; max < 200; max++) {
        struct buf buf = BUF_INIT(max);
        for (size_t i = 0; i < max; i++)
            assert_int_equal(buf_append_char(&buf, 'x'), 0);
        assert_int_equal(buf.len, max);
        assert_int_equal(strlen(buf_text(&buf)), max);
        assert_true(buf.capacity <= max + 1);
        assert_int_equal(buf_append_char(&buf, 'y'), -1);
        assert_int_equal(buf.len, max);
        buf_fini(&buf);
    }
}

static void after_one_failure_all_appends_fail_and_the_content_stays(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(4);
    assert_int_equal(buf_append_text(&buf, "abc"), 0);
    assert_int_equal(buf_append_text(&buf, "de"), -1);
    assert_true(buf_failed(&buf));
    assert_int_equal(buf_append_text(&buf, "d"), -1);
    assert_int_equal(buf_printf(&buf, "d"), -1);
    assert_null(buf_reserve(&buf, 1));
    assert_string_equal(buf_text(&buf), "abc");
    buf_clear(&buf);
    assert_int_equal(buf_append_text(&buf, "wxyz"), 0);
    assert_string_equal(buf_text(&buf), "wxyz");
    buf_fini(&buf);
}

static void a_format_that_cannot_be_written_fails_and_sticks(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(100);
    /* No such wide character in the C locale. */
    assert_int_equal(buf_printf(&buf, "%lc", 0x110000), -1);
    assert_true(buf_failed(&buf));
    buf_fini(&buf);
}

static void a_maximum_of_all_memory_does_not_wrap_to_none(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(SIZE_MAX);
    assert_int_equal(buf_append_text(&buf, "abc"), 0);
    assert_true(buf.capacity > 3);
    volatile size_t absurd = SIZE_MAX - 2; /* 3 + this is more than there is */
    assert_int_equal(buf_append(&buf, "", absurd), -1);
    assert_string_equal(buf_text(&buf), "abc");
    buf_fini(&buf);
}

static void reserved_room_counts_once_committed(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(1000);
    buf_append_text(&buf, "a");
    char *room = buf_reserve(&buf, 500);
    assert_non_null(room);
    memset(room, 'b', 500);
    buf_commit(&buf, 2);
    assert_string_equal(buf_text(&buf), "abb");
    buf_fini(&buf);
}

static void consuming_in_any_steps_reads_what_was_written(void **state)
{
    (void)state;
    struct random random;
    struct buf buf = BUF_INIT(4096);
    unsigned char written = 0, read = 0;
    random_init(&random, 1, 0);
    for (int step = 0; step < 5000; step++) {
        size_t in = random_below(&random, 200), out = random_below(&random, 200);
        for (size_t i = 0; i < in && buf.len < buf.max_len; i++)
            assert_int_equal(buf_append_char(&buf, (char)written++), 0);
        if (out > buf.len)
            out = buf.len;
        for (size_t i = 0; i < out; i++)
            assert_int_equal((unsigned char)buf.data[i], read++);
        buf_consume(&buf, out);
        assert_int_equal(buf.data[buf.len], '\0');
    }
    buf_fini(&buf);
}

static void releasing_keeps_the_maximum(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(3);
    assert_int_equal(buf_append_text(&buf, "abcd"), -1);
    buf_release(&buf);
    assert_null(buf.data);
    assert_int_equal(buf_append_text(&buf, "abc"), 0);
    assert_int_equal(buf_append_text(&buf, "d"), -1);
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_untouched_buffer_reads_as_empty_text),
        cmocka_unit_test(appends_add_up_and_are_terminated),
        cmocka_unit_test(it_fills_to_the_last_byte_of_its_maximum),
        cmocka_unit_test(after_one_failure_all_appends_fail_and_the_content_stays),
        cmocka_unit_test(a_format_that_cannot_be_written_fails_and_sticks),
        cmocka_unit_test(a_maximum_of_all_memory_does_not_wrap_to_none),
        cmocka_unit_test(reserved_room_counts_once_committed),
        cmocka_unit_test(consuming_in_any_steps_reads_what_was_written),
        cmocka_unit_test(releasing_keeps_the_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* error_test.c - an error is one line that keeps its cause however long the rest is. */
#include "core/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static void it_carries_an_exit_code_and_a_line(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(error_set(&err, EXIT_INPUT, "%s: no such %s", "eth9", "interface"), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_string_equal(err.text, "eth9: no such interface");
}

static void prefixes_pile_up_in_front_and_keep_the_code(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, EXIT_TOOL, "disk full");
    assert_int_equal(error_prefix(&err, "row %d", 7), -1);
    error_prefix(&err, "a.trace");
    assert_string_equal(err.text, "a.trace: row 7: disk full");
    assert_int_equal(err.exit_code, EXIT_TOOL);
}

static void nobody_needs_to_want_the_error(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, EXIT_TOOL, "x"), -1);
    assert_int_equal(error_prefix(NULL, "x"), -1);
}

static void control_bytes_cannot_make_a_second_line_or_drive_a_terminal(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, EXIT_INPUT, "a\nb\x1b[2Jc\x7f");
    assert_string_equal(err.text, "a b [2Jc ");
    error_prefix(&err, "p\r");
    assert_string_equal(err.text, "p : a b [2Jc ");
}

static void its_own_text_may_be_an_argument(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, EXIT_INPUT, "cause");
    error_set(&err, EXIT_TOOL, "line 3: %s, again %s", err.text, err.text);
    assert_string_equal(err.text, "line 3: cause, again cause");
    error_prefix(&err, "[%s]", err.text);
    assert_string_equal(err.text, "[line 3: cause, again cause]: line 3: cause, again cause");
}

static void a_long_path_gives_way_to_the_cause(void **state)
{
    (void)state;
    char path[2000];
    for (size_t len = 0; len < sizeof path; len++) {
        struct error err = {0};
        memset(path, 'p', len);
        path[len] = '\0';
        error_set(&err, EXIT_INPUT, "the cause, and what to do");
        error_prefix(&err, "%s", path);
        assert_true(ends_with(err.text, ": the cause, and what to do"));
        assert_int_equal(err.text[0], len ? 'p' : ':');
        size_t whole = len + strlen(": the cause, and what to do");
        assert_int_equal(strlen(err.text), whole < sizeof err.text ? whole : sizeof err.text - 1);
        assert_int_equal(strstr(err.text, "...:") != NULL, whole >= sizeof err.text);
    }
}

static void a_long_cause_is_cut_and_says_so(void **state)
{
    (void)state;
    char cause[2000];
    memset(cause, 'c', sizeof cause);
    cause[sizeof cause - 1] = '\0';
    struct error err = {0};
    error_set(&err, EXIT_INPUT, "%s", cause);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_true(ends_with(err.text, "c..."));
    error_prefix(&err, "where");
    assert_true(strncmp(err.text, "where: ccc", 10) == 0);
    assert_true(ends_with(err.text, "c..."));
}

static void a_cut_does_not_fall_inside_a_character(void **state)
{
    (void)state;
    char text[1024];
    for (size_t shift = 0; shift < 4; shift++) {
        struct error err = {0};
        memset(text, 'x', shift);
        text[shift] = '\0';
        while (strlen(text) + 4 < sizeof text)
            strncat(text, "\xe2\x82\xac", 4); /* the euro sign */
        error_set(&err, EXIT_INPUT, "%s", text);
        assert_true(ends_with(err.text, "\xe2\x82\xac..."));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_carries_an_exit_code_and_a_line),
        cmocka_unit_test(prefixes_pile_up_in_front_and_keep_the_code),
        cmocka_unit_test(nobody_needs_to_want_the_error),
        cmocka_unit_test(control_bytes_cannot_make_a_second_line_or_drive_a_terminal),
        cmocka_unit_test(its_own_text_may_be_an_argument),
        cmocka_unit_test(a_long_path_gives_way_to_the_cause),
        cmocka_unit_test(a_long_cause_is_cut_and_says_so),
        cmocka_unit_test(a_cut_does_not_fall_inside_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* text_between_test.c - what stands between two texts, and the values of scripts and lines. */
#include "traces/places/text_between.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/core/guard.h"

static struct guard guard;

static int set_up(void **state)
{
    (void)state;
    guard_init(&guard, 4 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guard_fini(&guard);
    return 0;
}

static void what_is_between_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *text, *left, *right;
        uint32_t number;
        const char *found;
    } rows[] = {
        {"a=1;b=2;a=3;", "a=", ";", 1, "1"},
        {"a=1;b=2;a=3;", "a=", ";", 2, "3"},
        {"a=1;b=2;a=3;", "a=", ";", 3, NULL},
        {"a=1;b=2", "b=", ";", 1, NULL},
        {"a=1\r\nb=2", "b=", "", 1, "2"},
        {"a=1\r\nb=2", "a=", "", 1, "1"},
        {"one line\n", "", "", 1, "one line"},
        {"one line\n", "", "", 2, NULL},
        {"one line\n", "", " ", 1, "one"},
        {"aaa", "a", "a", 1, ""},
        {"aaa", "a", "", 3, ""},
        {"", "", "", 1, ""},
        {"", "a", "", 1, NULL},
        {"a", "a", "b", 1, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes text = guard_place(&guard, bytes_of(rows[i].text));
        struct bytes found =
            text_between(text, bytes_of(rows[i].left), bytes_of(rows[i].right), rows[i].number);
        if (!rows[i].found ? found.ptr != NULL : !bytes_equal(found, bytes_of(rows[i].found)))
            fail_msg("%s: '%.*s'", rows[i].text, BYTES_ARG(found));
        if (found.ptr && rows[i].left[0])
            assert_int_equal(text_number_of(text, bytes_of(rows[i].left), found.ptr, text.len),
                             rows[i].number);
    }
}

static void a_number_is_searched_for_in_a_part_only(void **state)
{
    (void)state;
    struct bytes text = bytes_of("a=1;a=2;");
    assert_int_equal(text_number_of(text, bytes_of("a="), text.ptr + 6, 6), 2);
    assert_int_equal(text_number_of(text, bytes_of("a="), text.ptr + 6, 5), 0);
    assert_int_equal(text_number_of(text, bytes_of("a="), text.ptr + 5, 8), 0);
}

/* "left|value|right|name" of each, one a line. */
static const char *values_of(const char *source, bool is_script)
{
    static char text[1024];
    struct bytes all = guard_place(&guard, bytes_of(source)), rest = all;
    struct text_value value;
    size_t len = 0;
    text[0] = '\0';
    while (is_script ? script_value_next(&rest, all, &value) : line_value_next(&rest, all, &value))
        len += (size_t)snprintf(text + len, sizeof text - len, "%.*s|%.*s|%.*s|%.*s\n",
                                BYTES_ARG(value.left), BYTES_ARG(value.value),
                                BYTES_ARG(value.right), BYTES_ARG(value.name));
    return text;
}

static void strings_of_scripts_are_known_by_what_they_are_given_to(void **state)
{
    (void)state;
    assert_string_equal(values_of("var a = 'x', b=\"y\";\nset(`z`); {\"k\" : 'v', q: \"w\"}", true),
                        "a = '|x|'|a\nb=\"|y|\"|b\nset(`|z|`|set\n\"k\" : '|v|'|k\nq: \"|w|\"|q\n");
    assert_string_equal(values_of("['no', \"no\"]; 'no'; a=''; a='no\\n'; a='cut\nb='x'", true),
                        "b='|x|'|b\n");
    assert_string_equal(values_of("a='", true), "");
    assert_string_equal(values_of("a='x\\", true), "");
    assert_string_equal(values_of("a.b-c.d$='x'", true), "a.b-c.d$='|x|'|a.b-c.d$\n");
}

static void lines_are_names_and_values(void **state)
{
    (void)state;
    assert_string_equal(values_of("token", false), "|token||\n");
    assert_string_equal(values_of("token\r\n\r\n", false), "|token||\n");
    assert_string_equal(values_of("a=1\nb: 2 3\n\nno name\nc =\n= 5\nd==6", false),
                        "a=|1||a\nb: |2 3||b\nd=|=6||d\n");
    assert_string_equal(values_of("", false), "");
}

static void json_in_scripts_is_told_from_code(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        uint32_t number;
        const char *json;
    } rows[] = {
        {"var a = {\"b\": [1, \"}\"]}; c = [2]", 1, "{\"b\": [1, \"}\"]}"},
        {"var a = {\"b\": [1, \"}\"]}; c = [2]", 2, "[2]"},
        {"var a = {\"b\": [1, \"}\"]}; c = [2]", 3, NULL},
        {"if (x) { y = z[0]; w[\"k\"] = {\"id\": 3} }", 1, "{\"id\": 3}"},
        {"f(function () { return []; })", 1, NULL},
        {" {\"a\":1}", 1, "{\"a\":1}"},
        {"[", 1, NULL},
        {"{", 1, NULL},
        {"= [1", 1, NULL},
        {"", 1, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes script = guard_place(&guard, bytes_of(rows[i].script));
        struct bytes json = script_json(script, rows[i].number);
        if (!rows[i].json ? json.ptr != NULL : !bytes_equal(json, bytes_of(rows[i].json)))
            fail_msg("%s: '%.*s'", rows[i].script, BYTES_ARG(json));
    }
}

/* Each bracket is looked behind to the end, but not all of them. */
static void brackets_without_end_are_given_up(void **state)
{
    (void)state;
    size_t len = 4 << 20;
    char *brackets = malloc(len);
    memset(brackets, '[', len);
    assert_null(script_json(guard_place(&guard, bytes_make(brackets, len)), 1).ptr);
    free(brackets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_between_is_found),
        cmocka_unit_test(a_number_is_searched_for_in_a_part_only),
        cmocka_unit_test(strings_of_scripts_are_known_by_what_they_are_given_to),
        cmocka_unit_test(lines_are_names_and_values),
        cmocka_unit_test(json_in_scripts_is_told_from_code),
        cmocka_unit_test(brackets_without_end_are_given_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

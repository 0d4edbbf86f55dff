/* json_lex_test.c - where the tokens of JSON text end. */
#include "core/json_lex.h"

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
    guard_init(&guard, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guard_fini(&guard);
    return 0;
}

/* The string at the start of `text`, and how much is behind it; -1: it has no end. */
static ssize_t take(struct bytes text, struct bytes *ret_content)
{
    struct bytes placed = guard_place(&guard, text);
    struct json_text rest = json_text_of(placed);
    if (!json_take_string(&rest, ret_content))
        return -1;
    return rest.end - rest.at;
}

/* Wherever its escapes are, and whatever its length: long ones are searched in another way. */
static void a_string_ends_at_its_quote(void **state)
{
    (void)state;
    static const char *const escapes[] = {"\\\"", "\\\\", "\\n"};
    for (int len = 0; len < 60; len++) {
        for (int at = 0; at <= len; at++) {
            for (int other = at; other <= len; other += 3) {
                char text[128];
                struct bytes content;
                int total = snprintf(
                    text, sizeof text, "\"%.*s%s%.*s%s%.*s\",\"b\"", at,
                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", escapes[at % 3],
                    other - at, "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
                    escapes[other % 3], len - other,
                    "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd");
                assert_int_equal(take(bytes_make(text, (size_t)total), &content), 4);
                assert_int_equal(content.len, len + 4);
                /* Cut before its quote it has none. */
                assert_int_equal(take(bytes_make(text, (size_t)total - 5), &content), -1);
                assert_int_equal(take(bytes_make(text, (size_t)(len + 4) / 2 + 1), &content), -1);
            }
        }
    }
}

static void a_container_ends_at_its_bracket(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int left; /* -1: it has no end */
    } rows[] = {
        {"{}", 0},         {"[1,[2],{\"a\":3}],4", 2}, {"{\"]}\":\"\\\"}\"} ", 1},
        {"[", -1},         {"{\"a\":[}", -1},          {"[\"cut]", -1},
        {"{\"a\\\"}", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_text rest = json_text_of(guard_place(&guard, bytes_of(rows[i].text)));
        bool is_whole = json_skip_container(&rest);
        assert_int_equal(is_whole ? rest.end - rest.at : -1, rows[i].left);
    }
}

static void numbers_and_words_are_told_from_what_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int kind; /* -1: none */
    } rows[] = {
        {"true,", JSON_SCAN_TRUE},
        {"false]", JSON_SCAN_FALSE},
        {"null}", JSON_SCAN_NULL},
        {"-0.5e+3 ", JSON_SCAN_NUMBER},
        {"0", JSON_SCAN_NUMBER},
        {"01", -1},
        {"1.", -1},
        {"-", -1},
        {"1e", -1},
        {"tru", -1},
        {"NaN", -1},
        {"\"x\"", JSON_SCAN_STRING},
        {",", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_text rest = json_text_of(guard_place(&guard, bytes_of(rows[i].text)));
        struct bytes written;
        enum json_kind kind;
        bool is_scalar = json_take_scalar(&rest, &written, &kind);
        assert_int_equal(is_scalar ? (int)kind : -1, rows[i].kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_ends_at_its_quote),
        cmocka_unit_test(a_container_ends_at_its_bracket),
        cmocka_unit_test(numbers_and_words_are_told_from_what_is_none),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

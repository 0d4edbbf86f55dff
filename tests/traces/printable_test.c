/* printable_test.c - recorded bytes are shown, and drive no terminal. */
#include "traces/printable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define literal(text) bytes_make(text, sizeof(text) - 1)

static void utf8_is_that_of_rfc_3629(void **state)
{
    (void)state;
    const struct {
        struct bytes bytes;
        size_t len;
    } rows[] = {
        {literal("a"), 1},
        {literal("\0"), 1},
        {literal("\x7f"), 1},
        {literal("\xc3\xa9"), 2},
        {literal("\xe2\x82\xac"), 3},
        {literal("\xf0\x9f\x98\x80"), 4},
        {literal("\xf4\x8f\xbf\xbf"), 4}, /* U+10FFFF */
        {literal(""), 0},
        {literal("\x80"), 0},             /* a continuation alone */
        {literal("\xc3"), 0},             /* cut */
        {literal("\xe2\x82"), 0},         /* cut */
        {literal("\xc3z"), 0},            /* no continuation */
        {literal("\xc0\xaf"), 0},         /* '/' in two bytes */
        {literal("\xe0\x80\xaf"), 0},     /* in three */
        {literal("\xf0\x80\x80\xaf"), 0}, /* in four */
        {literal("\xed\xa0\x80"), 0},     /* a surrogate */
        {literal("\xf4\x90\x80\x80"), 0}, /* over U+10FFFF */
        {literal("\xff"), 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(utf8_length(rows[i].bytes), rows[i].len);
    assert_true(is_utf8(literal("caf\xc3\xa9")));
    assert_false(is_utf8(literal("caf\xe9")));
}

static void readable_is_text_without_control_characters(void **state)
{
    (void)state;
    assert_true(is_readable(literal("")));
    assert_true(is_readable(literal("a\tb\r\nc")));
    assert_true(is_readable(literal("caf\xc3\xa9")));
    assert_false(is_readable(literal("a\0b")));
    assert_false(is_readable(literal("\x1b[31m")));
    assert_false(is_readable(literal("\x7f")));
    assert_false(is_readable(literal("\xc2\x9b"
                                     "31m"))); /* CSI as one character */
    assert_false(is_readable(literal("RIFF\xe9")));
}

static void check_lines(struct bytes text, const char *wanted)
{
    char *got = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&got, &len);
    print_lines(out, "> ", text);
    fclose(out);
    assert_string_equal(got, wanted);
    free(got);
}

static void lines_are_indented_and_made_harmless(void **state)
{
    (void)state;
    check_lines(literal(""), "");
    check_lines(literal("a"), "> a\n");
    check_lines(literal("a\nb\n"), "> a\n> b\n");
    check_lines(literal("a\r\n\r\nb"), "> a\n> \n> b\n");
    check_lines(literal("\x1b[2J\0\x7f"), "> .[2J..\n");
    check_lines(literal("\xc2\x9b"
                        "2J \xe9 \xc3\xa9\t!"),
                "> .2J . \xc3\xa9\t!\n");
    check_lines(literal("a\rb"), "> a.b\n");
}

static void a_cut_never_halves_a_character(void **state)
{
    (void)state;
    struct bytes text = literal("a\xc3\xa9\xf0\x9f\x98\x80z");
    static const size_t wanted[] = {0, 1, 1, 3, 3, 3, 3, 7, 8, 8};
    for (size_t most = 0; most < sizeof wanted / sizeof wanted[0]; most++)
        assert_int_equal(utf8_cut(text, most).len, wanted[most]);
    assert_int_equal(utf8_cut(literal("\x80\x80\x80\x80\x80\x80"), 5).len, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_that_of_rfc_3629),
        cmocka_unit_test(readable_is_text_without_control_characters),
        cmocka_unit_test(lines_are_indented_and_made_harmless),
        cmocka_unit_test(a_cut_never_halves_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

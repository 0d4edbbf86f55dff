/* bytes_test.c - views of bytes: comparing, cutting, splitting, reading numbers. */
#include "core/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct bytes nothing = {0};

static void a_view_of_nothing_can_be_asked_everything(void **state)
{
    (void)state;
    assert_true(bytes_equal(nothing, bytes_of("")));
    assert_true(bytes_equal_nocase(nothing, bytes_of("")));
    assert_true(bytes_starts_with(nothing, bytes_of("")));
    assert_true(bytes_starts_with(nothing, nothing));
    assert_true(bytes_starts_with_nocase(nothing, nothing));
    assert_false(bytes_starts_with(nothing, bytes_of("a")));
    assert_null(bytes_from(nothing, 0).ptr);
    assert_null(bytes_from(nothing, 7).ptr);
    assert_int_equal(bytes_trim(nothing).len, 0);
    assert_int_equal(bytes_index_of(nothing, 'a'), 0);
    assert_null(bytes_of(NULL).ptr);
}

static void comparing_without_case_is_ascii_only(void **state)
{
    (void)state;
    assert_true(bytes_equal_nocase(bytes_of("Content-Type"), bytes_of("cONTENT-tYPE")));
    assert_false(bytes_equal_nocase(bytes_of("a"), bytes_of("ab")));
    /* 0x40 and 0x60 are 32 apart and no letters; 0xc4 and 0xe4 are letters in Latin-1 alone. */
    assert_false(bytes_equal_nocase(bytes_of("@"), bytes_of("`")));
    assert_false(bytes_equal_nocase(bytes_of("\xc4"), bytes_of("\xe4")));
    assert_true(bytes_starts_with_nocase(bytes_of("BEARER x"), bytes_of("Bearer ")));
    assert_false(bytes_starts_with_nocase(bytes_of("Bear"), bytes_of("Bearer ")));
}

static void a_start_beyond_the_end_leaves_an_empty_view(void **state)
{
    (void)state;
    assert_true(bytes_equal(bytes_from(bytes_of("abc"), 1), bytes_of("bc")));
    assert_int_equal(bytes_from(bytes_of("abc"), 3).len, 0);
    assert_int_equal(bytes_from(bytes_of("abc"), 99).len, 0);
}

static void trimming_takes_spaces_and_tabs_and_no_line_ends(void **state)
{
    (void)state;
    assert_true(bytes_equal(bytes_trim(bytes_of(" \t a b\t ")), bytes_of("a b")));
    assert_true(bytes_equal(bytes_trim(bytes_of(" \r\n ")), bytes_of("\r\n")));
    assert_int_equal(bytes_trim(bytes_of(" \t ")).len, 0);
}

static void splitting_gives_every_part_also_the_empty_ones(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *joined; /* each part in brackets */
    } rows[] = {
        {"", "[]"},      {"a", "[a]"},    {"a,b", "[a][b]"}, {",", "[][]"},
        {"a,", "[a][]"}, {",a", "[][a]"}, {",,", "[][][]"},  {"one,two,three", "[one][two][three]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char joined[100] = "";
        size_t used = 0;
        struct bytes rest = bytes_of(rows[i].text), part;
        while (bytes_split(&rest, ',', &part))
            used +=
                (size_t)snprintf(joined + used, sizeof joined - used, "[%.*s]", BYTES_ARG(part));
        assert_string_equal(joined, rows[i].joined);
    }
    struct bytes rest = nothing, part;
    assert_false(bytes_split(&rest, ',', &part));
}

static void numbers_are_digits_alone_and_do_not_overflow(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_number;
        uint64_t value;
    } rows[] = {
        {"0", true, 0},
        {"007", true, 7},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x10", false, 0},
        {"1.0", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 42;
        assert_int_equal(bytes_to_u64(bytes_of(rows[i].text), &value), rows[i].is_number);
        assert_int_equal(value, rows[i].is_number ? rows[i].value : 42);
    }
}

static void hexadecimal_digits_have_their_value_and_nothing_else_has(void **state)
{
    (void)state;
    static const char digits[] = "0123456789abcdef", capitals[] = "0123456789ABCDEF";
    for (int c = 0; c < 256; c++) {
        const char *low = c ? strchr(digits, c) : NULL, *high = c ? strchr(capitals, c) : NULL;
        int expected = low ? (int)(low - digits) : high ? (int)(high - capitals) : -1;
        assert_int_equal(ascii_hex_value((char)c), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_of_nothing_can_be_asked_everything),
        cmocka_unit_test(comparing_without_case_is_ascii_only),
        cmocka_unit_test(a_start_beyond_the_end_leaves_an_empty_view),
        cmocka_unit_test(trimming_takes_spaces_and_tabs_and_no_line_ends),
        cmocka_unit_test(splitting_gives_every_part_also_the_empty_ones),
        cmocka_unit_test(numbers_are_digits_alone_and_do_not_overflow),
        cmocka_unit_test(hexadecimal_digits_have_their_value_and_nothing_else_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

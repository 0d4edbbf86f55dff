/* units_test.c - durations and sizes as people write and read them. */
#include "core/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include <cmocka.h>

struct row {
    const char *text;
    bool is_one;
    uint64_t value;
};

static void check_rows(const struct row *rows, size_t count,
                       int (*parse)(const char *text, uint64_t *ret_value))
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 42;
        bool is_one = parse(rows[i].text, &value) == 0;
        uint64_t expected = rows[i].is_one ? rows[i].value : 42;
        if (is_one != rows[i].is_one || value != expected)
            fail_msg("'%s': %s %llu", rows[i].text, is_one ? "is" : "is not, leaves",
                     (unsigned long long)value);
    }
}

static void durations_are_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"250us", true, 250},
        {"250ms", true, 250000},
        {"2s", true, 2000000},
        {"1.5m", true, 90000000},
        {"1h30m", true, 5400000000},
        {"1d", true, 86400000000},
        {"1m30.5s", true, 90500000},
        {"90", true, 90000000},
        {"0.25", true, 250000},
        {".5s", true, 500000},
        {"0", true, 0},
        {"0s", true, 0},
        {"", false, 0},
        {" ", false, 0},
        {"s", false, 0},
        {".", false, 0},
        {"1..2", false, 0},
        {"1.2.3s", false, 0},
        {"-1s", false, 0},
        {"+1s", false, 0},
        {"1 s", false, 0},
        {" 1s", false, 0},
        {"1s ", false, 0},
        {"1h30", false, 0}, /* thirty of what */
        {"1e3s", false, 0},
        {"0x10s", false, 0},
        {"infs", false, 0},
        {"nan", false, 0},
        {"1S", false, 0},
        {"1min", false, 0},
        {"1s,", false, 0},
        {"99999999999999d", false, 0},
        {"1000000000000", false, 0}, /* 10^18 us and more is refused */
        {"1000000000", true, 1000000000000000},
        {"0000000000000000000000000000000001s", false, 0},
    };
    check_rows(rows, sizeof rows / sizeof rows[0], duration_parse_us);
}

static void sizes_are_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"64", true, 64},
        {"64B", true, 64},
        {"512k", true, 512000},
        {"50KB", true, 50000},
        {"50kB", true, 50000},
        {"10M", true, 10000000},
        {"1.5GB", true, 1500000000},
        {"2T", true, 2000000000000},
        {"1KiB", true, 1024},
        {"2MiB", true, 2097152},
        {"1GiB", true, 1073741824},
        {"1TiB", true, 1099511627776},
        {"0", true, 0},
        {"", false, 0},
        {"KB", false, 0},
        {".", false, 0},
        {"1..5GB", false, 0},
        {"-1", false, 0},
        {"1 KB", false, 0},
        {"1kb", false, 0}, /* kilobits, to some */
        {"1KBs", false, 0},
        {"1e9", false, 0},
        {"9999999TB", false, 0},
    };
    check_rows(rows, sizeof rows / sizeof rows[0], size_parse_bytes);
}

static void durations_are_shown_with_three_digits_or_in_two_units(void **state)
{
    (void)state;
    static const struct {
        double us;
        const char *text;
    } rows[] = {
        {0, "0us"},
        {812, "812us"},
        {999, "999us"},
        {999.6, "1.00ms"},
        {1520, "1.52ms"},
        {999994, "999.99ms"},
        {999996, "1.00s"},
        {3050000, "3.05s"},
        {59990000, "59.99s"},
        {59999000, "1m00s"},
        {60000000, "1m00s"},
        {124900000, "2m04s"},
        {3599999999.0, "59m59s"},
        {3600000000.0, "1h00m"},
        {90061000000.0, "25h01m"},
    };
    char out[UNITS_TEXT_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(duration_format(out, sizeof out, rows[i].us), rows[i].text);
}

static void sizes_are_shown_with_one_digit_behind_the_point(void **state)
{
    (void)state;
    static const struct {
        double bytes;
        const char *text;
    } rows[] = {
        {0, "0 B"},       {512, "512 B"},       {999, "999 B"},     {1000, "1.0 kB"},
        {1449, "1.4 kB"}, {999949, "999.9 kB"}, {999950, "1.0 MB"}, {2e6, "2.0 MB"},
        {5e15, "5.0 PB"}, {5e18, "5000.0 PB"},
    };
    char out[UNITS_TEXT_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(size_format(out, sizeof out, rows[i].bytes), rows[i].text);
}

static void percentages_are_read_with_their_sign_and_without(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double percent; /* below 0: it is none */
    } rows[] = {{"1%", 1},   {"0.5%", 0.5}, {"50", 50},   {"100%", 100}, {"0", 0},
                {"", -1},    {"%", -1},     {"101%", -1}, {"-1%", -1},   {"1 %", -1},
                {"1%%", -1}, {"1e1", -1},   {"nan", -1},  {"inf", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double percent = -1;
        int result = percent_parse(rows[i].text, &percent);
        if (result != (rows[i].percent < 0 ? -1 : 0) || percent != rows[i].percent)
            fail_msg("'%s': %g", rows[i].text, percent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentages_are_read_with_their_sign_and_without),
        cmocka_unit_test(durations_are_read_as_people_write_them),
        cmocka_unit_test(sizes_are_read_as_people_write_them),
        cmocka_unit_test(durations_are_shown_with_three_digits_or_in_two_units),
        cmocka_unit_test(sizes_are_shown_with_one_digit_behind_the_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

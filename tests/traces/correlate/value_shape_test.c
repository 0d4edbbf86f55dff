/* value_shape_test.c - how hard values are to guess, and what kinds they are of. */
#include "traces/correlate/value_shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static unsigned bits(const char *text)
{
    return shape_bits(bytes_of(text));
}

static void what_people_choose_has_few_bits(void **state)
{
    static const char *const few[] = {"",           "1",          "7",     "42",   "100",
                                      "16000",      "en",         "de-DE", "open", "meeting",
                                      "v1",         "take2",      "utf-8", "true", "aaaaaaaaaaaa",
                                      "00000000",   "2026-11-21", "1.5",   "#fff", "GET",
                                      "MathJax.js", "mainContent"};
    (void)state;
    for (size_t i = 0; i < sizeof few / sizeof few[0]; i++) {
        if (bits(few[i]) >= 20)
            fail_msg("%s has %u bits", few[i], bits(few[i]));
    }
}

static void what_machines_make_has_many(void **state)
{
    static const struct {
        const char *text;
        unsigned least;
    } many[] = {{"8f3a11c9", 24},
                {"job_8f3a11c9", 30},
                {"V1StGXR8_Z5jdHi6B", 50},
                {"3f2b8c1e-90ab-4cde-8f01-23456789abcd", 90},
                {"vc_gKOSQ4kVTe", 40},
                {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln", 100},
                {"4815162342", 24},
                {"chat.3.1763747474747@example.org", 30},
                {"2026-11-21T17:51:54.123456Z", 35}};
    (void)state;
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
        if (bits(many[i].text) < many[i].least)
            fail_msg("%s has %u bits, wanted %u", many[i].text, bits(many[i].text), many[i].least);
    }
}

static void small_numbers_are_in_the_order_of_their_length(void **state)
{
    (void)state;
    assert_true(bits("7") < bits("47"));
    assert_true(bits("47") < bits("4712"));
    assert_true(bits("4712") < bits("471283"));
}

static void words_are_told_from_ids(void **state)
{
    (void)state;
    assert_true(shape_is_wordlike(bytes_of("meeting")));
    assert_true(shape_is_wordlike(bytes_of("What is on today?")));
    assert_true(shape_is_wordlike(bytes_of("application/json")));
    assert_false(shape_is_wordlike(bytes_of("job_8f3a11c9")));
    assert_false(shape_is_wordlike(bytes_of("xkqzrtbvn")));
    assert_true(shape_is_wordlike(bytes_of("mainContent")));
    assert_false(shape_is_wordlike(bytes_of("gKoSqKvTeRt")));
    assert_false(shape_is_wordlike(bytes_of("mairsmdNuF")));
    assert_false(shape_is_wordlike(bytes_of("")));
}

static void kinds_are_known_by_their_form(void **state)
{
    (void)state;
    assert_true(shape_is_uuid(bytes_of("3F2B8C1E-90ab-4cde-8f01-23456789abcd")));
    assert_false(shape_is_uuid(bytes_of("3F2B8C1E-90ab-4cde-8f01-23456789abc")));
    assert_false(shape_is_uuid(bytes_of("3F2B8C1E-90ab-4cde-8f01x23456789abcd")));
    assert_true(shape_is_hex(bytes_of("0123456789abcdef")));
    assert_false(shape_is_hex(bytes_of("0123456789abcde")));
    assert_false(shape_is_hex(bytes_of("0123456789abcdeF")));
    assert_false(shape_is_hex(bytes_of("0123456789012345")));
    assert_true(shape_is_email(bytes_of("a.b+c@mail.example.org")));
    assert_false(shape_is_email(bytes_of("a@b")));
    assert_false(shape_is_email(bytes_of("@b.c")));
    assert_false(shape_is_email(bytes_of("a b@c.d")));
    assert_false(shape_is_email(bytes_of("a@b.c@d.e")));
    assert_true(shape_is_number(bytes_of("10")));
    assert_false(shape_is_number(bytes_of("010")));
    assert_false(shape_is_number(bytes_of("-1")));
}

#define NOW_US 1700000000000000

static void moments_near_now_are_moments(void **state)
{
    static const struct {
        const char *text;
        enum shape_time wanted;
    } rows[] = {
        {"1700000000", SHAPE_TIME_S},
        {"1700000299", SHAPE_TIME_S},
        {"1700000301", SHAPE_NO_TIME},
        {"1699999701", SHAPE_TIME_S},
        {"1700000000123", SHAPE_TIME_MS},
        {"1700009000123", SHAPE_NO_TIME},
        {"2023-11-14T22:13:20Z", SHAPE_TIME_ISO},
        {"2023-11-14T22:13:20.123Z", SHAPE_TIME_ISO},
        {"2023-11-14T23:13:20+01:00", SHAPE_TIME_ISO},
        {"2023-11-14 22:13:20", SHAPE_TIME_ISO},
        {"2023-11-14T23:13:20Z", SHAPE_NO_TIME},
        {"2023-11-14", SHAPE_NO_TIME},
        {"2023-11-14T22:13:20 or so", SHAPE_NO_TIME},
        {"17000000xx", SHAPE_NO_TIME},
        {"", SHAPE_NO_TIME},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (shape_time_near(bytes_of(rows[i].text), NOW_US) != rows[i].wanted)
            fail_msg("%s is not of kind %d", rows[i].text, rows[i].wanted);
    }
}

static void any_bytes_are_taken(void **state)
{
    char all[256];
    (void)state;
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    struct bytes value = bytes_make(all, sizeof all);
    for (size_t i = 0; i < sizeof all; i++) {
        struct bytes part = bytes_make(all + i, 1);
        assert_true(shape_bits(part) <= SHAPE_MAX_BITS);
        assert_false(shape_is_email(part));
    }
    assert_true(shape_bits(value) <= SHAPE_MAX_BITS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_people_choose_has_few_bits),
        cmocka_unit_test(what_machines_make_has_many),
        cmocka_unit_test(small_numbers_are_in_the_order_of_their_length),
        cmocka_unit_test(words_are_told_from_ids),
        cmocka_unit_test(kinds_are_known_by_their_form),
        cmocka_unit_test(moments_near_now_are_moments),
        cmocka_unit_test(any_bytes_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

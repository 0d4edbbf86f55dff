/* trace_test.c - every enumeration has its own words, and flaws are read as they are written. */
#include "traces/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void every_reason_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < TRACE_REASON_COUNT; i++) {
        const char *name = trace_reason_name((enum trace_reason)i);
        assert_non_null(name);
        assert_true(*name != '\0');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(name, trace_reason_name((enum trace_reason)j));
    }
}

static void what_was_never_seen_is_not_in_the_payload(void **state)
{
    (void)state;
    assert_true(trace_reason_was_seen(TRACE_REASON_RETRANSMISSION));
    assert_true(trace_reason_was_seen(TRACE_REASON_BAD_PACKET));
    assert_false(trace_reason_was_seen(TRACE_REASON_GAP));
    assert_false(trace_reason_was_seen(TRACE_REASON_SNAPLEN));
    assert_false(trace_reason_was_seen(TRACE_REASON_KERNEL_DROP));
    assert_false(trace_reason_was_seen(TRACE_REASON_INTERFACE_DROP));
}

static void every_set_of_flaws_comes_back(void **state)
{
    (void)state;
    for (uint32_t flaws = 0; flaws < 2 * TRACE_FLAW_UNPARSABLE; flaws++) {
        char text[TRACE_FLAWS_TEXT_BYTES];
        uint32_t got = ~flaws;
        trace_flaws_format(flaws, text);
        assert_true(strlen(text) < sizeof text);
        assert_true(trace_flaws_parse(bytes_of(text), &got));
        assert_int_equal(got, flaws);
    }
}

static void flaws_read_as_words(void **state)
{
    (void)state;
    char text[TRACE_FLAWS_TEXT_BYTES];
    assert_string_equal(trace_flaws_format(0, text), "");
    assert_string_equal(trace_flaws_format(TRACE_FLAW_GAP | TRACE_FLAW_NO_RESPONSE, text),
                        "gap,no_response");
}

static void other_words_are_no_flaws(void **state)
{
    (void)state;
    static const char *const texts[] = {"gaps",           "gap,",          ",gap",
                                        "gap,,truncated", "gap truncated", "GAP"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint32_t flaws = 77;
        assert_false(trace_flaws_parse(bytes_of(texts[i]), &flaws));
        assert_int_equal(flaws, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_a_name_of_its_own),
        cmocka_unit_test(what_was_never_seen_is_not_in_the_payload),
        cmocka_unit_test(every_set_of_flaws_comes_back),
        cmocka_unit_test(flaws_read_as_words),
        cmocka_unit_test(other_words_are_no_flaws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* value_match_test.c - when a request carries a value of an answer, and when it only looks so. */
#include "traces/correlate/value_match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_value_is_found_in_its_form(void **state)
{
    (void)state;
    static const struct {
        const char *value, *text, *form;
        bool is_in;
    } rows[] = {
        {"abc", "abc", "raw", true},
        {"abc", "Bearer abc", "raw", true},
        {"17", "/jobs/17", "raw", true},
        {"17", "/jobs/175", "raw", false}, /* a short one inside a longer number */
        {"17", "/jobs/175/17", "raw", true},
        {"id", "valid", "raw", false},
        {"0123456789", "x0123456789y", "raw", true},
        {"", "abc", "raw", false},
        {"abc", "", "raw", false},
        {"abc", "ab", "raw", false},
        {"a.*b", "axxb", "raw", false},
        {"a.*b", "x a.*b", "raw", true},
        {"a/b c", "a%2Fb%20c", "percent", true},
        {"a/b c", "a%2fb+c", "percent", false},
        {"a/b c", "a%2fb+c", "plus", true},
        {"a/b", "a/b", "percent", true}, /* undone by its place */
        {"100%", "100%", "percent", true},
        {"a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;", "html", true},
        {"user:pw", "Basic dXNlcjpwdw==", "base64", true},
        {"\xfb\xff", "+/8", "base64", true},
        {"\xfb\xff", "-_8", "base64url", true},
        {"\xfb\xff", "-_8", "base64", false},
        {"AZ", "415a", "hex", true},
        {"AZ", "415A", "hex", true},
        {"AZ", "AZ", "hex", false},
        {"AZ", "AZ", "rot13", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (value_is_in(bytes_of(rows[i].value), bytes_of(rows[i].text), bytes_of(rows[i].form)) !=
            rows[i].is_in)
            fail_msg("'%s' in '%s' as %s", rows[i].value, rows[i].text, rows[i].form);
    }
    assert_true(value_form_is_known(bytes_of("base64url")));
    assert_false(value_form_is_known(bytes_of("Raw")));
}

static void what_a_client_makes_has_a_shape(void **state)
{
    (void)state;
    static const struct {
        const char *value, *kind;
        bool fits;
    } rows[] = {
        {"0b1f3a10-aaaa-4bbb-8ccc-1234567890AB", "uuid", true},
        {"0b1f3a10aaaa4bbb8ccc1234567890ab", "uuid", false},
        {"0b1f3a", "hex", true},
        {"0b1g", "hex", false},
        {"", "hex", false},
        {"0123", "digits", true},
        {"12.3", "digits", false},
        {"a@b", "email", true},
        {"ab", "email", false},
        {"1795285294", "time_s", true},
        {"1795285294.5", "time_s", true},
        {"1795285294423", "time_s", false},
        {"1795285294423", "time_ms", true},
        {"2026-11-21T18:00:00Z", "time_iso", true},
        {"21.11.2026", "time_iso", false},
        {"anything", "text", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (value_is_made_as(bytes_of(rows[i].value), bytes_of(rows[i].kind)) != rows[i].fits)
            fail_msg("'%s' as %s", rows[i].value, rows[i].kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_found_in_its_form),
        cmocka_unit_test(what_a_client_makes_has_a_shape),
    };
    return cmocka_run_group_tests_name("value_match", tests, NULL, NULL);
}

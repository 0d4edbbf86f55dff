/* value_forms_test.c - values as their places want them: coded, escaped, and read back. */
#include "replay/plan/value_forms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char room[256];

static void every_coding_is_written_and_read(void **state)
{
    (void)state;
    static const struct {
        enum value_form form;
        const char *text, *coded;
    } rows[] = {
        /* RFC 4648 10 */
        {VALUE_BASE64, "", ""},
        {VALUE_BASE64, "f", "Zg=="},
        {VALUE_BASE64, "fo", "Zm8="},
        {VALUE_BASE64, "foo", "Zm9v"},
        {VALUE_BASE64, "foobar", "Zm9vYmFy"},
        {VALUE_BASE64_BARE, "foob", "Zm9vYg"},
        {VALUE_BASE64, "\xfb\xff", "+/8="},
        {VALUE_BASE64URL, "\xfb\xff", "-_8="},
        {VALUE_BASE64URL_BARE, "\xfb\xff", "-_8"},
        {VALUE_HEX, "k\xff", "6bff"},
        {VALUE_HEX_UPPER, "k\xff", "6BFF"},
        {VALUE_HTML, "a<b&\"'>", "a&lt;b&amp;&quot;&#39;&gt;"},
        {VALUE_AS_IS, "k", "k"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes text = bytes_of(rows[i].text);
        ssize_t len = value_form_code(rows[i].form, text, room, sizeof room);
        assert_true(len >= 0);
        if (!bytes_equal(bytes_make(room, (size_t)len), bytes_of(rows[i].coded)))
            fail_msg("%s: %.*s", rows[i].text, (int)len, room);
        len = value_form_decode(rows[i].form, bytes_of(rows[i].coded), room);
        assert_true(len >= 0 && bytes_equal(bytes_make(room, (size_t)len), text));
        len = value_form_code(rows[i].form, text, room, strlen(rows[i].coded));
        assert_true((size_t)len == strlen(rows[i].coded)); /* room for no more */
    }
}

static void what_is_not_coded_so_is_refused(void **state)
{
    (void)state;
    assert_int_equal(value_form_decode(VALUE_BASE64, bytes_of("Z"), room), -1);
    assert_int_equal(value_form_decode(VALUE_BASE64, bytes_of("Zg!="), room), -1);
    assert_int_equal(value_form_decode(VALUE_HEX, bytes_of("6bf"), room), -1);
    assert_int_equal(value_form_decode(VALUE_HEX, bytes_of("6bxx"), room), -1);
    assert_int_equal(value_form_code(VALUE_HEX, bytes_of("ab"), room, 3), -1);
    assert_int_equal(value_form_code(VALUE_HTML, bytes_of("a&"), room, 5), -1);
}

static void every_place_is_escaped_as_it_wants(void **state)
{
    (void)state;
    static const struct {
        enum value_form form;
        const char *text, *written;
    } rows[] = {
        {VALUE_PERCENT, "a b/c", "a%20b%2Fc"},     {VALUE_PLUS, "a b+c", "a+b%2Bc"},
        {VALUE_IN_FILENAME, "a\"b\r", "a%22b%0D"}, {VALUE_IN_JSON, "a\"\n", "a\\\"\\u000a"},
        {VALUE_IN_TARGET, "a b/c", "a%20b%2Fc"},   {VALUE_AS_IS, "a b", "a b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = value_form_len(rows[i].form, bytes_of(rows[i].text));
        value_form_write(rows[i].form, bytes_of(rows[i].text), room);
        if (!bytes_equal(bytes_make(room, len), bytes_of(rows[i].written)))
            fail_msg("%s: %.*s", rows[i].text, (int)len, room);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_coding_is_written_and_read),
        cmocka_unit_test(what_is_not_coded_so_is_refused),
        cmocka_unit_test(every_place_is_escaped_as_it_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

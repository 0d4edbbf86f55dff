/* html_references_test.c - references of HTML written and undone, at the edges of the room. */
#include "core/html_references.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *written, *text;
} rows[] = {
    {"", ""},
    {"plain", "plain"},
    {"a&amp;b", "a&b"},
    {"&lt;&gt;&quot;&apos;", "<>\"'"},
    {"&#39;&#x27;&#X27;&#x2B;&#43;&plus;", "'''+++"},
    {"&amp;amp;", "&amp;"},
    {"&", "&"},
    {"&;&#;&#x;&nonsense;", "&;&#;&#x;&nonsense;"},
    {"&amp", "&amp"},
    {"&#xe9;&#x20ac;&#128512;", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"&#0;&#xd800;&#x110000;&#99999999999;", "&#0;&#xd800;&#x110000;&#99999999999;"},
};

static void references_are_undone_and_what_is_none_stays(void **state)
{
    (void)state;
    char room[128];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes written = bytes_of(rows[i].written), text = bytes_of(rows[i].text);
        ssize_t len = html_read(written, room, text.len);
        if (len < 0 || !bytes_equal(bytes_make(room, (size_t)len), text))
            fail_msg("%s: %.*s", rows[i].written, (int)len, room);
        if (text.len)
            assert_int_equal(html_read(written, room, text.len - 1), -1);
        memcpy(room, written.ptr, written.len); /* over itself */
        len = html_read(bytes_make(room, written.len), room, sizeof room);
        assert_true(bytes_equal(bytes_make(room, (size_t)len), text));
    }
}

static void five_signs_are_written_as_references(void **state)
{
    (void)state;
    static const char written[] = "a&lt;b&amp;&quot;&#39;&gt;+";
    char room[sizeof written];
    struct bytes text = bytes_of("a<b&\"'>+");
    assert_int_equal(html_write(text, room, sizeof written - 1), sizeof written - 1);
    assert_memory_equal(room, written, sizeof written - 1);
    assert_int_equal(html_write(text, room, sizeof written - 2), -1);
    assert_int_equal(html_write(bytes_of("\""), room, HTML_MAX_ESCAPE_BYTES),
                     HTML_MAX_ESCAPE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_are_undone_and_what_is_none_stays),
        cmocka_unit_test(five_signs_are_written_as_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* decode_test.c - what is written in an encoding is read, and what is not stays or is refused. */
#include "traces/places/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/random.h"

enum way { PERCENT, PLUS, BASE64, JSON, HTML, QUOTED, JWT };

static struct bytes decode(enum way way, struct bytes written, struct room room)
{
    switch (way) {
    case PERCENT:
    case PLUS:
        return decode_percent(written, way == PLUS, room);
    case BASE64:
        return decode_base64(written, room);
    case JSON:
        return decode_json(written, room);
    case HTML:
        return decode_html(written, room);
    case QUOTED:
        return decode_quoted(written, room);
    case JWT:
        break;
    }
    return decode_jwt(written, room);
}

static void each_way_of_writing_is_undone(void **state)
{
    (void)state;
    static const struct {
        enum way way;
        const char *written, *text; /* NULL: it is not written so */
    } rows[] = {
        {PERCENT, "a%20b%2f", "a b/"},
        {PERCENT, "a+b", "a+b"},
        {PERCENT, "100%", "100%"},
        {PERCENT, "%zz%4", "%zz%4"},
        {PLUS, "a+b%2B", "a b+"},
        {BASE64, "YWI=", "ab"},
        {BASE64, "YWI", "ab"},
        {BASE64, "Pz8_", "???"},
        {BASE64, "Pz8/", "???"},
        {BASE64, "YWJj", "abc"},
        {BASE64, "", ""},
        {BASE64, "YWJjZ", NULL},
        {BASE64, "YW b", NULL},
        {BASE64, "Y===", NULL},
        {JSON, "a\\n\\u00e9\\ud83d\\ude00", "a\n\xc3\xa9\xf0\x9f\x98\x80"},
        {JSON, "plain", "plain"},
        {JSON, "\\x", NULL},
        {HTML, "a &amp; b&lt;&#65;&#x42;&quot;&#39;", "a & b<AB\"'"},
        {HTML, "&nbsp;&sol;&AMP;", "\xc2\xa0/&"},
        {HTML, "&#x1f600;", "\xf0\x9f\x98\x80"},
        {HTML, "a&b;&;&#;&#x;&#xd800;&#1114112;&ampx", "a&b;&;&#;&#x;&#xd800;&#1114112;&ampx"},
        {QUOTED, "a \\\"b\\\\", "a \"b\\"},
        {JWT, "e30.eyJhIjoxfQ.x", "{\"a\":1}"},
        {JWT, "Bearer e30.eyJhIjoxfQ.", "{\"a\":1}"},
        {JWT, "e30.eyJhIjoxfQ", NULL},
        {JWT, "e30..x", NULL},
        {JWT, "e30.YWJj.x", NULL},
        {JWT, "", NULL},
    };
    char space[64];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct room room = {space, sizeof space};
        struct bytes text = decode(rows[i].way, bytes_of(rows[i].written), room);
        if (!rows[i].text ? text.ptr != NULL : !bytes_equal(text, bytes_of(rows[i].text)))
            fail_msg("%s: '%.*s'", rows[i].written, BYTES_ARG(text));
    }
}

static void what_does_not_fit_is_nothing_and_is_not_written(void **state)
{
    (void)state;
    static const struct {
        enum way way;
        const char *written;
        size_t len;
    } rows[] = {{PERCENT, "a%20bc", 4}, {BASE64, "YWJj", 3},    {JSON, "a\\nbc", 4},
                {HTML, "a&amp;bc", 4},  {QUOTED, "a\\\"bc", 4}, {JWT, "e30.eyJhIjoxfQ.x", 7}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t len = 0; len <= rows[i].len; len++) {
            char space[16] = "";
            struct bytes text =
                decode(rows[i].way, bytes_of(rows[i].written), (struct room){space, len});
            assert_int_equal(text.ptr != NULL, len == rows[i].len);
            assert_int_equal(space[len], 0);
        }
    }
}

static void any_bytes_come_back_from_base64(void **state)
{
    (void)state;
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct random random;
    random_init(&random, 1, 0);
    for (int i = 0; i < 1000; i++) {
        char plain[40], written[60], space[40];
        size_t len = (size_t)random_below(&random, sizeof plain), out = 0;
        for (size_t j = 0; j < len; j++)
            plain[j] = (char)random_u64(&random);
        for (size_t bit = 0; bit < len * 8; bit += 6) {
            uint32_t value = 0;
            for (size_t b = bit; b < bit + 6; b++) {
                uint32_t byte = b < len * 8 ? (unsigned char)plain[b / 8] : 0;
                value = value << 1 | (byte >> (7 - b % 8) & 1);
            }
            written[out++] = alphabet[value];
        }
        struct bytes text =
            decode_base64(bytes_make(written, out), (struct room){space, sizeof space});
        assert_true(bytes_equal(text, bytes_make(plain, len)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_of_writing_is_undone),
        cmocka_unit_test(what_does_not_fit_is_nothing_and_is_not_written),
        cmocka_unit_test(any_bytes_come_back_from_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

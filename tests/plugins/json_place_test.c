/* json_place_test.c - places in the bytes of a JSON text, held against jansson's reading of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "plugins/common/json_place.h"

struct found {
    const char *text;
    char values[200]; /* one behind the other, '|' between them */
};

static int keep(void *owner, const struct json_value *value)
{
    struct found *found = owner;
    size_t used = strlen(found->values);
    snprintf(found->values + used, sizeof found->values - used, "%s%c%.*s", used ? "|" : "",
             value->kind, (int)value->len, found->text + value->at);
    return 0;
}

static void places_are_found_to_the_byte(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pointer;
        int count;
        const char *values;
    } rows[] = {
        {"{\"a\" : 1.5e3 ,\"b\":[true,null]}", "/a", 1, "01.5e3"},
        {"{\"a\" : 1.5e3 ,\"b\":[true,null]}", "/b/1", 1, "nnull"},
        {"{\"a\" : 1.5e3 ,\"b\":[true,null]}", "/b", 1, "[[true,null]"},
        {"{\"a\" : 1.5e3 ,\"b\":[true,null]}", "/b/2", 0, ""},
        {"{\"a\" : 1.5e3 ,\"b\":[true,null]}", "/b/01", 0, ""},
        {"{\"a\":{\"b\":\"x\"},\"a\":{\"b\":\"y\"}}", "/a/b", 2, "\"\"x\"|\"\"y\""},
        {"[{\"id\":1},{\"no\":2},{\"id\":3}]", "/*/id", 2, "01|03"},
        {"{\"a/b\":1,\"m~n\":2,\"\":3,\"*\":4}", "/a~1b", 1, "01"},
        {"{\"a/b\":1,\"m~n\":2,\"\":3,\"*\":4}", "/m~0n", 1, "02"},
        {"{\"a/b\":1,\"m~n\":2,\"\":3,\"*\":4}", "/", 1, "03"},
        {"{\"a\\u0062\\n\":1}", "/ab\n", 1, "01"},
        {"{\"\\ud83d\\ude00\":1}", "/\xf0\x9f\x98\x80", 1, "01"},
        {" 7 ", "", 1, "07"},
        {"{}", "/a", 0, ""},
        {"", "/a", -1, ""},
        {"{\"a\":1}x", "/a", -1, ""},
        {"{\"a\":1", "/a", -1, ""},
        {"{\"a\":01}", "/a", -1, ""},
        {"{\"a\":1.}", "/a", -1, ""},
        {"{\"a\":\"\n\"}", "/a", -1, ""},
        {"{\"a\":\"\\x\"}", "/a", -1, ""},
        {"{\"a\":\"\\u12g4\"}", "/a", -1, ""},
        {"{\"a\":1,}", "/a", -1, ""},
        {"[1,]", "/0", -1, ""},
        {"{a:1}", "/a", -1, ""},
        {"a=1&b=2", "/a", -1, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct found found = {.text = rows[i].text};
        int count =
            json_place_find(rows[i].text, strlen(rows[i].text), rows[i].pointer, keep, &found);
        if (count != rows[i].count || strcmp(found.values, rows[i].values) != 0)
            fail_msg("%s at %s: %d, %s", rows[i].pointer, rows[i].text, count, found.values);
    }
}

static void depth_has_an_end(void **state)
{
    (void)state;
    char text[2 * 202 + 1] = "";
    for (int depth = 200; depth <= 201; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        struct found found = {.text = text};
        assert_int_equal(json_place_find(text, 2 * (size_t)depth, "/1", keep, &found),
                         depth == 200 ? 0 : -1);
    }
}

static void escapes_go_there_and_back(void **state)
{
    (void)state;
    static const char *const rows[] = {"plain",
                                       "quote \" and \\",
                                       "tab\tnew\nline\x01",
                                       "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
                                       "/",
                                       ""};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text encoded = {.ptr = NULL}, decoded = {.ptr = NULL};
        json_string_encode(rows[i], strlen(rows[i]), &encoded);
        json_t *value = json_loadb(encoded.ptr, encoded.len, JSON_DECODE_ANY, NULL);
        assert_non_null(value);
        assert_string_equal(json_string_value(value), rows[i]);
        json_string_decode(encoded.ptr, encoded.len, &decoded);
        assert_string_equal(decoded.ptr ? decoded.ptr : "", rows[i]);
        json_decref(value);
        text_fini(&encoded);
        text_fini(&decoded);
    }
    struct text decoded = {.ptr = NULL};
    const char *lone = "\"\\ud83dx\\ude00\\b\\f\\r\\/\\u20ac\"";
    json_string_decode(lone, strlen(lone), &decoded);
    assert_string_equal(decoded.ptr, "\xef\xbf\xbdx\xef\xbf\xbd\b\f\r/\xe2\x82\xac");
    text_fini(&decoded);
}

static void pointers_are_checked(void **state)
{
    (void)state;
    assert_true(json_pointer_is_valid(""));
    assert_true(json_pointer_is_valid("/a/~0~1/*"));
    assert_false(json_pointer_is_valid("a"));
    assert_false(json_pointer_is_valid("/~"));
    assert_false(json_pointer_is_valid("/~2"));
    assert_true(json_text_is_number("-1.5E+3", 7));
    assert_false(json_text_is_number("1 ", 2));
    assert_false(json_text_is_number("", 0));
    assert_false(json_text_is_number("0x1", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_found_to_the_byte),
        cmocka_unit_test(depth_has_an_end),
        cmocka_unit_test(escapes_go_there_and_back),
        cmocka_unit_test(pointers_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

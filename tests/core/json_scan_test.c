/* json_scan_test.c - values are found where their pointers say, and as jansson finds them. */
#include "core/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "core/random.h"
#include "tests/core/guard.h"

/* What is at the pointer, as written; NULL: nothing. Placed so that one byte too far crashes. */
static const char *find(const char *text, const char *pointer)
{
    static char found[256];
    static struct guard guard;
    if (!guard.pages)
        guard_init(&guard, 64 * 1024);
    struct json_wanted wanted = {.pointer = bytes_of(pointer)};
    size_t count = json_find(guard_place(&guard, bytes_of(text)), &wanted, 1);
    assert_int_equal(count, wanted.found.ptr != NULL);
    if (!wanted.found.ptr)
        return NULL;
    snprintf(found, sizeof found, "%.*s", BYTES_ARG(wanted.found));
    return found;
}

static void values_are_found_by_their_pointers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pointer, *found;
    } rows[] = {
        {"{\"id\":\"a1\"}", "/id", "a1"},
        {"{\"id\":17}", "/id", "17"},
        {" { \"x\" : { \"id\" : -1.50e+3 } } ", "/x/id", "-1.50e+3"},
        {"[10,[20,21],{\"a\":[30]}]", "/1/1", "21"},
        {"[10,[20,21],{\"a\":[30]}]", "/2/a/0", "30"},
        {"\"alone\"", "", "alone"},
        {"7", "", "7"},
        {"{\"a\":true,\"b\":null}", "/b", "null"},
        {"{\"\":\"empty name\"}", "/", "empty name"},
        {"{\"\":{\"\":1}}", "//", "1"},
        {"{\"a/b\":1,\"m~n\":2}", "/a~1b", "1"},
        {"{\"a/b\":1,\"m~n\":2}", "/m~0n", "2"},
        {"{\"~1\":1}", "/~01", "1"},
        {"{\"\\u00e9\\n\":\"x\"}", "/\xc3\xa9\n", "x"},
        {"{\"\\ud83d\\ude00\":\"x\"}", "/\xf0\x9f\x98\x80", "x"},
        {"{\"a\\\"}\":{\"b\":1},\"b\":2}", "/b", "2"},
        {"{\"s\":\"}]\\\\\",\"id\":3}", "/id", "3"},
        {"{\"a\":{},\"b\":[],\"id\":4}", "/id", "4"},
        {"{\"a\":{\"id\":1},\"id\":5}", "/id", "5"},
        {"{\"id\":1,\"id\":2}", "/id", "1"},
        {"[{},{\"id\":6}]", "/1/id", "6"},
        {"{\"1\":\"a name\"}", "/1", "a name"},
        {"\xef\xbb\xbf{\"id\":8}", "/id", "8"},
        {"{\"id\":\"\"}", "/id", ""},
        {"{\"a\":1,\"id\":9", "/id", "9"},
        {"{\"id\":9,\"rest\":[is broken", "/id", "9"},
        {"{\"a\":[1,2],\"a2\":{\"b\":3}}", "/a2/b", "3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *found = find(rows[i].text, rows[i].pointer);
        if (!found || strcmp(found, rows[i].found) != 0)
            fail_msg("%s in %s: %s", rows[i].pointer, rows[i].text, found ? found : "(nothing)");
    }
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pointer;
    } rows[] = {
        {"", ""},
        {"   ", ""},
        {"{}", "/id"},
        {"[]", "/0"},
        {"{\"id\":{\"a\":1}}", "/id"}, /* an object is no value to carry */
        {"{\"id\":[1]}", "/id"},
        {"{\"id\":1}", ""},
        {"{\"id\":1}", "/id/x"},
        {"{\"x\":{\"id\":1}}", "/id"},
        {"[1,2]", "/2"},
        {"[1,2]", "/01"},
        {"[1,2]", "/-"},
        {"[1,2]", "/"},
        {"[[1],[2]]", "/0/1"},
        {"{\"id\":", "/id"},
        {"{\"id\":\"cut", "/id"},
        {"{\"id\":\"cut\\", "/id"},
        {"{\"id\" 1}", "/id"},
        {"{\"a\":1 \"id\":1}", "/id"},
        {"{\"a\":1],\"id\":1}", "/id"},
        {"{\"id\":tru}", "/id"},
        {"{\"id\":01}", "/id"},
        {"{\"id\":1.}", "/id"},
        {"{\"id\":-}", "/id"},
        {"{\"id\":1e}", "/id"},
        {"{id:1}", "/id"},
        {"{\"id\\ud800\":1}", "/id\xed\xa0\x80"},
        {"<html>", "/id"},
        {"[1,]", "/1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *found = find(rows[i].text, rows[i].pointer);
        if (found)
            fail_msg("%s in %s: %s", rows[i].pointer, rows[i].text, found);
    }
}

static void several_are_found_in_one_pass(void **state)
{
    (void)state;
    struct json_wanted wanted[] = {
        {.pointer = bytes_of("/b/1/id")}, {.pointer = bytes_of("/none")},
        {.pointer = bytes_of("/a")},      {.pointer = bytes_of("/b/0/id")},
        {.pointer = bytes_of("/a")},      {.pointer = bytes_of("/b/1/n")}};
    struct bytes text =
        bytes_of("{\"a\":\"x\",\"b\":[{\"id\":1},{\"n\":null,\"id\":\"2\"}],\"c\":3}");
    assert_int_equal(json_find(text, wanted, 6), 5);
    assert_true(bytes_equal(wanted[0].found, bytes_of("2")));
    assert_int_equal(wanted[0].kind, JSON_SCAN_STRING);
    assert_null(wanted[1].found.ptr);
    assert_true(bytes_equal(wanted[2].found, bytes_of("x")));
    assert_true(bytes_equal(wanted[3].found, bytes_of("1")));
    assert_int_equal(wanted[3].kind, JSON_SCAN_NUMBER);
    assert_true(bytes_equal(wanted[4].found, bytes_of("x")));
    assert_int_equal(wanted[5].kind, JSON_SCAN_NULL);
}

/* `depth` arrays around a 1. */
static const char *find_below(size_t depth)
{
    static char text[2048], pointer[2048];
    snprintf(text, sizeof text, "%0*d", (int)(2 * depth + 1), 0);
    memset(text, '[', depth);
    text[depth] = '1';
    memset(text + depth + 1, ']', depth);
    pointer[0] = '\0';
    for (size_t i = 0; i < depth; i++)
        memcpy(pointer + 2 * i, "/0", 3);
    return find(text, pointer);
}

static void two_hundred_levels_are_searched_and_no_more(void **state)
{
    (void)state;
    assert_string_equal(find_below(JSON_MAX_DEPTH), "1");
    assert_null(find_below(JSON_MAX_DEPTH + 1));
    /* Beside the way any depth is passed over. */
    char text[4096] = "{\"deep\":";
    memset(text + 8, '[', 1000);
    memset(text + 1008, ']', 1000);
    snprintf(text + 2008, sizeof text - 2008, ",\"id\":1}");
    assert_string_equal(find(text, "/id"), "1");
}

static void pointers_are_checked(void **state)
{
    (void)state;
    static const char *const good[] = {"", "/", "/a", "/a~0b~1", "/a//b", "/ "};
    static const char *const bad[] = {"a", "/~", "/~2", "/a~", "a/b"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(json_pointer_is_valid(bytes_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(json_pointer_is_valid(bytes_of(bad[i])));
}

static void escapes_are_undone_within_the_room_there_is(void **state)
{
    (void)state;
    static const struct {
        const char *written, *text; /* NULL: refused */
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"a\\/b\\\"c\\\\", "a/b\"c\\"},
        {"\\b\\f\\n\\r\\t", "\b\f\n\r\t"},
        {"\\u0041\\u00e9\\u20ac", "A\xc3\xa9\xe2\x82\xac"},
        {"\\ud83d\\ude00!", "\xf0\x9f\x98\x80!"},
        {"\\", NULL},
        {"\\x", NULL},
        {"\\u12", NULL},
        {"\\u12g4", NULL},
        {"\\ud83d", NULL},
        {"\\ud83d\\u0041", NULL},
        {"\\ude00", NULL},
    };
    char out[64];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ssize_t len = json_unescape(bytes_of(rows[i].written), out, sizeof out);
        if (!rows[i].text) {
            assert_int_equal(len, -1);
            continue;
        }
        assert_int_equal(len, strlen(rows[i].text));
        assert_memory_equal(out, rows[i].text, (size_t)len);
        assert_int_equal(json_unescape(bytes_of(rows[i].written), out, (size_t)len), len);
        if (len)
            assert_int_equal(json_unescape(bytes_of(rows[i].written), out, (size_t)len - 1), -1);
    }
}

static void what_is_escaped_reads_back_the_same(void **state)
{
    (void)state;
    char text[256], written[256 * JSON_MAX_ESCAPE_BYTES], back[256];
    for (int i = 0; i < 256; i++)
        text[i] = (char)i;
    ssize_t len = json_escape(bytes_make(text, 256), written, sizeof written);
    assert_int_equal(len, 32 * 6 + 2 * 2 + 222);
    assert_int_equal(json_unescape(bytes_make(written, (size_t)len), back, sizeof back), 256);
    assert_memory_equal(text, back, 256);
    assert_int_equal(json_escape(bytes_of("a\"b"), written, 4), 4);
    assert_int_equal(json_escape(bytes_of("a\"b"), written, 3), -1);
}

/* --- against jansson ---------------------------------------------------------------------- */

static json_t *random_text(struct random *random)
{
    static const char *const pieces[] = {
        "a", "id", "/", "~", "\"", "\\", "\n", "\xc3\xa9", "\xf0\x9f\x98\x80",
        "{", "]",  ",", "0", "1",  " "};
    char text[64] = "";
    for (size_t n = random_below(random, 5), len = 0; n > 0; n--)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s",
                                pieces[random_below(random, sizeof pieces / sizeof pieces[0])]);
    return json_string(text);
}

static json_t *random_value(struct random *random, int depth)
{
    uint64_t kind = random_below(random, depth > 0 ? 8 : 5);
    if (kind == 0)
        return json_integer((json_int_t)random_below(random, 1000) - 500);
    if (kind == 1)
        return random_below(random, 2) ? json_true() : json_null();
    if (kind < 5)
        return random_text(random);
    json_t *value = kind == 5 ? json_array() : json_object();
    for (uint64_t n = random_below(random, 5); n > 0; n--) {
        if (kind == 5) {
            json_array_append_new(value, random_value(random, depth - 1));
            continue;
        }
        json_t *name = random_text(random);
        json_object_set_new(value, json_string_value(name), random_value(random, depth - 1));
        json_decref(name);
    }
    return value;
}

static void add_token(char *pointer, size_t size, const char *name)
{
    size_t len = strlen(pointer);
    pointer[len++] = '/';
    for (; *name; name++) {
        assert_true(len + 3 < size);
        if (*name == '~' || *name == '/')
            pointer[len++] = '~';
        pointer[len++] = *name == '~' ? '0' : *name == '/' ? '1' : *name;
    }
    pointer[len] = '\0';
}

/* Down a random way to its end; the pointer to it. */
static const json_t *walk(struct random *random, const json_t *value, char *pointer, size_t size)
{
    while (json_array_size(value) || json_object_size(value)) {
        if (json_is_array(value)) {
            size_t index = random_below(random, json_array_size(value));
            char name[24];
            snprintf(name, sizeof name, "%zu", index);
            add_token(pointer, size, name);
            value = json_array_get(value, index);
            continue;
        }
        uint64_t skip = random_below(random, json_object_size(value));
        void *at = json_object_iter((json_t *)value);
        for (; skip > 0; skip--)
            at = json_object_iter_next((json_t *)value, at);
        add_token(pointer, size, json_object_iter_key(at));
        value = json_object_iter_value(at);
    }
    return value;
}

static void check_found(const json_t *value, const struct json_wanted *wanted)
{
    char out[256], number[32];
    if (json_is_object(value) || json_is_array(value)) {
        assert_null(wanted->found.ptr);
        return;
    }
    assert_non_null(wanted->found.ptr);
    if (json_is_string(value)) {
        assert_int_equal(wanted->kind, JSON_SCAN_STRING);
        ssize_t len = json_unescape(wanted->found, out, sizeof out);
        assert_int_equal(len, json_string_length(value));
        assert_memory_equal(out, json_string_value(value), (size_t)len);
        return;
    }
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
    assert_true(bytes_equal(wanted->found, bytes_of(json_is_integer(value) ? number
                                                    : json_is_true(value)  ? "true"
                                                                           : "null")));
}

static void random_values_are_found_as_jansson_has_them(void **state)
{
    (void)state;
    static const size_t flags[] = {0, JSON_COMPACT, JSON_INDENT(3), JSON_ENSURE_ASCII,
                                   JSON_ESCAPE_SLASH};
    enum { WANTED = 4 };
    struct random random;
    struct guard guard;
    random_init(&random, 1, 0);
    guard_init(&guard, 256 * 1024);
    for (int round = 0; round < 3000; round++) {
        json_t *root = random_value(&random, 5);
        char *text = json_dumps(root, flags[random_below(&random, 5)] | JSON_ENCODE_ANY);
        char pointers[WANTED][1024] = {{0}};
        const json_t *values[WANTED];
        struct json_wanted wanted[WANTED];
        assert_non_null(text);
        for (int i = 0; i < WANTED; i++) {
            values[i] = walk(&random, root, pointers[i], sizeof pointers[i]);
            assert_true(json_pointer_is_valid(bytes_of(pointers[i])));
            wanted[i] = (struct json_wanted){.pointer = bytes_of(pointers[i])};
        }
        json_find(guard_place(&guard, bytes_of(text)), wanted, WANTED);
        for (int i = 0; i < WANTED; i++)
            check_found(values[i], &wanted[i]);
        free(text);
        json_decref(root);
    }
    guard_fini(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_by_their_pointers),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(several_are_found_in_one_pass),
        cmocka_unit_test(two_hundred_levels_are_searched_and_no_more),
        cmocka_unit_test(pointers_are_checked),
        cmocka_unit_test(escapes_are_undone_within_the_room_there_is),
        cmocka_unit_test(what_is_escaped_reads_back_the_same),
        cmocka_unit_test(random_values_are_found_as_jansson_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

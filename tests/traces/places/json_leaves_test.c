/* json_leaves_test.c - a walk over all scalars: as jansson has them, and as json_find() finds them.
 */
#include "traces/places/json_leaves.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "core/json_scan.h"
#include "core/random.h"
#include "tests/core/guard.h"

static struct json_leaves leaves;
static struct guard guard;

static int set_up(void **state)
{
    (void)state;
    guard_init(&guard, 4 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guard_fini(&guard);
    return 0;
}

/* "pointer=written (name);" of each. */
static const char *leaves_of(const char *text)
{
    static char listed[1024];
    struct json_leaf leaf;
    size_t len = 0;
    listed[0] = '\0';
    json_leaves_start(&leaves, guard_place(&guard, bytes_of(text)));
    while (json_leaves_next(&leaves, &leaf))
        len += (size_t)snprintf(listed + len, sizeof listed - len, "%.*s=%.*s(%.*s);",
                                BYTES_ARG(leaf.pointer), BYTES_ARG(leaf.written),
                                BYTES_ARG(leaf.name));
    return listed;
}

static void leaves_come_with_pointers_and_names(void **state)
{
    (void)state;
    static const struct {
        const char *text, *leaves;
    } rows[] = {
        {"{\"a\":{\"ids\":[1,[2]],\"b\":null},\"c\":\"x\"}",
         "/a/ids/0=1(ids);/a/ids/1/0=2(ids);/a/b=null(b);/c=x(c);"},
        {" [ {\"id\" : true } , { } , [ ] , false ]", "/0/id=true(id);/3=false();"},
        {"{\"a/b\":1,\"m~n\":2,\"\":3,\"\\u0041\\n\":4}",
         "/a~1b=1(a~1b);/m~0n=2(m~0n);/=3();/A\n=4(A\n);"},
        {"\"alone\"", "=alone();"},
        {"-1.5e3", "=-1.5e3();"},
        {"\xef\xbb\xbf[1]", "/0=1();"},
        {"{\"a\":1,\"a\":2}", "/a=1(a);/a=2(a);"},
        {"{\"\\ud800\":1,\"b\":2}", "/b=2(b);"}, /* a name that is no text */
        {"{\"\\ud800\":{\"c\":1},\"b\":2}", "/b=2(b);"},
        {"[1,2", "/0=1();/1=2();"},
        {"[1,]", "/0=1();"},
        {"[1 2]", "/0=1();"},
        {"{\"a\":1,}", "/a=1(a);"},
        {"{\"a\" 1}", ""},
        {"{a:1}", ""},
        {"{\"a\":1]", "/a=1(a);"},
        {"[\"cut", ""},
        {"[tru]", ""},
        {"", ""},
        {" ", ""},
        {"{", ""},
        {"[}", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *listed = leaves_of(rows[i].text);
        if (strcmp(listed, rows[i].leaves) != 0)
            fail_msg("%s: %s", rows[i].text, listed);
    }
}

static void json_begins_behind_what_guards_it(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } rows[] = {
        {" {\"a\":1}", "{\"a\":1}"},
        {")]}',\n{\"a\":1}", "{\"a\":1}"},
        {"while(1);[1]", "[1]"},
        {"42[\"a\",1]", "[\"a\",1]"},
        {"17", "17"},
        {"\"a[b\"", "\"a[b\""},
        {"\xef\xbb\xbf \"a\"", "\"a\""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_true(bytes_equal(json_part(guard_place(&guard, bytes_of(rows[i].text))),
                                bytes_of(rows[i].part)));
}

static void two_hundred_levels_are_walked_and_no_more(void **state)
{
    (void)state;
    for (size_t depth = JSON_MAX_DEPTH - 1; depth <= JSON_MAX_DEPTH + 1; depth++) {
        char text[512];
        struct json_leaf leaf;
        memset(text, '[', depth);
        text[depth] = '1';
        memset(text + depth + 1, ']', depth);
        json_leaves_start(&leaves, bytes_make(text, 2 * depth + 1));
        assert_int_equal(json_leaves_next(&leaves, &leaf), depth <= JSON_MAX_DEPTH);
        if (depth <= JSON_MAX_DEPTH)
            assert_int_equal(leaf.pointer.len, 2 * depth);
        assert_false(json_leaves_next(&leaves, &leaf));
    }
}

/* What is beside a value that is too deep, or has too long a pointer, is there. */
static void what_has_no_pointer_is_passed_over(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(64 * 1024);
    struct json_leaf leaf;
    buf_printf(&text, "{\"%0*d\":1,\"%0*d\":{\"a\":1},\"b\":", PLACE_MAX_BYTES - 1, 0,
               PLACE_MAX_BYTES, 0);
    for (int i = 0; i < 300; i++)
        buf_append_char(&text, '[');
    for (int i = 0; i < 300; i++)
        buf_append_char(&text, ']');
    buf_append_text(&text, ",\"c\":3}");
    json_leaves_start(&leaves, guard_place(&guard, buf_bytes(&text)));
    assert_true(json_leaves_next(&leaves, &leaf));
    assert_int_equal(leaf.pointer.len, PLACE_MAX_BYTES);
    assert_true(json_leaves_next(&leaves, &leaf));
    assert_true(bytes_equal(leaf.pointer, bytes_of("/c")));
    assert_false(json_leaves_next(&leaves, &leaf));
    buf_fini(&text);
}

static void invalid_utf8_is_kept(void **state)
{
    (void)state;
    assert_string_equal(leaves_of("{\"\xff\":\"\xc3\x28\xfe\"}"), "/\xff=\xc3\x28\xfe(\xff);");
}

/* --- against jansson ---------------------------------------------------------------------- */

static json_t *random_text(struct random *random)
{
    static const char *const pieces[] = {"a",  "b",  "/", "~",        "\"",
                                         "\\", "\n", "1", "\xc3\xa9", " "};
    char text[32] = "";
    for (size_t n = random_below(random, 4), len = 0; n > 0; n--)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s",
                                pieces[random_below(random, sizeof pieces / sizeof pieces[0])]);
    return json_string(text);
}

static json_t *random_value(struct random *random, int depth)
{
    uint64_t kind = random_below(random, depth > 0 ? 8 : 4);
    if (kind == 0)
        return json_integer((json_int_t)random_below(random, 1000) - 500);
    if (kind == 1)
        return random_below(random, 2) ? json_true() : json_null();
    if (kind < 4)
        return random_text(random);
    json_t *value = kind < 6 ? json_array() : json_object();
    for (uint64_t n = random_below(random, 5); n > 0; n--) {
        if (kind < 6) {
            json_array_append_new(value, random_value(random, depth - 1));
            continue;
        }
        json_t *name = random_text(random);
        json_object_set_new(value, json_string_value(name), random_value(random, depth - 1));
        json_decref(name);
    }
    return value;
}

static size_t count_scalars(const json_t *value)
{
    size_t count = 0, index;
    const char *name;
    json_t *member;
    if (json_is_array(value)) {
        json_array_foreach(value, index, member) count += count_scalars(member);
    } else if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, name, member) count +=
            count_scalars(member);
    } else {
        return 1;
    }
    return count;
}

static void every_scalar_comes_once_and_is_found_by_its_pointer(void **state)
{
    (void)state;
    static const size_t flags[] = {JSON_COMPACT, JSON_INDENT(2), JSON_ENSURE_ASCII,
                                   JSON_ESCAPE_SLASH};
    struct random random;
    random_init(&random, 1, 0);
    for (int i = 0; i < 2000; i++) {
        json_t *root = random_value(&random, 5);
        char *dumped = json_dumps(root, flags[random_below(&random, 4)] | JSON_ENCODE_ANY);
        struct bytes text = guard_place(&guard, bytes_of(dumped));
        struct json_leaf leaf;
        size_t count = 0;
        json_leaves_start(&leaves, text);
        for (; json_leaves_next(&leaves, &leaf); count++) {
            struct json_wanted wanted = {.pointer = leaf.pointer};
            assert_int_equal(json_find(text, &wanted, 1), 1);
            assert_ptr_equal(wanted.found.ptr, leaf.written.ptr);
            assert_int_equal(wanted.found.len, leaf.written.len);
            assert_int_equal(wanted.kind, leaf.kind);
        }
        assert_int_equal(count, count_scalars(root));
        free(dumped);
        json_decref(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_come_with_pointers_and_names),
        cmocka_unit_test(json_begins_behind_what_guards_it),
        cmocka_unit_test(two_hundred_levels_are_walked_and_no_more),
        cmocka_unit_test(what_has_no_pointer_is_passed_over),
        cmocka_unit_test(invalid_utf8_is_kept),
        cmocka_unit_test(every_scalar_comes_once_and_is_found_by_its_pointer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* html_walk_test.c - the values of pages, whole and broken. */
#include "traces/places/html_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/core/guard.h"

static struct guard guard;

static int set_up(void **state)
{
    (void)state;
    guard_init(&guard, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guard_fini(&guard);
    return 0;
}

/* "input name=value;" of each, as written. */
static const char *items_of(struct bytes page)
{
    static char text[2048];
    struct html_walk walk;
    struct html_item item;
    size_t len = 0;
    text[0] = '\0';
    html_walk_start(&walk, guard_place(&guard, page));
    while (html_walk_next(&walk, &item) && len < sizeof text - 200)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s %.*s=%.*s;",
                                place_kind_name(item.kind) + 5, BYTES_ARG(item.name),
                                BYTES_ARG(item.value));
    return text;
}

static void values_are_found_in_tags(void **state)
{
    (void)state;
    static const struct {
        const char *page, *items;
    } rows[] = {
        {"<input name=a value=b>", "input a=b;"},
        {"<INPUT VALUE = 'b c' NAME\n=\t\"a\"/>", "input a=b c;"},
        {"<input name=a value=b/>", "input a=b/;"},
        {"<input name=a><input value=b><input name=a value>", ""},
        {"<input name=a name=b value=1 value=2>", "input a=1;"},
        {"<button name=a value=b>", "input a=b;"},
        {"<input name=a value='x>y'>", "input a=x>y;"},
        {"<p data-a=1 DATA-b='2' data-=3 data-c>", "data a=1;data b=2;"},
        {"<input name=a value=b data-c=d>", "input a=b;data c=d;"},
        {"<a href=/x src='/y' action=\"\">", "href =/x;href =/y;"},
        {"<meta name=a content=b><meta property='c:d' content=e><meta content=f>",
         "meta a=b;meta c:d=e;"},
        {"<textarea name=a>\r\nx<b>y</textarea>", "input a=x<b>y;"},
        {"<textarea name=a></textarea><textarea name=b>cut", "input b=cut;"},
        {"<select name=s><option>  one </option><option value=2 selected>two</select>",
         "input s=2;"},
        {"<select name=s><option value=1><option value=2></select>", "input s=1;"},
        {"<select name=s><option value=1><select name=t><option>x", "input s=1;input t=x;"},
        {"<select name=s></select><option value=1 selected>", ""},
        {"<script>a<b</script><script id=i>{}</script>", "script =a<b;script i={};"},
        {"<script src=/x></script>", "href =/x;"},
        {"<script>cut <input name=a value=b>", "script =cut <input name=a value=b>;"},
        {"<style>a{} <input name=a value=b></style><p data-x=1>", "data x=1;"},
        {"<!-- <input name=a value=b> --><p data-x=1>", "data x=1;"},
        {"<!--><p data-x=1>", "data x=1;"},
        {"<!-- cut <p data-x=1>", ""},
        {"<!doctype html><?php ?><p data-x=1>", "data x=1;"},
        {"< p data-x=1><3 data-x=1></p data-x=1>", ""},
        {"<p data-x=1", ""},
        {"<p data-x='1", ""},
        {"<p data-x=", ""},
        {"<p =x data-y=1>", "data y=1;"},
        {"a < b <p data-x=1>", "data x=1;"},
        {"<inputs name=a value=b>", ""},
        {"", ""},
        {"<", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *items = items_of(bytes_of(rows[i].page));
        if (strcmp(items, rows[i].items) != 0)
            fail_msg("%s: %s", rows[i].page, items);
    }
}

static void scripts_are_numbered(void **state)
{
    (void)state;
    struct html_walk walk;
    struct html_item item;
    html_walk_start(&walk, bytes_of("<script></script><script>x</script><p data-x=1><script>y"));
    assert_true(html_walk_next(&walk, &item));
    assert_int_equal(item.script, 2);
    assert_null(item.name.ptr);
    assert_true(html_walk_next(&walk, &item));
    assert_int_equal(item.kind, PLACE_HTML_DATA);
    assert_true(html_walk_next(&walk, &item));
    assert_int_equal(item.script, 3);
    assert_false(html_walk_next(&walk, &item));
    assert_false(html_walk_next(&walk, &item));
}

/* Cut anywhere a page gives what comes before the cut, and reads no byte behind it. */
static void a_page_may_be_cut_anywhere(void **state)
{
    (void)state;
    struct bytes page =
        bytes_of("<!-- c --><input name=a value='b'><select name=s><option selected>1"
                 "</select><textarea name=t>x</textarea><script id=i>{}</script>"
                 "<a href=\"/x\" data-y=z><style>p</style>");
    for (size_t len = 0; len <= page.len; len++) {
        const char *items = items_of(bytes_make(page.ptr, len));
        if (len > 40)
            assert_int_equal(strncmp(items, "input a=b;", 10), 0);
    }
}

/* Each is read in time that does not grow with its square. */
static void what_only_begins_is_given_up(void **state)
{
    (void)state;
    static const char *const begins[] = {"<",  "<a ",   "<!--",       "<script>",       "<p a='",
                                         "</", "<a = ", "<textarea>", "<select name=a>"};
    size_t size = 1 << 20;
    char *page = malloc(size);
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        size_t len = 0, step = strlen(begins[i]);
        for (; len + step <= size; len += step)
            memcpy(page + len, begins[i], step);
        items_of(bytes_make(page, len));
    }
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_in_tags),
        cmocka_unit_test(scripts_are_numbered),
        cmocka_unit_test(a_page_may_be_cut_anywhere),
        cmocka_unit_test(what_only_begins_is_given_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

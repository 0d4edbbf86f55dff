/* xml_walk_test.c - values of XML by the way to them, in documents whole and broken. */
#include "traces/places/xml_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/core/guard.h"

static struct guard guard;
static char space[64];

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

static struct xml_text find(const char *way, const char *document)
{
    struct xml_text text;
    xml_find(bytes_of(way), guard_place(&guard, bytes_of(document)),
             (struct room){space, sizeof space}, &text);
    return text;
}

static void values_are_found_by_their_ways(void **state)
{
    (void)state;
    static const struct {
        const char *document, *way, *found; /* NULL: nothing */
    } rows[] = {
        {"<a>1</a>", "/a", "1"},
        {"<a>1</a>", "/b", NULL},
        {"<a> 1 &amp; 2\n</a>", "/a", "1 & 2"},
        {"<a><b>1</b><c/><b>2</b></a>", "/a/b", "1"},
        {"<a><b>1</b><c/><b>2</b></a>", "/a/b[2]", "2"},
        {"<a><b>1</b><c/><b>2</b></a>", "/a/b[3]", NULL},
        {"<a><b>1</b></a>", "/a", NULL}, /* has an element in it */
        {"<a>x<b>1</b>y</a>", "/a", NULL},
        {"<a><b><c>1</c></b><b><c>2</c></b></a>", "/a/b[2]/c", "2"},
        {"<a><x><b>0</b></x><b>1</b></a>", "/a/b", "1"},
        {"<a x='1' y=\"&lt;\"/>", "/a/@y", "<"},
        {"<a x='1' x='2'/>", "/a/@x", "1"},
        {"<a x='1'/>", "/a/@y", NULL},
        {"<a><b x='1'/><b x='2'/></a>", "/a/b[2]/@x", "2"},
        {"<s:a xmlns:s='u'><s:b>1</s:b></s:a>", "/s:a/s:b", "1"},
        {"<a><![CDATA[<b>&amp;]]></a>", "/a", "<b>&amp;"},
        {"<a>x<![CDATA[<]]>&gt;<!-- c -->z</a>", "/a", "x<>z"},
        {"<?xml version='1.0'?><!DOCTYPE a [<!ELEMENT a ANY>]>\n<a>1</a>", "/a", "1"},
        {"<!DOCTYPE a SYSTEM 'x'><a>1</a>", "/a", "1"},
        {"<!-- <a>0</a> --><a>1</a>", "/a", "1"},
        {"<a></a>", "/a", NULL},
        {"<a/>", "/a", NULL},
        {"<a><b>1</b>", "/a/b", "1"}, /* cut behind it */
        {"<a><b>1", "/a/b", NULL},
        {"<a><b>1</c></a>", "/a/b", NULL},
        {"<a>1</b>", "/a", NULL},
        {"</a><a>1</a>", "/a", NULL},
        {"<a x=1>1</a>", "/a", NULL}, /* no XML */
        {"<a x='1>1</a>", "/a", NULL},
        {"<a><![CDATA[1</a>", "/a", NULL},
        {"", "/a", NULL},
        {"<", "/a", NULL},
        {"text", "/a", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes found = find(rows[i].way, rows[i].document).text;
        if (!rows[i].found ? found.ptr != NULL : !bytes_equal(found, bytes_of(rows[i].found)))
            fail_msg("%s in %s: '%.*s'", rows[i].way, rows[i].document, BYTES_ARG(found));
    }
}

static void what_stands_in_one_piece_is_also_told_as_written(void **state)
{
    (void)state;
    struct xml_text text = find("/a", "<a> x &lt; </a>");
    assert_true(bytes_equal(text.written, bytes_of("x &lt;")) && !text.is_plain);
    text = find("/a", "<a><![CDATA[ x ]]></a>");
    assert_true(bytes_equal(text.written, bytes_of("x")) && text.is_plain);
    text = find("/a", "<a>x<!-- -->y</a>");
    assert_null(text.written.ptr);
    assert_true(bytes_equal(text.text, bytes_of("xy")));
}

static void text_that_does_not_fit_is_nothing(void **state)
{
    (void)state;
    char document[256];
    for (int len = 60; len < 70; len++) {
        snprintf(document, sizeof document, "<a>x<!-- -->%0*d</a>", len - 1, 0);
        assert_int_equal(find("/a", document).text.len, len <= 64 ? len : 0);
        snprintf(document, sizeof document, "<a>&lt;<!-- -->%0*d</a>", len - 1, 0);
        assert_int_equal(find("/a", document).text.len, len <= 64 ? len : 0);
    }
}

static void sixty_four_elements_are_entered_and_no_more(void **state)
{
    (void)state;
    for (int depth = XML_MAX_DEPTH - 1; depth <= XML_MAX_DEPTH + 1; depth++) {
        char document[1024] = "", way[256] = "";
        size_t len = 0;
        for (int i = 0; i < depth; i++) {
            len += (size_t)snprintf(document + len, sizeof document - len, "<a>");
            memcpy(way + 2 * i, "/a", 3);
        }
        len += (size_t)snprintf(document + len, sizeof document - len, "1");
        for (int i = 0; i < depth; i++)
            len += (size_t)snprintf(document + len, sizeof document - len, "</a>");
        assert_int_equal(find(way, document).text.len, depth <= XML_MAX_DEPTH);
    }
}

static void what_only_begins_is_given_up(void **state)
{
    (void)state;
    static const char *const begins[] = {"<",     "<a", "<a>",  "<!--", "<![CDATA[", "<a b='",
                                         "<!D [", "<?", "<a/>", "&",    "<a b='c'"};
    size_t size = (1 << 20) - 1;
    char *document = malloc(size + 1);
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        size_t len = 0, step = strlen(begins[i]);
        for (; len + step <= size; len += step)
            memcpy(document + len, begins[i], step);
        document[len] = '\0';
        find("/a/b", document);
    }
    free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_by_their_ways),
        cmocka_unit_test(what_stands_in_one_piece_is_also_told_as_written),
        cmocka_unit_test(text_that_does_not_fit_is_nothing),
        cmocka_unit_test(sixty_four_elements_are_entered_and_no_more),
        cmocka_unit_test(what_only_begins_is_given_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

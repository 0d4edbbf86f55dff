/* place_test.c - places are read as FORMAT.md writes them, and lead where they say. */
#include "traces/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct place parse(const char *text, enum place_side side)
{
    struct place place;
    struct error err;
    if (place_parse(bytes_of(text), side, &place, &err))
        fail_msg("%s: %s", text, err.text);
    return place;
}

static void what_is_read_is_written_the_same(void **state)
{
    (void)state;
    static const char *const answers[] = {"body:",
                                          "body:/a b/0",
                                          "header:ETag",
                                          "header:Link 2",
                                          "cookie:sid",
                                          "cookie:sid 3",
                                          "header:Location > path:2",
                                          "body:/next > query:cursor",
                                          "body:/next > query:c 2"};
    static const char *const requests[] = {"path:1",        "query:items[]", "query:items[] 2",
                                           "header:X-Id",   "cookie:sid",    "body:/a/b",
                                           "form:csrf%20x", "form:x 10"};
    struct buf out = BUF_INIT(PLACE_MAX_BYTES);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct place place = parse(answers[i], PLACE_IN_ANSWER);
        buf_clear(&out);
        place_format(&place, &out);
        assert_string_equal(buf_text(&out), answers[i]);
    }
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct place place = parse(requests[i], PLACE_IN_REQUEST);
        buf_clear(&out);
        place_format(&place, &out);
        assert_string_equal(buf_text(&out), requests[i]);
    }
    buf_fini(&out);
}

static void what_is_no_place_is_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        enum place_side side;
        const char *text, *why;
    } rows[] = {
        {PLACE_IN_ANSWER, "", "no place: it begins like body: or header:"},
        {PLACE_IN_ANSWER, "body", "no place: it begins like body: or header:"},
        {PLACE_IN_ANSWER, "ws:1:/id", "this reprise knows no such kind of place"},
        {PLACE_IN_ANSWER, "html:input", "this reprise knows no such kind of place"},
        {PLACE_IN_ANSWER, "Body:/id", "this reprise knows no such kind of place"},
        {PLACE_IN_ANSWER, "body:id", "body: takes a JSON pointer like /jobs/0/id"},
        {PLACE_IN_ANSWER, "body:/~2", "body: takes a JSON pointer like /jobs/0/id"},
        {PLACE_IN_ANSWER, "path:1", "an answer has no path:"},
        {PLACE_IN_ANSWER, "form:a", "an answer has no form:"},
        {PLACE_IN_REQUEST, "path:0", "path: takes the number of a segment, from 1"},
        {PLACE_IN_REQUEST, "path:x", "path: takes the number of a segment, from 1"},
        {PLACE_IN_REQUEST, "path:01", "path: takes the number of a segment, from 1"},
        {PLACE_IN_REQUEST, "path:4294967296", "path: takes the number of a segment, from 1"},
        {PLACE_IN_REQUEST, "header:a b", "behind header: NAME only a number may follow, from 1"},
        {PLACE_IN_REQUEST, "header:", "header: takes a name, as it is written in the message"},
        {PLACE_IN_REQUEST, "header:a:b", "header: takes a name, as it is written in the message"},
        {PLACE_IN_REQUEST, "cookie:a=b", "cookie: takes a name, as it is written in the message"},
        {PLACE_IN_REQUEST, "query:a&b", "query: takes a name, as it is written in the message"},
        {PLACE_IN_REQUEST, "query:a\n", "query: takes a name, as it is written in the message"},
        {PLACE_IN_REQUEST, "header:Referer > path:1",
         "behind ' > ', in an answer's place, comes path: or query:"},
        {PLACE_IN_ANSWER, "header:A > header:B",
         "behind ' > ', in an answer's place, comes path: or query:"},
        {PLACE_IN_ANSWER, "header:A > path:1 > path:2",
         "path: takes the number of a segment, from 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct place place;
        struct error err = {0};
        if (place_parse(bytes_of(rows[i].text), rows[i].side, &place, &err) != -1)
            fail_msg("not refused: %s", rows[i].text);
        assert_string_equal(err.text, rows[i].why);
        assert_int_equal(err.exit_code, EXIT_INPUT);
    }
    static char longest[PLACE_MAX_BYTES + 2];
    struct place place;
    struct error err = {0};
    snprintf(longest, sizeof longest, "body:/%0*d", PLACE_MAX_BYTES - 6, 0);
    parse(longest, PLACE_IN_ANSWER);
    longest[PLACE_MAX_BYTES] = '0';
    assert_int_equal(place_parse(bytes_of(longest), PLACE_IN_ANSWER, &place, &err), -1);
}

/* What the place leads to in a message; "-" for nothing. */
static const char *text_of(struct bytes found)
{
    static char text[256];
    snprintf(text, sizeof text, "%.*s", BYTES_ARG(found));
    return found.ptr ? text : "-";
}

static void headers_and_cookies_of_an_answer_are_found(void **state)
{
    (void)state;
    const struct http_header headers[] = {
        {bytes_of("Link"), bytes_of("</a>")},
        {bytes_of("Set-Cookie"), bytes_of("sid=1; Path=/; HttpOnly")},
        {bytes_of("LINK"), bytes_of("</b>")},
        {bytes_of("set-cookie"), bytes_of(" sid = a=b ; Path=/x")},
        {bytes_of("Set-Cookie"), bytes_of("empty=")},
        {bytes_of("Set-Cookie"), bytes_of("bare")},
    };
    static const struct {
        const char *place, *found;
    } rows[] = {
        {"header:link", "</a>"}, {"header:Link 2", "</b>"}, {"header:Link 3", "-"},
        {"header:Lin", "-"},     {"cookie:sid", "1"},       {"cookie:sid 2", "a=b"},
        {"cookie:empty", ""},    {"cookie:bare", ""},       {"cookie:Path", "-"},
        {"cookie:SID", "-"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct place place = parse(rows[i].place, PLACE_IN_ANSWER);
        struct bytes found = place.step.kind == PLACE_HEADER
                                 ? place_find_header(&place.step, headers, 6)
                                 : place_find_set_cookie(&place.step, headers, 6);
        if (strcmp(text_of(found), rows[i].found) != 0)
            fail_msg("%s: %s", rows[i].place, text_of(found));
    }
}

static void parts_of_urls_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *place, *url, *found;
    } rows[] = {
        {"path:1", "/jobs/17?a=1", "jobs"},
        {"path:2", "/jobs/17?a=1", "17"},
        {"path:3", "/jobs/17?a=1", "-"},
        {"path:2", "/jobs/", ""},
        {"path:2", "/a//b", ""},
        {"path:3", "/a//b", "b"},
        {"path:1", "/", ""},
        {"path:2", "http://h:80/jobs/17#top", "17"},
        {"path:1", "http://h", "-"},
        {"path:2", "jobs/17", "17"},
        {"query:a", "/x?a=1&b=2", "1"},
        {"query:b", "/x?a=1&b=2#f", "2"},
        {"query:b", "/x?a=1&b=", ""},
        {"query:b", "/x?a=1&b", ""},
        {"query:c", "/x?a=1&b=2", "-"},
        {"query:a", "/x", "-"},
        {"query:a 2", "/x?a=1&b=2&a=3", "3"},
        {"query:a", "http://h?a=1", "1"},
        {"query:a[]", "/x?a[]=1", "1"},
        {"query:a", "/x?aa=1&a=b=c", "b=c"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct place place = parse(rows[i].place, PLACE_IN_REQUEST);
        struct bytes found = place_find_in_url(&place.step, bytes_of(rows[i].url));
        if (strcmp(text_of(found), rows[i].found) != 0)
            fail_msg("%s in %s: %s", rows[i].place, rows[i].url, text_of(found));
    }
}

static void cookies_and_fields_of_a_request_are_found(void **state)
{
    (void)state;
    struct place cookie = parse("cookie:b", PLACE_IN_REQUEST);
    struct place field = parse("form:b", PLACE_IN_REQUEST);
    assert_string_equal(text_of(place_find_cookie(&cookie.step, bytes_of("a=1; b=x=y ;c=3"))),
                        "x=y");
    assert_string_equal(text_of(place_find_cookie(&cookie.step, bytes_of("ab=1"))), "-");
    assert_string_equal(text_of(place_find_cookie(&cookie.step, bytes_of(""))), "-");
    assert_string_equal(text_of(place_find_field(&field.step, bytes_of("a=1&b=%20x&c"))), "%20x");
    assert_string_equal(text_of(place_find_field(&field.step, bytes_of("B=1"))), "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written_the_same),
        cmocka_unit_test(what_is_no_place_is_refused_in_words),
        cmocka_unit_test(headers_and_cookies_of_an_answer_are_found),
        cmocka_unit_test(parts_of_urls_are_found),
        cmocka_unit_test(cookies_and_fields_of_a_request_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

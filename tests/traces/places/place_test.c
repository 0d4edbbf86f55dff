/* place_test.c - places are read as FORMAT.md writes them, and lead where they say. */
#include "traces/places/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "traces/places/place_parts.h"

static struct place parse(const char *text, enum place_side side)
{
    struct place place;
    struct error err;
    if (place_parse(bytes_of(text), side, &place, &err))
        fail_msg("%s: %s", text, err.text);
    return place;
}

static void expect_the_same(const char *text, enum place_side side)
{
    struct buf out = BUF_INIT(PLACE_MAX_BYTES);
    struct place place = parse(text, side);
    place_format(&place, &out);
    assert_string_equal(buf_text(&out), text);
    buf_fini(&out);
}

static void what_is_read_is_written_the_same(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "body:",
        "body:/a b/0",
        "body:\"/a > b\"",
        "body:\"/line\\nend\"",
        "header:ETag",
        "header:Link 2",
        "cookie:sid",
        "cookie:sid 3",
        "header:Location > path:2",
        "body:/next > query:cursor",
        "body:/next > query:c 2",
        "form:oauth_token",
        "html:input[csrf]",
        "html:input[user[name]] 2",
        "html:input[\"a b\"]",
        "html:meta[og:url]",
        "html:data[job-id] 7",
        "html:href[/jobs/] 2 > path:2",
        "html:script[state] > body:/csrf",
        "html:script[2] 3 > body:/csrf",
        "html:script[2] > text:\"id = '\" \"'\"",
        "xml:/order/item[2]/@id",
        "xml:/s:Envelope/s:Body",
        "sse:message > body:/id",
        "sse:\"a b\" 2 > body:/id",
        "ws: > body:/id",
        "ws:/type=hello > body:/id",
        "ws:\"/a=b\"=\"x y\" > body:/id",
        "ws:/type=\"\" > body:",
        "text:\"csrf = \\\"\" \"\\\"\"",
        "text:\"\" \"\"",
        "text:\"a > b\" \"\\n\" 2",
        "body:/token > jwt:/sub",
        "header:Link > link:next > query:page",
        "header:WWW-Authenticate > param:nonce 2",
        "cookie:sid > param:Path",
        "cookie:XSRF-TOKEN > percent:",
        "body:/blob > base64: > body:/id",
        "new:uuid",
        "new:time_iso",
        "data:email",
        "data:\"e mail\"",
    };
    static const char *const requests[] = {
        "path:1",
        "query:items[]",
        "query:items[] 2",
        "header:X-Id",
        "cookie:sid",
        "body:/a/b",
        "form:csrf%20x",
        "form:x 10",
        "multipart:a",
        "multipart:a 2",
        "multipart:\"a b\" > filename:",
        "ws:12",
        "ws:3 > body:/id",
        "xml:/a/b",
        "text:\"id=\" \"\"",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        expect_the_same(answers[i], PLACE_IN_ANSWER);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        expect_the_same(requests[i], PLACE_IN_REQUEST);
}

static void names_are_known_whatever_their_quotes(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"multipart:a", "multipart:\"a\""},
        {"body:/a>b", "body:\"/a>b\""},
        {"html:input[a/b]", "html:input[\"a\\/b\"]"},
        {"sse:\"\\u0061\"", "sse:a"},
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        enum place_side side = i == 0 ? PLACE_IN_REQUEST : PLACE_IN_ANSWER;
        struct place a = parse(same[i][0], side), b = parse(same[i][1], side);
        assert_true(place_equal(&a, &b));
    }
    struct place a = parse("body:/a", PLACE_IN_ANSWER), b = parse("body:/b", PLACE_IN_ANSWER);
    assert_false(place_equal(&a, &b));
    b = parse("body:/a > path:1", PLACE_IN_ANSWER);
    assert_false(place_equal(&a, &b));
    b = place_rest(&b);
    assert_int_equal(b.step_count, 1);
    assert_int_equal(b.steps[0].kind, PLACE_PATH);
}

/* A place made of names and not of text: whatever is in them, it is read again as the same. */
static void any_name_can_be_written(void **state)
{
    (void)state;
    static const char *const names[] = {"a",  "a b",  "\"", "]", "a]", "a] 2",     "\n", " > ",
                                        "\\", "\x7f", "[",  "=", ">",  "\xff\xfe", "12"};
    static const enum place_kind kinds[] = {PLACE_HTML_INPUT, PLACE_SSE, PLACE_DATA, PLACE_TEXT,
                                            PLACE_HTML_HREF};
    struct buf out = BUF_INIT(PLACE_MAX_BYTES);
    for (size_t i = 0; i < sizeof names / sizeof names[0] * 5; i++) {
        struct place place = {.step_count = 1}, again;
        struct error err;
        enum place_kind kind = kinds[i % 5];
        place.steps[0] = (struct place_step){
            .kind = kind, .number = kind != PLACE_SSE, .name = bytes_of(names[i / 5])};
        if (kind == PLACE_TEXT)
            place.steps[0].other = bytes_of(names[i / 5]);
        assert_true(place_name_is_valid(kind, place.steps[0].name));
        buf_clear(&out);
        place_format(&place, &out);
        if (place_parse(buf_bytes(&out), PLACE_IN_ANSWER, &again, &err))
            fail_msg("%s: %s", buf_text(&out), err.text);
        if (!place_equal(&place, &again))
            fail_msg("%s", buf_text(&out));
    }
    buf_fini(&out);
}

static void a_copy_outlives_its_text(void **state)
{
    (void)state;
    char text[] = "ws:/type=hello > body:/id";
    struct place place = parse(text, PLACE_IN_ANSWER), copy;
    struct arena arena;
    arena_init(&arena, 4096);
    assert_int_equal(place_copy(&place, &arena, &copy), 0);
    memset(text, 'x', sizeof text - 1);
    place = parse("ws:/type=hello > body:/id", PLACE_IN_ANSWER);
    assert_true(place_equal(&place, &copy));
    arena_fini(&arena);
    arena_init(&arena, 1);
    assert_int_equal(place_copy(&place, &arena, &copy), -1);
    arena_fini(&arena);
}

static void what_is_no_place_is_refused_in_words(void **state)
{
    (void)state;
    static const char pointer[] = "body: takes a JSON pointer like /jobs/0/id",
                      bracket[] = "html:input takes a name in brackets, and one with a space in "
                                  "quotes in them",
                      way[] = "xml: takes the way to an element like /order/item[2]/@id",
                      inside[] = "behind ' > ', in an answer's place, comes body:, path:, query:, "
                                 "text:, jwt:, link:, param:, base64: or percent:",
                      choice[] =
                          "ws: takes nothing, or a JSON pointer and what is there: /type=hello",
                      texts[] = "text: takes what is left and right of it, each in quotes as in "
                                "JSON: text:\"id=\" \";\"";
    static const struct {
        enum place_side side;
        const char *text, *why;
    } rows[] = {
        {PLACE_IN_ANSWER, "", "no place: it begins like body: or header:"},
        {PLACE_IN_ANSWER, "body", "no place: it begins like body: or header:"},
        {PLACE_IN_ANSWER, "css:1:/id", "this reprise knows no such kind of place"},
        {PLACE_IN_ANSWER, "html:input",
         "html: knows input[NAME], meta[NAME], data[NAME], href[/prefix/] and script[ID]"},
        {PLACE_IN_ANSWER, "html:div[a]",
         "html: knows input[NAME], meta[NAME], data[NAME], href[/prefix/] and script[ID]"},
        {PLACE_IN_ANSWER, "html:input[]", bracket},
        {PLACE_IN_ANSWER, "html:input[a", bracket},
        {PLACE_IN_ANSWER, "html:input[a b]", bracket},
        {PLACE_IN_ANSWER, "html:input[\"a\"", bracket},
        {PLACE_IN_ANSWER, "html:input[a]b", bracket},
        {PLACE_IN_ANSWER, "html:input[\"a\"]b",
         "behind html:input: NAME only a number may follow, from 1"},
        {PLACE_IN_ANSWER, "Body:/id", "this reprise knows no such kind of place"},
        {PLACE_IN_ANSWER, "body:id", pointer},
        {PLACE_IN_ANSWER, "body:/~2", pointer},
        {PLACE_IN_ANSWER, "body:/a\n", pointer},
        {PLACE_IN_ANSWER, "body:\"/a\" 2", "nothing but ' > ' may follow body: here"},
        {PLACE_IN_ANSWER, "path:1", "an answer has no path:"},
        {PLACE_IN_ANSWER, "jwt:/a", "an answer has no jwt:"},
        {PLACE_IN_ANSWER, "multipart:a", "an answer has no multipart:"},
        {PLACE_IN_REQUEST, "html:input[a]", "a request has no html:input:"},
        {PLACE_IN_REQUEST, "new:uuid", "a request has no new:"},
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
        {PLACE_IN_REQUEST, "multipart:\"a",
         "multipart: takes a name, as it is written in the message"},
        {PLACE_IN_REQUEST, "ws:", "ws: takes the number of a client's message, from 1"},
        {PLACE_IN_REQUEST, "ws:/type=a", "ws: takes the number of a client's message, from 1"},
        {PLACE_IN_ANSWER, "ws:1", choice},
        {PLACE_IN_ANSWER, "ws:/type", choice},
        {PLACE_IN_ANSWER, "ws:/type=", choice},
        {PLACE_IN_ANSWER, "ws:/type=a b", "nothing but ' > ' may follow ws: here"},
        {PLACE_IN_ANSWER, "xml:order", way},
        {PLACE_IN_ANSWER, "xml:/", way},
        {PLACE_IN_ANSWER, "xml:/@a", way},
        {PLACE_IN_ANSWER, "xml:/a/@b/c", way},
        {PLACE_IN_ANSWER, "xml:/a[0]", way},
        {PLACE_IN_ANSWER, "text:a b", texts},
        {PLACE_IN_ANSWER, "text:\"a\"", texts},
        {PLACE_IN_ANSWER, "text:\"a\\x\" \"\"", texts},
        {PLACE_IN_ANSWER, "new:password",
         "new: knows uuid, hex, digits, text, email, time_s, time_ms and time_iso"},
        {PLACE_IN_ANSWER, "new:uuid > path:1", "nothing is inside new:"},
        {PLACE_IN_REQUEST, "header:Referer > path:1",
         "behind ' > ', in a request's place, comes filename: of a multipart: or body: of a ws:"},
        {PLACE_IN_ANSWER, "header:A > header:B", inside},
        {PLACE_IN_ANSWER, "header:A > filename:", inside},
        {PLACE_IN_ANSWER, "header:A > path:1 >", "path: takes the number of a segment, from 1"},
        {PLACE_IN_ANSWER, "body:/a > jwt:/b > body: > path:1 > path:1", "more than 4 steps"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct place place;
        struct error err = {0};
        if (place_parse(bytes_of(rows[i].text), rows[i].side, &place, &err) != -1)
            fail_msg("not refused: %s", rows[i].text);
        if (strcmp(err.text, rows[i].why) != 0)
            fail_msg("%s: %s", rows[i].text, err.text);
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
        struct bytes found = place.steps[0].kind == PLACE_HEADER
                                 ? place_find_header(&place.steps[0], headers, 6)
                                 : place_find_set_cookie(&place.steps[0], headers, 6, NULL);
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
        struct bytes found = place_find_in_url(&place.steps[0], bytes_of(rows[i].url));
        if (strcmp(text_of(found), rows[i].found) != 0)
            fail_msg("%s in %s: %s", rows[i].place, rows[i].url, text_of(found));
    }
}

static void cookies_and_fields_of_a_request_are_found(void **state)
{
    (void)state;
    struct place cookie = parse("cookie:b", PLACE_IN_REQUEST);
    struct place field = parse("form:b", PLACE_IN_REQUEST);
    assert_string_equal(text_of(place_find_cookie(&cookie.steps[0], bytes_of("a=1; b=x=y ;c=3"))),
                        "x=y");
    assert_string_equal(text_of(place_find_cookie(&cookie.steps[0], bytes_of("ab=1"))), "-");
    assert_string_equal(text_of(place_find_cookie(&cookie.steps[0], bytes_of(""))), "-");
    assert_string_equal(text_of(place_find_field(&field.steps[0], bytes_of("a=1&b=%20x&c"))),
                        "%20x");
    assert_string_equal(text_of(place_find_field(&field.steps[0], bytes_of("B=1"))), "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written_the_same),
        cmocka_unit_test(names_are_known_whatever_their_quotes),
        cmocka_unit_test(any_name_can_be_written),
        cmocka_unit_test(a_copy_outlives_its_text),
        cmocka_unit_test(what_is_no_place_is_refused_in_words),
        cmocka_unit_test(headers_and_cookies_of_an_answer_are_found),
        cmocka_unit_test(parts_of_urls_are_found),
        cmocka_unit_test(cookies_and_fields_of_a_request_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

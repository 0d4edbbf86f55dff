/* place_find_test.c - a place leads to its value, of several to the one it means, and to nothing
 * where there is nothing. */
#include "traces/places/place_find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/core/guard.h"

static struct place_scratch *scratch;
static struct guard guard;

static int set_up(void **state)
{
    (void)state;
    scratch = place_scratch_new();
    guard_init(&guard, 1 << 20);
    return scratch ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    place_scratch_free(scratch);
    guard_fini(&guard);
    return 0;
}

static struct place parse(const char *text, enum place_side side)
{
    struct place place;
    struct error err;
    if (place_parse(bytes_of(text), side, &place, &err))
        fail_msg("%s: %s", text, err.text);
    return place;
}

static struct bytes find_bytes(const char *text, struct bytes body)
{
    struct place place = parse(text, PLACE_IN_ANSWER);
    const struct message_view message = {.side = PLACE_IN_ANSWER,
                                         .body = guard_place(&guard, body)};
    return place_find(&place, &message, scratch);
}

/* NULL: nothing. */
static const char *find(const char *text, const char *body)
{
    static char found_text[256];
    struct bytes found = find_bytes(text, bytes_of(body));
    snprintf(found_text, sizeof found_text, "%.*s", BYTES_ARG(found));
    return found.ptr ? found_text : NULL;
}

struct row {
    const char *body, *place, *found;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *found = find(rows[i].place, rows[i].body);
        if (!found != !rows[i].found || (found && strcmp(found, rows[i].found) != 0))
            fail_msg("%s in %s: %s", rows[i].place, rows[i].body, found ? found : "(nothing)");
    }
}

static void the_first_of_a_name_counts_and_a_number_says_another(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"id\":1,\"id\":2}", "body:/id", "1"},
        {"{\"id\":null,\"id\":2}", "body:/id", NULL},
        {"{\"id\":\"\"}", "body:/id", ""},
        {"<input name=a value=1><input name=a value=2>", "html:input[a]", "1"},
        {"<input name=a value=1><input name=a value=2>", "html:input[a] 2", "2"},
        {"<input name=a value=1><input name=a value=2>", "html:input[a] 3", NULL},
        {"<input name=a value=1>", "html:input[A]", NULL},
        {"<p data-JOB=1><p data-job=2>", "html:data[Job] 2", "2"},
        {"<script></script><script id=i>{\"a\":1}</script>", "html:script[i] > body:/a", "1"},
        {"<script></script><script id=i>{\"a\":1}</script>", "html:script[2] > body:/a", "1"},
        {"<script></script><script id=i>{\"a\":1}</script>", "html:script[1] > body:/a", NULL},
        {"<script>x=1;y={\"a\":1};z={\"a\":2}</script>", "html:script[1] 2 > body:/a", "2"},
        {"<script>x='1'</script>", "html:script[1]", "x='1'"},
        {"<script>x='1'</script>", "html:script[1] > text:\"x='\" \"'\"", "1"},
        {"a=1&b=%32&a=3", "form:a 2", "3"},
        {"a=1&b=%32&a=3", "form:b", "2"},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

static void urls_are_known_by_what_they_begin_with(void **state)
{
    (void)state;
    static const char page[] = "<a href=/jobs><a href=/jobs/17?a=1><a href='http://h:1/jobs/18#x'>"
                               "<a href=/jobsearch/1><a href=?p=2>";
    static const struct row rows[] = {
        {page, "html:href[/jobs]", "/jobs"},
        {page, "html:href[/jobs] 2", NULL},
        {page, "html:href[/jobs/]", "/jobs/17?a=1"},
        {page, "html:href[/jobs/] > query:a", "1"},
        {page, "html:href[/jobs/] 2", "http://h:1/jobs/18#x"},
        {page, "html:href[/jobs/] 2 > path:2", "18"},
        {page, "html:href[/jobs/17?]", "/jobs/17?a=1"},
        {page, "html:href[/jobs/17]", "/jobs/17?a=1"},
        {page, "html:href[?] > query:p", "2"},
        {page, "html:href[/] 5", NULL},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

static void of_events_the_latest_that_has_it_counts(void **state)
{
    (void)state;
    static const char stream[] = "data: {\"id\":1,\"t\":\"\\u0061\"}\n\ndata: {\"id\":2}\n\n"
                                 "event: done\ndata: {\"id\":3}\n\ndata: {\"id\":null}\n\n";
    static const struct row rows[] = {
        {stream, "sse:message > body:/id", "2"},   {stream, "sse:message > body:/t", "a"},
        {stream, "sse:message 1 > body:/id", "1"}, {stream, "sse:message 3 > body:/id", NULL},
        {stream, "sse:message 2 > body:/t", NULL}, {stream, "sse:message 4 > body:/id", NULL},
        {stream, "sse:done > body:/id", "3"},      {stream, "sse:other > body:/id", NULL},
        {stream, "sse:done", "{\"id\":3}"},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

static void a_websocket_place_chooses_among_messages(void **state)
{
    (void)state;
    static const char hello[] = "{\"type\":\"hel\\u006co\",\"n\":1,\"id\":\"x\"}";
    static const struct row rows[] = {
        {hello, "ws:/type=hello > body:/id", "x"},
        {hello, "ws:/type=other > body:/id", NULL},
        {hello, "ws:/none=hello > body:/id", NULL},
        {hello, "ws:/n=1 > body:/id", "x"},
        {hello, "ws: > body:/id", "x"},
        {hello, "ws: > body:/none", NULL},
        {"42[\"job\",{\"id\":7}]", "ws:/0=job > body:/1/id", "7"},
        {"plain", "ws:", "plain"},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
    struct place place = parse("ws:3 > body:/id", PLACE_IN_REQUEST);
    const struct message_view message = {.side = PLACE_IN_REQUEST, .body = bytes_of(hello)};
    assert_true(bytes_equal(place_find(&place, &message, scratch), bytes_of("x")));
}

static void steps_lead_on_inside_a_value(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"u\":\"/a/%2Fb?q=x+y\"}", "body:/u > path:2", "/b"},
        {"{\"u\":\"/a/%2Fb?q=x+y\"}", "body:/u > query:q", "x y"},
        {"{\"u\":\"/a\"}", "body:/u > query:q", NULL},
        {"{\"t\":\"e30.eyJhIjp7ImIiOiJcdTAwNjEifX0.x\"}", "body:/t > jwt:/a/b", "a"},
        {"{\"t\":\"e30.eyJhIjoxfQ\"}", "body:/t > jwt:/a", NULL},
        {"{\"t\":\"YQ==\"}", "body:/t > base64:", "a"},
        {"{\"t\":\"?\"}", "body:/t > base64:", NULL},
        {"{\"t\":\"%7B%22a%22:1}\"}", "body:/t > percent: > body:/a", "1"},
        {"{\"t\":\"a=1;b=2\"}", "body:/t > text:\"b=\" \"\"", "2"},
        {"{\"t\":\"{\\\"a\\\":\\\"/x/\\\\u0031\\\"}\"}", "body:/t > body:/a > path:2", "1"},
        {"{\"none\":1}", "body:/t > body:/a > path:2", NULL},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

static void what_is_too_long_is_no_value(void **state)
{
    (void)state;
    struct buf body = BUF_INIT(1 << 20);
    for (size_t len = PLACE_MAX_VALUE_BYTES - 1; len <= PLACE_MAX_VALUE_BYTES + 1; len++) {
        size_t wanted = len <= PLACE_MAX_VALUE_BYTES ? len : 0;
        buf_clear(&body);
        buf_printf(&body, "{\"a\":\"%0*d\"}", (int)len, 0);
        assert_int_equal(find_bytes("body:/a", buf_bytes(&body)).len, wanted);
        buf_clear(&body);
        buf_printf(&body, "{\"a\":\"\\n%0*d\"}", (int)len - 1, 0);
        assert_int_equal(find_bytes("body:/a", buf_bytes(&body)).len, wanted);
        buf_clear(&body);
        buf_printf(&body, "<a>%0*d</a>", (int)len, 0);
        assert_int_equal(find_bytes("xml:/a", buf_bytes(&body)).len, wanted);
        buf_clear(&body);
        buf_printf(&body, "<input name=a value=%0*d>", (int)len, 0);
        assert_int_equal(find_bytes("html:input[a]", buf_bytes(&body)).len, wanted);
        buf_clear(&body);
        buf_printf(&body, "data: %0*d\n\n", (int)len, 0);
        assert_int_equal(find_bytes("sse:message", buf_bytes(&body)).len, wanted);
    }
    buf_fini(&body);
}

static void a_request_has_values_as_it_writes_them(void **state)
{
    (void)state;
    static const struct {
        const char *place, *body, *written;
        enum place_writing writing;
    } rows[] = {
        {"path:2", "", "%31", PLACE_WRITTEN_PERCENT},
        {"query:q", "", "a+b", PLACE_WRITTEN_FORM},
        {"header:x-a", "", "1", PLACE_WRITTEN_PLAIN},
        {"cookie:b 2", "", "3", PLACE_WRITTEN_PLAIN},
        {"body:/a", "{\"a\":\"x\\n\"}", "x\\n", PLACE_WRITTEN_JSON_STRING},
        {"body:/a", "{\"a\":17}", "17", PLACE_WRITTEN_JSON_WORD},
        {"ws:1 > body:/a", "{\"a\":17}", "17", PLACE_WRITTEN_JSON_WORD},
        {"ws:1", "x", "x", PLACE_WRITTEN_PLAIN},
        {"form:a", "b=1&a=x%26", "x%26", PLACE_WRITTEN_FORM},
        {"xml:/a/@b", "<a b='&lt;'/>", "&lt;", PLACE_WRITTEN_HTML},
        {"xml:/a", "<a><![CDATA[&]]></a>", "&", PLACE_WRITTEN_PLAIN},
        {"text:\"a=\" \"\"", "a=1", "1", PLACE_WRITTEN_PLAIN},
        {"multipart:f", "--B\r\nContent-Disposition: form-data; name=f\r\n\r\n\r\n\r\n--B--",
         "\r\n", PLACE_WRITTEN_PLAIN},
        {"multipart:f > filename:",
         "--B\r\nContent-Disposition: form-data; name=f; filename=\"x\"\r\n\r\n\r\n--B--", "x",
         PLACE_WRITTEN_PLAIN},
        {"body:/b", "{\"a\":17}", NULL, PLACE_WRITTEN_PLAIN},
        {"cookie:c", "", NULL, PLACE_WRITTEN_PLAIN},
        {"path:9", "", NULL, PLACE_WRITTEN_PERCENT},
        {"multipart:f", "", NULL, PLACE_WRITTEN_PLAIN},
    };
    const struct http_header headers[] = {{bytes_of("X-A"), bytes_of("1")},
                                          {bytes_of("Cookie"), bytes_of("a=1; b=2")},
                                          {bytes_of("Cookie"), bytes_of("b=3")}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum place_writing writing;
        struct place place = parse(rows[i].place, PLACE_IN_REQUEST);
        const struct message_view message = {
            .side = PLACE_IN_REQUEST,
            .target = bytes_of("/a/%31?q=a+b"),
            .headers = headers,
            .header_count = 3,
            .body = guard_place(&guard, bytes_of(rows[i].body)),
        };
        struct bytes written = place_locate(&place, &message, &writing);
        if (!rows[i].written ? written.ptr != NULL
                             : !bytes_equal(written, bytes_of(rows[i].written)))
            fail_msg("%s: '%.*s'", rows[i].place, BYTES_ARG(written));
        assert_int_equal(writing, rows[i].writing);
    }
}

static void what_the_client_made_is_in_no_answer(void **state)
{
    (void)state;
    assert_null(find("new:uuid", "{\"uuid\":1}"));
    assert_null(find("data:email", "{\"email\":1}"));
    const struct place nowhere = {0};
    const struct message_view message = {.body = bytes_of("x")};
    assert_null(place_find(&nowhere, &message, scratch).ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_of_a_name_counts_and_a_number_says_another),
        cmocka_unit_test(urls_are_known_by_what_they_begin_with),
        cmocka_unit_test(of_events_the_latest_that_has_it_counts),
        cmocka_unit_test(a_websocket_place_chooses_among_messages),
        cmocka_unit_test(steps_lead_on_inside_a_value),
        cmocka_unit_test(what_is_too_long_is_no_value),
        cmocka_unit_test(a_request_has_values_as_it_writes_them),
        cmocka_unit_test(what_the_client_made_is_in_no_answer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

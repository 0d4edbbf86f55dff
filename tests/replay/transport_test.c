/*
 * transport_test.c - HTTP through struct transport_ops alone: every transport behaves alike against
 * a server that does as its script says. Where they may not, a row says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/transport_rig.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define OK_2 OK "Content-Length: 2\r\n\r\nok"
#define MEGABYTE ((uint64_t)1 << 20)

static const struct transport_ops *ops_of(void **state)
{
    return *state;
}

static bool is_native(const struct transport_ops *ops)
{
    return ops == &transport_native;
}

/* --- one request, one answer ------------------------------------------------------------------ */

struct row {
    const char *name;
    const char *method; /* NULL: GET */
    bool drops_body;    /* keeps_body is false */
    struct wire_step steps[8];
    int status;           /* 0: there is a failure */
    enum failure failure; /* of native, and of curl where that has none of its own */
    const char *body;
    enum failure curl_failure; /* FAILURE_COUNT: curl takes it for an answer */
    const char *detail;        /* of both; NULL: whatever it says */
};

#define CURL_TAKES_IT FAILURE_COUNT

static const struct row rows[] = {
    {.name = "by length", .steps = {HEAD, SAY(OK_2)}, .status = 200, .body = "ok"},
    {.name = "by length, in several reads",
     .steps = {HEAD, SAY(OK "Content-Length: 6\r\n\r\nab"), GO, SAY("cd"), GO, SAY("ef")},
     .status = 200,
     .body = "abcdef"},
    {.name = "a length of 0",
     .steps = {HEAD, SAY(OK "Content-Length: 0\r\n\r\n")},
     .status = 200,
     .body = ""},
    {.name = "chunked",
     .steps = {HEAD,
               SAY(OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")},
     .status = 200,
     .body = "abcde"},
    {.name = "chunked, a byte at a time",
     .steps = {HEAD, DRIP(OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")},
     .status = 200,
     .body = "abcde"},
    {.name = "chunked with trailers",
     .steps = {HEAD, SAY(OK "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n")},
     .status = 200,
     .body = "a"},
    {.name = "until close",
     .steps = {HEAD, SAY(OK "\r\nall of"), GO, SAY(" it"), CLOSE},
     .status = 200,
     .body = "all of it"},
    {.name = "until close, HTTP/1.0",
     .steps = {HEAD, SAY("HTTP/1.0 200 OK\r\n\r\nold"), CLOSE},
     .status = 200,
     .body = "old"},
    {.name = "until close, of nothing",
     .steps = {HEAD, SAY(OK "\r\n"), CLOSE},
     .status = 200,
     .body = ""},
    {.name = "to HEAD",
     .method = "HEAD",
     .steps = {HEAD, SAY(OK "Content-Length: 1000\r\n\r\n")},
     .status = 200,
     .body = ""},
    {.name = "204", .steps = {HEAD, SAY("HTTP/1.1 204 No\r\n\r\n")}, .status = 204, .body = ""},
    {.name = "304 with the length of what is not sent",
     .steps = {HEAD, SAY("HTTP/1.1 304 No\r\nContent-Length: 99\r\n\r\n")},
     .status = 304,
     .body = ""},
    {.name = "103 and 100 before the answer",
     .steps = {HEAD, SAY("HTTP/1.1 103 Early\r\nLink: <a>\r\n\r\nHTTP/1.1 100 Go\r\n\r\n"), GO,
               SAY(OK_2)},
     .status = 200,
     .body = "ok"},
    {.name = "103 and the answer at once",
     .steps = {HEAD, SAY("HTTP/1.1 103 Early\r\nLink: <a>\r\n\r\n" OK_2)},
     .status = 200,
     .body = "ok"},
    {.name = "a byte at a time", .steps = {HEAD, DRIP(OK_2)}, .status = 200, .body = "ok"},
    {.name = "lines that end with LF",
     .steps = {HEAD, SAY("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")},
     .status = 200,
     .body = "ok"},
    {.name = "status without a reason",
     .steps = {HEAD, SAY("HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nno")},
     .status = 404,
     .body = "no"},
    {.name = "a redirect is an answer, not followed",
     .steps = {HEAD, SAY("HTTP/1.1 302 Go\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")},
     .status = 302,
     .body = ""},
    {.name = "a head of many reads",
     .steps = {HEAD, SAY(OK "X-Long: "), FLOOD("0123456789", 60000), GO,
               SAY("\r\nContent-Length: 4\r\n\r\nbo"), GO, SAY("dy")},
     .status = 200,
     .body = "body"},
    {.name = "a head of many reads, and all of the body with its end",
     .steps = {HEAD, SAY(OK "Transfer-Encoding: chunked\r\nX-Long: "), FLOOD("0123456789", 60000),
               SAY("\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n")},
     .status = 200,
     .body = "body"},
    {.name = "two lengths that agree",
     .steps = {HEAD, SAY(OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok")},
     .status = 200,
     .body = "ok"},
    {.name = "two lengths that differ",
     .steps = {HEAD, SAY(OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!"), CLOSE},
     .failure = FAILURE_PROTOCOL,
     .curl_failure = CURL_TAKES_IT},
    {.name = "a length that is none",
     .steps = {HEAD, SAY(OK "Content-Length: two\r\n\r\nok"), CLOSE},
     .failure = FAILURE_PROTOCOL,
     .detail = "the answer's Content-Length is no length, or not one"},
    {.name = "a length below 0",
     .steps = {HEAD, SAY(OK "Content-Length: -2\r\n\r\nok"), CLOSE},
     .failure = FAILURE_PROTOCOL,
     .detail = "the answer's Content-Length is no length, or not one"},
    {.name = "a length with a sign",
     .steps = {HEAD, SAY(OK "Content-Length: +2\r\n\r\nok"), CLOSE},
     .failure = FAILURE_PROTOCOL,
     .curl_failure = CURL_TAKES_IT},
    {.name = "a length twice in a line",
     .steps = {HEAD, SAY(OK "Content-Length: 2, 2\r\n\r\nok")},
     .status = 200,
     .body = "ok"},
    {.name = "a length that is none beside chunks",
     .steps = {HEAD, SAY(OK "Content-Length: two\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "2\r\nok\r\n0\r\n\r\n")},
     .status = 200,
     .body = "ok",
     .curl_failure = FAILURE_PROTOCOL},
    {.name = "space before the colon",
     .steps = {HEAD, SAY(OK "Content-Length : 2\r\n\r\nok"), GO, CLOSE},
     .status = 200,
     .body = "ok"},
    {.name = "identity with a length",
     .steps = {HEAD, SAY(OK "Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok"), GO,
               CLOSE},
     .status = 200,
     .body = "ok"},
    {.name = "chunks that are not the last coding",
     .steps = {HEAD, SAY(OK "Transfer-Encoding: chunked, gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n"), CLOSE},
     .failure = FAILURE_CODING},
    {.name = "an unknown coding of the transfer, of a body that nobody keeps",
     .drops_body = true,
     .steps = {HEAD, SAY(OK "Transfer-Encoding: x, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")},
     .status = 200,
     .body = "",
     .curl_failure = FAILURE_CODING},
    {.name = "an unknown coding of the transfer",
     .steps = {HEAD, SAY(OK "Transfer-Encoding: x, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")},
     .failure = FAILURE_CODING},
    {.name = "a line without a colon",
     .steps = {HEAD, SAY(OK "no colon\r\nContent-Length: 2\r\n\r\nok")},
     .failure = FAILURE_PROTOCOL,
     .detail = "a line of the answer's head is no header"},
    {.name = "a line without a colon, of which nobody wants a header",
     .drops_body = true,
     .steps = {HEAD, SAY(OK "Content-Length: 2\r\nno colon\r\n\r\nok")},
     .failure = FAILURE_PROTOCOL,
     .detail = "a line of the answer's head is no header"},
    {.name = "a line without a name",
     .steps = {HEAD, SAY(OK ": value\r\nContent-Length: 2\r\n\r\nok")},
     .failure = FAILURE_PROTOCOL,
     .curl_failure = CURL_TAKES_IT},
    {.name = "an empty line before the answer",
     .steps = {HEAD, SAY("\r\n" OK_2)},
     .failure = FAILURE_PROTOCOL,
     .detail = "the answer is not HTTP/1"},
    {.name = "an empty line behind 100",
     .steps = {HEAD, SAY("HTTP/1.1 100 Go\r\n\r\n\n" OK_2)},
     .failure = FAILURE_PROTOCOL,
     .detail = "the answer is not HTTP/1"},
    {.name = "101 that was not asked for",
     .steps = {HEAD, SAY("HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
               CLOSE},
     .failure = FAILURE_PROTOCOL,
     .curl_failure = FAILURE_CLOSED}, /* it waits for another answer */
    {.name = "an answer before it is asked",
     .steps = {SAY(OK_2), HEAD},
     .failure = FAILURE_UNASKED,
     .curl_failure = CURL_TAKES_IT},
    {.name = "garbage",
     .steps = {HEAD, SAY("\x16\x03\x01 hello\r\n\r\n")},
     .failure = FAILURE_PROTOCOL},
    {.name = "chunks that are none",
     .steps = {HEAD, SAY(OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n")},
     .failure = FAILURE_PROTOCOL},
    {.name = "closed without a byte", .steps = {HEAD, CLOSE}, .failure = FAILURE_CLOSED},
    {.name = "closed inside the head",
     .steps = {HEAD, SAY("HTTP/1.1 200 OK\r\nContent-Le"), CLOSE},
     .failure = FAILURE_TRUNCATED,
     .curl_failure = CURL_TAKES_IT},
    {.name = "closed inside the body",
     .steps = {HEAD, SAY(OK "Content-Length: 10\r\n\r\nabc"), CLOSE},
     .failure = FAILURE_TRUNCATED},
    {.name = "closed inside a chunk",
     .steps = {HEAD, SAY(OK "Transfer-Encoding: chunked\r\n\r\n5\r\nabc"), CLOSE},
     .failure = FAILURE_TRUNCATED},
    {.name = "reset without a byte", .steps = {HEAD, RESET}, .failure = FAILURE_RESET},
    {.name = "reset inside the body",
     .steps = {HEAD, SAY(OK "Content-Length: 10\r\n\r\nabc"), GO, RESET},
     .failure = FAILURE_RESET},
    {.name = "headers without end",
     .steps = {HEAD, SAY(OK),
               FLOOD("X-Filler: 0123456789012345678901234567890123456789\r\n", 64 * MEGABYTE)},
     .failure = FAILURE_HEAD_TOO_LARGE},
    {.name = "cookies without end", /* kept in any case */
     .steps = {HEAD, SAY(OK),
               FLOOD("Set-Cookie: a=0123456789012345678901234567890123456789\r\n", 64 * MEGABYTE)},
     .failure = FAILURE_HEAD_TOO_LARGE},
    {.name = "more headers than 256",
     .steps = {HEAD, SAY(OK), FLOOD("X-A: b\r\n", 257 * 8), SAY("Content-Length: 0\r\n\r\n")},
     .failure = FAILURE_HEAD_TOO_LARGE,
     .curl_failure = CURL_TAKES_IT}, /* the first 256 of those that are kept */
    {.name = "one header without end",
     .steps = {HEAD, SAY(OK "X-Long: "), FLOOD("0123456789", 64 * MEGABYTE)},
     .failure = FAILURE_HEAD_TOO_LARGE},
    {.name = "a body over the limit, by length",
     .steps = {HEAD, SAY(OK "Content-Length: 3000000\r\n\r\n"), FLOOD("0123456789", 3000000)},
     .failure = FAILURE_BODY_TOO_LARGE},
    {.name = "a body over the limit, until close",
     .steps = {HEAD, SAY(OK "\r\n"), FLOOD("0123456789", 64 * MEGABYTE)},
     .failure = FAILURE_BODY_TOO_LARGE},
    {.name = "10 GB that nobody keeps, cut short",
     .drops_body = true,
     .steps = {HEAD, SAY(OK "Content-Length: 10000000000\r\n\r\n"),
               FLOOD("0123456789", 8 * MEGABYTE), CLOSE},
     .failure = FAILURE_TRUNCATED},
    {.name = "a long body that nobody keeps",
     .drops_body = true,
     .steps = {HEAD, SAY(OK "Content-Length: 8000000\r\n\r\n"), FLOOD("0123456789", 8000000)},
     .status = 200,
     .body = ""},
};

static void check_row(struct rig *rig, const struct row *row, struct asked *asked)
{
    enum failure failure = row->failure;
    if (!is_native(rig->ops) && row->curl_failure != FAILURE_NONE)
        failure = row->curl_failure;
    if (failure == CURL_TAKES_IT) {
        assert_int_equal(asked->failure, FAILURE_NONE);
        return;
    }
    if (asked->failure != failure)
        fail_msg("%s: %s (%s), not %s", row->name, failure_name(asked->failure), asked->detail,
                 failure_name(failure));
    int status = failure == FAILURE_NONE ? row->status : 0;
    if (asked->status != status)
        fail_msg("%s: status %d, not %d", row->name, asked->status, status);
    if (failure != FAILURE_NONE) {
        assert_true(asked->detail[0] != '\0');
        if (row->detail && strcmp(asked->detail, row->detail) != 0)
            fail_msg("%s: '%s', not '%s'", row->name, asked->detail, row->detail);
        return;
    }
    if (strcmp(buf_text(&asked->body), row->body) != 0)
        fail_msg("%s: body '%.40s', not '%s'", row->name, buf_text(&asked->body), row->body);
}

static void ask_row(const struct transport_ops *ops, const struct row *row)
{
    struct rig rig;
    struct asked asked;
    rig_open(&rig, ops, 0, 0);
    rig.server.scripts[0] = row->steps;
    ask_init(&asked, &rig, row->method ? row->method : "GET", "/a");
    asked.request.keeps_body = !row->drops_body;
    assert_int_equal(ask_send(&asked), 0);
    for (int i = 0; i < 8 && !asked.done_count; i++) { /* each GO once what came is read */
        rig_settle(&rig);
        wire_server_go(&rig.server);
    }
    rig_wait(&asked);
    check_row(&rig, row, &asked);
    rig_settle(&rig);
    assert_int_equal(asked.done_count, 1);
    assert_int_equal(rig.server.count, 1); /* not tried again */
    ask_fini(&asked);
    rig_close(&rig);
}

static void an_answer_is_what_its_bytes_say(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ask_row(ops_of(state), &rows[i]);
}

/* --- requests --------------------------------------------------------------------------------- */

static void a_request_is_written_as_http_1_1(void **state)
{
    static const struct wire_step steps[] = {HEAD, BODY(5), SAY(OK_2), END};
    static const struct http_header headers[] = {
        {{"X-Case", 6}, {"As-Is", 5}},
        {{"Accept", 6}, {"*/*", 3}},
        {{"X-Bad", 5}, {"a\r\nX-Smuggled: 1", 16}}, /* left out */
        {{"Content-Length", 14}, {"999", 3}},       /* the same */
    };
    struct rig rig;
    struct asked asked;
    rig_open(&rig, ops_of(state), 0, 0);
    rig.server.scripts[0] = steps;
    ask_init(&asked, &rig, "POST", "/a?b=c#fragment");
    asked.http.headers = headers;
    asked.http.header_count = 4;
    asked.http.body = bytes_of("hello");
    asked.request.cookies = bytes_of("a=1; b=2");
    rig_ask(&asked);
    assert_int_equal(asked.status, 200);
    const char *log = buf_text(&rig.server.log);
    char host[64];
    snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%u\r\n", rig.server.port);
    assert_ptr_equal(strstr(log, "POST /a?b=c HTTP/1.1\r\n"), log);
    assert_non_null(strstr(log, host));
    assert_non_null(strstr(log, "\r\nX-Case: As-Is\r\n"));
    assert_non_null(strstr(log, "\r\nCookie: a=1; b=2\r\n"));
    assert_non_null(strstr(log, "\r\nContent-Length: 5\r\n"));
    /* Only one, and by its whole line: a port, which is in Host, may have any digits. */
    assert_null(strstr(strstr(log, "Content-Length") + 1, "Content-Length"));
    assert_null(strstr(log, "Smuggled"));
    assert_null(strstr(log, "Content-Type"));
    assert_null(strstr(log, "User-Agent"));
    assert_true(asked.result.bytes_sent == rig.server.log.len + 5);
    assert_true(asked.result.bytes_received == sizeof(OK_2) - 1);
    ask_fini(&asked);
    rig_close(&rig);
}

static void methods_without_a_body_say_so_as_browsers_do(void **state)
{
    static const struct wire_step steps[] = {HEAD, SAY(OK_2), HEAD, SAY(OK_2),
                                             HEAD, SAY(OK_2), END};
    static const char *const methods[] = {"GET", "PUT", "DELETE"};
    struct rig rig;
    rig_open(&rig, ops_of(state), 0, 0);
    rig.server.scripts[0] = steps;
    for (int i = 0; i < 3; i++) {
        struct asked asked;
        buf_clear(&rig.server.log);
        ask_init(&asked, &rig, methods[i], "/a");
        rig_ask(&asked);
        assert_int_equal(asked.status, 200);
        bool has_length = strstr(buf_text(&rig.server.log), "\r\nContent-Length: 0\r\n") != NULL;
        assert_int_equal(has_length, i == 1);
        assert_null(strstr(buf_text(&rig.server.log), "Transfer-Encoding"));
        ask_fini(&asked);
    }
    assert_int_equal(rig.server.count, 1); /* one connection for all three */
    rig_close(&rig);
}

static void what_cannot_be_asked_fails_at_once_or_as_protocol(void **state)
{
    static const char *const urls[] = {"no url", "ftp://127.0.0.1/", "http://127.0.0.1:99999/"};
    struct rig rig;
    rig_open(&rig, ops_of(state), 0, 0);
    for (int i = 0; i < 3; i++) {
        struct asked asked;
        ask_init(&asked, &rig, "GET", "/");
        asked.http.url = bytes_of(urls[i]);
        if (ask_send(&asked) == 0)
            rig_wait(&asked);
        assert_int_equal(asked.failure, FAILURE_PROTOCOL);
        ask_fini(&asked);
    }
    rig_close(&rig);
}

/* A plugin or a value may have made it so; the origin of the connection that is open is still good.
 */
static void a_url_that_is_none_fails_behind_an_open_connection_too(void **state)
{
    static const char *const targets[] = {"/a\r\nX: y", "/a b", "/a\tb", "/\x7f", "?a b"};
    static const struct wire_step steps[] = {HEAD, SAY(OK_2), HEAD, SAY(OK_2), END};
    struct rig rig;
    rig_open(&rig, ops_of(state), 0, 0);
    rig.server.scripts[0] = steps;
    rig_ask_fine(&rig, "/before");
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct asked asked;
        ask_init(&asked, &rig, "GET", targets[i]);
        if (ask_send(&asked) == 0)
            rig_wait(&asked);
        assert_int_equal(asked.failure, FAILURE_PROTOCOL);
        ask_fini(&asked);
    }
    rig_ask_fine(&rig, "/behind");
    assert_null(strstr(buf_text(&rig.server.log), "X: y"));
    rig_close(&rig);
}

static void large_uploads_go_as_fast_as_they_are_read(void **state)
{
    static const struct wire_step steps[] = {HEAD, GO, BODY(RIG_UPLOAD_BYTES), SAY(OK_2), END};
    static const struct wire_step others[] = {HEAD, SAY(OK_2), END};
    struct rig rig;
    struct asked asked;
    rig_open(&rig, ops_of(state), 0, 16 * 1024);
    rig.server.scripts[0] = steps;
    rig.server.scripts[1] = others;
    ask_init_upload(&asked, &rig);
    assert_int_equal(ask_send(&asked), 0);
    rig_settle(&rig);
    rig_ask_fine(&rig, "/other"); /* is not held up by it */
    assert_int_equal(asked.done_count, 0);
    wire_server_go(&rig.server);
    rig_wait(&asked);
    assert_int_equal(asked.status, 200);
    assert_true(rig.server.connections[0].heard_bytes == asked.result.bytes_sent);
    ask_fini(&asked);
    rig_close(&rig);
}

static void a_target_that_reads_no_more_is_left_in_time(void **state)
{
    static const struct wire_step steps[] = {HEAD, DEAF, END};
    struct rig rig;
    struct asked asked;
    rig_open(&rig, ops_of(state), 200000, 16 * 1024);
    rig.server.scripts[0] = steps;
    ask_init_upload(&asked, &rig);
    rig_ask(&asked);
    assert_int_equal(asked.failure, FAILURE_TIMEOUT);
    ask_fini(&asked);
    rig_close(&rig);
}

static void an_answer_before_the_request_is_sent_ends_it(void **state)
{
    static const struct wire_step steps[] = {
        HEAD, SAY("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"), DEAF, END};
    static const struct wire_step others[] = {HEAD, SAY(OK_2), END};
    struct rig rig;
    struct asked asked;
    rig_open(&rig, ops_of(state), 0, 16 * 1024);
    rig.server.scripts[0] = steps;
    rig.server.scripts[1] = others;
    ask_init_upload(&asked, &rig);
    rig_ask(&asked);
    assert_int_equal(asked.failure, FAILURE_NONE);
    assert_int_equal(asked.status, 413);
    assert_string_equal(buf_text(&asked.body), "no");
    rig_ask_fine(&rig, "/next"); /* not on a connection that waits for a body */
    assert_int_equal(rig.server.count, 2);
    ask_fini(&asked);
    rig_close(&rig);
}

/* --- 100-continue ----------------------------------------------------------------------------- */

static void ask_expecting(const struct transport_ops *ops, const struct wire_step *steps,
                          int status, uint64_t heard_body)
{
    static const struct http_header headers[] = {{{"Expect", 6}, {"100-continue", 12}}};
    struct rig rig;
    struct asked asked;
    rig_open(&rig, ops, 0, 0);
    rig.server.scripts[0] = steps;
    ask_init(&asked, &rig, "POST", "/upload");
    asked.http.headers = headers;
    asked.http.header_count = 1;
    asked.http.body = bytes_of("hello");
    rig_ask(&asked);
    assert_int_equal(asked.failure, FAILURE_NONE);
    assert_int_equal(asked.status, status);
    assert_true(rig.server.connections[0].heard_bytes == rig.server.log.len + heard_body);
    assert_non_null(strstr(buf_text(&rig.server.log), "\r\nExpect: 100-continue\r\n"));
    ask_fini(&asked);
    rig_close(&rig);
}

static void a_body_waits_for_100(void **state)
{
    static const struct wire_step steps[] = {HEAD, SAY("HTTP/1.1 100 Go on\r\n\r\n"), BODY(5),
                                             SAY(OK_2), END};
    ask_expecting(ops_of(state), steps, 200, 5);
}

static void a_body_is_not_sent_after_a_refusal(void **state)
{
    static const struct wire_step steps[] = {
        HEAD, SAY("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"), END};
    ask_expecting(ops_of(state), steps, 403, 0);
}

static void a_body_waits_for_100_a_second_at_most(void **state)
{
    static const struct wire_step steps[] = {HEAD, BODY(5), SAY(OK_2), END};
    ask_expecting(ops_of(state), steps, 200, 5);
}

/* --- connections ------------------------------------------------------------------------------ */

/* One request after another; how many connections they took. */
static size_t ask_in_turn(const struct transport_ops *ops, const struct wire_step *const *scripts,
                          int count, const enum failure *failures)
{
    struct rig rig;
    rig_open(&rig, ops, 0, 0);
    for (int i = 0; scripts[i]; i++)
        rig.server.scripts[i] = scripts[i];
    for (int i = 0; i < count; i++) {
        struct asked asked;
        ask_init(&asked, &rig, i ? "POST" : "GET", "/turn"); /* a POST is tried again, too */
        rig_ask(&asked);
        if (asked.failure != failures[i])
            fail_msg("request %d: %s (%s)", i, failure_name(asked.failure), asked.detail);
        ask_fini(&asked);
        wire_server_go(&rig.server); /* what the script does between two requests */
        rig_settle(&rig);
    }
    size_t connections = rig.server.count;
    rig_close(&rig);
    return connections;
}

static void connections_are_kept_as_http_says(void **state)
{
    static const struct wire_step fine[] = {HEAD, SAY(OK_2), END};
    static const enum failure none[3] = {FAILURE_NONE, FAILURE_NONE, FAILURE_NONE};
    static const struct keep_row {
        const char *name;
        struct wire_step first[8];
        size_t connections;
    } table[] = {
        {"kept", {HEAD, SAY(OK_2), HEAD, SAY(OK_2)}, 1},
        {"Connection: close",
         {HEAD, SAY(OK "Connection: close\r\nContent-Length: 2\r\n\r\nok")},
         2},
        {"close in a list",
         {HEAD, SAY(OK "Connection: x, Close\r\nContent-Length: 2\r\n\r\nok")},
         2},
        {"HTTP/1.0", {HEAD, SAY("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")}, 2},
        {"HTTP/1.0 that keeps",
         {HEAD, SAY("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"),
          HEAD, SAY(OK_2)},
         1},
        {"bytes behind the answer", {HEAD, SAY(OK_2 "HTTP/1.1 500 No\r\n\r\n")}, 2},
        {"bytes between two requests", {HEAD, SAY(OK_2), GO, SAY(OK_2)}, 2},
        {"closed between two requests", {HEAD, SAY(OK_2), GO, CLOSE}, 2},
        {"closed by the next request", {HEAD, SAY(OK_2), HEAD, CLOSE}, 2},
        {"reset by the next request", {HEAD, SAY(OK_2), HEAD, RESET}, 2},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct wire_step *const scripts[] = {table[i].first, fine, NULL};
        size_t connections = ask_in_turn(ops_of(state), scripts, 2, none);
        if (connections != table[i].connections)
            fail_msg("%s: %zu connections", table[i].name, connections);
    }
}

static void a_request_is_tried_again_once(void **state)
{
    static const struct wire_step first[] = {HEAD, SAY(OK_2), HEAD, CLOSE};
    static const struct wire_step second[] = {HEAD, CLOSE};
    static const struct wire_step *const scripts[] = {first, second, NULL};
    static const enum failure expected[] = {FAILURE_NONE, FAILURE_CLOSED};
    assert_int_equal(ask_in_turn(ops_of(state), scripts, 2, expected), 2);
}

static void a_request_whose_answer_had_begun_is_not_tried_again(void **state)
{
    static const struct wire_step first[] = {HEAD, SAY(OK_2), HEAD,
                                             SAY(OK "Content-Length: 9\r\n\r\nhalf"), CLOSE};
    static const struct wire_step *const scripts[] = {first, NULL};
    static const enum failure expected[] = {FAILURE_NONE, FAILURE_TRUNCATED};
    assert_int_equal(ask_in_turn(ops_of(state), scripts, 2, expected), 1);
}

static void a_connection_is_closed_behind_a_request_that_says_so(void **state)
{
    static const struct wire_step steps[] = {HEAD, SAY(OK_2), END};
    struct rig rig;
    struct asked asked;
    rig_open(&rig, ops_of(state), 0, 0);
    rig.server.scripts[0] = steps;
    ask_init(&asked, &rig, "GET", "/last");
    asked.request.closes_connection = true;
    rig_ask(&asked);
    rig_settle(&rig);
    assert_int_equal(asked.status, 200);
    assert_true(rig.server.connections[0].has_ended);
    ask_fini(&asked);
    rig_close(&rig);
}

static void nobody_listens(void **state)
{
    struct rig rig;
    struct asked asked;
    rig_open(&rig, ops_of(state), 0, 0);
    ask_init(&asked, &rig, "GET", "/");
    wire_server_close(&rig.server);
    rig_ask(&asked);
    assert_int_equal(asked.failure, FAILURE_CONNECT_REFUSED);
    ask_fini(&asked);
    rig_close(&rig);
}

static void an_answer_that_never_comes_is_waited_for_in_time(void **state)
{
    static const struct wire_step steps[] = {HEAD, END};
    static const struct wire_step half[] = {HEAD, SAY(OK "Content-Length: 5\r\n\r\nab"), END};
    struct rig rig;
    struct asked asked, other;
    rig_open(&rig, ops_of(state), 100000, 0);
    rig.server.scripts[0] = steps;
    rig.server.scripts[1] = half;
    ask_init(&asked, &rig, "GET", "/a");
    ask_init(&other, &rig, "GET", "/b");
    assert_int_equal(ask_send(&asked), 0);
    assert_int_equal(ask_send(&other), 0);
    rig_wait(&asked);
    rig_wait(&other);
    assert_int_equal(asked.failure, FAILURE_TIMEOUT);
    assert_int_equal(other.failure, FAILURE_TIMEOUT);
    rig_settle(&rig);
    assert_int_equal(wire_server_open_count(&rig.server), 0);
    ask_fini(&asked);
    ask_fini(&other);
    rig_close(&rig);
}

/* One that has a limit of its own, a silent one and one that begins; what follows has the run's. */
static void an_answer_is_given_up_at_the_limit_of_its_request(void **state)
{
    static const struct wire_step steps[] = {HEAD, END};
    static const struct wire_step half[] = {HEAD, SAY(OK "Content-Length: 5\r\n\r\nab"), END};
    static const struct wire_step fine[] = {HEAD, GO, SAY(OK_2), END};
    struct rig rig;
    struct asked asked, other, last;
    rig_open(&rig, ops_of(state), 0, 0);
    rig.server.scripts[0] = steps;
    rig.server.scripts[1] = half;
    rig.server.scripts[2] = fine;
    ask_init(&asked, &rig, "GET", "/a");
    ask_init(&other, &rig, "GET", "/b");
    ask_init(&last, &rig, "GET", "/c");
    asked.request.limit_us = other.request.limit_us = 50000;
    assert_int_equal(ask_send(&asked), 0);
    assert_int_equal(ask_send(&other), 0);
    rig_wait(&asked);
    rig_wait(&other);
    assert_int_equal(asked.failure, FAILURE_TIMEOUT);
    assert_int_equal(other.failure, FAILURE_TIMEOUT);
    assert_string_equal(asked.detail, TRANSPORT_LIMITED);
    assert_int_equal(ask_send(&last), 0); /* on a call that was limited */
    rig_settle(&rig);
    assert_int_equal(last.done_count, 0);
    wire_server_go(&rig.server);
    rig_wait(&last);
    assert_int_equal(last.status, 200);
    ask_fini(&asked);
    ask_fini(&other);
    ask_fini(&last);
    rig_close(&rig);
}

static void a_user_has_no_more_connections_than_it_may(void **state)
{
    static const struct wire_step steps[] = {
        HEAD, GO, SAY(OK_2), HEAD, GO, SAY(OK_2), HEAD, GO, SAY(OK_2), HEAD, GO, SAY(OK_2), END};
    static const char *const targets[] = {"/0", "/1", "/2", "/3", "/4"};
    struct rig rig;
    struct asked asked[5];
    rig_open(&rig, ops_of(state), 0, 0);
    rig.server.scripts[0] = rig.server.scripts[1] = steps;
    for (int i = 0; i < 5; i++) {
        ask_init(&asked[i], &rig, "GET", targets[i]);
        asked[i].request.max_connections = 2;
        assert_int_equal(ask_send(&asked[i]), 0);
    }
    rig_settle(&rig);
    assert_int_equal(rig.server.count, 2);
    for (int i = 0; i < 5; i++) {
        wire_server_go(&rig.server);
        rig_settle(&rig);
    }
    for (int i = 0; i < 5; i++) {
        rig_wait(&asked[i]);
        assert_int_equal(asked[i].status, 200);
        ask_fini(&asked[i]);
    }
    /* In the order they were asked. */
    const char *at = buf_text(&rig.server.log);
    for (int i = 0; i < 5; i++) {
        at = strstr(at, targets[i]);
        assert_non_null(at);
    }
    assert_int_equal(rig.server.count, 2);
    assert_int_equal(rig.ops->most_connections(rig.transport), 2);
    rig_close(&rig);
}

/* --- cancelling ------------------------------------------------------------------------------- */

static void a_request_can_be_cancelled_at_each_stage(void **state)
{
    static const struct wire_step silent[] = {HEAD, END};
    static const struct wire_step half[] = {HEAD, SAY(OK "Content-Length: 5\r\n\r\nab"), END};
    static const struct wire_step fine[] = {HEAD, SAY(OK_2), END};
    static const struct wire_step *const scripts[] = {silent, half};
    for (int stage = 0; stage < 4; stage++) {
        struct rig rig;
        struct asked asked, waiting, next;
        rig_open(&rig, ops_of(state), 0, 0);
        rig.server.scripts[0] = scripts[stage == 2];
        rig.server.scripts[1] = fine;
        ask_init(&asked, &rig, "GET", "/cancelled");
        ask_init(&waiting, &rig, "GET", "/waiting");
        asked.request.max_connections = waiting.request.max_connections = 1;
        assert_int_equal(ask_send(&asked), 0);
        if (stage) /* 0: while it is being dialed */
            rig_settle(&rig);
        if (stage == 3) { /* while it waits for the other one's connection */
            assert_int_equal(ask_send(&waiting), 0);
            rig.ops->cancel(waiting.call);
        }
        rig.ops->cancel(asked.call);
        rig_settle(&rig);
        assert_int_equal(asked.done_count, 0);
        assert_int_equal(waiting.done_count, 0);
        assert_int_equal(wire_server_open_count(&rig.server), 0);
        rig.server.scripts[rig.server.count] = fine;
        ask_init(&next, &rig, "GET", "/next");
        next.request.max_connections = 1;
        rig_ask(&next);
        assert_int_equal(next.status, 200);
        ask_fini(&asked);
        ask_fini(&waiting);
        ask_fini(&next);
        rig_close(&rig);
    }
}

static void a_user_can_be_closed_with_requests_under_way(void **state)
{
    static const struct wire_step half[] = {HEAD, SAY(OK "Content-Le"), END};
    struct rig rig;
    struct asked asked[3];
    rig_open(&rig, ops_of(state), 0, 0);
    rig.server.scripts[0] = half;
    for (int i = 0; i < 3; i++) {
        ask_init(&asked[i], &rig, "GET", "/a");
        asked[i].request.max_connections = 1;
        assert_int_equal(ask_send(&asked[i]), 0);
    }
    rig_settle(&rig);
    rig.ops->user_close(rig.user);
    rig.user = NULL;
    rig_settle(&rig);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(asked[i].done_count, 0);
        ask_fini(&asked[i]);
    }
    assert_int_equal(wire_server_open_count(&rig.server), 0);
    rig_close(&rig);
}

static struct asked *other_asked;

static void cancel_the_other(struct asked *asked)
{
    asked->rig->ops->cancel(other_asked->call);
}

static void send_the_other(struct asked *asked)
{
    (void)asked;
    assert_int_equal(ask_send(other_asked), 0);
}

static void a_callback_may_send_and_cancel(void **state)
{
    static const struct wire_step steps[] = {HEAD, SAY(OK_2), HEAD, SAY(OK_2), END};
    static const struct wire_step silent[] = {HEAD, END};
    struct rig rig;
    struct asked asked, other, last;
    rig_open(&rig, ops_of(state), 0, 0);
    rig.server.scripts[0] = steps;
    rig.server.scripts[1] = silent;
    ask_init(&asked, &rig, "GET", "/a");
    ask_init(&other, &rig, "GET", "/b");
    other_asked = &other;
    asked.then = send_the_other;
    assert_int_equal(ask_send(&asked), 0);
    rig_wait(&other);
    assert_int_equal(other.status, 200);
    assert_int_equal(rig.server.count, 1); /* on the connection that has just become free */
    ask_init(&last, &rig, "GET", "/c");
    ask_fini(&other);
    ask_init(&other, &rig, "GET", "/silent");
    rig.server.scripts[0] = steps;
    rig_close(&rig);
    rig_open(&rig, ops_of(state), 0, 0);
    rig.server.scripts[0] = silent;
    rig.server.scripts[1] = steps;
    snprintf(last.url, sizeof last.url, "%s/c", rig.origin);
    snprintf(other.url, sizeof other.url, "%s/silent", rig.origin);
    last.http.url = bytes_of(last.url);
    other.http.url = bytes_of(other.url);
    last.then = cancel_the_other;
    assert_int_equal(ask_send(&other), 0);
    rig_settle(&rig);
    rig_ask(&last);
    rig_settle(&rig);
    assert_int_equal(last.status, 200);
    assert_int_equal(other.done_count, 0);
    assert_int_equal(wire_server_open_count(&rig.server), 1);
    ask_fini(&asked);
    ask_fini(&other);
    ask_fini(&last);
    rig_close(&rig);
}

/* --- headers and times ------------------------------------------------------------------------ */

static void headers_are_kept_when_asked_for(void **state)
{
    static const struct wire_step steps[] = {
        HEAD,
        SAY(OK "Server: x\r\nSet-Cookie: a=1\r\nX-Two: b\r\nset-cookie: c=2\r\n"
               "Content-Length: 4\r\n\r\nbo"),
        GO, SAY("dy"), END};
    for (int keeps = 0; keeps < 2; keeps++) {
        struct rig rig;
        struct asked asked;
        rig_open(&rig, ops_of(state), 0, 0);
        rig.server.scripts[0] = steps;
        ask_init(&asked, &rig, "GET", "/");
        asked.request.keeps_headers = keeps;
        assert_int_equal(ask_send(&asked), 0);
        rig_settle(&rig);
        wire_server_go(&rig.server);
        rig_wait(&asked);
        assert_string_equal(buf_text(&asked.headers),
                            keeps ? "Server: x\nSet-Cookie: a=1\nX-Two: b\nset-cookie: c=2\n"
                                    "Content-Length: 4\n"
                                  : "Set-Cookie: a=1\nset-cookie: c=2\n");
        assert_string_equal(buf_text(&asked.body), "body");
        ask_fini(&asked);
        rig_close(&rig);
    }
}

/* --- read as it comes ---------------------------------------------------------------------------
 */

static struct buf as_read = BUF_INIT(1 << 20);
static int heads_read;

static void on_head(void *owner, const struct http_response *head)
{
    (void)owner;
    heads_read++;
    buf_printf(&as_read, "%d", head->status);
    for (size_t i = 0; i < head->header_count; i++)
        buf_printf(&as_read, " %.*s", BYTES_ARG(head->headers[i].value));
    buf_append_text(&as_read, ":");
}

static bool on_body(void *owner, const struct transport_result *so_far, struct bytes piece)
{
    const struct asked *asked = owner;
    assert_int_equal(asked->done_count, 0);
    assert_null(so_far);
    buf_append_bytes(&as_read, piece);
    return true;
}

static const struct transport_viewer viewer = {.on_head = on_head, .on_body = on_body};

static bool has_read_first(struct rig *rig)
{
    (void)rig;
    return as_read.len && strstr(buf_text(&as_read), ":ab") != NULL;
}

static void an_answer_is_read_while_it_is_open(void **state)
{
    static const struct wire_step steps[][8] = {
        {HEAD, SAY(OK "Set-Cookie: a=1\r\nContent-Length: 6\r\n\r\nab"), GO, SAY("cd"), GO,
         SAY("ef"), END},
        {HEAD, SAY(OK "Transfer-Encoding: chunked\r\nSet-Cookie: a=1\r\n\r\n1\r\na\r\n1\r\nb\r\n"),
         GO, SAY("2\r\ncd\r\n"), GO, SAY("2\r\nef\r\n0\r\n\r\n"), END},
        {HEAD, SAY(OK "Set-Cookie: a=1\r\n\r\nab"), GO, SAY("cd"), GO, SAY("ef"), CLOSE},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        for (int keeps = 0; keeps < 2; keeps++) {
            struct rig rig;
            struct asked asked;
            buf_clear(&as_read);
            heads_read = 0;
            rig_open(&rig, ops_of(state), 0, 0);
            rig.server.scripts[0] = steps[i];
            ask_init(&asked, &rig, "GET", "/");
            asked.request.keeps_body = keeps;
            asked.request.viewer = &viewer;
            assert_int_equal(ask_send(&asked), 0);
            rig_wait_until(&rig, has_read_first); /* the rest has not been said */
            assert_int_equal(asked.done_count, 0);
            for (int j = 0; j < 2; j++) {
                wire_server_go(&rig.server);
                rig_settle(&rig);
            }
            rig_wait(&asked);
            assert_int_equal(asked.failure, FAILURE_NONE);
            assert_true(asked.result.was_shown);
            assert_int_equal(heads_read, 1);
            assert_string_equal(buf_text(&as_read), "200 a=1:abcdef");
            assert_string_equal(keeps ? buf_text(&asked.body) : "", keeps ? "abcdef" : "");
            assert_int_equal(asked.body.len, keeps ? 6 : 0);
            ask_fini(&asked);
            rig_close(&rig);
        }
    }
    buf_fini(&as_read);
}

/* More than an answer that is kept may have, and it is not. */
static void an_answer_that_is_only_read_has_no_limit(void **state)
{
    static const struct wire_step steps[] = {HEAD, SAY(OK "\r\n"),
                                             FLOOD("0123456789abcdef", 4 * MEGABYTE), CLOSE};
    struct rig rig;
    struct asked asked;
    as_read = BUF_INIT(8 << 20);
    heads_read = 0;
    rig_open(&rig, ops_of(state), 0, 0);
    rig.server.scripts[0] = steps;
    ask_init(&asked, &rig, "GET", "/");
    asked.request.keeps_body = false;
    asked.request.viewer = &viewer;
    rig_ask(&asked);
    assert_int_equal(asked.failure, FAILURE_NONE);
    assert_int_equal(as_read.len, strlen("200:") + 4 * MEGABYTE);
    ask_fini(&asked);
    rig_close(&rig);
    buf_fini(&as_read);
}

/* --- moments ---------------------------------------------------------------------------------- */

static void times_are_parts_of_the_whole(void **state)
{
    static const struct wire_step steps[] = {
        HEAD, GO, SAY(OK "Content-Length: 4\r\n\r\nbo"), GO, SAY("dy"), HEAD, SAY(OK_2), END};
    struct rig rig;
    struct asked asked;
    rig_open(&rig, ops_of(state), 0, 0);
    rig.server.scripts[0] = steps;
    for (int i = 0; i < 2; i++) {
        ask_init(&asked, &rig, "GET", "/");
        uint64_t before_us = loop_refresh(&rig.loop);
        assert_int_equal(ask_send(&asked), 0);
        for (int j = 0; j < 3; j++) {
            rig_settle(&rig);
            wire_server_go(&rig.server);
        }
        rig_wait(&asked);
        uint64_t whole_us = loop_refresh(&rig.loop) - before_us;
        const struct transport_result *result = &asked.result;
        uint64_t sum_us = result->dns_us + result->connect_us + result->tls_us +
                          result->sending_us + result->waiting_us + result->receiving_us;
        assert_true(sum_us > 0 && sum_us <= whole_us);
        assert_true(i == 0 || result->connect_us + result->dns_us == 0);
        assert_true(i == 1 || result->receiving_us > 0);
        ask_fini(&asked);
    }
    rig_close(&rig);
}

#define SHARED(test) #test, test

int main(void)
{
    static const struct shared {
        const char *name;
        CMUnitTestFunction test;
    } shared[] = {
        {SHARED(an_answer_is_what_its_bytes_say)},
        {SHARED(a_request_is_written_as_http_1_1)},
        {SHARED(methods_without_a_body_say_so_as_browsers_do)},
        {SHARED(what_cannot_be_asked_fails_at_once_or_as_protocol)},
        {SHARED(a_url_that_is_none_fails_behind_an_open_connection_too)},
        {SHARED(large_uploads_go_as_fast_as_they_are_read)},
        {SHARED(a_target_that_reads_no_more_is_left_in_time)},
        {SHARED(an_answer_before_the_request_is_sent_ends_it)},
        {SHARED(a_body_waits_for_100)},
        {SHARED(a_body_is_not_sent_after_a_refusal)},
        {SHARED(a_body_waits_for_100_a_second_at_most)},
        {SHARED(connections_are_kept_as_http_says)},
        {SHARED(a_request_is_tried_again_once)},
        {SHARED(a_request_whose_answer_had_begun_is_not_tried_again)},
        {SHARED(a_connection_is_closed_behind_a_request_that_says_so)},
        {SHARED(nobody_listens)},
        {SHARED(an_answer_that_never_comes_is_waited_for_in_time)},
        {SHARED(an_answer_is_given_up_at_the_limit_of_its_request)},
        {SHARED(a_user_has_no_more_connections_than_it_may)},
        {SHARED(a_request_can_be_cancelled_at_each_stage)},
        {SHARED(a_user_can_be_closed_with_requests_under_way)},
        {SHARED(a_callback_may_send_and_cancel)},
        {SHARED(headers_are_kept_when_asked_for)},
        {SHARED(times_are_parts_of_the_whole)},
        {SHARED(an_answer_is_read_while_it_is_open)},
        {SHARED(an_answer_that_is_only_read_has_no_limit)},
    };
    static const struct transport_ops *const transports[] = {&transport_curl, &transport_native};
    enum { TESTS = sizeof shared / sizeof shared[0], TRANSPORTS = 2 };
    static struct CMUnitTest tests[TESTS * TRANSPORTS];
    static char names[TESTS * TRANSPORTS][96];
    for (int i = 0; i < TESTS * TRANSPORTS; i++) {
        const struct transport_ops *ops = transports[i / TESTS];
        snprintf(names[i], sizeof names[i], "%s: %s", ops->name, shared[i % TESTS].name);
        tests[i] = (struct CMUnitTest){.name = names[i],
                                       .test_func = shared[i % TESTS].test,
                                       .initial_state = (void *)(uintptr_t)ops};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

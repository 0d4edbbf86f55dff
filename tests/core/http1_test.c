/* http1_test.c - heads of requests and responses: what is one, what is none, what needs more. */
#include "core/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/buf.h"
#include "tests/core/guard.h"

#define VIEW(literal)                                                                              \
    {                                                                                              \
        .ptr = "" literal, .len = sizeof(literal) - 1                                              \
    }
#define BYTES(literal) ((struct bytes)VIEW(literal))

static void assert_bytes(struct bytes actual, const char *expected)
{
    if (!bytes_equal(actual, bytes_of(expected)))
        fail_msg("'%.*s' is not '%s'", BYTES_ARG(actual), expected);
}

static void a_request_is_taken_apart_where_it_lies(void **state)
{
    (void)state;
    struct http1_head head;
    struct bytes in = BYTES("POST /jobs?x=1 HTTP/1.1\r\nHost: a:80\r\nX-Empty:\r\n\r\nbody");
    assert_int_equal(http1_parse_request(in, &head), in.len - 4);
    assert_false(head.is_response);
    assert_bytes(head.method, "POST");
    assert_bytes(head.target, "/jobs?x=1");
    assert_int_equal(head.minor_version, 1);
    assert_int_equal(head.header_count, 2);
    assert_bytes(head.headers[0].name, "Host");
    assert_bytes(head.headers[0].value, "a:80");
    assert_bytes(head.headers[1].value, "");
    assert_bytes(head.header_block, "Host: a:80\r\nX-Empty:\r\n");
    assert_ptr_equal(head.method.ptr, in.ptr);
}

static void a_response_is_taken_apart_where_it_lies(void **state)
{
    (void)state;
    struct http1_head head;
    struct bytes in = BYTES("HTTP/1.0 404 Not  Found \r\nServer:\t x \t\r\n\r\n");
    assert_int_equal(http1_parse_response(in, &head), in.len);
    assert_true(head.is_response);
    assert_int_equal(head.status, 404);
    assert_int_equal(head.minor_version, 0);
    assert_bytes(head.reason, "Not  Found");
    assert_bytes(http1_header(&head, "SERVER"), "x");
    assert_null(http1_header(&head, "absent").ptr);
}

struct head_row {
    struct bytes in;
    const char *method_or_reason; /* NULL: no head */
    const char *target;
};

static void request_lines_are_read_as_leniently_as_the_field_writes_them(void **state)
{
    (void)state;
    static const struct head_row rows[] = {
        {VIEW("GET / HTTP/1.1\n\n"), "GET", "/"},
        {VIEW("\r\n\n\r\nGET / HTTP/1.1\r\n\r\n"), "GET", "/"},
        {VIEW("GET   /a   HTTP/1.1  \r\n\r\n"), "GET", "/a"},
        {VIEW("GET /a b\tc HTTP/1.1\r\n\r\n"), "GET", "/a b\tc"},
        {VIEW("GET /\xc3\xa4\"<>^ HTTP/1.1\r\n\r\n"), "GET", "/\xc3\xa4\"<>^"},
        {VIEW("get / HTTP/1.1\r\n\r\n"), "get", "/"},
        {VIEW("M-SEARCH * HTTP/1.1\r\n\r\n"), "M-SEARCH", "*"},
        {VIEW("CONNECT h:443 HTTP/1.1\r\n\r\n"), "CONNECT", "h:443"},
        {VIEW("GET http://h/a HTTP/1.1\r\n\r\n"), "GET", "http://h/a"},
        {VIEW("GET / HTTP/1.1\r\nName : v\r\n\r\n"), "GET", "/"},
        {VIEW("GET / HTTP/1.1\r\nno colon\r\n\r\n"), "GET", "/"},
        {VIEW("GET / HTTP/1.1\r\n: no name\r\n\r\n"), "GET", "/"},
        {VIEW("GET / HTTP/1.1\r\n folded onto nothing\r\n\r\n"), "GET", "/"},
        {VIEW("GET /\r\n\r\n"), NULL, NULL}, /* HTTP/0.9 */
        {VIEW("GET / http/1.1\r\n\r\n"), NULL, NULL},
        {VIEW("GET  HTTP/1.1\r\n\r\n"), NULL, NULL},
        {VIEW("GET\r\n\r\n"), NULL, NULL},
        {VIEW(" GET / HTTP/1.1\r\n\r\n"), NULL, NULL},
        {VIEW("G(T / HTTP/1.1\r\n\r\n"), NULL, NULL},
        {VIEW("GET /HTTP/1.1\r\n\r\n"), NULL, NULL},
        {VIEW("GET / HTTP/2.0\r\n\r\n"), NULL, NULL},
        {VIEW("GET / HTTP/1.10\r\n\r\n"), NULL, NULL},
        {VIEW("GET / HTTP/1.x\r\n\r\n"), NULL, NULL},
        {VIEW("GET /a\rb HTTP/1.1\r\n\r\n"), NULL, NULL},
        {VIEW("GET /a\0b HTTP/1.1\r\n\r\n"), NULL, NULL},
        {VIEW("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 / HTTP/1.1\r\n\r\n"), NULL, NULL},
        {VIEW("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n"), NULL, NULL},
        {VIEW("GET / HTTP/1.1\r\nA: b\r\n c\0d\r\n\r\n"), NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http1_head head;
        ssize_t used = http1_parse_request(rows[i].in, &head);
        ssize_t expected = rows[i].method_or_reason ? (ssize_t)rows[i].in.len : HTTP1_BAD;
        if (used != expected)
            fail_msg("row %zu: %zd", i, used);
        if (used > 0) {
            assert_bytes(head.method, rows[i].method_or_reason);
            assert_bytes(head.target, rows[i].target);
        }
    }
}

static void status_lines_are_read_as_leniently_as_the_field_writes_them(void **state)
{
    (void)state;
    static const struct head_row rows[] = {
        {VIEW("HTTP/1.1 200 OK\r\n\r\n"), "OK", NULL},
        {VIEW("HTTP/1.1 200 \r\n\r\n"), "", NULL},
        {VIEW("HTTP/1.1 200\r\n\r\n"), "", NULL},
        {VIEW("HTTP/1.1  200  OK\n\n"), "OK", NULL},
        {VIEW("HTTP/1.0 999 x\r\n\r\n"), "x", NULL},
        {VIEW("http/1.0 999 x\r\n\r\n"), NULL, NULL},
        {VIEW("HTTP/1.1 99 x\r\n\r\n"), NULL, NULL},
        {VIEW("HTTP/1.1 099 x\r\n\r\n"), NULL, NULL},
        {VIEW("HTTP/1.1 2000\r\n\r\n"), NULL, NULL},
        {VIEW("HTTP/1.1 2x0 OK\r\n\r\n"), NULL, NULL},
        {VIEW("HTTP/1.1 -20 OK\r\n\r\n"), NULL, NULL},
        {VIEW("HTTP/1.1200 OK\r\n\r\n"), NULL, NULL},
        {VIEW("HTTP/1.1\r\n\r\n"), NULL, NULL},
        {VIEW("HTTP/1.1    \r\n\r\n"), NULL, NULL},
        {VIEW("HTTP/2 200 OK\r\n\r\n"), NULL, NULL},
        {VIEW("ICY 200 OK\r\n\r\n"), NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http1_head head;
        ssize_t used = http1_parse_response(rows[i].in, &head);
        ssize_t expected = rows[i].method_or_reason ? (ssize_t)rows[i].in.len : HTTP1_BAD;
        if (used != expected)
            fail_msg("row %zu: %zd", i, used);
        if (used > 0)
            assert_bytes(head.reason, rows[i].method_or_reason);
    }
}

static void a_folded_value_is_kept_as_received_and_trimmed(void **state)
{
    (void)state;
    struct http1_head head;
    struct bytes in =
        BYTES("GET / HTTP/1.1\r\nA: one\r\n two \r\nB:\r\n\tthree\r\nC: four\r\n \r\n\r\n");
    assert_int_equal(http1_parse_request(in, &head), in.len);
    assert_true(head.has_folded_value);
    assert_bytes(http1_header(&head, "a"), "one\r\n two");
    assert_bytes(http1_header(&head, "b"), "three");
    assert_bytes(http1_header(&head, "c"), "four");
    in = BYTES("GET / HTTP/1.1\r\nA: one\r\n\r\n");
    http1_parse_request(in, &head);
    assert_false(head.has_folded_value);
}

static void every_prefix_of_a_head_needs_more_and_nothing_behind_it_is_read(void **state)
{
    (void)state;
    static const struct {
        struct bytes in;
        ssize_t (*parse)(struct bytes in, struct http1_head *head);
        bool (*looks_like)(struct bytes in);
    } rows[] = {
        {VIEW("\r\nPOST /login HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n"), http1_parse_request,
         http1_looks_like_request},
        {VIEW("\nHTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nX: y\r\n\r\n"), http1_parse_response,
         http1_looks_like_response},
    };
    struct guard guard;
    guard_init(&guard, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t len = 0; len <= rows[i].in.len; len++) {
            struct http1_head head;
            struct bytes in = guard_place(&guard, bytes_make(rows[i].in.ptr, len));
            ssize_t expected = len == rows[i].in.len ? (ssize_t)len : HTTP1_NEED_MORE;
            assert_int_equal(rows[i].parse(in, &head), expected);
            assert_true(rows[i].looks_like(in));
        }
    }
    guard_fini(&guard);
}

static void what_another_protocol_says_first_is_no_http(void **state)
{
    (void)state;
    static const struct bytes rows[] = {
        VIEW("\x16\x03\x01\x02\x00"),
        VIEW("EHLO{}"),
        VIEW("220 mail ESMTP\r\n"),
        VIEW("*1\r\n$4\r\nPING\r\n"),
        VIEW("\x81\x85xxxx"),
        VIEW("GET\t/"),
        VIEW("GET \x01"),
        VIEW("{\"a\": 1}"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i != 2 && http1_looks_like_request(rows[i])) /* "220 mail" could be an odd method */
            fail_msg("row %zu looks like a request", i);
        if (http1_looks_like_response(rows[i]))
            fail_msg("row %zu looks like a response", i);
    }
    assert_false(http1_looks_like_request(BYTES("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456")));
    assert_true(http1_looks_like_request(BYTES("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345")));
    assert_true(http1_looks_like_request(BYTES("GET  /")));
}

static void one_header_too_many_is_refused(void **state)
{
    (void)state;
    for (size_t count = HTTP1_MAX_HEADERS; count <= HTTP1_MAX_HEADERS + 1; count++) {
        static struct http1_head head;
        struct buf text = BUF_INIT(10000);
        buf_append_text(&text, "GET / HTTP/1.1\r\n");
        for (size_t i = 0; i < count; i++)
            buf_printf(&text, "h%zu: %zu\r\n", i, i);
        buf_append_text(&text, "\r\n");
        bool fits = count == HTTP1_MAX_HEADERS;
        ssize_t expected = fits ? (ssize_t)text.len : HTTP1_BAD;
        assert_int_equal(http1_parse_request(buf_bytes(&text), &head), expected);
        if (fits)
            assert_bytes(http1_header(&head, "H255"), "255");
        buf_fini(&text);
    }
}

static void a_token_is_found_in_every_list_of_that_name(void **state)
{
    (void)state;
    struct http1_head head;
    http1_parse_request(BYTES("GET / HTTP/1.1\r\nConnection: close\r\nOther: upgrade\r\n"
                              "Connection: keep-alive , Upgrade\r\n\r\n"),
                        &head);
    assert_true(http1_header_has_token(&head, "connection", "upgrade"));
    assert_true(http1_header_has_token(&head, "connection", "close"));
    assert_true(http1_header_has_token(&head, "connection", "KEEP-ALIVE"));
    assert_false(http1_header_has_token(&head, "connection", "keep"));
    assert_false(http1_header_has_token(&head, "upgrade", "upgrade"));
}

static void a_token_is_of_token_characters_and_not_empty(void **state)
{
    static const char *const tokens[] = {"X-User-Id", "a", "!#$%&'*+-.^_`|~9"};
    static const char *const others[] = {"", "X User", "X-User:", "a\tb", "\xc3\xa9", "a(b)", "\""};
    (void)state;
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        assert_true(http1_is_token(bytes_of(tokens[i])));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(http1_is_token(bytes_of(others[i])));
    assert_false(http1_is_token(bytes_make("a\0b", 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart_where_it_lies),
        cmocka_unit_test(a_response_is_taken_apart_where_it_lies),
        cmocka_unit_test(request_lines_are_read_as_leniently_as_the_field_writes_them),
        cmocka_unit_test(status_lines_are_read_as_leniently_as_the_field_writes_them),
        cmocka_unit_test(a_folded_value_is_kept_as_received_and_trimmed),
        cmocka_unit_test(every_prefix_of_a_head_needs_more_and_nothing_behind_it_is_read),
        cmocka_unit_test(what_another_protocol_says_first_is_no_http),
        cmocka_unit_test(one_header_too_many_is_refused),
        cmocka_unit_test(a_token_is_found_in_every_list_of_that_name),
        cmocka_unit_test(a_token_is_of_token_characters_and_not_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

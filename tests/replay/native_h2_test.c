/* native_h2_test.c - HTTP/2 of the native transport, through its functions, against a server that
 * does as it is told. */
#include "replay/transport/native_h2.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "tests/support/h2_server.h"

enum { MAX_CALLS = 300 };

struct fixture {
    struct h2_server server;
    struct loop loop;
    struct transport *transport;
    struct transport_user *user;
};

struct asked {
    struct fixture *fixture;
    char url[128];
    struct http_header headers[8];
    struct http_request http;
    struct transport_call *call;
    int done;
    enum failure failure;
    int status;
    char detail[128];
    struct buf headers_seen, body;
    uint64_t service_us, bytes_sent, bytes_received;
    size_t body_len;
    struct asked *then; /* is sent when this one is done */
};

/* The machine's clock, moved on by hand. */
static uint64_t ahead_us;

static uint64_t clock_us(void)
{
    return clock_now_us() + ahead_us;
}

static void set_up(struct fixture *fixture, uint64_t timeout_us)
{
    const struct transport_options options = {.timeout_us = timeout_us,
                                              .max_body_bytes = 1 << 20,
                                              .max_message_bytes = 1 << 20,
                                              .http = TRANSPORT_HTTP_2};
    struct error err = {0};
    ahead_us = 0;
    h2_server_start(&fixture->server);
    assert_int_equal(loop_init(&fixture->loop, &err), 0);
    fixture->loop.clock_us = clock_us;
    if (transport_native.open(&fixture->transport, &fixture->loop, &options, &err))
        fail_msg("%s", err.text);
    fixture->user = transport_native.user_open(fixture->transport);
    assert_non_null(fixture->user);
}

static void tear_down(struct fixture *fixture)
{
    transport_native.user_close(fixture->user);
    transport_native.close(fixture->transport);
    assert_int_equal(fixture->loop.watch_count, 0);
    loop_fini(&fixture->loop);
    h2_server_stop(&fixture->server);
}

static void send_it(struct asked *asked, bool keeps);

static void on_done(void *owner, const struct transport_result *result)
{
    struct asked *asked = owner;
    asked->done++;
    asked->call = NULL;
    asked->failure = result->failure;
    asked->status = result->response.status;
    asked->service_us = result->sending_us + result->waiting_us + result->receiving_us;
    asked->bytes_sent = result->bytes_sent;
    asked->bytes_received = result->bytes_received;
    snprintf(asked->detail, sizeof asked->detail, "%s", result->detail ? result->detail : "");
    for (size_t i = 0; i < result->response.header_count; i++)
        buf_printf(&asked->headers_seen, "%.*s=%.*s;", BYTES_ARG(result->response.headers[i].name),
                   BYTES_ARG(result->response.headers[i].value));
    buf_append_bytes(&asked->body, result->response.body);
    if (asked->then)
        send_it(asked->then, true);
}

static void prepare(struct asked *asked, struct fixture *fixture, const char *method,
                    const char *path)
{
    *asked = (struct asked){.fixture = fixture};
    buf_init(&asked->headers_seen, 1 << 20);
    buf_init(&asked->body, 64 << 20);
    buf_append_text(&asked->headers_seen, "");
    buf_append_text(&asked->body, "");
    snprintf(asked->url, sizeof asked->url, "http://127.0.0.1:%u%s", fixture->server.port, path);
    asked->http = (struct http_request){.method = bytes_of(method), .url = bytes_of(asked->url)};
}

static void send_it(struct asked *asked, bool keeps)
{
    enum failure failure = FAILURE_NONE;
    const struct transport_request request = {.http = &asked->http,
                                              .keeps_body = keeps,
                                              .keeps_headers = keeps,
                                              .cookies = bytes_of("sid=1"),
                                              .done = on_done,
                                              .owner = asked};
    asked->call = transport_native.send(asked->fixture->user, &request, &failure);
    assert_non_null(asked->call);
    assert_int_equal(asked->done, 0);
}

static void asked_fini(struct asked *asked)
{
    buf_fini(&asked->headers_seen);
    buf_fini(&asked->body);
}

#define RUN_UNTIL(fixture, condition)                                                              \
    while (!(condition)) {                                                                         \
        assert_true((fixture)->loop.now_us < 60000000);                                            \
        loop_pass(&(fixture)->loop, 100000);                                                       \
    }

/* One request, from beginning to end. */
static void get(struct fixture *fixture, const char *path, bool keeps, struct asked *asked)
{
    prepare(asked, fixture, "GET", path);
    send_it(asked, keeps);
    RUN_UNTIL(fixture, asked->done);
    assert_int_equal(asked->done, 1);
}

static void each_deed_ends_as_it_should(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum failure failure;
        int status;
        const char *body;
    } rows[] = {
        {"/hello", FAILURE_NONE, 200, "hello"},
        {"/gzip", FAILURE_NONE, 200, "hello hello\n"},
        {"/hints", FAILURE_NONE, 200, "hello"},
        {"/trailers", FAILURE_NONE, 200, "hello"},
        {"/empty", FAILURE_NONE, 204, ""},
        {"/heads", FAILURE_HEAD_TOO_LARGE, 0, ""},
        {"/many", FAILURE_HEAD_TOO_LARGE, 0, ""},
        {"/big", FAILURE_BODY_TOO_LARGE, 0, ""},
        {"/goaway", FAILURE_NONE, 200, "hello"},
        {"/hello", FAILURE_NONE, 200, "hello"}, /* on another connection */
        {"/refuse-once", FAILURE_NONE, 200, "hello"},
        {"/refuse", FAILURE_RESET, 0, ""},
        {"/reset", FAILURE_RESET, 0, ""},
        {"/reset-inside", FAILURE_RESET, 0, ""},
        {"/cut-inside", FAILURE_TRUNCATED, 0, ""},
        {"/hello", FAILURE_NONE, 200, "hello"},
        {"/garbage", FAILURE_PROTOCOL, 0, ""},
        {"/hello", FAILURE_NONE, 200, "hello"},
    };
    struct fixture fixture = {0};
    set_up(&fixture, 20000000);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct asked asked;
        get(&fixture, rows[i].path, true, &asked);
        if (asked.failure != rows[i].failure || asked.status != rows[i].status ||
            strcmp(buf_text(&asked.body), rows[i].body) != 0)
            fail_msg("row %zu, %s: %s %d '%s' (%s)", i, rows[i].path, failure_name(asked.failure),
                     asked.status, buf_text(&asked.body), asked.detail);
        assert_true(asked.failure == FAILURE_NONE || asked.detail[0]);
        asked_fini(&asked);
    }
    tear_down(&fixture);
}

/* The same paths with nothing kept: no limit of what is only counted, and cookies all the same. */
static void what_is_not_kept_is_counted(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct asked asked;
    set_up(&fixture, 20000000);
    get(&fixture, "/big", false, &asked);
    assert_int_equal(asked.failure, FAILURE_NONE);
    assert_int_equal(asked.body.len, 0);
    assert_true(asked.bytes_received > 5 << 20);
    assert_string_equal(buf_text(&asked.headers_seen), "set-cookie=a=1;set-cookie=b=2;");
    asked_fini(&asked);
    get(&fixture, "/hello", true, &asked);
    assert_string_equal(buf_text(&asked.headers_seen), "x-a=b;set-cookie=a=1;set-cookie=b=2;");
    asked_fini(&asked);
    tear_down(&fixture);
}

static void a_request_is_written_as_http2_has_it(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct asked asked;
    char expected[512];
    set_up(&fixture, 20000000);
    prepare(&asked, &fixture, "POST", "/echo");
    const struct http_header headers[] = {
        {bytes_of("Host"), bytes_of("shop.example")},
        {bytes_of("User-Agent"), bytes_of("Me")},
        {bytes_of("Connection"), bytes_of("keep-alive")},
        {bytes_of("Content-Length"), bytes_of("99")},
        {bytes_of("Transfer-Encoding"), bytes_of("chunked")},
        {bytes_of("TE"), bytes_of("trailers")},
        {bytes_of("X-Smuggled"), bytes_of("a\r\nb: c")},
    };
    asked.http.headers = headers;
    asked.http.header_count = sizeof headers / sizeof headers[0];
    asked.http.body = bytes_of("{\"a\":1}");
    send_it(&asked, true);
    RUN_UNTIL(&fixture, asked.done);
    snprintf(expected, sizeof expected,
             ":method: POST\n:path: /echo\n:authority: shop.example\n:scheme: http\n"
             "user-agent: Me\nte: trailers\ncookie: sid=1\ncontent-length: 7\n\n{\"a\":1}");
    assert_string_equal(buf_text(&asked.body), expected);
    asked_fini(&asked);
    tear_down(&fixture);
}

/* Where `part` lies in `text`, as a slot for a value. */
static struct request_slot slot_at(const char *text, const char *part, bool is_in_body,
                                   uint32_t value)
{
    return (struct request_slot){.is_in_body = is_in_body,
                                 .at = (uint32_t)(strstr(text, part) - text),
                                 .len = (uint32_t)strlen(part),
                                 .value = value};
}

static void a_users_values_are_in_their_places(void **state)
{
    (void)state;
    static const char head[] = "POST /echo?id=recorded-id HTTP/1.1\r\nHost: h\r\n"
                               "X-Token: recorded-token\r\nContent-Length: 22\r\n\r\n";
    static const char body[] = "{\"job\":\"recorded-job\"}";
    struct request_slot slots[] = {slot_at(head, "recorded-id", false, 0),
                                   slot_at(head, "recorded-token", false, 1),
                                   slot_at(body, "recorded-job", true, 2)};
    const struct request_cut cut = {
        .head = bytes_of(head), .target_at = 5, .slot_count = 3, .slots = slots};
    const struct http_header headers[] = {
        {bytes_make(strstr(head, "X-Token"), 7), bytes_make(strstr(head, "recorded-token"), 14)}};
    const struct bytes values[] = {bytes_of("live"), {0}, bytes_of("a longer job than recorded")};
    struct fixture fixture = {0};
    struct asked asked;
    enum failure failure;
    set_up(&fixture, 20000000);
    prepare(&asked, &fixture, "POST", "/echo?id=recorded-id");
    asked.http.headers = headers;
    asked.http.header_count = 1;
    asked.http.body = bytes_of(body);
    const struct transport_request request = {.http = &asked.http,
                                              .cut = &cut,
                                              .values = values,
                                              .keeps_body = true,
                                              .done = on_done,
                                              .owner = &asked};
    asked.call = transport_native.send(fixture.user, &request, &failure);
    assert_non_null(asked.call);
    RUN_UNTIL(&fixture, asked.done);
    assert_int_equal(asked.status, 200);
    assert_non_null(strstr(buf_text(&asked.body), ":path: /echo?id=live\n"));
    assert_non_null(strstr(buf_text(&asked.body), "x-token: recorded-token\n"));
    assert_non_null(strstr(buf_text(&asked.body),
                           "content-length: 36\n\n{\"job\":\"a longer job than recorded\"}"));
    asked_fini(&asked);
    tear_down(&fixture);
}

static void a_head_over_the_limits_is_called_that(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct asked asked;
    set_up(&fixture, 20000000);
    get(&fixture, "/heads", true, &asked);
    assert_non_null(strstr(asked.detail, "over 256 KiB"));
    asked_fini(&asked);
    get(&fixture, "/many", false, &asked); /* whatever is kept */
    assert_int_equal(asked.failure, FAILURE_HEAD_TOO_LARGE);
    assert_non_null(strstr(asked.detail, "more than 256 headers"));
    asked_fini(&asked);
    get(&fixture, "/long", false, &asked); /* nghttp2 gives up the connection */
    assert_int_equal(asked.failure, FAILURE_PROTOCOL);
    assert_non_null(strstr(asked.detail, "over 64 KiB"));
    asked_fini(&asked);
    get(&fixture, "/hello", false, &asked);
    assert_int_equal(asked.status, 200);
    asked_fini(&asked);
    tear_down(&fixture);
}

/* Larger than nghttp2 lets out by itself, and than ours. */
static void a_request_may_have_a_large_head(void **state)
{
    (void)state;
    enum { VALUE_BYTES = 40000 };
    struct fixture fixture = {0};
    struct asked asked;
    char *value = malloc(VALUE_BYTES);
    memset(value, 'v', VALUE_BYTES);
    const struct http_header header = {bytes_of("X-Large"), bytes_make(value, VALUE_BYTES)};
    const struct http_header three[] = {header, header, header};
    struct http_header twenty[20];
    for (int i = 0; i < 20; i++)
        twenty[i] = header;
    set_up(&fixture, 20000000);
    prepare(&asked, &fixture, "GET", "/echo");
    asked.http.headers = three;
    asked.http.header_count = 3;
    send_it(&asked, true);
    RUN_UNTIL(&fixture, asked.done);
    assert_int_equal(asked.status, 200);
    assert_true(asked.body.len > 3 * VALUE_BYTES);
    asked_fini(&asked);
    prepare(&asked, &fixture, "GET", "/echo");
    asked.http.headers = twenty;
    asked.http.header_count = 20;
    send_it(&asked, true);
    RUN_UNTIL(&fixture, asked.done);
    assert_int_equal(asked.failure, FAILURE_HEAD_TOO_LARGE);
    assert_non_null(strstr(asked.detail, "the request's headers are over 576 KiB"));
    asked_fini(&asked);
    tear_down(&fixture);
    free(value);
}

/* A user's value that makes the request too large is found out by nghttp2 alone. */
static void a_value_that_is_too_large_fails_its_request_alone(void **state)
{
    (void)state;
    enum { VALUE_BYTES = 700000 };
    static const char head[] = "GET /echo HTTP/1.1\r\nHost: h\r\nX-Token: recorded-token\r\n\r\n";
    struct request_slot slot = slot_at(head, "recorded-token", false, 0);
    const struct request_cut cut = {
        .head = bytes_of(head), .target_at = 4, .slot_count = 1, .slots = &slot};
    const struct http_header headers[] = {
        {bytes_make(strstr(head, "X-Token"), 7), bytes_make(strstr(head, "recorded-token"), 14)}};
    char *text = malloc(VALUE_BYTES);
    memset(text, 'v', VALUE_BYTES);
    const struct bytes value = bytes_make(text, VALUE_BYTES);
    struct fixture fixture = {0};
    struct asked asked, good;
    enum failure failure;
    set_up(&fixture, 20000000);
    prepare(&asked, &fixture, "GET", "/echo");
    asked.http.headers = headers;
    asked.http.header_count = 1;
    const struct transport_request request = {
        .http = &asked.http, .cut = &cut, .values = &value, .done = on_done, .owner = &asked};
    asked.call = transport_native.send(fixture.user, &request, &failure);
    assert_non_null(asked.call);
    get(&fixture, "/hello", true, &good);
    assert_int_equal(good.status, 200);
    assert_int_equal(asked.done, 1);
    assert_int_equal(asked.failure, FAILURE_HEAD_TOO_LARGE);
    assert_non_null(strstr(asked.detail, "the request's headers are over 576 KiB"));
    asked_fini(&asked);
    asked_fini(&good);
    tear_down(&fixture);
    assert_int_equal(fixture.server.connections, 1);
    free(text);
}

/* Found out where it is dialed for, and on a connection that is open: the others go on. */
static void a_url_that_is_none_fails_its_request_alone(void **state)
{
    (void)state;
    static const char head[] = "GET /echo?id=recorded HTTP/1.1\r\nHost: h\r\n\r\n";
    struct request_slot slot = slot_at(head, "recorded", false, 0);
    const struct request_cut cut = {
        .head = bytes_of(head), .target_at = 4, .slot_count = 1, .slots = &slot};
    const struct bytes bad = bytes_of("a\r\nX: y");
    struct fixture fixture = {0};
    set_up(&fixture, 20000000);
    for (int i = 0; i < 2; i++) {
        struct asked asked, good;
        enum failure failure = FAILURE_NONE;
        prepare(&asked, &fixture, "GET", "/echo?id=recorded");
        const struct transport_request request = {
            .http = &asked.http, .cut = &cut, .values = &bad, .done = on_done, .owner = &asked};
        asked.call = transport_native.send(fixture.user, &request, &failure);
        assert_non_null(asked.call);
        get(&fixture, "/hello", true, &good);
        assert_int_equal(good.status, 200);
        RUN_UNTIL(&fixture, asked.done);
        assert_int_equal(asked.failure, FAILURE_PROTOCOL);
        asked_fini(&asked);
        asked_fini(&good);
        prepare(&asked, &fixture, "GET", "/a b");
        const struct transport_request uncut = {
            .http = &asked.http, .done = on_done, .owner = &asked};
        assert_null(transport_native.send(fixture.user, &uncut, &failure));
        assert_int_equal(failure, FAILURE_PROTOCOL);
        asked_fini(&asked);
    }
    tear_down(&fixture);
    assert_int_equal(fixture.server.connections, 1);
}

/* --- 100-continue ----------------------------------------------------------------------------- */

static const struct http_header expect_continue[] = {
    {{"Expect", 6}, {"100-continue", 12}},
};

static void upload(struct asked *asked, struct fixture *fixture, const char *path)
{
    prepare(asked, fixture, "POST", path);
    asked->http.headers = expect_continue;
    asked->http.header_count = 1;
    asked->http.body = bytes_of("hello body");
    send_it(asked, true);
}

/* As often as it takes for what can happen without a clock to have happened. */
static void settle(struct fixture *fixture)
{
    for (int i = 0; i < 50; i++)
        loop_pass(&fixture->loop, 1000);
}

static void a_body_waits_for_100(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct asked asked;
    set_up(&fixture, 20000000);
    upload(&asked, &fixture, "/continue");
    RUN_UNTIL(&fixture, asked.done);
    assert_int_equal(asked.status, 200);
    assert_non_null(strstr(buf_text(&asked.body), "expect: 100-continue\n"));
    assert_non_null(strstr(buf_text(&asked.body), "\n\nhello body"));
    asked_fini(&asked);
    tear_down(&fixture);
    assert_int_equal(fixture.server.early_bytes, 0);
    assert_int_equal(fixture.server.body_bytes, 10);
}

static void a_body_waits_for_100_a_second_at_most(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct asked asked, other;
    set_up(&fixture, 20000000);
    upload(&asked, &fixture, "/echo"); /* which waits for the body */
    RUN_UNTIL(&fixture, asked.call->is_ready);
    get(&fixture, "/hello", true, &other); /* is not held up by it */
    settle(&fixture);
    assert_int_equal(asked.call->body_sent, 0);
    ahead_us += NATIVE_CONTINUE_WAIT_US;
    RUN_UNTIL(&fixture, asked.done);
    assert_int_equal(asked.status, 200);
    assert_non_null(strstr(buf_text(&asked.body), "\n\nhello body"));
    asked_fini(&asked);
    asked_fini(&other);
    tear_down(&fixture);
    assert_int_equal(fixture.server.connections, 1);
}

static void a_body_is_not_sent_after_a_final_answer(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct asked asked, good;
    set_up(&fixture, 20000000);
    upload(&asked, &fixture, "/early");
    RUN_UNTIL(&fixture, asked.done);
    assert_int_equal(asked.status, 200);
    assert_string_equal(buf_text(&asked.body), "hello");
    asked_fini(&asked);
    upload(&asked, &fixture, "/half"); /* its head decides, however long its body takes */
    RUN_UNTIL(&fixture, asked.call->answer.has_head);
    ahead_us += 2 * NATIVE_CONTINUE_WAIT_US;
    settle(&fixture);
    assert_int_equal(asked.call->body_sent, 0);
    transport_native.cancel(asked.call);
    asked_fini(&asked);
    get(&fixture, "/hello", true, &good);
    assert_int_equal(good.status, 200);
    asked_fini(&good);
    tear_down(&fixture);
    assert_int_equal(fixture.server.body_bytes, 0);
    assert_int_equal(fixture.server.connections, 1);
}

/* Larger than any window and any socket's buffer. */
static void a_large_body_goes_out_whole(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct asked asked;
    enum { BODY_BYTES = 900000 };
    char *body = malloc(BODY_BYTES);
    for (size_t i = 0; i < BODY_BYTES; i++)
        body[i] = (char)('a' + i % 26);
    set_up(&fixture, 20000000);
    ahead_us += 30000000; /* its time does not count from the beginning of the run */
    loop_refresh(&fixture.loop);
    prepare(&asked, &fixture, "PUT", "/echo");
    asked.http.body = bytes_make(body, BODY_BYTES);
    send_it(&asked, true);
    RUN_UNTIL(&fixture, asked.done);
    assert_int_equal(asked.failure, FAILURE_NONE);
    assert_true(asked.service_us < 30000000);
    assert_true(asked.body.len > BODY_BYTES);
    assert_memory_equal(asked.body.data + asked.body.len - BODY_BYTES, body, BODY_BYTES);
    assert_true(asked.bytes_sent > BODY_BYTES);
    asked_fini(&asked);
    /* Answered before it was sent: the rest is not wanted. */
    prepare(&asked, &fixture, "POST", "/early");
    asked.http.body = bytes_make(body, BODY_BYTES);
    send_it(&asked, true);
    RUN_UNTIL(&fixture, asked.done);
    assert_string_equal(buf_text(&asked.body), "hello");
    asked_fini(&asked);
    tear_down(&fixture);
    free(body);
}

static void many_at_once_share_a_connection_within_what_the_target_allows(void **state)
{
    (void)state;
    struct fixture fixture = {.server = {.max_streams = 7}};
    static struct asked asked[MAX_CALLS];
    set_up(&fixture, 20000000);
    for (int i = 0; i < MAX_CALLS; i++) {
        prepare(&asked[i], &fixture, "GET", "/hello");
        send_it(&asked[i], i % 2);
    }
    for (int i = 0; i < MAX_CALLS; i++) {
        RUN_UNTIL(&fixture, asked[i].done);
        assert_int_equal(asked[i].failure, FAILURE_NONE);
        assert_int_equal(asked[i].status, 200);
        asked_fini(&asked[i]);
    }
    assert_int_equal(transport_native.most_connections(fixture.transport), 1);
    tear_down(&fixture);
    assert_int_equal(fixture.server.connections, 1);
    assert_int_equal(fixture.server.requests, MAX_CALLS);
    /* Before its SETTINGS are known, a hundred may be on their way. */
    assert_in_range(fixture.server.most_streams, 1, NATIVE_H2_FIRST_STREAMS);
}

static void a_call_may_be_sent_from_within_the_end_of_another(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    static struct asked asked[20];
    static const char *const paths[] = {"/hello", "/goaway", "/cut", "/refuse-once", "/reset"};
    set_up(&fixture, 20000000);
    for (int i = 0; i < 20; i++)
        prepare(&asked[i], &fixture, "GET", paths[i % 5]);
    for (int i = 0; i + 1 < 20; i++)
        asked[i].then = &asked[i + 1];
    send_it(&asked[0], true);
    RUN_UNTIL(&fixture, asked[19].done);
    for (int i = 0; i < 20; i++) {
        bool is_bad = i % 5 == 2 || i % 5 == 4;
        assert_int_equal(asked[i].done, 1);
        assert_int_equal(asked[i].status, is_bad ? 0 : 200);
        asked_fini(&asked[i]);
    }
    tear_down(&fixture);
}

static void a_call_that_is_cancelled_or_late_leaves_the_others_alone(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct asked never, late, good;
    set_up(&fixture, 400000);
    prepare(&never, &fixture, "GET", "/never");
    send_it(&never, true);
    get(&fixture, "/hello", true, &good);
    asked_fini(&good);
    transport_native.cancel(never.call);
    get(&fixture, "/hello", true, &good);
    assert_string_equal(buf_text(&good.body), "hello");
    asked_fini(&good);
    get(&fixture, "/never", true, &late);
    assert_int_equal(late.failure, FAILURE_TIMEOUT);
    get(&fixture, "/hello", true, &good);
    assert_string_equal(buf_text(&good.body), "hello");
    assert_int_equal(never.done, 0);
    asked_fini(&never);
    asked_fini(&late);
    asked_fini(&good);
    tear_down(&fixture);
    assert_true(fixture.server.resets >= 1);
}

static void calls_under_way_go_with_their_user(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct asked first, second, good;
    set_up(&fixture, 20000000);
    prepare(&first, &fixture, "GET", "/never"); /* while it connects */
    send_it(&first, true);
    transport_native.user_close(fixture.user);
    fixture.user = transport_native.user_open(fixture.transport);
    prepare(&second, &fixture, "GET", "/never");
    send_it(&second, true);
    get(&fixture, "/hello", true, &good);
    tear_down(&fixture);
    assert_int_equal(first.done + second.done, 0);
    asked_fini(&first);
    asked_fini(&second);
    asked_fini(&good);
}

static void a_call_cancelled_while_it_connects_takes_the_dial_with_it(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct asked asked;
    set_up(&fixture, 20000000);
    prepare(&asked, &fixture, "GET", "/hello");
    send_it(&asked, true);
    transport_native.cancel(asked.call);
    assert_null(fixture.user->h2);
    asked_fini(&asked);
    tear_down(&fixture);
}

static void who_speaks_no_http2_is_named(void **state)
{
    (void)state;
    struct fixture fixture = {.server = {.speaks_http1 = true}};
    struct asked asked;
    set_up(&fixture, 20000000);
    get(&fixture, "/hello", true, &asked);
    assert_int_equal(asked.failure, FAILURE_PROTOCOL);
    asked_fini(&asked);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_deed_ends_as_it_should),
        cmocka_unit_test(what_is_not_kept_is_counted),
        cmocka_unit_test(a_request_is_written_as_http2_has_it),
        cmocka_unit_test(a_users_values_are_in_their_places),
        cmocka_unit_test(a_head_over_the_limits_is_called_that),
        cmocka_unit_test(a_request_may_have_a_large_head),
        cmocka_unit_test(a_value_that_is_too_large_fails_its_request_alone),
        cmocka_unit_test(a_url_that_is_none_fails_its_request_alone),
        cmocka_unit_test(a_body_waits_for_100),
        cmocka_unit_test(a_body_waits_for_100_a_second_at_most),
        cmocka_unit_test(a_body_is_not_sent_after_a_final_answer),
        cmocka_unit_test(a_large_body_goes_out_whole),
        cmocka_unit_test(many_at_once_share_a_connection_within_what_the_target_allows),
        cmocka_unit_test(a_call_may_be_sent_from_within_the_end_of_another),
        cmocka_unit_test(a_call_that_is_cancelled_or_late_leaves_the_others_alone),
        cmocka_unit_test(calls_under_way_go_with_their_user),
        cmocka_unit_test(a_call_cancelled_while_it_connects_takes_the_dial_with_it),
        cmocka_unit_test(who_speaks_no_http2_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

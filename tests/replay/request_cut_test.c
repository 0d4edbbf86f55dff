/* request_cut_test.c - requests cut ahead of time, put together again with a user's values. */
#include "replay/plan/request_cut.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/buf.h"

/* A request as text: "{0:17}" is a slot for value 0 that was recorded as 17, "^" the cookie's
 * place,
 * "#" the end of the digits of Content-Length. */
struct sample {
    char head[1024], body[256];
    struct request_slot slots[REQUEST_CUT_MAX_SLOTS];
    struct request_cut cut;
    struct http_header headers[8];
    struct http_request http;
    struct arena arena;
};

static size_t read_part(struct sample *sample, const char *text, char *out, bool is_in_body)
{
    size_t len = 0;
    for (; *text; text++) {
        if (*text == '{') {
            sample->slots[sample->cut.slot_count] = (struct request_slot){
                .is_in_body = is_in_body, .at = (uint32_t)len, .value = (uint32_t)(text[1] - '0')};
            text += 2;
        } else if (*text == '}') {
            struct request_slot *slot = &sample->slots[sample->cut.slot_count++];
            slot->len = (uint32_t)len - slot->at;
        } else if (*text == '^') {
            sample->cut.cookie_at = (uint32_t)len;
        } else if (*text == '#') {
            sample->cut.length_at = (uint32_t)len;
            while (ascii_is_digit(out[sample->cut.length_at - 1]))
                sample->cut.length_at--;
            sample->cut.length_len = (uint32_t)len - sample->cut.length_at;
        } else {
            out[len++] = *text;
        }
    }
    return len;
}

/* The headers as the plan makes them: views of the head. */
static void view_headers(struct sample *sample)
{
    struct http1_head head;
    assert_true(http1_parse_request(sample->cut.head, &head) > 0);
    sample->cut.target_at = (uint32_t)(head.target.ptr - sample->head);
    for (size_t i = 0; i < head.header_count; i++) {
        if (!bytes_equal_nocase(head.headers[i].name, bytes_of("host")) &&
            !bytes_equal_nocase(head.headers[i].name, bytes_of("content-length")))
            sample->headers[sample->http.header_count++] = head.headers[i];
    }
}

static void prepare(struct sample *sample, const char *url, const char *head, const char *body)
{
    *sample = (struct sample){0};
    arena_init(&sample->arena, 64 * 1024);
    sample->cut.slots = sample->slots;
    sample->cut.head = bytes_make(sample->head, read_part(sample, head, sample->head, false));
    view_headers(sample);
    sample->http.url = bytes_of(url);
    sample->http.body = bytes_make(sample->body, read_part(sample, body, sample->body, true));
    sample->cut.body = sample->http.body;
    sample->http.headers = sample->headers;
    sample->http.arena = &sample->arena;
}

static void expect_sent(struct sample *sample, const struct bytes *values, const char *cookies,
                        const char *expected, size_t expected_pieces)
{
    struct bytes pieces[REQUEST_CUT_MAX_PIECES];
    struct request_cut_scratch scratch;
    char sent[4096];
    size_t len = 0;
    size_t count = request_cut_pieces(&sample->cut, values, bytes_of(cookies), &sample->http,
                                      &scratch, pieces);
    for (size_t i = 0; i < count; i++) {
        assert_true(pieces[i].len > 0);
        memcpy(sent + len, pieces[i].ptr, pieces[i].len);
        len += pieces[i].len;
    }
    sent[len] = '\0';
    assert_string_equal(sent, expected);
    assert_int_equal(count, expected_pieces);
    arena_fini(&sample->arena);
}

#define JOB_URL "http://t/jobs/17?v=2"
#define JOB                                                                                        \
    "POST /jobs/{0:17}?v=2 HTTP/1.1\r\nHost: t\r\nX-Job: job-{0:17};{1:a}{2:b}\r\n^"               \
    "Content-Length: 29#\r\nX-End: 1\r\n\r\n"
#define JOB_BODY "job={0:17}&text=12345678901234567"

static void what_was_recorded_is_one_piece_and_the_body(void **state)
{
    (void)state;
    static struct sample sample;
    prepare(&sample, "http://t/a", "GET /a HTTP/1.1\r\nHost: t\r\n^\r\n", "");
    expect_sent(&sample, NULL, "", "GET /a HTTP/1.1\r\nHost: t\r\n\r\n", 1);
    prepare(&sample, "http://t/a/1", "PUT /a/{0:1} HTTP/1.1\r\nContent-Length: 2#\r\n^\r\n", "ok");
    const struct bytes none[1] = {{0}};
    expect_sent(&sample, none, "", "PUT /a/1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nok", 2);
}

static void cookies_stand_where_the_recorded_ones_did(void **state)
{
    (void)state;
    static struct sample sample;
    prepare(&sample, "http://t/a", "GET /a HTTP/1.1\r\nHost: t\r\n^X-A: 1\r\n\r\n", "");
    expect_sent(&sample, NULL, "sid=1; b=2",
                "GET /a HTTP/1.1\r\nHost: t\r\nCookie: sid=1; b=2\r\nX-A: 1\r\n\r\n", 5);
    prepare(&sample, "http://t/a", "GET /a HTTP/1.1\r\nX-A: 1\r\n^\r\n", "");
    expect_sent(&sample, NULL, "c", "GET /a HTTP/1.1\r\nX-A: 1\r\nCookie: c\r\n\r\n", 5);
}

static void cookies_and_a_new_length_come_in_either_order(void **state)
{
    (void)state;
    static struct sample sample;
    const struct bytes values[] = {bytes_of("0123456789")};
    prepare(&sample, "http://t/", "PUT / HTTP/1.1\r\n^Content-Length: 1#\r\n\r\n", "{0:x}");
    expect_sent(&sample, values, "c",
                "PUT / HTTP/1.1\r\nCookie: c\r\nContent-Length: 10\r\n\r\n0123456789", 8);
    prepare(&sample, "http://t/", "PUT / HTTP/1.1\r\nContent-Length: 1#\r\n^\r\n", "{0:x}");
    expect_sent(&sample, values, "c",
                "PUT / HTTP/1.1\r\nContent-Length: 10\r\nCookie: c\r\n\r\n0123456789", 8);
}

static void values_take_the_place_of_what_was_recorded(void **state)
{
    (void)state;
    static struct sample sample;
    const struct bytes values[] = {bytes_of("4711"), {0}, bytes_of("B")};
    prepare(&sample, JOB_URL, JOB, JOB_BODY);
    expect_sent(&sample, values, "c=1",
                "POST /jobs/4711?v=2 HTTP/1.1\r\nHost: t\r\nX-Job: job-4711;aB\r\nCookie: c=1\r\n"
                "Content-Length: 31\r\nX-End: 1\r\n\r\njob=4711&text=12345678901234567",
                16);
}

static void a_value_of_the_same_length_leaves_the_length_alone(void **state)
{
    (void)state;
    static struct sample sample;
    const struct bytes values[] = {bytes_of("18")};
    prepare(&sample, "http://t/", "PUT / HTTP/1.1\r\nContent-Length: 4#\r\n^\r\n", "<{0:17}>");
    expect_sent(&sample, values, "", "PUT / HTTP/1.1\r\nContent-Length: 4\r\n\r\n<18>", 4);
}

static void an_empty_value_leaves_nothing_and_no_empty_piece(void **state)
{
    (void)state;
    static struct sample sample;
    const struct bytes values[] = {bytes_of("")};
    prepare(&sample, "http://t/", "PUT / HTTP/1.1\r\nContent-Length: 2#\r\n^\r\n", "{0:17}");
    expect_sent(&sample, values, "", "PUT / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 3);
}

static void neighbours_in_the_head_and_the_body_do_not_mix(void **state)
{
    (void)state;
    static struct sample sample;
    const struct bytes values[] = {bytes_of("1"), bytes_of("22"), bytes_of("333")};
    prepare(&sample, "http://t/ab", "PUT /{0:a}{1:b} HTTP/1.1\r\nContent-Length: 3#\r\n^\r\n",
            "{2:x}{1:y}{0:z}");
    expect_sent(&sample, values, "", "PUT /122 HTTP/1.1\r\nContent-Length: 6\r\n\r\n333221", 9);
}

static void the_most_slots_make_the_most_pieces(void **state)
{
    (void)state;
    static struct sample sample;
    struct buf head = BUF_INIT(1024), body = BUF_INIT(256), expected = BUF_INIT(1024);
    buf_append_text(&head, "PUT /");
    buf_append_text(&expected, "PUT /");
    for (int i = 0; i < REQUEST_CUT_MAX_SLOTS / 2; i++) {
        buf_append_text(&head, "{0:x}/");
        buf_append_text(&expected, "yy/");
        buf_append_text(&body, ",{0:x}");
    }
    buf_append_text(&head, " HTTP/1.1\r\n^A: b\r\nContent-Length: 33#\r\nC: d\r\n\r\n");
    buf_append_text(&expected,
                    " HTTP/1.1\r\nCookie: c\r\nA: b\r\nContent-Length: 49\r\nC: d\r\n\r\n");
    for (int i = 0; i < REQUEST_CUT_MAX_SLOTS / 2; i++)
        buf_append_text(&expected, ",yy");
    buf_append_text(&body, "!");
    buf_append_text(&expected, "!");
    const struct bytes values[] = {bytes_of("yy")};
    prepare(&sample, "http://t/", buf_text(&head), buf_text(&body));
    expect_sent(&sample, values, "c", buf_text(&expected), 2 * REQUEST_CUT_MAX_SLOTS + 8);
    buf_fini(&head);
    buf_fini(&body);
    buf_fini(&expected);
}

static void expect_header(const struct sample *sample, const char *name, const char *value)
{
    struct bytes found =
        http_headers_find(sample->http.headers, sample->http.header_count, bytes_of(name));
    if (!bytes_equal(found, bytes_of(value)))
        fail_msg("%s: '%.*s' is not '%s'", name, BYTES_ARG(found), value);
}

static void set_header(struct sample *sample, const char *name, const char *value)
{
    const struct bytes text = value ? bytes_of(value) : (struct bytes){0};
    assert_int_equal(http_request_set_header(&sample->http, bytes_of(name), text), 0);
}

static void headers_that_were_set_are_put_into_the_cut(void **state)
{
    (void)state;
    static struct sample sample;
    const struct bytes values[] = {bytes_of("live"), bytes_of("tok")};
    prepare(&sample, "http://t/a/x",
            "GET /a/{0:x} HTTP/1.1\r\nHost: t\r\n^A: b\r\nAuthorization: Bearer {1:old}\r\n"
            "X-Two: 1\r\nx-two: 2\r\nC: d\r\n\r\n",
            "");
    assert_true(request_cut_takes(&sample.cut, &sample.http));
    set_header(&sample, "authorization", "Bearer mine");
    set_header(&sample, "X-Two", "3");
    set_header(&sample, "X-New", "n");
    set_header(&sample, "X-New", "newer");
    set_header(&sample, "C", NULL);
    assert_true(request_cut_takes(&sample.cut, &sample.http));
    expect_sent(&sample, values, "c",
                "GET /a/live HTTP/1.1\r\nHost: t\r\nCookie: c\r\nA: b\r\n"
                "Authorization: Bearer mine\r\nX-Two: 3\r\nX-New: newer\r\n\r\n",
                16);
    prepare(&sample, "http://t/", "GET / HTTP/1.1\r\nHost: t\r\n^\r\n", "");
    for (char name[] = "X-1"; name[2] <= '5'; name[2]++) /* more than it keeps apart */
        set_header(&sample, name, "1");
    assert_false(request_cut_takes(&sample.cut, &sample.http));
    arena_fini(&sample.arena);
}

/* Each stands in one line, so none is looked for; in an order that is not the head's. */
static void headers_that_stand_once_are_put_where_they_are(void **state)
{
    (void)state;
    static struct sample sample;
    const struct bytes values[] = {bytes_of("live"), bytes_of("tok")};
    const char *head =
        "GET /a/{0:x} HTTP/1.1\r\nHost: t\r\nA: b\r\nAuthorization: Bearer {1:old}\r\n"
        "^C: d\r\nE: f\r\n\r\n";
    prepare(&sample, "http://t/a/x", head, "");
    set_header(&sample, "e", NULL);
    set_header(&sample, "C", "new");
    set_header(&sample, "None", NULL);
    set_header(&sample, "E", "is back");
    set_header(&sample, "a", "");
    assert_true(request_cut_takes(&sample.cut, &sample.http));
    expect_sent(&sample, values, "c",
                "GET /a/live HTTP/1.1\r\nHost: t\r\nA: \r\nAuthorization: Bearer tok\r\n"
                "Cookie: c\r\nC: new\r\nE: is back\r\n\r\n",
                14);
    prepare(&sample, "http://t/a/x", head, "");
    set_header(&sample, "New", "1");
    set_header(&sample, "Authorization", NULL);
    set_header(&sample, "A", NULL);
    set_header(&sample, "Newer", "2");
    assert_true(request_cut_takes(&sample.cut, &sample.http));
    expect_sent(&sample, values, "",
                "GET /a/live HTTP/1.1\r\nHost: t\r\nC: d\r\nE: f\r\nNew: 1\r\nNewer: 2\r\n\r\n",
                13);
}

static void what_frames_a_request_is_not_put_into_a_cut(void **state)
{
    (void)state;
    static struct sample sample;
    static const char *const names[] = {"Host", "content-length", "Cookie", "Connection", "Expect"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        prepare(&sample, "http://t/", "GET / HTTP/1.1\r\nHost: t\r\n^\r\n", "");
        set_header(&sample, names[i], "1");
        assert_false(request_cut_takes(&sample.cut, &sample.http));
        arena_fini(&sample.arena);
    }
    prepare(&sample, "http://t/", "GET / HTTP/1.1\r\nHost: t\r\n^\r\n", "");
    assert_int_equal(http_request_set_body(&sample.http, bytes_of("x")), 0);
    set_header(&sample, "X", "1");
    assert_false(request_cut_takes(&sample.cut, &sample.http));
    arena_fini(&sample.arena);
}

static void a_request_to_look_at_has_the_values_too(void **state)
{
    (void)state;
    static struct sample sample;
    const struct bytes values[] = {bytes_of("4711"), {0}, bytes_of("B")};
    prepare(&sample, JOB_URL, JOB, JOB_BODY);
    assert_int_equal(request_cut_fill(&sample.cut, values, &sample.http), 0);
    assert_string_equal(sample.http.url.ptr, "http://t/jobs/4711?v=2");
    assert_int_equal(sample.http.url.len, 22);
    expect_header(&sample, "X-Job", "job-4711;aB");
    expect_header(&sample, "X-End", "1");
    /* The body's pieces are the plan's but for the values. */
    assert_true(sample.http.body_piece_count > 1);
    assert_ptr_equal(sample.http.body_pieces[0].ptr, sample.body);
    assert_int_equal(http_request_body_bytes(&sample.http), 31);
    assert_int_equal(http_request_join_body(&sample.http), 0);
    assert_string_equal(sample.http.body.ptr, "job=4711&text=12345678901234567");
    assert_null(sample.http.body_pieces);
    assert_int_equal(sample.http.changes,
                     HTTP_CHANGED_URL | HTTP_CHANGED_HEADERS | HTTP_CHANGED_BODY);
    /* What the plan has is as it was, and the request takes further changes. */
    assert_memory_equal(sample.headers[0].value.ptr, "job-17;ab", 9);
    assert_int_equal(http_request_set_header(&sample.http, bytes_of("X-New"), bytes_of("1")), 0);
    expect_header(&sample, "X-New", "1");
    arena_fini(&sample.arena);
}

static void without_values_nothing_is_marked_as_changed(void **state)
{
    (void)state;
    static struct sample sample;
    const struct bytes values[3] = {{0}};
    prepare(&sample, JOB_URL, JOB, "<{0:17}>");
    assert_int_equal(request_cut_fill(&sample.cut, NULL, &sample.http), 0);
    assert_int_equal(request_cut_fill(&sample.cut, values, &sample.http), 0);
    assert_int_equal(sample.http.changes, 0);
    assert_ptr_equal(sample.http.headers, sample.headers);
    arena_fini(&sample.arena);
}

static void without_memory_nothing_is_half_filled_in_silence(void **state)
{
    (void)state;
    static struct sample sample;
    const struct bytes values[] = {bytes_of("4711"), bytes_of("A"), bytes_of("B")};
    prepare(&sample, JOB_URL, JOB, "<{0:17}>");
    arena_fini(&sample.arena);
    arena_init(&sample.arena, 8);
    assert_int_equal(request_cut_fill(&sample.cut, values, &sample.http), -1);
    arena_fini(&sample.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_recorded_is_one_piece_and_the_body),
        cmocka_unit_test(cookies_stand_where_the_recorded_ones_did),
        cmocka_unit_test(cookies_and_a_new_length_come_in_either_order),
        cmocka_unit_test(values_take_the_place_of_what_was_recorded),
        cmocka_unit_test(a_value_of_the_same_length_leaves_the_length_alone),
        cmocka_unit_test(an_empty_value_leaves_nothing_and_no_empty_piece),
        cmocka_unit_test(neighbours_in_the_head_and_the_body_do_not_mix),
        cmocka_unit_test(the_most_slots_make_the_most_pieces),
        cmocka_unit_test(headers_that_were_set_are_put_into_the_cut),
        cmocka_unit_test(headers_that_stand_once_are_put_where_they_are),
        cmocka_unit_test(what_frames_a_request_is_not_put_into_a_cut),
        cmocka_unit_test(a_request_to_look_at_has_the_values_too),
        cmocka_unit_test(without_values_nothing_is_marked_as_changed),
        cmocka_unit_test(without_memory_nothing_is_half_filled_in_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

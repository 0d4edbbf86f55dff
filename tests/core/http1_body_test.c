/* http1_body_test.c - where bodies end, however the bytes are cut on their way. */
#include "core/http1_body.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "core/buf.h"
#include "tests/core/guard.h"

static const struct bytes unknown_method = {0};

static void parse_response(const char *text, struct http1_head *head)
{
    assert_true(http1_parse_response(bytes_of(text), head) > 0);
}

static void the_framing_of_an_answer_follows_rfc_9112_6_3(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        const char *head;
        int framing; /* -1: refused */
    } rows[] = {
        {"GET", "HTTP/1.1 200 OK\n\n", HTTP1_UNTIL_CLOSE},
        {"GET", "HTTP/1.1 200 OK\nContent-Length: 3\n\n", HTTP1_LENGTH},
        {"GET", "HTTP/1.1 200 OK\nContent-Length: 3, 3\nContent-Length: 3\n\n", HTTP1_LENGTH},
        {"GET", "HTTP/1.1 200 OK\nContent-Length: 3\nContent-Length: 4\n\n", -1},
        {"GET", "HTTP/1.1 200 OK\nContent-Length: 3,4\n\n", -1},
        {"GET", "HTTP/1.1 200 OK\nContent-Length: -3\n\n", -1},
        {"GET", "HTTP/1.1 200 OK\nContent-Length: 0x3\n\n", -1},
        {"GET", "HTTP/1.1 200 OK\nContent-Length:\n\n", -1},
        {"GET", "HTTP/1.1 200 OK\nContent-Length: 9223372036854775808\n\n", -1},
        {"GET", "HTTP/1.1 200 OK\nTransfer-Encoding: Chunked\n\n", HTTP1_CHUNKED},
        {"GET", "HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n\n", HTTP1_CHUNKED},
        {"GET", "HTTP/1.1 200 OK\nTransfer-Encoding: gzip\nTransfer-Encoding: chunked\n\n",
         HTTP1_CHUNKED},
        {"GET", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked, gzip\n\n", HTTP1_UNTIL_CLOSE},
        {"GET", "HTTP/1.1 200 OK\nTransfer-Encoding: identity, chunked\n\n", HTTP1_CHUNKED},
        {"GET", "HTTP/1.1 200 OK\nTransfer-Encoding: identity, gzip\nContent-Length: 3\n\n",
         HTTP1_UNTIL_CLOSE},
        {"GET", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Length: -3\n\n",
         HTTP1_CHUNKED},
        {"GET", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Length: 3\n\n",
         HTTP1_CHUNKED},
        {"GET", "HTTP/1.1 200 OK\nTransfer-Encoding: gzip\nContent-Length: 3\n\n",
         HTTP1_UNTIL_CLOSE},
        {"GET", "HTTP/1.1 200 OK\nTransfer-Encoding: identity\nContent-Length: 3\n\n",
         HTTP1_LENGTH},
        {"HEAD", "HTTP/1.1 200 OK\nContent-Length: 3\n\n", HTTP1_NO_BODY},
        {"HEAD", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", HTTP1_NO_BODY},
        {"GET", "HTTP/1.1 204 No Content\nContent-Length: 3\n\n", HTTP1_NO_BODY},
        {"GET", "HTTP/1.1 304 Not Modified\nContent-Length: 3\n\n", HTTP1_NO_BODY},
        {"GET", "HTTP/1.1 100 Continue\n\n", HTTP1_NO_BODY},
        {"GET", "HTTP/1.1 103 Early Hints\nContent-Length: 3\n\n", HTTP1_NO_BODY},
        {"GET", "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\n\n", HTTP1_TUNNEL},
        {"CONNECT", "HTTP/1.1 200 OK\nContent-Length: 3\n\n", HTTP1_TUNNEL},
        {"CONNECT", "HTTP/1.1 407 No\nContent-Length: 3\n\n", HTTP1_LENGTH},
        {NULL, "HTTP/1.1 200 OK\nContent-Length: 3\n\n", HTTP1_LENGTH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http1_head head;
        struct http1_body body;
        parse_response(rows[i].head, &head);
        int result = http1_response_body(&head, bytes_of(rows[i].method), &body);
        if ((result ? -1 : (int)body.framing) != rows[i].framing)
            fail_msg("row %zu: result %d, framing %d", i, result, (int)body.framing);
    }
}

static void a_request_has_a_body_only_if_it_says_so(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        int framing;
    } rows[] = {
        {"POST / HTTP/1.1\n\n", HTTP1_NO_BODY},
        {"POST / HTTP/1.1\nContent-Length: 3\n\n", HTTP1_LENGTH},
        {"GET / HTTP/1.1\nContent-Length: 3\n\n", HTTP1_LENGTH},
        {"POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n", HTTP1_CHUNKED},
        {"POST / HTTP/1.1\nContent-Length: three\n\n", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http1_head head;
        struct http1_body body;
        assert_true(http1_parse_request(bytes_of(rows[i].head), &head) > 0);
        int result = http1_request_body(&head, &body);
        assert_int_equal(result ? -1 : (int)body.framing, rows[i].framing);
        assert_int_equal(body.is_done, body.framing == HTTP1_NO_BODY);
    }
}

static void a_length_of_zero_is_done_at_once(void **state)
{
    (void)state;
    struct http1_head head;
    struct http1_body body;
    struct http1_piece piece;
    parse_response("HTTP/1.1 200 OK\nContent-Length: 0\n\n", &head);
    http1_response_body(&head, unknown_method, &body);
    assert_true(body.is_done);
    assert_int_equal(http1_body_next(&body, bytes_of("HTTP/1.1"), &piece), 0);
    assert_int_equal(piece.kind, HTTP1_PIECE_NONE);
}

static struct http1_body body_of(enum http1_framing framing, uint64_t left_bytes)
{
    return (struct http1_body){.framing = framing, .left_bytes = left_bytes};
}

/* Everything that comes out of a body, piece by piece. */
struct outcome {
    struct buf data;
    struct buf trailer;
    size_t used_bytes;
    bool is_bad;
};

static void outcome_init(struct outcome *outcome)
{
    *outcome = (struct outcome){.data = BUF_INIT(4096), .trailer = BUF_INIT(4096)};
}

static void outcome_fini(struct outcome *outcome)
{
    buf_fini(&outcome->data);
    buf_fini(&outcome->trailer);
}

static void feed(struct http1_body *body, struct guard *guard, struct bytes in,
                 struct outcome *outcome)
{
    in = guard_place(guard, in);
    while (in.len && !body->is_done && !outcome->is_bad) {
        struct http1_piece piece;
        ssize_t used = http1_body_next(body, in, &piece);
        outcome->is_bad = used == HTTP1_BAD;
        if (outcome->is_bad)
            return;
        assert_true(used > 0 && (size_t)used <= in.len);
        if (piece.kind == HTTP1_PIECE_DATA)
            buf_append_bytes(&outcome->data, piece.bytes);
        if (piece.kind == HTTP1_PIECE_TRAILER)
            buf_append_bytes(&outcome->trailer, piece.bytes);
        outcome->used_bytes += (size_t)used;
        in = bytes_from(in, (size_t)used);
    }
}

struct chunked_row {
    const char *in;
    const char *data; /* NULL: refused */
    const char *trailer;
    const char *rest; /* behind the body */
};

static const struct chunked_row chunked_rows[] = {
    {"5\r\nhello\r\n0\r\n\r\nrest", "hello", "", "rest"},
    {"0\r\n\r\n", "", "", ""},
    {"3\r\nabc\r\n2;a=b;c=\"d\"\r\nde\r\n0\r\n\r\n", "abcde", "", ""},
    {"3 \t\r\nabc\r\n0\r\n\r\n", "abc", "", ""},
    {"0A\r\n0123456789\r\n000;last\r\n\r\n", "0123456789", "", ""},
    {"3\nabc\n0\n\nrest", "abc", "", "rest"},
    {"4\r\n\r\n\r\n\r\n0\r\n\r\nr", "\r\n\r\n", "", "r"},
    {"1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\nr", "x", "A: b\r\nC: d\r\n", "r"},
    {"1\r\nx\r\n0\nA: b\n\nr", "x", "A: b\n", "r"},
    {"0\r\nA\r: b\r\r\n\r\nr", "", "A\r: b\r\r\n", "r"},
    {"0000000000000000000000001\r\nx\r\n0\r\n\r\n", "x", "", ""},
    {"1\r\nx\r\r\n0\r\n\r\n", NULL, NULL, NULL},
    {"1\r\nxy\r\n0\r\n\r\n", NULL, NULL, NULL},
    {"1\r\nx0\r\n\r\n", NULL, NULL, NULL},
    {"\r\nx\r\n", NULL, NULL, NULL},
    {"g\r\n", NULL, NULL, NULL},
    {" 1\r\nx", NULL, NULL, NULL},
    {"-1\r\nx", NULL, NULL, NULL},
    {"1x\r\nx", NULL, NULL, NULL},
    {"1000000000000000\r\nx", NULL, NULL, NULL},
    {"ffffffffffffffffffff\r\nx", NULL, NULL, NULL},
    {"0\r\n\r\r\n\r\n", NULL, NULL, NULL},
    {"0\r\n\rA: b\r\n\r\n", NULL, NULL, NULL},
};

static void check_outcome(const struct chunked_row *row, const struct http1_body *body,
                          const struct outcome *outcome, size_t cut)
{
    if (!row->data) {
        if (!outcome->is_bad)
            fail_msg("'%s' cut at %zu: accepted", row->in, cut);
        return;
    }
    if (outcome->is_bad || !body->is_done)
        fail_msg("'%s' cut at %zu: bad %d done %d", row->in, cut, outcome->is_bad, body->is_done);
    assert_string_equal(buf_text(&outcome->data), row->data);
    assert_string_equal(buf_text(&outcome->trailer), row->trailer);
    assert_string_equal(row->in + outcome->used_bytes, row->rest);
}

static void a_chunked_body_is_the_same_wherever_it_is_cut(void **state)
{
    (void)state;
    struct guard guard;
    guard_init(&guard, 4096);
    for (size_t i = 0; i < sizeof chunked_rows / sizeof chunked_rows[0]; i++) {
        const struct chunked_row *row = &chunked_rows[i];
        struct bytes in = bytes_of(row->in);
        for (size_t cut = 0; cut <= in.len; cut++) {
            struct http1_body body = body_of(HTTP1_CHUNKED, 0);
            struct outcome outcome;
            outcome_init(&outcome);
            feed(&body, &guard, bytes_make(in.ptr, cut), &outcome);
            feed(&body, &guard, bytes_from(in, cut), &outcome);
            check_outcome(row, &body, &outcome, cut);
            outcome_fini(&outcome);
        }
    }
    guard_fini(&guard);
}

static void a_chunked_body_is_the_same_byte_by_byte(void **state)
{
    (void)state;
    struct guard guard;
    guard_init(&guard, 4096);
    for (size_t i = 0; i < sizeof chunked_rows / sizeof chunked_rows[0]; i++) {
        struct http1_body body = body_of(HTTP1_CHUNKED, 0);
        struct outcome outcome;
        outcome_init(&outcome);
        for (const char *at = chunked_rows[i].in; *at; at++)
            feed(&body, &guard, bytes_make(at, 1), &outcome);
        check_outcome(&chunked_rows[i], &body, &outcome, 1);
        outcome_fini(&outcome);
    }
    guard_fini(&guard);
}

static void trailers_have_a_maximum_for_all_lines_together(void **state)
{
    (void)state;
    struct http1_body body = body_of(HTTP1_CHUNKED, 0);
    struct http1_piece piece;
    size_t fed = 0;
    assert_int_equal(http1_body_next(&body, bytes_of("0\r\n"), &piece), 3);
    ssize_t used;
    while ((used = http1_body_next(&body, bytes_of("A: b\r\n"), &piece)) > 0)
        fed += (size_t)used;
    assert_int_equal(used, HTTP1_BAD);
    assert_in_range(fed, HTTP1_MAX_HEAD_BYTES - 6, HTTP1_MAX_HEAD_BYTES);
}

static void a_length_ends_where_it_says(void **state)
{
    (void)state;
    struct guard guard;
    guard_init(&guard, 4096);
    for (size_t cut = 0; cut <= 5; cut++) {
        struct http1_body body = body_of(HTTP1_LENGTH, 5);
        struct outcome outcome;
        outcome_init(&outcome);
        feed(&body, &guard, bytes_make("helloHTTP", cut), &outcome);
        assert_int_equal(body.is_done, cut == 5);
        feed(&body, &guard, bytes_from(bytes_of("helloHTTP"), cut), &outcome);
        assert_string_equal(buf_text(&outcome.data), "hello");
        assert_int_equal(outcome.used_bytes, 5);
        assert_true(http1_body_close(&body));
        outcome_fini(&outcome);
    }
    guard_fini(&guard);
}

static void a_close_ends_only_a_body_that_waits_for_it(void **state)
{
    (void)state;
    struct http1_piece piece;
    struct http1_body until_close = body_of(HTTP1_UNTIL_CLOSE, 0);
    assert_int_equal(http1_body_next(&until_close, bytes_of("abc"), &piece), 3);
    assert_false(until_close.is_done);
    assert_true(http1_body_close(&until_close));
    struct http1_body length = body_of(HTTP1_LENGTH, 5);
    http1_body_next(&length, bytes_of("abc"), &piece);
    assert_false(http1_body_close(&length));
    struct http1_body chunked = body_of(HTTP1_CHUNKED, 0);
    http1_body_next(&chunked, bytes_of("0\r\n"), &piece);
    assert_false(http1_body_close(&chunked));
}

static void lost_bytes_can_be_skipped_where_the_framing_survives_them(void **state)
{
    (void)state;
    static const struct {
        struct http1_body body;
        uint64_t lost_bytes;
        bool survives, is_done_after;
    } rows[] = {
        {{.framing = HTTP1_LENGTH, .left_bytes = 5}, 4, true, false},
        {{.framing = HTTP1_LENGTH, .left_bytes = 5}, 5, true, true},
        {{.framing = HTTP1_LENGTH, .left_bytes = 5}, 6, false, false},
        {{.framing = HTTP1_UNTIL_CLOSE}, 1000000, true, false},
        {{.framing = HTTP1_CHUNKED, .chunk_state = HTTP1_CHUNK_DATA, .left_bytes = 5},
         5,
         true,
         false},
        {{.framing = HTTP1_CHUNKED, .chunk_state = HTTP1_CHUNK_DATA, .left_bytes = 5},
         6,
         false,
         false},
        {{.framing = HTTP1_CHUNKED, .chunk_state = HTTP1_CHUNK_SIZE}, 1, false, false},
        {{.framing = HTTP1_CHUNKED, .chunk_state = HTTP1_CHUNK_SIZE}, 0, true, false},
        {{.framing = HTTP1_TUNNEL}, 1, false, false},
        {{.framing = HTTP1_NO_BODY, .is_done = true}, 1, false, true},
        {{.framing = HTTP1_NO_BODY, .is_done = true}, 0, true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http1_body body = rows[i].body;
        if (http1_body_skip(&body, rows[i].lost_bytes) != rows[i].survives)
            fail_msg("row %zu", i);
        assert_int_equal(body.is_done, rows[i].is_done_after);
    }
}

static void a_chunk_goes_on_behind_lost_bytes(void **state)
{
    (void)state;
    struct http1_body body = body_of(HTTP1_CHUNKED, 0);
    struct http1_piece piece;
    http1_body_next(&body, bytes_of("5\r\n"), &piece);
    http1_body_next(&body, bytes_of("he"), &piece);
    assert_true(http1_body_skip(&body, 3));
    struct bytes rest = bytes_of("\r\n0\r\n\r\n");
    while (rest.len) {
        ssize_t used = http1_body_next(&body, rest, &piece);
        assert_true(used > 0);
        assert_int_equal(piece.kind, HTTP1_PIECE_NONE);
        rest = bytes_from(rest, (size_t)used);
    }
    assert_true(body.is_done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_framing_of_an_answer_follows_rfc_9112_6_3),
        cmocka_unit_test(a_request_has_a_body_only_if_it_says_so),
        cmocka_unit_test(a_length_of_zero_is_done_at_once),
        cmocka_unit_test(a_chunked_body_is_the_same_wherever_it_is_cut),
        cmocka_unit_test(a_chunked_body_is_the_same_byte_by_byte),
        cmocka_unit_test(trailers_have_a_maximum_for_all_lines_together),
        cmocka_unit_test(a_length_ends_where_it_says),
        cmocka_unit_test(a_close_ends_only_a_body_that_waits_for_it),
        cmocka_unit_test(lost_bytes_can_be_skipped_where_the_framing_survives_them),
        cmocka_unit_test(a_chunk_goes_on_behind_lost_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

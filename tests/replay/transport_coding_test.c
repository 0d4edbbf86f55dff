/*
 * transport_coding_test.c - coded bodies, over every transport: decoded when they are kept, and no
 * larger than the limit.
 */
#include <brotli/encode.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "tests/support/transport_rig.h"
#include "traces/content_stream.h"

enum { MAX_CODED = 4 << 20 };

static const char plain[] = "the body as it was before it was coded, coded, coded, coded";

/* `window_bits` as deflateInit2() has it: 31 gzip, 15 zlib, -15 raw. */
static void deflate_to(struct buf *out, struct bytes in, int window_bits)
{
    z_stream zlib = {0};
    assert_int_equal(deflateInit2(&zlib, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t most = deflateBound(&zlib, in.len) + 32;
    char *room = buf_reserve(out, most);
    assert_non_null(room);
    zlib.next_in = (Bytef *)(uintptr_t)in.ptr;
    zlib.avail_in = (uInt)in.len;
    zlib.next_out = (Bytef *)room;
    zlib.avail_out = (uInt)most;
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    buf_commit(out, most - zlib.avail_out);
    deflateEnd(&zlib);
}

static void brotli_to(struct buf *out, struct bytes in)
{
    size_t len = BrotliEncoderMaxCompressedSize(in.len) + 64;
    char *room = buf_reserve(out, len);
    assert_non_null(room);
    assert_int_equal(BrotliEncoderCompress(5, 22, BROTLI_MODE_TEXT, in.len, (const uint8_t *)in.ptr,
                                           &len, (uint8_t *)room),
                     BROTLI_TRUE);
    buf_commit(out, len);
}

static void zstd_to(struct buf *out, struct bytes in)
{
    size_t most = ZSTD_compressBound(in.len);
    char *room = buf_reserve(out, most);
    assert_non_null(room);
    size_t len = ZSTD_compress(room, most, in.ptr, in.len, 3);
    assert_false(ZSTD_isError(len));
    buf_commit(out, len);
}

static void code(struct buf *out, struct bytes in, const char *coding)
{
    if (strcmp(coding, "gzip") == 0 || strcmp(coding, "x-gzip") == 0)
        deflate_to(out, in, 31);
    else if (strcmp(coding, "deflate") == 0)
        deflate_to(out, in, 15);
    else if (strcmp(coding, "raw deflate") == 0)
        deflate_to(out, in, -15);
    else if (strcmp(coding, "br") == 0)
        brotli_to(out, in);
    else if (strcmp(coding, "zstd") == 0)
        zstd_to(out, in);
    else
        buf_append_bytes(out, in);
}

/* Every test that can, is run with somebody who looks at the answer while it comes, too. */
static bool is_looked_at;
static struct buf seen = BUF_INIT((size_t)128 << 20);

static bool look(void *owner, const struct transport_result *so_far, struct bytes data)
{
    (void)owner;
    assert_int_equal(so_far->response.status, 200);
    assert_non_null(http_headers_find(so_far->response.headers, so_far->response.header_count,
                                      bytes_of("content-encoding"))
                        .ptr);
    buf_append_bytes(&seen, data);
    return true;
}

static void see_head(void *owner, const struct http_response *head)
{
    (void)owner;
    assert_int_equal(head->status, 200);
}

static const struct transport_viewer viewer = {see_head, look, true};

static const struct transport_viewer *viewer_in_hand; /* of one test; NULL: as all are run */

static void view(struct asked *asked)
{
    asked->request.viewer = viewer_in_hand ? viewer_in_hand : is_looked_at ? &viewer : NULL;
    asked->request.keeps_headers = is_looked_at;
    buf_clear(&seen);
}

/* An answer of this body, whole or in two parts. */
static void ask_coded(struct asked *asked, struct rig *rig, const struct transport_ops *ops,
                      const char *header, struct bytes body, bool in_parts, bool keeps_body)
{
    struct buf text = BUF_INIT(MAX_CODED + 4096);
    struct wire_step steps[] = {{.kind = WIRE_HEAD},
                                {.kind = WIRE_SAY},
                                {.kind = WIRE_GO},
                                {.kind = WIRE_SAY},
                                {.kind = WIRE_END}};
    buf_printf(&text, "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
               header, body.len);
    buf_append_bytes(&text, body);
    size_t first = in_parts ? text.len - body.len / 2 : text.len;
    steps[1].text = text.data;
    steps[1].len = first;
    steps[3].text = text.data + first;
    steps[3].len = text.len - first;
    rig_open(rig, ops, 0, 0);
    rig->server.scripts[0] = steps;
    ask_init(asked, rig, "GET", "/coded");
    asked->request.keeps_body = keeps_body;
    view(asked);
    assert_int_equal(ask_send(asked), 0);
    rig_settle(rig);
    wire_server_go(&rig->server);
    rig_wait(asked);
    if (asked->result.was_shown && keeps_body && asked->failure == FAILURE_NONE)
        assert_true(bytes_equal(buf_bytes(&seen), buf_bytes(&asked->body)));
    buf_fini(&text);
    rig_close(rig);
}

static void a_body_is_decoded_when_it_is_kept(void **state)
{
    static const struct coding_row {
        const char *header;
        const char *codings[4]; /* as they are applied */
    } rows[] = {
        {"gzip", {"gzip"}},
        {"x-gzip", {"x-gzip"}},
        {"GZIP", {"gzip"}},
        {"deflate", {"deflate"}},
        {"deflate", {"raw deflate"}},
        {"br", {"br"}},
        {"zstd", {"zstd"}},
        {"identity", {"identity"}},
        {"gzip, br", {"gzip", "br"}},
        {"deflate, gzip", {"deflate", "gzip"}},
        {"gzip, gzip, gzip", {"gzip", "gzip", "gzip"}},
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const struct coding_row *row = &rows[i / 2];
        struct buf coded = BUF_INIT(MAX_CODED), next = BUF_INIT(MAX_CODED);
        struct asked asked;
        struct rig rig;
        buf_append(&coded, plain, sizeof plain - 1);
        for (int j = 0; j < 4 && row->codings[j]; j++) {
            buf_clear(&next);
            code(&next, buf_bytes(&coded), row->codings[j]);
            struct buf swap = coded;
            coded = next;
            next = swap;
        }
        ask_coded(&asked, &rig, *state, row->header, buf_bytes(&coded), i % 2, true);
        if (asked.failure != FAILURE_NONE || strcmp(buf_text(&asked.body), plain) != 0)
            fail_msg("%s: %s (%s), '%s'", row->header, failure_name(asked.failure), asked.detail,
                     buf_text(&asked.body));
        ask_fini(&asked);
        buf_fini(&coded);
        buf_fini(&next);
    }
}

/* RFC 9112 7: what the server's proxy has put around the content, and chunks around that. */
static void a_coding_of_the_transfer_is_undone_first(void **state)
{
    static const struct transfer_row {
        const char *content, *transfer;
    } rows[] = {{"identity", "gzip"}, {"br", "gzip"}, {"gzip", "deflate"}};
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const struct transfer_row *row = &rows[i / 2];
        bool is_chunked = i % 2;
        struct buf inner = BUF_INIT(MAX_CODED), outer = BUF_INIT(MAX_CODED);
        struct buf text = BUF_INIT(MAX_CODED);
        struct asked asked;
        struct rig rig;
        code(&inner, bytes_of(plain), row->content);
        code(&outer, buf_bytes(&inner), row->transfer);
        buf_printf(&text,
                   "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nTransfer-Encoding: %s%s\r\n\r\n",
                   row->content, row->transfer, is_chunked ? ", chunked" : "");
        if (is_chunked)
            buf_printf(&text, "%zx\r\n", outer.len);
        buf_append_bytes(&text, buf_bytes(&outer));
        if (is_chunked)
            buf_printf(&text, "\r\n0\r\n\r\n");
        const struct wire_step steps[] = {
            HEAD, {.kind = WIRE_SAY, .text = text.data, .len = text.len}, CLOSE};
        rig_open(&rig, *state, 0, 0);
        rig.server.scripts[0] = steps;
        ask_init(&asked, &rig, "GET", "/coded");
        view(&asked);
        rig_ask(&asked);
        if (asked.result.was_shown)
            assert_string_equal(buf_text(&seen), plain);
        if (asked.failure != FAILURE_NONE || strcmp(buf_text(&asked.body), plain) != 0)
            fail_msg("%s, %s: %s (%s), '%s'", row->content, row->transfer,
                     failure_name(asked.failure), asked.detail, buf_text(&asked.body));
        ask_fini(&asked);
        rig_close(&rig);
        buf_fini(&inner);
        buf_fini(&outer);
        buf_fini(&text);
    }
}

static void a_body_that_is_not_kept_is_not_looked_at(void **state)
{
    struct asked asked;
    struct rig rig;
    ask_coded(&asked, &rig, *state, "gzip", bytes_of("this is no gzip"), false, false);
    assert_int_equal(asked.failure, FAILURE_NONE);
    assert_int_equal(asked.status, 200);
    ask_fini(&asked);
}

static void a_small_body_that_stands_for_a_huge_one_is_refused(void **state)
{
    static const char *const codings[] = {"gzip", "deflate", "br", "zstd"};
    char *zeros = calloc(1, 64 << 20);
    assert_non_null(zeros);
    for (int i = 0; i < 4; i++) {
        struct buf coded = BUF_INIT((size_t)80 << 20);
        struct asked asked;
        struct rig rig;
        code(&coded, bytes_make(zeros, 64 << 20), codings[i]);
        assert_true(coded.len < RIG_MAX_BODY_BYTES);
        ask_coded(&asked, &rig, *state, codings[i], buf_bytes(&coded), false, true);
        if (asked.failure != FAILURE_BODY_TOO_LARGE)
            fail_msg("%s: %s (%s)", codings[i], failure_name(asked.failure), asked.detail);
        ask_fini(&asked);
        buf_fini(&coded);
    }
    free(zeros);
}

static void a_body_of_just_the_limit_is_kept(void **state)
{
    static const char *const codings[] = {"gzip", "deflate", "br", "zstd", "identity"};
    char *zeros = calloc(1, RIG_MAX_BODY_BYTES + 1);
    assert_non_null(zeros);
    for (int i = 0; i < 10; i++) {
        struct buf coded = BUF_INIT(MAX_CODED);
        struct asked asked;
        struct rig rig;
        bool is_over = i % 2;
        code(&coded, bytes_make(zeros, RIG_MAX_BODY_BYTES + is_over), codings[i / 2]);
        ask_coded(&asked, &rig, *state, codings[i / 2], buf_bytes(&coded), false, true);
        if (asked.failure != (is_over ? FAILURE_BODY_TOO_LARGE : FAILURE_NONE))
            fail_msg("%s: %s (%s)", codings[i / 2], failure_name(asked.failure), asked.detail);
        assert_int_equal(asked.body.len, is_over ? 0 : RIG_MAX_BODY_BYTES);
        ask_fini(&asked);
        buf_fini(&coded);
    }
    free(zeros);
}

static void a_body_that_is_not_what_it_says_is_named(void **state)
{
    static const char *const codings[] = {"gzip", "deflate", "br",
                                          "zstd", "pack200", "gzip, gzip, gzip, gzip, gzip, gzip"};
    for (int i = 0; i < 6; i++) {
        struct asked asked;
        struct rig rig;
        ask_coded(&asked, &rig, *state, codings[i], bytes_of("\x01\x02 none of them"), false, true);
        if (asked.failure != FAILURE_CODING)
            fail_msg("%s: %s (%s)", codings[i], failure_name(asked.failure), asked.detail);
        assert_int_equal(asked.status, 0);
        ask_fini(&asked);
    }
}

/* libcurl takes what it could decode of a body that ends too early: native does not. */
static void a_coded_body_that_ends_too_early_is_broken(void **state)
{
    static const char *const codings[] = {"gzip", "deflate", "br", "zstd"};
    for (int i = 0; i < 4; i++) {
        struct buf coded = BUF_INIT(MAX_CODED);
        struct asked asked;
        struct rig rig;
        code(&coded, bytes_make(plain, sizeof plain - 1), codings[i]);
        ask_coded(&asked, &rig, *state, codings[i], bytes_make(coded.data, coded.len - 5), false,
                  true);
        if (*state == &transport_native)
            assert_int_equal(asked.failure, FAILURE_CODING);
        ask_fini(&asked);
        buf_fini(&coded);
    }
}

/* ---- while it is open -------------------------------------------------------------------------
 */

/* Two pieces of one body, the first flushed so that whoever has it can read it. */
static void deflate_two(struct buf *out, const char *const texts[2], size_t *ret_first,
                        int window_bits)
{
    z_stream zlib = {0};
    assert_int_equal(deflateInit2(&zlib, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    for (int i = 0; i < 2; i++) {
        char *room = buf_reserve(out, 4096);
        zlib.next_in = (Bytef *)(uintptr_t)texts[i];
        zlib.avail_in = (uInt)strlen(texts[i]);
        zlib.next_out = (Bytef *)room;
        zlib.avail_out = 4096;
        assert_int_equal(deflate(&zlib, i ? Z_FINISH : Z_SYNC_FLUSH), i ? Z_STREAM_END : Z_OK);
        buf_commit(out, 4096 - zlib.avail_out);
        if (i == 0)
            *ret_first = out->len;
    }
    deflateEnd(&zlib);
}

static void brotli_two(struct buf *out, const char *const texts[2], size_t *ret_first)
{
    BrotliEncoderState *state = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        const uint8_t *in = (const uint8_t *)texts[i];
        uint8_t *next = (uint8_t *)buf_reserve(out, 4096);
        size_t left = strlen(texts[i]), room = 4096;
        assert_true(
            BrotliEncoderCompressStream(state, i ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH,
                                        &left, &in, &room, &next, NULL));
        buf_commit(out, 4096 - room);
        if (i == 0)
            *ret_first = out->len;
    }
    BrotliEncoderDestroyInstance(state);
}

static void zstd_two(struct buf *out, const char *const texts[2], size_t *ret_first)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    for (int i = 0; i < 2; i++) {
        ZSTD_inBuffer in = {texts[i], strlen(texts[i]), 0};
        ZSTD_outBuffer room = {buf_reserve(out, 4096), 4096, 0};
        assert_int_equal(ZSTD_compressStream2(context, &room, &in, i ? ZSTD_e_end : ZSTD_e_flush),
                         0);
        buf_commit(out, room.pos);
        if (i == 0)
            *ret_first = out->len;
    }
    ZSTD_freeCCtx(context);
}

#define FIRST_EVENT "event: item\ndata: {\"id\":\"live\"}\n\n"
#define LAST_EVENT "event: bye\ndata: {}\n\n"

static bool take_piece(void *owner, const struct transport_result *so_far, struct bytes piece)
{
    const struct asked *asked = owner;
    assert_null(so_far);
    assert_int_equal(asked->done_count, 0);
    buf_append_bytes(&seen, piece);
    return true;
}

static bool has_first_event(struct rig *rig)
{
    (void)rig;
    return seen.len >= strlen(FIRST_EVENT);
}

/* An event stream whose end does not come before its first event has been seen. */
static void a_coded_answer_is_seen_while_it_is_open(void **state)
{
    static const struct transport_viewer taker = {see_head, take_piece, false};
    static const char *const texts[2] = {FIRST_EVENT, LAST_EVENT};
    static const char *const codings[] = {"gzip", "deflate", "br", "zstd"};
    for (int i = 0; i < 8; i++) {
        struct buf coded = BUF_INIT(MAX_CODED), first = BUF_INIT(MAX_CODED);
        struct buf last = BUF_INIT(MAX_CODED);
        struct rig rig;
        struct asked asked;
        size_t cut = 0;
        bool keeps_body = i % 2;
        if (i / 2 < 2)
            deflate_two(&coded, texts, &cut, i / 2 ? 15 : 31);
        else if (i / 2 == 2)
            brotli_two(&coded, texts, &cut);
        else
            zstd_two(&coded, texts, &cut);
        buf_printf(&first,
                   "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nTransfer-Encoding: chunked\r\n"
                   "\r\n%zx\r\n",
                   codings[i / 2], cut);
        buf_append(&first, coded.data, cut);
        buf_printf(&last, "\r\n%zx\r\n", coded.len - cut);
        buf_append(&last, coded.data + cut, coded.len - cut);
        buf_append_text(&last, "\r\n0\r\n\r\n");
        const struct wire_step steps[] = {HEAD,
                                          {.kind = WIRE_SAY, .text = first.data, .len = first.len},
                                          GO,
                                          {.kind = WIRE_SAY, .text = last.data, .len = last.len},
                                          END};
        rig_open(&rig, *state, 0, 0);
        rig.server.scripts[0] = steps;
        ask_init(&asked, &rig, "GET", "/events");
        asked.request.viewer = &taker;
        asked.request.keeps_body = keeps_body;
        buf_clear(&seen);
        assert_int_equal(ask_send(&asked), 0);
        rig_wait_until(&rig, has_first_event); /* the rest has not been said */
        assert_string_equal(buf_text(&seen), FIRST_EVENT);
        wire_server_go(&rig.server);
        rig_wait(&asked);
        if (asked.failure != FAILURE_NONE)
            fail_msg("%s: %s (%s)", codings[i / 2], failure_name(asked.failure), asked.detail);
        assert_true(asked.result.was_shown);
        assert_string_equal(buf_text(&seen), FIRST_EVENT LAST_EVENT);
        assert_string_equal(buf_text(&asked.body), keeps_body ? FIRST_EVENT LAST_EVENT : "");
        ask_fini(&asked);
        rig_close(&rig);
        buf_fini(&coded);
        buf_fini(&first);
        buf_fini(&last);
    }
}

/* However little of it was on the wire, and whether it came at once or not; but for one that stands
 * for far more than came: see content_stream.h. */
static void a_coded_body_that_is_only_seen_may_be_large(void **state)
{
    enum { BYTES = 8 * RIG_MAX_BODY_BYTES, FAR_MORE = 24 * RIG_MAX_BODY_BYTES };
    static const struct transport_viewer taker = {see_head, take_piece, false};
    static const struct large_row {
        const char *coding;
        size_t bytes;
        enum failure failure;
    } rows[] = {{"gzip", BYTES, FAILURE_NONE},
                {"br", BYTES, FAILURE_NONE},
                {"zstd", BYTES, FAILURE_NONE},
                {"gzip", FAR_MORE, FAILURE_NONE},
                {"br", FAR_MORE, FAILURE_BODY_TOO_LARGE},
                {"zstd", FAR_MORE, FAILURE_BODY_TOO_LARGE}};
    char *zeros = calloc(1, FAR_MORE);
    assert_non_null(zeros);
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        const struct large_row *row = &rows[i / 2];
        struct buf coded = BUF_INIT((size_t)2 * FAR_MORE);
        struct rig rig;
        struct asked asked;
        code(&coded, bytes_make(zeros, row->bytes), row->coding);
        viewer_in_hand = &taker;
        ask_coded(&asked, &rig, *state, row->coding, buf_bytes(&coded), i % 2, false);
        viewer_in_hand = NULL;
        if (asked.failure != row->failure)
            fail_msg("%s: %s (%s)", row->coding, failure_name(asked.failure), asked.detail);
        assert_true(asked.result.was_shown);
        if (row->failure == FAILURE_NONE)
            assert_int_equal(seen.len, row->bytes);
        else
            assert_in_range(seen.len, BYTES, content_most_bytes(coded.len + (16 << 10)));
        if (row->failure != FAILURE_NONE)
            assert_string_equal(asked.detail, CONTENT_RATIO_DETAIL);
        ask_fini(&asked);
        buf_fini(&coded);
    }
    free(zeros);
}

static uint64_t pass;
static size_t pass_bytes, most_pass_bytes;

static bool count_in_pass(void *owner, const struct transport_result *so_far, struct bytes piece)
{
    const struct asked *asked = owner;
    (void)so_far;
    if (asked->rig->loop.wait_count != pass)
        pass_bytes = 0;
    pass = asked->rig->loop.wait_count;
    pass_bytes += piece.len;
    if (pass_bytes > most_pass_bytes)
        most_pass_bytes = pass_bytes;
    return true;
}

/* All of it has come, and would be read in one event if it were small: libcurl does so. */
static void a_coded_body_leaves_the_others_their_turn(void **state)
{
    enum { BYTES = 60 * RIG_MAX_BODY_BYTES, READ_BYTES = 16 << 10 };
    static const struct transport_viewer counter = {see_head, count_in_pass, false};
    char *zeros = calloc(1, BYTES);
    struct buf coded = BUF_INIT((size_t)2 * BYTES);
    struct rig rig;
    struct asked asked;
    assert_non_null(zeros);
    code(&coded, bytes_make(zeros, BYTES), "gzip");
    assert_true(coded.len > 3 * READ_BYTES);
    viewer_in_hand = &counter;
    pass = pass_bytes = most_pass_bytes = 0;
    ask_coded(&asked, &rig, *state, "gzip", buf_bytes(&coded), false, false);
    viewer_in_hand = NULL;
    assert_int_equal(asked.failure, FAILURE_NONE);
    assert_in_range(most_pass_bytes, RIG_MAX_BODY_BYTES, READ_BYTES * CONTENT_MAX_RATIO);
    ask_fini(&asked);
    buf_fini(&coded);
    free(zeros);
}

static void an_empty_body_has_nothing_to_decode(void **state)
{
    struct asked asked;
    struct rig rig;
    ask_coded(&asked, &rig, *state, "gzip", bytes_make("", 0), false, true);
    assert_int_equal(asked.failure, FAILURE_NONE);
    assert_int_equal(asked.body.len, 0);
    ask_fini(&asked);
}

#define OVER(ops, test)                                                                            \
    {                                                                                              \
        .name = #ops ": " #test, .test_func = test,                                                \
        .initial_state = (void *)(uintptr_t)&transport_##ops                                       \
    }
#define OVER_BOTH(test) OVER(curl, test), OVER(native, test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(a_body_is_decoded_when_it_is_kept),
        OVER_BOTH(a_coding_of_the_transfer_is_undone_first),
        OVER_BOTH(a_small_body_that_stands_for_a_huge_one_is_refused),
        OVER_BOTH(a_body_of_just_the_limit_is_kept),
        OVER_BOTH(a_body_that_is_not_what_it_says_is_named),
        OVER_BOTH(a_coded_body_that_ends_too_early_is_broken),
        OVER_BOTH(an_empty_body_has_nothing_to_decode),
    };
    const struct CMUnitTest unseen[] = {
        OVER_BOTH(a_body_that_is_not_kept_is_not_looked_at),
        OVER_BOTH(a_coded_answer_is_seen_while_it_is_open),
        OVER_BOTH(a_coded_body_that_is_only_seen_may_be_large),
        OVER(native, a_coded_body_leaves_the_others_their_turn),
    };
    int failed =
        cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests(unseen, NULL, NULL);
    is_looked_at = true;
    failed += cmocka_run_group_tests_name("looked at as it comes", tests, NULL, NULL);
    buf_fini(&seen);
    return failed;
}

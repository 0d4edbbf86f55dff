/* ws_stream_test.c - frames of one direction, and the messages they must become. */
#include "capture/ws_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <zlib.h>

#include "core/buf.h"

struct heard {
    struct buf text; /* "opcode content/frames flaws" a line */
    uint64_t lost[TRACE_REASON_COUNT];
    int close_code;
    struct trace_message last;
};

static void on_message(void *owner, struct trace_message *row, struct bytes content)
{
    struct heard *heard = owner;
    heard->last = *row;
    buf_printf(&heard->text, "%d %.*s/%u", row->opcode, content.len < 200 ? (int)content.len : 0,
               content.ptr, row->frame_count);
    if (row->flaws)
        buf_printf(&heard->text, " flaws %u", row->flaws);
    buf_append_text(&heard->text, "\n");
    if (row->opcode == 8)
        heard->close_code = row->close_code;
}

static void on_lost(void *owner, enum trace_reason reason, uint64_t payload_bytes)
{
    struct heard *heard = owner;
    heard->lost[reason] += payload_bytes;
}

static const struct ws_callbacks callbacks = {on_message, on_lost};

static void hear_in_pieces(struct heard *heard, const struct ws_settings *settings,
                           struct bytes bytes, size_t piece_bytes)
{
    uint64_t total = bytes.len, lost = 0;
    *heard = (struct heard){.text = BUF_INIT(1 << 20)};
    struct ws_stream *stream = ws_stream_new(settings, TRACE_SERVER, &callbacks, heard);
    assert_non_null(stream);
    while (bytes.len) {
        size_t len = bytes.len < piece_bytes ? bytes.len : piece_bytes;
        ws_stream_data(stream, bytes_make(bytes.ptr, len), 1);
        bytes = bytes_from(bytes, len);
    }
    ws_stream_close(stream, 2);
    for (int reason = 0; reason < TRACE_REASON_COUNT; reason++)
        lost += heard->lost[reason];
    assert_int_equal(ws_stream_stored_bytes(stream) + lost, total);
    ws_stream_free(stream);
}

static const struct ws_settings plain = {.max_message_bytes = 1 << 20};

struct row {
    const char *name;
    const char *bytes;
    size_t len;
    const char *expected;
};

#define ROW(name, bytes, expected)                                                                 \
    {                                                                                              \
        name, bytes, sizeof bytes - 1, expected                                                    \
    }

static const struct row rows[] = {
    ROW("one", "\x81\x02hi", "1 hi/1\n"),
    ROW("masked", "\x82\x82\x01\x02\x03\x04ij", "2 hh/1\n"),
    ROW("empty", "\x81\x00", "1 /1\n"),
    ROW("fragments", "\x01\x02he\x00\x02ll\x80\x01o", "1 hello/3\n"),
    ROW("a ping between fragments", "\x01\x02he\x89\x01p\x80\x03llo", "9 p/1\n1 hello/2\n"),
    ROW("close with a code",
        "\x88\x05\x03\xf1"
        "big",
        "8 \x03\xf1"
        "big/1\n"),
    ROW("close without", "\x88\x00", "8 /1\n"),
    ROW("a fragment of nothing", "\x80\x01o", "0 o/1 flaws 32\n"),
    ROW("a message that another one breaks off", "\x01\x02he\x81\x01x", "1 he/1 flaws 36\n1 x/1\n"),
    ROW("cut in a payload", "\x81\x05hi", "1 hi/1 flaws 4\n"),
    ROW("a reserved bit nobody asked for", "\xc1\x02hi", "1 hi/1 flaws 32\n"),
};

static void frames_become_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t piece = 1; piece <= rows[i].len; piece++) {
            struct heard heard;
            hear_in_pieces(&heard, &plain, bytes_make(rows[i].bytes, rows[i].len), piece);
            if (strcmp(buf_text(&heard.text), rows[i].expected) != 0)
                fail_msg("%s in pieces of %zu: %s", rows[i].name, piece, buf_text(&heard.text));
            buf_fini(&heard.text);
        }
    }
}

static void a_close_code_is_read(void **state)
{
    (void)state;
    struct heard heard;
    hear_in_pieces(&heard, &plain, bytes_make("\x88\x02\x03\xf1", 4), 4);
    assert_int_equal(heard.close_code, 1009);
    buf_fini(&heard.text);
}

static void what_breaks_the_framing_ends_the_direction(void **state)
{
    (void)state;
    struct heard heard;
    /* A ping of 126 bytes, which RFC 6455 5.5 forbids; a good frame behind it. */
    hear_in_pieces(&heard, &plain, bytes_make("\x81\x01x\x89\x7e\x00\x7e\x81\x01y", 10), 10);
    assert_string_equal(buf_text(&heard.text), "1 x/1\n");
    assert_int_equal(heard.lost[TRACE_REASON_UNPARSABLE], 7);
    buf_fini(&heard.text);
}

static void frames_behind_a_gap_are_counted(void **state)
{
    (void)state;
    struct heard heard = {.text = BUF_INIT(1000)};
    struct ws_stream *stream = ws_stream_new(&plain, TRACE_CLIENT, &callbacks, &heard);
    ws_stream_data(stream, bytes_make("\x81\x04hi", 4), 1);
    ws_stream_gap(stream, 2);
    ws_stream_data(stream, bytes_make("\x81\x01y", 3), 3);
    assert_string_equal(buf_text(&heard.text), "1 hi/1 flaws 5\n");
    assert_int_equal(heard.lost[TRACE_REASON_AFTER_GAP], 3);
    assert_int_equal(ws_stream_stored_bytes(stream), 4);
    ws_stream_free(stream);
    buf_fini(&heard.text);
}

static void a_message_over_the_limit_is_cut_and_counted(void **state)
{
    (void)state;
    const struct ws_settings settings = {.max_message_bytes = 3};
    for (size_t piece = 1; piece < 9; piece++) {
        struct heard heard;
        hear_in_pieces(&heard, &settings,
                       bytes_make("\x01\x04"
                                  "0123\x80\x01"
                                  "4",
                                  9),
                       piece);
        assert_string_equal(buf_text(&heard.text), "1 012/2 flaws 4\n");
        assert_int_equal(heard.lost[TRACE_REASON_BODY_LIMIT], 2);
        assert_int_equal(heard.last.wire_bytes, 5);
        buf_fini(&heard.text);
    }
}

/* As a peer with permessage-deflate sends it: frames of at most 125 bytes of deflate data. */
static void append_deflated(struct buf *out, z_stream *deflate_stream, struct bytes content,
                            bool keeps_context)
{
    unsigned char wire[4096];
    deflate_stream->next_in = (unsigned char *)content.ptr;
    deflate_stream->avail_in = (uInt)content.len;
    deflate_stream->next_out = wire;
    deflate_stream->avail_out = sizeof wire;
    assert_int_equal(deflate(deflate_stream, Z_SYNC_FLUSH), Z_OK);
    size_t len = sizeof wire - deflate_stream->avail_out - 4; /* without 00 00 ff ff */
    for (size_t at = 0; at < len;) {
        size_t frame = len - at < 125 ? len - at : 125;
        int first = at == 0 ? 0x41 : 0;
        buf_append_char(out, (char)(first | (at + frame == len ? 0x80 : 0)));
        buf_append_char(out, (char)frame);
        buf_append(out, wire + at, frame);
        at += frame;
    }
    if (!keeps_context)
        deflateReset(deflate_stream);
}

static void deflated_messages_are_inflated(void **state)
{
    (void)state;
    for (int keeps_context = 0; keeps_context < 2; keeps_context++) {
        struct ws_settings settings = {
            .is_deflated = true, .keeps_no_context = !keeps_context, .max_message_bytes = 1 << 20};
        struct buf wire = BUF_INIT(1 << 20);
        z_stream stream = {0};
        struct heard heard;
        assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, 0), Z_OK);
        append_deflated(&wire, &stream, bytes_of("hello hello hello"), keeps_context);
        append_deflated(&wire, &stream, bytes_of("hello again hello"), keeps_context);
        hear_in_pieces(&heard, &settings, buf_bytes(&wire), 3);
        assert_string_equal(buf_text(&heard.text),
                            "1 hello hello hello/1\n1 hello again hello/1\n");
        assert_true(heard.last.is_compressed);
        assert_int_equal(heard.last.payload_bytes, 17);
        deflateEnd(&stream);
        buf_fini(&wire);
        buf_fini(&heard.text);
    }
}

static void a_bomb_stays_within_the_limit(void **state)
{
    (void)state;
    static char zeros[300 * 1000];
    const struct ws_settings settings = {.is_deflated = true, .max_message_bytes = 1000};
    struct buf wire = BUF_INIT(1 << 20);
    z_stream stream = {0};
    struct heard heard;
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, 0), Z_OK);
    append_deflated(&wire, &stream, bytes_make(zeros, sizeof zeros), true);
    append_deflated(&wire, &stream, bytes_of("after"), true);
    hear_in_pieces(&heard, &settings, buf_bytes(&wire), wire.len);
    assert_true(heard.last.flaws & TRACE_FLAW_UNPARSABLE); /* its context is lost */
    assert_true(heard.text.len < 1000);
    deflateEnd(&stream);
    buf_fini(&wire);
    buf_fini(&heard.text);
}

static void what_is_no_deflate_data_is_kept_as_it_came(void **state)
{
    (void)state;
    const struct ws_settings settings = {.is_deflated = true, .max_message_bytes = 1000};
    struct heard heard;
    hear_in_pieces(&heard, &settings, bytes_make("\xc1\x03\xff\xff\xff\x81\x02hi", 9), 9);
    assert_non_null(strstr(buf_text(&heard.text), "\xff\xff\xff/1 flaws 32\n1 hi/1\n"));
    buf_fini(&heard.text);
}

static void the_agreement_is_read(void **state)
{
    (void)state;
    struct ws_settings settings = {0};
    struct bytes both = bytes_of("x-other, permessage-deflate; server_no_context_takeover; "
                                 "client_max_window_bits=12");
    ws_settings_read(&settings, both, TRACE_SERVER);
    assert_true(settings.is_deflated && settings.keeps_no_context);
    ws_settings_read(&settings, both, TRACE_CLIENT);
    assert_true(settings.is_deflated && !settings.keeps_no_context);
    ws_settings_read(&settings, bytes_of("x-webkit-deflate-frame"), TRACE_CLIENT);
    assert_false(settings.is_deflated);
    ws_settings_read(&settings, (struct bytes){0}, TRACE_CLIENT);
    assert_false(settings.is_deflated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_become_messages),
        cmocka_unit_test(a_close_code_is_read),
        cmocka_unit_test(what_breaks_the_framing_ends_the_direction),
        cmocka_unit_test(frames_behind_a_gap_are_counted),
        cmocka_unit_test(a_message_over_the_limit_is_cut_and_counted),
        cmocka_unit_test(deflated_messages_are_inflated),
        cmocka_unit_test(a_bomb_stays_within_the_limit),
        cmocka_unit_test(what_is_no_deflate_data_is_kept_as_it_came),
        cmocka_unit_test(the_agreement_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ws_frames_test.c - a client's frames: rows of the standard, and against wslay as the server. */
#include "replay/transport/ws_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <wslay/wslay.h>

enum { MOST_BYTES = 1 << 20 };

/* What came out: "OPCODE:LENGTH:PAYLOAD " each. */
static bool note(void *owner, enum ws_opcode opcode, struct bytes payload)
{
    struct buf *log = owner;
    buf_printf(log, "%d:%zu:", (int)opcode, payload.len);
    buf_append_bytes(log, payload);
    buf_append_char(log, ' ');
    return opcode != WS_CLOSE;
}

/* Feed in pieces of `piece` bytes (0: at once); each from a block of its own, so that a sanitizer
 * sees a byte read too far. */
static int feed(struct bytes in, size_t piece, size_t max_message_bytes, struct buf *log)
{
    struct ws_reader reader;
    int code = 0;
    ws_reader_init(&reader, max_message_bytes);
    for (size_t at = 0; at < in.len && !code;) {
        size_t len = piece && piece < in.len - at ? piece : in.len - at;
        char *copy = malloc(len);
        memcpy(copy, in.ptr + at, len);
        code = ws_reader_feed(&reader, bytes_make(copy, len), note, log);
        free(copy);
        at += len;
    }
    assert_true(reader.message.len <= max_message_bytes);
    ws_reader_fini(&reader);
    return code;
}

#define ROW(frames, code, log)                                                                     \
    {                                                                                              \
        frames, sizeof(frames) - 1, code, log                                                      \
    }

static void frames_are_what_the_standard_says_however_they_are_cut(void **state)
{
    (void)state;
    static const struct {
        const char *frames;
        size_t len;
        int code;
        const char *log;
    } rows[] = {
        ROW("\x81\x02hi", 0, "1:2:hi "),
        ROW("\x82\x00", 0, "2:0: "),
        ROW("\x81\x00\x81\x01x", 0, "1:0: 1:1:x "),
        ROW("\x01\x02he\x80\x03llo", 0, "1:5:hello "),
        ROW("\x01\x02he\x89\x01p\x00\x00\x80\x03llo", 0, "9:1:p 1:5:hello "), /* a ping inside */
        ROW("\x01\x00\x80\x00", 0, "1:0: "),
        ROW("\x8a\x00\x82\x01y", 0, "10:0: 2:1:y "),
        ROW("\x88\x00", 0, "8:0: "),
        ROW("\x88\x05\x03\xe8"
            "bye\x81\x01x",
            0,
            "8:5:\x03\xe8"
            "bye "), /* nothing behind it */
        ROW("\x82\x7e\x00\x7e"
            "0123456789012345678901234567890123456789012345678901234567890123456789"
            "01234567890123456789012345678901234567890123456789012345",
            0,
            "2:126:0123456789012345678901234567890123456789012345678901234567890123456789"
            "01234567890123456789012345678901234567890123456789012345 "),
        ROW("\x81\x04\xf0\x9f\x98\x80", 0, "1:4:\xf0\x9f\x98\x80 "),
        ROW("\x01\x02\xf0\x9f\x80\x02\x98\x80", 0,
            "1:4:\xf0\x9f\x98\x80 "), /* cut in a character */
        ROW("\x82\x02\xff\xfe", 0, "2:2:\xff\xfe "),
        ROW("\x81\x82zzzzhi", 1002, ""),        /* masked */
        ROW("\xc1\x02hi", 1002, ""),            /* a reserved bit */
        ROW("\x83\x00", 1002, ""),              /* an opcode that is none */
        ROW("\x8b\x00", 1002, ""),              /* another */
        ROW("\x80\x01x", 1002, ""),             /* goes on with nothing */
        ROW("\x01\x01x\x81\x01y", 1002, ""),    /* begins inside another */
        ROW("\x09\x00", 1002, ""),              /* a ping in pieces */
        ROW("\x89\x7e\x00\x7e", 1002, ""),      /* a ping too long */
        ROW("\x82\x7e\x00\x05hello", 1002, ""), /* a length longer than it needs to be */
        ROW("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 1002, ""),
        ROW("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 1002, ""), /* its highest bit set */
        /* Over the limit: told with the first byte of the payload. */
        ROW("\x82\x7f\x00\x00\x00\x00\x7f\xff\xff\xff.", 1009, ""),
        ROW("\x02\x01x\x80\x7e\x10\x00.", 1009, ""), /* both together, with a limit of 4096 */
        ROW("\x88\x01x", 1002, ""),                  /* half a code */
        ROW("\x88\x02\x03\xed", 1002, ""),           /* 1005 is never sent */
        ROW("\x88\x02\x0b\xb7", 1002, ""),           /* 2999 */
        ROW("\x88\x03\x03\xe8\xff", 1007, ""),
        ROW("\x81\x01\xff", 1007, ""),
        ROW("\x81\x02\xc0\x80", 1007, ""),     /* overlong */
        ROW("\x81\x03\xed\xa0\x80", 1007, ""), /* a surrogate */
        ROW("\x81\x04\xf4\x90\x80\x80", 1007, ""),
        ROW("\x81\x01\xc3", 1007, ""), /* ends inside a character */
        ROW("\x81\x0c"
            "abcdefgh\xc3\xa9"
            "i\xff",
            1007, ""),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t piece = 0; piece < 10; piece++) {
            struct buf log = BUF_INIT(MOST_BYTES);
            buf_append_text(&log, "");
            int code = feed(bytes_make(rows[i].frames, rows[i].len), piece, 4096, &log);
            if (code != rows[i].code || strcmp(buf_text(&log), rows[i].log) != 0)
                fail_msg("row %zu in pieces of %zu: %d '%s'", i, piece, code, buf_text(&log));
            buf_fini(&log);
        }
    }
}

static void a_message_may_be_as_long_as_the_limit(void **state)
{
    (void)state;
    struct buf frames = BUF_INIT(MOST_BYTES), log = BUF_INIT(MOST_BYTES);
    buf_append(&frames, "\x02\x7e\x08\x00", 4);
    memset(buf_reserve(&frames, 2048), 'a', 2048);
    buf_commit(&frames, 2048);
    buf_append(&frames, "\x80\x7e\x08\x00", 4);
    memset(buf_reserve(&frames, 2048), 'b', 2048);
    buf_commit(&frames, 2048);
    assert_int_equal(feed(buf_bytes(&frames), 100, 4095, &log), 1009);
    assert_int_equal(log.len, 0);
    assert_int_equal(feed(buf_bytes(&frames), 100, 4096, &log), 0);
    assert_int_equal(log.len, strlen("2:4096:") + 4096 + 1);
    buf_fini(&frames);
    buf_fini(&log);
}

/* --- wslay as the server ---------------------------------------------------------------------- */

struct server {
    wslay_event_context_ptr frames;
    struct bytes in; /* what the client said */
    struct buf out;
    struct buf log;
};

static ssize_t server_recv(wslay_event_context_ptr frames, uint8_t *data, size_t len, int flags,
                           void *owner)
{
    struct server *server = owner;
    size_t moved = server->in.len < len ? server->in.len : len;
    (void)flags;
    if (moved == 0) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(data, server->in.ptr, moved);
    server->in = bytes_from(server->in, moved);
    return (ssize_t)moved;
}

static ssize_t server_send(wslay_event_context_ptr frames, const uint8_t *data, size_t len,
                           int flags, void *owner)
{
    struct server *server = owner;
    (void)frames;
    (void)flags;
    return buf_append(&server->out, data, len) ? -1 : (ssize_t)len;
}

static void server_heard(wslay_event_context_ptr frames,
                         const struct wslay_event_on_msg_recv_arg *arg, void *owner)
{
    struct server *server = owner;
    (void)frames;
    note(&server->log, arg->opcode, bytes_make(arg->msg, arg->msg_length));
}

static void server_init(struct server *server)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = server_recv,
        .send_callback = server_send,
        .on_msg_recv_callback = server_heard,
    };
    *server = (struct server){0};
    buf_init(&server->out, 64 * MOST_BYTES);
    buf_init(&server->log, 64 * MOST_BYTES);
    assert_int_equal(wslay_event_context_server_init(&server->frames, &callbacks, server), 0);
}

static void server_fini(struct server *server)
{
    wslay_event_context_free(server->frames);
    buf_fini(&server->out);
    buf_fini(&server->log);
}

/* Lengths around every border of the format, and text that is ASCII. */
static size_t pick_length(struct random *random)
{
    static const size_t borders[] = {0, 1, 7, 8, 9, 125, 126, 127, 4096, 65535, 65536, 70000};
    return borders[random_below(random, sizeof borders / sizeof borders[0])];
}

static void make_payload(struct random *random, struct buf *payload, size_t len)
{
    buf_clear(payload);
    for (size_t i = 0; i < len; i++)
        buf_append_char(payload, (char)('a' + random_below(random, 26)));
    buf_append_text(payload, "");
}

static void what_we_write_is_what_wslay_reads(void **state)
{
    (void)state;
    struct random random;
    struct server server;
    struct buf out = BUF_INIT(64 * MOST_BYTES), payload = BUF_INIT(MOST_BYTES),
               expected = BUF_INIT(64 * MOST_BYTES);
    random_init(&random, 3, 1);
    server_init(&server);
    for (int i = 0; i < 200; i++) {
        enum ws_opcode opcode = random_below(&random, 2) ? WS_TEXT : WS_BINARY;
        make_payload(&random, &payload, pick_length(&random));
        note(&expected, opcode, buf_bytes(&payload));
        assert_int_equal(ws_frame_append(&out, opcode, buf_bytes(&payload), &random), 0);
    }
    server.in = buf_bytes(&out);
    while (server.in.len)
        assert_int_equal(wslay_event_recv(server.frames), 0);
    assert_true(wslay_event_get_read_enabled(server.frames));
    assert_int_equal(server.log.len, expected.len);
    assert_memory_equal(server.log.data, expected.data, expected.len);
    server_fini(&server);
    buf_fini(&out);
    buf_fini(&payload);
    buf_fini(&expected);
}

static void what_wslay_writes_is_what_we_read(void **state)
{
    (void)state;
    struct random random;
    struct server server;
    struct buf payload = BUF_INIT(MOST_BYTES), expected = BUF_INIT(64 * MOST_BYTES),
               log = BUF_INIT(64 * MOST_BYTES);
    random_init(&random, 4, 1);
    server_init(&server);
    for (int i = 0; i < 200; i++) {
        uint8_t opcode = random_below(&random, 2) ? WS_TEXT : WS_BINARY;
        make_payload(&random, &payload, pick_length(&random));
        note(&expected, opcode, buf_bytes(&payload));
        const struct wslay_event_msg message = {
            .opcode = opcode,
            .msg = (const uint8_t *)buf_text(&payload),
            .msg_length = payload.len,
        };
        assert_int_equal(wslay_event_queue_msg(server.frames, &message), 0);
        assert_int_equal(wslay_event_send(server.frames), 0);
    }
    for (size_t piece = 1; piece < 100000; piece *= 7) {
        buf_clear(&log);
        assert_int_equal(feed(buf_bytes(&server.out), piece, MOST_BYTES, &log), 0);
        assert_int_equal(log.len, expected.len);
        assert_memory_equal(log.data, expected.data, expected.len);
    }
    server_fini(&server);
    buf_fini(&payload);
    buf_fini(&expected);
    buf_fini(&log);
}

static void a_frame_over_the_buffers_maximum_leaves_it_as_it_was(void **state)
{
    (void)state;
    struct random random;
    struct buf out = BUF_INIT(30);
    random_init(&random, 1, 1);
    assert_int_equal(ws_frame_append(&out, WS_TEXT, bytes_of("0123456789"), &random), 0);
    size_t before = out.len;
    assert_int_equal(ws_frame_append(&out, WS_TEXT, bytes_of("0123456789"), &random), -1);
    assert_int_equal(out.len, before);
    assert_false(buf_failed(&out));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_what_the_standard_says_however_they_are_cut),
        cmocka_unit_test(a_message_may_be_as_long_as_the_limit),
        cmocka_unit_test(what_we_write_is_what_wslay_reads),
        cmocka_unit_test(what_wslay_writes_is_what_we_read),
        cmocka_unit_test(a_frame_over_the_buffers_maximum_leaves_it_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

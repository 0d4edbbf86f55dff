/* ws_client_test.c - the client's side of a WebSocket against a server that is a string. */
#include "replay/transport/ws_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A connection: what the server says, given out in pieces of `piece` bytes; what the client said.
 */
struct wire {
    struct buf to_client;
    size_t given;
    size_t piece;
    bool closes; /* when all is given; else it blocks */
    struct buf from_client;
};

struct heard {
    struct buf log;
};

static ssize_t wire_read(void *owner, char *data, size_t len)
{
    struct wire *wire = owner;
    size_t left = wire->to_client.len - wire->given;
    if (left == 0)
        return wire->closes ? 0 : WS_IO_BLOCKED;
    size_t moved = left < len ? left : len;
    if (wire->piece && moved > wire->piece)
        moved = wire->piece;
    memcpy(data, wire->to_client.data + wire->given, moved);
    wire->given += moved;
    return (ssize_t)moved;
}

static ssize_t wire_write(void *owner, const char *data, size_t len)
{
    struct wire *wire = owner;
    return buf_append(&wire->from_client, data, len) ? WS_IO_FAILED : (ssize_t)len;
}

/* A connection that takes nothing until it is told to. */
static bool wire_is_blocked;

static ssize_t blocked_write(void *owner, const char *data, size_t len)
{
    return wire_is_blocked ? WS_IO_BLOCKED : wire_write(owner, data, len);
}

static void on_message(void *owner, int opcode, struct bytes payload)
{
    struct heard *heard = owner;
    buf_printf(&heard->log, "%d:%.*s ", opcode, BYTES_ARG(payload));
}

static struct ws_client *connect(struct wire *wire, struct heard *heard, size_t max_message_bytes)
{
    static const struct http_header headers[] = {
        {{"X-Two", 5}, {"lines\rX-Smuggled: 1", 19}}, /* left out */
        {{"Sec-WebSocket-Protocol", 22}, {"chat", 4}},
    };
    const struct http_request request = {.method = bytes_of("GET"),
                                         .url = bytes_of("http://host:81/live?x=1"),
                                         .headers = headers,
                                         .header_count = 2};
    const struct ws_io io = {.owner = wire, .read = wire_read, .write = wire_write};
    struct random random;
    random_init(&random, 1, 1);
    *heard = (struct heard){.log = BUF_INIT(65536)};
    buf_append_text(&heard->log, "");
    struct ws_client *client = ws_client_new(&io, &request, bytes_of("sid=1"), random,
                                             max_message_bytes, on_message, heard);
    assert_non_null(client);
    return client;
}

/* The answer to the key that the client has sent. */
static void answer_with(struct wire *wire, const char *headers)
{
    char accept[29];
    const char *key = strstr(buf_text(&wire->from_client), "Sec-WebSocket-Key: ");
    assert_non_null(key);
    ws_accept_of(bytes_make(key + 19, 24), accept);
    buf_printf(&wire->to_client,
               "HTTP/1.1 101 Switching Protocols\r\n%sSec-WebSocket-Accept: %s\r\n\r\n", headers,
               accept);
}

static void answer_handshake(struct wire *wire)
{
    answer_with(wire, "Upgrade: WebSocket\r\nConnection: Upgrade\r\n");
}

static void wire_init(struct wire *wire, size_t piece)
{
    *wire = (struct wire){.piece = piece};
    buf_init(&wire->to_client, 1 << 20);
    buf_init(&wire->from_client, 1 << 20);
}

static void wire_fini(struct wire *wire, struct heard *heard, struct ws_client *client)
{
    ws_client_free(client);
    buf_fini(&wire->to_client);
    buf_fini(&wire->from_client);
    buf_fini(&heard->log);
}

static enum ws_client_state pump_until_still(struct ws_client *client)
{
    enum ws_client_state state = ws_client_pump(client);
    for (int i = 0; i < 3; i++)
        state = ws_client_pump(client);
    return state;
}

static void the_key_of_the_standard_gives_its_accept(void **state)
{
    (void)state;
    char accept[29];
    ws_accept_of(bytes_of("dGhlIHNhbXBsZSBub25jZQ=="), accept); /* RFC 6455 1.3 */
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void the_upgrade_carries_target_headers_and_cookies(void **state)
{
    (void)state;
    struct wire wire;
    struct heard heard;
    wire_init(&wire, 0);
    struct ws_client *client = connect(&wire, &heard, 1000);
    assert_int_equal(ws_client_pump(client), WS_STATE_HANDSHAKE);
    const char *sent = buf_text(&wire.from_client);
    assert_non_null(strstr(sent, "GET /live?x=1 HTTP/1.1\r\nHost: host:81\r\n"));
    assert_non_null(strstr(sent, "Upgrade: websocket\r\n"));
    assert_null(strstr(sent, "X-Smuggled"));
    assert_non_null(strstr(sent, "Sec-WebSocket-Protocol: chat\r\nCookie: sid=1\r\n\r\n"));
    assert_null(strstr(sent, "Extensions"));
    wire_fini(&wire, &heard, client);
}

/* Frames in the packet of the answer, whole or byte by byte: the same messages, and none before it
 * is open. */
static void messages_come_whole_however_the_bytes_are_cut(void **state)
{
    (void)state;
    static const char frames[] = "\x81\x05hello" /* text */
                                 "\x89\x02hi"    /* ping */
                                 "\x01\x03"
                                 "fra"
                                 "\x80\x04"
                                 "gmnt"       /* text in two fragments */
                                 "\x82\x01x"; /* binary */
    for (size_t piece = 0; piece < 8; piece++) {
        struct wire wire;
        struct heard heard;
        wire_init(&wire, piece);
        struct ws_client *client = connect(&wire, &heard, 1000);
        ws_client_pump(client);
        answer_handshake(&wire);
        buf_append(&wire.to_client, frames, sizeof frames - 1);
        assert_int_equal(ws_client_pump(client), WS_STATE_OPEN);
        assert_string_equal(buf_text(&heard.log), "");
        size_t sent_before = wire.from_client.len;
        assert_int_equal(pump_until_still(client), WS_STATE_OPEN);
        assert_string_equal(buf_text(&heard.log), "1:hello 1:fragmnt 2:x ");
        /* The ping was answered: a masked pong of two bytes. */
        assert_int_equal(wire.from_client.len, sent_before + 8);
        assert_int_equal((unsigned char)wire.from_client.data[sent_before], 0x8a);
        wire_fini(&wire, &heard, client);
    }
}

static void a_closing_handshake_is_told_from_a_connection_that_broke(void **state)
{
    (void)state;
    static const char close_frame[] = "\x88\x02\x03\xe8";
    for (int closes_well = 0; closes_well < 2; closes_well++) {
        struct wire wire;
        struct heard heard;
        wire_init(&wire, 0);
        struct ws_client *client = connect(&wire, &heard, 1000);
        ws_client_pump(client);
        answer_handshake(&wire);
        if (closes_well)
            buf_append(&wire.to_client, close_frame, sizeof close_frame - 1);
        wire.closes = true;
        enum ws_client_state state_after = pump_until_still(client);
        assert_int_equal(state_after, closes_well ? WS_STATE_CLOSED : WS_STATE_BROKEN);
        assert_int_equal(ws_client_failure(client), closes_well ? FAILURE_NONE : FAILURE_RESET);
        assert_int_equal(ws_client_close_code(client), closes_well ? 1000 : 0);
        wire_fini(&wire, &heard, client);
    }
}

/* The accept is right in all of them: what else a client has to look at (RFC 6455 4.1). */
static void an_upgrade_is_more_than_the_right_accept(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        enum ws_client_state state;
    } rows[] = {
        {"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n", WS_STATE_OPEN},
        {"Upgrade: websocket\r\n", WS_STATE_BROKEN},
        {"Upgrade: websocket\r\nConnection: close\r\n", WS_STATE_BROKEN},
        {"Upgrade: h2c\r\nConnection: upgrade\r\n", WS_STATE_BROKEN},
        {"Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Protocol: chat\r\n",
         WS_STATE_OPEN},
        {"Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Protocol: other\r\n",
         WS_STATE_BROKEN},
        {"Upgrade: websocket\r\nConnection: upgrade\r\n"
         "Sec-WebSocket-Extensions: permessage-deflate\r\n",
         WS_STATE_BROKEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wire wire;
        struct heard heard;
        wire_init(&wire, 0);
        struct ws_client *client = connect(&wire, &heard, 1000);
        ws_client_pump(client);
        answer_with(&wire, rows[i].headers);
        if (ws_client_pump(client) != rows[i].state)
            fail_msg("row %zu: '%s'", i, ws_client_detail(client));
        wire_fini(&wire, &heard, client);
    }
}

static void interim_answers_and_the_headers_of_a_refusal_are_read(void **state)
{
    (void)state;
    struct wire wire;
    struct heard heard;
    struct http1_head head;
    wire_init(&wire, 3);
    struct ws_client *client = connect(&wire, &heard, 1000);
    assert_int_equal(ws_client_head(client, &head), -1);
    buf_append_text(&wire.to_client, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                                     "HTTP/1.1 403 No\r\nSet-Cookie: a=1\r\n\r\nbody");
    assert_int_equal(ws_client_pump(client), WS_STATE_REFUSED);
    assert_int_equal(ws_client_head(client, &head), 0);
    assert_int_equal(head.status, 403);
    assert_true(bytes_equal(http1_header(&head, "set-cookie"), bytes_of("a=1")));
    wire_fini(&wire, &heard, client);
}

/* The server never stops: a pump comes back all the same, and nothing is lost between two. */
static void a_flood_is_read_in_portions(void **state)
{
    (void)state;
    enum { MESSAGES = 40000 };
    struct wire wire;
    struct heard heard;
    wire_init(&wire, 0);
    struct ws_client *client = connect(&wire, &heard, 1000);
    buf_fini(&heard.log);
    buf_init(&heard.log, 1 << 20);
    ws_client_pump(client);
    answer_handshake(&wire);
    ws_client_pump(client);
    for (int i = 0; i < MESSAGES; i++)
        buf_append(&wire.to_client, "\x82\x01m", 3);
    int pumps = 0;
    do {
        size_t before = wire.given;
        assert_int_equal(ws_client_pump(client), WS_STATE_OPEN);
        assert_true(wire.given - before <= WS_CLIENT_PUMP_BYTES);
        pumps++;
    } while (ws_client_has_more(client));
    assert_int_equal(heard.log.len, 4 * MESSAGES);
    assert_true(pumps > 2);
    wire_fini(&wire, &heard, client);
}

/* Pings without end, and no pong is taken: what waits stays small, and the last ping is answered.
 */
static void pings_do_not_pile_up(void **state)
{
    (void)state;
    struct wire wire;
    wire_init(&wire, 0);
    const struct http_request request = {.method = bytes_of("GET"), .url = bytes_of("http://h/")};
    const struct ws_io io = {.owner = &wire, .read = wire_read, .write = blocked_write};
    struct heard heard = {.log = BUF_INIT(4096)};
    struct random random;
    random_init(&random, 1, 1);
    struct ws_client *client =
        ws_client_new(&io, &request, (struct bytes){0}, random, 1000, on_message, &heard);
    wire_is_blocked = false;
    ws_client_pump(client);
    answer_handshake(&wire);
    assert_int_equal(ws_client_pump(client), WS_STATE_OPEN);
    size_t before = wire.from_client.len;
    wire_is_blocked = true;
    for (int i = 0; i < 10000; i++)
        buf_append(&wire.to_client, "\x89\x04ping", 6);
    buf_append(&wire.to_client,
               "\x89\x03"
               "end",
               5);
    do {
        ws_client_pump(client);
    } while (ws_client_has_more(client));
    wire_is_blocked = false;
    assert_int_equal(ws_client_flush(client), 0);
    assert_false(ws_client_wants_write(client));
    assert_in_range(wire.from_client.len - before, 1000, 20000);
    assert_int_equal((unsigned char)wire.from_client.data[wire.from_client.len - 8], 0x83);
    wire_fini(&wire, &heard, client);
}

static void what_is_not_the_handshake_asked_for_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        bool closes;
        enum ws_client_state state;
        int status;
        enum failure failure;
    } rows[] = {
        {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", false, WS_STATE_REFUSED, 401,
         FAILURE_NONE},
        {"HTTP/1.1 200 OK\r\n\r\n", false, WS_STATE_REFUSED, 200, FAILURE_NONE},
        {"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: wrong\r\n\r\n", false,
         WS_STATE_BROKEN, 101, FAILURE_PROTOCOL},
        {"HTTP/1.1 101 X\r\nSec-WebSocket-Accept: wrong\r\n\r\n", false, WS_STATE_BROKEN, 101,
         FAILURE_PROTOCOL},
        {"SSH-2.0-OpenSSH\r\n\r\n", false, WS_STATE_BROKEN, 0, FAILURE_PROTOCOL},
        {"HTTP/1.1 101", true, WS_STATE_BROKEN, 0, FAILURE_RESET},
        {"", true, WS_STATE_BROKEN, 0, FAILURE_RESET},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wire wire;
        struct heard heard;
        wire_init(&wire, 0);
        struct ws_client *client = connect(&wire, &heard, 1000);
        buf_append_text(&wire.to_client, rows[i].answer);
        wire.closes = rows[i].closes;
        if (pump_until_still(client) != rows[i].state)
            fail_msg("row %zu: '%s'", i, ws_client_detail(client));
        assert_int_equal(ws_client_status(client), rows[i].status);
        assert_int_equal(ws_client_failure(client), rows[i].failure);
        assert_true(rows[i].state == WS_STATE_REFUSED || ws_client_detail(client)[0]);
        wire_fini(&wire, &heard, client);
    }
}

static void a_close_goes_out_behind_the_messages_before_it(void **state)
{
    (void)state;
    struct wire wire;
    wire_init(&wire, 0);
    const struct http_request request = {.method = bytes_of("GET"), .url = bytes_of("http://h/")};
    const struct ws_io io = {.owner = &wire, .read = wire_read, .write = blocked_write};
    struct heard heard = {.log = BUF_INIT(4096)};
    struct random random;
    random_init(&random, 1, 1);
    struct ws_client *client =
        ws_client_new(&io, &request, (struct bytes){0}, random, 1000, on_message, &heard);
    ws_client_pump(client);
    answer_handshake(&wire);
    assert_int_equal(ws_client_pump(client), WS_STATE_OPEN);
    size_t before = wire.from_client.len;
    wire_is_blocked = true;
    assert_int_equal(ws_client_send(client, 1, bytes_of("last"), 0), 0);
    assert_int_equal(ws_client_send(client, 8, (struct bytes){0}, 1000), 0);
    ws_client_pump(client);
    assert_true(ws_client_wants_write(client));
    assert_int_equal(ws_client_send(client, 1, bytes_of("too late"), 0), -1);
    wire_is_blocked = false;
    assert_int_equal(ws_client_pump(client), WS_STATE_CLOSING);
    assert_int_equal(wire.from_client.len, before + 10 + 8);
    assert_int_equal((unsigned char)wire.from_client.data[before], 0x81);
    assert_int_equal((unsigned char)wire.from_client.data[before + 10], 0x88);
    wire_fini(&wire, &heard, client);
}

static void a_head_without_end_and_a_message_over_the_limit_are_refused(void **state)
{
    (void)state;
    struct wire wire;
    struct heard heard;
    wire_init(&wire, 0);
    struct ws_client *client = connect(&wire, &heard, 1000);
    buf_append_text(&wire.to_client, "HTTP/1.1 101 X\r\n");
    for (int i = 0; i < 10000; i++)
        buf_append_text(&wire.to_client, "X-Long: 0123456789\r\n");
    assert_int_equal(pump_until_still(client), WS_STATE_BROKEN);
    wire_fini(&wire, &heard, client);

    wire_init(&wire, 0);
    client = connect(&wire, &heard, 4);
    ws_client_pump(client);
    answer_handshake(&wire);
    buf_append_text(&wire.to_client, "\x81\x05hello");
    assert_int_equal(pump_until_still(client), WS_STATE_BROKEN);
    assert_string_equal(buf_text(&heard.log), "");
    wire_fini(&wire, &heard, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_of_the_standard_gives_its_accept),
        cmocka_unit_test(the_upgrade_carries_target_headers_and_cookies),
        cmocka_unit_test(messages_come_whole_however_the_bytes_are_cut),
        cmocka_unit_test(an_upgrade_is_more_than_the_right_accept),
        cmocka_unit_test(interim_answers_and_the_headers_of_a_refusal_are_read),
        cmocka_unit_test(a_flood_is_read_in_portions),
        cmocka_unit_test(pings_do_not_pile_up),
        cmocka_unit_test(a_closing_handshake_is_told_from_a_connection_that_broke),
        cmocka_unit_test(a_close_goes_out_behind_the_messages_before_it),
        cmocka_unit_test(what_is_not_the_handshake_asked_for_is_named),
        cmocka_unit_test(a_head_without_end_and_a_message_over_the_limit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

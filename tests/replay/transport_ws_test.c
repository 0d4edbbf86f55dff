/*
 * transport_ws_test.c - WebSockets through struct transport_ops alone: every transport behaves
 * alike against a server that does as its script says.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "replay/transport/transport.h"
#include "replay/transport/ws_client.h"

static const struct transport_ops *const transports[] = {&transport_curl, &transport_native};

enum { TRANSPORTS = sizeof transports / sizeof transports[0], MAX_MESSAGE_BYTES = 8 << 20 };

#define TIMEOUT_US UINT64_C(20000000)

/* --- the server ------------------------------------------------------------------------------- */

struct server {
    int listen_fd;
    uint16_t port;
    pthread_t thread;
    void (*serve)(int fd); /* on a thread of its own; the connection is closed behind it */
    const char *headers;   /* of the 101; NULL: serve() answers itself */
    atomic_bool has_heard; /* the client's head */
};

static void say(int fd, const void *data, size_t len)
{
    for (const char *at = data; len;) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        at += sent;
        len -= (size_t)sent;
    }
}

#define SAY(fd, literal) say(fd, literal, sizeof(literal) - 1)

/* Until the client has closed. */
static void wait_for_close(int fd)
{
    char ignored[4096];
    while (recv(fd, ignored, sizeof ignored, 0) > 0) {
    }
}

/* The client's head, byte by byte so that nothing behind it is taken; false: it has gone. */
static bool read_head(int fd, struct buf *head)
{
    char c;
    while (recv(fd, &c, 1, 0) == 1) {
        buf_append_char(head, c);
        if (head->len >= 4 && memcmp(head->data + head->len - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

static void upgrade(int fd, const struct buf *head, const char *headers)
{
    char accept[29], text[512];
    const char *key = strstr(buf_text(head), "Sec-WebSocket-Key: ");
    if (!key)
        return;
    ws_accept_of(bytes_make(key + 19, 24), accept);
    int len = snprintf(text, sizeof text,
                       "HTTP/1.1 101 X\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
                       accept, headers);
    say(fd, text, (size_t)len);
}

static void *serve_one(void *owner)
{
    struct server *server = owner;
    int fd = accept(server->listen_fd, NULL, NULL);
    if (fd < 0)
        return NULL;
    struct buf head = BUF_INIT(65536);
    if (read_head(fd, &head)) {
        atomic_store(&server->has_heard, true);
        if (server->headers)
            upgrade(fd, &head, server->headers);
        server->serve(fd);
    }
    buf_fini(&head);
    close(fd);
    return NULL;
}

/* A connection that has said its head, upgraded if that is what it asked for; -1: none came. */
static int accept_one(const struct server *server, bool *ret_is_upgrade)
{
    struct buf head = BUF_INIT(65536);
    int fd = accept(server->listen_fd, NULL, NULL);
    *ret_is_upgrade = false;
    if (fd >= 0 && read_head(fd, &head)) {
        *ret_is_upgrade = strstr(buf_text(&head), "Sec-WebSocket-Key: ") != NULL;
        if (*ret_is_upgrade)
            upgrade(fd, &head, "");
    }
    buf_fini(&head);
    return fd;
}

/* A request that is answered once a WebSocket is there, and another on the same connection once
 * there are two. */
static void *serve_beside_two(void *owner)
{
    const struct server *server = owner;
    struct buf head = BUF_INIT(65536);
    int fds[3], asked = -1;
    for (int i = 0; i < 3; i++) {
        bool is_upgrade;
        fds[i] = accept_one(server, &is_upgrade);
        if (fds[i] >= 0 && !is_upgrade)
            asked = fds[i];
        if (i >= 1 && (i == 1 || read_head(asked, &head)))
            SAY(asked, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
    for (int i = 0; i < 3; i++) {
        if (fds[i] >= 0) {
            wait_for_close(fds[i]);
            close(fds[i]);
        }
    }
    buf_fini(&head);
    return NULL;
}

static void server_start_with(struct server *server, void *(*thread)(void *))
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listen_fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(server->listen_fd, 4), 0);
    assert_int_equal(getsockname(server->listen_fd, (struct sockaddr *)&at, &len), 0);
    server->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, thread, server), 0);
}

static void server_start(struct server *server, void (*serve)(int fd), const char *headers)
{
    *server = (struct server){.serve = serve, .headers = headers};
    server_start_with(server, serve_one);
}

static void server_stop(struct server *server)
{
    shutdown(server->listen_fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listen_fd);
}

/* One frame of the client's, unmasked; its opcode, or -1. */
static int hear(int fd, struct buf *payload)
{
    uint8_t head[2], longer[8], key[4];
    buf_clear(payload);
    if (recv(fd, head, 2, MSG_WAITALL) != 2)
        return -1;
    uint64_t len = head[1] & 0x7f;
    size_t more = len == 127 ? 8 : len == 126 ? 2 : 0;
    if (more && recv(fd, longer, more, MSG_WAITALL) != (ssize_t)more)
        return -1;
    for (size_t i = 0; i < more; i++)
        len = (i ? len << 8 : 0) | longer[i];
    char *room = buf_reserve(payload, len);
    if (!(head[1] & 0x80) || !room || recv(fd, key, 4, MSG_WAITALL) != 4)
        return -1;
    if (len && recv(fd, room, len, MSG_WAITALL) != (ssize_t)len)
        return -1;
    buf_commit(payload, len);
    for (size_t i = 0; i < len; i++)
        room[i] = (char)(room[i] ^ key[i & 3]);
    return head[0] & 0x0f;
}

static void say_frame(int fd, int opcode, struct bytes payload)
{
    uint8_t head[10] = {(uint8_t)(0x80 | opcode), (uint8_t)payload.len};
    size_t used = 2;
    if (payload.len > 125) {
        head[1] = 127;
        for (int i = 0; i < 8; i++)
            head[used++] = (uint8_t)(payload.len >> (56 - 8 * i));
    }
    say(fd, head, used);
    say(fd, payload.ptr, payload.len);
}

static void echo(int fd)
{
    struct buf payload = BUF_INIT(64 << 20);
    int opcode;
    do {
        opcode = hear(fd, &payload);
        if (opcode >= 0)
            say_frame(fd, opcode, buf_bytes(&payload));
    } while (opcode >= 0 && opcode != 8);
    buf_fini(&payload);
}

/* --- the client ------------------------------------------------------------------------------- */

struct witness {
    const struct transport_ops *ops;
    struct loop loop;
    struct transport *transport;
    struct transport_user *user;
};

struct side {
    struct witness *witness;
    struct transport_ws *ws;
    struct buf log;
    const char *first; /* sent in on_open */
    bool answers;      /* sends each message back, from within on_message */
    char frees_in;     /* 'o'pen, 'm'essage, 'c'lose */
    int messages;
    bool is_open, is_over;
};

static void free_in(struct side *side, char where)
{
    if (side->frees_in != where)
        return;
    side->witness->ops->ws_free(side->ws);
    side->ws = NULL;
    side->is_over = true;
}

static void on_open(void *owner, const struct transport_result *result)
{
    struct side *side = owner;
    struct bytes cookie = http_headers_find(result->response.headers, result->response.header_count,
                                            bytes_of("set-cookie"));
    side->is_open = true;
    buf_printf(&side->log, "open %d%s%.*s ", result->response.status, cookie.len ? " " : "",
               BYTES_ARG(cookie));
    if (side->first)
        assert_int_equal(side->witness->ops->ws_send(side->ws, 1, bytes_of(side->first), 0), 0);
    free_in(side, 'o');
}

static void on_message(void *owner, int opcode, struct bytes payload)
{
    struct side *side = owner;
    side->messages++;
    if (payload.len < 100)
        buf_printf(&side->log, "%d:%.*s ", opcode, BYTES_ARG(payload));
    else
        buf_printf(&side->log, "%d:%zu bytes ", opcode, payload.len);
    if (side->answers)
        assert_int_equal(side->witness->ops->ws_send(side->ws, opcode, payload, 0), 0);
    free_in(side, 'm');
}

static void on_close(void *owner, const struct transport_result *result, int close_code)
{
    struct side *side = owner;
    struct bytes cookie = http_headers_find(result->response.headers, result->response.header_count,
                                            bytes_of("set-cookie"));
    assert_false(side->is_over);
    side->is_over = true;
    buf_printf(&side->log, "end %s", failure_name(result->failure));
    if (!side->is_open)
        buf_printf(&side->log, " %d%s%.*s", result->response.status, cookie.len ? " " : "",
                   BYTES_ARG(cookie));
    if (close_code)
        buf_printf(&side->log, " %d", close_code);
    assert_true(result->failure == FAILURE_NONE || (result->detail && result->detail[0]));
    free_in(side, 'c');
}

/* The machine's clock, moved on by hand. */
static uint64_t ahead_us;

static uint64_t clock_us(void)
{
    return clock_now_us() + ahead_us;
}

static void witness_init(struct witness *witness, const struct transport_ops *ops,
                         uint64_t timeout_us)
{
    const struct transport_options options = {.timeout_us = timeout_us,
                                              .max_body_bytes = 1 << 20,
                                              .max_message_bytes = MAX_MESSAGE_BYTES,
                                              .verifies_tls = true,
                                              .seed = 1};
    struct error err = {0};
    *witness = (struct witness){.ops = ops};
    ahead_us = 0;
    assert_int_equal(loop_init(&witness->loop, &err), 0);
    witness->loop.clock_us = clock_us;
    if (ops->open(&witness->transport, &witness->loop, &options, &err))
        fail_msg("%s", err.text);
    witness->user = ops->user_open(witness->transport);
    assert_non_null(witness->user);
}

static void witness_fini(struct witness *witness)
{
    if (witness->user)
        witness->ops->user_close(witness->user);
    witness->ops->close(witness->transport);
    assert_int_equal(witness->loop.watch_count, 0);
    loop_fini(&witness->loop);
}

static void side_open(struct side *side, struct witness *witness, uint16_t port)
{
    static const struct transport_ws_events events = {on_open, on_message, on_close};
    static const struct http_header headers[] = {{{"Origin", 6}, {"http://here", 11}}};
    static char url[64];
    static struct http_request http;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/live", port);
    http = (struct http_request){
        .method = bytes_of("GET"), .url = bytes_of(url), .headers = headers, .header_count = 1};
    const struct transport_request request = {.http = &http, .cookies = bytes_of("sid=1")};
    side->witness = witness;
    buf_init(&side->log, 1 << 20);
    buf_append_text(&side->log, "");
    side->ws = witness->ops->ws_open(witness->user, &request, &events, side);
    assert_non_null(side->ws);
    assert_false(side->is_open || side->is_over); /* no callback inside ws_open */
}

static void side_fini(struct side *side)
{
    if (side->ws)
        side->witness->ops->ws_free(side->ws);
    buf_fini(&side->log);
}

/* Passes of the loop until it holds; a minute is for ever. */
#define RUN_UNTIL(witness, condition)                                                              \
    for (int passes_ = 0; !(condition); passes_++) {                                               \
        assert_true((witness)->loop.now_us < 60000000);                                            \
        loop_pass(&(witness)->loop, 100000);                                                       \
    }

/* --- what servers do -------------------------------------------------------------------------- */

static void says_hello_and_closes(int fd)
{
    SAY(fd, "\x81\x05hello\x88\x02\x03\xe8");
    wait_for_close(fd);
}

static void refuses(int fd)
{
    SAY(fd, "HTTP/1.1 403 Forbidden\r\nSet-Cookie: a=1\r\nContent-Length: 4\r\n\r\nno\r\n");
    wait_for_close(fd);
}

static void accepts_wrongly(int fd)
{
    SAY(fd, "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
            "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n");
    wait_for_close(fd);
}

static void cuts(int fd)
{
    (void)fd;
}

static void cuts_in_its_answer(int fd)
{
    SAY(fd, "HTTP/1.1 101 X\r\nUpgra");
}

static void cuts_in_a_frame(int fd)
{
    SAY(fd, "\x81\x05he");
}

static void resets(int fd)
{
    const struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void says_a_bad_frame(int fd)
{
    SAY(fd, "\x81\x02ok\xf3\x00");
    wait_for_close(fd);
}

static void masks_its_frame(int fd)
{
    SAY(fd, "\x81\x82zzzzhi");
    wait_for_close(fd);
}

static void begins_a_huge_frame(int fd)
{
    SAY(fd, "\x82\x7f\x00\x00\x01\x00\x00\x00\x00\x00zzzz");
    wait_for_close(fd);
}

static void says_fragments(int fd)
{
    static const char bytes[] = "\x01\x02he\x89\x01p\x00\x02ll\x80\x01o\x88\x02\x0f\xa0";
    for (size_t i = 0; i < sizeof bytes - 1; i++)
        say(fd, bytes + i, 1);
    wait_for_close(fd);
}

static void closes_without_a_code(int fd)
{
    SAY(fd, "\x88\x00");
    wait_for_close(fd);
}

/* Goes on only when the pong is right; a message tells. */
static void pings(int fd)
{
    struct buf payload = BUF_INIT(1000);
    SAY(fd, "\x89\x04"
            "here");
    if (hear(fd, &payload) == 10 && bytes_equal(buf_bytes(&payload), bytes_of("here")))
        SAY(fd, "\x81\x04"
                "pong\x88\x02\x03\xe9");
    buf_fini(&payload);
    wait_for_close(fd);
}

/* 20,000 messages and a close, as fast as it goes. */
static void bursts(int fd)
{
    struct buf all = BUF_INIT(1 << 20);
    for (int i = 0; i < 20000; i++)
        buf_append(&all, "\x82\x01z", 3);
    buf_append(&all, "\x88\x02\x03\xe8", 4);
    say(fd, all.data, all.len);
    buf_fini(&all);
    wait_for_close(fd);
}

static void floods(int fd)
{
    char frames[30000];
    for (size_t i = 0; i < sizeof frames; i++)
        frames[i] = "\x82\x01z"[i % 3];
    while (send(fd, frames, sizeof frames, MSG_NOSIGNAL) == sizeof frames) {
    }
}

static void each_deed_ends_as_it_should(void **state)
{
    (void)state;
    static const struct {
        void (*serve)(int fd);
        const char *headers, *first, *log;
    } rows[] = {
        {says_hello_and_closes, "", NULL, "open 101 1:hello end none 1000"},
        {says_hello_and_closes, "Set-Cookie: b=2\r\n", "hi", "open 101 b=2 1:hello end none 1000"},
        {refuses, NULL, NULL, "end none 403 a=1"},
        {accepts_wrongly, NULL, NULL, "end protocol 101"},
        {cuts, NULL, NULL, "end reset 0"},
        {cuts_in_its_answer, NULL, NULL, "end reset 0"},
        {resets, NULL, NULL, "end reset 0"},
        {cuts, "", NULL, "open 101 end reset"},
        {resets, "", NULL, "open 101 end reset"},
        {cuts_in_a_frame, "", NULL, "open 101 end reset"},
        {says_a_bad_frame, "", NULL, "open 101 1:ok end protocol"},
        {masks_its_frame, "", NULL, "open 101 end protocol"},
        {begins_a_huge_frame, "", NULL, "open 101 end protocol"},
        {says_fragments, "", NULL, "open 101 1:hello end none 4000"},
        {closes_without_a_code, "", NULL, "open 101 end none 1005"},
        {pings, "", NULL, "open 101 1:pong end none 1001"},
        {wait_for_close, NULL, NULL, "end timeout 0"},
    };
    for (size_t t = 0; t < TRANSPORTS; t++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct server server;
            struct witness witness;
            struct side side = {.first = rows[i].first};
            bool is_timeout = strstr(rows[i].log, "timeout") != NULL;
            server_start(&server, rows[i].serve, rows[i].headers);
            witness_init(&witness, transports[t], TIMEOUT_US);
            side_open(&side, &witness, server.port);
            if (is_timeout) {
                RUN_UNTIL(&witness, atomic_load(&server.has_heard));
                ahead_us += TIMEOUT_US;
            }
            RUN_UNTIL(&witness, side.is_over);
            /* A reset may overtake the answer before it. */
            if (strcmp(buf_text(&side.log), rows[i].log) != 0 &&
                !(rows[i].serve == resets && strcmp(buf_text(&side.log), "end reset 0") == 0))
                fail_msg("%s, row %zu: '%s', not '%s'", transports[t]->name, i, buf_text(&side.log),
                         rows[i].log);
            side_fini(&side);
            witness_fini(&witness);
            server_stop(&server);
        }
    }
}

static void nobody_listens(void **state)
{
    (void)state;
    for (size_t t = 0; t < TRANSPORTS; t++) {
        struct server server;
        struct witness witness;
        struct side side = {0};
        server_start(&server, cuts, NULL);
        server_stop(&server);
        witness_init(&witness, transports[t], 20000000);
        side_open(&side, &witness, server.port);
        RUN_UNTIL(&witness, side.is_over);
        assert_string_equal(buf_text(&side.log), "end connect_refused 0");
        side_fini(&side);
        witness_fini(&witness);
    }
}

/* Larger than any socket's buffer, so that writing blocks and goes on. */
static void a_large_message_comes_back_whole(void **state)
{
    (void)state;
    struct bytes large = bytes_make(calloc(1, 5 << 20), 5 << 20);
    for (size_t t = 0; t < TRANSPORTS; t++) {
        struct server server;
        struct witness witness;
        struct side side = {0};
        server_start(&server, echo, "");
        witness_init(&witness, transports[t], 20000000);
        side_open(&side, &witness, server.port);
        RUN_UNTIL(&witness, side.is_open);
        assert_int_equal(witness.ops->ws_send(side.ws, 2, large, 0), 0);
        assert_int_equal(witness.ops->ws_send(side.ws, 1, bytes_of("behind it"), 0), 0);
        assert_int_equal(witness.ops->ws_send(side.ws, 8, (struct bytes){0}, 3001), 0);
        assert_int_equal(witness.ops->ws_send(side.ws, 1, bytes_of("too late"), 0), -1);
        RUN_UNTIL(&witness, side.is_over);
        assert_string_equal(buf_text(&side.log),
                            "open 101 2:5242880 bytes 1:behind it end none 3001");
        side_fini(&side);
        witness_fini(&witness);
        server_stop(&server);
    }
    free((void *)(uintptr_t)large.ptr);
}

static void a_burst_is_heard_to_its_end(void **state)
{
    (void)state;
    for (size_t t = 0; t < TRANSPORTS; t++) {
        struct server server;
        struct witness witness;
        struct side side = {0};
        server_start(&server, bursts, "");
        witness_init(&witness, transports[t], 20000000);
        side_open(&side, &witness, server.port);
        RUN_UNTIL(&witness, side.is_over);
        assert_int_equal(side.messages, 20000);
        assert_non_null(strstr(buf_text(&side.log), "end none 1000"));
        side_fini(&side);
        witness_fini(&witness);
        server_stop(&server);
    }
}

static void a_flood_leaves_the_others_their_turn(void **state)
{
    (void)state;
    for (size_t t = 0; t < TRANSPORTS; t++) {
        struct server flood, quiet;
        struct witness witness;
        struct side flooded = {0}, side = {.first = "round and round", .answers = true};
        server_start(&flood, floods, "");
        server_start(&quiet, echo, "");
        witness_init(&witness, transports[t], 20000000);
        side_open(&flooded, &witness, flood.port);
        RUN_UNTIL(&witness, flooded.messages > 100);
        side_open(&side, &witness, quiet.port);
        RUN_UNTIL(&witness, side.messages >= 50);
        assert_false(flooded.is_over);
        side_fini(&flooded);
        side_fini(&side);
        witness_fini(&witness);
        server_stop(&flood);
        server_stop(&quiet);
    }
}

static void on_answer(void *owner, const struct transport_result *result)
{
    int *status = owner;
    assert_int_equal(result->failure, FAILURE_NONE);
    *status = result->response.status;
}

static void ask(struct witness *witness, uint16_t port, int *status)
{
    static char url[64];
    static struct http_request http;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/asked", port);
    http = (struct http_request){.method = bytes_of("GET"), .url = bytes_of(url)};
    const struct transport_request request = {
        .http = &http, .max_connections = 1, .done = on_answer, .owner = status};
    enum failure failure;
    assert_non_null(witness->ops->send(witness->user, &request, &failure));
}

/* The one connection that requests may have is theirs: a WebSocket neither waits for it, nor
 * closes it, nor is it. */
static void requests_and_websockets_take_no_connection_from_each_other(void **state)
{
    (void)state;
    for (size_t t = 0; t < TRANSPORTS; t++) {
        struct server server = {0};
        struct witness witness;
        struct side first = {0}, second = {0};
        int status = 0, next_status = 0;
        server_start_with(&server, serve_beside_two);
        witness_init(&witness, transports[t], TIMEOUT_US);
        ask(&witness, server.port, &status);
        side_open(&first, &witness, server.port);
        RUN_UNTIL(&witness, first.is_open && status);
        side_open(&second, &witness, server.port);
        RUN_UNTIL(&witness, second.is_open);
        ask(&witness, server.port, &next_status);
        RUN_UNTIL(&witness, next_status);
        assert_int_equal(status, 200);
        assert_int_equal(next_status, 200);
        assert_false(first.is_over || second.is_over);
        side_fini(&first);
        side_fini(&second);
        witness_fini(&witness);
        server_stop(&server);
    }
}

static void one_may_be_freed_at_any_moment(void **state)
{
    (void)state;
    for (size_t t = 0; t < TRANSPORTS; t++) {
        for (const char *moment = "omc-u"; *moment; moment++) {
            struct server server;
            struct witness witness;
            struct side side = {.frees_in = *moment};
            server_start(&server, says_hello_and_closes, "");
            witness_init(&witness, transports[t], 20000000);
            side_open(&side, &witness, server.port);
            if (*moment == '-') { /* while it connects */
                side_fini(&side);
            } else if (*moment == 'u') { /* with its user */
                RUN_UNTIL(&witness, side.is_open);
                witness.ops->user_close(witness.user);
                witness.user = NULL;
                buf_fini(&side.log);
            } else {
                RUN_UNTIL(&witness, side.is_over);
                side_fini(&side);
            }
            witness_fini(&witness);
            server_stop(&server);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_deed_ends_as_it_should),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(a_large_message_comes_back_whole),
        cmocka_unit_test(a_burst_is_heard_to_its_end),
        cmocka_unit_test(a_flood_leaves_the_others_their_turn),
        cmocka_unit_test(requests_and_websockets_take_no_connection_from_each_other),
        cmocka_unit_test(one_may_be_freed_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* native_tls_test.c - TLS dialed and used against a server of OpenSSL's in the same thread. */
#include "replay/transport/native_tls.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/tls_peer.h"

#define FAR_US UINT64_C(60000000)
#define DAY_S (24 * 3600L)

struct fixture {
    struct loop loop;
    struct dialer *dialer;
    struct tls_identity identity; /* of localhost and 127.0.0.1 */
    struct tls_peer_server server;
    struct dial_resumption resumption;
    bool has_ended;
    struct dial_result result;
    char detail[256];
};

static void open_dialer(struct fixture *fixture, bool verifies, enum transport_http http)
{
    struct transport_options options = {
        .verifies_tls = verifies, .ca_path = fixture->identity.pem_path, .http = http};
    struct error err = {0};
    assert_int_equal(loop_init(&fixture->loop, &err), 0);
    if (dialer_open(&fixture->dialer, &fixture->loop, &options, &err))
        fail_msg("%s", err.text);
}

static void set_up(struct fixture *fixture, const char *alpn)
{
    *fixture = (struct fixture){0};
    tls_identity_make(&fixture->identity, "DNS:localhost,IP:127.0.0.1", -DAY_S, DAY_S);
    tls_peer_open(&fixture->server, &fixture->identity, alpn);
    open_dialer(fixture, true, TRANSPORT_HTTP_AUTO);
}

static void close_dialer(struct fixture *fixture)
{
    dialer_close(fixture->dialer);
    dial_resumption_fini(&fixture->resumption);
    assert_int_equal(fixture->loop.watch_count, 0);
    assert_true(timers_next_us(&fixture->loop.timers) == TIMERS_NONE_US);
    loop_fini(&fixture->loop);
}

static void tear_down(struct fixture *fixture)
{
    close_dialer(fixture);
    tls_peer_close(&fixture->server);
    tls_identity_fini(&fixture->identity);
}

static void on_done(void *owner, const struct dial_result *result)
{
    struct fixture *fixture = owner;
    fixture->has_ended = true;
    fixture->result = *result;
    snprintf(fixture->detail, sizeof fixture->detail, "%s", result->detail ? result->detail : "");
}

static struct dial *start(struct fixture *fixture, const char *host, bool allows_h2,
                          uint64_t timeout_us)
{
    char text[128];
    struct url url;
    snprintf(text, sizeof text, "https://%s:%u/", host, fixture->server.port);
    assert_int_equal(url_parse(bytes_of(text), &url), 0);
    fixture->has_ended = false;
    return dial_start(fixture->dialer, &url, allows_h2, &fixture->resumption,
                      loop_read_clock(&fixture->loop) + timeout_us, on_done, fixture);
}

/* Both sides move until the dial is over and, when it went well, the server is through as well. */
static void dial_to(struct fixture *fixture, const char *host, bool allows_h2)
{
    bool is_accepted = false;
    assert_non_null(start(fixture, host, allows_h2, FAR_US));
    while (!fixture->has_ended || (!fixture->result.failure && !is_accepted)) {
        loop_pass(&fixture->loop, 500);
        if (!is_accepted)
            is_accepted = tls_peer_step(&fixture->server);
    }
}

static void connect_well(struct fixture *fixture, const char *host)
{
    dial_to(fixture, host, false);
    if (fixture->result.failure)
        fail_msg("%s", fixture->detail);
}

/* What the client reads next, waiting for it. */
static ssize_t read_waiting(struct native_stream *stream, void *data, size_t len)
{
    ssize_t got;
    do {
        got = stream_read(stream, data, len);
    } while (got == STREAM_BLOCKED);
    return got;
}

static int server_read(struct fixture *fixture, char *data, int len)
{
    int got;
    do {
        got = SSL_read(fixture->server.ssl, data, len);
    } while (got <= 0 && SSL_get_error(fixture->server.ssl, got) == SSL_ERROR_WANT_READ);
    return got;
}

static void names_and_addresses_are_verified(void **state)
{
    static const struct {
        const char *host, *sni;
    } rows[] = {{"localhost", "localhost"}, {"127.0.0.1", ""}};
    struct fixture fixture;
    char text[16];
    (void)state;
    set_up(&fixture, NULL);
    for (size_t i = 0; i < 2; i++) {
        connect_well(&fixture, rows[i].host);
        assert_string_equal(fixture.server.sni, rows[i].sni);
        assert_false(fixture.result.stream.is_h2);
        assert_int_equal(SSL_write(fixture.server.ssl, "hello", 5), 5);
        assert_int_equal(read_waiting(&fixture.result.stream, text, sizeof text), 5);
        assert_memory_equal(text, "hello", 5);
        assert_int_equal(stream_read(&fixture.result.stream, text, sizeof text), STREAM_BLOCKED);
        assert_int_equal(stream_events(&fixture.result.stream), LOOP_READ);
        SSL_shutdown(fixture.server.ssl);
        assert_int_equal(read_waiting(&fixture.result.stream, text, sizeof text), 0);
        stream_close(&fixture.result.stream);
        tls_peer_drop(&fixture.server, false);
    }
    tear_down(&fixture);
}

/* A certificate of the server's own, checked against what the dialer trusts. */
static void certificates_are_judged(void **state)
{
    static const struct {
        const char *names;
        long from_s, to_s;
        bool is_trusted, verifies;
        const char *reason; /* NULL: it is taken */
    } rows[] = {
        {"DNS:localhost", -DAY_S, DAY_S, true, true, NULL},
        {"DNS:elsewhere.test", -DAY_S, DAY_S, true, true, "hostname mismatch"},
        {"IP:127.0.0.2", -DAY_S, DAY_S, true, true, "hostname mismatch"},
        {"DNS:localhost", -2 * DAY_S, -DAY_S, true, true, "certificate has expired"},
        {"DNS:localhost", DAY_S, 2 * DAY_S, true, true, "certificate is not yet valid"},
        {"DNS:localhost", -DAY_S, DAY_S, false, true, "self-signed certificate"},
        {"DNS:elsewhere.test", -2 * DAY_S, -DAY_S, false, false, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture = {0};
        struct tls_identity served;
        char expected[256];
        tls_identity_make(&served, rows[i].names, rows[i].from_s, rows[i].to_s);
        tls_identity_make(&fixture.identity, "DNS:another.test", -DAY_S, DAY_S);
        if (rows[i].is_trusted) {
            tls_identity_fini(&fixture.identity);
            fixture.identity = served;
        }
        tls_peer_open(&fixture.server, &served, NULL);
        open_dialer(&fixture, rows[i].verifies, TRANSPORT_HTTP_AUTO);
        dial_to(&fixture, "localhost", false);
        snprintf(expected, sizeof expected, "the certificate of localhost: %s",
                 rows[i].reason ? rows[i].reason : "");
        assert_string_equal(fixture.detail, rows[i].reason ? expected : "");
        assert_int_equal(fixture.result.failure,
                         rows[i].reason ? FAILURE_CERTIFICATE : FAILURE_NONE);
        stream_close(&fixture.result.stream);
        if (!rows[i].is_trusted)
            tls_identity_fini(&served);
        tear_down(&fixture);
    }
}

/* What a server says instead of a ServerHello; NULL: it closes. */
static void what_is_no_tls_fails_as_tls(void **state)
{
    static const struct {
        const char *says, *detail;
    } rows[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "TLS handshake with localhost: wrong version number"},
        {"", "TLS handshake with localhost: closed by the target"},
        {NULL, "TLS handshake with localhost: Connection reset by peer"},
    };
    struct fixture fixture;
    (void)state;
    set_up(&fixture, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = -1;
        char hello[4096];
        start(&fixture, "localhost", false, FAR_US);
        while (fd < 0 || recv(fd, hello, sizeof hello, 0) <= 0) {
            loop_pass(&fixture.loop, 500);
            if (fd < 0)
                fd = accept4(fixture.server.listener, NULL, NULL, SOCK_NONBLOCK);
        }
        if (rows[i].says)
            assert_int_equal(send(fd, rows[i].says, strlen(rows[i].says), 0), strlen(rows[i].says));
        fixture.server.fd = fd;
        tls_peer_drop(&fixture.server, !rows[i].says);
        while (!fixture.has_ended)
            loop_pass(&fixture.loop, 1000000);
        assert_string_equal(fixture.detail, rows[i].detail);
        assert_int_equal(fixture.result.failure, FAILURE_TLS);
    }
    tear_down(&fixture);
}

static void a_handshake_without_an_answer_ends_at_its_deadline(void **state)
{
    struct fixture fixture;
    char expected[128];
    (void)state;
    set_up(&fixture, NULL);
    start(&fixture, "127.0.0.1", false, 20000);
    while (!fixture.has_ended)
        loop_pass(&fixture.loop, 1000000);
    assert_int_equal(fixture.result.failure, FAILURE_CONNECT_TIMEOUT);
    snprintf(expected, sizeof expected, "127.0.0.1 port %u: no end of the TLS handshake in time",
             fixture.server.port);
    assert_string_equal(fixture.detail, expected);
    tear_down(&fixture);
}

/* Cancelled before its handshake, in the middle of it, and when it is all but over. */
static void a_handshake_is_cancelled_at_any_step(void **state)
{
    struct fixture fixture;
    (void)state;
    set_up(&fixture, NULL);
    for (int passes = 0; passes < 4; passes++) {
        struct dial *dial = start(&fixture, "127.0.0.1", false, FAR_US);
        for (int i = 0; i < passes && !fixture.has_ended; i++) {
            loop_pass(&fixture.loop, 500);
            tls_peer_step(&fixture.server);
        }
        if (fixture.has_ended)
            stream_close(&fixture.result.stream);
        else
            dial_cancel(dial);
        tls_peer_drop(&fixture.server, false);
    }
    /* One that the dialer still has when it closes. */
    start(&fixture, "127.0.0.1", false, FAR_US);
    loop_pass(&fixture.loop, 500);
    tear_down(&fixture);
}

static void alpn_settles_on_what_both_allow(void **state)
{
    static const struct {
        enum transport_http http;
        bool allows_h2;
        const char *server;
        bool is_h2;
        enum failure failure;
    } rows[] = {
        {TRANSPORT_HTTP_AUTO, true, "\x02h2\x08http/1.1", true, FAILURE_NONE},
        {TRANSPORT_HTTP_AUTO, true, "\x08http/1.1", false, FAILURE_NONE},
        {TRANSPORT_HTTP_AUTO, true, NULL, false, FAILURE_NONE},
        {TRANSPORT_HTTP_AUTO, false, "\x02h2\x08http/1.1", false, FAILURE_NONE},
        {TRANSPORT_HTTP_2, true, "\x08http/1.1\x02h2", true, FAILURE_NONE},
        {TRANSPORT_HTTP_2, true, "\x08http/1.1", false, FAILURE_PROTOCOL},
        {TRANSPORT_HTTP_2, false, "\x08http/1.1", false, FAILURE_NONE},
        {TRANSPORT_HTTP_1_1, false, "\x02h2", false, FAILURE_PROTOCOL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture fixture;
        set_up(&fixture, rows[i].server);
        close_dialer(&fixture);
        open_dialer(&fixture, true, rows[i].http);
        dial_to(&fixture, "localhost", rows[i].allows_h2);
        assert_int_equal(fixture.result.failure, rows[i].failure);
        assert_int_equal(fixture.result.stream.is_h2, rows[i].is_h2);
        stream_close(&fixture.result.stream);
        tear_down(&fixture);
    }
}

static void a_ticket_is_used_again_where_it_came_from(void **state)
{
    struct fixture fixture;
    char text[16];
    (void)state;
    set_up(&fixture, NULL);
    for (int i = 0; i < 3; i++) {
        connect_well(&fixture, "localhost");
        assert_int_equal(fixture.result.is_resumed, i > 0);
        SSL_write(fixture.server.ssl, "x", 1); /* tickets come in front of it */
        assert_int_equal(read_waiting(&fixture.result.stream, text, sizeof text), 1);
        stream_close(&fixture.result.stream);
        tls_peer_drop(&fixture.server, false);
    }
    connect_well(&fixture, "127.0.0.1"); /* another name, another peer */
    assert_false(fixture.result.is_resumed);
    stream_close(&fixture.result.stream);
    tear_down(&fixture);
}

static void small_pieces_leave_as_one_record(void **state)
{
    const struct iovec pieces[] = {
        {(void *)(uintptr_t) "GET ", 4}, {NULL, 0}, {(void *)(uintptr_t) "/ HTTP/1.1\r\n\r\n", 14}};
    enum { RECORD_HEAD_BYTES = 5 };
    struct fixture fixture;
    unsigned char raw[512];
    char text[64];
    (void)state;
    set_up(&fixture, NULL);
    connect_well(&fixture, "localhost");
    assert_int_equal(stream_write(&fixture.result.stream, pieces, 3), 18);
    ssize_t all = recv(fixture.server.fd, raw, sizeof raw, MSG_PEEK);
    assert_int_equal(all, RECORD_HEAD_BYTES + (raw[3] << 8 | raw[4]));
    assert_int_equal(server_read(&fixture, text, sizeof text), 18);
    assert_memory_equal(text, "GET / HTTP/1.1\r\n\r\n", 18);
    stream_close(&fixture.result.stream);
    assert_int_equal(server_read(&fixture, text, sizeof text), 0);
    assert_int_equal(SSL_get_shutdown(fixture.server.ssl), SSL_RECEIVED_SHUTDOWN);
    tear_down(&fixture);
}

/* Read ahead takes several records off the socket at once: no event tells of the second. */
static void what_was_read_ahead_is_pending(void **state)
{
    struct fixture fixture;
    struct native_stream *stream = &fixture.result.stream;
    char text[16];
    int in_socket = 1;
    (void)state;
    set_up(&fixture, NULL);
    connect_well(&fixture, "localhost");
    assert_int_equal(stream_read(stream, text, sizeof text), STREAM_BLOCKED); /* the tickets */
    SSL_write(fixture.server.ssl, "one", 3);
    SSL_write(fixture.server.ssl, "two-three", 9);
    assert_int_equal(read_waiting(stream, text, sizeof text), 3);
    assert_int_equal(ioctl(stream->fd, FIONREAD, &in_socket), 0);
    assert_int_equal(in_socket, 0);
    assert_true(stream_has_pending(stream));
    assert_int_equal(stream_read(stream, text, 4), 4); /* a part of a record */
    assert_true(stream_has_pending(stream));
    assert_int_equal(stream_read(stream, text, sizeof text), 5);
    assert_memory_equal(text, "three", 5);
    assert_false(stream_has_pending(stream));
    assert_int_equal(stream_read(stream, text, sizeof text), STREAM_BLOCKED);
    stream_close(stream);
    tear_down(&fixture);
}

/* The first bytes of a record are no reason to read again before the rest has come. */
static void a_part_of_a_record_is_not_pending(void **state)
{
    struct fixture fixture;
    struct native_stream *stream = &fixture.result.stream;
    const unsigned char head_of_a_record[] = {23, 3, 3, 0, 100, 1, 2, 3};
    char text[16];
    (void)state;
    set_up(&fixture, NULL);
    connect_well(&fixture, "localhost");
    assert_int_equal(send(fixture.server.fd, head_of_a_record, sizeof head_of_a_record, 0),
                     sizeof head_of_a_record);
    assert_int_equal(stream_read(stream, text, sizeof text), STREAM_BLOCKED);
    assert_false(stream_has_pending(stream));
    stream_close(stream);
    tear_down(&fixture);
}

static char letter_at(size_t position)
{
    return (char)('a' + position % 23);
}

static void a_peer_that_stops_reading_blocks_and_loses_nothing(void **state)
{
    enum { ALL = 8 * 1024 * 1024 };
    struct fixture fixture;
    struct native_stream *stream = &fixture.result.stream;
    char *data = malloc(ALL), text[4096];
    size_t sent = 0, received = 0, blocked = 0;
    (void)state;
    set_up(&fixture, NULL);
    connect_well(&fixture, "localhost");
    for (size_t i = 0; i < ALL; i++)
        data[i] = letter_at(i);
    while (received < ALL) {
        ssize_t moved = 0;
        while (sent < ALL && moved >= 0) {
            /* Two pieces cut anywhere, the same rest again after it blocked. */
            size_t left = ALL - sent, first = left / 3;
            const struct iovec pieces[] = {{data + sent, first},
                                           {data + sent + first, left - first}};
            moved = stream_write(stream, pieces, 2);
            if (moved > 0)
                sent += (size_t)moved;
        }
        if (sent < ALL) {
            assert_int_equal(moved, STREAM_BLOCKED);
            assert_int_equal(stream_events(stream), LOOP_WRITE);
            blocked++;
        }
        int got = server_read(&fixture, text, sizeof text);
        assert_true(got > 0);
        for (int i = 0; i < got; i++)
            assert_int_equal(text[i], letter_at(received + (size_t)i));
        received += (size_t)got;
    }
    assert_true(blocked > 0);
    stream_close(stream);
    free(data);
    tear_down(&fixture);
}

static void a_reset_says_errno_and_garbage_says_why(void **state)
{
    const char garbage[] = "this is no record of TLS";
    struct fixture fixture;
    struct native_stream *stream = &fixture.result.stream;
    char text[16] = "";
    (void)state;
    set_up(&fixture, NULL);
    connect_well(&fixture, "localhost");
    tls_peer_drop(&fixture.server, true);
    assert_int_equal(read_waiting(stream, text, sizeof text), STREAM_FAILED);
    assert_int_equal(errno, ECONNRESET);
    assert_string_equal(stream_detail(stream), "Connection reset by peer");
    stream_close(stream);

    connect_well(&fixture, "localhost");
    tls_peer_drop(&fixture.server, true);
    const struct iovec piece = {text, sizeof text};
    while (stream_write(stream, &piece, 1) > 0) /* the reset may be on its way */
        continue;
    assert_true(errno == ECONNRESET || errno == EPIPE); /* and no SIGPIPE */
    stream_close(stream);

    connect_well(&fixture, "localhost");
    assert_int_equal(send(fixture.server.fd, garbage, sizeof garbage, 0), sizeof garbage);
    assert_int_equal(read_waiting(stream, text, sizeof text), STREAM_FAILED);
    assert_int_equal(errno, 0);
    assert_string_equal(stream_detail(stream), "wrong version number");
    stream_close(stream);
    tls_peer_drop(&fixture.server, false);

    connect_well(&fixture, "localhost");
    shutdown(fixture.server.fd, SHUT_WR); /* without close_notify */
    assert_int_equal(read_waiting(stream, text, sizeof text), 0);
    stream_close(stream);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_addresses_are_verified),
        cmocka_unit_test(certificates_are_judged),
        cmocka_unit_test(what_is_no_tls_fails_as_tls),
        cmocka_unit_test(a_handshake_without_an_answer_ends_at_its_deadline),
        cmocka_unit_test(a_handshake_is_cancelled_at_any_step),
        cmocka_unit_test(alpn_settles_on_what_both_allow),
        cmocka_unit_test(a_ticket_is_used_again_where_it_came_from),
        cmocka_unit_test(small_pieces_leave_as_one_record),
        cmocka_unit_test(what_was_read_ahead_is_pending),
        cmocka_unit_test(a_part_of_a_record_is_not_pending),
        cmocka_unit_test(a_peer_that_stops_reading_blocks_and_loses_nothing),
        cmocka_unit_test(a_reset_says_errno_and_garbage_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

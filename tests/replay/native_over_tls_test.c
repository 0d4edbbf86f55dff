/* native_over_tls_test.c - the native transport where TLS holds what no event tells of: tickets
 * behind an answer, records read ahead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "core/clock.h"
#include "replay/transport/native_h2.h"
#include "replay/transport/native_http1.h"
#include "tests/support/tls_peer.h"

#define DAY_S (24 * 3600L)
#define TIMEOUT_US UINT64_C(20000000)
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct fixture {
    struct loop loop;
    struct transport *transport;
    struct transport_user *user;
    struct tls_identity identity;
    struct tls_peer_server server;
    char url[256];
    struct http_request http;
    int done_count;
    enum failure failure;
    char detail[256];
    struct transport_call *unwanted; /* is cancelled where another one ends */
};

/* The machine's clock, moved on by hand. */
static uint64_t ahead_us;

static uint64_t clock_us(void)
{
    return clock_now_us() + ahead_us;
}

static void set_up(struct fixture *fixture, enum transport_http http)
{
    struct error err = {0};
    *fixture = (struct fixture){0};
    tls_identity_make(&fixture->identity, "DNS:localhost,IP:127.0.0.1", -DAY_S, DAY_S);
    tls_peer_open(&fixture->server, &fixture->identity, http == TRANSPORT_HTTP_2 ? "\x02h2" : NULL);
    const struct transport_options options = {.timeout_us = TIMEOUT_US,
                                              .max_body_bytes = 4096,
                                              .verifies_tls = true,
                                              .ca_path = fixture->identity.pem_path,
                                              .http = http};
    ahead_us = 0;
    assert_int_equal(loop_init(&fixture->loop, &err), 0);
    fixture->loop.clock_us = clock_us;
    if (transport_native.open(&fixture->transport, &fixture->loop, &options, &err))
        fail_msg("%s", err.text);
    fixture->user = transport_native.user_open(fixture->transport);
    snprintf(fixture->url, sizeof fixture->url, "https://127.0.0.1:%u/", fixture->server.port);
    fixture->http = (struct http_request){.method = bytes_of("GET"), .url = bytes_of(fixture->url)};
}

static void tear_down(struct fixture *fixture)
{
    transport_native.user_close(fixture->user);
    transport_native.close(fixture->transport);
    assert_int_equal(fixture->loop.watch_count, 0);
    loop_fini(&fixture->loop);
    tls_peer_close(&fixture->server);
    tls_identity_fini(&fixture->identity);
}

static void on_done(void *owner, const struct transport_result *result)
{
    struct fixture *fixture = owner;
    fixture->done_count++;
    fixture->failure = result->failure;
    snprintf(fixture->detail, sizeof fixture->detail, "%s", result->detail ? result->detail : "");
    if (fixture->unwanted)
        transport_native.cancel(fixture->unwanted);
    fixture->unwanted = NULL;
}

static struct transport_call *send_request(struct fixture *fixture)
{
    enum failure failure;
    const struct transport_request request = {
        .http = &fixture->http, .done = on_done, .owner = fixture};
    struct transport_call *call = transport_native.send(fixture->user, &request, &failure);
    assert_non_null(call);
    return call;
}

/* The server has read the request. */
static void await_request(struct fixture *fixture)
{
    char text[1024];
    while (!SSL_is_init_finished(fixture->server.ssl) ||
           SSL_read(fixture->server.ssl, text, sizeof text) <= 0)
        loop_pass(&fixture->loop, 500);
}

static void await_connection(struct fixture *fixture)
{
    while (!tls_peer_step(&fixture->server))
        loop_pass(&fixture->loop, 500);
}

/* The first request, over a connection that is made for it. */
static void ask_first(struct fixture *fixture)
{
    send_request(fixture);
    await_connection(fixture);
    await_request(fixture);
}

static void await_done(struct fixture *fixture, int count)
{
    while (fixture->done_count < count)
        loop_pass(&fixture->loop, 500);
}

static void say(struct fixture *fixture, const char *text)
{
    int len = (int)strlen(text);
    assert_int_equal(SSL_write(fixture->server.ssl, text, len), len);
}

/* All that the server says lies in the socket before the client looks: one read takes it. */
static void answer(struct fixture *fixture, bool says_more)
{
    SSL *ssl = fixture->server.ssl;
    int before = fixture->done_count;
    say(fixture, ANSWER);
    assert_int_equal(SSL_new_session_ticket(ssl), 1);
    assert_int_equal(SSL_do_handshake(ssl), 1);
    if (says_more)
        say(fixture, "more");
    await_done(fixture, before + 1);
    assert_int_equal(fixture->failure, FAILURE_NONE);
}

static void a_ticket_behind_an_answer_costs_no_connection(void **state)
{
    struct fixture fixture;
    (void)state;
    set_up(&fixture, TRANSPORT_HTTP_1_1);
    send_request(&fixture);
    await_connection(&fixture);
    for (int i = 0; i < 3; i++) {
        if (i)
            send_request(&fixture);
        await_request(&fixture);
        answer(&fixture, false);
        assert_non_null(fixture.user->connections);
        assert_null(fixture.user->connections->next);
    }
    assert_int_equal(fixture.done_count, 3);
    tear_down(&fixture);
}

static void words_behind_a_ticket_end_the_connection(void **state)
{
    struct fixture fixture;
    (void)state;
    set_up(&fixture, TRANSPORT_HTTP_1_1);
    ask_first(&fixture);
    answer(&fixture, true);
    assert_null(fixture.user->connections);
    tear_down(&fixture);
}

/* As much as the kernel takes without the client reading. */
static size_t fill_socket(struct fixture *fixture, size_t record_bytes)
{
    static char record[SSL3_RT_MAX_PLAIN_LENGTH];
    size_t written = 0;
    while (SSL_write(fixture->server.ssl, record, (int)record_bytes) > 0)
        written += record_bytes;
    return written;
}

static void read_long_body(size_t record_bytes)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
    enum { MOST_AT_ONCE = 17 * POOL_BLOCK_BYTES };
    struct fixture fixture;
    set_up(&fixture, TRANSPORT_HTTP_1_1);
    ask_first(&fixture);
    say(&fixture, head);
    size_t written = fill_socket(&fixture, record_bytes);
    assert_true(written > 2 * MOST_AT_ONCE);
    const struct transport_call *call = fixture.user->connections->call;
    while (call->received_bytes < written) { /* all of it comes, in more than one turn */
        uint64_t before = call->received_bytes;
        loop_pass(&fixture.loop, 500);
        assert_true(call->received_bytes - before <= MOST_AT_ONCE);
    }
    assert_int_equal(fixture.done_count, 0);
    tear_down(&fixture);
}

/* Several records in what is read ahead, or one and the beginning of the next. */
static void a_body_that_keeps_coming_leaves_others_their_turn(void **state)
{
    (void)state;
    read_long_body(1000);
    read_long_body(9000);
    read_long_body(SSL3_RT_MAX_PLAIN_LENGTH);
}

static void a_connection_that_turns_out_to_be_http1_is_counted_once(void **state)
{
    struct fixture fixture;
    (void)state;
    set_up(&fixture, TRANSPORT_HTTP_AUTO);
    ask_first(&fixture);
    answer(&fixture, false);
    assert_int_equal(transport_native.most_connections(fixture.transport), 1);
    assert_int_equal(fixture.transport->connections_open, 1);
    tear_down(&fixture);
}

/* Of those that wait for one handshake each has its own time. */
static void a_call_that_waits_for_a_dial_keeps_its_own_deadline(void **state)
{
    /* SETTINGS, and HEADERS of stream 1 with :status 200 and its end. */
    static const char frames[] = "\0\0\0\x04\0\0\0\0\0"
                                 "\0\0\x01\x01\x05\0\0\0\x01\x88";
    struct fixture fixture;
    (void)state;
    set_up(&fixture, TRANSPORT_HTTP_2);
    send_request(&fixture);
    ahead_us += TIMEOUT_US / 2;
    loop_pass(&fixture.loop, 500);
    send_request(&fixture);
    ahead_us += TIMEOUT_US * 3 / 4; /* too late for the first */
    await_done(&fixture, 1);
    assert_int_equal(fixture.failure, FAILURE_CONNECT_TIMEOUT);
    send_request(&fixture); /* waits for the same */
    for (int i = 0; i < 20; i++)
        loop_pass(&fixture.loop, 500);
    assert_int_equal(fixture.done_count, 1);
    await_connection(&fixture);
    await_request(&fixture);
    assert_int_equal(SSL_write(fixture.server.ssl, frames, sizeof frames - 1), sizeof frames - 1);
    await_done(&fixture, 2);
    assert_int_equal(fixture.failure, FAILURE_NONE);
    assert_int_equal(transport_native.most_connections(fixture.transport), 1);
    const struct transport_call *last = fixture.user->h2->calls;
    assert_non_null(last);
    assert_null(last->next);
    tear_down(&fixture);
}

/* The last one that waits gives up, and the dial with it. */
static void a_dial_ends_with_the_last_call_that_waits_for_it(void **state)
{
    struct fixture fixture;
    (void)state;
    set_up(&fixture, TRANSPORT_HTTP_2);
    send_request(&fixture);
    ahead_us += TIMEOUT_US / 2;
    loop_pass(&fixture.loop, 500);
    send_request(&fixture);
    ahead_us += TIMEOUT_US * 2;
    await_done(&fixture, 2);
    assert_int_equal(fixture.failure, FAILURE_CONNECT_TIMEOUT);
    assert_null(fixture.user->h2);
    tear_down(&fixture);
}

/* In TLS 1.2 the server has the last word of a handshake, and may go on in the same breath. */
static void a_server_that_speaks_first_is_named_as_over_tcp(void **state)
{
    static const enum transport_http versions[] = {TRANSPORT_HTTP_1_1, TRANSPORT_HTTP_AUTO};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        set_up(&fixture, versions[i]);
        SSL_CTX_set_max_proto_version(fixture.server.context, TLS1_2_VERSION);
        send_request(&fixture);
        await_connection(&fixture);
        say(&fixture, ANSWER);
        await_done(&fixture, 1);
        assert_int_equal(fixture.failure, FAILURE_UNASKED);
        assert_null(fixture.user->connections);
        tear_down(&fixture);
    }
}

/* Those that go on over HTTP/1.1 are told in order; one that ends at once may end the others. */
static void a_call_that_ends_where_http1_is_chosen_may_cancel_the_others(void **state)
{
    struct fixture fixture;
    (void)state;
    set_up(&fixture, TRANSPORT_HTTP_AUTO);
    SSL_CTX_set_max_proto_version(fixture.server.context, TLS1_2_VERSION);
    send_request(&fixture);
    fixture.unwanted = send_request(&fixture);
    await_connection(&fixture);
    say(&fixture, ANSWER);
    await_done(&fixture, 1);
    assert_int_equal(fixture.failure, FAILURE_UNASKED);
    assert_null(fixture.unwanted);
    assert_null(fixture.user->h2);
    assert_null(fixture.user->connections);
    assert_int_equal(fixture.transport->connections_open, 0);
    tear_down(&fixture);
}

/* Whichever HTTP is asked for. */
static void a_long_name_leaves_room_for_what_was_wrong_with_it(void **state)
{
    static const enum transport_http versions[] = {TRANSPORT_HTTP_1_1, TRANSPORT_HTTP_AUTO};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        set_up(&fixture, versions[i]);
        char name[161];
        memset(name, 'x', sizeof name - 1); /* none: too long between two dots */
        name[sizeof name - 1] = '\0';
        snprintf(fixture.url, sizeof fixture.url, "https://%s/", name);
        fixture.http.url = bytes_of(fixture.url);
        send_request(&fixture);
        await_done(&fixture, 1);
        assert_int_equal(fixture.failure, FAILURE_DNS);
        assert_non_null(strstr(fixture.detail, "the name was not resolved"));
        tear_down(&fixture);
    }
}

/* The request is sent by an event that was told of in the same breath as the bytes. */
static void send_late(struct loop_watch *watch, void *owner, int events)
{
    struct fixture *fixture = owner;
    (void)events;
    loop_watch_clear(&fixture->loop, watch);
    send_request(fixture);
}

static void bytes_that_had_come_before_the_request_are_no_answer(void **state)
{
    struct fixture fixture;
    struct loop_watch late;
    (void)state;
    set_up(&fixture, TRANSPORT_HTTP_1_1);
    ask_first(&fixture);
    answer(&fixture, false);
    loop_pass(&fixture.loop, 0);      /* the kernel's list of what is ready is empty */
    int fd = eventfd(1, EFD_CLOEXEC); /* ready before the bytes are */
    assert_true(fd >= 0);
    loop_watch_init(&late, send_late, &fixture);
    assert_int_equal(loop_watch_set(&fixture.loop, &late, fd, LOOP_READ), 0);
    say(&fixture, ANSWER);
    await_done(&fixture, 2);
    assert_int_equal(fixture.failure, FAILURE_UNASKED);
    assert_null(fixture.user->connections);
    close(fd);
    tear_down(&fixture);
}

/* The server asks for another handshake: it is told no. Whoever, like OpenSSL, does not go on then
 * loses the connection, and the user has its answer over the next one. */
static void a_renegotiation_is_refused_and_stalls_nobody(void **state)
{
    struct fixture fixture;
    char text[1024];
    (void)state;
    set_up(&fixture, TRANSPORT_HTTP_1_1);
    SSL_CTX_set_max_proto_version(fixture.server.context, TLS1_2_VERSION);
    ask_first(&fixture);
    SSL *ssl = fixture.server.ssl;
    say(&fixture, ANSWER);
    await_done(&fixture, 1);
    assert_int_equal(SSL_renegotiate(ssl), 1);
    assert_int_equal(SSL_do_handshake(ssl), 1); /* the question is sent */
    send_request(&fixture);
    int got = 1, why = SSL_ERROR_NONE;
    for (int i = 0; i < 2000 && (got > 0 || why == SSL_ERROR_WANT_READ); i++) {
        loop_pass(&fixture.loop, 500);
        got = SSL_read(ssl, text, sizeof text);
        why = SSL_get_error(ssl, got);
    }
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
    tls_peer_drop(&fixture.server, false);
    await_connection(&fixture);
    await_request(&fixture);
    say(&fixture, ANSWER);
    await_done(&fixture, 2);
    assert_int_equal(fixture.failure, FAILURE_NONE);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_behind_an_answer_costs_no_connection),
        cmocka_unit_test(words_behind_a_ticket_end_the_connection),
        cmocka_unit_test(a_body_that_keeps_coming_leaves_others_their_turn),
        cmocka_unit_test(a_connection_that_turns_out_to_be_http1_is_counted_once),
        cmocka_unit_test(a_call_that_waits_for_a_dial_keeps_its_own_deadline),
        cmocka_unit_test(a_dial_ends_with_the_last_call_that_waits_for_it),
        cmocka_unit_test(a_server_that_speaks_first_is_named_as_over_tcp),
        cmocka_unit_test(a_call_that_ends_where_http1_is_chosen_may_cancel_the_others),
        cmocka_unit_test(a_long_name_leaves_room_for_what_was_wrong_with_it),
        cmocka_unit_test(bytes_that_had_come_before_the_request_are_no_answer),
        cmocka_unit_test(a_renegotiation_is_refused_and_stalls_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * transport_native_test.c - what the native transport promises beside what all transports do: no
 * buffer while nothing is under way, idle connections that end, bytes that nobody asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "replay/transport/native_http1.h"
#include "tests/support/transport_rig.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define OK_2 OK "Content-Length: 2\r\n\r\nok"

static uint64_t skipped_us; /* by which the clock of the loop is ahead */

static uint64_t clock_ahead_us(void)
{
    return clock_now_us() + skipped_us;
}

static void a_connection_is_not_kept_idle_for_ever(void **state)
{
    static const struct wire_step steps[] = {HEAD, SAY(OK_2), HEAD, SAY(OK_2), END};
    (void)state;
    struct rig rig;
    skipped_us = 0;
    rig_open(&rig, &transport_native, 0, 0);
    rig.loop.clock_us = clock_ahead_us;
    rig.server.scripts[0] = steps;
    rig_ask_fine(&rig, "/first");
    skipped_us += NATIVE_MAX_IDLE_US - 5000000;
    rig_settle(&rig);
    rig_ask_fine(&rig, "/second"); /* from here it counts anew */
    assert_int_equal(rig.server.count, 1);
    skipped_us += NATIVE_MAX_IDLE_US - 5000000;
    rig_settle(&rig);
    assert_int_equal(wire_server_open_count(&rig.server), 1);
    skipped_us += 10000000;
    rig_settle(&rig);
    assert_int_equal(wire_server_open_count(&rig.server), 0);
    assert_null(rig.user->connections);
    rig_close(&rig);
}

/* Its head decides, however long its body takes. */
static void a_final_answer_ends_the_wait_for_100(void **state)
{
    static const struct wire_step steps[] = {
        HEAD, SAY("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nn"), GO, SAY("o"), END};
    static const struct http_header headers[] = {{{"Expect", 6}, {"100-continue", 12}}};
    (void)state;
    struct rig rig;
    struct asked asked;
    skipped_us = 0;
    rig_open(&rig, &transport_native, 0, 0);
    rig.loop.clock_us = clock_ahead_us;
    rig.server.scripts[0] = steps;
    ask_init(&asked, &rig, "POST", "/upload");
    asked.http.headers = headers;
    asked.http.header_count = 1;
    asked.http.body = bytes_of("hello");
    assert_int_equal(ask_send(&asked), 0);
    while (!asked.call->answer.has_head)
        rig_settle(&rig);
    skipped_us += 2 * NATIVE_CONTINUE_WAIT_US;
    rig_settle(&rig);
    wire_server_go(&rig.server);
    rig_wait(&asked);
    assert_int_equal(asked.status, 403);
    assert_true(rig.server.connections[0].heard_bytes == rig.server.log.len);
    ask_fini(&asked);
    rig_close(&rig);
}

static void a_request_whose_head_is_too_large_is_not_sent(void **state)
{
    enum { VALUE_BYTES = 700000 };
    (void)state;
    struct rig rig;
    struct asked asked;
    char *value = malloc(VALUE_BYTES);
    assert_non_null(value);
    memset(value, 'v', VALUE_BYTES);
    const struct http_header header = {bytes_of("X-Large"), bytes_make(value, VALUE_BYTES)};
    rig_open(&rig, &transport_native, 0, 0);
    ask_init(&asked, &rig, "GET", "/a");
    asked.http.headers = &header;
    asked.http.header_count = 1;
    rig_ask(&asked);
    assert_int_equal(asked.failure, FAILURE_HEAD_TOO_LARGE);
    assert_non_null(strstr(asked.detail, "the request's headers are over 576 KiB"));
    assert_int_equal(rig.server.count, 0);
    ask_fini(&asked);
    rig_close(&rig);
    free(value);
}

/* The request is sent by an event that was told of in the same breath as the bytes. */
struct late_sender {
    struct loop_watch watch;
    struct asked asked;
};

static void send_late(struct loop_watch *watch, void *owner, int events)
{
    struct late_sender *sender = owner;
    (void)events;
    loop_watch_clear(&sender->asked.rig->loop, watch);
    assert_int_equal(ask_send(&sender->asked), 0);
}

static void bytes_that_had_come_before_the_request_are_no_answer(void **state)
{
    static const struct wire_step steps[] = {HEAD, SAY(OK_2), GO, SAY(OK_2), END};
    (void)state;
    struct rig rig;
    struct late_sender sender;
    rig_open(&rig, &transport_native, 0, 0);
    rig.server.scripts[0] = steps;
    rig_ask_fine(&rig, "/first");
    rig_settle(&rig);                 /* the kernel's list of what is ready is empty */
    int fd = eventfd(1, EFD_CLOEXEC); /* ready before the bytes are */
    assert_true(fd >= 0);
    ask_init(&sender.asked, &rig, "GET", "/second");
    loop_watch_init(&sender.watch, send_late, &sender);
    assert_int_equal(loop_watch_set(&rig.loop, &sender.watch, fd, LOOP_READ), 0);
    wire_server_go(&rig.server);
    rig_wait(&sender.asked);
    assert_int_equal(sender.asked.failure, FAILURE_UNASKED);
    assert_int_equal(rig.server.count, 1); /* and it is not sent again */
    assert_null(rig.user->connections);
    ask_fini(&sender.asked);
    close(fd);
    rig_close(&rig);
}

static void a_buffer_is_lent_only_while_an_answer_comes(void **state)
{
    static const struct wire_step steps[] = {HEAD,
                                             SAY(OK_2),
                                             HEAD,
                                             GO,
                                             SAY("HTTP/1.1 200 OK\r\nConte"),
                                             GO,
                                             SAY("nt-Length: 4\r\n\r\nbo"),
                                             GO,
                                             SAY("dy"),
                                             END};
    (void)state;
    struct rig rig;
    struct asked asked;
    rig_open(&rig, &transport_native, 0, 0);
    rig.server.scripts[0] = steps;
    const struct buffer_pool *pool = &rig.transport->pool;
    rig_ask_fine(&rig, "/whole");
    assert_int_equal(pool->lent_count, 0);
    assert_int_equal(pool->idle_count, 1);
    ask_init(&asked, &rig, "GET", "/pieces");
    assert_int_equal(ask_send(&asked), 0);
    rig_settle(&rig);
    assert_int_equal(pool->lent_count, 0); /* sent, nothing has come */
    wire_server_go(&rig.server);
    rig_settle(&rig);
    assert_int_equal(pool->lent_count, 1); /* half a head */
    wire_server_go(&rig.server);
    rig_settle(&rig);
    assert_int_equal(pool->lent_count, 0); /* the body is gathered elsewhere */
    wire_server_go(&rig.server);
    rig_wait(&asked);
    assert_string_equal(buf_text(&asked.body), "body");
    assert_int_equal(pool->lent_count, 0);
    assert_int_equal(pool->idle_count, 1);
    assert_int_equal(rig.transport->free_call_count, 1); /* the same for both requests */
    ask_fini(&asked);
    rig_close(&rig);
}

static void cancelling_all_that_a_user_asked_sends_none_of_it(void **state)
{
    static const struct wire_step held[] = {HEAD, GO, SAY(OK_2), END};
    (void)state;
    struct rig rig;
    struct asked asked[3];
    rig_open(&rig, &transport_native, 0, 0);
    rig.server.scripts[0] = rig.server.scripts[1] = held;
    for (int i = 0; i < 3; i++) {
        ask_init(&asked[i], &rig, "GET", "/a");
        asked[i].request.max_connections = 1;
        assert_int_equal(ask_send(&asked[i]), 0);
    }
    rig_settle(&rig);
    for (int i = 0; i < 2; i++) {
        rig.ops->cancel(asked[i].call);
        asked[i].call = NULL;
    }
    assert_int_equal(rig.transport->connections_open, 0);
    rig_settle(&rig); /* the third has the place now */
    assert_int_equal(rig.server.count, 2);
    rig.ops->cancel(asked[2].call);
    asked[2].call = NULL;
    rig_settle(&rig);
    assert_int_equal(rig.server.count, 2);
    for (int i = 0; i < 3; i++)
        ask_fini(&asked[i]);
    rig_close(&rig);
}

static void another_target_has_connections_of_its_own(void **state)
{
    static const struct wire_step held[] = {HEAD, GO, SAY(OK_2), HEAD, SAY(OK_2), END};
    static const struct wire_step fine[] = {HEAD, SAY(OK_2), END};
    (void)state;
    struct rig rig;
    struct wire_server other;
    struct asked asked[3];
    rig_open(&rig, &transport_native, 0, 0);
    wire_server_open(&other, &rig.loop, 0);
    rig.server.scripts[0] = held;
    other.scripts[0] = fine;
    for (int i = 0; i < 3; i++) {
        ask_init(&asked[i], &rig, "GET", "/a");
        asked[i].request.max_connections = 1;
    }
    /* The second waits for the first, the third for nobody. */
    snprintf(asked[2].url, sizeof asked[2].url, "http://127.0.0.1:%u/b", other.port);
    asked[2].http.url = bytes_of(asked[2].url);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask_send(&asked[i]), 0);
    rig_wait(&asked[2]);
    assert_int_equal(asked[2].status, 200);
    assert_int_equal(asked[0].done_count + asked[1].done_count, 0);
    assert_int_equal(rig.transport->waiting_count, 1);
    wire_server_go(&rig.server);
    rig_wait(&asked[1]);
    assert_int_equal(asked[1].status, 200);
    assert_true(asked[1].result.connect_us > 0); /* it waited for a connection */
    assert_int_equal(rig.server.count, 1);
    assert_int_equal(rig.transport->waiting_count, 0);
    for (int i = 0; i < 3; i++)
        ask_fini(&asked[i]);
    rig.ops->user_close(rig.user);
    rig.user = NULL;
    wire_server_close(&other);
    rig_close(&rig);
}

static void one_target_has_one_name_however_it_is_spelled(void **state)
{
    static const struct wire_step steps[] = {HEAD, SAY(OK_2), HEAD, SAY(OK_2), END};
    (void)state;
    struct rig rig;
    struct asked asked;
    rig_open(&rig, &transport_native, 0, 0);
    rig.server.scripts[0] = steps;
    rig_ask_fine(&rig, "/a");
    ask_init(&asked, &rig, "GET", "/b");
    memcpy(asked.url, "HTTP", 4);
    rig_ask(&asked);
    assert_int_equal(asked.status, 200);
    assert_int_equal(rig.server.count, 1);
    assert_int_equal(rig.transport->origins.count, 1);
    ask_fini(&asked);
    rig_close(&rig);
}

static void many_connections_are_not_all_kept(void **state)
{
    enum { REQUESTS = NATIVE_MAX_IDLE_CONNECTIONS + 4 };
    static const struct wire_step steps[] = {HEAD, GO, SAY(OK_2), END};
    (void)state;
    struct rig rig;
    struct asked asked[REQUESTS];
    rig_open(&rig, &transport_native, 0, 0);
    for (int i = 0; i < REQUESTS; i++) {
        rig.server.scripts[i] = steps;
        ask_init(&asked[i], &rig, "GET", "/a");
        assert_int_equal(ask_send(&asked[i]), 0);
    }
    rig_settle(&rig);
    assert_int_equal(rig.ops->most_connections(rig.transport), REQUESTS);
    for (int i = 0; i < REQUESTS; i++)
        wire_server_go(&rig.server);
    for (int i = 0; i < REQUESTS; i++) {
        rig_wait(&asked[i]);
        assert_int_equal(asked[i].status, 200);
        ask_fini(&asked[i]);
    }
    rig_settle(&rig);
    assert_int_equal(wire_server_open_count(&rig.server), NATIVE_MAX_IDLE_CONNECTIONS);
    rig_close(&rig);
}

static void what_it_cannot_do_it_says_before_the_start(void **state)
{
    (void)state;
    struct error err = {0};
    struct transport_options options = {.timeout_us = 1000000, .max_body_bytes = 1000};
    assert_int_equal(transport_native.check(&options, &err), 0);
    options.proxy_url = "http://127.0.0.1:1";
    assert_int_equal(transport_native.check(&options, &err), -1);
    assert_non_null(strstr(err.text, "--transport"));
    assert_int_equal(err.exit_code, EXIT_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_not_kept_idle_for_ever),
        cmocka_unit_test(a_final_answer_ends_the_wait_for_100),
        cmocka_unit_test(a_request_whose_head_is_too_large_is_not_sent),
        cmocka_unit_test(bytes_that_had_come_before_the_request_are_no_answer),
        cmocka_unit_test(a_buffer_is_lent_only_while_an_answer_comes),
        cmocka_unit_test(cancelling_all_that_a_user_asked_sends_none_of_it),
        cmocka_unit_test(another_target_has_connections_of_its_own),
        cmocka_unit_test(one_target_has_one_name_however_it_is_spelled),
        cmocka_unit_test(many_connections_are_not_all_kept),
        cmocka_unit_test(what_it_cannot_do_it_says_before_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* dial_test.c - names, addresses, source addresses and what becomes of a dial, on real sockets. */
#include "replay/transport/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define FAR_US UINT64_C(60000000)

struct fixture {
    struct loop loop;
    struct dialer *dialer;
};

/* What became of one dial. */
struct ending {
    bool has_ended;
    struct dial_result result;
    char detail[256];
};

static void set_up(struct fixture *fixture, const struct transport_options *options)
{
    struct error err = {0};
    assert_int_equal(loop_init(&fixture->loop, &err), 0);
    if (dialer_open(&fixture->dialer, &fixture->loop, options, &err))
        fail_msg("%s", err.text);
}

static void tear_down(struct fixture *fixture)
{
    dialer_close(fixture->dialer);
    assert_int_equal(fixture->loop.watch_count, 0);
    assert_true(timers_next_us(&fixture->loop.timers) == TIMERS_NONE_US);
    loop_fini(&fixture->loop);
}

/* A socket that listens at a port of the kernel's choice, or at *port when that is not 0. */
static int listen_at(const char *address, uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t len = sizeof at;
    assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static uint16_t free_port(void)
{
    uint16_t port = 0;
    close(listen_at("127.0.0.1", &port));
    return port;
}

static void on_done(void *owner, const struct dial_result *result)
{
    struct ending *ending = owner;
    ending->has_ended = true;
    ending->result = *result;
    snprintf(ending->detail, sizeof ending->detail, "%s", result->detail ? result->detail : "");
}

static struct dial *start(struct fixture *fixture, const char *scheme, const char *host,
                          uint16_t port, uint64_t timeout_us, struct ending *ending)
{
    char text[512];
    struct url url;
    *ending = (struct ending){0};
    snprintf(text, sizeof text, "%s://%s:%u/", scheme, host, port);
    assert_int_equal(url_parse(bytes_of(text), &url), 0);
    struct dial *dial = dial_start(fixture->dialer, &url, false, NULL,
                                   loop_read_clock(&fixture->loop) + timeout_us, on_done, ending);
    assert_non_null(dial);
    assert_false(ending->has_ended); /* never inside dial_start() */
    memset(text, 'x', sizeof text);  /* the url was copied */
    return dial;
}

static void await(struct fixture *fixture, const struct ending *ending)
{
    while (!ending->has_ended)
        loop_pass(&fixture->loop, 1000000);
}

static void dial_to(struct fixture *fixture, const char *host, uint16_t port,
                    struct ending *ret_ending)
{
    start(fixture, "http", host, port, FAR_US, ret_ending);
    await(fixture, ret_ending);
}

/* The stream reaches whoever accepted it, both ways. */
static void assert_talks(struct native_stream *stream, int accepted)
{
    const struct iovec pieces[] = {{(void *)(uintptr_t) "ab", 2}, {(void *)(uintptr_t) "cde", 3}};
    char text[16];
    assert_int_equal(stream_read(stream, text, sizeof text), STREAM_BLOCKED);
    assert_int_equal(stream_events(stream), LOOP_READ);
    assert_int_equal(stream_write(stream, pieces, 2), 5);
    assert_int_equal(recv(accepted, text, sizeof text, 0), 5);
    assert_memory_equal(text, "abcde", 5);
    assert_int_equal(send(accepted, "xyz", 3, 0), 3);
    assert_int_equal(stream_read(stream, text, sizeof text), 3);
    assert_memory_equal(text, "xyz", 3);
    assert_false(stream_has_pending(stream));
    close(accepted);
    assert_int_equal(stream_read(stream, text, sizeof text), 0);
    stream_close(stream);
    stream_close(stream);
}

static void numbers_and_names_connect(void **state)
{
    const char *const hosts[] = {"127.0.0.1", "localhost"};
    struct fixture fixture;
    struct ending ending;
    struct dial_counts counts;
    uint16_t port = 0;
    (void)state;
    set_up(&fixture, &(struct transport_options){0});
    int listener = listen_at("127.0.0.1", &port);
    for (size_t i = 0; i < 2; i++) {
        dial_to(&fixture, hosts[i], port, &ending);
        assert_int_equal(ending.result.failure, FAILURE_NONE);
        assert_talks(&ending.result.stream, accept(listener, NULL, NULL));
    }
    dialer_count(fixture.dialer, &counts);
    assert_int_equal(counts.started, 2);
    assert_int_equal(counts.connected, 2);
    close(listener);
    tear_down(&fixture);
}

static void a_port_where_nobody_listens_is_refused(void **state)
{
    struct fixture fixture;
    struct ending ending;
    char expected[64];
    uint16_t port = free_port();
    (void)state;
    set_up(&fixture, &(struct transport_options){0});
    dial_to(&fixture, "127.0.0.1", port, &ending);
    assert_int_equal(ending.result.failure, FAILURE_CONNECT_REFUSED);
    snprintf(expected, sizeof expected, "127.0.0.1 port %u: Connection refused", port);
    assert_string_equal(ending.detail, expected);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_names_connect),
        cmocka_unit_test(a_port_where_nobody_listens_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

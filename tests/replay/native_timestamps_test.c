/* native_timestamps_test.c - the kernel's stamps of bytes on real loopback connections. */
#include "replay/transport/native_timestamps.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "replay/transport/native_stream.h"

struct pair {
    struct native_stream client;
    struct native_timestamps stamps;
    int server;
};

static void connect_pair(struct pair *pair, int family)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *address =
        family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six;
    socklen_t len = family == AF_INET ? sizeof four : sizeof six;
    int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, address, len)) {
        print_message("skipped: no loopback address of this family\n");
        if (listener >= 0)
            close(listener);
        skip();
    }
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, address, &len), 0);
    *pair = (struct pair){.client.fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(connect(pair->client.fd, address, len), 0);
    pair->server = accept(listener, NULL, NULL);
    close(listener);
    assert_true(pair->server >= 0);
    assert_int_equal(fcntl(pair->client.fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(native_timestamps_enable(pair->client.fd), 0);
}

static void close_pair(struct pair *pair)
{
    close(pair->client.fd);
    close(pair->server);
}

static void client_writes(struct pair *pair, const char *text)
{
    size_t len = strlen(text);
    assert_int_equal(send(pair->client.fd, text, len, 0), len);
    native_timestamps_wrote(&pair->stamps, len);
}

static void server_echoes(struct pair *pair, size_t len)
{
    char data[256];
    assert_int_equal(recv(pair->server, data, len, MSG_WAITALL), len);
    assert_int_equal(send(pair->server, data, len, 0), len);
}

static void await(int fd, short events)
{
    struct pollfd waited = {.fd = fd, .events = events};
    assert_int_equal(poll(&waited, 1, 60000), 1);
}

static void client_reads(struct pair *pair, size_t len)
{
    char data[256];
    do {
        await(pair->client.fd, POLLIN);
        native_timestamps_drain(&pair->stamps, pair->client.fd); /* it wakes poll, too */
    } while (native_timestamps_read(&pair->stamps, &pair->client, data, len) != (ssize_t)len);
}

static void check_round_trips(int family)
{
    struct pair pair;
    connect_pair(&pair, family);
    for (int i = 0; i < 50; i++) {
        uint64_t from_us = clock_now_us();
        client_writes(&pair, i % 2 ? "GET /" : "GET /something/else");
        assert_int_equal(native_timestamps_service_us(&pair.stamps), 0); /* the last one is gone */
        server_echoes(&pair, i % 2 ? 5 : 19);
        client_reads(&pair, i % 2 ? 5 : 19);
        uint64_t kernel_us = native_timestamps_service_us(&pair.stamps);
        assert_true(pair.stamps.sent_ns >= pair.stamps.queued_ns);
        assert_true(pair.stamps.queued_ns > 0);
        assert_true(kernel_us >= 1);
        /* From outside of it, and each rounded. */
        assert_true(kernel_us <= clock_now_us() - from_us + 2);
    }
    close_pair(&pair);
}

static void the_kernel_takes_no_longer_than_the_program_sees(void **state)
{
    (void)state;
    check_round_trips(AF_INET);
}

static void the_sixth_version_has_stamps_too(void **state)
{
    (void)state;
    check_round_trips(AF_INET6);
}

/* A request that takes two writes ends with the second. */
static void a_stamp_of_an_earlier_write_is_not_the_last_byte(void **state)
{
    (void)state;
    struct pair pair;
    connect_pair(&pair, AF_INET);
    client_writes(&pair, "first");
    await(pair.client.fd, 0); /* POLLERR: its stamps are there */
    native_timestamps_wrote(&pair.stamps, 6);
    native_timestamps_drain(&pair.stamps, pair.client.fd);
    assert_int_equal(pair.stamps.sent_ns, 0);
    pair.stamps.sent_bytes -= 6;
    client_writes(&pair, "second");
    server_echoes(&pair, 11);
    client_reads(&pair, 11);
    assert_true(native_timestamps_service_us(&pair.stamps) > 0);
    close_pair(&pair);
}

static void a_drained_socket_is_no_longer_ready(void **state)
{
    (void)state;
    struct pair pair;
    connect_pair(&pair, AF_INET);
    client_writes(&pair, "x");
    await(pair.client.fd, 0);
    /* The stamp of leaving may follow that of being queued. */
    while (!pair.stamps.sent_ns)
        native_timestamps_drain(&pair.stamps, pair.client.fd);
    struct pollfd waited = {.fd = pair.client.fd};
    assert_int_equal(poll(&waited, 1, 0), 0);
    native_timestamps_drain(&pair.stamps, pair.client.fd); /* nothing there: nothing happens */
    close_pair(&pair);
}

static void reading_fails_and_blocks_as_a_stream_does(void **state)
{
    (void)state;
    struct pair pair;
    char data[16];
    connect_pair(&pair, AF_INET);
    assert_int_equal(native_timestamps_read(&pair.stamps, &pair.client, data, sizeof data),
                     STREAM_BLOCKED);
    assert_true(stream_events(&pair.client) != 0);
    assert_int_equal(shutdown(pair.server, SHUT_WR), 0);
    await(pair.client.fd, POLLIN);
    assert_int_equal(native_timestamps_read(&pair.stamps, &pair.client, data, sizeof data), 0);
    close_pair(&pair);
    pair.client.fd = -1;
    assert_int_equal(native_timestamps_read(&pair.stamps, &pair.client, data, sizeof data),
                     STREAM_FAILED);
    assert_non_null(strstr(stream_detail(&pair.client), "escriptor"));
}

static void what_is_not_known_is_no_time(void **state)
{
    (void)state;
    static const struct {
        struct native_timestamps stamps;
        uint64_t us;
    } rows[] = {
        {{0}, 0},
        {{.sent_ns = 5000}, 0},
        {{.received_ns = 5000}, 0},
        {{.sent_ns = 9000, .received_ns = 5000}, 0}, /* the clock was set back */
        {{.sent_ns = 5000, .received_ns = 9000}, 4},
        {{.queued_ns = 4000, .received_ns = 9000}, 5},
        {{.queued_ns = 4000, .sent_ns = 5000, .received_ns = 9000}, 4},
        {{.sent_ns = 5000, .received_ns = 5100}, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(native_timestamps_service_us(&rows[i].stamps), rows[i].us);
}

static int hold_fd;

/* Until the kernel has begun to stamp what comes. */
static int begin_stamping(void **state)
{
    (void)state;
    struct pair pair;
    hold_fd = native_timestamps_hold();
    connect_pair(&pair, AF_INET);
    do {
        client_writes(&pair, "x");
        server_echoes(&pair, 1);
        client_reads(&pair, 1);
    } while (!pair.stamps.received_ns);
    close_pair(&pair);
    return hold_fd < 0;
}

static int end_stamping(void **state)
{
    (void)state;
    return close(hold_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_takes_no_longer_than_the_program_sees),
        cmocka_unit_test(the_sixth_version_has_stamps_too),
        cmocka_unit_test(a_stamp_of_an_earlier_write_is_not_the_last_byte),
        cmocka_unit_test(a_drained_socket_is_no_longer_ready),
        cmocka_unit_test(reading_fails_and_blocks_as_a_stream_does),
        cmocka_unit_test(what_is_not_known_is_no_time),
    };
    return cmocka_run_group_tests(tests, begin_stamping, end_stamping);
}

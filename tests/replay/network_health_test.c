/* network_health_test.c - what TCP_INFO of real loopback connections adds up to. */
#include "replay/network_health.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int listener = -1;
static struct sockaddr_in address = {.sin_family = AF_INET};

static int start_listening(void **state)
{
    (void)state;
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(listener, (struct sockaddr *)&address, len) || listen(listener, 16) ||
           getsockname(listener, (struct sockaddr *)&address, &len);
}

static int stop_listening(void **state)
{
    (void)state;
    return close(listener);
}

static void connect_pair(int *ret_client, int *ret_server)
{
    *ret_client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(*ret_client, (struct sockaddr *)&address, sizeof address), 0);
    *ret_server = accept(listener, NULL, NULL);
    assert_true(*ret_server >= 0);
}

/* One segment each way, so that what was sent has been acknowledged. */
static void talk(int client, int server)
{
    char byte;
    assert_int_equal(write(client, "x", 1), 1);
    assert_int_equal(read(server, &byte, 1), 1);
    assert_int_equal(write(server, "y", 1), 1);
    assert_int_equal(read(client, &byte, 1), 1);
}

static void what_was_counted_once_is_not_counted_again(void **state)
{
    (void)state;
    int client, server;
    struct network_health health;
    struct tcp_seen seen = {0};
    network_health_init(&health);
    connect_pair(&client, &server);
    talk(client, server);
    network_health_look(&health, client, &seen);
    assert_int_equal(health.segments_sent, 1);
    assert_int_equal(health.connects_made, 1);
    network_health_look(&health, client, &seen);
    assert_int_equal(health.segments_sent, 1);
    talk(client, server);
    talk(client, server);
    network_health_close(&health, client, &seen);
    assert_int_equal(health.segments_sent, 3);
    assert_int_equal(health.segments_resent, 0);
    assert_int_equal(health.connects_made, 1);
    assert_int_equal(health.connects_failed, 0);
    assert_int_equal(health.rtt.count, 3);
    assert_int_equal(health.min_rtt.count, 3);
    close(client);
    close(server);
    network_health_fini(&health);
}

static void a_connection_that_was_refused_has_failed(void **state)
{
    (void)state;
    struct network_health health;
    struct tcp_seen seen = {0};
    struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_port = htons(1)};
    nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    network_health_init(&health);
    assert_int_equal(connect(client, (struct sockaddr *)&nobody, sizeof nobody), -1);
    network_health_close(&health, client, &seen);
    assert_int_equal(health.connects_made, 0);
    assert_int_equal(health.connects_failed, 1);
    assert_int_equal(health.rtt.count, 0);
    close(client);
    network_health_fini(&health);
}

static void whoever_counts_connects_himself_is_not_counted_twice(void **state)
{
    (void)state;
    int client, server;
    struct network_health health;
    struct tcp_seen seen = {.is_made = true};
    network_health_init(&health);
    connect_pair(&client, &server);
    talk(client, server);
    network_health_close(&health, client, &seen);
    assert_int_equal(health.connects_made, 0);
    assert_int_equal(health.segments_sent, 1);
    close(client);
    close(server);
    network_health_fini(&health);
}

static void what_is_no_connection_adds_nothing(void **state)
{
    (void)state;
    struct network_health health;
    struct tcp_seen seen = {0};
    int pair[2];
    network_health_init(&health);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    network_health_look(&health, pair[0], &seen);
    network_health_look(&health, -1, &seen);
    assert_int_equal(health.segments_sent + health.rtt.count + health.connects_made, 0);
    close(pair[0]);
    close(pair[1]);
    network_health_fini(&health);
}

/* Uses of one second, and how many of them are looked at. */
static uint32_t looks_in(struct network_sampler *sampler, uint32_t uses)
{
    uint32_t looks = 0;
    struct tcp_seen seen = {0};
    for (uint32_t i = 0; i < uses; i++) {
        if (!network_sampler_is_due(sampler))
            continue;
        network_sampler_look(sampler, -1, &seen);
        looks++;
    }
    return looks;
}

static void looks_are_bounded_and_spread_over_the_second(void **state)
{
    (void)state;
    struct network_sampler sampler;
    struct network_health health;
    network_sampler_init(&sampler);
    network_health_init(&health);
    assert_int_equal(looks_in(&sampler, 20), 20); /* few: every one */
    network_sampler_take(&sampler, &health);
    assert_int_equal(looks_in(&sampler, 100000), NETWORK_MAX_LOOKS); /* a burst: no more than */
    network_sampler_take(&sampler, &health);
    uint32_t first_half = looks_in(&sampler, 50000), second_half = looks_in(&sampler, 50000);
    assert_in_range(first_half, NETWORK_LOOKS_PER_SECOND / 2 - 1, NETWORK_LOOKS_PER_SECOND / 2 + 1);
    assert_in_range(second_half, NETWORK_LOOKS_PER_SECOND / 2 - 1,
                    NETWORK_LOOKS_PER_SECOND / 2 + 1);
    network_sampler_fini(&sampler);
    network_health_fini(&health);
}

static void taking_moves_everything(void **state)
{
    (void)state;
    int client, server;
    struct network_sampler sampler;
    struct network_health health;
    struct tcp_seen seen = {0};
    network_sampler_init(&sampler);
    network_health_init(&health);
    connect_pair(&client, &server);
    talk(client, server);
    network_sampler_look(&sampler, client, &seen);
    sampler.health.connects_started = 2;
    sampler.health.no_ports = 3;
    sampler.health.no_files = 4;
    sampler.health.most_waiting = 5;
    for (int i = 0; i < 2; i++) /* the second time there is nothing left */
        assert_int_equal(network_sampler_take(&sampler, &health), 0);
    assert_int_equal(health.connects_started, 2);
    assert_int_equal(health.no_ports, 3);
    assert_int_equal(health.no_files, 4);
    assert_int_equal(health.most_waiting, 5);
    assert_int_equal(health.segments_sent, 1);
    assert_int_equal(health.rtt.count, 1);
    close(client);
    close(server);
    network_sampler_fini(&sampler);
    network_health_fini(&health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_counted_once_is_not_counted_again),
        cmocka_unit_test(a_connection_that_was_refused_has_failed),
        cmocka_unit_test(whoever_counts_connects_himself_is_not_counted_twice),
        cmocka_unit_test(what_is_no_connection_adds_nothing),
        cmocka_unit_test(looks_are_bounded_and_spread_over_the_second),
        cmocka_unit_test(taking_moves_everything),
    };
    return cmocka_run_group_tests(tests, start_listening, stop_listening);
}

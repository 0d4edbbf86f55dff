/* dial_test.c - names, addresses, source addresses and what becomes of a dial, on real sockets. */
#include "replay/transport/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "replay/transport/dial_address.h"

#define FAR_US UINT64_C(60000000)

/* The addresses that "NAME.test" has; everything else the real getaddrinfo() would be asked for is
 * refused, so that no test asks the network. Ours come before libc's. */
static const char *const *world;

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret_list)
{
    struct addrinfo *list = NULL, **end = &list;
    (void)service;
    (void)hints;
    if (strcmp(host, "localhost") != 0 && !strstr(host, ".test"))
        return EAI_NONAME;
    for (const char *const *at = world; *at; at++) {
        struct dial_address *address = calloc(1, sizeof *address);
        *end = calloc(1, sizeof **end);
        dial_address_parse(bytes_of(*at), address);
        (*end)->ai_family = address->any.sa_family;
        (*end)->ai_addr = &address->any;
        (*end)->ai_addrlen = address->len;
        (*end)->ai_canonname = (char *)address; /* the block to free */
        end = &(*end)->ai_next;
    }
    *ret_list = list;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list->ai_canonname);
        free(list);
        list = next;
    }
}

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
    static const char *const loopback[] = {"127.0.0.1", NULL};
    const char *const hosts[] = {"127.0.0.1", "localhost"};
    struct fixture fixture;
    struct ending ending;
    struct dial_counts counts;
    uint16_t port = 0;
    (void)state;
    world = loopback;
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

/* The process would die of SIGPIPE, were it raised. */
static void writing_to_a_peer_that_has_gone_is_a_failure(void **state)
{
    const struct iovec piece = {(void *)(uintptr_t) "ab", 2};
    const struct linger at_once = {.l_onoff = 1};
    struct fixture fixture;
    struct ending ending;
    uint16_t port = 0;
    char text[16];
    (void)state;
    set_up(&fixture, &(struct transport_options){0});
    int listener = listen_at("127.0.0.1", &port);
    dial_to(&fixture, "127.0.0.1", port, &ending);
    int accepted = accept(listener, NULL, NULL);
    setsockopt(accepted, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(accepted);
    assert_int_equal(stream_read(&ending.result.stream, text, sizeof text), STREAM_FAILED);
    assert_int_equal(errno, ECONNRESET);
    assert_int_equal(stream_write(&ending.result.stream, &piece, 1), STREAM_FAILED);
    assert_int_equal(errno, EPIPE);
    assert_string_equal(stream_detail(&ending.result.stream), "Broken pipe");
    stream_close(&ending.result.stream);
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

static void a_name_that_is_none_says_what_the_resolver_said(void **state)
{
    struct fixture fixture;
    struct ending ending;
    (void)state;
    set_up(&fixture, &(struct transport_options){0});
    for (int i = 0; i < 2; i++) { /* looked up, and known to have failed */
        dial_to(&fixture, "no-such.example", 80, &ending);
        assert_int_equal(ending.result.failure, FAILURE_DNS);
        assert_string_equal(ending.detail,
                            "no-such.example: the name was not resolved (Name or service not "
                            "known)");
    }
    tear_down(&fixture);
}

static void connections_go_to_all_addresses_in_turn(void **state)
{
    static const char *const addresses[] = {"127.0.0.2", "127.0.0.3", "127.0.0.4", NULL};
    struct fixture fixture;
    struct ending ending;
    int listeners[3];
    uint16_t port = 0;
    (void)state;
    world = addresses;
    set_up(&fixture, &(struct transport_options){.worker_number = 1});
    for (size_t i = 0; i < 3; i++)
        listeners[i] = listen_at(addresses[i], &port);
    for (size_t i = 0; i < 6; i++) {
        dial_to(&fixture, "many.test", port, &ending);
        assert_int_equal(ending.result.failure, FAILURE_NONE);
        close(accept(listeners[(i + 1) % 3], NULL, NULL));
        stream_close(&ending.result.stream);
    }
    for (size_t i = 0; i < 3; i++)
        close(listeners[i]);
    tear_down(&fixture);
}

/* ::1 comes first and nobody listens there; afterwards it stands behind. */
static void the_other_family_is_taken_at_once(void **state)
{
    static const char *const addresses[] = {"::1", "127.0.0.1", NULL};
    struct fixture fixture;
    struct ending ending;
    uint16_t port = 0;
    (void)state;
    world = addresses;
    set_up(&fixture, &(struct transport_options){0});
    int listener = listen_at("127.0.0.1", &port);
    for (int i = 0; i < 3; i++) {
        dial_to(&fixture, "both.test", port, &ending);
        assert_int_equal(ending.result.failure, FAILURE_NONE);
        close(accept(listener, NULL, NULL));
        stream_close(&ending.result.stream);
    }
    close(listener);
    dial_to(&fixture, "both.test", port, &ending); /* now neither */
    assert_int_equal(ending.result.failure, FAILURE_CONNECT_REFUSED);
    tear_down(&fixture);
}

static uint64_t stopped_us;

static uint64_t stopped_clock(void)
{
    return stopped_us;
}

static void stop_clock(struct fixture *fixture)
{
    stopped_us = 1000000;
    fixture->loop.clock_us = stopped_clock;
    loop_set_origin(&fixture->loop, 0);
}

/* A listener that takes no more: a SYN to it is not answered. Fills `fds` with what fills it. */
static int listen_in_vain(const char *address, uint16_t *port, int fds[2])
{
    int listener = listen_at(address, port);
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    assert_int_equal(listen(listener, 0), 0); /* a queue of one */
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    for (size_t i = 0; i < 2; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fds[i], (struct sockaddr *)&at, sizeof at);
    }
    return listener;
}

static void an_address_that_says_nothing_is_raced_after_250_ms(void **state)
{
    static const char *const addresses[] = {"127.0.0.2", "127.0.0.3", NULL};
    struct fixture fixture;
    struct ending ending;
    int full[2];
    uint16_t port = 0;
    (void)state;
    world = addresses;
    set_up(&fixture, &(struct transport_options){0});
    stop_clock(&fixture);
    int silent = listen_in_vain("127.0.0.2", &port, full);
    int listener = listen_at("127.0.0.3", &port);
    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    start(&fixture, "http", "slow.test", port, FAR_US, &ending);
    while (fixture.loop.watch_count < 2) /* the resolver's, and the first attempt's */
        loop_pass(&fixture.loop, 1000);
    stopped_us += 249999;
    loop_pass(&fixture.loop, 0);
    assert_int_equal(fixture.loop.watch_count, 2);
    assert_int_equal(accept(listener, NULL, NULL), -1);
    stopped_us += 1;
    while (!ending.has_ended)
        loop_pass(&fixture.loop, 1000);
    assert_int_equal(ending.result.failure, FAILURE_NONE);
    assert_int_equal(ending.result.connect_us, 250000);
    close(accept(listener, NULL, NULL));
    stream_close(&ending.result.stream);
    /* It was beaten: the next dials do not wait for it. */
    for (int i = 0; i < 2; i++) {
        dial_to(&fixture, "slow.test", port, &ending);
        assert_int_equal(ending.result.connect_us, 0);
        stream_close(&ending.result.stream);
    }
    close(silent);
    close(listener);
    close(full[0]);
    close(full[1]);
    tear_down(&fixture);
}

static void a_target_that_says_nothing_ends_at_the_deadline(void **state)
{
    struct fixture fixture;
    struct ending ending;
    int full[2];
    char expected[64];
    uint16_t port = 0;
    (void)state;
    set_up(&fixture, &(struct transport_options){0});
    stop_clock(&fixture);
    int silent = listen_in_vain("127.0.0.2", &port, full);
    start(&fixture, "http", "127.0.0.2", port, 5000000, &ending);
    stopped_us += 4999999;
    loop_pass(&fixture.loop, 0);
    assert_false(ending.has_ended);
    stopped_us += 1;
    await(&fixture, &ending);
    assert_int_equal(ending.result.failure, FAILURE_CONNECT_TIMEOUT);
    snprintf(expected, sizeof expected, "127.0.0.2 port %u: no connection in time", port);
    assert_string_equal(ending.detail, expected);
    close(silent);
    close(full[0]);
    close(full[1]);
    tear_down(&fixture);
}

static void assert_comes_from(int listener, const char *wanted)
{
    struct sockaddr_in peer;
    socklen_t len = sizeof peer;
    char text[INET_ADDRSTRLEN];
    int fd = accept(listener, (struct sockaddr *)&peer, &len);
    assert_true(fd >= 0);
    close(fd);
    inet_ntop(AF_INET, &peer.sin_addr, text, sizeof text);
    assert_string_equal(text, wanted);
}

static void source_addresses_are_taken_in_turn(void **state)
{
    static const char *const wanted[] = {"127.0.0.3", "127.0.0.4", "127.0.0.2", "127.0.0.3"};
    const struct transport_options options = {
        .bind_addresses = {.count = 4, .items = {"127.0.0.2", "::1", "127.0.0.3", "127.0.0.4"}},
        .worker_number = 5};
    struct fixture fixture;
    struct ending ending;
    uint16_t port = 0;
    (void)state;
    set_up(&fixture, &options);
    int listener = listen_at("127.0.0.1", &port);
    for (size_t i = 0; i < 4; i++) {
        dial_to(&fixture, "127.0.0.1", port, &ending);
        assert_int_equal(ending.result.failure, FAILURE_NONE);
        assert_comes_from(listener, wanted[i]);
        stream_close(&ending.result.stream);
    }
    close(listener);
    tear_down(&fixture);
}

static void a_family_without_a_source_address_cannot_connect(void **state)
{
    const struct transport_options options = {
        .bind_addresses = {.count = 1, .items = {"127.0.0.2"}}};
    struct fixture fixture;
    struct ending ending;
    (void)state;
    set_up(&fixture, &options);
    dial_to(&fixture, "[::1]", 80, &ending);
    assert_int_equal(ending.result.failure, FAILURE_CONNECT);
    assert_string_equal(ending.detail,
                        "::1 port 80: Address family not supported by protocol; no --bind address "
                        "is of its family");
    tear_down(&fixture);
}

static void source_addresses_are_checked_at_the_start(void **state)
{
    static const char *const rows[][2] = {
        {"192.0.2.7", "--bind 192.0.2.7: not an address of this machine; 'ip addr' lists them"},
        {"lo", "--bind 'lo': expected an address of this machine, like 127.0.0.2"},
    };
    struct loop loop;
    struct dialer *dialer;
    struct error err;
    (void)state;
    assert_int_equal(loop_init(&loop, &err), 0);
    for (size_t i = 0; i < 2; i++) {
        const struct transport_options options = {
            .bind_addresses = {.count = 1, .items = {rows[i][0]}}};
        assert_int_equal(dialer_open(&dialer, &loop, &options, &err), -1);
        assert_int_equal(err.exit_code, EXIT_INPUT);
        assert_string_equal(err.text, rows[i][1]);
    }
    loop_fini(&loop);
}

static void without_descriptors_the_machine_is_named(void **state)
{
    struct fixture fixture;
    struct ending ending;
    struct dial_counts counts;
    struct rlimit before, none;
    uint16_t port = 0;
    (void)state;
    set_up(&fixture, &(struct transport_options){0});
    int listener = listen_at("127.0.0.1", &port);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)listener + 1; /* the lowest that is free is beyond it */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    dial_to(&fixture, "127.0.0.1", port, &ending);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(ending.result.failure, FAILURE_NO_FILES);
    assert_non_null(strstr(ending.detail, "Too many open files"));
    dialer_count(fixture.dialer, &counts);
    assert_int_equal(counts.no_files, 1);
    assert_int_equal(counts.failed, 1);
    dial_to(&fixture, "127.0.0.1", port, &ending); /* and it recovers */
    assert_int_equal(ending.result.failure, FAILURE_NONE);
    stream_close(&ending.result.stream);
    close(listener);
    tear_down(&fixture);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        _exit(77);
    close(fd);
}

/* In a network of its own, where clients have the ports 40000 and 40001 and lo is up. */
static void enter_small_network(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING};
    if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET))
        _exit(77);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo))
        _exit(77);
    close(fd);
    write_file("/proc/sys/net/ipv4/ip_local_port_range", "40000 40001");
}

static int dial_until_no_ports(const struct transport_options *options)
{
    struct fixture fixture;
    struct ending ending;
    struct native_stream streams[8];
    struct dial_counts counts;
    int count = 0;
    uint16_t port = 8080;
    set_up(&fixture, options);
    int listener = listen_at("127.0.0.1", &port);
    for (;; count++) {
        dial_to(&fixture, "127.0.0.1", port, &ending);
        if (ending.result.failure)
            break;
        assert_true(count < 8);
        streams[count] = ending.result.stream;
    }
    assert_int_equal(ending.result.failure, FAILURE_NO_PORTS);
    assert_non_null(strstr(ending.detail, "Cannot assign requested address"));
    dialer_count(fixture.dialer, &counts);
    assert_int_equal(counts.no_ports, 1);
    for (int i = 0; i < count; i++)
        stream_close(&streams[i]);
    close(listener);
    tear_down(&fixture);
    return count;
}

/* Two ports an address; each source address has as many again, and one that is used up does not
 * matter while another has some. */
static void ports_run_out_and_are_named(void **state)
{
    const struct transport_options more = {
        .bind_addresses = {.count = 2, .items = {"127.0.0.2", "127.0.0.3"}}};
    int status = 0;
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        enter_small_network();
        int alone = dial_until_no_ports(&(struct transport_options){0});
        int bound = dial_until_no_ports(&more);
        _exit(alone == 2 && bound == 4 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip(); /* no right to a network of its own */
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* While the name is looked up, while it connects, when it has failed already, when it is known. */
static void a_dial_is_cancelled_in_any_state(void **state)
{
    static const char *const addresses[] = {"127.0.0.2", "127.0.0.1", NULL};
    struct fixture fixture;
    struct ending ending;
    int full[2];
    uint16_t port = 0;
    (void)state;
    world = addresses;
    set_up(&fixture, &(struct transport_options){0});
    int silent = listen_in_vain("127.0.0.2", &port, full);
    dial_cancel(start(&fixture, "http", "name.test", port, FAR_US, &ending));
    dial_cancel(start(&fixture, "http", "127.0.0.2", port, FAR_US, &ending));
    dial_cancel(start(&fixture, "http", "127.0.0.1", free_port(), FAR_US, &ending));
    dial_to(&fixture, "name.test", free_port(), &ending);
    struct dial *dial = start(&fixture, "http", "name.test", port, FAR_US, &ending);
    loop_pass(&fixture.loop, 0);
    if (!ending.has_ended)
        dial_cancel(dial);
    assert_int_equal(fixture.loop.watch_count, 1); /* the resolver's alone */
    assert_true(timers_next_us(&fixture.loop.timers) == TIMERS_NONE_US);
    start(&fixture, "http", "other.test", port, FAR_US, &ending); /* left to dialer_close() */
    start(&fixture, "http", "127.0.0.2", port, FAR_US, &ending);
    tear_down(&fixture);
    assert_false(ending.has_ended);
    close(silent);
    close(full[0]);
    close(full[1]);
}

/* What a callback may do: dial again, and cancel another. */
struct chain {
    struct fixture *fixture;
    struct dial *other;
    struct ending ending, again;
    uint16_t port;
};

static void on_first_done(void *owner, const struct dial_result *result)
{
    struct chain *chain = owner;
    on_done(&chain->ending, result);
    dial_cancel(chain->other);
    start(chain->fixture, "http", "127.0.0.1", chain->port, FAR_US, &chain->again);
}

static void a_callback_may_cancel_and_start_dials(void **state)
{
    struct fixture fixture;
    struct chain chain = {.fixture = &fixture};
    struct ending other;
    struct url url;
    (void)state;
    set_up(&fixture, &(struct transport_options){0});
    int listener = listen_at("127.0.0.1", &chain.port);
    url_parse(bytes_of("http://127.0.0.1/"), &url);
    url.port = chain.port;
    dial_start(fixture.dialer, &url, false, NULL, FAR_US, on_first_done, &chain);
    chain.other = start(&fixture, "http", "127.0.0.1", chain.port, FAR_US, &other);
    while (!chain.again.has_ended)
        loop_pass(&fixture.loop, 1000000);
    assert_false(other.has_ended);
    stream_close(&chain.ending.result.stream);
    stream_close(&chain.again.result.stream);
    close(listener);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_names_connect),
        cmocka_unit_test(writing_to_a_peer_that_has_gone_is_a_failure),
        cmocka_unit_test(a_port_where_nobody_listens_is_refused),
        cmocka_unit_test(a_name_that_is_none_says_what_the_resolver_said),
        cmocka_unit_test(connections_go_to_all_addresses_in_turn),
        cmocka_unit_test(the_other_family_is_taken_at_once),
        cmocka_unit_test(an_address_that_says_nothing_is_raced_after_250_ms),
        cmocka_unit_test(a_target_that_says_nothing_ends_at_the_deadline),
        cmocka_unit_test(source_addresses_are_taken_in_turn),
        cmocka_unit_test(a_family_without_a_source_address_cannot_connect),
        cmocka_unit_test(source_addresses_are_checked_at_the_start),
        cmocka_unit_test(without_descriptors_the_machine_is_named),
        cmocka_unit_test(ports_run_out_and_are_named),
        cmocka_unit_test(a_dial_is_cancelled_in_any_state),
        cmocka_unit_test(a_callback_may_cancel_and_start_dials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

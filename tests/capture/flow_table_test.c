/* flow_table_test.c - which flow a segment belongs to, who is the client, and what is forgotten. */
#include "capture/flow_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/buf.h"

enum { SECOND_US = 1000000 };

/* What happened, as text: "+40000" a flow opened (the client's port), "-40000 fin" one released. */
struct bench {
    struct flow_table *table;
    struct buf events;
    struct buf data; /* of all flows */
};

struct owner {
    struct bench *bench;
    uint16_t client_port;
    enum trace_connection_end end;
};

static void *on_open(void *context, const struct flow_open *open)
{
    struct bench *bench = context;
    struct owner *owner = calloc(1, sizeof *owner);
    assert_non_null(owner);
    *owner = (struct owner){.bench = bench, .client_port = open->client.port};
    buf_printf(&bench->events, "+%d%s ", open->client.port, open->is_mid_stream ? "~" : "");
    return owner;
}

static void on_release(void *context, void *released, const struct flow *flow)
{
    static const char *const names[] = {"open", "fin", "rst", "idle", "evicted"};
    struct bench *bench = context;
    struct owner *owner = released;
    assert_true(flow_is_closed(flow));
    buf_printf(&bench->events, "-%d %s ", owner->client_port, names[owner->end]);
    free(owner);
}

static void on_data(void *owner, enum flow_side from, struct bytes data, int64_t at_us)
{
    (void)from;
    (void)at_us;
    buf_append_bytes(&((struct owner *)owner)->bench->data, data);
}

static void on_gap(void *owner, enum flow_side from, uint64_t missing_bytes, int64_t at_us)
{
    (void)from;
    (void)at_us;
    buf_printf(&((struct owner *)owner)->bench->data, "<%d>", (int)missing_bytes);
}

static void on_close(void *owner, enum flow_side from, enum trace_connection_end end, int64_t at_us)
{
    (void)from;
    (void)at_us;
    ((struct owner *)owner)->end = end;
}

static void bench_init(struct bench *bench, const struct flow_table_limits *limits)
{
    const struct flow_table_callbacks callbacks = {
        on_open, on_release, {on_data, on_gap, on_close}};
    *bench = (struct bench){0};
    buf_init(&bench->events, 1 << 20);
    buf_init(&bench->data, 1 << 20);
    bench->table = flow_table_new(limits, &callbacks, bench);
    assert_non_null(bench->table);
}

static void bench_fini(struct bench *bench)
{
    flow_table_finish(bench->table);
    flow_table_free(bench->table);
    buf_fini(&bench->events);
    buf_fini(&bench->data);
}

struct line {
    uint16_t source_port;
    uint16_t destination_port;
    uint8_t flags;
    uint32_t seq;
    uint32_t ack;
    const char *payload;
    int64_t at_us;
    uint32_t path_id;
};

/* The host 10.0.0.1 has ports from 10000 up, 10.0.0.2 those below. */
static void add(struct bench *bench, struct line line)
{
    struct segment segment = {
        .source = {.ip = {10, 0, 0, line.source_port >= 10000 ? 1 : 2}, .port = line.source_port},
        .destination = {.ip = {10, 0, 0, line.destination_port >= 10000 ? 1 : 2},
                        .port = line.destination_port},
        .path_id = line.path_id,
        .seq = line.seq,
        .ack = line.ack,
        .flags = line.flags,
        .payload = bytes_of(line.payload),
        .at_us = line.at_us};
    assert_int_equal(flow_table_add(bench->table, &segment), 0);
}

static void assert_events(struct bench *bench, const char *expected)
{
    assert_string_equal(buf_text(&bench->events), expected);
}

static void both_directions_are_one_flow(void **state)
{
    (void)state;
    struct bench bench;
    struct flow_table_limits limits = flow_table_default_limits();
    bench_init(&bench, &limits);
    add(&bench, (struct line){40000, 80, TCP_SYN, 99, 0, "", 0, 0});
    add(&bench, (struct line){80, 40000, TCP_SYN | TCP_ACK, 499, 100, "", 1, 0});
    add(&bench, (struct line){40000, 80, TCP_ACK, 100, 500, "GET", 2, 0});
    add(&bench, (struct line){80, 40000, TCP_ACK, 500, 103, "OK", 3, 0});
    assert_int_equal(flow_table_count(bench.table), 1);
    flow_table_finish(bench.table);
    assert_events(&bench, "+40000 -40000 open ");
    assert_string_equal(buf_text(&bench.data), "GETOK");
    bench_fini(&bench);
}

static void equal_ports_on_another_path_are_another_flow(void **state)
{
    (void)state;
    struct bench bench;
    struct flow_table_limits limits = flow_table_default_limits();
    bench_init(&bench, &limits);
    add(&bench, (struct line){40000, 80, TCP_SYN, 99, 0, "", 0, 0});
    add(&bench, (struct line){40000, 80, TCP_SYN, 99, 0, "", 1, 7});
    assert_int_equal(flow_table_count(bench.table), 2);
    bench_fini(&bench);
}

static void who_is_the_client(void **state)
{
    (void)state;
    const struct {
        struct line line;
        const char *events;
    } rows[] = {
        {{40000, 80, TCP_SYN, 1, 0, "", 0, 0}, "+40000 "},
        {{80, 40000, TCP_SYN | TCP_ACK, 1, 1, "", 0, 0}, "+40000 "},
        {{80, 40000, TCP_SYN, 1, 0, "", 0, 0}, "+80 "},
        {{80, 40000, TCP_ACK, 1, 1, "GET / HTTP/1.1\r\n", 0, 0}, "+80~ "},
        {{40000, 80, TCP_ACK, 1, 1, "HTTP/1.1 200 OK\r\n", 0, 0}, "+80~ "},
        {{40000, 80, TCP_ACK, 1, 1, "\x81\x05hello", 0, 0}, "+40000~ "},
        {{80, 40000, TCP_ACK, 1, 1, "\x81\x05hello", 0, 0}, "+40000~ "},
        /* --port 50000 */
        {{80, 50000, TCP_ACK, 1, 1, "\x81\x05hello", 0, 0}, "+80~ "},
        {{50000, 80, TCP_ACK, 1, 1, "GET / HTTP/1.1\r\n", 0, 0}, "+80~ "},
    };
    const uint16_t ports[] = {50000};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench bench;
        struct flow_table_limits limits = flow_table_default_limits();
        limits.server_ports = ports;
        limits.server_port_count = 1;
        bench_init(&bench, &limits);
        add(&bench, rows[i].line);
        assert_events(&bench, rows[i].events);
        bench_fini(&bench);
    }
}

static void segments_without_payload_begin_no_flow(void **state)
{
    (void)state;
    struct bench bench;
    struct flow_table_limits limits = flow_table_default_limits();
    bench_init(&bench, &limits);
    add(&bench, (struct line){40000, 80, TCP_ACK, 1, 1, "", 0, 0});
    add(&bench, (struct line){40000, 80, TCP_FIN | TCP_ACK, 1, 1, "", 0, 0});
    add(&bench, (struct line){40000, 80, TCP_RST, 1, 1, "", 0, 0});
    assert_int_equal(flow_table_count(bench.table), 0);
    bench_fini(&bench);
}

static void a_reused_port_is_a_new_flow(void **state)
{
    (void)state;
    struct bench bench;
    struct flow_table_limits limits = flow_table_default_limits();
    bench_init(&bench, &limits);
    add(&bench, (struct line){40000, 80, TCP_SYN, 99, 0, "", 0, 0});
    add(&bench, (struct line){40000, 80, TCP_SYN, 99, 0, "", 1, 0}); /* sent again */
    add(&bench, (struct line){80, 40000, TCP_RST | TCP_ACK, 0, 100, "", 2, 0});
    add(&bench, (struct line){40000, 80, TCP_SYN, 7099, 0, "", 3, 0});
    add(&bench, (struct line){40000, 80, TCP_SYN, 900099, 0, "", 4, 0});
    assert_events(&bench, "+40000 -40000 rst +40000 -40000 idle +40000 ");
    bench_fini(&bench);
}

static void a_silent_flow_is_forgotten_by_the_captures_time(void **state)
{
    (void)state;
    struct bench bench;
    struct flow_table_limits limits = flow_table_default_limits();
    limits.idle_us = 10 * SECOND_US;
    bench_init(&bench, &limits);
    add(&bench, (struct line){40000, 80, TCP_SYN, 99, 0, "", 0, 0});
    add(&bench, (struct line){40001, 80, TCP_SYN, 99, 0, "", 5 * SECOND_US, 0});
    add(&bench, (struct line){40002, 80, TCP_SYN, 99, 0, "", 10 * SECOND_US, 0});
    assert_events(&bench, "+40000 +40001 -40000 idle +40002 ");
    flow_table_tick(bench.table, 15 * SECOND_US);
    assert_events(&bench, "+40000 +40001 -40000 idle +40002 -40001 idle ");
    bench_fini(&bench);
}

static void a_closed_flow_waits_for_strays_and_is_released(void **state)
{
    (void)state;
    struct bench bench;
    struct flow_table_limits limits = flow_table_default_limits();
    limits.closed_linger_us = SECOND_US;
    bench_init(&bench, &limits);
    add(&bench, (struct line){40000, 80, TCP_SYN, 99, 0, "", 0, 0});
    add(&bench, (struct line){80, 40000, TCP_RST | TCP_ACK, 0, 100, "", 1, 0});
    add(&bench, (struct line){40000, 80, TCP_ACK, 100, 0, "stray", 2, 0});
    assert_events(&bench, "+40000 ");
    flow_table_tick(bench.table, 2 + SECOND_US);
    assert_events(&bench, "+40000 -40000 rst ");
    bench_fini(&bench);
}

static void at_the_maximum_the_least_recently_used_flow_is_evicted(void **state)
{
    (void)state;
    struct bench bench;
    struct flow_table_limits limits = flow_table_default_limits();
    limits.max_flows = 2;
    bench_init(&bench, &limits);
    add(&bench, (struct line){40000, 80, TCP_SYN, 99, 0, "", 0, 0});
    add(&bench, (struct line){40001, 80, TCP_SYN, 99, 0, "", 1, 0});
    add(&bench, (struct line){40000, 80, TCP_ACK, 100, 0, "x", 2, 0});
    add(&bench, (struct line){40002, 80, TCP_SYN, 99, 0, "", 3, 0});
    assert_events(&bench, "+40000 +40001 -40001 evicted +40002 ");
    bench_fini(&bench);
}

static void at_the_maximum_of_held_bytes_the_longest_waiting_flow_lets_go(void **state)
{
    (void)state;
    struct bench bench;
    struct flow_table_limits limits = flow_table_default_limits();
    limits.max_held_bytes = 5;
    bench_init(&bench, &limits);
    for (uint16_t port = 40000; port < 40002; port++) {
        add(&bench, (struct line){port, 80, TCP_SYN, 99, 0, "", 0, 0});
        add(&bench, (struct line){port, 80, TCP_ACK, 102, 0, "cde", 1, 0});
    }
    assert_string_equal(buf_text(&bench.data), "<2>cde");
    assert_int_equal(flow_table_held_bytes(bench.table), 3);
    bench_fini(&bench);
}

static void a_tick_gives_up_an_acknowledged_hole(void **state)
{
    (void)state;
    struct bench bench;
    struct flow_table_limits limits = flow_table_default_limits();
    limits.flow.gap_grace_us = SECOND_US;
    bench_init(&bench, &limits);
    add(&bench, (struct line){40000, 80, TCP_SYN, 99, 0, "", 0, 0});
    add(&bench, (struct line){80, 40000, TCP_SYN | TCP_ACK, 499, 100, "", 0, 0});
    add(&bench, (struct line){40000, 80, TCP_ACK, 102, 0, "cde", 1, 0});
    add(&bench, (struct line){80, 40000, TCP_ACK, 500, 105, "", 2, 0});
    flow_table_tick(bench.table, SECOND_US);
    assert_string_equal(buf_text(&bench.data), "");
    flow_table_tick(bench.table, 2 * SECOND_US + 2);
    assert_string_equal(buf_text(&bench.data), "<2>cde");
    assert_int_equal(flow_table_held_bytes(bench.table), 0);
    bench_fini(&bench);
}

static void the_end_finishes_flows_oldest_first(void **state)
{
    (void)state;
    struct bench bench;
    struct flow_table_limits limits = flow_table_default_limits();
    bench_init(&bench, &limits);
    for (uint16_t port = 40005; port > 40000; port--)
        add(&bench, (struct line){port, 80, TCP_SYN, 99, 0, "", 0, 0});
    add(&bench, (struct line){40005, 80, TCP_ACK, 100, 0, "x", 2, 0});
    buf_clear(&bench.events);
    flow_table_finish(bench.table);
    assert_events(&bench, "-40005 open -40004 open -40003 open -40002 open -40001 open ");
    assert_int_equal(flow_table_count(bench.table), 0);
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_are_one_flow),
        cmocka_unit_test(equal_ports_on_another_path_are_another_flow),
        cmocka_unit_test(who_is_the_client),
        cmocka_unit_test(segments_without_payload_begin_no_flow),
        cmocka_unit_test(a_reused_port_is_a_new_flow),
        cmocka_unit_test(a_silent_flow_is_forgotten_by_the_captures_time),
        cmocka_unit_test(a_closed_flow_waits_for_strays_and_is_released),
        cmocka_unit_test(at_the_maximum_the_least_recently_used_flow_is_evicted),
        cmocka_unit_test(at_the_maximum_of_held_bytes_the_longest_waiting_flow_lets_go),
        cmocka_unit_test(a_tick_gives_up_an_acknowledged_hole),
        cmocka_unit_test(the_end_finishes_flows_oldest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

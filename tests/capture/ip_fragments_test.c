/* ip_fragments_test.c - datagrams from fragments: any order, overlap, limits, time, and counting.
 */
#include "capture/ip_fragments.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/random.h"

enum { SECOND_US = 1000000 };

static const struct ip_fragment_limits roomy = {
    .max_datagrams = 100, .max_bytes = 1 << 20, .timeout_us = 30 * SECOND_US};

struct bench {
    struct ledger_counts counts;
    struct ip_fragments *table;
    struct ip_datagram datagram;
};

static void bench_init(struct bench *bench, const struct ip_fragment_limits *limits)
{
    *bench = (struct bench){0};
    bench->table = ip_fragments_new(limits, &bench->counts);
    assert_non_null(bench->table);
}

static void bench_fini(struct bench *bench)
{
    ip_fragments_free(bench->table);
}

/* A fragment of TCP datagram `id`; `has_more` is written as a trailing '+'. */
static bool add(struct bench *bench, uint32_t id, uint32_t offset, const char *text, int64_t at_us)
{
    struct bytes payload = bytes_of(text);
    bool has_more = payload.len > 0 && payload.ptr[payload.len - 1] == '+';
    payload.len -= has_more;
    struct ip_fragment fragment = {.key = {.id = id, .protocol = IPPROTO_TCP},
                                   .protocol = IPPROTO_TCP,
                                   .offset = offset,
                                   .has_more = has_more,
                                   .payload = payload,
                                   .at_us = at_us};
    return ip_fragments_add(bench->table, &fragment, &bench->datagram);
}

static void assert_datagram(const struct bench *bench, const char *text)
{
    assert_int_equal(bench->datagram.payload.len, strlen(text));
    assert_memory_equal(bench->datagram.payload.ptr, text, strlen(text));
}

static void where_fragments_overlap_the_first_seen_wins(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &roomy);
    assert_false(add(&bench, 1, 8, "AAAAAAAA+", 0));
    assert_false(add(&bench, 1, 0, "bbbbbbbbbbbbbbbbbbbbbbbb+", 0));
    assert_true(add(&bench, 1, 16, "ccccccccccc", 0));
    assert_datagram(&bench, "bbbbbbbbAAAAAAAAbbbbbbbbccc");
    assert_int_equal(bench.counts.payload_bytes[TRACE_REASON_RETRANSMISSION], 8 + 8);
    assert_int_equal(ip_fragments_held_bytes(bench.table), 0);
    bench_fini(&bench);
}

static void a_fragment_seen_twice_is_counted_once_as_a_retransmission(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &roomy);
    assert_false(add(&bench, 1, 0, "aaaaaaaa+", 0));
    assert_false(add(&bench, 1, 0, "aaaaaaaa+", 0));
    assert_true(add(&bench, 1, 8, "bb", 0));
    assert_datagram(&bench, "aaaaaaaabb");
    assert_int_equal(bench.datagram.fragments, 2);
    assert_int_equal(bench.counts.packets[TRACE_REASON_RETRANSMISSION], 1);
    bench_fini(&bench);
}

static void equal_ids_of_other_protocols_and_paths_are_other_datagrams(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &roomy);
    assert_false(add(&bench, 1, 0, "aaaaaaaa+", 0));
    struct ip_fragment other = {.key = {.id = 1, .protocol = IPPROTO_TCP, .path_id = 7},
                                .protocol = IPPROTO_TCP,
                                .offset = 8,
                                .payload = bytes_of("x")};
    assert_false(ip_fragments_add(bench.table, &other, &bench.datagram));
    assert_int_equal(ip_fragments_count(bench.table), 2);
    bench_fini(&bench);
}

static void a_datagram_not_whole_in_time_is_lost(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &roomy);
    assert_false(add(&bench, 1, 8, "aaaaaaaa+", 0));
    assert_false(add(&bench, 2, 8, "bbbbbbbb+", 31 * SECOND_US));
    assert_int_equal(ip_fragments_count(bench.table), 1);
    assert_int_equal(bench.counts.packets[TRACE_REASON_FRAGMENT_LOST], 1);
    assert_int_equal(bench.counts.payload_bytes[TRACE_REASON_FRAGMENT_LOST], 8);
    bench_fini(&bench);
}

static void at_a_limit_the_oldest_datagram_is_lost(void **state)
{
    (void)state;
    const struct ip_fragment_limits few = {
        .max_datagrams = 2, .max_bytes = 1 << 20, .timeout_us = SECOND_US};
    const struct ip_fragment_limits small = {
        .max_datagrams = 100, .max_bytes = 20, .timeout_us = SECOND_US};
    const struct ip_fragment_limits *const limits[] = {&few, &small};
    for (int i = 0; i < 2; i++) {
        struct bench bench;
        bench_init(&bench, limits[i]);
        for (uint32_t id = 1; id <= 3; id++)
            assert_false(add(&bench, id, 8, "aaaaaaaa+", 0));
        assert_int_equal(ip_fragments_count(bench.table), 2);
        assert_int_equal(bench.counts.packets[TRACE_REASON_FRAGMENT_LOST], 1);
        assert_true(ip_fragments_held_bytes(bench.table) <= limits[i]->max_bytes);
        bench_fini(&bench);
    }
}

static void fragments_that_cannot_be_are_bad_packets(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &roomy);
    assert_false(add(&bench, 1, 0, "odd+", 0));         /* not a multiple of 8, and not the last */
    assert_false(add(&bench, 2, 65528, "12345678", 0)); /* beyond 64 KiB */
    assert_false(add(&bench, 3, 8, "the end", 0));      /* ends at 15 ... */
    assert_false(add(&bench, 3, 8, "12345678+", 0));    /* ... so nothing is behind it ... */
    assert_false(add(&bench, 3, 16, "another end", 0)); /* ... and there is no other end */
    assert_int_equal(bench.counts.packets[TRACE_REASON_BAD_PACKET], 4);
    assert_true(add(&bench, 3, 0, "12345678+", 0));
    assert_datagram(&bench, "12345678the end");
    bench_fini(&bench);
}

static void a_fragment_cut_by_the_snaplen_is_lost_at_once(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &roomy);
    struct ip_fragment cut = {.key = {.id = 1, .protocol = IPPROTO_TCP},
                              .protocol = IPPROTO_TCP,
                              .has_more = true,
                              .is_cut = true,
                              .payload = bytes_of("abc")};
    assert_false(ip_fragments_add(bench.table, &cut, &bench.datagram));
    assert_int_equal(bench.counts.payload_bytes[TRACE_REASON_FRAGMENT_LOST], 3);
    assert_int_equal(ip_fragments_count(bench.table), 0);
    bench_fini(&bench);
}

static void lost_udp_is_no_lost_tcp(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &roomy);
    struct ip_fragment udp = {.key = {.id = 1, .protocol = IPPROTO_UDP},
                              .protocol = IPPROTO_UDP,
                              .has_more = true,
                              .payload = bytes_of("12345678")};
    assert_false(ip_fragments_add(bench.table, &udp, &bench.datagram));
    ip_fragments_finish(bench.table);
    assert_int_equal(bench.counts.packets[TRACE_REASON_NOT_TCP], 1);
    assert_int_equal(bench.counts.payload_bytes[TRACE_REASON_FRAGMENT_LOST], 0);
    bench_fini(&bench);
}

/* Random datagrams cut, shuffled, repeated: whole ones are the original, and each packet is
 * accounted for. */
static void every_fragment_is_joined_held_or_counted(void **state)
{
    (void)state;
    enum { DATAGRAMS = 6, MAX_FRAGMENTS = 400 };
    char original[DATAGRAMS][1000];
    struct ip_fragment fragments[MAX_FRAGMENTS];
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct random random;
        random_init(&random, 77, seed);
        size_t count = 0;
        for (uint32_t id = 0; id < DATAGRAMS; id++) {
            uint32_t total = 1 + (uint32_t)random_below(&random, sizeof original[id]);
            for (uint32_t i = 0; i < total; i++)
                original[id][i] = (char)random_u64(&random);
            for (uint32_t at = 0; at < total;) {
                uint32_t len = 8 * (1 + (uint32_t)random_below(&random, 30));
                len = len < total - at ? len : total - at;
                for (uint64_t copies = 1 + (random_below(&random, 8) == 0); copies > 0; copies--)
                    fragments[count++] =
                        (struct ip_fragment){.key = {.id = id, .protocol = IPPROTO_TCP},
                                             .protocol = IPPROTO_TCP,
                                             .offset = at,
                                             .has_more = at + len < total,
                                             .payload = bytes_make(original[id] + at, len)};
                at += len;
            }
        }
        struct bench bench;
        bench_init(&bench, &roomy);
        uint64_t joined = 0;
        for (size_t i = 0; i < count; i++) {
            size_t j = i + random_below(&random, count - i);
            struct ip_fragment fragment = fragments[j];
            fragments[j] = fragments[i];
            if (random_below(&random, 20) == 0)
                fragment.payload.len = 0; /* a fragment of nothing is a bad packet */
            if (ip_fragments_add(bench.table, &fragment, &bench.datagram)) {
                joined += bench.datagram.fragments;
                assert_memory_equal(bench.datagram.payload.ptr, original[fragment.key.id],
                                    bench.datagram.payload.len);
            }
        }
        ip_fragments_finish(bench.table);
        assert_int_equal(ip_fragments_held_packets(bench.table), 0);
        assert_int_equal(joined + bench.counts.packets[TRACE_REASON_FRAGMENT_LOST] +
                             bench.counts.packets[TRACE_REASON_RETRANSMISSION] +
                             bench.counts.packets[TRACE_REASON_BAD_PACKET],
                         count);
        bench_fini(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_fragments_overlap_the_first_seen_wins),
        cmocka_unit_test(a_fragment_seen_twice_is_counted_once_as_a_retransmission),
        cmocka_unit_test(equal_ids_of_other_protocols_and_paths_are_other_datagrams),
        cmocka_unit_test(a_datagram_not_whole_in_time_is_lost),
        cmocka_unit_test(at_a_limit_the_oldest_datagram_is_lost),
        cmocka_unit_test(fragments_that_cannot_be_are_bad_packets),
        cmocka_unit_test(a_fragment_cut_by_the_snaplen_is_lost_at_once),
        cmocka_unit_test(lost_udp_is_no_lost_tcp),
        cmocka_unit_test(every_fragment_is_joined_held_or_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

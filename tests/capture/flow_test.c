/* flow_test.c - reassembly: order, overlap, holes, closing, and that no byte is lost silently. */
#include "capture/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/random.h"

enum { CLIENT_ISN = 1000, SERVER_ISN = 50000, SECOND_US = 1000000 };

/* What came out, as text: data as it is, "<3>" for a gap, "." for a close by FIN, "!" for others.
 * Both sides together in `order`, client bytes after "c:", server bytes after "s:". */
struct heard {
    struct flow *flow;
    struct buf side[2];
    struct buf order;
    int last_side;
    enum trace_connection_end end[2];
    int closes[2];
    int64_t last_data_us;
};

static void note(struct heard *heard, enum flow_side from, struct bytes text)
{
    if (heard->last_side != (int)from)
        buf_append_text(&heard->order, from == FLOW_CLIENT ? "c:" : "s:");
    heard->last_side = (int)from;
    buf_append_bytes(&heard->order, text);
    buf_append_bytes(&heard->side[from], text);
}

static void on_data(void *owner, enum flow_side from, struct bytes data, int64_t at_us)
{
    struct heard *heard = owner;
    assert_true(data.len > 0);
    assert_int_equal(heard->closes[from], 0);
    heard->last_data_us = at_us;
    note(heard, from, data);
}

static void on_gap(void *owner, enum flow_side from, uint64_t missing_bytes, int64_t at_us)
{
    (void)at_us;
    char text[32];
    snprintf(text, sizeof text, "<%llu>", (unsigned long long)missing_bytes);
    note(owner, from, bytes_of(text));
}

static void on_close(void *owner, enum flow_side from, enum trace_connection_end end, int64_t at_us)
{
    (void)at_us;
    struct heard *heard = owner;
    assert_int_equal(heard->closes[from]++, 0);
    heard->end[from] = end;
    note(heard, from, bytes_of(end == TRACE_END_FIN ? "." : "!"));
}

static const struct flow_sink sink = {on_data, on_gap, on_close};
static const struct flow_limits roomy = {
    .max_held_bytes = 1 << 20, .max_held_segments = 1000, .gap_grace_us = SECOND_US};

static void heard_init(struct heard *heard)
{
    *heard = (struct heard){.last_side = -1};
    for (int i = 0; i < 2; i++)
        buf_init(&heard->side[i], 1 << 24);
    buf_init(&heard->order, 1 << 24);
}

static void heard_fini(struct heard *heard)
{
    flow_free(heard->flow);
    buf_fini(&heard->side[0]);
    buf_fini(&heard->side[1]);
    buf_fini(&heard->order);
}

static struct segment segment_of(enum flow_side from, uint8_t flags, uint32_t seq, uint32_t ack,
                                 const char *payload, int64_t at_us)
{
    struct net_address client = {.ip = {10, 0, 0, 1}, .port = 40000};
    struct net_address server = {.ip = {10, 0, 0, 2}, .port = 80};
    return (struct segment){.source = from == FLOW_CLIENT ? client : server,
                            .destination = from == FLOW_CLIENT ? server : client,
                            .seq = seq,
                            .ack = ack,
                            .flags = flags,
                            .payload = bytes_of(payload),
                            .at_us = at_us};
}

/* A scene: segments with sequence numbers relative to each side's first byte. */
struct line {
    enum flow_side from;
    uint8_t flags;
    int64_t seq;
    int64_t ack;
    const char *payload;
    int64_t at_us;
    uint32_t missing_bytes;
};

#define C FLOW_CLIENT
#define S FLOW_SERVER
#define SYN TCP_SYN
#define ACK TCP_ACK
#define FIN (TCP_FIN | TCP_ACK)
#define RST TCP_RST
#define HANDSHAKE                                                                                  \
    {C, SYN, -1, 0, "", 0, 0}, {S, SYN | ACK, -1, 0, "", 0, 0},                                    \
    {                                                                                              \
        C, ACK, 0, 0, "", 0, 0                                                                     \
    }

static void play_line(struct heard *heard, const struct flow_limits *limits,
                      const struct line *line)
{
    bool is_client = line->from == FLOW_CLIENT;
    struct segment segment = segment_of(
        line->from, line->flags, (uint32_t)((is_client ? CLIENT_ISN : SERVER_ISN) + 1 + line->seq),
        (uint32_t)((is_client ? SERVER_ISN : CLIENT_ISN) + 1 + line->ack), line->payload,
        line->at_us);
    segment.missing_bytes = line->missing_bytes;
    if (!heard->flow)
        heard->flow = flow_start(limits, &sink, heard, &segment, is_client);
    assert_int_equal(flow_add(heard->flow, &segment), 0);
}

static void play(struct heard *heard, const struct flow_limits *limits, const struct line *lines,
                 size_t count)
{
    heard_init(heard);
    for (size_t i = 0; i < count; i++)
        play_line(heard, limits, &lines[i]);
}

/* Play the lines and compare what was heard up to here, in order. */
#define EXPECT(expected, ...)                                                                      \
    do {                                                                                           \
        const struct line lines_[] = {__VA_ARGS__};                                                \
        struct heard heard_;                                                                       \
        play(&heard_, &roomy, lines_, sizeof lines_ / sizeof *lines_);                             \
        assert_string_equal(buf_text(&heard_.order), expected);                                    \
        heard_fini(&heard_);                                                                       \
    } while (0)

static uint64_t counted_bytes(const struct flow *flow)
{
    uint64_t sum = 0;
    for (int i = 0; i < TRACE_REASON_COUNT; i++)
        sum += flow_counts(flow)->payload_bytes[i];
    return sum;
}

static uint64_t counted(const struct heard *heard, enum trace_reason reason)
{
    return flow_counts(heard->flow)->payload_bytes[reason];
}

static void in_order_bytes_go_out_at_once(void **state)
{
    (void)state;
    EXPECT("c:GETs:OKc:.s:.", HANDSHAKE, {C, ACK, 0, 0, "GET", 1, 0}, {S, ACK, 0, 3, "OK", 2, 0},
           {C, FIN, 3, 2, "", 3, 0}, {S, FIN, 2, 4, "", 4, 0});
}

static void out_of_order_segments_are_put_in_order(void **state)
{
    (void)state;
    EXPECT("c:abcdefghi", HANDSHAKE, {C, ACK, 6, 0, "ghi", 1, 0}, {C, ACK, 3, 0, "def", 2, 0},
           {C, ACK, 0, 0, "abc", 3, 0});
}

static void an_answer_never_overtakes_its_request(void **state)
{
    (void)state;
    EXPECT("c:GETs:OKc:GOT", HANDSHAKE, {C, ACK, 3, 2, "GOT", 1, 0}, {S, ACK, 0, 3, "OK", 2, 0},
           {C, ACK, 0, 0, "GET", 3, 0});
}

static void a_shuffled_connection_with_its_syn_last_is_put_in_order(void **state)
{
    (void)state;
    EXPECT("c:GETs:OK", {S, ACK, 0, 3, "OK", 4, 0}, {C, ACK, 0, 0, "GET", 3, 0},
           {S, SYN | ACK, -1, 0, "", 2, 0}, {C, SYN, -1, 0, "", 1, 0});
}

static void a_retransmission_with_other_boundaries_is_merged(void **state)
{
    (void)state;
    const struct line lines[] = {HANDSHAKE,
                                 {C, ACK, 0, 0, "abcd", 1, 0},
                                 {C, ACK, 2, 0, "cdef", 2, 0},
                                 {C, ACK, 0, 0, "abcdefgh", 3, 0},
                                 {C, ACK, 4, 0, "efgh", 4, 0}};
    struct heard heard;
    play(&heard, &roomy, lines, sizeof lines / sizeof *lines);
    assert_string_equal(buf_text(&heard.order), "c:abcdefgh");
    assert_int_equal(counted(&heard, TRACE_REASON_RETRANSMISSION), 2 + 6 + 4);
    heard_fini(&heard);
}

static void in_an_overlap_the_bytes_seen_first_win_and_differences_are_counted(void **state)
{
    (void)state;
    const struct line lines[] = {HANDSHAKE,
                                 {C, ACK, 2, 0, "cd", 1, 0},
                                 {C, ACK, 6, 0, "gh", 2, 0},
                                 {C, ACK, 0, 0, "ABCxEFGHIJ", 3, 0}};
    struct heard heard;
    play(&heard, &roomy, lines, sizeof lines / sizeof *lines);
    assert_string_equal(buf_text(&heard.order), "c:ABcdEFghIJ");
    assert_int_equal(counted(&heard, TRACE_REASON_RETRANSMISSION), 4);
    assert_int_equal(flow_conflicting_bytes(heard.flow), 4);
    heard_fini(&heard);
}

static void sequence_numbers_wrap(void **state)
{
    (void)state;
    struct heard heard;
    heard_init(&heard);
    struct segment segment = segment_of(C, TCP_SYN, UINT32_MAX - 3, 0, "", 0);
    heard.flow = flow_start(&roomy, &sink, &heard, &segment, true);
    flow_add(heard.flow, &segment);
    segment = segment_of(C, 0, 3, 0, "ghi", 1);
    flow_add(heard.flow, &segment);
    segment = segment_of(C, 0, UINT32_MAX - 2, 0, "abcdef", 2);
    flow_add(heard.flow, &segment);
    assert_string_equal(buf_text(&heard.order), "c:abcdefghi");
    heard_fini(&heard);
}

static void a_syn_may_carry_data(void **state)
{
    (void)state;
    EXPECT("c:GET /s:OK", {C, SYN, -1, 0, "GET", 0, 0}, {S, SYN | ACK, -1, 3, "", 1, 0},
           {C, ACK, 3, 0, " /", 2, 0}, {S, ACK, 0, 5, "OK", 3, 0});
}

static void a_syn_sent_again_changes_nothing(void **state)
{
    (void)state;
    EXPECT("c:ab", HANDSHAKE, {C, SYN, -1, 0, "", 1, 0}, {C, ACK, 0, 0, "ab", 2, 0},
           {S, SYN | ACK, -1, 0, "", 3, 0});
}

static void a_second_answer_to_a_syn_counts_until_data_flows(void **state)
{
    (void)state;
    EXPECT("c:GETs:OK", {C, SYN, -1, 0, "", 0, 0}, {S, SYN | ACK, 70000, 0, "", 0, 0},
           {S, SYN | ACK, -1, 0, "", 0, 0}, {C, ACK, 0, 0, "GET", 1, 0},
           {S, SYN | ACK, 90000, 0, "", 2, 0}, {S, ACK, 0, 3, "OK", 3, 0});
}

static void keep_alive_probes_are_retransmissions(void **state)
{
    (void)state;
    const struct line lines[] = {HANDSHAKE,
                                 {C, ACK, 0, 0, "abc", 1, 0},
                                 {C, ACK, 2, 0, "", 2, 0},
                                 {C, ACK, 2, 0, "x", 3, 0},
                                 {C, ACK, 3, 0, "def", 4, 0}};
    struct heard heard;
    play(&heard, &roomy, lines, sizeof lines / sizeof *lines);
    assert_string_equal(buf_text(&heard.order), "c:abcdef");
    assert_int_equal(counted(&heard, TRACE_REASON_RETRANSMISSION), 1);
    assert_int_equal(flow_counts(heard.flow)->packets[TRACE_REASON_RETRANSMISSION], 2);
    heard_fini(&heard);
}

static void a_fin_before_its_data_waits_for_it(void **state)
{
    (void)state;
    EXPECT("c:abcd.", HANDSHAKE, {C, FIN, 2, 0, "cd", 1, 0}, {C, ACK, 0, 0, "ab", 2, 0},
           {C, FIN, 4, 0, "", 3, 0});
}

static void data_behind_a_fin_is_counted(void **state)
{
    (void)state;
    const struct line lines[] = {HANDSHAKE,
                                 {C, ACK, 3, 0, "late", 1, 0},
                                 {C, FIN, 0, 0, "ab", 2, 0},
                                 {C, ACK, 3, 0, "later", 3, 0},
                                 {C, ACK, 0, 0, "ab", 4, 0}};
    struct heard heard;
    play(&heard, &roomy, lines, sizeof lines / sizeof *lines);
    assert_string_equal(buf_text(&heard.order), "c:ab.");
    assert_int_equal(counted(&heard, TRACE_REASON_AFTER_CLOSE), 9);
    assert_int_equal(counted(&heard, TRACE_REASON_RETRANSMISSION), 2);
    heard_fini(&heard);
}

static void a_reset_closes_both_sides(void **state)
{
    (void)state;
    EXPECT("c:abc!s:!", HANDSHAKE, {C, ACK, 0, 0, "abc", 1, 0}, {S, RST, 0, 0, "", 2, 0},
           {S, RST, 0, 0, "", 3, 0});
}

static void a_reset_that_overtook_data_waits_for_it(void **state)
{
    (void)state;
    EXPECT("c:abc!s:!", HANDSHAKE, {C, RST, 3, 0, "", 1, 0}, {C, ACK, 0, 0, "abc", 2, 0});
}

static void a_reset_from_nowhere_is_not_believed(void **state)
{
    (void)state;
    EXPECT("c:abcdef", HANDSHAKE, {C, ACK, 0, 0, "abc", 1, 0}, {C, RST, 0x50000000, 0, "", 2, 0},
           {C, ACK, 3, 0, "def", 3, 0});
}

static void a_refused_connection_is_closed(void **state)
{
    (void)state;
    EXPECT("c:!s:!", {C, SYN, -1, 0, "", 0, 0}, {S, RST | ACK, -SERVER_ISN - 1, 0, "", 1, 0});
}

static void a_hole_is_given_up_when_it_was_acknowledged_and_the_grace_has_passed(void **state)
{
    (void)state;
    const struct line lines[] = {HANDSHAKE,
                                 {C, ACK, 0, 0, "ab", 1, 0},
                                 {C, ACK, 4, 0, "ef", 2, 0},
                                 {S, ACK, 0, 6, "", 10, 0}};
    struct heard heard;
    play(&heard, &roomy, lines, sizeof lines / sizeof *lines);
    flow_tick(heard.flow, 10 + SECOND_US - 1);
    assert_string_equal(buf_text(&heard.order), "c:ab");
    flow_tick(heard.flow, 10 + SECOND_US);
    assert_string_equal(buf_text(&heard.order), "c:ab<2>ef");
    assert_int_equal(flow_counts(heard.flow)->missing_bytes[TRACE_REASON_GAP], 2);
    assert_int_equal(flow_held_bytes(heard.flow), 0);
    heard_fini(&heard);
}

static void a_hole_nobody_acknowledged_waits_for_its_retransmission(void **state)
{
    (void)state;
    EXPECT("c:abcd", HANDSHAKE, {C, ACK, 2, 0, "cd", 1, 0}, {S, ACK, 0, 0, "", 2, 0},
           {S, ACK, 0, 0, "", 20 * SECOND_US, 0}, {C, ACK, 0, 0, "ab", 30 * SECOND_US, 0});
}

static void a_lost_request_is_a_gap_before_its_answer(void **state)
{
    (void)state;
    EXPECT("c:<3>s:OKc:GET", HANDSHAKE, {S, ACK, 0, 3, "OK", 1, 0},
           {C, ACK, 3, 2, "GET", 2 * SECOND_US, 0});
}

static void a_hole_is_given_up_at_the_limit_of_segments(void **state)
{
    (void)state;
    const struct flow_limits tight = {
        .max_held_bytes = 1000, .max_held_segments = 2, .gap_grace_us = SECOND_US};
    const struct line lines[] = {
        HANDSHAKE, {C, ACK, 1, 0, "b", 1, 0}, {C, ACK, 3, 0, "d", 2, 0}, {C, ACK, 5, 0, "f", 3, 0}};
    struct heard heard;
    play(&heard, &tight, lines, sizeof lines / sizeof *lines);
    assert_string_equal(buf_text(&heard.order), "c:<1>b");
    heard_fini(&heard);
}

static void a_hole_is_given_up_at_the_limit_of_bytes(void **state)
{
    (void)state;
    const struct flow_limits tight = {
        .max_held_bytes = 5, .max_held_segments = 100, .gap_grace_us = SECOND_US};
    const struct line lines[] = {
        HANDSHAKE, {C, ACK, 1, 0, "bcd", 1, 0}, {C, ACK, 6, 0, "ghi", 2, 0}};
    struct heard heard;
    play(&heard, &tight, lines, sizeof lines / sizeof *lines);
    assert_string_equal(buf_text(&heard.order), "c:<1>bcd");
    assert_int_equal(flow_held_bytes(heard.flow), 3);
    heard_fini(&heard);
}

static void bytes_cut_by_the_snaplen_are_a_gap_of_their_own_reason(void **state)
{
    (void)state;
    const struct line lines[] = {HANDSHAKE,
                                 {C, ACK, 10, 0, "kl", 1, 0},
                                 {C, ACK, 4, 0, "ef", 1, 4},
                                 {C, ACK, 0, 0, "ab", 2, 2}};
    struct heard heard;
    play(&heard, &roomy, lines, sizeof lines / sizeof *lines);
    assert_string_equal(buf_text(&heard.order), "c:ab<2>ef<4>kl");
    assert_int_equal(flow_counts(heard.flow)->missing_bytes[TRACE_REASON_SNAPLEN], 6);
    assert_int_equal(flow_counts(heard.flow)->missing_bytes[TRACE_REASON_GAP], 0);
    heard_fini(&heard);
}

static void a_capture_may_begin_in_the_middle(void **state)
{
    (void)state;
    EXPECT("c:GETs:OKc:GOT", {C, ACK, 700, 900, "GET", 0, 0}, {S, ACK, 900, 703, "OK", 1, 0},
           {C, ACK, 703, 902, "GOT", SECOND_US, 0});
}

static void a_capture_that_begins_in_the_middle_and_out_of_order_is_put_in_order(void **state)
{
    (void)state;
    EXPECT("c:GETs:OK", {S, ACK, 900, 703, "OK", 0, 0}, {C, ACK, 702, 900, "T", 1, 0},
           {C, ACK, 700, 900, "GE", 2, 0}, {S, ACK, 902, 703, "", SECOND_US, 0});
}

static void a_direction_that_is_not_captured_is_not_waited_for(void **state)
{
    (void)state;
    EXPECT("s:abcc:<40>s:defc:<40>s:ghi", {S, ACK, 900, 20, "abc", 0, 0},
           {S, ACK, 903, 20, "", SECOND_US, 0}, {S, ACK, 903, 60, "def", SECOND_US + 1, 0},
           {S, ACK, 906, 100, "ghi", SECOND_US + 2, 0});
}

static void a_client_alone_with_its_syn_is_not_held_back(void **state)
{
    (void)state;
    EXPECT("c:GETs:<80>c:GOTs:<80>c:.", {C, SYN, -1, 0, "", 0, 0}, {C, ACK, 0, 0, "GET", 1, 0},
           {C, ACK, 3, 80, "GOT", 2 * SECOND_US, 0}, {C, FIN, 6, 160, "", 2 * SECOND_US, 0});
}

static void what_an_absent_direction_was_acknowledged_is_a_gap_at_the_end_too(void **state)
{
    (void)state;
    const struct line lines[] = {{S, ACK, 900, 20, "abc", 0, 0},
                                 {S, ACK, 903, 60, "def", 1, 0},
                                 {S, ACK, 906, 100, "", 2, 0}};
    struct heard heard;
    play(&heard, &roomy, lines, sizeof lines / sizeof *lines);
    flow_finish(heard.flow, TRACE_END_OPEN, 3);
    assert_int_equal(flow_counts(heard.flow)->missing_bytes[TRACE_REASON_GAP], 80);
    heard_fini(&heard);
}

static void numbers_out_of_the_window_are_counted(void **state)
{
    (void)state;
    const struct line lines[] = {HANDSHAKE,
                                 {C, ACK, 0x48000000, 0, "stray", 1, 0},
                                 {C, ACK, -5000, 0, "older", 1, 0},
                                 {C, ACK, 0, 0, "abc", 2, 0}};
    struct heard heard;
    play(&heard, &roomy, lines, sizeof lines / sizeof *lines);
    assert_string_equal(buf_text(&heard.order), "c:abc");
    assert_int_equal(counted(&heard, TRACE_REASON_OUT_OF_WINDOW), 10);
    assert_int_equal(flow_counts(heard.flow)->packets[TRACE_REASON_OUT_OF_WINDOW], 2);
    heard_fini(&heard);
}

static void a_hole_larger_than_any_window_is_believed_when_data_goes_on_behind_it(void **state)
{
    (void)state;
    EXPECT("c:abc<1509949441>ghi", HANDSHAKE, {C, ACK, 0, 0, "abc", 1, 0},
           {C, ACK, 1509949440, 0, "ab", 2, 0}, {C, ACK, 1509949442, 0, "cd", 2, 0},
           {C, ACK, 1509949444, 0, "ghi", 2, 0});
}

static void the_end_gives_up_holes_and_closes_both_sides_once(void **state)
{
    (void)state;
    const struct line lines[] = {HANDSHAKE,
                                 {C, ACK, 3, 0, "def", 1, 0},
                                 {C, ACK, 9, 0, "jkl", 1, 0},
                                 {C, ACK, 12, 7, "", 2, 0}};
    struct heard heard;
    play(&heard, &roomy, lines, sizeof lines / sizeof *lines);
    flow_finish(heard.flow, TRACE_END_IDLE, 99);
    flow_finish(heard.flow, TRACE_END_OPEN, 100);
    assert_string_equal(buf_text(&heard.order), "c:<3>def<3>jkls:<7>c:!s:!");
    assert_int_equal(heard.end[C], TRACE_END_IDLE);
    assert_int_equal(heard.end[S], TRACE_END_IDLE);
    assert_true(flow_is_closed(heard.flow));
    heard_fini(&heard);
}

static void a_new_isn_on_the_same_ports_is_another_connection(void **state)
{
    (void)state;
    const struct line lines[] = {HANDSHAKE, {C, ACK, 0, 0, "abc", 1, 0}};
    struct heard heard;
    play(&heard, &roomy, lines, sizeof lines / sizeof *lines);
    struct segment again = segment_of(C, TCP_SYN, CLIENT_ISN, 0, "", 2);
    struct segment other = segment_of(C, TCP_SYN, CLIENT_ISN + 70000, 0, "", 2);
    assert_false(flow_is_reused_by(heard.flow, &again));
    assert_true(flow_is_reused_by(heard.flow, &other));
    struct segment answer = segment_of(S, TCP_SYN | TCP_ACK, SERVER_ISN + 9, CLIENT_ISN + 1, "", 2);
    assert_false(flow_is_reused_by(heard.flow, &answer)); /* a server that forgot its first one */
    heard_fini(&heard);
}

/*
 * The property: a conversation of random messages is cut into segments, some are sent twice with
 * other boundaries, some lost, all shuffled within a window. Whatever happens, bytes in = bytes out
 * + bytes counted, what comes out is the original outside of gaps, and with nothing lost nothing is
 * missing.
 */
enum { MAX_STREAM_BYTES = 4000, MAX_SEGMENTS = 2000 };

struct story {
    char bytes[2][MAX_STREAM_BYTES];
    uint32_t len[2];
    uint32_t isn[2];
    struct segment segments[MAX_SEGMENTS];
    size_t count;
};

struct checker {
    const struct story *story;
    char bytes[2][MAX_STREAM_BYTES];
    bool is_known[2][MAX_STREAM_BYTES];
    uint64_t at[2];
    uint64_t delivered;
    uint64_t missing;
    int closes[2];
};

static void check_data(void *owner, enum flow_side from, struct bytes data, int64_t at_us)
{
    (void)at_us;
    struct checker *checker = owner;
    assert_int_equal(checker->closes[from], 0);
    assert_true(checker->at[from] + data.len <= checker->story->len[from]);
    memcpy(checker->bytes[from] + checker->at[from], data.ptr, data.len);
    memset(checker->is_known[from] + checker->at[from], true, data.len);
    checker->at[from] += data.len;
    checker->delivered += data.len;
}

static void check_gap(void *owner, enum flow_side from, uint64_t missing_bytes, int64_t at_us)
{
    (void)at_us;
    struct checker *checker = owner;
    checker->at[from] += missing_bytes;
    checker->missing += missing_bytes;
    assert_true(checker->at[from] <= checker->story->len[from]);
}

static void check_close(void *owner, enum flow_side from, enum trace_connection_end end,
                        int64_t at_us)
{
    (void)end;
    (void)at_us;
    struct checker *checker = owner;
    assert_int_equal(checker->closes[from]++, 0);
}

/* Is what was heard the original, outside of gaps, when it begins `offset` bytes into it? */
static bool is_original_from(const struct checker *checker, int side, uint64_t offset)
{
    for (uint64_t i = 0; i < checker->at[side]; i++) {
        if (checker->is_known[side][i] &&
            checker->bytes[side][i] != checker->story->bytes[side][offset + i])
            return false;
    }
    return true;
}

/* Without a SYN in time a stream may begin anywhere. */
static bool is_original(const struct checker *checker, int side, bool begins_with_syn)
{
    uint64_t last = begins_with_syn ? 0 : checker->story->len[side] - checker->at[side];
    for (uint64_t offset = 0; offset <= last; offset++) {
        if (is_original_from(checker, side, offset))
            return true;
    }
    return false;
}

static const struct flow_sink checking_sink = {check_data, check_gap, check_close};

static void tell(struct story *story, enum flow_side from, uint8_t flags, uint32_t at,
                 uint32_t peer_at, uint32_t len)
{
    assert_true(story->count < MAX_SEGMENTS);
    struct segment segment = segment_of(from, flags, story->isn[from] + 1 + at,
                                        story->isn[!from] + 1 + peer_at, "", (int64_t)story->count);
    segment.payload = bytes_make(story->bytes[from] + (len ? at : 0), len);
    story->segments[story->count++] = segment;
}

/* Messages in turn, each cut at random; with repeats, stretches are sent again with other
 * boundaries. */
static void story_write(struct story *story, struct random *random, bool has_repeats)
{
    story->count = 0;
    for (int side = 0; side < 2; side++) {
        story->len[side] = 0;
        story->isn[side] = (uint32_t)random_u64(random);
        if (random_below(random, 3) == 0)
            story->isn[side] = UINT32_MAX - (uint32_t)random_below(random, 2000);
        for (int i = 0; i < MAX_STREAM_BYTES; i++)
            story->bytes[side][i] = (char)random_u64(random);
    }
    tell(story, C, TCP_SYN, UINT32_MAX, 0, 0);
    tell(story, S, TCP_SYN | TCP_ACK, UINT32_MAX, 0, 0);
    enum flow_side from = FLOW_CLIENT;
    for (uint64_t messages = 1 + random_below(random, 6); messages > 0; messages--) {
        uint32_t begin = story->len[from];
        uint32_t end = begin + 1 + (uint32_t)random_below(random, 600);
        uint32_t peer_at = story->len[!from];
        for (uint32_t at = begin; at < end;) {
            uint32_t len = 1 + (uint32_t)random_below(random, 80);
            len = len < end - at ? len : end - at;
            tell(story, from, TCP_ACK, at, peer_at, len);
            at += len;
            if (has_repeats && random_below(random, 5) == 0) {
                uint32_t again = (uint32_t)random_below(random, at);
                uint32_t most = at - again < 200 ? at - again : 200;
                tell(story, from, TCP_ACK, again, peer_at,
                     1 + (uint32_t)random_below(random, most));
            }
        }
        story->len[from] = end;
        from = from == FLOW_CLIENT ? FLOW_SERVER : FLOW_CLIENT;
    }
    for (int side = 0; side < 2; side++)
        tell(story, (enum flow_side)side, TCP_FIN | TCP_ACK, story->len[side], story->len[!side],
             0);
}

/* From the segment `first` on. */
static void story_shuffle(struct story *story, struct random *random, size_t first,
                          uint64_t distance)
{
    for (size_t i = first; i + 1 < story->count && distance > 0; i++) {
        size_t j = i + random_below(random, distance);
        if (j >= story->count)
            j = story->count - 1;
        struct segment swapped = story->segments[i];
        story->segments[i] = story->segments[j];
        story->segments[j] = swapped;
    }
}

static void story_lose(struct story *story, struct random *random, size_t first, uint64_t one_in)
{
    size_t kept = first;
    for (size_t i = first; i < story->count; i++) {
        if (random_below(random, one_in) != 0)
            story->segments[kept++] = story->segments[i];
    }
    story->count = kept;
}

struct outcome {
    uint64_t seen;
    uint64_t delivered;
    uint64_t missing;
    uint64_t counted;
    bool is_original;
};

static struct outcome story_play(const struct story *story, const struct flow_limits *limits,
                                 int64_t step_us, bool begins_with_syn)
{
    struct checker checker = {.story = story};
    struct outcome outcome = {0};
    bool is_client = story->count > 0 && story->segments[0].source.port != 80;
    if (story->count == 0)
        return outcome;
    struct flow *flow =
        flow_start(limits, &checking_sink, &checker, &story->segments[0], is_client);
    for (size_t i = 0; i < story->count; i++) {
        /* A copy that ends where the payload ends: reading beyond it is found by the sanitizer. */
        struct segment segment = story->segments[i];
        segment.at_us = (int64_t)i * step_us;
        char *copy = malloc(segment.payload.len + 1);
        memcpy(copy, segment.payload.ptr, segment.payload.len);
        segment.payload.ptr = copy;
        outcome.seen += segment.payload.len;
        assert_int_equal(flow_add(flow, &segment), 0);
        free(copy);
        assert_true(flow_held_bytes(flow) <= limits->max_held_bytes);
    }
    flow_finish(flow, TRACE_END_OPEN, 0);
    assert_int_equal(flow_held_bytes(flow), 0);
    assert_int_equal(checker.closes[0] + checker.closes[1], 2);
    outcome.is_original =
        is_original(&checker, C, begins_with_syn) && is_original(&checker, S, begins_with_syn);
    outcome.delivered = checker.delivered;
    outcome.missing = checker.missing;
    outcome.counted = counted_bytes(flow);
    flow_free(flow);
    return outcome;
}

static void no_byte_is_lost_silently_whatever_the_order(void **state)
{
    (void)state;
    static struct story story;
    for (uint64_t seed = 0; seed < 6000; seed++) {
        struct random random;
        random_init(&random, 20260, seed);
        story_write(&story, &random, true);
        bool is_lossy = random_below(&random, 2);
        bool begins_with_syn = random_below(&random, 2);
        size_t first = begins_with_syn ? 2 : 0;
        if (is_lossy)
            story_lose(&story, &random, first, 3 + random_below(&random, 20));
        story_shuffle(&story, &random, first, random_below(&random, 40));
        struct flow_limits limits = roomy;
        if (random_below(&random, 3) == 0) {
            limits.max_held_segments = random_below(&random, 10);
            limits.max_held_bytes = random_below(&random, 500);
        }
        bool is_tight = limits.max_held_bytes != roomy.max_held_bytes;
        int64_t step_us = (int64_t)random_below(&random, 2) * SECOND_US / 8;
        struct outcome outcome = story_play(&story, &limits, step_us, begins_with_syn);
        if (outcome.seen != outcome.delivered + outcome.counted)
            fail_msg("seed %d: %d in, %d out, %d counted", (int)seed, (int)outcome.seen,
                     (int)outcome.delivered, (int)outcome.counted);
        if (!outcome.is_original)
            fail_msg("seed %d: what came out is not what went in", (int)seed);
        if (!is_lossy && !is_tight && step_us == 0 && outcome.missing > 0)
            fail_msg("seed %d: %d bytes missing though none was lost", (int)seed,
                     (int)outcome.missing);
    }
}

/* Causality over whole conversations: messages come out in the order they were written. */
struct turn_checker {
    const struct story *story;
    uint64_t at[2];
    const uint32_t *floor[2]; /* by byte of a side: how much of the peer came before it */
};

static void check_turn(void *owner, enum flow_side from, struct bytes data, int64_t at_us)
{
    (void)at_us;
    struct turn_checker *checker = owner;
    assert_true(checker->at[!from] >= checker->floor[from][checker->at[from]]);
    checker->at[from] += data.len;
}

static void ignore_gap(void *owner, enum flow_side from, uint64_t missing_bytes, int64_t at_us)
{
    (void)owner, (void)from, (void)at_us;
    fail_msg("a gap of %llu bytes though none was lost", (unsigned long long)missing_bytes);
}

static void ignore_close(void *owner, enum flow_side from, enum trace_connection_end end,
                         int64_t at_us)
{
    (void)owner, (void)from, (void)end, (void)at_us;
}

static void shuffled_conversations_come_out_in_causal_order(void **state)
{
    (void)state;
    static struct story story;
    static uint32_t floors[2][MAX_STREAM_BYTES];
    const struct flow_sink turn_sink = {check_turn, ignore_gap, ignore_close};
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct random random;
        random_init(&random, 4711, seed);
        story_write(&story, &random, seed % 2);
        for (size_t i = story.count; i-- > 0;) { /* the first time a byte is sent says it best */
            const struct segment *segment = &story.segments[i];
            int side = segment->source.port == 80;
            uint32_t at = segment->seq - story.isn[side] - 1;
            for (uint32_t k = 0; k < segment->payload.len; k++)
                floors[side][at + k] = segment->ack - story.isn[!side] - 1;
        }
        /* A repeat carries a newer acknowledgement than its bytes: shuffled before the first
         * sending, nothing tells which came first. */
        story_shuffle(&story, &random, 0, seed % 2 ? 0 : 30);
        struct turn_checker checker = {.story = &story, .floor = {floors[0], floors[1]}};
        struct flow *flow = flow_start(&roomy, &turn_sink, &checker, &story.segments[0],
                                       story.segments[0].source.port != 80);
        for (size_t i = 0; i < story.count; i++)
            assert_int_equal(flow_add(flow, &story.segments[i]), 0);
        flow_finish(flow, TRACE_END_OPEN, 0);
        assert_int_equal(checker.at[C], story.len[C]);
        assert_int_equal(checker.at[S], story.len[S]);
        flow_free(flow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order_bytes_go_out_at_once),
        cmocka_unit_test(out_of_order_segments_are_put_in_order),
        cmocka_unit_test(an_answer_never_overtakes_its_request),
        cmocka_unit_test(a_shuffled_connection_with_its_syn_last_is_put_in_order),
        cmocka_unit_test(a_retransmission_with_other_boundaries_is_merged),
        cmocka_unit_test(in_an_overlap_the_bytes_seen_first_win_and_differences_are_counted),
        cmocka_unit_test(sequence_numbers_wrap),
        cmocka_unit_test(a_syn_may_carry_data),
        cmocka_unit_test(a_syn_sent_again_changes_nothing),
        cmocka_unit_test(a_second_answer_to_a_syn_counts_until_data_flows),
        cmocka_unit_test(keep_alive_probes_are_retransmissions),
        cmocka_unit_test(a_fin_before_its_data_waits_for_it),
        cmocka_unit_test(data_behind_a_fin_is_counted),
        cmocka_unit_test(a_reset_closes_both_sides),
        cmocka_unit_test(a_reset_that_overtook_data_waits_for_it),
        cmocka_unit_test(a_reset_from_nowhere_is_not_believed),
        cmocka_unit_test(a_refused_connection_is_closed),
        cmocka_unit_test(a_hole_is_given_up_when_it_was_acknowledged_and_the_grace_has_passed),
        cmocka_unit_test(a_hole_nobody_acknowledged_waits_for_its_retransmission),
        cmocka_unit_test(a_lost_request_is_a_gap_before_its_answer),
        cmocka_unit_test(a_hole_is_given_up_at_the_limit_of_segments),
        cmocka_unit_test(a_hole_is_given_up_at_the_limit_of_bytes),
        cmocka_unit_test(bytes_cut_by_the_snaplen_are_a_gap_of_their_own_reason),
        cmocka_unit_test(a_capture_may_begin_in_the_middle),
        cmocka_unit_test(a_capture_that_begins_in_the_middle_and_out_of_order_is_put_in_order),
        cmocka_unit_test(a_direction_that_is_not_captured_is_not_waited_for),
        cmocka_unit_test(a_client_alone_with_its_syn_is_not_held_back),
        cmocka_unit_test(what_an_absent_direction_was_acknowledged_is_a_gap_at_the_end_too),
        cmocka_unit_test(numbers_out_of_the_window_are_counted),
        cmocka_unit_test(a_hole_larger_than_any_window_is_believed_when_data_goes_on_behind_it),
        cmocka_unit_test(the_end_gives_up_holes_and_closes_both_sides_once),
        cmocka_unit_test(a_new_isn_on_the_same_ports_is_another_connection),
        cmocka_unit_test(no_byte_is_lost_silently_whatever_the_order),
        cmocka_unit_test(shuffled_conversations_come_out_in_causal_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* decode_test.c - packets of every link and tunnel to segments; lying and cut ones to reasons. */
#include "capture/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/buf.h"

/* 10.0.0.1:40000 > 10.0.0.2:80, seq 0x01020304, ack 0x05060708, PSH ACK, "abc". */
#define TCP_ABC "9c40 0050 01020304 05060708 5018 ffff 0000 0000 616263"
#define IPV4_ABC "4500 002b 1234 4000 4006 0000 0a000001 0a000002 " TCP_ABC
#define IPV6_ABC                                                                                   \
    "6000 0000 0017 06 40 20010db8000000000000000000000001 "                                       \
    "20010db8000000000000000000000002 " TCP_ABC
#define MACS "020000000001 020000000002 "
/* UDP 10.9.0.1 > 10.9.0.2, ports to be added; the lengths of IP and UDP are as the rows need. */
#define OUTER_IPV4(total, protocol)                                                                \
    "4500 " total " 0000 0000 40" protocol " 0000 0a090001 0a090002 "

static void append_hex(struct buf *out, const char *hex)
{
    int high = -1;
    for (; *hex; hex++) {
        int value = ascii_hex_value(*hex);
        if (value < 0)
            continue;
        if (high >= 0)
            buf_append_char(out, (char)(high << 4 | value));
        high = high >= 0 ? -1 : value;
    }
    assert_int_equal(high, -1);
}

/* One decoder and its packets; each packet is in a block of exactly its size. */
struct bench {
    struct decoder *decoder;
    char *block;
    struct segment segment;
};

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.decoder = decoder_new()};
    assert_non_null(bench->decoder);
}

static void bench_fini(struct bench *bench)
{
    decoder_free(bench->decoder);
    free(bench->block);
}

static enum decode_result decode_bytes(struct bench *bench, int link_type, struct bytes bytes,
                                       size_t wire_bytes, int64_t at_us)
{
    free(bench->block);
    bench->block = malloc(bytes.len ? bytes.len : 1);
    memcpy(bench->block, bytes.ptr, bytes.len);
    const struct packet packet = {.captured = bytes_make(bench->block, bytes.len),
                                  .wire_bytes = (uint32_t)wire_bytes,
                                  .link_type = link_type};
    memset(&bench->segment, 0xee, sizeof bench->segment);
    return decode_packet(bench->decoder, &packet, at_us, &bench->segment);
}

static enum decode_result decode_hex(struct bench *bench, int link_type, const char *hex)
{
    struct buf bytes = BUF_INIT(1 << 17);
    append_hex(&bytes, hex);
    enum decode_result result = decode_bytes(bench, link_type, buf_bytes(&bytes), bytes.len, 0);
    buf_fini(&bytes);
    return result;
}

static void assert_is_abc(const struct segment *segment, bool is_ipv6)
{
    char source[NET_ADDRESS_TEXT_BYTES], destination[NET_ADDRESS_TEXT_BYTES];
    assert_string_equal(net_address_format(&segment->source, source),
                        is_ipv6 ? "2001:db8::1" : "10.0.0.1");
    assert_string_equal(net_address_format(&segment->destination, destination),
                        is_ipv6 ? "2001:db8::2" : "10.0.0.2");
    assert_int_equal(segment->source.port, 40000);
    assert_int_equal(segment->destination.port, 80);
    assert_int_equal(segment->seq, 0x01020304);
    assert_int_equal(segment->ack, 0x05060708);
    assert_int_equal(segment->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK), TCP_ACK);
    assert_int_equal(segment->payload.len, 3);
    assert_memory_equal(segment->payload.ptr, "abc", 3);
    assert_int_equal(segment->missing_bytes, 0);
}

struct row {
    const char *name;
    int link_type;
    const char *hex;
    bool is_ipv6;
    bool has_path; /* an id on the way keeps it apart from equal addresses */
};

static const struct row rows[] = {
    {"Ethernet", LINK_ETHERNET, MACS "0800" IPV4_ABC, false, false},
    {"Ethernet, IPv6", LINK_ETHERNET, MACS "86dd" IPV6_ABC, true, false},
    {"Ethernet padding", LINK_ETHERNET, MACS "0800" IPV4_ABC "000000000000", false, false},
    {"VLAN", LINK_ETHERNET, MACS "8100 0064 0800" IPV4_ABC, false, true},
    {"priority tag", LINK_ETHERNET, MACS "8100 e000 0800" IPV4_ABC, false, false},
    {"802.1ad", LINK_ETHERNET, MACS "88a8 0064 8100 0065 0800" IPV4_ABC, false, true},
    {"QinQ 0x9100", LINK_ETHERNET, MACS "9100 0064 8100 0065 86dd" IPV6_ABC, true, true},
    {"802.3 with SNAP", LINK_ETHERNET, MACS "0033 aaaa03000000 0800" IPV4_ABC, false, false},
    {"MPLS, two labels", LINK_ETHERNET, MACS "8847 00010040 00011140" IPV4_ABC, false, false},
    {"MPLS pseudowire", LINK_ETHERNET, MACS "8847 00011140 00000000" MACS "0800" IPV4_ABC, false,
     false},
    {"PPPoE", LINK_ETHERNET, MACS "8864 11 00 0007 002d 0021" IPV4_ABC, false, true},
    {"cooked v1", LINK_LINUX_SLL, "0000 0304 0006 000000000000 0000 0800" IPV4_ABC, false, false},
    {"cooked v1, VLAN", LINK_LINUX_SLL, "0000 0001 0006 000000000000 0000 8100 0064 0800" IPV4_ABC,
     false, true},
    {"cooked v2", LINK_LINUX_SLL2, "86dd 0000 00000001 0304 00 06 0000000000000000" IPV6_ABC, true,
     false},
    {"null, little endian", LINK_NULL, "02000000" IPV4_ABC, false, false},
    {"null, big endian", LINK_NULL, "0000001e" IPV6_ABC, true, false},
    {"loop", LINK_LOOP, "00000002" IPV4_ABC, false, false},
    {"raw", LINK_RAW, IPV4_ABC, false, false},
    {"raw of a file", LINK_RAW_FILE, IPV6_ABC, true, false},
    {"IPv4 alone", LINK_IPV4, IPV4_ABC, false, false},
    {"IPv6 alone", LINK_IPV6, IPV6_ABC, true, false},
    {"C-HDLC", LINK_C_HDLC, "0f00 0800" IPV4_ABC, false, false},
    {"PPP", LINK_PPP, "ff03 0021" IPV4_ABC, false, false},
    {"PPP, compressed", LINK_PPP, "57" IPV6_ABC, true, false},
    {"NFLOG", LINK_NFLOG, "02 00 0000 0800 0100 00000000 0500 0a00 61000000 2f00 0900" IPV4_ABC,
     false, false},
    {"options", LINK_RAW, "4600 002f 1234 4000 4006 0000 0a000001 0a000002 01010100" TCP_ABC, false,
     false},
    {"IPv6 extension headers", LINK_RAW,
     "6000 0000 0027 00 40 20010db8000000000000000000000001 20010db8000000000000000000000002"
     "3c 00 010400000000  06 00 010400000000" TCP_ABC,
     true, false},
    {"IPv6 atomic fragment", LINK_RAW,
     "6000 0000 001f 2c 40 20010db8000000000000000000000001 20010db8000000000000000000000002"
     "06 00 0000 00000001" TCP_ABC,
     true, false},
    {"authentication header", LINK_RAW,
     "4500 0043 1234 4000 4033 0000 0a000001 0a000002"
     "06 04 0000 00000001 00000001 000000000000000000000000" TCP_ABC,
     false, false},
    {"total length 0 (offload)", LINK_RAW,
     "4500 0000 1234 4000 4006 0000 0a000001 0a000002" TCP_ABC, false, false},
    {"IP in IP", LINK_RAW, OUTER_IPV4("003f", "04") IPV4_ABC, false, false},
    {"6in4", LINK_RAW, OUTER_IPV4("0053", "29") IPV6_ABC, true, false},
    {"GRE", LINK_RAW, OUTER_IPV4("0043", "2f") "0000 0800" IPV4_ABC, false, false},
    {"GRE with checksum, key, sequence", LINK_RAW,
     OUTER_IPV4("004f", "2f") "b000 0800 00000000 00000007 00000001" IPV4_ABC, false, true},
    {"GRE, Ethernet", LINK_RAW, OUTER_IPV4("0051", "2f") "0000 6558" MACS "0800" IPV4_ABC, false,
     false},
    {"ERSPAN", LINK_RAW,
     OUTER_IPV4("005d", "2f") "1000 88be 00000001 1001000100000000" MACS "0800" IPV4_ABC, false,
     false},
    {"PPTP", LINK_RAW, OUTER_IPV4("004d", "2f") "3001 880b 002d0001 00000001 0021" IPV4_ABC, false,
     false},
    {"VXLAN", LINK_RAW,
     OUTER_IPV4("005d", "11") "c000 12b5 0049 0000 08000000 00006400" MACS "0800" IPV4_ABC, false,
     true},
    {"VXLAN, Linux's old port", LINK_RAW,
     OUTER_IPV4("005d", "11") "c000 2118 0049 0000 08000000 00006400" MACS "0800" IPV4_ABC, false,
     true},
    {"Geneve", LINK_RAW,
     OUTER_IPV4("0061", "11") "c000 17c1 004d 0000 0100 6558 00006400 00000000" MACS
                              "0800" IPV4_ABC,
     false, true},
};

static void every_link_and_tunnel_leads_to_the_segment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench bench;
        bench_init(&bench);
        if (decode_hex(&bench, rows[i].link_type, rows[i].hex) != DECODE_SEGMENT)
            fail_msg("%s: no segment", rows[i].name);
        assert_is_abc(&bench.segment, rows[i].is_ipv6);
        if ((bench.segment.path_id != 0) != rows[i].has_path)
            fail_msg("%s: path id %08x", rows[i].name, bench.segment.path_id);
        assert_true(decode_knows_link(rows[i].link_type));
        bench_fini(&bench);
    }
}

/* Cut anywhere, a packet is a shorter segment or counted; it is never read beyond its end. */
static void a_packet_cut_by_the_snaplen_says_what_is_missing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf bytes = BUF_INIT(1 << 16);
        append_hex(&bytes, rows[i].hex);
        for (size_t len = 0; len < bytes.len; len++) {
            struct bench bench;
            bench_init(&bench);
            enum decode_result result =
                decode_bytes(&bench, rows[i].link_type, bytes_make(bytes.data, len), bytes.len, 0);
            const struct ledger_counts *counts = decoder_counts(bench.decoder);
            if (result == DECODE_SEGMENT)
                assert_int_equal(bench.segment.payload.len + bench.segment.missing_bytes, 3);
            else
                assert_int_equal(counts->packets[TRACE_REASON_SNAPLEN] +
                                     counts->packets[TRACE_REASON_NOT_TCP],
                                 1);
            bench_fini(&bench);
        }
        buf_fini(&bytes);
    }
}

static void damaged_packets_never_count_more_than_was_captured(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    uint64_t packets = 0, segments = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf bytes = BUF_INIT(1 << 16);
        append_hex(&bytes, rows[i].hex);
        for (size_t at = 0; at < bytes.len * 8; at++) {
            bytes.data[at / 8] = (char)(bytes.data[at / 8] ^ 1 << at % 8);
            packets++;
            if (decode_bytes(&bench, rows[i].link_type, buf_bytes(&bytes), bytes.len, 0) ==
                DECODE_SEGMENT) {
                segments++;
                assert_true(bench.segment.payload.len + bench.segment.missing_bytes <= bytes.len);
                assert_int_equal(bench.segment.missing_bytes, 0);
            }
            bytes.data[at / 8] = (char)(bytes.data[at / 8] ^ 1 << at % 8);
        }
        buf_fini(&bytes);
    }
    decoder_finish(bench.decoder);
    const struct ledger_counts *counts = decoder_counts(bench.decoder);
    uint64_t accounted = segments + decoder_joined_packets(bench.decoder);
    for (int i = 0; i < TRACE_REASON_COUNT; i++)
        accounted += counts->packets[i];
    assert_int_equal(accounted, packets);
    bench_fini(&bench);
}

static void what_is_no_segment_is_counted_under_its_reason(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int link_type;
        const char *hex;
        enum trace_reason reason;
    } cases[] = {
        {"ARP", LINK_ETHERNET, MACS "0806 0001", TRACE_REASON_NOT_TCP},
        {"spanning tree", LINK_ETHERNET, MACS "0026 424203 000000", TRACE_REASON_NOT_TCP},
        {"LLDP", LINK_ETHERNET, MACS "88cc 00", TRACE_REASON_NOT_TCP},
        {"UDP", LINK_RAW, OUTER_IPV4("001e", "11") "c000 0035 000a 0000 0000",
         TRACE_REASON_NOT_TCP},
        {"not VXLAN on its port", LINK_RAW,
         OUTER_IPV4("0024", "11") "c000 12b5 0010 0000 ff000000 00006400", TRACE_REASON_NOT_TCP},
        {"ICMP", LINK_RAW, OUTER_IPV4("0016", "01") "0800", TRACE_REASON_NOT_TCP},
        {"unknown ethertype", LINK_ETHERNET, MACS "1234 0000", TRACE_REASON_UNKNOWN_LINK},
        {"unknown link", 147, "00", TRACE_REASON_UNKNOWN_LINK},
        {"IP version 5", LINK_RAW, "5500 0000", TRACE_REASON_BAD_PACKET},
        {"header of 16 bytes", LINK_RAW, "4400 0028 0000 0000 4006 0000 0a000001 0a000002",
         TRACE_REASON_BAD_PACKET},
        {"longer than the packet", LINK_RAW,
         "4500 1000 0000 0000 4006 0000 0a000001 0a000002" TCP_ABC, TRACE_REASON_BAD_PACKET},
        {"TCP header of 16 bytes", LINK_RAW,
         OUTER_IPV4("0028", "06") "9c40 0050 01020304 05060708 4018 ffff 0000 0000",
         TRACE_REASON_BAD_PACKET},
        {"TCP header beyond the end", LINK_RAW,
         OUTER_IPV4("0028", "06") "9c40 0050 01020304 05060708 6018 ffff 0000 0000",
         TRACE_REASON_BAD_PACKET},
        {"PPPoE longer than the frame", LINK_ETHERNET, MACS "8864 11 00 0007 0fff 0021" IPV4_ABC,
         TRACE_REASON_BAD_PACKET},
        {"an empty packet", LINK_ETHERNET, "", TRACE_REASON_BAD_PACKET},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench bench;
        bench_init(&bench);
        assert_int_equal(decode_hex(&bench, cases[i].link_type, cases[i].hex), DECODE_COUNTED);
        const struct ledger_counts *counts = decoder_counts(bench.decoder);
        if (counts->packets[cases[i].reason] != 1)
            fail_msg("%s: not counted as %d", cases[i].name, cases[i].reason);
        bench_fini(&bench);
    }
}

static void tunnels_in_tunnels_end(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT(1 << 16);
    struct bench bench;
    bench_init(&bench);
    for (int i = 0; i < 40; i++)
        append_hex(&bytes, OUTER_IPV4("0000", "04"));
    assert_int_equal(decode_bytes(&bench, LINK_RAW, buf_bytes(&bytes), bytes.len, 0),
                     DECODE_COUNTED);
    assert_int_equal(decoder_counts(bench.decoder)->packets[TRACE_REASON_BAD_PACKET], 1);
    bench_fini(&bench);
    buf_fini(&bytes);
}

static void ids_keep_equal_addresses_apart(void **state)
{
    (void)state;
    const char *const packets[] = {
        MACS "0800" IPV4_ABC, MACS "8100 0064 0800" IPV4_ABC, MACS "8100 0065 0800" IPV4_ABC,
        MACS "8100 0064 8100 0065 0800" IPV4_ABC, MACS "8100 0065 8100 0064 0800" IPV4_ABC};
    uint32_t ids[5];
    struct bench bench;
    bench_init(&bench);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(decode_hex(&bench, LINK_ETHERNET, packets[i]), DECODE_SEGMENT);
        ids[i] = bench.segment.path_id;
        for (int j = 0; j < i; j++)
            assert_int_not_equal(ids[i], ids[j]);
    }
    bench_fini(&bench);
}

/* "abcdefgh...": a TCP header of 20 bytes and 20 of payload, in fragments of 16, 16 and 8. */
#define FRAGMENT(total, flags_offset)                                                              \
    "4500 " total " 0042 " flags_offset " 4006 0000 0a000001 0a000002 "
static const char *const fragments[] = {
    FRAGMENT("0024", "2000") "9c40 0050 01020304 05060708 5018 ffff",
    FRAGMENT("0024", "2002") "0000 0000 6162636465666768696a6b6c",
    FRAGMENT("001c", "0004") "6d6e6f7071727374",
};

static void fragments_in_any_order_make_the_segment(void **state)
{
    (void)state;
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (int i = 0; i < 6; i++) {
        struct bench bench;
        bench_init(&bench);
        assert_int_equal(decode_hex(&bench, LINK_RAW, fragments[orders[i][0]]), DECODE_HELD);
        assert_int_equal(decode_hex(&bench, LINK_RAW, fragments[orders[i][1]]), DECODE_HELD);
        assert_int_equal(decode_hex(&bench, LINK_RAW, fragments[orders[i][2]]), DECODE_SEGMENT);
        assert_int_equal(bench.segment.payload.len, 20);
        assert_memory_equal(bench.segment.payload.ptr, "abcdefghijklmnopqrst", 20);
        assert_int_equal(decoder_joined_packets(bench.decoder), 2);
        bench_fini(&bench);
    }
}

static void a_fragment_that_is_lost_is_counted(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    decode_hex(&bench, LINK_RAW, fragments[0]);
    decode_hex(&bench, LINK_RAW, fragments[2]);
    decoder_finish(bench.decoder);
    const struct ledger_counts *counts = decoder_counts(bench.decoder);
    assert_int_equal(counts->packets[TRACE_REASON_FRAGMENT_LOST], 2);
    assert_int_equal(counts->payload_bytes[TRACE_REASON_FRAGMENT_LOST], 8);
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_link_and_tunnel_leads_to_the_segment),
        cmocka_unit_test(a_packet_cut_by_the_snaplen_says_what_is_missing),
        cmocka_unit_test(damaged_packets_never_count_more_than_was_captured),
        cmocka_unit_test(what_is_no_segment_is_counted_under_its_reason),
        cmocka_unit_test(tunnels_in_tunnels_end),
        cmocka_unit_test(ids_keep_equal_addresses_apart),
        cmocka_unit_test(fragments_in_any_order_make_the_segment),
        cmocka_unit_test(a_fragment_that_is_lost_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

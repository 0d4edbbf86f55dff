/* port_filter_test.c - what the kernel's filter for --port lets pass, and what it drops. */
#include "capture/port_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pcap/pcap.h>

enum { ETHERNET_BYTES = 14, ANY = 0 };

struct row {
    const char *what;
    uint16_t ether_type;
    uint16_t fragment; /* flags and offset */
    uint8_t protocol;
    uint16_t source_port, destination_port;
    bool passes;
};

static const struct row rows[] = {
    {"to the port", 0x0800, 0, 6, 40000, 8080, true},
    {"from the port", 0x0800, 0, 6, 8080, 40000, true},
    {"the second port", 0x0800, 0, 6, 40000, 9090, true},
    {"another port", 0x0800, 0, 6, 40000, 22, false},
    {"the port, but UDP", 0x0800, 0, 17, 40000, 8080, false},
    {"a later fragment", 0x0800, 0x00b9, 6, ANY, ANY, true},
    {"VXLAN", 0x0800, 0, 17, 40000, 4789, true},
    {"GRE", 0x0800, 0, 47, ANY, ANY, true},
    {"an inner VLAN tag", 0x8100, 0, 6, ANY, ANY, true},
    {"MPLS", 0x8847, 0, 6, ANY, ANY, true},
    {"PPPoE", 0x8864, 0, 6, ANY, ANY, true},
    {"ARP", 0x0806, 0, 0, ANY, ANY, false},
};

static void put_u16(unsigned char *at, uint16_t value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

/* Ethernet, IPv4 without options, and the two ports. */
static void build(const struct row *row, unsigned char packet[64])
{
    unsigned char *ip = packet + ETHERNET_BYTES;
    memset(packet, 0, 64);
    put_u16(packet + 12, row->ether_type);
    ip[0] = 0x45;
    put_u16(ip + 2, 50);
    put_u16(ip + 6, row->fragment);
    ip[9] = row->protocol;
    put_u16(ip + 20, row->source_port);
    put_u16(ip + 22, row->destination_port);
}

static bool passes(int link_type, const char *filter, const unsigned char *packet)
{
    pcap_t *pcap = pcap_open_dead(link_type, 65535);
    struct bpf_program program;
    struct pcap_pkthdr header = {.caplen = 50, .len = 50};
    assert_non_null(pcap);
    if (pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN))
        fail_msg("%s: %s", filter, pcap_geterr(pcap));
    bool result = pcap_offline_filter(&program, &header, packet) != 0;
    pcap_freecode(&program);
    pcap_close(pcap);
    return result;
}

static void each_row_passes_or_is_dropped(void **state)
{
    static const uint16_t ports[] = {8080, 9090};
    struct buf filter = BUF_INIT(4096);
    (void)state;
    assert_int_equal(port_filter_append(&filter, ports, 2, true), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char packet[64];
        build(&rows[i], packet);
        if (passes(DLT_EN10MB, buf_text(&filter), packet) != rows[i].passes)
            fail_msg("%s: %s", rows[i].what, rows[i].passes ? "dropped" : "let through");
    }
    buf_fini(&filter);
}

static void a_link_without_ethernet_has_a_filter_too(void **state)
{
    static const uint16_t ports[] = {8080};
    struct buf filter = BUF_INIT(4096);
    unsigned char packet[64];
    (void)state;
    assert_int_equal(port_filter_append(&filter, ports, 1, false), 0);
    build(&rows[0], packet);
    assert_true(passes(DLT_RAW, buf_text(&filter), packet + ETHERNET_BYTES));
    build(&rows[3], packet);
    assert_false(passes(DLT_RAW, buf_text(&filter), packet + ETHERNET_BYTES));
    buf_fini(&filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_passes_or_is_dropped),
        cmocka_unit_test(a_link_without_ethernet_has_a_filter_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

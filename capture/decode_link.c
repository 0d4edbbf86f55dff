/* decode_link.c - what is below IP: Ethernet and its tags, cooked captures, PPP, loopback, NFLOG.
 */
#include "capture/decode_walk.h"

enum ethertype {
    ETHERTYPE_MIN = 0x0600, /* below: an IEEE 802.3 length */
    ETHERTYPE_TRANSPARENT_BRIDGING = 0x6558,
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_ARP = 0x0806,
    ETHERTYPE_RARP = 0x8035,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_FLOW_CONTROL = 0x8808,
    ETHERTYPE_SLOW_PROTOCOLS = 0x8809,
    ETHERTYPE_PPP = 0x880b,
    ETHERTYPE_MPLS = 0x8847,
    ETHERTYPE_MPLS_MULTICAST = 0x8848,
    ETHERTYPE_PPPOE_DISCOVERY = 0x8863,
    ETHERTYPE_PPPOE_SESSION = 0x8864,
    ETHERTYPE_EAPOL = 0x888e,
    ETHERTYPE_PROVIDER_BRIDGE = 0x88a8,
    ETHERTYPE_LLDP = 0x88cc,
    ETHERTYPE_LOOPBACK = 0x9000,
    ETHERTYPE_QINQ_OLD = 0x9100,
    ETHERTYPE_QINQ_OLDER = 0x9200
};

enum { PPP_IPV4 = 0x0021, PPP_IPV6 = 0x0057, PPP_MPLS = 0x0281, PPP_FIRST_CONTROL = 0x4000 };

/* Linux device types (ARPHRD_) whose packets are not what the protocol field says. */
enum { DEVICE_IPGRE = 778, DEVICE_NETLINK = 824 };

/* Only behind walk_has(4): the tag, and the ethertype behind it. */
static uint16_t walk_vlan(struct walk *walk)
{
    uint32_t vlan_id = read_u16(walk->at) & 0x0fffU;
    uint16_t type = read_u16(walk->at + 2);
    if (vlan_id != 0) /* 0: a priority, no VLAN (IEEE 802.1Q 9.6) */
        walk_enter_path(walk, WALK_PATH_VLAN, vlan_id);
    walk_skip(walk, 4);
    return type;
}

/* RFC 3032. Nothing says what is inside: its first nibble does (RFC 4385 section 3). */
static int walk_mpls(struct walk *walk)
{
    bool is_last = false;
    while (!is_last) {
        if (!walk_has(walk, 4))
            return walk_short(walk, 4);
        is_last = walk->at[2] & 1;
        walk_skip(walk, 4);
    }
    if (!walk_has(walk, 4))
        return walk_short(walk, 4);
    switch (walk->at[0] >> 4) {
    case 4:
    case 6:
        return walk_ip(walk);
    case 0: /* a pseudowire's control word */
        walk_skip(walk, 4);
        return walk_ethernet(walk);
    default:
        return TRACE_REASON_UNKNOWN_LINK;
    }
}

/* RFC 1661; address and control field and the protocol's first byte may be left out. */
int walk_ppp(struct walk *walk)
{
    if (walk_has(walk, 2) && walk->at[0] == 0xff && walk->at[1] == 0x03)
        walk_skip(walk, 2);
    if (!walk_has(walk, 2))
        return walk_short(walk, 2);
    uint16_t protocol = walk->at[0] & 1 ? walk->at[0] : read_u16(walk->at);
    walk_skip(walk, walk->at[0] & 1 ? 1 : 2);
    switch (protocol) {
    case PPP_IPV4:
    case PPP_IPV6:
        return walk_ip(walk);
    case PPP_MPLS:
        return walk_mpls(walk);
    default:
        return protocol >= PPP_FIRST_CONTROL ? TRACE_REASON_NOT_TCP : TRACE_REASON_UNKNOWN_LINK;
    }
}

/* RFC 2516 section 4. */
static int walk_pppoe(struct walk *walk)
{
    if (!walk_has(walk, 6))
        return walk_short(walk, 6);
    uint32_t payload_bytes = read_u16(walk->at + 4);
    if (walk->at[1] != 0 || payload_bytes > walk->wire - 6)
        return TRACE_REASON_BAD_PACKET;
    walk_enter_path(walk, WALK_PATH_PPPOE, read_u16(walk->at + 2));
    walk_skip(walk, 6);
    walk_limit(walk, payload_bytes);
    return walk_ppp(walk);
}

/* IEEE 802.2: only a SNAP header without an organisation (RFC 1042) carries an ethertype. */
static int walk_llc(struct walk *walk)
{
    static const uint8_t snap[6] = {0xaa, 0xaa, 0x03, 0, 0, 0};
    if (!walk_has(walk, 8) || memcmp(walk->at, snap, sizeof snap) != 0)
        return TRACE_REASON_NOT_TCP;
    uint16_t type = read_u16(walk->at + 6);
    walk_skip(walk, 8);
    return type < ETHERTYPE_MIN ? TRACE_REASON_NOT_TCP : walk_ethertype(walk, type);
}

int walk_ethertype(struct walk *walk, uint16_t type)
{
    while (type == ETHERTYPE_VLAN || type == ETHERTYPE_PROVIDER_BRIDGE ||
           type == ETHERTYPE_QINQ_OLD || type == ETHERTYPE_QINQ_OLDER) {
        if (!walk_has(walk, 4))
            return walk_short(walk, 4);
        type = walk_vlan(walk);
    }
    if (type < ETHERTYPE_MIN)
        return walk_llc(walk);
    switch (type) {
    case ETHERTYPE_IPV4:
    case ETHERTYPE_IPV6:
        return walk_ip(walk);
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST:
        return walk_mpls(walk);
    case ETHERTYPE_PPPOE_SESSION:
        return walk_pppoe(walk);
    case ETHERTYPE_PPP:
        return walk_ppp(walk);
    case ETHERTYPE_TRANSPARENT_BRIDGING:
        return walk_ethernet(walk);
    case ETHERTYPE_ARP:
    case ETHERTYPE_RARP:
    case ETHERTYPE_FLOW_CONTROL:
    case ETHERTYPE_SLOW_PROTOCOLS:
    case ETHERTYPE_PPPOE_DISCOVERY:
    case ETHERTYPE_EAPOL:
    case ETHERTYPE_LLDP:
    case ETHERTYPE_LOOPBACK:
        return TRACE_REASON_NOT_TCP;
    default:
        return TRACE_REASON_UNKNOWN_LINK;
    }
}

int walk_ethernet(struct walk *walk)
{
    if (!walk_has(walk, 14))
        return walk_short(walk, 14);
    if (++walk->depth > WALK_MAX_DEPTH)
        return TRACE_REASON_BAD_PACKET;
    uint16_t type = read_u16(walk->at + 12);
    walk_skip(walk, 14);
    return walk_ethertype(walk, type);
}

/*
 * The pseudo header of captures on "any". Packets on the loopback device pass twice there, going
 * out and coming in; libpcap leaves the first out. From files of other tools both may come: the
 * flow counts the second as a retransmission, so nothing is dropped here by direction.
 */
static int walk_cooked(struct walk *walk, uint32_t header_bytes, uint32_t protocol_at,
                       uint32_t device_at)
{
    if (!walk_has(walk, header_bytes))
        return walk_short(walk, header_bytes);
    uint16_t protocol = read_u16(walk->at + protocol_at);
    uint16_t device = read_u16(walk->at + device_at);
    walk_skip(walk, header_bytes);
    if (device == DEVICE_NETLINK)
        return TRACE_REASON_NOT_TCP;
    if (device == DEVICE_IPGRE && protocol < ETHERTYPE_MIN)
        return TRACE_REASON_UNKNOWN_LINK;
    if (protocol == 0x0001 || protocol == 0x0004) /* 802.3 without and with an 802.2 header */
        return walk_llc(walk);
    return protocol < ETHERTYPE_MIN ? TRACE_REASON_UNKNOWN_LINK : walk_ethertype(walk, protocol);
}

/* The address family, in the byte order of whoever wrote it (NULL) or the network's (LOOP). IPv6
 * has another number on every BSD. */
static int walk_family(struct walk *walk)
{
    if (!walk_has(walk, 4))
        return walk_short(walk, 4);
    uint32_t family = read_u32(walk->at);
    if (family > 0xffff)
        family = __builtin_bswap32(family);
    walk_skip(walk, 4);
    switch (family) {
    case 2:
    case 10:
    case 24:
    case 28:
    case 30:
        return walk_ip(walk);
    default:
        return family < 64 ? TRACE_REASON_NOT_TCP : TRACE_REASON_UNKNOWN_LINK;
    }
}

/* Cisco HDLC: address, control, ethertype. 0x8035 is its keep-alive. */
static int walk_hdlc(struct walk *walk)
{
    if (!walk_has(walk, 4))
        return walk_short(walk, 4);
    uint16_t type = read_u16(walk->at + 2);
    walk_skip(walk, 4);
    return type < ETHERTYPE_MIN ? TRACE_REASON_UNKNOWN_LINK : walk_ethertype(walk, type);
}

/* netfilter's log: a list of {length, type, value} in this host's byte order (libpcap swaps). */
static int walk_nflog(struct walk *walk)
{
    enum { ATTRIBUTE_PAYLOAD = 9 };
    if (!walk_has(walk, 4))
        return walk_short(walk, 4);
    walk_skip(walk, 4);
    while (walk_has(walk, 4)) {
        uint16_t attribute[2];
        memcpy(attribute, walk->at, 4);
        uint32_t attribute_bytes = attribute[0];
        if (attribute_bytes < 4)
            return TRACE_REASON_BAD_PACKET;
        if ((attribute[1] & 0x7fff) == ATTRIBUTE_PAYLOAD) {
            walk_limit(walk, attribute_bytes);
            walk_skip(walk, 4);
            return walk_ip(walk);
        }
        attribute_bytes = (attribute_bytes + 3) & ~3U;
        if (!walk_has(walk, attribute_bytes))
            return walk_short(walk, attribute_bytes);
        walk_skip(walk, attribute_bytes);
    }
    return TRACE_REASON_NOT_TCP;
}

int walk_link(struct walk *walk, int link_type)
{
    switch (link_type) {
    case LINK_ETHERNET:
        return walk_ethernet(walk);
    case LINK_LINUX_SLL:
        return walk_cooked(walk, 16, 14, 2);
    case LINK_LINUX_SLL2:
        return walk_cooked(walk, 20, 0, 8);
    case LINK_NULL:
    case LINK_LOOP:
        return walk_family(walk);
    case LINK_RAW:
    case LINK_RAW_OPENBSD:
    case LINK_RAW_FILE:
    case LINK_IPV4:
    case LINK_IPV6:
        return walk_ip(walk);
    case LINK_C_HDLC:
        return walk_hdlc(walk);
    case LINK_PPP:
    case LINK_PPP_SERIAL:
        return walk_ppp(walk);
    case LINK_PPP_ETHER:
        return walk_pppoe(walk);
    case LINK_NFLOG:
        return walk_nflog(walk);
    default:
        return TRACE_REASON_UNKNOWN_LINK;
    }
}

bool decode_knows_link(int link_type)
{
    switch (link_type) {
    case LINK_ETHERNET:
    case LINK_LINUX_SLL:
    case LINK_LINUX_SLL2:
    case LINK_NULL:
    case LINK_LOOP:
    case LINK_RAW:
    case LINK_RAW_OPENBSD:
    case LINK_RAW_FILE:
    case LINK_IPV4:
    case LINK_IPV6:
    case LINK_C_HDLC:
    case LINK_PPP:
    case LINK_PPP_SERIAL:
    case LINK_PPP_ETHER:
    case LINK_NFLOG:
        return true;
    default:
        return false;
    }
}

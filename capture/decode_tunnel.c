/*
 * decode_tunnel.c - packets inside packets: GRE (RFC 2784, 2890), PPTP's GRE (RFC 2637), ERSPAN,
 * VXLAN (RFC 7348) and Geneve (RFC 8926).
 */
#include "capture/decode_walk.h"

enum gre_flag {
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_ACKNOWLEDGEMENT = 0x0080, /* version 1 only */
    GRE_VERSION = 0x0007
};

enum {
    ETHERTYPE_ERSPAN = 0x88be,
    ETHERTYPE_ERSPAN_III = 0x22eb,
    PORT_VXLAN = 4789,
    PORT_VXLAN_LINUX = 8472, /* the kernel's default from before the port was assigned */
    PORT_GENEVE = 6081
};

/* Version 1 carries PPP; its key is a payload length and a call id, another one each way. */
static int walk_pptp(struct walk *walk, uint16_t flags, uint32_t header_bytes)
{
    if (flags & GRE_ACKNOWLEDGEMENT)
        header_bytes += 4;
    if (!walk_has(walk, header_bytes))
        return walk_short(walk, header_bytes);
    walk_skip(walk, header_bytes);
    return walk->wire == 0 ? TRACE_REASON_NOT_TCP : walk_ppp(walk);
}

int walk_gre(struct walk *walk)
{
    if (!walk_has(walk, 4))
        return walk_short(walk, 4);
    const uint8_t *header = walk->at;
    uint16_t flags = read_u16(header);
    uint16_t type = read_u16(header + 2);
    uint32_t header_bytes = 4;
    if (flags & GRE_ROUTING || (flags & GRE_VERSION) > 1)
        return TRACE_REASON_UNKNOWN_LINK;
    if (flags & GRE_CHECKSUM)
        header_bytes += 4;
    uint32_t key_at = header_bytes;
    if (flags & GRE_KEY)
        header_bytes += 4;
    if (flags & GRE_SEQUENCE)
        header_bytes += 4;
    if (flags & GRE_VERSION)
        return walk_pptp(walk, flags, header_bytes);
    if (type == ETHERTYPE_ERSPAN && flags & GRE_SEQUENCE)
        header_bytes += 8; /* type II; type I has no sequence number and no header of its own */
    if (type == ETHERTYPE_ERSPAN_III)
        header_bytes += 12;
    if (!walk_has(walk, header_bytes))
        return walk_short(walk, header_bytes);
    if (flags & GRE_KEY)
        walk_enter_path(walk, WALK_PATH_GRE, read_u32(header + key_at));
    if (type == ETHERTYPE_ERSPAN_III && header[header_bytes - 1] & 1)
        header_bytes += 8; /* the platform subheader */
    if (!walk_has(walk, header_bytes))
        return walk_short(walk, header_bytes);
    walk_skip(walk, header_bytes);
    if (type == ETHERTYPE_ERSPAN || type == ETHERTYPE_ERSPAN_III)
        return walk_ethernet(walk);
    return walk_ethertype(walk, type);
}

static int walk_vxlan(struct walk *walk)
{
    const uint8_t *header = walk->at;
    /* "I" set and all reserved bits zero: else another protocol has the port. */
    if (!walk_has(walk, 8) || read_u32(header) != 0x08000000 || header[7] != 0)
        return TRACE_REASON_NOT_TCP;
    walk_enter_path(walk, WALK_PATH_VNI, read_u32(header + 4) >> 8);
    walk_skip(walk, 8);
    return walk_ethernet(walk);
}

static int walk_geneve(struct walk *walk)
{
    const uint8_t *header = walk->at;
    if (!walk_has(walk, 8) || header[0] >> 6 != 0)
        return TRACE_REASON_NOT_TCP;
    uint32_t header_bytes = 8 + (header[0] & 0x3fU) * 4;
    if (!walk_has(walk, header_bytes))
        return walk_short(walk, header_bytes);
    walk_enter_path(walk, WALK_PATH_VNI, read_u32(header + 4) >> 8);
    walk_skip(walk, header_bytes);
    return walk_ethertype(walk, read_u16(header + 2));
}

int walk_udp(struct walk *walk)
{
    if (!walk_has(walk, 8))
        return TRACE_REASON_NOT_TCP;
    uint16_t port = read_u16(walk->at + 2);
    uint16_t datagram_bytes = read_u16(walk->at + 4);
    if (port != PORT_VXLAN && port != PORT_VXLAN_LINUX && port != PORT_GENEVE)
        return TRACE_REASON_NOT_TCP;
    if (datagram_bytes >= 8)
        walk_limit(walk, datagram_bytes);
    walk_skip(walk, 8);
    return port == PORT_GENEVE ? walk_geneve(walk) : walk_vxlan(walk);
}

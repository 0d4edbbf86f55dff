/*
 * decode_ip.c - IPv4 (RFC 791) and IPv6 (RFC 8200) headers, options and extension headers.
 */
#include <netinet/in.h>

#include "capture/decode_walk.h"

static void set_ipv4(struct net_address *address, const uint8_t *ip)
{
    memset(address, 0, sizeof *address);
    memcpy(address->ip, ip, 4);
}

static void set_ipv6(struct net_address *address, const uint8_t *ip)
{
    memcpy(address->ip, ip, 16);
    address->port = 0;
    address->is_ipv6 = 1;
    address->reserved = 0;
}

/* Hand a fragment to the table; go on with the datagram when that made it whole. */
static int walk_fragment(struct walk *walk, struct ip_fragment *fragment)
{
    struct ip_datagram datagram;
    const struct segment *segment = walk->segment;
    memcpy(fragment->key.source, segment->source.ip, 16);
    memcpy(fragment->key.destination, segment->destination.ip, 16);
    fragment->key.path_id = walk->path_id;
    fragment->payload = bytes_make(walk->at, walk->captured);
    fragment->is_cut = walk->captured < walk->wire;
    fragment->at_us = walk->at_us;
    if (!ip_fragments_add(walk_fragments(walk), fragment, &datagram))
        return WALK_HELD;
    walk_joined(walk, datagram.fragments);
    walk->at = (const uint8_t *)datagram.payload.ptr;
    walk->captured = walk->wire = (uint32_t)datagram.payload.len;
    return walk_ip_payload(walk, datagram.protocol);
}

static int walk_ipv4(struct walk *walk)
{
    if (!walk_has(walk, 20))
        return walk_short(walk, 20);
    const uint8_t *header = walk->at;
    uint32_t header_bytes = (header[0] & 0x0fU) * 4;
    uint32_t total_bytes = read_u16(header + 2);
    if (total_bytes == 0) /* segmentation offload: the card fills it in; it is all that is there */
        total_bytes = walk->wire;
    if (header_bytes < 20 || total_bytes < header_bytes || total_bytes > walk->wire)
        return TRACE_REASON_BAD_PACKET;
    if (!walk_has(walk, header_bytes))
        return walk_short(walk, header_bytes);
    walk_limit(walk, total_bytes);
    set_ipv4(&walk->segment->source, header + 12);
    set_ipv4(&walk->segment->destination, header + 16);
    walk_skip(walk, header_bytes);
    uint16_t fragment = read_u16(header + 6);
    if ((fragment & 0x3fff) == 0)
        return walk_ip_payload(walk, header[9]);
    return walk_fragment(walk, &(struct ip_fragment){
                                   .key = {.id = read_u16(header + 4), .protocol = header[9]},
                                   .protocol = header[9],
                                   .offset = (fragment & 0x1fffU) * 8,
                                   .has_more = fragment & 0x2000,
                               });
}

/* Only an atomic fragment (RFC 6946), offset 0 and nothing behind it, needs no putting together. */
static int walk_ipv6_fragment(struct walk *walk, bool *ret_is_atomic)
{
    const uint8_t *header = walk->at;
    uint16_t offset = read_u16(header + 2);
    *ret_is_atomic = (offset & 0xfff9) == 0;
    if (*ret_is_atomic)
        return 0;
    walk_skip(walk, 8);
    return walk_fragment(walk, &(struct ip_fragment){
                                   .key = {.id = read_u32(header + 4), .is_ipv6 = 1},
                                   .protocol = header[0],
                                   .offset = offset & 0xfff8U,
                                   .has_more = offset & 1,
                               });
}

static bool is_ipv6_extension(uint8_t type)
{
    switch (type) {
    case IPPROTO_HOPOPTS:
    case IPPROTO_ROUTING:
    case IPPROTO_FRAGMENT:
    case IPPROTO_DSTOPTS:
    case IPPROTO_MH:
    case 139: /* HIP, RFC 7401 */
    case 140: /* Shim6, RFC 5533 */
        return true;
    default:
        return false;
    }
}

/* Extension headers up to the payload. They end: each takes 8 bytes or more. */
static int walk_ipv6_extensions(struct walk *walk, uint8_t type)
{
    while (is_ipv6_extension(type)) {
        if (!walk_has(walk, 8))
            return walk_short(walk, 8);
        uint8_t next = walk->at[0];
        uint32_t header_bytes = 8;
        if (type == IPPROTO_FRAGMENT) {
            bool is_atomic;
            int outcome = walk_ipv6_fragment(walk, &is_atomic);
            if (!is_atomic)
                return outcome;
        } else {
            header_bytes += walk->at[1] * 8U;
        }
        if (!walk_has(walk, header_bytes))
            return walk_short(walk, header_bytes);
        walk_skip(walk, header_bytes);
        type = next;
    }
    return walk_ip_payload(walk, type);
}

static int walk_ipv6(struct walk *walk)
{
    if (!walk_has(walk, 40))
        return walk_short(walk, 40);
    const uint8_t *header = walk->at;
    uint32_t payload_bytes = read_u16(header + 4);
    if (payload_bytes == 0) /* a jumbogram (RFC 2675) or segmentation offload */
        payload_bytes = walk->wire - 40;
    if (payload_bytes > walk->wire - 40)
        return TRACE_REASON_BAD_PACKET;
    set_ipv6(&walk->segment->source, header + 8);
    set_ipv6(&walk->segment->destination, header + 24);
    walk_skip(walk, 40);
    walk_limit(walk, payload_bytes);
    return walk_ipv6_extensions(walk, header[6]);
}

int walk_ip(struct walk *walk)
{
    if (!walk_has(walk, 1))
        return walk_short(walk, 1);
    if (++walk->depth > WALK_MAX_DEPTH)
        return TRACE_REASON_BAD_PACKET;
    switch (walk->at[0] >> 4) {
    case 4:
        return walk_ipv4(walk);
    case 6:
        return walk_ipv6(walk);
    default:
        return TRACE_REASON_BAD_PACKET;
    }
}

/* RFC 4302 section 2.2: the length is in 4-byte words, less two. Not encrypted: what follows can be
 * read. */
static int walk_authentication(struct walk *walk)
{
    if (!walk_has(walk, 12))
        return walk_short(walk, 12);
    uint8_t next = walk->at[0];
    uint32_t header_bytes = (walk->at[1] + 2U) * 4;
    if (header_bytes < 12)
        return TRACE_REASON_BAD_PACKET;
    if (!walk_has(walk, header_bytes))
        return walk_short(walk, header_bytes);
    if (++walk->depth > WALK_MAX_DEPTH)
        return TRACE_REASON_BAD_PACKET;
    walk_skip(walk, header_bytes);
    return walk_ip_payload(walk, next);
}

int walk_ip_payload(struct walk *walk, uint8_t protocol)
{
    switch (protocol) {
    case IPPROTO_TCP:
        return walk_tcp(walk);
    case IPPROTO_UDP:
        return walk_udp(walk);
    case IPPROTO_IPIP:
    case IPPROTO_IPV6:
        return walk_ip(walk);
    case IPPROTO_GRE:
        return walk_gre(walk);
    case IPPROTO_AH:
        return walk_authentication(walk);
    default:
        return TRACE_REASON_NOT_TCP;
    }
}

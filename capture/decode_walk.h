/*
 * decode_walk.h - inside of the decoder: where in a packet we are, and the layers as functions.
 *
 *     link --> ethertype (VLAN, MPLS, PPPoE) --> IPv4, IPv6 --> fragments --> TCP --> segment
 *                  ^                                 ^                |
 *                  +---- Ethernet in GRE, VXLAN -----+-- GRE, IP in IP-+-- UDP: VXLAN, Geneve
 *
 * A layer takes its header off the walk and returns what the next layer returns. `captured` bytes
 * can be read; `wire` bytes were there. captured <= wire always.
 */
#ifndef REPRISE_CAPTURE_DECODE_WALK_H
#define REPRISE_CAPTURE_DECODE_WALK_H

#include "capture/decode.h"
#include "capture/ip_fragments.h"

/* How a walk ends: one of these, or the enum trace_reason it is counted under. */
enum walk_outcome { WALK_SEGMENT = -1, WALK_HELD = -2 };

struct walk {
    const uint8_t *at;
    uint32_t captured;
    uint32_t wire;
    uint32_t path_id;
    int depth; /* network layers entered */
    int64_t at_us;
    struct decoder *decoder;
    struct segment *segment;
};

/* Tunnels in tunnels: what real networks do is three deep. */
enum { WALK_MAX_DEPTH = 8 };

static inline uint16_t read_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline bool walk_has(const struct walk *walk, uint32_t bytes)
{
    return walk->captured >= bytes;
}

/* The outcome when a header of that size is not there: cut off, or a packet that lies. */
static inline int walk_short(const struct walk *walk, uint32_t bytes)
{
    return walk->wire < bytes ? TRACE_REASON_BAD_PACKET : TRACE_REASON_SNAPLEN;
}

/* Only behind walk_has(). */
static inline void walk_skip(struct walk *walk, uint32_t bytes)
{
    walk->at += bytes;
    walk->captured -= bytes;
    walk->wire -= bytes;
}

/* The layer says that it ends here: what is behind it is padding. */
static inline void walk_limit(struct walk *walk, uint32_t bytes)
{
    if (walk->wire > bytes)
        walk->wire = bytes;
    if (walk->captured > bytes)
        walk->captured = bytes;
}

/*
 * Ids that keep equal addresses apart: VLAN, PPPoE session, GRE key, VXLAN and Geneve network. MPLS
 * labels are not among them (each direction has its own), nor are tunnels without an id: behind a
 * load balancer with direct return only one direction is tunnelled.
 */
enum walk_path { WALK_PATH_VLAN = 1, WALK_PATH_PPPOE, WALK_PATH_GRE, WALK_PATH_VNI };

static inline void walk_enter_path(struct walk *walk, enum walk_path kind, uint32_t id)
{
    uint32_t hash = (walk->path_id ^ ((uint32_t)kind << 28) ^ id) * 0x9e3779b1U;
    walk->path_id = hash ^ hash >> 15;
}

/* decode_link.c */
int walk_link(struct walk *walk, int link_type);
int walk_ethernet(struct walk *walk);
int walk_ethertype(struct walk *walk, uint16_t type);
int walk_ppp(struct walk *walk);

/* decode_ip.c */
int walk_ip(struct walk *walk); /* v4 or v6 by its first nibble */
int walk_ip_payload(struct walk *walk, uint8_t protocol);

/* decode_tunnel.c */
int walk_gre(struct walk *walk);
int walk_udp(struct walk *walk); /* VXLAN and Geneve by port; else no TCP */

/* decode.c */
int walk_tcp(struct walk *walk);
struct ip_fragments *walk_fragments(struct walk *walk);
void walk_joined(struct walk *walk, uint32_t fragments);

#endif

/* ip_fragments.c - pieces of datagrams in sorted lists, found by a map, oldest datagram first. */
#include "capture/ip_fragments.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "core/map.h"

enum {
    MAX_DATAGRAM_BYTES = 65535,
    MAX_PIECES = 1024 /* a datagram: walking the list stays short; 64 KiB in 64-byte pieces */
};

struct piece {
    struct piece *next;
    uint32_t offset;
    uint32_t len;
    char data[];
};

struct datagram {
    struct ip_fragment_key key;
    struct datagram *older;
    struct datagram *newer;
    struct piece *pieces; /* sorted, no overlaps */
    size_t piece_count;
    size_t held_bytes;
    uint32_t total_bytes; /* known with the last fragment; 0 before */
    uint32_t packets;
    uint8_t protocol; /* of the fragment with offset 0, else of the first seen */
    int64_t first_us;
};

struct ip_fragments {
    struct ip_fragment_limits limits;
    struct ledger_counts *counts;
    struct map by_key;
    struct datagram *oldest;
    struct datagram *newest;
    size_t held_bytes;
    size_t held_packets;
    char whole[MAX_DATAGRAM_BYTES];
};

struct ip_fragments *ip_fragments_new(const struct ip_fragment_limits *limits,
                                      struct ledger_counts *counts)
{
    struct ip_fragments *fragments = calloc(1, sizeof *fragments);
    if (!fragments)
        return NULL;
    fragments->limits = *limits;
    fragments->counts = counts;
    map_init(&fragments->by_key);
    return fragments;
}

static struct bytes key_bytes(const struct ip_fragment_key *key)
{
    return bytes_make(key, sizeof *key);
}

/* Take it out of the table and free it; its pieces are the caller's business before that. */
static void forget(struct ip_fragments *fragments, struct datagram *datagram)
{
    map_remove(&fragments->by_key, key_bytes(&datagram->key));
    if (datagram->older)
        datagram->older->newer = datagram->newer;
    else
        fragments->oldest = datagram->newer;
    if (datagram->newer)
        datagram->newer->older = datagram->older;
    else
        fragments->newest = datagram->older;
    fragments->held_bytes -= datagram->held_bytes;
    fragments->held_packets -= datagram->packets;
    while (datagram->pieces) {
        struct piece *piece = datagram->pieces;
        datagram->pieces = piece->next;
        free(piece);
    }
    free(datagram);
}

/* UDP counts as no TCP: a tunnel in fragmented UDP that lost a fragment is not told apart. */
static bool could_carry_tcp(uint8_t protocol)
{
    return protocol == IPPROTO_TCP || protocol == IPPROTO_GRE || protocol == IPPROTO_IPIP ||
           protocol == IPPROTO_IPV6 || protocol == IPPROTO_AH;
}

/* The TCP header is no payload: take it off where the piece that holds it is here. */
static size_t tcp_header_bytes(const struct datagram *datagram)
{
    const struct piece *first = datagram->pieces;
    if (datagram->protocol != IPPROTO_TCP || !first || first->offset != 0)
        return 0;
    size_t header = first->len > 12 ? ((unsigned char)first->data[12] >> 4) * 4U : first->len;
    return header < first->len ? header : first->len;
}

/* Payload bytes are TCP's; of what cannot carry TCP only the packets are counted. */
static void count(struct ip_fragments *fragments, uint8_t protocol, enum trace_reason reason,
                  size_t packets, size_t bytes)
{
    struct ledger_counts *counts = fragments->counts;
    if (could_carry_tcp(protocol)) {
        counts->packets[reason] += packets;
        counts->payload_bytes[reason] += bytes;
    } else {
        counts->packets[TRACE_REASON_NOT_TCP] += packets;
    }
}

static void give_up(struct ip_fragments *fragments, struct datagram *datagram)
{
    count(fragments, datagram->protocol, TRACE_REASON_FRAGMENT_LOST, datagram->packets,
          datagram->held_bytes - tcp_header_bytes(datagram));
    forget(fragments, datagram);
}

void ip_fragments_finish(struct ip_fragments *fragments)
{
    while (fragments->oldest)
        give_up(fragments, fragments->oldest);
}

void ip_fragments_free(struct ip_fragments *fragments)
{
    if (!fragments)
        return;
    while (fragments->oldest)
        forget(fragments, fragments->oldest);
    map_fini(&fragments->by_key);
    free(fragments);
}

static struct datagram *datagram_start(struct ip_fragments *fragments,
                                       const struct ip_fragment *fragment)
{
    struct datagram *datagram = calloc(1, sizeof *datagram);
    if (!datagram)
        return NULL;
    datagram->key = fragment->key;
    datagram->protocol = fragment->protocol;
    datagram->first_us = fragment->at_us;
    if (map_set(&fragments->by_key, key_bytes(&datagram->key), datagram)) {
        free(datagram);
        return NULL;
    }
    datagram->older = fragments->newest;
    if (fragments->newest)
        fragments->newest->newer = datagram;
    else
        fragments->oldest = datagram;
    fragments->newest = datagram;
    return datagram;
}

/* A copy of `data` into the list at *link. */
static int insert_piece(struct ip_fragments *fragments, struct datagram *datagram,
                        struct piece **link, uint32_t offset, struct bytes data)
{
    struct piece *piece =
        datagram->piece_count < MAX_PIECES ? malloc(sizeof *piece + data.len) : NULL;
    if (!piece)
        return -1;
    piece->offset = offset;
    piece->len = (uint32_t)data.len;
    memcpy(piece->data, data.ptr, data.len);
    piece->next = *link;
    *link = piece;
    datagram->piece_count++;
    datagram->held_bytes += data.len;
    fragments->held_bytes += data.len;
    return 0;
}

/* Store what is new of `data`: bytes seen before win, *seen_bytes grows by them. Returns how many
 * there was no room for. */
static size_t insert(struct ip_fragments *fragments, struct datagram *datagram, uint32_t offset,
                     struct bytes data, size_t *seen_bytes)
{
    struct piece **link = &datagram->pieces;
    while (data.len > 0) {
        struct piece *next = *link;
        size_t used;
        if (next && next->offset <= offset) {
            uint32_t end = next->offset + next->len;
            used = end > offset ? end - offset : 0;
            if (used > data.len)
                used = data.len;
            *seen_bytes += used;
        } else {
            size_t room = next ? next->offset - offset : data.len;
            used = room < data.len ? room : data.len;
            if (insert_piece(fragments, datagram, link, offset, bytes_make(data.ptr, used)))
                return data.len;
            next = *link;
        }
        data = bytes_from(data, used);
        offset += (uint32_t)used;
        link = &next->next;
    }
    return 0;
}

static bool is_whole(const struct datagram *datagram)
{
    return datagram->total_bytes > 0 && datagram->held_bytes >= datagram->total_bytes;
}

/* Sorted, whole and never beyond the announced end (is_sane): the pieces follow each other. */
static void join(struct ip_fragments *fragments, struct datagram *datagram,
                 struct ip_datagram *ret_datagram)
{
    uint32_t at = 0;
    for (struct piece *piece = datagram->pieces; piece; piece = piece->next) {
        assert(piece->offset == at && at + piece->len <= MAX_DATAGRAM_BYTES);
        memcpy(fragments->whole + at, piece->data, piece->len);
        at += piece->len;
    }
    *ret_datagram = (struct ip_datagram){.protocol = datagram->protocol,
                                         .payload = bytes_make(fragments->whole, at),
                                         .fragments = datagram->packets};
    forget(fragments, datagram);
}

/* Numbers that cannot be: RFC 791 wants all but the last in units of 8, and an end below 64 KiB. */
static bool is_sane(const struct datagram *datagram, const struct ip_fragment *fragment)
{
    size_t end = fragment->offset + fragment->payload.len;
    if (fragment->payload.len == 0 || end > MAX_DATAGRAM_BYTES)
        return false;
    if (fragment->has_more && fragment->payload.len % 8 != 0)
        return false;
    if (datagram->total_bytes &&
        (end > datagram->total_bytes || (!fragment->has_more && end != datagram->total_bytes)))
        return false;
    if (!fragment->has_more) {
        for (const struct piece *piece = datagram->pieces; piece; piece = piece->next) {
            if (piece->offset + piece->len > end)
                return false;
        }
    }
    return true;
}

/* Make room: datagrams that are too old, then the oldest ones. */
static void make_room(struct ip_fragments *fragments, const struct ip_fragment *fragment)
{
    const struct ip_fragment_limits *limits = &fragments->limits;
    while (fragments->oldest &&
           (fragment->at_us - fragments->oldest->first_us > limits->timeout_us ||
            fragments->held_bytes + fragment->payload.len > limits->max_bytes))
        give_up(fragments, fragments->oldest);
}

/* The datagram of this fragment, a new one if need be. NULL without memory. */
static struct datagram *find(struct ip_fragments *fragments, const struct ip_fragment *fragment)
{
    struct datagram *datagram = map_get(&fragments->by_key, key_bytes(&fragment->key));
    if (datagram)
        return datagram;
    while (fragments->oldest && fragments->by_key.count >= fragments->limits.max_datagrams)
        give_up(fragments, fragments->oldest);
    return datagram_start(fragments, fragment);
}

bool ip_fragments_add(struct ip_fragments *fragments, const struct ip_fragment *fragment,
                      struct ip_datagram *ret_datagram)
{
    struct bytes payload = fragment->payload;
    make_room(fragments, fragment);
    struct datagram *datagram = fragment->is_cut ? NULL : find(fragments, fragment);
    if (!datagram) {
        count(fragments, fragment->protocol, TRACE_REASON_FRAGMENT_LOST, 1, payload.len);
        return false;
    }
    if (!is_sane(datagram, fragment)) {
        count(fragments, fragment->protocol, TRACE_REASON_BAD_PACKET, 1, payload.len);
        return false;
    }
    size_t seen_bytes = 0;
    size_t lost_bytes = insert(fragments, datagram, fragment->offset, payload, &seen_bytes);
    bool is_new = seen_bytes < payload.len;
    count(fragments, fragment->protocol, TRACE_REASON_RETRANSMISSION, is_new ? 0 : 1, seen_bytes);
    if (!is_new)
        return false;
    datagram->packets++;
    fragments->held_packets++;
    if (lost_bytes > 0) {
        count(fragments, fragment->protocol, TRACE_REASON_FRAGMENT_LOST, 0, lost_bytes);
        give_up(fragments, datagram);
        return false;
    }
    if (fragment->offset == 0)
        datagram->protocol = fragment->protocol;
    if (!fragment->has_more)
        datagram->total_bytes = (uint32_t)(fragment->offset + payload.len);
    if (!is_whole(datagram))
        return false;
    join(fragments, datagram, ret_datagram);
    return true;
}

size_t ip_fragments_count(const struct ip_fragments *fragments)
{
    return fragments->by_key.count;
}

size_t ip_fragments_held_bytes(const struct ip_fragments *fragments)
{
    return fragments->held_bytes;
}

size_t ip_fragments_held_packets(const struct ip_fragments *fragments)
{
    return fragments->held_packets;
}

/* decode.c - the decoder itself, and the last layer: TCP. */
#include "capture/decode.h"

#include <stdlib.h>

#include "capture/decode_walk.h"

/* 4096 datagrams of one MTU are 6 MiB; a full 64 KiB each is stopped by the bytes. RFC 8200 section
 * 4.5 waits 60 s, Linux 30 s: a capture has no retransmission to wait for. */
static const struct ip_fragment_limits fragment_limits = {
    .max_datagrams = 4096, .max_bytes = 16 << 20, .timeout_us = 30 * 1000000};

struct decoder {
    struct ip_fragments *fragments;
    struct ledger_counts counts;
    uint64_t joined_packets;
};

struct decoder *decoder_new(void)
{
    struct decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        return NULL;
    decoder->fragments = ip_fragments_new(&fragment_limits, &decoder->counts);
    if (!decoder->fragments) {
        free(decoder);
        return NULL;
    }
    return decoder;
}

void decoder_free(struct decoder *decoder)
{
    if (!decoder)
        return;
    ip_fragments_free(decoder->fragments);
    free(decoder);
}

struct ip_fragments *walk_fragments(struct walk *walk)
{
    return walk->decoder->fragments;
}

void walk_joined(struct walk *walk, uint32_t fragments)
{
    walk->decoder->joined_packets += fragments - 1;
}

int walk_tcp(struct walk *walk)
{
    struct ledger_counts *counts = &walk->decoder->counts;
    if (!walk_has(walk, 20)) {
        if (walk->wire >= 20)
            counts->missing_bytes[TRACE_REASON_SNAPLEN] += walk->wire - 20;
        return walk_short(walk, 20);
    }
    const uint8_t *header = walk->at;
    uint32_t header_bytes = (header[12] >> 4) * 4U;
    if (header_bytes < 20 || header_bytes > walk->wire) {
        counts->payload_bytes[TRACE_REASON_BAD_PACKET] += walk->captured - 20;
        return TRACE_REASON_BAD_PACKET;
    }
    struct segment *segment = walk->segment;
    segment->source.port = read_u16(header);
    segment->destination.port = read_u16(header + 2);
    segment->path_id = walk->path_id;
    segment->seq = read_u32(header + 4);
    segment->ack = read_u32(header + 8);
    segment->flags = header[13];
    segment->at_us = walk->at_us;
    uint32_t have = walk->captured > header_bytes ? walk->captured - header_bytes : 0;
    segment->payload = bytes_make(header + (have ? header_bytes : 0), have);
    segment->missing_bytes = walk->wire - header_bytes - have;
    return WALK_SEGMENT;
}

enum decode_result decode_packet(struct decoder *decoder, const struct packet *packet,
                                 int64_t at_us, struct segment *ret_segment)
{
    struct walk walk = {.at = (const uint8_t *)packet->captured.ptr,
                        .captured = (uint32_t)packet->captured.len,
                        .wire = packet->wire_bytes,
                        .at_us = at_us,
                        .decoder = decoder,
                        .segment = ret_segment};
    /* Some writers put a wire length of 0, or one that forgets a header that was added. */
    if (walk.wire < walk.captured)
        walk.wire = walk.captured;
    int outcome = walk_link(&walk, packet->link_type);
    if (outcome == WALK_SEGMENT)
        return DECODE_SEGMENT;
    if (outcome == WALK_HELD)
        return DECODE_HELD;
    decoder->counts.packets[outcome]++;
    return DECODE_COUNTED;
}

void decoder_finish(struct decoder *decoder)
{
    ip_fragments_finish(decoder->fragments);
}

const struct ledger_counts *decoder_counts(const struct decoder *decoder)
{
    return &decoder->counts;
}

uint64_t decoder_joined_packets(const struct decoder *decoder)
{
    return decoder->joined_packets;
}

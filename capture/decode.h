/*
 * decode.h - one packet to one TCP segment: link, network and tunnel headers taken off, nothing
 * copied.
 *
 * Link: Ethernet (802.1Q, 802.1ad, MPLS, PPPoE), Linux cooked v1 and v2, null and loopback, raw IP,
 * C-HDLC, PPP, NFLOG. Inside IPv4 and IPv6: GRE (PPTP, Ethernet bridging and ERSPAN too), VXLAN,
 * Geneve, IP in IP, 6in4; fragments are put together. Every packet ends as a segment, is kept as a
 * fragment, or is counted under a reason.
 *
 * Not done: checksums are not verified, because a capture on the sending host sees them before the
 * card fills them in. Urgent data stays in the stream where it was sent (RFC 6093 section 6): the
 * urgent pointer is not looked at.
 */
#ifndef REPRISE_CAPTURE_DECODE_H
#define REPRISE_CAPTURE_DECODE_H

#include "capture/flow.h"
#include "capture/packet.h"

enum decode_result {
    DECODE_SEGMENT, /* *ret_segment is set */
    DECODE_HELD,    /* a fragment; the one that completes its datagram brings the segment */
    DECODE_COUNTED  /* in decoder_counts() */
};

struct decoder;

/* NULL without memory. */
struct decoder *decoder_new(void);
void decoder_free(struct decoder *decoder);

/* Can packets of this link type be decoded at all? */
bool decode_knows_link(int link_type);

/* at_us: the packet's moment since t=0. The segment's payload is borrowed from the packet or, after
 * fragments, from the decoder: good until the next call. */
enum decode_result decode_packet(struct decoder *decoder, const struct packet *packet,
                                 int64_t at_us, struct segment *ret_segment);

/* The end of the capture: fragments still held are counted as lost. */
void decoder_finish(struct decoder *decoder);

/* What did not become a segment. packets in = segments + packets counted + fragments joined (+
 * those held, until decoder_finish()). */
const struct ledger_counts *decoder_counts(const struct decoder *decoder);

/* Packets that became part of another packet's datagram. */
uint64_t decoder_joined_packets(const struct decoder *decoder);

#endif

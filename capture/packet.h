/*
 * packet.h - one captured packet, as a source hands it to the decoder.
 */
#ifndef REPRISE_CAPTURE_PACKET_H
#define REPRISE_CAPTURE_PACKET_H

#include "core/bytes.h"

/* Link types that are decoded, as libpcap numbers them (pcap_datalink; the DLT_ values). */
enum link_type {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_PPP = 9,
    LINK_RAW = 12, /* what libpcap says for a file's 101 */
    LINK_RAW_OPENBSD = 14,
    LINK_PPP_SERIAL = 50,
    LINK_PPP_ETHER = 51,
    LINK_RAW_FILE = 101,
    LINK_C_HDLC = 104,
    LINK_LOOP = 108,
    LINK_LINUX_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_NFLOG = 239,
    LINK_LINUX_SLL2 = 276
};

struct packet {
    struct bytes captured; /* borrowed until the source's next call */
    uint32_t wire_bytes;   /* what was on the wire; more than captured.len: cut by the snaplen */
    int link_type;         /* enum link_type, or one that is not decoded */
    int64_t unix_us;
};

#endif

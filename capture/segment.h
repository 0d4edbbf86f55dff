/*
 * segment.h - one TCP segment as decoding hands it on: who, where in the stream, which bytes, when.
 */
#ifndef REPRISE_CAPTURE_SEGMENT_H
#define REPRISE_CAPTURE_SEGMENT_H

#include "core/bytes.h"

enum tcp_flag { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10 };

struct net_address {
    uint8_t ip[16]; /* IPv4 in the first four, the rest zero */
    uint16_t port;
    uint8_t is_ipv6;
    uint8_t reserved; /* zero, so that addresses compare as bytes */
};

struct segment {
    struct net_address source;
    struct net_address destination;
    uint32_t path_id; /* VLAN and tunnel it came through: equal addresses on different ones are
                         different flows */
    uint32_t seq;
    uint32_t ack; /* meaningful with TCP_ACK */
    uint8_t flags;
    struct bytes payload;   /* borrowed from the packet */
    uint32_t missing_bytes; /* payload cut off behind it by the snapshot length */
    int64_t at_us;          /* since t=0 */
};

/* "127.0.0.1" or "::1" into out, returned. */
#define NET_ADDRESS_TEXT_BYTES 46
char *net_address_format(const struct net_address *address, char out[NET_ADDRESS_TEXT_BYTES]);

#endif

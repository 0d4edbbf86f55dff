/*
 * decode_fuzz.c - packets of any link type: none is read beyond its end, none is unaccounted for.
 *
 * Input: packets, each as link type (1 byte, an index), cut (1 byte, captured bytes left out at the
 * end), length (2 bytes, big endian), bytes.
 */
#include <stdint.h>
#include <stdlib.h>

#include "capture/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int link_types[] = {LINK_ETHERNET,   LINK_NULL,  LINK_PPP,  LINK_RAW,
                                 LINK_C_HDLC,     LINK_LOOP,  LINK_IPV4, LINK_LINUX_SLL,
                                 LINK_LINUX_SLL2, LINK_NFLOG, LINK_IPV6, LINK_PPP_ETHER,
                                 LINK_PPP_SERIAL, 147};

enum { LINK_TYPES = sizeof link_types / sizeof *link_types };

static void check_segment(const struct segment *segment, const struct packet *packet)
{
    /* A datagram of fragments is at most 64 KiB; anything else lies in the packet. */
    size_t most = packet->wire_bytes > 65535 ? packet->wire_bytes : 65535;
    volatile unsigned char sum = 0;
    if (segment->payload.len + segment->missing_bytes > most)
        abort();
    for (size_t i = 0; i < segment->payload.len; i++) /* read it: the sanitizer watches */
        sum = (unsigned char)(sum + (unsigned char)segment->payload.ptr[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct decoder *decoder = decoder_new();
    uint64_t packets = 0, accounted = 0;
    if (!decoder)
        return 0;
    while (size >= 4) {
        size_t len = (size_t)(data[2] << 8 | data[3]);
        len = len < size - 4 ? len : size - 4;
        size_t cut = data[1] < len ? data[1] : len;
        char *block = malloc(len - cut + 1);
        if (!block)
            break;
        memcpy(block, data + 4, len - cut);
        const struct packet packet = {.captured = bytes_make(block, len - cut),
                                      .wire_bytes = (uint32_t)len,
                                      .link_type = link_types[data[0] % LINK_TYPES]};
        struct segment segment;
        packets++;
        if (decode_packet(decoder, &packet, (int64_t)packets * 1000000, &segment) ==
            DECODE_SEGMENT) {
            accounted++;
            check_segment(&segment, &packet);
        }
        free(block);
        data += 4 + len;
        size -= 4 + len;
    }
    decoder_finish(decoder);
    accounted += decoder_joined_packets(decoder);
    for (int i = 0; i < TRACE_REASON_COUNT; i++)
        accounted += decoder_counts(decoder)->packets[i];
    if (accounted != packets)
        abort();
    decoder_free(decoder);
    return 0;
}

/*
 * source_pcap.h - inside of the sources: what a file and an interface share through libpcap.
 */
#ifndef REPRISE_CAPTURE_SOURCE_PCAP_H
#define REPRISE_CAPTURE_SOURCE_PCAP_H

#include <pcap/pcap.h>
#include <signal.h>

#include "capture/source.h"

struct pcap_source {
    struct source base;
    pcap_t *pcap;
    char *name;       /* the path or the interface, for messages */
    uint64_t packets; /* given so far */
    volatile sig_atomic_t is_broken;
    int64_t broken_unix_us; /* live: when, on the packets' clock and on ours */
    uint64_t broken_at_us;
    unsigned int last_drop; /* libpcap counts in 32 bits */
    unsigned int last_interface_drop;
    struct source_stats totals;
};

/* Takes over `pcap`, closes it on failure. */
int pcap_source_new(pcap_t *pcap, const char *name, const struct source_ops *ops,
                    struct pcap_source **ret_source, struct error *err);

/* EXIT_INPUT when the link type is not decoded or the filter does not compile. */
int pcap_source_prepare(struct pcap_source *source, const char *filter, struct error *err);

/* Let the kernel drop what has none of these ports; where it cannot, nothing changes. */
void pcap_source_narrow(struct pcap_source *source, const uint16_t *ports, size_t count);

void pcap_source_packet(struct pcap_source *source, const struct pcap_pkthdr *header,
                        const unsigned char *data, struct packet *ret_packet);

void pcap_source_interrupt(struct source *source);
void pcap_source_close(struct source *source);

#endif

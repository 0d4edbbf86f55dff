/* source_pcap.c - libpcap handles as sources: filter, link type, packets, closing. */
#include "capture/source_pcap.h"

#include <stdlib.h>
#include <string.h>

#include "capture/decode.h"
#include "capture/port_filter.h"

int pcap_source_new(pcap_t *pcap, const char *name, const struct source_ops *ops,
                    struct pcap_source **ret_source, struct error *err)
{
    struct pcap_source *source = calloc(1, sizeof *source);
    char *copy = strdup(name);
    if (!source || !copy) {
        free(source);
        free(copy);
        pcap_close(pcap);
        return error_set(err, EXIT_TOOL, "%s: out of memory", name);
    }
    source->base.ops = ops;
    source->pcap = pcap;
    source->name = copy;
    *ret_source = source;
    return 0;
}

void pcap_source_close(struct source *base)
{
    struct pcap_source *source = (struct pcap_source *)base;
    pcap_close(source->pcap);
    free(source->name);
    free(source);
}

void pcap_source_interrupt(struct source *base)
{
    ((struct pcap_source *)base)->is_broken = 1;
}

static int check_link(struct pcap_source *source, struct error *err)
{
    int link_type = pcap_datalink(source->pcap);
    source->base.link_type = link_type;
    if (decode_knows_link(link_type))
        return 0;
    const char *name = pcap_datalink_val_to_name(link_type);
    return error_set(err, EXIT_INPUT,
                     "%s: link type %d (%s) is not decoded; Ethernet, Linux cooked, raw IP, "
                     "loopback, PPP, C-HDLC and NFLOG are",
                     source->name, link_type, name ? name : "no name");
}

int pcap_source_prepare(struct pcap_source *source, const char *filter, struct error *err)
{
    struct bpf_program program;
    if (check_link(source, err))
        return -1;
    if (!filter || filter[0] == '\0')
        return 0;
    if (pcap_compile(source->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN))
        return error_set(err, EXIT_INPUT, "%s: filter '%s': %s; 'man pcap-filter' has the grammar",
                         source->name, filter, pcap_geterr(source->pcap));
    int result = 0;
    if (pcap_setfilter(source->pcap, &program))
        result = error_set(err, EXIT_TOOL, "%s: filter '%s': %s", source->name, filter,
                           pcap_geterr(source->pcap));
    pcap_freecode(&program);
    return result;
}

void pcap_source_narrow(struct pcap_source *source, const uint16_t *ports, size_t count)
{
    struct bpf_program program;
    struct buf text = BUF_INIT(64 * 1024);
    bool is_compiled = false;
    for (int has_ethernet = 1; has_ethernet >= 0 && !is_compiled; has_ethernet--) {
        buf_clear(&text);
        is_compiled =
            port_filter_append(&text, ports, count, has_ethernet) == 0 &&
            pcap_compile(source->pcap, &program, buf_text(&text), 1, PCAP_NETMASK_UNKNOWN) == 0;
    }
    buf_fini(&text);
    if (!is_compiled)
        return;
    /* Should the kernel refuse, all packets come and the ports are looked at behind us. */
    pcap_setfilter(source->pcap, &program);
    pcap_freecode(&program);
}

void pcap_source_packet(struct pcap_source *source, const struct pcap_pkthdr *header,
                        const unsigned char *data, struct packet *ret_packet)
{
    source->packets++;
    *ret_packet =
        (struct packet){.captured = bytes_make(data, header->caplen),
                        .wire_bytes = header->len,
                        .link_type = source->base.link_type,
                        .unix_us = (int64_t)header->ts.tv_sec * 1000000 + header->ts.tv_usec};
}

/*
 * source_live.c - packets from an interface, through libpcap (TPACKET_V3 on Linux).
 *
 * On "any" libpcap leaves out the outgoing copy of loopback packets, so they come once, as on "lo".
 *
 * The kernel keeps the latest packets for a while before it hands them over. An interrupted source
 * gives these too, up to the moment of the interruption, so that what was on the wire before ^C is
 * in the trace.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/source_pcap.h"
#include "core/clock.h"

enum {
    SNAPLEN_BYTES = 262144, /* libpcap's own maximum: nothing is cut, offloaded segments included */
    DEFAULT_BUFFER_BYTES = 128 << 20, /* 10 Gb/s for 100 ms */
    /* The kernel hands over a block when it is full or this old; also how long we wait at most. */
    WAIT_MS = 100,
    /* A block's timer goes off twice before it is handed over: 2 * WAIT_MS, and one to spare. */
    DRAIN_US = 300 * 1000
};

static bool is_drained(struct pcap_source *source)
{
    return source->is_broken && clock_now_us() - source->broken_at_us >= DRAIN_US;
}

/*
 * The handle does not block: with TPACKET_V3 libpcap waits for packets without an end, whatever its
 * timeout. Waiting is done here.
 */
static enum source_result live_next(struct source *base, struct packet *ret_packet,
                                    struct error *err)
{
    struct pcap_source *source = (struct pcap_source *)base;
    struct pcap_pkthdr *header;
    const unsigned char *data;
    switch (pcap_next_ex(source->pcap, &header, &data)) {
    case 1:
        pcap_source_packet(source, header, data, ret_packet);
        return source->is_broken && ret_packet->unix_us > source->broken_unix_us ? SOURCE_END
                                                                                 : SOURCE_PACKET;
    case 0:
        if (is_drained(source))
            return SOURCE_END;
        break;
    default:
        error_set(err, EXIT_TOOL, "%s: %s", source->name, pcap_geterr(source->pcap));
        return SOURCE_FAILED;
    }
    struct pollfd ready = {.fd = pcap_get_selectable_fd(source->pcap), .events = POLLIN};
    if (poll(&ready, 1, WAIT_MS) < 0 && errno != EINTR) {
        error_set(err, EXIT_TOOL, "%s: %s", source->name, strerror(errno));
        return SOURCE_FAILED;
    }
    return SOURCE_QUIET;
}

static int live_stats(struct source *base, struct source_stats *ret_stats, struct error *err)
{
    struct pcap_source *source = (struct pcap_source *)base;
    struct pcap_stat stat;
    if (pcap_stats(source->pcap, &stat))
        return error_set(err, EXIT_TOOL, "%s: %s", source->name, pcap_geterr(source->pcap));
    source->totals.kernel_drops += stat.ps_drop - source->last_drop;
    source->totals.interface_drops += stat.ps_ifdrop - source->last_interface_drop;
    source->last_drop = stat.ps_drop;
    source->last_interface_drop = stat.ps_ifdrop;
    *ret_stats = source->totals;
    return 0;
}

static void live_interrupt(struct source *base)
{
    struct pcap_source *source = (struct pcap_source *)base;
    if (source->is_broken)
        return;
    source->broken_unix_us = clock_unix_us();
    source->broken_at_us = clock_now_us();
    source->is_broken = 1;
}

static const struct source_ops live_ops = {.next = live_next,
                                           .stats = live_stats,
                                           .interrupt = live_interrupt,
                                           .close = pcap_source_close};

static int describe_no_right(const char *interface, struct error *err)
{
    char path[PATH_MAX] = "reprise";
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len > 0)
        path[len] = '\0';
    return error_set(err, EXIT_INPUT,
                     "%s: no right to capture; run as root, or once: sudo setcap "
                     "'cap_net_raw,cap_net_admin+ep' %s",
                     interface, path);
}

static int describe_failure(pcap_t *pcap, const char *interface, int status, struct error *err)
{
    const char *text = pcap_geterr(pcap);
    switch (status) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
        return error_set(err, EXIT_INPUT, "%s: no such interface; 'ip link' lists them", interface);
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        return describe_no_right(interface, err);
    case PCAP_ERROR_IFACE_NOT_UP:
        return error_set(err, EXIT_INPUT, "%s: the interface is down; 'ip link set %s up'",
                         interface, interface);
    default:
        if (text[0] == '\0')
            text = pcap_statustostr(status);
        return error_set(err, EXIT_TOOL, "%s: %s", interface, text);
    }
}

static int configure(pcap_t *pcap, const struct source_live_options *options, struct error *err)
{
    size_t buffer_bytes = options->buffer_bytes ? options->buffer_bytes : DEFAULT_BUFFER_BYTES;
    if (buffer_bytes > INT_MAX)
        return error_set(err, EXIT_INPUT, "%s: a buffer of %zu bytes; at most 2 GiB",
                         options->interface, buffer_bytes);
    /* None of these can fail before the handle is active. */
    pcap_set_snaplen(pcap, SNAPLEN_BYTES);
    pcap_set_promisc(pcap, options->is_promiscuous);
    pcap_set_timeout(pcap, WAIT_MS);
    pcap_set_buffer_size(pcap, (int)buffer_bytes);
    int status = pcap_activate(pcap); /* above 0: a warning, such as no promiscuous mode on "any" */
    return status < 0 ? describe_failure(pcap, options->interface, status, err) : 0;
}

int source_open_live(const struct source_live_options *options, struct source **ret_source,
                     struct error *err)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    pcap_t *pcap = pcap_create(options->interface, text);
    if (!pcap)
        return error_set(err, EXIT_TOOL, "%s: %s", options->interface, text);
    if (configure(pcap, options, err)) {
        pcap_close(pcap);
        return -1;
    }
    struct pcap_source *source;
    if (pcap_source_new(pcap, options->interface, &live_ops, &source, err))
        return -1;
    int result = pcap_source_prepare(source, options->filter, err);
    if (result == 0 && !options->filter && options->port_count)
        pcap_source_narrow(source, options->ports, options->port_count);
    if (result == 0 && pcap_setnonblock(pcap, 1, text))
        result = error_set(err, EXIT_TOOL, "%s: %s", options->interface, text);
    if (result == 0)
        *ret_source = &source->base;
    else
        pcap_source_close(&source->base);
    return result;
}

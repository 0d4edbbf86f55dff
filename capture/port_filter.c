/* port_filter.c - writes the BPF expression that stands for --port. */
#include "capture/port_filter.h"

int port_filter_append(struct buf *out, const uint16_t *ports, size_t count, bool has_ethernet)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%stcp port %u", i ? " or " : "", ports[i]);
    /* Fragments but the first have no ports. */
    buf_append_text(out, " or ip[6:2] & 0x1fff != 0 or ip6 proto 44");
    /* Inside: IP in IP, 6in4, GRE; VXLAN, Linux's own port for it, Geneve. */
    buf_append_text(out, " or ip proto 4 or ip proto 41 or ip proto 47"
                         " or ip6 proto 4 or ip6 proto 41 or ip6 proto 47"
                         " or udp port 4789 or udp port 8472 or udp port 6081");
    /* Inner VLAN tags, MPLS, PPPoE. */
    if (has_ethernet)
        buf_append_text(out, " or ether proto 0x8100 or ether proto 0x88a8 or ether proto 0x9100"
                             " or ether proto 0x8847 or ether proto 0x8848 or ether proto 0x8864");
    return buf_failed(out) ? -1 : 0;
}

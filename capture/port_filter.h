/*
 * port_filter.h - a BPF expression that lets the kernel drop what --port would drop anyway.
 *
 * On a busy host most packets are somebody else's: left to us, they cost a copy each and room in
 * the kernel's buffer. What could still hold a wanted port out of BPF's sight passes: fragments,
 * tunnels, tags.
 */
#ifndef REPRISE_CAPTURE_PORT_FILTER_H
#define REPRISE_CAPTURE_PORT_FILTER_H

#include <stdbool.h>

#include "core/buf.h"

/*
 * Append the expression for these ports. has_ethernet: the link layer has an EtherType to ask for.
 * -1 when the buffer is too small. Linux takes the outer VLAN tag off before the filter runs, so it
 * needs no mention.
 */
int port_filter_append(struct buf *out, const uint16_t *ports, size_t count, bool has_ethernet);

#endif

/*
 * dial_address.h - an IP address as text and as the kernel's struct, and lists of them.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_DIAL_ADDRESS_H
#define REPRISE_REPLAY_TRANSPORT_DIAL_ADDRESS_H

#include <netinet/in.h>

#include "core/bytes.h"

struct dial_address {
    socklen_t len;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

enum { DIAL_MAX_ADDRESSES = 16, DIAL_ADDRESS_TEXT_BYTES = INET6_ADDRSTRLEN };

struct dial_addresses {
    size_t count;
    struct dial_address items[DIAL_MAX_ADDRESSES];
};

/* "127.0.0.1", "::1", "fe80::1%eth0". False: no such address (a name, for instance). */
bool dial_address_parse(struct bytes text, struct dial_address *ret_address);

void dial_address_set_port(struct dial_address *address, uint16_t port);

/* The same address, whatever the port? */
bool dial_address_equal(const struct dial_address *a, const struct dial_address *b);

/* Without the port. */
void dial_address_print(const struct dial_address *address, char out[DIAL_ADDRESS_TEXT_BYTES]);

/* IPv6 and IPv4 in turn, beginning with the family of the first (RFC 8305 4); else in order. */
void dial_addresses_interleave(struct dial_addresses *addresses);

/*
 * The addresses of a host by getaddrinfo(3), interleaved, without a port; the first
 * DIAL_MAX_ADDRESSES of them. Blocks. 0, or a code for gai_strerror(3).
 */
typedef int (*dial_lookup_fn)(const char *host, struct dial_addresses *ret_addresses);
int dial_lookup(const char *host, struct dial_addresses *ret_addresses);

#endif

/* segment.c - addresses as text. */
#include "capture/segment.h"

#include <arpa/inet.h>

char *net_address_format(const struct net_address *address, char out[NET_ADDRESS_TEXT_BYTES])
{
    if (!inet_ntop(address->is_ipv6 ? AF_INET6 : AF_INET, address->ip, out, NET_ADDRESS_TEXT_BYTES))
        out[0] = '\0';
    return out;
}

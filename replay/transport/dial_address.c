/* dial_address.c - an IP address as text and as the kernel's struct, and lists of them. */
#include "replay/transport/dial_address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>

bool dial_address_parse(struct bytes text, struct dial_address *ret_address)
{
    char copy[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
    struct dial_address address = {0};
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, '\0', text.len))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.len = sizeof address.v4;
        *ret_address = address;
        return true;
    }
    char *zone = strchr(copy, '%');
    if (zone) {
        *zone++ = '\0';
        address.v6.sin6_scope_id = if_nametoindex(zone);
        if (address.v6.sin6_scope_id == 0)
            return false;
    }
    if (inet_pton(AF_INET6, copy, &address.v6.sin6_addr) != 1)
        return false;
    address.v6.sin6_family = AF_INET6;
    address.len = sizeof address.v6;
    *ret_address = address;
    return true;
}

void dial_address_set_port(struct dial_address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
    else
        address->v4.sin_port = htons(port);
}

bool dial_address_equal(const struct dial_address *a, const struct dial_address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET6)
        return a->v6.sin6_scope_id == b->v6.sin6_scope_id &&
               memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
    return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

void dial_address_print(const struct dial_address *address, char out[DIAL_ADDRESS_TEXT_BYTES])
{
    const void *number = address->any.sa_family == AF_INET6 ? (const void *)&address->v6.sin6_addr
                                                            : (const void *)&address->v4.sin_addr;
    out[0] = '\0';
    inet_ntop(address->any.sa_family, number, out, DIAL_ADDRESS_TEXT_BYTES);
}

static size_t next_of_family(const struct dial_addresses *addresses, size_t from, int family)
{
    while (from < addresses->count && addresses->items[from].any.sa_family != family)
        from++;
    return from;
}

void dial_addresses_interleave(struct dial_addresses *addresses)
{
    const struct dial_addresses in_order = *addresses;
    const int families[] = {in_order.items[0].any.sa_family,
                            in_order.items[0].any.sa_family == AF_INET6 ? AF_INET : AF_INET6};
    size_t next[] = {0, 0}, count = 0;
    while (count < in_order.count) {
        for (size_t i = 0; i < 2; i++) {
            next[i] = next_of_family(&in_order, next[i], families[i]);
            if (next[i] < in_order.count)
                addresses->items[count++] = in_order.items[next[i]++];
        }
    }
}

static bool take(struct dial_addresses *addresses, const struct addrinfo *info)
{
    struct dial_address *address = &addresses->items[addresses->count];
    if (addresses->count == DIAL_MAX_ADDRESSES ||
        (info->ai_family != AF_INET && info->ai_family != AF_INET6) ||
        info->ai_addrlen > sizeof address->v6)
        return false;
    *address = (struct dial_address){.len = info->ai_addrlen};
    memcpy(&address->v6, info->ai_addr, info->ai_addrlen);
    for (size_t i = 0; i < addresses->count; i++) {
        if (dial_address_equal(&addresses->items[i], address))
            return false;
    }
    addresses->count++;
    return true;
}

int dial_lookup(const char *host, struct dial_addresses *ret_addresses)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    struct dial_addresses addresses = {0};
    int code = getaddrinfo(host, NULL, &hints, &list);
    if (code)
        return code;
    for (const struct addrinfo *at = list; at; at = at->ai_next)
        take(&addresses, at);
    freeaddrinfo(list);
    if (addresses.count == 0)
        return EAI_NONAME;
    dial_addresses_interleave(&addresses);
    *ret_addresses = addresses;
    return 0;
}

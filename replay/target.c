/* target.c - checks where the load goes before anything is sent. */
#include "replay/target.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/url.h"
#include "replay/transport/dial_address.h"

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *v6 = (const void *)address;
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        return v6->sin6_addr.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* 1: every address of the host is loopback, 0: one is not, -1: it has none. */
static int host_is_loopback(const char *host, struct error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses = NULL;
    int code = getaddrinfo(host, NULL, &hints, &addresses);
    if (code)
        return error_set(err, EXIT_INPUT,
                         "target %s: %s; is the name right? 'getent ahosts %s' shows what this "
                         "machine makes of it",
                         host, gai_strerror(code), host);
    int result = 1;
    for (const struct addrinfo *at = addresses; at; at = at->ai_next)
        result = result && is_loopback(at->ai_addr);
    freeaddrinfo(addresses);
    return result;
}

static bool is_allowed(const char *host, const struct cli_list *allowed)
{
    for (size_t i = 0; i < allowed->count; i++) {
        if (bytes_equal_nocase(bytes_of(host), bytes_of(allowed->items[i])))
            return true;
    }
    return false;
}

int target_check(const char *text, const struct cli_list *allowed, char out[TARGET_MAX_BYTES],
                 struct error *err)
{
    struct url url;
    char host[256];
    if (url_parse(bytes_of(text), &url) || url.scheme.len < 4 ||
        bytes_equal_nocase(bytes_make(url.scheme.ptr, 2), bytes_of("ws")) ||
        url.host.len >= sizeof host || strlen(text) >= TARGET_MAX_BYTES)
        return error_set(err, EXIT_INPUT,
                         "--target '%s': expected http://HOST[:PORT] or https://HOST[:PORT]", text);
    if (!bytes_equal(url.target, bytes_of("/")))
        return error_set(err, EXIT_INPUT,
                         "--target '%s': a path is not part of a target; leave out '%.*s'", text,
                         BYTES_ARG(url.target));
    memcpy(host, url.host.ptr, url.host.len);
    host[url.host.len] = '\0';
    int loopback = host_is_loopback(host, err);
    if (loopback < 0)
        return -1;
    if (!loopback && !is_allowed(host, allowed))
        return error_set(err, EXIT_INPUT,
                         "target %s is not this machine; if the load may go there, add "
                         "--allow-target %s",
                         host, host);
    snprintf(out, TARGET_MAX_BYTES, "%.*s://%.*s", BYTES_ARG(url.scheme), BYTES_ARG(url.authority));
    return 0;
}

enum { IS_IPV4 = 1, IS_IPV6 = 2 };

static int family_of(const struct dial_address *address)
{
    return address->any.sa_family == AF_INET6 ? IS_IPV6 : IS_IPV4;
}

/* 0: there is none that could be read. */
static int families_of_sources(const struct cli_list *sources)
{
    struct dial_address address;
    int families = 0;
    for (size_t i = 0; i < sources->count; i++) {
        if (dial_address_parse(bytes_of(sources->items[i]), &address))
            families |= family_of(&address);
    }
    return families;
}

static int families_of_host(const char *host)
{
    struct dial_addresses addresses = {0};
    int families = 0;
    if (dial_lookup(host, &addresses))
        return 0;
    for (size_t i = 0; i < addresses.count; i++)
        families |= family_of(&addresses.items[i]);
    return families;
}

int target_check_sources(const char *origin, const struct cli_list *sources, struct error *err)
{
    struct url url;
    char host[256];
    if (!sources->count || url_parse(bytes_of(origin), &url) || url.host.len >= sizeof host)
        return 0;
    memcpy(host, url.host.ptr, url.host.len);
    host[url.host.len] = '\0';
    int from = families_of_sources(sources), to = families_of_host(host);
    if (!from || !to || (from & to))
        return 0;
    const char *wanted = to == IS_IPV6 ? "IPv6" : "IPv4";
    return error_set(err, EXIT_INPUT,
                     "--bind %s: the target %s has %s addresses only, so nothing could be sent; "
                     "name an %s address of this machine, 'ip addr' lists them",
                     sources->items[0], host, wanted, wanted);
}

static bool is_loopback_literal(struct bytes host)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    if (bytes_equal_nocase(host, bytes_of("localhost")))
        return true;
    if (host.len >= sizeof text)
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool target_permits(struct bytes url_text, struct bytes origin, const struct cli_list *allowed)
{
    struct url url;
    if (bytes_starts_with(url_text, origin)) {
        struct bytes rest = bytes_from(url_text, origin.len);
        if (rest.len == 0 || rest.ptr[0] == '/' || rest.ptr[0] == '?')
            return true;
    }
    if (url_parse(url_text, &url))
        return false;
    if (is_loopback_literal(url.host))
        return true;
    for (size_t i = 0; allowed && i < allowed->count; i++) {
        if (bytes_equal_nocase(url.host, bytes_of(allowed->items[i])))
            return true;
    }
    return false;
}

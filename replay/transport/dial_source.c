/* dial_source.c - the addresses that connections come from: those of --bind in turn. */
#include "replay/transport/dial_source.h"

#include <errno.h>
#include <unistd.h>

static int bind_to(int fd, const struct dial_address *address)
{
    const int on = 1;
    /* Without it bind() takes one of the ports for all targets at once. */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(fd, &address->any, address->len);
}

static int try_source(const struct dial_address *address, const char *text, struct error *err)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int code = fd < 0 || bind_to(fd, address) ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (code == EADDRNOTAVAIL)
        return error_set(err, EXIT_INPUT,
                         "--bind %s: not an address of this machine; 'ip addr' lists them", text);
    return code ? error_set(err, EXIT_INPUT, "--bind %s: %s", text, strerror(code)) : 0;
}

int dial_sources_init(struct dial_sources *sources, const struct cli_list *list,
                      uint32_t first_turn, struct error *err)
{
    *sources = (struct dial_sources){0};
    for (size_t i = 0; i < list->count; i++) {
        struct dial_address *address = &sources->items[i];
        if (!dial_address_parse(bytes_of(list->items[i]), address))
            return error_set(err, EXIT_INPUT,
                             "--bind '%s': expected an address of this machine, like 127.0.0.2",
                             list->items[i]);
        if (try_source(address, list->items[i], err))
            return -1;
        sources->count++;
    }
    sources->turn = sources->count ? first_turn % sources->count : 0;
    return 0;
}

size_t dial_sources_count(const struct dial_sources *sources, int family)
{
    size_t count = 0;
    for (size_t i = 0; i < sources->count; i++)
        count += sources->items[i].any.sa_family == family;
    return sources->count ? count : 1;
}

int dial_sources_bind(struct dial_sources *sources, int fd, int family)
{
    for (size_t i = 0; i < sources->count; i++) {
        const struct dial_address *address = &sources->items[sources->turn];
        sources->turn = (sources->turn + 1) % sources->count;
        if (address->any.sa_family == family)
            return bind_to(fd, address);
    }
    errno = EADDRNOTAVAIL;
    return sources->count ? -1 : 0;
}

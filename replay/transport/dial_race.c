/* dial_race.c - a TCP connection to whichever of several addresses answers first. */
#include "replay/transport/dial_race.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ATTEMPT_UNDER_WAY, ATTEMPT_FAILED };

enum failure dial_failure_of(int code)
{
    switch (code) {
    case ECONNREFUSED:
        return FAILURE_CONNECT_REFUSED;
    case ETIMEDOUT:
        return FAILURE_CONNECT_TIMEOUT;
    case ECONNRESET: /* accepted, and reset before we looked */
        return FAILURE_RESET;
    case EADDRNOTAVAIL:
        return FAILURE_NO_PORTS;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return FAILURE_NO_FILES;
    default:
        return FAILURE_CONNECT;
    }
}

/* Of several addresses' failures the one that says most: our own limits, then an answer. */
static int weight(enum failure failure)
{
    switch (failure) {
    case FAILURE_NO_FILES:
        return 5;
    case FAILURE_NO_PORTS:
        return 4;
    case FAILURE_CONNECT_REFUSED:
    case FAILURE_RESET:
        return 3;
    case FAILURE_CONNECT_TIMEOUT:
        return 2;
    case FAILURE_CONNECT:
        return 1;
    default:
        return 0;
    }
}

/* What to do about it, where that is more than its class says. */
static const char *advice(int code, const struct dial_sources *sources)
{
    return code == EAFNOSUPPORT && sources->count ? "; no --bind address is of its family" : "";
}

static void note_failure(struct dial_race *race, size_t index, enum failure failure, int code)
{
    const struct dial_address *address = &race->addresses.items[index];
    char text[DIAL_ADDRESS_TEXT_BYTES];
    if (weight(failure) >= weight(race->failure)) {
        race->failure = failure;
        dial_address_print(address, text);
        snprintf(race->detail, sizeof race->detail, "%s port %u: %s%s", text,
                 (unsigned)ntohs(address->v4.sin_port), strerrordesc_np(code),
                 advice(code, race->sources));
    }
    bool is_ours = failure == FAILURE_NO_FILES || failure == FAILURE_NO_PORTS;
    if (!is_ours && race->events->failed)
        race->events->failed(race->owner, address);
}

/* Connecting found no source address with a free port: is it the ports, or is there no source
 * address at all (IPv6 switched off)? A datagram needs the one without the other. */
static bool has_source_address(const struct dial_address *address)
{
    int fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool has_any = fd >= 0 && connect(fd, &address->any, address->len) == 0;
    if (fd >= 0)
        close(fd);
    return has_any;
}

/* A socket that connects to the address from the next source; or -1, errno. */
static int open_one(struct dial_race *race, const struct dial_address *address)
{
    const int on = 1;
    int family = address->any.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (dial_sources_bind(race->sources, fd, family) == 0 &&
        (connect(fd, &address->any, address->len) == 0 || errno == EINPROGRESS))
        return fd;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

/* A source address whose ports are all taken does not matter while another has some. */
static int open_any(struct dial_race *race, const struct dial_address *address)
{
    size_t left = dial_sources_count(race->sources, address->any.sa_family);
    int fd = -1;
    errno = EAFNOSUPPORT; /* no --bind address of this family */
    while (left-- > 0 && fd < 0) {
        fd = open_one(race, address);
        if (fd < 0 && errno != EADDRNOTAVAIL)
            return -1;
    }
    if (fd < 0 && errno == EADDRNOTAVAIL)
        errno = has_source_address(address) ? EADDRNOTAVAIL : ENETUNREACH;
    return fd;
}

static struct dial_attempt *free_attempt(struct dial_race *race)
{
    for (size_t i = 0; i < DIAL_MAX_ATTEMPTS; i++) {
        if (race->attempts[i].watch.fd < 0)
            return &race->attempts[i];
    }
    return NULL;
}

static bool is_under_way(const struct dial_race *race)
{
    for (size_t i = 0; i < DIAL_MAX_ATTEMPTS; i++) {
        if (race->attempts[i].watch.fd >= 0)
            return true;
    }
    return false;
}

/* Start the next address, and those behind it while they fail at once. -1: nothing is under way. */
static int advance(struct dial_race *race)
{
    struct dial_attempt *attempt;
    timers_cancel(&race->loop->timers, &race->delay_timer);
    while (race->next < race->addresses.count && (attempt = free_attempt(race))) {
        attempt->address = race->next++;
        int fd = open_any(race, &race->addresses.items[attempt->address]);
        if (fd >= 0 && loop_watch_set(race->loop, &attempt->watch, fd, LOOP_WRITE) == 0)
            break;
        int code = errno;
        if (fd >= 0)
            close(fd);
        note_failure(race, attempt->address, dial_failure_of(code), code);
    }
    if (!is_under_way(race))
        return -1;
    if (race->next < race->addresses.count)
        timers_set(&race->loop->timers, &race->delay_timer,
                   race->loop->now_us + DIAL_ATTEMPT_DELAY_US);
    return 0;
}

static void end_attempt(struct dial_attempt *attempt)
{
    int fd = attempt->watch.fd;
    if (fd < 0)
        return;
    loop_watch_clear(attempt->race->loop, &attempt->watch);
    close(fd);
}

static void advance_or_lose(struct dial_race *race)
{
    if (advance(race))
        race->events->ended(race->owner, -1);
}

/*
 * Nobody listens at a port that the kernel may also give to clients: sooner or later one of ours
 * gets that very port, and TCP connects it to itself (RFC 9293 3.5, simultaneous open).
 */
static bool is_connected_to_itself(int fd, const struct dial_address *peer)
{
    struct dial_address own = {.len = sizeof own.v6};
    return getsockname(fd, &own.any, &own.len) == 0 && own.v4.sin_port == peer->v4.sin_port &&
           dial_address_equal(&own, peer);
}

static void win(struct dial_race *race, struct dial_attempt *winner)
{
    int fd = winner->watch.fd;
    loop_watch_clear(race->loop, &winner->watch);
    for (size_t i = 0; i < DIAL_MAX_ATTEMPTS; i++) {
        struct dial_attempt *attempt = &race->attempts[i];
        if (attempt->watch.fd >= 0 && race->events->failed)
            race->events->failed(race->owner, &race->addresses.items[attempt->address]);
    }
    dial_race_cancel(race);
    race->events->ended(race->owner, fd);
}

static void on_ready(struct loop_watch *watch, void *owner, int events)
{
    struct dial_attempt *attempt = owner;
    struct dial_race *race = attempt->race;
    const struct dial_address *address = &race->addresses.items[attempt->address];
    int code = 0;
    socklen_t len = sizeof code;
    (void)events;
    if (getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &code, &len))
        code = errno;
    if (code == 0 && is_connected_to_itself(watch->fd, address))
        code = ECONNREFUSED;
    if (code == 0) {
        win(race, attempt);
        return;
    }
    end_attempt(attempt);
    note_failure(race, attempt->address, dial_failure_of(code), code);
    advance_or_lose(race);
}

static void on_delay(struct timer *timer, void *owner, uint64_t now_us)
{
    (void)timer;
    (void)now_us;
    advance_or_lose(owner);
}

int dial_race_start(struct dial_race *race, struct loop *loop, struct dial_sources *sources,
                    const struct dial_addresses *addresses, const struct dial_race_events *events,
                    void *owner)
{
    race->loop = loop;
    race->sources = sources;
    race->events = events;
    race->owner = owner;
    race->next = 0;
    race->failure = FAILURE_NONE;
    race->detail[0] = '\0';
    race->addresses.count = addresses->count;
    memcpy(race->addresses.items, addresses->items, addresses->count * sizeof *addresses->items);
    for (size_t i = 0; i < DIAL_MAX_ATTEMPTS; i++) {
        race->attempts[i].race = race;
        loop_watch_init(&race->attempts[i].watch, on_ready, &race->attempts[i]);
    }
    timer_init(&race->delay_timer, on_delay, race);
    return advance(race);
}

void dial_race_cancel(struct dial_race *race)
{
    if (!race->loop)
        return;
    timers_cancel(&race->loop->timers, &race->delay_timer);
    for (size_t i = 0; i < DIAL_MAX_ATTEMPTS; i++)
        end_attempt(&race->attempts[i]);
}

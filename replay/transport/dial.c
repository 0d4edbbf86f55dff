/*
 * dial.c - from a host's name to a stream that is connected, one step after another.
 *
 *     RESOLVING --addresses--> CONNECTING --a socket--> HANDSHAKING --TLS is up--> done
 *         |                        |          \----------- plain TCP -------------^
 *         +---- failed, or the deadline ------+-----------------------------> done
 *
 * What fails inside dial_start() waits in ENDING for the loop.
 */
#include "replay/transport/dial.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/map.h"
#include "replay/transport/dial_names.h"
#include "replay/transport/dial_race.h"
#include "replay/transport/dial_source.h"
#include "replay/transport/native_tls.h"

#define NOT_RESOLVED "%s: the name was not resolved"

enum dial_state { DIAL_RESOLVING, DIAL_CONNECTING, DIAL_HANDSHAKING, DIAL_ENDING };

struct dialer {
    struct loop *loop;
    struct dial_sources sources;
    struct dial_names *names;
    struct tls_context *tls; /* NULL until somebody needs it: certificates take 40 ms to read */
    struct transport_options options;
    struct dial *dials; /* under way */
    struct dial_counts counts;
};

struct dial {
    struct dial *next, **link; /* dialer->dials */
    struct dialer *dialer;
    enum dial_state state;
    char host[DIAL_MAX_HOST_BYTES];
    uint16_t port;
    bool is_numeric, is_secure, allows_h2;
    struct dial_resumption *resumption;
    uint64_t state_since_us;
    uint64_t deadline_us;
    struct timer deadline;  /* fires then; ENDING: in the next pass */
    struct dial_name *name; /* NULL: numeric */
    struct dial_name_wait wait;
    struct dial_race race;
    struct loop_watch watch; /* HANDSHAKING */
    struct dial_result result;
    char detail[DIAL_DETAIL_BYTES];
    dial_done_fn done;
    void *owner;
};

/* Nothing will call it any more; its memory and its stream stay. */
static void detach(struct dial *dial)
{
    struct loop *loop = dial->dialer->loop;
    timers_cancel(&loop->timers, &dial->deadline);
    dial_name_wait_cancel(&dial->wait);
    dial_race_cancel(&dial->race);
    loop_watch_clear(loop, &dial->watch);
    *dial->link = dial->next;
    if (dial->next)
        dial->next->link = dial->link;
}

void dial_cancel(struct dial *dial)
{
    detach(dial);
    stream_close(&dial->result.stream);
    free(dial);
}

static void count_end(struct dial_counts *counts, enum failure failure)
{
    counts->connected += failure == FAILURE_NONE;
    counts->failed += failure != FAILURE_NONE;
    counts->no_ports += failure == FAILURE_NO_PORTS;
    counts->no_files += failure == FAILURE_NO_FILES;
}

/* The owner may start and cancel other dials; who called us may go on with the dialer. */
static void finish(struct dial *dial)
{
    count_end(&dial->dialer->counts, dial->result.failure);
    detach(dial);
    if (dial->result.failure != FAILURE_NONE) {
        stream_close(&dial->result.stream);
        dial->result.detail = dial->detail;
    }
    dial->done(dial->owner, &dial->result);
    free(dial);
}

static void fail(struct dial *dial, enum failure failure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct dial *dial, enum failure failure, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(dial->detail, sizeof dial->detail, format, args);
    va_end(args);
    dial->result.failure = failure;
    finish(dial);
}

/* Inside dial_start() nothing is told: the deadline's timer does it in the next pass. */
static void fail_later(struct dial *dial, enum failure failure, const char *detail)
{
    snprintf(dial->detail, sizeof dial->detail, "%s", detail);
    dial->result.failure = failure;
    dial->state = DIAL_ENDING;
    timers_set(&dial->dialer->loop->timers, &dial->deadline, 0);
}

/* How long the state took that ends here. */
static uint64_t enter(struct dial *dial, enum dial_state state)
{
    uint64_t now_us = dial->dialer->loop->now_us, since_us = dial->state_since_us;
    dial->state = state;
    dial->state_since_us = now_us;
    return now_us > since_us ? now_us - since_us : 0;
}

static void on_address_failed(void *owner, const struct dial_address *address)
{
    struct dial *dial = owner;
    if (dial->name)
        dial_name_avoid(dial->name, address, dial->dialer->loop->now_us);
}

static void shake_hands(struct dial *dial)
{
    struct native_stream *stream = &dial->result.stream;
    enum failure failure;
    int outcome = tls_handshake(stream->tls, &failure);
    if (outcome == STREAM_BLOCKED) {
        if (loop_watch_set(dial->dialer->loop, &dial->watch, stream->fd, stream_events(stream)))
            fail(dial, FAILURE_NO_FILES, "epoll: %s", strerrordesc_np(errno));
        return;
    }
    if (outcome == STREAM_FAILED) {
        fail(dial, failure, "%s", tls_detail(stream->tls));
        return;
    }
    stream->is_h2 = tls_is_h2(stream->tls);
    dial->result.is_resumed = tls_is_resumed(stream->tls);
    dial->result.tls_us = enter(dial, DIAL_ENDING);
    finish(dial);
}

static void on_tls_ready(struct loop_watch *watch, void *owner, int events)
{
    (void)watch;
    (void)events;
    shake_hands(owner);
}

static void start_tls(struct dial *dial)
{
    struct dialer *dialer = dial->dialer;
    struct error err;
    if (!dialer->tls && tls_context_open(&dialer->tls, &dialer->options, &err)) {
        fail(dial, FAILURE_TLS, "TLS to %s: %s", dial->host, err.text);
        return;
    }
    const struct tls_peer peer = {
        .fd = dial->result.stream.fd,
        .host = dial->host,
        .is_numeric = dial->is_numeric,
        .allows_h2 = dial->allows_h2,
        .resumption = dial->resumption,
        .resumption_key = bytes_hash(bytes_of(dial->host)) ^ dial->port,
    };
    dial->result.stream.tls = tls_session_new(dialer->tls, &peer);
    if (dial->result.stream.tls)
        shake_hands(dial);
    else
        fail(dial, FAILURE_TLS, "TLS to %s: no memory, or not a name that TLS can check",
             dial->host);
}

static void on_race_ended(void *owner, int fd)
{
    struct dial *dial = owner;
    dial->result.connect_us = enter(dial, DIAL_HANDSHAKING);
    if (fd < 0) {
        fail(dial, dial->race.failure, "%s", dial->race.detail);
        return;
    }
    dial->result.stream.fd = fd;
    if (dial->is_secure)
        start_tls(dial);
    else
        finish(dial);
}

/* -1: failed already, dial->race says how. */
static int connect_to(struct dial *dial, struct dial_addresses *addresses)
{
    static const struct dial_race_events events = {on_race_ended, on_address_failed};
    dial->state = DIAL_CONNECTING;
    for (size_t i = 0; i < addresses->count; i++)
        dial_address_set_port(&addresses->items[i], dial->port);
    return dial_race_start(&dial->race, dial->dialer->loop, &dial->dialer->sources, addresses,
                           &events, dial);
}

static int connect_to_name(struct dial *dial)
{
    struct dial_addresses addresses;
    dial_name_take(dial->name, dial->dialer->loop->now_us, &addresses);
    return connect_to(dial, &addresses);
}

static void on_name(struct dial_name_wait *wait, void *owner, int code)
{
    struct dial *dial = owner;
    (void)wait;
    dial->result.dns_us = enter(dial, DIAL_CONNECTING);
    if (code)
        fail(dial, FAILURE_DNS, NOT_RESOLVED " (%s)", dial->host, gai_strerror(code));
    else if (connect_to_name(dial))
        fail(dial, dial->race.failure, "%s", dial->race.detail);
}

static void on_deadline(struct timer *timer, void *owner, uint64_t now_us)
{
    static const char *const missing[] = {[DIAL_RESOLVING] = "its name was still being looked up",
                                          [DIAL_CONNECTING] = "no connection in time",
                                          [DIAL_HANDSHAKING] =
                                              "no end of the TLS handshake in time"};
    struct dial *dial = owner;
    if (dial->state == DIAL_ENDING)
        finish(dial);
    else if (!loop_has_looked(dial->dialer->loop, dial->deadline_us))
        timers_set(&dial->dialer->loop->timers, timer, now_us);
    else
        fail(dial, FAILURE_CONNECT_TIMEOUT, "%s port %u: %s", dial->host, dial->port,
             missing[dial->state]);
}

static void begin(struct dial *dial, struct bytes host)
{
    struct dial_addresses addresses = {.count = 1};
    char text[DIAL_MAX_HOST_BYTES + DIAL_DETAIL_BYTES];
    int code = 0, outcome = 0;
    dial->is_numeric = dial_address_parse(host, &addresses.items[0]);
    if (dial->is_numeric) {
        outcome = connect_to(dial, &addresses);
    } else {
        switch (dial_names_ask(dial->dialer->names, host, &dial->wait, &dial->name, &code)) {
        case DIAL_NAME_KNOWN:
            outcome = connect_to_name(dial);
            break;
        case DIAL_NAME_ASKED:
            break;
        case DIAL_NAME_FAILED:
            snprintf(text, sizeof text, NOT_RESOLVED " (%s)", dial->host, gai_strerror(code));
            fail_later(dial, FAILURE_DNS, text);
            break;
        case DIAL_NAME_REFUSED:
            fail_later(dial, FAILURE_NO_FILES, "no memory or thread to look a name up");
            break;
        }
    }
    if (outcome)
        fail_later(dial, dial->race.failure, dial->race.detail);
}

struct dial *dial_start(struct dialer *dialer, const struct url *url, bool allows_h2,
                        struct dial_resumption *resumption, uint64_t deadline_us, dial_done_fn done,
                        void *owner)
{
    struct dial *dial = calloc(1, sizeof *dial);
    if (!dial)
        return NULL;
    dial->dialer = dialer;
    dial->port = url->port;
    dial->is_secure = url->is_secure;
    dial->allows_h2 = allows_h2;
    dial->resumption = resumption;
    dial->done = done;
    dial->owner = owner;
    dial->result.stream.fd = -1;
    dial->state_since_us = loop_refresh(dialer->loop);
    dial->wait.answered = on_name;
    dial->wait.owner = dial;
    loop_watch_init(&dial->watch, on_tls_ready, dial);
    timer_init(&dial->deadline, on_deadline, dial);
    dial->deadline_us = deadline_us;
    timers_set(&dialer->loop->timers, &dial->deadline, deadline_us);
    dial->next = dialer->dials;
    dial->link = &dialer->dials;
    if (dial->next)
        dial->next->link = &dial->next;
    dialer->dials = dial;
    dialer->counts.started++;
    if (url->host.len >= sizeof dial->host) {
        fail_later(dial, FAILURE_DNS, "a name of more than 253 bytes");
        return dial;
    }
    memcpy(dial->host, url->host.ptr, url->host.len);
    begin(dial, url->host);
    return dial;
}

void dial_extend(struct dial *dial, uint64_t deadline_us)
{
    if (dial->state == DIAL_ENDING || dial->deadline_us >= deadline_us)
        return;
    dial->deadline_us = deadline_us;
    timers_set(&dial->dialer->loop->timers, &dial->deadline, deadline_us);
}

int dialer_open(struct dialer **ret_dialer, struct loop *loop,
                const struct transport_options *options, struct error *err)
{
    struct dialer *dialer = calloc(1, sizeof *dialer);
    if (!dialer)
        return error_set(err, EXIT_TOOL, "no memory for the dialer");
    dialer->loop = loop;
    dialer->options = *options;
    if (dial_sources_init(&dialer->sources, &options->bind_addresses, options->worker_number,
                          err) ||
        dial_names_open(&dialer->names, loop, options->worker_number, dial_lookup, err) ||
        ((options->speaks_tls || options->ca_path) &&
         tls_context_open(&dialer->tls, options, err))) {
        dialer_close(dialer);
        return -1;
    }
    *ret_dialer = dialer;
    return 0;
}

void dialer_close(struct dialer *dialer)
{
    if (!dialer)
        return;
    while (dialer->dials)
        dial_cancel(dialer->dials);
    dial_names_close(dialer->names);
    tls_context_close(dialer->tls);
    free(dialer);
}

void dialer_count(const struct dialer *dialer, struct dial_counts *ret_counts)
{
    *ret_counts = dialer->counts;
}

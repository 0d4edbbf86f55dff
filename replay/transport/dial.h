/*
 * dial.h - from a host's name to a stream that is connected: addresses, source addresses, TLS.
 *
 * One dialer per worker; it keeps what its users share without knowing of each other: the addresses
 * of a name, the TLS context, the sessions to resume (each user's own).
 *
 *     names (getaddrinfo in a thread, kept for the run's length or DIAL_NAME_TTL_US)
 *       -> addresses in turn (connections are spread over all of them) -> happy eyeballs (RFC 8305:
 *       the next address is tried beside the first after 250 ms) -> source address in turn (--bind)
 *       -> TLS handshake with ALPN -> done
 */
#ifndef REPRISE_REPLAY_TRANSPORT_DIAL_H
#define REPRISE_REPLAY_TRANSPORT_DIAL_H

#include "core/url.h"
#include "replay/transport/native_stream.h"
#include "replay/transport/transport.h"

struct dialer;
struct dial;

/* What one user's TLS sessions are kept in, between its connections; zero it at first. It must
 * outlive every stream that was dialed with it. */
struct dial_resumption {
    void *session;
    uint64_t key; /* of the host and port that gave it */
};

struct dial_result {
    enum failure failure; /* FAILURE_NONE: `stream` is the caller's now */
    const char *detail;   /* of a failure, borrowed until the callback returns */
    struct native_stream stream;
    uint64_t dns_us, connect_us, tls_us; /* one after another; 0 where there was nothing to do */
    bool is_resumed;
};

/* Never called inside dial_start(). The dial is over; do not cancel it any more. */
typedef void (*dial_done_fn)(void *owner, const struct dial_result *result);

/* -1 with err (EXIT_INPUT: certificates or addresses that cannot be used). `options` is borrowed
 * for the call only. */
int dialer_open(struct dialer **ret_dialer, struct loop *loop,
                const struct transport_options *options, struct error *err);

/* Cancels what is under way. Streams that it dialed are closed before it. */
void dialer_close(struct dialer *dialer);

/*
 * Connect to url->host and url->port, with TLS when url->is_secure; the url is copied. `allows_h2`:
 * offer "h2" beside "http/1.1", alone with TRANSPORT_HTTP_2. Ends by itself at deadline_us (of the
 * loop's clock) with FAILURE_CONNECT_TIMEOUT, whatever it was waiting for; the detail says what.
 * `resumption` may be NULL. NULL without memory.
 */
struct dial *dial_start(struct dialer *dialer, const struct url *url, bool allows_h2,
                        struct dial_resumption *resumption, uint64_t deadline_us, dial_done_fn done,
                        void *owner);

/* Somebody waits for it longer than it was started for; a sooner moment changes nothing. */
void dial_extend(struct dial *dial, uint64_t deadline_us);

/* No callback follows. */
void dial_cancel(struct dial *dial);

/* Frees the session that is kept, if any. */
void dial_resumption_fini(struct dial_resumption *resumption);

/* How often each error of the machine's own was met: out of ports, of descriptors. */
struct dial_counts {
    uint64_t started, connected, failed, no_ports, no_files;
};
void dialer_count(const struct dialer *dialer, struct dial_counts *ret_counts);

#endif

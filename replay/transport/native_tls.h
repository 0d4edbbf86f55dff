/*
 * native_tls.h - TLS over a socket that is connected, by OpenSSL: one context per dialer, one
 * session per connection.
 *
 * One tls_context and its sessions belong to one thread. What a session reads and writes goes
 * straight between OpenSSL and the socket; between two answers it holds no buffer (docs/replay.md
 * says what an idle connection costs).
 */
#ifndef REPRISE_REPLAY_TRANSPORT_NATIVE_TLS_H
#define REPRISE_REPLAY_TRANSPORT_NATIVE_TLS_H

#include "replay/transport/dial.h"

struct tls_context;
struct tls_session;

/* -1 with err (EXIT_INPUT: certificates that cannot be read). */
int tls_context_open(struct tls_context **ret_context, const struct transport_options *options,
                     struct error *err);

/* Sessions first. */
void tls_context_close(struct tls_context *context);

struct tls_peer {
    int fd; /* stays the caller's */
    const char *host;
    bool is_numeric;                    /* `host` is an IP address: no SNI, and its own check */
    bool allows_h2;                     /* offer "h2" beside "http/1.1" */
    struct dial_resumption *resumption; /* may be NULL; must outlive the session */
    uint64_t resumption_key;            /* of host and port: a ticket goes to whom it came from */
};

/* NULL without memory. */
struct tls_session *tls_session_new(struct tls_context *context, const struct tls_peer *peer);

/* 0: done. STREAM_BLOCKED. STREAM_FAILED: *ret_failure and tls_detail() say why. */
int tls_handshake(struct tls_session *session, enum failure *ret_failure);
bool tls_is_resumed(const struct tls_session *session);
bool tls_is_h2(const struct tls_session *session);

/* As those of native_stream.h. */
ssize_t tls_read(struct tls_session *session, void *data, size_t len);
ssize_t tls_write(struct tls_session *session, const struct iovec *pieces, int count);
bool tls_has_pending(const struct tls_session *session);
int tls_events(const struct tls_session *session);
const char *tls_detail(const struct tls_session *session);

/* With a close_notify when nothing had failed. Does not close the socket. */
void tls_session_free(struct tls_session *session);

#endif

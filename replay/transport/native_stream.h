/*
 * native_stream.h - bytes to and from one peer that is connected: TCP, or TLS over it. Never
 * blocks.
 *
 * Small enough to lie in the struct of whoever owns the connection; a connection without an answer
 * under way holds no buffer of ours.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_NATIVE_STREAM_H
#define REPRISE_REPLAY_TRANSPORT_NATIVE_STREAM_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#define STREAM_BLOCKED (-2) /* wait until stream_events() are ready, then call again */
#define STREAM_FAILED (-1)  /* errno says why; 0: TLS broke, stream_detail() says how */

struct tls_session;

struct native_stream {
    int fd;                  /* owned; -1: closed */
    int error;               /* of the last failure, for stream_detail() */
    struct tls_session *tls; /* owned; NULL: plain TCP */
    bool is_h2;              /* ALPN chose "h2" */
    unsigned char waits_for; /* for stream_events() */
};

/*
 * Bytes read; 0: the peer has closed its side (over TLS: with close_notify, or without). Over TLS a
 * connection may be readable and yet have nothing to say (tickets, key updates): STREAM_BLOCKED.
 * After fewer bytes than asked there is nothing more now, unless stream_has_pending().
 */
ssize_t stream_read(struct native_stream *stream, void *data, size_t len);

/* Bytes written, maybe fewer than asked. With TLS the same bytes must come again after
 * STREAM_BLOCKED. Never raises SIGPIPE. */
ssize_t stream_write(struct native_stream *stream, const struct iovec *pieces, int count);

/* Bytes that TLS has decrypted already and no event will tell of. */
bool stream_has_pending(const struct native_stream *stream);

/* LOOP_READ and LOOP_WRITE that the last STREAM_BLOCKED waits for, seen from TCP (TLS may have to
 * read in order to write). */
int stream_events(const struct native_stream *stream);

/* One line about the last failure; never NULL. */
const char *stream_detail(const struct native_stream *stream);

/* Closes; a TLS session that may be resumed is kept by the dialer. No-op when it is closed. */
void stream_close(struct native_stream *stream);

#endif

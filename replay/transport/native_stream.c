/* native_stream.c - bytes to and from one peer that is connected: TCP, or TLS over it. */
#include "replay/transport/native_stream.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "replay/transport/native_tls.h"

static ssize_t tcp_failed(struct native_stream *stream, int event)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        stream->waits_for = (unsigned char)event;
        return STREAM_BLOCKED;
    }
    stream->error = errno;
    return STREAM_FAILED;
}

ssize_t stream_read(struct native_stream *stream, void *data, size_t len)
{
    ssize_t got;
    if (stream->tls)
        return tls_read(stream->tls, data, len);
    do {
        got = recv(stream->fd, data, len, 0);
    } while (got < 0 && errno == EINTR);
    return got >= 0 ? got : tcp_failed(stream, LOOP_READ);
}

ssize_t stream_write(struct native_stream *stream, const struct iovec *pieces, int count)
{
    if (stream->tls)
        return tls_write(stream->tls, pieces, count);
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces,
                             .msg_iovlen = (size_t)(count < IOV_MAX ? count : IOV_MAX)};
    ssize_t sent;
    do {
        sent = sendmsg(stream->fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0 ? sent : tcp_failed(stream, LOOP_WRITE);
}

bool stream_has_pending(const struct native_stream *stream)
{
    return stream->tls && tls_has_pending(stream->tls);
}

int stream_events(const struct native_stream *stream)
{
    return stream->tls ? tls_events(stream->tls) : stream->waits_for;
}

const char *stream_detail(const struct native_stream *stream)
{
    const char *detail = stream->tls ? tls_detail(stream->tls) : strerrordesc_np(stream->error);
    return detail ? detail : "an error without a name";
}

void stream_close(struct native_stream *stream)
{
    if (stream->fd < 0)
        return;
    tls_session_free(stream->tls);
    stream->tls = NULL;
    close(stream->fd);
    stream->fd = -1;
}

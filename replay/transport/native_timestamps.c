/* native_timestamps.c - SO_TIMESTAMPING (Documentation/networking/timestamping.rst) on TCP. */
#include "replay/transport/native_timestamps.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "replay/loop.h"
#include "replay/transport/native_stream.h"

/* A request has two stamps for each write of it; what is over this is taken in the next event. */
enum { MOST_STAMPS_PER_DRAIN = 256, CONTROL_BYTES = 512 };

union control {
    char bytes[CONTROL_BYTES];
    struct cmsghdr align;
};

int native_timestamps_enable(int fd)
{
    /* OPT_ID names stamps by byte, OPT_TSONLY leaves the bytes themselves out of the queue. */
    unsigned flags = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
                     SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED |
                     SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
    return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
}

int native_timestamps_hold(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    unsigned flags = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE;
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
    return fd;
}

void native_timestamps_wrote(struct native_timestamps *stamps, size_t len)
{
    stamps->sent_bytes += (uint32_t)len;
    stamps->sent_ns = stamps->queued_ns = stamps->received_ns = 0;
}

/* The software stamp is the first of three. */
static uint64_t stamp_ns(const struct cmsghdr *control)
{
    struct timespec stamps[3];
    if (control->cmsg_len < CMSG_LEN(sizeof stamps))
        return 0;
    memcpy(stamps, CMSG_DATA(control), sizeof stamps);
    return (uint64_t)stamps[0].tv_sec * 1000000000u + (uint64_t)stamps[0].tv_nsec;
}

static bool is_stamp(const struct cmsghdr *control)
{
    return control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPING;
}

ssize_t native_timestamps_read(struct native_timestamps *stamps, struct native_stream *stream,
                               void *data, size_t len)
{
    union control control;
    struct iovec room = {.iov_base = data, .iov_len = len};
    struct msghdr message;
    ssize_t got;
    do {
        message = (struct msghdr){.msg_iov = &room,
                                  .msg_iovlen = 1,
                                  .msg_control = control.bytes,
                                  .msg_controllen = sizeof control.bytes};
        got = recvmsg(stream->fd, &message, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        stream->waits_for = LOOP_READ;
        return STREAM_BLOCKED;
    }
    if (got < 0) {
        stream->error = errno;
        return STREAM_FAILED;
    }
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); got && at; at = CMSG_NXTHDR(&message, at)) {
        if (is_stamp(at))
            stamps->received_ns = stamp_ns(at);
    }
    return got;
}

/* Which kind of stamp, and of which byte; 0 from any other error. */
static bool is_of_last_byte(const struct native_timestamps *stamps,
                            const struct sock_extended_err *error)
{
    return error->ee_errno == ENOMSG && error->ee_origin == SO_EE_ORIGIN_TIMESTAMPING &&
           error->ee_data == stamps->sent_bytes - 1;
}

static void take_sent(struct native_timestamps *stamps, struct msghdr *message)
{
    struct sock_extended_err error = {0};
    uint64_t ns = 0;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
        bool is_error = (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_RECVERR) ||
                        (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_RECVERR);
        if (is_stamp(at))
            ns = stamp_ns(at);
        else if (is_error && at->cmsg_len >= CMSG_LEN(sizeof error))
            memcpy(&error, CMSG_DATA(at), sizeof error);
    }
    if (!ns || !is_of_last_byte(stamps, &error))
        return;
    /* A byte that is sent again has another stamp: the first is when it left. */
    if (error.ee_info == SCM_TSTAMP_SND && !stamps->sent_ns)
        stamps->sent_ns = ns;
    else if (error.ee_info == SCM_TSTAMP_SCHED && !stamps->queued_ns)
        stamps->queued_ns = ns;
}

void native_timestamps_drain(struct native_timestamps *stamps, int fd)
{
    for (int i = 0; i < MOST_STAMPS_PER_DRAIN; i++) {
        union control control;
        struct msghdr message = {.msg_control = control.bytes,
                                 .msg_controllen = sizeof control.bytes};
        if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            return;
        take_sent(stamps, &message);
    }
}

uint64_t native_timestamps_service_us(const struct native_timestamps *stamps)
{
    uint64_t from_ns = stamps->sent_ns ? stamps->sent_ns : stamps->queued_ns;
    if (!from_ns || !stamps->received_ns || stamps->received_ns < from_ns)
        return 0;
    uint64_t us = (stamps->received_ns - from_ns + 500) / 1000;
    return us ? us : 1;
}

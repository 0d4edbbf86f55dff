/*
 * native_timestamps.h - when the kernel sent the last byte of a request and received the last one
 * of its answer: SO_TIMESTAMPING on one plain TCP connection.
 *
 * A stamp of sending comes back on the socket's error queue, named by the position of the last byte
 * of its write in the connection; a stamp of receiving comes with the bytes. Both are taken in
 * software, by the wall clock: only the difference of two of them means anything.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_NATIVE_TIMESTAMPS_H
#define REPRISE_REPLAY_TRANSPORT_NATIVE_TIMESTAMPS_H

#include <stdint.h>
#include <sys/types.h>

struct native_stream;

/* Of one connection; zeroed at first. */
struct native_timestamps {
    uint32_t sent_bytes;  /* since it was enabled; the kernel counts so too, modulo 2^32 */
    uint64_t sent_ns;     /* the last byte that was written left; 0: not told yet */
    uint64_t queued_ns;   /* ... was given to the queue of the device: known where leaving is not */
    uint64_t received_ns; /* the last byte that was read had come; 0: not told */
};

/*
 * The kernel stamps what it receives while any socket asks for it, and begins some moments after
 * the first has asked: hold this descriptor from before the first request to behind the last, and
 * close it. -1: it cannot be had.
 */
int native_timestamps_hold(void);

/* Before the first byte is written. -1: this kernel, or this kind of socket, cannot. */
int native_timestamps_enable(int fd);

/* Bytes were written: stamps of earlier ones are forgotten. */
void native_timestamps_wrote(struct native_timestamps *stamps, size_t len);

/* As stream_read() on a plain TCP stream, and takes the stamp of the last byte. */
ssize_t native_timestamps_read(struct native_timestamps *stamps, struct native_stream *stream,
                               void *data, size_t len);

/* Take all stamps off the error queue: while any are there the socket counts as ready. */
void native_timestamps_drain(struct native_timestamps *stamps, int fd);

/* Microseconds from the last byte written to the last byte read, at least 1; 0: not known. */
uint64_t native_timestamps_service_us(const struct native_timestamps *stamps);

#endif

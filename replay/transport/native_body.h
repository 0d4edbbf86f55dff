/*
 * native_body.h - of a call whose body is made while it is sent: the pace, and over HTTP/1.1 the
 * block that has been read and not yet sent.
 *
 *     reading --> paused (no more may go yet) --timer--> reading ... --> all read
 *         \--> failed: the call's timer ends it
 *
 * However long a body is and however slowly the target takes it, a call holds one block of it.
 * Over HTTP/2 nghttp2 has a buffer to read into.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_NATIVE_BODY_H
#define REPRISE_REPLAY_TRANSPORT_NATIVE_BODY_H

#include "core/bytes.h"
#include "core/timers.h"
#include "replay/outcome.h"
#include "replay/transport/body_pace.h"

struct transport_call;

struct native_body {
    struct timer timer; /* paused: more may go */
    struct body_pace pace;
    char *block; /* lent; NULL: none */
    size_t block_len;
    uint64_t block_at;    /* where in the body it begins */
    enum failure failure; /* with it the call ends; the detail is the source's */
};

/* From the beginning again, or never more: gives the block back. */
void native_body_reset(struct transport_call *call);

/* What may be sent now of the body from `offset` on, which is not its end; empty: nothing yet, or
 * no more. The same bytes as long as `offset` is. */
struct bytes native_body_block(struct transport_call *call, uint64_t offset);

/* The same, read into the caller's room: how many; 0 as above. */
size_t native_body_read(struct transport_call *call, uint64_t offset, void *into, size_t max);

#endif

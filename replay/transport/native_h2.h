/*
 * native_h2.h - HTTP/2 of the native transport: one connection per user and target, its requests as
 * streams side by side.
 *
 *     DIALING --> OPEN <--> idle --> gone
 *        |          \--> GOING (a GOAWAY; no new request) --> gone
 *        \--> the target chose HTTP/1.1: its calls go there
 *
 *     native_h2.c          the connection: dialed, shared, closed
 *     native_h2_io.c       its bytes: written, read
 *     native_h2_request.c  a call as a stream's headers and body
 *     native_h2_answer.c   what nghttp2 tells of answers, as the call's
 *
 * nghttp2 has the frames, HPACK, flow control and the queue of streams beyond what the target
 * allows at once. What belongs to a request lies in its transport_call.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_NATIVE_H2_H
#define REPRISE_REPLAY_TRANSPORT_NATIVE_H2_H

#include "replay/transport/transport_native.h"

struct nghttp2_session;

enum {
    /* A stream may bring as much as Chrome's, and all together as much, before we say go on. */
    NATIVE_H2_STREAM_WINDOW = 6 * 1024 * 1024,
    NATIVE_H2_CONNECTION_WINDOW = 15 * 1024 * 1024,
    NATIVE_H2_FRAME_HEAD_BYTES = 9,
    NATIVE_H2_FIRST_STREAMS = 100 /* at once, until the target's SETTINGS say how many */
};

struct native_h2 {
    struct native_h2 *next, *previous; /* user->h2 */
    struct transport_user *user;
    struct native_origin *origin; /* referenced */
    struct dial *dial;            /* NULL: it is connected */
    struct transport_call *calls; /* under way, newest first */
    struct nghttp2_session *session;
    struct native_stream stream;
    struct loop_watch watch;
    struct timer idle_timer;
    struct timer flush_timer; /* requests of one moment leave in one write */
    uint64_t idle_since_us;
    uint64_t heard_us;         /* when bytes came last */
    uint64_t read_us;          /* when the bytes in hand had come; 0: with the event */
    char *block;               /* lent while it holds bytes to be written */
    struct buf spill;          /* what follows them */
    size_t block_len, written; /* of both together */
    struct tcp_seen seen;
    uint32_t goaway_code;
    bool is_used;  /* an answer has come on it: it may have been closed since */
    bool is_going; /* takes no new call */
    bool is_busy;  /* nghttp2 is at work, or owners are told: nothing is written or closed */
    bool cannot_write;
    const char *broken_by; /* what the target did to the protocol; NULL: nothing */
};

/* Whether the call goes by HTTP/2, as far as is known of its target. */
bool native_h2_takes(const struct transport_call *call);

/* On the user's connection, dialed if there is none. What fails at once is no more on any. */
enum failure native_h2_send(struct transport_call *call);
/* What to say of one that native_h2_send() could not send. */
const char *native_h2_unsent_detail(enum failure failure);

/* Off its connection, its stream reset; the caller has the call now. */
void native_h2_drop(struct transport_call *call);

/* The call may wait for 100 no longer: its body follows. */
void native_h2_continue(struct transport_call *call);

/* More of its body may be sent. */
void native_h2_resume(struct transport_call *call);

/* Closes and frees one that has no calls. */
void native_h2_close(struct native_h2 *h2);

/* Nobody uses it any more. No-op for what was never made. */
void native_h2_shared_fini(struct native_h2_shared *shared);

/* ---- between its files ---- */

/* native_h2.c: forget that the call is on it. */
void native_h2_unlink(struct transport_call *call);
/* Once more on a connection that can take it; ends the call where that is not possible. */
void native_h2_again(struct transport_call *call);

/* All its calls fail alike, and it is gone. */
void native_h2_fail(struct native_h2 *h2, enum failure failure, const char *detail);
/* The target closed, or reset (-1). */
void native_h2_lost(struct native_h2 *h2, ssize_t how);

/* native_h2_io.c: behind whatever has happened, write, and see whether it goes on. It may be gone
 * then. */
void native_h2_settle(struct native_h2 *h2);
/* Of its watch and timers. */
void native_h2_ready(struct loop_watch *watched, void *owner, int events);
void native_h2_on_flush_timer(struct timer *timer, void *owner, uint64_t now_us);
void native_h2_on_idle_timer(struct timer *timer, void *owner, uint64_t now_us);

/* native_h2_request.c: as a stream of the connection. */
enum failure native_h2_submit(struct native_h2 *h2, struct transport_call *call);
/* Its part of what is shared. */
void native_h2_request_shared(struct native_h2_shared *shared);

/* native_h2_answer.c. -1 without memory. */
int native_h2_shared_init(struct native_h2_shared *shared);

#endif

/*
 * native_http1.h - one HTTP/1.1 connection of a user: dialed for a request, used for one at a time,
 * kept for the next.
 *
 *              dial fails: the request has                    a stale one: dialed anew
 *             +--------------------------- done               +------------+
 *             |                                               |            v
 *   DIALING --+--> sending --> waiting --> receiving --> IDLE --> sending ...
 *                     |           |            |           |
 *                     +-----------+------------+-----------+--> closed
 *
 *     native_http1.c          used: a request sent, its answer read, kept or closed
 *     native_http1_open.c     dialed
 *     native_http1_request.c  a call as bytes
 *
 * What belongs to the request under way lies in its transport_call; between two requests a
 * connection is this struct, a descriptor that stays registered with the loop, and no buffer.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_NATIVE_HTTP1_H
#define REPRISE_REPLAY_TRANSPORT_NATIVE_HTTP1_H

#include "replay/transport/native_timestamps.h"
#include "replay/transport/transport_native.h"

struct native_connection {
    struct native_connection *next, *previous; /* user->connections */
    struct transport_user *user;
    struct native_origin *origin; /* referenced */
    struct transport_call *call;  /* under way; NULL: idle */
    struct dial *dial;            /* NULL: it is connected */
    struct native_stream stream;
    struct loop_watch watch;
    struct timer idle_timer;
    uint64_t idle_since_us;
    char *block; /* lent while the head of an answer is in pieces */
    size_t block_len;
    struct tcp_seen seen;
    struct native_timestamps *stamps; /* NULL: none are taken */
    bool is_reused;
    bool has_send_failed; /* nothing more can be sent; an answer may have come all the same */
};

/* Dial for the call, which gets the connection. -1 without memory. */
int native_http1_open(struct transport_call *call);

/* Send on a stream that somebody else has dialed; it is the connection's now, and closed for the
 * caller. -1: nothing has changed. 0: the call may be over already, where the target has closed it
 * or spoken first. */
int native_http1_adopt(struct transport_call *call, struct native_stream *stream);

/* Send on a connection that is idle. */
void native_http1_use(struct native_connection *connection, struct transport_call *call);

/* Closes and frees; a call under way is left without a connection. */
void native_http1_close(struct native_connection *connection);

/* The connection may wait for 100 no longer: send the body. */
void native_http1_continue(struct native_connection *connection);

/* More of the body may be sent. */
void native_http1_resume(struct native_connection *connection);

/* ---- between its files ---- */

#define NATIVE_HTTP1_UNASKED "bytes came before they were asked for"

/* native_http1.c */
void native_http1_link_first(struct native_connection *connection);
/* Its call is there, and so is the peer. */
void native_http1_begin(struct native_connection *connection);
/* Take the call away from its connection, which is closed, and tell its owner. */
void native_http1_end_call(struct native_connection *connection, enum failure failure,
                           const char *detail);
/* It has come to an end inside a request: 0 in order, -1 not. */
void native_http1_ended(struct native_connection *connection, ssize_t how);
/* Of its watch. */
void native_http1_ready(struct loop_watch *watched, void *owner, int events);

/* native_http1_request.c: the next bytes of the call's request, from call->sent_bytes on. */
struct native_pieces {
    struct request_cut_scratch scratch;
    struct bytes all[REQUEST_CUT_MAX_PIECES];
    struct iovec *first; /* of those that are left */
    int count;
    uint64_t len; /* of those that are left */
    uint64_t end; /* call->sent_bytes once they all are, and whatever a source still has */
};

/*
 * Made anew for every step, so that nothing has to be kept while a target reads slowly: views into
 * the request, into the transport's request_text where it has no cut, and into the call's block of
 * a body that is made while it is sent; none while nothing of that may go. `with_body` false: up to
 * the end of the head.
 */
void native_request_pieces(struct transport_call *call, bool with_body,
                           struct native_pieces *pieces);

/* Whether it can be written at all: method, header lines. */
bool native_request_is_valid(const struct transport_request *request);

/* A head that has to be written down is not over NATIVE_MAX_REQUEST_HEAD_BYTES. */
bool native_request_fits(const struct transport_request *request);

/* It asks for 100 before its body. */
bool native_request_expects_continue(const struct transport_request *request);

#endif

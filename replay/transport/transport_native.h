/*
 * transport_native.h - what the files of the native transport share: its structs.
 *
 *   transport (one per worker)
 *     dialer             dial.c: names, addresses, TLS
 *     buffer_pool        lent to whatever has an answer under way
 *     transport_user     one per replayed user
 *       native_connection ...   native_http1.c: one request at a time each
 *       native_h2               native_h2.c: one connection, many streams
 *       transport_ws ...        native_ws.c
 *
 * An idle user holds no buffer; a connection between two requests holds none either.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_TRANSPORT_NATIVE_H
#define REPRISE_REPLAY_TRANSPORT_TRANSPORT_NATIVE_H

#include "core/buf.h"
#include "replay/transport/buffer_pool.h"
#include "replay/transport/dial.h"
#include "replay/transport/native_answer.h"
#include "replay/transport/native_body.h"
#include "replay/transport/native_origin.h"
#include "replay/transport/native_view.h"
#include "replay/transport/transport.h"
#include "traces/content_coding.h"

struct native_connection;
struct native_h2;
struct native_h2_filled;
struct nghttp2_session_callbacks;
struct nghttp2_option;

/* What all HTTP/2 connections of a transport share; made for the first. */
struct native_h2_shared {
    struct nghttp2_session_callbacks *callbacks;
    struct nghttp2_option *option;
};

#define NATIVE_MAX_IDLE_CONNECTIONS 16 /* of one user; as many as libcurl is told to keep */
#define NATIVE_MAX_IDLE_US UINT64_C(90000000)
/* Of a request that is written down whole: a URL, the headers of a recording, as much by plugins.
 */
#define NATIVE_MAX_REQUEST_HEAD_BYTES (HTTP_MAX_URL_BYTES + 2 * HTTP1_MAX_HEAD_BYTES)
#define NATIVE_REQUEST_TOO_LARGE "the request's headers are over 576 KiB: make them smaller"
#define NATIVE_CONTINUE_WAIT_US                                                                    \
    UINT64_C(1000000)                    /* for 100, before the body is sent all the same */
#define NATIVE_CONTINUE_NEVER UINT64_MAX /* the answer came instead: the body is not wanted */

struct transport {
    struct loop *loop;
    struct transport_options options;
    struct dialer *dialer;
    struct native_origins origins;
    struct transport_call *free_calls;
    size_t free_call_count;
    struct buffer_pool pool;
    struct answer_scratch *scratch;
    struct content_decoder *decoder; /* of whole bodies */
    struct content_streams *streams; /* of those that are shown as they come */
    struct buf request_text;         /* the head of a request without a cut */
    struct native_h2_shared h2_shared;
    size_t connections_open; /* of every kind */
    size_t most_connections; /* since somebody asked */
    size_t waiting_count;    /* calls that wait for a connection of their user */
    size_t most_waiting;     /* since somebody asked */
    struct network_sampler network;
    int timestamps_fd;              /* native_timestamps_hold(); -1: none are taken */
    struct dial_counts told_counts; /* of the dialer, as last handed on */
};

struct transport_user {
    struct transport *transport;
    struct dial_resumption resumption;
    struct native_connection *connections; /* HTTP/1.1, in use or idle; used last comes first */
    struct transport_call *first_waiting, *last_waiting; /* for a connection, in order */
    struct native_h2 *h2;                                /* HTTP/2: one for each target */
    struct transport_ws *websockets;
    struct timer start_timer; /* a place became free by a cancelled call */
    uint32_t connection_count;
};

/*
 * One request under way. It is taken from and given back to the transport, so that its timer can
 * stay set from one request to the next: it looks at the deadline when it fires, and a request that
 * is answered costs no timer operation.
 */
struct transport_call {
    struct transport_call *next, *previous; /* waiting; `next` alone when free */
    struct transport_user *user;            /* NULL: free */
    struct native_origin *origin;           /* referenced */
    struct native_connection *connection;   /* NULL: waiting, or on `h2` */
    struct native_h2 *h2;                   /* its connection; next and previous are in its list */
    struct native_h2_filled *filled;        /* the request with its slots' values */
    uint64_t body_sent;                     /* over HTTP/2 */
    struct native_body body;                /* of one that is made while it is sent */
    int32_t stream_id;                      /* 0: none yet */
    struct transport_request request;
    struct timer timer;
    uint64_t deadline_us;
    uint64_t started_us; /* handed to send() */
    uint64_t ready_us;   /* is_ready: the connection was there, the first byte was sent */
    uint64_t sent_us;    /* is_sent: the last byte was */
    uint64_t first_us;   /* the answer's first byte had come; 0: it has not */
    uint64_t ended_us;   /* its last one had; or the failure was known */
    uint64_t dns_us, tls_us;
    uint64_t used_at_wait;   /* loop->wait_count when it was sent on a connection in use */
    uint64_t continue_at_us; /* when the body follows without a 100; NATIVE_CONTINUE_NEVER; 0:
                                nothing to wait for */
    uint64_t sent_bytes;
    uint64_t received_bytes;
    uint64_t kernel_us;   /* the service time by the kernel's stamps; 0: not known */
    enum failure failure; /* it failed where no callback may come: delivered by the timer */
    const char *failure_detail;
    bool is_ready, is_sent;
    bool was_retried;
    bool was_kept;         /* HTTP/2: sent on a connection that had been used before */
    bool was_reset;        /* by the target: its stream */
    bool expects_continue; /* the body is not to be sent yet */
    struct native_answer answer;
    struct native_view view; /* of an answer that is shown as it comes */
};

/* transport_native.c */

/* A connection has been opened, or closed: for most_connections(). */
void native_count_connection(struct transport *transport, int change);

/* The call is over: tells its owner, gives it back, and starts what waits. It has no connection any
 * more. */
void native_call_done(struct transport_call *call, enum failure failure, const char *detail);

/* The same where no callback may come: it is told of in the loop's next pass. `detail` is a
 * literal.
 */
void native_call_fail_later(struct transport_call *call, enum failure failure, const char *detail);

/* Send it over HTTP/1.1: on `stream` when that is open (the caller's is closed then; one on which
 * the target has spoken already ends the call at once), else on one of its user's connections, when
 * there is room: no callback then. */
void native_call_start(struct transport_call *call, struct native_stream *stream);

/* A connection may be idle now, or gone: start what waits for one. No callback. */
void native_user_start_waiting(struct transport_user *user);

/* native_call.c */

/* From the transport's store, with its timer set; NULL without memory. */
struct transport_call *native_call_take(struct transport_user *user, timer_fn on_timer,
                                        timer_fn on_body_timer);
/* The request's own limit, where that is sooner than the run's; limit() behind take(). */
bool native_call_is_limited(const struct transport_call *call);
uint64_t native_call_timeout_us(const struct transport_call *call);
void native_call_limit(struct transport_call *call);
void native_call_give(struct transport_call *call);
void native_calls_free(struct transport *transport);

/* Its head is out and the body is not: 100 comes within a second, or the body follows without it
 * (RFC 9110 10.1.1). */
void native_call_await_continue(struct transport_call *call);
/* It is over: the caller sends the body. What comes from here on is the answer. */
void native_call_continue(struct transport_call *call);

enum failure native_coding_failure(enum content_result result);

/* The call's times until now, which is call->ended_us. */
void native_call_times(const struct transport_call *call, struct transport_result *result);

/* What became of it; may decode the body. Borrowed from the call and the transport. */
void native_call_result(struct transport_call *call, enum failure failure, const char *detail,
                        struct transport_result *ret_result);

/* native_h2_request.c */
void native_h2_request_fini(struct transport_call *call);

/* native_ws.c */
struct transport_ws *native_ws_open(struct transport_user *user,
                                    const struct transport_request *request,
                                    const struct transport_ws_events *events, void *owner);

#endif

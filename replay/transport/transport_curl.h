/*
 * transport_curl.h - what the files of the libcurl transport share: its structs.
 *
 * A multi handle per user on the worker's own loop: a shared one would pool connections across
 * users, which real users do not do, and look them up linearly. A user's WebSockets have another:
 * libcurl would count them among the connections that requests may have, and requests wait for
 * one that a WebSocket holds.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_CURL_H
#define REPRISE_REPLAY_TRANSPORT_CURL_H

#include <curl/curl.h>

#include "core/buf.h"
#include "replay/transport/body_pace.h"
#include "replay/transport/dial_source.h"
#include "replay/transport/transport.h"

/* Header lines as libcurl wants them: a list whose nodes and lines are two blocks of ours. */
struct header_list {
    struct buf text; /* lines, each with its '\0' */
    struct curl_slist *nodes;
    size_t capacity;
};

struct transport {
    struct loop *loop;
    struct transport_options options;
    CURLSH *share; /* DNS answers, of this worker's users */
    struct trust_store *trust;
    struct dial_sources sources;
    struct buf scratch;
    size_t connections_open;
    size_t most_connections; /* since somebody asked */
    struct network_sampler network;
};

struct curl_socket;

struct tcurl_multi {
    struct transport_user *user;
    CURLM *handle;
    struct timer timer; /* libcurl's own time-outs */
    int call_count;     /* in user->active */
    bool needs_kick;
};

struct transport_user {
    struct transport *transport;
    struct tcurl_multi requests;
    struct tcurl_multi upgrades; /* handle NULL: it has had no WebSocket yet */
    struct timer drain_timer;    /* calls that ended while they were being started */
    struct transport_call *active;
    uint32_t max_connections;    /* as libcurl was last told; 0: any number */
    struct transport_call *idle; /* easy handles to use again */
    struct transport_ws *websockets;
    struct curl_socket *sockets; /* of all its connections, in use or idle */
    bool is_draining;
};

enum { CALL_MAX_HEADERS = 256 };

struct transport_call {
    struct transport_call *next, *previous; /* in user->active; `next` alone in user->idle */
    struct transport_user *user;
    struct tcurl_multi *multi; /* the user's that carries it */
    CURL *easy;
    struct transport_request request;
    struct header_list headers;
    struct buf header_text; /* kept header lines, "Name: value\n" */
    struct buf body;
    struct transport_ws *ws; /* this call only connects it */
    struct timer body_timer; /* its pace lets more of the body go */
    struct body_pace pace;
    uint64_t shown_bytes;   /* of the answer's body, decoded */
    uint64_t body_sent;     /* of a body that libcurl asks for piece by piece */
    uint64_t started_us;    /* handed to send() */
    uint64_t answered_us;   /* with such a body: when the answer's head began */
    uint64_t body_ended_us; /* the last of it was handed to libcurl; 0: it was not */
    bool has_body_failed;   /* its source */
    bool has_body_options;  /* of the handle: to be taken back */
    bool has_limit;         /* likewise: the request's own, where that is sooner than the run's */
    bool is_cut;            /* the request's viewer wants no more of the answer */
    bool was_shown;         /* the viewer has its head */
    bool is_over_ratio;     /* what it is shown is too large for what came */
    bool may_wait;          /* there were as many under way as connections allowed */
    int socket_error;       /* why there was no socket for it: libcurl does not keep that */
    char error_text[CURL_ERROR_SIZE];
};

/* Let libcurl act now; what ends is delivered here, or from the loop while calls are being started.
 */
void tcurl_multi_kick(struct tcurl_multi *multi);

/* Tell libcurl what has become ready (CURL_CSELECT_IN, CURL_CSELECT_OUT), and deliver what ends by
 * it. */
void tcurl_multi_act(struct tcurl_multi *multi, curl_socket_t fd, int events);

int tcurl_multi_open(struct tcurl_multi *multi, struct transport_user *user);

/* The failure that a result code of libcurl stands for. */
enum failure tcurl_failure_of(const struct transport_call *call, CURLcode code);
/* And what was wrong, in one line, in the call until it is used again: in the place of libcurl's
 * own, by which the failure was told. */
const char *tcurl_failure_detail(struct transport_call *call, CURLcode code);

/* A call with options common to all set, not yet added; NULL without memory. */
struct transport_call *tcurl_call_take(struct tcurl_multi *multi);
void tcurl_call_release(struct transport_call *call);

/* transport_curl_body.c */

/* Whether libcurl asks for the body piece by piece; else it lies where it can be read. */
bool tcurl_reads_body(const struct http_request *http);
/* The run's, or the request's own where that is sooner. */
uint64_t tcurl_timeout_us(const struct transport_call *call);
/* From its beginning, as libcurl's options. */
void tcurl_body_apply(struct transport_call *call);
void tcurl_body_fini(struct transport_call *call);
/* Of call->body_timer. */
void tcurl_body_on_timer(struct timer *timer, void *owner, uint64_t now_us);
/* libcurl's callback for the answer's body; `owner` is the call. */
size_t tcurl_body_take(char *data, size_t size, size_t count, void *owner);

/* transport_curl_socket.c */

/* Stop watching a socket that somebody else will watch from now on. */
void tcurl_socket_release(struct transport_user *user, curl_socket_t fd);
void tcurl_socket_release_all(struct transport_user *user);

/* libcurl's callbacks: `owner` is the multi, for open the call, for close the user. */
int tcurl_socket_watch(CURL *easy, curl_socket_t fd, int what, void *owner, void *unused);
curl_socket_t tcurl_socket_open(void *owner, curlsocktype purpose, struct curl_sockaddr *address);
int tcurl_socket_close(void *owner, curl_socket_t fd);

/* transport_curl_ws.c */
struct transport_ws *tcurl_ws_open(struct transport_user *user,
                                   const struct transport_request *request,
                                   const struct transport_ws_events *events, void *owner);
/* The CONNECT_ONLY call has ended. */
void tcurl_ws_connected(struct transport_ws *ws, CURLcode code);

#endif

/*
 * transport.h - how requests and WebSockets reach the target: a struct of functions per way of
 * doing it.
 *
 * One transport per worker, one transport_user per replayed user (its connections; users share
 * none), one call per request under way. Everything happens on the worker's loop; a callback may
 * start or cancel calls of its user, but not free the user.
 *
 *     open --> user_open --> send ... done      (any number at once)
 *                        --> ws_open --> on_open --> ws_send / on_message ... --> on_close
 *              user_close cancels what is under way without a callback --> close
 */
#ifndef REPRISE_REPLAY_TRANSPORT_H
#define REPRISE_REPLAY_TRANSPORT_H

#include "core/cli.h"
#include "core/http_message.h"
#include "replay/loop.h"
#include "replay/network_health.h"
#include "replay/outcome.h"
#include "replay/plan/request_cut.h"

/* Which HTTP is spoken; what the target does not speak fails as `protocol`. */
enum transport_http {
    TRANSPORT_HTTP_AUTO, /* what ALPN settles on over TLS, 1.1 without */
    TRANSPORT_HTTP_1_1,
    TRANSPORT_HTTP_2 /* over TLS by ALPN, without by prior knowledge (RFC 9113 3.3) */
};

struct transport_options {
    uint64_t timeout_us;      /* for a whole request, connecting included */
    size_t max_body_bytes;    /* of an answer that is kept; one that is only counted has no limit */
    size_t max_message_bytes; /* of a WebSocket message */
    bool verifies_tls;
    bool
        speaks_tls; /* the target does: what is needed is read at the start, not at its first use */
    const char *ca_path; /* certificates to trust instead of the system's, or NULL; borrowed */
    enum transport_http http;
    struct cli_list bind_addresses; /* source addresses in turn, so that ports do not run out */
    const char *proxy_url;          /* NULL: none; libcurl only */
    uint64_t seed;                  /* of what is drawn: WebSocket masks, jitter */
    uint32_t worker_number;         /* from 0, of worker_count: so that each takes its own turns */
    bool kernel_timestamps;         /* SO_TIMESTAMPING where the transport can */
};

#define TRANSPORT_LIMITED                                                                          \
    "no whole answer in the time that a plugin gave it; its own options say how long"

/* Times in microseconds; the parts of service and connecting as outcome.h draws them. */
struct transport_result {
    enum failure failure;
    const char *detail;            /* of a failure, borrowed */
    struct http_response response; /* borrowed until the callback returns */
    bool was_shown;                /* to the request's viewer, also of an answer that broke off */
    uint64_t dns_us, connect_us, tls_us;
    uint64_t sending_us, waiting_us, receiving_us;
    uint64_t kernel_us; /* waiting and receiving by kernel time stamps; 0: not known */
    uint64_t bytes_sent, bytes_received;
    uint64_t body_bytes; /* of the answer, as they came */
};

typedef void (*transport_done_fn)(void *owner, const struct transport_result *result);

/*
 * Who sees an answer while it comes. It comes in one of two ways:
 *
 *   shown      its body was not there with its head: on_head(), on_body() for each piece, done()
 *              with was_shown. Of the body nothing is held for the viewer, and it has no limit.
 *   at once    it was: done() alone, without was_shown; response.body is there then as if
 *              keeps_body were set.
 *
 * The transport sees to it that every byte of the body comes to its viewer in just one of them (in
 * response.body besides, with keeps_body), codings undone, and that a coded body which is not what
 * it says, or ends too early, fails, whatever was shown of it by then (libcurl takes what it could
 * undo); the viewer, that it takes both. Native HTTP/1.1 shows no answer that is in one read,
 * unless that stands for more than may be kept; native HTTP/2 shows all but those without a body,
 * and libcurl all. Nobody sees what answers an upgrade.
 *
 * Views are borrowed until the function returns. Calls may be started and cancelled behind it only,
 * never inside.
 */
struct transport_viewer {
    /* As many headers as are kept. It may come again (a proxy's own answer was before it): what
     * counts is the last. */
    void (*on_head)(void *owner, const struct http_response *head);
    /* Some KB of it. `so_far`: with wants_so_far what is known by now, status, headers and times;
     * else NULL, as it costs. False: the rest is not wanted, the answer is complete as it is, done
     * follows and the connection goes (of HTTP/2, the stream). */
    bool (*on_body)(void *owner, const struct transport_result *so_far, struct bytes piece);
    bool wants_so_far;
};

/*
 * What to send. `http` must stay until done or cancel, and the memory that it, `cut`, `values` and
 * `cookies` point to as well; the struct itself is copied. A body's source is read as the peer
 * takes it, from its beginning again where a kept connection turned out to be gone; what it fails
 * with is FAILURE_PLUGIN, what it says is the detail. The time its pace takes comes on top of
 * timeout_us.
 */
struct transport_request {
    const struct http_request *http; /* all of it, but for the slots' values: see is_filled */
    const struct request_cut *cut;   /* when nothing but slots, cookies and a few headers, which
                                        request_cut_takes(), differs from the plan's own request;
                                        else NULL */
    bool is_filled;                  /* the slots' values are in `http` */
    const struct bytes *values;      /* for the cut's slots; may be NULL */
    struct bytes cookies;            /* the Cookie value, may be empty */
    uint32_t max_connections;        /* this user may have to the target at once; 0: any number */
    bool closes_connection; /* it is not used again: the recorded client's was closed then */
    uint64_t limit_us;      /* as timeout_us, where it is sooner; 0: none. Not of an upgrade */
    bool keeps_body;        /* decoded, in result.response.body, which a '\0' follows */
    bool keeps_headers;     /* all in result.response.headers; else at least every Set-Cookie */
    const struct transport_viewer *viewer; /* NULL: nobody looks at the answer while it comes */
    transport_done_fn done;
    void *owner;
};

struct transport_ws_events {
    /* The handshake was answered 101. */
    void (*on_open)(void *owner, const struct transport_result *result);
    /* A whole data message; borrowed until the call returns. */
    void (*on_message)(void *owner, int opcode, struct bytes payload);
    /* Nothing follows. Before on_open: the handshake failed (result.response.status is what came,
     * if any). After it: result.failure is FAILURE_NONE when it ended with a closing handshake. */
    void (*on_close)(void *owner, const struct transport_result *result, int close_code);
};

struct transport;
struct transport_user;
struct transport_call;
struct transport_ws;

struct transport_ops {
    const char *name;
    /* What is wrong with the options, before anything else happens; NULL: nothing can be. */
    int (*check)(const struct transport_options *options, struct error *err);
    int (*open)(struct transport **ret_transport, struct loop *loop,
                const struct transport_options *options, struct error *err);
    void (*close)(struct transport *transport);

    /* NULL without memory. */
    struct transport_user *(*user_open)(struct transport *transport);
    void (*user_close)(struct transport_user *user);

    /* NULL: not sent, *ret_failure says why; done is not called. */
    struct transport_call *(*send)(struct transport_user *user,
                                   const struct transport_request *request,
                                   enum failure *ret_failure);
    void (*cancel)(struct transport_call *call);

    struct transport_ws *(*ws_open)(struct transport_user *user,
                                    const struct transport_request *request,
                                    const struct transport_ws_events *events, void *owner);
    /* -1: it cannot be sent any more. Control frames: opcode 8 with its code, and 9. */
    int (*ws_send)(struct transport_ws *ws, int opcode, struct bytes payload, int close_code);
    /* No callback follows. */
    void (*ws_free)(struct transport_ws *ws);

    /* The most at once since the last call. */
    size_t (*most_connections)(struct transport *transport);
    /* Add what the network did to connections since the last call; NULL: nothing is known. */
    void (*network_health)(struct transport *transport, struct network_health *health);
};

extern const struct transport_ops transport_curl;
extern const struct transport_ops transport_native;

#endif

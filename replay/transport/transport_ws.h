/*
 * transport_ws.h - a WebSocket on the worker's loop, whichever transport has made its connection:
 * who is told what and when, what is watched, how it ends.
 *
 *   CONNECTING --> HANDSHAKE --> OPEN --> OVER
 *        \__________\______________/
 *
 * A transport's own struct begins with a transport_ws. One that is open and idle holds that and its
 * ws_client: no buffer, no timer.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_TRANSPORT_WS_H
#define REPRISE_REPLAY_TRANSPORT_TRANSPORT_WS_H

#include "replay/transport/transport.h"
#include "replay/transport/ws_client.h"

/* What differs: how its transport moves bytes. */
struct transport_ws_way {
    /* As struct ws_io has them; the owner is the transport_ws. */
    ssize_t (*read)(void *ws, char *data, size_t len);
    ssize_t (*write)(void *ws, const char *data, size_t len);
    bool (*has_pending)(void *ws);
    /* To be watched; -1: the connection is gone. */
    int (*descriptor)(struct transport_ws *ws);
    /* LOOP_READ and LOOP_WRITE that a write which did not go through waits for; NULL: LOOP_WRITE.
     */
    int (*events)(const struct transport_ws *ws);
    /* Nothing will be read or written any more. May come twice. NULL: destroy() is soon enough. */
    void (*disconnect)(struct transport_ws *ws);
    /* Disconnected already. */
    void (*destroy)(struct transport_ws *ws);
};

struct transport_ws {
    struct transport_ws *next, **link; /* in its user's list */
    const struct transport_ws_way *way;
    struct loop *loop;
    struct ws_client *client; /* from HANDSHAKE on */
    struct transport_ws_events tell;
    void *owner;
    struct loop_watch watch;
    struct timer timer; /* limits the handshake; later: pump again, there is more to read or tell */
    uint64_t deadline_us;
    uint64_t connected_us;
    uint64_t dns_us, connect_us, tls_us; /* set by its transport, where it knows */
    bool is_open;                        /* on_open was called */
    bool is_over;                        /* on_close was called */
    bool is_in_callback;                 /* of ours, or where one may come from */
    bool is_freed;                       /* in a callback: free it behind that */
};

/* It connects, until `deadline_us` at the latest. */
void transport_ws_init(struct transport_ws *ws, const struct transport_ws_way *way,
                       struct loop *loop, uint64_t deadline_us,
                       const struct transport_ws_events *events, void *owner);
/* Into its user's list; it leaves that by itself. */
void transport_ws_link(struct transport_ws *ws, struct transport_ws **list);

/* The transport limits nothing itself: give up at the deadline. */
void transport_ws_limit(struct transport_ws *ws);

/* The connection is there: shake hands. `http` and `cookies` are not needed behind that. It may be
 * gone when this returns. */
void transport_ws_connected(struct transport_ws *ws, const struct http_request *http,
                            struct bytes cookies, const struct transport_options *options);
/* There is none. The same. */
void transport_ws_failed(struct transport_ws *ws, enum failure failure, const char *detail);

/* The ops of both transports: see transport.h. What goes wrong in sending is told by the loop,
 * never inside that call. */
int transport_ws_send(struct transport_ws *ws, int opcode, struct bytes payload, int close_code);
void transport_ws_free(struct transport_ws *ws);

#endif

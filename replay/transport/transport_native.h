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
#include "replay/transport/dial.h"
#include "replay/transport/transport.h"

struct native_connection;
struct native_h2;

struct transport {
    struct loop *loop;
    struct transport_options options;
    struct dialer *dialer;
    size_t connections_open; /* of every kind */
    size_t most_connections; /* since somebody asked */
};

struct transport_user {
    struct transport *transport;
    struct dial_resumption resumption;
    struct native_connection *connections; /* HTTP/1.1, in use or idle */
    struct native_h2 *h2;                  /* NULL: none */
    struct transport_ws *websockets;
};

/* A connection has been opened, or closed: for most_connections(). */
void native_count_connection(struct transport *transport, int change);

/* native_ws.c */
struct transport_ws *native_ws_open(struct transport_user *user,
                                    const struct transport_request *request,
                                    const struct transport_ws_events *events, void *owner);
int native_ws_send(struct transport_ws *ws, int opcode, struct bytes payload, int close_code);
void native_ws_free(struct transport_ws *ws);

#endif

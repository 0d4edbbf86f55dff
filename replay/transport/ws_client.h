/*
 * ws_client.h - a WebSocket client on a connection somebody else made (RFC 6455): handshake by us,
 * frames by wslay. No sockets here: bytes come and go through two functions.
 *
 * No extension is offered, so payloads are never compressed. Pings are answered; pongs are
 * swallowed.
 */
#ifndef REPRISE_REPLAY_WS_CLIENT_H
#define REPRISE_REPLAY_WS_CLIENT_H

#include "core/buf.h"
#include "core/http_message.h"
#include "core/random.h"
#include "replay/outcome.h"

#define WS_IO_BLOCKED (-2)
#define WS_IO_FAILED (-1)

struct ws_io {
    void *owner;
    /* Bytes moved; 0 from read: closed by the peer; WS_IO_BLOCKED; WS_IO_FAILED. */
    ssize_t (*read)(void *owner, char *data, size_t len);
    ssize_t (*write)(void *owner, const char *data, size_t len);
};

enum ws_client_state {
    WS_STATE_HANDSHAKE,
    WS_STATE_OPEN,
    WS_STATE_CLOSING, /* a close frame went out, or came in */
    WS_STATE_CLOSED,  /* by a closing handshake */
    WS_STATE_REFUSED, /* the handshake was answered, but not by 101 */
    WS_STATE_BROKEN   /* the connection or the protocol failed: `failure`, `detail` say how */
};

struct ws_client;

typedef void (*ws_message_fn)(void *owner, int opcode, struct bytes payload);

/*
 * `request` gives URL and headers of the upgrade; `cookies` its Cookie value. `random` masks frames
 * and makes the key: seeded, it makes runs repeat. NULL without memory.
 */
struct ws_client *ws_client_new(const struct ws_io *io, const struct http_request *request,
                                struct bytes cookies, struct random random,
                                size_t max_message_bytes, ws_message_fn on_message, void *owner);
void ws_client_free(struct ws_client *client);

/* Move what can be moved both ways; returns the state after it. Call when the connection is ready.
 */
enum ws_client_state ws_client_pump(struct ws_client *client);

/* Queue a message, a ping or a close (without a reason); ws_client_pump() sends them in this order.
 * -1 when it is not open. */
int ws_client_send(struct ws_client *client, int opcode, struct bytes payload, int close_code);

bool ws_client_wants_write(const struct ws_client *client);

/* Of the answer to the handshake; 0 before it. */
int ws_client_status(const struct ws_client *client);
/* Its head, parsed anew; views are valid while the client lives. -1 before it. */
int ws_client_head(const struct ws_client *client, struct http1_head *ret_head);
int ws_client_close_code(const struct ws_client *client); /* received; 0: none */
enum failure ws_client_failure(const struct ws_client *client);
const char *ws_client_detail(const struct ws_client *client);
uint64_t ws_client_bytes_sent(const struct ws_client *client);
uint64_t ws_client_bytes_received(const struct ws_client *client);

/* The Sec-WebSocket-Accept that answers this key (RFC 6455 4.2.2, 5.4). `out` holds 29. */
void ws_accept_of(struct bytes key, char out[29]);

#endif

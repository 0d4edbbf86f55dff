/*
 * ws_handshake.h - did the server answer the WebSocket key that the client sent (RFC 6455 4.2.2)?
 */
#ifndef REPRISE_CAPTURE_WS_HANDSHAKE_H
#define REPRISE_CAPTURE_WS_HANDSHAKE_H

#include "core/bytes.h"

/* Sec-WebSocket-Key of the request, Sec-WebSocket-Accept of the answer. */
bool ws_accept_is_right(struct bytes key, struct bytes accept);

#endif

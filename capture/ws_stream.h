/*
 * ws_stream.h - one direction of a WebSocket: bytes in, messages out (RFC 6455 section 5, RFC
 * 7692).
 *
 * Control frames come out where they stand, between the fragments of a message as well. Frames
 * cannot be found again behind missing bytes: what follows a gap is counted, not guessed.
 */
#ifndef REPRISE_CAPTURE_WS_STREAM_H
#define REPRISE_CAPTURE_WS_STREAM_H

#include "core/bytes.h"
#include "traces/trace.h"

struct ws_settings {
    bool is_deflated;         /* permessage-deflate was agreed on */
    bool keeps_no_context;    /* ..._no_context_takeover for this direction */
    size_t max_message_bytes; /* kept of one message, after inflating */
};

/* What the answer's Sec-WebSocket-Extensions says of one direction; max_message_bytes stays. */
void ws_settings_read(struct ws_settings *settings, struct bytes extensions,
                      enum trace_sender sender);

struct ws_callbacks {
    /* ids are 0; sender, moments, sizes and flaws are set. */
    void (*on_message)(void *owner, struct trace_message *message, struct bytes content);
    /* Bytes over, `reason` says why they are not in a message. */
    void (*on_lost)(void *owner, enum trace_reason reason, uint64_t payload_bytes);
};

struct ws_stream;

/* NULL without memory. */
struct ws_stream *ws_stream_new(const struct ws_settings *settings, enum trace_sender sender,
                                const struct ws_callbacks *callbacks, void *owner);
void ws_stream_free(struct ws_stream *stream); /* NULL is allowed */

/* All bytes are taken: into messages, or to on_lost(). */
void ws_stream_data(struct ws_stream *stream, struct bytes data, int64_t at_us);
void ws_stream_gap(struct ws_stream *stream, int64_t at_us);

/* No more will come: a message that is not whole comes out with its flaw. */
void ws_stream_close(struct ws_stream *stream, int64_t at_us);

/* Bytes that are in messages or will be. */
uint64_t ws_stream_stored_bytes(const struct ws_stream *stream);

#endif

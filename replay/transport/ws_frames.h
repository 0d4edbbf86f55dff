/*
 * ws_frames.h - the frames of a client's WebSocket (RFC 6455 5): bytes to messages, messages to
 * masked bytes.
 *
 * wslay reads and writes the frames; messages, their limits and UTF-8 are put together here. Its
 * context takes 4 KiB, so a connection has one only from a frame's first byte to its last: an idle
 * one costs some 250 bytes.
 */
#ifndef REPRISE_REPLAY_TRANSPORT_WS_FRAMES_H
#define REPRISE_REPLAY_TRANSPORT_WS_FRAMES_H

#include "core/buf.h"
#include "core/random.h"

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10
};

/* Codes of RFC 6455 7.4.1. */
enum {
    WS_CODE_NORMAL = 1000,
    WS_CODE_PROTOCOL = 1002,
    WS_CODE_NONE = 1005, /* a close frame without a code; never sent */
    WS_CODE_NOT_UTF8 = 1007,
    WS_CODE_TOO_LARGE = 1009
};

enum { WS_MAX_CONTROL_BYTES = 125, WS_MAX_HEAD_BYTES = 14 };

/* Zeroes are a check that has seen nothing. */
struct ws_utf8 {
    uint8_t left;      /* continuation bytes to come */
    uint8_t low, high; /* between which the next one lies */
};

/* Go on with more of a text. False: it is not UTF-8 (RFC 3629). */
bool ws_utf8_feed(struct ws_utf8 *utf8, struct bytes text);

struct wslay_frame_context;

struct ws_reader {
    struct wslay_frame_context *frames; /* NULL between two frames with nothing read ahead */
    struct bytes in;                    /* of the feed in hand, what wslay has not taken */
    uint64_t ahead_bytes;               /* taken by wslay and not yet part of a frame we know of */
    struct buf message;                 /* of a message that is not whole yet */
    size_t max_message_bytes;
    uint64_t payload_left;  /* of the frame in hand */
    struct ws_utf8 utf8;    /* of the text in hand */
    uint8_t opcode;         /* of the frame in hand */
    uint8_t message_opcode; /* of the message it belongs to; 0: none has begun */
    bool is_final;
    bool is_in_payload;
    bool has_ended; /* as on_frame asked for */
    uint8_t control_len;
    char control[WS_MAX_CONTROL_BYTES];
};

/*
 * A whole message, or a control frame with its payload; borrowed until the call returns. False:
 * read no further, now and later.
 */
typedef bool (*ws_frame_fn)(void *owner, enum ws_opcode opcode, struct bytes payload);

void ws_reader_init(struct ws_reader *reader, size_t max_message_bytes);
void ws_reader_fini(struct ws_reader *reader);

/*
 * Take all of `in`, however it was cut. 0, or the code to close with: what the server sent breaks
 * RFC 6455, is no UTF-8 where it has to be, or is over the limit; the reader is of no use then. A
 * message that lies whole in `in` is not copied.
 */
int ws_reader_feed(struct ws_reader *reader, struct bytes in, ws_frame_fn on_frame, void *owner);

/* Append one frame, masked as a client's has to be. -1: over the buffer's maximum; nothing is
 * appended then. */
int ws_frame_append(struct buf *out, enum ws_opcode opcode, struct bytes payload,
                    struct random *random);

/* The code in the payload of a close frame: WS_CODE_NONE for an empty one, 0 for one that cannot
 * be. */
int ws_close_code_of(struct bytes payload);

#endif

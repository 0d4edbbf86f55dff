/* ws_frames.c - a client's WebSocket frames, both ways: wslay for each frame, the rules of messages
 * here. */
#include "replay/transport/ws_frames.h"

#include <wslay/wslay.h>

/* --- UTF-8 ------------------------------------------------------------------------------------ */

/* The first byte of a character longer than one: how many follow, and what the second may be. */
static bool utf8_begin(struct ws_utf8 *utf8, uint8_t byte)
{
    *utf8 = (struct ws_utf8){.low = 0x80, .high = 0xbf};
    if (byte >= 0xc2 && byte <= 0xdf) {
        utf8->left = 1;
    } else if (byte >= 0xe0 && byte <= 0xef) {
        utf8->left = 2;
        utf8->low = byte == 0xe0 ? 0xa0 : 0x80;  /* no overlong forms */
        utf8->high = byte == 0xed ? 0x9f : 0xbf; /* no surrogates */
    } else if (byte >= 0xf0 && byte <= 0xf4) {
        utf8->left = 3;
        utf8->low = byte == 0xf0 ? 0x90 : 0x80;
        utf8->high = byte == 0xf4 ? 0x8f : 0xbf; /* nothing behind U+10FFFF */
    }
    return utf8->left > 0;
}

/* How many bytes at the start are ASCII for certain: whole words of it. */
static size_t ascii_run(const char *at, size_t len)
{
    size_t run = 0;
    for (uint64_t word; run + sizeof word <= len; run += sizeof word) {
        memcpy(&word, at + run, sizeof word);
        if (word & 0x8080808080808080)
            break;
    }
    return run;
}

bool ws_utf8_feed(struct ws_utf8 *utf8, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!utf8->left)
            i += ascii_run(text.ptr + i, text.len - i);
        if (i == text.len)
            break;
        uint8_t byte = (uint8_t)text.ptr[i];
        if (utf8->left) {
            if (byte < utf8->low || byte > utf8->high)
                return false;
            utf8->left--;
            utf8->low = 0x80;
            utf8->high = 0xbf;
        } else if (byte >= 0x80 && !utf8_begin(utf8, byte)) {
            return false;
        }
    }
    return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

void ws_reader_init(struct ws_reader *reader, size_t max_message_bytes)
{
    *reader = (struct ws_reader){.max_message_bytes = max_message_bytes};
    buf_init(&reader->message, max_message_bytes);
}

static void close_frames(struct ws_reader *reader)
{
    if (reader->frames)
        wslay_frame_context_free(reader->frames);
    reader->frames = NULL;
}

void ws_reader_fini(struct ws_reader *reader)
{
    close_frames(reader);
    buf_fini(&reader->message);
}

int ws_close_code_of(struct bytes payload)
{
    if (payload.len == 0)
        return WS_CODE_NONE;
    if (payload.len == 1)
        return 0;
    int code = (uint8_t)payload.ptr[0] << 8 | (uint8_t)payload.ptr[1];
    bool is_registered =
        (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006);
    return is_registered || (code >= 3000 && code < 5000) ? code : 0;
}

/* RFC 6455 5.2: two bytes, the length's own when it does not fit there, the mask's. wslay has
 * refused a length that is written longer than it need be. */
static size_t head_bytes(const struct wslay_frame_iocb *frame)
{
    size_t length_bytes = frame->payload_length < 126           ? 0
                          : frame->payload_length <= UINT16_MAX ? 2
                                                                : 8;
    return 2 + length_bytes + (frame->mask ? 4 : 0);
}

/* The frame's head is whole. */
static int begin_frame(struct ws_reader *reader, const struct wslay_frame_iocb *frame)
{
    uint64_t len = frame->payload_length;
    bool is_control = wslay_is_ctrl_frame(frame->opcode);
    reader->ahead_bytes -= head_bytes(frame);
    reader->opcode = frame->opcode;
    reader->is_final = frame->fin;
    if (frame->rsv || frame->mask)
        return WS_CODE_PROTOCOL;
    if (reader->opcode > WS_PONG || (reader->opcode > WS_BINARY && reader->opcode < WS_CLOSE))
        return WS_CODE_PROTOCOL;
    if (is_control && (!reader->is_final || len > WS_MAX_CONTROL_BYTES))
        return WS_CODE_PROTOCOL;
    if (!is_control && (reader->opcode == WS_CONTINUATION) != (reader->message_opcode != 0))
        return WS_CODE_PROTOCOL;
    if (!is_control && len > reader->max_message_bytes - reader->message.len)
        return WS_CODE_TOO_LARGE;
    if (!is_control && reader->opcode != WS_CONTINUATION) {
        reader->message_opcode = reader->opcode;
        reader->utf8 = (struct ws_utf8){0};
    }
    reader->payload_left = len;
    reader->is_in_payload = true;
    reader->control_len = 0;
    return 0;
}

static int end_control(struct ws_reader *reader, ws_frame_fn on_frame, void *owner,
                       bool *ret_goes_on)
{
    struct bytes payload = bytes_make(reader->control, reader->control_len);
    reader->is_in_payload = false;
    if (reader->opcode == WS_CLOSE) {
        struct ws_utf8 utf8 = {0};
        if (!ws_close_code_of(payload))
            return WS_CODE_PROTOCOL;
        if (!ws_utf8_feed(&utf8, bytes_from(payload, 2)) || utf8.left)
            return WS_CODE_NOT_UTF8;
    }
    *ret_goes_on = on_frame(owner, reader->opcode, payload);
    return 0;
}

/* The frame's payload is whole; `last` is what of it was not put aside. */
static int end_data(struct ws_reader *reader, struct bytes last, ws_frame_fn on_frame, void *owner,
                    bool *ret_goes_on)
{
    reader->is_in_payload = false;
    if (reader->message.len || !reader->is_final) {
        if (last.len && buf_append_bytes(&reader->message, last))
            return WS_CODE_TOO_LARGE;
        last = buf_bytes(&reader->message);
    }
    if (!reader->is_final)
        return 0;
    enum ws_opcode opcode = reader->message_opcode;
    reader->message_opcode = 0;
    if (opcode == WS_TEXT && reader->utf8.left)
        return WS_CODE_NOT_UTF8;
    *ret_goes_on = on_frame(owner, opcode, last);
    if (reader->message.capacity)
        buf_release(&reader->message);
    return 0;
}

/* Payload bytes of the frame in hand; may be none. */
static int take_payload(struct ws_reader *reader, struct bytes part, ws_frame_fn on_frame,
                        void *owner, bool *ret_goes_on)
{
    reader->payload_left -= part.len;
    reader->ahead_bytes -= part.len;
    if (reader->opcode >= WS_CLOSE) {
        if (part.len)
            memcpy(reader->control + reader->control_len, part.ptr, part.len);
        reader->control_len = (uint8_t)(reader->control_len + part.len);
        return reader->payload_left ? 0 : end_control(reader, on_frame, owner, ret_goes_on);
    }
    if (reader->message_opcode == WS_TEXT && !ws_utf8_feed(&reader->utf8, part))
        return WS_CODE_NOT_UTF8;
    if (reader->payload_left == 0)
        return end_data(reader, part, on_frame, owner, ret_goes_on);
    return buf_append_bytes(&reader->message, part) ? WS_CODE_TOO_LARGE : 0;
}

static ssize_t give_bytes(uint8_t *data, size_t len, int flags, void *owner)
{
    struct ws_reader *reader = owner;
    (void)flags;
    len = len < reader->in.len ? len : reader->in.len;
    if (len == 0)
        return -1; /* it asks again when there is more */
    memcpy(data, reader->in.ptr, len);
    reader->in = bytes_from(reader->in, len);
    reader->ahead_bytes += len;
    return (ssize_t)len;
}

static int open_frames(struct ws_reader *reader)
{
    static const struct wslay_frame_callbacks callbacks = {.recv_callback = give_bytes};
    reader->ahead_bytes = 0;
    return wslay_frame_context_init(&reader->frames, &callbacks, reader);
}

int ws_reader_feed(struct ws_reader *reader, struct bytes in, ws_frame_fn on_frame, void *owner)
{
    bool goes_on = !reader->has_ended;
    int code = 0;
    if (!goes_on || in.len == 0)
        return 0;
    if (!reader->frames && open_frames(reader))
        return WS_CODE_TOO_LARGE; /* no memory: as with a message that there is no room for */
    reader->in = in;
    while (goes_on && !code) {
        struct wslay_frame_iocb frame = {0};
        ssize_t len = wslay_frame_recv(reader->frames, &frame);
        if (len == WSLAY_ERR_WANT_READ)
            break;
        if (len < 0)
            return WS_CODE_PROTOCOL;
        if (!reader->is_in_payload)
            code = begin_frame(reader, &frame);
        if (!code)
            code = take_payload(reader, bytes_make(frame.data, frame.data_length), on_frame, owner,
                                &goes_on);
    }
    reader->in = (struct bytes){0};
    reader->has_ended = !goes_on;
    if (reader->has_ended || (!reader->is_in_payload && reader->ahead_bytes == 0))
        close_frames(reader);
    return code;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct frame_writer {
    struct buf *out;
    struct random *random;
};

static ssize_t take_bytes(const uint8_t *data, size_t len, int flags, void *owner)
{
    struct frame_writer *writer = owner;
    (void)flags;
    return buf_append(writer->out, data, len) ? -1 : (ssize_t)len;
}

static int give_mask(uint8_t *mask, size_t len, void *owner)
{
    struct frame_writer *writer = owner;
    uint64_t key = random_u64(writer->random) >> 32;
    memcpy(mask, &key, len < sizeof key ? len : sizeof key);
    return 0;
}

int ws_frame_append(struct buf *out, enum ws_opcode opcode, struct bytes payload,
                    struct random *random)
{
    static const struct wslay_frame_callbacks callbacks = {.send_callback = take_bytes,
                                                           .genmask_callback = give_mask};
    struct frame_writer writer = {.out = out, .random = random};
    struct wslay_frame_context *frames;
    if (payload.len > out->max_len || out->len + WS_MAX_HEAD_BYTES > out->max_len - payload.len)
        return -1; /* before the buffer's error would stick */
    if (!buf_reserve(out, WS_MAX_HEAD_BYTES + payload.len) ||
        wslay_frame_context_init(&frames, &callbacks, &writer))
        return -1;
    struct wslay_frame_iocb frame = {.fin = 1,
                                     .opcode = (uint8_t)opcode,
                                     .payload_length = payload.len,
                                     .mask = 1,
                                     .data = (const uint8_t *)payload.ptr,
                                     .data_length = payload.len};
    ssize_t sent = wslay_frame_send(frames, &frame);
    wslay_frame_context_free(frames);
    return sent == (ssize_t)payload.len ? 0 : -1;
}

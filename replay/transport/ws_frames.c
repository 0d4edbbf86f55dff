/* ws_frames.c - a client's WebSocket frames, both ways. */
#include "replay/transport/ws_frames.h"

enum { FIN = 0x80, RESERVED = 0x70, MASKED = 0x80, LENGTH_16 = 126, LENGTH_64 = 127 };

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

void ws_reader_fini(struct ws_reader *reader)
{
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

static size_t head_bytes(const struct ws_reader *reader)
{
    if (reader->head_len < 2)
        return 2;
    uint8_t length = reader->head[1] & 0x7f;
    return length == LENGTH_64 ? 10 : length == LENGTH_16 ? 4 : 2;
}

static uint64_t payload_bytes(const struct ws_reader *reader)
{
    uint8_t length = reader->head[1] & 0x7f;
    uint64_t value = 0;
    if (length < LENGTH_16)
        return length;
    for (size_t i = 2; i < reader->head_len; i++)
        value = value << 8 | reader->head[i];
    return value;
}

/* RFC 6455 5.2: the length is written in as few bytes as hold it. */
static bool has_shortest_length(const struct ws_reader *reader, uint64_t len)
{
    return reader->head_len == 2 || (reader->head_len == 4 && len >= LENGTH_16) ||
           (reader->head_len == 10 && len > UINT16_MAX && len <= INT64_MAX);
}

/* The frame's head is whole. */
static int begin_frame(struct ws_reader *reader)
{
    uint64_t len = payload_bytes(reader);
    reader->opcode = reader->head[0] & 0x0f;
    reader->is_final = reader->head[0] & FIN;
    bool is_control = reader->opcode & 0x08;
    if (reader->head[0] & RESERVED || reader->head[1] & MASKED || !has_shortest_length(reader, len))
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
    reader->head_len = 0;
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
    reader->head_len = 0;
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

/* Payload bytes of the frame in hand, as many as there are; may be none. */
static int take_payload(struct ws_reader *reader, struct bytes *in, ws_frame_fn on_frame,
                        void *owner, bool *ret_goes_on)
{
    size_t len = in->len < reader->payload_left ? in->len : (size_t)reader->payload_left;
    struct bytes part = bytes_make(in->ptr, len);
    *in = bytes_from(*in, len);
    reader->payload_left -= len;
    if (reader->opcode >= WS_CLOSE) {
        if (len)
            memcpy(reader->control + reader->control_len, part.ptr, len);
        reader->control_len = (uint8_t)(reader->control_len + len);
        return reader->payload_left ? 0 : end_control(reader, on_frame, owner, ret_goes_on);
    }
    if (reader->message_opcode == WS_TEXT && !ws_utf8_feed(&reader->utf8, part))
        return WS_CODE_NOT_UTF8;
    if (reader->payload_left == 0)
        return end_data(reader, part, on_frame, owner, ret_goes_on);
    return buf_append_bytes(&reader->message, part) ? WS_CODE_TOO_LARGE : 0;
}

int ws_reader_feed(struct ws_reader *reader, struct bytes in, ws_frame_fn on_frame, void *owner)
{
    bool goes_on = !reader->has_ended;
    while (goes_on && in.len) {
        if (!reader->is_in_payload) {
            reader->head[reader->head_len++] = (uint8_t)in.ptr[0];
            in = bytes_from(in, 1);
            if (reader->head_len < head_bytes(reader))
                continue;
            int code = begin_frame(reader);
            if (code)
                return code;
            if (reader->payload_left && !in.len)
                break;
        }
        int code = take_payload(reader, &in, on_frame, owner, &goes_on);
        if (code)
            return code;
    }
    reader->has_ended = !goes_on;
    return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void mask(char *at, struct bytes payload, uint32_t key)
{
    uint64_t twice = (uint64_t)key << 32 | key;
    const uint8_t *key_bytes = (const uint8_t *)&key;
    size_t i = 0;
    for (uint64_t word; i + sizeof word <= payload.len; i += sizeof word) {
        memcpy(&word, payload.ptr + i, sizeof word);
        word ^= twice;
        memcpy(at + i, &word, sizeof word);
    }
    for (; i < payload.len; i++)
        at[i] = (char)(payload.ptr[i] ^ key_bytes[i & 3]);
}

static size_t write_head(char *at, enum ws_opcode opcode, uint64_t len, uint32_t key)
{
    size_t used = 2, length_bytes = len < LENGTH_16 ? 0 : len <= UINT16_MAX ? 2 : 8;
    uint64_t length = length_bytes == 0 ? len : length_bytes == 2 ? LENGTH_16 : LENGTH_64;
    at[0] = (char)(FIN | (int)opcode);
    at[1] = (char)(MASKED | length);
    while (length_bytes)
        at[used++] = (char)(len >> (8 * --length_bytes));
    memcpy(at + used, &key, sizeof key);
    return used + sizeof key;
}

int ws_frame_append(struct buf *out, enum ws_opcode opcode, struct bytes payload,
                    struct random *random)
{
    if (payload.len > out->max_len || out->len + WS_MAX_HEAD_BYTES > out->max_len - payload.len)
        return -1; /* before the buffer's error would stick */
    char *at = buf_reserve(out, WS_MAX_HEAD_BYTES + payload.len);
    if (!at)
        return -1;
    uint32_t key = (uint32_t)(random_u64(random) >> 32);
    size_t used = write_head(at, opcode, payload.len, key);
    mask(at + used, payload, key);
    buf_commit(out, used + payload.len);
    return 0;
}

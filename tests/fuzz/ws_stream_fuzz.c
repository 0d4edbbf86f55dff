/*
 * ws_stream_fuzz.c - any bytes as one direction of a WebSocket: every byte is in a message or
 * counted, and pieces give what the whole gives.
 *
 * The first byte: bit 0 permessage-deflate, bit 1 no context takeover, bit 2 a gap in the middle;
 * the second: the size of the pieces.
 */
#include <assert.h>

#include "capture/ws_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_MESSAGE_BYTES = 300 };

struct heard {
    uint64_t messages, wire_bytes, payload_bytes, lost_bytes;
};

static void on_message(void *owner, struct trace_message *row, struct bytes content)
{
    struct heard *heard = owner;
    heard->messages++;
    heard->wire_bytes += row->wire_bytes;
    heard->payload_bytes += row->payload_bytes;
    assert(content.len <= MAX_MESSAGE_BYTES);
    assert(row->frame_count > 0 && row->first_us <= row->last_us);
}

static void on_lost(void *owner, enum trace_reason reason, uint64_t payload_bytes)
{
    struct heard *heard = owner;
    assert(trace_reason_was_seen(reason) && payload_bytes > 0);
    heard->lost_bytes += payload_bytes;
}

static struct heard hear(const struct ws_settings *settings, struct bytes in, size_t piece_bytes,
                         size_t gap_at)
{
    static const struct ws_callbacks callbacks = {on_message, on_lost};
    struct heard heard = {0};
    uint64_t total = in.len;
    int64_t now_us = 0;
    struct ws_stream *stream = ws_stream_new(settings, TRACE_CLIENT, &callbacks, &heard);
    while (in.len) {
        size_t len = in.len < piece_bytes ? in.len : piece_bytes;
        if (in.len <= gap_at)
            ws_stream_gap(stream, now_us);
        ws_stream_data(stream, bytes_make(in.ptr, len), ++now_us);
        in = bytes_from(in, len);
    }
    ws_stream_close(stream, now_us);
    assert(ws_stream_stored_bytes(stream) + heard.lost_bytes == total);
    ws_stream_free(stream);
    return heard;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const struct ws_settings settings = {.is_deflated = data[0] & 1,
                                         .keeps_no_context = data[0] & 2,
                                         .max_message_bytes = MAX_MESSAGE_BYTES};
    struct bytes in = bytes_make(data + 2, size - 2);
    size_t piece_bytes = (size_t)data[1] + 1;
    struct heard whole = hear(&settings, in, in.len, 0);
    struct heard pieces = hear(&settings, in, piece_bytes, 0);
    assert(whole.messages == pieces.messages && whole.wire_bytes == pieces.wire_bytes);
    assert(whole.payload_bytes == pieces.payload_bytes && whole.lost_bytes == pieces.lost_bytes);
    if (data[0] & 4)
        hear(&settings, in, piece_bytes, in.len / 2);
    return 0;
}

/* ws_stream.c - reads one direction's WebSocket frames with wslay, and makes messages of them. */
#include "capture/ws_stream.h"

#include <stdlib.h>
#include <wslay/wslay.h>

#include "capture/ws_inflate.h"
#include "core/buf.h"

enum {
    FRAME_RESERVED_BIT_1 = 4, /* in wslay's order: RSV1 is the highest of three */
    MAX_CONTROL_BYTES = 125   /* RFC 6455 5.5 */
};

/* A message on its way: the data message in hand, or a control frame between its fragments. */
struct ws_message {
    struct trace_message row;
    struct buf content; /* as on the wire, unmasked */
    bool is_open;
    bool is_in_frame;
    bool is_cut; /* content is not all of it */
};

struct ws_stream {
    struct ws_settings settings;
    struct ws_callbacks callbacks;
    void *owner;
    enum trace_sender sender;
    wslay_frame_context_ptr frames;
    struct ws_inflate *inflate;
    struct buf inflated;
    struct bytes input;    /* what wslay's callback takes from */
    uint64_t fed_bytes;    /* to wslay, */
    uint64_t parsed_bytes; /* and as headers and payloads back from it */
    uint64_t lost_bytes;
    uint64_t frame_left_bytes;
    bool is_in_frame;
    bool is_dead; /* no frame boundary is known any more */
    enum trace_reason dead_reason;
    int64_t since_us; /* when the first byte arrived that is not in a frame yet */
    int64_t now_us;
    struct ws_message data;
    struct ws_message control;
    struct ws_message *current; /* the message of the frame in hand */
};

static struct bytes trim_quotes(struct bytes in)
{
    in = bytes_trim(in);
    if (in.len >= 2 && in.ptr[0] == '"' && in.ptr[in.len - 1] == '"')
        return bytes_make(in.ptr + 1, in.len - 2);
    return in;
}

void ws_settings_read(struct ws_settings *settings, struct bytes extensions,
                      enum trace_sender sender)
{
    const char *no_context =
        sender == TRACE_CLIENT ? "client_no_context_takeover" : "server_no_context_takeover";
    struct bytes extension, parameter;
    settings->is_deflated = settings->keeps_no_context = false;
    while (bytes_split(&extensions, ',', &extension)) {
        if (!bytes_split(&extension, ';', &parameter) ||
            !bytes_equal_nocase(trim_quotes(parameter), bytes_of("permessage-deflate")))
            continue;
        settings->is_deflated = true;
        while (bytes_split(&extension, ';', &parameter)) {
            if (bytes_equal_nocase(trim_quotes(parameter), bytes_of(no_context)))
                settings->keeps_no_context = true;
        }
    }
}

static ssize_t give_input(uint8_t *out, size_t len, int flags, void *owner)
{
    struct ws_stream *stream = owner;
    (void)flags;
    if (stream->input.len == 0)
        return -1;
    if (len > stream->input.len)
        len = stream->input.len;
    memcpy(out, stream->input.ptr, len);
    stream->input = bytes_from(stream->input, len);
    return (ssize_t)len;
}

struct ws_stream *ws_stream_new(const struct ws_settings *settings, enum trace_sender sender,
                                const struct ws_callbacks *callbacks, void *owner)
{
    static const struct wslay_frame_callbacks frame_callbacks = {.recv_callback = give_input};
    struct ws_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    stream->settings = *settings;
    stream->callbacks = *callbacks;
    stream->owner = owner;
    stream->sender = sender;
    buf_init(&stream->data.content, settings->max_message_bytes);
    buf_init(&stream->control.content, MAX_CONTROL_BYTES);
    buf_init(&stream->inflated, settings->max_message_bytes);
    if (settings->is_deflated)
        stream->inflate = ws_inflate_new(!settings->keeps_no_context);
    if (wslay_frame_context_init(&stream->frames, &frame_callbacks, stream) ||
        (settings->is_deflated && !stream->inflate)) {
        ws_stream_free(stream);
        return NULL;
    }
    return stream;
}

void ws_stream_free(struct ws_stream *stream)
{
    if (!stream)
        return;
    if (stream->frames)
        wslay_frame_context_free(stream->frames);
    ws_inflate_free(stream->inflate);
    buf_fini(&stream->data.content);
    buf_fini(&stream->control.content);
    buf_fini(&stream->inflated);
    free(stream);
}

static void lose(struct ws_stream *stream, enum trace_reason reason, uint64_t bytes)
{
    stream->lost_bytes += bytes;
    if (bytes)
        stream->callbacks.on_lost(stream->owner, reason, bytes);
}

/* The content as the application saw it; sets what that says about the row. */
static struct bytes inflate_content(struct ws_stream *stream, struct ws_message *message)
{
    struct trace_message *row = &message->row;
    struct bytes content = buf_bytes(&message->content);
    row->payload_bytes = row->wire_bytes;
    if (!row->is_compressed)
        return content;
    if (!stream->inflate || (row->flaws & (TRACE_FLAW_TRUNCATED | TRACE_FLAW_GAP))) {
        row->flaws |= TRACE_FLAW_UNPARSABLE;
        return content;
    }
    buf_clear(&stream->inflated);
    uint64_t size = 0;
    switch (ws_inflate_message(stream->inflate, content, &stream->inflated, &size)) {
    case WS_INFLATE_FAILED:
        row->flaws |= TRACE_FLAW_UNPARSABLE;
        return content;
    case WS_INFLATE_TRUNCATED:
        row->flaws |= TRACE_FLAW_TRUNCATED;
        break;
    case WS_INFLATE_DONE:
        break;
    }
    row->payload_bytes = size;
    return buf_bytes(&stream->inflated);
}

/* RFC 6455 5.5.1: a status code ahead of the reason. */
static int close_code(struct bytes content)
{
    if (content.len < 2)
        return 0;
    return (unsigned char)content.ptr[0] << 8 | (unsigned char)content.ptr[1];
}

static void emit(struct ws_stream *stream, struct ws_message *message, uint32_t flaws)
{
    struct trace_message *row = &message->row;
    row->flaws |= flaws;
    row->last_us = stream->now_us;
    if (message->is_cut)
        row->flaws |= TRACE_FLAW_TRUNCATED;
    struct bytes content = inflate_content(stream, message);
    if (row->opcode == WSLAY_CONNECTION_CLOSE)
        row->close_code = close_code(content);
    stream->callbacks.on_message(stream->owner, row, content);
    message->is_open = false;
    if (message->content.capacity > 64 * 1024)
        buf_release(&message->content);
    if (stream->inflated.capacity > 64 * 1024)
        buf_release(&stream->inflated);
}

static void begin_message(struct ws_stream *stream, struct ws_message *message,
                          const struct wslay_frame_iocb *frame)
{
    buf_clear(&message->content);
    message->is_open = true;
    message->is_cut = false;
    message->row = (struct trace_message){
        .first_us = stream->since_us,
        .sender = stream->sender,
        .opcode = frame->opcode,
        .is_compressed = stream->settings.is_deflated && (frame->rsv & FRAME_RESERVED_BIT_1) &&
                         !wslay_is_ctrl_frame(frame->opcode),
    };
    /* A fragment of nothing, or a bit that no extension asked for: kept, and said. */
    if (frame->opcode == WSLAY_CONTINUATION_FRAME || (frame->rsv && !message->row.is_compressed))
        message->row.flaws |= TRACE_FLAW_UNPARSABLE;
}

static void begin_frame(struct ws_stream *stream, const struct wslay_frame_iocb *frame)
{
    bool is_control = wslay_is_ctrl_frame(frame->opcode);
    struct ws_message *message = is_control ? &stream->control : &stream->data;
    uint64_t length = frame->payload_length;
    stream->parsed_bytes += 2u +
                            (length > UINT16_MAX ? 8u
                             : length > 125      ? 2u
                                                 : 0u) +
                            (frame->mask ? 4u : 0u);
    stream->frame_left_bytes = length;
    stream->is_in_frame = true;
    stream->current = message;
    if (message->is_open && frame->opcode != WSLAY_CONTINUATION_FRAME)
        emit(stream, message, TRACE_FLAW_TRUNCATED | TRACE_FLAW_UNPARSABLE);
    if (!message->is_open)
        begin_message(stream, message, frame);
    message->row.frame_count++;
}

static void take_payload(struct ws_stream *stream, struct bytes piece)
{
    struct ws_message *message = stream->current;
    size_t room = message->content.max_len - message->content.len;
    size_t len = piece.len < room && !message->is_cut ? piece.len : 0;
    if (piece.len >= room && !message->is_cut)
        len = room < piece.len ? room : piece.len;
    stream->parsed_bytes += piece.len;
    stream->frame_left_bytes -= piece.len;
    message->row.wire_bytes += piece.len;
    if (buf_append(&message->content, piece.ptr, len))
        len = 0;
    if (len < piece.len) {
        message->is_cut = true;
        lose(stream, TRACE_REASON_BODY_LIMIT, piece.len - len);
    }
}

static void die(struct ws_stream *stream, enum trace_reason unread, enum trace_reason after,
                uint32_t flaws)
{
    if (stream->is_dead)
        return;
    stream->is_dead = true;
    stream->dead_reason = after;
    uint64_t left = stream->fed_bytes - stream->parsed_bytes;
    stream->parsed_bytes = stream->fed_bytes;
    lose(stream, unread, left);
    if (stream->control.is_open)
        emit(stream, &stream->control, flaws);
    if (stream->data.is_open)
        emit(stream, &stream->data, flaws);
}

void ws_stream_data(struct ws_stream *stream, struct bytes data, int64_t at_us)
{
    stream->now_us = at_us;
    stream->input = data;
    if (stream->fed_bytes == stream->parsed_bytes && !stream->is_in_frame)
        stream->since_us = at_us;
    stream->fed_bytes += data.len;
    if (stream->is_dead) {
        stream->parsed_bytes = stream->fed_bytes;
        lose(stream, stream->dead_reason, data.len);
        return;
    }
    for (;;) {
        struct wslay_frame_iocb frame;
        ssize_t len = wslay_frame_recv(stream->frames, &frame);
        if (len == WSLAY_ERR_PROTO) {
            die(stream, TRACE_REASON_UNPARSABLE, TRACE_REASON_UNPARSABLE, TRACE_FLAW_UNPARSABLE);
            return;
        }
        if (len < 0)
            return; /* needs more */
        if (!stream->is_in_frame)
            begin_frame(stream, &frame);
        take_payload(stream, bytes_make(frame.data, (size_t)len));
        if (stream->frame_left_bytes)
            continue;
        stream->is_in_frame = false;
        stream->since_us = at_us;
        if (frame.fin)
            emit(stream, stream->current, 0);
    }
}

void ws_stream_gap(struct ws_stream *stream, int64_t at_us)
{
    stream->now_us = at_us;
    die(stream, TRACE_REASON_INCOMPLETE, TRACE_REASON_AFTER_GAP,
        TRACE_FLAW_GAP | TRACE_FLAW_TRUNCATED);
}

void ws_stream_close(struct ws_stream *stream, int64_t at_us)
{
    stream->now_us = at_us;
    die(stream, TRACE_REASON_INCOMPLETE, TRACE_REASON_AFTER_CLOSE, TRACE_FLAW_TRUNCATED);
}

uint64_t ws_stream_stored_bytes(const struct ws_stream *stream)
{
    return stream->parsed_bytes - stream->lost_bytes;
}

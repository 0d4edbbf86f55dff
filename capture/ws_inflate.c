/* ws_inflate.c - inflates WebSocket messages, with a bound on what a small one may become. */
#include "capture/ws_inflate.h"

#include <stdlib.h>
#include <zlib.h>

enum {
    CHUNK_BYTES = 16 * 1024,
    /* A context that goes on needs every byte inflated, kept or not; deflate can make 1032 of one.
     * Beyond this many times the kept maximum a message is a bomb. */
    BOMB_FACTOR = 4
};

struct ws_inflate {
    z_stream stream;
    bool keeps_context;
    bool is_broken;
};

struct ws_inflate *ws_inflate_new(bool keeps_context)
{
    struct ws_inflate *state = calloc(1, sizeof *state);
    if (!state)
        return NULL;
    state->keeps_context = keeps_context;
    /* The largest window reads streams made with any smaller one. */
    if (inflateInit2(&state->stream, -MAX_WBITS) != Z_OK) {
        free(state);
        return NULL;
    }
    return state;
}

void ws_inflate_free(struct ws_inflate *state)
{
    if (!state)
        return;
    inflateEnd(&state->stream);
    free(state);
}

static void keep(struct buf *out, const unsigned char *data, size_t len)
{
    size_t room = out->max_len - out->len;
    buf_append(out, data, len < room ? len : room);
}

/* One run of input. False when it is no deflate data or grows beyond the bound. */
static bool inflate_some(struct ws_inflate *state, struct bytes in, struct buf *out,
                         uint64_t *total)
{
    z_stream *stream = &state->stream;
    unsigned char chunk[CHUNK_BYTES];
    stream->next_in = (unsigned char *)in.ptr;
    stream->avail_in = (uInt)in.len;
    for (;;) {
        stream->next_out = chunk;
        stream->avail_out = sizeof chunk;
        int result = inflate(stream, Z_SYNC_FLUSH);
        size_t len = sizeof chunk - stream->avail_out;
        keep(out, chunk, len);
        *total += len;
        if (*total / BOMB_FACTOR > out->max_len)
            return false;
        if (result == Z_STREAM_END) { /* a final block (BFINAL): the next message starts anew */
            inflateReset(stream);
            return true;
        }
        if (result != Z_OK && result != Z_BUF_ERROR)
            return false;
        if (stream->avail_out)
            return stream->avail_in == 0;
    }
}

enum ws_inflate_result ws_inflate_message(struct ws_inflate *state, struct bytes message,
                                          struct buf *out, uint64_t *ret_bytes)
{
    static const char tail[] = {0, 0, (char)0xff, (char)0xff};
    uint64_t total = 0;
    size_t before = out->len;
    if (state->is_broken || message.len > UINT32_MAX)
        return WS_INFLATE_FAILED;
    bool is_good = inflate_some(state, message, out, &total) &&
                   inflate_some(state, bytes_make(tail, sizeof tail), out, &total);
    if (!state->keeps_context || !is_good)
        inflateReset(&state->stream);
    if (!is_good) {
        state->is_broken = state->keeps_context;
        return WS_INFLATE_FAILED;
    }
    *ret_bytes = total;
    return out->len - before < total ? WS_INFLATE_TRUNCATED : WS_INFLATE_DONE;
}

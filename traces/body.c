/* body.c - how a content is kept in a row: as it is, or by zstd when that pays. */
#include "traces/body.h"

#include <stdlib.h>
#include <zstd.h>

enum {
    /* On JSON of 1 KB level 1 takes 5.0 us, half of it for the Huffman table of its literals; level
     * -1 has none: 2.7 us for a third more bytes. Where contents are small there are many. */
    LEVEL = 1,
    SMALL_LEVEL = -1,
    SMALL_BYTES = 4096,
    TRIAL_BYTES = 4096,
    /* Contents up to this size are packed without a trial: it would cost what it saves. */
    NO_TRIAL_BYTES = 4 * TRIAL_BYTES
};

struct body_packer {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    char *room; /* for the packed bytes */
    size_t room_bytes;
};

const char *body_encoding_name(enum body_encoding encoding)
{
    return encoding == BODY_ZSTD ? "zstd" : "raw";
}

struct body_packer *body_packer_new(void)
{
    struct body_packer *packer = calloc(1, sizeof *packer);
    if (!packer)
        return NULL;
    packer->compressor = ZSTD_createCCtx();
    packer->decompressor = ZSTD_createDCtx();
    if (!packer->compressor || !packer->decompressor) {
        body_packer_free(packer);
        return NULL;
    }
    return packer;
}

void body_packer_free(struct body_packer *packer)
{
    if (!packer)
        return;
    ZSTD_freeCCtx(packer->compressor);
    ZSTD_freeDCtx(packer->decompressor);
    free(packer->room);
    free(packer);
}

static int make_room(struct body_packer *packer, size_t wanted)
{
    if (wanted <= packer->room_bytes)
        return 0;
    char *room = realloc(packer->room, wanted);
    if (!room)
        return -1;
    packer->room = room;
    packer->room_bytes = wanted;
    return 0;
}

/* The most bytes that still save a tenth of `len`. */
static size_t worthwhile(size_t len)
{
    return len - len / 10;
}

/* Into the packer's room; 0 when that saves less than a tenth. */
static size_t pack(struct body_packer *packer, struct bytes content)
{
    size_t most = worthwhile(content.len);
    /* Room for less than the worst case makes zstd give up early on what does not shrink. */
    if (make_room(packer, most))
        return 0;
    size_t packed =
        ZSTD_compressCCtx(packer->compressor, packer->room, most, content.ptr, content.len,
                          content.len <= SMALL_BYTES ? SMALL_LEVEL : LEVEL);
    return ZSTD_isError(packed) ? 0 : packed;
}

enum body_encoding body_pack(struct body_packer *packer, struct bytes content,
                             struct bytes *ret_stored)
{
    *ret_stored = content;
    if (content.len < BODY_MIN_PACK_BYTES)
        return BODY_RAW;
    if (content.len > NO_TRIAL_BYTES && !pack(packer, bytes_make(content.ptr, TRIAL_BYTES)))
        return BODY_RAW;
    size_t packed = pack(packer, content);
    if (!packed)
        return BODY_RAW;
    *ret_stored = bytes_make(packer->room, packed);
    return BODY_ZSTD;
}

static int damaged(struct error *err)
{
    return error_set(err, EXIT_INPUT, "its content does not unpack: the file is damaged");
}

int body_unpack(struct body_packer *packer, enum body_encoding encoding, struct bytes stored,
                uint64_t content_bytes, struct buf *out, struct error *err)
{
    if (encoding == BODY_RAW && stored.len != content_bytes)
        return damaged(err);
    if (encoding == BODY_ZSTD && ZSTD_getFrameContentSize(stored.ptr, stored.len) != content_bytes)
        return damaged(err);
    if (content_bytes > out->max_len || out->len > out->max_len - content_bytes)
        return error_set(err, EXIT_TOOL, "%llu bytes are over the limit of %zu here",
                         (unsigned long long)content_bytes, out->max_len);
    char *room = buf_reserve(out, (size_t)content_bytes);
    if (!room)
        return error_set(err, EXIT_TOOL, "out of memory for %llu bytes",
                         (unsigned long long)content_bytes);
    if (encoding == BODY_RAW) {
        memcpy(room, stored.ptr, stored.len);
    } else {
        size_t got = ZSTD_decompressDCtx(packer->decompressor, room, (size_t)content_bytes,
                                         stored.ptr, stored.len);
        if (ZSTD_isError(got) || got != content_bytes)
            return damaged(err);
    }
    buf_commit(out, (size_t)content_bytes);
    return 0;
}

/* wav.c - what stands around generated samples in a WAV file. */
#include "wav.h"

#include <string.h>

static uint8_t *put32(uint8_t *at, uint64_t value)
{
    for (size_t i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> i * 8);
    return at + 4;
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

/* Codings other than integers need a fact chunk. */
static bool needs_fact(const struct audio *like)
{
    return like->pcm.encoding == PCM_F32 || like->pcm.encoding == PCM_ULAW ||
           like->pcm.encoding == PCM_ALAW;
}

static uint64_t head_bytes(const struct audio *like)
{
    return 12 + 8 + like->fmt_bytes + (like->fmt_bytes & 1) + (needs_fact(like) ? 12 : 0) + 8;
}

uint64_t wav_overhead_bytes(const struct audio *like, uint64_t data_bytes)
{
    return head_bytes(like) + (data_bytes & 1);
}

uint64_t wav_data_bytes(const struct audio *like, uint64_t file_bytes)
{
    uint64_t frame = like->pcm.frame_bytes, overhead = head_bytes(like);
    uint64_t data = file_bytes > overhead ? (file_bytes - overhead) / frame * frame : 0;
    if ((data & 1) && overhead + data + 1 > file_bytes && data >= frame)
        data -= frame; /* its pad byte would not fit; an odd frame */
    return data ? data : frame;
}

size_t wav_head(const struct audio *like, uint64_t data_bytes, uint8_t into[WAV_MAX_HEAD_BYTES])
{
    uint8_t *at = put(into, "RIFF", 4);
    at = put32(at, wav_overhead_bytes(like, data_bytes) + data_bytes - 8);
    at = put(at, "WAVEfmt ", 8);
    at = put32(at, like->fmt_bytes);
    at = put(at, like->fmt, like->fmt_bytes);
    if (like->fmt_bytes & 1)
        *at++ = 0;
    if (needs_fact(like)) {
        at = put32(put(at, "fact", 4), 4);
        at = put32(at, data_bytes / like->pcm.frame_bytes);
    }
    at = put32(put(at, "data", 4), data_bytes);
    return (size_t)(at - into);
}

/* whole.c - does a file of audio say that it goes on behind its end? */
#include "whole.h"

#include "unique.h"

#include <string.h>

/* Who writes to a pipe leaves a length that no file has: 4 GiB, or 2 GiB less some. */
#define WAV_OPEN_BYTES 0x7ff00000U

static uint64_t get_be(const char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

static bool wav_is_cut(struct span bytes, const struct audio *audio)
{
    uint32_t size = audio_le32(bytes.ptr + audio->data_at - 4);
    return size > bytes.len - audio->data_at && size < WAV_OPEN_BYTES;
}

static bool mp4_is_cut(struct span bytes)
{
    uint64_t at = 0;
    while (at + 8 <= bytes.len) {
        uint64_t size = get_be(bytes.ptr + at, 4);
        if (size == 1 && at + 16 <= bytes.len)
            size = get_be(bytes.ptr + at + 8, 8);
        if (size < 8)
            return false; /* to the end, or broken */
        if (size > bytes.len - at)
            return true;
        at += size;
    }
    return false;
}

/* In its metadata: its frames have no length. */
static bool flac_is_cut(struct span bytes)
{
    const uint64_t first = audio_id3_bytes(bytes) + 4;
    bool is_last = false;
    for (uint64_t at = first; !is_last;) {
        if (at + 4 > bytes.len)
            return true;
        uint64_t size = get_be(bytes.ptr + at + 1, 3);
        bool is_streaminfo = (bytes.ptr[at] & 0x7f) == 0;
        if (is_streaminfo != (at == first))
            return false; /* broken */
        is_last = bytes.ptr[at] & 0x80;
        if (size > bytes.len - at - 4)
            return true;
        at += 4 + size;
    }
    return false;
}

/* Up to where its pages are known: what is not read of a long file reads as zeros. */
static bool ogg_is_cut(struct span bytes)
{
    enum { HEAD_BYTES = 27 };
    uint64_t at = 0;
    while (at + 4 <= bytes.len && memcmp(bytes.ptr + at, "OggS", 4) == 0) {
        if (HEAD_BYTES > bytes.len - at)
            return true;
        uint64_t segments = get_be(bytes.ptr + at + HEAD_BYTES - 1, 1);
        uint64_t size = HEAD_BYTES + segments;
        if (size > bytes.len - at)
            return true;
        for (uint64_t i = 0; i < segments; i++)
            size += get_be(bytes.ptr + at + HEAD_BYTES + i, 1);
        if (size > bytes.len - at)
            return true;
        at += size;
    }
    return false;
}

bool whole_is_cut_short(struct span bytes, const struct audio *audio)
{
    switch (audio->format) {
    case AUDIO_WAV:
        return wav_is_cut(bytes, audio);
    case AUDIO_MP4:
        return mp4_is_cut(bytes);
    case AUDIO_FLAC:
        return flac_is_cut(bytes);
    case AUDIO_OGG:
        return ogg_is_cut(bytes);
    case AUDIO_WEBM:
        return unique_webm_is_cut(bytes);
    default:
        return false;
    }
}

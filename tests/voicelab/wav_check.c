/* wav_check.c - is this stream of bytes a WAV file, and of the size it states? */
#include "tests/voicelab/wav_check.h"

#include <string.h>

enum { FORMAT_PCM = 1, FORMAT_FLOAT = 3, FORMAT_EXTENSIBLE = 0xfffe };

static uint32_t le16(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const unsigned char *p)
{
    return le16(p) | le16(p + 2) << 16;
}

static void fail(struct wav_check *check, const char *error)
{
    if (!check->error)
        check->error = error;
}

static void expect(struct wav_check *check, enum wav_state state, size_t wanted)
{
    check->state = state;
    check->head_bytes = 0;
    check->head_wanted = wanted;
}

void wav_check_init(struct wav_check *check)
{
    memset(check, 0, sizeof *check);
    expect(check, WAV_RIFF, 12);
}

static void skip(struct wav_check *check, uint64_t bytes)
{
    check->skip_bytes = bytes;
    if (bytes > 0)
        check->state = WAV_SKIP;
    else
        expect(check, WAV_CHUNK, 8);
}

static void take_riff(struct wav_check *check)
{
    if (memcmp(check->head, "RIFF", 4) != 0 || memcmp(check->head + 8, "WAVE", 4) != 0) {
        fail(check, "no RIFF/WAVE head");
        return;
    }
    check->stated_bytes = (uint64_t)le32(check->head + 4) + 8;
    expect(check, WAV_CHUNK, 8);
}

static void take_chunk(struct wav_check *check)
{
    uint32_t size = le32(check->head + 4);
    uint64_t padded = (uint64_t)size + (size & 1u);

    if (check->total_bytes + size > check->stated_bytes) {
        fail(check, "a chunk is larger than the file says it is");
    } else if (memcmp(check->head, "fmt ", 4) == 0) {
        if (check->has_format || size < 16 || size > sizeof check->head)
            fail(check, "fmt chunk: twice, or of a size it cannot have");
        else
            expect(check, WAV_FORMAT, (size_t)padded);
    } else if (memcmp(check->head, "data", 4) == 0) {
        if (!check->has_format || check->has_data)
            fail(check, "data chunk: twice, or before fmt");
        else if (size == 0 || size % check->frame_bytes != 0)
            fail(check, "data chunk: empty, or not of whole frames");
        check->has_data = true;
        check->data_bytes = size;
        skip(check, padded);
    } else {
        skip(check, padded);
    }
}

static void take_format(struct wav_check *check)
{
    const unsigned char *p = check->head;
    uint32_t format = le16(p), bits = le16(p + 14), byte_rate = le32(p + 8);

    check->channels = (uint16_t)le16(p + 2);
    check->sample_rate = le32(p + 4);
    check->frame_bytes = (uint16_t)le16(p + 12);
    check->has_format = true;
    if (format != FORMAT_PCM && format != FORMAT_FLOAT && format != FORMAT_EXTENSIBLE)
        fail(check, "fmt chunk: neither PCM nor float");
    else if (check->channels == 0 || check->channels > 8 || bits == 0 || bits % 8 != 0 || bits > 64)
        fail(check, "fmt chunk: channels or bits out of range");
    else if (check->sample_rate < 1000 || check->sample_rate > 384000)
        fail(check, "fmt chunk: sample rate out of range");
    else if (check->frame_bytes != check->channels * bits / 8 ||
             byte_rate != check->sample_rate * check->frame_bytes)
        fail(check, "fmt chunk: its rates do not agree");
    expect(check, WAV_CHUNK, 8);
}

static size_t feed_head(struct wav_check *check, const unsigned char *bytes, size_t len)
{
    size_t take = check->head_wanted - check->head_bytes;

    if (take > len)
        take = len;
    memcpy(check->head + check->head_bytes, bytes, take);
    check->head_bytes += take;
    check->total_bytes += take;
    if (check->head_bytes < check->head_wanted)
        return take;
    if (check->state == WAV_RIFF)
        take_riff(check);
    else if (check->state == WAV_CHUNK)
        take_chunk(check);
    else
        take_format(check);
    return take;
}

static size_t feed_skip(struct wav_check *check, size_t len)
{
    size_t take = check->skip_bytes < len ? (size_t)check->skip_bytes : len;

    check->skip_bytes -= take;
    check->total_bytes += take;
    if (check->skip_bytes == 0)
        expect(check, WAV_CHUNK, 8);
    return take;
}

void wav_check_feed(struct wav_check *check, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;

    while (len > 0 && !check->error) {
        size_t used = check->state == WAV_SKIP ? feed_skip(check, len) : feed_head(check, p, len);
        p += used;
        len -= used;
    }
    check->total_bytes += len; /* behind an error bytes are only counted */
}

int wav_check_finish(struct wav_check *check)
{
    if (check->total_bytes == 0)
        fail(check, "the file is empty");
    else if (check->state == WAV_RIFF)
        fail(check, "shorter than a RIFF head");
    else if (check->total_bytes != check->stated_bytes)
        fail(check, "the size in the RIFF head is not the size of the file");
    else if (check->state != WAV_CHUNK || check->head_bytes != 0)
        fail(check, "it ends inside a chunk");
    else if (!check->has_data)
        fail(check, "no data chunk");
    return check->error ? -1 : 0;
}

uint64_t wav_check_duration_ms(const struct wav_check *check)
{
    uint64_t per_second = (uint64_t)check->sample_rate * check->frame_bytes;

    return per_second ? (uint64_t)check->data_bytes * 1000u / per_second : 0;
}

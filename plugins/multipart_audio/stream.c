/* stream.c - binary audio in the messages of a WebSocket. */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

uint32_t stream_rate_in(struct span text)
{
    static const char *const names[] = {"sample_rate", "sampleRate", "samplerate", "rate"};
    for (size_t i = 0; i < sizeof names / sizeof names[0] && text.len; i++) {
        size_t len = strlen(names[i]);
        const char *at = memmem(text.ptr, text.len, names[i], len);
        uint32_t rate = 0;
        if (!at)
            continue;
        const char *end = text.ptr + text.len;
        for (at += len; at < end && strchr("\"':= ", *at) && *at; at++)
            continue;
        for (; at < end && *at >= '0' && *at <= '9' && rate < 1000000; at++)
            rate = rate * 10 + (uint32_t)(*at - '0');
        if (rate >= 4000 && rate <= 192000)
            return rate;
    }
    return 0;
}

static void begin(struct stream_recorded *stream, struct span message)
{
    static const struct span no_type = {NULL, 0};
    stream->has_begun = true;
    stream->is_container =
        audio_is_container(message) && !audio_recognise(message, no_type, &stream->audio);
    if (!stream->is_container)
        return;
    stream->not_unique = unique_plan_make(message, stream->audio.format, &stream->unique);
    if (stream->audio.format == AUDIO_WAV && stream->audio.pcm.encoding != PCM_NONE &&
        stream->audio.data_at <= STREAM_MAX_HEAD_BYTES) {
        stream->head_bytes = (size_t)stream->audio.data_at;
        memcpy(stream->head, message.ptr, stream->head_bytes);
    }
}

static void listen(struct stream_recorded *stream, struct span message)
{
    int32_t before = 0;
    for (size_t i = 0; i + 2 <= message.len; i += 2) {
        int16_t sample = (int16_t)((unsigned char)message.ptr[i] |
                                   (uint16_t)(unsigned char)message.ptr[i + 1] << 8);
        stream->loudness += (uint64_t)abs(sample);
        stream->roughness += i ? (uint64_t)abs(sample - before) : 0;
        before = sample;
    }
}

void stream_learn(struct stream_recorded *stream, uint64_t at_us, struct span message)
{
    if (message.len == 0)
        return;
    if (!stream->has_begun) {
        begin(stream, message);
        stream->first_us = at_us;
    }
    if (!stream->is_container)
        listen(stream, message);
    stream->bytes += message.len;
    stream->last_us = at_us;
    stream->last_bytes = message.len;
}

void stream_fini(struct stream_recorded *stream)
{
    unique_fini(&stream->unique);
}

/* Steps between samples of white noise, or of a coded stream, are 4/3 of the samples themselves. */
enum stream_kind stream_kind(const struct stream_recorded *stream)
{
    if (stream->head_bytes)
        return STREAM_SAMPLES;
    if (stream->is_container)
        return stream->not_unique ? STREAM_LEFT : STREAM_MARKED;
    return stream->has_begun && stream->roughness <= stream->loudness ? STREAM_SAMPLES
                                                                      : STREAM_LEFT;
}

/* The usual rate that is nearest to the pace it was sent at. */
static uint32_t rate_of_pace(const struct stream_recorded *stream)
{
    static const uint32_t rates[] = {8000, 16000, 22050, 24000, 32000, 44100, 48000};
    uint64_t span_us = stream->last_us - stream->first_us;
    if (span_us < 200000)
        return 16000;
    double pace = (double)(stream->bytes - stream->last_bytes) / 2 * 1e6 / (double)span_us;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        if (pace > rates[i] * 0.93 && pace < rates[i] * 1.07)
            return rates[i];
    return 16000;
}

struct pcm_format stream_format(const struct stream_recorded *stream)
{
    if (stream->head_bytes)
        return stream->audio.pcm;
    return (struct pcm_format){PCM_S16, stream->rate ? stream->rate : rate_of_pace(stream), 1,
                               sizeof(int16_t)};
}

uint64_t stream_duration_us(const struct stream_recorded *stream, enum stream_kind kind,
                            uint64_t bytes)
{
    if (kind == STREAM_SAMPLES) {
        struct pcm_format format = stream_format(stream);
        bytes = bytes > stream->head_bytes ? bytes - stream->head_bytes : 0;
        return (uint64_t)((double)bytes * 1e6 / ((double)format.rate * format.frame_bytes));
    }
    /* Coded: what it took when it was recorded, spread evenly. */
    uint64_t before_last = stream->bytes - stream->last_bytes;
    uint64_t span_us = stream->last_us - stream->first_us;
    return before_last ? (uint64_t)((double)bytes * (double)span_us / (double)before_last) : 0;
}

void stream_read(const struct stream_recorded *stream, const struct pcm_source *pcm,
                 uint64_t offset, char *into, size_t len)
{
    size_t done = 0;
    if (offset < stream->head_bytes) {
        size_t left = stream->head_bytes - (size_t)offset;
        done = left < len ? left : len;
        memcpy(into, stream->head + offset, done);
    }
    if (done < len)
        pcm_read(pcm, offset + done - stream->head_bytes, into + done, len - done);
}

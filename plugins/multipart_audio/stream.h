/*
 * stream.h - binary audio in the messages of a WebSocket: what kind it is, and other audio of the
 * same sizes in its place.
 *
 * A stream is learned message by message. One that begins as a file does (WAV, Ogg, WebM ...) is
 * that; one whose 16-bit samples follow each other smoothly is plain PCM; any other is left alone.
 */
#ifndef MULTIPART_AUDIO_STREAM_H
#define MULTIPART_AUDIO_STREAM_H

#include "pcm.h"
#include "unique.h"

enum { STREAM_MAX_HEAD_BYTES = 4096 };

enum stream_kind {
    STREAM_LEFT,    /* nothing we know */
    STREAM_SAMPLES, /* new samples, behind the recorded head if there is one */
    STREAM_MARKED   /* the recorded bytes, the first message with a mark */
};

/* As recorded. */
struct stream_recorded {
    bool has_begun;
    bool is_container;
    uint32_t rate; /* frames a second, told by the URL or a text message; 0: by nobody */
    uint64_t bytes;
    uint64_t first_us, last_us;
    uint64_t last_bytes;          /* of the message at last_us */
    uint64_t loudness, roughness; /* sums over its 16-bit samples, and over their steps */
    struct audio audio;
    size_t head_bytes;
    char head[STREAM_MAX_HEAD_BYTES]; /* of WAV */
    struct unique_plan unique;
    const char *not_unique;
};

/* What a text says of a rate: sample_rate=16000, "sampleRate": 16000. 0: nothing. */
uint32_t stream_rate_in(struct span text);

void stream_learn(struct stream_recorded *stream, uint64_t at_us, struct span message);
void stream_fini(struct stream_recorded *stream);

enum stream_kind stream_kind(const struct stream_recorded *stream);

/* The samples of STREAM_SAMPLES. */
struct pcm_format stream_format(const struct stream_recorded *stream);

/* How long the first `bytes` of the stream last when it is of this kind. */
uint64_t stream_duration_us(const struct stream_recorded *stream, enum stream_kind kind,
                            uint64_t bytes);

/* The len bytes from `offset` on of STREAM_SAMPLES. */
void stream_read(const struct stream_recorded *stream, const struct pcm_source *pcm,
                 uint64_t offset, char *into, size_t len);

#endif

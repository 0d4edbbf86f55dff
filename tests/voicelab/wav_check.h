/* wav_check.h - is this stream of bytes a WAV file, and of the size it states?
 *
 * Fed pieces, keeps none. What holds for a good file: RIFF/WAVE; every chunk inside the size that
 * RIFF states, which is the size of the file; a fmt chunk of PCM or float whose rates agree; after
 * it one data chunk, not empty, of whole frames. */
#ifndef VOICELAB_WAV_CHECK_H
#define VOICELAB_WAV_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wav_state {
    WAV_RIFF,   /* the 12 bytes of the file's head */
    WAV_CHUNK,  /* the 8 bytes of a chunk's head */
    WAV_FORMAT, /* the fmt chunk's content */
    WAV_SKIP,   /* any other chunk's content, the audio included */
};

struct wav_check {
    enum wav_state state;
    const char *error; /* NULL so far */
    uint64_t total_bytes;
    uint64_t stated_bytes; /* of the file, by its head */
    unsigned char head[40];
    size_t head_bytes;
    size_t head_wanted;
    uint64_t skip_bytes;
    bool has_format;
    bool has_data;
    uint16_t channels;
    uint32_t sample_rate;
    uint16_t frame_bytes;
    uint32_t data_bytes;
};

void wav_check_init(struct wav_check *check);
void wav_check_feed(struct wav_check *check, const void *bytes, size_t len);

/* With all bytes fed: 0, or -1 with `error`. */
int wav_check_finish(struct wav_check *check);

uint64_t wav_check_duration_ms(const struct wav_check *check);

#endif

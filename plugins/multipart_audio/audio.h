/*
 * audio.h - what a file of audio is, by its bytes: RIFF/WAVE, FLAC, MP3, Ogg, WebM, MP4; or samples
 * without a container, which only their content type tells.
 */
#ifndef MULTIPART_AUDIO_AUDIO_H
#define MULTIPART_AUDIO_AUDIO_H

#include "pieces.h"

enum audio_format {
    AUDIO_WAV,
    AUDIO_FLAC,
    AUDIO_MP3,
    AUDIO_OGG,
    AUDIO_WEBM,
    AUDIO_MP4,
    AUDIO_RAW, /* samples, nothing else */
    AUDIO_FORMATS
};

enum pcm_encoding {
    PCM_NONE, /* not samples that can be made here */
    PCM_U8,
    PCM_S16,
    PCM_S16_BIG, /* audio/L16 */
    PCM_S24,
    PCM_S32,
    PCM_F32,
    PCM_ULAW,
    PCM_ALAW
};

struct pcm_format {
    enum pcm_encoding encoding;
    uint32_t rate;     /* frames a second */
    uint16_t channels; /* 1 to 32 */
    uint16_t frame_bytes;
};

enum { AUDIO_MAX_FMT_BYTES = 64 };

struct audio {
    enum audio_format format;
    struct pcm_format pcm;
    uint64_t data_at; /* the samples; of WAV and raw */
    uint64_t data_bytes;
    uint32_t fmt_bytes; /* of WAV: the content of its fmt chunk, as it is */
    uint8_t fmt[AUDIO_MAX_FMT_BYTES];
};

/* NULL, or why this is no audio. A content type of samples ("audio/L16;rate=16000") makes bytes
 * that nothing else recognises AUDIO_RAW. */
const char *audio_recognise(struct span bytes, struct span content_type, struct audio *ret);

/* By the bytes alone, as of a file in a folder; AUDIO_RAW: it is none of the others. */
enum audio_format audio_container(struct span bytes);
bool audio_is_container(struct span bytes);

/* Does this content type, or this file name, say that it is audio? */
bool audio_type_is_audio(struct span content_type);
bool audio_name_is_audio(struct span file_name);

const char *audio_format_name(enum audio_format format);      /* "WAV" */
const char *audio_format_type(enum audio_format format);      /* "audio/wav" */
const char *audio_format_extension(enum audio_format format); /* "wav" */

/* MPEG audio: the bytes of the frame that begins here, 0: none does. */
size_t audio_mp3_frame_bytes(struct span bytes);

/* The bytes of an ID3v2 tag at the front, 0: there is none. */
uint64_t audio_id3_bytes(struct span bytes);

uint32_t audio_le32(const char *at);

#endif

/*
 * pcm.h - samples that are computed where they are read: a pure function of a seed and an offset.
 *
 * A gigabyte of it takes no memory, can be read in any order and in any pieces, and is the same
 * each time. Integers only, so that it is the same on every machine.
 */
#ifndef MULTIPART_AUDIO_PCM_H
#define MULTIPART_AUDIO_PCM_H

#include "audio.h"

enum pcm_kind {
    PCM_TONE,   /* a chord that swells and fades, another for each seed */
    PCM_NOISE,  /* noise with the spectrum of speech, and its syllables and pauses */
    PCM_SILENCE /* zeros */
};

struct pcm_source {
    struct pcm_format format;
    enum pcm_kind kind;
    uint64_t seed;
    uint64_t data_bytes;
    /* Written into the lowest bits of the first 128 samples, so that two sources with different
     * stamps are never the same bytes. Without is_stamped nothing is. */
    uint64_t stamp[2];
    bool is_stamped;
};

enum { PCM_STAMP_SAMPLES = 128 };

/* The len bytes from `offset` on; the caller stays within data_bytes. */
void pcm_read(const struct pcm_source *source, uint64_t offset, void *into, size_t len);

/* Whoever differs in one bit gets a seed of its own. */
uint64_t pcm_mix(uint64_t a, uint64_t b);

#endif

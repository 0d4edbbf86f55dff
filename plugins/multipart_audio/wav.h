/*
 * wav.h - what stands around generated samples in a WAV file.
 *
 * The fmt chunk is the recorded one, byte for byte (extensible ones too); other chunks are not
 * repeated. Samples begin where the recorded ones of a plain file begin: behind 44 bytes.
 */
#ifndef MULTIPART_AUDIO_WAV_H
#define MULTIPART_AUDIO_WAV_H

#include "audio.h"

enum { WAV_MAX_HEAD_BYTES = 12 + 8 + AUDIO_MAX_FMT_BYTES + 12 + 8 };
#define WAV_MAX_DATA_BYTES (UINT32_MAX - 1024ULL)

/* All before the samples; returns its bytes. */
size_t wav_head(const struct audio *like, uint64_t data_bytes, uint8_t into[WAV_MAX_HEAD_BYTES]);

/* Everything but samples that such a file holds, the pad byte of odd data counted. */
uint64_t wav_overhead_bytes(const struct audio *like, uint64_t data_bytes);

/* The data bytes, whole frames and at least one, of a file of at most file_bytes. */
uint64_t wav_data_bytes(const struct audio *like, uint64_t file_bytes);

#endif

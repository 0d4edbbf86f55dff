/*
 * unique.h - another file with the same sound: a mark of 32 hex digits goes into the metadata of a
 * file of audio, and every byte of its content stays.
 *
 * How is worked out once for a file (struct unique_plan: a few places where bytes are dropped and
 * others put in); filling in a mark then costs as much as copying these bytes. Nothing of the file
 * itself is copied.
 *
 *   WAV    a LIST INFO chunk with a comment at the end; before the data where sizes are unknown
 *   FLAC   one more comment in VORBIS_COMMENT, or a block of that kind behind STREAMINFO
 *   MP3    one more TXXX frame in its ID3v2.3/2.4 tag, or a tag before it
 *   Ogg    one more comment in the first page of a Vorbis' or Opus' comments, its CRC anew; where
 *          that page is full, the vendor's text
 *   WebM   a Void element that is there, or one more in the EBML header
 *   MP4    a `free` box at the end
 */
#ifndef MULTIPART_AUDIO_UNIQUE_H
#define MULTIPART_AUDIO_UNIQUE_H

#include "audio.h"

enum { UNIQUE_MARK_BYTES = 32, UNIQUE_MAX_EDITS = 3, UNIQUE_MAX_TEXT_BYTES = 70000 };

/* In the file: the `drop` bytes at `at` become the plan's text from text_at on. Sorted by `at`. */
struct unique_edit {
    uint64_t at;
    uint64_t drop;
    uint32_t text_at;
    uint32_t text_bytes;
};

struct unique_plan {
    uint32_t edit_count;
    struct unique_edit edits[UNIQUE_MAX_EDITS];
    uint32_t text_bytes;
    uint32_t mark_at; /* in the text */
    bool is_ogg_page; /* the text is one page: its CRC depends on the mark */
    uint8_t *text;    /* of this plan */
};

/* NULL, or why a file of this format cannot be told from its copy. unique_fini() either way. */
const char *unique_plan_make(struct span file, enum audio_format format, struct unique_plan *ret);
void unique_fini(struct unique_plan *plan);

/* What the file grows by. */
int64_t unique_growth(const struct unique_plan *plan);

/* The text with the mark in it, into text_bytes bytes. */
void unique_fill(const struct unique_plan *plan, const char mark[UNIQUE_MARK_BYTES], uint8_t *into);

/* For the formats that have files of their own. */
const char *unique_ogg(struct span file, struct unique_plan *plan);
const char *unique_webm(struct span file, struct unique_plan *plan);
bool unique_webm_is_cut(struct span file); /* its Segment goes on behind the end */
uint8_t *unique_text(struct unique_plan *plan, size_t bytes); /* zeroed; NULL: no memory */
uint32_t unique_ogg_crc(const uint8_t *page, size_t len);

#endif

/*
 * rope.h - a long body made of short text of its own, memory of somebody else, files that are read
 * where they lie, samples that are computed when they are read, and another rope in base64. Only
 * the text takes memory.
 */
#ifndef MULTIPART_AUDIO_ROPE_H
#define MULTIPART_AUDIO_ROPE_H

#include "files.h"
#include "json_text.h"
#include "pcm.h"

enum { ROPE_MAX_TEXT_BYTES = 4 << 20, ROPE_MAX_SEGMENTS = 8192 };

enum rope_kind { ROPE_TEXT, ROPE_MEMORY, ROPE_FILE, ROPE_PCM, ROPE_BASE64 };

struct rope;

struct rope_segment {
    enum rope_kind kind;
    uint64_t at; /* in the whole */
    uint64_t bytes;
    size_t text_at;   /* ROPE_TEXT */
    uint64_t file_at; /* ROPE_FILE: in the file */
    /* These must stay as long as the rope. */
    const char *memory;
    const struct shared_file *file;
    const struct pcm_source *pcm;
    struct rope *inner; /* ROPE_BASE64: what is written so */
    struct json_base64 form;
};

struct rope {
    struct rope_segment *segment;
    size_t count, capacity;
    char *text;
    size_t text_bytes, text_capacity;
    uint64_t total_bytes;
    const char *problem; /* sticky: no memory, over a limit, or a file that can no longer be read */
    char file_problem[FILES_MAX_PROBLEM_BYTES];
};

void rope_init(struct rope *rope);
void rope_fini(struct rope *rope);

/* What is appended; the text is copied. */
void rope_add_text(struct rope *rope, const void *text, size_t len);
void rope_add_memory(struct rope *rope, const void *memory, size_t len);
void rope_add_file(struct rope *rope, const struct shared_file *file, uint64_t at, uint64_t len);
void rope_add_pcm(struct rope *rope, const struct pcm_source *pcm);
/* The other rope is complete; its problem is this one's. */
void rope_add_base64(struct rope *rope, struct rope *inner, const struct json_base64 *form);

/* `max` bytes from `offset` on, or those to the end. Fewer, or 0, before a file that cannot be
 * read: then there is a problem, and asked again from there it gives 0. */
size_t rope_read(struct rope *rope, uint64_t offset, void *into, size_t max);

/* Writes `with` over every `old` of the same length that lies in text; how many there were. */
size_t rope_overwrite(struct rope *rope, const char *old, const char *with, size_t len);

#endif

/*
 * upload.h - an upload as it is sent: the request at hand with other audio in it, and with what
 * follows from the audio: file names, sizes, checksums. Every other byte is the request's own.
 *
 * Its memory is that of the fields and heads; audio is computed or read where it lies.
 */
#ifndef MULTIPART_AUDIO_UPLOAD_H
#define MULTIPART_AUDIO_UPLOAD_H

#include "folder.h"
#include "recorded.h"
#include "rope.h"

enum upload_source { UPLOAD_PCM, UPLOAD_FILE, UPLOAD_RECORDED };

/* What goes in place of one recorded audio. */
struct upload_choice {
    enum upload_source source;
    enum pcm_kind kind;            /* UPLOAD_PCM */
    uint64_t file_bytes;           /* UPLOAD_PCM: of the whole file; 0: as recorded */
    uint64_t duration_us;          /* UPLOAD_PCM, without file_bytes; 0: as recorded */
    const struct audio_file *file; /* UPLOAD_FILE */
    uint64_t id[2];                /* other ids, other bytes; the same choice is the same bytes */
};

struct upload {
    const struct recorded_upload *recorded;
    struct rope rope; /* the body */
    struct pcm_source pcm[RECORDED_MAX_AUDIO];
    struct rope *inner; /* of JSON: each audio, which the body has in base64; NULL of others */
    uint64_t audio_at[RECORDED_MAX_AUDIO]; /* in the body, or 0 in its own rope */
    uint64_t audio_bytes[RECORDED_MAX_AUDIO];
    /* Checksums on their way. */
    size_t subject;  /* the one being read, of audio and then the body */
    uint64_t hashed; /* bytes of it */
    struct digests *digests;
    char (*site_text)[DIGEST_MAX_TEXT_BYTES + 1]; /* of each site of the recording */
    char (*old_text)[DIGEST_MAX_TEXT_BYTES + 1];  /* in headers by now; NULL: the recorded */
};

/* NULL, or why the body cannot be made. upload_fini() either way. A body in memory (`live`), the
 * folder of a file must stay as long as the upload. */
const char *upload_make(const struct recorded_upload *recorded, const struct pieces *live,
                        struct span content_type, const struct upload_choice *choices,
                        struct upload *ret);
void upload_fini(struct upload *upload);

/* The bytes of the body at hand from `at` to `end`, where no audio is. */
void upload_add_range(struct upload *upload, const struct pieces *live, uint64_t at, uint64_t end);

/* Reads at most about `max_bytes` of the body for its checksums. True once they are all in it, or
 * rope.problem says why they cannot be. */
bool upload_digest(struct upload *upload, uint64_t max_bytes);

/* This one comes in place of another of that recording, whose checksums may be in the headers by
 * now. -1: no memory. */
int upload_replaces(struct upload *upload, const struct upload *other, bool is_in_headers);

/* A header's value with its checksums made true; how long it is, 0: it carries none. */
size_t upload_header(const struct upload *upload, struct span value, char *into, size_t size);

/* Can samples be made in place of this audio? */
bool upload_can_generate(const struct recorded_audio *audio);

#endif

/*
 * recorded.h - an upload as it was recorded: which of its bytes are audio, what kind of audio, and
 * which of its texts follow from the audio.
 */
#ifndef MULTIPART_AUDIO_RECORDED_H
#define MULTIPART_AUDIO_RECORDED_H

#include "digests.h"
#include "json_text.h"
#include "multipart.h"
#include "unique.h"

enum {
    RECORDED_MAX_AUDIO = 8, /* parts of audio in one upload */
    RECORDED_MAX_SITES = 32,
    RECORDED_MAX_PROBLEM_BYTES = 200,
    RECORDED_MIN_JSON_BYTES = 64, /* of a string that may be audio */
    RECORDED_WHOLE_BODY = 255     /* digest_site.subject */
};

/* Which of its bytes are audio. */
enum recorded_kind {
    RECORDED_WHOLE,     /* all */
    RECORDED_MULTIPART, /* the contents of parts */
    RECORDED_JSON       /* what strings stand for, in base64 */
};

struct recorded_audio {
    size_t part;             /* among the parts, or the tokens of the JSON; 0 of a whole body */
    uint64_t at, text_bytes; /* in the body, as it is written there */
    uint64_t content_bytes;
    struct json_base64 form; /* of JSON */
    char *sound;             /* of JSON: the bytes; NULL once nobody will want them */
    struct audio audio;
    struct unique_plan unique; /* for source=recorded */
    const char *not_unique;    /* why there is no such plan, or NULL */
    uint64_t content_hash;     /* the same of the same content */
};

/* A checksum that the recording carries, of one audio or of the whole body. */
struct digest_site {
    uint8_t subject; /* place among the audio, RECORDED_WHOLE_BODY */
    uint8_t kind;    /* enum digest_kind */
    uint8_t form;    /* enum digest_form */
    uint8_t len;
    bool is_in_body;
    char text[DIGEST_MAX_TEXT_BYTES + 1];
};

struct recorded_upload {
    enum recorded_kind kind;
    char problem[RECORDED_MAX_PROBLEM_BYTES]; /* why it cannot be made anew; "" */
    size_t audio_count;
    struct recorded_audio *audio;
    size_t site_count;
    struct digest_site *sites;
};

struct recorded_header {
    struct span name;
    struct span value;
};

struct recorded_request {
    struct span content_type;
    struct span body;
    const struct recorded_header *headers;
    size_t header_count;
    const char *part; /* only parts, or members, of this name; "" any that is audio */
};

/* *ret is NULL when it uploads no audio. -1: no memory. */
int recorded_upload_new(const struct recorded_request *request, struct recorded_upload **ret);
void recorded_upload_free(struct recorded_upload *upload);

/* For the kinds of bodies that have files of their own. */
int recorded_read_json(const struct recorded_request *request, struct recorded_upload *upload);
bool recorded_is_json(const struct recorded_request *request);

/* One more, whose bytes are `content`; `like` has where it lies. What is wrong with it becomes the
 * upload's problem. -1: no memory. */
int recorded_add_audio(struct recorded_upload *upload, const struct recorded_audio *like,
                       struct span content, struct span type, struct span name);

#endif

/*
 * readings.h - a live answer to a submit or a poll, read in the light of what was recorded.
 *
 *   submit   2xx, 303 with an id -> taken | 429, 503 -> full | 401, 407 -> others' business | else
 * lost poll     a state that is known, 202 -> pending or ended | 303 -> ended | another place or id
 * -> moved 429, 503 -> later | 401, 407 -> others' business | 404, 5xx, none, HTML -> missing
 */
#ifndef AI_QUEUE_READINGS_H
#define AI_QUEUE_READINGS_H

#include "jobs.h"

enum { READING_ID_BYTES = 257, READING_PROBLEM_BYTES = 240 };

struct answer {
    uint32_t status; /* 0: there was none */
    const char *error;
    struct span content_type, location, retry_after, date, depth, body;
    int64_t unix_us;
};

enum reading_kind {
    READ_TAKEN, /* of a submit */
    READ_PENDING,
    READ_ENDED,
    READ_MOVED, /* of a poll: ask again, for new_id */
    READ_LATER, /* the target is full: ask again */
    READ_MISSING,
    READ_REFUSED /* by who checks tokens */
};

struct reading {
    enum reading_kind kind;
    enum job_state state;
    bool is_unknown; /* nobody knows the word; taken for running */
    bool has_retry_after, has_depth;
    uint64_t retry_after_us, depth;
    char word[WORDS_MAX_BYTES + 1];      /* as the target said it */
    char new_id[READING_ID_BYTES];       /* READ_TAKEN, READ_MOVED, or "" */
    char problem[READING_PROBLEM_BYTES]; /* READ_MISSING: what came instead */
};

/* `header` answers the value of the response header that an id_place names. */
typedef struct span (*reading_header_fn)(void *owner, const char *name);

void read_submit(const struct words *words, const struct job_recorded *job,
                 const struct answer *answer, reading_header_fn header, void *owner,
                 struct reading *ret);

/* `url` is what was asked, `id` the job's id in it. */
void read_poll(const struct words *words, const struct job_recorded *job, struct span url,
               struct span id, const struct answer *answer, struct reading *ret);

#endif

/*
 * learn_parts.h - what the parts of the learner share: learn.c keeps what answers gave,
 * learn_give.c reads it out of submits, learn_ask.c and learn_tell.c find what asks for it and what
 * tells of it.
 */
#ifndef AI_QUEUE_LEARN_PARTS_H
#define AI_QUEUE_LEARN_PARTS_H

#include "learn.h"

/* What is being looked at: an exchange or a message, and the candidate it is about. */
struct seeing {
    struct learn *learn;
    const reprise_recorded *recorded;
    struct candidate *candidate;
    learn_mark_fn mark;
    void *owner;
};

static inline struct span to_span(reprise_bytes bytes)
{
    return (struct span){bytes.ptr, bytes.len};
}

struct span learn_header(const reprise_recorded *recorded, const char *name);
uint64_t learn_retry_after_us(const reprise_recorded *recorded);

/* By the identifier; NULL: no answer of the session has given it. */
struct candidate *learn_find(struct learn *learn, struct span value);
struct candidate *learn_new(struct learn *learn, struct span id); /* NULL: no memory */

/* What a URL names: the last identifier in it. */
struct candidate *learn_named(struct learn *learn, struct span url, struct span *ret_id);

/* The candidate's job, which it has. */
static inline struct job_recorded *learn_job(const struct seeing *seeing)
{
    return &seeing->learn->table->jobs[seeing->candidate->job];
}

/* -1: no memory, or mark() has failed. */
int learn_mark(const struct seeing *seeing, uint32_t step, enum job_role role);
int learn_begin_job(const struct seeing *seeing);

/* How it is asked for: the exchange in hand is the first, or is like the first. */
struct asking learn_asking_of(const reprise_recorded *recorded);
int learn_asks_as(const struct seeing *seeing, struct job_recorded *job);
bool learn_asks_alike(const struct seeing *seeing, const struct job_recorded *job);
int learn_add_asking(const struct seeing *seeing, const struct asking *asking, enum job_role role);
void learn_forget_polls(struct job_recorded *job);

/* The candidate is given by the exchange in hand, and strong; `place` is for people. */
int learn_give(struct seeing *seeing, const char *place);

int learn_submit(struct learn *learn, const reprise_recorded *recorded);
int learn_told(struct seeing *seeing); /* of what the submit in hand has given */
int learn_answered(struct seeing *seeing, bool *ret_seen);
int learn_get(struct seeing *seeing);
int learn_list(struct seeing *seeing, const struct candidate *other, bool *ret_seen);
int learn_post(struct seeing *seeing, bool *ret_seen);
int learn_stream(struct seeing *seeing);
int learn_message(struct seeing *seeing);

#endif

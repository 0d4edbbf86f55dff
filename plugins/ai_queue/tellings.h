/*
 * tellings.h - what an event of a stream, or a message, says of a job: its state by a word in its
 * JSON, by its name, or by all that it is ("data: done").
 */
#ifndef AI_QUEUE_TELLINGS_H
#define AI_QUEUE_TELLINGS_H

#include "answers.h"
#include "events.h"

struct telling {
    json_t *root; /* of its data, or NULL */
    enum job_state state;
    char word[WORDS_MAX_BYTES + 1];
    struct span id; /* by which its object goes, good as long as the root; ptr NULL: none */
    char number[32];
};

/* Once read: telling_fini(). */
void telling_read(const struct words *words, struct span name, struct span data,
                  struct telling *ret);
void telling_fini(struct telling *telling);

#endif

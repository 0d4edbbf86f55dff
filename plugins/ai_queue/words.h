/*
 * words.h - what the words of a job's state mean: waiting, running, done, failed.
 *
 * Case and separators do not count: "In Progress", "in-progress", "IN_PROGRESS" and "inProgress"
 * are one word, and JOB_STATE_SUCCEEDED is "succeeded".
 */
#ifndef AI_QUEUE_WORDS_H
#define AI_QUEUE_WORDS_H

#include "text.h"

enum job_state { STATE_UNKNOWN, STATE_WAITING, STATE_RUNNING, STATE_DONE, STATE_FAILED };

/* The user's own words, each list "a|b+c d" (WORDS_BETWEEN); NULL or "": none. They win over those
 * known here. */
struct words {
    const char *waiting, *running, *done, *failed;
};

#define WORDS_BETWEEN "|+; "

enum { WORDS_MAX_BYTES = 64 }; /* longer text is no word */

const char *state_name(enum job_state state);
static inline bool state_is_final(enum job_state state)
{
    return state == STATE_DONE || state == STATE_FAILED;
}

/* Letters and digits alone, small; how many. 0: it is no word. */
size_t words_plain(struct span text, char into[WORDS_MAX_BYTES + 1]);

enum job_state words_state(const struct words *words, struct span word);

/* Of an event's or a message's name, "job.completed": its last part that is a word. */
enum job_state words_event(const struct words *words, struct span name);

/* May a field of this name hold such a word (status, state, phase, jobStatus)? */
bool words_field(struct span name);

/* May a field of this name say by true or false whether the job is done (done, isReady)? */
bool words_flag(struct span name);

/* Is a field of this name an identifier (id, job_id, taskId, uuid)? */
bool words_id(struct span name);

/* Does a field of this name say how many jobs are ahead (queue_position, position, queue_depth)? */
bool words_depth(struct span name);

#endif

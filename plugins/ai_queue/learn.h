/*
 * learn.h - the learner: which steps of a recorded session submit a job, ask for it, and fetch what
 * came of it.
 *
 * A POST or PUT that is answered 2xx or 303 gives identifiers; a later GET whose path or query has
 * one of them asks for that job when its answer has a state (words.h), or is 202 before it is
 * something else. So does a POST that carries it and says that it asks (bodies.h), or is sent again
 * alike; and what is answered by a list in which a state stands beside it (lists.h). The other GETs
 * with that identifier, behind it, fetch results. An event stream at such a path, an event or a
 * message of a WebSocket that names the identifier tell of the job's end, too; so does the answer
 * of the submit when it is a stream itself. What has no state that anybody knows is no job.
 */
#ifndef AI_QUEUE_LEARN_H
#define AI_QUEUE_LEARN_H

#include "jobs.h"
#include "reprise_plugin.h"

/* What options say; NULL: find it. */
struct learn_rules {
    struct words words;
    const char *submit_method, *submit_path; /* a template of urls.h */
    const char *poll_path;
    const char *id_pointer, *id_header; /* one of them */
    const char *state_pointer;
};

/* The answer that gave an identifier, and where. */
struct given {
    const struct id_place *place, *other_place;
    uint32_t step;
    uint64_t ended_us;
    char *submit;     /* "POST /jobs" */
    const char *skip; /* where all answers of the target say that they are fine */
    uint32_t attempts[JOBS_MAX_ATTEMPTS]; /* that were refused, before it */
    uint32_t attempt_count;
    bool is_strong; /* its answer says that something has begun: 202, a Location, a state */
};

/* A moment of asking: how long after the answer before, and whether that said when. */
struct asking {
    uint32_t step;
    uint64_t began_us, ended_us, retry_after_us;
};

struct candidate {
    char *value;
    struct given given;
    struct given before; /* what gave it before the request of `once` did; submit NULL: none */
    struct asking once;  /* a POST that may have asked for it, if it is sent again alike */
    uint64_t once_hash;  /* 0: there was none */
    uint64_t last_answer_us;
    uint64_t retry_after_us; /* of the last answer */
    int64_t job;             /* in the table; -1: none yet */
    size_t next;             /* with the same hash, from 1 */
};

/* An end that a stream has told of, before a submit gave that identifier. */
struct told {
    char *id;
    uint32_t step;
    bool is_last; /* event of its stream */
};

/* A submit that was refused as one too many. */
struct refused {
    uint64_t hash; /* of what was sent; 0: it has been made again */
    uint32_t step;
};

enum { LEARN_MAX_TOLD = 4096, LEARN_MAX_REFUSED = 64 };
enum { LEARN_SLOTS = 1 << 12, LEARN_MAX_CANDIDATES = 1 << 16, LEARN_MAX_IDS = 256 };

struct learn {
    const struct learn_rules *rules;
    struct job_table *table;
    bool has_session;
    uint64_t session_id;
    struct candidate *candidates;
    size_t count, capacity;
    size_t slots[LEARN_SLOTS]; /* a candidate from 1 */
    struct told *told;         /* room for LEARN_MAX_TOLD; NULL: none yet */
    size_t told_count;
    struct refused refused[LEARN_MAX_REFUSED];
    size_t refused_count;
    uint64_t sent_hash;   /* of the exchange in hand, whole; 0: nobody has asked for it */
    uint64_t sent_hashes; /* how many were asked for */
};

/* Marks a step of the session in hand. */
typedef int (*learn_mark_fn)(void *owner, uint32_t step, uint32_t mark);

void learn_init(struct learn *learn, const struct learn_rules *rules, struct job_table *table);
void learn_fini(struct learn *learn);

/* -1: no memory, or mark() has failed. */
int learn_see(struct learn *learn, uint64_t session_id, const reprise_recorded *recorded,
              learn_mark_fn mark, void *owner);

#endif

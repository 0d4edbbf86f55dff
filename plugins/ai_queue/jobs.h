/*
 * jobs.h - the jobs of a trace: which step submits each, where its id is given, which steps ask for
 * it and how often.
 *
 * Filled by learn.c session by session; jobs of one session lie together, sessions are in the order
 * of their ids.
 */
#ifndef AI_QUEUE_JOBS_H
#define AI_QUEUE_JOBS_H

#include <stdint.h>

#include "answers.h"

enum job_role {
    ROLE_SUBMIT = 1,
    ROLE_POLL,
    ROLE_RESULT, /* fetched once it had ended */
    ROLE_SIDE,   /* about the job, before that */
    ROLE_STREAM,
    ROLE_LIST,    /* asks for all of its jobs at once */
    ROLE_EVENTS,  /* a stream that tells of many */
    ROLE_ATTEMPT, /* a submit that was refused, and made again by another step */
    ROLE_WATCH
};

/* A step's mark: the job's place in its session, and what the step is to it. */
#define JOB_MARK(job, role) ((uint32_t)(job) << 4 | (uint32_t)(role))
#define MARK_JOB(mark) ((mark) >> 4)
#define MARK_ROLE(mark) ((enum job_role)((mark)&15))

enum { JOBS_MAX = 4000000, JOBS_MAX_STEPS = 100000, JOBS_MAX_GAPS = 64, JOBS_MAX_ATTEMPTS = 6 };

/* The median of the first ones. */
struct job_gaps {
    uint32_t count;
    uint64_t us[JOBS_MAX_GAPS]; /* ascending */
};

struct job_recorded {
    uint32_t submit_step;
    uint32_t stream_step; /* where is_told */
    uint32_t attempts[JOBS_MAX_ATTEMPTS];
    uint32_t attempt_count;
    const struct id_place *place, *other_place; /* interned; the other may be NULL */
    char *id;                                   /* as recorded */
    char *submit;                               /* "POST /jobs", for people */
    char *poll_url;                             /* of the first poll; NULL: it is never asked for */
    const char *poll_method;                    /* interned */
    const char *list_pointer, *list_id_pointer; /* interned; of a list of jobs, or NULL */
    const char *state_pointer;                  /* interned; NULL: the status alone tells */
    const char *poll_id_pointer;                /* where polls' answers repeat the id, or NULL */
    uint32_t *polls;                            /* their steps, to the one that saw it end */
    uint32_t poll_count, poll_capacity;
    uint64_t first_delay_us;    /* from the submit's answer to the first poll */
    struct job_gaps *gaps;      /* between a poll's answer and the next poll; NULL: one poll */
    uint32_t honoured, ignored; /* Retry-After, by the recorded client */
    bool is_flag;
    bool asks_by_body;     /* polls carry the id there */
    bool has_ended;        /* the recording saw it end: a replay waits for that */
    bool ends_with_stream; /* nothing came behind the event that said so */
    bool has_stream;
    bool is_told;        /* by a stream of many */
    bool answers_itself; /* the submit's answer is its stream */
    bool is_watched;     /* a WebSocket has told of its end */
};

struct job_session {
    uint64_t id;
    size_t first, count;
};

struct job_table {
    struct job_recorded *jobs;
    size_t count, capacity;
    struct job_session *sessions;
    size_t session_count, session_capacity;
    struct id_place **places;
    size_t place_count;
    char **pointers;
    size_t pointer_count;
    struct job_gaps gaps; /* of all jobs */
};

void job_table_fini(struct job_table *table);

/* NULL: the session has no jobs. */
const struct job_session *job_table_find(const struct job_table *table, uint64_t session_id);

/* A job more of this session, all zero: its number in the table; -1: no memory, or too many. */
int64_t job_table_add(struct job_table *table, uint64_t session_id);

/* One copy for all jobs. NULL: no memory, or too many that differ. */
const struct id_place *job_table_place(struct job_table *table, const struct id_place *place);
const char *job_table_pointer(struct job_table *table, const char *pointer);

int job_add_poll(struct job_recorded *job, uint32_t step); /* -1: no memory, or too many */
bool job_has_poll(const struct job_recorded *job, uint32_t step);
void job_gap(struct job_gaps *gaps, uint64_t us);

/* How long between polls: the job's own median, else that of all, else a second. */
uint64_t job_interval_us(const struct job_table *table, const struct job_recorded *job);

#endif

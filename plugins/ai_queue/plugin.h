/*
 * plugin.h - what the files of this plugin that know the host share: its state, a user's jobs.
 *
 *   NONE --submit sent--> SENT --2xx, id--> RUNNING --state, signal--> OVER
 *                          |                   |--deadline, cap, answers that say nothing--> OVER
 *                          |--429, 503: wait and SENT again, or left to the recorded next attempt
 *                          '--refused--> LOST: its polls are not sent
 */
#ifndef AI_QUEUE_PLUGIN_H
#define AI_QUEUE_PLUGIN_H

#include <stdatomic.h>

#include "backoff.h"
#include "events.h"
#include "joblog.h"
#include "learn.h"
#include "readings.h"
#include "reprise_plugin.h"

enum metric {
    AI_JOBS,
    AI_JOB_DURATION,
    AI_JOB_QUEUE_WAIT,
    AI_JOB_PROCESSING,
    AI_JOB_POLLS,
    AI_JOBS_IN_FLIGHT,
    AI_JOBS_REJECTED,
    AI_JOBS_FAILED,
    AI_JOBS_TIMED_OUT,
    AI_JOBS_LOST,
    AI_JOBS_MOVED,
    AI_QUEUE_DEPTH,
    AI_POLL_ERRORS
};

enum rhythm { RHYTHM_RECORDED, RHYTHM_COMPRESSED, RHYTHM_BACKOFF };
enum retry_after { RETRY_AFTER_AUTO, RETRY_AFTER_ON, RETRY_AFTER_OFF };

struct plugin_state {
    /* options */
    const char *rhythm, *backoff, *retry_after, *on_full, *on_timeout, *log;
    const char *submit, *poll, *id, *status, *waiting, *running, *done, *failed;
    uint64_t deadline, cap, missing;
    /* what they say */
    enum rhythm rhythm_kind;
    enum retry_after retry_after_kind;
    struct backoff delays;
    bool waits_when_full, fails_on_timeout;
    struct learn_rules rules;
    char *owned[4]; /* texts of rules that are not the options' own */
    /* what the trace has */
    struct learn learn;
    struct job_table table;
    bool has_submit, has_poll; /* what the options of that name say is in it */
    /* of all users */
    atomic_ullong in_flight;
    struct joblog job_log;
};

enum live_state { LIVE_NONE, LIVE_SENT, LIVE_RUNNING, LIVE_OVER, LIVE_LOST };

struct live_job {
    const struct job_recorded *recorded;
    enum live_state state;
    char id[READING_ID_BYTES], previous_id[READING_ID_BYTES];
    uint64_t began_us;     /* the first attempt to submit it: the deadline counts from here */
    uint64_t submitted_us; /* the request that was accepted had been sent */
    int64_t submitted_unix_us;
    uint64_t running_us; /* first seen running; 0: not yet */
    uint64_t next_us;    /* no poll before */
    uint64_t last_us;    /* the last poll's answer */
    uint64_t last_gap_us;
    uint32_t submits, polls, misses;
    bool is_asked; /* a poll waits for its time or for its answer */
    bool is_left;  /* a poll was refused for want of a token, and nobody has asked again */
    char word[WORDS_MAX_BYTES + 1];
    struct events *events; /* of its stream */
};

enum { STASH_MAX = 8, STASH_MAX_BYTES = 16 * 1024, STASH_NAME_BYTES = 64 };

/* Told while a submit was not answered: of which job is not known yet. */
struct stashed {
    char name[STASH_NAME_BYTES + 1]; /* of the event, or "" */
    char *text;                      /* NULL: nothing */
};

/* One event stream that tells of many jobs, as long as it is open. */
struct shared_stream {
    struct shared_stream *next;
    uint32_t step;
    uint32_t reopened; /* while none of its jobs had begun */
    struct events events;
};

struct user_state {
    struct live_job *jobs;
    uint32_t count;
    struct stashed stash[STASH_MAX];
    uint32_t stash_next;
    struct shared_stream *streams;
};

static inline struct span plugin_span(reprise_bytes bytes)
{
    return (struct span){bytes.ptr, bytes.len};
}

#define NOT_TAKEN "the target has not taken it by its deadline"

/* live.c: what becomes of a job. The int is a verdict. */
void live_begin(const reprise_call *call, struct live_job *job, const struct reading *reading,
                const reprise_response *response);
void live_end(const reprise_call *call, struct live_job *job, enum job_state state,
              const char *word);
int live_give_up(const reprise_call *call, struct live_job *job, bool is_late, const char *why);
void live_leave(const reprise_call *call, struct live_job *job); /* the session ends first */
void live_book_poll(const reprise_call *call, struct live_job *job, const struct reading *reading);
uint64_t live_deadline_us(const reprise_call *call, const struct live_job *job);
bool live_is_late(const reprise_call *call, const struct live_job *job);
void live_settle_polls(const reprise_call *call, const struct live_job *job, uint32_t after_step,
                       const reprise_response *response);

/* signals.c: what is told; false: not of this job. */
bool signals_tell(const reprise_call *call, struct live_job *job, struct span name,
                  struct span message);
void signals_stash(struct user_state *user, struct span name, struct span message);
void signals_seen(const reprise_call *call, struct live_job *job, enum job_state state,
                  const char *word);
void signals_unstash(const reprise_call *call, struct live_job *job);
int plugin_on_ws_message(const reprise_call *call, const reprise_ws_message *message);
int plugin_on_response_data(const reprise_call *call, const reprise_response *response,
                            reprise_bytes data);

/* streams.c: event streams. The answer of each has ended; the int is a verdict. */
int streams_own_ended(const reprise_call *call, struct live_job *job,
                      const reprise_response *response);
int streams_shared_ended(const reprise_call *call, const reprise_response *response);
int streams_answer_ended(const reprise_call *call, struct live_job *job,
                         const reprise_response *response);
bool streams_alone_tell(const struct live_job *job); /* of its end: nobody polls */
void streams_begin(struct live_job *job);            /* its request goes out (again) */
void streams_forget(struct user_state *user);

/* ask.c, hear.c */
int plugin_on_request(const reprise_call *call, reprise_request *request);
int plugin_on_response(const reprise_call *call, const reprise_response *response);

#endif

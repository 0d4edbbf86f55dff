/*
 * joblog.h - a line for each job, to be laid beside the target's own log.
 *
 *   ID STATE SUBMITTED_UNIX_US DURATION_US POLLS LAST_GAP_US
 *
 * Lines are kept in memory and written when that is full, and at the end. Until the first user
 * begins nothing is done to the file: a run that is not played empties nothing.
 */
#ifndef AI_QUEUE_JOBLOG_H
#define AI_QUEUE_JOBLOG_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

struct joblog {
    const char *path; /* the caller's; "": nobody asked for it */
    FILE *file;       /* NULL: not open yet */
    char *buffer;
    pthread_mutex_t lock;
};

struct joblog_line {
    const char *id, *state;
    int64_t submitted_unix_us;
    uint64_t duration_us;
    uint32_t polls;
    uint64_t last_gap_us; /* between the answers of its last two polls */
};

/* -1: errno says why it cannot be written, as far as that can be known without touching it. */
int joblog_init(struct joblog *log, const char *path);

/* Opens and empties it, the first time; from any thread. -1: errno says why not. */
int joblog_begin(struct joblog *log);

void joblog_add(struct joblog *log, const struct joblog_line *line); /* from any thread */
int joblog_close(struct joblog *log);                                /* -1: something is missing */

#endif

/*
 * joblog.h - a line for each job, to be laid beside the target's own log.
 *
 *   ID STATE SUBMITTED_UNIX_US DURATION_US POLLS LAST_GAP_US
 *
 * Lines are kept in memory and written when that is full, and at the end.
 */
#ifndef AI_QUEUE_JOBLOG_H
#define AI_QUEUE_JOBLOG_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

struct joblog {
    FILE *file; /* NULL: nobody asked for it */
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

/* path "": no log. -1: errno says why it cannot be written. */
int joblog_open(struct joblog *log, const char *path);
void joblog_add(struct joblog *log, const struct joblog_line *line); /* from any thread */
int joblog_close(struct joblog *log);                                /* -1: something is missing */

#endif

/* sessions.h - what each visitor got done, from the server's own side.
 *
 * A session here is one login (and its refreshes), one API key, one form cookie or one admin
 * token. A step is a request of it that was answered below 400, or a WebSocket transcript that
 * was brought to its end; milestones are the ends people came for. */
#ifndef VOICELAB_SESSIONS_H
#define VOICELAB_SESSIONS_H

#include <jansson.h>
#include <stdio.h>

enum milestone {
    MILESTONE_LOGIN,
    MILESTONE_REFRESH,
    MILESTONE_UPLOAD,
    MILESTONE_JOB,        /* a job was accepted */
    MILESTONE_JOB_RESULT, /* its owner saw it done */
    MILESTONE_TURN,       /* a second or later turn of a conversation: the context was carried on */
    MILESTONE_SEARCH,
    MILESTONE_BATCH_RESULT,
    MILESTONE_FORM,
    MILESTONE_ADMIN,
    MILESTONE_TRANSCRIPT, /* the final one was sent and the stream closed with 1000 */
    MILESTONES
};

struct sessions;

struct sessions *sessions_new(void);
void sessions_free(struct sessions *sessions);

void sessions_step(struct sessions *sessions, const char *key, int status);
void sessions_reach(struct sessions *sessions, const char *key, enum milestone milestone);

/* Prometheus text: sessions in total, by number of steps, and by milestone. */
void sessions_print(struct sessions *sessions, FILE *out);

/* One object a session: key, steps, refused, milestones. The caller's. */
json_t *sessions_json(struct sessions *sessions);

#endif

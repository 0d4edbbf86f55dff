/* sessions.c - what each visitor got done, from the server's own side. */
#include "tests/voicelab/sessions.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/voicelab/table.h"

#define SESSIONS_MAX 262144
#define STEPS_SHOWN 64 /* sessions with more steps are counted under the last label */

static const char *const milestone_names[MILESTONES] = {
    "login",  "refresh",      "upload", "job",   "job_result", "turn",
    "search", "batch_result", "form",   "admin", "transcript",
};

struct progress {
    uint32_t steps;
    uint32_t refused; /* answered 400 or more */
    uint32_t milestones;
};

struct sessions {
    pthread_mutex_t lock; /* guards all of the below */
    struct table *progress;
    uint64_t overflowed; /* steps of sessions beyond SESSIONS_MAX */
};

struct sessions *sessions_new(void)
{
    struct sessions *sessions = calloc(1, sizeof *sessions);

    if (!sessions)
        return NULL;
    pthread_mutex_init(&sessions->lock, NULL);
    sessions->progress = table_new(sizeof(struct progress), SESSIONS_MAX);
    if (!sessions->progress) {
        free(sessions);
        return NULL;
    }
    return sessions;
}

void sessions_free(struct sessions *sessions)
{
    if (!sessions)
        return;
    table_free(sessions->progress);
    pthread_mutex_destroy(&sessions->lock);
    free(sessions);
}

void sessions_step(struct sessions *sessions, const char *key, int status)
{
    if (!*key)
        return;
    pthread_mutex_lock(&sessions->lock);
    struct progress *progress = table_get(sessions->progress, key);
    if (!progress)
        sessions->overflowed++;
    else if (status < 400)
        progress->steps++;
    else
        progress->refused++;
    pthread_mutex_unlock(&sessions->lock);
}

void sessions_reach(struct sessions *sessions, const char *key, enum milestone milestone)
{
    if (!*key)
        return;
    pthread_mutex_lock(&sessions->lock);
    struct progress *progress = table_get(sessions->progress, key);
    if (progress)
        progress->milestones |= 1u << milestone;
    pthread_mutex_unlock(&sessions->lock);
}

struct census {
    uint64_t by_steps[STEPS_SHOWN + 1];
    uint64_t by_milestone[MILESTONES];
};

static void count_one(void *context, const char *key, void *value)
{
    struct census *census = context;
    const struct progress *progress = value;

    (void)key;
    census->by_steps[progress->steps < STEPS_SHOWN ? progress->steps : STEPS_SHOWN]++;
    for (unsigned m = 0; m < MILESTONES; m++)
        census->by_milestone[m] += progress->milestones >> m & 1u;
}

void sessions_print(struct sessions *sessions, FILE *out)
{
    struct census census = {0};

    pthread_mutex_lock(&sessions->lock);
    table_each(sessions->progress, count_one, &census);
    size_t total = table_count(sessions->progress);
    uint64_t overflowed = sessions->overflowed;
    pthread_mutex_unlock(&sessions->lock);

    fprintf(out, "# TYPE voicelab_sessions gauge\nvoicelab_sessions %zu\n", total);
    fprintf(out,
            "# TYPE voicelab_session_overflow_total counter\nvoicelab_session_overflow_total %ju\n",
            (uintmax_t)overflowed);
    fputs("# HELP voicelab_sessions_by_steps Sessions that got this many steps done.\n"
          "# TYPE voicelab_sessions_by_steps gauge\n",
          out);
    for (unsigned s = 0; s <= STEPS_SHOWN; s++)
        if (census.by_steps[s])
            fprintf(out, "voicelab_sessions_by_steps{steps=\"%u%s\"} %ju\n", s,
                    s == STEPS_SHOWN ? "+" : "", (uintmax_t)census.by_steps[s]);
    fputs("# TYPE voicelab_sessions_reached gauge\n", out);
    for (unsigned m = 0; m < MILESTONES; m++)
        fprintf(out, "voicelab_sessions_reached{milestone=\"%s\"} %ju\n", milestone_names[m],
                (uintmax_t)census.by_milestone[m]);
}

static void append_one(void *context, const char *key, void *value)
{
    const struct progress *progress = value;
    json_t *milestones = json_array();

    for (unsigned m = 0; m < MILESTONES; m++)
        if (progress->milestones >> m & 1u)
            json_array_append_new(milestones, json_string(milestone_names[m]));
    json_array_append_new(context,
                          json_pack("{s:s, s:I, s:I, s:o}", "session", key, "steps",
                                    (json_int_t)progress->steps, "refused",
                                    (json_int_t)progress->refused, "milestones", milestones));
}

json_t *sessions_json(struct sessions *sessions)
{
    json_t *rows = json_array();

    pthread_mutex_lock(&sessions->lock);
    table_each(sessions->progress, append_one, rows);
    pthread_mutex_unlock(&sessions->lock);
    return rows;
}

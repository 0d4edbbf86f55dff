/* jobs.c - the analysis of uploads: a bounded queue and a fixed pool of workers. */
#include "tests/voicelab/jobs.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/voicelab/clock.h"
#include "tests/voicelab/metrics.h"
#include "tests/voicelab/misbehave.h"
#include "tests/voicelab/options.h"
#include "tests/voicelab/secret.h"
#include "tests/voicelab/store.h"
#include "tests/voicelab/words.h"

struct job {
    char id[ID_CAP];
    uint64_t seed;
    uint64_t queued_us;
};

struct jobs {
    const struct app *app;
    FILE *log; /* NULL: none */
    size_t worker_count;
    pthread_t *workers;

    pthread_mutex_t lock; /* guards all of the below */
    pthread_cond_t changed;
    bool is_stopping;
    size_t running;
    size_t reserved; /* promised places, counted as waiting */
    size_t first, waiting, capacity;
    struct job *queue; /* a ring */
};

/* Waits as long as the work takes. False: the server is stopping. */
static bool work(struct jobs *jobs, uint64_t duration_us)
{
    uint64_t end_us = clock_monotonic_us() + duration_us;
    struct timespec until = {.tv_sec = (time_t)(end_us / 1000000u),
                             .tv_nsec = (long)(end_us % 1000000u) * 1000};

    pthread_mutex_lock(&jobs->lock);
    while (!jobs->is_stopping &&
           pthread_cond_timedwait(&jobs->changed, &jobs->lock, &until) != ETIMEDOUT)
        ;
    bool is_done = !jobs->is_stopping;
    pthread_mutex_unlock(&jobs->lock);
    return is_done;
}

static void finish(struct jobs *jobs, const struct job *job, uint64_t started_us)
{
    const struct options *options = jobs->app->options;
    char transcript[WORDS_CAP];
    uint64_t ended_us = clock_unix_us();
    bool has_failed = options->job_fail_rate > 0 &&
                      misbehave_random(jobs->app->misbehaviour) < options->job_fail_rate;

    words_make(transcript, job->seed, 6 + job->seed % 10);
    /* Counted and logged first: whoever sees the job done finds it there. */
    metrics_add(jobs->app->metrics, has_failed ? COUNT_JOBS_FAILED : COUNT_JOBS_DONE, 1);
    if (jobs->log)
        fprintf(jobs->log, "%s %s %ju %ju %ju\n", job->id, has_failed ? "failed" : "done",
                (uintmax_t)job->queued_us, (uintmax_t)started_us, (uintmax_t)ended_us);
    store_run(jobs->app->store,
              "UPDATE job SET status = ?, result = ?, reason = ?, ended_us = ? WHERE id = ?",
              "sssis", has_failed ? "failed" : "done", has_failed ? NULL : transcript,
              has_failed ? "the recording could not be understood" : NULL, (int64_t)ended_us,
              job->id);
}

static void process(struct jobs *jobs, const struct job *job)
{
    const struct options *options = jobs->app->options;
    uint64_t started_us = clock_unix_us();
    uint64_t duration_us = options->job_time_us;

    if (options->job_jitter_us)
        duration_us +=
            (uint64_t)(misbehave_random(jobs->app->misbehaviour) * (double)options->job_jitter_us);
    store_run(jobs->app->store, "UPDATE job SET status = 'running', started_us = ? WHERE id = ?",
              "is", (int64_t)started_us, job->id);
    if (work(jobs, duration_us))
        finish(jobs, job, started_us);
}

static void *run_worker(void *context)
{
    struct jobs *jobs = context;

    pthread_mutex_lock(&jobs->lock);
    while (!jobs->is_stopping) {
        if (jobs->waiting == 0) {
            pthread_cond_wait(&jobs->changed, &jobs->lock);
            continue;
        }
        struct job job = jobs->queue[jobs->first];
        jobs->first = (jobs->first + 1) % jobs->capacity;
        jobs->waiting--;
        jobs->running++;
        pthread_mutex_unlock(&jobs->lock);
        process(jobs, &job);
        pthread_mutex_lock(&jobs->lock);
        jobs->running--;
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

static int open_log(struct jobs *jobs, const char *path)
{
    if (!path)
        return 0;
    jobs->log = fopen(path, "we");
    if (!jobs->log) {
        fprintf(stderr, "voicelab: --job-log: %s: %s\n", path, strerror(errno));
        return -1;
    }
    setvbuf(jobs->log, NULL, _IOLBF, 0);
    return 0;
}

struct jobs *jobs_start(const struct app *app)
{
    struct jobs *jobs = calloc(1, sizeof *jobs);
    pthread_condattr_t monotonic;

    if (!jobs)
        return NULL;
    jobs->app = app;
    jobs->capacity = app->options->job_queue;
    jobs->queue = calloc(jobs->capacity, sizeof *jobs->queue);
    jobs->workers = calloc(app->options->job_workers, sizeof *jobs->workers);
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&jobs->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!jobs->queue || !jobs->workers || open_log(jobs, app->options->job_log)) {
        jobs_stop(jobs);
        return NULL;
    }
    for (size_t i = 0; i < app->options->job_workers; i++) {
        if (pthread_create(&jobs->workers[i], NULL, run_worker, jobs)) {
            fprintf(stderr, "voicelab: --job-workers: no more threads than %zu here\n", i);
            jobs_stop(jobs);
            return NULL;
        }
        jobs->worker_count++;
    }
    return jobs;
}

void jobs_stop(struct jobs *jobs)
{
    if (!jobs)
        return;
    pthread_mutex_lock(&jobs->lock);
    jobs->is_stopping = true;
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
    for (size_t i = 0; i < jobs->worker_count; i++)
        pthread_join(jobs->workers[i], NULL);
    if (jobs->log)
        fclose(jobs->log);
    pthread_cond_destroy(&jobs->changed);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs->workers);
    free(jobs->queue);
    free(jobs);
}

int jobs_reserve(struct jobs *jobs, size_t count)
{
    int result = -1;

    pthread_mutex_lock(&jobs->lock);
    if (jobs->waiting + jobs->reserved + count <= jobs->capacity) {
        jobs->reserved += count;
        result = 0;
    }
    pthread_mutex_unlock(&jobs->lock);
    return result;
}

void jobs_queue(struct jobs *jobs, const char *id, uint64_t seed, uint64_t queued_us)
{
    pthread_mutex_lock(&jobs->lock);
    assert(jobs->reserved > 0);
    struct job *job = &jobs->queue[(jobs->first + jobs->waiting) % jobs->capacity];
    snprintf(job->id, sizeof job->id, "%s", id);
    job->seed = seed;
    job->queued_us = queued_us;
    jobs->reserved--;
    jobs->waiting++;
    /* Broadcast: workers asleep in work() wait on the same condition. */
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
}

size_t jobs_waiting(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    size_t waiting = jobs->waiting + jobs->reserved;
    pthread_mutex_unlock(&jobs->lock);
    return waiting;
}

size_t jobs_running(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    size_t running = jobs->running;
    pthread_mutex_unlock(&jobs->lock);
    return running;
}

uint64_t jobs_retry_after_s(struct jobs *jobs)
{
    const struct options *options = jobs->app->options;
    uint64_t round_us = options->job_time_us + options->job_jitter_us / 2;

    return 1 + round_us * jobs_waiting(jobs) / options->job_workers / 2000000u;
}

/* jobs.h - the analysis of uploads: a bounded queue and a fixed pool of workers.
 *
 *   (refused: 503) <-- full? -- queued --worker free--> running --time up--> done | failed
 *
 * The state a client sees is a row of the store; the queue holds what is to be worked on. */
#ifndef VOICELAB_JOBS_H
#define VOICELAB_JOBS_H

#include <stddef.h>
#include <stdint.h>

#include "tests/voicelab/app.h"

struct jobs;

/* NULL: one line is on stderr. Uses the app's options, store, metrics and misbehaviour. */
struct jobs *jobs_start(const struct app *app);
void jobs_stop(struct jobs *jobs);

/* Room for `count` jobs, all or none. -1: the queue is full. Each must then be queued. */
int jobs_reserve(struct jobs *jobs, size_t count);

/* The row `id` exists and is 'queued'. Its transcript is drawn from `seed`. */
void jobs_queue(struct jobs *jobs, const char *id, uint64_t seed, uint64_t queued_us);

size_t jobs_waiting(struct jobs *jobs);
size_t jobs_running(struct jobs *jobs);

/* How long until there is likely to be room, in whole seconds of at least 1. */
uint64_t jobs_retry_after_s(struct jobs *jobs);

#endif

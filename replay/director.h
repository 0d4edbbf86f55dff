/*
 * director.h - starts the workers at one moment, gathers what they measured once a second, stops
 * them.
 */
#ifndef REPRISE_REPLAY_DIRECTOR_H
#define REPRISE_REPLAY_DIRECTOR_H

#include "replay/worker.h"

struct director {
    const struct replay_settings *settings;
    int64_t started_unix_us;
    /* Called once a second, and for the rest at the end, with what all workers measured since, for
     * the owner to add to. -1 stops the run. */
    int (*on_second)(void *owner, struct metrics *delta, uint32_t second, uint64_t length_us,
                     struct error *err);
    /* The workers have ended, the last on_second() follows; may be NULL. */
    void (*on_end)(void *owner);
    /* A plugin does not return from a callback, `err` says which: what was measured has been handed
     * to on_second(), write it down and return. The process ends then with err's exit code, because
     * its thread cannot be ended. May be NULL. */
    void (*on_stuck)(void *owner, uint64_t now_us, const struct error *err);
    void *owner;
};

struct director_result {
    uint64_t duration_us;
    bool was_stopped;           /* by a signal */
    struct chain_stats plugins; /* time spent in plugins */
};

/* Plays the whole plan. -1 with err: the run could not start or could not go on; *ret_result is
 * filled. */
int director_run(const struct director *director, struct director_result *ret_result,
                 struct error *err);

#endif

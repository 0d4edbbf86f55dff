/*
 * silence.h - how long a target gave no answer at all while requests waited for one.
 *
 * A target that stands still is not seen in percentiles of what it answered before and after. One
 * request that takes long is no standstill: SILENCE_WAITERS have to wait, and none of those that
 * waited long when they were recorded, as polls do.
 */
#ifndef REPRISE_REPLAY_SILENCE_H
#define REPRISE_REPLAY_SILENCE_H

#include <stdint.h>

enum { SILENCE_WAITERS = 5 };

struct silence {
    uint32_t waiters; /* requests without an answer yet */
    uint64_t since_us;
    uint64_t longest_us; /* since silence_take() */
};

static inline void silence_look(struct silence *silence, uint64_t now_us)
{
    if (silence->waiters >= SILENCE_WAITERS && now_us > silence->since_us &&
        now_us - silence->since_us > silence->longest_us)
        silence->longest_us = now_us - silence->since_us;
}

/* One more waits. */
static inline void silence_asked(struct silence *silence, uint64_t now_us)
{
    if (++silence->waiters == SILENCE_WAITERS)
        silence->since_us = now_us;
}

static inline void silence_broken(struct silence *silence, uint64_t now_us)
{
    silence_look(silence, now_us);
    silence->since_us = now_us;
}

/* One waits no more, answered or not. */
static inline void silence_left(struct silence *silence, uint64_t now_us)
{
    silence_look(silence, now_us);
    silence->waiters--;
}

/* The longest, up to now, since this was last asked; one that goes on is told again, longer. */
static inline uint64_t silence_take(struct silence *silence, uint64_t now_us)
{
    silence_look(silence, now_us);
    uint64_t longest_us = silence->longest_us;
    silence->longest_us = 0;
    return longest_us;
}

#endif

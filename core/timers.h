/*
 * timers.h - a heap of moments and what to do when they come; takes `now`, never asks for it.
 *
 * A timer lives in its owner's struct. Timers due at the same moment fire in the order they were
 * set.
 */
#ifndef REPRISE_CORE_TIMERS_H
#define REPRISE_CORE_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer;
typedef void (*timer_fn)(struct timer *timer, void *owner, uint64_t now_us);

struct timer {
    uint64_t due_us;
    uint64_t order;
    size_t position; /* in the heap, from 1; 0: not set */
    timer_fn fire;
    void *owner;
};

struct timers {
    struct timer **heap; /* heap[0] is unused */
    size_t count;
    size_t capacity;
    uint64_t next_order;
    uint64_t running_us; /* now_us of the timers_run() in hand, else 0 */
};

#define TIMERS_NONE_US UINT64_MAX

void timers_init(struct timers *timers);
void timers_fini(struct timers *timers);

static inline void timer_init(struct timer *timer, timer_fn fire, void *owner)
{
    *timer = (struct timer){.fire = fire, .owner = owner};
}

static inline bool timer_is_set(const struct timer *timer)
{
    return timer->position != 0;
}

/* Set, or move if it is set already. -1 without memory. */
int timers_set(struct timers *timers, struct timer *timer, uint64_t due_us);

/* No-op when it is not set. */
void timers_cancel(struct timers *timers, struct timer *timer);

/* When the first one is due, or TIMERS_NONE_US. */
uint64_t timers_next_us(const struct timers *timers);

/*
 * Fire, in order, all that are due at `now_us`; returns how many. A timer is no longer set when it
 * fires, so it may set itself anew; one set by a callback for now or earlier waits for the next
 * call and counts as due now: nothing set before can starve behind it. Not to be called by a
 * callback.
 */
size_t timers_run(struct timers *timers, uint64_t now_us);

#endif

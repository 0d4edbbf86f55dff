/*
 * timers.h - moments and what to do when they come; takes `now`, never asks for it.
 *
 * A timer lives in its owner's struct; setting, moving and cancelling one, and having it fire, take
 * a constant number of steps however many there are, and no memory.
 *
 * Timers fire in the order of their moments, those of the same moment in the order they were set. A
 * moment that has passed when it is set counts as the moment that the timers were last told of.
 */
#ifndef REPRISE_CORE_TIMERS_H
#define REPRISE_CORE_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer;
typedef void (*timer_fn)(struct timer *timer, void *owner, uint64_t now_us);

struct timer_link {
    struct timer_link *next, *previous;
};

struct timer {
    struct timer_link link; /* in a list of struct timers; next is NULL when it is not set */
    uint64_t due_us;
    timer_fn fire;
    void *owner;
};

/* A digit of a moment has 6 bits, so 11 digits are any moment there is. */
enum { TIMERS_LEVELS = 11, TIMERS_SLOTS = 64 };

/* Not to be moved or copied. All zeroes is no timers: to timers_fini() only. */
struct timers {
    uint64_t now_us;         /* the latest that it was told of */
    struct timer_link ready; /* set for now or earlier since the last timers_run() */
    struct timer_link due;   /* ready ones that timers_run() took over and has not fired */
    uint64_t wheel_us;       /* where the wheel stands; what is on it is due later than that */
    uint64_t next_us;        /* nothing on the wheel is due earlier; TIMERS_NONE_US: it is empty */
    bool next_is_exact;
    uint64_t moves; /* how often a timer was put on the wheel: its cost, to be counted by a test */
    uint32_t used_levels;               /* a bit for each level that has timers */
    uint64_t used_slots[TIMERS_LEVELS]; /* a bit for each slot that has */
    struct timer_link slots[TIMERS_LEVELS][TIMERS_SLOTS];
};

#define TIMERS_NONE_US UINT64_MAX

void timers_init(struct timers *timers);

/* None of them is set then. */
void timers_fini(struct timers *timers);

static inline void timer_init(struct timer *timer, timer_fn fire, void *owner)
{
    *timer = (struct timer){.fire = fire, .owner = owner};
}

static inline bool timer_is_set(const struct timer *timer)
{
    return timer->link.next != NULL;
}

/* No-op when it is not set. */
void timers_cancel(struct timers *timers, struct timer *timer);

/* The part of timers_set() for what is not due yet. */
void timers_set_ahead(struct timers *timers, struct timer *timer, uint64_t due_us);

/* Set, or move if it is set already. For now or earlier it is a handful of instructions. */
static inline void timers_set(struct timers *timers, struct timer *timer, uint64_t due_us)
{
    if (timer_is_set(timer))
        timers_cancel(timers, timer);
    if (due_us > timers->now_us) {
        timers_set_ahead(timers, timer, due_us);
        return;
    }
    timer->due_us = timers->now_us;
    timer->link.next = &timers->ready;
    timer->link.previous = timers->ready.previous;
    timers->ready.previous->next = &timer->link;
    timers->ready.previous = &timer->link;
}

/* Say what time it is, so that a timer set for now is known to be; an earlier time is ignored. */
static inline void timers_tell(struct timers *timers, uint64_t now_us)
{
    if (now_us > timers->now_us)
        timers->now_us = now_us;
}

/*
 * When to look again, or TIMERS_NONE_US: never later than the first one is due, and exactly then
 * unless a crowd is due at about that time, which has to be looked through anyway.
 */
uint64_t timers_next_us(struct timers *timers);

/* Whether timers_run() may have something to do. */
static inline bool timers_may_be_due(const struct timers *timers, uint64_t now_us)
{
    return timers->ready.next != &timers->ready || timers->due.next != &timers->due ||
           timers->next_us <= now_us;
}

/*
 * Fire, in order, at most `most` of those that are due at `now_us`; returns how many. A timer is no
 * longer set when it fires, so it may set itself anew; one set by a callback for now or earlier
 * waits for the next call and counts as due now: nothing set before can starve behind it. Not to be
 * called by a callback.
 */
size_t timers_run_some(struct timers *timers, uint64_t now_us, size_t most);

static inline size_t timers_run(struct timers *timers, uint64_t now_us)
{
    return timers_run_some(timers, now_us, SIZE_MAX);
}

#endif

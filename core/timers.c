/* timers.c - a binary heap ordered by moment, then by the order of setting. */
#include "core/timers.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

void timers_init(struct timers *timers)
{
    *timers = (struct timers){0};
}

void timers_fini(struct timers *timers)
{
    for (size_t i = 1; i <= timers->count; i++)
        timers->heap[i]->position = 0;
    free(timers->heap);
    *timers = (struct timers){0};
}

static bool is_before(const struct timer *a, const struct timer *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void place(struct timers *timers, struct timer *timer, size_t position)
{
    timers->heap[position] = timer;
    timer->position = position;
}

static void sift_up(struct timers *timers, struct timer *timer, size_t at)
{
    while (at > 1 && is_before(timer, timers->heap[at / 2])) {
        place(timers, timers->heap[at / 2], at);
        at /= 2;
    }
    place(timers, timer, at);
}

static void sift_down(struct timers *timers, struct timer *timer, size_t at)
{
    for (;;) {
        size_t child = at * 2;
        if (child > timers->count)
            break;
        if (child < timers->count && is_before(timers->heap[child + 1], timers->heap[child]))
            child++;
        if (!is_before(timers->heap[child], timer))
            break;
        place(timers, timers->heap[child], at);
        at = child;
    }
    place(timers, timer, at);
}

/* Room for one more beside heap[0]. */
static int grow(struct timers *timers)
{
    if (timers->count + 1 < timers->capacity)
        return 0;
    size_t capacity = timers->capacity ? timers->capacity * 2 : FIRST_CAPACITY;
    struct timer **heap = realloc(timers->heap, capacity * sizeof(struct timer *));
    if (!heap)
        return -1;
    timers->heap = heap;
    timers->capacity = capacity;
    return 0;
}

int timers_set(struct timers *timers, struct timer *timer, uint64_t due_us)
{
    timers_cancel(timers, timer);
    if (grow(timers))
        return -1;
    timer->due_us = due_us > timers->running_us ? due_us : timers->running_us;
    timer->order = timers->next_order++;
    timers->count++;
    sift_up(timers, timer, timers->count);
    return 0;
}

void timers_cancel(struct timers *timers, struct timer *timer)
{
    size_t at = timer->position;
    if (!at)
        return;
    assert(timers->heap[at] == timer);
    struct timer *last = timers->heap[timers->count--];
    timer->position = 0;
    if (last == timer)
        return;
    if (at > 1 && is_before(last, timers->heap[at / 2]))
        sift_up(timers, last, at);
    else
        sift_down(timers, last, at);
}

uint64_t timers_next_us(const struct timers *timers)
{
    return timers->count ? timers->heap[1]->due_us : TIMERS_NONE_US;
}

size_t timers_run(struct timers *timers, uint64_t now_us)
{
    /*
     * Those set while we run are numbered from here on and wait: a callback cannot spin us. None of
     * them is due before now_us, so that at the heap's top it cannot hide one that was set before.
     */
    uint64_t first_new = timers->next_order;
    size_t fired = 0;
    timers->running_us = now_us;
    while (timers->count) {
        struct timer *timer = timers->heap[1];
        if (timer->due_us > now_us || timer->order >= first_new)
            break;
        timers_cancel(timers, timer);
        timer->fire(timer, timer->owner, now_us);
        fired++;
    }
    timers->running_us = 0;
    return fired;
}

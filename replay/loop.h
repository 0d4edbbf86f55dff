/*
 * loop.h - one worker's event loop: descriptors by epoll(7), moments by core/timers.h.
 *
 * Single-threaded. A watch lives in its owner's struct. The clock of the loop is the run's: 0 at
 * the moment every worker calls the start.
 */
#ifndef REPRISE_REPLAY_LOOP_H
#define REPRISE_REPLAY_LOOP_H

#include "core/error.h"
#include "core/histogram.h"
#include "core/timers.h"

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct epoll_event;
struct loop_watch;
typedef void (*loop_fn)(struct loop_watch *watch, void *owner, int events);

struct loop_watch {
    int fd; /* -1: not watched */
    int events;
    loop_fn ready;
    void *owner;
};

struct loop {
    int epoll_fd;
    uint64_t (*clock_us)(void); /* clock_now_us, or a test's */
    struct timers timers;
    uint64_t origin_us; /* clock_now_us() at the run's 0 */
    uint64_t now_us; /* of the run, read once per pass; LOOP_BEFORE_START before 0 is never shown */
    uint64_t max_lag_us;    /* longest pass since loop_take_lag_us() */
    struct histogram *lags; /* takes the length of every pass; may be NULL */
    uint64_t spun_us;       /* awake, only to be exact, since the loop began */
    size_t watch_count;
    bool lacks_pwait2;        /* the kernel has no epoll_pwait2 */
    struct epoll_event *left; /* events of this pass that are still to be told; NULL outside */
    int left_count;
};

int loop_init(struct loop *loop, struct error *err);
void loop_fini(struct loop *loop);

/* The run's 0, in clock_now_us() terms; may lie ahead. */
void loop_set_origin(struct loop *loop, uint64_t origin_us);

/* The time as of now, not as of the pass; 0 before the run's start. */
uint64_t loop_read_clock(struct loop *loop);

/* The same, and now_us from here on: where a moment is measured, not only compared. */
uint64_t loop_refresh(struct loop *loop);

void loop_watch_init(struct loop_watch *watch, loop_fn ready, void *owner);

/* Watch `fd` for these events (LOOP_READ | LOOP_WRITE), or change them. -1 when the system refuses.
 */
int loop_watch_set(struct loop *loop, struct loop_watch *watch, int fd, int events);

/* Stop watching; call before the descriptor is closed. No-op when it is not watched. The watch may
 * be freed then, inside any callback. */
void loop_watch_clear(struct loop *loop, struct loop_watch *watch);

/*
 * One pass: run due timers, wait for events no longer than the next timer or max_wait_us, dispatch.
 * A watch cleared by an earlier event of the same pass is not called, nor looked at.
 */
void loop_pass(struct loop *loop, uint64_t max_wait_us);

/* The longest pass since the last call. */
uint64_t loop_take_lag_us(struct loop *loop);

#endif

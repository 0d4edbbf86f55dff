/*
 * loop.h - one worker's event loop: descriptors by epoll(7), moments by core/timers.h.
 *
 * Single-threaded. A watch lives in its owner's struct. The clock of the loop is the run's: 0 at
 * the moment every worker calls the start.
 *
 *     pass:   timers -> wait -> event -> timers -> event -> timers -> event
 *                            ^told_us
 *
 * The timers that are due are run between any two events: what is due does not wait for the rest of
 * a batch, and what an answer made due leaves at once. They are run a few at a time, so that a
 * crowd of timers does not keep the descriptors waiting either.
 *
 * When did it happen? The clock is read when the wait returns (told_us) and once after each event,
 * for the timers; now_us is the last reading, so it is at most one callback old. Work that is long
 * calls loop_refresh(). What the kernel told of at told_us had come by then, however long the
 * events ahead of it in the pass take: loop_arrived_us() is the moment to take for an answer.
 * Taking the moment it is read at would count the generator's own queue as the target's time. What
 * that queue costs is not hidden: it makes the next request late.
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
    uint64_t origin_us;    /* clock_us() at the run's 0 */
    uint64_t read_us;      /* clock_us() as last read */
    uint64_t now_us;       /* of the run, by the same reading; 0 before its start */
    uint64_t told_us;      /* now_us when the last wait returned */
    uint64_t looked_us;    /* what had come by then has been told of, see loop_has_looked() */
    uint64_t look_from_us; /* since then waits have told of look_count events, and not of all */
    size_t look_count;
    uint64_t spin_us;       /* set by the owner, see loop_pass(); 0: never */
    uint64_t spun_us;       /* awake, only to be exact, since the loop began */
    uint64_t awake_from_us; /* clock_us() when it woke, or should have */
    uint64_t max_lag_us;
    struct histogram *lags; /* takes every lag, see loop_take_lag_us(); may be NULL */
    size_t watch_count;
    uint64_t wait_count;      /* waits that brought events: what was told of by which */
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

/*
 * When an answer had come that one read of the event in hand brought, for a request sent at
 * `sent_us`: when the wait returned, or now if it was sent since then. An answer that took more
 * reads may have gone on coming while it was read: loop_refresh() after the last.
 */
static inline uint64_t loop_arrived_us(struct loop *loop, uint64_t sent_us)
{
    return sent_us < loop->told_us ? loop->told_us : loop_refresh(loop);
}

/*
 * Whether what had come by `deadline_us` has been told of. If not, whoever would give up sets its
 * timer again, for now, and lets the descriptors have their turn first: the loop may have stood
 * still over the deadline, and then it is not the peer who was late.
 */
static inline bool loop_has_looked(const struct loop *loop, uint64_t deadline_us)
{
    return loop->looked_us >= deadline_us;
}

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
 *
 * A thread that sleeps wakes late, by some 50 us. With spin_us it sleeps until that long before the
 * next timer, and from there on asks for events and the time over and over, which takes a core.
 */
void loop_pass(struct loop *loop, uint64_t max_wait_us);

/* Its two halves, for who has nothing to wait for once the timers were run. */
void loop_run_due(struct loop *loop);
void loop_wait(struct loop *loop, uint64_t max_wait_us);

/* The longest since the last call that passed between the moment when a wait was over, or should
 * have been, and the next wait: for that long nobody looked at the descriptors. */
uint64_t loop_take_lag_us(struct loop *loop);

#endif

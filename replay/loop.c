/* loop.c - epoll and timers in one pass. */
#include "replay/loop.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

enum {
    EVENTS_PER_PASS = 256,
    /* Of the timers that are due: before a wait, and after an event. An event makes few due; with
     * a crowd in arrears descriptors get one turn in nine. */
    TIMERS_PER_PASS = 256,
    TIMERS_PER_EVENT = 8
};

int loop_init(struct loop *loop, struct error *err)
{
    *loop = (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC), .clock_us = clock_now_us};
    if (loop->epoll_fd < 0)
        return error_set(err, EXIT_TOOL, "event loop: %s", strerror(errno));
    timers_init(&loop->timers);
    loop->read_us = loop->origin_us = loop->awake_from_us = loop->clock_us();
    return 0;
}

void loop_fini(struct loop *loop)
{
    timers_fini(&loop->timers);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    loop->epoll_fd = -1;
}

void loop_set_origin(struct loop *loop, uint64_t origin_us)
{
    loop->origin_us = loop->awake_from_us = origin_us;
    loop->told_us = loop_refresh(loop);
}

uint64_t loop_read_clock(struct loop *loop)
{
    uint64_t now_us = loop->clock_us();
    return now_us > loop->origin_us ? now_us - loop->origin_us : 0;
}

uint64_t loop_refresh(struct loop *loop)
{
    loop->read_us = loop->clock_us();
    loop->now_us = loop->read_us > loop->origin_us ? loop->read_us - loop->origin_us : 0;
    timers_tell(&loop->timers, loop->now_us);
    return loop->now_us;
}

void loop_watch_init(struct loop_watch *watch, loop_fn ready, void *owner)
{
    *watch = (struct loop_watch){.fd = -1, .ready = ready, .owner = owner};
}

int loop_watch_set(struct loop *loop, struct loop_watch *watch, int fd, int events)
{
    bool is_new = watch->fd != fd;
    if (!is_new && watch->events == events)
        return 0;
    if (is_new)
        loop_watch_clear(loop, watch);
    struct epoll_event event = {.data.ptr = watch};
    event.events = (events & LOOP_READ ? EPOLLIN | EPOLLRDHUP : 0U) |
                   (events & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0U);
    if (epoll_ctl(loop->epoll_fd, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event))
        return -1;
    watch->fd = fd;
    watch->events = events;
    loop->watch_count += is_new;
    return 0;
}

/* The kernel has told of it already, and its owner may be about to free it. */
static void forget_events(struct loop *loop, const struct loop_watch *watch)
{
    for (int i = 0; i < loop->left_count; i++) {
        if (loop->left[i].data.ptr == watch)
            loop->left[i].data.ptr = NULL;
    }
}

void loop_watch_clear(struct loop *loop, struct loop_watch *watch)
{
    if (watch->fd < 0)
        return;
    forget_events(loop, watch);
    struct epoll_event unused = {0};
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, &unused);
    watch->fd = -1;
    watch->events = 0;
    loop->watch_count--;
}

/* Those that are due by now; returns how many there were. Nothing is before the run's 0. */
static size_t run_timers(struct loop *loop, size_t most)
{
    loop_refresh(loop);
    if (loop->read_us < loop->origin_us || !timers_may_be_due(&loop->timers, loop->now_us))
        return 0;
    return timers_run_some(&loop->timers, loop->now_us, most);
}

static void tell(struct loop_watch *watch, uint32_t told)
{
    int ready = 0;
    if (told & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
        ready |= LOOP_READ;
    if (told & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        ready |= LOOP_WRITE;
    watch->ready(watch, watch->owner, ready & (watch->events ? watch->events : ready));
}

static void dispatch(struct loop *loop, struct epoll_event *events, int count)
{
    loop->wait_count++;
    for (int i = 0; i < count; i++) {
        struct loop_watch *watch = events[i].data.ptr;
        loop->left = events + i + 1;
        loop->left_count = count - i - 1;
        if (!watch)
            continue;
        tell(watch, events[i].events);
        if (loop->left_count)
            run_timers(loop, TIMERS_PER_EVENT); /* after the last one the next pass does */
    }
    loop->left = NULL;
    loop->left_count = 0;
}

/* Linux before 5.11, some sandboxes and valgrind lack epoll_pwait2: ppoll is as exact. */
static int wait_elsewise(struct loop *loop, struct epoll_event *events,
                         const struct timespec *timeout)
{
    struct pollfd ready = {.fd = loop->epoll_fd, .events = POLLIN};
    if (ppoll(&ready, 1, timeout, NULL) <= 0)
        return 0;
    return epoll_wait(loop->epoll_fd, events, EVENTS_PER_PASS, 0);
}

static int sleep_for_events(struct loop *loop, struct epoll_event *events, uint64_t wait_us)
{
    struct timespec timeout = {.tv_sec = (time_t)(wait_us / 1000000),
                               .tv_nsec = (long)(wait_us % 1000000) * 1000};
    int count = -1;
    if (!loop->lacks_pwait2) {
        count = epoll_pwait2(loop->epoll_fd, events, EVENTS_PER_PASS, &timeout, NULL);
        loop->lacks_pwait2 = count < 0 && errno == ENOSYS;
    }
    if (loop->lacks_pwait2)
        count = wait_elsewise(loop, events, &timeout);
    return count;
}

static int spin_for_events(struct loop *loop, struct epoll_event *events, uint64_t wait_us)
{
    uint64_t from_us = loop->read_us;
    int count;
    do {
        count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_PASS, 0);
        loop_refresh(loop);
    } while (count == 0 && loop->read_us - from_us < wait_us);
    uint64_t spun_us = loop->read_us - from_us;
    loop->spun_us += spun_us < wait_us ? spun_us : wait_us; /* the rest it was kept from running */
    return count;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What had come when the wait began has been told of now; not what came since: a program that is
 * stopped is so on its way back from the kernel, the events of a moment ago in hand. A wait that
 * brought as many events as it may has not told of all; but the kernel goes round, and when as many
 * have been told of as are watched, all that was there at the first such wait has been. A signal
 * ends a wait without a look. */
static void note_look(struct loop *loop, int count, uint64_t begun_us)
{
    if (count < 0)
        return;
    if (!loop->look_count)
        loop->look_from_us = begun_us;
    loop->look_count += (size_t)count;
    if (count < EVENTS_PER_PASS)
        loop->looked_us = begun_us;
    else if (loop->look_count >= loop->watch_count)
        loop->looked_us = loop->look_from_us;
    else
        return;
    loop->look_count = 0;
}

/* From the last reading of the clock on, to the next moment or as long as is allowed. */
static void wait_for_events(struct loop *loop, uint64_t to_next_us, uint64_t max_wait_us)
{
    struct epoll_event events[EVENTS_PER_PASS];
    uint64_t begun_us = loop->now_us;
    uint64_t over_us = loop->read_us + least(to_next_us, max_wait_us);
    int count;
    if (to_next_us && to_next_us <= loop->spin_us) {
        count = spin_for_events(loop, events, least(to_next_us, max_wait_us));
    } else {
        /* It may be allowed to sleep until just before the moment, which would be too long. */
        uint64_t sleep_us = to_next_us ? to_next_us - loop->spin_us : 0;
        count = sleep_for_events(loop, events, least(sleep_us, max_wait_us));
        loop_refresh(loop);
    }
    loop->told_us = loop->now_us;
    loop->awake_from_us = least(loop->read_us, over_us);
    if (loop->awake_from_us < loop->origin_us)
        loop->awake_from_us = loop->origin_us;
    if (count > 0)
        dispatch(loop, events, count);
    note_look(loop, count, begun_us);
}

static void note_lag(struct loop *loop)
{
    if (loop->read_us < loop->origin_us)
        return;
    uint64_t lag_us = loop->read_us - loop->awake_from_us;
    if (loop->lags)
        histogram_record(loop->lags, lag_us);
    if (lag_us > loop->max_lag_us)
        loop->max_lag_us = lag_us;
}

/* When something is due next, in clock_us() terms. */
static uint64_t next_moment_us(struct loop *loop)
{
    if (loop->read_us < loop->origin_us)
        return loop->origin_us;
    uint64_t next_us = timers_next_us(&loop->timers);
    return next_us < UINT64_MAX - loop->origin_us ? loop->origin_us + next_us : UINT64_MAX;
}

void loop_run_due(struct loop *loop)
{
    if (run_timers(loop, TIMERS_PER_PASS))
        loop_refresh(loop);
}

void loop_wait(struct loop *loop, uint64_t max_wait_us)
{
    note_lag(loop);
    uint64_t next_us = next_moment_us(loop);
    wait_for_events(loop, next_us > loop->read_us ? next_us - loop->read_us : 0, max_wait_us);
}

void loop_pass(struct loop *loop, uint64_t max_wait_us)
{
    loop_run_due(loop);
    loop_wait(loop, max_wait_us);
}

uint64_t loop_take_lag_us(struct loop *loop)
{
    uint64_t lag_us = loop->max_lag_us;
    loop->max_lag_us = 0;
    return lag_us;
}

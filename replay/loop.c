/* loop.c - epoll and timers in one pass. */
#include "replay/loop.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

enum { EVENTS_PER_PASS = 256 };

int loop_init(struct loop *loop, struct error *err)
{
    *loop = (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC), .clock_us = clock_now_us};
    if (loop->epoll_fd < 0)
        return error_set(err, EXIT_TOOL, "event loop: %s", strerror(errno));
    timers_init(&loop->timers);
    loop_set_origin(loop, loop->clock_us());
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
    loop->origin_us = origin_us;
    loop->now_us = loop_read_clock(loop);
}

uint64_t loop_read_clock(struct loop *loop)
{
    uint64_t now_us = loop->clock_us();
    return now_us > loop->origin_us ? now_us - loop->origin_us : 0;
}

uint64_t loop_refresh(struct loop *loop)
{
    loop->now_us = loop_read_clock(loop);
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

static void dispatch(struct loop *loop, struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        struct loop_watch *watch = events[i].data.ptr;
        int ready = 0;
        loop->left = events + i + 1;
        loop->left_count = count - i - 1;
        if (!watch)
            continue;
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
            ready |= LOOP_READ;
        if (events[i].events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            ready |= LOOP_WRITE;
        loop_refresh(loop);
        watch->ready(watch, watch->owner, ready & (watch->events ? watch->events : ready));
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

static void wait_for_events(struct loop *loop, uint64_t wait_us)
{
    struct epoll_event events[EVENTS_PER_PASS];
    struct timespec timeout = {.tv_sec = (time_t)(wait_us / 1000000),
                               .tv_nsec = (long)(wait_us % 1000000) * 1000};
    int count = -1;
    if (!loop->lacks_pwait2) {
        count = epoll_pwait2(loop->epoll_fd, events, EVENTS_PER_PASS, &timeout, NULL);
        loop->lacks_pwait2 = count < 0 && errno == ENOSYS;
    }
    if (loop->lacks_pwait2)
        count = wait_elsewise(loop, events, &timeout);
    if (count > 0)
        dispatch(loop, events, count);
}

void loop_pass(struct loop *loop, uint64_t max_wait_us)
{
    uint64_t clock_us = loop->clock_us();
    if (clock_us < loop->origin_us) { /* nothing is due before the run's 0 */
        uint64_t left_us = loop->origin_us - clock_us;
        wait_for_events(loop, left_us < max_wait_us ? left_us : max_wait_us);
        return;
    }
    uint64_t started_us = loop_refresh(loop);
    timers_run(&loop->timers, loop->now_us);
    uint64_t waiting_from_us = loop_read_clock(loop);
    uint64_t next_us = timers_next_us(&loop->timers);
    uint64_t wait_us = next_us <= waiting_from_us ? 0 : next_us - waiting_from_us;
    if (wait_us > max_wait_us)
        wait_us = max_wait_us;
    uint64_t busy_us = waiting_from_us - started_us;
    wait_for_events(loop, wait_us);
    uint64_t ended_us = loop_read_clock(loop);
    uint64_t passed_us = ended_us - waiting_from_us;
    busy_us += passed_us > wait_us ? passed_us - wait_us : 0;
    if (loop->lags)
        histogram_record(loop->lags, busy_us);
    if (busy_us > loop->max_lag_us)
        loop->max_lag_us = busy_us;
}

uint64_t loop_take_lag_us(struct loop *loop)
{
    uint64_t lag_us = loop->max_lag_us;
    loop->max_lag_us = 0;
    return lag_us;
}

/* hub.c - the open WebSockets: one thread, one epoll loop, one small transcriber each. */
#include "tests/voicelab/hub.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <wslay/wslay.h>

#include "tests/voicelab/clock.h"
#include "tests/voicelab/metrics.h"
#include "tests/voicelab/options.h"
#include "tests/voicelab/transcriber.h"

#define EVENTS 64
#define TICK_US 1000000u   /* how often silent connections are looked for */
#define GOODBYE_US 500000u /* a client has this long to answer 1001 */

struct link {
    struct link *next, *previous;
    struct transcriber *transcriber;
    struct MHD_UpgradeResponseHandle *handle;
    int fd;
    bool watches_write;
};

struct hub {
    const struct app *app;
    pthread_t thread;
    int epoll_fd;
    int wake_fd;
    struct link open; /* head of the ring; only the thread touches it */

    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t emptied;
    struct link *arriving; /* added, not yet seen by the thread */
    bool is_closing;
    bool is_stopping;
    bool is_empty; /* closing is done */
};

static void wake(struct hub *hub)
{
    uint64_t one = 1;

    if (write(hub->wake_fd, &one, sizeof one) < 0) {
        /* The counter is full: the thread is awake already. */
    }
}

static void drop(struct hub *hub, struct link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    epoll_ctl(hub->epoll_fd, EPOLL_CTL_DEL, link->fd, NULL);
    transcriber_free(link->transcriber);
    MHD_upgrade_action(link->handle, MHD_UPGRADE_ACTION_CLOSE);
    metrics_add(hub->app->metrics, COUNT_WS_CLOSED, 1);
    free(link);
}

static void step(struct hub *hub, struct link *link)
{
    if (!transcriber_step(link->transcriber)) {
        drop(hub, link);
        return;
    }
    bool wants_write = transcriber_wants_write(link->transcriber);
    if (wants_write == link->watches_write)
        return;
    struct epoll_event event = {.events = wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN,
                                .data.ptr = link};
    epoll_ctl(hub->epoll_fd, EPOLL_CTL_MOD, link->fd, &event);
    link->watches_write = wants_write;
}

static void welcome(struct hub *hub, struct link *link)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};

    link->next = hub->open.next;
    link->previous = &hub->open;
    hub->open.next->previous = link;
    hub->open.next = link;
    epoll_ctl(hub->epoll_fd, EPOLL_CTL_ADD, link->fd, &event);
    step(hub, link);
}

static void welcome_all(struct hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    struct link *link = hub->arriving;
    hub->arriving = NULL;
    pthread_mutex_unlock(&hub->lock);
    while (link) {
        struct link *next = link->next;
        welcome(hub, link);
        link = next;
    }
}

/* Ends those that said nothing for too long. */
static void drop_silent(struct hub *hub, uint64_t limit_us)
{
    uint64_t now_us = clock_monotonic_us();

    for (struct link *link = hub->open.next, *next; link != &hub->open; link = next) {
        next = link->next;
        if (now_us - transcriber_heard_us(link->transcriber) > limit_us)
            drop(hub, link);
    }
}

static void say_goodbye(struct hub *hub)
{
    for (struct link *link = hub->open.next, *next; link != &hub->open; link = next) {
        next = link->next;
        transcriber_close(link->transcriber, WSLAY_CODE_GOING_AWAY, "the server stops");
        step(hub, link);
    }
}

static bool note_emptied(struct hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    if (hub->is_closing && hub->open.next == &hub->open && !hub->arriving) {
        hub->is_empty = true;
        pthread_cond_signal(&hub->emptied);
    }
    bool is_over = hub->is_empty && hub->is_stopping;
    pthread_mutex_unlock(&hub->lock);
    return is_over;
}

static void serve_events(struct hub *hub, const struct epoll_event *events, int count)
{
    uint64_t wakes;

    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            step(hub, events[i].data.ptr);
        else if (read(hub->wake_fd, &wakes, sizeof wakes) > 0)
            welcome_all(hub);
    }
}

static void *run(void *context)
{
    struct hub *hub = context;
    struct epoll_event events[EVENTS];
    bool said_goodbye = false;
    uint64_t goodbye_us = 0;

    while (!note_emptied(hub)) {
        serve_events(hub, events,
                     epoll_wait(hub->epoll_fd, events, EVENTS, said_goodbye ? 20 : 1000));
        pthread_mutex_lock(&hub->lock);
        bool is_closing = hub->is_closing;
        pthread_mutex_unlock(&hub->lock);
        if (is_closing && !said_goodbye) {
            said_goodbye = true;
            goodbye_us = clock_monotonic_us();
            say_goodbye(hub);
        }
        if (said_goodbye && clock_monotonic_us() - goodbye_us > GOODBYE_US)
            drop_silent(hub, 0);
        else
            drop_silent(hub, hub->app->options->idle_timeout_us);
    }
    return NULL;
}

struct hub *hub_start(const struct app *app)
{
    struct hub *hub = calloc(1, sizeof *hub);

    if (!hub)
        return NULL;
    hub->app = app;
    hub->open.next = hub->open.previous = &hub->open;
    pthread_mutex_init(&hub->lock, NULL);
    pthread_cond_init(&hub->emptied, NULL);
    hub->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    hub->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (hub->epoll_fd < 0 || hub->wake_fd < 0 ||
        epoll_ctl(hub->epoll_fd, EPOLL_CTL_ADD, hub->wake_fd, &event) ||
        pthread_create(&hub->thread, NULL, run, hub)) {
        fprintf(stderr, "voicelab: WebSocket thread: %s\n", strerror(errno));
        free(hub);
        return NULL;
    }
    return hub;
}

void hub_close_all(struct hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    hub->is_closing = true;
    wake(hub);
    while (!hub->is_empty)
        pthread_cond_wait(&hub->emptied, &hub->lock);
    pthread_mutex_unlock(&hub->lock);
}

void hub_stop(struct hub *hub)
{
    if (!hub)
        return;
    pthread_mutex_lock(&hub->lock);
    hub->is_closing = hub->is_stopping = true;
    pthread_mutex_unlock(&hub->lock);
    wake(hub);
    pthread_join(hub->thread, NULL);
    close(hub->epoll_fd);
    close(hub->wake_fd);
    pthread_cond_destroy(&hub->emptied);
    pthread_mutex_destroy(&hub->lock);
    free(hub);
}

void hub_add(struct hub *hub, int fd, struct MHD_UpgradeResponseHandle *handle, const void *early,
             size_t early_bytes, const char *session)
{
    struct link *link = calloc(1, sizeof *link);
    struct transcriber *transcriber = NULL;

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    if (link)
        transcriber = transcriber_new(hub->app, fd, early, early_bytes, session);
    pthread_mutex_lock(&hub->lock);
    bool is_welcome = transcriber && !hub->is_empty;
    if (is_welcome) {
        *link = (struct link){
            .next = hub->arriving, .transcriber = transcriber, .handle = handle, .fd = fd};
        hub->arriving = link;
        metrics_add(hub->app->metrics, COUNT_WS_OPENED, 1);
    }
    pthread_mutex_unlock(&hub->lock);
    if (is_welcome) {
        wake(hub);
        return;
    }
    transcriber_free(transcriber);
    free(link);
    MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

/* chain_watch.c - a thread that looks at one guard, and has the last word on it. */
#include "plugins/chain_watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/units.h"

enum {
    LOOK_EVERY_MS = 100,
    LOOK_EVERY_US = LOOK_EVERY_MS * 1000,
    ASK_AFTER_US = 500000 /* a ^C that is not obeyed by then has somebody waiting */
};

struct chain_watch {
    pthread_t thread;
    pthread_mutex_t lock; /* of the guard: it may be freed once another is looked at */
    struct guard *guard;
    struct guard_watch look;
    uint64_t limit_us;
    int end_fd;
    bool has_told; /* what a ^C waits for */
};

/* There is no way out of a plugin's function but its own return. */
static void give_up(const struct chain_watch *watch, const char *plugin, const char *doing)
{
    char limit[UNITS_TEXT_BYTES];
    struct error err;
    error_set(&err, EXIT_TOOL,
              "plugin %s: %s has not returned for %s: given up; --plugin-timeout sets the limit",
              plugin, doing, duration_format(limit, sizeof limit, (double)watch->limit_us));
    _exit(error_report(&err));
}

static void look(struct chain_watch *watch)
{
    uint64_t inside_us = guard_look(&watch->look, watch->guard, clock_now_us(), LOOK_EVERY_US);
    const char *plugin = atomic_load(&watch->guard->plugin);
    const char *doing = atomic_load(&watch->guard->doing);
    if (!plugin)
        return; /* back at the last moment */
    if (inside_us > watch->limit_us)
        give_up(watch, plugin, doing);
    if (stop_requested() && inside_us > ASK_AFTER_US && !watch->has_told) {
        watch->has_told = true;
        log_warning("plugin %s: %s has not returned yet, and the end waits for it; a second signal "
                    "ends the process at once",
                    plugin, doing);
    }
}

static void *run(void *argument)
{
    struct chain_watch *watch = argument;
    struct pollfd end = {.fd = watch->end_fd, .events = POLLIN};
    while (poll(&end, 1, LOOK_EVERY_MS) <= 0) {
        pthread_mutex_lock(&watch->lock);
        look(watch);
        pthread_mutex_unlock(&watch->lock);
    }
    return NULL;
}

/* A signal is for the thread that waits in a system call, not for this one. */
static int start_thread(struct chain_watch *watch)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&watch->thread, NULL, run, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

int chain_watch_start(struct chain_watch **ret_watch, struct guard *guard, uint64_t limit_us,
                      struct error *err)
{
    struct chain_watch *watch = calloc(1, sizeof *watch);
    int result;
    if (!watch)
        return error_set(err, EXIT_TOOL, "no memory to watch plugins");
    watch->guard = guard;
    watch->limit_us = limit_us;
    watch->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    result = watch->end_fd < 0 ? errno : 0;
    if (!result) {
        pthread_mutex_init(&watch->lock, NULL);
        result = start_thread(watch);
    }
    if (!result) {
        *ret_watch = watch;
        return 0;
    }
    if (watch->end_fd >= 0) {
        pthread_mutex_destroy(&watch->lock);
        close(watch->end_fd);
    }
    free(watch);
    return error_set(err, EXIT_TOOL, "no thread to watch plugins: %s", strerror(result));
}

void chain_watch_stop(struct chain_watch *watch)
{
    if (!watch)
        return;
    eventfd_write(watch->end_fd, 1);
    pthread_join(watch->thread, NULL);
    pthread_mutex_destroy(&watch->lock);
    close(watch->end_fd);
    free(watch);
}

void chain_watch_turn(struct chain_watch *watch, struct guard *guard)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->guard = guard;
    watch->look = (struct guard_watch){0};
    pthread_mutex_unlock(&watch->lock);
}

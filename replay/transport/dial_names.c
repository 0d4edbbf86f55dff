/* dial_names.c - the addresses of names, looked up in a thread of their own and kept for a while.
 */
#include "replay/transport/dial_names.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/map.h"

struct dial_name {
    char host[DIAL_MAX_HOST_BYTES];
    struct dial_addresses addresses;
    uint64_t avoided_until_us[DIAL_MAX_ADDRESSES];
    uint64_t expires_us;
    uint32_t turn;
    int code;      /* of the last look-up, when there are no addresses */
    bool is_asked; /* a look-up is under way */
    struct dial_name_wait *waits;
};

/* One look-up: the thread reads the host and writes the answer, the loop does the rest. */
struct job {
    struct job *next;
    char host[DIAL_MAX_HOST_BYTES];
    int code;
    struct dial_addresses addresses;
    struct dial_name *name; /* for the loop alone */
};

struct job_queue {
    struct job *first;
    struct job **end;
};

/* What loop and thread share. Whoever leaves last frees it: a look-up may outlive the dialer. */
struct lookup_thread {
    dial_lookup_fn lookup;
    int event_fd; /* readable when `done` has any */
    pthread_mutex_t mutex;
    pthread_cond_t has_work;
    struct job_queue asked, done; /* these four under the mutex */
    bool is_closing;
    int users;
};

struct dial_names {
    struct loop *loop;
    struct loop_watch watch;
    struct map by_host; /* of dial_name */
    uint32_t first_turn;
    dial_lookup_fn lookup;
    struct lookup_thread *thread; /* NULL: no name was asked for yet */
};

static void queue_init(struct job_queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_push(struct job_queue *queue, struct job *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
}

static struct job *queue_pop(struct job_queue *queue)
{
    struct job *job = queue->first;
    if (job && !(queue->first = job->next))
        queue->end = &queue->first;
    return job;
}

static void queue_free(struct job_queue *queue)
{
    for (struct job *job = queue_pop(queue); job; job = queue_pop(queue))
        free(job);
}

static void thread_free(struct lookup_thread *thread)
{
    queue_free(&thread->asked);
    queue_free(&thread->done);
    if (thread->event_fd >= 0)
        close(thread->event_fd);
    pthread_mutex_destroy(&thread->mutex);
    pthread_cond_destroy(&thread->has_work);
    free(thread);
}

/* With the mutex, which it gives back. */
static void thread_leave(struct lookup_thread *thread)
{
    bool is_last = --thread->users == 0;
    pthread_mutex_unlock(&thread->mutex);
    if (is_last)
        thread_free(thread);
}

static void *run(void *argument)
{
    struct lookup_thread *thread = argument;
    pthread_mutex_lock(&thread->mutex);
    while (!thread->is_closing) {
        struct job *job = queue_pop(&thread->asked);
        if (!job) {
            pthread_cond_wait(&thread->has_work, &thread->mutex);
            continue;
        }
        pthread_mutex_unlock(&thread->mutex);
        job->code = thread->lookup(job->host, &job->addresses);
        pthread_mutex_lock(&thread->mutex);
        queue_push(&thread->done, job);
        const uint64_t one = 1;
        ssize_t unused =
            write(thread->event_fd, &one, sizeof one); /* full: readable all the same */
        (void)unused;
    }
    thread_leave(thread);
    return NULL;
}

/* A signal is for the thread that looks at its flag. */
static int start_thread(struct lookup_thread *thread)
{
    pthread_attr_t attributes;
    pthread_t id;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&id, &attributes, run, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return code ? -1 : 0;
}

static struct lookup_thread *thread_new(dial_lookup_fn lookup)
{
    struct lookup_thread *thread = calloc(1, sizeof *thread);
    if (!thread)
        return NULL;
    thread->lookup = lookup;
    thread->users = 2;
    queue_init(&thread->asked);
    queue_init(&thread->done);
    pthread_mutex_init(&thread->mutex, NULL);
    pthread_cond_init(&thread->has_work, NULL);
    thread->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (thread->event_fd < 0 || start_thread(thread)) {
        thread_free(thread);
        return NULL;
    }
    return thread;
}

static void take_answer(struct dial_names *names, struct job *job)
{
    struct dial_name *name = job->name;
    uint64_t now_us = names->loop->now_us;
    name->is_asked = false;
    if (job->code == 0) {
        name->addresses = job->addresses;
        memset(name->avoided_until_us, 0, sizeof name->avoided_until_us);
        name->expires_us = now_us + DIAL_NAME_TTL_US;
    } else { /* addresses that were good once stay until there are better ones */
        name->expires_us = now_us + DIAL_FAILED_NAME_TTL_US;
        name->code = job->code;
    }
    free(job);
    /* Somebody told may cancel others who wait, or ask anew: only those of now are told. */
    struct dial_name_wait *told = name->waits;
    name->waits = NULL;
    if (told)
        told->link = &told;
    while (told) {
        struct dial_name_wait *wait = told;
        dial_name_wait_cancel(wait);
        wait->answered(wait, wait->owner, name->addresses.count ? 0 : name->code);
    }
}

static void on_answers(struct loop_watch *watch, void *owner, int events)
{
    struct dial_names *names = owner;
    struct lookup_thread *thread = names->thread;
    uint64_t unused_count;
    (void)watch;
    (void)events;
    ssize_t unused = read(thread->event_fd, &unused_count, sizeof unused_count);
    (void)unused;
    for (;;) {
        pthread_mutex_lock(&thread->mutex);
        struct job *job = queue_pop(&thread->done);
        pthread_mutex_unlock(&thread->mutex);
        if (!job)
            return;
        take_answer(names, job);
    }
}

/* -1: no memory, no thread. */
static int look_up(struct dial_names *names, struct dial_name *name)
{
    if (!names->thread && !(names->thread = thread_new(names->lookup)))
        return -1;
    struct lookup_thread *thread = names->thread;
    struct job *job = calloc(1, sizeof *job);
    if (!job || loop_watch_set(names->loop, &names->watch, thread->event_fd, LOOP_READ)) {
        free(job);
        return -1;
    }
    memcpy(job->host, name->host, sizeof job->host);
    job->name = name;
    name->is_asked = true;
    pthread_mutex_lock(&thread->mutex);
    queue_push(&thread->asked, job);
    pthread_cond_signal(&thread->has_work);
    pthread_mutex_unlock(&thread->mutex);
    return 0;
}

int dial_names_open(struct dial_names **ret_names, struct loop *loop, uint32_t first_turn,
                    dial_lookup_fn lookup, struct error *err)
{
    struct dial_names *names = calloc(1, sizeof *names);
    if (!names)
        return error_set(err, EXIT_TOOL, "no memory for names");
    names->loop = loop;
    names->first_turn = first_turn;
    names->lookup = lookup;
    map_init(&names->by_host);
    loop_watch_init(&names->watch, on_answers, names);
    *ret_names = names;
    return 0;
}

void dial_names_close(struct dial_names *names)
{
    struct map_entry *entry;
    size_t position = 0;
    if (!names)
        return;
    loop_watch_clear(names->loop, &names->watch);
    if (names->thread) {
        pthread_mutex_lock(&names->thread->mutex);
        names->thread->is_closing = true;
        pthread_cond_signal(&names->thread->has_work);
        thread_leave(names->thread);
    }
    while (map_next(&names->by_host, &position, &entry))
        free(entry->value);
    map_fini(&names->by_host);
    free(names);
}

static struct dial_name *add_name(struct dial_names *names, struct bytes host)
{
    if (host.len >= DIAL_MAX_HOST_BYTES || names->by_host.count == DIAL_MAX_NAMES)
        return NULL;
    struct dial_name *name = calloc(1, sizeof *name);
    if (!name)
        return NULL;
    memcpy(name->host, host.ptr, host.len);
    name->turn = names->first_turn;
    if (map_set(&names->by_host, bytes_make(name->host, host.len), name)) {
        free(name);
        return NULL;
    }
    return name;
}

enum dial_name_state dial_names_ask(struct dial_names *names, struct bytes host,
                                    struct dial_name_wait *wait, struct dial_name **ret_name,
                                    int *ret_code)
{
    struct dial_name *name = map_get(&names->by_host, host);
    if (!name && !(name = add_name(names, host)))
        return DIAL_NAME_REFUSED;
    bool is_fresh = names->loop->now_us < name->expires_us;
    bool is_known = name->addresses.count > 0;
    if (!is_fresh && !name->is_asked && look_up(names, name) && !is_known)
        return DIAL_NAME_REFUSED;
    *ret_name = name;
    if (is_known)
        return DIAL_NAME_KNOWN;
    if (!name->is_asked) {
        *ret_code = name->code;
        return DIAL_NAME_FAILED;
    }
    wait->next = name->waits;
    wait->link = &name->waits;
    if (wait->next)
        wait->next->link = &wait->next;
    name->waits = wait;
    return DIAL_NAME_ASKED;
}

void dial_name_wait_cancel(struct dial_name_wait *wait)
{
    if (!wait->link)
        return;
    *wait->link = wait->next;
    if (wait->next)
        wait->next->link = wait->link;
    wait->link = NULL;
    wait->next = NULL;
}

void dial_name_take(struct dial_name *name, uint64_t now_us, struct dial_addresses *ret_addresses)
{
    const struct dial_addresses *all = &name->addresses;
    size_t first = name->turn++ % all->count;
    ret_addresses->count = 0;
    for (int is_avoided = 0; is_avoided < 2; is_avoided++) {
        for (size_t i = 0; i < all->count; i++) {
            size_t at = (first + i) % all->count;
            if ((now_us < name->avoided_until_us[at]) == is_avoided)
                ret_addresses->items[ret_addresses->count++] = all->items[at];
        }
    }
}

void dial_name_avoid(struct dial_name *name, const struct dial_address *address, uint64_t now_us)
{
    for (size_t i = 0; i < name->addresses.count; i++) {
        if (dial_address_equal(&name->addresses.items[i], address))
            name->avoided_until_us[i] = now_us + DIAL_AVOID_US;
    }
}

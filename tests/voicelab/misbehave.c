/* misbehave.c - latency, failures and leaks, on demand. */
#include "tests/voicelab/misbehave.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tests/voicelab/clock.h"
#include "tests/voicelab/words.h"

struct delayed {
    uint64_t due_us; /* on the monotonic clock */
    struct MHD_Connection *connection;
};

struct leaked {
    struct leaked *next;
    char bytes[];
};

struct misbehaviour {
    const struct options *options;
    atomic_uint_fast64_t draws;
    atomic_uint_fast64_t leaked_bytes;
    _Atomic(struct leaked *) leaked; /* kept reachable: a leak to the system, none to ASan */

    pthread_t thread;
    pthread_mutex_t lock; /* guards all of the below */
    pthread_cond_t changed;
    bool is_quiescent;
    struct delayed *heap; /* the soonest due first */
    size_t heap_count;
    size_t heap_capacity;
};

/* The binary heap: heap[0] is the soonest, children of i are at 2i+1 and 2i+2. */

static void heap_swap(struct delayed *a, struct delayed *b)
{
    struct delayed keep = *a;
    *a = *b;
    *b = keep;
}

static bool heap_push(struct misbehaviour *m, struct delayed item)
{
    if (m->heap_count == m->heap_capacity) {
        size_t capacity = m->heap_capacity ? m->heap_capacity * 2 : 64;
        struct delayed *grown = reallocarray(m->heap, capacity, sizeof *grown);
        if (!grown)
            return false;
        m->heap = grown;
        m->heap_capacity = capacity;
    }
    size_t i = m->heap_count++;
    m->heap[i] = item;
    for (; i > 0 && m->heap[i].due_us < m->heap[(i - 1) / 2].due_us; i = (i - 1) / 2)
        heap_swap(&m->heap[i], &m->heap[(i - 1) / 2]);
    return true;
}

static struct delayed heap_pop(struct misbehaviour *m)
{
    struct delayed top = m->heap[0];

    m->heap[0] = m->heap[--m->heap_count];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < m->heap_count; child++)
            if (m->heap[child].due_us < m->heap[least].due_us)
                least = child;
        if (least == i)
            return top;
        heap_swap(&m->heap[i], &m->heap[least]);
        i = least;
    }
}

/* The thread that resumes what is due. */
static void *resume_due(void *context)
{
    struct misbehaviour *m = context;

    pthread_mutex_lock(&m->lock);
    while (!m->is_quiescent || m->heap_count > 0) {
        uint64_t now_us = clock_monotonic_us();
        if (m->heap_count > 0 && (m->is_quiescent || m->heap[0].due_us <= now_us)) {
            MHD_resume_connection(heap_pop(m).connection);
            if (m->heap_count == 0)
                pthread_cond_broadcast(&m->changed); /* misbehave_quiesce() may wait for it */
        } else if (m->heap_count > 0) {
            struct timespec until = {.tv_sec = (time_t)(m->heap[0].due_us / 1000000u),
                                     .tv_nsec = (long)(m->heap[0].due_us % 1000000u) * 1000};
            pthread_cond_timedwait(&m->changed, &m->lock, &until);
        } else {
            pthread_cond_wait(&m->changed, &m->lock);
        }
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

struct misbehaviour *misbehave_start(const struct options *options)
{
    struct misbehaviour *m = calloc(1, sizeof *m);
    pthread_condattr_t monotonic;

    if (!m)
        return NULL;
    m->options = options;
    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&m->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&m->thread, NULL, resume_due, m)) {
        free(m);
        return NULL;
    }
    return m;
}

void misbehave_quiesce(struct misbehaviour *m)
{
    pthread_mutex_lock(&m->lock);
    m->is_quiescent = true;
    pthread_cond_broadcast(&m->changed);
    while (m->heap_count > 0)
        pthread_cond_wait(&m->changed, &m->lock);
    pthread_mutex_unlock(&m->lock);
}

void misbehave_stop(struct misbehaviour *m)
{
    if (!m)
        return;
    misbehave_quiesce(m);
    pthread_join(m->thread, NULL);
    for (struct leaked *block = m->leaked; block;) {
        struct leaked *next = block->next;
        free(block);
        block = next;
    }
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->lock);
    free(m->heap);
    free(m);
}

double misbehave_random(struct misbehaviour *m)
{
    uint64_t draw = atomic_fetch_add(&m->draws, 1);

    return (double)(words_mix(words_mix(m->options->seed) + draw) >> 11) / 9007199254740992.0;
}

uint64_t misbehave_delay_us(struct misbehaviour *m)
{
    uint64_t delay_us = m->options->latency_us;

    if (m->options->jitter_us)
        delay_us += (uint64_t)(misbehave_random(m) * (double)m->options->jitter_us);
    return delay_us;
}

bool misbehave_suspend(struct misbehaviour *m, struct MHD_Connection *connection, uint64_t delay_us)
{
    bool is_suspended = false;

    pthread_mutex_lock(&m->lock);
    struct delayed item = {clock_monotonic_us() + delay_us, connection};
    if (!m->is_quiescent && heap_push(m, item)) {
        MHD_suspend_connection(connection);
        is_suspended = true;
        pthread_cond_signal(&m->changed);
    }
    pthread_mutex_unlock(&m->lock);
    return is_suspended;
}

bool misbehave_fails(struct misbehaviour *m)
{
    return m->options->fail_rate > 0 && misbehave_random(m) < m->options->fail_rate;
}

void misbehave_leak(struct misbehaviour *m)
{
    size_t bytes = m->options->leak_bytes;

    if (bytes == 0)
        return;
    struct leaked *block = malloc(sizeof *block + bytes);
    if (!block)
        return;
    memset(block->bytes, 0x5a, bytes); /* touched, so that it is resident */
    block->next = atomic_load(&m->leaked);
    while (!atomic_compare_exchange_weak(&m->leaked, &block->next, block))
        ;
    atomic_fetch_add(&m->leaked_bytes, bytes);
}

uint64_t misbehave_leaked_bytes(struct misbehaviour *m)
{
    return atomic_load(&m->leaked_bytes);
}

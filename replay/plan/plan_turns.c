/* plan_turns.c - the loader is one of two threads, in turn: on a quiet machine one that takes no
 * core from anybody, on a busy one a thread like all others.
 *
 * A thread at SCHED_IDLE never holds up a worker; but where others want the core all the time it
 * gets a thousandth of it and less, and cannot leave that policy without a privilege. So it is
 * another thread that loads then:
 *
 *     normal: the first sessions -- is a core free? -- no ---------------------> all the rest
 *                                          | yes                                   ^
 *     modest:                              +--> most of the rest -- has starved ---+
 *
 * What one leaves to the other goes with a semaphore. A thread that is put aside holds the books
 * until it is let: that happens at most once, where a machine becomes busy during a run. */
#include <errno.h>
#include <sched.h>

#include "core/clock.h"
#include "core/log.h"
#include "replay/plan/plan_loader.h"

enum {
    TRIAL_US = 10000,   /* several slices of who is busy beside us */
    FREE_SHARE = 4,     /* of a trial we got at least one in so many */
    PATIENCE_US = 50000 /* a user may wait for a loader that is not let run */
};

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) && errno == EINTR) {
    }
}

/* Who offers the core to everybody again and again gets it back at once where nobody wants it. */
static bool is_core_free(const struct plan_turns *turns)
{
    uint64_t begun_us = turns->clock_us(), begun_cpu_us = turns->cpu_us(), elapsed_us;
    do {
        sched_yield();
        elapsed_us = turns->clock_us() - begun_us;
    } while (elapsed_us < TRIAL_US);
    return (turns->cpu_us() - begun_cpu_us) * FREE_SHARE >= elapsed_us;
}

static void begin_round(struct plan_turns *turns, uint64_t since_us)
{
    turns->since_us = since_us;
    turns->since_cpu_us = turns->cpu_us();
}

void plan_turns_awake(struct plan_stream *stream)
{
    begin_round(&stream->turns, stream->woken_us);
}

bool plan_turns_has_starved(struct plan_stream *stream)
{
    struct plan_turns *turns = &stream->turns;
    uint64_t now_us = turns->clock_us(), from_us = turns->since_us;
    const struct stream_session *wanted = stream->wanted.first;
    bool is_awaited = wanted && wanted->tickets;
    if (is_awaited && wanted->tickets->asked_us > from_us)
        from_us = wanted->tickets->asked_us;
    /* What it loaded in between took its time; so did memory that others had to give back, but that
     * it sleeps through. */
    int64_t kept_us =
        (int64_t)(now_us - from_us) - (int64_t)(turns->cpu_us() - turns->since_cpu_us);
    begin_round(turns, now_us);
    return is_awaited && kept_us > PATIENCE_US;
}

static void *run_modest(void *owner)
{
    struct plan_stream *stream = owner;
    wait_for(&stream->turns.for_modest);
    if (atomic_load(&stream->is_stopping)) /* it may be the other's turn still */
        return NULL;
    /* Whatever a worker has to do comes first, at once: the look-ahead is there for that. Nobody
     * waits for a lock of ours, so it does no harm that we may be put aside anywhere. */
    const struct sched_param none = {0};
    sched_setscheduler(0, SCHED_IDLE, &none);
    begin_round(&stream->turns, stream->turns.clock_us());
    plan_loader_work(stream, true);
    atomic_store(&stream->turns.is_modest, false);
    sem_post(&stream->turns.for_normal);
    return NULL;
}

static void *run_normal(void *owner)
{
    struct plan_stream *stream = owner;
    plan_loader_begin(stream);
    bool is_free = is_core_free(&stream->turns);
    atomic_store(&stream->turns.is_modest, is_free);
    sem_post(&stream->begun);
    if (is_free) {
        sem_post(&stream->turns.for_modest);
        wait_for(&stream->turns.for_normal);
    }
    if (atomic_load(&stream->is_stopping) || atomic_load(&stream->has_failed))
        return NULL;
    log_info("this machine is busy: the plan's loader takes its share of the cores from now on");
    plan_loader_work(stream, false);
    return NULL;
}

void plan_turns_init(struct plan_turns *turns)
{
    turns->clock_us = clock_now_us;
    turns->cpu_us = clock_thread_cpu_us;
    sem_init(&turns->for_modest, 0, 0);
    sem_init(&turns->for_normal, 0, 0);
}

void plan_turns_fini(struct plan_turns *turns)
{
    sem_destroy(&turns->for_modest);
    sem_destroy(&turns->for_normal);
}

int plan_turns_start(struct plan_stream *stream, struct error *err)
{
    struct plan_turns *turns = &stream->turns;
    int code = pthread_create(&turns->modest, NULL, run_modest, stream);
    turns->has_modest = code == 0;
    if (!code)
        code = pthread_create(&turns->normal, NULL, run_normal, stream);
    turns->has_normal = code == 0;
    if (!code)
        return 0;
    atomic_store(&stream->is_stopping, true);
    plan_turns_join(stream);
    return error_set(err, EXIT_TOOL, "the plan's loader: %s", strerror(code));
}

void plan_turns_join(struct plan_stream *stream)
{
    struct plan_turns *turns = &stream->turns;
    sem_post(&turns->for_modest);
    sem_post(&turns->for_normal);
    if (turns->has_modest)
        pthread_join(turns->modest, NULL);
    if (turns->has_normal)
        pthread_join(turns->normal, NULL);
    turns->has_modest = turns->has_normal = false;
}

/*
 * worker.h - one thread of load: a loop, a transport, its share of the users, its metrics.
 *
 * Users are dealt by index: user i belongs to worker i modulo the number of workers, whoever plays.
 * The plan and the chain are shared and read-only; a second's metrics are handed over under the one
 * mutex.
 */
#ifndef REPRISE_REPLAY_WORKER_H
#define REPRISE_REPLAY_WORKER_H

#include <pthread.h>

#include "replay/cpu_affinity.h"
#include "replay/plan/arrivals.h"
#include "replay/session_desk.h"
#include "replay/user.h"

/* Sessions one after another, each once and by a user of its own: instead of arrivals and stages,
 * by one worker. */
struct session_sequence {
    const uint32_t *sessions; /* indices into plan.index; borrowed */
    uint32_t count;           /* 0: none, the plan's own arrivals */
    uint64_t first_user;      /* index of the user of the first */
};

/* What is played and how: the same for all workers. */
struct replay_settings {
    const struct plan *plan;
    struct plugin_chain *chain;
    const struct transport_ops *ops;
    struct transport_options transport;
    struct bytes target;             /* the origin that requests go to */
    struct cli_list allowed_targets; /* what else plugins may aim at */
    struct pacing pacing;
    struct stages stages; /* closed model when it has any; else arrivals by scale */
    double scale;
    struct session_sequence sequence;
    const struct answer_watch *watch; /* NULL: nobody looks at the answers */
    uint64_t seed;
    uint64_t duration_us; /* nothing new starts behind it; 0: no limit */
    uint64_t grace_us;    /* for sessions that are under way then */
    enum on_missing on_missing;
    const struct identities *identities;
    uint64_t ws_wait_us;
    uint32_t max_in_flight;
    uint32_t worker_count;
    uint64_t spin_us;           /* of the loop: the last stretch before a timer; 0: sleep */
    uint64_t plugin_timeout_us; /* of one callback, before the run is given up; 0: no limit */
    struct cpu_affinity affinity;
};

struct worker {
    const struct replay_settings *settings;
    uint32_t number;
    pthread_t thread;
    bool is_running; /* the thread was started and not joined */
    struct loop loop;
    struct user_env env;
    struct user *users;
    struct session_desk desk;
    struct timer arrival_timer;
    struct timer second_timer;
    struct arrivals arrivals; /* open model */
    struct arrival next_arrival;
    bool has_arrival;
    uint32_t next_of_sequence;
    bool is_stopping;    /* nothing new starts */
    uint64_t stop_at_us; /* what is under way ends then at the latest */
    bool has_cancelled;  /* and has been told so */
    uint64_t last_cpu_us;
    uint64_t last_spun_us;
    uint64_t last_cpu_wait_us;
    int thread_fd;      /* health_open_thread() */
    uint64_t ended_us;  /* when its last user was done; read after worker_join() */
    struct error error; /* why the worker gave up; exit_code 0: it did not */

    pthread_mutex_t mutex; /* guards the five below */
    bool wants_stop;
    bool is_done;
    bool has_given_up;      /* `error` says why */
    struct metrics *filled; /* handed over, not yet taken */
    struct metrics *spare;  /* given back, empty */
};

/* -1 with err. worker_fini() it in either case when worker->settings is set. */
int worker_init(struct worker *worker, const struct replay_settings *settings, uint32_t number,
                struct error *err);
void worker_fini(struct worker *worker);

/* Start the thread; the run's 0 is origin_us in clock_now_us() terms, unix_us since 1970. */
int worker_start(struct worker *worker, uint64_t origin_us, int64_t unix_us, struct error *err);

/* Ask it to end now: what is under way is dropped and counted as cancelled. */
void worker_stop(struct worker *worker);

/* The metrics handed over since the last call, or NULL; give them back with worker_return(). */
struct metrics *worker_take(struct worker *worker);
void worker_return(struct worker *worker, struct metrics *metrics);
bool worker_is_done(struct worker *worker);

/* It cannot go on, so the run cannot either: the others are to be stopped. */
bool worker_has_given_up(struct worker *worker);

/* Wait for the thread's end. */
void worker_join(struct worker *worker);

#endif

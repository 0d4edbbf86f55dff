/* worker.c - runs users on a loop and hands their metrics over once a second. */
#include "replay/worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/clock.h"
#include "replay/health.h"
#include "replay/plugin_services.h"

enum { SECOND_US = 1000000, LONGEST_WAIT_US = 100000 };

static void on_custom_metric(void *owner, uint32_t metric, bool is_histogram, uint64_t value)
{
    struct worker *worker = owner;
    metrics_record_custom(worker->env.metrics, metric, is_histogram, value);
}

static struct user *add_user(struct worker *worker, uint64_t index)
{
    struct user *user = user_new(&worker->env, index);
    if (!user)
        return NULL;
    user->next = worker->users;
    if (user->next)
        user->next->previous = user;
    worker->users = user;
    return user;
}

static void remove_user(struct worker *worker, struct user *user)
{
    if (user->previous)
        user->previous->next = user->next;
    else
        worker->users = user->next;
    if (user->next)
        user->next->previous = user->previous;
    const struct plan_session *held = session_desk_leave(&worker->desk, user);
    user_free(user);
    if (held)
        plan_give_back(worker->settings->plan, held);
}

static void begin_stopping(struct worker *worker, uint64_t stop_at_us);

/* Not only nothing new: what is planned is let go, or the loop would wait for it for ever. */
static void give_up_because(struct worker *worker, const struct error *error)
{
    if (worker->error.exit_code)
        return;
    worker->error = *error;
    pthread_mutex_lock(&worker->mutex);
    worker->has_given_up = true;
    pthread_mutex_unlock(&worker->mutex);
    begin_stopping(worker, worker->loop.now_us);
}

static void give_up(struct worker *worker, const char *what)
{
    struct error error;
    error_set(&error, EXIT_TOOL, "worker %u: %s", worker->number, what);
    give_up_because(worker, &error);
}

static void on_no_session(void *owner, const struct error *error)
{
    give_up_because(owner, error);
}

/* Open model: this worker's next arrival, if there is one in time. */
static void find_arrival(struct worker *worker)
{
    const struct replay_settings *settings = worker->settings;
    int more;
    worker->has_arrival = false;
    while ((more = arrivals_next(&worker->arrivals, &worker->next_arrival)) > 0) {
        if (settings->duration_us && worker->next_arrival.at_us >= settings->duration_us)
            return;
        if (worker->next_arrival.user % settings->worker_count == worker->number)
            break;
    }
    if (more < 0)
        give_up(worker, "no memory for arrivals");
    worker->has_arrival = more > 0;
    if (more > 0)
        timers_set(&worker->loop.timers, &worker->arrival_timer, worker->next_arrival.at_us);
}

static void on_arrival(struct timer *timer, void *owner, uint64_t now_us)
{
    struct worker *worker = owner;
    (void)timer;
    while (worker->has_arrival && worker->next_arrival.at_us <= now_us && !worker->is_stopping) {
        const struct arrival *arrival = &worker->next_arrival;
        struct user *user = add_user(worker, arrival->user);
        if (!user || session_desk_play(&worker->desk, user, arrival->session, arrival->at_us)) {
            if (user)
                remove_user(worker, user);
            give_up(worker, "no memory for another user");
            return;
        }
        find_arrival(worker);
    }
}

/* Closed model: play again if the stages still want this user. True if it will. */
static bool play_next(struct worker *worker, struct user *user, uint64_t from_us)
{
    const struct replay_settings *settings = worker->settings;
    uint64_t at_us = stages_next_start_us(&settings->stages, (uint32_t)user->index, from_us);
    if (worker->is_stopping || at_us == STAGES_NEVER)
        return false;
    return session_desk_play_next(&worker->desk, user, at_us) == 0;
}

static void play_next_of_sequence(struct worker *worker)
{
    const struct session_sequence *sequence = &worker->settings->sequence;
    uint32_t number = worker->next_of_sequence;
    if (number >= sequence->count || worker->is_stopping)
        return;
    worker->next_of_sequence++;
    struct user *user = add_user(worker, sequence->first_user + number);
    plan_expect(worker->settings->plan, sequence->sessions[number]);
    if (user && session_desk_play(&worker->desk, user, sequence->sessions[number],
                                  worker->loop.now_us) == 0)
        return;
    if (user)
        remove_user(worker, user);
    give_up(worker, "no memory for another user");
}

static void on_user_ended(void *owner, struct user *user)
{
    struct worker *worker = owner;
    session_desk_give_back(&worker->desk, user);
    if (worker->settings->stages.count && play_next(worker, user, worker->loop.now_us))
        return;
    remove_user(worker, user);
    play_next_of_sequence(worker);
}

static void start_closed_users(struct worker *worker)
{
    const struct replay_settings *settings = worker->settings;
    uint32_t most = stages_most_users(&settings->stages);
    for (uint32_t i = worker->number; i < most; i += settings->worker_count) {
        uint64_t from_us =
            arrivals_stagger_us(settings->plan, &settings->pacing, settings->seed, i);
        struct user *user = add_user(worker, i);
        if (!user) {
            give_up(worker, "no memory for another user");
            return;
        }
        if (!play_next(worker, user, from_us))
            remove_user(worker, user);
    }
}

/* What this worker knows of itself and of its connections since it was last asked. */
static void look_at_itself(struct worker *worker, struct metrics *metrics)
{
    struct generator_metrics *generator = &metrics->generator;
    struct worker_health *health = generator_worker(generator, worker->number);
    const struct transport_ops *ops = worker->settings->ops;
    uint64_t cpu_us = clock_thread_cpu_us();
    uint64_t cpu_wait_us = health_thread_wait_us(worker->thread_fd);
    uint64_t lag_us = loop_take_lag_us(&worker->loop);
    metrics->worker_cpu_us += cpu_us - worker->last_cpu_us;
    health->cpu_us += cpu_us - worker->last_cpu_us;
    health->spin_us += worker->loop.spun_us - worker->last_spun_us;
    health->cpu_wait_us += cpu_wait_us - worker->last_cpu_wait_us;
    worker->last_cpu_us = cpu_us;
    worker->last_spun_us = worker->loop.spun_us;
    worker->last_cpu_wait_us = cpu_wait_us;
    uint64_t silence_us = silence_take(&worker->env.silence, loop_read_clock(&worker->loop));
    /* When a run ends, who polls is all that is left. */
    if (!worker->is_stopping && silence_us > metrics->max_silence_us)
        metrics->max_silence_us = silence_us;
    if (lag_us > metrics->max_loop_lag_us)
        metrics->max_loop_lag_us = health->max_loop_lag_us = lag_us;
    generator->queued = worker->env.most_queued;
    worker->env.most_queued = worker->env.queued;
    generator->network.most_waiting = 0; /* as all that is the most at once: this second's */
    if (ops->network_health)
        ops->network_health(worker->env.transport, &generator->network);
}

/* Hand the shard over if the last one was taken; else go on filling it. */
static void hand_over(struct worker *worker)
{
    struct metrics *metrics = worker->env.metrics;
    look_at_itself(worker, metrics);
    metrics->users_active = worker->env.most_users;
    metrics->requests_in_flight = worker->env.most_in_flight;
    worker->env.most_users = worker->env.users_active;
    worker->env.most_in_flight = worker->env.in_flight;
    metrics->connections_open = worker->settings->ops->most_connections(worker->env.transport);
    pthread_mutex_lock(&worker->mutex);
    if (!worker->filled && worker->spare) {
        worker->filled = metrics;
        worker->env.metrics = worker->spare;
        worker->spare = NULL;
        worker->loop.lags = &worker->env.metrics->generator.loop_lag;
    }
    pthread_mutex_unlock(&worker->mutex);
}

/* Users that wait for their turn never had it. */
static void remove_waiting_users(struct worker *worker)
{
    struct user *next;
    for (struct user *user = worker->users; user; user = next) {
        next = user->next;
        if (user->state == USER_STARTING || user->state == USER_IDLE)
            remove_user(worker, user);
    }
}

static void begin_stopping(struct worker *worker, uint64_t stop_at_us)
{
    worker->is_stopping = true;
    worker->stop_at_us = stop_at_us;
    session_desk_clear(&worker->desk);
    remove_waiting_users(worker);
    timers_cancel(&worker->loop.timers, &worker->arrival_timer);
    worker->has_arrival = false; /* planned against started says how many never came */
}

/* Whether the run's time is over, or somebody asked us to end. */
static void look_for_stop(struct worker *worker)
{
    uint64_t now_us = loop_read_clock(&worker->loop);
    pthread_mutex_lock(&worker->mutex);
    bool wants_stop = worker->wants_stop;
    pthread_mutex_unlock(&worker->mutex);
    uint64_t duration_us = worker->settings->duration_us;
    if (!worker->is_stopping && duration_us && now_us >= duration_us)
        begin_stopping(worker, now_us + worker->settings->grace_us);
    if (wants_stop && (!worker->is_stopping || worker->stop_at_us > now_us))
        begin_stopping(worker, now_us);
    /* Once: they leave one after the other, and nobody comes in their place. */
    if (worker->is_stopping && now_us >= worker->stop_at_us && !worker->has_cancelled) {
        worker->has_cancelled = true;
        for (struct user *user = worker->users; user; user = user->next)
            user_end(user, SESSION_CANCELLED, "the run ended first");
    }
}

static void on_second(struct timer *timer, void *owner, uint64_t now_us)
{
    struct worker *worker = owner;
    hand_over(worker);
    /* On the grid of whole seconds, however late this one came. */
    timers_set(&worker->loop.timers, timer, (now_us / SECOND_US + 1) * SECOND_US);
}

static uint64_t wait_limit_us(const struct worker *worker)
{
    uint64_t end_us = worker->is_stopping ? worker->stop_at_us : worker->settings->duration_us;
    uint64_t now_us = worker->loop.now_us;
    if (end_us && end_us > now_us && end_us - now_us < LONGEST_WAIT_US)
        return end_us - now_us;
    return LONGEST_WAIT_US;
}

static void *run_worker(void *owner)
{
    struct worker *worker = owner;
    void *crash_stack = worker->env.chain_worker ? guard_give_stack() : NULL;
    prctl(PR_SET_TIMERSLACK, 1UL); /* ns; the usual 50 us late is what a sleeping loop is late by */
    worker->last_cpu_us = clock_thread_cpu_us();
    worker->thread_fd = health_open_thread();
    worker->last_cpu_wait_us = health_thread_wait_us(worker->thread_fd);
    worker->loop.lags = &worker->env.metrics->generator.loop_lag;
    timers_set(&worker->loop.timers, &worker->second_timer, SECOND_US);
    if (worker->settings->sequence.count)
        play_next_of_sequence(worker);
    else if (worker->settings->stages.count)
        start_closed_users(worker);
    else
        find_arrival(worker);
    for (;;) {
        look_for_stop(worker);
        loop_run_due(&worker->loop);
        if (!worker->users && !worker->has_arrival)
            break; /* at once: a last wait would count as part of the run */
        loop_wait(&worker->loop, wait_limit_us(worker));
    }
    worker->ended_us = loop_read_clock(&worker->loop);
    hand_over(worker);
    if (worker->thread_fd >= 0)
        close(worker->thread_fd);
    guard_take_stack(crash_stack);
    pthread_mutex_lock(&worker->mutex);
    worker->is_done = true;
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

int worker_init(struct worker *worker, const struct replay_settings *settings, uint32_t number,
                struct error *err)
{
    struct transport_options transport = settings->transport;
    transport.worker_number = number;
    *worker = (struct worker){.settings = settings, .number = number};
    pthread_mutex_init(&worker->mutex, NULL);
    worker->loop.epoll_fd = -1;
    arrivals_init(&worker->arrivals, settings->plan, settings->scale,
                  settings->pacing.arrival_speed, settings->seed);
    timer_init(&worker->arrival_timer, on_arrival, worker);
    timer_init(&worker->second_timer, on_second, worker);
    uint32_t share = settings->max_in_flight / settings->worker_count;
    worker->env = (struct user_env){
        .loop = &worker->loop,
        .plan = settings->plan,
        .pacing = settings->pacing,
        .ops = settings->ops,
        .target = settings->target,
        .allowed_targets = &settings->allowed_targets,
        .chain = settings->chain,
        .on_missing = settings->on_missing,
        .watch = settings->watch,
        .identities = settings->identities,
        .seed = settings->seed,
        .play_stride = settings->stages.count ? stages_most_users(&settings->stages) : 0,
        .ws_wait_us = settings->ws_wait_us,
        .max_in_flight = share ? share : 1,
        .user_ended = on_user_ended,
        .owner = worker,
    };
    worker->desk = (struct session_desk){.draws = settings->stages.count > 0,
                                         .seed = settings->seed,
                                         .failed = on_no_session,
                                         .owner = worker};
    if (loop_init(&worker->loop, err) ||
        session_desk_init(&worker->desk, settings->plan, &worker->loop, err) ||
        settings->ops->open(&worker->env.transport, &worker->loop, &transport, err))
        return -1;
    worker->loop.spin_us = settings->spin_us;
    worker->env.metrics = metrics_new(settings->plan->endpoint_count + 1);
    worker->spare = metrics_new(settings->plan->endpoint_count + 1);
    if (!worker->env.metrics || !worker->spare)
        return error_set(err, EXIT_TOOL, "no memory for metrics");
    if (!chain_is_empty(settings->chain)) {
        worker->env.chain_worker = chain_worker_new(settings->chain, on_custom_metric, worker);
        if (!worker->env.chain_worker)
            return error_set(err, EXIT_TOOL, "no memory for plugins");
        chain_worker_serve(worker->env.chain_worker, &plugin_services,
                           settings->pacing.mode == PACING_MAX ? 0 : settings->pacing.think_speed);
    }
    return 0;
}

void worker_fini(struct worker *worker)
{
    while (worker->users)
        remove_user(worker, worker->users);
    session_desk_fini(&worker->desk);
    user_env_fini(&worker->env);
    if (worker->env.chain_worker)
        chain_worker_free(worker->env.chain_worker);
    if (worker->env.transport)
        worker->settings->ops->close(worker->env.transport);
    metrics_free(worker->env.metrics);
    metrics_free(worker->filled);
    metrics_free(worker->spare);
    arrivals_fini(&worker->arrivals);
    loop_fini(&worker->loop);
    pthread_mutex_destroy(&worker->mutex);
}

int worker_start(struct worker *worker, uint64_t origin_us, int64_t unix_us, struct error *err)
{
    loop_set_origin(&worker->loop, origin_us);
    worker->env.unix_origin_us = unix_us;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    int code = cpu_affinity_apply(&worker->settings->affinity, worker->number, &attributes);
    if (code == 0)
        code = pthread_create(&worker->thread, &attributes, run_worker, worker);
    pthread_attr_destroy(&attributes);
    if (code)
        return error_set(err, EXIT_TOOL, "worker %u: %s", worker->number, strerror(code));
    worker->is_running = true;
    return 0;
}

void worker_stop(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->wants_stop = true;
    pthread_mutex_unlock(&worker->mutex);
}

struct metrics *worker_take(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    struct metrics *taken = worker->filled;
    worker->filled = NULL;
    pthread_mutex_unlock(&worker->mutex);
    return taken;
}

void worker_return(struct worker *worker, struct metrics *metrics)
{
    metrics_clear(metrics);
    pthread_mutex_lock(&worker->mutex);
    worker->spare = metrics;
    pthread_mutex_unlock(&worker->mutex);
}

bool worker_is_done(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    bool is_done = worker->is_done;
    pthread_mutex_unlock(&worker->mutex);
    return is_done;
}

bool worker_has_given_up(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    bool has_given_up = worker->has_given_up;
    pthread_mutex_unlock(&worker->mutex);
    return has_given_up;
}

void worker_join(struct worker *worker)
{
    if (worker->is_running)
        pthread_join(worker->thread, NULL);
    worker->is_running = false;
}

/* plan_loader_test.c - a loader that is put aside, wherever it is just then, holds up nobody who
 * plays. */
#include "replay/plan/plan_loader.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/random.h"
#include "tests/support/script_trace.h"

#define TRACE_FILE "plan_loader_test.trace"

enum { SESSIONS = 40, MAX_BYTES = 12000, ROUNDS = 3000, STEPS_OF_A_ROUND = 50 };

/* The loader is stopped by a signal whose handler ends when it is told to. */
static int stopped_fd, go_on_fd;

static void stop_here(int signal_number)
{
    int error_number = errno;
    eventfd_t count;
    (void)signal_number;
    eventfd_write(stopped_fd, 1);
    while (eventfd_read(go_on_fd, &count) && errno == EINTR) {
    }
    errno = error_number;
}

/* A machine on which the loader gets a whole core, or nothing, when it tries: the modest one loads
 * then, or the other. Time stands still after that. */
static _Atomic uint64_t now_us;

static uint64_t clock_us(void)
{
    uint64_t us = atomic_load(&now_us);
    return us < 20000 ? atomic_fetch_add(&now_us, 2000) : us;
}

static uint64_t all_of_it_us(void)
{
    return atomic_load(&now_us);
}

static uint64_t nothing_us(void)
{
    return 0;
}

static struct plan *build(bool is_quiet)
{
    struct buf script = BUF_INIT(1 << 20);
    struct plan *plan = NULL;
    struct error err;
    const struct plan_options options = {
        .target = bytes_of("http://127.0.0.1:8080"), .max_bytes = MAX_BYTES, .whole_bytes = 1};
    for (int i = 0; i < SESSIONS; i++)
        buf_printf(&script,
                   "session user-%d\n%d %d GET /start/%d 200\n%d %d POST /shared 200 body %d\n", i,
                   i * 100, i * 100 + 5, i, i * 100 + 10, i * 100 + 30, i % 4);
    if (script_trace_write(TRACE_FILE, buf_text(&script), &err) ||
        plan_build(&plan, TRACE_FILE, &options, &err))
        fail_msg("%s", err.text);
    atomic_store(&now_us, 0);
    plan->stream->turns.clock_us = clock_us;
    plan->stream->turns.cpu_us = is_quiet ? all_of_it_us : nothing_us;
    if (plan_stream_start(plan, NULL, 0, &err))
        fail_msg("%s", err.text);
    buf_fini(&script);
    return plan;
}

/* Plays one session after another; in a round it waits for none. */
struct player {
    struct plan *plan;
    struct plan_client client;
    struct random random;
    int round_fd; /* readable: a round has begun */
    sem_t round_ended, was_granted;
    atomic_bool is_quitting;
    uint64_t played;
};

static bool is_round(const struct player *player, int patience_ms)
{
    struct pollfd descriptors[2] = {{.fd = player->round_fd, .events = POLLIN},
                                    {.fd = player->client.event_fd, .events = POLLIN}};
    poll(descriptors, patience_ms ? 2 : 1, patience_ms);
    return descriptors[0].revents != 0;
}

static void play(struct player *player, bool is_patient)
{
    uint32_t index = (uint32_t)random_below(&player->random, SESSIONS);
    struct plan_wish wish, *granted = NULL;
    plan_expect(player->plan, index);
    if (random_below(&player->random, 10) == 0) {
        plan_forget(player->plan, index);
        return;
    }
    const struct plan_session *session =
        plan_take(player->plan, &player->client, index, player, &wish);
    while (!session && is_patient && !granted && !is_round(player, -1))
        granted = plan_client_next(&player->client, player->plan);
    if (granted) {
        session = granted->granted;
        sem_post(&player->was_granted);
    }
    if (session) {
        player->played++;
        plan_give_back(player->plan, session);
    } else {
        plan_cancel(player->plan, &wish);
        plan_client_next(&player->client, player->plan);
    }
}

static void *run_player(void *owner)
{
    struct player *player = owner;
    eventfd_t count;
    while (!atomic_load(&player->is_quitting)) {
        if (!is_round(player, 0)) {
            play(player, true);
            continue;
        }
        for (int i = 0; i < STEPS_OF_A_ROUND; i++)
            play(player, false);
        eventfd_read(player->round_fd, &count);
        sem_post(&player->round_ended);
    }
    return NULL;
}

static void read_event(int fd)
{
    eventfd_t count;
    while (eventfd_read(fd, &count)) {
        if (errno != EINTR)
            fail_msg("a descriptor of the test cannot be read");
    }
}

static void wait_for(sem_t *semaphore, const char *what)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 60;
    if (sem_timedwait(semaphore, &deadline))
        fail_msg("60 s in vain: %s", what);
}

/* Some sessions later, and anywhere in the next one. */
static void let_it_run(struct player *player, struct random *random)
{
    while (sem_trywait(&player->was_granted) == 0) {
    }
    for (uint64_t i = 0; i < 3; i++)
        wait_for(&player->was_granted, "the loader loads");
    for (volatile uint64_t left = random_below(random, 100000); left > 0;)
        left--;
}

static void stop_it_in_many_places(bool is_quiet, int rounds)
{
    struct sigaction action = {.sa_handler = stop_here};
    struct player player = {.plan = build(is_quiet)};
    struct random random;
    const struct plan_turns *turns = &player.plan->stream->turns;
    struct error err;
    pthread_t thread;
    assert_true((stopped_fd = eventfd(0, 0)) >= 0);
    assert_true((go_on_fd = eventfd(0, 0)) >= 0);
    assert_true((player.round_fd = eventfd(0, 0)) >= 0);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    sem_init(&player.round_ended, 0, 0);
    sem_init(&player.was_granted, 0, 0);
    random_init(&random, 6, 1);
    random_init(&player.random, 5, 1);
    assert_int_equal(plan_client_init(&player.client, player.plan, &err), 0);
    assert_int_equal(pthread_create(&thread, NULL, run_player, &player), 0);
    for (int i = 0; i < rounds; i++) {
        let_it_run(&player, &random);
        pthread_kill(is_quiet ? turns->modest : turns->normal, SIGUSR1);
        read_event(stopped_fd);
        eventfd_write(player.round_fd, 1);
        wait_for(&player.round_ended, "who plays waits for a loader that stands still");
        eventfd_write(go_on_fd, 1);
    }
    atomic_store(&player.is_quitting, true);
    pthread_join(thread, NULL);
    assert_in_range(player.played, 1, UINT64_MAX);
    plan_client_fini(&player.client, player.plan);
    plan_free(player.plan);
    sem_destroy(&player.round_ended);
    sem_destroy(&player.was_granted);
    close(player.round_fd);
    close(stopped_fd);
    close(go_on_fd);
    unlink(TRACE_FILE);
}

static void who_plays_does_not_wait_for_a_loader_that_stands_still(void **state)
{
    (void)state;
    stop_it_in_many_places(true, ROUNDS);
}

static void nor_for_one_that_takes_its_share(void **state)
{
    (void)state;
    stop_it_in_many_places(false, ROUNDS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_plays_does_not_wait_for_a_loader_that_stands_still),
        cmocka_unit_test(nor_for_one_that_takes_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* plan_turns_test.c - who loads: the thread that takes no core from anybody, until somebody has
 * waited for it too long. */
#include "replay/plan/plan_loader.h"

#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/random.h"
#include "tests/support/script_trace.h"

#define TRACE_FILE "plan_turns_test.trace"

enum { SESSIONS = 40, MAX_BYTES = 3000, STARTS = 100, SECOND_US = 1000000 };

/* The machine as the loader's clocks tell it. */
static _Atomic uint64_t now_us, used_us;
static _Atomic uint64_t late_us; /* who plays asked so long ago */
static atomic_bool is_busy;      /* the loader gets nothing */
static pthread_t who_plays;

static uint64_t clock_us(void)
{
    uint64_t us = atomic_fetch_add(&now_us, 2000) + 2000;
    return pthread_equal(pthread_self(), who_plays) ? us - atomic_load(&late_us) : us;
}

static uint64_t cpu_us(void)
{
    if (!atomic_load(&is_busy))
        atomic_store(&used_us, atomic_load(&now_us));
    return atomic_load(&used_us);
}

static int make(void **state)
{
    (void)state;
    struct buf script = BUF_INIT(1 << 20);
    struct error err;
    for (int i = 0; i < SESSIONS; i++)
        buf_printf(&script, "session user-%d\n%d %d POST /own/%d 200 a body of user %d\n", i,
                   i * 100, i * 100 + 5, i, i);
    if (script_trace_write(TRACE_FILE, buf_text(&script), &err))
        fail_msg("%s", err.text);
    buf_fini(&script);
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    unlink(TRACE_FILE);
    return 0;
}

static struct plan *start(bool is_busy_machine, struct plan_client *client)
{
    struct plan *plan = NULL;
    struct error err;
    const struct plan_options options = {
        .target = bytes_of("http://127.0.0.1:8080"), .max_bytes = MAX_BYTES, .whole_bytes = 1};
    atomic_store(&now_us, 100 * SECOND_US);
    atomic_store(&used_us, 0);
    atomic_store(&late_us, 0);
    atomic_store(&is_busy, is_busy_machine);
    who_plays = pthread_self();
    if (plan_build(&plan, TRACE_FILE, &options, &err))
        fail_msg("%s", err.text);
    plan->stream->turns.clock_us = clock_us;
    plan->stream->turns.cpu_us = cpu_us;
    if (plan_client_init(client, plan, &err) || plan_stream_start(plan, NULL, 0, &err))
        fail_msg("%s", err.text);
    return plan;
}

static void end(struct plan *plan, struct plan_client *client)
{
    plan_client_fini(client, plan);
    plan_free(plan);
}

static void play(struct plan *plan, struct plan_client *client, uint32_t index)
{
    struct plan_wish wish;
    const struct plan_session *session = plan_take(plan, client, index, NULL, &wish);
    plan_expect(plan, index); /* after that: nothing but the wish has woken the loader */
    if (!session) {
        struct pollfd descriptor = {.fd = client->event_fd, .events = POLLIN};
        if (poll(&descriptor, 1, 20000) != 1)
            fail_msg("20 s in vain");
        assert_ptr_equal(plan_client_next(client, plan), &wish);
        session = wish.granted;
    }
    assert_int_equal(session->session_id, index + 1);
    plan_give_back(plan, session);
}

static bool is_modest_at_work(const struct plan *plan)
{
    return atomic_load(&plan->stream->turns.is_modest);
}

static void on_a_quiet_machine_the_modest_one_loads(void **state)
{
    (void)state;
    struct plan_client client;
    struct plan *plan = start(false, &client);
    for (uint32_t i = 0; i < 10 * SESSIONS; i++)
        play(plan, &client, i % SESSIONS);
    assert_true(is_modest_at_work(plan));
    end(plan, &client);
}

static void on_a_busy_one_it_never_begins(void **state)
{
    (void)state;
    struct plan_client client;
    struct plan *plan = start(true, &client);
    assert_false(is_modest_at_work(plan));
    for (uint32_t i = 0; i < 10 * SESSIONS; i++)
        play(plan, &client, i % SESSIONS);
    assert_false(is_modest_at_work(plan));
    end(plan, &client);
}

static void one_that_starves_leaves_the_rest_to_the_other(void **state)
{
    (void)state;
    struct plan_client client;
    struct plan *plan = start(false, &client);
    for (uint32_t i = 0; i < SESSIONS; i++)
        play(plan, &client, i);
    assert_true(is_modest_at_work(plan));
    /* Wishes that were there for a second before anybody looked at them. */
    atomic_store(&is_busy, true);
    atomic_store(&late_us, SECOND_US);
    uint32_t played = 0;
    while (is_modest_at_work(plan)) {
        assert_in_range(played, 0, 100 * SESSIONS);
        while (!(atomic_load(&plan->stream->asleep_for) & WAKE_WISH))
            sched_yield(); /* it looks for the last time */
        play(plan, &client, played++ % SESSIONS);
    }
    for (uint32_t i = 0; i < 10 * SESSIONS; i++)
        play(plan, &client, i % SESSIONS);
    assert_false(is_modest_at_work(plan));
    end(plan, &client);
}

static uint64_t said_us, said_cpu_us;

static uint64_t said_clock(void)
{
    return said_us;
}

static uint64_t said_cpu(void)
{
    return said_cpu_us;
}

static void only_a_user_who_waits_for_a_loader_that_cannot_run_tells_of_starving(void **state)
{
    (void)state;
    static struct plan_stream stream;
    struct plan_ticket ticket = {0};
    struct stream_session session = {.tickets = &ticket};
    stream.turns.clock_us = said_clock;
    stream.turns.cpu_us = said_cpu;
    stream.wanted.first = &session;
    said_us = said_cpu_us = SECOND_US;
    stream.woken_us = said_us;
    plan_turns_awake(&stream);
    said_us += 2 * SECOND_US; /* it loaded all the while */
    said_cpu_us += 2 * SECOND_US;
    assert_false(plan_turns_has_starved(&stream));
    said_us += SECOND_US; /* it was put aside, but the wish is new */
    ticket.asked_us = said_us - 1000;
    assert_false(plan_turns_has_starved(&stream));
    assert_false(plan_turns_has_starved(&stream)); /* that was told */
    stream.wanted.first = NULL;
    said_us += SECOND_US; /* nobody waits */
    assert_false(plan_turns_has_starved(&stream));
    stream.wanted.first = &session;
    said_us += SECOND_US;
    stream.woken_us = said_us; /* it slept until memory was given back */
    plan_turns_awake(&stream);
    assert_false(plan_turns_has_starved(&stream));
    stream.woken_us = said_us;
    said_us += SECOND_US; /* it was woken, and not let run */
    plan_turns_awake(&stream);
    assert_true(plan_turns_has_starved(&stream));
    said_us += SECOND_US; /* it was put aside while it loaded */
    said_cpu_us += 1000;
    assert_true(plan_turns_has_starved(&stream));
}

static void it_ends_wherever_it_is(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 3, 1);
    for (uint32_t i = 0; i < STARTS; i++) {
        struct plan_client client;
        struct plan_wish wish = {0};
        struct plan *plan = start(i % 3 == 0, &client);
        atomic_store(&is_busy, true);
        atomic_store(&late_us, SECOND_US);
        for (uint64_t left = random_below(&random, 4); left > 0; left--)
            play(plan, &client, (uint32_t)random_below(&random, SESSIONS));
        const struct plan_session *taken = plan_take(plan, &client, i % SESSIONS, NULL, &wish);
        for (volatile uint64_t left = random_below(&random, 100000); left > 0;)
            left--;
        plan_stream_stop(plan);
        if (taken)
            plan_give_back(plan, taken);
        else
            plan_cancel(plan, &wish);
        end(plan, &client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_a_quiet_machine_the_modest_one_loads),
        cmocka_unit_test(on_a_busy_one_it_never_begins),
        cmocka_unit_test(one_that_starves_leaves_the_rest_to_the_other),
        cmocka_unit_test(only_a_user_who_waits_for_a_loader_that_cannot_run_tells_of_starving),
        cmocka_unit_test(it_ends_wherever_it_is),
    };
    return cmocka_run_group_tests(tests, make, clean_up);
}

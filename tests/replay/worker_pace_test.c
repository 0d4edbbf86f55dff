/*
 * worker_pace_test.c - `--scale 10 --speed 5` as whole workers play it: who comes when, and what
 * the pauses between requests are, to the microsecond.
 *
 * No time passes: the workers' clock is ours, and where their loop would sleep the clock is put on
 * by as long (ld's --wrap). So whatever is not exact here is an error of the plan or of who keeps
 * it, and never the machine's; that the real clock is kept as well is for the benchmarks.
 */
#include "replay/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/script_trace.h"

#define TRACE_FILE "worker_pace_test.trace"

enum {
    SESSIONS = 20,
    STEPS = 5,
    SCALE = 10,
    SPEED = 5,
    USERS = SESSIONS * SCALE,
    APART_MS = 250,
    WORKERS = 2,
    ANSWER_US = 3210 /* what an answer takes now; when it was recorded 2 ms */
};

/* What was recorded: a pause before each request, and its moment since the session's start. */
static const int pauses_ms[STEPS] = {0, 500, 123, 1, 1000};
static const int offsets_ms[STEPS] = {0, 502, 627, 630, 1632};

static uint64_t clock_us;
static int connected; /* users of this worker that have come so far */

/* By the user's number in the order of arrival. */
static struct visit {
    int session;
    int count;
    uint64_t at_us[STEPS];
} visits[USERS];

static uint64_t read_clock(void)
{
    return clock_us;
}

int __wrap_epoll_pwait2(int epoll_fd, struct epoll_event *events, int most,
                        const struct timespec *timeout, const sigset_t *mask);

int __wrap_epoll_pwait2(int epoll_fd, struct epoll_event *events, int most,
                        const struct timespec *timeout, const sigset_t *mask)
{
    (void)epoll_fd;
    (void)events;
    (void)most;
    (void)mask;
    clock_us += (uint64_t)timeout->tv_sec * 1000000 + (uint64_t)timeout->tv_nsec / 1000;
    return 0;
}

/* --- a target that answers everything after ANSWER_US --- */

struct transport {
    struct loop *loop;
    uint32_t worker;
};

struct transport_user {
    struct transport *transport;
    struct visit *visit;
};

struct transport_call {
    struct timer timer;
    struct transport_request request;
};

static int steady_open(struct transport **ret_transport, struct loop *loop,
                       const struct transport_options *options, struct error *err)
{
    (void)err;
    *ret_transport = malloc(sizeof **ret_transport);
    **ret_transport = (struct transport){loop, options->worker_number};
    connected = 0;
    return 0;
}

static void steady_close(struct transport *transport)
{
    free(transport);
}

/* Users are dealt by index: the n-th of this worker is the (n * WORKERS + worker)-th of all. */
static struct transport_user *steady_user_open(struct transport *transport)
{
    struct transport_user *user = malloc(sizeof *user);
    uint32_t index = (uint32_t)connected++ * WORKERS + transport->worker;
    assert_true(index < USERS);
    *user = (struct transport_user){transport, &visits[index]};
    return user;
}

static void steady_user_close(struct transport_user *user)
{
    free(user);
}

static void on_answer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_call *call = owner;
    const struct transport_result result = {.waiting_us = ANSWER_US, .response = {.status = 200}};
    (void)timer;
    (void)now_us;
    call->request.done(call->request.owner, &result);
    free(call);
}

static struct transport_call *steady_send(struct transport_user *user,
                                          const struct transport_request *request,
                                          enum failure *ret_failure)
{
    struct visit *visit = user->visit;
    struct transport_call *call = calloc(1, sizeof *call);
    int session, step;
    (void)ret_failure;
    if (sscanf(request->http->url.ptr, "http://127.0.0.1:9/%d/%d", &session, &step) != 2)
        fail_msg("%.*s", BYTES_ARG(request->http->url));
    assert_int_equal(step, visit->count);
    assert_true(step == 0 || session == visit->session);
    visit->session = session;
    visit->at_us[visit->count++] = clock_us;
    call->request = *request;
    timer_init(&call->timer, on_answer, call);
    timers_set(&user->transport->loop->timers, &call->timer, clock_us + ANSWER_US);
    return call;
}

static void steady_cancel(struct transport_call *call)
{
    (void)call;
    fail_msg("a request was cancelled");
}

static size_t no_connections(struct transport *transport)
{
    (void)transport;
    return 0;
}

static const struct transport_ops steady = {
    .name = "steady",
    .open = steady_open,
    .close = steady_close,
    .user_open = steady_user_open,
    .user_close = steady_user_close,
    .send = steady_send,
    .cancel = steady_cancel,
    .most_connections = no_connections,
};

/* --- the run --- */

static struct plan *recorded_plan(void)
{
    struct buf script = BUF_INIT(1 << 20);
    struct error err = {0};
    struct plan *plan = NULL;
    const struct plan_options options = {.target = bytes_of("http://127.0.0.1:9"),
                                         .max_bytes = 1 << 20};
    for (int session = 0; session < SESSIONS; session++) {
        buf_printf(&script, "session user-%d\n", session);
        for (int step = 0; step < STEPS; step++) {
            int at_ms = session * APART_MS + offsets_ms[step];
            buf_printf(&script, "%d %d GET /%d/%d 200\n", at_ms, at_ms + 2, session, step);
        }
    }
    if (script_trace_write(TRACE_FILE, buf_text(&script), &err) ||
        plan_build(&plan, TRACE_FILE, &options, &err))
        fail_msg("%s", err.text);
    unlink(TRACE_FILE);
    buf_fini(&script);
    return plan;
}

static void expect_no_lateness(const struct metrics *metrics)
{
    for (size_t i = 0; metrics && i < metrics->endpoint_count; i++) {
        assert_int_equal(metrics->endpoints[i].clocks[CLOCK_LATENESS].max, 0);
        assert_int_equal(metrics->endpoints[i].failed, 0);
    }
}

/* One worker after the other, each on a clock that begins at 0; returns when the last was done. */
static uint64_t play(enum pacing_mode mode)
{
    struct error err = {0};
    struct plugin_chain no_plugins = {0};
    struct plan *plan = recorded_plan();
    const struct replay_settings settings = {
        .plan = plan,
        .chain = &no_plugins,
        .ops = &steady,
        .target = bytes_of("http://127.0.0.1:9"),
        .pacing = {mode, SPEED, SPEED},
        .scale = SCALE,
        .seed = 1,
        .max_in_flight = USERS,
        .worker_count = WORKERS,
    };
    uint64_t ended_us = 0;
    memset(visits, 0, sizeof visits);
    for (uint32_t number = 0; number < WORKERS; number++) {
        struct worker worker;
        if (worker_init(&worker, &settings, number, &err))
            fail_msg("%s", err.text);
        clock_us = 0;
        worker.loop.clock_us = read_clock;
        if (worker_start(&worker, 0, 0, &err))
            fail_msg("%s", err.text);
        worker_join(&worker);
        if (worker.ended_us > ended_us)
            ended_us = worker.ended_us;
        expect_no_lateness(worker.filled);
        expect_no_lateness(worker.env.metrics);
        worker_fini(&worker);
    }
    plan_free(plan);
    return ended_us;
}

/* Ten of each session, the first when it was recorded and the others before the next one. */
static void expect_arrivals(void)
{
    for (int i = 0; i < USERS; i++) {
        const struct visit *visit = &visits[i];
        uint64_t apart_us = APART_MS * 1000 / SPEED;
        uint64_t from_us = (uint64_t)visit->session * apart_us;
        assert_int_equal(visit->session, i / SCALE);
        assert_int_equal(visit->count, STEPS);
        if (i % SCALE == 0)
            assert_int_equal(visit->at_us[0], from_us);
        assert_in_range(visit->at_us[0], from_us, from_us + apart_us - 1);
        assert_true(i == 0 || visit->at_us[0] >= visits[i - 1].at_us[0]);
    }
}

static void ten_times_the_sessions_come_and_every_think_time_is_a_fifth(void **state)
{
    (void)state;
    uint64_t ended_us = play(PACING_THINK), last_us = 0;
    expect_arrivals();
    for (int i = 0; i < USERS; i++) {
        const uint64_t *at_us = visits[i].at_us;
        for (int step = 1; step < STEPS; step++)
            assert_int_equal(at_us[step] - (at_us[step - 1] + ANSWER_US),
                             pauses_ms[step] * 1000 / SPEED);
        if (at_us[STEPS - 1] > last_us)
            last_us = at_us[STEPS - 1];
    }
    /* A fifth of what was recorded, but for what answers take now and took then. */
    uint64_t recorded_us = 1000 * (uint64_t)((SESSIONS - 1) * APART_MS + offsets_ms[STEPS - 1]);
    uint64_t answers_us = (STEPS - 1) * (ANSWER_US - 2000 / SPEED);
    assert_int_equal(ended_us, last_us + ANSWER_US);
    assert_in_range(last_us, recorded_us / SPEED + answers_us,
                    (recorded_us + APART_MS * 1000) / SPEED + answers_us - 1);
}

static void with_open_pacing_every_moment_of_a_session_is_a_fifth(void **state)
{
    (void)state;
    play(PACING_OPEN);
    expect_arrivals();
    for (int i = 0; i < USERS; i++) {
        for (int step = 1; step < STEPS; step++)
            assert_int_equal(visits[i].at_us[step] - visits[i].at_us[0],
                             offsets_ms[step] * 1000 / SPEED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_times_the_sessions_come_and_every_think_time_is_a_fifth),
        cmocka_unit_test(with_open_pacing_every_moment_of_a_session_is_a_fifth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

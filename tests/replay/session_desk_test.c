/* session_desk_test.c - users whose sessions are not loaded yet: they wait, are told, start late.
 */
#include "replay/session_desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/fake_target.h"
#include "tests/support/script_trace.h"

#define TRACE_FILE "session_desk_test.trace"

enum { SESSIONS = 10, USERS = 3 };

static struct {
    struct loop loop;
    struct plan *plan;
    struct plugin_chain chain;
    struct user_env env;
    struct session_desk desk;
    struct user *users[USERS];
    int ended;
    struct error failure;
} play;

static void on_user_ended(void *owner, struct user *user)
{
    (void)owner;
    play.ended++;
    session_desk_give_back(&play.desk, user);
}

static void on_failed(void *owner, const struct error *error)
{
    (void)owner;
    play.failure = *error;
}

/* The plan is there, its loader is not yet: nothing is loaded before load(). */
static void begin(size_t max_bytes, bool draws)
{
    struct buf script = BUF_INIT(1 << 20);
    struct error err;
    const struct plan_options options = {
        .target = bytes_of("http://target:80"), .max_bytes = max_bytes, .whole_bytes = 1};
    for (int i = 0; i < SESSIONS; i++)
        buf_printf(&script, "session user-%d\n%d %d GET /%d 200\n", i, i * 100, i * 100 + 5, i);
    if (script_trace_write(TRACE_FILE, buf_text(&script), &err) ||
        plan_build(&play.plan, TRACE_FILE, &options, &err))
        fail_msg("%s", err.text);
    buf_fini(&script);
    buf_clear(&fake_log);
    buf_append_text(&fake_log, "");
    fake_now_us = 0;
    play.ended = 0;
    play.failure = (struct error){0};
    assert_int_equal(loop_init(&play.loop, &err), 0);
    play.loop.clock_us = fake_clock_us;
    loop_set_origin(&play.loop, 0);
    play.desk = (struct session_desk){.draws = draws, .seed = 3, .failed = on_failed};
    assert_int_equal(session_desk_init(&play.desk, play.plan, &play.loop, &err), 0);
    play.env = (struct user_env){
        .loop = &play.loop,
        .plan = play.plan,
        .pacing = {PACING_MAX, 1, 1},
        .ops = &fake_target,
        .target = bytes_of("http://target:80"),
        .chain = &play.chain,
        .metrics = metrics_new(play.plan->endpoint_count + 1),
        .max_in_flight = 100,
        .user_ended = on_user_ended,
    };
    assert_int_equal(fake_target.open(&play.env.transport, &play.loop, NULL, &err), 0);
    for (uint64_t i = 0; i < USERS; i++)
        assert_non_null(play.users[i] = user_new(&play.env, i));
}

static void load(void)
{
    struct error err;
    if (plan_stream_start(play.plan, NULL, 0, &err))
        fail_msg("%s", err.text);
}

static void end(void)
{
    for (int i = 0; i < USERS; i++) {
        const struct plan_session *held = session_desk_leave(&play.desk, play.users[i]);
        user_free(play.users[i]);
        if (held)
            plan_give_back(play.plan, held);
    }
    session_desk_fini(&play.desk);
    user_env_fini(&play.env);
    fake_target.close(play.env.transport);
    metrics_free(play.env.metrics);
    loop_fini(&play.loop);
    plan_free(play.plan);
    unlink(TRACE_FILE);
}

/* Real waiting for the loader, on the clock of the test. */
static void wait_until_started(const struct user *user)
{
    for (int i = 0; i < 200 && user->state == USER_IDLE && !play.failure.exit_code; i++)
        loop_pass(&play.loop, 100000);
    assert_int_not_equal(user->state, USER_IDLE);
}

static void expect_log(const char *expected)
{
    assert_string_equal(buf_text(&fake_log), expected);
}

static void a_user_waits_for_its_session_and_starts_late(void **state)
{
    (void)state;
    begin(64 << 20, false);
    plan_expect(play.plan, 4);
    assert_int_equal(session_desk_play(&play.desk, play.users[0], 4, 0), 0);
    assert_int_equal(play.users[0]->state, USER_IDLE);
    fake_now_us = 70000; /* so long did it take */
    load();
    wait_until_started(play.users[0]);
    fake_run(&play.loop, 2000000);
    expect_log("70 GET /4\n");
    assert_int_equal(play.ended, 1);
    struct endpoint_metrics all;
    assert_int_equal(metrics_sum_endpoints(play.env.metrics, &all), 0);
    assert_in_range(histogram_percentile(&all.clocks[CLOCK_LATENESS], 50), 69000, 71000);
    endpoint_metrics_fini(&all);
    end();
}

static void a_session_that_is_here_is_played_at_once(void **state)
{
    (void)state;
    begin(64 << 20, false);
    load();
    for (int i = 0; i < USERS; i++)
        plan_expect(play.plan, 2);
    assert_int_equal(session_desk_play(&play.desk, play.users[0], 2, 0), 0);
    wait_until_started(play.users[0]);
    assert_int_equal(session_desk_play(&play.desk, play.users[1], 2, 5000), 0);
    assert_int_equal(play.users[1]->state, USER_STARTING);
    assert_ptr_equal(play.users[0]->session, play.users[1]->session);
    fake_run(&play.loop, 2000000);
    expect_log("0 GET /2\n5 GET /2\n");
    end();
}

static void who_waits_can_leave_before_its_session_comes(void **state)
{
    (void)state;
    begin(64 << 20, false);
    for (uint32_t i = 0; i < USERS; i++) {
        plan_expect(play.plan, i);
        assert_int_equal(session_desk_play(&play.desk, play.users[i], i, 0), 0);
    }
    assert_null(session_desk_leave(&play.desk, play.users[1]));
    load();
    wait_until_started(play.users[0]);
    wait_until_started(play.users[2]);
    assert_int_equal(play.users[1]->state, USER_IDLE);
    session_desk_clear(&play.desk);
    fake_run(&play.loop, 2000000);
    assert_int_equal(play.ended, 2);
    end();
}

static void a_user_that_draws_plays_what_it_draws(void **state)
{
    (void)state;
    struct buf expected = BUF_INIT(1024);
    begin(64 << 20, true);
    load();
    for (uint64_t n = 0; n < 5; n++) {
        uint32_t drawn = arrivals_draw(play.plan, 3, 1, n);
        buf_printf(&expected, "%g GET /%u\n", (double)fake_now_us / 1000, drawn);
        assert_int_equal(session_desk_play_next(&play.desk, play.users[1], fake_now_us), 0);
        wait_until_started(play.users[1]);
        fake_run(&play.loop, UINT64_MAX - 1);
        assert_int_equal(play.ended, n + 1);
    }
    expect_log(buf_text(&expected));
    buf_fini(&expected);
    end();
}

static void who_starts_in_an_hour_holds_nothing_until_then(void **state)
{
    (void)state;
    struct plan_stream_stats stats;
    const uint64_t hour_us = UINT64_C(3600000000);
    begin(64 << 20, true);
    load();
    assert_int_equal(session_desk_play_next(&play.desk, play.users[0], hour_us), 0);
    plan_stream_stats(play.plan, &stats);
    assert_int_equal(stats.loaded + stats.waited_for, 0);
    fake_run(&play.loop, hour_us - 1500000);
    wait_until_started(play.users[0]);
    fake_run(&play.loop, hour_us + 1000000);
    struct buf expected = BUF_INIT(100);
    buf_printf(&expected, "%g GET /%u\n", (double)hour_us / 1000,
               arrivals_draw(play.plan, 3, 0, 0));
    expect_log(buf_text(&expected));
    buf_fini(&expected);
    end();
}

static void a_loader_that_fails_is_told_and_nobody_hangs(void **state)
{
    (void)state;
    begin(100, false);
    plan_expect(play.plan, 0);
    assert_int_equal(session_desk_play(&play.desk, play.users[0], 0, 0), 0);
    load();
    for (int i = 0; i < 200 && !play.failure.exit_code; i++)
        loop_pass(&play.loop, 100000);
    assert_int_equal(play.failure.exit_code, EXIT_TOOL);
    assert_non_null(strstr(play.failure.text, "--max-plan-size"));
    session_desk_clear(&play.desk);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_waits_for_its_session_and_starts_late),
        cmocka_unit_test(a_session_that_is_here_is_played_at_once),
        cmocka_unit_test(who_waits_can_leave_before_its_session_comes),
        cmocka_unit_test(a_user_that_draws_plays_what_it_draws),
        cmocka_unit_test(who_starts_in_an_hour_holds_nothing_until_then),
        cmocka_unit_test(a_loader_that_fails_is_told_and_nobody_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* waits_and_tokens_test.c - ai_queue, which lets requests wait, together with jwt_refresh, which
 * looks at their tokens: named last, it is asked when they go out, however long they have waited.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "replay/plugin_recorded.h"
#include "replay/plugin_services.h"
#include "replay/user.h"
#include "tests/plugins/token_target.h"
#include "tests/support/fake_target.h"
#include "tests/support/script_trace.h"

#define RECORDED_JWT                                                                               \
    "eyJhbGciOiJIUzI1NiJ9."                                                                        \
    "eyJzdWIiOiJyZWMiLCJpYXQiOjE2MDAwMDAwMDAsImV4cCI6MTYwMDAwMDAwNX0.c2lnbmF0dXJl"
#define JSON "answer-header Content-Type: application/json\n"
#define CARRIES_TOKEN "header Authorization: Bearer " RECORDED_JWT "\n"
#define LOGIN                                                                                      \
    "0 10 POST /auth/login 200 {\"email\":\"a@b.c\",\"password\":\"pw\"}\n"                        \
    "header Content-Type: application/json\n" JSON "answer {\"access_token\":\"" RECORDED_JWT      \
    "\",\"refresh_token\":\"refresh-recorded-1\",\"expires_in\":5}\n"
#define POLL(at, state)                                                                            \
    at " GET /jobs/rec-7 200\n" CARRIES_TOKEN JSON "answer {\"status\":\"" state "\"}\n"

#define REFRESH                                                                                    \
    "20 30 POST /auth/refresh 200 {\"refresh_token\":\"refresh-recorded-1\"}\n"                    \
    "header Content-Type: application/json\n" JSON "answer {\"access_token\":\"" RECORDED_JWT      \
    "2\",\"refresh_token\":\"refresh-recorded-2\",\"expires_in\":5}\n"
#define BIND(to) "bind 1 body:/access_token -> " to " header:Authorization\n"

/* Asked for every 12 s, with tokens of 5 s. The result is asked for before the last answer is
 * there: it waits beside the polls. */
static const char script[] =
    "session s\n" LOGIN "20 30 POST /jobs 202 {}\n" CARRIES_TOKEN JSON
    "answer {\"id\":\"rec-7\"}\n" POLL("12000 12010", "queued") POLL("24000 24010", "running")
        POLL("36000 36010", "done") "36005 36030 GET /jobs/rec-7/text 200\n" CARRIES_TOKEN BIND("2")
            BIND("3") BIND("4") BIND("5") BIND("6") "session other\n" LOGIN REFRESH;

static struct {
    struct loop loop;
    struct plan *plan;
    struct plugin_chain chain;
    struct user_env env;
    struct user *user;
    int ended;
} play;

static void on_metric(void *owner, uint32_t metric, bool is_histogram, uint64_t value)
{
    (void)owner, (void)metric, (void)is_histogram, (void)value;
}

static void on_user_ended(void *owner, struct user *user)
{
    (void)owner, (void)user;
    play.ended++;
}

static void prepare(const char *first, const char *second)
{
    const char *const specs[] = {first, second};
    const char *folder = TEST_BINARY_DIR "/reprise-plugins";
    const struct plugin_search search = {&folder, 1};
    const struct plan_options options = {.target = bytes_of("http://target:80"),
                                         .max_bytes = 64 << 20};
    const struct chain_options chain_options = {.seed = 42, .target_url = "http://target:80"};
    struct error err = {.text = ""};
    char path[256];
    memset(&play, 0, sizeof play);
    fake_now_us = 0;
    snprintf(path, sizeof path, "%s.trace", program_invocation_short_name);
    if (script_trace_write(path, script, &err) || plan_build(&play.plan, path, &options, &err) ||
        chain_open(&play.chain, specs, 2, &search, &err) ||
        chain_start(&play.chain, &chain_options, &err) ||
        plugin_show_recorded(play.plan, path, &options, &play.chain, &err) ||
        loop_init(&play.loop, &err))
        fail_msg("%s", err.text);
    unlink(path);
    chain_set_origin(&play.chain, TOKEN_TARGET_UNIX_S * 1000000);
    play.loop.clock_us = fake_clock_us;
    loop_set_origin(&play.loop, 0);
    play.env = (struct user_env){
        .loop = &play.loop,
        .plan = play.plan,
        .pacing = {PACING_THINK, 5, 1},
        .ops = &token_transport,
        .target = bytes_of("http://target:80"),
        .chain = &play.chain,
        .chain_worker = chain_worker_new(&play.chain, on_metric, NULL),
        .metrics = metrics_new(play.plan->endpoint_count + 1),
        .unix_origin_us = TOKEN_TARGET_UNIX_S * 1000000,
        .ws_wait_us = 1000000,
        .max_in_flight = 100,
        .user_ended = on_user_ended,
    };
    chain_worker_serve(play.env.chain_worker, &plugin_services, 5);
    assert_int_equal(token_transport.open(&play.env.transport, &play.loop, NULL, &err), 0);
}

static void run(const char *first, const char *second)
{
    prepare(first, second);
    play.user = user_new(&play.env, 0);
    assert_int_equal(user_play(play.user, &play.plan->sessions[0], 0), 0);
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(play.ended, 1);
}

/* All went well but for what is told. */
static void expect_no_failures(void)
{
    const struct metrics *metrics = play.env.metrics;
    for (uint32_t i = 0; i < metrics->sample_count; i++)
        print_message("%s\n", metrics->samples[i].detail);
    assert_int_equal(metrics->sessions_by_result[SESSION_FAILED], 0);
}

static int set_up(void **state)
{
    (void)state;
    token_target_reset();
    token_target.job_us = UINT64_C(90000000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct chain_worker *worker = play.env.chain_worker;
    user_free(play.user);
    user_env_fini(&play.env);
    fake_run(&play.loop, UINT64_MAX - 1);
    token_transport.close(play.env.transport);
    metrics_free(play.env.metrics);
    loop_fini(&play.loop);
    chain_worker_free(worker);
    chain_stop(&play.chain, 0);
    chain_close(&play.chain);
    plan_free(play.plan);
    return 0;
}

static void a_poll_that_waits_longer_than_a_token_lives_goes_out_with_a_good_one(void **state)
{
    (void)state;
    run("ai_queue", "jwt_refresh");
    assert_int_equal(token_target.refused, 0);
    assert_int_equal(token_target.jobs, 1);
    assert_int_equal(token_target.polls, 8); /* 90 s at one in 12 */
    assert_int_equal(token_target.refreshes, 8);
    assert_int_equal(token_target.served, 1 + 8 + 1);
    expect_no_failures();
}

/* Named first, jwt_refresh is asked before the wait, and tokens end in it: why the order counts. */
static void named_the_other_way_round_polls_are_refused(void **state)
{
    (void)state;
    run("jwt_refresh", "ai_queue");
    assert_true(token_target.refused > 0);
}

/* The deadline is looked for no more often than a host allows holds. */
static void a_deadline_of_hours_is_waited_for(void **state)
{
    (void)state;
    token_target.job_us = UINT64_C(20000000000);
    token_target.ttl_us = UINT64_C(600000000);
    run("ai_queue:deadline=10h,rhythm=recorded,cap=9999", "jwt_refresh");
    assert_int_equal(token_target.refused, 0);
    expect_no_failures();
    assert_in_range(token_target.polls, 1660, 1670);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_poll_that_waits_longer_than_a_token_lives_goes_out_with_a_good_one, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(named_the_other_way_round_polls_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_deadline_of_hours_is_waited_for, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

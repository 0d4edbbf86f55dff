/* waits_and_tokens_test.c - ai_queue, which lets requests wait, together with jwt_refresh, which
 * looks at their tokens: it is asked when they go out, however long they have waited, and whichever
 * is named first. */
#include "tests/plugins/loaded_play.h"
#include "tests/plugins/token_target.h"

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

static void run(const char *first, const char *second)
{
    loaded_prepare(script, (const char *const[]){first, second, NULL}, &token_transport, 5);
    loaded_run();
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
    loaded_end();
    return 0;
}

static void expect_all_served(void)
{
    assert_int_equal(token_target.refused, 0);
    assert_int_equal(token_target.jobs, 1);
    assert_int_equal(token_target.polls, 8); /* 90 s at one in 12 */
    assert_int_equal(token_target.refreshes, 8);
    assert_int_equal(token_target.served, 1 + 8 + 1);
    loaded_expect_no_failures();
}

static void a_poll_that_waits_longer_than_a_token_lives_goes_out_with_a_good_one(void **state)
{
    (void)state;
    run("ai_queue", "jwt_refresh");
    expect_all_served();
}

/* Asked before the wait, and once more behind it. */
static void it_does_so_named_the_other_way_round(void **state)
{
    (void)state;
    run("jwt_refresh", "ai_queue");
    expect_all_served();
}

/* What became of the attempt between two refusals, ai_queue alone was told: it asked again. */
static void a_poll_whose_token_is_revoked_twice_is_saved_twice(void **state)
{
    (void)state;
    token_target.ttl_us = UINT64_C(900000000);
    token_target.revoke_at_us = UINT64_C(40000000);
    loaded_prepare(script, (const char *const[]){"jwt_refresh", "ai_queue", NULL}, &token_transport,
                   5);
    loaded_run_until(UINT64_C(60000000));
    assert_int_equal(token_target.refused, 1);
    token_target.revoke_at_us = UINT64_C(61000000);
    loaded_run();
    assert_int_equal(token_target.refused, 2);
    assert_int_equal(token_target.refreshes, 2);
    assert_int_equal(token_target.served, 1 + 8 + 1);
    loaded_expect_no_failures();
}

/* The deadline is looked for no more often than a host allows holds. */
static void a_deadline_of_hours_is_waited_for(void **state)
{
    (void)state;
    token_target.job_us = UINT64_C(20000000000);
    token_target.ttl_us = UINT64_C(600000000);
    run("ai_queue:deadline=10h,rhythm=recorded,cap=9999", "jwt_refresh");
    assert_int_equal(token_target.refused, 0);
    loaded_expect_no_failures();
    assert_in_range(token_target.polls, 1660, 1670);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_poll_that_waits_longer_than_a_token_lives_goes_out_with_a_good_one, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(it_does_so_named_the_other_way_round, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_poll_whose_token_is_revoked_twice_is_saved_twice, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_deadline_of_hours_is_waited_for, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

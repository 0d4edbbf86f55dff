/* jwt_refresh_test.c - whole sessions of users with the plugin, against a target whose tokens end,
 * rotate, are revoked and are broken in every way. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "plugins/jwt_refresh/metric.h"
#include "plugins/jwt_refresh/tokens.h"
#include "replay/plugin_recorded.h"
#include "replay/plugin_services.h"
#include "replay/user.h"
#include "tests/plugins/chain_fixture.h"
#include "tests/plugins/token_target.h"
#include "tests/support/fake_target.h"
#include "tests/support/script_trace.h"

const reprise_plugin *reprise_plugin_entry(void);

enum { MAX_USERS = 1000 };

static struct {
    struct loop loop;
    struct plan *plan;
    struct plugin_chain chain;
    struct chain_worker *worker;
    struct user_env env;
    struct user *users[MAX_USERS];
    size_t user_count, ended;
    uint64_t metrics[METRIC_USERS_LOST + 1]; /* sums */
} play;

/* --- what was recorded ------------------------------------------------------------------------ */

#define RECORDED_JWT                                                                               \
    "eyJhbGciOiJIUzI1NiJ9."                                                                        \
    "eyJzdWIiOiJyZWMiLCJpYXQiOjE2MDAwMDAwMDAsImV4cCI6MTYwMDAwMDAwNX0.c2lnbmF0dXJl"
#define RECORDED_JWT_2 "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJyZWMifQ.c2Vjb25k"
#define JSON "header Content-Type: application/json\n"
#define ANSWERS_JSON "answer-header Content-Type: application/json\n"
#define PAIR(access, refresh)                                                                      \
    ANSWERS_JSON "answer {\"access_token\":\"" access "\",\"refresh_token\":\"" refresh            \
                 "\",\"expires_in\":5}\n"
#define LOGIN                                                                                      \
    "0 10 POST /auth/login 200 {\"email\":\"a@b.c\",\"password\":\"pw\"}\n" JSON PAIR(             \
        RECORDED_JWT, "refresh-recorded-1")
#define REFRESH(at)                                                                                \
    at " POST /auth/refresh 200 {\"refresh_token\":\"refresh-recorded-1\"}\n" JSON PAIR(           \
        RECORDED_JWT_2, "refresh-recorded-2")
#define GET(at, path) at " GET " path " 200\nheader Authorization: Bearer " RECORDED_JWT "\n"
#define GET_2(at, path) at " GET " path " 200\nheader Authorization: Bearer " RECORDED_JWT_2 "\n"
/* A second session of the same login refreshes, so that it is known how. */
#define OTHER_SESSION "session other\n" LOGIN REFRESH("20 30") GET_2("40 50", "/me")

static char long_script[64 * 1024];

/* A session that asks for /me every gap_ms; bound as correlation would. */
static const char *steady(int requests, int gap_ms, bool is_bound)
{
    size_t len = (size_t)snprintf(long_script, sizeof long_script, "session s\n%s", LOGIN);
    for (int i = 1; i <= requests; i++) {
        len += (size_t)snprintf(long_script + len, sizeof long_script - len,
                                "%d %d GET /me 200\nheader Authorization: Bearer %s\n", i * gap_ms,
                                i * gap_ms + 5, RECORDED_JWT);
        if (is_bound)
            len +=
                (size_t)snprintf(long_script + len, sizeof long_script - len,
                                 "bind 1 body:/access_token -> %d header:Authorization\n", i + 1);
    }
    snprintf(long_script + len, sizeof long_script - len, OTHER_SESSION);
    return long_script;
}

/* --- playing it ------------------------------------------------------------------------------- */

static void on_metric(void *owner, uint32_t metric, bool is_histogram, uint64_t value)
{
    (void)owner;
    (void)is_histogram;
    play.metrics[metric] += value;
}

static void on_user_ended(void *owner, struct user *user)
{
    (void)owner;
    (void)user;
    play.ended++;
}

static void start_chain(const char *path, const struct plan_options *options,
                        const char *plugin_options)
{
    struct error err;
    const struct plugin loaded = {.api = *reprise_plugin_entry(), .path = strdup("here")};
    const struct chain_options chain_options = {.seed = 42, .target_url = "http://target:80"};
    if (chain_reserve(&play.chain, 1, &err) ||
        chain_adopt(&play.chain, &loaded, plugin_options, &err) ||
        chain_start(&play.chain, &chain_options, &err) ||
        plugin_show_recorded(play.plan, path, options, &play.chain, &err))
        fail_msg("%s", err.text);
    chain_set_origin(&play.chain, TOKEN_TARGET_UNIX_S * 1000000);
    play.worker = chain_worker_new(&play.chain, on_metric, NULL);
    chain_worker_serve(play.worker, &plugin_services, 1);
}

static void prepare(const char *script, const char *plugin_options)
{
    const struct plan_options options = {.target = bytes_of("http://target:80"),
                                         .max_bytes = 256 << 20};
    struct error err;
    char path[256];
    memset(&play, 0, sizeof play);
    fake_now_us = 0;
    snprintf(path, sizeof path, "%s.trace", program_invocation_short_name);
    if (script_trace_write(path, script, &err) || plan_build(&play.plan, path, &options, &err))
        fail_msg("%s", err.text);
    start_chain(path, &options, plugin_options);
    unlink(path);
    assert_int_equal(loop_init(&play.loop, &err), 0);
    play.loop.clock_us = fake_clock_us;
    loop_set_origin(&play.loop, 0);
    play.env = (struct user_env){
        .loop = &play.loop,
        .plan = play.plan,
        .pacing = {PACING_THINK, 1, 1},
        .ops = &token_transport,
        .target = bytes_of("http://target:80"),
        .chain = &play.chain,
        .chain_worker = play.worker,
        .metrics = metrics_new(play.plan->endpoint_count + 1),
        .unix_origin_us = TOKEN_TARGET_UNIX_S * 1000000,
        .ws_wait_us = 1000000,
        .max_in_flight = 10000,
        .user_ended = on_user_ended,
    };
    assert_int_equal(token_transport.open(&play.env.transport, &play.loop, NULL, &err), 0);
}

/* `users` play the first session, each gap_us after the one before, to its end. */
static void run(size_t users, uint64_t gap_us)
{
    play.user_count = users;
    for (size_t i = 0; i < users; i++) {
        play.users[i] = user_new(&play.env, i);
        assert_int_equal(user_play(play.users[i], &play.plan->sessions[0], i * gap_us), 0);
    }
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(play.ended, users);
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < play.user_count; i++)
        user_free(play.users[i]);
    user_env_fini(&play.env);
    fake_run(&play.loop, UINT64_MAX - 1);
    token_transport.close(play.env.transport);
    metrics_free(play.env.metrics);
    loop_fini(&play.loop);
    chain_worker_free(play.worker);
    chain_stop(&play.chain, 0);
    chain_close(&play.chain);
    plan_free(play.plan);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    token_target_reset();
    return 0;
}

static void play_one(const char *script, const char *plugin_options)
{
    prepare(script, plugin_options);
    run(1, 0);
}

static uint64_t failures(void)
{
    return play.env.metrics->sessions_by_result[SESSION_FAILED];
}

/* The one user has failed, and this is what was said. */
static void expect_lost(const char *reason)
{
    assert_int_equal(failures(), 1);
    assert_int_equal(play.metrics[METRIC_USERS_LOST], 1);
    for (uint32_t i = 0; i < play.env.metrics->sample_count; i++) {
        if (strstr(play.env.metrics->samples[i].detail, reason))
            return;
        print_message("%s\n", play.env.metrics->samples[i].detail);
    }
    fail_msg("nobody said '%s'", reason);
}

/* No request was refused, and that many refreshes were made. */
static void expect_smooth(uint32_t least_refreshes, uint32_t most_refreshes)
{
    if (token_target.refused)
        fail_msg("%u refused, last %s", token_target.refused, token_target.last_refused);
    assert_in_range(token_target.refreshes, least_refreshes, most_refreshes);
    assert_int_equal(play.metrics[METRIC_REFRESHES], token_target.refreshes);
    assert_int_equal(token_target.refresh_attempts, token_target.refreshes);
    assert_int_equal(failures(), 0);
}

/* --- renewed in time -------------------------------------------------------------------------- */

static void tokens_are_renewed_before_they_end(void **state)
{
    (void)state;
    play_one(steady(60, 1000, true), NULL);
    /* Lives of 5 to 6 s and a request each second: 12 at the most sensible, 10 at the least. */
    expect_smooth(10, 14);
    assert_int_equal(token_target.logins, 1);
    assert_int_equal(token_target.served, 60);
}

static void a_trace_without_bindings_gets_its_tokens_all_the_same(void **state)
{
    (void)state;
    play_one(steady(60, 1000, false), NULL);
    expect_smooth(10, 14);
    assert_int_equal(token_target.served, 60);
}

static void an_hour_of_skew_changes_nothing(void **state)
{
    int64_t skews[] = {INT64_C(3600000000), INT64_C(-3600000000), INT64_C(3599500000)};
    for (size_t i = 0; i < 3; i++) {
        set_up(state);
        token_target.skew_us = skews[i];
        token_target.has_no_expires_in = true;
        play_one(steady(60, 1000, true), NULL);
        expect_smooth(10, 16);
        assert_int_equal(play.metrics[METRIC_ODD_TOKENS], 0);
        if (i < 2)
            tear_down(state);
    }
}

static void without_a_date_the_answer_says_how_long(void **state)
{
    (void)state;
    token_target.has_no_date = true;
    token_target.skew_us = INT64_C(-3600000000);
    play_one(steady(60, 1000, true), NULL);
    expect_smooth(10, 16);
}

static void a_token_that_is_no_jwt_lives_as_the_answer_says(void **state)
{
    (void)state;
    token_target.exp = EXP_NO_JWT;
    play_one(steady(60, 1000, true), NULL);
    expect_smooth(10, 16);
}

static void an_idle_hour_costs_one_refresh(void **state)
{
    (void)state;
    play_one("session s\n" LOGIN GET("20 30", "/me") GET("3600000 3600010", "/me")
                 GET("3600100 3600110", "/me") OTHER_SESSION,
             NULL);
    expect_smooth(1, 1);
    assert_int_equal(token_target.served, 3);
}

static void parallel_requests_wait_for_one_refresh(void **state)
{
    (void)state;
    play_one("session s\n" LOGIN GET("20 30", "/me") GET("9000 9010", "/a") GET("9000 9010", "/b")
                 GET("9000 9010", "/c") GET("9001 9010", "/d") OTHER_SESSION,
             NULL);
    expect_smooth(1, 1);
    assert_int_equal(token_target.served, 5);
    assert_int_equal(play.metrics[METRIC_HELD], 3);
}

static void a_token_in_the_query_is_renewed_too(void **state)
{
    (void)state;
    play_one("session s\n" LOGIN "20 30 GET /ws?token=" RECORDED_JWT
             "&x=1 200\n9000 9010 GET /ws?x=2&token=" RECORDED_JWT " 200\n" OTHER_SESSION,
             NULL);
    expect_smooth(1, 1);
    assert_int_equal(token_target.served, 2);
}

/* Its Date is a whole second: at any moment of it the wait is long enough, and no longer than that
 * second more. */
static void a_token_is_not_used_before_its_nbf_at_any_phase_of_the_second(void **state)
{
    for (int64_t phase_us = 0; phase_us < 1000000; phase_us += 110000) {
        if (phase_us)
            tear_down(state);
        set_up(state);
        token_target.skew_us = phase_us;
        token_target.ttl_us = 8000000;
        token_target.nbf_us = 3000000;
        play_one("session s\n" LOGIN GET("20 30", "/me") GET("30 40", "/a") GET("30 40", "/b")
                     GET("9000 9010", "/me") GET("18000 18010", "/me") OTHER_SESSION,
                 NULL);
        expect_smooth(2, 4);
        assert_int_equal(token_target.served, 5);
        assert_true(token_target.first_served_at_us > 0);
        assert_true(token_target.first_served_at_us < 3000000 + 1000000 + 50000);
    }
}

/* The new token behind a 401 is waited for as well. */
static void a_request_is_repeated_when_the_new_token_has_begun(void **state)
{
    (void)state;
    token_target.ttl_us = UINT64_C(900000000);
    token_target.nbf_us = 3000000;
    token_target.skew_us = 470000;
    token_target.revoke_at_us = 6500000;
    play_one("session s\n" LOGIN GET("20 30", "/me") GET("9000 9010", "/me") GET("9000 9010", "/a")
                 OTHER_SESSION,
             NULL);
    assert_int_equal(token_target.refused, 2);
    assert_int_equal(play.metrics[METRIC_401_SAVED], 2);
    assert_int_equal(play.metrics[METRIC_401_LEFT], 0);
    assert_int_equal(token_target.refreshes, 1);
    assert_int_equal(token_target.served, 3);
}

/* --- refused ---------------------------------------------------------------------------------- */

static void a_revoked_token_is_renewed_and_the_request_sent_once_more(void **state)
{
    (void)state;
    token_target.ttl_us = UINT64_C(900000000);
    token_target.revoke_at_us = 5500000;
    play_one(steady(10, 1000, true), NULL);
    assert_int_equal(token_target.refused, 1);
    assert_int_equal(token_target.refreshes, 1);
    assert_int_equal(token_target.served, 10);
    assert_int_equal(play.metrics[METRIC_401_SEEN], 1);
    assert_int_equal(play.metrics[METRIC_401_SAVED], 1);
    assert_int_equal(play.metrics[METRIC_401_LEFT], 0);
}

static void what_is_refused_with_a_new_token_too_is_a_result(void **state)
{
    (void)state;
    token_target.ttl_us = UINT64_C(900000000);
    play_one("session s\n" LOGIN GET("20 30", "/never") GET("40 50", "/me") OTHER_SESSION, NULL);
    assert_int_equal(token_target.refused, 2);
    assert_int_equal(token_target.refreshes, 1);
    assert_int_equal(play.metrics[METRIC_401_LEFT], 1);
    assert_int_equal(play.metrics[METRIC_401_SAVED], 0);
    assert_int_equal(token_target.served, 1);
}

static void a_target_that_refuses_everything_is_not_stormed(void **state)
{
    (void)state;
    token_target.ttl_us = UINT64_C(900000000);
    play_one("session s\n" LOGIN GET("20 30", "/never/1") GET("40 50", "/never/2")
                 GET("60 70", "/never/3") GET("80 90", "/never/4") GET("100 110", "/never/5")
                     OTHER_SESSION,
             NULL);
    assert_int_equal(token_target.refreshes, 3);
    assert_int_equal(play.metrics[METRIC_401_LEFT], 5);
    assert_int_equal(play.metrics[METRIC_USERS_LOST], 1);
    assert_int_equal(failures(), 0);
}

/* One hiccup on a page of three: it is one token that did not help. */
static void requests_with_the_same_new_token_say_it_once(void **state)
{
    (void)state;
    token_target.ttl_us = UINT64_C(900000000);
    token_target.revoke_at_us = 5500000;
    token_target.lag_us = 300000;
    play_one("session s\n" LOGIN GET("6000 6010", "/a") GET("6000 6010", "/b")
                 GET("6000 6010", "/c") GET("6200 6210", "/a") GET("6200 6210", "/b")
                     GET("6200 6210", "/c") GET("9000 9010", "/a") OTHER_SESSION,
             NULL);
    assert_int_equal(play.metrics[METRIC_401_LEFT], 3);
    assert_int_equal(play.metrics[METRIC_401_SAVED], 3);
    assert_int_equal(play.metrics[METRIC_USERS_LOST], 0);
    assert_int_equal(token_target.refreshes, 2);
    assert_int_equal(token_target.served, 4);
}

#define THREE_REFUSED GET("20 30", "/never/1") GET("40 50", "/never/2") GET("60 70", "/never/3")

/* A page that is always refused costs the user three refreshes, and not the session. */
static void who_was_given_up_is_renewed_at_the_tokens_end(void **state)
{
    (void)state;
    token_target.revoke_at_us = 9500000;
    play_one("session s\n" LOGIN THREE_REFUSED GET("80 90", "/never/4") GET("9000 9010", "/me")
                 GET("10000 10010", "/me") OTHER_SESSION,
             NULL);
    assert_int_equal(play.metrics[METRIC_401_LEFT], 4);
    assert_int_equal(play.metrics[METRIC_401_SAVED], 1);
    assert_int_equal(play.metrics[METRIC_USERS_LOST], 1);
    assert_int_equal(token_target.refreshes, 3 + 1 + 1);
    assert_int_equal(token_target.served, 2);
}

static void who_was_given_up_has_one_try_with_each_later_token(void **state)
{
    (void)state;
    play_one("session s\n" LOGIN THREE_REFUSED GET("9000 9010", "/never/4")
                 GET("9100 9110", "/never/5") GET("9200 9210", "/never/6") OTHER_SESSION,
             NULL);
    assert_int_equal(play.metrics[METRIC_401_LEFT], 6);
    assert_int_equal(play.metrics[METRIC_USERS_LOST], 1);
    assert_int_equal(token_target.refreshes, 3 + 1 + 1);
}

/* A minute stands for the end that is not known. */
static void who_was_given_up_with_a_token_without_end_has_a_try_each_minute(void **state)
{
    (void)state;
    token_target.ttl_us = UINT64_C(900000000);
    token_target.exp = EXP_NO_JWT;
    token_target.has_no_expires_in = true;
    play_one("session s\n" LOGIN THREE_REFUSED GET("50000 50010", "/never/4")
                 GET("61000 61010", "/never/5") GET("90000 90010", "/never/6") OTHER_SESSION,
             NULL);
    assert_int_equal(play.metrics[METRIC_401_LEFT], 6);
    assert_int_equal(token_target.refreshes, 3 + 1);
}

static void a_recorded_401_is_left_alone(void **state)
{
    (void)state;
    play_one("session s\n" LOGIN "20 30 GET /never 401\nheader Authorization: Bearer " RECORDED_JWT
             "\n" OTHER_SESSION,
             NULL);
    assert_int_equal(token_target.refreshes, 0);
    assert_int_equal(play.metrics[METRIC_401_SEEN], 0);
}

/* exp says something else than what the target does. */
static void an_absurd_exp_is_not_believed(void **state)
{
    static const enum token_exp kinds[] = {EXP_PAST, EXP_1970};
    for (size_t i = 0; i < 2; i++) {
        set_up(state);
        token_target.exp = kinds[i];
        token_target.has_no_expires_in = true;
        play_one(steady(20, 1000, true), NULL);
        /* Renewed when the target refuses it: each such request is sent once more. */
        assert_in_range(token_target.refreshes, 3, 4);
        assert_int_equal(token_target.refused, token_target.refreshes);
        assert_int_equal(play.metrics[METRIC_401_SAVED], token_target.refused);
        assert_int_equal(play.metrics[METRIC_ODD_TOKENS], token_target.refreshes + 1);
        assert_int_equal(failures(), 0);
        if (i == 0)
            tear_down(state);
    }
}

static void an_exp_in_a_string_is_read_and_a_word_is_none(void **state)
{
    (void)state;
    token_target.exp = EXP_DIGITS;
    play_one(steady(20, 1000, true), NULL);
    expect_smooth(3, 5);
    tear_down(state);
    set_up(state);
    token_target.exp = EXP_WORD; /* expires_in is what is left */
    play_one(steady(20, 1000, true), NULL);
    expect_smooth(3, 5);
    assert_int_equal(play.metrics[METRIC_ODD_TOKENS], token_target.refreshes + 1);
}

/* --- a refresh that fails --------------------------------------------------------------------- */

static void expect_login_instead(enum token_fault fault, uint32_t attempts)
{
    token_target.refresh_fault = fault;
    play_one("session s\n" LOGIN GET("20 30", "/me") GET("9000 9010", "/me") OTHER_SESSION, NULL);
    assert_int_equal(token_target.refused, 0);
    assert_int_equal(token_target.refresh_attempts, attempts);
    assert_int_equal(token_target.logins, 2);
    assert_int_equal(play.metrics[METRIC_LOGINS], 1);
    assert_int_equal(play.metrics[METRIC_REFRESHES_FAILED], 1);
    assert_int_equal(token_target.served, 2);
    assert_int_equal(failures(), 0);
}

static void a_refused_refresh_is_followed_by_a_login(void **state)
{
    (void)state;
    expect_login_instead(FAULT_REFUSED, 1);
}

static void a_broken_refresh_is_tried_three_times_and_followed_by_a_login(void **state)
{
    (void)state;
    expect_login_instead(FAULT_500, 3);
}

static void a_refresh_that_hangs_is_followed_by_a_login(void **state)
{
    (void)state;
    expect_login_instead(FAULT_HANG, 1);
}

static void html_instead_of_json_is_followed_by_a_login(void **state)
{
    (void)state;
    expect_login_instead(FAULT_HTML, 1);
}

static void a_refresh_that_is_broken_once_is_tried_again(void **state)
{
    (void)state;
    token_target.refresh_fault = FAULT_500;
    token_target.fault_count = 1;
    play_one("session s\n" LOGIN GET("20 30", "/me") GET("9000 9010", "/me") OTHER_SESSION, NULL);
    assert_int_equal(token_target.refresh_attempts, 2);
    assert_int_equal(token_target.logins, 1);
    assert_int_equal(token_target.served, 2);
}

static void expect_user_lost(enum token_fault refresh, enum token_fault login, const char *reason)
{
    token_target.refresh_fault = refresh;
    prepare("session s\n" LOGIN GET("20 30", "/me") GET("9000 9010", "/me") GET("9000 9010", "/b")
                OTHER_SESSION,
            NULL);
    play.user_count = 1;
    play.users[0] = user_new(&play.env, 0);
    assert_int_equal(user_play(play.users[0], &play.plan->sessions[0], 0), 0);
    fake_run(&play.loop, 5000000);
    token_target.login_fault = login;
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(play.ended, 1);
    expect_lost(reason);
    assert_int_equal(play.metrics[METRIC_LOGINS_FAILED], 1);
}

static void a_user_without_refresh_and_login_fails_by_name(void **state)
{
    (void)state;
    expect_user_lost(FAULT_REFUSED, FAULT_REFUSED,
                     "plugin jwt_refresh: on_response: the refresh failed: 401 at /auth/refresh, "
                     "and the login failed: 401 at /auth/login");
    tear_down(state);
    set_up(state);
    expect_user_lost(FAULT_HANG, FAULT_HANG,
                     "the refresh failed: no answer at /auth/refresh, and the login failed: no "
                     "answer at /auth/login");
    tear_down(state);
    set_up(state);
    expect_user_lost(FAULT_HTML, FAULT_HTML,
                     "and the login failed: 200 at /auth/login with text/html");
    tear_down(state);
    set_up(state);
    expect_user_lost(FAULT_500, FAULT_500,
                     "the refresh failed: 500 at /auth/refresh, and the login failed: 500 at");
}

static void a_recorded_login_that_gives_no_token_fails_the_user_by_name(void **state)
{
    (void)state;
    token_target.login_fault = FAULT_HTML;
    play_one("session s\n" LOGIN GET("20 30", "/me"), NULL);
    expect_lost("the login failed: 200 at /auth/login with text/html and no token");
    assert_int_equal(token_target.refused, 0);
}

/* The recorded login's refusal is a result; its user is lost all the same. */
static void a_user_whose_login_is_refused_is_lost_once(void **state)
{
    (void)state;
    token_target.login_fault = FAULT_REFUSED;
    prepare("session s\n" LOGIN GET("20 30", "/me") GET("900 910", "/me") OTHER_SESSION, NULL);
    run(7, 1000);
    assert_int_equal(play.metrics[METRIC_USERS_LOST], 7);
    assert_int_equal(play.metrics[METRIC_LOGINS_FAILED], 0);
    assert_int_equal(failures(), 0);
}

static void a_login_that_is_recorded_once_more_finds_the_user(void **state)
{
    (void)state;
    token_target.login_fault = FAULT_REFUSED;
    token_target.fault_count = 1;
    play_one("session s\n" LOGIN "100 110 POST /auth/login 200 "
             "{\"email\":\"a@b.c\",\"password\":\"pw\"}\n" JSON PAIR(
                 RECORDED_JWT_2, "second-refresh") GET_2("200 210", "/me"),
             NULL);
    assert_int_equal(token_target.served, 1);
    assert_int_equal(play.metrics[METRIC_USERS_LOST], 0);
}

/* --- what the recording does about tokens ----------------------------------------------------- */

#define REFRESHES_ITSELF                                                                           \
    "session s\n" LOGIN GET("20 30", "/me") REFRESH("1000 1010") GET_2("1100 1110", "/me")         \
        GET_2("9000 9010", "/me") "bind 1 body:/access_token -> 2 header:Authorization\n"          \
                                  "bind 1 body:/refresh_token -> 3 body:/refresh_token\n"          \
                                  "bind 3 body:/access_token -> 4 header:Authorization\n"          \
                                  "bind 3 body:/access_token -> 5 header:Authorization\n"

static void a_recorded_refresh_that_is_not_needed_is_not_sent(void **state)
{
    (void)state;
    play_one(REFRESHES_ITSELF, NULL);
    expect_smooth(1, 1); /* before the last request, not where it was recorded */
    assert_true(token_target.refreshed_at_us[0] > 8000000);
    assert_int_equal(play.metrics[METRIC_DROPPED], 1);
    assert_int_equal(token_target.served, 3);
}

static void a_recorded_refresh_may_be_kept(void **state)
{
    (void)state;
    play_one(REFRESHES_ITSELF, "recorded=keep");
    assert_int_equal(token_target.refused, 0);
    assert_int_equal(token_target.refreshes, 2);
    assert_true(token_target.refreshed_at_us[0] < 1100000);
    assert_int_equal(play.metrics[METRIC_DROPPED], 0);
    assert_int_equal(play.metrics[METRIC_REFRESHES], 1);
    assert_int_equal(token_target.served, 3);
}

static void after_a_logout_nothing_is_renewed(void **state)
{
    (void)state;
    token_target.takes_any_token = true;
    play_one("session s\n" LOGIN "20 30 POST /auth/logout 200\nheader Authorization: "
             "Bearer " RECORDED_JWT "\n" GET("9000 9010", "/me") OTHER_SESSION,
             NULL);
    assert_int_equal(token_target.refreshes, 0);
    assert_int_equal(token_target.served, 2);
}

static void a_refresh_that_nobody_recorded_is_told_by_an_option(void **state)
{
    (void)state;
    play_one("session s\n" LOGIN GET("20 30", "/me") GET("9000 9010", "/me"),
             "refresh=POST:/auth/refresh");
    expect_smooth(1, 1);
    assert_int_equal(token_target.served, 2);
}

static void without_a_refresh_a_login_is_made(void **state)
{
    (void)state;
    token_target.gives_no_refresh = true;
    play_one("session s\n" LOGIN GET("20 30", "/me") GET("9000 9010", "/me"), NULL);
    assert_int_equal(token_target.refused, 0);
    assert_int_equal(token_target.logins, 2);
    assert_int_equal(token_target.served, 2);
}

static void an_api_key_is_asked_for_again(void **state)
{
    (void)state;
    token_target.exp = EXP_NO_JWT;
    token_target.ttl_us = UINT64_C(900000000);
    token_target.revoke_at_us = 5000000;
    play_one("session s\n" LOGIN "20 30 POST /keys 200\nheader Authorization: Bearer " RECORDED_JWT
             "\n" ANSWERS_JSON
             "answer {\"key\":\"recorded-api-key-1\"}\n40 50 GET /v1 200\nheader X-API-Key: "
             "recorded-api-key-1\n9000 9010 GET /v1 200\nheader X-API-Key: "
             "recorded-api-key-1\n" OTHER_SESSION,
             NULL);
    /* Token and key are refused: the key is asked for with a token that had to be renewed. */
    assert_int_equal(token_target.keys, 2);
    assert_int_equal(failures(), 0);
    assert_int_equal(play.metrics[METRIC_401_LEFT], 0);
}

static void a_cookie_session_is_logged_in_again(void **state)
{
    (void)state;
    token_target.exp = EXP_NO_JWT;
    token_target.gives_no_refresh = token_target.has_no_expires_in = true;
    play_one("session s\n0 10 POST /auth/login 200 user=u&password=p\n"
             "header Content-Type: application/x-www-form-urlencoded\n"
             "set-cookie sid=recorded-session-1; Path=/\n"
             "20 30 GET /home 200\nheader Cookie: sid=recorded-session-1\n"
             "9000 9010 GET /home 200\nheader Cookie: sid=recorded-session-1\n",
             NULL);
    assert_int_equal(token_target.logins, 2);
    assert_int_equal(token_target.refused, 1);
    assert_int_equal(token_target.served, 2);
    assert_int_equal(play.metrics[METRIC_401_SAVED], 1);
}

static void a_cookie_that_is_a_jwt_is_renewed_before_its_end(void **state)
{
    (void)state;
    token_target.gives_no_refresh = true;
    play_one("session s\n0 10 POST /auth/login 302 user=u&password=p\n"
             "header Content-Type: application/x-www-form-urlencoded\n"
             "set-cookie sid=" RECORDED_JWT "; Path=/\n"
             "20 30 GET /home 200\nheader Cookie: sid=" RECORDED_JWT "\n"
             "9000 9010 GET /home 200\nheader Cookie: theme=dark; sid=" RECORDED_JWT "\n",
             NULL);
    assert_int_equal(token_target.refused, 0);
    assert_int_equal(token_target.logins, 2);
    assert_int_equal(token_target.served, 2);
}

/* --- signed here ------------------------------------------------------------------------------ */

/* The options of a run that signs with a key of its own. `sub`: that, and more options behind it.
 */
static void prepare_signing(const char *script, const char *sub)
{
    char options[300], path[128];
    snprintf(path, sizeof path, "%s.key", program_invocation_short_name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("secret of the target\n", file);
    fclose(file);
    snprintf(options, sizeof options, "sign=HS256,key=%s,sub=%s", path, sub);
    token_target.takes_any_token = !token_target.judges;
    prepare(script, options);
    unlink(path);
}

static void expect_last_sub(const char *sub)
{
    char wanted[64];
    char *payload = token_part(text_of(token_target.last_token), 1);
    snprintf(wanted, sizeof wanted, "\"sub\":\"%s\"", sub);
    assert_non_null(payload);
    assert_non_null(strstr(payload, wanted));
    free(payload);
}

static void signed_tokens_need_no_login(void **state)
{
    (void)state;
    struct token_times times;
    prepare_signing(steady(20, 1000, true), "load-{user}");
    run(2, 1000);
    assert_int_equal(token_target.logins, 0);
    assert_int_equal(token_target.served, 40);
    assert_in_range(play.metrics[METRIC_SIGNED], 8, 14);
    assert_int_equal(play.metrics[METRIC_DROPPED], 2);
    expect_last_sub("load-1");
    assert_int_equal(token_read(text_of(token_target.last_token), &times), 0);
    assert_int_equal(times.exp_us - times.iat_us, 5000000);
}

static bool says_that_it_is_good(const char *token, int64_t unix_us)
{
    struct token_times times;
    return token_read(text_of(token), &times) == 0 && times.exp_us > unix_us &&
           times.iat_us <= unix_us;
}

/* At any phase of the target's second, and before anything is known of its clock. */
static void tokens_of_a_second_are_signed_and_renewed_in_time(void **state)
{
    for (int64_t phase_us = 0; phase_us < 1000000; phase_us += 130000) {
        if (phase_us)
            tear_down(state);
        set_up(state);
        token_target.judges = says_that_it_is_good;
        token_target.has_no_date = phase_us == 0;
        token_target.skew_us = phase_us;
        prepare_signing(steady(100, 70, true), "load-{user},life=1s");
        run(3, 137000);
        if (token_target.refused)
            fail_msg("skew %lld: %u refused, last %s", (long long)phase_us, token_target.refused,
                     token_target.last_refused);
        assert_int_equal(token_target.served, 300);
        assert_int_equal(play.metrics[METRIC_ODD_TOKENS], 0);
        /* 7 s of lives of a second and more, renewed at half of it at the earliest. */
        assert_in_range(play.metrics[METRIC_SIGNED], 3 * 3, 3 * 15);
    }
}

static void a_token_of_before_the_recording_is_signed(void **state)
{
    (void)state;
    prepare_signing("session s\n" GET("0 10", "/me") GET("9000 9010", "/me"), "");
    run(1, 0);
    assert_int_equal(token_target.served, 2);
    assert_int_equal(play.metrics[METRIC_SIGNED], 2);
    assert_string_not_equal(token_target.last_token, RECORDED_JWT);
    expect_last_sub("rec");
}

#define HOME(at) at " GET /home 200\nheader Cookie: theme=dark; sid=" RECORDED_JWT "\n"

/* Two tokens, each in the cookie, and no login. */
static void expect_signed_cookies(const char *script)
{
    struct token_times times;
    token_target_reset();
    prepare_signing(script, "load-{user}");
    run(1, 0);
    assert_int_equal(token_target.logins, 0);
    assert_int_equal(token_target.served, 2);
    assert_int_equal(play.metrics[METRIC_SIGNED], 2);
    expect_last_sub("load-0");
    assert_int_equal(token_read(text_of(token_target.last_token), &times), 0);
    assert_true(times.iat_us >= (TOKEN_TARGET_UNIX_S + 8) * 1000000);
    assert_int_equal(failures(), 0);
}

static void a_signed_token_is_in_the_cookie_that_the_login_would_have_set(void **state)
{
    /* That cookie's life is of another day, and its path is the folder of the login. */
    expect_signed_cookies(
        "session s\n0 10 POST /auth/login 302 user=u&password=p\n"
        "header Content-Type: application/x-www-form-urlencoded\n"
        "set-cookie sid=" RECORDED_JWT
        "; path=/; HttpOnly; Expires=Wed, 01 Jan 2020 00:00:00 GMT; max-age=1\n" HOME("20 30")
            HOME("9000 9010"));
    assert_int_equal(play.metrics[METRIC_DROPPED], 1);
    tear_down(state);
    /* A page that put the token of the answer's body into a cookie. */
    expect_signed_cookies("session s\n" LOGIN HOME("20 30") HOME("9000 9010"));
}

static void a_cookie_of_before_the_recording_is_signed(void **state)
{
    (void)state;
    expect_signed_cookies("session s\n" HOME("0 10") HOME("9000 9010"));
}

static void a_column_that_is_not_there_fails_the_user_by_its_name(void **state)
{
    (void)state;
    prepare_signing(steady(3, 1000, true), "data:nothere");
    run(1, 0);
    assert_int_equal(failures(), 1);
    assert_int_equal(play.env.metrics->sample_count, 1);
    assert_non_null(
        strstr(play.env.metrics->samples[0].detail, "sub=data:nothere: --data has no such column"));
}

static void without_a_key_such_a_token_is_sent_as_recorded(void **state)
{
    (void)state;
    play_one("session s\n" GET("0 10", "/me"), NULL);
    assert_int_equal(token_target.refused, 1);
    assert_int_equal(play.metrics[METRIC_401_SEEN], 1);
    assert_int_equal(play.metrics[METRIC_401_LEFT], 1);
    assert_int_equal(failures(), 0);
}

static void a_trace_without_tokens_is_left_alone(void **state)
{
    (void)state;
    token_target.takes_any_token = true;
    play_one("session s\n0 10 GET /a 200\n20 30 POST /b 200 {\"x\":1}\n", NULL);
    assert_int_equal(token_target.served, 2);
    assert_int_equal(token_target.refresh_attempts + token_target.logins, 0);
}

static void options_that_make_no_sense_stop_the_start(void **state)
{
    (void)state;
    static const struct {
        const char *options, *reason;
    } rows[] = {
        {"margin=soon", "margin and jitter: a share of a token's life (5%) or a time (2s)"},
        {"statuses=200", "statuses: '200': at most 8 numbers from 300 to 499, blanks between"},
        {"recorded=twice", "recorded: 'twice' is neither drop nor keep"},
        {"clock=wall", "clock: 'wall' is neither target nor own"},
        {"sign=RS256", "sign= and key= go together: sign=RS256,key=FILE"},
        {"sign=RS256,key=/nowhere", "key: /nowhere: cannot be read, is empty or over 65536 bytes"},
        {"refresh=/r,refresh_body=x", "refresh_body: {token} says where the refresh token goes"},
        {"refresh_body={token}", "refresh_body: neither JSON nor a form with {token} as a value"},
        {"refresh_body={\"a\":\"{token}\"", "refresh_body: neither JSON nor a form"},
        {"login=foo", "login: it is METHOD:/path, like POST:/auth/login"},
        {"login=post:/x", "login: it is METHOD:/path, like POST:/auth/login"},
        {"refresh=foo", "refresh: it is METHOD:/path, like POST:/auth/refresh"},
        {"token=header", "token: it is header NAME, cookie NAME or query NAME"},
        {"token=foo X", "token: it is header NAME, cookie NAME or query NAME"},
        {"token=header ", "token: it is header NAME, cookie NAME or query NAME"},
        {"tries=0", "tries: it is at least 1"},
        {"sub=load-{user}", "sub: it is for tokens that are signed here"},
        {"sign=HS256,key=/k,sub=data:", "sub: data: needs a column of --data"},
        {"life=5m", "life: it is for tokens that are signed here"},
        {"sign=HS256,key=/k,life=0s", "life: a time longer than 0, like 15m"},
        {"sign=HS256,key=/k,life=900ms", "life: 1s at least, as exp counts whole seconds"},
        {"sign=HS256,key=/k,life=long", "life: a time longer than 0, like 15m"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plugin_chain chain = {0};
        const struct plugin loaded = {.api = *reprise_plugin_entry(), .path = strdup("here")};
        const struct chain_options options = {.target_url = "http://target:80"};
        struct error err = {.text = ""};
        assert_int_equal(chain_reserve(&chain, 1, &err), 0);
        assert_int_equal(chain_adopt(&chain, &loaded, rows[i].options, &err), 0);
        assert_int_equal(chain_start(&chain, &options, &err), -1);
        if (!strstr(err.text, rows[i].reason))
            fail_msg("%s: %s", rows[i].options, err.text);
        chain_close(&chain);
    }
}

/* --- a thousand users ------------------------------------------------------------------------- */

/* Users ask every 0.7 s for two minutes, from a start within `ramp_us`. */
static void play_thousand(uint64_t ramp_us)
{
    prepare(steady(170, 700, true), NULL);
    run(MAX_USERS, ramp_us / MAX_USERS);
}

/* 15-minute tokens, all revoked at one moment: nobody is kept waiting for the sake of the others.
 */
static void after_a_mass_revocation_nobody_waits_long(void **state)
{
    (void)state;
    token_target.ttl_us = UINT64_C(900000000);
    token_target.revoke_at_us = 20000000;
    prepare(steady(40, 700, true), NULL);
    run(MAX_USERS, 1000);
    assert_int_equal(token_target.refused, MAX_USERS);
    assert_int_equal(play.metrics[METRIC_401_SAVED], MAX_USERS);
    assert_int_equal(token_target.refreshes, MAX_USERS);
    for (uint32_t i = 0; i < token_target.refreshes; i++)
        assert_in_range(token_target.refreshed_at_us[i], 20000000, 23000000);
}

/* From a start within ramp_us to the end. */
static void expect_no_stampede(uint64_t ramp_us)
{
    static uint32_t bins[2000];
    uint64_t first_us = UINT64_MAX, last_us = 0;
    uint32_t most = 0;
    play_thousand(ramp_us);
    assert_int_equal(token_target.refused, 0);
    memset(bins, 0, sizeof bins);
    for (uint32_t i = 0; i < token_target.refreshes; i++) {
        uint64_t at_us = token_target.refreshed_at_us[i];
        uint32_t in_bin = ++bins[at_us / 100000];
        most = in_bin > most ? in_bin : most;
        first_us = at_us < first_us ? at_us : first_us;
        last_us = at_us > last_us ? at_us : last_us;
    }
    double mean = token_target.refreshes / ((double)(last_us - first_us) / 100000);
    print_message("%u refreshes, at most %u in 100 ms, %.1f on average\n", token_target.refreshes,
                  most, mean);
    assert_true(most <= 3 * mean);
    /* 119 s of lives that are 5.5 s on average and end with the first request behind that. */
    assert_true(token_target.refreshes / MAX_USERS <= 1.2 * 119 / 5.5);
}

static void a_thousand_users_do_not_refresh_at_once(void **state)
{
    (void)state;
    expect_no_stampede(10000000);
}

static void a_thousand_users_who_began_together_neither(void **state)
{
    (void)state;
    expect_no_stampede(500000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define PLAYED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        PLAYED(tokens_are_renewed_before_they_end),
        PLAYED(a_trace_without_bindings_gets_its_tokens_all_the_same),
        PLAYED(an_hour_of_skew_changes_nothing),
        PLAYED(without_a_date_the_answer_says_how_long),
        PLAYED(a_token_that_is_no_jwt_lives_as_the_answer_says),
        PLAYED(an_idle_hour_costs_one_refresh),
        PLAYED(parallel_requests_wait_for_one_refresh),
        PLAYED(a_token_in_the_query_is_renewed_too),
        PLAYED(a_token_is_not_used_before_its_nbf_at_any_phase_of_the_second),
        PLAYED(a_request_is_repeated_when_the_new_token_has_begun),
        PLAYED(a_revoked_token_is_renewed_and_the_request_sent_once_more),
        PLAYED(what_is_refused_with_a_new_token_too_is_a_result),
        PLAYED(a_target_that_refuses_everything_is_not_stormed),
        PLAYED(requests_with_the_same_new_token_say_it_once),
        PLAYED(who_was_given_up_is_renewed_at_the_tokens_end),
        PLAYED(who_was_given_up_has_one_try_with_each_later_token),
        PLAYED(who_was_given_up_with_a_token_without_end_has_a_try_each_minute),
        PLAYED(a_recorded_401_is_left_alone),
        PLAYED(an_absurd_exp_is_not_believed),
        PLAYED(an_exp_in_a_string_is_read_and_a_word_is_none),
        PLAYED(a_refused_refresh_is_followed_by_a_login),
        PLAYED(a_broken_refresh_is_tried_three_times_and_followed_by_a_login),
        PLAYED(a_refresh_that_hangs_is_followed_by_a_login),
        PLAYED(html_instead_of_json_is_followed_by_a_login),
        PLAYED(a_refresh_that_is_broken_once_is_tried_again),
        PLAYED(a_user_without_refresh_and_login_fails_by_name),
        PLAYED(a_recorded_login_that_gives_no_token_fails_the_user_by_name),
        PLAYED(a_user_whose_login_is_refused_is_lost_once),
        PLAYED(a_login_that_is_recorded_once_more_finds_the_user),
        PLAYED(a_recorded_refresh_that_is_not_needed_is_not_sent),
        PLAYED(a_recorded_refresh_may_be_kept),
        PLAYED(after_a_logout_nothing_is_renewed),
        PLAYED(a_refresh_that_nobody_recorded_is_told_by_an_option),
        PLAYED(without_a_refresh_a_login_is_made),
        PLAYED(an_api_key_is_asked_for_again),
        PLAYED(a_cookie_session_is_logged_in_again),
        PLAYED(a_cookie_that_is_a_jwt_is_renewed_before_its_end),
        PLAYED(signed_tokens_need_no_login),
        PLAYED(tokens_of_a_second_are_signed_and_renewed_in_time),
        PLAYED(a_token_of_before_the_recording_is_signed),
        PLAYED(a_signed_token_is_in_the_cookie_that_the_login_would_have_set),
        PLAYED(a_cookie_of_before_the_recording_is_signed),
        PLAYED(a_column_that_is_not_there_fails_the_user_by_its_name),
        PLAYED(without_a_key_such_a_token_is_sent_as_recorded),
        PLAYED(a_trace_without_tokens_is_left_alone),
        cmocka_unit_test(options_that_make_no_sense_stop_the_start),
        PLAYED(after_a_mass_revocation_nobody_waits_long),
        PLAYED(a_thousand_users_do_not_refresh_at_once),
        PLAYED(a_thousand_users_who_began_together_neither),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* user_plugin_test.c - whole sessions of one user whose plugins are written in the test itself. */
#include "tests/plugins/chain_fixture.h"
#include "tests/support/play.h"

static struct play play;
static struct fixture fx; /* its chain and worker */
static int calls;         /* of the plugins, as each test counts them */

static void start(const char *script, enum pacing_mode mode, const reprise_plugin *const *plugins)
{
    calls = 0;
    fixture_start(&fx, plugins);
    play_prepare(&play, script, (struct pacing){mode, 1, 1});
    play.env.target = bytes_of("https://target.test:8443"); /* what the fixture tells plugins */
    play.env.chain = &fx.chain;
    play.env.chain_worker = fx.worker;
    play_start(&play, 0, 0);
}

static void expect_and_end(const char *log)
{
    play_expect(&play, log);
    assert_int_equal(play.ended, 1);
    assert_int_equal(play.env.in_flight, 0);
    play_end(&play);
    fixture_stop(&fx);
}

static void add(const reprise_call *call, const char *url, uint32_t tag)
{
    reprise_request *added = call->host->new_request(call, NULL, tag);
    assert_non_null(added);
    assert_int_equal(call->host->set_url(call, added, url), 0);
    assert_int_equal(call->host->send(call, added), 0);
}

static int end_at_once(const reprise_call *call, reprise_request *request)
{
    (void)call;
    (void)request;
    calls++;
    return REPRISE_END_SESSION;
}

static void a_session_that_a_plugin_ended_asks_and_sends_nothing_more(void **state)
{
    (void)state;
    start("session s\n0 10 GET /a 200\n0 10 GET /b 200\n", PACING_THINK,
          (const reprise_plugin *[]){PLUGIN("p", .on_request = end_at_once), NULL});
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(calls, 1);
    assert_int_equal(play.env.metrics->steps_not_sent, 2);
    expect_and_end("");
}

static int end_after_answer(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    (void)response;
    return REPRISE_END_SESSION;
}

static void what_is_queued_is_not_sent_for_a_session_that_has_ended(void **state)
{
    (void)state;
    start("session s\n0 10 GET /a 200\n0 10 GET /b 200\n", PACING_THINK,
          (const reprise_plugin *[]){PLUGIN("p", .on_response = end_after_answer), NULL});
    play.env.max_in_flight = 1;
    expect_and_end("0 GET /a\n");
}

static int follow_then_hold(const reprise_call *call, reprise_request *request)
{
    if (request->step == REPRISE_ADDED)
        return REPRISE_CONTINUE;
    if (request->attempt == 0)
        add(call, "/after", 1);
    return request->attempt && !request->holds ? REPRISE_HOLD : REPRISE_CONTINUE;
}

static int retry_once(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    bool is_first = response->request->step != REPRISE_ADDED && response->request->attempt == 0;
    return is_first ? REPRISE_RETRY : REPRISE_CONTINUE;
}

static void a_retry_may_be_held_for_what_followed_the_first_answer(void **state)
{
    (void)state;
    start("session s\n0 10 GET /a 200\n", PACING_THINK,
          (const reprise_plugin *[]){
              PLUGIN("p", .on_request = follow_then_hold, .on_response = retry_once), NULL});
    expect_and_end("0 GET /a\n10 GET /after\n20 GET /a\n");
}

static int add_ahead(const reprise_call *call, reprise_request *request)
{
    if (request->step != REPRISE_ADDED && !request->holds)
        add(call, "/first", 1);
    return REPRISE_CONTINUE;
}

enum { LOGIN = 9 };

/* Everything but its own login waits until that has been answered. */
static int hold_for_login(const reprise_call *call, reprise_request *request)
{
    if (request->tag == LOGIN || calls)
        return REPRISE_CONTINUE;
    if (request->step != REPRISE_ADDED)
        add(call, "/login", LOGIN);
    return REPRISE_HOLD;
}

static int note_login(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    calls += response->request->tag == LOGIN;
    return REPRISE_CONTINUE;
}

static void what_a_held_request_waits_for_is_sent_ahead_of_it(void **state)
{
    (void)state;
    start("session s\n0 10 GET /a 200\n", PACING_THINK,
          (const reprise_plugin *[]){
              PLUGIN("p", .on_request = add_ahead),
              PLUGIN("q", .on_request = hold_for_login, .on_response = note_login), NULL});
    expect_and_end("0 GET /login\n10 GET /first\n20 GET /a\n");
}

static int send_more(const reprise_call *call, const reprise_ws_message *message)
{
    if (!message->is_outgoing) {
        assert_int_equal(message->index, 0); /* of its direction */
        return REPRISE_CONTINUE;
    }
    assert_int_equal(message->index, calls++);
    if (message->index == 1)
        call->host->delay_us(call, 50000);
    assert_int_equal(call->host->ws_send(call, "more", 4, 1), 0);
    return REPRISE_CONTINUE;
}

static void a_message_that_a_plugin_sends_comes_behind_the_one_in_hand(void **state)
{
    (void)state;
    static const struct fake_push pushes[] = {{-1, 1, "welcome"}, {0}};
    fake_pushes = pushes;
    start("session s\n0 5 WS /live\n< 10 welcome\n> 15 one\n> 25 two\n", PACING_THINK,
          (const reprise_plugin *[]){PLUGIN("p", .on_ws_message = send_more), NULL});
    expect_and_end("0 WS /live\n11 > one\n11 > more\n71 > two\n71 > more\n71 > close 1000\n");
}

static int hold_upgrade(const reprise_call *call, reprise_request *request)
{
    (void)request;
    call->host->delay_us(call, 100000);
    return REPRISE_CONTINUE;
}

static void messages_wait_for_an_upgrade_that_is_retried(void **state)
{
    (void)state;
    start("session s\n0 5 WS /live\n> 6 one\n", PACING_OPEN,
          (const reprise_plugin *[]){
              PLUGIN("p", .on_request = hold_upgrade, .on_response = retry_once), NULL});
    expect_and_end("100 WS /live\n205 WS /live\n210 > one\n210 > close 1000\n");
}

static int skip_late(const reprise_call *call, reprise_request *request)
{
    call->host->delay_us(call, 100000);
    (void)request;
    return REPRISE_SKIP;
}

static void messages_of_an_upgrade_that_is_skipped_are_not_sent(void **state)
{
    (void)state;
    start("session s\n0 5 WS /live\n> 6 one\n", PACING_OPEN,
          (const reprise_plugin *[]){PLUGIN("p", .on_request = skip_late), NULL});
    expect_and_end("");
}

static int log_in_later(const reprise_call *call)
{
    call->host->delay_us(call, 50000);
    add(call, "/login", LOGIN);
    return REPRISE_CONTINUE;
}

static void a_delay_at_the_start_comes_before_what_is_added_there(void **state)
{
    (void)state;
    start("session s\n0 10 GET /a 200\n", PACING_THINK,
          (const reprise_plugin *[]){PLUGIN("p", .on_session_start = log_in_later), NULL});
    expect_and_end("50 GET /login\n60 GET /a\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_that_a_plugin_ended_asks_and_sends_nothing_more),
        cmocka_unit_test(what_is_queued_is_not_sent_for_a_session_that_has_ended),
        cmocka_unit_test(a_retry_may_be_held_for_what_followed_the_first_answer),
        cmocka_unit_test(what_a_held_request_waits_for_is_sent_ahead_of_it),
        cmocka_unit_test(a_message_that_a_plugin_sends_comes_behind_the_one_in_hand),
        cmocka_unit_test(messages_wait_for_an_upgrade_that_is_retried),
        cmocka_unit_test(a_delay_at_the_start_comes_before_what_is_added_there),
        cmocka_unit_test(messages_of_an_upgrade_that_is_skipped_are_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

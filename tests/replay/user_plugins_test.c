/* user_plugins_test.c - several plugins at one user: none spends what is another's. */
#include "tests/plugins/chain_play.h"

static int keep_body(const reprise_call *call, reprise_request *request)
{
    (void)request;
    call->host->keep_body(call);
    return REPRISE_CONTINUE;
}

static int count_body(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    calls += response->body.ptr && strcmp(response->body.ptr, "hello") == 0;
    return REPRISE_CONTINUE;
}

static int hold_once(const reprise_call *call, reprise_request *request)
{
    call->host->delay_us(call, 5000);
    return request->holds ? REPRISE_CONTINUE : REPRISE_HOLD;
}

static void a_body_is_kept_although_another_plugin_holds(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /a", 10, 200, 0, NULL, "hello"}, {0}};
    fake_answers = answers;
    chain_play_start("session s\n0 10 GET /a 200\n",
                     (const reprise_plugin *[]){
                         PLUGIN("keeps", .on_request = keep_body, .on_response = count_body),
                         PLUGIN("holds", .on_request = hold_once), NULL});
    chain_play_end("10 GET /a\n");
    assert_int_equal(calls, 1);
}

static int limit(const reprise_call *call, reprise_request *request)
{
    call->host->limit_us(call, request->attempt == 0 ? 70000 : 0);
    call->host->limit_us(call, request->attempt == 0 ? 80000 : 0);
    return REPRISE_CONTINUE;
}

static int try_again_once(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    if (response->request->attempt)
        return REPRISE_CONTINUE;
    assert_int_equal(response->status, 0);
    calls++;
    return REPRISE_RETRY;
}

/* Of each attempt anew, from when it is sent: another plugin's hold comes before. */
static void an_answer_is_given_up_at_a_plugins_limit(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /a", 100, 200, 0, NULL, "hello"}, {0}};
    fake_answers = answers;
    chain_play_start("session s\n0 10 GET /a 200\n",
                     (const reprise_plugin *[]){
                         PLUGIN("limits", .on_request = limit, .on_response = try_again_once),
                         PLUGIN("holds", .on_request = hold_once), NULL});
    chain_play_end("10 GET /a\n90 GET /a\n");
    assert_int_equal(calls, 1);
}

/* Six times each, in turn. */
static int hold_six(const reprise_call *call, reprise_request *request)
{
    uint32_t *held = call->user;
    (void)request;
    if (*held == 6)
        return REPRISE_CONTINUE;
    ++*held;
    call->host->delay_us(call, 1000);
    return REPRISE_HOLD;
}

static int retry_six(const reprise_call *call, const reprise_response *response)
{
    uint32_t *state = call->user;
    (void)response;
    if (state[1] == 6)
        return REPRISE_CONTINUE;
    state[1]++;
    state[0] = 0; /* holds of one attempt */
    return REPRISE_RETRY;
}

static void a_plugins_limits_are_not_spent_by_others(void **state)
{
    (void)state;
    chain_play_start(
        "session s\n0 10 GET /a 200\n",
        (const reprise_plugin *[]){PLUGIN("a", .user_size = 8, .max_holds = 6, .max_retries = 6,
                                          .on_request = hold_six, .on_response = retry_six),
                                   PLUGIN("b", .user_size = 8, .max_holds = 6, .max_retries = 6,
                                          .on_request = hold_six, .on_response = retry_six),
                                   NULL});
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(play.env.metrics->sessions_by_result[SESSION_FAILED], 0);
    struct endpoint_metrics all;
    assert_int_equal(metrics_sum_endpoints(play.env.metrics, &all), 0);
    assert_int_equal(all.withdrawn, 12);
    endpoint_metrics_fini(&all);
    chain_play_fini();
}

static int hold_second_for_another(const reprise_call *call, reprise_request *request)
{
    if (request->step != 1 || request->holds)
        return REPRISE_CONTINUE;
    reprise_request *other = call->host->new_request(call, request, 1);
    assert_int_equal(call->host->send(call, other), 0);
    return REPRISE_HOLD;
}

static int settle_second_twice(const reprise_call *call, const reprise_response *response)
{
    if (response->request->tag != 1)
        return REPRISE_CONTINUE;
    assert_int_equal(call->host->settle(call, 1, NULL), 0);
    assert_int_equal(call->host->settle_like(call, 1, response), 0);
    return REPRISE_CONTINUE;
}

static void a_step_settled_while_it_waits_for_an_added_request_is_dealt_with(void **state)
{
    (void)state;
    chain_play_start("session s\n0 10 GET /a 200\n20 30 GET /b 200\n40 50 GET /c 200\n",
                     (const reprise_plugin *[]){PLUGIN("p", .on_request = hold_second_for_another,
                                                       .on_response = settle_second_twice),
                                                NULL});
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(play.env.metrics->sessions_by_result[SESSION_DONE], 1);
    assert_int_equal(play.env.metrics->steps_not_sent, 0);
    assert_int_equal(play.env.metrics->steps_settled, 1);
    chain_play_end("0 GET /a\n20 GET /b\n40 GET /c\n");
}

static uint64_t drawn[2];

static int draw(const reprise_call *call)
{
    drawn[calls++ % 2] = call->host->random(call);
    return REPRISE_CONTINUE;
}

static void each_session_of_a_user_has_random_numbers_of_its_own(void **state)
{
    (void)state;
    chain_play_start("session s\n0 10 GET /a 200\n",
                     (const reprise_plugin *[]){PLUGIN("p", .on_session_start = draw), NULL});
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(user_play(play.users[0], &play.plan->sessions[0], 100000), 0);
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(calls, 2);
    assert_int_not_equal(drawn[0], drawn[1]);
    chain_play_fini();
}

static const struct bytes *sent_values[4]; /* of the requests, in order */
static int sent_count;

static struct transport_call *note_values(struct transport_user *user,
                                          const struct transport_request *request,
                                          enum failure *ret_failure)
{
    sent_values[sent_count++ % 4] = request->values;
    return fake_target.send(user, request, ret_failure);
}

static int replace_while_b_is_sent(const reprise_call *call, const reprise_response *response)
{
    if (response->request->step != 2)
        return REPRISE_CONTINUE;
    const reprise_bytes old = {"tok", 3}, fresh = {"a longer token", 14};
    const struct values *values = &play.users[0]->values;
    assert_true(call->host->replace_value(call, old, fresh) > 0);
    assert_int_equal(sent_count, 3);
    for (uint32_t i = 0; i < values->count; i++) {
        const struct bytes *text = &sent_values[1][i];
        calls += text->ptr != NULL;
        assert_true(!text->ptr || bytes_equal(*text, bytes_of("tok")));
    }
    return REPRISE_CONTINUE;
}

/* It may be half on its way, with a length that was told. */
static void a_request_under_way_keeps_the_values_it_began_with(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /a", 10, 200, 0, NULL, "{\"t\":\"tok\"}"},
                                                 {"GET /b/tok", 50, 200, 0, NULL, NULL},
                                                 {0}};
    struct transport_ops ops = fake_target;
    ops.send = note_values;
    fake_answers = answers;
    sent_count = 0;
    chain_play_start(
        "session s\n0 10 GET /a 200\nanswer {\"t\":\"old\"}\n"
        "20 90 GET /b/old 200\n20 40 GET /c/old 200\n"
        "bind 1 body:/t -> 2 path:2\nbind 1 body:/t -> 3 path:2\n",
        (const reprise_plugin *[]){PLUGIN("p", .on_response = replace_while_b_is_sent), NULL});
    play.env.ops = &ops;
    chain_play_end("0 GET /a\n20 GET /b/tok\n20 GET /c/tok\n");
    assert_true(calls > 0);
}

static int settle_polls(const reprise_call *call, reprise_request *request)
{
    if (request->step != 1)
        return REPRISE_CONTINUE;
    assert_int_equal(call->host->settle(call, 1, NULL), 0);
    return REPRISE_SKIP;
}

/* The second needs a value that nobody has given; the third, too, and is sent. */
static void what_a_plugin_settles_lacks_nothing(void **state)
{
    (void)state;
    for (int policy = 0; policy < MISSING_COUNT; policy++) {
        chain_play_start(
            "session s\n0 10 GET /a 200\nanswer {\"id\":\"old\"}\n20 30 GET /b/old 200\n"
            "40 50 GET /c 200\nbind 1 body:/id -> 2 path:2\n",
            (const reprise_plugin *[]){PLUGIN("p", .on_request = settle_polls), NULL});
        play.env.on_missing = policy;
        play_expect(&play, "0 GET /a\n30 GET /c\n");
        assert_int_equal(play.env.metrics->sessions_by_result[SESSION_DONE], 1);
        assert_int_equal(metrics_bindings_missing(play.env.metrics), 0);
        chain_play_fini();
    }
}

static int aim_elsewhere(const reprise_call *call, reprise_request *request)
{
    return call->host->set_url(call, request, "http://example.test/x") ? REPRISE_FAIL
                                                                       : REPRISE_CONTINUE;
}

static int touch(const reprise_call *call, reprise_request *request)
{
    return call->host->set_header(call, request, "X-A", "1") ? REPRISE_FAIL : REPRISE_CONTINUE;
}

static void who_aims_a_request_elsewhere_is_named(void **state)
{
    (void)state;
    chain_play_start("session s\n0 10 GET /a 200\n",
                     (const reprise_plugin *[]){PLUGIN("a", .on_request = touch),
                                                PLUGIN("aims", .on_request = aim_elsewhere),
                                                PLUGIN("c", .on_request = touch), NULL});
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(play.env.metrics->sample_count, 1);
    assert_string_equal(play.env.metrics->samples[0].detail,
                        "plugin aims: aimed it at example.test, which --allow-target does not "
                        "name");
    chain_play_end("");
}

static int fail_at_length(const reprise_call *call, reprise_request *request)
{
    (void)request;
    call->host->error(call, "%0200d: and what it comes to", 7);
    return REPRISE_FAIL;
}

static void what_a_plugin_says_at_length_is_not_cut(void **state)
{
    (void)state;
    chain_play_start("session s\n0 10 GET /a 200\n",
                     (const reprise_plugin *[]){PLUGIN("p", .on_request = fail_at_length), NULL});
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(play.env.metrics->sample_count, 1);
    assert_non_null(strstr(play.env.metrics->samples[0].detail, "7: and what it comes to"));
    chain_play_end("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_plugin_settles_lacks_nothing),
        cmocka_unit_test(who_aims_a_request_elsewhere_is_named),
        cmocka_unit_test(what_a_plugin_says_at_length_is_not_cut),
        cmocka_unit_test(an_answer_is_given_up_at_a_plugins_limit),
        cmocka_unit_test(a_body_is_kept_although_another_plugin_holds),
        cmocka_unit_test(a_plugins_limits_are_not_spent_by_others),
        cmocka_unit_test(a_step_settled_while_it_waits_for_an_added_request_is_dealt_with),
        cmocka_unit_test(a_request_under_way_keeps_the_values_it_began_with),
        cmocka_unit_test(each_session_of_a_user_has_random_numbers_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

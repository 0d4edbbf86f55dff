/* user_settle_test.c - what plugins do to the rest of a user's session: marked steps, answers of
 * their own, values replaced, judgements, requests of other steps. */
#include "tests/plugins/chain_play.h"

/* marks[i] is what `plugins[0]` gives step i in on_recorded. */
static void start(const char *script, const reprise_plugin *const *plugins)
{
    struct error err;
    chain_play_prepare(script, plugins);
    const struct plan_session *session = &play.plan->sessions[0];
    if (chain_wants_recorded(&fx.chain)) {
        chain_recorded_begin(&fx.chain, (uint64_t)session->session_id, session->step_count);
        for (uint32_t i = 0; i < session->step_count; i++) {
            const reprise_recorded recorded = {.step = i};
            assert_true(chain_recorded(&fx.chain, &recorded, &err) >= 0);
        }
    }
    assert_int_equal(chain_recording_end(&fx.chain, &err), 0);
    play_start(&play, 0, 0);
}

static int mark_second(const reprise_call *call, const reprise_recorded *recorded)
{
    if (recorded->step == 1)
        assert_int_equal(call->host->mark(call, 1, 7), 0);
    assert_int_equal(call->host->mark(call, call->step_count, 1), -1);
    return REPRISE_CONTINUE;
}

static int expect_second(const reprise_call *call, reprise_request *request)
{
    assert_int_equal(request->step, 1);
    assert_int_equal(request->mark, 7);
    assert_int_equal(call->step_count, 3);
    call->host->set_header(call, request, "X-Marked", "1");
    calls++;
    return REPRISE_CONTINUE;
}

static int expect_second_answer(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    assert_int_equal(response->request->mark, 7);
    calls++;
    return REPRISE_CONTINUE;
}

static void only_marked_steps_are_shown_to_who_asks_for_them(void **state)
{
    (void)state;
    start("session s\n0 10 GET /a 200\n20 30 GET /b 200\n40 50 GET /c 200\n",
          (const reprise_plugin *[]){PLUGIN("p", .flags = REPRISE_MARKED_ONLY,
                                            .on_recorded = mark_second, .on_request = expect_second,
                                            .on_response = expect_second_answer),
                                     NULL});
    chain_play_end("0 GET /a\n20 GET /b\n  X-Marked: 1\n40 GET /c\n");
    assert_int_equal(calls, 2);
}

static int count_session(const reprise_call *call)
{
    (void)call;
    calls++;
    return REPRISE_CONTINUE;
}

static int mark_nothing(const reprise_call *call, const reprise_recorded *recorded)
{
    (void)call;
    (void)recorded;
    return REPRISE_CONTINUE;
}

static void a_session_without_marks_is_not_shown_to_who_asks_for_them(void **state)
{
    (void)state;
    start("session s\n0 10 GET /a 200\n",
          (const reprise_plugin *[]){
              PLUGIN("p", .flags = REPRISE_MARKED_ONLY, .on_recorded = mark_nothing,
                     .on_session_start = count_session, .on_request = expect_second),
              NULL});
    assert_null(play.users[0]->plugins);
    chain_play_end("0 GET /a\n");
    assert_int_equal(calls, 0);
}

static const struct bytes *values_of_b; /* while it is under way */

static bool asks_for(const struct http_request *http, const char *path)
{
    struct bytes end = bytes_of(path);
    return http->url.len >= end.len &&
           bytes_equal(bytes_from(http->url, http->url.len - end.len), end);
}

/* All that an unmarked step is sent with is the plan's and the user's: no copies. */
static struct transport_call *expect_no_cost(struct transport_user *user,
                                             const struct transport_request *request,
                                             enum failure *ret_failure)
{
    const struct http_request *http = request->http;
    bool is_b = asks_for(http, "/b/old");
    if (is_b || asks_for(http, "/c/old")) {
        assert_false(request->is_filled);
        assert_false(request->keeps_headers);
        assert_false(request->keeps_body);
        assert_null(http->own_headers);
        assert_int_equal(http->arena->used_bytes, 0);
        assert_ptr_equal(request->values, play.users[0]->values.texts);
    }
    if (is_b)
        values_of_b = request->values;
    return fake_target.send(user, request, ret_failure);
}

static int mark_third(const reprise_call *call, const reprise_recorded *recorded)
{
    (void)recorded;
    return call->host->mark(call, 2, 1) ? REPRISE_FAIL : REPRISE_SKIP;
}

static int replace_while_b_is_sent(const reprise_call *call, const reprise_response *response)
{
    const reprise_bytes old = {"tok", 3}, fresh = {"fresh", 5};
    int found = 0;
    assert_int_equal(response->request->mark, 1);
    assert_true(call->host->replace_value(call, old, fresh) > 0);
    for (uint32_t i = 0; i < play.users[0]->values.count; i++)
        found += bytes_equal(values_of_b[i], bytes_of("tok"));
    assert_int_equal(found, 1); /* /b may be half on its way */
    calls++;
    return REPRISE_CONTINUE;
}

static void unmarked_steps_of_a_session_with_marks_cost_what_they_cost_without(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /a", 10, 200, 0, NULL, "{\"t\":\"tok\"}"},
                                                 {"GET /b/tok", 50, 200, 0, NULL, NULL},
                                                 {0}};
    struct transport_ops ops = fake_target;
    ops.send = expect_no_cost;
    fake_answers = answers;
    start("session s\n0 10 GET /a 200\nanswer {\"t\":\"old\"}\n"
          "20 70 GET /b/old 200\n20 40 GET /m/old 200\n90 95 GET /c/old 200\n"
          "bind 1 body:/t -> 2 path:2\nbind 1 body:/t -> 3 path:2\nbind 1 body:/t -> 4 path:2\n",
          (const reprise_plugin *[]){PLUGIN("p", .flags = REPRISE_MARKED_ONLY,
                                            .on_recorded = mark_third,
                                            .on_response = replace_while_b_is_sent),
                                     NULL});
    play.env.ops = &ops;
    chain_play_end("0 GET /a\n20 GET /b/tok\n20 GET /m/tok\n90 GET /c/fresh\n");
    assert_int_equal(calls, 1);
}

#define POLL_SCRIPT                                                                                \
    "session s\n0 10 GET /poll 200\n110 120 GET /poll 200\n220 230 GET /poll 200\n"                \
    "answer {\"url\":\"old\"}\n330 340 GET /get/old 200\n"                                         \
    "bind 3 body:/url -> 4 path:2\n"

/* Done with the first answer: the polls behind it are that answer. */
static int settle_rest(const reprise_call *call, const reprise_response *response)
{
    if (response->request->step != 0)
        return REPRISE_CONTINUE;
    assert_int_equal(call->host->settle_like(call, 1, response), 0);
    assert_int_equal(call->host->settle_like(call, 2, response), 0);
    assert_int_equal(call->host->settle_like(call, 0, response), -1); /* the one in hand */
    return REPRISE_CONTINUE;
}

static void settled_steps_give_their_values_and_take_no_time(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"GET /poll", 10, 200, 0, NULL, "{\"url\":\"live\"}"}, {0}};
    fake_answers = answers;
    start(POLL_SCRIPT,
          (const reprise_plugin *[]){
              PLUGIN("p", .flags = REPRISE_WANT_BODY, .on_response = settle_rest), NULL});
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(play.env.metrics->steps_settled, 2);
    assert_int_equal(play.env.metrics->steps_not_sent, 0);
    chain_play_end("0 GET /poll\n110 GET /get/live\n");
}

/* In on_request, of the request in hand. */
static int answer_polls(const reprise_call *call, reprise_request *request)
{
    static const reprise_header headers[] = {{{"Content-Type", 12}, {"application/json", 16}}};
    const reprise_answer answer = {.size = sizeof answer,
                                   .status = 200,
                                   .headers = headers,
                                   .header_count = 1,
                                   .body = {"{\"url\":\"made\"}", 14}};
    if (request->step == 3)
        return REPRISE_CONTINUE;
    assert_int_equal(call->host->settle(call, request->step, &answer), 0);
    return REPRISE_SKIP;
}

static void a_plugin_answers_the_request_in_hand(void **state)
{
    (void)state;
    start(POLL_SCRIPT, (const reprise_plugin *[]){PLUGIN("p", .on_request = answer_polls), NULL});
    chain_play_end("300 GET /get/made\n");
}

static int replace_token(const reprise_call *call, const reprise_response *response)
{
    if (response->request->step != 1)
        return REPRISE_CONTINUE;
    reprise_bytes old = {"a b", 3}, fresh = {"c/d", 3}, none = {"zz", 2};
    assert_int_equal(call->host->replace_value(call, none, fresh), 0);
    assert_int_equal(call->host->replace_value(call, old, fresh), 3);
    return REPRISE_CONTINUE;
}

static void a_replaced_value_is_in_all_its_forms(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"POST /login", 10, 200, 0, NULL, "{\"token\":\"a b\"}"}, {0}};
    fake_answers = answers;
    start("session s\n0 10 POST /login 200\nanswer {\"token\":\"old\"}\n20 30 GET /a 200\n"
          "header Authorization: Bearer old\n40 50 GET /b?t=old 200\n60 70 GET /c 200\n"
          "header Authorization: Bearer old\n80 90 GET /d 200\nheader X-Basic: b2xk\n"
          "bind 1 body:/token -> 2 header:Authorization\nbind 1 body:/token -> 3 query:t\n"
          "bind 1 body:/token -> 4 header:Authorization\n"
          "bind 1 body:/token -> 5 header:X-Basic as base64\n",
          (const reprise_plugin *[]){PLUGIN("p", .on_response = replace_token), NULL});
    chain_play_end("0 POST /login\n20 GET /a\n  Authorization: Bearer a b\n"
                   "40 GET /b?t=c%2Fd\n60 GET /c\n  Authorization: Bearer c/d\n"
                   "80 GET /d\n  X-Basic: Yy9k\n");
}

static int set_cookies(const reprise_call *call, reprise_request *request)
{
    const reprise_host *host = call->host;
    if (request->step == 0) {
        static char huge[200000] = "huge=";
        memset(huge + 5, 'x', sizeof huge - 6);
        assert_int_equal(host->set_cookie(call, 0, huge), -1);
        assert_int_equal(host->set_cookie(call, 0, "sid=mine; Path=/"), 0);
        assert_int_equal(host->set_cookie(call, 1, "folder=1; HttpOnly"), 0);
        assert_int_equal(host->set_cookie(call, REPRISE_ADDED, "all=2"), 0);
        assert_int_equal(host->set_cookie(call, 4, "sid=other"), -1); /* no such step */
        assert_int_equal(host->set_cookie(call, 0, "no cookie"), -1);
        assert_int_equal(host->set_cookie(call, 0, "sid=a\r\nX: b"), -1);
        assert_int_equal(host->set_cookie(call, 0, NULL), -1);
    }
    if (request->step == 3)
        assert_int_equal(host->set_cookie(call, 0, "sid=; Max-Age=0; Path=/"), 0);
    return REPRISE_CONTINUE;
}

static void a_cookie_that_a_plugin_sets_is_in_the_request_in_hand_and_behind(void **state)
{
    (void)state;
    start("session s\n0 10 GET /a 200\nheader Cookie: sid=recorded; theme=dark\n"
          "20 30 GET /x/b 200\nheader Cookie: sid=recorded\n"
          "40 50 GET /c 200\nheader Cookie: sid=recorded\n60 70 GET /d 200\n"
          "header Cookie: sid=recorded\n",
          (const reprise_plugin *[]){PLUGIN("p", .on_request = set_cookies), NULL});
    chain_play_end("0 GET /a\n  cookie sid=mine; all=2; theme=dark\n"
                   "20 GET /x/b\n  cookie folder=1; sid=mine; all=2\n"
                   "40 GET /c\n  cookie sid=mine; all=2\n60 GET /d\n  cookie all=2\n");
}

static int login_again(const reprise_call *call, reprise_request *request)
{
    if (request->step != 1 || request->holds)
        return REPRISE_CONTINUE;
    reprise_request *login = call->host->new_request_of_step(call, 0, 5);
    assert_non_null(login);
    assert_null(call->host->new_request_of_step(call, 9, 5));
    assert_int_equal(call->host->send(call, login), 0);
    return REPRISE_HOLD;
}

static void a_recorded_request_is_made_anew_with_the_users_values(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"GET /form", 10, 200, 0, NULL, "{\"csrf\":\"live\"}"}, {0}};
    fake_answers = answers;
    start("session s\n0 10 GET /form 200\nanswer {\"csrf\":\"old\"}\n"
          "20 30 POST /login 200 {\"csrf\":\"old\"}\nbind 1 body:/csrf -> 2 body:/csrf\n",
          (const reprise_plugin *[]){PLUGIN("p", .on_request = login_again), NULL});
    chain_play_end("0 GET /form\n20 GET /form\n30 POST /login\n  body {\"csrf\":\"live\"}\n");
}

static int ask_again(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    return response->status == 401 ? REPRISE_RETRY : REPRISE_CONTINUE;
}

static void an_answer_that_is_asked_for_again_is_no_result(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /a", 10, 401, 0, NULL, NULL}, {0}};
    fake_answers = answers;
    start(
        "session s\n0 10 GET /a 200\n",
        (const reprise_plugin *[]){PLUGIN("p", .max_retries = 1, .on_response = ask_again), NULL});
    fake_run(&play.loop, 12000);
    struct endpoint_metrics all;
    assert_int_equal(metrics_sum_endpoints(play.env.metrics, &all), 0);
    assert_int_equal(all.requests, 1);
    assert_int_equal(all.withdrawn, 1);
    assert_int_equal(all.failed, 0);
    assert_int_equal(all.diverged, 0);
    assert_int_equal(endpoint_metrics_ended(&all), 0);
    assert_int_equal(all.clocks[CLOCK_RESPONSE].count, 0);
    endpoint_metrics_fini(&all);
    chain_play_end("0 GET /a\n10 GET /a\n");
}

static int judge_by_path(const reprise_call *call, const reprise_response *response)
{
    bool is_limit = response->status == 429;
    assert_int_equal(call->host->judge(call, is_limit ? REPRISE_EXPECTED : REPRISE_UNEXPECTED,
                                       is_limit ? "over the limit" : "should have\nbeen refused"),
                     0);
    return REPRISE_CONTINUE;
}

static void a_plugin_says_what_an_answer_is_worth(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /a", 10, 429, 0, NULL, NULL}, {0}};
    fake_answers = answers;
    start("session s\n0 10 GET /a 200\n20 30 GET /b 200\n",
          (const reprise_plugin *[]){PLUGIN("p", .on_response = judge_by_path), NULL});
    fake_run(&play.loop, UINT64_MAX - 1);
    struct endpoint_metrics all;
    assert_int_equal(metrics_sum_endpoints(play.env.metrics, &all), 0);
    assert_int_equal(all.expected, 1);
    assert_int_equal(all.diverged, 0);
    assert_int_equal(all.failed, 1);
    assert_int_equal(all.by_failure[FAILURE_PLUGIN], 1);
    assert_int_equal(play.env.metrics->sample_count, 1);
    assert_string_equal(play.env.metrics->samples[0].detail, "plugin p: should have been refused");
    endpoint_metrics_fini(&all);
    chain_play_end("0 GET /a\n20 GET /b\n");
}

static int judge_nothing(const reprise_call *call, const reprise_response *response)
{
    assert_int_equal(response->status, 0);
    assert_int_equal(call->host->judge(call, REPRISE_EXPECTED, "as it should be"), -1);
    return REPRISE_CONTINUE;
}

static void what_was_not_answered_is_expected_by_nobody(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /a", 10, 0, FAILURE_RESET, NULL, NULL}, {0}};
    fake_answers = answers;
    start("session s\n0 10 GET /a 200\n",
          (const reprise_plugin *[]){PLUGIN("p", .on_response = judge_nothing), NULL});
    fake_run(&play.loop, UINT64_MAX - 1);
    struct endpoint_metrics all;
    assert_int_equal(metrics_sum_endpoints(play.env.metrics, &all), 0);
    assert_int_equal(all.expected, 0);
    assert_int_equal(all.failed, 1);
    endpoint_metrics_fini(&all);
    chain_play_end("0 GET /a\n");
}

static int hold_long(const reprise_call *call, reprise_request *request)
{
    if (request->step != 1 || request->holds)
        return REPRISE_CONTINUE;
    call->host->delay_us(call, 60000000);
    return REPRISE_HOLD;
}

static int wake_held(const reprise_call *call, const reprise_response *response)
{
    if (response->request->step == 2)
        call->host->wake(call);
    return REPRISE_CONTINUE;
}

static void what_a_plugin_holds_it_wakes(void **state)
{
    (void)state;
    start("session s\n0 10 GET /a 200\n20 90 GET /b 200\n20 80 GET /c 200\n",
          (const reprise_plugin *[]){PLUGIN("p", .on_request = hold_long, .on_response = wake_held),
                                     NULL});
    chain_play_end("0 GET /a\n20 GET /c\n30 GET /b\n");
}

static uint64_t response_us; /* of /b, since it was due */

static int note_response(const reprise_call *call, const reprise_response *response)
{
    if (response->request->step == 1)
        response_us = response->total_us;
    return wake_held(call, response);
}

static void time_that_a_plugin_only_waits_is_no_latency(void **state)
{
    (void)state;
    start("session s\n0 10 GET /a 200\n20 90 GET /b 200\n",
          (const reprise_plugin *[]){
              PLUGIN("p", .on_request = hold_long, .on_response = note_response), NULL});
    chain_play_end("0 GET /a\n60020 GET /b\n");
    assert_int_equal(response_us, 10000);
    start("session s\n0 10 GET /a 200\n20 90 GET /b 200\n20 80 GET /c 200\n",
          (const reprise_plugin *[]){
              PLUGIN("p", .on_request = hold_long, .on_response = note_response), NULL});
    chain_play_end("0 GET /a\n20 GET /c\n30 GET /b\n");
    assert_int_equal(response_us, 10000);
}

static int keep_the_first(const reprise_call *call, reprise_request *request)
{
    if (request->step == 0)
        call->host->keep_body(call);
    return REPRISE_CONTINUE;
}

static int expect_the_first(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    bool is_first = response->request->step == 0;
    assert_true(is_first == (response->body.ptr != NULL));
    calls += is_first && strcmp(response->body.ptr, "hello") == 0;
    return REPRISE_CONTINUE;
}

static void a_body_is_kept_for_who_asked_for_it(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"GET /a", 10, 200, 0, NULL, "hello"}, {"GET /b", 10, 200, 0, NULL, "hello"}, {0}};
    fake_answers = answers;
    start("session s\n0 10 GET /a 200\n20 30 GET /b 200\n",
          (const reprise_plugin *[]){
              PLUGIN("p", .on_request = keep_the_first, .on_response = expect_the_first), NULL});
    chain_play_end("0 GET /a\n20 GET /b\n");
    assert_int_equal(calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_marked_steps_are_shown_to_who_asks_for_them),
        cmocka_unit_test(a_session_without_marks_is_not_shown_to_who_asks_for_them),
        cmocka_unit_test(unmarked_steps_of_a_session_with_marks_cost_what_they_cost_without),
        cmocka_unit_test(settled_steps_give_their_values_and_take_no_time),
        cmocka_unit_test(a_plugin_answers_the_request_in_hand),
        cmocka_unit_test(a_replaced_value_is_in_all_its_forms),
        cmocka_unit_test(a_cookie_that_a_plugin_sets_is_in_the_request_in_hand_and_behind),
        cmocka_unit_test(a_recorded_request_is_made_anew_with_the_users_values),
        cmocka_unit_test(an_answer_that_is_asked_for_again_is_no_result),
        cmocka_unit_test(a_plugin_says_what_an_answer_is_worth),
        cmocka_unit_test(what_was_not_answered_is_expected_by_nobody),
        cmocka_unit_test(what_a_plugin_holds_it_wakes),
        cmocka_unit_test(time_that_a_plugin_only_waits_is_no_latency),
        cmocka_unit_test(a_body_is_kept_for_who_asked_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

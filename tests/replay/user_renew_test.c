/* user_renew_test.c - a request that is made anew while it waits: a value in it was replaced, or
 * many attempts have filled its memory. What plugins changed in it stays. */
#include "tests/plugins/chain_play.h"

static int releases; /* of body sources */

static void expect_and_end(const char *log)
{
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(play.env.metrics->sessions_by_result[SESSION_DONE], 1);
    chain_play_end(log);
}

/* The token that a login gave, in a URL, a header and a body. */
#define LOGIN                                                                                      \
    "session s\n0 10 POST /login 200\nanswer {\"token\":\"old\"}\n20 30 POST /use/old 200 "        \
    "{\"token\":\"old\",\"n\":1}\nheader X-Token: old\nheader X-Trace: none\n"                     \
    "bind 1 body:/token -> 2 path:2\nbind 1 body:/token -> 2 header:X-Token\n"                     \
    "bind 1 body:/token -> 2 body:/token\n"

static const struct fake_answer login_answer[] = {
    {"POST /login", 10, 200, 0, NULL, "{\"token\":\"first\"}"}, {0}};

static void renew(const reprise_call *call)
{
    const reprise_bytes old = {"first", 5}, fresh = {"second", 6};
    assert_int_equal(call->host->replace_value(call, old, fresh), 3);
}

/* Holds the use of the token, and renews it meanwhile. */
static int renew_and_hold(const reprise_call *call, reprise_request *request)
{
    if (request->step != 1 || request->holds)
        return REPRISE_CONTINUE;
    renew(call);
    call->host->delay_us(call, 5000);
    return REPRISE_HOLD;
}

static int trace(const reprise_call *call, reprise_request *request)
{
    if (request->step == 1 && request->attempt == 0)
        assert_int_equal(call->host->set_header(call, request, "X-Trace", "7"), 0);
    return REPRISE_CONTINUE;
}

static void a_renewed_token_comes_into_a_request_that_a_plugin_has_changed(void **state)
{
    (void)state;
    fake_answers = login_answer;
    chain_play_start(
        LOGIN, (const reprise_plugin *[]){PLUGIN("traces", .on_request = trace),
                                          PLUGIN("renews", .on_request = renew_and_hold), NULL});
    expect_and_end("0 POST /login\n25 POST /use/second\n  X-Token: second\n  X-Trace: 7\n"
                   "  body {\"token\":\"second\",\"n\":1}\n");
}

static int change_target(const reprise_call *call, reprise_request *request)
{
    if (request->step != 1)
        return REPRISE_CONTINUE;
    assert_int_equal(call->host->set_method(call, request, "PUT"), 0);
    assert_int_equal(call->host->set_url(call, request, "/other"), 0);
    assert_int_equal(call->host->set_body(call, request, "mine", 4), 0);
    assert_int_equal(call->host->set_header(call, request, "X-Trace", NULL), 0);
    return REPRISE_CONTINUE;
}

static void what_a_plugin_has_set_stays_as_it_has_set_it(void **state)
{
    (void)state;
    fake_answers = login_answer;
    chain_play_start(
        LOGIN, (const reprise_plugin *[]){PLUGIN("changes", .on_request = change_target),
                                          PLUGIN("renews", .on_request = renew_and_hold), NULL});
    expect_and_end("0 POST /login\n25 PUT /other\n  X-Token: second\n  body mine\n");
}

/* More than are noted one by one. */
static int set_many(const reprise_call *call, reprise_request *request)
{
    static const char *const names[] = {"X-A", "X-B", "X-C", "X-D", "X-E", "X-F"};
    for (size_t i = 0; i < 6 && request->step == 1; i++)
        assert_int_equal(call->host->set_header(call, request, names[i], "1"), 0);
    return REPRISE_CONTINUE;
}

static void where_many_headers_were_set_all_stay_as_they_are(void **state)
{
    (void)state;
    fake_answers = login_answer;
    chain_play_start(
        LOGIN, (const reprise_plugin *[]){PLUGIN("changes", .on_request = set_many),
                                          PLUGIN("renews", .on_request = renew_and_hold), NULL});
    expect_and_end("0 POST /login\n25 POST /use/second\n  X-Token: first\n  X-Trace: none\n"
                   "  X-A: 1\n  X-B: 1\n  X-C: 1\n  X-D: 1\n  X-E: 1\n  X-F: 1\n"
                   "  body {\"token\":\"second\",\"n\":1}\n");
}

static int64_t read_source(void *state, uint64_t offset, void *into, size_t max)
{
    static const char text[] = "streamed";
    size_t left = sizeof text - 1 - (size_t)offset;
    (void)state;
    memcpy(into, text + offset, left < max ? left : max);
    return (int64_t)(left < max ? left : max);
}

static void release_source(void *state)
{
    (void)state;
    releases++;
}

static int set_source(const reprise_call *call, reprise_request *request)
{
    const reprise_body_source source = {
        .size = sizeof source, .body_bytes = 8, .read = read_source, .release = release_source};
    if (request->step == 1)
        assert_int_equal(call->host->set_body_source(call, request, &source), 0);
    return REPRISE_CONTINUE;
}

static void a_body_that_is_made_on_the_way_is_handed_on_and_released_once(void **state)
{
    (void)state;
    releases = 0;
    fake_answers = login_answer;
    chain_play_start(
        LOGIN, (const reprise_plugin *[]){PLUGIN("streams", .on_request = set_source),
                                          PLUGIN("renews", .on_request = renew_and_hold), NULL});
    expect_and_end("0 POST /login\n25 POST /use/second\n  X-Token: second\n  X-Trace: none\n"
                   "  body streamed\n");
    assert_int_equal(releases, 1);
}

static int set_mine(const reprise_call *call, reprise_request *request)
{
    if (request->step == 1)
        assert_int_equal(call->host->set_body(call, request, "mine", 4), 0);
    return REPRISE_CONTINUE;
}

static int stream_renew_and_hold(const reprise_call *call, reprise_request *request)
{
    if (request->step != 1)
        return REPRISE_CONTINUE;
    const reprise_bytes beneath = call->host->request_body_at(call, request, 0);
    assert_true(beneath.len == 4 && memcmp(beneath.ptr, "mine", 4) == 0);
    if (!request->holds)
        assert_int_equal(set_source(call, request), REPRISE_CONTINUE);
    return renew_and_hold(call, request);
}

static void what_lies_beneath_such_a_body_stays_too(void **state)
{
    (void)state;
    releases = 0;
    fake_answers = login_answer;
    chain_play_start(LOGIN, (const reprise_plugin *[]){
                                PLUGIN("sets", .on_request = set_mine),
                                PLUGIN("streams", .on_request = stream_renew_and_hold), NULL});
    expect_and_end("0 POST /login\n25 POST /use/second\n  X-Token: second\n  X-Trace: none\n"
                   "  body streamed\n");
    assert_int_equal(releases, 1);
}

static int delay_use(const reprise_call *call, reprise_request *request)
{
    if (request->step == 1)
        call->host->delay_us(call, 50000);
    return REPRISE_CONTINUE;
}

static int renew_at_other(const reprise_call *call, const reprise_response *response)
{
    if (response->request->step == 2)
        renew(call);
    return REPRISE_CONTINUE;
}

static void a_token_that_is_renewed_during_a_delay_goes_out_new(void **state)
{
    (void)state;
    fake_answers = login_answer;
    chain_play_start(
        LOGIN "20 30 GET /other 200\n",
        (const reprise_plugin *[]){
            PLUGIN("delays", .on_request = delay_use, .on_response = renew_at_other), NULL});
    expect_and_end("0 POST /login\n20 GET /other\n70 POST /use/second\n  X-Token: second\n"
                   "  X-Trace: none\n  body {\"token\":\"second\",\"n\":1}\n");
}

static int delay_message(const reprise_call *call, const reprise_ws_message *message)
{
    if (!message->is_outgoing)
        return REPRISE_CONTINUE;
    call->host->delay_us(call, 300000);
    if (message->index == 1)
        assert_int_equal(call->host->ws_replace(call, "of a plugin", 11), 0);
    return REPRISE_CONTINUE;
}

static int renew_message_at_other(const reprise_call *call, const reprise_response *response)
{
    const reprise_bytes old = {"first", 5}, fresh = {"second", 6};
    if (response->request->step == 2)
        assert_int_equal(call->host->replace_value(call, old, fresh), 1);
    return REPRISE_CONTINUE;
}

static void so_does_one_in_a_message_unless_a_plugin_has_replaced_that(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"POST /login", 10, 200, 0, NULL, "{\"token\":\"first\"}"},
        {"GET /other", 100, 200, 0, NULL, ""},
        {0}};
    fake_answers = answers;
    chain_play_start(
        "session s\n0 10 POST /login 200\nanswer {\"token\":\"old\"}\n20 25 WS /live 101\n"
        "> 40 {\"job\":\"old\"}\n> 41 {\"n\":2,\"job\":\"old\"}\n30 150 GET /other 200\n"
        "bind 1 body:/token -> 2 ws:1 > body:/job\nbind 1 body:/token -> 2 ws:2 > body:/job\n",
        (const reprise_plugin *[]){
            PLUGIN("p", .on_ws_message = delay_message, .on_response = renew_message_at_other),
            NULL});
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_non_null(strstr(buf_text(&fake_log), "> {\"job\":\"second\"}\n"));
    assert_non_null(strstr(buf_text(&fake_log), "> of a plugin\n"));
    assert_null(strstr(buf_text(&fake_log), "first"));
    chain_play_fini();
}

/* --- many attempts ------------------------------------------------------------------------ */

enum { HOLDS = 1100, BODY_BYTES = 256 * 1024 };

static int hold_with_large_body(const reprise_call *call, reprise_request *request)
{
    static char body[BODY_BYTES];
    if (request->attempt == 1) /* the last one is sent */
        return call->host->set_body(call, request, "small", 5) ? REPRISE_FAIL : REPRISE_CONTINUE;
    if (request->holds == HOLDS)
        return REPRISE_CONTINUE;
    call->host->delay_us(call, 1000);
    return call->host->set_body(call, request, body, sizeof body) ? REPRISE_FAIL : REPRISE_HOLD;
}

static int retry_once(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    return response->request->attempt ? REPRISE_CONTINUE : REPRISE_RETRY;
}

/* 275 MiB, were they kept. */
static void what_was_put_into_a_request_again_and_again_is_not_kept(void **state)
{
    (void)state;
    chain_play_start("session s\n0 10 POST /poll 200 {}\n",
                     (const reprise_plugin *[]){PLUGIN("p", .max_holds = HOLDS,
                                                       .on_request = hold_with_large_body,
                                                       .on_response = retry_once),
                                                NULL});
    fake_logs_all = false;
    expect_and_end("1100 POST /poll\n1110 POST /poll\n");
}

/* --- an answer that is taken back --------------------------------------------------------- */

static int aim_elsewhere(const reprise_call *call, reprise_request *request)
{
    if (request->step == 0 && request->attempt)
        assert_int_equal(call->host->set_url(call, request, "/broken"), 0);
    return REPRISE_CONTINUE;
}

static int retry_503(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    return response->status == 503 ? REPRISE_RETRY : REPRISE_CONTINUE;
}

static void what_an_answer_gave_before_it_was_taken_back_is_forgotten(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"GET /a", 10, 503, 0, NULL, ""}, {"GET /broken", 10, 0, FAILURE_RESET, NULL, NULL}, {0}};
    static const struct fake_piece pieces[] = {{"GET /a", 5, "{\"id\":\"busy\"}"}, {0}};
    fake_answers = answers;
    fake_pieces = pieces;
    chain_play_start("session s\n0 10 GET /a 200\nanswer {\"id\":\"old\"}\n20 30 GET /b/old 200\n"
                     "bind 1 body:/id -> 2 path:2\n",
                     (const reprise_plugin *[]){
                         PLUGIN("p", .on_request = aim_elsewhere, .on_response = retry_503), NULL});
    expect_and_end("0 GET /a\n10 GET /broken\n30 GET /b/old\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_renewed_token_comes_into_a_request_that_a_plugin_has_changed),
        cmocka_unit_test(what_a_plugin_has_set_stays_as_it_has_set_it),
        cmocka_unit_test(where_many_headers_were_set_all_stay_as_they_are),
        cmocka_unit_test(a_body_that_is_made_on_the_way_is_handed_on_and_released_once),
        cmocka_unit_test(what_lies_beneath_such_a_body_stays_too),
        cmocka_unit_test(a_token_that_is_renewed_during_a_delay_goes_out_new),
        cmocka_unit_test(so_does_one_in_a_message_unless_a_plugin_has_replaced_that),
        cmocka_unit_test(what_was_put_into_a_request_again_and_again_is_not_kept),
        cmocka_unit_test(what_an_answer_gave_before_it_was_taken_back_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

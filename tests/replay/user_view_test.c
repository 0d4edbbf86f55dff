/* user_view_test.c - one answer that gives values and that plugins look at, while it comes and when
 * it is there at once. */
#include "tests/plugins/chain_fixture.h"
#include "tests/support/play.h"

static struct play play;
static struct fixture fx;
static char seen[256]; /* by the plugin: when, and what or how much */
static const char *ends_at;

static int see(const reprise_call *call, const reprise_response *response, reprise_bytes data)
{
    size_t len = strlen(seen);
    assert_int_equal(response->status, 200);
    assert_non_null(call->host->response_header(call, response, "Content-Type").ptr);
    assert_int_equal(data.ptr[data.len], '\0');
    if (data.len < 20)
        snprintf(seen + len, sizeof seen - len, "%d %s|", (int)(call->now_us / 1000), data.ptr);
    else
        snprintf(seen + len, sizeof seen - len, "%d %d bytes|", (int)(call->now_us / 1000),
                 (int)data.len);
    if (ends_at && strstr(data.ptr, ends_at))
        call->host->end_response(call);
    return REPRISE_CONTINUE;
}

static int see_once(const reprise_call *call, const reprise_response *response, reprise_bytes data)
{
    see(call, response, data);
    return REPRISE_SKIP;
}

static int see_and_fail(const reprise_call *call, const reprise_response *response,
                        reprise_bytes data)
{
    see(call, response, data);
    return REPRISE_FAIL;
}

/* GET /feed gives the id that GET /items needs. */
static void start(int (*on_data)(const reprise_call *, const reprise_response *, reprise_bytes))
{
    static const struct fake_header headers[] = {{"GET /feed", "Content-Type", "text/plain"}, {0}};
    fake_headers = headers;
    seen[0] = '\0';
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("p", .on_response_data = on_data), NULL});
    play_prepare(
        &play,
        "session s\n0 900 GET /feed 200\nanswered 5\nanswer {\"id\":\"old7\",\"rows\":[]}\n"
        "100 110 GET /items/old7 200\nbind 1 body:/id -> 2 path:2\n",
        (struct pacing){PACING_OPEN, 1, 1});
    fake_logs_all = true;
    play.env.chain = &fx.chain;
    play.env.chain_worker = fx.worker;
    play_start(&play, 0, 0);
    fake_run(&play.loop, UINT64_MAX - 1);
}

static void expect_and_end(const char *log, const char *pieces)
{
    assert_string_equal(seen, pieces);
    play_expect(&play, log);
    assert_int_equal(play.ended, 1);
    play_end(&play);
    fixture_stop(&fx);
    fake_comes_at_once = false;
    ends_at = NULL;
}

static const struct fake_answer slow[] = {{"GET /feed", 900, 200, 0, NULL, "as said"}, {0}};
static const struct fake_piece pieces[] = {{"GET /feed", 200, "{\"id\":\"li"},
                                           {"GET /feed", 300, "ve\",\"rows\":[1"},
                                           {"GET /feed", 400, ",2"},
                                           {"GET /feed", 900, "]}"},
                                           {0}};

static void values_are_taken_from_what_plugins_see(void **state)
{
    (void)state;
    fake_answers = slow;
    fake_pieces = pieces;
    start(see);
    expect_and_end("0 GET /feed\n300 GET /items/live\n",
                   "200 {\"id\":\"li|300 ve\",\"rows\":[1|400 ,2|900 ]}|");
}

static void who_wants_no_more_leaves_the_rest_to_the_values(void **state)
{
    (void)state;
    fake_answers = slow;
    fake_pieces = pieces;
    start(see_once);
    expect_and_end("0 GET /feed\n300 GET /items/live\n", "200 {\"id\":\"li|");
}

/* The answer is complete as it is: what it had given counts. */
static void an_answer_that_a_plugin_ends_has_given_what_came(void **state)
{
    (void)state;
    fake_answers = slow;
    fake_pieces = pieces;
    ends_at = "rows";
    start(see);
    assert_int_equal(play.env.metrics->bindings_missing[MISSING_RECORDED], 0);
    expect_and_end("0 GET /feed\n300 GET /items/live\n", "200 {\"id\":\"li|300 ve\",\"rows\":[1|");
}

/* As an answer that is in one read: nothing of it is shown by the transport. */
static char long_body[40000];

static const struct fake_answer *at_once(void)
{
    static const struct fake_answer answers[] = {{"GET /feed", 200, 200, 0, NULL, long_body}, {0}};
    int len = snprintf(long_body, sizeof long_body, "{\"id\":\"live\",\"rows\":\"");
    memset(long_body + len, 'x', sizeof long_body - 3 - (size_t)len);
    memcpy(long_body + sizeof long_body - 3, "\"}", 3);
    fake_pieces = NULL;
    fake_comes_at_once = true;
    return answers;
}

static void what_is_there_at_once_is_seen_and_taken_too(void **state)
{
    (void)state;
    fake_answers = at_once();
    start(see);
    expect_and_end("0 GET /feed\n200 GET /items/live\n",
                   "200 16384 bytes|200 16384 bytes|200 7231 bytes|");
    fake_answers = at_once();
    start(see_once);
    expect_and_end("0 GET /feed\n200 GET /items/live\n", "200 16384 bytes|");
    fake_answers = at_once();
    ends_at = "id";
    start(see);
    expect_and_end("0 GET /feed\n200 GET /items/live\n", "200 16384 bytes|");
    fake_answers = at_once();
    start(see_and_fail);
    expect_and_end("0 GET /feed\n", "200 16384 bytes|");
}

static int retry_first_later(const reprise_call *call, const reprise_response *response)
{
    if (response->request->step != 0 || response->request->attempt)
        return REPRISE_CONTINUE;
    call->host->delay_us(call, 500000);
    return REPRISE_RETRY;
}

/* It had its value, and waits for its turn behind the answer that is then taken back. */
static void a_value_that_is_taken_back_is_waited_for_again(void **state)
{
    (void)state;
    static const struct fake_header headers[] = {{"GET /feed", "Content-Type", "text/plain"}, {0}};
    fake_headers = headers;
    fake_answers = slow;
    fake_pieces = pieces;
    fixture_start(&fx,
                  (const reprise_plugin *[]){PLUGIN("p", .on_response = retry_first_later), NULL});
    play_prepare(&play,
                 "session s\n0 900 GET /feed 200\nanswered 5\n"
                 "answer {\"id\":\"old7\",\"rows\":[]}\n"
                 "100 110 GET /items/old7 200\nbind 1 body:/id -> 2 path:2\n",
                 (struct pacing){PACING_OPEN, 1, 1});
    play.env.chain = &fx.chain;
    play.env.chain_worker = fx.worker;
    play.env.max_in_flight = 1;
    play_start(&play, 0, 0);
    play_expect(&play, "0 GET /feed\n1400 GET /feed\n2300 GET /items/live\n");
    assert_int_equal(play.ended, 1);
    play_end(&play);
    fixture_stop(&fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_taken_from_what_plugins_see),
        cmocka_unit_test(who_wants_no_more_leaves_the_rest_to_the_values),
        cmocka_unit_test(an_answer_that_a_plugin_ends_has_given_what_came),
        cmocka_unit_test(what_is_there_at_once_is_seen_and_taken_too),
        cmocka_unit_test(a_value_that_is_taken_back_is_waited_for_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* user_binding_test.c - users whose requests carry what the answers of their own session gave. */
#include "tests/plugins/chain_fixture.h"
#include "tests/support/play.h"

static struct play play;

static void prepare(const char *script, enum pacing_mode mode)
{
    play_prepare(&play, script, (struct pacing){mode, 1, 1});
    fake_logs_all = true;
}

static void start(const char *script, enum pacing_mode mode)
{
    prepare(script, mode);
    play_start(&play, 0, 0);
}

static void expect(const char *log)
{
    play_expect(&play, log);
}

static void end(void)
{
    play_end(&play);
}

#define JOB_SCRIPT                                                                                 \
    "session s\n0 10 POST /jobs 201\nanswer {\"id\":\"old\"}\n20 30 GET /jobs/old 200\n"           \
    "bind 1 body:/id -> 2 path:2\n"

static void each_user_goes_on_with_its_own_value(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"POST /jobs", 10, 201, 0, NULL, "{\"id\":\"new-$N\"}"}, {0}};
    fake_answers = answers;
    prepare(JOB_SCRIPT, PACING_THINK);
    play_start(&play, 0, 0);
    play_start(&play, 1, 5000);
    expect("0 POST /jobs\n5 POST /jobs\n20 GET /jobs/new-1\n25 GET /jobs/new-2\n");
    assert_int_equal(play.ended, 2);
    assert_int_equal(play.env.metrics->bindings_missing[MISSING_RECORDED], 0);
    end();
}

static void every_place_takes_its_value_in_its_form(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /a", 10, 200, 0, "sid=c-live; Path=/x",
                                                  "{\"id\":\"n\\\"1 \\/\",\"t\":[8,{\"k\":-7}]}"},
                                                 {0}};
    static const struct fake_header headers[] = {{"GET /a", "Location", "http://h/done/L2?x=q%209"},
                                                 {0}};
    fake_answers = answers;
    fake_headers = headers;
    start("session s\n0 10 GET /a 200\nanswer {\"id\":\"old\",\"t\":[8,{\"k\":77}]}\n"
          "answer-header Location: /done/LOC?x=QRY\nset-cookie sid=cookie\n"
          "20 30 POST /p/old/LOC?i=old&q=QRY 200 {\"id\":\"old\",\"n\":77}\n"
          "header X-Sid: <cookie>\nheader Authorization: Bearer 77\n"
          "40 50 POST /f 200 id=old&csrf=cookie\nheader Cookie: a=1; tok=77\n"
          "bind 1 body:/id -> 2 path:2\nbind 1 body:/id -> 2 query:i\n"
          "bind 1 body:/id -> 2 body:/id\nbind 1 body:/t/1/k -> 2 body:/n\n"
          "bind 1 header:Location > path:2 -> 2 path:3\n"
          "bind 1 header:Location > query:x -> 2 query:q\n"
          "bind 1 cookie:sid -> 2 header:X-Sid\nbind 1 body:/t/1/k -> 2 header:Authorization\n"
          "bind 1 body:/id -> 3 form:id\nbind 1 cookie:sid -> 3 form:csrf\n"
          "bind 1 body:/t/1/k -> 3 cookie:tok\n",
          PACING_THINK);
    expect("0 GET /a\n"
           "20 POST /p/n%221%20%2F/L2?i=n%221%20%2F&q=q%25209\n"
           "  X-Sid: <c-live>\n  Authorization: Bearer -7\n"
           "  body {\"id\":\"n\\\"1 /\",\"n\":-7}\n"
           "40 POST /f\n"
           "  body id=n%221%20%2F&csrf=c-live\n"
           "  cookie a=1; tok=-7\n");
    end();
}

static void open_pacing_waits_for_the_answer_that_gives_the_value(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"POST /jobs", 500, 201, 0, NULL, "{\"id\":\"late\"}"}, {0}};
    fake_answers = answers;
    start("session s\n0 10 POST /jobs 201\nanswer {\"id\":\"old\"}\n20 30 GET /jobs/old 200\n"
          "40 50 GET /other 200\nbind 1 body:/id -> 2 path:2\n",
          PACING_OPEN);
    expect("0 POST /jobs\n40 GET /other\n500 GET /jobs/late\n");
    assert_int_equal(play.ended, 1);
    /* What it waited is part of what its user felt. */
    assert_true(play.env.metrics->endpoints[1].clocks[CLOCK_LATENESS].max >= 480000);
    end();
}

static void a_session_that_ends_while_a_request_waits_is_clean(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"POST /jobs", -1, 0, 0, NULL, NULL}, {0}};
    fake_answers = answers;
    start(JOB_SCRIPT, PACING_OPEN);
    fake_run(&play.loop, 100000);
    user_end(play.users[0], SESSION_CANCELLED, "");
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(play.ended, 1);
    /* And plays again. */
    assert_int_equal(user_play(play.users[0], &play.plan->sessions[0], fake_now_us), 0);
    fake_run(&play.loop, UINT64_MAX - 1);
    end();
}

static const struct fake_answer broken_answers[] = {{"POST /jobs", 10, 503, 0, NULL, "busy"}, {0}};

static void without_its_value_a_request_goes_out_as_recorded(void **state)
{
    (void)state;
    fake_answers = broken_answers;
    start(JOB_SCRIPT, PACING_THINK);
    expect("0 POST /jobs\n20 GET /jobs/old\n");
    assert_int_equal(play.env.metrics->bindings_missing[MISSING_RECORDED], 1);
    end();
}

static void or_it_is_skipped(void **state)
{
    (void)state;
    fake_answers = broken_answers;
    prepare(JOB_SCRIPT, PACING_THINK);
    play.env.on_missing = MISSING_SKIP;
    play_start(&play, 0, 0);
    expect("0 POST /jobs\n");
    assert_int_equal(play.ended, 1);
    assert_int_equal(play.env.metrics->steps_not_sent, 1);
    assert_int_equal(play.env.metrics->bindings_missing[MISSING_SKIP], 1);
    assert_int_equal(play.env.metrics->sessions_by_result[SESSION_DONE], 1);
    end();
}

static void or_the_session_ends(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"POST /jobs", 10, 0, FAILURE_RESET, NULL, NULL},
                                                 {0}};
    fake_answers = answers;
    prepare(JOB_SCRIPT, PACING_THINK);
    play.env.on_missing = MISSING_END;
    play_start(&play, 0, 0);
    expect("0 POST /jobs\n");
    assert_int_equal(play.env.metrics->bindings_missing[MISSING_END], 1);
    assert_int_equal(play.env.metrics->sessions_by_result[SESSION_FAILED], 1);
    end();
}

static void a_value_that_would_break_the_head_is_none(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"GET /a", 10, 200, 0, NULL, "{\"t\":\"x\\r\\nX-Evil: 1\",\"u\":null}"}, {0}};
    fake_answers = answers;
    start("session s\n0 10 GET /a 200\nanswer {\"t\":\"tok\",\"u\":\"usr\"}\n20 30 GET /b 200\n"
          "header Authorization: Bearer tok\nheader X-User: usr\n"
          "40 50 GET /c/tok 200\n"
          "bind 1 body:/t -> 2 header:Authorization\nbind 1 body:/u -> 2 header:X-User\n"
          "bind 1 body:/t -> 3 path:2\n",
          PACING_THINK);
    expect("0 GET /a\n20 GET /b\n  Authorization: Bearer tok\n  X-User: usr\n"
           "40 GET /c/x%0D%0AX-Evil%3A%201\n");
    assert_int_equal(play.env.metrics->bindings_missing[MISSING_RECORDED], 1);
    end();
}

static void a_session_played_again_begins_without_values(void **state)
{
    (void)state;
    static const struct fake_answer first[] = {{"POST /jobs", 10, 201, 0, NULL, "{\"id\":\"new\"}"},
                                               {0}};
    fake_answers = first;
    start(JOB_SCRIPT, PACING_THINK);
    fake_run(&play.loop, UINT64_MAX - 1);
    fake_answers = broken_answers;
    assert_int_equal(user_play(play.users[0], &play.plan->sessions[0], fake_now_us), 0);
    expect("0 POST /jobs\n20 GET /jobs/new\n30 POST /jobs\n50 GET /jobs/old\n");
    end();
}

static void a_long_value_takes_memory_of_its_own(void **state)
{
    (void)state;
    static char body[70000], log[70000];
    static struct fake_answer answers[] = {{"POST /jobs", 10, 201, 0, NULL, body}, {0}};
    snprintf(body, sizeof body, "{\"id\":\"%0*d\"}", 60000, 7);
    snprintf(log, sizeof log, "0 POST /jobs\n20 GET /jobs/%0*d\n", 60000, 7);
    fake_answers = answers;
    start(JOB_SCRIPT, PACING_THINK);
    expect(log);
    end();
    /* One that is too long is none. */
    snprintf(body, sizeof body, "{\"id\":\"%0*d\"}", 65537, 7);
    start(JOB_SCRIPT, PACING_THINK);
    fake_answers = answers;
    expect("0 POST /jobs\n20 GET /jobs/old\n");
    end();
}

/* --- plugins ------------------------------------------------------------------------------ */

static char seen[512];

/* What it is asked about; the header X-Mine is its own to say. */
static int see_request(const reprise_call *call, reprise_request *request)
{
    size_t len = strlen(seen);
    snprintf(seen + len, sizeof seen - len, "%.*s ", (int)request->url.len, request->url.ptr);
    if (request->step == 1)
        assert_int_equal(call->host->set_header(call, request, "X-Mine", "plugin"), 0);
    return REPRISE_CONTINUE;
}

static void plugins_see_the_values_and_have_the_last_word(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"POST /jobs", 10, 201, 0, NULL, "{\"id\":\"new\"}"}, {0}};
    static struct fixture fx;
    fake_answers = answers;
    seen[0] = '\0';
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("p", .on_request = see_request), NULL});
    prepare("session s\n0 10 POST /jobs 201\nanswer {\"id\":\"old\"}\n20 30 GET /jobs/old 200\n"
            "header X-Id: <old>\nheader X-Mine: old\n40 50 GET /jobs/old/x 200\n"
            "bind 1 body:/id -> 2 path:2\nbind 1 body:/id -> 2 header:X-Id\n"
            "bind 1 body:/id -> 2 header:X-Mine\nbind 1 body:/id -> 3 path:2\n",
            PACING_THINK);
    play.env.chain = &fx.chain;
    play.env.chain_worker = fx.worker;
    play_start(&play, 0, 0);
    expect("0 POST /jobs\n20 GET /jobs/new\n  X-Id: <new>\n  X-Mine: plugin\n"
           "40 GET /jobs/new/x\n");
    assert_string_equal(
        seen, "http://target:80/jobs http://target:80/jobs/new http://target:80/jobs/new/x ");
    end();
    fixture_stop(&fx);
}

static void an_upgrade_takes_its_value(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /a", 10, 200, 0, NULL, "{\"t\":\"live\"}"},
                                                 {0}};
    fake_answers = answers;
    start("session s\n0 10 GET /a 200\nanswer {\"t\":\"tok\"}\n20 25 WS /ws?token=tok 101\n"
          "> 30 close 1000\nbind 1 body:/t -> 2 query:token\n",
          PACING_THINK);
    expect("0 GET /a\n20 WS /ws?token=live\n30 > close 1000\n");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_user_goes_on_with_its_own_value),
        cmocka_unit_test(every_place_takes_its_value_in_its_form),
        cmocka_unit_test(open_pacing_waits_for_the_answer_that_gives_the_value),
        cmocka_unit_test(a_session_that_ends_while_a_request_waits_is_clean),
        cmocka_unit_test(without_its_value_a_request_goes_out_as_recorded),
        cmocka_unit_test(or_it_is_skipped),
        cmocka_unit_test(or_the_session_ends),
        cmocka_unit_test(a_value_that_would_break_the_head_is_none),
        cmocka_unit_test(a_session_played_again_begins_without_values),
        cmocka_unit_test(a_long_value_takes_memory_of_its_own),
        cmocka_unit_test(plugins_see_the_values_and_have_the_last_word),
        cmocka_unit_test(an_upgrade_takes_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

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
           "20 POST /p/n%221%20%2F/L2?i=n%221%20%2F&q=q%209\n"
           "  X-Sid: <c-live>\n  Authorization: Bearer -7\n"
           "  body {\"id\":\"n\\\"1 /\",\"n\":-7}\n"
           "40 POST /f\n"
           "  body id=n%221%20%2F&csrf=c-live\n"
           "  cookie a=1; tok=-7\n");
    end();
}

static void every_part_of_an_answer_gives_values(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"GET /page", 10, 200, 0, "sid=1; Path=/p; u=x-live",
         "<meta name=m content=\"m-live\"><input name=csrf value=\"a&amp;b\">"
         "<p data-id=d-live><a href=/job/j-live/x>x</a>"
         "<script>var boot = {\"k\":{\"v\":\"s-live\"}};</script> id: t-live;"},
        {"GET /feed", 10, 200, 0, NULL, "<r><i n=\"x\"/><i n=\"x-live\"/></r>"},
        {"GET /events", 10, 200, 0, NULL, "e-live\r\nmore"},
        {"GET /jwt", 10, 200, 0, NULL,
         "{\"t\":\"e30.eyJzdWIiOiJ1LWxpdmUifQ.x\"}"}, /* {"sub":"u-live"} */
        {0}};
    static const struct fake_header headers[] = {
        {"GET /events", "Link", "</a>; rel=prev, </n/l-live>; rel=\"next\""}, {0}};
    fake_answers = answers;
    fake_headers = headers;
    start(
        "session s\n0 1 GET /page 200\nset-cookie sid=1; Path=/p; u=x-old\n"
        "answer <meta name=m content=\"m-old\"><input name=csrf value=\"c-old\"><p data-id=d-old>"
        "<a href=/job/j-old/x>x</a><script>var boot = {\"k\":{\"v\":\"s-old\"}};</script> id: "
        "t-old;\n"
        "2 3 GET /feed 200\nanswer <r><i n=\"1\"/><i n=\"x-old\"/></r>\n"
        "4 5 GET /events 200\nanswer-header Link: </n/l-old>; rel=next\n"
        "answer e-old\n6 7 GET /jwt 200\n"
        "answer {\"t\":\"e30.eyJzdWIiOiJ1LW9sZCJ9.x\"}\n"
        "20 30 POST /use/m-old/c-old/d-old/j-old/s-old/t-old 200 "
        "{\"a\":\"x-old\",\"b\":\"e-old\",\"c\":\"u-old\"}\nheader X-L: l-old\nheader X-U: x-old\n"
        "bind 1 html:meta[m] -> 5 path:2\nbind 1 html:input[csrf] -> 5 path:3\n"
        "bind 1 html:data[id] -> 5 path:4\nbind 1 html:href[/job/] > path:2 -> 5 path:5\n"
        "bind 1 html:script[1] > body:/k/v -> 5 path:6\n"
        "bind 1 text:\"id: \" \";\" -> 5 path:7\nbind 1 cookie:sid > param:u -> 5 header:X-U\n"
        "bind 2 xml:/r/i[2]/@n -> 5 body:/a\nbind 3 text:\"\" \"\" -> 5 body:/b\n"
        "bind 3 header:Link > link:next > path:2 -> 5 header:X-L\n"
        "bind 4 body:/t > jwt:/sub -> 5 body:/c\n",
        PACING_THINK);
    expect("0 GET /page\n11 GET /feed\n22 GET /events\n33 GET /jwt\n"
           "56 POST /use/m-live/a%26b/d-live/j-live/s-live/t-live\n"
           "  X-L: l-live\n  X-U: x-live\n"
           "  body {\"a\":\"x-live\",\"b\":\"e-live\",\"c\":\"u-live\"}\n");
    assert_int_equal(play.env.metrics->bindings_missing[MISSING_RECORDED], 0);
    end();
}

enum { ITEMS = 200 };

/* One item after the other is opened: the values of one answer, found in several passes over it. */
static void put_list(struct buf *out, bool is_html, const char *id, int step)
{
    buf_append_text(out, is_html ? "<ul>" : "{\"items\":[");
    for (int i = 1; i <= ITEMS; i++) {
        if (is_html)
            buf_printf(out, "<li><a href=/items/%s%d>x</a>", id, i * step);
        else
            buf_printf(out, "%s{\"id\":\"%s%d\"}", i > 1 ? "," : "", id, i * step);
    }
    buf_append_text(out, is_html ? "</ul>" : "]}");
}

static void check_list(bool is_html)
{
    static char body[65536], last_log[65536];
    static struct fake_answer answers[] = {{"GET /items", 10, 200, 0, NULL, body}, {0}};
    struct buf script = BUF_INIT(1 << 20), live = BUF_INIT(1 << 20), log = BUF_INIT(1 << 20);
    buf_append_text(&script, "session s\n0 10 GET /items 200\nanswer ");
    put_list(&script, is_html, "old", 7);
    put_list(&live, is_html, "new", 5);
    buf_append_text(&log, "0 GET /items\n");
    for (int i = 1; i <= ITEMS; i++) {
        buf_printf(&script, "\n%d %d GET /items/old%d 200", i * 20, i * 20 + 10, i * 7);
        buf_printf(&log, "%d GET /items/new%d\n", i * 20, i * 5);
    }
    for (int i = 1; i <= ITEMS && is_html; i++)
        buf_printf(&script, "\nbind 1 html:href[/items/] %d > path:2 -> %d path:2", i, i + 1);
    for (int i = 1; i <= ITEMS && !is_html; i++)
        buf_printf(&script, "\nbind 1 body:/items/%d/id -> %d path:2", i - 1, i + 1);
    snprintf(body, sizeof body, "%s", buf_text(&live));
    snprintf(last_log, sizeof last_log, "%s", buf_text(&log));
    fake_answers = answers;
    start(buf_text(&script), PACING_THINK);
    expect(last_log);
    assert_int_equal(play.env.metrics->bindings_missing[MISSING_RECORDED], 0);
    end();
    buf_fini(&script);
    buf_fini(&live);
    buf_fini(&log);
}

static void a_list_of_two_hundred_is_opened_item_by_item(void **state)
{
    (void)state;
    check_list(false);
    check_list(true);
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

/* --- WebSockets --------------------------------------------------------------------------- */

#define TOKEN_SCRIPT                                                                               \
    "session s\n0 5 WS /ws 101\n< 10 {\"type\":\"hello\"}\n< 15 {\"token\":\"old\"}\n"             \
    "< 40 {\"token\":\"older\"}\n> 70 close 1000\n"                                                \
    "20 30 GET /a/old 200\n50 60 GET /b/older 200\n"                                               \
    "bind 1 ws: > body:/token -> 2 path:2\nbind 1 ws: > body:/token -> 3 path:2\n"

static void a_message_gives_its_value_and_the_next_one_renews_it(void **state)
{
    (void)state;
    static const struct fake_push pushes[] = {{-1, 50, "{\"token\":\"one\"}"},
                                              {-1, 60, "{\"token\":null}"},
                                              {-1, 100, "{\"token\":\"two\"}"},
                                              {0}};
    static const enum pacing_mode modes[] = {PACING_THINK, PACING_OPEN};
    static const char *const logs[] = {
        "0 WS /ws\n55 GET /a/one\n105 GET /b/two\n125 > close 1000\n",
        "0 WS /ws\n55 GET /a/one\n70 > close 1000\n71 GET /b/one\n",
    };
    for (int i = 0; i < 2; i++) {
        fake_pushes = pushes;
        start(TOKEN_SCRIPT, modes[i]);
        expect(logs[i]);
        assert_int_equal(play.ended, 1);
        assert_int_equal(play.env.metrics->bindings_missing[MISSING_RECORDED], 0);
        end();
    }
}

/* A large one may be half sent then; the fake target looks at it again when it answers. */
static void a_request_under_way_keeps_its_value_when_that_is_renewed(void **state)
{
    (void)state;
    static const struct fake_push pushes[] = {{-1, 40, "{}"},
                                              {-1, 50, "{\"token\":\"one\"}"},
                                              {-1, 100, "{\"token\":\"a longer one\"}"},
                                              {0}};
    static const struct fake_answer answers[] = {{"GET /a/one", 80, 200, 0, NULL, NULL}, {0}};
    fake_pushes = pushes;
    fake_answers = answers;
    start(TOKEN_SCRIPT, PACING_THINK);
    expect("0 WS /ws\n55 GET /a/one\n155 GET /b/a%20longer%20one\n175 > close 1000\n");
    assert_int_equal(play.ended, 1);
    end();
}

static void a_message_that_does_not_come_is_waited_for_no_longer_than_others(void **state)
{
    (void)state;
    start(TOKEN_SCRIPT, PACING_OPEN);
    play.env.ws_wait_us = 30000;
    expect("0 WS /ws\n50 GET /a/old\n70 > close 1000\n71 GET /b/older\n");
    assert_int_equal(play.env.metrics->bindings_missing[MISSING_RECORDED], 2);
    end();
}

static void a_websocket_that_is_over_gives_nothing_more(void **state)
{
    (void)state;
    static const struct fake_push pushes[] = {{-1, 30, "break"}, {0}};
    fake_pushes = pushes;
    start(TOKEN_SCRIPT, PACING_OPEN);
    expect("0 WS /ws\n35 GET /a/old\n50 GET /b/older\n");
    assert_int_equal(play.env.metrics->bindings_missing[MISSING_RECORDED], 2);
    assert_int_equal(play.ended, 1);
    end();
}

static void a_clients_message_takes_its_value_and_keeps_its_turn(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"POST /jobs", 100, 201, 0, NULL, "{\"id\":\"n\\\"1\"}"}, {0}};
    fake_answers = answers;
    start("session s\n0 5 POST /jobs 201\nanswer {\"id\":\"old\"}\n6 8 WS /ws 101\n"
          "> 10 ready\n> 20 {\"job\":\"old\",\"n\":1}\n> 30 bye\n> 40 close 1000\n"
          "bind 1 body:/id -> 2 ws:2 > body:/job\n",
          PACING_OPEN);
    expect("0 POST /jobs\n6 WS /ws\n11 > ready\n100 > {\"job\":\"n\\\"1\",\"n\":1}\n"
           "100 > bye\n100 > close 1000\n");
    assert_int_equal(play.ended, 1);
    end();
}

static void a_message_without_its_value_is_skipped_and_the_next_goes_out(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"POST /jobs", 10, 503, 0, NULL, "busy"}, {0}};
    fake_answers = answers;
    prepare("session s\n0 5 POST /jobs 201\nanswer {\"id\":\"old\"}\n6 8 WS /ws 101\n"
            "> 20 {\"job\":\"old\",\"n\":1}\n> 30 bye\n"
            "bind 1 body:/id -> 2 ws:1 > body:/job\n",
            PACING_THINK);
    play.env.on_missing = MISSING_SKIP;
    play_start(&play, 0, 0);
    expect("0 POST /jobs\n11 WS /ws\n38 > bye\n38 > close 1000\n");
    assert_int_equal(play.ended, 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_user_goes_on_with_its_own_value),
        cmocka_unit_test(every_place_takes_its_value_in_its_form),
        cmocka_unit_test(every_part_of_an_answer_gives_values),
        cmocka_unit_test(a_list_of_two_hundred_is_opened_item_by_item),
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
        cmocka_unit_test(a_message_gives_its_value_and_the_next_one_renews_it),
        cmocka_unit_test(a_request_under_way_keeps_its_value_when_that_is_renewed),
        cmocka_unit_test(a_message_that_does_not_come_is_waited_for_no_longer_than_others),
        cmocka_unit_test(a_websocket_that_is_over_gives_nothing_more),
        cmocka_unit_test(a_clients_message_takes_its_value_and_keeps_its_turn),
        cmocka_unit_test(a_message_without_its_value_is_skipped_and_the_next_goes_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

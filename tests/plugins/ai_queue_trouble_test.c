/* ai_queue_trouble_test.c - the plugin before targets that misbehave, jobs that never end, options
 * that make no sense: who fails, by what name, and who goes on. */
#include "tests/plugins/ai_queue_host.h"

static void a_target_that_stays_full_fails_its_user_at_the_deadline(void **state)
{
    (void)state;
    START("deadline", "10");
    show_job();
    int verdict = REPRISE_RETRY;
    for (int i = 0; i < 100 && verdict == REPRISE_RETRY; i++) {
        ask(0, "http://t/jobs");
        verdict = answer(503, "Retry-After: 2", "{}");
        pass(host.delay_us / 1000);
    }
    assert_int_equal(verdict, REPRISE_FAIL);
    assert_int_equal(host.counted[AI_JOBS_REJECTED], 5);
    assert_int_equal(host.counted[AI_JOBS_TIMED_OUT], 1);
    assert_string_equal(host.error, "job without an id of POST /jobs: the target has not taken it "
                                    "by its deadline (last state: none, 8.0 s, 0 polls)");
    stop();
}

static void a_submit_that_another_plugin_leaves_out_is_not_waited_for_for_ever(void **state)
{
    (void)state;
    START("deadline", "10");
    show_job();
    ask(0, "http://t/jobs"); /* and no answer */
    int verdict = REPRISE_HOLD;
    for (int i = 0; i < 100 && (verdict = ask(1, "http://t/jobs/j1")) == REPRISE_HOLD; i++)
        pass(host.delay_us / 1000);
    assert_int_equal(verdict, REPRISE_FAIL);
    assert_int_equal(host.counted[AI_JOBS_TIMED_OUT], 1);
    assert_non_null(strstr(host.error, "the target has not taken it by its deadline"));
    stop();
    START("deadline", "10", "on_timeout", "go-on");
    show_job();
    ask(0, "http://t/jobs");
    pass(11000);
    assert_int_equal(ask(4, "http://t/jobs/j1/result"), REPRISE_SKIP);
    assert_int_equal(ask(1, "http://t/jobs/j1"), REPRISE_SKIP);
    assert_int_equal(host.counted[AI_JOBS_TIMED_OUT], 1);
    stop();
}

static void a_job_that_is_not_taken_leaves_its_polls_out(void **state)
{
    (void)state;
    START("on_full", "fail");
    show_job();
    ask(0, "http://t/jobs");
    assert_int_equal(answer(503, "Retry-After: 2", "{}"), REPRISE_CONTINUE);
    assert_int_equal(host.counted[AI_JOBS_REJECTED], 1);
    assert_int_equal(ask(1, "http://t/jobs/j1"), REPRISE_SKIP);
    assert_int_equal(ask(4, "http://t/jobs/j1/result"), REPRISE_SKIP);
    assert_memory_equal(host.settled, ".n..n", 5);
    stop();
}

static void a_submit_that_is_lost_fails_its_user_by_name(void **state)
{
    (void)state;
    static const struct {
        uint32_t status;
        const char *line;
    } rows[] = {{500, "status 500"}, {404, "status 404"}, {0, "no answer: connection refused"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[200];
        START();
        show_job();
        ask(0, "http://t/jobs");
        assert_int_equal(answer(rows[i].status, NULL, "{}"), REPRISE_FAIL);
        snprintf(line, sizeof line,
                 "job without an id of POST /jobs: its submit brought nothing: %s (last state: "
                 "none, 0.0 s, 0 polls)",
                 rows[i].line);
        assert_string_equal(host.error, line);
        assert_int_equal(host.counted[AI_JOBS_LOST], 1);
        stop();
    }
    START("on_timeout", "go-on");
    show_job();
    ask(0, "http://t/jobs");
    assert_int_equal(answer(500, NULL, "{}"), REPRISE_CONTINUE);
    assert_int_equal(ask(1, "http://t/jobs/j1"), REPRISE_SKIP);
    assert_int_equal(ask(4, "http://t/jobs/j1/result"), REPRISE_SKIP);
    assert_int_equal(host.counted[AI_JOBS_LOST], 1);
    stop();
}

static void a_job_that_never_ends_fails_its_user_by_name(void **state)
{
    (void)state;
    START("deadline", "5");
    show_job();
    submit();
    poll_when_due(1);
    answer(200, NULL, QUEUED);
    poll_when_due(2);
    answer(200, NULL, RUNNING);
    int verdict = REPRISE_RETRY;
    while (verdict == REPRISE_RETRY && (verdict = ask_when_due(3)) == REPRISE_CONTINUE)
        verdict = answer(200, NULL, RUNNING);
    assert_int_equal(verdict, REPRISE_FAIL);
    assert_string_equal(host.error, "job n1 of POST /jobs: it has not ended by its deadline (last "
                                    "state: running, 5.0 s, 20 polls)");
    assert_int_equal(host.counted[AI_JOBS_TIMED_OUT], 1);
    assert_int_equal(host.counted[AI_JOB_DURATION], 0);
    stop();
}

/* 400 ms after its submit and every 250 ms from there; at the deadline once more. */
static void at_the_deadline_it_is_asked_once_more(void **state)
{
    (void)state;
    START("deadline", "1");
    show_job();
    submit();
    assert_int_equal(ask(4, "http://t/jobs/j1/result"), REPRISE_HOLD);
    assert_int_equal(poll_when_due(1), 400);
    answer(200, NULL, QUEUED);
    assert_int_equal(poll_when_due(2), 250);
    answer(200, NULL, RUNNING);
    assert_int_equal(poll_when_due(3), 250);
    assert_int_equal(answer(200, NULL, RUNNING), REPRISE_RETRY);
    assert_int_equal(ask(3, "http://t/jobs/j1"), REPRISE_HOLD);
    pass(host.delay_us / 1000);
    assert_int_equal(host.call.now_us, 1000000);
    assert_int_equal(ask(4, "http://t/jobs/j1/result"), REPRISE_HOLD); /* for that last answer */
    assert_int_equal(ask(3, "http://t/jobs/j1"), REPRISE_CONTINUE);
    pass(30);
    assert_int_equal(answer(200, NULL, DONE), REPRISE_CONTINUE);
    assert_int_equal(host.counted[AI_JOBS_TIMED_OUT], 0);
    assert_int_equal(host.counted[AI_JOB_DURATION], 1);
    assert_int_equal(ask(4, "http://t/jobs/j1/result"), REPRISE_CONTINUE);
    stop();
    START("deadline", "1"); /* the trace itself asks for it later than that */
    show_job();
    submit();
    pass(4000);
    assert_int_equal(ask(1, "http://t/jobs/j1"), REPRISE_CONTINUE);
    assert_int_equal(answer(200, NULL, RUNNING), REPRISE_FAIL);
    assert_int_equal(host.counted[AI_JOBS_TIMED_OUT], 1);
    assert_int_equal(host.last[AI_JOB_POLLS], 1);
    stop();
}

/* The host gives them up then: a millisecond later, so that the deadline has passed. */
static void what_hangs_has_until_the_deadline(void **state)
{
    (void)state;
    START("deadline", "10");
    show_job();
    submit();
    assert_int_equal(host.limit_us, 10001000);
    poll_when_due(1);
    assert_int_equal(host.limit_us, 9596000); /* asked for 405 ms after the submit was sent */
    pass(9596);
    assert_int_equal(answer(0, NULL, ""), REPRISE_FAIL);
    assert_non_null(strstr(host.error, "job n1 of POST /jobs: it has not ended by its deadline"));
    assert_int_equal(host.counted[AI_JOBS_TIMED_OUT], 1);
    stop();
    START("deadline", "10");
    show_job();
    submit();
    pass(9990);
    poll_when_due(1); /* it has a second at least */
    assert_int_equal(host.limit_us, 1001000);
    stop();
    START("deadline", "10");
    show_job();
    ask(0, "http://t/jobs");
    pass(10001);
    assert_int_equal(answer(0, NULL, ""), REPRISE_FAIL);
    assert_non_null(strstr(host.error, "the target has not taken it by its deadline"));
    stop();
    START("deadline", "10");
    show_stream();
    assert_int_equal(host.limit_us, 9996000);
    pass(9996);
    assert_int_equal(answer(0, NULL, ""), REPRISE_FAIL);
    assert_non_null(strstr(host.error, "it has not ended by its deadline"));
    stop();
}

static void no_poll_may_say_nothing_when_that_is_asked_for(void **state)
{
    (void)state;
    START("missing", "0");
    show_job();
    submit();
    poll_when_due(1);
    assert_int_equal(answer(404, NULL, "{}"), REPRISE_FAIL);
    assert_string_equal(host.error, "job n1 of POST /jobs: a poll brought nothing: status 404 "
                                    "(last state: submitted, 0.4 s, 1 polls)");
    assert_int_equal(host.counted[AI_JOBS_LOST], 1);
    stop();
    START("missing", "0");
    show_job();
    submit();
    poll_when_due(1); /* it says something: when to ask */
    assert_int_equal(answer(503, "Retry-After: 1", "{}"), REPRISE_RETRY);
    stop();
}

static void or_the_user_goes_on_without_it(void **state)
{
    (void)state;
    START("cap", "2", "on_timeout", "go-on");
    show_job();
    submit();
    poll_when_due(1);
    assert_int_equal(answer(200, NULL, QUEUED), REPRISE_CONTINUE);
    poll_when_due(2);
    assert_int_equal(answer(200, NULL, RUNNING), REPRISE_CONTINUE);
    assert_memory_equal(host.settled, "...n.", 5);
    assert_int_equal(host.counted[AI_JOBS_TIMED_OUT], 1);
    assert_int_equal(ask(4, "http://t/jobs/j1/result"), REPRISE_CONTINUE);
    stop();
}

static void a_poll_that_brings_nothing_once_is_asked_again(void **state)
{
    (void)state;
    static const struct {
        uint32_t status;
        const char *body;
    } rows[] = {{404, "{}"}, {500, "{}"}, {0, ""}, {200, "<html>"}, {429, ""}, {503, ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        START();
        show_job();
        submit();
        poll_when_due(1);
        assert_int_equal(answer(rows[i].status, NULL, rows[i].body), REPRISE_RETRY);
        assert_int_equal(poll_when_due(1), 250);
        assert_int_equal(answer(200, NULL, DONE), REPRISE_CONTINUE);
        assert_int_equal(host.counted[AI_POLL_ERRORS], 1);
        assert_int_equal(host.counted[AI_JOB_DURATION], 1);
        stop();
    }
}

static void html_instead_of_json_is_named(void **state)
{
    (void)state;
    START();
    show_job();
    submit();
    int verdict = REPRISE_RETRY, polls = 0;
    for (; verdict == REPRISE_RETRY && polls < 100; polls++) {
        poll_when_due(1);
        verdict = answer(200, "Content-Type: text/html", "<html>login</html>");
    }
    assert_int_equal(verdict, REPRISE_FAIL);
    assert_int_equal(polls, 4);
    assert_non_null(strstr(host.error, "job n1 of POST /jobs: 4 polls in a row brought nothing: "
                                       "status 200 with text/html and no state at /status"));
    assert_int_equal(host.counted[AI_JOBS_LOST], 1);
    stop();
    START();
    show_job();
    ask(0, "http://t/jobs");
    assert_int_equal(answer(200, "Content-Type: text/html", "<html>"), REPRISE_FAIL);
    assert_non_null(strstr(host.error, "status 200 with text/html and no job's id at /id"));
    stop();
}

static void an_id_that_changes_is_followed(void **state)
{
    (void)state;
    START();
    show_job();
    submit();
    poll_when_due(1);
    assert_int_equal(answer(200, NULL, "{\"id\":\"m2\",\"status\":\"queued\"}"), REPRISE_CONTINUE);
    assert_string_equal(host.replaced, "n1>m2");
    pass(250);
    assert_int_equal(ask(2, "http://t/jobs/n1"), REPRISE_CONTINUE);
    assert_string_equal(host.url, "http://t/jobs/m2");
    assert_int_equal(answer(307, "Location: /jobs/o3", ""), REPRISE_RETRY);
    assert_string_equal(host.replaced, "m2>o3");
    pass(1);
    assert_int_equal(ask(2, "http://t/jobs/m2"), REPRISE_CONTINUE);
    assert_string_equal(host.url, "http://t/jobs/o3");
    assert_int_equal(answer(200, NULL, "{\"id\":\"o3\",\"status\":\"done\"}"), REPRISE_CONTINUE);
    assert_int_equal(host.counted[AI_JOBS_MOVED], 2);
    assert_int_equal(host.counted[AI_JOB_DURATION], 1);
    stop();
}

static void a_job_that_fails_is_counted_and_the_user_goes_on(void **state)
{
    (void)state;
    START();
    show_job();
    submit();
    poll_when_due(1);
    assert_int_equal(answer(200, NULL, "{\"status\":\"failed\"}"), REPRISE_CONTINUE);
    assert_int_equal(host.counted[AI_JOBS_FAILED], 1);
    assert_int_equal(ask(4, "http://t/jobs/j1/result"), REPRISE_CONTINUE);
    stop();
}

static void a_word_that_nobody_knows_is_said_once(void **state)
{
    (void)state;
    START();
    show_job();
    submit();
    for (uint32_t step = 1; step <= 2; step++) {
        poll_when_due(step);
        assert_int_equal(answer(200, NULL, "{\"status\":\"pickled\"}"), REPRISE_CONTINUE);
    }
    const char *said = strstr(host.log, "'pickled' is no word known here");
    assert_non_null(said);
    assert_null(strstr(said + 10, "pickled"));
    stop();
}

static void refused_tokens_are_left_to_who_knows_them(void **state)
{
    (void)state;
    START();
    show_job();
    submit();
    poll_when_due(1);
    answer(200, NULL, QUEUED);
    poll_when_due(2);
    answer(200, NULL, QUEUED);
    poll_when_due(3);
    assert_int_equal(answer(401, NULL, ""), REPRISE_CONTINUE);
    assert_int_equal(ask(4, "http://t/jobs/j1/result"), REPRISE_CONTINUE); /* not held for ever */
    poll_when_due(3); /* another plugin has it sent again */
    assert_int_equal(answer(200, NULL, RUNNING), REPRISE_RETRY);
    stop();
}

static void a_stream_that_breaks_is_opened_again(void **state)
{
    (void)state;
    START();
    show_stream();
    for (int i = 0; i < 3; i++) {
        data("data: {\"status\":\"running\"}\n\n");
        assert_int_equal(answer(200, NULL, ""), REPRISE_RETRY);
        assert_true(host.delay_us >= 1000000);
    }
    assert_int_equal(answer(200, NULL, ""), REPRISE_FAIL);
    assert_non_null(strstr(host.error, "its event streams end without a word about it"));
    stop();
}

static void options_that_make_no_sense_are_named(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"rhythm", "waltz", "rhythm: 'waltz': it is one of recorded|compressed"},
        {"backoff", "soon", "backoff: 'soon': no delay; write 200ms..5s*1.5"},
        {"on_full", "cry", "on_full: 'cry': it is one of wait|fail"},
        {"submit", "jobs", "submit: 'jobs': no method and path; write POST:/jobs"},
        {"submit", "", "submit: '': no method and path; write POST:/jobs"},
        {"poll", "jobs", "poll: 'jobs': no path; write /jobs/{id}"},
        {"poll", "", "poll: '': no path; write /jobs/{id}"},
        {"poll", "/jobs/{nope}",
         "poll: '/jobs/{nope}': it does not say where the id is; write /jobs/{id}"},
        {"id", "", "id: '': no place in JSON; write /data/id or $.data.id"},
        {"id", "header:", "id: 'header:': no header; write header:Location"},
        {"status", "", "status: '': no place in JSON; write /data/id or $.data.id"},
        {"done", "a||b",
         "done: 'a||b': a word is missing or has no letters and digits; write held|parked"},
        {"failed", "a|",
         "failed: 'a|': a word is missing or has no letters and digits; write held|parked"},
        {"id", "id", "id: 'id': no place in JSON; write /data/id or $.data.id"},
        {"cap", "10000", "cap: it is from 1 to 9999"},
        {"deadline", "0", "deadline: it is longer than 0"},
        {"log", "/nowhere/at/all", "log: /nowhere/at/all: No such file or directory"},
        {"log", "/tmp", "log: /tmp: Is a directory"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(START(rows[i][0], rows[i][1]), REPRISE_FAIL);
        assert_string_equal(host.error, rows[i][2]);
        stop();
    }
}

static void a_word_of_two_meanings_is_named(void **state)
{
    (void)state;
    assert_int_equal(START("done", "brewed|Run-ning", "running", "hot|running"), REPRISE_FAIL);
    assert_string_equal(host.error, "done: 'brewed|Run-ning': running has 'running', too; a word "
                                    "means one of them");
    stop();
    assert_int_equal(START("waiting", "held parked", "done", "a + b;c", "failed", "d"),
                     REPRISE_CONTINUE);
    stop();
    assert_int_equal(START("poll", "/{tenant}/jobs/{id}"), REPRISE_CONTINUE);
    stop();
}

static void a_trace_without_jobs_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *line;
    } rows[] = {
        {"submit", "POST:/nowhere", "no job in the trace: submit=POST:/nowhere is no exchange"},
        {"poll", "/tasks/{id}", "no job in the trace: nothing in it asks at poll=/tasks/{id}"},
        {"id", "/nothing/id", "no job in the trace: no answer to a POST gives an id"},
    };
    START();
    assert_int_equal(plugin->on_recording_end(&host.call), REPRISE_CONTINUE);
    assert_non_null(strstr(host.log, "no job in the trace: no answer"));
    stop();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        START(rows[i].name, rows[i].value);
        show_job();
        assert_non_null(strstr(host.log, rows[i].line));
        stop();
    }
    START("submit", "POST:/jobs", "poll", "/jobs/{id}");
    show_job();
    assert_null(strstr(host.log, "no job"));
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_that_stays_full_fails_its_user_at_the_deadline),
        cmocka_unit_test(a_submit_that_another_plugin_leaves_out_is_not_waited_for_for_ever),
        cmocka_unit_test(a_job_that_is_not_taken_leaves_its_polls_out),
        cmocka_unit_test(a_submit_that_is_lost_fails_its_user_by_name),
        cmocka_unit_test(a_job_that_never_ends_fails_its_user_by_name),
        cmocka_unit_test(at_the_deadline_it_is_asked_once_more),
        cmocka_unit_test(what_hangs_has_until_the_deadline),
        cmocka_unit_test(no_poll_may_say_nothing_when_that_is_asked_for),
        cmocka_unit_test(or_the_user_goes_on_without_it),
        cmocka_unit_test(a_poll_that_brings_nothing_once_is_asked_again),
        cmocka_unit_test(html_instead_of_json_is_named),
        cmocka_unit_test(an_id_that_changes_is_followed),
        cmocka_unit_test(a_job_that_fails_is_counted_and_the_user_goes_on),
        cmocka_unit_test(a_word_that_nobody_knows_is_said_once),
        cmocka_unit_test(refused_tokens_are_left_to_who_knows_them),
        cmocka_unit_test(a_stream_that_breaks_is_opened_again),
        cmocka_unit_test(options_that_make_no_sense_are_named),
        cmocka_unit_test(a_word_of_two_meanings_is_named),
        cmocka_unit_test(a_trace_without_jobs_is_said),
    };
    return RUN_LOADED("ai_queue", tests);
}

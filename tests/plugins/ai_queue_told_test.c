/* ai_queue_told_test.c - jobs whose end nobody asks for: one stream that tells of many, a submit
 * that answers with its stream; and submits that were refused and made again. */
#include "tests/plugins/ai_queue_host.h"

#define STEP(method, path, status, answer)                                                         \
    {                                                                                              \
        method, "http://t" path, status, NULL, answer, 0, 0, 0                                     \
    }
#define STREAM(method, path, answer)                                                               \
    {                                                                                              \
        method, "http://t" path, 200, "Content-Type: text/event-stream", answer, 0, 0, 0           \
    }
#define SHOW(...)                                                                                  \
    show((const struct seen[]){__VA_ARGS__},                                                       \
         sizeof(const struct seen[]){__VA_ARGS__} / sizeof(struct seen))

/* Of the answer to the step's request, which is under way. */
static int data_of(uint32_t step, const char *text)
{
    request = (reprise_request){.step = step, .mark = host.marks[step]};
    return data(text);
}

static int answer_of_step(uint32_t step, uint32_t status, const char *body)
{
    request = (reprise_request){.step = step, .mark = host.marks[step]};
    return answer(status, NULL, body);
}

/* Opened with the page, before there was a job. */
static void show_events(void)
{
    SHOW(STREAM("GET", "/events",
                ": hello\n\nevent: job.running\ndata: {\"job\":{\"id\":\"j2\"}}\n\n"
                "event: job.done\ndata: {\"id\":\"ev-5\",\"job\":{\"id\":\"j1\"}}\n\n"
                "data: {\"id\":\"j2\",\"status\":\"failed\"}\n\n"),
         STEP("POST", "/jobs", 202, "{\"id\":\"j1\"}"),
         STEP("POST", "/jobs", 202, "{\"id\":\"j2\"}"), STEP("GET", "/jobs/j1/result", 200, "hi"),
         STEP("GET", "/jobs/j2/result", 200, "hi"));
    assert_string_equal(roles(5), "mssrr");
    assert_int_equal(ask(0, "http://t/events"), REPRISE_CONTINUE);
}

static void submit_step(uint32_t step, const char *body)
{
    assert_int_equal(ask(step, "http://t/jobs"), REPRISE_CONTINUE);
    assert_int_equal(answer(202, NULL, body), REPRISE_CONTINUE);
}

static void one_stream_tells_of_many_jobs(void **state)
{
    (void)state;
    START();
    show_events();
    assert_non_null(strstr(host.log, "2 jobs: POST /jobs gives the id at /id, an event stream"));
    submit_step(1, "{\"id\":\"n1\"}");
    assert_int_equal(ask(3, "http://t/jobs/j1/result"), REPRISE_HOLD);
    ask(2, "http://t/jobs"); /* told of before its submit is answered */
    assert_int_equal(data_of(0, "event: job.failed\ndata: {\"job\":{\"id\":\"n2\"}}\n\nevent: job"),
                     REPRISE_CONTINUE);
    assert_int_equal(host.counted[AI_JOB_DURATION], 0);
    assert_int_equal(answer_of_step(2, 202, "{\"id\":\"n2\"}"), REPRISE_CONTINUE);
    assert_int_equal(host.counted[AI_JOB_DURATION], 1);
    assert_int_equal(host.counted[AI_JOBS_FAILED], 1);
    assert_int_equal(ask(4, "http://t/jobs/j2/result"), REPRISE_CONTINUE);
    pass(300);
    assert_int_equal(data_of(0, ".running\ndata: {\"job\":{\"id\":\"n1\"}}\n\n"), REPRISE_CONTINUE);
    pass(300);
    assert_int_equal(data_of(0, "event: job.done\ndata: {\"job\":{\"id\":\"n12\"}}\n\n"),
                     REPRISE_CONTINUE); /* another user's */
    assert_int_equal(ask(3, "http://t/jobs/j1/result"), REPRISE_HOLD);
    assert_int_equal(host.ended_responses, 0);
    assert_int_equal(data_of(0, "event: job.done\ndata: {\"job\":{\"id\":\"n1\"}}\n\n"),
                     REPRISE_SKIP); /* as in the recording nothing follows */
    assert_int_equal(host.ended_responses, 1);
    assert_int_equal(host.counted[AI_JOB_DURATION], 2);
    assert_int_equal(host.last[AI_JOB_PROCESSING], 300000);
    assert_int_equal(ask(3, "http://t/jobs/j1/result"), REPRISE_CONTINUE);
    assert_string_equal(host.url, "http://t/jobs/n1/result");
    assert_int_equal(answer_of_step(0, 200, ""), REPRISE_CONTINUE);
    stop();
}

static void a_stream_of_many_that_breaks_is_opened_again(void **state)
{
    (void)state;
    START("missing", "1");
    show_events();
    assert_int_equal(answer_of_step(0, 200, ""), REPRISE_RETRY); /* no job has begun */
    assert_true(host.delay_us >= 1000000);
    submit_step(1, "{\"id\":\"n1\"}");
    assert_int_equal(answer_of_step(0, 0, ""), REPRISE_RETRY);
    assert_int_equal(answer_of_step(0, 503, ""), REPRISE_FAIL);
    assert_non_null(strstr(host.error, "its event streams end without a word about it"));
    stop();
    START();
    show_events();
    int verdict = REPRISE_RETRY, opened = 0;
    for (; verdict == REPRISE_RETRY && opened < 1000; opened++)
        verdict = answer_of_step(0, 200, "");
    assert_int_equal(verdict, REPRISE_CONTINUE); /* nobody submits: not for ever */
    assert_int_equal(opened, 101);
    stop();
}

static void what_is_polled_and_told_is_polled_at_once(void **state)
{
    (void)state;
    START();
    SHOW(STREAM("GET", "/projects/p1/events", "data: {\"id\":\"j1\",\"status\":\"done\"}\n\n"),
         STEP("POST", "/jobs", 202, "{\"id\":\"j1\"}"),
         STEP("GET", "/jobs/j1", 200, "{\"status\":\"running\"}"),
         STEP("GET", "/jobs/j1", 200, "{\"status\":\"done\"}"),
         STEP("GET", "/jobs/j1", 200, "{\"status\":\"done\"}"));
    assert_string_equal(roles(5), "msppr");
    submit_step(1, "{\"id\":\"n1\"}");
    assert_int_equal(ask(2, "http://t/jobs/j1"), REPRISE_HOLD);
    data_of(0, "data: {\"id\":\"n1\",\"status\":\"done\"}\n\n");
    assert_int_equal(ask(2, "http://t/jobs/j1"), REPRISE_CONTINUE);
    assert_int_equal(answer(200, NULL, DONE), REPRISE_CONTINUE);
    assert_int_equal(host.settled[3], 'l');
    assert_int_equal(host.counted[AI_JOB_DURATION], 1);
    stop();
}

static void show_answered(void)
{
    SHOW(STREAM("POST", "/run",
                "event: created\ndata: {\"id\":\"run_1\",\"status\":\"queued\"}\n\n"
                "data: {\"status\":\"running\"}\n\nevent: done\ndata: {}\n\n"),
         STEP("GET", "/runs/run_1", 200, "{\"status\":\"done\"}"));
    assert_string_equal(roles(2), "sr");
}

static void a_submit_answers_with_its_stream(void **state)
{
    (void)state;
    START();
    show_answered();
    assert_int_equal(ask(0, "http://t/run"), REPRISE_CONTINUE);
    assert_int_equal(answer(503, "Retry-After: 2", ""), REPRISE_RETRY);
    assert_int_equal(host.counted[AI_JOBS_REJECTED], 1);
    assert_int_equal(ask(0, "http://t/run"), REPRISE_CONTINUE);
    assert_int_equal(ask(1, "http://t/runs/run_1"), REPRISE_HOLD);
    assert_int_equal(
        data_of(0, "event: created\ndata: {\"id\":\"run_8\",\"status\":\"queued\"}\n\n"),
        REPRISE_CONTINUE);
    assert_int_equal(host.counted[AI_JOBS], 1);
    pass(200);
    data_of(0, "data: {\"status\":\"running\"}\n\n");
    assert_int_equal(ask(1, "http://t/runs/run_1"), REPRISE_HOLD);
    pass(500);
    assert_int_equal(data_of(0, "event: done\ndata: {}\n\n"), REPRISE_SKIP);
    assert_int_equal(host.ended_responses, 0);
    assert_int_equal(host.last[AI_JOB_DURATION], 700000);
    assert_int_equal(host.last[AI_JOB_QUEUE_WAIT], 200000);
    assert_int_equal(host.last[AI_JOB_PROCESSING], 500000);
    assert_int_equal(host.last[AI_JOB_POLLS], 0);
    assert_int_equal(answer_of_step(0, 200, ""), REPRISE_CONTINUE);
    assert_int_equal(ask(1, "http://t/runs/run_1"), REPRISE_CONTINUE);
    assert_string_equal(host.url, "http://t/runs/run_8");
    stop();
}

static void an_answer_that_breaks_off_loses_its_job(void **state)
{
    (void)state;
    START();
    show_answered();
    ask(0, "http://t/run");
    data_of(0, "data: {\"id\":\"run_8\",\"status\":\"queued\"}\n\n");
    assert_int_equal(answer_of_step(0, 200, ""), REPRISE_FAIL);
    assert_string_equal(host.error, "job run_8 of POST /run: its event stream ended without a word "
                                    "about its end (last state: queued, 0.0 s, 0 polls)");
    assert_int_equal(host.counted[AI_JOBS_LOST], 1);
    assert_int_equal(host.last[AI_JOBS_IN_FLIGHT], 0);
    stop();
    START("on_timeout", "go-on"); /* not a stream at all */
    show_answered();
    ask(0, "http://t/run");
    assert_int_equal(answer_of_step(0, 200, "<html>"), REPRISE_CONTINUE);
    assert_int_equal(host.counted[AI_JOBS_LOST], 1);
    assert_int_equal(ask(1, "http://t/runs/run_1"), REPRISE_SKIP);
    stop();
    START(); /* words as they are made, and their end, are no job */
    SHOW(STREAM(
        "POST", "/chat",
        "data: {\"id\":\"c1\",\"delta\":\"Hel\"}\n\ndata: {\"id\":\"c1\",\"delta\":\"lo\"}\n\n"
        "data: [DONE]\n\n"));
    assert_string_equal(roles(1), ".");
    stop();
}

/* Its host shows pieces, and another plugin has had the whole kept. */
static void what_was_shown_in_pieces_is_not_read_again(void **state)
{
    static const char event[] = "data: {\"id\":\"run_8\",\"status\":\"queued\"}\n\ndata: {\"id\":";
    (void)state;
    START("on_timeout", "go-on");
    show_answered();
    ask(0, "http://t/run");
    assert_int_equal(host.kept_bodies, 0); /* it may be longer than what may be kept */
    assert_int_equal(data_of(0, event), REPRISE_CONTINUE);
    /* as it would be read behind `{"id":`, this ends the job */
    assert_int_equal(answer_of_step(0, 200, "\"run_8\",\"status\":\"done\"}\n\n"),
                     REPRISE_CONTINUE);
    assert_int_equal(host.counted[AI_JOBS], 1);
    assert_int_equal(host.counted[AI_JOB_DURATION], 0);
    assert_int_equal(host.counted[AI_JOBS_LOST], 1);
    stop();
}

static void a_stream_that_broke_off_loses_its_job(void **state)
{
    (void)state;
    START();
    show_answered();
    ask(0, "http://t/run");
    data_of(0, "data: {\"id\":\"run_8\",\"status\":\"queued\"}\n\n");
    assert_int_equal(answer_of_step(0, 0, ""), REPRISE_FAIL);
    assert_non_null(strstr(host.error, "job run_8 of POST /run: its event stream ended without"));
    assert_int_equal(host.counted[AI_JOBS_LOST], 1);
    stop();
}

/* The recorded client was refused first; here the first is taken, and answers with its stream. */
static void an_attempt_that_answers_with_its_stream_is_the_job(void **state)
{
    (void)state;
    START();
    SHOW(STEP("POST", "/run", 503, "{}"),
         STREAM("POST", "/run",
                "data: {\"id\":\"run_1\",\"status\":\"queued\"}\n\nevent: done\ndata: {}\n\n"),
         STEP("GET", "/runs/run_1", 200, "{\"status\":\"done\"}"));
    assert_string_equal(roles(3), "asr");
    ask(0, "http://t/run");
    data_of(0, "data: {\"id\":\"run_8\",\"status\":\"queued\"}\n\n");
    assert_int_equal(data_of(0, "event: done\ndata: {}\n\n"), REPRISE_SKIP);
    assert_int_equal(answer_of_step(0, 200, ""), REPRISE_CONTINUE);
    assert_int_equal(host.settled[1], 'l');
    assert_int_equal(host.counted[AI_JOB_DURATION], 1);
    stop();
}

static void the_deadline_is_looked_at_with_every_piece(void **state)
{
    static const char running[] = "data: {\"id\":\"n1\",\"status\":\"running\"}\n\n";
    (void)state;
    START("deadline", "3");
    show_stream();
    assert_int_equal(data(running), REPRISE_CONTINUE);
    pass(3000);
    assert_int_equal(data("data: " DONE "\n\n"), REPRISE_SKIP); /* in time: it says so */
    assert_int_equal(host.counted[AI_JOBS_TIMED_OUT], 0);
    stop();
    START("deadline", "3");
    show_stream();
    pass(3000);
    assert_int_equal(data(running), REPRISE_FAIL);
    assert_string_equal(host.error, "job n1 of POST /jobs: it has not ended by its deadline (last "
                                    "state: submitted, 3.0 s, 0 polls)");
    assert_int_equal(host.counted[AI_JOBS_TIMED_OUT], 1);
    stop();
    START("deadline", "3", "on_timeout", "go-on");
    show_stream();
    pass(3000);
    assert_int_equal(data(running), REPRISE_SKIP);
    assert_int_equal(host.ended_responses, 1);
    assert_int_equal(answer(200, NULL, ""), REPRISE_CONTINUE);
    assert_int_equal(host.counted[AI_JOBS_TIMED_OUT], 1);
    stop();
    START("deadline", "3"); /* of many */
    show_events();
    submit_step(1, "{\"id\":\"n1\"}");
    pass(3000);
    assert_int_equal(data_of(0, ": a comment\n\n"), REPRISE_FAIL);
    assert_int_equal(host.counted[AI_JOBS_TIMED_OUT], 1);
    stop();
    START("deadline", "3"); /* of a submit */
    show_answered();
    ask(0, "http://t/run");
    pass(3000);
    assert_int_equal(data_of(0, running), REPRISE_FAIL);
    assert_int_equal(host.counted[AI_JOBS_TIMED_OUT], 1);
    stop();
}

#define ORDER "POST {\"file\":7}"

static void show_refused(void)
{
    SHOW(STEP(ORDER, "/jobs", 503, "{}"),
         STEP("POST {\"file\":8}", "/jobs", 202, "{\"id\":\"j8\"}"),
         STEP(ORDER, "/jobs", 429, "{}"), STEP(ORDER, "/jobs", 202, "{\"id\":\"j7\"}"),
         STEP("GET", "/jobs/j7", 200, "{\"status\":\"done\"}"),
         STEP(ORDER, "/jobs", 202, "{\"id\":\"j9\"}"));
    assert_string_equal(roles(6), "a.asp.");
}

static void a_submit_that_was_refused_then_and_is_taken_now_is_the_job(void **state)
{
    (void)state;
    START();
    show_refused();
    assert_int_equal(ask(0, "http://t/jobs"), REPRISE_CONTINUE);
    assert_int_equal(ask(4, "http://t/jobs/j7"), REPRISE_HOLD);
    assert_int_equal(answer_of_step(0, 202, "{\"id\":\"n7\"}"), REPRISE_CONTINUE);
    assert_memory_equal(host.settled, "..ll..", 6); /* there is no second job */
    assert_int_equal(host.counted[AI_JOBS], 1);
    assert_int_equal(ask_when_due(4), REPRISE_CONTINUE);
    request.url = text_of("http://t/jobs/j7");
    ask(4, "http://t/jobs/j7");
    assert_string_equal(host.url, "http://t/jobs/n7");
    assert_int_equal(answer(200, NULL, DONE), REPRISE_CONTINUE);
    assert_int_equal(host.counted[AI_JOB_DURATION], 1);
    assert_int_equal(host.counted[AI_JOBS_REJECTED], 0);
    stop();
}

static void refused_again_its_polls_wait_for_the_one_that_is_taken(void **state)
{
    (void)state;
    START();
    show_refused();
    ask(0, "http://t/jobs");
    assert_int_equal(answer(503, NULL, "{}"),
                     REPRISE_CONTINUE); /* the recorded client comes again */
    assert_int_equal(ask(4, "http://t/jobs/j7"), REPRISE_HOLD);
    ask(2, "http://t/jobs");
    assert_int_equal(answer(500, NULL, "{}"), REPRISE_CONTINUE);
    assert_int_equal(ask(4, "http://t/jobs/j7"), REPRISE_HOLD);
    ask(3, "http://t/jobs");
    assert_int_equal(answer(429, "Retry-After: 1", "{}"), REPRISE_RETRY);
    assert_int_equal(ask(4, "http://t/jobs/j7"), REPRISE_HOLD);
    ask(3, "http://t/jobs");
    int woken = host.woken;
    assert_int_equal(answer(202, NULL, "{\"id\":\"n7\"}"), REPRISE_CONTINUE);
    assert_true(host.woken > woken);
    while (ask(4, "http://t/jobs/j7") == REPRISE_HOLD)
        pass(host.delay_us / 1000);
    assert_string_equal(host.url, "http://t/jobs/n7");
    assert_int_equal(host.counted[AI_JOBS], 1);
    assert_int_equal(host.counted[AI_JOBS_REJECTED], 2);
    assert_memory_equal(host.settled, "......", 6);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_stream_tells_of_many_jobs),
        cmocka_unit_test(a_stream_of_many_that_breaks_is_opened_again),
        cmocka_unit_test(what_is_polled_and_told_is_polled_at_once),
        cmocka_unit_test(a_submit_answers_with_its_stream),
        cmocka_unit_test(an_answer_that_breaks_off_loses_its_job),
        cmocka_unit_test(the_deadline_is_looked_at_with_every_piece),
        cmocka_unit_test(what_was_shown_in_pieces_is_not_read_again),
        cmocka_unit_test(a_stream_that_broke_off_loses_its_job),
        cmocka_unit_test(an_attempt_that_answers_with_its_stream_is_the_job),
        cmocka_unit_test(a_submit_that_was_refused_then_and_is_taken_now_is_the_job),
        cmocka_unit_test(refused_again_its_polls_wait_for_the_one_that_is_taken),
    };
    return RUN_LOADED("ai_queue", tests);
}

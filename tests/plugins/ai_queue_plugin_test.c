/* ai_queue_plugin_test.c - the plugin as it is loaded: what a user sends when, what is counted. */
#include "tests/plugins/ai_queue_host.h"

#include <unistd.h>

static void polls_keep_the_recorded_rhythm_in_real_time(void **state)
{
    (void)state;
    START();
    show_job();
    assert_non_null(strstr(host.log, "1 jobs: POST /jobs gives the id at /id, GET /jobs/{id} has "
                                     "the state at /status; asked 0.400 s after"));
    submit();
    assert_int_equal(poll_when_due(1), 400);
    assert_int_equal(answer(200, NULL, QUEUED), REPRISE_CONTINUE);
    assert_int_equal(poll_when_due(2), 250);
    assert_int_equal(answer(200, NULL, RUNNING), REPRISE_CONTINUE);
    assert_int_equal(ask(4, "http://t/jobs/j1/result"), REPRISE_HOLD);
    assert_int_equal(poll_when_due(3), 250);
    assert_int_equal(answer(200, NULL, RUNNING), REPRISE_RETRY);
    assert_int_equal(poll_when_due(3), 250);
    assert_int_equal(answer(200, NULL, DONE), REPRISE_CONTINUE);
    assert_int_equal(ask(4, "http://t/jobs/j1/result"), REPRISE_CONTINUE);
    assert_string_equal(host.url, "http://t/jobs/n1/result");
    assert_int_equal(host.counted[AI_JOBS], 1);
    assert_int_equal(host.last[AI_JOB_POLLS], 4);
    assert_int_equal(host.last[AI_JOB_DURATION], 1151000);
    assert_int_equal(host.last[AI_JOB_QUEUE_WAIT], 651000);
    assert_int_equal(host.last[AI_JOB_PROCESSING], 500000);
    assert_int_equal(host.counted[AI_JOBS_IN_FLIGHT], 2);
    assert_int_equal(host.last[AI_JOBS_IN_FLIGHT], 0);
    stop();
}

static void a_job_that_ends_early_drops_the_polls_that_are_left(void **state)
{
    (void)state;
    START();
    show_job();
    submit();
    poll_when_due(1);
    int woken = host.woken;
    assert_int_equal(answer(200, NULL, DONE), REPRISE_CONTINUE);
    assert_memory_equal(host.settled, "..ll.", 5);
    assert_true(host.woken > woken);
    stop();
}

static void the_rhythm_can_be_compressed_or_a_backoff(void **state)
{
    (void)state;
    START("rhythm", "compressed");
    show_job();
    submit();
    assert_int_equal(poll_when_due(1), 80);
    answer(200, NULL, QUEUED);
    assert_int_equal(poll_when_due(2), 50);
    stop();
    START("backoff", "200ms..300ms*1.5");
    show_job();
    submit();
    assert_int_equal(poll_when_due(1), 200);
    answer(200, NULL, QUEUED);
    assert_int_equal(poll_when_due(2), 300);
    answer(200, NULL, QUEUED);
    assert_int_equal(poll_when_due(3), 300);
    stop();
}

static void retry_after_counts_when_it_is_asked_for(void **state)
{
    (void)state;
    START();
    show_job();
    submit();
    poll_when_due(1);
    answer(200, "Retry-After: 3", QUEUED);
    assert_int_equal(poll_when_due(2), 250);
    stop();
    START("retry_after", "on");
    show_job();
    submit();
    poll_when_due(1);
    answer(200, "Retry-After: 3", QUEUED);
    assert_int_equal(poll_when_due(2), 3000);
    stop();
}

static void a_full_target_is_asked_again_in_its_own_time(void **state)
{
    (void)state;
    START();
    show_job();
    ask(0, "http://t/jobs");
    assert_int_equal(answer(503, "Retry-After: 2\nX-Queue-Depth: 20", "{}"), REPRISE_RETRY);
    assert_int_equal(host.delay_us, 2000000);
    assert_int_equal(host.last[AI_QUEUE_DEPTH], 20);
    pass(2000);
    assert_int_equal(ask(0, "http://t/jobs"), REPRISE_CONTINUE);
    assert_int_equal(answer(429, NULL, "{}"), REPRISE_RETRY);
    assert_int_equal(host.delay_us, 2000000); /* the second without a word: 1 s * 2 */
    assert_int_equal(ask(1, "http://t/jobs/j1"), REPRISE_HOLD);
    pass(2000);
    submit();
    assert_int_equal(host.counted[AI_JOBS_REJECTED], 2);
    assert_int_equal(poll_when_due(1), 400);
    stop();
}

static void a_recording_without_an_end_is_played_as_recorded(void **state)
{
    (void)state;
    static const struct seen steps[] = {
        {"POST", "http://t/jobs", 202, NULL, "{\"id\":\"j1\"}", 0, 100, 0},
        {"GET", "http://t/jobs/j1", 200, NULL, "{\"status\":\"queued\"}", 500, 510, 0},
    };
    START();
    show(steps, 2);
    assert_non_null(strstr(host.log, "the recording has not seen it end"));
    submit();
    poll_when_due(1);
    assert_int_equal(answer(200, NULL, QUEUED), REPRISE_CONTINUE);
    assert_int_equal(host.last[AI_JOBS_IN_FLIGHT], 0);
    assert_int_equal(host.counted[AI_JOB_DURATION], 0);
    stop();
}

static int tell(uint32_t step, const char *text)
{
    const reprise_ws_message message = {
        .step = step, .is_text = 1, .data = text_of(text), .mark = host.marks[step]};
    return plugin->on_ws_message(&host.call, &message);
}

static void a_websocket_tells_of_the_end(void **state)
{
    (void)state;
    static const struct seen steps[] = {
        {"POST", "http://t/jobs", 202, NULL, "{\"id\":\"j1\"}", 0, 100, 0},
        {"POST", "http://t/jobs", 202, NULL, "{\"id\":\"j2\"}", 100, 200, 0},
        {"GET", "http://t/jobs/j1", 200, NULL, "{\"status\":\"queued\"}", 600, 610, 0},
        {NULL, NULL, 0, NULL, "{\"event\":\"job.done\",\"id\":\"j1\"}", 700, 700,
         REPRISE_RECORDED_MESSAGE_RECEIVED},
        {NULL, NULL, 0, NULL, "{\"event\":\"job.done\",\"id\":\"j2\"}", 700, 700,
         REPRISE_RECORDED_MESSAGE_RECEIVED},
        {"GET", "http://t/jobs/j1", 200, NULL, "{\"status\":\"done\"}", 900, 910, 0},
        {"GET", "http://t/jobs/j2/result", 200, NULL, "hi", 950, 960, 0},
    };
    START();
    show(steps, 7);
    ask(1, "http://t/jobs");
    tell(4, "{\"event\":\"job.done\",\"id\":\"n2\"}"); /* before its submit is answered */
    tell(4, "not JSON");
    answer(202, NULL, "{\"id\":\"n2\"}");
    assert_int_equal(host.counted[AI_JOB_DURATION], 1);
    assert_int_equal(ask(6, "http://t/jobs/j2/result"), REPRISE_CONTINUE);
    submit();
    assert_int_equal(ask(2, "http://t/jobs/j1"), REPRISE_HOLD);
    tell(3, "{\"event\":\"job.done\",\"id\":\"n12\"}"); /* another's */
    assert_int_equal(ask(2, "http://t/jobs/j1"), REPRISE_HOLD);
    int woken = host.woken;
    tell(3, "{\"event\":\"job.done\",\"id\":\"n1\"}");
    assert_true(host.woken > woken);
    assert_int_equal(ask(2, "http://t/jobs/j1"), REPRISE_CONTINUE);
    assert_int_equal(answer(200, NULL, DONE), REPRISE_CONTINUE);
    assert_int_equal(host.counted[AI_JOB_DURATION], 2);
    assert_int_equal(host.settled[5], 'l');
    stop();
}

static void an_event_stream_tells_of_the_end(void **state)
{
    (void)state;
    START();
    show_stream();
    assert_int_equal(data("data: {\"status\":\"run"), REPRISE_CONTINUE);
    assert_int_equal(data("ning\"}\n\ndata: {\"sta"), REPRISE_CONTINUE);
    assert_int_equal(ask(2, "http://t/jobs/j1/result"), REPRISE_HOLD);
    request.step = 1;
    request.mark = host.marks[1];
    assert_int_equal(data("tus\":\"done\"}\n\n"), REPRISE_SKIP);
    assert_int_equal(host.ended_responses, 1);
    assert_int_equal(host.counted[AI_JOB_DURATION], 1);
    assert_int_equal(host.counted[AI_JOB_PROCESSING], 1);
    assert_int_equal(ask(2, "http://t/jobs/j1/result"), REPRISE_CONTINUE);
    stop();
}

static void a_line_for_each_job_is_logged(void **state)
{
    (void)state;
    char path[] = "/tmp/ai_queue_test.XXXXXX", line[200] = "";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "an earlier run\n", 15), 15);
    START("log", path);
    stop(); /* without a user: as in a run that is only printed */
    assert_int_equal(lseek(fd, 0, SEEK_END), 15);
    START("log", path);
    assert_int_equal(lseek(fd, 0, SEEK_END), 15);
    show_job();
    assert_int_equal(lseek(fd, 0, SEEK_END), 0);
    submit();
    poll_when_due(1);
    answer(200, NULL, QUEUED);
    poll_when_due(2);
    answer(200, NULL, DONE);
    stop();
    assert_true(read(fd, line, sizeof line - 1) > 0);
    assert_string_equal(line, "n1 done 1000004000 651000 2 250000\n");
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polls_keep_the_recorded_rhythm_in_real_time),
        cmocka_unit_test(a_job_that_ends_early_drops_the_polls_that_are_left),
        cmocka_unit_test(the_rhythm_can_be_compressed_or_a_backoff),
        cmocka_unit_test(retry_after_counts_when_it_is_asked_for),
        cmocka_unit_test(a_full_target_is_asked_again_in_its_own_time),
        cmocka_unit_test(a_recording_without_an_end_is_played_as_recorded),
        cmocka_unit_test(a_websocket_tells_of_the_end),
        cmocka_unit_test(an_event_stream_tells_of_the_end),
        cmocka_unit_test(a_line_for_each_job_is_logged),
    };
    return RUN_LOADED("ai_queue", tests);
}

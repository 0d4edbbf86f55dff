/* ai_queue_learn_test.c - what the learner of ai_queue finds in recorded sessions: which steps are
 * of a job, where its id and state are, how often it was asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/plugins/ai_queue_session.h"

static struct {
    struct learn learn;
    struct learn_rules rules;
    struct job_table table;
    uint32_t marks[SESSION_MAX_STEPS];
} fx;

static uint64_t fx_session; /* every SEE() is another */

static int mark(void *owner, uint32_t step, uint32_t value)
{
    (void)owner;
    assert_true(step < SESSION_MAX_STEPS);
    fx.marks[step] = value;
    return 0;
}

static int begin(void **state)
{
    (void)state;
    memset(&fx, 0, sizeof fx);
    learn_init(&fx.learn, &fx.rules, &fx.table);
    return 0;
}

static int end(void **state)
{
    (void)state;
    learn_fini(&fx.learn);
    job_table_fini(&fx.table);
    return 0;
}

static void see(uint64_t session, const struct seen *steps, size_t count)
{
    memset(fx.marks, 0, sizeof fx.marks);
    for (uint32_t i = 0; i < count; i++) {
        reprise_header headers[SESSION_MAX_HEADERS];
        reprise_recorded recorded = seen_recorded(&steps[i], i, headers);
        assert_int_equal(learn_see(&fx.learn, session, &recorded, mark, NULL), 0);
    }
}
#define SEE(...)                                                                                   \
    see(++fx_session, (const struct seen[]){__VA_ARGS__},                                          \
        sizeof(const struct seen[]){__VA_ARGS__} / sizeof(struct seen))

/* The marks as letters: s(ubmit) p(oll) r(esult) o(ther) e(vents) l(ist) m(any told by events)
 * a(ttempt) w(atch), '.': none. */
static const char *roles(size_t count)
{
    static char text[SESSION_MAX_STEPS + 1];
    for (size_t i = 0; i < count; i++)
        text[i] = ".sproelmaw"[MARK_ROLE(fx.marks[i])];
    text[count] = '\0';
    return text;
}

#define POST(path, status, headers, answer)                                                        \
    {                                                                                              \
        "POST", "http://t" path, status, headers, answer, 0, 0, 0                                  \
    }
#define GET(path, status, headers, answer)                                                         \
    {                                                                                              \
        "GET", "http://t" path, status, headers, answer, 0, 0, 0                                   \
    }
#define MESSAGE(text)                                                                              \
    {                                                                                              \
        NULL, NULL, 0, NULL, text, 0, 0, REPRISE_RECORDED_MESSAGE_RECEIVED                         \
    }

static void a_job_is_submit_polls_and_result(void **state)
{
    (void)state;
    SEE(POST("/login", 200, NULL, "{\"token\":\"abcdefgh12345678\"}"),
        POST("/jobs", 202, "Location: /jobs/j7", "{\"id\":\"j7\",\"status\":\"queued\"}"),
        GET("/jobs/j7", 200, NULL, "{\"id\":\"j7\",\"status\":\"queued\"}"),
        GET("/news", 200, NULL, "{\"status\":\"running\"}"),
        GET("/jobs/j7", 200, NULL, "{\"id\":\"j7\",\"status\":\"running\"}"),
        GET("/jobs/j7/log", 200, NULL, "[]"),
        GET("/jobs/j7", 200, NULL, "{\"id\":\"j7\",\"status\":\"done\"}"),
        GET("/jobs/j7", 200, NULL, "{\"id\":\"j7\",\"status\":\"done\"}"),
        GET("/jobs/j7/result", 200, NULL, "{\"text\":\"hi\"}"));
    assert_string_equal(roles(9), ".sp.poprr");
    assert_int_equal(fx.table.count, 1);
    const struct job_recorded *job = &fx.table.jobs[0];
    assert_string_equal(job->id, "j7");
    assert_string_equal(job->submit, "POST /jobs");
    assert_string_equal(job->place->name, "/id");
    assert_string_equal(job->other_place->name, "Location");
    assert_string_equal(job->state_pointer, "/status");
    assert_string_equal(job->poll_id_pointer, "/id");
    assert_true(job->has_ended);
    assert_int_equal(job->poll_count, 3);
    assert_int_equal(job->first_delay_us, 900000);
    assert_int_equal(job_interval_us(&fx.table, job), 1900000);
}

/* One answer each, in the ways of the field: roles, where the id is, where the state. */
static void the_ways_of_the_field_are_recognised(void **state)
{
    (void)state;
    static const struct {
        struct seen steps[4];
        const char *roles, *place, *pointer;
    } rows[] = {
        {{POST("/analyze", 202, "Operation-Location: https://t/ops/1f?api-version=2024", ""),
          GET("/ops/1f?api-version=2024", 200, NULL, "{\"status\":\"notStarted\"}"),
          GET("/ops/1f?api-version=2024", 200, NULL, "{\"status\":\"succeeded\"}")},
         "spp",
         "Operation-Location",
         "/status"},
        {{POST("/predictions", 201, NULL,
               "{\"id\":\"gm3qorzdhgbfurvjtvhg6dckhu\",\"urls\":{\"get\":\"https://t/p/"
               "gm3qorzdhgbfurvjtvhg6dckhu\"},\"status\":\"starting\"}"),
          GET("/p/gm3qorzdhgbfurvjtvhg6dckhu", 200, NULL, "{\"status\":\"processing\"}"),
          GET("/p/gm3qorzdhgbfurvjtvhg6dckhu", 200, NULL, "{\"status\":\"succeeded\"}")},
         "spp",
         "/id",
         "/status"},
        {{POST("/v1/x:run", 200, NULL, "{\"name\":\"operations/42\",\"done\":false}"),
          GET("/v1/operations/42", 200, NULL, "{\"name\":\"operations/42\",\"done\":false}"),
          GET("/v1/operations/42", 200, NULL, "{\"name\":\"operations/42\",\"done\":true}")},
         "spp",
         "/name",
         "/done"},
        {{POST("/jobs", 200, NULL, "{\"data\":{\"job\":{\"id\":77}}}"),
          GET("/state?job=77", 200, NULL, "{\"data\":{\"job\":{\"state\":\"PENDING\"}}}"),
          GET("/state?job=77", 200, NULL, "{\"data\":{\"job\":{\"state\":\"FINISHED\"}}}")},
         "spp",
         "/data/job/id",
         "/data/job/state"},
        {{POST("/jobs", 202, "Location: /q/a1", ""), GET("/q/a1", 202, NULL, ""),
          GET("/q/a1", 200, NULL, "the text"), GET("/q/a1", 200, NULL, "the text")},
         "sppr",
         "Location",
         NULL},
        {{POST("/jobs", 303, "Location: /q/a1", ""),
          GET("/q/a1", 200, NULL, "{\"status\":\"pending\"}"),
          GET("/q/a1", 303, "Location: /r/a1", ""), GET("/r/a1", 200, NULL, "hi")},
         "sppr",
         "Location",
         "/status"},
        {{POST("/jobs", 200, NULL, "{\"status\":\"success\",\"data\":{\"id\":\"a1\"}}"),
          GET("/jobs/a1", 200, NULL, "{\"status\":\"success\",\"data\":{\"state\":\"queued\"}}"),
          GET("/jobs/a1", 200, NULL, "{\"status\":\"success\",\"data\":{\"state\":\"done\"}}")},
         "spp",
         "/data/id",
         "/data/state"},
        {{POST("/jobs", 202, NULL, "{\"id\":\"a1\"}"),
          GET("/jobs/a1", 404, NULL, "{\"error\":\"no such job\"}"),
          GET("/jobs/a1", 200, NULL, "{\"status\":\"failed\"}")},
         "s.p",
         "/id",
         "/status"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        end(NULL);
        begin(NULL);
        size_t count = strlen(rows[i].roles);
        see(1, rows[i].steps, count);
        if (strcmp(roles(count), rows[i].roles) != 0)
            fail_msg("row %zu: %s, wanted %s", i, roles(count), rows[i].roles);
        const struct job_recorded *job = &fx.table.jobs[0];
        assert_string_equal(job->place->name, rows[i].place);
        assert_true(job->has_ended);
        if (rows[i].pointer)
            assert_string_equal(job->state_pointer, rows[i].pointer);
        else
            assert_null(job->state_pointer);
    }
}

static void what_is_no_job_is_left_alone(void **state)
{
    (void)state;
    SEE(POST("/login", 200, NULL, "{\"user\":{\"id\":\"u1\"},\"status\":\"success\"}"),
        GET("/users/u1", 200, NULL, "{\"id\":\"u1\",\"status\":\"active\"}"),
        GET("/users/u1", 200, NULL, "{\"id\":\"u1\",\"status\":\"success\"}"),
        POST("/notes", 201, "Location: /notes/n1", "{\"id\":\"n1\"}"),
        GET("/notes/n1", 200, NULL, "{\"id\":\"n1\",\"text\":\"done\"}"),
        GET("/notes/n1", 200, NULL, "<html>done</html>"),
        POST("/jobs", 503, NULL, "{\"id\":\"j1\",\"status\":\"queued\"}"),
        GET("/jobs/j1", 200, NULL, "{\"status\":\"done\"}"));
    assert_string_equal(roles(8), "........");
    assert_int_equal(fx.table.count, 0);
}

static void a_job_whose_end_was_not_seen_says_so(void **state)
{
    (void)state;
    SEE(POST("/jobs", 202, NULL, "{\"id\":\"j7\"}"),
        GET("/jobs/j7", 200, NULL, "{\"status\":\"queued\"}"),
        GET("/jobs/j7/log", 200, NULL, "{}"));
    assert_string_equal(roles(3), "spo");
    assert_false(fx.table.jobs[0].has_ended);
}

static void several_jobs_of_one_submit_and_of_one_session(void **state)
{
    (void)state;
    SEE(POST("/batch", 202, NULL, "{\"jobs\":[\"j1\",\"j2\"]}"),
        POST("/jobs", 202, NULL, "{\"id\":\"j3\"}"),
        GET("/jobs/j2", 200, NULL, "{\"status\":\"running\"}"),
        GET("/jobs/j1", 200, NULL, "{\"status\":\"done\"}"),
        GET("/jobs/j3", 200, NULL, "{\"status\":\"done\"}"),
        GET("/jobs/j2", 200, NULL, "{\"status\":\"done\"}"));
    assert_string_equal(roles(6), "sspppp");
    assert_int_equal(fx.table.count, 3);
    assert_int_equal(fx.table.session_count, 1);
    assert_string_equal(fx.table.jobs[0].id, "j2");
    assert_string_equal(fx.table.jobs[0].place->name, "/jobs/1");
    assert_int_equal(fx.table.jobs[0].submit_step, 0);
    assert_int_equal(fx.table.jobs[1].submit_step, 0);
    assert_int_equal(MARK_JOB(fx.marks[5]), 0);
    assert_int_equal(MARK_JOB(fx.marks[4]), 2);
}

static void sessions_share_no_ids_and_are_found_by_theirs(void **state)
{
    (void)state;
    const struct seen job[] = {POST("/jobs", 202, NULL, "{\"id\":\"j1\"}"),
                               GET("/jobs/j1", 200, NULL, "{\"status\":\"done\"}")};
    see(9, job, 2);
    see(3, job, 2);
    see(5, job + 1, 1);
    assert_string_equal(roles(1), ".");
    see(7, job, 2);
    assert_int_equal(fx.table.session_count, 3);
    assert_int_equal(job_table_find(&fx.table, 3)->first, 1);
    assert_int_equal(job_table_find(&fx.table, 7)->first, 2);
    assert_int_equal(job_table_find(&fx.table, 9)->first, 0);
    assert_null(job_table_find(&fx.table, 5));
}

static void the_later_submit_wins_when_it_looks_like_one(void **state)
{
    (void)state;
    SEE(POST("/uploads", 201, NULL, "{\"id\":\"u1\"}"),
        POST("/transcribe", 202, NULL, "{\"id\":\"u1\",\"status\":\"queued\"}"),
        GET("/transcripts/u1", 200, NULL, "{\"status\":\"done\"}"));
    assert_string_equal(roles(3), ".sp");
}

static void a_stream_of_events_tells_of_the_end(void **state)
{
    (void)state;
    SEE(POST("/jobs", 202, NULL, "{\"id\":\"j1\"}"),
        GET("/jobs/j1/events", 200, "Content-Type: text/event-stream",
            "data: {\"status\":\"running\"}\n\nevent: done\ndata: {}\n\n"),
        GET("/jobs/j1/result", 200, NULL, "hi"));
    assert_string_equal(roles(3), "ser");
    assert_true(fx.table.jobs[0].ends_with_stream);
    SEE(POST("/jobs", 202, NULL, "{\"id\":\"j1\"}"),
        GET("/jobs/j1/events", 200, "Content-Type: text/event-stream",
            "data: {\"status\":\"running\"}\n\n"));
    assert_string_equal(roles(2), "..");
}

static void one_websocket_tells_of_many_jobs(void **state)
{
    (void)state;
    SEE(POST("/jobs", 202, NULL, "{\"id\":\"j1\"}"), POST("/jobs", 202, NULL, "{\"id\":\"j2\"}"),
        MESSAGE("{\"type\":\"job.completed\",\"job\":{\"id\":\"j2\"}}"),
        GET("/jobs/j2/result", 200, NULL, "hi"),
        GET("/jobs/j1", 200, NULL, "{\"status\":\"done\"}"));
    assert_string_equal(roles(5), "sswrp");
    assert_true(fx.table.jobs[0].is_watched);
    assert_string_equal(fx.table.jobs[0].id, "j2");
    assert_int_equal(fx.table.jobs[0].poll_count, 0);
}

static void whether_retry_after_was_honoured(void **state)
{
    (void)state;
    SEE({"POST", "/jobs", 202, "Retry-After: 1", "{\"id\":\"j1\"}", 0, 100, 0},
        {"GET", "/jobs/j1", 200, "Retry-After: 2", "{\"status\":\"queued\"}", 1150, 1200, 0},
        {"GET", "/jobs/j1", 200, NULL, "{\"status\":\"done\"}", 3205, 3300, 0});
    assert_int_equal(fx.table.jobs[0].honoured, 2);
    assert_int_equal(fx.table.jobs[0].ignored, 0);
    SEE({"POST", "/jobs", 202, "Retry-After: 1", "{\"id\":\"j1\"}", 0, 100, 0},
        {"GET", "/jobs/j1", 200, NULL, "{\"status\":\"done\"}", 350, 400, 0});
    see(2,
        (const struct seen[]){
            {"POST", "/jobs", 202, "Retry-After: 1", "{\"id\":\"j1\"}", 0, 100, 0},
            {"GET", "/jobs/j1", 200, NULL, "{\"status\":\"done\"}", 350, 400, 0}},
        2);
    assert_int_equal(fx.table.jobs[fx.table.count - 1].ignored, 1);
}

static void options_say_where_things_are(void **state)
{
    (void)state;
    fx.rules = (struct learn_rules){.words = {.running = "brewing", .done = "brewed"},
                                    .submit_method = "POST",
                                    .submit_path = "/brew",
                                    .poll_path = "/pots/{id}",
                                    .id_pointer = "/pot",
                                    .state_pointer = "/now"};
    SEE(POST("/jobs", 202, NULL, "{\"pot\":\"p1\"}"), POST("/brew", 200, NULL, "{\"pot\":\"tea\"}"),
        GET("/pots/p1", 200, NULL, "{\"now\":\"brewed\"}"),
        GET("/pots/tea", 200, NULL, "{\"status\":\"done\",\"now\":\"brewing\"}"),
        GET("/pots/tea/lid", 200, NULL, "{\"now\":\"brewed\"}"),
        GET("/pots/tea", 200, NULL, "{\"now\":\"brewed\"}"));
    assert_string_equal(roles(6), ".s.pop");
    assert_true(fx.table.jobs[0].has_ended);
}

#define MANY_IDS "{\"jobs\":[{\"id\":\"a1\"},{\"id\":\"a2\"},{\"id\":\"a3\"},{\"id\":\"a9\"}]}"

/* Of a submit of megabytes that gives many identifiers. */
static void what_was_sent_is_hashed_once_for_all_identifiers(void **state)
{
    (void)state;
    SEE(POST("/jobs", 503, NULL, "{}"), POST("/jobs", 202, NULL, MANY_IDS),
        GET("/jobs/a1", 200, NULL, "{\"status\":\"done\"}"),
        GET("/jobs/a9", 200, NULL, "{\"status\":\"done\"}"));
    assert_string_equal(roles(4), "aspp");
    assert_int_equal(fx.learn.sent_hashes, 2); /* one for each of the two that were sent */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_is_submit_polls_and_result, begin, end),
        cmocka_unit_test_setup_teardown(the_ways_of_the_field_are_recognised, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_job_is_left_alone, begin, end),
        cmocka_unit_test_setup_teardown(a_job_whose_end_was_not_seen_says_so, begin, end),
        cmocka_unit_test_setup_teardown(several_jobs_of_one_submit_and_of_one_session, begin, end),
        cmocka_unit_test_setup_teardown(sessions_share_no_ids_and_are_found_by_theirs, begin, end),
        cmocka_unit_test_setup_teardown(the_later_submit_wins_when_it_looks_like_one, begin, end),
        cmocka_unit_test_setup_teardown(a_stream_of_events_tells_of_the_end, begin, end),
        cmocka_unit_test_setup_teardown(one_websocket_tells_of_many_jobs, begin, end),
        cmocka_unit_test_setup_teardown(whether_retry_after_was_honoured, begin, end),
        cmocka_unit_test_setup_teardown(options_say_where_things_are, begin, end),
        cmocka_unit_test_setup_teardown(what_was_sent_is_hashed_once_for_all_identifiers, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ai_queue_play_test.c - whole sessions with ai_queue, played by the engine: what reaches a target
 * that is asked by GraphQL, by one list, and that was full in the recording. */
#include "tests/plugins/loaded_play.h"

#define JSON "answer-header Content-Type: application/json\n"
#define QUERY(id)                                                                                  \
    "{\"query\":\"query($id: ID!) { job(id: $id) { state } }\",\"variables\":{\"id\":\"" id "\"}}"
#define MUTATION "{\"query\":\"mutation { createJob { id } }\"}"
#define LIST(one, two) "[{\"id\":\"" one "\"},{\"id\":\"n1\",\"state\":\"" two "\"}]"

static int tear_down(void **state)
{
    (void)state;
    loaded_end();
    fake_answers = NULL;
    fake_logs_all = false;
    return 0;
}

static void prepare(const char *script)
{
    static const char *const specs[] = {"ai_queue", NULL};
    buf_clear(&fake_log);
    buf_append_text(&fake_log, "");
    loaded_prepare(script, specs, &fake_target, 1);
}

static void graphql_polls_carry_the_live_id_until_it_is_done(void **state)
{
    (void)state;
    static const struct fake_answer taken[] = {
        {"POST /graphql", 10, 200, 0, NULL, "{\"data\":{\"createJob\":{\"id\":\"live-77\"}}}"},
        {0}};
    static const struct fake_answer running[] = {
        {"POST /graphql", 10, 200, 0, NULL, "{\"data\":{\"job\":{\"state\":\"RUNNING\"}}}"}, {0}};
    static const struct fake_answer done[] = {
        {"POST /graphql", 10, 200, 0, NULL, "{\"data\":{\"job\":{\"state\":\"DONE\"}}}"}, {0}};
    fake_answers = taken;
    fake_logs_all = true;
    prepare("session s\n"
            "0 10 POST /graphql 200 " MUTATION "\n" JSON
            "answer {\"data\":{\"createJob\":{\"id\":\"job_1\"}}}\n"
            "110 120 POST /graphql 200 " QUERY(
                "job_1") "\n" JSON "answer {\"data\":{\"job\":{\"state\":\"QUEUED\"}}}\n"
                         "220 230 POST /graphql 200 " QUERY(
                             "job_1") "\n" JSON "answer {\"data\":{\"job\":{\"state\":\"DONE\"}}}\n"
                                      "240 250 GET /files/job_1 200\n");
    loaded_run_until(50000);
    fake_answers = running;
    loaded_run_until(300000);
    fake_answers = done;
    loaded_run();
    loaded_expect_no_failures();
    assert_string_equal(buf_text(&fake_log),
                        "0 POST /graphql\n  body " MUTATION "\n"
                        "110 POST /graphql\n  body " QUERY(
                            "live-77") "\n"
                                       "220 POST /graphql\n  body " QUERY(
                                           "live-77") "\n"
                                                      "330 POST /graphql\n  body " QUERY(
                                                          "live-77") "\n"
                                                                     "350 GET /files/live-77\n");
    assert_int_equal(loaded_sum("ai_jobs"), 1);
    assert_int_equal(loaded_sum("ai_job_polls"), 3);
}

static void one_list_is_asked_until_the_job_in_it_is_done(void **state)
{
    (void)state;
    static const struct fake_answer waiting[] = {
        {"POST /jobs", 10, 202, 0, NULL, "{\"id\":\"n1\"}"},
        {"GET /jobs", 10, 200, 0, NULL, LIST("old", "queued")},
        {0}};
    static const struct fake_answer done[] = {{"GET /jobs", 10, 200, 0, NULL, LIST("old", "done")},
                                              {0}};
    fake_answers = waiting;
    prepare("session s\n0 10 POST /jobs 202 {}\n" JSON "answer {\"id\":\"j1\"}\n"
            "110 120 GET /jobs 200\n" JSON
            "answer [{\"id\":\"j1\",\"state\":\"queued\"},{\"id\":\"j0\"}]\n"
            "220 230 GET /jobs 200\n" JSON
            "answer [{\"id\":\"j1\",\"state\":\"done\"},{\"id\":\"j0\"}]\n"
            "240 250 GET /jobs/j1/text 200\n");
    loaded_run_until(300000);
    fake_answers = done;
    loaded_run();
    loaded_expect_no_failures();
    assert_string_equal(buf_text(&fake_log), "0 POST /jobs\n110 GET /jobs\n220 GET /jobs\n"
                                             "330 GET /jobs\n350 GET /jobs/n1/text\n");
}

static const char refused_script[] =
    "session s\n0 10 POST /jobs 503 {\"file\":1}\n"
    "1010 1020 POST /jobs 202 {\"file\":1}\n" JSON "answer {\"id\":\"j1\"}\n"
    "1120 1130 GET /jobs/j1 200\n" JSON "answer {\"state\":\"done\"}\n"
    "1140 1150 GET /jobs/j1/text 200\n"
    "bind 2 body:/id -> 3 path:1\nbind 2 body:/id -> 4 path:1\n";

static void a_submit_that_is_taken_now_is_not_made_again(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"POST /jobs", 10, 202, 0, NULL, "{\"id\":\"n1\"}"},
        {"GET /jobs/n1", 10, 200, 0, NULL, "{\"state\":\"done\"}"},
        {0}};
    fake_answers = answers;
    prepare(refused_script);
    loaded_run();
    loaded_expect_no_failures();
    assert_null(strstr(buf_text(&fake_log) + 3, "POST"));
    assert_non_null(strstr(buf_text(&fake_log), "GET /jobs/n1\n"));
    assert_non_null(strstr(buf_text(&fake_log), "GET /jobs/n1/text\n"));
    assert_int_equal(loaded_sum("ai_jobs"), 1);
}

static void refused_again_it_is_made_again_until_it_is_taken(void **state)
{
    (void)state;
    static const struct fake_answer full[] = {{"POST /jobs", 10, 503, 0, NULL, "{}"}, {0}};
    static const struct fake_answer free_again[] = {
        {"POST /jobs", 10, 202, 0, NULL, "{\"id\":\"n1\"}"},
        {"GET /jobs/n1", 10, 200, 0, NULL, "{\"state\":\"done\"}"},
        {0}};
    fake_answers = full;
    prepare(refused_script);
    loaded_run_until(1500000);
    assert_string_equal(buf_text(&fake_log), "0 POST /jobs\n1010 POST /jobs\n");
    fake_answers = free_again;
    loaded_run();
    loaded_expect_no_failures();
    assert_non_null(strstr(buf_text(&fake_log), "GET /jobs/n1/text\n"));
    assert_int_equal(loaded_sum("ai_jobs"), 1);
    assert_int_equal(loaded_sum("ai_jobs_rejected"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(graphql_polls_carry_the_live_id_until_it_is_done, tear_down),
        cmocka_unit_test_teardown(one_list_is_asked_until_the_job_in_it_is_done, tear_down),
        cmocka_unit_test_teardown(a_submit_that_is_taken_now_is_not_made_again, tear_down),
        cmocka_unit_test_teardown(refused_again_it_is_made_again_until_it_is_taken, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

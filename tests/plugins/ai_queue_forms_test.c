/* ai_queue_forms_test.c - jobs that are asked for otherwise than by a GET of their own: by POSTs
 * (GraphQL, JSON-RPC), by one list of all jobs. */
#include "tests/plugins/ai_queue_host.h"

#define STEP(method, path, status, answer)                                                         \
    {                                                                                              \
        method, "http://t" path, status, NULL, answer, 0, 0, 0                                     \
    }
#define SHOW(...)                                                                                  \
    show((const struct seen[]){__VA_ARGS__},                                                       \
         sizeof(const struct seen[]){__VA_ARGS__} / sizeof(struct seen))

#define CREATE(id)                                                                                 \
    STEP("POST {\"query\":\"mutation($u: ID!) { createJob(upload: $u) { id } }\"}", "/graphql",    \
         200, "{\"data\":{\"createJob\":{\"id\":\"" id "\"}}}")
#define JOB_QUERY(id)                                                                              \
    "{\"query\":\"query($id: ID!) { job(id: $id) { state } }\",\"variables\":{\"id\":\"" id "\"}}"
#define QUERY_JOB(id, state)                                                                       \
    STEP("POST " JOB_QUERY(id), "/graphql", 200, "{\"data\":{\"job\":{\"state\":\"" state "\"}}}")

/* Held until it is due. */
static int ask_body_when_due(uint32_t step, const char *url, const char *body)
{
    int verdict;
    while ((verdict = ask_with(step, url, body)) == REPRISE_HOLD)
        pass(host.delay_us / 1000);
    return verdict;
}

static void a_graphql_query_asks_for_a_job(void **state)
{
    (void)state;
    START();
    SHOW(STEP("POST {\"query\":\"{ me { id } }\"}", "/graphql", 200,
              "{\"data\":{\"me\":{\"id\":\"u7\"}}}"),
         CREATE("job_1"), QUERY_JOB("job_1", "QUEUED"),
         STEP("POST {\"query\":\"{ log(job: \\\"job_1\\\") { lines } }\"}", "/graphql", 200,
              "{\"data\":{\"log\":{\"lines\":[]}}}"),
         QUERY_JOB("job_1", "RUNNING"), QUERY_JOB("job_1", "DONE"),
         STEP("GET", "/files/job_1", 200, "hi"));
    assert_string_equal(roles(7), ".sp.ppr");
    assert_non_null(strstr(host.log, "1 jobs: POST /graphql gives the id at /data/createJob/id, "
                                     "POST /graphql has the state at /data/job/state"));
    assert_int_equal(ask_with(1, "http://t/graphql", "{}"), REPRISE_CONTINUE);
    assert_int_equal(ask_with(2, "http://t/graphql", JOB_QUERY("job_1")), REPRISE_HOLD);
    ask_with(1, "http://t/graphql", "{}");
    answer(200, NULL, "{\"data\":{\"createJob\":{\"id\":\"job_99\"}}}");
    for (uint32_t step = 2; step < 6; step++) {
        if (step == 3)
            continue;
        assert_int_equal(ask_body_when_due(step, "http://t/graphql", JOB_QUERY("job_1")),
                         REPRISE_CONTINUE);
        assert_string_equal(host.body, JOB_QUERY("job_99"));
        assert_int_equal(answer(200, NULL, "{\"data\":{\"job\":{\"state\":\"RUNNING\"}}}"),
                         step == 5 ? REPRISE_RETRY : REPRISE_CONTINUE);
    }
    assert_int_equal(ask(6, "http://t/files/job_1"), REPRISE_HOLD);
    ask_body_when_due(5, "http://t/graphql", JOB_QUERY("job_1"));
    assert_int_equal(answer(200, NULL, "{\"data\":{\"job\":null},\"errors\":[{}]}"), REPRISE_RETRY);
    ask_body_when_due(5, "http://t/graphql", JOB_QUERY("job_1"));
    assert_int_equal(answer(200, NULL, "{\"data\":{\"job\":{\"state\":\"DONE\"}}}"),
                     REPRISE_CONTINUE);
    assert_int_equal(ask(6, "http://t/files/job_1"), REPRISE_CONTINUE);
    assert_string_equal(host.url, "http://t/files/job_99");
    assert_int_equal(host.counted[AI_JOBS], 1);
    assert_int_equal(host.last[AI_JOB_POLLS], 5);
    assert_int_equal(host.counted[AI_POLL_ERRORS], 1);
    assert_int_equal(host.counted[AI_JOB_DURATION], 1);
    stop();
}

/* One exchange after another in forms of the field: what each step is to the job. */
static void the_ways_to_ask_are_told_from_the_ways_to_change(void **state)
{
    (void)state;
#define RPC(number, method, result)                                                                \
    STEP("POST {\"jsonrpc\":\"2.0\",\"id\":" number ",\"method\":\"" method                        \
         "\",\"params\":{\"job\":\"j1\"}}",                                                        \
         "/rpc", 200, "{\"jsonrpc\":\"2.0\",\"id\":" number ",\"result\":" result "}")
#define JOB(status) "{\"id\":\"j1\",\"status\":\"" status "\"}"
    static const struct {
        const char *roles;
        struct seen steps[6];
    } rows[] = {
        {"spp",
         {RPC("1", "job.create", "{\"job\":\"j1\"}"),
          RPC("2", "job.status", "{\"status\":\"running\"}"),
          RPC("3", "job.status", "{\"status\":\"done\"}")}},
        {"spp", /* the name says nothing, that it is sent again does */
         {STEP("POST", "/jobs", 200, "{\"id\":\"j1\"}"),
          STEP("POST {\"id\":\"j1\"}", "/job", 200, "{\"status\":\"running\"}"),
          STEP("POST {\"id\":\"j1\"}", "/job", 200, "{\"status\":\"done\"}")}},
        {"spp",
         {STEP("POST", "/jobs", 202, "{\"id\":\"j1\"}"),
          STEP("POST {\"n\":1}", "/jobs/j1", 200, JOB("running")),
          STEP("POST {\"n\":2}", "/jobs/j1", 200, JOB("done"))}},
        {"spp",
         {STEP("POST", "/jobs", 202, "{\"id\":\"j1\"}"), STEP("HEAD", "/jobs/j1", 202, NULL),
          STEP("HEAD", "/jobs/j1", 200, NULL)}},
        {"spp", /* within the text of a query */
         {CREATE("j1"),
          STEP("POST {\"query\":\"{ job(id:\\\"j1\\\") { status } }\"}", "/graphql", 200,
               "{\"data\":{\"job\":" JOB("queued") "}}"),
          STEP("POST {\"query\":\"{ job(id:\\\"j1\\\") { status } }\"}", "/graphql", 200,
               "{\"data\":{\"job\":" JOB("done") "}}")}},
        {".spp", /* made, then begun, then asked for */
         {STEP("POST", "/jobs", 201, "{\"id\":\"j1\"}"),
          STEP("POST", "/jobs/j1/start", 202, JOB("queued")),
          STEP("GET", "/jobs/j1", 200, JOB("running")), STEP("GET", "/jobs/j1", 200, JOB("done"))}},
        {".spp", /* what carries an upload's id begins a job of its own */
         {STEP("POST", "/uploads", 201, "{\"id\":\"u1\"}"),
          STEP("POST {\"upload_id\":\"u1\"}", "/jobs/get-or-create", 202, JOB("queued")),
          STEP("GET", "/jobs/j1", 200, JOB("queued")), STEP("GET", "/jobs/j1", 200, JOB("done"))}},
        {"...", /* a field's name is none, though a URL ended so */
         {STEP("POST", "/jobs", 202, "{\"url\":\"/jobs/status\"}"),
          STEP("POST {\"query\":\"{ job { status } }\"}", "/graphql", 200,
               "{\"data\":{\"job\":{\"status\":\"running\"}}}"),
          STEP("POST {\"query\":\"{ job { status } }\"}", "/graphql", 200,
               "{\"data\":{\"job\":{\"status\":\"done\"}}}")}},
        {"sp.", /* it is stopped but once */
         {STEP("POST", "/jobs", 202, "{\"id\":\"j1\"}"),
          STEP("GET", "/jobs/j1", 200, JOB("queued")),
          STEP("POST", "/jobs/j1/cancel", 200, JOB("cancelled"))}},
        {"...", /* a payment that is confirmed is not asked for */
         {STEP("POST", "/payments", 201, "{\"id\":\"j1\"}"),
          STEP("POST {\"id\":\"j1\"}", "/payments/confirm", 200, JOB("succeeded")),
          STEP("PUT", "/payments/j1", 200, JOB("succeeded"))}},
        {"...",
         {CREATE("j1"),
          STEP("POST {\"query\":\"mutation { stop(id: \\\"j1\\\") { status } }\"}", "/graphql", 200,
               "{\"data\":{\"stop\":{\"status\":\"running\"}}}"),
          STEP("POST {\"query\":\"mutation { stop(id: \\\"j1\\\") { status } }\"}", "/graphql", 200,
               "{\"data\":{\"stop\":{\"status\":\"running\"}}}")}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        START();
        show(rows[i].steps, strlen(rows[i].roles));
        if (strcmp(roles(strlen(rows[i].roles)), rows[i].roles) != 0)
            fail_msg("row %zu: %s, wanted %s", i, roles(strlen(rows[i].roles)), rows[i].roles);
        stop();
    }
}

#define LIST(a, b)                                                                                 \
    "{\"jobs\":[{\"id\":\"old\",\"status\":\"done\"},{\"id\":\"n1\",\"status\":\"" a               \
    "\"},{\"id\":\"n2\",\"status\":\"" b "\"}]}"
#define RECORDED_LIST(a, b)                                                                        \
    "{\"jobs\":[{\"id\":\"j1\",\"status\":\"" a "\",\"user_id\":\"u1\"},"                          \
    "{\"id\":\"j2\",\"status\":\"" b "\"}]}"

static void show_two_in_a_list(void)
{
    SHOW(STEP("POST", "/jobs", 202, "{\"id\":\"j1\"}"),
         STEP("POST", "/jobs", 202, "{\"id\":\"j2\"}"),
         STEP("GET", "/jobs", 200, RECORDED_LIST("running", "queued")),
         STEP("GET", "/jobs", 200, RECORDED_LIST("done", "running")),
         STEP("GET", "/jobs/j1/result", 200, "hi"),
         STEP("GET", "/jobs", 200, RECORDED_LIST("done", "done")),
         STEP("GET", "/jobs/j2/result", 200, "hi"));
    assert_string_equal(roles(7), "ssllrlr");
}

static int ask_list_when_due(uint32_t step)
{
    int verdict;
    while ((verdict = ask(step, "http://t/jobs")) == REPRISE_HOLD)
        pass(host.delay_us / 1000);
    return verdict;
}

static void one_list_is_asked_for_all_jobs(void **state)
{
    (void)state;
    START();
    show_two_in_a_list();
    assert_non_null(strstr(host.log, "2 jobs: POST /jobs gives the id at /id, GET /jobs has the "
                                     "state at /jobs/*/status"));
    submit();
    ask(1, "http://t/jobs");
    assert_int_equal(ask(2, "http://t/jobs"), REPRISE_HOLD); /* until the other is there, too */
    ask(1, "http://t/jobs");
    answer(202, NULL, "{\"id\":\"n2\"}");
    assert_int_equal(ask_list_when_due(2), REPRISE_CONTINUE);
    assert_int_equal(answer(200, NULL, LIST("running", "queued")), REPRISE_CONTINUE);
    assert_int_equal(ask_list_when_due(3), REPRISE_CONTINUE);
    assert_int_equal(answer(200, NULL, LIST("running", "queued")), REPRISE_RETRY);
    assert_int_equal(ask(4, "http://t/jobs/j1/result"), REPRISE_HOLD);
    assert_int_equal(ask_list_when_due(3), REPRISE_CONTINUE);
    assert_int_equal(answer(200, NULL, LIST("done", "running")), REPRISE_CONTINUE);
    assert_int_equal(host.settled[5], '.'); /* the other job needs it */
    assert_int_equal(host.counted[AI_JOB_DURATION], 1);
    assert_int_equal(ask(4, "http://t/jobs/j1/result"), REPRISE_CONTINUE);
    assert_int_equal(ask(6, "http://t/jobs/j2/result"), REPRISE_HOLD);
    assert_int_equal(ask_list_when_due(5), REPRISE_CONTINUE);
    assert_int_equal(answer(200, NULL, LIST("done", "running")), REPRISE_RETRY);
    assert_int_equal(ask_list_when_due(5), REPRISE_CONTINUE);
    assert_int_equal(answer(200, NULL, LIST("done", "failed")), REPRISE_CONTINUE);
    assert_int_equal(host.counted[AI_JOBS], 2);
    assert_int_equal(host.counted[AI_JOBS_FAILED], 1);
    assert_int_equal(host.last[AI_JOB_POLLS], 5);
    assert_int_equal(host.last[AI_JOBS_IN_FLIGHT], 0);
    assert_int_equal(ask(6, "http://t/jobs/j2/result"), REPRISE_CONTINUE);
    assert_string_equal(host.url, "http://t/jobs/n2/result");
    stop();
}

static void a_list_without_the_job_says_nothing_and_what_is_left_is_settled(void **state)
{
    (void)state;
    START("missing", "1");
    show_two_in_a_list();
    submit();
    ask(1, "http://t/jobs");
    answer(202, NULL, "{\"id\":\"n2\"}");
    assert_int_equal(ask_list_when_due(2), REPRISE_CONTINUE);
    assert_int_equal(answer(200, NULL, "{\"jobs\":[]}"), REPRISE_RETRY);
    assert_int_equal(host.counted[AI_POLL_ERRORS], 2);
    assert_int_equal(ask_list_when_due(2), REPRISE_CONTINUE);
    assert_int_equal(answer(200, NULL, LIST("done", "done")), REPRISE_CONTINUE);
    assert_memory_equal(host.settled, "...l.l.", 7);
    stop();
    START("missing", "0");
    show_two_in_a_list();
    submit();
    ask_list_when_due(2);
    assert_int_equal(answer(200, NULL, "{\"jobs\":[]}"), REPRISE_FAIL);
    assert_non_null(strstr(host.error, "a poll brought nothing: status 200 and no such job in the "
                                       "list at '/jobs'"));
    stop();
}

static void which_lists_are_of_jobs(void **state)
{
    (void)state;
    static const struct {
        const char *roles;
        struct seen steps[6];
    } rows[] = {
        {"sll",
         {STEP("POST", "/jobs", 200, "{\"id\":77}"),
          STEP("GET", "/jobs", 200, "[{\"id\":77,\"status\":\"queued\"},{\"id\":3}]"),
          STEP("GET", "/jobs", 200, "[{\"id\":77,\"status\":\"done\"},{\"id\":3}]")}},
        {"sll", /* in edges and nodes, by a POST */
         {CREATE("j1"),
          STEP("POST {\"query\":\"{ jobs { edges { node { id state } } } }\"}", "/graphql", 200,
               "{\"data\":{\"jobs\":{\"edges\":[{\"node\":" JOB("queued") "}]}}}"),
          STEP("POST {\"query\":\"{ jobs { edges { node { id state } } } }\"}", "/graphql", 200,
               "{\"data\":{\"jobs\":{\"edges\":[{\"node\":" JOB("done") "}]}}}")}},
        {"sll", /* several at once */
         {STEP("POST", "/jobs", 202, "{\"id\":\"j1\"}"),
          STEP("POST {\"ids\":[\"j1\",\"j9\"]}", "/jobs/status", 200, "[" JOB("queued") ",{}]"),
          STEP("POST {\"ids\":[\"j1\",\"j9\"]}", "/jobs/status", 200, "[" JOB("done") ",{}]")}},
        {"slppr", /* seen in a list on the way, then asked for by itself; its list at the end */
         {STEP("POST", "/jobs", 202, "{\"id\":\"j1\"}"),
          STEP("GET", "/jobs", 200, "[" JOB("queued") ",{\"id\":\"j0\",\"status\":\"done\"}]"),
          STEP("GET", "/jobs/j1", 200, JOB("running")), STEP("GET", "/jobs/j1", 200, JOB("done")),
          STEP("GET", "/jobs/j1", 200, JOB("done"))}},
        {"spp", /* a batch tells its own state beside those of its jobs */
         {STEP("POST", "/batches", 202, "{\"id\":\"b1\",\"jobs\":[\"j1\",\"j2\"]}"),
          STEP("GET", "/batches/b1", 200,
               "{\"id\":\"b1\",\"status\":\"running\",\"jobs\":[" JOB("done") "," JOB(
                   "queued") "]}"),
          STEP("GET", "/batches/b1", 200,
               "{\"id\":\"b1\",\"status\":\"done\",\"jobs\":[" JOB("done") "," JOB("done") "]}")}},
        {"sl", /* and a project has none */
         {STEP("POST", "/projects/p1/jobs", 202, "{\"id\":\"j1\",\"project\":{\"id\":\"p1\"}}"),
          STEP("GET", "/projects/p1/jobs", 200, "{\"jobs\":[" JOB("queued") "]}")}},
        {"...", /* things to do are not queued */
         {STEP("POST", "/todos", 201, "{\"id\":\"t1\"}"),
          STEP("GET", "/todos", 200, "[{\"id\":\"t1\",\"completed\":false}]"),
          STEP("GET", "/todos", 200, "[{\"id\":\"t1\",\"completed\":true}]")}},
        {"..", /* another one's state, of the same project */
         {STEP("POST", "/projects", 201, "{\"id\":\"p1\"}"),
          STEP("GET", "/jobs", 200,
               "[{\"project_id\":\"p1\",\"status\":\"running\",\"id\":\"j3\"},{}]")}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        START();
        show(rows[i].steps, strlen(rows[i].roles));
        if (strcmp(roles(strlen(rows[i].roles)), rows[i].roles) != 0)
            fail_msg("row %zu: %s, wanted %s", i, roles(strlen(rows[i].roles)), rows[i].roles);
        stop();
    }
}

static void ids_of_several_are_put_into_one_body(void **state)
{
    (void)state;
    START();
    SHOW(STEP("POST", "/jobs", 202, "{\"id\":\"j1\"}"),
         STEP("POST", "/jobs", 202, "{\"id\":\"j12\"}"),
         STEP("POST {\"ids\":[\"j1\",\"j12\"]}", "/jobs/status", 200,
              "[" JOB("done") ",{\"id\":\"j12\",\"status\":\"done\"}]"));
    assert_string_equal(roles(3), "ssl");
    submit();
    ask(1, "http://t/jobs");
    answer(202, NULL, "{\"id\":\"n2\"}");
    assert_int_equal(
        ask_body_when_due(2, "http://t/jobs/status", "{\"ids\":[\"j1\",\"j12\",\"j123\"]}"),
        REPRISE_CONTINUE);
    assert_string_equal(host.body, "{\"ids\":[\"n1\",\"n2\",\"j123\"]}");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_graphql_query_asks_for_a_job),
        cmocka_unit_test(the_ways_to_ask_are_told_from_the_ways_to_change),
        cmocka_unit_test(one_list_is_asked_for_all_jobs),
        cmocka_unit_test(a_list_without_the_job_says_nothing_and_what_is_left_is_settled),
        cmocka_unit_test(which_lists_are_of_jobs),
        cmocka_unit_test(ids_of_several_are_put_into_one_body),
    };
    return RUN_LOADED("ai_queue", tests);
}

/* thresholds_test.c - which expressions are understood, what they say of known totals. */
#include "replay/results/thresholds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char *const endpoint_names[] = {"GET /jobs/{id}", "POST /jobs", "GET /a,b/{x}:run",
                                             "GET /never"};
static const struct run_plugin_metric plugin_metrics[] = {{"voice", "job_wait", "us", true},
                                                          {"voice", "logins", "", false},
                                                          {"voice", "turns", "turns", true}};
static const struct run_facts facts = {.endpoint_count = 4,
                                       .endpoint_names = endpoint_names,
                                       .plugin_metric_count = 3,
                                       .plugin_metrics = plugin_metrics};

/* 100 answers of GET /jobs/{id} in 1 to 100 ms of service and 2 ms more of response, 10 of them 503
 * that were recorded as 200; 20 of POST /jobs in 5 ms; in 10 seconds. */
static struct metrics *known_totals(void)
{
    struct metrics *totals = metrics_new(4);
    for (uint64_t i = 1; i <= 100; i++) {
        struct request_outcome outcome = {.endpoint = 0,
                                          .status = i <= 10 ? 503 : 200,
                                          .recorded_status = 200,
                                          .lateness_us = 2000,
                                          .service_us = i * 1000,
                                          .response_us = i * 1000 + 2000,
                                          .bytes_sent = 10,
                                          .bytes_received = 1000};
        metrics_record_request(totals, &outcome);
    }
    for (uint64_t i = 0; i < 20; i++) {
        struct request_outcome outcome = {.endpoint = 1,
                                          .status = 202,
                                          .recorded_status = 202,
                                          .origin = ORIGIN_ADDED,
                                          .service_us = 5000,
                                          .response_us = 5000};
        metrics_record_request(totals, &outcome);
    }
    for (int i = 0; i < 4; i++)
        metrics_record_session(
            totals, &(struct session_outcome){.result = i == 3 ? SESSION_FAILED : SESSION_DONE,
                                              .duration_us = 200});
    metrics_record_ws(totals, &(struct ws_outcome){.event = WS_MESSAGE_SENT, .value = 500});
    metrics_record_ws(totals, &(struct ws_outcome){.event = WS_ANSWER_WAIT, .value = 30000});
    totals->bindings_missing[MISSING_RECORDED] = 4;
    totals->bindings_missing[MISSING_END] = 2;
    metrics_record_custom(totals, 0, true, 40000);
    metrics_record_custom(totals, 1, false, 7);
    metrics_record_custom(totals, 2, true, 3);
    totals->checks[CHECK_PASSED] = 98;
    totals->checks[CHECK_FAILED] = 2;
    totals->checks[CHECK_DROPPED] = 50; /* of no rate */
    return totals;
}

enum { DURATION_US = 10000000 };

static void conditions_are_judged_on_the_totals(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        double value;
        bool has_passed;
    } rows[] = {
        {"http_req_duration: p(95)<500", 94.207, true},
        {"http_req_duration{endpoint:GET /jobs/{id}}: p(95)<90", 95.231, false},
        {"http_req_duration{endpoint:GET /jobs/{id}}:p(95)<96", 95.231, true},
        {"http_req_duration{name:POST /jobs}: max<=5", 5, true},
        {"http_req_response{endpoint:POST /jobs}: med==5", 5, true},
        {"http_req_response{endpoint:GET /jobs/{id}}: min >= 3ms", 3, true},
        {"http_req_lateness{endpoint:GET /jobs/{id}}: avg<2", 2, false},
        {"http_req_lateness{endpoint:GET /jobs/{id}}: avg<2001us", 2, true},
        {"http_req_service: max<1s", 100, true},
        {"http_req_duration: p(99.9)>0.1s", 100, false},
        {"http_req_failed: rate<0.1", 10.0 / 120, true},
        {"http_req_failed{endpoint:GET /jobs/{id}}: rate<10%", 0.1, false},
        {"http_req_failed{endpoint:GET /jobs/{id}}: rate<=10%", 0.1, true},
        {"http_req_diverged: rate>0", 10.0 / 120, true},
        {"http_reqs: count!=120", 120, false},
        {"http_reqs: rate>=12", 12, true},
        {"http_reqs{status:5xx}: count<11", 10, true},
        {"http_reqs{endpoint:POST /jobs,status:5xx}: count===0", 0, true},
        {"http_reqs{origin:added}: count==20", 20, true},
        {"http_reqs{error:timeout}: count<1", 0, true},
        {"http_reqs{endpoint:GET /a,b/{x}:run}: count>0", 0, false},
        {"iterations: count>=4", 4, true},
        {"session_failed: rate<50%", 0.25, true},
        {"session_duration: max<1", 0.2, true},
        {"data_sent: count<1501", 1500, true},
        {"data_received: count<100KB", 100000, false},
        {"ws_msgs_sent: rate<1", 0.1, true},
        {"ws_answer_wait: avg<31", 30, true},
        {"steps_not_sent: count<1", 0, true},
        {"bindings_missing: count<6", 6, false},
        {"bindings_missing: rate<=0.6", 0.6, true},
        {"checks: rate>99%", 0.98, false},
        {"divergence: rate<=2%", 0.02, true},
        {"job_wait: p(50)<41", 40, true},
        {"logins: count==7", 7, true},
        {"turns: avg==3", 3, true},
    };
    struct metrics *totals = known_totals();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct thresholds thresholds;
        struct run_threshold result;
        struct error err = {0};
        size_t failed;
        thresholds_init(&thresholds);
        if (thresholds_parse(&thresholds, rows[i].expression, &facts, &err))
            fail_msg("%s", err.text);
        assert_int_equal(thresholds.count, 1);
        assert_int_equal(thresholds_judge(&thresholds, totals, DURATION_US, &result, &failed), 0);
        if (result.value < rows[i].value - 0.001 || result.value > rows[i].value + 0.001)
            fail_msg("%s: %f, not %f", rows[i].expression, result.value, rows[i].value);
        if (result.has_passed != rows[i].has_passed || failed != !rows[i].has_passed)
            fail_msg("%s: passed %d with %f", rows[i].expression, result.has_passed, result.value);
        assert_true(result.has_samples);
        thresholds_fini(&thresholds);
    }
    metrics_free(totals);
}

static void a_threshold_on_what_was_never_measured_fails(void **state)
{
    (void)state;
    static const char *const expressions[] = {
        "http_req_duration{endpoint:GET /never}: p(95)<500", "ws_connecting: max<1000",
        "http_req_failed{endpoint:GET /never}: rate<1", "http_req_tls_handshaking: avg>=0"};
    struct metrics *totals = known_totals();
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) {
        struct thresholds thresholds;
        struct run_threshold result;
        size_t failed;
        thresholds_init(&thresholds);
        assert_int_equal(thresholds_parse(&thresholds, expressions[i], &facts, NULL), 0);
        assert_int_equal(thresholds_judge(&thresholds, totals, DURATION_US, &result, &failed), 0);
        assert_int_equal(failed, 1);
        assert_false(result.has_samples);
        assert_false(result.has_passed);
        thresholds_fini(&thresholds);
    }
    metrics_free(totals);
}

/* A target that answers nothing until the run ends: no threshold holds for that. */
static void what_the_end_of_the_run_cut_off_is_of_no_rate(void **state)
{
    (void)state;
    static const struct request_outcome cut = {.failure = FAILURE_CANCELLED, .lateness_us = 10};
    struct metrics *totals = metrics_new(1);
    struct thresholds thresholds;
    struct run_threshold results[2];
    size_t failed;
    thresholds_init(&thresholds);
    assert_int_equal(thresholds_parse(&thresholds, "http_req_failed: rate<60%", &facts, NULL), 0);
    assert_int_equal(thresholds_parse(&thresholds, "http_req_diverged: rate<60%", &facts, NULL), 0);
    for (int i = 0; i < 8; i++)
        metrics_record_request(totals, &cut);
    assert_int_equal(thresholds_judge(&thresholds, totals, DURATION_US, results, &failed), 0);
    assert_int_equal(failed, 2);
    assert_false(results[0].has_samples || results[1].has_samples);

    metrics_record_request(totals, &(struct request_outcome){.status = 200});
    metrics_record_request(totals, &(struct request_outcome){.failure = FAILURE_TIMEOUT});
    assert_int_equal(thresholds_judge(&thresholds, totals, DURATION_US, results, &failed), 0);
    assert_true(results[0].has_passed && results[0].value > 0.499 && results[0].value < 0.501);
    thresholds_fini(&thresholds);
    metrics_free(totals);
}

static void several_conditions_are_one_threshold_each(void **state)
{
    (void)state;
    struct thresholds thresholds;
    thresholds_init(&thresholds);
    assert_int_equal(
        thresholds_parse(&thresholds,
                         "http_req_duration{endpoint:GET /a,b/{x}:run}: p( 95 ) < 500, max<2s",
                         &facts, NULL),
        0);
    assert_int_equal(thresholds.count, 2);
    assert_string_equal(thresholds.items[0].metric, "http_req_duration{endpoint:GET /a,b/{x}:run}");
    assert_string_equal(thresholds.items[0].condition, "p(95)<500");
    assert_string_equal(thresholds.items[1].condition, "max<2s");
    assert_int_equal(thresholds.items[1].selector.endpoint, 2);
    thresholds_fini(&thresholds);
}

static void what_is_not_understood_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *expression, *message;
    } rows[] = {
        {"", "expected METRIC: CONDITION"},
        {"http_req_duration", "expected METRIC: CONDITION"},
        {"http_req_duration p(95)<500", "expected METRIC: CONDITION"},
        {"http_req_duration{endpoint:GET /: p(95)<5", "expected METRIC: CONDITION"},
        {"http_req_duration{endpoint:POST /jobs} p(95)<5", "expected METRIC: CONDITION"},
        {"http_req_durations: p(95)<500", "did you mean http_req_duration?"},
        {"job_wai: p(95)<500", "did you mean job_wait?"},
        {"nonsense: p(95)<500", "unknown metric 'nonsense'; known are"},
        {"http_req_duration{endpoint:GET /job/{id}}: p(95)<5", "did you mean 'GET /jobs/{id}'?"},
        {"http_req_duration{endpoint:DELETE /users}: p(95)<5",
         "no endpoint 'DELETE /users' in the plan; 'reprise inspect TRACE endpoints'"},
        {"http_req_duration{method:GET}: p(95)<5", "unknown tag 'method'; known are endpoint"},
        {"http_req_duration{GET}: p(95)<5", "tag 'GET': expected TAG:VALUE"},
        {"http_req_duration{status:5xx}: p(95)<5", "http_req_duration is not kept by status"},
        {"http_reqs{status:500}: count<5", "unknown status '500'; known are none, 1xx, 2xx"},
        {"http_reqs{status:5xx,origin:added}: count<5", "only one of status, origin and error"},
        {"sessions{endpoint:POST /jobs}: count<5", "sessions is not kept by endpoint"},
        {"http_req_duration: rate<5", "'rate' is not kept of http_req_duration; it has avg"},
        {"http_req_failed: p(95)<5", "'p(95)' is not kept of http_req_failed; it has rate"},
        {"http_reqs: avg<5", "it has count, rate"},
        {"http_req_duration: p(101)<5", "'p(101)' is not kept"},
        {"http_req_duration: p(x)<5", "'p(x)' is not kept"},
        {"http_req_duration: p(95)", "expected something like p(95)<500"},
        {"http_req_duration: <5", "expected something like p(95)<500"},
        {"http_req_duration: p(95)=5", "expected one of < <= > >= == !="},
        {"http_req_duration: p(95)<", "expected milliseconds or a duration"},
        {"http_req_duration: p(95)<fast", "expected milliseconds or a duration"},
        {"http_req_duration: p(95)<5 parsecs", "expected milliseconds or a duration"},
        {"http_req_duration: p(95)<-5", "expected milliseconds or a duration"},
        {"http_req_failed: rate<1s", "expected a rate"},
        {"http_req_failed: rate<5", "expected a rate from 0 to 1, like 0.01 or 1%"},
        {"http_req_failed: rate<101%", "expected a rate from 0 to 1, like 0.01 or 1%"},
        {"http_reqs: count<5%", "expected a number"},
        {"http_req_duration: p(95)<5,", "expected something like p(95)<500"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct thresholds thresholds;
        struct error err = {0};
        thresholds_init(&thresholds);
        int result = thresholds_parse(&thresholds, rows[i].expression, &facts, &err);
        if (result != -1 || !strstr(err.text, rows[i].message))
            fail_msg("'%s': '%s' says not '%s'", rows[i].expression, err.text, rows[i].message);
        assert_int_equal(err.exit_code, EXIT_INPUT);
        assert_int_equal(thresholds.count, 0);
        thresholds_fini(&thresholds);
    }
}

static void too_many_or_too_long_is_refused(void **state)
{
    (void)state;
    struct thresholds thresholds;
    struct error err = {0};
    thresholds_init(&thresholds);
    for (int i = 0; i < THRESHOLDS_MAX; i++)
        assert_int_equal(thresholds_parse(&thresholds, "http_reqs:count>1", &facts, &err), 0);
    assert_int_equal(thresholds_parse(&thresholds, "http_reqs:count>1", &facts, &err), -1);
    assert_non_null(strstr(err.text, "more than 256 conditions"));
    assert_int_equal(thresholds.count, THRESHOLDS_MAX);
    static char longer[5000];
    memset(longer, 'x', sizeof longer - 1);
    assert_int_equal(thresholds_parse(&thresholds, longer, &facts, &err), -1);
    assert_non_null(strstr(err.text, "longer than 4096 bytes"));
    thresholds_fini(&thresholds);
}

/* docs/summary.md has a row for each metric: name, kind, whether per endpoint. */
static void every_metric_is_documented(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        [METRIC_TREND] = "trend", [METRIC_RATE] = "rate", [METRIC_COUNTER] = "counter"};
    static char document[64 << 10];
    FILE *file = fopen(TEST_SOURCE_DIR "/docs/summary.md", "r");
    assert_non_null(file);
    size_t len = fread(document, 1, sizeof document - 1, file);
    fclose(file);
    assert_true(len < sizeof document - 1);
    size_t count, rows = 0;
    const struct metric_entry *entries = metric_catalog(&count);
    for (size_t i = 0; i < count; i++) {
        char row[128];
        snprintf(row, sizeof row, "\n| `%s` | %s | %s | ", entries[i].name, kinds[entries[i].kind],
                 metric_has_endpoints(&entries[i]) ? "yes" : "no");
        if (!strstr(document, row))
            fail_msg("no row%s", row);
    }
    for (const char *row = document; (row = strstr(row, "\n| `")); row++)
        rows++;
    assert_int_equal(rows, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_are_judged_on_the_totals),
        cmocka_unit_test(a_threshold_on_what_was_never_measured_fails),
        cmocka_unit_test(what_the_end_of_the_run_cut_off_is_of_no_rate),
        cmocka_unit_test(several_conditions_are_one_threshold_each),
        cmocka_unit_test(what_is_not_understood_is_named),
        cmocka_unit_test(too_many_or_too_long_is_refused),
        cmocka_unit_test(every_metric_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

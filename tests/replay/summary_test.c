/* summary_test.c - what people and programs are told about a run with known figures. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "replay/report_cmd.h"
#include "replay/results/report.h"
#include "replay/results/run_store.h"
#include "replay/results/thresholds.h"
#include "replay/results/verdict.h"
#include "tests/support/folder.h"

static const char *const endpoint_names[] = {"GET /jobs/{id}", "POST /jobs\033[31m", "GET /never"};
static const struct run_plugin_metric plugin_metrics[] = {
    {"voice", "job_wait", "us", true},  {"voice", "http_reqs", "", false},
    {"voice", "rate", "bytes/s", true}, {"voice", "never", "tasks", true},
    {"voice", "queue", "tasks", true},  {"voice", "sent", "bytes", false}};
static const struct run_facts facts = {.trace_path = "shop.trace",
                                       .target = "http://127.0.0.1:8080",
                                       .command = "reprise replay shop.trace",
                                       .seed = 7,
                                       .planned_sessions = 5,
                                       .workers = 1,
                                       .cpu_count = 2,
                                       .pacing = "think",
                                       .max_files = 1000,
                                       .max_ports = 28232,
                                       .endpoint_count = 3,
                                       .endpoint_names = endpoint_names,
                                       .plugin_metric_count = 6,
                                       .plugin_metrics = plugin_metrics};

/* Beside "no token": a reason that three users fail for. */
static void record_other_reasons(struct metrics *delta)
{
    static const char *const details[] = {"plugin voice: job 7 is \"lost\"",
                                          "plugin voice: job 12 is \"late\"",
                                          "plugin voice: job a3f9c2 is \"lost\""};
    for (size_t i = 0; i < sizeof details / sizeof *details; i++)
        metrics_record_session(
            delta, &(struct session_outcome){.result = SESSION_FAILED, .detail = details[i]});
}

/* 100 answers in 1 to 100 ms; of POST /jobs 10 retried ones that were 503 and not recorded so, and
 * two refusals. */
static void measure(struct metrics *delta)
{
    for (uint64_t i = 1; i <= 100; i++) {
        struct request_outcome outcome = {.endpoint = 0,
                                          .status = 200,
                                          .recorded_status = 200,
                                          .lateness_us = 200,
                                          .service_us = i * 1000,
                                          .response_us = i * 1000 + 200,
                                          .bytes_sent = 100,
                                          .bytes_received = 2000};
        metrics_record_request(delta, &outcome);
    }
    for (uint64_t i = 0; i < 12; i++) {
        bool is_refused = i >= 10;
        struct request_outcome outcome = {.endpoint = 1,
                                          .origin = ORIGIN_RETRIED,
                                          .status = is_refused ? 0 : 503,
                                          .recorded_status = 202,
                                          .failure =
                                              is_refused ? FAILURE_CONNECT_REFUSED : FAILURE_NONE,
                                          .due_us = 1500000 + i,
                                          .service_us = 10000,
                                          .response_us = 10000,
                                          .detail = is_refused ? "refused by 127.0.0.1" : NULL};
        metrics_record_request(delta, &outcome);
    }
    for (int i = 0; i < 5; i++)
        metrics_record_session(
            delta, &(struct session_outcome){.result = i ? SESSION_DONE : SESSION_FAILED,
                                             .duration_us = 3000000,
                                             .detail = "plugin voice: no token"});
    record_other_reasons(delta);
    metrics_record_ws(delta, &(struct ws_outcome){.event = WS_CONNECTED, .value = 900});
    metrics_record_ws(delta, &(struct ws_outcome){.event = WS_ANSWER_WAIT, .value = 45000});
    metrics_record_ws(delta, &(struct ws_outcome){.event = WS_MESSAGE_SENT, .value = 4000});
    metrics_record_ws(delta, &(struct ws_outcome){.event = WS_MISSING});
    metrics_record_custom(delta, 0, true, 70000);
    metrics_record_custom(delta, 1, false, 17);
    metrics_record_custom(delta, 2, true, 259400000);
    metrics_record_custom(delta, 4, true, 2);
    metrics_record_custom(delta, 5, false, 3000000);
    delta->bindings_missing[MISSING_RECORDED] = 3;
    delta->checks[CHECK_PASSED] = 30;
    delta->checks[CHECK_FAILED] = 10;
    delta->checks[CHECK_DROPPED] = 2;
    delta->users_active = 3;
    delta->worker_cpu_us = 300000;
    delta->max_loop_lag_us = 450;
    delta->connections_open = 6;
    struct generator_metrics *generator = &delta->generator;
    *generator_worker(generator, 1) = (struct worker_health){300000, 60000, 40000, 450};
    generator->queued = 4;
    generator->network = (struct network_health){.connects_started = 9,
                                                 .connects_made = 7,
                                                 .connects_failed = 2,
                                                 .segments_sent = 200,
                                                 .segments_resent = 1,
                                                 .most_waiting = 3,
                                                 .rtt = generator->network.rtt,
                                                 .min_rtt = generator->network.min_rtt};
    histogram_record(&generator->network.rtt, 90);
    histogram_record(&generator->network.min_rtt, 40);
    histogram_record(&generator->loop_lag, 80);
    histogram_record(&generator->kernel_service, 5000);
    histogram_record(&generator->kernel_gap, 12);
}

static struct run_record *known_run(const char *name)
{
    static const char *const expressions[] = {
        "http_req_response: p(95)<500", "http_req_failed: rate<1%",
        "http_reqs{status:5xx}: count<10", "ws_lateness: max<5"};
    struct run_store *store;
    struct run_record *run;
    struct error err = {0};
    struct metrics *delta = metrics_new(3);
    struct thresholds thresholds;
    struct run_threshold results[4];
    struct verdict verdict;
    size_t failed;
    unlink(folder_file(name));
    if (run_store_open(&store, folder_file(name), &facts, &err))
        fail_msg("%s", err.text);
    measure(delta);
    struct health health = {
        .cpu_us = 500000, .rss_bytes = 20000000, .open_files = 30, .time_wait = 12};
    assert_int_equal(run_store_put_second(store, delta, 0, 1000000, &health, &err), 0);
    metrics_clear(delta);
    assert_int_equal(run_store_put_second(store, delta, 1, 1000000, &health, &err), 0);
    thresholds_init(&thresholds);
    for (size_t i = 0; i < 4; i++) {
        if (thresholds_parse(&thresholds, expressions[i], &facts, &err))
            fail_msg("%s", err.text);
    }
    assert_int_equal(
        thresholds_judge(&thresholds, run_store_totals(store), 2000000, results, &failed), 0);
    assert_int_equal(failed, 3);
    assert_int_equal(
        verdict_judge(&facts, run_store_totals(store), run_store_health(store), &verdict), 0);
    static const struct run_plugin_call calls[] = {{"voice", "on_request", 112, 224000}};
    static const struct run_check_difference difference = {0, "missing", "body:/a\033[2Jb", 10};
    struct run_end end = {.state = RUN_DONE,
                          .duration_us = 2000000,
                          .exit_code = EXIT_THRESHOLD,
                          .verdict = verdict.text,
                          .threshold_count = 4,
                          .thresholds = results,
                          .plugin_call_count = 1,
                          .plugin_calls = calls,
                          .check_difference_count = 1,
                          .check_differences = &difference};
    assert_int_equal(run_store_finish(store, &end, &err), 0);
    run_store_close(store);
    thresholds_fini(&thresholds);
    metrics_free(delta);
    if (run_store_load(&run, folder_file(name), &err))
        fail_msg("%s", err.text);
    return run;
}

static char *printed(const struct run_record *run, bool has_colour)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    report_print(run, has_colour, out);
    fclose(out);
    return text;
}

/* Each in this order: thresholds, totals, HTTP, endpoints, failures, WebSocket, network,
 * generator. */
static const char *const expected_lines[] = {
    "  shop.trace against http://127.0.0.1:8080, 2.00s, seed 7\n",
    "█ THRESHOLDS",
    "    http_req_response\n    ✓ 'p(95)<500' p(95)=",
    "    http_req_failed\n    ✗ 'rate<1%' rate=10.71%",
    "    http_reqs{status:5xx}\n    ✗ 'count<10' count=10",
    "    ws_lateness\n    ✗ 'max<5' no samples",
    "█ TOTAL RESULTS",
    "    sessions......................: 8 4.00/s  of 5 planned, 4 failed",
    "    session_duration..............: avg=3.00s med=3.00s p(95)=3.00s max=3.00s\n",
    "    http_req_diverged.............: 8.93% 10 out of 112",
    "    bindings_missing..............: 3 requests lacked a value: sent with the recorded one\n",
    "    divergence....................: 25.00% 10 out of 40\n"
    "    checks_dropped................: 2 1.00/s\n"
    "      10 x GET /jobs/{id}: missing body:/a.[2Jb\n",
    "    PLUGINS                              avg      min      med      max    p(90)    p(95)"
    "    p(99)\n    job_wait......................:  70.00ms  70.00ms",
    "    rate..........................: avg=259.4 MB/s med=",
    " max=259.4 MB/s\n    never.........................: no samples\n",
    "    queue.........................: avg=2 med=2 p(95)=2 max=2 tasks\n",
    "    sent..........................: 3.0 MB 1.5 MB/s\n",
    "    HTTP                                 avg      min      med      max    p(90)    p(95)"
    "    p(99)\n    http_req_response.............:",
    "    http_req_duration.............:",
    "   1.00ms",
    " 100.00ms",
    "  99.33ms\n",
    "    http_req_lateness.............:    179us",
    "    http_req_failed...............: 10.71% 12 out of 112",
    "    http_reqs.....................: 112 56.00/s  100 recorded, 0 added, 12 retried",
    "    ENDPOINT ",
    "    GET /jobs/{id}                  100    50.0      0        0  50.17ms  95.23ms  99.33ms "
    " 95.23ms\n",
    "    POST /jobs.[31m                  12     6.0     12       10 ",
    "    WENT WRONG ",
    "    connect_refused                   2     1.50s  POST /jobs.[31m\n"
    "        refused by 127.0.0.1",
    "    session failed                    3 ",
    "  a session\n        plugin voice: job 12 is \"late\"\n",
    "    session failed                    1 ",
    "  a session\n        plugin voice: no token\n",
    "    status 503, recorded 202         10     1.50s  POST /jobs.[31m\n",
    "    WEBSOCKET                            avg ",
    "    ws_answer_wait................:  45.00ms",
    "    ws_msgs_sent..................: 1 0.50/s",
    "    ws_msgs_missing...............: 1, and 0 that were not recorded",
    "    NETWORK\n    data_received.................: 200.0 kB 100.0 kB/s",
    "    data_sent.....................: 14.0 kB 7.0 kB/s",
    "█ GENERATOR",
    "    cpu...........................: 50% of one core, of 2 cores; busiest worker at most 28%",
    "    worker 0......................: 0%; waited 0.0% of the time for a processor",
    "    worker 1......................: 15%, 20% of it awake only to be exact; waited 2.0% of",
    "    lateness......................: med=200us p(99)=200us",
    "    steps_not_sent................: 0",
    "    loop_lag......................: p(99)=80us max=450us",
    "    memory........................: max=20.0 MB",
    "6 connections; 4 queued over\n",
    "                                    --max-in-flight; 3 waiting for a connection\n",
    "    limits........................: max files 30 of 1000, source ports at most 7 of 28232",
    "    tcp...........................: 7 connections made, 2 failed; 0.5% of 200 segments sent "
    "again;\n                                    rtt med=90us least=40us\n",
    "    kernel_service................: med=5.00ms p(99)=5.00ms",
    "    kernel_gap....................: med=12us p(99)=12us",
    "on_request 112 times, 2.00 us each",
    "    ! target-bound: 2 of 113 requests found no connection",
    "failures: connect_refused 1.77%, error\n      statuses not recorded 8.85%; but 3 of 113 "
    "requests went out with "
    "recorded values",
};

static void the_summary_says_everything_in_order(void **state)
{
    (void)state;
    struct run_record *run = known_run("text.run");
    char *text = printed(run, false);
    const char *at = text;
    for (size_t i = 0; i < sizeof expected_lines / sizeof *expected_lines; i++) {
        const char *found = strstr(at, expected_lines[i]);
        if (!found) {
            puts(text); /* a message that long would be cut */
            fail_msg("no '%s' after '%.60s'", expected_lines[i], at);
        }
        at = found;
    }
    assert_null(strchr(text, '\033'));
    assert_null(strstr(text, "GET /never"));
    free(text);
    text = printed(run, true);
    assert_non_null(strstr(text, "\033[32m✓\033[0m"));
    free(text);
    run_record_free(run);
}

/* Each line, as columns: no byte but the first of a character counts. */
static void expect_narrow(const char *text)
{
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        int columns = 0;
        for (const char *at = line; *at != '\n'; at++)
            columns += ((unsigned char)*at & 0xc0) != 0x80;
        if (columns > 100)
            fail_msg("%d columns: %.*s", columns, (int)strcspn(line, "\n"), line);
    }
}

/* What a run of an hour at full speed comes to, with names as they are recorded. */
static void measure_much(struct metrics *delta)
{
    static const uint64_t times_us[] = {123450, 987, 12345678, 754321000, 4500000000};
    struct endpoint_metrics *endpoint = &delta->endpoints[0];
    for (int clock = 0; clock < CLOCK_COUNT; clock++) {
        for (size_t i = 0; i < sizeof times_us / sizeof *times_us; i++)
            histogram_record(&endpoint->clocks[clock], times_us[i]);
    }
    endpoint->requests = endpoint->by_origin[ORIGIN_RECORDED] = 98765432;
    endpoint->by_origin[ORIGIN_ADDED] = 1234567;
    endpoint->by_origin[ORIGIN_RETRIED] = 123456;
    endpoint->failed = 654321;
    endpoint->bytes_received = UINT64_C(123456789012345);
    for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++) {
        const char *long_detail =
            "2001:db8:1234:5678:9abc:def0:1234:5678 port 65535: Cannot assign requested address";
        metrics_record_request(delta, &(struct request_outcome){.endpoint = 1 + (uint32_t)i % 2,
                                                                .failure = (enum failure)i,
                                                                .due_us = UINT64_C(3599000000),
                                                                .detail = long_detail});
        metrics_record_ws(delta, &(struct ws_outcome){.event = WS_CONNECT_FAILED,
                                                      .failure = (enum failure)i,
                                                      .detail = long_detail});
    }
    metrics_record_ws(delta, &(struct ws_outcome){.event = WS_ANSWER_WAIT, .value = 45000});
    for (int i = 0; i < SESSION_RESULT_COUNT; i++) {
        metrics_record_session(delta, &(struct session_outcome){.result = (enum session_result)i,
                                                                .duration_us = 1234567890});
        delta->sessions_by_result[i] = 7654321;
    }
    for (int i = 0; i < MISSING_COUNT; i++)
        delta->bindings_missing[i] = 87654321;
    metrics_record_custom(delta, 0, true, 70000);
    delta->users_active = 100000;
    delta->requests_in_flight = 99999;
    delta->connections_open = 600000;
    struct generator_metrics *generator = &delta->generator;
    *generator_worker(generator, 11) = (struct worker_health){999999, 600000, 400000, 450};
    generator->queued = generator->network.most_waiting = 888888;
    generator->network.connects_made = generator->network.connects_failed = 87654321;
    generator->network.segments_sent = 9876543210;
    generator->network.segments_resent = 9876543;
    histogram_record(&generator->network.rtt, 123450);
}

static void no_line_is_wider_than_a_terminal(void **state)
{
    static const char *const names[] = {
        "POST /v1/conversations/{id}/messages/{id}/attachments", "GET /\xd0\xb6\xd1\x83\xd0\xba",
        "GET /averylongpathwithoutanyplacewhereitcouldbebrokenoff/averylongpathwithoutanyplacewhere"
        "itcouldbebrokenoff/averylongpathwithoutanyplacewhereitcouldbebrokenoff"};
    static const struct run_plugin_metric metrics[] = {
        {"voice", "a_metric_whose_name_says_all_there_is_to_say_of_it", "us", true},
        {"voice", "logins", "", false}};
    struct run_facts wide = facts;
    struct run_store *store;
    struct metrics *delta = metrics_new(3);
    (void)state;
    wide.endpoint_names = names;
    wide.plugin_metrics = metrics;
    wide.plugin_metric_count = sizeof metrics / sizeof *metrics;
    wide.target = "https://staging-with-a-long-name.eu-central-1.shop.example:8443";
    wide.planned_sessions = 87654321;
    assert_int_equal(run_store_open(&store, folder_file("wide.run"), &wide, NULL), 0);
    measure_much(delta);
    const struct health health = {
        .cpu_us = 11999999, .rss_bytes = 20000000000, .open_files = 99999};
    assert_int_equal(run_store_put_second(store, delta, 0, 1000000, &health, NULL), 0);
    run_store_close(store);
    metrics_free(delta);
    static const char *const runs[] = {"wide.run", "narrow.run"};
    run_record_free(known_run("narrow.run"));
    for (size_t i = 0; i < 2; i++) {
        struct run_record *run;
        assert_int_equal(run_store_load(&run, folder_file(runs[i]), NULL), 0);
        char *text = printed(run, false);
        expect_narrow(text);
        free(text);
        run_record_free(run);
    }
}

static void a_run_without_an_answer_says_so(void **state)
{
    (void)state;
    struct run_store *store;
    struct run_record *run;
    assert_int_equal(run_store_open(&store, folder_file("empty.run"), &facts, NULL), 0);
    run_store_close(store);
    assert_int_equal(run_store_load(&run, folder_file("empty.run"), NULL), 0);
    char *text = printed(run, false);
    assert_non_null(strstr(text, "this run is still going on, or was cut off"));
    assert_non_null(strstr(text, "nothing was answered, so nothing was measured"));
    assert_null(strstr(text, "nan"));
    free(text);
    run_record_free(run);
}

/* --- JSON --- */

static double real(const json_t *root, const char *metric, const char *key)
{
    const json_t *value = json_object_get(json_object_get(root, metric), key);
    if (!json_is_number(value))
        fail_msg("no number %s of %s", key, metric);
    return json_number_value(value);
}

static void the_export_has_the_shape_of_k6(void **state)
{
    (void)state;
    static const struct {
        const char *metric, *key;
        double value;
    } rows[] = {
        {"http_reqs", "count", 112},
        {"http_reqs", "rate", 56},
        {"http_req_duration", "min", 1},
        {"http_req_duration", "max", 100},
        {"http_req_duration", "count", 110},
        {"http_req_duration{endpoint:GET /jobs/{id}}", "avg", 50.5},
        {"http_req_duration{endpoint:GET /jobs/{id}}", "med", 50.175},
        {"http_req_duration{endpoint:GET /jobs/{id}}", "p(90)", 90.111},
        {"http_req_duration{endpoint:GET /jobs/{id}}", "p(95)", 95.231},
        {"http_req_duration{endpoint:GET /jobs/{id}}", "p(99)", 99.327},
        {"http_req_response{endpoint:GET /jobs/{id}}", "max", 100.2},
        {"http_req_lateness{endpoint:GET /jobs/{id}}", "max", 0.2},
        {"lateness", "max", 0.2},
        {"service", "max", 100},
        {"response", "max", 100.2},
        {"http_req_failed", "value", 12.0 / 112},
        {"http_req_failed", "passes", 12},
        {"http_req_failed", "fails", 100},
        {"http_req_failed{endpoint:POST /jobs\033[31m}", "value", 1},
        {"http_reqs{status:5xx}", "count", 10},
        {"iterations", "count", 8},
        {"checks", "value", 0.75},
        {"checks", "passes", 30},
        {"divergence", "value", 0.25},
        {"ws_answer_wait", "avg", 45},
        {"data_received", "count", 200000},
        {"data_sent", "count", 14000},
        {"job_wait", "avg", 70},
        {"voice.http_reqs", "count", 17},
        {"vus_max", "value", 3},
    };
    struct run_record *run = known_run("json.run");
    struct error err = {0};
    if (report_export_json(run, folder_file("summary.json"), &err))
        fail_msg("%s", err.text);
    run_record_free(run);
    json_error_t json_err;
    json_t *summary = json_load_file(folder_file("summary.json"), 0, &json_err);
    if (!summary)
        fail_msg("%s", json_err.text);
    const json_t *metrics = json_object_get(summary, "metrics");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double value = real(metrics, rows[i].metric, rows[i].key);
        if (value < rows[i].value - 0.001 || value > rows[i].value + 0.001)
            fail_msg("%s of %s: %f, not %f", rows[i].key, rows[i].metric, value, rows[i].value);
    }
    assert_null(json_object_get(metrics, "http_req_duration{endpoint:GET /never}"));
    assert_null(json_object_get(metrics, "ws_session_duration"));

    /* k6: true when the threshold was crossed. */
    const json_t *crossed =
        json_object_get(json_object_get(metrics, "http_req_response"), "thresholds");
    assert_true(json_is_false(json_object_get(crossed, "p(95)<500")));
    crossed = json_object_get(json_object_get(metrics, "http_reqs{status:5xx}"), "thresholds");
    assert_true(json_is_true(json_object_get(crossed, "count<10")));
    const json_t *threshold = json_array_get(json_object_get(summary, "thresholds"), 3);
    assert_true(json_is_false(json_object_get(threshold, "passed")));
    assert_true(json_is_null(json_object_get(threshold, "value")));
    assert_int_equal(real(json_object_get(summary, "failures"), "http", "connect_refused"), 2);
    const json_t *reasons = json_object_get(json_object_get(summary, "failures"), "reasons");
    assert_int_equal(json_array_size(reasons), 2);
    const json_t *reason = json_array_get(reasons, 0);
    assert_string_equal(json_string_value(json_object_get(reason, "scope")), "session");
    assert_int_equal(json_integer_value(json_object_get(reason, "count")), 3);
    assert_non_null(strstr(json_string_value(json_object_get(reason, "detail")), " is \"late\""));
    const json_t *checks = json_object_get(summary, "checks");
    assert_int_equal(json_integer_value(json_object_get(checks, "dropped")), 2);
    assert_int_equal(json_array_size(json_object_get(checks, "differences")), 1);
    assert_int_equal(real(summary, "generator", "peak_users"), 3);
    assert_int_equal(real(metrics, "bindings_missing", "count"), 3);
    const json_t *missing = json_object_get(json_object_get(summary, "run"), "bindings_missing");
    assert_int_equal(json_integer_value(json_object_get(missing, "recorded")), 3);
    assert_int_equal(json_integer_value(json_object_get(missing, "skip")), 0);
    json_decref(summary);
}

static void bytes_that_are_not_text_do_not_spoil_the_export(void **state)
{
    (void)state;
    static const char *const names[] = {"GET /\xff\xfe"};
    struct run_facts odd = facts;
    odd.endpoint_count = 1;
    odd.endpoint_names = names;
    struct run_store *store;
    struct run_record *run;
    struct metrics *delta = metrics_new(1);
    metrics_record_request(delta, &(struct request_outcome){.status = 500, .detail = "\xff"});
    assert_int_equal(run_store_open(&store, folder_file("odd.run"), &odd, NULL), 0);
    assert_int_equal(run_store_put_second(store, delta, 0, 1, &(struct health){0}, NULL), 0);
    run_store_close(store);
    metrics_free(delta);
    assert_int_equal(run_store_load(&run, folder_file("odd.run"), NULL), 0);
    assert_int_equal(report_export_json(run, folder_file("odd.json"), NULL), 0);
    run_record_free(run);
    json_t *summary = json_load_file(folder_file("odd.json"), 0, NULL);
    assert_non_null(summary);
    assert_int_equal(
        real(json_object_get(summary, "metrics"), "http_reqs{endpoint:GET /??}", "count"), 1);
    json_decref(summary);
}

static void an_export_that_cannot_be_written_leaves_no_half_of_one(void **state)
{
    (void)state;
    struct run_record *run = known_run("export.run");
    struct error err = {0};
    assert_int_equal(report_export_json(run, "/dev/full", &err), -1);
    assert_int_equal(err.exit_code, EXIT_TOOL);
    assert_string_equal(err.text, "summary export /dev/full: No space left on device");
    assert_int_equal(report_export_json(run, folder_file("no/such/folder.json"), &err), -1);
    assert_non_null(strstr(err.text, "No such file or directory"));
    run_record_free(run);
}

/* --- the verb --- */

static int report_with(const char *a, const char *b, const char *c)
{
    char words[4][512] = {"report"};
    char *argv[5] = {words[0]};
    int argc = 1;
    const char *given[] = {a, b, c};
    for (int i = 0; i < 3 && given[i]; i++, argc++) {
        snprintf(words[argc], sizeof words[argc], "%s", given[i]);
        argv[argc] = words[argc];
    }
    /* What it prints is not this test's output. */
    fflush(stdout);
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    int code = report_cmd(argc, argv);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    close(null);
    return code;
}

static void the_verb_answers_with_the_exit_codes_promised(void **state)
{
    (void)state;
    run_record_free(known_run("verb.run"));
    char run[512], json[512], option[600];
    snprintf(run, sizeof run, "%s", folder_file("verb.run"));
    snprintf(json, sizeof json, "%s", folder_file("verb.json"));
    snprintf(option, sizeof option, "--summary-export=%s", json);
    assert_int_equal(report_with(run, NULL, NULL), EXIT_DONE);
    assert_int_equal(report_with(run, "--json", option), EXIT_DONE);
    assert_int_equal(access(json, R_OK), 0);
    assert_int_equal(report_with("--help", NULL, NULL), EXIT_DONE);
    assert_int_equal(report_with(NULL, NULL, NULL), EXIT_INPUT);
    assert_int_equal(report_with(run, run, NULL), EXIT_INPUT);
    assert_int_equal(report_with(run, "--jsom", NULL), EXIT_INPUT);
    assert_int_equal(report_with(folder_file("none.run"), NULL, NULL), EXIT_INPUT);
    assert_int_equal(report_with(run, "--summary-export", "/dev/full"), EXIT_TOOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_summary_says_everything_in_order),
        cmocka_unit_test(no_line_is_wider_than_a_terminal),
        cmocka_unit_test(a_run_without_an_answer_says_so),
        cmocka_unit_test(the_export_has_the_shape_of_k6),
        cmocka_unit_test(bytes_that_are_not_text_do_not_spoil_the_export),
        cmocka_unit_test(an_export_that_cannot_be_written_leaves_no_half_of_one),
        cmocka_unit_test(the_verb_answers_with_the_exit_codes_promised),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}

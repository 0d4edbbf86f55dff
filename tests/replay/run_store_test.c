/* run_store_test.c - what a run file gives back: whole, cut off, damaged, foreign. */
#include "replay/results/run_store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/random.h"
#include "replay/results/run_put.h"
#include "tests/support/folder.h"

static const char *const endpoint_names[] = {"GET /jobs/{id}", "POST /jobs", "GET /health"};
static const struct run_plugin_metric plugin_metrics[] = {{"voice", "job_wait", "ms", true},
                                                          {"voice", "logins", NULL, false}};

static const struct run_facts facts = {.started_unix_us = 1767323045000000,
                                       .trace_path = "shop.trace",
                                       .trace_digest = "abc",
                                       .target = "http://127.0.0.1:8080",
                                       .plan_digest = "0123",
                                       .command = "reprise replay shop.trace --scale 10",
                                       .tool_version = "0.1.0",
                                       .seed = UINT64_MAX - 3,
                                       .planned_sessions = 120,
                                       .workers = 2,
                                       .cpu_count = 4,
                                       .pacing = "open",
                                       .max_files = 5000,
                                       .max_ports = 28232,
                                       .endpoint_count = 3,
                                       .endpoint_names = endpoint_names,
                                       .plugin_metric_count = 2,
                                       .plugin_metrics = plugin_metrics};

/* Two answers, an unrecorded error and a refusal; the third endpoint is never asked for. */
static void measure(struct metrics *delta, uint32_t second)
{
    metrics_clear(delta);
    struct request_outcome good = {.endpoint = 0,
                                   .status = 200,
                                   .recorded_status = 200,
                                   .lateness_us = 10,
                                   .waiting_us = 900,
                                   .service_us = 1000 + second,
                                   .response_us = 1010 + second,
                                   .bytes_sent = 50,
                                   .bytes_received = 500};
    struct request_outcome bad = good, refused = good;
    bad.endpoint = 1, bad.status = 503, bad.origin = ORIGIN_RETRIED;
    refused.endpoint = 1, refused.status = 0, refused.failure = FAILURE_CONNECT_REFUSED;
    bad.due_us = refused.due_us = second * 1000000 + 5, refused.detail = "connection refused";
    metrics_record_request(delta, &good);
    metrics_record_request(delta, &good);
    metrics_record_request(delta, &bad);
    metrics_record_request(delta, &refused);
    metrics_record_ws(delta, &(struct ws_outcome){.event = WS_MESSAGE_SENT, .value = 100});
    metrics_record_ws(delta, &(struct ws_outcome){.event = WS_ANSWER_WAIT, .value = 700});
    metrics_record_ws(delta, &(struct ws_outcome){.event = WS_CONNECT_FAILED,
                                                  .failure = FAILURE_TIMEOUT,
                                                  .detail = "no 101 in 10s"});
    metrics_record_session(delta, &(struct session_outcome){.result = SESSION_DONE,
                                                            .duration_us = 4000,
                                                            .steps_not_sent = 1});
    delta->sessions_started = 2;
    for (int i = 0; i < MISSING_COUNT; i++)
        delta->bindings_missing[i] = 3 + (uint64_t)i;
    delta->checks[CHECK_PASSED] = 9;
    delta->checks[CHECK_FAILED] = 2;
    delta->checks[CHECK_DROPPED] = 1;
    metrics_record_custom(delta, 0, true, 30);
    metrics_record_custom(delta, 1, false, 5);
    delta->users_active = 10 + second;
    delta->worker_cpu_us = 950000;
    delta->max_loop_lag_us = 100 + second;
    delta->max_silence_us = 700000 + second;
    delta->connections_open = 7;
    struct generator_metrics *generator = &delta->generator;
    *generator_worker(generator, 0) = (struct worker_health){950000, 0, 5000, 100 + second};
    *generator_worker(generator, 1) = (struct worker_health){990000, 900000, 0, 50};
    generator->queued = 3 + second;
    generator->network.most_waiting = 2;
    generator->network.connects_started = 4;
    generator->network.connects_made = 3;
    generator->network.connects_failed = 1;
    generator->network.no_ports = 1;
    generator->network.no_files = 2;
    generator->network.segments_sent = 100;
    generator->network.segments_resent = 2;
    histogram_record(&generator->network.rtt, 200 + second);
    histogram_record(&generator->network.min_rtt, 100 + second);
    histogram_record(&generator->loop_lag, 20);
    histogram_record(&generator->kernel_service, 900);
    histogram_record(&generator->kernel_gap, 30);
}

static struct run_store *open_run(const char *path)
{
    struct run_store *store;
    struct error err = {0};
    if (run_store_open(&store, path, &facts, &err))
        fail_msg("%s", err.text);
    return store;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void put_seconds(struct run_store *store, uint32_t count)
{
    struct metrics *delta = metrics_new(3);
    struct error err = {0};
    for (uint32_t second = 0; second < count; second++) {
        measure(delta, second);
        struct health health = {
            .cpu_us = 1200000, .rss_bytes = 1000 * (second + 1), .open_files = 40};
        if (run_store_put_second(store, delta, second, 1000000, &health, &err))
            fail_msg("%s", err.text);
    }
    metrics_free(delta);
}

static struct run_record *load_run(const char *path)
{
    struct run_record *run;
    struct error err = {0};
    if (run_store_load(&run, path, &err))
        fail_msg("%s", err.text);
    return run;
}

static void assert_same_histogram(const struct histogram *a, const struct histogram *b)
{
    struct buf left = BUF_INIT(1 << 17), right = BUF_INIT(1 << 17);
    histogram_encode(a, &left);
    histogram_encode(b, &right);
    assert_true(bytes_equal(buf_bytes(&left), buf_bytes(&right)));
    buf_fini(&left);
    buf_fini(&right);
}

static void assert_same_generator(const struct generator_metrics *a,
                                  const struct generator_metrics *b)
{
    assert_int_equal(a->worker_count, b->worker_count);
    assert_memory_equal(a->workers, b->workers, sizeof a->workers);
    assert_int_equal(a->under_way_us, b->under_way_us);
    assert_int_equal(a->network.connects_started, b->network.connects_started);
    assert_int_equal(a->network.connects_made, b->network.connects_made);
    assert_int_equal(a->network.connects_failed, b->network.connects_failed);
    assert_int_equal(a->network.no_ports, b->network.no_ports);
    assert_int_equal(a->network.no_files, b->network.no_files);
    assert_int_equal(a->network.segments_sent, b->network.segments_sent);
    assert_int_equal(a->network.segments_resent, b->network.segments_resent);
    assert_same_histogram(&a->network.rtt, &b->network.rtt);
    assert_same_histogram(&a->network.min_rtt, &b->network.min_rtt);
    assert_same_histogram(&a->loop_lag, &b->loop_lag);
    assert_same_histogram(&a->kernel_service, &b->kernel_service);
    assert_same_histogram(&a->kernel_gap, &b->kernel_gap);
}

static void assert_totals_of(const struct run_record *run, uint32_t seconds)
{
    struct metrics *expected = metrics_new(3), *delta = metrics_new(3);
    for (uint32_t second = 0; second < seconds; second++) {
        measure(delta, second);
        metrics_merge(expected, delta);
    }
    for (int i = 0; i < 3; i++) {
        const struct endpoint_metrics *a = &expected->endpoints[i];
        const struct endpoint_metrics *b = &run->totals->endpoints[i];
        for (int clock = 0; clock < CLOCK_COUNT; clock++)
            assert_same_histogram(&a->clocks[clock], &b->clocks[clock]);
        assert_memory_equal(&a->requests, &b->requests,
                            sizeof *a - offsetof(struct endpoint_metrics, requests));
    }
    assert_memory_equal(expected->ws.events, run->totals->ws.events, sizeof expected->ws.events);
    assert_memory_equal(expected->ws.by_failure, run->totals->ws.by_failure,
                        sizeof expected->ws.by_failure);
    assert_same_histogram(&expected->ws.answer_wait, &run->totals->ws.answer_wait);
    assert_same_histogram(&expected->session_duration, &run->totals->session_duration);
    assert_same_histogram(&expected->custom[0].histogram, &run->totals->custom[0].histogram);
    assert_int_equal(run->totals->custom[1].sum, expected->custom[1].sum);
    assert_int_equal(run->totals->sessions_started, expected->sessions_started);
    assert_int_equal(run->totals->steps_not_sent, expected->steps_not_sent);
    assert_memory_equal(run->totals->bindings_missing, expected->bindings_missing,
                        sizeof expected->bindings_missing);
    assert_memory_equal(run->totals->checks, expected->checks, sizeof expected->checks);
    assert_int_equal(run->totals->sessions_by_result[SESSION_DONE], seconds);
    assert_int_equal(run->all.requests, 4 * seconds);
    assert_same_generator(&expected->generator, &run->totals->generator);
    metrics_free(expected);
    metrics_free(delta);
}

static void a_finished_run_gives_back_what_was_put(void **state)
{
    (void)state;
    const char *path = folder_file("finished.run");
    struct run_store *store = open_run(path);
    struct error err = {0};
    put_seconds(store, 3);
    static const struct run_threshold thresholds[] = {
        {"http_reqs: count>1", "http_reqs", "count>1", 12, true, true},
        {"ws_connecting: p(95)<5", "ws_connecting", "p(95)<5", 0, false, false}};
    static const struct run_plugin_call calls[] = {{"voice", "on_request", 8, 4000}};
    static const struct run_check_difference differences[] = {{1, "missing", "body:/id", 3},
                                                              {0, "status", "", 17}};
    struct run_end end = {.state = RUN_DONE,
                          .duration_us = 2900000,
                          .exit_code = EXIT_THRESHOLD,
                          .verdict = "believable",
                          .verdict_kind = "tight",
                          .threshold_count = 2,
                          .thresholds = thresholds,
                          .plugin_call_count = 1,
                          .plugin_calls = calls,
                          .check_difference_count = 2,
                          .check_differences = differences};
    assert_int_equal(run_store_finish(store, &end, &err), 0);
    run_store_close(store);

    struct run_record *run = load_run(path);
    assert_int_equal(run->facts.started_unix_us, facts.started_unix_us);
    assert_string_equal(run->facts.target, facts.target);
    assert_string_equal(run->facts.command, facts.command);
    assert_true(run->facts.seed == facts.seed);
    assert_string_equal(run->facts.endpoint_names[1], "POST /jobs");
    assert_string_equal(run->facts.plugin_metrics[0].name, "job_wait");
    assert_true(run->facts.plugin_metrics[0].is_histogram);
    assert_int_equal(run->end.state, RUN_DONE);
    assert_int_equal(run->end.duration_us, 2900000);
    assert_int_equal(run->end.exit_code, EXIT_THRESHOLD);
    assert_string_equal(run->end.verdict, "believable");
    assert_string_equal(run->end.verdict_kind, "tight");
    assert_string_equal(run->facts.pacing, "open");
    assert_int_equal(run->facts.max_files, 5000);
    assert_int_equal(run->facts.max_ports, 28232);
    assert_int_equal(run->end.threshold_count, 2);
    assert_string_equal(run->end.thresholds[0].metric, "http_reqs");
    assert_true(run->end.thresholds[0].has_passed);
    assert_false(run->end.thresholds[1].has_samples);
    assert_int_equal(run->end.plugin_calls[0].ns, 4000);
    assert_int_equal(run->end.check_difference_count, 2);
    assert_int_equal(run->end.check_differences[0].answers, 17); /* the most frequent first */
    assert_string_equal(run->end.check_differences[1].kind, "missing");
    assert_string_equal(run->end.check_differences[1].place, "body:/id");
    assert_int_equal(run->end.check_differences[1].endpoint, 1);
    assert_totals_of(run, 3);
    assert_int_equal(run->health.peak_users, 12);
    assert_int_equal(run->health.max_loop_lag_us, 102);
    assert_int_equal(run->health.max_silence_us, 700002);
    assert_int_equal(run->health.peak_rss_bytes, 3000);
    assert_int_equal(run->health.cpu_us, 3600000);
    assert_int_equal(run->health.busy_seconds, 3);
    assert_int_equal(run->health.busiest_percent, 95); /* the other one was only awake */
    assert_int_equal(run->health.peak_queued, 5);
    assert_int_equal(run->health.peak_waiting, 2);
    assert_int_equal(run->health.peak_ports, 7);
    run_record_free(run);
}

static size_t read_file(const char *path, char *out, size_t out_size)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(out, 1, out_size, file);
    fclose(file);
    return len;
}

static void a_closed_run_is_one_file(void **state)
{
    (void)state;
    const char *path = folder_file("one.run");
    struct run_store *store = open_run(path);
    put_seconds(store, 1);
    assert_int_equal(access(folder_file("one.run-wal"), F_OK), 0);
    run_store_close(store);
    assert_int_not_equal(access(folder_file("one.run-wal"), F_OK), 0);
    assert_int_not_equal(access(folder_file("one.run-shm"), F_OK), 0);
    /* File format versions 1, not 2: whoever may only read it needs no log beside it. */
    char header[20];
    assert_int_equal(read_file(folder_file("one.run"), header, sizeof header), sizeof header);
    assert_int_equal(header[18], 1);
    assert_int_equal(header[19], 1);
    struct stat status;
    assert_int_equal(stat(folder_file("one.run"), &status), 0);
    assert_int_equal(status.st_mode & 0777 & ~0644u, 0);
}

/* The earliest samples of each kind, with the second's start where the moment is not known. */
static void samples_are_kept_with_their_moment_and_bounded(void **state)
{
    (void)state;
    struct run_store *store = open_run(folder_file("samples.run"));
    put_seconds(store, 30);
    run_store_close(store);
    struct run_record *run = load_run(folder_file("samples.run"));
    size_t refused = 0, bad_status = 0, websocket = 0;
    for (size_t i = 0; i < run->sample_count; i++) {
        const struct failure_sample *sample = &run->samples[i];
        if (sample->failure == FAILURE_CONNECT_REFUSED) {
            assert_int_equal(sample->due_us, refused * 1000000 + 5);
            assert_int_equal(strncmp(sample->detail, "connection refused; ", 20), 0);
            refused++;
        } else if (sample->recorded_status == 101) {
            assert_int_equal(sample->due_us, websocket * 1000000);
            websocket++;
        } else {
            assert_int_equal(sample->status, 503);
            bad_status++;
        }
    }
    assert_int_equal(refused, 20);
    assert_int_equal(bad_status, 20);
    assert_int_equal(websocket, 20);
    run_record_free(run);
}

static void a_run_that_goes_on_can_be_read(void **state)
{
    (void)state;
    struct run_store *store = open_run(folder_file("going.run"));
    put_seconds(store, 2);
    struct run_record *run = load_run(folder_file("going.run"));
    assert_int_equal(run->end.state, RUN_RUNNING);
    assert_totals_of(run, 2);
    run_record_free(run);
    struct metrics *delta = metrics_new(3);
    struct error err = {0};
    measure(delta, 2);
    assert_int_equal(run_store_put_second(store, delta, 2, 1000000, &(struct health){0}, &err), 0);
    metrics_free(delta);
    run_store_close(store);
    run = load_run(folder_file("going.run"));
    assert_totals_of(run, 3);
    run_record_free(run);
}

/* A second in which nothing else happened to a WebSocket. */
static void upgrades_that_were_cancelled_are_kept(void **state)
{
    (void)state;
    struct run_store *store = open_run(folder_file("cancelled.run"));
    struct metrics *delta = metrics_new(3);
    struct error err = {0};
    metrics_record_ws(
        delta, &(struct ws_outcome){.event = WS_CONNECT_FAILED, .failure = FAILURE_CANCELLED});
    assert_int_equal(run_store_put_second(store, delta, 0, 1000000, &(struct health){0}, &err), 0);
    metrics_free(delta);
    run_store_close(store);
    struct run_record *run = load_run(folder_file("cancelled.run"));
    assert_int_equal(run->totals->ws.by_failure[FAILURE_CANCELLED], 1);
    assert_int_equal(run->totals->ws.events[WS_CONNECT_FAILED], 0);
    assert_int_equal(run->sample_count, 0);
    run_record_free(run);
}

/* The writer says after each second that it was put, and is killed without warning. */
static void a_killed_run_has_every_second_that_was_put(void **state)
{
    (void)state;
    enum { ROUNDS = 8 };
    for (int round = 0; round < ROUNDS; round++) {
        int pipe_fds[2];
        char name[32];
        snprintf(name, sizeof name, "killed%d.run", round);
        assert_int_equal(pipe(pipe_fds), 0);
        pid_t writer = fork();
        assert_true(writer >= 0);
        if (writer == 0) {
            struct run_store *store = open_run(folder_file(name));
            struct metrics *delta = metrics_new(3);
            struct error err = {0};
            for (uint32_t second = 0;; second++) {
                measure(delta, second);
                if (run_store_put_second(store, delta, second, 1000000, &(struct health){0},
                                         &err) ||
                    write(pipe_fds[1], "x", 1) != 1)
                    _exit(1);
            }
        }
        char said[16];
        uint32_t put = 0;
        while (put < 5 + (uint32_t)round * 3) {
            ssize_t len = read(pipe_fds[0], said, 1);
            assert_true(len == 1);
            put++;
        }
        assert_int_equal(kill(writer, SIGKILL), 0);
        assert_int_equal(waitpid(writer, NULL, 0), writer);
        close(pipe_fds[1]);
        for (ssize_t len; (len = read(pipe_fds[0], said, sizeof said)) > 0;)
            put += (uint32_t)len;
        close(pipe_fds[0]);

        struct run_record *run = load_run(folder_file(name));
        assert_int_equal(run->end.state, RUN_RUNNING);
        uint32_t found = (uint32_t)run->health.seconds;
        assert_true(found == put || found == put + 1);
        assert_totals_of(run, found);
        assert_int_equal(run->end.duration_us, found * 1000000);
        run_record_free(run);
    }
}

static uint64_t number(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    uint64_t value = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

static void the_seconds_add_up_to_the_totals_in_sql_too(void **state)
{
    (void)state;
    struct run_store *store = open_run(folder_file("sql.run"));
    put_seconds(store, 4);
    run_store_close(store);
    const char *path = folder_file("sql.run");
    static const struct {
        const char *sql;
        uint64_t value;
    } rows[] = {
        {"SELECT sum(requests) FROM second", 16},
        {"SELECT sum(requests) FROM total", 16},
        {"SELECT sum(failures) FROM failures WHERE class = 'connect_refused'", 4},
        {"SELECT sum(failures) FROM failures WHERE class = 'status'", 4},
        {"SELECT failures FROM failures WHERE protocol = 'websocket'", 4},
        {"SELECT requests FROM summary WHERE endpoint = 'GET /jobs/{id}'", 8},
        {"SELECT requests_per_sec FROM summary WHERE endpoint = 'GET /jobs/{id}'", 2},
        {"SELECT requests FROM seconds WHERE second = 2", 4},
        {"SELECT cpu_percent FROM seconds WHERE second = 2", 120},
        {"SELECT service_p50_us FROM second WHERE second = 0 AND endpoint_id = 0", 1000},
        {"SELECT sessions_ended FROM generator_second WHERE second = 1", 1},
        {"SELECT sum(messages_sent) FROM ws_second", 4},
        {"SELECT status_5xx FROM total WHERE endpoint_id = 1", 4},
        {"SELECT retried FROM total WHERE endpoint_id = 1", 4},
        {"SELECT sum(cpu_us) FROM worker_second WHERE worker = 1", 3960000},
        {"SELECT segments_resent FROM generator_second WHERE second = 1", 2},
        {"SELECT lateness_p99_us FROM generator_second WHERE second = 1", 10},
        {"SELECT sum(answers) FROM generator_second", 12},
        {"SELECT no_files FROM generator_total", 8},
        {"SELECT answers FROM divergence WHERE status = 503 AND recorded_status = 200", 4},
        {"SELECT passed * 10000 + failed * 100 + dropped FROM check_total", 360804},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t value = number(path, rows[i].sql);
        if (value != rows[i].value)
            fail_msg("%s: %d, not %d", rows[i].sql, (int)value, (int)rows[i].value);
    }
}

static void an_existing_file_is_never_written_over(void **state)
{
    (void)state;
    struct run_store *store = open_run(folder_file("kept.run"));
    put_seconds(store, 1);
    run_store_close(store);
    struct error err = {0};
    assert_int_equal(run_store_open(&store, folder_file("kept.run"), &facts, &err), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_non_null(strstr(err.text, "kept.run: exists"));
    struct run_record *run = load_run(folder_file("kept.run"));
    assert_totals_of(run, 1);
    run_record_free(run);
}

static void execute(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* As the first version wrote it: without the columns and tables that came later. */
static void a_run_of_the_first_version_still_opens(void **state)
{
    (void)state;
    static const char *const later[] = {
        "run DROP COLUMN verdict_kind",
        "run DROP COLUMN pacing",
        "run DROP COLUMN max_files",
        "run DROP COLUMN max_ports",
        "generator_second DROP COLUMN busiest_worker_busy_us",
        "generator_second DROP COLUMN loop_lag_p99_us",
        "generator_second DROP COLUMN queued",
        "generator_second DROP COLUMN waiting",
        "generator_second DROP COLUMN ports_in_use",
        "generator_second DROP COLUMN connects_made",
        "generator_second DROP COLUMN connects_failed",
        "generator_second DROP COLUMN segments_sent",
        "generator_second DROP COLUMN segments_resent",
        "generator_second DROP COLUMN rtt_p50_us",
        "generator_second DROP COLUMN answers",
        "generator_second DROP COLUMN service_p50_us",
        "generator_second DROP COLUMN lateness_p50_us",
        "generator_second DROP COLUMN lateness_p99_us",
        "generator_second DROP COLUMN lateness",
        "generator_second DROP COLUMN max_silence_us",
        "session_total DROP COLUMN missing_recorded",
        "session_total DROP COLUMN missing_skip",
        "session_total DROP COLUMN missing_end",
        "session_total DROP COLUMN steps_settled",
        "second DROP COLUMN expected",
        "second DROP COLUMN withdrawn",
        "total DROP COLUMN expected",
        "total DROP COLUMN withdrawn",
    };
    struct run_store *store = open_run(folder_file("first.run"));
    put_seconds(store, 2);
    run_store_close(store);
    execute(
        folder_file("first.run"),
        "DROP TABLE failure_reason; DROP TABLE worker_second; DROP TABLE worker_total; DROP TABLE "
        "check_total; DROP TABLE check_difference; DROP TABLE generator_total; PRAGMA "
        "user_version = 1");
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "ALTER TABLE %s", later[i]);
        execute(folder_file("first.run"), sql);
    }
    struct run_record *run = load_run(folder_file("first.run"));
    assert_int_equal(run->all.requests, 8);
    assert_string_equal(run->facts.pacing, "");
    assert_int_equal(run->facts.max_ports, 0);
    assert_int_equal(run->health.seconds, 2);
    assert_int_equal(run->health.busy_seconds, 2); /* by CPU, as it was judged then */
    assert_int_equal(run->health.peak_queued, 0);
    assert_int_equal(run->totals->generator.worker_count, 0);
    run_record_free(run);
}

static void what_is_not_a_run_is_refused_in_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *message;
    } rows[] = {
        {"PRAGMA application_id = 7", "not a run; 'reprise replay' makes one"},
        {"PRAGMA user_version = 99", "newer version (format 99, known is 7)"},
        {"DELETE FROM run", "damaged: table run"},
        {"UPDATE total SET service = x'ffff'", "damaged: table total"},
        {"UPDATE total SET endpoint_id = 77 WHERE endpoint_id = 1", "damaged: table total"},
        {"UPDATE endpoint SET endpoint_id = 99 WHERE endpoint_id = 2", "damaged: table endpoint"},
        {"UPDATE failure_sample SET endpoint_id = 3", "damaged: table failure_sample"},
        {"UPDATE plugin_metric SET histogram = x'8080'", "damaged: table plugin_metric"},
        {"UPDATE worker_total SET worker = 64 WHERE worker = 1", "damaged: table worker_total"},
        {"UPDATE generator_total SET rtt = x'ffff'", "damaged: table generator_total"},
        {"DROP VIEW summary; DROP TABLE threshold", "no such table: threshold"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[32];
        snprintf(name, sizeof name, "refused%zu.run", i);
        struct run_store *store = open_run(folder_file(name));
        put_seconds(store, 1);
        run_store_close(store);
        execute(folder_file(name), rows[i].sql);
        struct run_record *run;
        struct error err = {0};
        assert_int_equal(run_store_load(&run, folder_file(name), &err), -1);
        if (!strstr(err.text, rows[i].message) || !strstr(err.text, name))
            fail_msg("'%s' says not '%s'", err.text, rows[i].message);
    }
    struct run_record *run;
    struct error err = {0};
    assert_int_equal(run_store_load(&run, folder_file("none.run"), &err), -1);
    assert_non_null(strstr(err.text, "No such file"));
    assert_int_equal(run_store_load(&run, TEST_SOURCE_DIR "/replay/results/run_store.h", &err), -1);
    assert_non_null(strstr(err.text, "not a run"));
    write_file(folder_file("empty.run"), "", 0);
    assert_int_equal(run_store_load(&run, folder_file("empty.run"), &err), -1);
    assert_non_null(strstr(err.text, "empty; a run that is killed before it begins"));
}

static void a_damaged_file_is_refused_or_read_and_never_trusted(void **state)
{
    (void)state;
    enum { MAX_FILE_BYTES = 1 << 20, ROUNDS = 400 };
    char *whole = malloc(MAX_FILE_BYTES), *damaged = malloc(MAX_FILE_BYTES);
    struct run_store *store = open_run(folder_file("whole.run"));
    struct random random;
    size_t refused = 0;
    put_seconds(store, 2);
    run_store_close(store);
    size_t len = read_file(folder_file("whole.run"), whole, MAX_FILE_BYTES);
    assert_true(len > 4096 && len < MAX_FILE_BYTES);
    random_init(&random, 1, 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct run_record *run;
        struct error err = {0};
        size_t kept = round % 4 ? len : (size_t)random_below(&random, len);
        memcpy(damaged, whole, len);
        for (int i = 0; round % 4 && i < 8; i++)
            damaged[random_below(&random, len)] = (char)random_u64(&random);
        write_file(folder_file("damaged.run"), damaged, kept);
        if (run_store_load(&run, folder_file("damaged.run"), &err) == 0) {
            run_record_free(run);
            continue;
        }
        assert_non_null(strstr(err.text, "damaged.run: "));
        refused++;
    }
    assert_true(refused >= ROUNDS / 4);
    free(whole);
    free(damaged);
}

/* A limit on the database's size behaves as a full disk does. */
static void a_full_disk_is_one_line_and_what_was_put_is_kept(void **state)
{
    (void)state;
    struct run_store *store = open_run(folder_file("full.run"));
    put_seconds(store, 2);
    struct metrics *delta = metrics_new(3);
    struct error err = {0};
    uint32_t second = 2;
    assert_int_equal(run_sql_exec(store->db, "PRAGMA max_page_count = 60", &err), 0);
    int result = 0;
    for (; second < 2000 && !result; second++) {
        measure(delta, second);
        result = run_store_put_second(store, delta, second, 1000000, &(struct health){0}, &err);
    }
    assert_int_equal(result, -1);
    assert_int_equal(err.exit_code, EXIT_TOOL);
    assert_non_null(strstr(err.text, "full.run: disk full"));
    struct run_record *run = load_run(folder_file("full.run"));
    assert_totals_of(run, second - 1);
    run_record_free(run);

    /* Once there is room again the totals catch up; the second that failed is not in the series. */
    assert_int_equal(run_sql_exec(store->db, "PRAGMA max_page_count = 100000", &err), 0);
    metrics_clear(delta);
    assert_int_equal(run_store_put_second(store, delta, second, 1000000, &(struct health){0}, &err),
                     0);
    metrics_free(delta);
    run_store_close(store);
    run = load_run(folder_file("full.run"));
    assert_totals_of(run, second);
    assert_int_equal(run->health.seconds, second);
    run_record_free(run);
}

static void the_default_name_is_the_trace_and_the_moment(void **state)
{
    (void)state;
    static const struct {
        const char *trace, *name;
    } rows[] = {
        {"shop.trace", "shop-20260102T030405.run"},
        {"/data/my.shop.trace", "my.shop-20260102T030405.run"},
        {"dir/plain", "plain-20260102T030405.run"},
        {".hidden", ".hidden-20260102T030405.run"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[FOLDER_MAX_PATH];
        assert_string_equal(
            run_store_default_path(out, sizeof out, rows[i].trace, facts.started_unix_us),
            rows[i].name);
    }
}

static void a_second_run_in_the_same_second_has_a_name_of_its_own(void **state)
{
    (void)state;
    char first[FOLDER_MAX_PATH], second[FOLDER_MAX_PATH];
    assert_int_equal(chdir(folder_path), 0);
    run_store_default_path(first, sizeof first, "again.trace", facts.started_unix_us);
    FILE *file = fopen(first, "wb");
    assert_non_null(file);
    fclose(file);
    run_store_default_path(second, sizeof second, "again.trace", facts.started_unix_us);
    assert_int_equal(strncmp(first, second, strlen(first) - strlen(".run")), 0);
    assert_string_equal(second + strlen(first) - strlen(".run"), "-2.run");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finished_run_gives_back_what_was_put),
        cmocka_unit_test(a_closed_run_is_one_file),
        cmocka_unit_test(samples_are_kept_with_their_moment_and_bounded),
        cmocka_unit_test(a_run_that_goes_on_can_be_read),
        cmocka_unit_test(upgrades_that_were_cancelled_are_kept),
        cmocka_unit_test(a_killed_run_has_every_second_that_was_put),
        cmocka_unit_test(the_seconds_add_up_to_the_totals_in_sql_too),
        cmocka_unit_test(an_existing_file_is_never_written_over),
        cmocka_unit_test(a_run_of_the_first_version_still_opens),
        cmocka_unit_test(what_is_not_a_run_is_refused_in_one_line),
        cmocka_unit_test(a_damaged_file_is_refused_or_read_and_never_trusted),
        cmocka_unit_test(a_full_disk_is_one_line_and_what_was_put_is_kept),
        cmocka_unit_test(the_default_name_is_the_trace_and_the_moment),
        cmocka_unit_test(a_second_run_in_the_same_second_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}

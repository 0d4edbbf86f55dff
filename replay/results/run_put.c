/* run_put.c - which values go to which row of a run file. */
#include "replay/results/run_put.h"

enum { SAMPLES_PER_KIND = 20 };

static const struct {
    const char *table;
    int columns;
} inserts[INSERT_COUNT] = {
    [INSERT_RUN] = {"run", 20},
    [INSERT_ENDPOINT] = {"endpoint", 2},
    [INSERT_SECOND] = {"second", 27},
    [INSERT_TOTAL] = {"total", 31},
    [INSERT_WS_SECOND] = {"ws_second", 14},
    [INSERT_WS_TOTAL] = {"ws_total", 17},
    [INSERT_SESSION_TOTAL] = {"session_total", 10},
    [INSERT_SESSION_RESULT] = {"session_result", 2},
    [INSERT_GENERATOR_SECOND] = {"generator_second", 30},
    [INSERT_WORKER_SECOND] = {"worker_second", 6},
    [INSERT_WORKER_TOTAL] = {"worker_total", 5},
    [INSERT_GENERATOR_TOTAL] = {"generator_total", 14},
    [INSERT_FAILURE] = {"failure", 4},
    [INSERT_DIVERGENCE] = {"divergence", 3},
    [INSERT_CHECK_TOTAL] = {"check_total", 4},
    [INSERT_CHECK_DIFFERENCE] = {"check_difference", 4},
    [INSERT_PLUGIN_METRIC] = {"plugin_metric", 7},
    [INSERT_PLUGIN_CALL] = {"plugin_call", 4},
    [INSERT_THRESHOLD] = {"threshold", 6},
};

struct sql_row run_put_start(struct run_store *store, enum insert insert)
{
    return sql_row_start(store->inserts[insert], &store->scratch);
}

int run_put_prepare(struct run_store *store, struct error *err)
{
    for (int i = 0; i < INSERT_COUNT; i++) {
        buf_clear(&store->scratch);
        buf_printf(&store->scratch, "INSERT OR REPLACE INTO %s VALUES (", inserts[i].table);
        for (int column = 0; column < inserts[i].columns; column++)
            buf_append_text(&store->scratch, column ? ",?" : "?");
        buf_append_char(&store->scratch, ')');
        if (run_sql_prepare(store->db, buf_text(&store->scratch), &store->inserts[i], err))
            return -1;
    }
    /* Of each kind a few are kept, so that a target that is down does not fill the disk. */
    if (run_sql_prepare(store->db,
                        "INSERT INTO failure_sample SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE (SELECT "
                        "count(*) FROM failure_sample WHERE class = ?5 AND status = ?3 AND "
                        "recorded_status = ?4) < ?7",
                        &store->add_sample, err) ||
        run_sql_prepare(store->db, "UPDATE failure_reason SET failures = 0", &store->forget_reasons,
                        err) ||
        run_sql_prepare(store->db,
                        "INSERT INTO failure_reason VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO "
                        "UPDATE SET first_us = min(first_us, ?3), endpoint_id = ?4, detail = ?5, "
                        "failures = ?6",
                        &store->put_reason, err) ||
        run_sql_prepare(store->db, "DELETE FROM failure_reason WHERE failures = 0",
                        &store->drop_reasons, err) ||
        run_sql_prepare(store->db, "DELETE FROM failure WHERE protocol = ?1 AND endpoint_id IS ?2",
                        &store->forget_failures, err) ||
        run_sql_prepare(store->db, "UPDATE run SET duration_us = ?1", &store->set_duration, err) ||
        run_sql_prepare(store->db,
                        "UPDATE run SET state = ?1, duration_us = ?2, exit_code = ?3, "
                        "verdict = ?4, verdict_kind = ?5",
                        &store->set_end, err))
        return -1;
    return 0;
}

void run_put_finalize(struct run_store *store)
{
    for (int i = 0; i < INSERT_COUNT; i++)
        sqlite3_finalize(store->inserts[i]);
    sqlite3_finalize(store->forget_failures);
    sqlite3_finalize(store->add_sample);
    sqlite3_finalize(store->forget_reasons);
    sqlite3_finalize(store->put_reason);
    sqlite3_finalize(store->drop_reasons);
    sqlite3_finalize(store->set_duration);
    sqlite3_finalize(store->set_end);
}

int run_put_facts(struct run_store *store, const struct run_facts *facts, struct error *err)
{
    struct sql_row row = run_put_start(store, INSERT_RUN);
    sql_put_u64(&row, 1);
    sql_put_text(&row, run_record_state_name(RUN_RUNNING));
    sql_put_u64(&row, (uint64_t)facts->started_unix_us);
    sql_put_u64(&row, 0);
    sql_put_text(&row, facts->trace_path);
    sql_put_text(&row, facts->trace_digest);
    sql_put_text(&row, facts->target);
    sql_put_text(&row, facts->plan_digest);
    sql_put_u64(&row, facts->seed);
    sql_put_u64(&row, facts->planned_sessions);
    sql_put_text(&row, facts->command);
    sql_put_text(&row, facts->tool_version);
    sql_put_u64(&row, facts->workers);
    sql_put_u64(&row, facts->cpu_count);
    sql_put_null(&row);
    sql_put_text(&row, "");
    sql_put_text(&row, "");
    sql_put_text(&row, facts->pacing);
    sql_put_u64(&row, facts->max_files);
    sql_put_u64(&row, facts->max_ports);
    if (sql_put_end(&row, err))
        return -1;
    for (uint32_t i = 0; i < facts->endpoint_count; i++) {
        row = run_put_start(store, INSERT_ENDPOINT);
        sql_put_u64(&row, i);
        sql_put_text(&row, facts->endpoint_names[i]);
        if (sql_put_end(&row, err))
            return -1;
    }
    return 0;
}

static int put_plugin_metrics(struct run_store *store, struct error *err)
{
    for (uint32_t i = 0; i < store->plugin_metric_count; i++) {
        const struct run_plugin_metric *metric = &store->plugin_metrics[i];
        const struct custom_metric *total = &store->totals->custom[i];
        struct sql_row row = run_put_start(store, INSERT_PLUGIN_METRIC);
        sql_put_u64(&row, i);
        sql_put_text(&row, metric->plugin);
        sql_put_text(&row, metric->name);
        sql_put_text(&row, metric->unit);
        sql_put_text(&row, metric->is_histogram ? "histogram" : "counter");
        sql_put_u64(&row, total->sum);
        sql_put_histogram(&row, &total->histogram);
        if (sql_put_end(&row, err))
            return -1;
    }
    return 0;
}

/* The columns that `second` and `total` share. */
static void put_counters(struct sql_row *row, const struct endpoint_metrics *endpoint)
{
    const struct histogram *service = &endpoint->clocks[CLOCK_SERVICE];
    const struct histogram *response = &endpoint->clocks[CLOCK_RESPONSE];
    const struct histogram *lateness = &endpoint->clocks[CLOCK_LATENESS];
    sql_put_u64(row, endpoint->requests);
    sql_put_u64(row, endpoint->failed);
    sql_put_u64(row, endpoint->diverged);
    sql_put_u64(row, endpoint->bytes_sent);
    sql_put_u64(row, endpoint->bytes_received);
    for (int i = 0; i < ORIGIN_COUNT; i++)
        sql_put_u64(row, endpoint->by_origin[i]);
    sql_put_u64(row, endpoint->expected);
    sql_put_u64(row, endpoint->withdrawn);
    for (int i = 0; i < 6; i++)
        sql_put_u64(row, endpoint->by_status_class[i]);
    sql_put_u64(row, histogram_percentile(service, 50));
    sql_put_u64(row, histogram_percentile(service, 95));
    sql_put_u64(row, histogram_percentile(service, 99));
    sql_put_u64(row, histogram_percentile(response, 95));
    sql_put_u64(row, histogram_percentile(response, 99));
    sql_put_u64(row, histogram_percentile(lateness, 99));
    sql_put_histogram(row, response);
    sql_put_histogram(row, service);
    sql_put_histogram(row, lateness);
}

static int put_failures(struct run_store *store, const char *protocol, int64_t endpoint_id,
                        const uint64_t *by_failure, uint64_t bad_statuses, struct error *err)
{
    struct sql_row row = sql_row_start(store->forget_failures, &store->scratch);
    sql_put_text(&row, protocol);
    endpoint_id < 0 ? sql_put_null(&row) : sql_put_u64(&row, (uint64_t)endpoint_id);
    if (sql_put_end(&row, err))
        return -1;
    for (int i = FAILURE_NONE; i < FAILURE_COUNT; i++) {
        uint64_t count = i == FAILURE_NONE ? bad_statuses : by_failure[i];
        if (!count)
            continue;
        row = run_put_start(store, INSERT_FAILURE);
        sql_put_text(&row, protocol);
        sql_put_text(&row, i == FAILURE_NONE ? "status" : failure_name((enum failure)i));
        endpoint_id < 0 ? sql_put_null(&row) : sql_put_u64(&row, (uint64_t)endpoint_id);
        sql_put_u64(&row, count);
        if (sql_put_end(&row, err))
            return -1;
    }
    return 0;
}

static int put_total(struct run_store *store, uint32_t endpoint_id, struct error *err)
{
    const struct endpoint_metrics *total = &store->totals->endpoints[endpoint_id];
    struct sql_row row = run_put_start(store, INSERT_TOTAL);
    sql_put_u64(&row, endpoint_id);
    put_counters(&row, total);
    for (int i = CLOCK_CONNECTING; i < CLOCK_COUNT; i++)
        sql_put_histogram(&row, &total->clocks[i]);
    if (sql_put_end(&row, err))
        return -1;
    uint64_t no_answer = 0;
    for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++)
        no_answer += i == FAILURE_CANCELLED ? 0 : total->by_failure[i];
    if (!total->failed && !total->by_failure[FAILURE_CANCELLED])
        return 0;
    return put_failures(store, "http", endpoint_id, total->by_failure, total->failed - no_answer,
                        err);
}

static int put_endpoints(struct run_store *store, const struct metrics *delta, uint32_t second,
                         struct error *err)
{
    for (uint32_t i = 0; i < delta->endpoint_count; i++) {
        if (!delta->endpoints[i].requests)
            continue;
        struct sql_row row = run_put_start(store, INSERT_SECOND);
        sql_put_u64(&row, second);
        sql_put_u64(&row, i);
        put_counters(&row, &delta->endpoints[i]);
        if (sql_put_end(&row, err) || put_total(store, i, err))
            return -1;
    }
    return 0;
}

static void put_ws_counters(struct sql_row *row, const struct ws_metrics *ws)
{
    for (int i = 0; i < WS_EVENT_COUNT; i++)
        sql_put_u64(row, ws->events[i]);
    sql_put_u64(row, ws->bytes_sent);
    sql_put_u64(row, ws->bytes_received);
    sql_put_u64(row, histogram_percentile(&ws->answer_wait, 95));
    sql_put_histogram(row, &ws->answer_wait);
}

static bool has_events(const struct ws_metrics *ws)
{
    for (int i = 0; i < WS_EVENT_COUNT; i++) {
        if (ws->events[i])
            return true;
    }
    return ws->by_failure[FAILURE_CANCELLED] > 0; /* no event, and yet to be told of */
}

static int put_ws_total(struct run_store *store, struct error *err)
{
    const struct ws_metrics *total = &store->totals->ws;
    struct sql_row row = run_put_start(store, INSERT_WS_TOTAL);
    sql_put_u64(&row, 1);
    put_ws_counters(&row, total);
    sql_put_histogram(&row, &total->connecting);
    sql_put_histogram(&row, &total->lateness);
    sql_put_histogram(&row, &total->session_duration);
    if (sql_put_end(&row, err))
        return -1;
    return put_failures(store, "websocket", -1, total->by_failure, 0, err);
}

static int put_ws(struct run_store *store, const struct ws_metrics *delta, uint32_t second,
                  struct error *err)
{
    if (!has_events(delta))
        return 0;
    struct sql_row row = run_put_start(store, INSERT_WS_SECOND);
    sql_put_u64(&row, second);
    put_ws_counters(&row, delta);
    if (sql_put_end(&row, err))
        return -1;
    return put_ws_total(store, err);
}

static int put_sessions(struct run_store *store, struct error *err)
{
    const struct metrics *totals = store->totals;
    struct sql_row row = run_put_start(store, INSERT_SESSION_TOTAL);
    sql_put_u64(&row, 1);
    sql_put_u64(&row, totals->sessions_started);
    sql_put_u64(&row, totals->steps_not_sent);
    sql_put_u64(&row, histogram_percentile(&totals->session_duration, 50));
    sql_put_u64(&row, histogram_percentile(&totals->session_duration, 95));
    sql_put_histogram(&row, &totals->session_duration);
    for (int i = 0; i < MISSING_COUNT; i++)
        sql_put_u64(&row, totals->bindings_missing[i]);
    sql_put_u64(&row, totals->steps_settled);
    if (sql_put_end(&row, err))
        return -1;
    for (int i = 0; i < SESSION_RESULT_COUNT; i++) {
        row = run_put_start(store, INSERT_SESSION_RESULT);
        sql_put_text(&row, session_result_name((enum session_result)i));
        sql_put_u64(&row, totals->sessions_by_result[i]);
        if (sql_put_end(&row, err))
            return -1;
    }
    return 0;
}

static int put_samples(struct run_store *store, const struct metrics *delta, uint64_t now_us,
                       struct error *err)
{
    for (uint32_t i = 0; i < delta->sample_count; i++) {
        const struct failure_sample *sample = &delta->samples[i];
        struct sql_row row = sql_row_start(store->add_sample, &store->scratch);
        sql_put_u64(&row, sample->due_us ? sample->due_us : now_us);
        sample->endpoint == SAMPLE_NO_ENDPOINT ? sql_put_null(&row)
                                               : sql_put_u64(&row, sample->endpoint);
        sql_put_u64(&row, (uint64_t)sample->status);
        sql_put_u64(&row, (uint64_t)sample->recorded_status);
        sql_put_text(&row, failure_name(sample->failure));
        sql_put_text(&row, sample->detail);
        sql_put_u64(&row, SAMPLES_PER_KIND);
        if (sql_put_end(&row, err))
            return -1;
    }
    return 0;
}

static int run_plain(sqlite3_stmt *statement, struct run_store *store, struct error *err)
{
    struct sql_row row = sql_row_start(statement, &store->scratch);
    return sql_put_end(&row, err);
}

/* Those that found no room in the totals any more have no count. */
static int put_reasons(struct run_store *store, uint64_t now_us, struct error *err)
{
    if (run_plain(store->forget_reasons, store, err))
        return -1;
    for (uint32_t i = 0; i < store->totals->sample_count; i++) {
        const struct failure_sample *sample = &store->totals->samples[i];
        bool is_session = sample->endpoint == SAMPLE_NO_ENDPOINT;
        if (sample->failure != FAILURE_PLUGIN)
            continue;
        struct sql_row row = sql_row_start(store->put_reason, &store->scratch);
        sql_put_text(&row, is_session                       ? "session"
                           : sample->recorded_status == 101 ? "websocket"
                                                            : "http");
        sql_put_u64(&row, sample->reason >> 1); /* SQLite's numbers have a sign */
        sql_put_u64(&row, sample->due_us ? sample->due_us : now_us);
        is_session ? sql_put_null(&row) : sql_put_u64(&row, sample->endpoint);
        sql_put_text(&row, sample->detail);
        sql_put_u64(&row, sample->count);
        if (sql_put_end(&row, err))
            return -1;
    }
    return run_plain(store->drop_reasons, store, err);
}

/* Answers with another status than recorded, by both. */
static int put_divergences(struct run_store *store, struct error *err)
{
    for (uint32_t i = 0; i < store->totals->sample_count; i++) {
        const struct failure_sample *sample = &store->totals->samples[i];
        if (sample->failure != FAILURE_NONE)
            continue;
        struct sql_row row = run_put_start(store, INSERT_DIVERGENCE);
        sql_put_u64(&row, (uint64_t)sample->status);
        sql_put_u64(&row, (uint64_t)sample->recorded_status);
        sql_put_u64(&row, sample->count);
        if (sql_put_end(&row, err))
            return -1;
    }
    return 0;
}

/* No row without --check. */
static int put_checks(struct run_store *store, struct error *err)
{
    const uint64_t *checks = store->totals->checks;
    uint64_t sum = 0;
    for (int i = 0; i < CHECK_RESULT_COUNT; i++)
        sum += checks[i];
    if (!sum)
        return 0;
    struct sql_row row = run_put_start(store, INSERT_CHECK_TOTAL);
    sql_put_u64(&row, 1);
    for (int i = 0; i < CHECK_RESULT_COUNT; i++)
        sql_put_u64(&row, checks[i]);
    return sql_put_end(&row, err);
}

int run_put_second(struct run_store *store, const struct metrics *delta,
                   const struct generator_second *generator, struct error *err)
{
    uint64_t began_us = store->health.length_us - generator->length_us;
    if (put_endpoints(store, delta, generator->second, err) ||
        put_ws(store, &delta->ws, generator->second, err) || put_sessions(store, err) ||
        put_samples(store, delta, began_us, err) || put_reasons(store, began_us, err) ||
        put_divergences(store, err) || put_checks(store, err) || put_plugin_metrics(store, err) ||
        run_put_generator(store, delta, generator, err))
        return -1;
    return 0;
}

int run_put_totals(struct run_store *store, struct error *err)
{
    for (uint32_t i = 0; i < store->totals->endpoint_count; i++) {
        if (store->totals->endpoints[i].requests && put_total(store, i, err))
            return -1;
    }
    if (has_events(&store->totals->ws) && put_ws_total(store, err))
        return -1;
    return put_sessions(store, err) || put_reasons(store, store->health.length_us, err) ||
                   put_divergences(store, err) || put_checks(store, err) ||
                   put_plugin_metrics(store, err) || run_put_generator_total(store, err)
               ? -1
               : 0;
}

static int put_threshold(struct run_store *store, const struct run_threshold *threshold,
                         struct error *err)
{
    struct sql_row row = run_put_start(store, INSERT_THRESHOLD);
    sql_put_text(&row, threshold->expression);
    sql_put_text(&row, threshold->metric);
    sql_put_text(&row, threshold->condition);
    sql_put_real(&row, threshold->value);
    sql_put_u64(&row, threshold->has_samples);
    sql_put_u64(&row, threshold->has_passed);
    return sql_put_end(&row, err);
}

int run_put_end(struct run_store *store, const struct run_end *end, struct error *err)
{
    for (size_t i = 0; i < end->threshold_count; i++) {
        if (put_threshold(store, &end->thresholds[i], err))
            return -1;
    }
    for (size_t i = 0; i < end->plugin_call_count; i++) {
        struct sql_row row = run_put_start(store, INSERT_PLUGIN_CALL);
        sql_put_text(&row, end->plugin_calls[i].plugin);
        sql_put_text(&row, end->plugin_calls[i].callback);
        sql_put_u64(&row, end->plugin_calls[i].calls);
        sql_put_u64(&row, end->plugin_calls[i].ns);
        if (sql_put_end(&row, err))
            return -1;
    }
    for (size_t i = 0; i < end->check_difference_count; i++) {
        struct sql_row row = run_put_start(store, INSERT_CHECK_DIFFERENCE);
        sql_put_u64(&row, end->check_differences[i].endpoint);
        sql_put_text(&row, end->check_differences[i].kind);
        sql_put_text(&row, end->check_differences[i].place);
        sql_put_u64(&row, end->check_differences[i].answers);
        if (sql_put_end(&row, err))
            return -1;
    }
    struct sql_row row = sql_row_start(store->set_end, &store->scratch);
    sql_put_text(&row, run_record_state_name(end->state));
    sql_put_u64(&row, end->duration_us);
    sql_put_u64(&row, (uint64_t)end->exit_code);
    sql_put_text(&row, end->verdict);
    sql_put_text(&row, end->verdict_kind);
    return sql_put_end(&row, err);
}

/* run_load.c - reads a run file back: one that was finished, cut off, or is still written to. */
#include "replay/results/run_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A run file may come from anywhere: what is read from it is bounded. */
enum { MAX_ENDPOINTS = 1 << 20, MAX_TEXT_BYTES = 256 << 20 };

int run_load_damaged(struct load *load, const char *where)
{
    return error_set(load->err, EXIT_INPUT, "damaged: table %s holds what no run writes", where);
}

int run_load_start(struct load *load, const char *sql)
{
    sqlite3_finalize(load->statement);
    load->statement = NULL;
    return run_sql_prepare(load->db, sql, &load->statement, load->err);
}

/* 1 with a row to take, 0 at the end, -1. */
int run_load_next(struct load *load)
{
    load->row = sql_row_start(load->statement, NULL);
    switch (sqlite3_step(load->statement)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return run_sql_error(load->db, load->err);
    }
}

/* Whether there was memory for all texts is looked at once, at the end. */
const char *run_load_text(struct load *load)
{
    const char *text = arena_printf(&load->run->arena, "%s", sql_take_text(&load->row));
    load->is_out_of_memory |= !text;
    return text ? text : "";
}

static enum run_record_state state_of(const char *name)
{
    for (int i = 0; i < RUN_STATE_COUNT; i++) {
        if (strcmp(name, run_record_state_name((enum run_record_state)i)) == 0)
            return (enum run_record_state)i;
    }
    return RUN_RUNNING;
}

#define FIRST_FACTS                                                                                \
    "state, started_unix_us, duration_us, trace_path, trace_digest, target, plan_digest, seed, "   \
    "planned_sessions, command, tool_version, workers, cpu_count, exit_code, verdict"

static int load_facts(struct load *load)
{
    struct run_facts *facts = &load->run->facts;
    struct run_end *end = &load->run->end;
    const char *sql = load->version < 2 ? "SELECT " FIRST_FACTS ", '', '', 0, 0 FROM run"
                                        : "SELECT " FIRST_FACTS
                                          ", verdict_kind, pacing, max_files, max_ports FROM run";
    if (run_load_start(load, sql))
        return -1;
    int result = run_load_next(load);
    if (result <= 0)
        return result ? -1 : run_load_damaged(load, "run");
    end->state = state_of(sql_take_text(&load->row));
    facts->started_unix_us = (int64_t)sql_take_u64(&load->row);
    end->duration_us = sql_take_u64(&load->row);
    facts->trace_path = run_load_text(load);
    facts->trace_digest = run_load_text(load);
    facts->target = run_load_text(load);
    facts->plan_digest = run_load_text(load);
    facts->seed = sql_take_u64(&load->row);
    facts->planned_sessions = sql_take_u64(&load->row);
    facts->command = run_load_text(load);
    facts->tool_version = run_load_text(load);
    facts->workers = (uint32_t)sql_take_u64(&load->row);
    facts->cpu_count = (uint32_t)sql_take_u64(&load->row);
    end->exit_code = (int)sql_take_u64(&load->row);
    end->verdict = run_load_text(load);
    end->verdict_kind = run_load_text(load);
    facts->pacing = run_load_text(load);
    facts->max_files = sql_take_u64(&load->row);
    facts->max_ports = sql_take_u64(&load->row);
    return 0;
}

static int load_endpoints(struct load *load)
{
    struct run_record *run = load->run;
    uint64_t count = 0;
    if (run_load_start(load, "SELECT count(*), coalesce(max(endpoint_id), -1) FROM endpoint") ||
        run_load_next(load) != 1)
        return -1;
    count = sql_take_u64(&load->row);
    if (count > MAX_ENDPOINTS || sql_take_u64(&load->row) + 1 != count)
        return run_load_damaged(load, "endpoint");
    const char **names = arena_zalloc(&run->arena, (count + 1) * sizeof *names);
    run->totals = metrics_new((uint32_t)count);
    if (!names || !run->totals)
        return error_set(load->err, EXIT_TOOL, "no memory for %u endpoints", (unsigned)count);
    if (run_load_start(load, "SELECT name FROM endpoint ORDER BY endpoint_id"))
        return -1;
    int result;
    for (uint64_t i = 0; (result = run_load_next(load)) == 1 && i < count; i++)
        names[i] = run_load_text(load);
    run->facts.endpoint_count = (uint32_t)count;
    run->facts.endpoint_names = names;
    return result;
}

static int load_totals(struct load *load)
{
    struct metrics *totals = load->run->totals;
    struct sql_row *row = &load->row;
    int result;
#define TOTAL_COLUMNS(judged)                                                                      \
    "SELECT endpoint_id, requests, failed, diverged, sent_bytes, received_bytes, recorded, "       \
    "added, retried, " judged ", no_answer, status_1xx, status_2xx, status_3xx, status_4xx, "      \
    "status_5xx, response, service, lateness, connecting, tls, sending, waiting, receiving "       \
    "FROM total"
    if (run_load_start(load, load->version < 6 ? TOTAL_COLUMNS("0, 0")
                                               : TOTAL_COLUMNS("expected, withdrawn")))
        return -1;
    while ((result = run_load_next(load)) == 1) {
        uint64_t endpoint_id = sql_take_u64(row);
        if (endpoint_id >= totals->endpoint_count)
            return run_load_damaged(load, "total");
        struct endpoint_metrics *endpoint = &totals->endpoints[endpoint_id];
        endpoint->requests = sql_take_u64(row);
        endpoint->failed = sql_take_u64(row);
        endpoint->diverged = sql_take_u64(row);
        endpoint->bytes_sent = sql_take_u64(row);
        endpoint->bytes_received = sql_take_u64(row);
        for (int i = 0; i < ORIGIN_COUNT; i++)
            endpoint->by_origin[i] = sql_take_u64(row);
        endpoint->expected = sql_take_u64(row);
        endpoint->withdrawn = sql_take_u64(row);
        for (int i = 0; i < 6; i++)
            endpoint->by_status_class[i] = sql_take_u64(row);
        for (int i = 0; i < CLOCK_COUNT; i++)
            sql_take_histogram(row, &endpoint->clocks[i]);
        endpoint->by_failure[FAILURE_NONE] = endpoint->requests;
        if (row->has_failed)
            return run_load_damaged(load, "total");
    }
    return result;
}

static int load_ws(struct load *load)
{
    struct ws_metrics *ws = &load->run->totals->ws;
    struct sql_row *row = &load->row;
    if (run_load_start(
            load, "SELECT connected, connect_failed, messages_sent, messages_received, answers, "
                  "messages_timed, missing, extra, closed, sent_bytes, received_bytes, "
                  "answer_wait, connecting, lateness, session_duration FROM ws_total"))
        return -1;
    int result = run_load_next(load);
    if (result != 1)
        return result;
    for (int i = 0; i < WS_EVENT_COUNT; i++)
        ws->events[i] = sql_take_u64(row);
    ws->bytes_sent = sql_take_u64(row);
    ws->bytes_received = sql_take_u64(row);
    sql_take_histogram(row, &ws->answer_wait);
    sql_take_histogram(row, &ws->connecting);
    sql_take_histogram(row, &ws->lateness);
    sql_take_histogram(row, &ws->session_duration);
    return row->has_failed ? run_load_damaged(load, "ws_total") : 0;
}

/* Classes that a newer version may have added are left out: the counters above include them. */
static int load_failures(struct load *load)
{
    struct metrics *totals = load->run->totals;
    int result;
    if (run_load_start(load, "SELECT class, endpoint_id, failures FROM failure"))
        return -1;
    while ((result = run_load_next(load)) == 1) {
        const char *class = sql_take_text(&load->row);
        bool is_ws = sql_take_is_null(&load->row);
        uint64_t endpoint_id = sql_take_u64(&load->row);
        uint64_t count = sql_take_u64(&load->row);
        if (!is_ws && endpoint_id >= totals->endpoint_count)
            return run_load_damaged(load, "failure");
        struct endpoint_metrics *endpoint = is_ws ? NULL : &totals->endpoints[endpoint_id];
        uint64_t *by_failure = is_ws ? totals->ws.by_failure : endpoint->by_failure;
        for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++) {
            if (strcmp(class, failure_name((enum failure)i)) != 0)
                continue;
            by_failure[i] += count;
            if (endpoint)
                endpoint->by_failure[FAILURE_NONE] -= count;
        }
    }
    return result;
}

static int load_sessions(struct load *load)
{
    struct metrics *totals = load->run->totals;
    struct sql_row *row = &load->row;
#define SESSION_COLUMNS(newer)                                                                     \
    "SELECT started, steps_not_sent, duration, " newer " FROM session_total"
#define MISSING "missing_recorded, missing_skip, missing_end, "
    if (run_load_start(load, load->version < 3   ? SESSION_COLUMNS("0, 0, 0, 0")
                             : load->version < 6 ? SESSION_COLUMNS(MISSING "0")
                                                 : SESSION_COLUMNS(MISSING "steps_settled")))
        return -1;
    int result = run_load_next(load);
    if (result != 1)
        return result;
    totals->sessions_started = sql_take_u64(row);
    totals->steps_not_sent = sql_take_u64(row);
    sql_take_histogram(row, &totals->session_duration);
    for (int i = 0; i < MISSING_COUNT; i++)
        totals->bindings_missing[i] = sql_take_u64(row);
    totals->steps_settled = sql_take_u64(row);
    if (row->has_failed)
        return run_load_damaged(load, "session_total");
    if (run_load_start(load, "SELECT result, sessions FROM session_result"))
        return -1;
    while ((result = run_load_next(load)) == 1) {
        const char *name = sql_take_text(row);
        uint64_t count = sql_take_u64(row);
        for (int i = 0; i < SESSION_RESULT_COUNT; i++) {
            if (strcmp(name, session_result_name((enum session_result)i)) == 0)
                totals->sessions_by_result[i] = count;
        }
    }
    return result;
}

static int load_plugin_metrics(struct load *load)
{
    struct run_record *run = load->run;
    struct run_plugin_metric *metrics =
        arena_zalloc(&run->arena, METRICS_MAX_CUSTOM * sizeof *metrics);
    uint32_t count = 0;
    int result;
    if (!metrics)
        return error_set(load->err, EXIT_TOOL, "no memory for the run");
    if (run_load_start(
            load, "SELECT metric_id, plugin, name, unit, kind, sum, histogram FROM plugin_metric "
                  "ORDER BY metric_id"))
        return -1;
    while ((result = run_load_next(load)) == 1) {
        if (sql_take_u64(&load->row) != count || count == METRICS_MAX_CUSTOM)
            return run_load_damaged(load, "plugin_metric");
        struct run_plugin_metric *metric = &metrics[count];
        struct custom_metric *total = &run->totals->custom[count++];
        metric->plugin = run_load_text(load);
        metric->name = run_load_text(load);
        metric->unit = run_load_text(load);
        metric->is_histogram = strcmp(sql_take_text(&load->row), "histogram") == 0;
        total->sum = sql_take_u64(&load->row);
        sql_take_histogram(&load->row, &total->histogram);
        if (load->row.has_failed)
            return run_load_damaged(load, "plugin_metric");
    }
    run->facts.plugin_metric_count = count;
    run->facts.plugin_metrics = metrics;
    return result;
}

static int take_number(struct load *load, const char *sql, uint64_t *ret_number)
{
    if (run_load_start(load, sql) || run_load_next(load) != 1)
        return -1;
    *ret_number = sql_take_u64(&load->row);
    return 0;
}

static int check_version(struct load *load)
{
    uint64_t application_id, version = 0, pages = 1;
    if (take_number(load, "PRAGMA page_count", &pages) == 0 && pages == 0)
        return error_set(load->err, EXIT_INPUT,
                         "empty; a run that is killed before it begins leaves nothing");
    if (take_number(load, "PRAGMA application_id", &application_id) ||
        application_id != RUN_APPLICATION_ID)
        return error_set(load->err, EXIT_INPUT, "not a run; 'reprise replay' makes one");
    if (take_number(load, "PRAGMA user_version", &version))
        return -1;
    if (version > RUN_VERSION)
        return error_set(load->err, EXIT_INPUT,
                         "written by a newer version (format %u, known is %d); use that one",
                         (unsigned)version, RUN_VERSION);
    load->version = (uint32_t)version;
    return 0;
}

static int load_all(struct load *load)
{
    /* One transaction, so that a run that goes on is seen at one moment. */
    if (run_sql_exec(load->db, "BEGIN", load->err) || check_version(load) || load_facts(load) ||
        load_endpoints(load) || load_totals(load) || load_ws(load) || load_failures(load) ||
        load_sessions(load) || load_plugin_metrics(load) || run_load_generator(load) ||
        run_load_generator_total(load) || run_load_samples(load) || run_load_reasons(load) ||
        run_load_divergences(load) || run_load_checks(load) || run_load_thresholds(load) ||
        run_load_plugin_calls(load))
        return -1;
    if (load->is_out_of_memory || metrics_sum_endpoints(load->run->totals, &load->run->all))
        return error_set(load->err, EXIT_TOOL, "no memory for the run");
    return 0;
}

/* Writable if it may be: a run that was cut off has a log beside it that is then taken in. */
static int open_database(struct load *load, const char *path)
{
    if (access(path, R_OK))
        return error_set(load->err, EXIT_INPUT, "%s; check the path: 'reprise replay' makes a run",
                         strerror(errno));
    int flags = access(path, W_OK) ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (sqlite3_open_v2(path, &load->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return run_sql_error(load->db, load->err);
    sqlite3_busy_timeout(load->db, 2000);
    return run_sql_exec(load->db, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON",
                        load->err);
}

int run_store_load(struct run_record **ret_run, const char *path, struct error *err)
{
    struct load load = {.err = err};
    struct run_record *run = calloc(1, sizeof *run);
    if (!run)
        return error_set(err, EXIT_TOOL, "%s: no memory for the run", path);
    arena_init(&run->arena, MAX_TEXT_BYTES);
    endpoint_metrics_init(&run->all);
    load.run = run;
    int result = open_database(&load, path);
    if (!result)
        result = load_all(&load);
    sqlite3_finalize(load.statement);
    sqlite3_close(load.db);
    if (!result && !(run->path = arena_printf(&run->arena, "%s", path)))
        result = error_set(err, EXIT_TOOL, "no memory for the run");
    if (result) {
        run_record_free(run);
        return error_prefix(err, "%s", path);
    }
    *ret_run = run;
    return 0;
}

/* summary_json.c - the summary for programs, in the shape of k6's --summary-export. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replay/results/report.h"
#include "replay/results/thresholds.h"

enum { MAX_KEY_BYTES = 4096 };

/* Recorded text need not be UTF-8, JSON must: other bytes become '?'. */
static const char *clean(char *out, size_t out_size, const char *text)
{
    snprintf(out, out_size, "%s", text);
    json_t *probe = json_string(out);
    if (!probe) {
        for (char *c = out; *c; c++)
            *c = (unsigned char)*c >= 0x80 ? '?' : *c;
    }
    json_decref(probe);
    return out;
}

static void set(json_t *object, const char *key, json_t *value)
{
    char text[MAX_KEY_BYTES];
    json_object_set_new(object, clean(text, sizeof text, key), value);
}

static json_t *text_of(const char *text)
{
    char cleaned[MAX_KEY_BYTES];
    return json_string(clean(cleaned, sizeof cleaned, text));
}

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* --- metrics --- */

static json_t *trend_of(const struct histogram *histogram, double scale)
{
    static const struct {
        const char *key;
        double percent;
    } percentiles[] = {{"med", 50}, {"p(90)", 90}, {"p(95)", 95}, {"p(99)", 99}};
    json_t *trend = json_object();
    set(trend, "avg", json_real(scale * histogram_mean(histogram)));
    set(trend, "min", json_real(scale * (double)histogram_min(histogram)));
    set(trend, "max", json_real(scale * (double)histogram->max));
    for (size_t i = 0; i < sizeof percentiles / sizeof *percentiles; i++)
        set(trend, percentiles[i].key,
            json_real(scale * (double)histogram_percentile(histogram, percentiles[i].percent)));
    set(trend, "count", integer(histogram->count));
    return trend;
}

/* NULL for a trend or a rate without samples. */
static json_t *metric_of(const struct run_record *run, const struct metric_entry *entry,
                         const struct metric_selector *selector)
{
    struct metric_reading reading = metric_read(entry, selector, run->totals, &run->all);
    double seconds = (double)run->end.duration_us / 1e6;
    if (!reading.has_samples)
        return NULL;
    if (entry->kind == METRIC_TREND)
        return trend_of(reading.histogram, metric_scale(entry));
    json_t *metric = json_object();
    if (entry->kind == METRIC_COUNTER) {
        set(metric, "count", integer(reading.count));
        set(metric, "rate", json_real(seconds > 0 ? (double)reading.count / seconds : 0));
    } else {
        set(metric, "value", json_real((double)reading.count / (double)reading.total));
        set(metric, "passes", integer(reading.count));
        set(metric, "fails", integer(reading.total - reading.count));
    }
    return metric;
}

static void add_metric(json_t *metrics, const struct run_record *run, const char *key,
                       const struct metric_entry *entry, const struct metric_selector *selector)
{
    json_t *metric = metric_of(run, entry, selector);
    if (metric)
        set(metrics, key, metric);
}

static void add_endpoints(json_t *metrics, const struct run_record *run,
                          const struct metric_entry *entry)
{
    char key[MAX_KEY_BYTES];
    for (uint32_t i = 0; i < run->facts.endpoint_count; i++) {
        struct metric_selector selector = {.has_endpoint = true, .endpoint = i};
        if (!run->totals->endpoints[i].requests)
            continue;
        snprintf(key, sizeof key, "%s{endpoint:%s}", entry->name, run->facts.endpoint_names[i]);
        add_metric(metrics, run, key, entry, &selector);
    }
}

static json_t *metrics_of(const struct run_record *run)
{
    /* The clocks by their own names, beside k6's. */
    static const struct {
        const char *alias, *name;
    } aliases[] = {{"service", "http_req_service"},
                   {"response", "http_req_response"},
                   {"lateness", "http_req_lateness"}};
    static const struct metric_selector everything = {0};
    json_t *metrics = json_object();
    size_t count;
    const struct metric_entry *entries = metric_catalog(&count);
    for (size_t i = 0; i < count; i++) {
        add_metric(metrics, run, entries[i].name, &entries[i], &everything);
        if (metric_has_endpoints(&entries[i]))
            add_endpoints(metrics, run, &entries[i]);
    }
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        json_t *metric = json_object_get(metrics, aliases[i].name);
        if (metric)
            json_object_set(metrics, aliases[i].alias, metric);
    }
    for (uint32_t i = 0; i < run->facts.plugin_metric_count; i++) {
        struct metric_entry entry = metric_of_plugin(&run->facts, i);
        char key[MAX_KEY_BYTES];
        clean(key, sizeof key, entry.name);
        /* A name that is taken is told apart by its plugin's. */
        if (json_object_get(metrics, key))
            snprintf(key, sizeof key, "%s.%s", run->facts.plugin_metrics[i].plugin, entry.name);
        add_metric(metrics, run, key, &entry, &everything);
    }
    json_t *users = json_object();
    set(users, "value", integer(run->health.peak_users));
    set(users, "max", integer(run->health.peak_users));
    set(metrics, "vus_max", users);
    return metrics;
}

/* A metric with tags that nobody but a threshold asked for, or one without samples. */
static json_t *metric_of_threshold(const struct run_record *run, const char *expression)
{
    struct thresholds *thresholds = malloc(sizeof *thresholds);
    json_t *metric = NULL;
    if (!thresholds)
        return NULL;
    thresholds_init(thresholds);
    if (thresholds_parse(thresholds, expression, &run->facts, NULL) == 0)
        metric = metric_of(run, &thresholds->items[0].entry, &thresholds->items[0].selector);
    thresholds_fini(thresholds);
    free(thresholds);
    return metric;
}

/*
 * In k6's export the value says whether the threshold was crossed: true is bad. Kept as it is for
 * what reads k6's files; "thresholds" at the top says `passed`.
 */
static void add_threshold(json_t *metrics, const struct run_record *run,
                          const struct run_threshold *threshold)
{
    char key[MAX_KEY_BYTES];
    clean(key, sizeof key, threshold->metric);
    json_t *metric = json_object_get(metrics, key);
    if (!metric) {
        metric = metric_of_threshold(run, threshold->expression);
        metric = metric ? metric : json_object();
        json_object_set_new(metrics, key, metric);
    }
    json_t *crossed = json_object_get(metric, "thresholds");
    if (!crossed) {
        crossed = json_object();
        json_object_set_new(metric, "thresholds", crossed);
    }
    set(crossed, threshold->condition, json_boolean(!threshold->has_passed));
}

static json_t *thresholds_of(const struct run_record *run, json_t *metrics)
{
    json_t *list = json_array();
    for (size_t i = 0; i < run->end.threshold_count; i++) {
        const struct run_threshold *threshold = &run->end.thresholds[i];
        json_t *item = json_object();
        add_threshold(metrics, run, threshold);
        set(item, "metric", text_of(threshold->metric));
        set(item, "condition", text_of(threshold->condition));
        set(item, "passed", json_boolean(threshold->has_passed));
        set(item, "value", threshold->has_samples ? json_real(threshold->value) : json_null());
        json_array_append_new(list, item);
    }
    return list;
}

/* --- the rest of a run --- */

static json_t *run_of(const struct run_record *run)
{
    const struct run_facts *facts = &run->facts;
    json_t *object = json_object();
    set(object, "state", text_of(run_record_state_name(run->end.state)));
    set(object, "started_unix_us", json_integer(facts->started_unix_us));
    set(object, "duration_us", integer(run->end.duration_us));
    set(object, "trace", text_of(facts->trace_path));
    set(object, "trace_digest", text_of(facts->trace_digest));
    set(object, "target", text_of(facts->target));
    set(object, "plan_digest", text_of(facts->plan_digest));
    set(object, "seed", integer(facts->seed));
    set(object, "command", text_of(facts->command));
    set(object, "tool_version", text_of(facts->tool_version));
    set(object, "planned_sessions", integer(facts->planned_sessions));
    set(object, "exit_code", json_integer(run->end.exit_code));
    set(object, "pacing", text_of(facts->pacing));
    set(object, "verdict", text_of(run->end.verdict));
    set(object, "verdict_kind", text_of(run->end.verdict_kind));
    json_t *sessions = json_object();
    for (int i = 0; i < SESSION_RESULT_COUNT; i++)
        set(sessions, session_result_name((enum session_result)i),
            integer(run->totals->sessions_by_result[i]));
    set(object, "sessions", sessions);
    json_t *origins = json_object();
    for (int i = 0; i < ORIGIN_COUNT; i++)
        set(origins, request_origin_name((enum request_origin)i), integer(run->all.by_origin[i]));
    set(origins, "expected", integer(run->all.expected));
    set(origins, "withdrawn", integer(run->all.withdrawn));
    set(object, "requests", origins);
    set(object, "steps_settled", integer(run->totals->steps_settled));
    json_t *missing = json_object();
    for (int i = 0; i < MISSING_COUNT; i++)
        set(missing, on_missing_name((enum on_missing)i),
            integer(run->totals->bindings_missing[i]));
    set(object, "bindings_missing", missing);
    return object;
}

/* Left out without samples, as trends are. */
static void add_percentiles(json_t *object, const char *name, const struct histogram *histogram)
{
    if (!histogram->count)
        return;
    json_t *item = json_object();
    set(item, "p(50)", integer(histogram_percentile(histogram, 50)));
    set(item, "p(99)", integer(histogram_percentile(histogram, 99)));
    set(item, "max", integer(histogram->max));
    set(item, "count", integer(histogram->count));
    set(object, name, item);
}

static void add_workers(json_t *object, const struct generator_metrics *generator)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < generator->worker_count; i++) {
        const struct worker_health *worker = &generator->workers[i];
        json_t *item = json_object();
        set(item, "cpu_us", integer(worker->cpu_us));
        set(item, "spin_us", integer(worker->spin_us));
        set(item, "cpu_wait_us", integer(worker->cpu_wait_us));
        set(item, "max_loop_lag_us", integer(worker->max_loop_lag_us));
        json_array_append_new(list, item);
    }
    set(object, "by_worker", list);
}

static void add_tcp(json_t *object, const struct network_health *network)
{
    json_t *tcp = json_object();
    set(tcp, "connects_started", integer(network->connects_started));
    set(tcp, "connects_made", integer(network->connects_made));
    set(tcp, "connects_failed", integer(network->connects_failed));
    set(tcp, "no_ports", integer(network->no_ports));
    set(tcp, "no_files", integer(network->no_files));
    set(tcp, "segments_sent", integer(network->segments_sent));
    set(tcp, "segments_resent", integer(network->segments_resent));
    add_percentiles(tcp, "rtt_us", &network->rtt);
    add_percentiles(tcp, "min_rtt_us", &network->min_rtt);
    set(object, "tcp", tcp);
}

static json_t *generator_of(const struct run_record *run)
{
    const struct run_health *health = &run->health;
    json_t *object = json_object();
    set(object, "workers", integer(run->facts.workers));
    set(object, "cpu_count", integer(run->facts.cpu_count));
    set(object, "seconds", integer(health->seconds));
    set(object, "cpu_us", integer(health->cpu_us));
    set(object, "busy_seconds", integer(health->busy_seconds));
    set(object, "busiest_worker_percent", json_real(health->busiest_percent));
    set(object, "max_loop_lag_us", integer(health->max_loop_lag_us));
    set(object, "max_silence_us", integer(health->max_silence_us));
    set(object, "peak_rss_bytes", integer(health->peak_rss_bytes));
    set(object, "peak_open_files", integer(health->peak_open_files));
    set(object, "peak_users", integer(health->peak_users));
    set(object, "peak_requests_in_flight", integer(health->peak_in_flight));
    set(object, "peak_connections", integer(health->peak_connections));
    set(object, "peak_queued", integer(health->peak_queued));
    set(object, "peak_waiting_for_connection", integer(health->peak_waiting));
    set(object, "peak_source_ports", integer(health->peak_ports));
    set(object, "max_source_ports", integer(run->facts.max_ports));
    set(object, "max_open_files", integer(run->facts.max_files));
    add_workers(object, &run->totals->generator);
    add_tcp(object, &run->totals->generator.network);
    add_percentiles(object, "loop_lag_us", &run->totals->generator.loop_lag);
    add_percentiles(object, "kernel_service_us", &run->totals->generator.kernel_service);
    add_percentiles(object, "kernel_gap_us", &run->totals->generator.kernel_gap);
    return object;
}

static void add_failures(json_t *object, const uint64_t *by_failure)
{
    for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++) {
        if (by_failure[i])
            set(object, failure_name((enum failure)i), integer(by_failure[i]));
    }
}

static json_t *reasons_of(const struct run_record *run)
{
    json_t *reasons = json_array();
    for (size_t i = 0; i < run->reason_count; i++) {
        const struct failure_sample *reason = &run->reasons[i];
        bool is_session = reason->endpoint == SAMPLE_NO_ENDPOINT;
        json_t *item = json_object();
        set(item, "scope",
            text_of(is_session                       ? "session"
                    : reason->recorded_status == 101 ? "websocket"
                                                     : "http"));
        set(item, "detail", text_of(reason->detail));
        set(item, "count", integer(reason->count));
        set(item, "first_us", integer(reason->due_us));
        if (!is_session)
            set(item, "endpoint", text_of(run->facts.endpoint_names[reason->endpoint]));
        json_array_append_new(reasons, item);
    }
    return reasons;
}

static json_t *failures_of(const struct run_record *run)
{
    json_t *object = json_object(), *http = json_object(), *websocket = json_object();
    json_t *samples = json_array();
    add_failures(http, run->all.by_failure);
    add_failures(websocket, run->totals->ws.by_failure);
    for (size_t i = 0; i < run->sample_count; i++) {
        const struct failure_sample *sample = &run->samples[i];
        json_t *item = json_object();
        set(item, "due_us", integer(sample->due_us));
        if (sample->endpoint != SAMPLE_NO_ENDPOINT)
            set(item, "endpoint", text_of(run->facts.endpoint_names[sample->endpoint]));
        set(item, "class", text_of(failure_name(sample->failure)));
        set(item, "status", json_integer(sample->status));
        set(item, "recorded_status", json_integer(sample->recorded_status));
        set(item, "detail", text_of(sample->detail));
        json_array_append_new(samples, item);
    }
    json_t *divergences = json_array();
    for (size_t i = 0; i < run->divergence_count; i++) {
        json_t *item = json_object();
        set(item, "status", json_integer(run->divergences[i].status));
        set(item, "recorded_status", json_integer(run->divergences[i].recorded_status));
        set(item, "answers", integer(run->divergences[i].answers));
        json_array_append_new(divergences, item);
    }
    set(object, "http", http);
    set(object, "divergences", divergences);
    set(object, "websocket", websocket);
    set(object, "samples", samples);
    set(object, "reasons", reasons_of(run));
    return object;
}

static json_t *checks_of(const struct run_record *run)
{
    const uint64_t *checks = run->totals->checks;
    json_t *object = json_object(), *differences = json_array();
    set(object, "passed", integer(checks[CHECK_PASSED]));
    set(object, "failed", integer(checks[CHECK_FAILED]));
    set(object, "dropped", integer(checks[CHECK_DROPPED]));
    for (size_t i = 0; i < run->end.check_difference_count; i++) {
        const struct run_check_difference *difference = &run->end.check_differences[i];
        json_t *item = json_object();
        set(item, "endpoint", text_of(run->facts.endpoint_names[difference->endpoint]));
        set(item, "kind", text_of(difference->kind));
        set(item, "place", text_of(difference->place));
        set(item, "answers", integer(difference->answers));
        json_array_append_new(differences, item);
    }
    set(object, "differences", differences);
    return object;
}

int report_print_json(const struct run_record *run, FILE *out, struct error *err)
{
    json_t *summary = json_object();
    json_t *metrics = metrics_of(run);
    set(summary, "metrics", metrics);
    set(summary, "thresholds", thresholds_of(run, metrics));
    set(summary, "run", run_of(run));
    set(summary, "generator", generator_of(run));
    set(summary, "failures", failures_of(run));
    set(summary, "checks", checks_of(run));
    errno = 0;
    int result = json_dumpf(summary, out, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    json_decref(summary);
    if (result || fputc('\n', out) == EOF || fflush(out))
        return error_set(err, EXIT_TOOL, "%s", errno ? strerror(errno) : "cannot write JSON");
    return 0;
}

/* --- into a file --- */

static int write_file(const struct run_record *run, int fd, struct error *err)
{
    FILE *out = fdopen(fd, "w");
    if (!out) {
        close(fd);
        return error_set(err, EXIT_TOOL, "%s", strerror(errno));
    }
    int result = report_print_json(run, out, err);
    if (fclose(out) && !result)
        result = error_set(err, EXIT_TOOL, "%s", strerror(errno));
    return result;
}

/* Beside the file, so that the rename stays within its file system. */
static int write_and_rename(const struct run_record *run, const char *path, struct error *err)
{
    char temporary[4096];
    mode_t mask = umask(0);
    umask(mask);
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return error_set(err, EXIT_INPUT, "the name is too long");
    int fd = mkstemp(temporary);
    if (fd < 0)
        return error_set(err, EXIT_TOOL, "%s", strerror(errno));
    /* mkstemp() makes it private; a summary is no secret. */
    int result = fchmod(fd, 0666 & ~mask);
    if (result)
        error_set(err, EXIT_TOOL, "%s", strerror(errno));
    result = write_file(run, fd, err) || result ? -1 : 0;
    if (!result && rename(temporary, path))
        result = error_set(err, EXIT_TOOL, "%s", strerror(errno));
    if (result)
        unlink(temporary);
    return result;
}

int report_check_export(const char *path, struct error *err)
{
    static const char magic[] = "SQLite format 3";
    char head[sizeof magic];
    struct stat status;
    if (stat(path, &status) || !S_ISREG(status.st_mode))
        return 0;
    FILE *in = fopen(path, "re");
    bool is_database = in && fread(head, 1, sizeof head, in) == sizeof head &&
                       memcmp(head, magic, sizeof head) == 0;
    if (in)
        fclose(in);
    if (is_database)
        return error_set(err, EXIT_INPUT,
                         "--summary-export %s: a trace, a run or another database is not written "
                         "over; name another file",
                         path);
    return 0;
}

int report_export_json(const struct run_record *run, const char *path, struct error *err)
{
    struct stat status;
    int result;
    if (report_check_export(path, err))
        return -1;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        /* /dev/stdout or a pipe: nothing to rename over. */
        FILE *out = fopen(path, "we");
        result = out ? report_print_json(run, out, err)
                     : error_set(err, EXIT_TOOL, "%s", strerror(errno));
        if (out && fclose(out) && !result)
            result = error_set(err, EXIT_TOOL, "%s", strerror(errno));
    } else {
        result = write_and_rename(run, path, err);
    }
    return result ? error_prefix(err, "summary export %s", path) : 0;
}

/* summary_text.c - the summary for people, section by section. */
#include <stdlib.h>

#include "core/units.h"
#include "replay/results/metric_catalog.h"
#include "replay/results/report.h"
#include "replay/results/summary_page.h"

enum { MAX_ENDPOINT_ROWS = 40, MAX_LINE_BYTES = 8192 };

/* --- sections --- */

static void print_head(const struct page *page)
{
    const struct run_record *run = page->run;
    char duration[UNITS_TEXT_BYTES], text[MAX_LINE_BYTES];
    fputs("\n  run ", page->out);
    page_put_text(page, 6, 6, run->path);
    snprintf(text, sizeof text, "%s against %s, %s, seed %llu", run->facts.trace_path,
             run->facts.target,
             duration_format(duration, sizeof duration, (double)run->end.duration_us),
             (unsigned long long)run->facts.seed);
    fputs("\n  ", page->out);
    page_put_text(page, 2, 6, text);
    fputc('\n', page->out);
    if (run->end.state == RUN_RUNNING)
        fprintf(page->out,
                "  %sthis run is still going on, or was cut off%s: what is here was "
                "measured up to then\n",
                page_colour(page, PAGE_YELLOW), page_colour(page, PAGE_PLAIN));
    else if (run->end.state != RUN_DONE)
        fprintf(page->out, "  %sthis run %s%s: what is here was measured up to then\n",
                page_colour(page, PAGE_YELLOW),
                run->end.state == RUN_STOPPED ? "was stopped before its end" : "failed",
                page_colour(page, PAGE_PLAIN));
}

/* As k6 says it: "p(95)=148.21ms", "rate=0.53%", "count=12". */
static void put_measured(const struct page *page, const struct run_threshold *threshold)
{
    char name[64], text[UNITS_TEXT_BYTES];
    struct metric_entry entry;
    size_t len = strcspn(threshold->condition, "<>=!");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(threshold->metric, "{ "), threshold->metric);
    bool is_known = metric_find(name, &page->run->facts, &entry);
    fprintf(page->out, "%.*s=", (int)(len > 32 ? 32 : len), threshold->condition);
    if (is_known && entry.kind == METRIC_TREND && entry.unit == METRIC_TIME)
        fputs(duration_format(text, sizeof text, threshold->value * 1e3), page->out);
    else if (is_known && entry.kind == METRIC_TREND && entry.unit == METRIC_BYTES)
        fputs(size_format(text, sizeof text, threshold->value), page->out);
    else if (is_known && entry.kind == METRIC_RATE)
        fprintf(page->out, "%.2f%%", 100 * threshold->value);
    else
        fprintf(page->out, "%.6g", threshold->value);
}

static void print_thresholds(const struct page *page)
{
    const struct run_end *end = &page->run->end;
    const char *last_metric = "";
    if (!end->threshold_count)
        return;
    page_heading(page, "█ THRESHOLDS");
    for (size_t i = 0; i < end->threshold_count; i++) {
        const struct run_threshold *threshold = &end->thresholds[i];
        if (strcmp(last_metric, threshold->metric) != 0) {
            fprintf(page->out, "%s    ", i ? "\n" : "");
            page_put_text(page, 4, 6, threshold->metric);
            fputc('\n', page->out);
            last_metric = threshold->metric;
        }
        fprintf(page->out, "    %s%s%s '",
                page_colour(page, threshold->has_passed ? PAGE_GREEN : PAGE_RED),
                threshold->has_passed ? "✓" : "✗", page_colour(page, PAGE_PLAIN));
        page_put_clean(page, threshold->condition);
        fputs("' ", page->out);
        if (threshold->has_samples)
            put_measured(page, threshold);
        else
            fputs("no samples", page->out);
        fputc('\n', page->out);
    }
}

/* Requests that no answer had given a value to, by what --on-missing made of them. */
static void print_missing(const struct page *page)
{
    static const char *const ways[MISSING_COUNT] = {
        [MISSING_RECORDED] = "sent with the recorded one",
        [MISSING_SKIP] = "not sent",
        [MISSING_END] = "not sent, and their sessions failed"};
    const uint64_t *counts = page->run->totals->bindings_missing;
    for (int i = 0; i < MISSING_COUNT; i++) {
        if (counts[i])
            page_line(page, "bindings_missing", "%llu requests lacked a value: %s",
                      (unsigned long long)counts[i], ways[i]);
    }
}

/* What plugins took out of the run's results, where they did. */
static void print_judged(const struct page *page)
{
    const struct endpoint_metrics *all = &page->run->all;
    if (all->withdrawn)
        page_line(page, "http_req_withdrawn", "%llu answers were no results: a plugin asked again",
                  (unsigned long long)all->withdrawn);
    if (all->expected)
        page_line(page, "http_req_expected", "%llu answers are what a plugin expected",
                  (unsigned long long)all->expected);
    if (page->run->totals->steps_settled)
        page_line(page, "steps_settled", "%llu steps were answered by plugins, not sent",
                  (unsigned long long)page->run->totals->steps_settled);
}

static void print_sessions(const struct page *page)
{
    const uint64_t *results = page->run->totals->sessions_by_result;
    uint64_t ended = 0;
    char text[256];
    for (int i = 0; i < SESSION_RESULT_COUNT; i++)
        ended += results[i];
    int len = snprintf(text, sizeof text, "%llu %.2f/s", (unsigned long long)ended,
                       page_per_second(page, ended));
    if (page->run->facts.planned_sessions)
        len += snprintf(text + len, sizeof text - (size_t)len, "  of %llu planned",
                        (unsigned long long)page->run->facts.planned_sessions);
    for (int i = SESSION_ENDED; i < SESSION_RESULT_COUNT; i++) {
        if (results[i])
            len += snprintf(text + len, sizeof text - (size_t)len, ", %llu %s",
                            (unsigned long long)results[i],
                            session_result_name((enum session_result)i));
    }
    page_line(page, "sessions", "%s", text);
}

static void print_totals(const struct page *page)
{
    page_heading(page, "█ TOTAL RESULTS");
    print_sessions(page);
    page_trend_alone(page, "session_duration", &page->run->totals->session_duration);
    if (page->run->all.requests)
        page_rate(page, "http_req_diverged", page->run->all.diverged,
                  endpoint_metrics_ended(&page->run->all));
    print_missing(page);
    print_judged(page);
}

/* The columns of times are named only where there are any. */
static bool has_times(const struct run_facts *facts)
{
    for (uint32_t i = 0; i < facts->plugin_metric_count; i++) {
        const struct run_plugin_metric *metric = &facts->plugin_metrics[i];
        if (metric->is_histogram && strcmp(metric->unit, "us") == 0)
            return true;
    }
    return false;
}

/* Of --check: the rate, and the places where most answers differed. */
static void print_checks(const struct page *page)
{
    enum { MOST = 5 };
    const struct run_end *end = &page->run->end;
    const uint64_t *checks = page->run->totals->checks;
    uint64_t compared = checks[CHECK_PASSED] + checks[CHECK_FAILED];
    if (!compared && !checks[CHECK_DROPPED])
        return;
    page_rate(page, "divergence", checks[CHECK_FAILED], compared);
    if (checks[CHECK_DROPPED])
        page_counter(page, "checks_dropped", checks[CHECK_DROPPED]);
    for (size_t i = 0; i < end->check_difference_count && i < MOST; i++) {
        const struct run_check_difference *difference = &end->check_differences[i];
        fprintf(page->out, "      %llu x ", (unsigned long long)difference->answers);
        page_put_clean(page, page->run->facts.endpoint_names[difference->endpoint]);
        fputs(": ", page->out);
        page_put_clean(page, difference->kind);
        fputc(' ', page->out);
        page_put_clean(page, difference->place);
        fputc('\n', page->out);
    }
    if (end->check_difference_count > MOST)
        fprintf(page->out, "      ... and %zu more; --json has all\n",
                end->check_difference_count - MOST);
}

static void print_plugins(const struct page *page)
{
    const struct run_facts *facts = &page->run->facts;
    if (!facts->plugin_metric_count)
        return;
    if (has_times(facts))
        page_trend_heading(page, "PLUGINS");
    else
        fputs("\n    PLUGINS\n", page->out);
    for (uint32_t i = 0; i < facts->plugin_metric_count; i++) {
        const struct run_plugin_metric *metric = &facts->plugin_metrics[i];
        const struct custom_metric *total = &page->run->totals->custom[i];
        const char *per = run_metric_size(metric);
        if (!metric->is_histogram && per && !*per) {
            page_bytes(page, metric->name, total->sum);
        } else if (!metric->is_histogram) {
            page_counter(page, metric->name, total->sum);
        } else if (strcmp(metric->unit, "us") == 0) {
            page_trend(page, metric->name, &total->histogram);
        } else if (per) {
            page_trend_sizes(page, metric->name, &total->histogram, per);
        } else {
            page_trend_plain(page, metric->name, &total->histogram, metric->unit);
        }
    }
}

static void print_http(const struct page *page)
{
    const struct endpoint_metrics *all = &page->run->all;
    if (!all->requests)
        return;
    page_trend_heading(page, "HTTP");
    /* The three clocks: what a user felt, what the target did, what the generator added. */
    page_trend(page, "http_req_response", &all->clocks[CLOCK_RESPONSE]);
    page_trend(page, "http_req_duration", &all->clocks[CLOCK_SERVICE]);
    page_trend(page, "http_req_lateness", &all->clocks[CLOCK_LATENESS]);
    page_trend_if_any(page, "http_req_connecting", &all->clocks[CLOCK_CONNECTING]);
    page_rate(page, "http_req_failed", all->failed, endpoint_metrics_ended(all));
    page_line(page, "http_reqs", "%llu %.2f/s  %llu recorded, %llu added, %llu retried",
              (unsigned long long)all->requests, page_per_second(page, all->requests),
              (unsigned long long)all->by_origin[ORIGIN_RECORDED],
              (unsigned long long)all->by_origin[ORIGIN_ADDED],
              (unsigned long long)all->by_origin[ORIGIN_RETRIED]);
}

/* --- endpoints --- */

struct ranked {
    uint32_t endpoint;
    uint64_t requests;
};

static int by_requests(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->requests != right->requests)
        return left->requests < right->requests ? 1 : -1;
    return left->endpoint < right->endpoint ? -1 : left->endpoint > right->endpoint;
}

enum { ENDPOINT_COLUMNS = 26 };

static void put_duration(const struct page *page, const struct histogram *histogram, double percent)
{
    char text[UNITS_TEXT_BYTES];
    double us = (double)histogram_percentile(histogram, percent);
    fprintf(page->out, " %8s", histogram->count ? duration_format(text, sizeof text, us) : "-");
}

static void print_endpoint_heading(const struct page *page)
{
    fprintf(page->out, "\n%90s %8s\n", "-------- service ---------", "response");
    fprintf(page->out, "    %-*s %8s %7s %6s %8s %8s %8s %8s %8s\n", ENDPOINT_COLUMNS, "ENDPOINT",
            "requests", "per sec", "failed", "diverged", "p50", "p95", "p99", "p95");
}

/* A name that leaves no room for figures has a line of its own. */
static void print_endpoint(const struct page *page, uint32_t index)
{
    const struct endpoint_metrics *endpoint = &page->run->totals->endpoints[index];
    const char *name = page->run->facts.endpoint_names[index];
    double per_second = page_per_second(page, endpoint->requests);
    int room = ENDPOINT_COLUMNS - page_columns(name, strlen(name));
    fputs("    ", page->out);
    page_put_text(page, 4, 6, name);
    if (room < 0)
        fprintf(page->out, "\n%*s", 4 + ENDPOINT_COLUMNS, "");
    else
        fprintf(page->out, "%*s", room, "");
    fprintf(page->out, " %8llu %7.*f %6llu %8llu", (unsigned long long)endpoint->requests,
            per_second < 10000 ? 1 : 0, per_second, (unsigned long long)endpoint->failed,
            (unsigned long long)endpoint->diverged);
    put_duration(page, &endpoint->clocks[CLOCK_SERVICE], 50);
    put_duration(page, &endpoint->clocks[CLOCK_SERVICE], 95);
    put_duration(page, &endpoint->clocks[CLOCK_SERVICE], 99);
    put_duration(page, &endpoint->clocks[CLOCK_RESPONSE], 95);
    fputc('\n', page->out);
}

static void print_endpoints(const struct page *page)
{
    const struct run_record *run = page->run;
    uint32_t count = run->facts.endpoint_count, asked_for = 0;
    struct ranked *ranked = calloc((size_t)count + 1, sizeof *ranked);
    if (!ranked)
        return;
    for (uint32_t i = 0; i < count; i++) {
        if (run->totals->endpoints[i].requests)
            ranked[asked_for++] = (struct ranked){i, run->totals->endpoints[i].requests};
    }
    qsort(ranked, asked_for, sizeof *ranked, by_requests);
    if (asked_for)
        print_endpoint_heading(page);
    for (uint32_t i = 0; i < asked_for && i < MAX_ENDPOINT_ROWS; i++)
        print_endpoint(page, ranked[i].endpoint);
    if (asked_for > MAX_ENDPOINT_ROWS)
        fprintf(page->out, "    and %u more: --json lists all\n",
                (unsigned)(asked_for - MAX_ENDPOINT_ROWS));
    free(ranked);
}

/* --- WebSocket, network --- */

static void print_ws(const struct page *page)
{
    const struct ws_metrics *ws = &page->run->totals->ws;
    if (!ws->events[WS_CONNECTED] && !ws->events[WS_CONNECT_FAILED])
        return;
    page_trend_heading(page, "WEBSOCKET");
    page_trend_if_any(page, "ws_answer_wait", &ws->answer_wait);
    page_trend_if_any(page, "ws_lateness", &ws->lateness);
    page_trend_if_any(page, "ws_connecting", &ws->connecting);
    page_trend_if_any(page, "ws_session_duration", &ws->session_duration);
    page_rate(page, "ws_connect_failed", ws->events[WS_CONNECT_FAILED],
              ws->events[WS_CONNECT_FAILED] + ws->events[WS_CONNECTED]);
    page_counter(page, "ws_sessions", ws->events[WS_CONNECTED]);
    page_counter(page, "ws_msgs_sent", ws->events[WS_MESSAGE_SENT]);
    page_counter(page, "ws_msgs_received", ws->events[WS_MESSAGE_RECEIVED]);
    if (ws->events[WS_MISSING] || ws->events[WS_EXTRA]) {
        page_leader(page, "ws_msgs_missing");
        fprintf(page->out, "%llu, and %llu that were not recorded\n",
                (unsigned long long)ws->events[WS_MISSING],
                (unsigned long long)ws->events[WS_EXTRA]);
    }
}

static void print_network(const struct page *page)
{
    const struct endpoint_metrics *all = &page->run->all;
    const struct ws_metrics *ws = &page->run->totals->ws;
    fputs("\n    NETWORK\n", page->out);
    page_bytes(page, "data_received", all->bytes_received + ws->bytes_received);
    page_bytes(page, "data_sent", all->bytes_sent + ws->bytes_sent);
}

void report_print(const struct run_record *run, bool has_colour, FILE *out)
{
    struct page page = {.out = out,
                        .has_colour = has_colour,
                        .run = run,
                        .seconds = (double)run->end.duration_us / 1e6};
    print_head(&page);
    print_thresholds(&page);
    print_totals(&page);
    print_checks(&page);
    print_plugins(&page);
    print_http(&page);
    print_endpoints(&page);
    summary_failures(&page);
    print_ws(&page);
    print_network(&page);
    summary_generator(&page);
    summary_verdict(&page);
}

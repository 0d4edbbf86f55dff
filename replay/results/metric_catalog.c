/* metric_catalog.c - the table of metric names, and the readings behind them. */
#include "replay/results/metric_catalog.h"

#include <assert.h>

static const struct metric_entry entries[] = {
    {"http_reqs", METRIC_COUNTER, METRIC_PLAIN, METRIC_FROM_REQUESTS, 0},
    {"http_req_failed", METRIC_RATE, METRIC_PLAIN, METRIC_FROM_FAILED, 0},
    {"http_req_diverged", METRIC_RATE, METRIC_PLAIN, METRIC_FROM_DIVERGED, 0},
    {"http_req_expected", METRIC_COUNTER, METRIC_PLAIN, METRIC_FROM_JUDGED, JUDGED_EXPECTED},
    {"http_req_withdrawn", METRIC_COUNTER, METRIC_PLAIN, METRIC_FROM_JUDGED, JUDGED_WITHDRAWN},
    {"http_req_duration", METRIC_TREND, METRIC_TIME, METRIC_FROM_CLOCK, CLOCK_SERVICE},
    {"http_req_response", METRIC_TREND, METRIC_TIME, METRIC_FROM_CLOCK, CLOCK_RESPONSE},
    {"http_req_service", METRIC_TREND, METRIC_TIME, METRIC_FROM_CLOCK, CLOCK_SERVICE},
    {"http_req_lateness", METRIC_TREND, METRIC_TIME, METRIC_FROM_CLOCK, CLOCK_LATENESS},
    {"http_req_connecting", METRIC_TREND, METRIC_TIME, METRIC_FROM_CLOCK, CLOCK_CONNECTING},
    {"http_req_tls_handshaking", METRIC_TREND, METRIC_TIME, METRIC_FROM_CLOCK, CLOCK_TLS},
    {"http_req_sending", METRIC_TREND, METRIC_TIME, METRIC_FROM_CLOCK, CLOCK_SENDING},
    {"http_req_waiting", METRIC_TREND, METRIC_TIME, METRIC_FROM_CLOCK, CLOCK_WAITING},
    {"http_req_receiving", METRIC_TREND, METRIC_TIME, METRIC_FROM_CLOCK, CLOCK_RECEIVING},
    {"data_sent", METRIC_COUNTER, METRIC_BYTES, METRIC_FROM_BYTES, 0},
    {"data_received", METRIC_COUNTER, METRIC_BYTES, METRIC_FROM_BYTES, 1},
    {"sessions", METRIC_COUNTER, METRIC_PLAIN, METRIC_FROM_SESSIONS, 0},
    {"session_failed", METRIC_RATE, METRIC_PLAIN, METRIC_FROM_SESSIONS_FAILED, 0},
    {"session_duration", METRIC_TREND, METRIC_TIME, METRIC_FROM_SESSION_DURATION, 0},
    /* What k6 calls a session. */
    {"iterations", METRIC_COUNTER, METRIC_PLAIN, METRIC_FROM_SESSIONS, 0},
    {"iteration_duration", METRIC_TREND, METRIC_TIME, METRIC_FROM_SESSION_DURATION, 0},
    /* k6's rate of what passed, and its other side. */
    {"checks", METRIC_RATE, METRIC_PLAIN, METRIC_FROM_CHECKS, CHECK_PASSED},
    {"divergence", METRIC_RATE, METRIC_PLAIN, METRIC_FROM_CHECKS, CHECK_FAILED},
    {"steps_not_sent", METRIC_COUNTER, METRIC_PLAIN, METRIC_FROM_NOT_SENT, 0},
    {"steps_settled", METRIC_COUNTER, METRIC_PLAIN, METRIC_FROM_SETTLED, 0},
    {"bindings_missing", METRIC_COUNTER, METRIC_PLAIN, METRIC_FROM_BINDINGS_MISSING, 0},
    {"ws_sessions", METRIC_COUNTER, METRIC_PLAIN, METRIC_FROM_WS_EVENT, WS_CONNECTED},
    {"ws_connect_failed", METRIC_COUNTER, METRIC_PLAIN, METRIC_FROM_WS_EVENT, WS_CONNECT_FAILED},
    {"ws_msgs_sent", METRIC_COUNTER, METRIC_PLAIN, METRIC_FROM_WS_EVENT, WS_MESSAGE_SENT},
    {"ws_msgs_received", METRIC_COUNTER, METRIC_PLAIN, METRIC_FROM_WS_EVENT, WS_MESSAGE_RECEIVED},
    {"ws_msgs_missing", METRIC_COUNTER, METRIC_PLAIN, METRIC_FROM_WS_EVENT, WS_MISSING},
    {"ws_msgs_extra", METRIC_COUNTER, METRIC_PLAIN, METRIC_FROM_WS_EVENT, WS_EXTRA},
    {"ws_connecting", METRIC_TREND, METRIC_TIME, METRIC_FROM_WS_TREND, WS_CONNECTED},
    {"ws_answer_wait", METRIC_TREND, METRIC_TIME, METRIC_FROM_WS_TREND, WS_ANSWER_WAIT},
    {"ws_lateness", METRIC_TREND, METRIC_TIME, METRIC_FROM_WS_TREND, WS_LATENESS},
    {"ws_session_duration", METRIC_TREND, METRIC_TIME, METRIC_FROM_WS_TREND, WS_CLOSED},
};

const struct metric_entry *metric_catalog(size_t *ret_count)
{
    *ret_count = sizeof entries / sizeof *entries;
    return entries;
}

struct metric_entry metric_of_plugin(const struct run_facts *facts, uint32_t index)
{
    const struct run_plugin_metric *metric = &facts->plugin_metrics[index];
    enum metric_unit unit = METRIC_PLAIN;
    if (metric->unit && strcmp(metric->unit, "us") == 0)
        unit = METRIC_TIME;
    else if (run_metric_size(metric))
        unit = METRIC_BYTES;
    return (struct metric_entry){.name = metric->name,
                                 .kind = metric->is_histogram ? METRIC_TREND : METRIC_COUNTER,
                                 .unit = unit,
                                 .source = METRIC_FROM_PLUGIN,
                                 .index = index};
}

bool metric_find(const char *name, const struct run_facts *facts, struct metric_entry *ret_entry)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        if (strcmp(entries[i].name, name) == 0) {
            *ret_entry = entries[i];
            return true;
        }
    }
    for (uint32_t i = 0; i < facts->plugin_metric_count; i++) {
        if (strcmp(facts->plugin_metrics[i].name, name) == 0) {
            *ret_entry = metric_of_plugin(facts, i);
            return true;
        }
    }
    return false;
}

double metric_scale(const struct metric_entry *entry)
{
    return entry->unit == METRIC_TIME ? 1e-3 : 1;
}

static struct metric_reading trend(const struct histogram *histogram)
{
    return (struct metric_reading){.histogram = histogram, .has_samples = histogram->count > 0};
}

static struct metric_reading rate(uint64_t hits, uint64_t total)
{
    return (struct metric_reading){.count = hits, .total = total, .has_samples = total > 0};
}

static struct metric_reading counter(uint64_t count)
{
    return (struct metric_reading){.count = count, .has_samples = true};
}

static uint64_t count_requests(const struct endpoint_metrics *endpoint,
                               const struct metric_selector *selector)
{
    switch (selector->slice) {
    case SLICE_STATUS:
        return endpoint->by_status_class[selector->slice_index];
    case SLICE_ORIGIN:
        return endpoint->by_origin[selector->slice_index];
    case SLICE_ERROR:
        return endpoint->by_failure[selector->slice_index];
    case SLICE_NONE:
        break;
    }
    return endpoint->requests;
}

static uint64_t count_bytes(const struct metric_entry *entry, const struct endpoint_metrics *from,
                            const struct ws_metrics *ws)
{
    if (entry->index == 0)
        return from->bytes_sent + (ws ? ws->bytes_sent : 0);
    return from->bytes_received + (ws ? ws->bytes_received : 0);
}

static const struct histogram *ws_histogram(const struct ws_metrics *ws, uint32_t event)
{
    switch ((enum ws_event)event) {
    case WS_CONNECTED:
        return &ws->connecting;
    case WS_ANSWER_WAIT:
        return &ws->answer_wait;
    case WS_LATENESS:
        return &ws->lateness;
    default:
        assert(event == WS_CLOSED);
        return &ws->session_duration;
    }
}

static uint64_t sessions_ended(const struct metrics *totals)
{
    uint64_t count = 0;
    for (int i = 0; i < SESSION_RESULT_COUNT; i++)
        count += totals->sessions_by_result[i];
    return count;
}

struct metric_reading metric_read(const struct metric_entry *entry,
                                  const struct metric_selector *selector,
                                  const struct metrics *totals, const struct endpoint_metrics *all)
{
    const struct endpoint_metrics *from =
        selector->has_endpoint ? &totals->endpoints[selector->endpoint] : all;
    const struct ws_metrics *ws = &totals->ws;
    switch (entry->source) {
    case METRIC_FROM_CLOCK:
        return trend(&from->clocks[entry->index]);
    case METRIC_FROM_FAILED:
        return rate(from->failed, endpoint_metrics_ended(from));
    case METRIC_FROM_DIVERGED:
        return rate(from->diverged, endpoint_metrics_ended(from));
    case METRIC_FROM_JUDGED:
        return counter(entry->index == JUDGED_EXPECTED ? from->expected : from->withdrawn);
    case METRIC_FROM_SETTLED:
        return counter(totals->steps_settled);
    case METRIC_FROM_REQUESTS:
        return counter(count_requests(from, selector));
    case METRIC_FROM_BYTES:
        return counter(count_bytes(entry, from, selector->has_endpoint ? NULL : ws));
    case METRIC_FROM_SESSIONS:
        return counter(sessions_ended(totals));
    case METRIC_FROM_SESSIONS_FAILED:
        return rate(totals->sessions_by_result[SESSION_FAILED], sessions_ended(totals));
    case METRIC_FROM_SESSION_DURATION:
        return trend(&totals->session_duration);
    case METRIC_FROM_NOT_SENT:
        return counter(totals->steps_not_sent);
    case METRIC_FROM_BINDINGS_MISSING:
        return counter(metrics_bindings_missing(totals));
    case METRIC_FROM_CHECKS:
        return rate(totals->checks[entry->index],
                    totals->checks[CHECK_PASSED] + totals->checks[CHECK_FAILED]);
    case METRIC_FROM_WS_EVENT:
        return counter(ws->events[entry->index]);
    case METRIC_FROM_WS_TREND:
        return trend(ws_histogram(ws, entry->index));
    case METRIC_FROM_PLUGIN:
        break;
    }
    const struct custom_metric *custom = &totals->custom[entry->index];
    return entry->kind == METRIC_TREND ? trend(&custom->histogram) : counter(custom->sum);
}

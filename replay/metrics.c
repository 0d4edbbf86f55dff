/* metrics.c - records outcomes into a shard and merges shards. */
#include "replay/metrics.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/failure_reason.h"

void endpoint_metrics_init(struct endpoint_metrics *endpoint)
{
    *endpoint = (struct endpoint_metrics){0};
    for (int i = 0; i < CLOCK_COUNT; i++)
        histogram_init(&endpoint->clocks[i]);
}

void endpoint_metrics_fini(struct endpoint_metrics *endpoint)
{
    for (int i = 0; i < CLOCK_COUNT; i++)
        histogram_fini(&endpoint->clocks[i]);
}

/* Zero all but the histograms' memory. */
static void endpoint_clear(struct endpoint_metrics *endpoint)
{
    struct histogram clocks[CLOCK_COUNT];
    for (int i = 0; i < CLOCK_COUNT; i++)
        histogram_clear(&endpoint->clocks[i]);
    memcpy(clocks, endpoint->clocks, sizeof clocks);
    *endpoint = (struct endpoint_metrics){0};
    memcpy(endpoint->clocks, clocks, sizeof clocks);
}

static void add_all(uint64_t *sums, const uint64_t *others, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] += others[i];
}

int endpoint_metrics_merge(struct endpoint_metrics *endpoint, const struct endpoint_metrics *other)
{
    endpoint->requests += other->requests;
    endpoint->failed += other->failed;
    endpoint->diverged += other->diverged;
    endpoint->bytes_sent += other->bytes_sent;
    endpoint->bytes_received += other->bytes_received;
    endpoint->expected += other->expected;
    endpoint->withdrawn += other->withdrawn;
    add_all(endpoint->by_origin, other->by_origin, ORIGIN_COUNT);
    add_all(endpoint->by_status_class, other->by_status_class, 6);
    add_all(endpoint->by_failure, other->by_failure, FAILURE_COUNT);
    for (int i = 0; i < CLOCK_COUNT; i++) {
        if (histogram_merge(&endpoint->clocks[i], &other->clocks[i]))
            return -1;
    }
    return 0;
}

int metrics_sum_endpoints(const struct metrics *metrics, struct endpoint_metrics *ret_all)
{
    endpoint_metrics_init(ret_all);
    for (uint32_t i = 0; i < metrics->endpoint_count; i++) {
        if (endpoint_metrics_merge(ret_all, &metrics->endpoints[i])) {
            endpoint_metrics_fini(ret_all);
            return -1;
        }
    }
    return 0;
}

static void ws_init(struct ws_metrics *ws)
{
    *ws = (struct ws_metrics){0};
    histogram_init(&ws->connecting);
    histogram_init(&ws->answer_wait);
    histogram_init(&ws->lateness);
    histogram_init(&ws->session_duration);
}

static void ws_fini(struct ws_metrics *ws)
{
    histogram_fini(&ws->connecting);
    histogram_fini(&ws->answer_wait);
    histogram_fini(&ws->lateness);
    histogram_fini(&ws->session_duration);
}

static void ws_clear(struct ws_metrics *ws)
{
    histogram_clear(&ws->connecting);
    histogram_clear(&ws->answer_wait);
    histogram_clear(&ws->lateness);
    histogram_clear(&ws->session_duration);
    *ws = (struct ws_metrics){.connecting = ws->connecting,
                              .answer_wait = ws->answer_wait,
                              .lateness = ws->lateness,
                              .session_duration = ws->session_duration};
}

static int ws_merge(struct ws_metrics *ws, const struct ws_metrics *other)
{
    add_all(ws->events, other->events, WS_EVENT_COUNT);
    add_all(ws->by_failure, other->by_failure, FAILURE_COUNT);
    ws->bytes_sent += other->bytes_sent;
    ws->bytes_received += other->bytes_received;
    if (histogram_merge(&ws->connecting, &other->connecting) ||
        histogram_merge(&ws->answer_wait, &other->answer_wait) ||
        histogram_merge(&ws->lateness, &other->lateness) ||
        histogram_merge(&ws->session_duration, &other->session_duration))
        return -1;
    return 0;
}

struct metrics *metrics_new(uint32_t endpoint_count)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics)
        return NULL;
    /* At least one, so that a plan without endpoints is no failure of calloc. */
    metrics->endpoints = calloc((size_t)endpoint_count + 1, sizeof *metrics->endpoints);
    if (!metrics->endpoints) {
        free(metrics);
        return NULL;
    }
    metrics->endpoint_count = endpoint_count;
    for (uint32_t i = 0; i < endpoint_count; i++)
        endpoint_metrics_init(&metrics->endpoints[i]);
    ws_init(&metrics->ws);
    histogram_init(&metrics->session_duration);
    generator_metrics_init(&metrics->generator);
    for (int i = 0; i < METRICS_MAX_CUSTOM; i++)
        histogram_init(&metrics->custom[i].histogram);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (uint32_t i = 0; i < metrics->endpoint_count; i++)
        endpoint_metrics_fini(&metrics->endpoints[i]);
    free(metrics->endpoints);
    ws_fini(&metrics->ws);
    histogram_fini(&metrics->session_duration);
    generator_metrics_fini(&metrics->generator);
    for (int i = 0; i < METRICS_MAX_CUSTOM; i++)
        histogram_fini(&metrics->custom[i].histogram);
    free(metrics);
}

void metrics_clear(struct metrics *metrics)
{
    for (uint32_t i = 0; i < metrics->endpoint_count; i++) {
        /* Most endpoints are not asked for in most seconds. */
        if (metrics->endpoints[i].requests)
            endpoint_clear(&metrics->endpoints[i]);
    }
    ws_clear(&metrics->ws);
    memset(metrics->bindings_missing, 0, sizeof metrics->bindings_missing);
    metrics->sessions_started = 0;
    memset(metrics->sessions_by_result, 0, sizeof metrics->sessions_by_result);
    histogram_clear(&metrics->session_duration);
    metrics->steps_not_sent = 0;
    metrics->steps_settled = 0;
    memset(metrics->checks, 0, sizeof metrics->checks);
    for (int i = 0; i < METRICS_MAX_CUSTOM; i++) {
        metrics->custom[i].sum = 0;
        histogram_clear(&metrics->custom[i].histogram);
    }
    metrics->sample_count = 0;
    generator_metrics_clear(&metrics->generator);
    metrics->users_active = 0;
    metrics->requests_in_flight = 0;
    metrics->connections_open = 0;
    metrics->worker_cpu_us = 0;
    metrics->max_loop_lag_us = 0;
    metrics->max_silence_us = 0;
    metrics->busiest_worker_cpu_us = 0;
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* WebSockets and sessions have kinds of their own. What there is no answer to has one status. Many
 * users fail for many reasons where a plugin says so: those are kinds, too. */
static int compare_kinds(const struct failure_sample *a, const struct failure_sample *b)
{
    bool is_answer = a->failure == FAILURE_NONE && b->failure == FAILURE_NONE;
    int order = compare_u64(a->failure == FAILURE_NONE, b->failure == FAILURE_NONE);
    order = order ? order : compare_u64(a->failure, b->failure);
    order = order ? order : compare_u64(a->recorded_status == 101, b->recorded_status == 101);
    order = order
                ? order
                : compare_u64(a->endpoint == SAMPLE_NO_ENDPOINT, b->endpoint == SAMPLE_NO_ENDPOINT);
    order = order ? order : compare_u64(a->reason, b->reason);
    if (order || !is_answer)
        return order;
    order = compare_u64((uint64_t)a->status, (uint64_t)b->status);
    return order ? order : compare_u64((uint64_t)a->recorded_status, (uint64_t)b->recorded_status);
}

static int compare_within_kind(const struct failure_sample *a, const struct failure_sample *b)
{
    int order = compare_u64(a->due_us, b->due_us);
    order = order ? order : compare_u64(a->endpoint, b->endpoint);
    order = order ? order : compare_u64((uint64_t)a->recorded_status, (uint64_t)b->recorded_status);
    return order ? order : strcmp(a->detail, b->detail);
}

/* Reasons have room of their own: however many there are, they push no status out. */
static bool has_reason(const struct failure_sample *sample)
{
    return sample->failure == FAILURE_PLUGIN;
}

/*
 * Of more kinds than there is room for the last ones go, by an order that knows nothing of time: a
 * kind that has its place at the end has had it in every shard, so its count is exact in whatever
 * order shards are merged.
 */
static void keep_sample(struct metrics *metrics, const struct failure_sample *sample)
{
    struct failure_sample *last = NULL;
    uint32_t room = has_reason(sample) ? METRICS_MAX_REASONS : METRICS_MAX_SAMPLES;
    for (uint32_t i = 0; i < metrics->sample_count; i++) {
        struct failure_sample *kept = &metrics->samples[i];
        if (compare_kinds(kept, sample) == 0) {
            uint64_t count = kept->count + sample->count;
            if (compare_within_kind(sample, kept) < 0)
                *kept = *sample;
            kept->count = count;
            return;
        }
        if (has_reason(kept) != has_reason(sample))
            continue;
        room--;
        if (!last || compare_kinds(kept, last) > 0)
            last = kept;
    }
    if (room)
        metrics->samples[metrics->sample_count++] = *sample;
    else if (compare_kinds(sample, last) < 0)
        *last = *sample;
}

/* Whoever saw it said what was wrong, and maybe what to do, which else the class knows. What is cut
 * is what was wrong: the advice is short. */
static void put_detail(struct failure_sample *sample, const char *detail)
{
    const char *advice = failure_advice(sample->failure);
    const char *text = detail ? detail : "";
    bool is_whole = !*advice || strstr(text, "; ");
    size_t room = sizeof sample->detail - 1 - (is_whole ? 0 : strlen(advice) + 2);
    bool is_cut = strlen(text) > room;
    snprintf(sample->detail, sizeof sample->detail, "%.*s%s%s%s", (int)(is_cut ? room - 3 : room),
             text, is_cut ? "..." : "", is_whole || !*text ? "" : "; ", is_whole ? "" : advice);
}

static void add_sample(struct metrics *metrics, struct failure_sample sample, const char *detail)
{
    sample.count = 1;
    if (has_reason(&sample))
        sample.reason = failure_reason(detail ? detail : "");
    put_detail(&sample, detail);
    keep_sample(metrics, &sample);
}

static void record_clocks(struct endpoint_metrics *endpoint, const struct request_outcome *outcome)
{
    struct histogram *clocks = endpoint->clocks;
    bool is_answered = outcome->failure == FAILURE_NONE;
    bool is_sent = is_answered || outcome->failure == FAILURE_TIMEOUT;
    uint64_t connecting_us = outcome->dns_us + outcome->connect_us + outcome->tls_us;

    if (outcome->failure != FAILURE_PLUGIN) /* a cancelled one left, and when it did is known */
        histogram_record(&clocks[CLOCK_LATENESS], outcome->lateness_us);
    if (is_sent || outcome->failure == FAILURE_CONNECT_TIMEOUT)
        histogram_record(&clocks[CLOCK_RESPONSE], outcome->response_us);
    if (!is_sent)
        return;
    histogram_record(&clocks[CLOCK_SERVICE], outcome->service_us);
    if (connecting_us)
        histogram_record(&clocks[CLOCK_CONNECTING], connecting_us);
    if (outcome->tls_us)
        histogram_record(&clocks[CLOCK_TLS], outcome->tls_us);
    if (!is_answered)
        return;
    histogram_record(&clocks[CLOCK_SENDING], outcome->sending_us);
    histogram_record(&clocks[CLOCK_WAITING], outcome->waiting_us);
    histogram_record(&clocks[CLOCK_RECEIVING], outcome->receiving_us);
}

/* The two ends of a service time are read at other moments: what the kernel says may be longer. */
static void record_kernel(struct generator_metrics *generator,
                          const struct request_outcome *outcome)
{
    uint64_t waited_us = outcome->waiting_us + outcome->receiving_us;
    histogram_record(&generator->kernel_service, outcome->kernel_us);
    histogram_record(&generator->kernel_gap,
                     waited_us > outcome->kernel_us ? waited_us - outcome->kernel_us : 0);
}

void metrics_record_request(struct metrics *metrics, const struct request_outcome *outcome)
{
    assert(outcome->endpoint < metrics->endpoint_count);
    struct endpoint_metrics *endpoint = &metrics->endpoints[outcome->endpoint];
    bool is_answered = outcome->failure == FAILURE_NONE;
    int status_class = is_answered ? outcome->status / 100 : 0;
    bool has_failed = request_has_failed(outcome);
    bool has_diverged = is_answered && outcome->judgement == JUDGED_BY_STATUS &&
                        outcome->recorded_status && outcome->status != outcome->recorded_status;

    endpoint->requests++;
    endpoint->failed += has_failed;
    endpoint->diverged += has_diverged;
    endpoint->bytes_sent += outcome->bytes_sent;
    endpoint->bytes_received += outcome->bytes_received;
    endpoint->by_origin[outcome->origin]++;
    endpoint->by_status_class[status_class > 0 && status_class < 6 ? status_class : 0]++;
    endpoint->by_failure[outcome->failure]++;
    endpoint->expected += outcome->judgement == JUDGED_EXPECTED;
    endpoint->withdrawn += outcome->judgement == JUDGED_WITHDRAWN;
    if (outcome->judgement != JUDGED_WITHDRAWN)
        record_clocks(endpoint, outcome);
    if (outcome->response_us > outcome->lateness_us)
        metrics->generator.under_way_us += outcome->response_us - outcome->lateness_us;
    if (outcome->kernel_us)
        record_kernel(&metrics->generator, outcome);
    if (has_failed || has_diverged)
        add_sample(metrics,
                   (struct failure_sample){.due_us = outcome->due_us,
                                           .endpoint = outcome->endpoint,
                                           .status = is_answered ? outcome->status : 0,
                                           .recorded_status = outcome->recorded_status,
                                           .failure = outcome->failure},
                   outcome->detail);
}

static void add_ws_failure(struct metrics *metrics, const struct ws_outcome *outcome)
{
    metrics->ws.by_failure[outcome->failure]++;
    add_sample(metrics,
               (struct failure_sample){.endpoint = outcome->endpoint,
                                       .recorded_status = 101,
                                       .failure = outcome->failure},
               outcome->detail);
}

void metrics_record_ws(struct metrics *metrics, const struct ws_outcome *outcome)
{
    struct ws_metrics *ws = &metrics->ws;
    if (outcome->failure == FAILURE_CANCELLED) { /* the run's end is nobody's fault */
        /* An open one that was cut short is counted as closed, and has no duration. */
        if (outcome->event == WS_CLOSED)
            ws->events[WS_CLOSED]++;
        else
            ws->by_failure[FAILURE_CANCELLED]++;
        return;
    }
    ws->events[outcome->event]++;
    switch (outcome->event) {
    case WS_CONNECTED:
        histogram_record(&ws->connecting, outcome->value);
        break;
    case WS_CONNECT_FAILED:
        add_ws_failure(metrics, outcome);
        break;
    case WS_MESSAGE_SENT:
        ws->bytes_sent += outcome->value;
        break;
    case WS_MESSAGE_RECEIVED:
        ws->bytes_received += outcome->value;
        break;
    case WS_ANSWER_WAIT:
        histogram_record(&ws->answer_wait, outcome->value);
        break;
    case WS_LATENESS:
        histogram_record(&ws->lateness, outcome->value);
        break;
    case WS_CLOSED:
        histogram_record(&ws->session_duration, outcome->value);
        if (outcome->failure)
            add_ws_failure(metrics, outcome);
        break;
    case WS_MISSING:
    case WS_EXTRA:
    case WS_EVENT_COUNT:
        break;
    }
}

void metrics_record_session(struct metrics *metrics, const struct session_outcome *outcome)
{
    metrics->sessions_by_result[outcome->result]++;
    metrics->steps_not_sent += outcome->steps_not_sent;
    /* A session that was cut short says nothing about how long one takes. */
    if (outcome->result == SESSION_DONE || outcome->result == SESSION_ENDED)
        histogram_record(&metrics->session_duration, outcome->duration_us);
    if (outcome->result == SESSION_FAILED)
        add_sample(
            metrics,
            (struct failure_sample){.endpoint = SAMPLE_NO_ENDPOINT, .failure = FAILURE_PLUGIN},
            outcome->detail);
}

void metrics_record_custom(struct metrics *metrics, uint32_t custom, bool is_histogram,
                           uint64_t value)
{
    assert(custom < METRICS_MAX_CUSTOM);
    if (is_histogram)
        histogram_record(&metrics->custom[custom].histogram, value);
    else
        metrics->custom[custom].sum += value;
}

static void merge_gauges(struct metrics *metrics, const struct metrics *other)
{
    /* A shard straight from a worker has only worker_cpu_us; a merged one knows its busiest. */
    uint64_t busiest =
        other->busiest_worker_cpu_us ? other->busiest_worker_cpu_us : other->worker_cpu_us;
    metrics->users_active += other->users_active;
    metrics->requests_in_flight += other->requests_in_flight;
    metrics->connections_open += other->connections_open;
    metrics->worker_cpu_us += other->worker_cpu_us;
    if (other->max_loop_lag_us > metrics->max_loop_lag_us)
        metrics->max_loop_lag_us = other->max_loop_lag_us;
    if (other->max_silence_us > metrics->max_silence_us)
        metrics->max_silence_us = other->max_silence_us;
    if (busiest > metrics->busiest_worker_cpu_us)
        metrics->busiest_worker_cpu_us = busiest;
}

uint64_t metrics_bindings_missing(const struct metrics *metrics)
{
    uint64_t count = 0;
    for (int i = 0; i < MISSING_COUNT; i++)
        count += metrics->bindings_missing[i];
    return count;
}

int metrics_merge(struct metrics *metrics, const struct metrics *other)
{
    assert(metrics->endpoint_count == other->endpoint_count);
    for (uint32_t i = 0; i < other->endpoint_count; i++) {
        if (other->endpoints[i].requests &&
            endpoint_metrics_merge(&metrics->endpoints[i], &other->endpoints[i]))
            return -1;
    }
    for (int i = 0; i < MISSING_COUNT; i++)
        metrics->bindings_missing[i] += other->bindings_missing[i];
    metrics->sessions_started += other->sessions_started;
    add_all(metrics->sessions_by_result, other->sessions_by_result, SESSION_RESULT_COUNT);
    metrics->steps_not_sent += other->steps_not_sent;
    metrics->steps_settled += other->steps_settled;
    add_all(metrics->checks, other->checks, CHECK_RESULT_COUNT);
    if (ws_merge(&metrics->ws, &other->ws) ||
        histogram_merge(&metrics->session_duration, &other->session_duration) ||
        generator_metrics_merge(&metrics->generator, &other->generator))
        return -1;
    for (int i = 0; i < METRICS_MAX_CUSTOM; i++) {
        metrics->custom[i].sum += other->custom[i].sum;
        if (histogram_merge(&metrics->custom[i].histogram, &other->custom[i].histogram))
            return -1;
    }
    for (uint32_t i = 0; i < other->sample_count; i++)
        keep_sample(metrics, &other->samples[i]);
    merge_gauges(metrics, other);
    return 0;
}

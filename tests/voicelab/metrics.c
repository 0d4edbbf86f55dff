/* metrics.c - what the server saw, as Prometheus text. */
#include "tests/voicelab/metrics.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tests/voicelab/routes.h"

#define STATUSES 500 /* 100 to 599 */
#define METHOD_SLOTS 2
#define BOUNDS 12

static const uint64_t bounds_us[BOUNDS] = {250,   500,   1000,   2500,   5000,    10000,
                                           25000, 50000, 100000, 250000, 1000000, 5000000};

struct duration {
    atomic_uint_fast64_t buckets[BOUNDS + 1];
    atomic_uint_fast64_t sum_us;
};

struct metrics {
    atomic_uint_fast64_t counters[COUNTERS];
    atomic_uint_fast64_t answers[METRICS_ROUTES][METHOD_SLOTS][STATUSES];
    struct duration durations[METRICS_ROUTES];
};

/* Several counters may share a name and differ by label. */
static const struct counter_name {
    const char *name;
    const char *labels;
} counter_names[COUNTERS] = {
    [COUNT_LOGINS] = {"logins_total", ""},
    [COUNT_REFRESHES] = {"refreshes_total", ""},
    [COUNT_REFRESH_REUSES] = {"refresh_reuses_total", ""},
    [COUNT_UPLOADS] = {"uploads_total", ""},
    [COUNT_UPLOAD_BYTES] = {"upload_bytes_total", ""},
    [COUNT_UPLOADS_DUPLICATE] = {"upload_duplicates_total", ""},
    [COUNT_REJECTED_TOKEN] = {"rejected_total", "{reason=\"token\"}"},
    [COUNT_REJECTED_ADDRESS] = {"rejected_total", "{reason=\"address_limit\"}"},
    [COUNT_REJECTED_USER] = {"rejected_total", "{reason=\"user_limit\"}"},
    [COUNT_REJECTED_SIGNUP] = {"rejected_total", "{reason=\"signup_limit\"}"},
    [COUNT_REJECTED_QUEUE] = {"rejected_total", "{reason=\"queue_full\"}"},
    [COUNT_REJECTED_AUDIO] = {"rejected_total", "{reason=\"not_audio\"}"},
    [COUNT_REJECTED_SIZE] = {"rejected_total", "{reason=\"too_large\"}"},
    [COUNT_REJECTED_CONTEXT] = {"rejected_total", "{reason=\"stale_context\"}"},
    [COUNT_REJECTED_CSRF] = {"rejected_total", "{reason=\"csrf\"}"},
    [COUNT_FAILED_ON_PURPOSE] = {"failed_on_purpose_total", ""},
    [COUNT_CONNECTIONS] = {"connections_total", ""},
    [COUNT_ABORTED] = {"aborted_total", ""},
    [COUNT_WS_OPENED] = {"ws_opened_total", ""},
    [COUNT_WS_CLOSED] = {"ws_closed_total", ""},
    [COUNT_WS_TEXT_IN] = {"ws_messages_total", "{direction=\"in\",kind=\"text\"}"},
    [COUNT_WS_BINARY_IN] = {"ws_messages_total", "{direction=\"in\",kind=\"binary\"}"},
    [COUNT_WS_TEXT_OUT] = {"ws_messages_total", "{direction=\"out\",kind=\"text\"}"},
    [COUNT_WS_BYTES_IN] = {"ws_audio_bytes_total", ""},
    [COUNT_WS_FINISHED] = {"ws_transcripts_total", ""},
    [COUNT_JOBS_DONE] = {"jobs_ended_total", "{state=\"done\"}"},
    [COUNT_JOBS_FAILED] = {"jobs_ended_total", "{state=\"failed\"}"},
};

struct metrics *metrics_new(void)
{
    assert(routes_count() + 1 <= METRICS_ROUTES);
    return calloc(1, sizeof(struct metrics));
}

void metrics_free(struct metrics *metrics)
{
    free(metrics);
}

void metrics_add(struct metrics *metrics, enum counter counter, uint64_t amount)
{
    atomic_fetch_add_explicit(&metrics->counters[counter], amount, memory_order_relaxed);
}

uint64_t metrics_get(struct metrics *metrics, enum counter counter)
{
    return atomic_load_explicit(&metrics->counters[counter], memory_order_relaxed);
}

void metrics_answer(struct metrics *metrics, size_t route, size_t method_slot, int status)
{
    assert(route < METRICS_ROUTES && method_slot < METHOD_SLOTS && status >= 100 && status < 600);
    atomic_fetch_add_explicit(&metrics->answers[route][method_slot][status - 100], 1,
                              memory_order_relaxed);
}

void metrics_duration(struct metrics *metrics, size_t route, uint64_t taken_us)
{
    struct duration *duration = &metrics->durations[route];
    size_t bucket = 0;

    while (bucket < BOUNDS && taken_us > bounds_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(&duration->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&duration->sum_us, taken_us, memory_order_relaxed);
}

static void print_answers(struct metrics *metrics, FILE *out)
{
    fputs("# HELP voicelab_http_requests_total Requests answered.\n"
          "# TYPE voicelab_http_requests_total counter\n",
          out);
    for (size_t r = 0; r <= routes_count(); r++) {
        for (size_t slot = 0; slot < METHOD_SLOTS; slot++) {
            for (int s = 0; s < STATUSES; s++) {
                uint64_t count = metrics->answers[r][slot][s];
                if (count)
                    fprintf(out,
                            "voicelab_http_requests_total{method=\"%s\",route=\"%s\",status=\"%d\"}"
                            " %ju\n",
                            routes_method(r, slot), routes_template(r), s + 100, (uintmax_t)count);
            }
        }
    }
}

static void print_durations(struct metrics *metrics, FILE *out)
{
    fputs("# HELP voicelab_http_duration_seconds From the request line read to the answer sent.\n"
          "# TYPE voicelab_http_duration_seconds histogram\n",
          out);
    for (size_t r = 0; r <= routes_count(); r++) {
        struct duration *duration = &metrics->durations[r];
        const char *method = routes_method(r, 0);
        const char *route = routes_template(r);
        uint64_t total = 0;
        for (size_t b = 0; b <= BOUNDS; b++)
            total += duration->buckets[b];
        if (total == 0)
            continue;
        uint64_t upto = 0;
        for (size_t b = 0; b < BOUNDS; b++) {
            upto += duration->buckets[b];
            fprintf(
                out,
                "voicelab_http_duration_seconds_bucket{method=\"%s\",route=\"%s\",le=\"%g\"} %ju\n",
                method, route, (double)bounds_us[b] / 1e6, (uintmax_t)upto);
        }
        fprintf(
            out,
            "voicelab_http_duration_seconds_bucket{method=\"%s\",route=\"%s\",le=\"+Inf\"} %ju\n",
            method, route, (uintmax_t)total);
        fprintf(out, "voicelab_http_duration_seconds_sum{method=\"%s\",route=\"%s\"} %.6f\n",
                method, route, (double)duration->sum_us / 1e6);
        fprintf(out, "voicelab_http_duration_seconds_count{method=\"%s\",route=\"%s\"} %ju\n",
                method, route, (uintmax_t)total);
    }
}

void metrics_print(struct metrics *metrics, FILE *out)
{
    const char *last_name = "";

    print_answers(metrics, out);
    for (size_t c = 0; c < COUNTERS; c++) {
        const struct counter_name *name = &counter_names[c];
        if (strcmp(name->name, last_name) != 0)
            fprintf(out, "# TYPE voicelab_%s counter\n", name->name);
        last_name = name->name;
        fprintf(out, "voicelab_%s%s %ju\n", name->name, name->labels,
                (uintmax_t)metrics->counters[c]);
    }
    fprintf(
        out, "# TYPE voicelab_ws_connections_open gauge\nvoicelab_ws_connections_open %ju\n",
        (uintmax_t)(metrics_get(metrics, COUNT_WS_OPENED) - metrics_get(metrics, COUNT_WS_CLOSED)));
    print_durations(metrics, out);
}

/*
 * metrics.h - counters and histograms of one worker, and their exact sum over all workers.
 *
 * A worker records into a shard that no other thread touches; once a second it hands the shard over
 * and goes on with an empty one. Merging shards of any workers in any order gives the same totals.
 */
#ifndef REPRISE_REPLAY_METRICS_H
#define REPRISE_REPLAY_METRICS_H

#include "core/histogram.h"
#include "replay/generator_metrics.h"
#include "replay/outcome.h"

#define METRICS_MAX_CUSTOM 64
#define METRICS_MAX_SAMPLES 32 /* kinds of failures kept with a sample each, per shard */
#define METRICS_MAX_REASONS 32 /* beside them: kinds told apart by their reason */

enum http_clock {
    CLOCK_RESPONSE,
    CLOCK_SERVICE,
    CLOCK_LATENESS,
    CLOCK_CONNECTING, /* dns + connect + tls, only where a connection was made */
    CLOCK_TLS,
    CLOCK_SENDING,
    CLOCK_WAITING,
    CLOCK_RECEIVING,
    CLOCK_COUNT
};

/* One endpoint in one shard, or in the totals. */
struct endpoint_metrics {
    struct histogram clocks[CLOCK_COUNT];
    uint64_t requests;
    uint64_t failed;
    uint64_t diverged; /* answered with another status than recorded */
    uint64_t bytes_sent;
    uint64_t bytes_received;
    uint64_t by_origin[ORIGIN_COUNT];
    uint64_t by_status_class[6]; /* [0]: no answer, [2]: 2xx, ... */
    uint64_t by_failure[FAILURE_COUNT];
    uint64_t expected;  /* answers that a plugin expected, whatever their status */
    uint64_t withdrawn; /* attempts that a plugin made again: no results */
};

/* Those that a rate may be of: what was under way when the run ended is neither a success nor a
 * failure, nor is what a plugin asked for again. Counted as successes, a target that answers
 * nothing would pass any limit. */
static inline uint64_t endpoint_metrics_ended(const struct endpoint_metrics *endpoint)
{
    return endpoint->requests - endpoint->by_failure[FAILURE_CANCELLED] - endpoint->withdrawn;
}

struct ws_metrics {
    uint64_t events[WS_EVENT_COUNT];
    uint64_t bytes_sent;
    uint64_t bytes_received;
    struct histogram connecting;
    struct histogram answer_wait;
    struct histogram lateness;
    struct histogram session_duration;
    uint64_t by_failure[FAILURE_COUNT];
};

#define SAMPLE_NO_ENDPOINT UINT32_MAX

/* One request, WebSocket (recorded_status 101) or session (no endpoint, no status) that went wrong:
 * failed, or answered with another status than recorded. Of each kind the earliest is kept: with an
 * answer a kind is the status and the recorded one, without it is the failure; of what a plugin
 * failed it is the reason, too. */
struct failure_sample {
    uint64_t due_us; /* 0 where it is not known */
    uint32_t endpoint;
    int status;
    int recorded_status;
    enum failure failure;
    uint64_t count;   /* how many there were of this kind */
    uint64_t reason;  /* failure_reason() of what a plugin failed, else 0 */
    char detail[400]; /* what was wrong; what to do: as long as a plugin may say it */
};

/* Answers that were drawn by --check: as recorded, otherwise, or not compared for want of time. */
enum check_result { CHECK_PASSED, CHECK_FAILED, CHECK_DROPPED, CHECK_RESULT_COUNT };

/* A plugin's own metric: counter (sum of values) or histogram. */
struct custom_metric {
    uint64_t sum;
    struct histogram histogram;
};

struct metrics {
    uint32_t endpoint_count;
    struct endpoint_metrics *endpoints;
    struct ws_metrics ws;
    /* Requests that needed a value which no answer had given, by what became of them. */
    uint64_t bindings_missing[MISSING_COUNT];
    uint64_t sessions_started; /* counted by the worker itself, when it starts one */
    uint64_t sessions_by_result[SESSION_RESULT_COUNT];
    struct histogram session_duration;
    uint64_t steps_not_sent;
    uint64_t steps_settled; /* answered by plugins without being sent */
    uint64_t checks[CHECK_RESULT_COUNT];
    struct custom_metric custom[METRICS_MAX_CUSTOM];
    uint32_t sample_count;
    struct failure_sample samples[METRICS_MAX_SAMPLES + METRICS_MAX_REASONS];
    struct generator_metrics generator;
    /* The most at once while the shard was filled. */
    uint64_t users_active;
    uint64_t requests_in_flight;
    uint64_t connections_open;
    uint64_t worker_cpu_us;         /* used by the worker's thread since the last hand-over */
    uint64_t max_loop_lag_us;       /* see loop_take_lag_us() */
    uint64_t max_silence_us;        /* see silence.h */
    uint64_t busiest_worker_cpu_us; /* by metrics_merge(): the greatest worker_cpu_us merged */
};

/* NULL without memory. */
struct metrics *metrics_new(uint32_t endpoint_count);
void metrics_free(struct metrics *metrics);
void metrics_clear(struct metrics *metrics);

/*
 * What counts to which clock. Every request counts to `lateness` unless a plugin failed it. One
 * that was answered counts to all the others. One that timed out waited at least that long, so it
 * counts to `response`, and to `service` when it was sent. A request that failed in any other way
 * has no time to its answer: a fast refusal must not make the percentiles look better.
 */
void metrics_record_request(struct metrics *metrics, const struct request_outcome *outcome);
void metrics_record_ws(struct metrics *metrics, const struct ws_outcome *outcome);
void metrics_record_session(struct metrics *metrics, const struct session_outcome *outcome);
/* custom: index from 0, as the plugin host gave it out. */
void metrics_record_custom(struct metrics *metrics, uint32_t custom, bool is_histogram,
                           uint64_t value);

/* However it went on with them. */
uint64_t metrics_bindings_missing(const struct metrics *metrics);

/*
 * Add `other` to `metrics`; gauges add up, the two max_ take the greater. -1 without memory.
 */
int metrics_merge(struct metrics *metrics, const struct metrics *other);

void endpoint_metrics_init(struct endpoint_metrics *endpoint);
void endpoint_metrics_fini(struct endpoint_metrics *endpoint);
int endpoint_metrics_merge(struct endpoint_metrics *endpoint, const struct endpoint_metrics *other);

/* All endpoints as one: initialises *ret_all, which the caller ends with endpoint_metrics_fini().
 */
int metrics_sum_endpoints(const struct metrics *metrics, struct endpoint_metrics *ret_all);

#endif

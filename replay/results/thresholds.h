/*
 * thresholds.h - what a run must hold, in k6's words: 'http_req_duration: p(95)<500'.
 *
 *     METRIC[{tag:value[,tag:value]}]: CONDITION[, CONDITION]
 *     CONDITION   avg | min | med | max | p(N)   of a trend,
 *                 rate                           of a rate (0 to 1, or 5%),
 *                 count | rate                   of a counter (rate: per second),
 *                 then < <= > >= == != and a number
 *
 * Times are milliseconds, as in k6, or say their unit: 500ms, 2s. Tags: `endpoint` (or k6's `name`)
 * of everything per request; of http_reqs also `status` (2xx .. 5xx, none), `origin` (recorded,
 * added, retried) and `error` (timeout, reset, ...). The tags end at the last '}', so an endpoint
 * may hold braces, spaces and colons. Percentiles are at most 0.8% above the true ones and never
 * below.
 *
 * A threshold on what was never measured does not hold: 'no samples'.
 */
#ifndef REPRISE_REPLAY_THRESHOLDS_H
#define REPRISE_REPLAY_THRESHOLDS_H

#include "core/error.h"
#include "replay/results/metric_catalog.h"

#define THRESHOLDS_MAX 256

enum threshold_aggregate {
    THRESHOLD_AVG,
    THRESHOLD_MIN,
    THRESHOLD_MED,
    THRESHOLD_MAX,
    THRESHOLD_PERCENTILE,
    THRESHOLD_COUNT,
    THRESHOLD_RATE
};

enum threshold_comparison {
    THRESHOLD_LESS,
    THRESHOLD_LESS_EQUAL,
    THRESHOLD_GREATER,
    THRESHOLD_GREATER_EQUAL,
    THRESHOLD_EQUAL,
    THRESHOLD_NOT_EQUAL
};

/* One condition. Texts live in the list. */
struct threshold {
    const char *expression; /* all of what was given */
    const char *metric;     /* name and tags */
    const char *condition;  /* "p(95)<500", without spaces */
    struct metric_entry entry;
    struct metric_selector selector;
    enum threshold_aggregate aggregate;
    double percent; /* of THRESHOLD_PERCENTILE */
    enum threshold_comparison comparison;
    double limit; /* in the metric's unit for people */
};

struct thresholds {
    struct arena arena;
    size_t count;
    struct threshold items[THRESHOLDS_MAX];
};

void thresholds_init(struct thresholds *thresholds);
void thresholds_fini(struct thresholds *thresholds);

/* Add one expression. `facts` knows the endpoints and the plugins' metrics; err says in one line
 * what is not known, and what comes near. Exit code EXIT_INPUT. */
int thresholds_parse(struct thresholds *thresholds, const char *expression,
                     const struct run_facts *facts, struct error *err);

/*
 * Judge all of them. `results` has room for thresholds->count; their texts are borrowed from the
 * list. *ret_failed is how many do not hold. -1 without memory.
 */
int thresholds_judge(const struct thresholds *thresholds, const struct metrics *totals,
                     uint64_t duration_us, struct run_threshold *results, size_t *ret_failed);

#endif

/*
 * metric_catalog.h - the metrics by the names people know from k6, and how to read each from
 * totals.
 *
 * Thresholds and the JSON summary go through this table, so that a name means the same in both.
 */
#ifndef REPRISE_REPLAY_METRIC_CATALOG_H
#define REPRISE_REPLAY_METRIC_CATALOG_H

#include "replay/results/run_record.h"

enum metric_kind { METRIC_TREND, METRIC_RATE, METRIC_COUNTER };

enum metric_unit {
    METRIC_TIME,  /* microseconds inside, milliseconds for people */
    METRIC_BYTES, /* counters of bytes, and what plugins measure in bytes or bytes/s */
    METRIC_PLAIN
};

enum metric_source {
    METRIC_FROM_CLOCK, /* these four per endpoint as well; index: enum http_clock */
    METRIC_FROM_FAILED,
    METRIC_FROM_JUDGED, /* index: enum request_judgement */
    METRIC_FROM_DIVERGED,
    METRIC_FROM_REQUESTS,
    METRIC_FROM_BYTES, /* per endpoint as well; index: 0 sent, 1 received */
    METRIC_FROM_SESSIONS,
    METRIC_FROM_SESSIONS_FAILED,
    METRIC_FROM_SESSION_DURATION,
    METRIC_FROM_NOT_SENT,
    METRIC_FROM_BINDINGS_MISSING,
    METRIC_FROM_SETTLED,
    METRIC_FROM_CHECKS,   /* index: CHECK_PASSED, CHECK_FAILED */
    METRIC_FROM_WS_EVENT, /* index: enum ws_event */
    METRIC_FROM_WS_TREND, /* index: WS_CONNECTED, WS_ANSWER_WAIT, WS_LATENESS, WS_CLOSED */
    METRIC_FROM_PLUGIN    /* index: of the plugin's metric */
};

struct metric_entry {
    const char *name;
    enum metric_kind kind;
    enum metric_unit unit;
    enum metric_source source;
    uint32_t index;
};

/* Which part of a metric: one endpoint's, one status class's, ... */
enum metric_slice { SLICE_NONE, SLICE_STATUS, SLICE_ORIGIN, SLICE_ERROR };

struct metric_selector {
    bool has_endpoint;
    uint32_t endpoint;
    enum metric_slice slice; /* of METRIC_FROM_REQUESTS only */
    uint32_t slice_index;    /* status class, enum request_origin, enum failure */
};

struct metric_reading {
    const struct histogram *histogram; /* of a trend; borrowed from the totals */
    uint64_t count;                    /* of a counter; hits of a rate */
    uint64_t total;                    /* of a rate: out of so many */
    bool has_samples;                  /* a counter always has: nothing is a count of 0 */
};

/* The built-in ones; *ret_count of them. */
const struct metric_entry *metric_catalog(size_t *ret_count);

/* By name: a built-in one, or a plugin's of `facts`. False when there is none. */
bool metric_find(const char *name, const struct run_facts *facts, struct metric_entry *ret_entry);

/* Of a plugin, by its index. */
struct metric_entry metric_of_plugin(const struct run_facts *facts, uint32_t index);

static inline bool metric_has_endpoints(const struct metric_entry *entry)
{
    return entry->source <= METRIC_FROM_BYTES;
}

/* `all`: the sum of the endpoints of `totals`. */
struct metric_reading metric_read(const struct metric_entry *entry,
                                  const struct metric_selector *selector,
                                  const struct metrics *totals, const struct endpoint_metrics *all);

/* From inside to what people read: microseconds to milliseconds, the rest as it is. */
double metric_scale(const struct metric_entry *entry);

#endif

/*
 * run_record.h - a run as values: what was asked for, what was measured, what was judged.
 *
 * The run store (run_store.h) writes these while a run goes on and gives them back from the file
 * later; every report is made from a struct run_record and from nothing else.
 */
#ifndef REPRISE_REPLAY_RUN_RECORD_H
#define REPRISE_REPLAY_RUN_RECORD_H

#include "core/arena.h"
#include "replay/health.h"
#include "replay/metrics.h"

/* A metric that a plugin made, by the index it was given. */
struct run_plugin_metric {
    const char *plugin;
    const char *name;
    const char *unit; /* may be empty */
    bool is_histogram;
};

/* Of a metric in "bytes" or "bytes/s" what follows its sizes, "" or "/s"; else NULL. */
const char *run_metric_size(const struct run_plugin_metric *metric);

/* What is known before the first request. Texts may be NULL, which is stored as "". */
struct run_facts {
    int64_t started_unix_us;
    const char *trace_path;
    const char *trace_digest;
    const char *target;
    const char *plan_digest;
    const char *command; /* the whole command line */
    const char *tool_version;
    uint64_t seed;
    uint64_t planned_sessions; /* 0: as many as fit into the time */
    uint32_t workers;
    uint32_t cpu_count;
    const char *pacing; /* "think", "open", "max"; "" of a run that did not say */
    uint64_t max_files; /* descriptors this process may have; 0: not known, likewise max_ports */
    uint64_t max_ports; /* source ports to one address of the target, of all source addresses */
    uint32_t endpoint_count;
    const char *const *endpoint_names; /* "GET /jobs/{id}" */
    uint32_t plugin_metric_count;      /* at most METRICS_MAX_CUSTOM */
    const struct run_plugin_metric *plugin_metrics;
};

/* RUN_RUNNING in a file that nobody writes to: the run was cut off. */
enum run_record_state { RUN_RUNNING, RUN_DONE, RUN_STOPPED, RUN_FAILED, RUN_STATE_COUNT };

const char *
run_record_state_name(enum run_record_state state); /* "running", "done", "stopped", "failed" */

/* The generator in one second of the run. */
struct generator_second {
    uint32_t second;    /* from 0 */
    uint64_t length_us; /* about a million; the last one is shorter */
    struct health health;
    uint64_t users_active;
    uint64_t requests_in_flight;
    uint64_t connections_open;
    uint64_t worker_cpu_us;
    uint64_t busiest_worker_cpu_us;
    uint64_t max_loop_lag_us;
    uint64_t busiest_worker_busy_us; /* worker_busy_us() of the one that has most */
    uint64_t queued, waiting;        /* requests, the most at once */
    uint64_t ports_in_use;
    uint64_t answers;
    uint64_t service_p50_us; /* of all endpoints */
    uint64_t max_silence_us; /* without an answer, see silence.h */
};

/* A second's load and what the target made of it. */
struct load_point {
    uint64_t requests_in_flight;
    uint64_t service_p50_us;
};

/* The same over the whole run. */
struct run_health {
    uint64_t seconds;
    uint64_t length_us;
    uint64_t cpu_us;
    uint64_t busy_seconds; /* in which one worker used more than BUSY_PERCENT of its core */
    double busiest_percent;
    uint64_t max_loop_lag_us;
    uint64_t max_silence_us;
    uint64_t peak_rss_bytes;
    uint64_t peak_open_files;
    uint64_t peak_users;
    uint64_t peak_in_flight;
    uint64_t peak_connections;
    uint64_t peak_queued;
    uint64_t peak_waiting;
    uint64_t peak_ports;
    double users_us; /* sum of the seconds' users_active times their length */
    /* The seconds with fewest and with most requests in flight, of those with enough answers. */
    struct load_point calm, loaded;
};

#define BUSY_PERCENT 90.0
#define FEWEST_ANSWERS 20 /* of a load_point: below, a median is chance */

void run_health_add(struct run_health *health, const struct generator_second *second);

struct run_threshold {
    const char *expression; /* as it was given */
    const char *metric;     /* "http_req_duration{endpoint:GET /jobs/{id}}" */
    const char *condition;  /* "p(95)<500" */
    double value;           /* in the metric's unit: milliseconds, a rate from 0 to 1, a count */
    bool has_samples;
    bool has_passed; /* false without samples */
};

/* How often an answer's status was not the recorded one. */
struct run_divergence {
    int status;
    int recorded_status; /* 0: none was recorded, and this one is an error */
    uint64_t answers;
};

/* What --check found otherwise than recorded, at one place of one endpoint's answers. */
struct run_check_difference {
    uint32_t endpoint;
    const char *kind;  /* difference_name(): "status", "missing", ... */
    const char *place; /* "body:/id"; "" of the whole answer */
    uint64_t answers;
};

struct run_plugin_call {
    const char *plugin;
    const char *callback;
    uint64_t calls;
    uint64_t ns;
};

/* How it ended. */
struct run_end {
    enum run_record_state state;
    uint64_t duration_us;
    int exit_code;
    const char *verdict;      /* one line: whether to believe the figures */
    const char *verdict_kind; /* verdict_kind_name() */
    size_t threshold_count;
    const struct run_threshold *thresholds;
    size_t plugin_call_count;
    const struct run_plugin_call *plugin_calls;
    size_t check_difference_count;
    const struct run_check_difference *check_differences; /* most frequent first */
};

/* A run read back. Everything it points to is its own; run_record_free() frees all. */
struct run_record {
    struct arena arena;
    const char *path;
    struct run_facts facts;
    struct run_end end;
    struct run_health health;
    struct metrics *totals;      /* its samples are empty: see below */
    struct endpoint_metrics all; /* the sum of all endpoints */
    size_t reason_count;
    const struct failure_sample *reasons; /* of what plugins failed; most frequent first */
    size_t divergence_count;
    const struct run_divergence *divergences; /* most frequent first */
    size_t sample_count;
    const struct failure_sample *samples; /* by due_us, each with a count of 1 */
};

void run_record_free(struct run_record *run);

#endif

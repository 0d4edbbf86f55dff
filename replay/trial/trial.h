/*
 * trial.h - one recorded session played by the real engine with plugins, on a clock that jumps, to
 * a target that is the trace itself; what the plugins did is kept in order.
 *
 *     trial_run --> trial.events, trial.calls, trial.metrics --> trial_print*, trial_free
 */
#ifndef REPRISE_REPLAY_TRIAL_TRIAL_H
#define REPRISE_REPLAY_TRIAL_TRIAL_H

#include <stdio.h>

#include "plugins/chain.h"
#include "replay/outcome.h"

/* What one callback of one plugin did, where it did anything. */
struct trial_event {
    uint64_t at_us;       /* of the session */
    const char *plugin;   /* these three in the trial's arena */
    const char *callback; /* "on_request" */
    const char *subject;  /* "step 3 GET https://..."; "" in on_session_start and the like */
    const char *verdict;  /* "CONTINUE" */
    const char *lines;    /* "- X-A: 1\n+ X-A: 2\n": each ends with '\n' */
};

struct trial_metric {
    uint64_t count, sum, last;
};

struct trial {
    struct plugin_chain chain;
    bool chain_is_open, chain_is_started;
    struct arena texts;
    FILE *events_out;
    int64_t session_id;
    uint32_t step_count;
    struct trial_event *events;
    size_t event_count, event_capacity;
    struct chain_stats calls;
    struct trial_metric metrics[CHAIN_MAX_METRICS];
    uint64_t requests_sent, added_sent, messages_sent;
    uint64_t answered_by_nothing; /* added requests that are like none of the trace */
    uint64_t duration_us;
    enum session_result result;
    bool is_stuck;    /* it waits for what will not come */
    char detail[400]; /* of a result that is not SESSION_DONE */
};

struct trial_options {
    const char *trace_path;
    const char *target; /* "http://target.test" */
    const char *const *plugins;
    size_t plugin_count;
    struct plugin_search search;
    int64_t session_id; /* 0: the first */
    uint64_t seed;
    uint64_t plugin_timeout_us; /* of one callback, then the process ends; 0: no limit */
    FILE *events_out; /* each event as soon as it is known: a crash may come next; NULL: nowhere */
};

/* trial_free() in either case. */
int trial_run(struct trial *trial, const struct trial_options *options, struct error *err);
void trial_free(struct trial *trial);

void trial_print_event(const struct trial_event *event, FILE *out);
/* All but the events. */
void trial_print(const struct trial *trial, FILE *out);
void trial_print_json(const struct trial *trial, FILE *out);

/* "CONTINUE". */
const char *trial_verdict_name(enum reprise_verdict verdict);

#endif

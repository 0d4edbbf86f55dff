/*
 * verdict.h - what limited a run: the target, the network, or the generator itself.
 *
 * A pure function of what the run file holds. The rules stand in verdict.c as a table, the first
 * that holds is the verdict; docs/summary.md says the same to people.
 */
#ifndef REPRISE_REPLAY_VERDICT_H
#define REPRISE_REPLAY_VERDICT_H

#include "replay/results/run_record.h"

enum verdict_kind {
    VERDICT_WITHIN_LIMITS, /* on time, and nobody at an end */
    VERDICT_TIGHT,         /* to be believed, but the generator was near its limit */
    VERDICT_TARGET,        /* target-bound: the figures are the target's */
    VERDICT_NETWORK,       /* network-bound: the figures are the network's */
    VERDICT_GENERATOR,     /* generator-bound: EXIT_INVALID with --strict */
    VERDICT_HELD_UP,       /* late, and nothing measured says why */
    VERDICT_SHORT,         /* too short, or too few requests, to say anything */
    VERDICT_NOTHING,       /* nothing was answered, so nothing was measured */
    VERDICT_KIND_COUNT
};

const char *verdict_kind_name(enum verdict_kind kind); /* "within-limits", "target-bound", ... */

/* Why: one for each rule. */
enum verdict_reason {
    REASON_NO_ANSWER,
    REASON_EXHAUSTED,
    REASON_SHORT,
    REASON_FULL_SPEED,
    REASON_FULL_STILL,
    REASON_LATE_BUSY,
    REASON_LATE_STILL,
    REASON_RESENT,
    REASON_REFUSED,
    REASON_GARBLED,
    REASON_STALLED,
    REASON_STILL,
    REASON_FULL_STILL_BRIEFLY,
    REASON_BUSY,
    REASON_NEAR_LIMIT,
    REASON_SATURATED,
    REASON_GREW,
    REASON_QUEUED,
    REASON_DISTANCE,
    REASON_LATE,
    REASON_ON_TIME
};

/* A class of failures is named from so many of all requests on. */
enum { VERDICT_FAILED_PERCENT = 1 };

struct verdict {
    enum verdict_kind kind;
    enum verdict_reason reason;
    bool has_but;    /* the text names failures, or requests that were not as meant */
    char text[1536]; /* one line: what, the figures, what to do */
};

/* What the rules look at. Percentiles are of the whole run. */
struct verdict_evidence {
    bool is_full_speed; /* --pacing max: nothing has a moment at which it should be sent */
    bool is_closed;     /* --users: a user's next request waits for the answer to the last */
    bool is_websocket;  /* the lateness of messages was the greater one */
    uint64_t requests;  /* upgrades to WebSocket among them */
    uint64_t messages;  /* of WebSockets, sent and received */
    uint64_t answers;
    uint64_t workers;
    double requests_per_sec;
    uint64_t length_us, seconds;
    uint64_t lateness_us, response_us, service_us; /* p99 */
    uint64_t in_flight;                            /* requests, at most at once */
    /* the generator */
    uint64_t busy_seconds; /* with a worker over BUSY_PERCENT */
    double busiest_percent;
    double cpu_wait_percent; /* of the run: the worker that waited most for a processor */
    uint64_t max_loop_lag_us;
    uint64_t no_ports, no_files; /* requests that failed so */
    uint64_t ports, max_ports, files, max_files;
    /* the network */
    uint64_t segments_sent, segments_resent;
    uint64_t min_rtt_us, waiting_us; /* p50 */
    /* the target */
    uint64_t refused; /* no connection, time-outs, broken connections */
    uint64_t garbled; /* no TLS, no HTTP, or more than is taken */
    uint64_t by_failure[FAILURE_COUNT];
    uint64_t bad_statuses;      /* error statuses that were not recorded */
    enum failure most_failed;   /* the class that there is most of */
    uint64_t silence_us;        /* the longest without an answer, see silence.h */
    uint64_t slowest_p50_us;    /* service, of the slowest endpoint */
    uint64_t queued, waiting;   /* requests, at most at once */
    double user_waited_percent; /* of the users' time, for answers */
    struct load_point calm, loaded;
    /* the values: whether it was the load that was meant */
    uint64_t bindings_missing[MISSING_COUNT];
};

/* -1 without memory. */
int verdict_judge(const struct run_facts *facts, const struct metrics *totals,
                  const struct run_health *health, struct verdict *ret_verdict);

/* The two parts of it: what there is to look at, and what it means. */
int verdict_look(const struct run_facts *facts, const struct metrics *totals,
                 const struct run_health *health, struct verdict_evidence *ret_evidence);
void verdict_decide(const struct verdict_evidence *evidence, struct verdict *ret_verdict);

/* verdict_text.c: fill verdict->text. */
void verdict_say(const struct verdict_evidence *evidence, struct verdict *verdict);

#endif

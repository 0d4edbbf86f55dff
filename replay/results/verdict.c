/* verdict.c - looks at what a run measured, and decides by a table of rules what limited it. */
#include "replay/results/verdict.h"

#include <assert.h>

/* Each with its reason. */
enum {
    /* Below either of these a run says nothing about what the generator can do: its start is most
     * of it, or p99 is the one request that met a wake-up of the machine. */
    SHORTEST_US = 1000000,
    FEWEST_REQUESTS = 100,
    /* What is late by less is nobody's problem: timers and schedulers are no better. */
    LATE_US = 1000,
    /* ... and so is what is less than a tenth of what is felt: it changes no conclusion. */
    LATE_PART = 10,
    /* A loop that stood still spoils a few answers; when a third of what was felt is lateness, the
     * figures are no longer the target's. */
    MOSTLY_LATE_PART = 3,
    /* A second is busy when one worker was; a tenth of the seconds reaches every percentile from
     * p90 on. */
    BUSY_PART = 10,
    /* At full speed a worker is busy whenever answers come quickly; in half of the seconds, it set
     * the pace. */
    FULL_SPEED_PART = 2,
    /* At full speed nothing is late, but nothing is sent either while a loop stands still: of the
     * run's time, a tenth makes the rate the generator's, a hundredth is worth a word. Less than
     * this is what schedulers do. */
    STOOD_STILL_US = 10000,
    STOOD_STILL_INVALID_PERCENT = 10,
    STOOD_STILL_PERCENT = 1,
    /* One segment in a hundred sent again: each costs a time-out of 200 ms or more when it is the
     * last of a request, and then p99 is the network's. Fewer than ten are chance. */
    RESENT_PERCENT = 1,
    FEWEST_RESENT = 10,
    /* One request in a hundred refused is p99 of what users would have felt. A verdict on fewer
     * has no room for them. */
    FAILED_PERCENT = VERDICT_FAILED_PERCENT,
    EXHAUSTED_PERCENT = 1,
    /* So near an end of ports or descriptors that little more load would meet it. */
    NEAR_PERCENT = 90,
    /* Users that wait for answers four fifths of their time go at the target's pace, not theirs. */
    SATURATED_PERCENT = 80,
    /* No answer for so long, when in that time so many were to be expected, and longer than the
     * slowest endpoint usually takes: it was not a request that stood still, but the target. */
    STALLED_US = 300000,
    FEWEST_EXPECTED = 20,
    USUAL_FACTOR = 2,
    /* Twice the load, twice the time to an answer: somewhere in the target they wait in a line. */
    GREW_FACTOR = 2
};

static bool is_over_percent(uint64_t part, uint64_t whole, uint64_t percent)
{
    return part && part * 100 > whole * percent;
}

static bool is_late(const struct verdict_evidence *at)
{
    return !at->is_full_speed && at->lateness_us > LATE_US &&
           at->lateness_us > at->response_us / LATE_PART;
}

static bool is_busy(const struct verdict_evidence *at)
{
    return at->busy_seconds && at->busy_seconds * BUSY_PART >= at->seconds;
}

static bool has_stood_still(const struct verdict_evidence *at)
{
    return at->max_loop_lag_us > at->lateness_us / 2;
}

/* --- the rules --- */

static bool has_no_answer(const struct verdict_evidence *at)
{
    return at->answers == 0;
}

static bool is_too_short(const struct verdict_evidence *at)
{
    return at->length_us < SHORTEST_US || at->requests + at->messages < FEWEST_REQUESTS;
}

static bool is_exhausted(const struct verdict_evidence *at)
{
    return is_over_percent(at->no_ports + at->no_files, at->requests, EXHAUSTED_PERCENT);
}

static bool is_at_full_speed(const struct verdict_evidence *at)
{
    return at->is_full_speed && at->busy_seconds &&
           at->busy_seconds * FULL_SPEED_PART >= at->seconds;
}

/* p99 has a stop of the loop in it when over one in a hundred met it: those that were in flight. */
static bool has_stop_in_service(const struct verdict_evidence *at)
{
    return at->max_loop_lag_us > at->service_us / MOSTLY_LATE_PART &&
           is_over_percent(at->in_flight, at->requests, 1);
}

static bool is_still_at_full_speed(const struct verdict_evidence *at)
{
    return at->is_full_speed && at->max_loop_lag_us > STOOD_STILL_US &&
           (at->max_loop_lag_us * 100 >= at->length_us * STOOD_STILL_INVALID_PERCENT ||
            has_stop_in_service(at));
}

static bool is_somewhat_still_at_full_speed(const struct verdict_evidence *at)
{
    return at->is_full_speed && at->max_loop_lag_us > STOOD_STILL_US &&
           at->max_loop_lag_us * 100 >= at->length_us * STOOD_STILL_PERCENT;
}

static bool is_late_and_busy(const struct verdict_evidence *at)
{
    return is_late(at) && is_busy(at);
}

static bool is_late_for_standing_still(const struct verdict_evidence *at)
{
    return is_late(at) && has_stood_still(at) &&
           at->lateness_us > at->response_us / MOSTLY_LATE_PART;
}

static bool is_resending(const struct verdict_evidence *at)
{
    return at->segments_resent >= FEWEST_RESENT &&
           is_over_percent(at->segments_resent, at->segments_sent, RESENT_PERCENT);
}

static bool is_refused(const struct verdict_evidence *at)
{
    return is_over_percent(at->refused, at->requests, FAILED_PERCENT);
}

static bool is_garbled(const struct verdict_evidence *at)
{
    return is_over_percent(at->garbled, at->requests, FAILED_PERCENT);
}

static bool is_stalled(const struct verdict_evidence *at)
{
    double expected = at->requests_per_sec / (double)(at->workers ? at->workers : 1) *
                      (double)at->silence_us / 1e6;
    return at->silence_us >= STALLED_US && at->silence_us > 2 * at->max_loop_lag_us &&
           at->silence_us > USUAL_FACTOR * at->slowest_p50_us && expected >= FEWEST_EXPECTED;
}

static bool is_somewhat_late_for_standing_still(const struct verdict_evidence *at)
{
    return is_late(at) && has_stood_still(at);
}

static bool is_near_limit(const struct verdict_evidence *at)
{
    return (at->max_ports && is_over_percent(at->ports, at->max_ports, NEAR_PERCENT)) ||
           (at->max_files && is_over_percent(at->files, at->max_files, NEAR_PERCENT)) ||
           at->no_ports || at->no_files;
}

static bool is_saturated(const struct verdict_evidence *at)
{
    return at->is_closed && at->user_waited_percent >= SATURATED_PERCENT;
}

static bool has_grown(const struct verdict_evidence *at)
{
    return at->calm.requests_in_flight &&
           at->loaded.requests_in_flight >= GREW_FACTOR * at->calm.requests_in_flight &&
           at->loaded.service_p50_us >= GREW_FACTOR * at->calm.service_p50_us &&
           at->loaded.service_p50_us > LATE_US;
}

static bool is_late_for_a_queue(const struct verdict_evidence *at)
{
    return (is_late(at) || at->is_full_speed) && (at->queued || at->waiting);
}

static bool is_far_away(const struct verdict_evidence *at)
{
    return at->waiting_us > LATE_US && at->min_rtt_us * 2 > at->waiting_us;
}

static bool is_anything(const struct verdict_evidence *at)
{
    (void)at;
    return true;
}

/* What spoils the figures comes first; what explains good ones later. */
static const struct {
    enum verdict_reason reason;
    enum verdict_kind kind;
    bool (*holds)(const struct verdict_evidence *at);
} rules[] = {
    {REASON_EXHAUSTED, VERDICT_GENERATOR, is_exhausted},
    {REASON_NO_ANSWER, VERDICT_NOTHING, has_no_answer},
    {REASON_SHORT, VERDICT_SHORT, is_too_short},
    {REASON_FULL_SPEED, VERDICT_GENERATOR, is_at_full_speed},
    {REASON_FULL_STILL, VERDICT_GENERATOR, is_still_at_full_speed},
    {REASON_LATE_BUSY, VERDICT_GENERATOR, is_late_and_busy},
    {REASON_LATE_STILL, VERDICT_GENERATOR, is_late_for_standing_still},
    {REASON_RESENT, VERDICT_NETWORK, is_resending},
    {REASON_REFUSED, VERDICT_TARGET, is_refused},
    {REASON_GARBLED, VERDICT_TARGET, is_garbled},
    {REASON_STALLED, VERDICT_TARGET, is_stalled},
    {REASON_STILL, VERDICT_TIGHT, is_somewhat_late_for_standing_still},
    {REASON_FULL_STILL_BRIEFLY, VERDICT_TIGHT, is_somewhat_still_at_full_speed},
    {REASON_BUSY, VERDICT_TIGHT, is_busy},
    {REASON_NEAR_LIMIT, VERDICT_TIGHT, is_near_limit},
    {REASON_DISTANCE, VERDICT_NETWORK, is_far_away},
    {REASON_SATURATED, VERDICT_TARGET, is_saturated},
    {REASON_GREW, VERDICT_TARGET, has_grown},
    {REASON_QUEUED, VERDICT_TARGET, is_late_for_a_queue},
    {REASON_LATE, VERDICT_HELD_UP, is_late},
    {REASON_ON_TIME, VERDICT_WITHIN_LIMITS, is_anything},
};

void verdict_decide(const struct verdict_evidence *evidence, struct verdict *ret_verdict)
{
    size_t i = 0;
    while (!rules[i].holds(evidence))
        i++;
    *ret_verdict = (struct verdict){.kind = rules[i].kind, .reason = rules[i].reason};
    verdict_say(evidence, ret_verdict);
}

/* --- looking --- */

/* HTTP's lateness, or that of WebSocket messages where it is greater. */
static void look_at_lateness(const struct endpoint_metrics *all, const struct ws_metrics *ws,
                             struct verdict_evidence *at)
{
    uint64_t ws_lateness_us = histogram_percentile(&ws->lateness, 99);
    at->lateness_us = histogram_percentile(&all->clocks[CLOCK_LATENESS], 99);
    at->response_us = histogram_percentile(&all->clocks[CLOCK_RESPONSE], 99);
    if (ws_lateness_us > at->lateness_us) {
        at->is_websocket = true;
        at->lateness_us = ws_lateness_us;
        at->response_us = ws_lateness_us + histogram_percentile(&ws->answer_wait, 99);
    }
}

/* Whose doing a class is that says how a connection, or an answer, went wrong. */
static uint64_t *side_of(enum failure failure, struct verdict_evidence *at)
{
    switch (failure) {
    case FAILURE_DNS:
    case FAILURE_CONNECT_REFUSED:
    case FAILURE_CONNECT_TIMEOUT:
    case FAILURE_CONNECT:
    case FAILURE_TIMEOUT:
    case FAILURE_RESET:
    case FAILURE_CLOSED:
    case FAILURE_TRUNCATED:
        return &at->refused;
    case FAILURE_TLS:
    case FAILURE_CERTIFICATE:
    case FAILURE_UNASKED:
    case FAILURE_PROTOCOL:
    case FAILURE_HEAD_TOO_LARGE:
    case FAILURE_BODY_TOO_LARGE:
    case FAILURE_CODING:
        return &at->garbled;
    case FAILURE_NO_PORTS:
        return &at->no_ports;
    case FAILURE_NO_FILES:
        return &at->no_files;
    case FAILURE_NONE:
    case FAILURE_PLUGIN: /* nobody's but the plugin's, or the run's end */
    case FAILURE_CANCELLED:
    case FAILURE_COUNT:
        break;
    }
    return NULL;
}

static void look_at_failures(const struct endpoint_metrics *all, const struct ws_metrics *ws,
                             struct verdict_evidence *at)
{
    uint64_t most = 0, unanswered = 0;
    for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++) {
        uint64_t count = all->by_failure[i] + ws->by_failure[i];
        uint64_t *side = side_of((enum failure)i, at);
        at->by_failure[i] = count;
        if (side)
            *side += count;
        if (i != FAILURE_CANCELLED) /* which has not failed */
            unanswered += all->by_failure[i];
        if (count > most) {
            most = count;
            at->most_failed = (enum failure)i;
        }
    }
    at->bad_statuses = all->failed > unanswered ? all->failed - unanswered : 0;
}

/* What the slowest endpoint usually takes. */
static uint64_t slowest_p50_us(const struct metrics *totals)
{
    uint64_t slowest_us = 0;
    for (uint32_t i = 0; i < totals->endpoint_count; i++) {
        uint64_t p50_us = histogram_percentile(&totals->endpoints[i].clocks[CLOCK_SERVICE], 50);
        if (p50_us > slowest_us)
            slowest_us = p50_us;
    }
    return slowest_us;
}

static void look_at_generator(const struct run_facts *facts,
                              const struct generator_metrics *generator,
                              const struct run_health *health, struct verdict_evidence *at)
{
    uint64_t most_us = 0;
    for (uint32_t i = 0; i < generator->worker_count; i++) {
        if (generator->workers[i].cpu_wait_us > most_us)
            most_us = generator->workers[i].cpu_wait_us;
    }
    at->busy_seconds = health->busy_seconds;
    at->busiest_percent = health->busiest_percent;
    at->max_loop_lag_us = health->max_loop_lag_us;
    at->queued = health->peak_queued;
    at->waiting = health->peak_waiting;
    at->ports = health->peak_ports;
    at->max_ports = facts->max_ports;
    at->files = health->peak_open_files;
    at->max_files = facts->max_files;
    at->cpu_wait_percent =
        health->length_us ? 100.0 * (double)most_us / (double)health->length_us : 0;
    at->segments_sent = generator->network.segments_sent;
    at->segments_resent = generator->network.segments_resent;
    at->min_rtt_us = histogram_percentile(&generator->network.min_rtt, 50);
}

int verdict_look(const struct run_facts *facts, const struct metrics *totals,
                 const struct run_health *health, struct verdict_evidence *ret_evidence)
{
    struct endpoint_metrics all;
    if (metrics_sum_endpoints(totals, &all))
        return -1;
    const struct ws_metrics *ws = &totals->ws;
    struct verdict_evidence at = {
        .is_full_speed = facts->pacing && strcmp(facts->pacing, "max") == 0,
        .is_closed = facts->planned_sessions == 0,
        .requests = all.requests + ws->events[WS_CONNECTED] + ws->events[WS_CONNECT_FAILED] +
                    ws->by_failure[FAILURE_CANCELLED],
        .messages = ws->events[WS_MESSAGE_SENT] + ws->events[WS_MESSAGE_RECEIVED],
        .answers = all.clocks[CLOCK_RESPONSE].count + ws->events[WS_CONNECTED],
        .workers = facts->workers,
        .service_us = histogram_percentile(&all.clocks[CLOCK_SERVICE], 99),
        .in_flight = health->peak_in_flight,
        .silence_us = health->max_silence_us,
        .slowest_p50_us = slowest_p50_us(totals),
        .length_us = health->length_us,
        .seconds = health->seconds,
        .waiting_us = histogram_percentile(&all.clocks[CLOCK_WAITING], 50),
        .calm = health->calm,
        .loaded = health->loaded,
    };
    if (health->length_us)
        at.requests_per_sec = (double)all.requests * 1e6 / (double)health->length_us;
    if (health->users_us > 0)
        at.user_waited_percent = 100.0 * (double)totals->generator.under_way_us / health->users_us;
    memcpy(at.bindings_missing, totals->bindings_missing, sizeof at.bindings_missing);
    look_at_lateness(&all, ws, &at);
    look_at_failures(&all, ws, &at);
    look_at_generator(facts, &totals->generator, health, &at);
    endpoint_metrics_fini(&all);
    *ret_evidence = at;
    return 0;
}

int verdict_judge(const struct run_facts *facts, const struct metrics *totals,
                  const struct run_health *health, struct verdict *ret_verdict)
{
    struct verdict_evidence evidence;
    if (verdict_look(facts, totals, health, &evidence))
        return -1;
    verdict_decide(&evidence, ret_verdict);
    return 0;
}

const char *verdict_kind_name(enum verdict_kind kind)
{
    static const char *const names[VERDICT_KIND_COUNT] = {
        [VERDICT_WITHIN_LIMITS] = "within-limits",
        [VERDICT_TIGHT] = "tight",
        [VERDICT_TARGET] = "target-bound",
        [VERDICT_NETWORK] = "network-bound",
        [VERDICT_GENERATOR] = "generator-bound",
        [VERDICT_HELD_UP] = "held-up",
        [VERDICT_SHORT] = "too-short",
        [VERDICT_NOTHING] = "nothing-measured",
    };
    assert((unsigned)kind < VERDICT_KIND_COUNT);
    return names[kind];
}

/* verdict_text.c - the verdict as one line: what limited the run, the evidence, what to do. */
#include <stdarg.h>
#include <stdio.h>

#include "core/units.h"
#include "replay/results/verdict.h"

static void put(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct verdict *verdict, const char *format, ...)
{
    size_t len = strlen(verdict->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verdict->text + len, sizeof verdict->text - len, format, arguments);
    va_end(arguments);
}

static void put_duration(struct verdict *verdict, const char *before, uint64_t us)
{
    char text[UNITS_TEXT_BYTES];
    put(verdict, "%s%s", before, duration_format(text, sizeof text, (double)us));
}

static void put_lateness(struct verdict *verdict, const struct verdict_evidence *at)
{
    put_duration(verdict, at->is_websocket ? "ws_lateness p99 " : "lateness p99 ", at->lateness_us);
    put_duration(verdict, at->is_websocket ? " of lateness and answer p99 " : " of response p99 ",
                 at->response_us);
}

/* Waiting for a processor is worth a word: then it is not more of our threads that help. */
static void put_busy(struct verdict *verdict, const struct verdict_evidence *at)
{
    put(verdict, "a worker was busy in %llu of %llu seconds, at most %.0f%%",
        (unsigned long long)at->busy_seconds, (unsigned long long)at->seconds, at->busiest_percent);
    if (at->cpu_wait_percent >= 5)
        put(verdict, "; for %.0f%% of the time another program had its processor",
            at->cpu_wait_percent);
}

static void say_exhausted(struct verdict *verdict, const struct verdict_evidence *at)
{
    bool is_ports = at->no_ports >= at->no_files;
    put(verdict, "generator-bound, not valid: %llu of %llu requests were not sent for want of %s",
        (unsigned long long)(is_ports ? at->no_ports : at->no_files),
        (unsigned long long)at->requests, is_ports ? "source ports" : "descriptors or memory");
    if (is_ports && at->max_ports)
        put(verdict, " (there are %llu, those in TIME_WAIT among them)",
            (unsigned long long)at->max_ports);
    else if (!is_ports && at->max_files)
        put(verdict, " (at most %llu files may be open)", (unsigned long long)at->max_files);
    put(verdict, "; 'reprise doctor' says what to change");
}

static void say_full_speed(struct verdict *verdict, const struct verdict_evidence *at)
{
    put(verdict, "generator-bound, as full speed can be: ");
    put_busy(verdict, at);
    put(verdict,
        "; %.0f requests/s is what it could send and the least that the target can take, and "
        "answers waited for it: more --workers, or judge times at a set pace",
        at->requests_per_sec);
}

static void say_late_busy(struct verdict *verdict, const struct verdict_evidence *at)
{
    put(verdict, "generator-bound, not valid: ");
    put_lateness(verdict, at);
    put(verdict, ", and ");
    put_busy(verdict, at);
    put_duration(verdict, ", loop lag ", at->max_loop_lag_us);
    put(verdict, "; use more --workers, less load, or a bigger machine");
}

static void say_late_still(struct verdict *verdict, const struct verdict_evidence *at)
{
    put(verdict, "generator-bound, not valid: ");
    put_lateness(verdict, at);
    put_duration(verdict, ", and its loop stood still for ", at->max_loop_lag_us);
    if (at->cpu_wait_percent >= 1)
        put(verdict, " (for %.0f%% of the time another program had its processor)",
            at->cpu_wait_percent);
    put(verdict, "; use more --workers, less load, or a machine with less on it");
}

static void say_full_still(struct verdict *verdict, const struct verdict_evidence *at)
{
    put_duration(verdict, "generator-bound, not valid: its loop stood still for ",
                 at->max_loop_lag_us);
    put_duration(verdict, " of ", at->length_us);
    put_duration(verdict, ", which is in the service times (p99 ", at->service_us);
    put(verdict, ") and in the rate; use more --workers, or a machine with less on it");
}

static void say_full_still_briefly(struct verdict *verdict, const struct verdict_evidence *at)
{
    put_duration(verdict, "believable with care: the generator's loop stood still for ",
                 at->max_loop_lag_us);
    put_duration(verdict, " of ", at->length_us);
    put_duration(verdict, ", and the slowest answers have it in them (service p99 ",
                 at->service_us);
    put(verdict, ")");
}

static void say_resent(struct verdict *verdict, const struct verdict_evidence *at)
{
    double percent = 100.0 * (double)at->segments_resent / (double)at->segments_sent;
    put(verdict, "network-bound: %.1f%% of segments were sent again (%llu of %llu)", percent,
        (unsigned long long)at->segments_resent, (unsigned long long)at->segments_sent);
    put_duration(verdict, ", least round trip p50 ", at->min_rtt_us);
    put(verdict, "; these are the network's times: look for loss, or full queues, on the way");
}

static void say_no_answer(struct verdict *verdict, const struct verdict_evidence *at)
{
    put(verdict, "nothing was answered, so nothing was measured");
    if (at->most_failed == FAILURE_NONE)
        return;
    const char *advice = failure_advice(at->most_failed);
    put(verdict, " (most: %s)%s%s", failure_name(at->most_failed), *advice ? "; " : "", advice);
}

static void say_refused(struct verdict *verdict, const struct verdict_evidence *at)
{
    put(verdict,
        "target-bound: %llu of %llu requests found no connection, or no whole answer on it; look "
        "at the target's own limits, and at what stands before it",
        (unsigned long long)at->refused, (unsigned long long)at->requests);
}

static void say_garbled(struct verdict *verdict, const struct verdict_evidence *at)
{
    put(verdict,
        "target-bound: %llu of %llu requests got what is no answer; the times above are of the "
        "others alone",
        (unsigned long long)at->garbled, (unsigned long long)at->requests);
}

static void say_stalled(struct verdict *verdict, const struct verdict_evidence *at)
{
    put_duration(verdict, "target-bound: it stood still: no answer came for ", at->silence_us);
    put_duration(verdict, " though requests waited for one (response p99 ", at->response_us);
    put_duration(verdict, "); the generator did not (loop lag at most ", at->max_loop_lag_us);
    put(verdict, "); judge by http_req_response");
}

static void say_still(struct verdict *verdict, const struct verdict_evidence *at)
{
    put_duration(verdict, "believable with care: the generator's loop stood still for ",
                 at->max_loop_lag_us);
    put(verdict, " (");
    put_lateness(verdict, at);
    put(verdict, "); http_req_duration does not have it in it");
}

static void say_busy(struct verdict *verdict, const struct verdict_evidence *at)
{
    put_duration(verdict, "believable (lateness p99 ", at->lateness_us);
    put(verdict, "), but ");
    put_busy(verdict, at);
    put(verdict, at->cpu_wait_percent >= 5
                     ? ": more load needs a machine with less on it, or more --workers"
                     : ": more load needs more --workers");
}

static void say_near_limit(struct verdict *verdict, const struct verdict_evidence *at)
{
    put(verdict,
        "believable, but near an end of the generator's: source ports at most %llu of %llu, "
        "descriptors "
        "%llu of %llu; 'reprise doctor' says what to change before more load",
        (unsigned long long)at->ports, (unsigned long long)at->max_ports,
        (unsigned long long)at->files, (unsigned long long)at->max_files);
}

static void say_saturated(struct verdict *verdict, const struct verdict_evidence *at)
{
    double percent = at->user_waited_percent < 100 ? at->user_waited_percent : 100;
    put(verdict,
        "target-bound: users waited for its answers %.0f%% of their time, and no worker was "
        "busy (at most %.0f%%); %.0f requests/s is its pace with so many users",
        percent, at->busiest_percent, at->requests_per_sec);
}

static void say_grew(struct verdict *verdict, const struct verdict_evidence *at)
{
    put_duration(verdict, "target-bound: its service p50 grew from ", at->calm.service_p50_us);
    put(verdict, " with at most %llu requests in flight",
        (unsigned long long)at->calm.requests_in_flight);
    put_duration(verdict, " to ", at->loaded.service_p50_us);
    put(verdict, " with %llu, and no worker was busy (at most %.0f%%)",
        (unsigned long long)at->loaded.requests_in_flight, at->busiest_percent);
}

static void say_queued(struct verdict *verdict, const struct verdict_evidence *at)
{
    if (at->is_full_speed) {
        put(verdict,
            "target-bound: %.0f requests/s at full speed while no worker was busy (at most %.0f%%) "
            "and up to %llu requests waited for %s to get an answer",
            at->requests_per_sec, at->busiest_percent,
            (unsigned long long)(at->queued + at->waiting),
            at->queued ? "--max-in-flight (is it too low?)" : "a connection of their user");
        return;
    }
    put(verdict, "target-bound: requests left late (");
    put_lateness(verdict, at);
    put(verdict, ") while no worker was busy: up to %llu waited ",
        (unsigned long long)(at->queued + at->waiting));
    put(verdict, at->queued ? "for --max-in-flight" : "for a connection of their user");
    put(verdict, " to get an answer; judge by http_req_response");
}

static void say_distance(struct verdict *verdict, const struct verdict_evidence *at)
{
    put_duration(verdict, "network-bound: a round trip takes ", at->min_rtt_us);
    put_duration(verdict, " of the ", at->waiting_us);
    put(verdict, " that answers take to begin (p50): most of it is the way there and back");
}

static void say_late(struct verdict *verdict, const struct verdict_evidence *at)
{
    put(verdict, "held up: requests left late (");
    put_lateness(verdict, at);
    put(verdict, ") though no worker was busy, and nothing measured says why; judge by "
                 "http_req_response");
}

static void say_on_time(struct verdict *verdict, const struct verdict_evidence *at)
{
    if (at->is_full_speed) {
        put(verdict,
            "within limits: the generator was: %.0f requests/s at full speed, no worker busy (at "
            "most %.0f%%); "
            "more --users would send more",
            at->requests_per_sec, at->busiest_percent);
        return;
    }
    put_duration(verdict, "within limits: the generator was on time (lateness p99 ",
                 at->lateness_us);
    put(verdict, "), and no worker was busy (at most %.0f%%)", at->busiest_percent);
    put_duration(verdict, ": the times above are the target's (response p99 ", at->response_us);
    put(verdict, ")");
}

static void say_short(struct verdict *verdict, const struct verdict_evidence *at)
{
    put(verdict, "too short to tell what limited it: %llu requests",
        (unsigned long long)at->requests);
    put_duration(verdict, " in ", at->length_us);
    put_duration(verdict, " (lateness p99 ", at->lateness_us);
    put(verdict, "); let it run for some seconds, and at least 100 requests");
}

static void put_share(struct verdict *verdict, bool is_first, uint64_t count, uint64_t requests,
                      const char *name)
{
    put(verdict, "%s%s %.3g%%", is_first ? "; failures: " : ", ", name,
        100.0 * (double)count / (double)requests);
}

static bool is_worth_a_word(uint64_t count, const struct verdict_evidence *at)
{
    return count * 100 > at->requests * VERDICT_FAILED_PERCENT;
}

/* Whatever limited the run: times are of what was answered, and that was not all. What this machine
 * could not send has verdicts of its own. */
static void say_failed(struct verdict *verdict, const struct verdict_evidence *at)
{
    bool is_first = true;
    for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++) {
        if (i == FAILURE_NO_PORTS || i == FAILURE_NO_FILES || i == FAILURE_CANCELLED ||
            !is_worth_a_word(at->by_failure[i], at))
            continue;
        put_share(verdict, is_first, at->by_failure[i], at->requests,
                  failure_name((enum failure)i));
        is_first = false;
    }
    if (is_worth_a_word(at->bad_statuses, at)) {
        put_share(verdict, is_first, at->bad_statuses, at->requests, "error statuses not recorded");
        is_first = false;
    }
    verdict->has_but |= !is_first;
}

/* Whatever limited the run: was it the load that was meant? */
static void say_missing(struct verdict *verdict, const struct verdict_evidence *at)
{
    uint64_t as_recorded = at->bindings_missing[MISSING_RECORDED];
    uint64_t not_sent = at->bindings_missing[MISSING_SKIP] + at->bindings_missing[MISSING_END];
    verdict->has_but |= as_recorded || not_sent;
    if (as_recorded)
        put(verdict,
            "; but %llu of %llu requests went out with recorded values, because no answer had "
            "given theirs: look at what diverged first",
            (unsigned long long)as_recorded, (unsigned long long)at->requests);
    if (not_sent)
        put(verdict,
            "; but %llu requests were not sent, because no answer had given a value that they "
            "need: look at what diverged first",
            (unsigned long long)not_sent);
}

void verdict_say(const struct verdict_evidence *evidence, struct verdict *verdict)
{
    static void (*const says[])(struct verdict *, const struct verdict_evidence *) = {
        [REASON_EXHAUSTED] = say_exhausted,
        [REASON_FULL_SPEED] = say_full_speed,
        [REASON_FULL_STILL] = say_full_still,
        [REASON_LATE_BUSY] = say_late_busy,
        [REASON_LATE_STILL] = say_late_still,
        [REASON_RESENT] = say_resent,
        [REASON_REFUSED] = say_refused,
        [REASON_GARBLED] = say_garbled,
        [REASON_STALLED] = say_stalled,
        [REASON_STILL] = say_still,
        [REASON_FULL_STILL_BRIEFLY] = say_full_still_briefly,
        [REASON_BUSY] = say_busy,
        [REASON_NEAR_LIMIT] = say_near_limit,
        [REASON_SHORT] = say_short,
        [REASON_SATURATED] = say_saturated,
        [REASON_GREW] = say_grew,
        [REASON_QUEUED] = say_queued,
        [REASON_DISTANCE] = say_distance,
        [REASON_LATE] = say_late,
        [REASON_ON_TIME] = say_on_time,
    };
    verdict->text[0] = '\0';
    if (verdict->reason == REASON_NO_ANSWER)
        say_no_answer(verdict, evidence);
    else
        says[verdict->reason](verdict, evidence);
    if (verdict->reason != REASON_NO_ANSWER)
        say_failed(verdict, evidence);
    say_missing(verdict, evidence);
}

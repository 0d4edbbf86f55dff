/* verdict_test.c - what limited a run: one row for each situation, judged from invented figures. */
#include "replay/results/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay/silence.h"

#define SECONDS(n) .length_us = (n)*1000000ull, .seconds = (n)
/* 1,000 requests in ten seconds that all went well. */
#define GOOD                                                                                       \
    SECONDS(10), .requests = 1000, .answers = 1000, .requests_per_sec = 100, .lateness_us = 100,   \
                 .response_us = 50100, .max_loop_lag_us = 300, .busiest_percent = 20,              \
                 .segments_sent = 1000, .waiting_us = 40000, .max_ports = 28232,                   \
                 .max_files = 20000, .ports = 50, .files = 60
#define LATE .lateness_us = 30000, .response_us = 80000
#define BUSY(n) .busy_seconds = (n), .busiest_percent = 97

/* A row changes what was good. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"

static const struct row {
    const char *situation;
    struct verdict_evidence evidence;
    enum verdict_kind kind;
    enum verdict_reason reason;
    const char *says; /* part of the text */
} rows[] = {
    {"on time", {GOOD}, VERDICT_WITHIN_LIMITS, REASON_ON_TIME, "lateness p99 100us"},
    {"values that no answer gave are said whatever the verdict",
     {GOOD, .bindings_missing = {[MISSING_RECORDED] = 12}},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "; but 12 of 1000 requests went out with recorded values"},
    {"so are requests that were not sent without theirs",
     {GOOD, LATE, BUSY(5), .bindings_missing = {[MISSING_SKIP] = 3, [MISSING_END] = 4}},
     VERDICT_GENERATOR,
     REASON_LATE_BUSY,
     "; but 7 requests were not sent, because no answer had given"},
    {"under a millisecond is nobody's problem",
     {GOOD, .lateness_us = 900, .response_us = 1000},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"late by little of what is felt",
     {GOOD, .lateness_us = 2000, .response_us = 900000},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"busy and on time", {GOOD, BUSY(5)}, VERDICT_TIGHT, REASON_BUSY, "in 5 of 10 seconds"},
    {"busy in one second of twenty",
     {GOOD, SECONDS(100), BUSY(5)},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"late and busy", {GOOD, LATE, BUSY(5)}, VERDICT_GENERATOR, REASON_LATE_BUSY, "97%"},
    {"late, another program had the processor",
     {GOOD, LATE, BUSY(9), .cpu_wait_percent = 48},
     VERDICT_GENERATOR,
     REASON_LATE_BUSY,
     "for 48% of the time another program"},
    {"late, the loop stood still",
     {GOOD, LATE, .max_loop_lag_us = 20000},
     VERDICT_GENERATOR,
     REASON_LATE_STILL,
     "stood still for 20.00ms"},
    {"late by less than a third, the loop stood still",
     {GOOD, .lateness_us = 2000, .response_us = 11000, .max_loop_lag_us = 4000},
     VERDICT_TIGHT,
     REASON_STILL,
     "believable with care"},
    {"WebSocket messages were later",
     {GOOD, LATE, .is_websocket = true, .max_loop_lag_us = 400000},
     VERDICT_GENERATOR,
     REASON_LATE_STILL,
     "ws_lateness p99 30.00ms"},
    {"no source ports left",
     {GOOD, .no_ports = 200, .ports = 28230},
     VERDICT_GENERATOR,
     REASON_EXHAUSTED,
     "200 of 1000 requests were not sent for want of source ports (there are 28232"},
    {"no descriptors left, and nothing answered at all",
     {GOOD, .answers = 0, .no_files = 1000, .files = 20000},
     VERDICT_GENERATOR,
     REASON_EXHAUSTED,
     "want of descriptors or memory (at most 20000 files"},
    {"a few without a port",
     {GOOD, .no_ports = 3},
     VERDICT_TIGHT,
     REASON_NEAR_LIMIT,
     "near an end"},
    {"nearly all ports in use",
     {GOOD, .ports = 26000},
     VERDICT_TIGHT,
     REASON_NEAR_LIMIT,
     "source ports at most 26000 of 28232"},
    {"nearly all descriptors in use",
     {GOOD, .files = 19000},
     VERDICT_TIGHT,
     REASON_NEAR_LIMIT,
     "descriptors 19000 of 20000"},
    {"limits that are not known",
     {GOOD, .max_ports = 0, .max_files = 0},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"segments are lost",
     {GOOD, .segments_resent = 30},
     VERDICT_NETWORK,
     REASON_RESENT,
     "3.0% of segments were sent again (30 of 1000)"},
    {"a handful of segments is chance",
     {GOOD, .segments_sent = 100, .segments_resent = 9},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"one in a hundred is not over it",
     {GOOD, .segments_resent = 10},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"late and busy comes before loss",
     {GOOD, LATE, BUSY(5), .segments_resent = 30},
     VERDICT_GENERATOR,
     REASON_LATE_BUSY,
     "not valid"},
    {"loss comes before the time-outs it makes",
     {GOOD, .segments_resent = 300, .refused = 50, .by_failure = {[FAILURE_TIMEOUT] = 50}},
     VERDICT_NETWORK,
     REASON_RESENT,
     "30.0%"},
    {"most of the waiting is the way",
     {GOOD, .min_rtt_us = 25000},
     VERDICT_NETWORK,
     REASON_DISTANCE,
     "a round trip takes 25.00ms of the 40.00ms"},
    {"a short way that is most of less than a millisecond",
     {GOOD, .min_rtt_us = 250, .waiting_us = 300},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"the target refuses",
     {GOOD, .refused = 40, .by_failure = {[FAILURE_CONNECT_REFUSED] = 40}},
     VERDICT_TARGET,
     REASON_REFUSED,
     "40 of 1000 requests found no connection, or no whole answer on it; "},
    {"and with which words",
     {GOOD, .refused = 48,
      .by_failure = {[FAILURE_CONNECT_REFUSED] = 25, [FAILURE_RESET] = 14, [FAILURE_CLOSED] = 9}},
     VERDICT_TARGET,
     REASON_REFUSED,
     "; failures: connect_refused 2.5%, reset 1.4%"},
    {"a third of the answers is garbage",
     {GOOD, .garbled = 333, .by_failure = {[FAILURE_PROTOCOL] = 330, [FAILURE_CODING] = 3}},
     VERDICT_TARGET,
     REASON_GARBLED,
     "333 of 1000 requests got what is no answer; the times above are of the others alone; "
     "failures: protocol 33%"},
    {"one of a thousand is garbage",
     {GOOD, .garbled = 1, .by_failure = {[FAILURE_PROTOCOL] = 1}},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"garbage is named beside what spoils the figures",
     {GOOD, LATE, BUSY(5), .garbled = 90, .by_failure = {[FAILURE_TLS] = 90}},
     VERDICT_GENERATOR,
     REASON_LATE_BUSY,
     "; failures: tls 9%"},
    {"a plugin's failures and error statuses limit nothing, and are named",
     {GOOD, .by_failure = {[FAILURE_PLUGIN] = 20}, .bad_statuses = 110},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "; failures: plugin 2%, error statuses not recorded 11%"},
    {"the target stood still",
     {GOOD, .silence_us = 960000, .slowest_p50_us = 45000, .response_us = 962000},
     VERDICT_TARGET,
     REASON_STALLED,
     "it stood still: no answer came for 960.00ms though requests waited for one (response p99 "
     "962.00ms)"},
    {"nobody was there to be answered",
     {GOOD, .silence_us = 150000},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits: the generator was on time"},
    {"no more answers than usual were missing",
     {GOOD, .silence_us = 960000, .requests_per_sec = 15},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"one of eight workers had no answers, and few to expect",
     {GOOD, .silence_us = 960000, .workers = 8},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"one endpoint is as slow as that",
     {GOOD, .silence_us = 960000, .slowest_p50_us = 900000},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"it was our loop that stood still",
     {GOOD, .silence_us = 960000, .max_loop_lag_us = 950000},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"one of a thousand refused",
     {GOOD, .refused = 1, .by_failure = {[FAILURE_RESET] = 1}},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"users do nothing but wait",
     {GOOD, .is_closed = true, .user_waited_percent = 96},
     VERDICT_TARGET,
     REASON_SATURATED,
     "waited for its answers 96% of their time"},
    {"recorded arrivals wait for nobody",
     {GOOD, .user_waited_percent = 96},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"users that think most of the time",
     {GOOD, .is_closed = true, .user_waited_percent = 40},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"answers take longer under load",
     {GOOD, .calm = {10, 2000}, .loaded = {200, 40000}},
     VERDICT_TARGET,
     REASON_GREW,
     "from 2.00ms with at most 10 requests in flight to 40.00ms with 200"},
    {"answers take longer with as many in flight",
     {GOOD, .calm = {150, 2000}, .loaded = {200, 40000}},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"answers take longer, and a worker was busy",
     {GOOD, BUSY(5), .calm = {10, 2000}, .loaded = {200, 40000}},
     VERDICT_TIGHT,
     REASON_BUSY,
     "more --workers"},
    {"late behind --max-in-flight",
     {GOOD, LATE, .queued = 700},
     VERDICT_TARGET,
     REASON_QUEUED,
     "up to 700 waited for --max-in-flight"},
    {"late for want of a connection",
     {GOOD, LATE, .waiting = 20},
     VERDICT_TARGET,
     REASON_QUEUED,
     "up to 20 waited for a connection"},
    {"late, and nothing says why", {GOOD, LATE}, VERDICT_HELD_UP, REASON_LATE, "held up"},
    {"less than a second",
     {GOOD, LATE, .length_us = 400000, .seconds = 1},
     VERDICT_SHORT,
     REASON_SHORT,
     "too short to tell what limited it: 1000 requests in 400.00ms (lateness p99 30.00ms)"},
    {"a wake-up of 2.3 ms among fifteen requests",
     {GOOD, .requests = 15, .answers = 15, .length_us = 430000, .lateness_us = 2300,
      .response_us = 2900, .max_loop_lag_us = 2300},
     VERDICT_SHORT,
     REASON_SHORT,
     "too short to tell what limited it: 15 requests in 430.00ms"},
    {"fewer than a hundred requests in ten seconds",
     {GOOD, LATE, BUSY(5), .requests = 99},
     VERDICT_SHORT,
     REASON_SHORT,
     "99 requests in 10.00s"},
    {"a hundred are enough",
     {GOOD, LATE, BUSY(5), .requests = 100},
     VERDICT_GENERATOR,
     REASON_LATE_BUSY,
     "not valid"},
    {"messages count as well",
     {GOOD, LATE, BUSY(5), .requests = 10, .messages = 90},
     VERDICT_GENERATOR,
     REASON_LATE_BUSY,
     "not valid"},
    {"few requests, and none had a port",
     {GOOD, .requests = 15, .no_ports = 15},
     VERDICT_GENERATOR,
     REASON_EXHAUSTED,
     "want of source ports"},
    {"failures of a short run are named",
     {GOOD, .requests = 15, .garbled = 5, .by_failure = {[FAILURE_PROTOCOL] = 5}},
     VERDICT_SHORT,
     REASON_SHORT,
     "; failures: protocol 33.3%"},
    {"full speed, a tenth of the time the loop stood still",
     {GOOD, SECONDS(3), .is_full_speed = true, .max_loop_lag_us = 907000, .service_us = 2000},
     VERDICT_GENERATOR,
     REASON_FULL_STILL,
     "not valid: its loop stood still for 907.00ms of 3.00s"},
    {"full speed, p99 is a stop of the loop",
     {GOOD, SECONDS(60), .is_full_speed = true, .is_closed = true, .user_waited_percent = 99,
      .max_loop_lag_us = 500000, .service_us = 510000, .in_flight = 20},
     VERDICT_GENERATOR,
     REASON_FULL_STILL,
     "in the service times (p99 510.00ms)"},
    {"full speed, the loop stood still in a hundredth of the time",
     {GOOD, SECONDS(60), .is_full_speed = true, .is_closed = true, .user_waited_percent = 99,
      .max_loop_lag_us = 907000, .service_us = 2000, .in_flight = 10},
     VERDICT_TIGHT,
     REASON_FULL_STILL_BRIEFLY,
     "with care: the generator's loop stood still for 907.00ms of 1m00s"},
    {"full speed, a stop of which nobody would speak",
     {GOOD, SECONDS(60), .is_full_speed = true, .max_loop_lag_us = 9000, .service_us = 2000,
      .in_flight = 100},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "within limits"},
    {"full speed, the worker set the pace",
     {GOOD, .is_full_speed = true, .is_closed = true, BUSY(9), .user_waited_percent = 99},
     VERDICT_GENERATOR,
     REASON_FULL_SPEED,
     "as full speed can be: a worker was busy in 9 of 10 seconds"},
    {"full speed, the target set the pace",
     {GOOD, .is_full_speed = true, .is_closed = true, .user_waited_percent = 99},
     VERDICT_TARGET,
     REASON_SATURATED,
     "100 requests/s is its pace"},
    {"full speed has no lateness",
     {GOOD, LATE, .is_full_speed = true, .max_loop_lag_us = 20000},
     VERDICT_WITHIN_LIMITS,
     REASON_ON_TIME,
     "100 requests/s at full speed"},
    {"full speed behind --max-in-flight",
     {GOOD, .is_full_speed = true, .is_closed = true, .queued = 380, .user_waited_percent = 5},
     VERDICT_TARGET,
     REASON_QUEUED,
     "up to 380 requests waited for --max-in-flight (is it too low?)"},
    {"full speed, busy for some seconds only",
     {GOOD, .is_full_speed = true, .is_closed = true, BUSY(2), .user_waited_percent = 99},
     VERDICT_TIGHT,
     REASON_BUSY,
     "in 2 of 10 seconds"},
    {"nothing answered", {SECONDS(10)}, VERDICT_NOTHING, REASON_NO_ANSWER, "nothing was answered"},
    {"nobody there",
     {GOOD, .answers = 0, .refused = 1000, .most_failed = FAILURE_CONNECT_REFUSED},
     VERDICT_NOTHING,
     REASON_NO_ANSWER,
     "so nothing was measured (most: connect_refused); does the target run"},
    {"a certificate that nobody trusts",
     {GOOD, .answers = 0, .most_failed = FAILURE_CERTIFICATE},
     VERDICT_NOTHING,
     REASON_NO_ANSWER,
     "so nothing was measured (most: certificate); --cacert FILE"},
};

#pragma GCC diagnostic pop

static void every_situation_has_its_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct verdict verdict;
        verdict_decide(&row->evidence, &verdict);
        if (verdict.kind != row->kind || verdict.reason != row->reason ||
            !strstr(verdict.text, row->says))
            fail_msg("%s: %s: %s", row->situation, verdict_kind_name(verdict.kind), verdict.text);
        assert_true(strlen(verdict.text) < sizeof verdict.text - 1);
        assert_null(strchr(verdict.text, '\n'));
    }
}

static void every_verdict_fits_its_line(void **state)
{
    (void)state;
    struct verdict_evidence huge = {.requests_per_sec = 1e12, .busiest_percent = 100};
    uint64_t *numbers[] = {
        &huge.requests,      &huge.answers,      &huge.lateness_us,     &huge.response_us,
        &huge.seconds,       &huge.busy_seconds, &huge.max_loop_lag_us, &huge.no_ports,
        &huge.ports,         &huge.max_ports,    &huge.files,           &huge.max_files,
        &huge.segments_sent, &huge.min_rtt_us,   &huge.segments_resent, &huge.waiting_us,
        &huge.refused,       &huge.queued,       &huge.service_us,      &huge.garbled,
        &huge.silence_us,    &huge.length_us,    &huge.bad_statuses};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i] = UINT64_MAX / 1000;
    for (int i = 0; i < FAILURE_COUNT; i++)
        huge.by_failure[i] = UINT64_MAX / 1000;
    for (int i = 0; i < MISSING_COUNT; i++)
        huge.bindings_missing[i] = UINT64_MAX / 1000;
    for (int reason = REASON_NO_ANSWER; reason <= REASON_ON_TIME; reason++) {
        struct verdict verdict = {.reason = (enum verdict_reason)reason};
        huge.cpu_wait_percent = 100;
        verdict_say(&huge, &verdict);
        assert_true(strlen(verdict.text) > 10);
        assert_true(strlen(verdict.text) < sizeof verdict.text - 1);
    }
}

/* From metrics and seconds to what is judged. */
static void the_evidence_is_what_was_measured(void **state)
{
    (void)state;
    const struct run_facts facts = {.pacing = "max", .max_files = 100, .max_ports = 200};
    struct metrics *totals = metrics_new(1);
    struct run_health health = {0};
    struct verdict_evidence at;
    for (uint32_t second = 0; second < 2; second++) {
        const struct generator_second one = {.second = second,
                                             .length_us = 1000000,
                                             .health = {.open_files = 50 + second},
                                             .users_active = 10,
                                             .requests_in_flight = 5 + 20 * second,
                                             .max_silence_us = 900 - second,
                                             .busiest_worker_cpu_us =
                                                 1000000, /* spinning: not busy */
                                             .busiest_worker_busy_us = 100000 + 850000 * second,
                                             .queued = 3,
                                             .ports_in_use = 70 - second,
                                             .answers = 100,
                                             .service_p50_us = 1000 + 9000 * second};
        run_health_add(&health, &one);
    }
    metrics_record_request(totals, &(struct request_outcome){.status = 200,
                                                             .lateness_us = 10,
                                                             .waiting_us = 9000,
                                                             .service_us = 10000000,
                                                             .response_us = 10000010});
    metrics_record_request(totals, &(struct request_outcome){.failure = FAILURE_CANCELLED,
                                                             .lateness_us = 100,
                                                             .response_us = 4000100});
    metrics_record_request(totals, &(struct request_outcome){.failure = FAILURE_CONNECT_REFUSED});
    metrics_record_request(totals, &(struct request_outcome){.failure = FAILURE_NO_PORTS});
    for (int i = 0; i < 2; i++)
        metrics_record_request(totals, &(struct request_outcome){.failure = FAILURE_CERTIFICATE});
    metrics_record_request(totals, &(struct request_outcome){.failure = FAILURE_PROTOCOL});
    metrics_record_request(
        totals,
        &(struct request_outcome){.status = 503, .recorded_status = 200, .service_us = 10000000});
    metrics_record_ws(totals, &(struct ws_outcome){.event = WS_MESSAGE_SENT, .value = 3});
    metrics_record_ws(totals, &(struct ws_outcome){.event = WS_MESSAGE_RECEIVED, .value = 3});
    *generator_worker(&totals->generator, 1) = (struct worker_health){.cpu_wait_us = 500000};
    totals->generator.network.segments_sent = 70;
    totals->generator.network.segments_resent = 7;
    histogram_record(&totals->generator.network.min_rtt, 60);
    assert_int_equal(verdict_look(&facts, totals, &health, &at), 0);
    assert_true(at.is_full_speed && at.is_closed);
    assert_int_equal(at.requests, 8);
    assert_int_equal(at.answers, 2);
    assert_int_equal(at.busy_seconds, 1);
    assert_int_equal(at.busiest_percent, 95);
    assert_int_equal(at.cpu_wait_percent, 25);
    assert_int_equal(at.user_waited_percent, 70);
    assert_int_equal(at.refused, 1);
    assert_int_equal(at.garbled, 3);
    assert_int_equal(at.by_failure[FAILURE_CONNECT_REFUSED], 1);
    assert_int_equal(at.by_failure[FAILURE_CERTIFICATE], 2);
    assert_int_equal(at.bad_statuses, 1);
    assert_int_equal(at.silence_us, 900);
    assert_int_equal(at.slowest_p50_us, 10000000);
    assert_int_equal(at.in_flight, 25);
    assert_int_equal(at.messages, 2);
    assert_int_equal(at.most_failed, FAILURE_CERTIFICATE);
    assert_int_equal(at.no_ports, 1);
    assert_int_equal(at.ports, 70);
    assert_int_equal(at.files, 51);
    assert_int_equal(at.queued, 3);
    assert_int_equal(at.segments_resent, 7);
    assert_int_equal(at.min_rtt_us, 60);
    assert_int_equal(at.calm.requests_in_flight, 5);
    assert_int_equal(at.calm.service_p50_us, 1000);
    assert_int_equal(at.loaded.requests_in_flight, 25);
    assert_int_equal(at.loaded.service_p50_us, 10000);
    metrics_free(totals);
}

static void a_second_of_few_answers_says_nothing_of_load(void **state)
{
    (void)state;
    struct run_health health = {0};
    const struct generator_second quiet = {
        .length_us = 1000000, .requests_in_flight = 1, .answers = FEWEST_ANSWERS - 1};
    run_health_add(&health, &quiet);
    assert_int_equal(health.calm.requests_in_flight, 0);
    assert_int_equal(health.loaded.requests_in_flight, 0);
}

/* Every class there is has been thought of: it is somebody's, or expressly nobody's. */
static void every_failure_is_named(void **state)
{
    (void)state;
    const struct run_facts facts = {.pacing = "think"};
    struct run_health health = {.length_us = 10000000};
    for (int failure = FAILURE_NONE + 1; failure < FAILURE_COUNT; failure++) {
        struct metrics *totals = metrics_new(1);
        struct verdict verdict;
        for (int i = 0; i < 200; i++) {
            bool is_bad = i % 3 == 0;
            metrics_record_request(
                totals,
                &(struct request_outcome){.failure = is_bad ? (enum failure)failure : FAILURE_NONE,
                                          .status = is_bad ? 0 : 200});
        }
        assert_int_equal(verdict_judge(&facts, totals, &health, &verdict), 0);
        bool is_ours = failure == FAILURE_NO_PORTS || failure == FAILURE_NO_FILES;
        bool is_nobodys = failure == FAILURE_PLUGIN || failure == FAILURE_CANCELLED;
        assert_int_equal(verdict.kind, is_ours      ? VERDICT_GENERATOR
                                       : is_nobodys ? VERDICT_WITHIN_LIMITS
                                                    : VERDICT_TARGET);
        if (!is_ours && failure != FAILURE_CANCELLED)
            assert_non_null(strstr(verdict.text, failure_name((enum failure)failure)));
        assert_int_equal(verdict.has_but, !is_ours && failure != FAILURE_CANCELLED);
        metrics_free(totals);
    }
}

static void a_silence_needs_some_who_wait(void **state)
{
    (void)state;
    struct silence silence = {0};
    for (uint64_t i = 0; i < SILENCE_WAITERS - 1; i++)
        silence_asked(&silence, i);
    assert_int_equal(silence_take(&silence, 1000000), 0); /* these may be slow */
    silence_asked(&silence, 2000000);
    silence_asked(&silence, 2500000); /* more of them do not begin it anew */
    assert_int_equal(silence_take(&silence, 2600000), 600000);
    silence_left(&silence, 2700000);                            /* nor does a failure */
    assert_int_equal(silence_take(&silence, 3600000), 1600000); /* it goes on */
    silence_broken(&silence, 3700000);
    assert_int_equal(silence_take(&silence, 4000000), 1700000);
    assert_int_equal(silence_take(&silence, 4500000), 800000); /* they wait, of the next answer */
    silence_left(&silence, 5000000);                           /* and are too few */
    assert_int_equal(silence_take(&silence, 5000000), 1300000);
    assert_int_equal(silence_take(&silence, 9000000), 0);
    silence_asked(&silence, 9500000); /* now they are not */
    assert_int_equal(silence_take(&silence, 9600000), 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_situation_has_its_verdict),
        cmocka_unit_test(every_verdict_fits_its_line),
        cmocka_unit_test(the_evidence_is_what_was_measured),
        cmocka_unit_test(every_failure_is_named),
        cmocka_unit_test(a_silence_needs_some_who_wait),
        cmocka_unit_test(a_second_of_few_answers_says_nothing_of_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* metrics_test.c - what counts to which clock, and that shards add up in any order. */
#include "replay/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/random.h"

static struct request_outcome answered(uint32_t endpoint, int status, int recorded_status)
{
    return (struct request_outcome){.endpoint = endpoint,
                                    .status = status,
                                    .recorded_status = recorded_status,
                                    .due_us = 1000,
                                    .lateness_us = 5,
                                    .sending_us = 10,
                                    .waiting_us = 200,
                                    .receiving_us = 30,
                                    .service_us = 240,
                                    .response_us = 245,
                                    .bytes_sent = 100,
                                    .bytes_received = 1000};
}

static void an_answer_counts_to_every_clock_but_those_of_a_connection_not_made(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new(2);
    struct request_outcome outcome = answered(1, 200, 200);
    metrics_record_request(metrics, &outcome);

    const struct endpoint_metrics *endpoint = &metrics->endpoints[1];
    assert_int_equal(endpoint->requests, 1);
    assert_int_equal(endpoint->failed, 0);
    assert_int_equal(endpoint->diverged, 0);
    assert_int_equal(endpoint->by_status_class[2], 1);
    assert_int_equal(endpoint->bytes_received, 1000);
    assert_int_equal(histogram_percentile(&endpoint->clocks[CLOCK_SERVICE], 50), 240);
    assert_int_equal(histogram_percentile(&endpoint->clocks[CLOCK_RESPONSE], 50), 245);
    assert_int_equal(histogram_percentile(&endpoint->clocks[CLOCK_LATENESS], 50), 5);
    assert_int_equal(endpoint->clocks[CLOCK_CONNECTING].count, 0);
    assert_int_equal(endpoint->clocks[CLOCK_TLS].count, 0);

    outcome.dns_us = 1, outcome.connect_us = 20, outcome.tls_us = 300;
    metrics_record_request(metrics, &outcome);
    assert_int_equal(histogram_percentile(&endpoint->clocks[CLOCK_CONNECTING], 50), 321);
    assert_int_equal(endpoint->clocks[CLOCK_TLS].count, 1);
    assert_int_equal(metrics->endpoints[0].requests, 0);
    metrics_free(metrics);
}

/* A refusal is answered in no time: it must not make the percentiles look better. */
static void a_failure_counts_only_to_the_clocks_it_says_something_about(void **state)
{
    (void)state;
    static const struct {
        enum failure failure;
        uint64_t lateness, service, response;
    } rows[] = {
        {FAILURE_CONNECT_REFUSED, 1, 0, 0}, {FAILURE_CONNECT_TIMEOUT, 1, 0, 1},
        {FAILURE_TIMEOUT, 1, 1, 1},         {FAILURE_RESET, 1, 0, 0},
        {FAILURE_PLUGIN, 0, 0, 0},          {FAILURE_NO_PORTS, 1, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct metrics *metrics = metrics_new(1);
        struct request_outcome outcome = answered(0, 0, 200);
        outcome.failure = rows[i].failure;
        metrics_record_request(metrics, &outcome);
        const struct endpoint_metrics *endpoint = &metrics->endpoints[0];
        assert_int_equal(endpoint->clocks[CLOCK_LATENESS].count, rows[i].lateness);
        assert_int_equal(endpoint->clocks[CLOCK_SERVICE].count, rows[i].service);
        assert_int_equal(endpoint->clocks[CLOCK_RESPONSE].count, rows[i].response);
        assert_int_equal(endpoint->failed, 1);
        assert_int_equal(endpoint->diverged, 0);
        assert_int_equal(endpoint->by_status_class[0], 1);
        assert_int_equal(endpoint->by_failure[rows[i].failure], 1);
        metrics_free(metrics);
    }
}

static void an_error_status_fails_unless_it_was_recorded(void **state)
{
    (void)state;
    static const struct {
        int status, recorded_status;
        uint64_t failed, diverged;
    } rows[] = {
        {200, 200, 0, 0}, {404, 404, 0, 0}, {404, 200, 1, 1}, {500, 404, 1, 1},
        {201, 200, 0, 1}, {503, 0, 1, 0},   {200, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct metrics *metrics = metrics_new(1);
        struct request_outcome outcome = answered(0, rows[i].status, rows[i].recorded_status);
        metrics_record_request(metrics, &outcome);
        assert_int_equal(metrics->endpoints[0].failed, rows[i].failed);
        assert_int_equal(metrics->endpoints[0].diverged, rows[i].diverged);
        assert_int_equal(metrics->sample_count, rows[i].failed || rows[i].diverged);
        metrics_free(metrics);
    }
}

static void websocket_events_go_to_their_counters(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new(1);
    static const struct ws_outcome outcomes[] = {
        {.event = WS_CONNECTED, .value = 90},
        {.event = WS_CONNECT_FAILED, .failure = FAILURE_PROTOCOL, .detail = "answered 403"},
        {.event = WS_MESSAGE_SENT, .value = 11},
        {.event = WS_MESSAGE_SENT, .value = 12},
        {.event = WS_MESSAGE_RECEIVED, .value = 7},
        {.event = WS_ANSWER_WAIT, .value = 50},
        {.event = WS_LATENESS, .value = 3},
        {.event = WS_MISSING},
        {.event = WS_CLOSED, .value = 200},
        {.event = WS_CLOSED, .value = 200, .failure = FAILURE_RESET, .detail = "broke off"},
        {.event = WS_CLOSED, .value = 9000, .failure = FAILURE_CANCELLED},
    };
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        metrics_record_ws(metrics, &outcomes[i]);
    assert_int_equal(metrics->ws.events[WS_MESSAGE_SENT], 2);
    assert_int_equal(metrics->ws.bytes_sent, 23);
    assert_int_equal(metrics->ws.bytes_received, 7);
    assert_int_equal(metrics->ws.events[WS_MISSING], 1);
    assert_int_equal(histogram_percentile(&metrics->ws.connecting, 50), 90);
    assert_int_equal(histogram_percentile(&metrics->ws.answer_wait, 50), 50);
    assert_int_equal(histogram_percentile(&metrics->ws.session_duration, 50), 200);
    assert_int_equal(metrics->ws.session_duration.count, 2);
    assert_int_equal(metrics->ws.events[WS_CLOSED], 3);
    assert_int_equal(metrics->ws.by_failure[FAILURE_CANCELLED], 0);
    assert_int_equal(metrics->ws.by_failure[FAILURE_PROTOCOL], 1);
    assert_int_equal(metrics->ws.by_failure[FAILURE_RESET], 1);
    assert_int_equal(metrics->ws.events[WS_CONNECT_FAILED], 1);
    assert_int_equal(strncmp(metrics->samples[0].detail, "answered 403; ", 14), 0);
    assert_int_equal(strncmp(metrics->samples[1].detail, "broke off; ", 11), 0);
    metrics_free(metrics);
}

static void a_session_cut_short_has_no_duration(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new(1);
    static const struct session_outcome outcomes[] = {
        {.result = SESSION_DONE, .duration_us = 100},
        {.result = SESSION_FAILED, .duration_us = 7, .steps_not_sent = 4, .detail = "no token"},
        {.result = SESSION_CANCELLED, .duration_us = 8, .steps_not_sent = 2}};
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        metrics_record_session(metrics, &outcomes[i]);
    assert_int_equal(metrics->session_duration.count, 1);
    assert_int_equal(metrics->sessions_by_result[SESSION_CANCELLED], 1);
    assert_int_equal(metrics->steps_not_sent, 6);
    assert_int_equal(metrics->sample_count, 1);
    assert_int_equal(metrics->samples[0].endpoint, SAMPLE_NO_ENDPOINT);
    metrics_free(metrics);
}

static void every_failure_says_what_to_do_and_says_it_once(void **state)
{
    (void)state;
    static char endless[1000];
    memset(endless, 'x', sizeof endless - 1);
    for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++) {
        const enum failure failure = (enum failure)i;
        const char *advice = failure_advice(failure);
        bool is_known = failure != FAILURE_PLUGIN && failure != FAILURE_CANCELLED;
        struct {
            const char *detail;
            char wanted[1200];
        } rows[] = {{NULL, ""}, {"it broke", ""}, {"it broke; mend it", "it broke; mend it"}};
        assert_int_equal(*advice != '\0', is_known);
        if (failure == FAILURE_CANCELLED) /* nobody's failure: no sample is kept */
            continue;
        snprintf(rows[0].wanted, sizeof rows[0].wanted, "%s", advice);
        snprintf(rows[1].wanted, sizeof rows[1].wanted, "it broke%s%s", is_known ? "; " : "",
                 advice);
        for (size_t row = 0; row < 3; row++) {
            struct metrics *metrics = metrics_new(1);
            metrics_record_request(
                metrics, &(struct request_outcome){.failure = failure, .detail = rows[row].detail});
            assert_string_equal(metrics->samples[0].detail, rows[row].wanted);
            metrics_free(metrics);
        }
        struct metrics *metrics = metrics_new(1);
        metrics_record_ws(metrics, &(struct ws_outcome){.event = WS_CONNECT_FAILED,
                                                        .failure = failure,
                                                        .detail = endless});
        const char *said = metrics->samples[0].detail;
        assert_int_equal(strlen(said), sizeof metrics->samples[0].detail - 1);
        assert_string_equal(said + strlen(said) - strlen(advice), advice);
        metrics_free(metrics);
    }
}

/* --- merging --- */

enum { SHARDS = 5, ENDPOINTS = 3, REQUESTS_PER_SHARD = 400 };

static void fill_shard(struct metrics *shard, uint64_t seed)
{
    static const int statuses[] = {200, 200, 200, 201, 404, 500, 503};
    static const enum failure failures[] = {FAILURE_RESET, FAILURE_TIMEOUT, FAILURE_DNS,
                                            FAILURE_TLS, FAILURE_CONNECT};
    struct random random;
    random_init(&random, seed, 0);
    for (int i = 0; i < REQUESTS_PER_SHARD; i++) {
        char detail[32];
        snprintf(detail, sizeof detail, "seed %u", (unsigned)seed);
        struct request_outcome outcome =
            answered((uint32_t)random_below(&random, ENDPOINTS), statuses[random_below(&random, 7)],
                     (int)(200 + random_below(&random, 10)));
        outcome.due_us = random_below(&random, 1000);
        outcome.service_us = random_below(&random, 1000000);
        outcome.detail = detail;
        if (random_below(&random, 10) == 0)
            outcome.failure = failures[random_below(&random, 5)];
        metrics_record_request(shard, &outcome);
        metrics_record_custom(shard, 3, true, random_below(&random, 500));
        metrics_record_custom(shard, 4, false, 2);
    }
    metrics_record_ws(shard, &(struct ws_outcome){.event = WS_MESSAGE_SENT, .value = seed});
    metrics_record_session(shard, &(struct session_outcome){.result = SESSION_DONE});
    shard->bindings_missing[seed % MISSING_COUNT] = seed;
    shard->users_active = 10;
    shard->worker_cpu_us = 100 * seed;
    shard->max_loop_lag_us = 1000 - seed;
    shard->max_silence_us = 3000 - seed;
    struct generator_metrics *generator = &shard->generator;
    *generator_worker(generator, (uint32_t)seed % 3) =
        (struct worker_health){100 * seed, seed, 10 * seed, 1000 - seed};
    generator->queued = seed;
    generator->network.segments_sent = 100;
    generator->network.segments_resent = seed;
    generator->network.no_ports = 1;
    histogram_record(&generator->loop_lag, seed);
    histogram_record(&generator->network.rtt, seed);
    struct request_outcome stamped = answered(0, 200, 500);
    stamped.waiting_us = 400, stamped.receiving_us = 100, stamped.kernel_us = 450 + seed;
    metrics_record_request(shard, &stamped);
}

/* All that is measured, as bytes; the samples sorted by nothing but their own order. */
static void encode(const struct metrics *metrics, struct buf *out)
{
    for (uint32_t i = 0; i < metrics->endpoint_count; i++) {
        const struct endpoint_metrics *endpoint = &metrics->endpoints[i];
        for (int clock = 0; clock < CLOCK_COUNT; clock++)
            histogram_encode(&endpoint->clocks[clock], out);
        buf_append(out, &endpoint->requests,
                   sizeof *endpoint - offsetof(struct endpoint_metrics, requests));
    }
    const struct generator_metrics *generator = &metrics->generator;
    histogram_encode(&metrics->custom[3].histogram, out);
    histogram_encode(&generator->loop_lag, out);
    histogram_encode(&generator->network.rtt, out);
    histogram_encode(&generator->kernel_service, out);
    histogram_encode(&generator->kernel_gap, out);
    buf_append(out, generator->workers, sizeof generator->workers);
    buf_append(out, metrics->bindings_missing, sizeof metrics->bindings_missing);
    buf_printf(out, " %llu %llu %llu", (unsigned long long)generator->queued,
               (unsigned long long)generator->network.segments_resent,
               (unsigned long long)generator->network.no_ports);
    buf_printf(out, " %llu %llu %llu %llu %llu %llu", (unsigned long long)metrics->custom[4].sum,
               (unsigned long long)metrics->ws.bytes_sent,
               (unsigned long long)metrics->sessions_by_result[SESSION_DONE],
               (unsigned long long)metrics->users_active,
               (unsigned long long)metrics->busiest_worker_cpu_us,
               (unsigned long long)metrics->max_loop_lag_us);
}

static bool has_sample(const struct metrics *metrics, const struct failure_sample *wanted)
{
    for (uint32_t i = 0; i < metrics->sample_count; i++) {
        const struct failure_sample *sample = &metrics->samples[i];
        if (sample->due_us == wanted->due_us && sample->status == wanted->status &&
            sample->failure == wanted->failure && sample->endpoint == wanted->endpoint &&
            sample->count == wanted->count && strcmp(sample->detail, wanted->detail) == 0)
            return true;
    }
    return false;
}

static void shards_merged_in_any_order_and_grouping_give_the_same_totals(void **state)
{
    (void)state;
    static const int orders[][SHARDS] = {{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 0, 4, 1, 3}};
    struct metrics *shards[SHARDS];
    for (int i = 0; i < SHARDS; i++) {
        shards[i] = metrics_new(ENDPOINTS);
        fill_shard(shards[i], (uint64_t)i + 1);
    }
    struct metrics *first = NULL;
    struct buf expected = BUF_INIT(1 << 20), actual = BUF_INIT(1 << 20);
    for (size_t row = 0; row < sizeof orders / sizeof *orders; row++) {
        struct metrics *left = metrics_new(ENDPOINTS), *right = metrics_new(ENDPOINTS);
        for (int i = 0; i < SHARDS; i++)
            assert_int_equal(metrics_merge(i < 2 ? left : right, shards[orders[row][i]]), 0);
        assert_int_equal(metrics_merge(left, right), 0);
        metrics_free(right);
        buf_clear(&actual);
        encode(left, row ? &actual : &expected);
        if (!row) {
            first = left;
            assert_int_equal(first->sample_count, METRICS_MAX_SAMPLES);
            assert_int_equal(first->busiest_worker_cpu_us, 500);
            assert_int_equal(first->max_loop_lag_us, 999);
            assert_int_equal(first->max_silence_us, 2999);
            assert_int_equal(first->users_active, 50);
            assert_int_equal(first->generator.worker_count, 3);
            assert_int_equal(first->generator.workers[2].cpu_us, 700); /* of shards 2 and 5 */
            assert_int_equal(first->generator.workers[2].max_loop_lag_us, 998);
            assert_int_equal(generator_busiest_us(&first->generator), 700 - 7 + 70);
            assert_int_equal(first->generator.kernel_gap.max, 49);
            assert_int_equal(first->generator.network.segments_resent, 15);
            continue;
        }
        assert_true(bytes_equal(buf_bytes(&expected), buf_bytes(&actual)));
        assert_int_equal(left->sample_count, first->sample_count);
        for (uint32_t i = 0; i < left->sample_count; i++)
            assert_true(has_sample(first, &left->samples[i]));
        metrics_free(left);
    }
    struct endpoint_metrics all;
    assert_int_equal(metrics_sum_endpoints(first, &all), 0);
    assert_int_equal(all.requests, SHARDS * (REQUESTS_PER_SHARD + 1));
    endpoint_metrics_fini(&all);
    metrics_free(first);
    for (int i = 0; i < SHARDS; i++)
        metrics_free(shards[i]);
    buf_fini(&expected);
    buf_fini(&actual);
}

/* With an answer a kind is both statuses; without, the failure, whatever was recorded. */
static void failures_are_counted_by_kind_and_the_earliest_is_the_sample(void **state)
{
    (void)state;
    static const struct {
        int status, recorded_status;
        enum failure failure;
        uint64_t due_us;
    } rows[] = {
        {503, 200, FAILURE_NONE, 70}, {503, 200, FAILURE_NONE, 50}, {503, 200, FAILURE_NONE, 60},
        {503, 202, FAILURE_NONE, 40}, {0, 200, FAILURE_RESET, 30},  {0, 404, FAILURE_RESET, 20},
        {200, 200, FAILURE_NONE, 10},
    };
    static const struct {
        int status, recorded_status;
        enum failure failure;
        uint64_t due_us, count;
    } kinds[] = {{503, 200, FAILURE_NONE, 50, 6},
                 {503, 202, FAILURE_NONE, 40, 2},
                 {0, 404, FAILURE_RESET, 20, 4}};
    struct metrics *shard = metrics_new(1), *totals = metrics_new(1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request_outcome outcome = answered(0, rows[i].status, rows[i].recorded_status);
        outcome.failure = rows[i].failure;
        outcome.due_us = rows[i].due_us;
        metrics_record_request(shard, &outcome);
    }
    assert_int_equal(metrics_merge(totals, shard), 0);
    assert_int_equal(metrics_merge(totals, shard), 0);
    assert_int_equal(totals->sample_count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct failure_sample *sample = &totals->samples[i];
        assert_int_equal(sample->status, kinds[i].status);
        assert_int_equal(sample->recorded_status, kinds[i].recorded_status);
        assert_int_equal(sample->failure, kinds[i].failure);
        assert_int_equal(sample->due_us, kinds[i].due_us);
        assert_int_equal(sample->count, kinds[i].count);
    }
    metrics_free(shard);
    metrics_free(totals);
}

static void a_cleared_shard_is_as_good_as_new(void **state)
{
    (void)state;
    struct metrics *used = metrics_new(ENDPOINTS), *fresh = metrics_new(ENDPOINTS);
    struct buf expected = BUF_INIT(1 << 20), actual = BUF_INIT(1 << 20);
    fill_shard(used, 9);
    metrics_clear(used);
    encode(used, &actual);
    encode(fresh, &expected);
    assert_true(bytes_equal(buf_bytes(&expected), buf_bytes(&actual)));
    buf_clear(&expected);
    buf_clear(&actual);
    fill_shard(used, 7);
    fill_shard(fresh, 7);
    encode(used, &actual);
    encode(fresh, &expected);
    assert_true(bytes_equal(buf_bytes(&expected), buf_bytes(&actual)));
    metrics_free(used);
    metrics_free(fresh);
    buf_fini(&expected);
    buf_fini(&actual);
}

static void every_outcome_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(failure_name(FAILURE_NONE), "none");
    assert_string_equal(failure_name(FAILURE_CONNECT_REFUSED), "connect_refused");
    for (int i = 0; i < FAILURE_COUNT; i++)
        assert_non_null(failure_name((enum failure)i));
    for (int i = 0; i < ORIGIN_COUNT; i++)
        assert_non_null(request_origin_name((enum request_origin)i));
    for (int i = 0; i < SESSION_RESULT_COUNT; i++)
        assert_non_null(session_result_name((enum session_result)i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_counts_to_every_clock_but_those_of_a_connection_not_made),
        cmocka_unit_test(a_failure_counts_only_to_the_clocks_it_says_something_about),
        cmocka_unit_test(an_error_status_fails_unless_it_was_recorded),
        cmocka_unit_test(websocket_events_go_to_their_counters),
        cmocka_unit_test(every_failure_says_what_to_do_and_says_it_once),
        cmocka_unit_test(a_session_cut_short_has_no_duration),
        cmocka_unit_test(shards_merged_in_any_order_and_grouping_give_the_same_totals),
        cmocka_unit_test(failures_are_counted_by_kind_and_the_earliest_is_the_sample),
        cmocka_unit_test(a_cleared_shard_is_as_good_as_new),
        cmocka_unit_test(every_outcome_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

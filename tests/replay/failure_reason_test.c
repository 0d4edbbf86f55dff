/* failure_reason_test.c - which texts are one reason, and that each is counted as a kind. */
#include "replay/failure_reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "replay/metrics.h"

enum { SHARDS = 5 };

static bool has_sample(const struct metrics *metrics, const struct failure_sample *wanted)
{
    for (uint32_t i = 0; i < metrics->sample_count; i++) {
        const struct failure_sample *sample = &metrics->samples[i];
        if (sample->failure == wanted->failure && sample->endpoint == wanted->endpoint &&
            sample->count == wanted->count && strcmp(sample->detail, wanted->detail) == 0)
            return true;
    }
    return false;
}

static void texts_that_differ_in_numbers_and_ids_are_one_reason(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool is_same;
    } rows[] = {
        {"step 0: no token", "step 17: no token", true},
        {"step 0: no token", "step 0: no job", false},
        {"job a3f9c2 failed", "job 77 failed", true},
        {"job a3f9c2 failed", "job face failed", false},
        {"job 550e8400-e29b-41d4-a716-446655440000 is gone",
         "job abcdabcd-dead-beef-cafe-"
         "abcdefabcdef is gone",
         true},
        {"user \"ann@shop\" has no row", "user \"bob@shop\" has no row", true},
        {"user 'ann' has no row", "user 'bob' has no row", true},
        {"it doesn't know the user's job", "it doesn't know the host's job", false},
        {"an open \"quote", "an open \"quota", false},
        {"HTTP2 broke", "HTTP1 broke", true},
        {"", "", true},
        {"", "0", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if ((failure_reason(rows[i].a) == failure_reason(rows[i].b)) != rows[i].is_same)
            fail_msg("'%s' and '%s'", rows[i].a, rows[i].b);
    }
    char a[256], b[256]; /* cut off elsewhere: the number before is longer */
    memset(a, 'x', 199), memset(b, 'x', 199);
    a[199] = b[199] = '\0';
    memcpy(a, "step 1 ", 7), memcpy(b, "step 123456 ", 12);
    assert_int_equal(failure_reason(a), failure_reason(b));
}

static void record_failed_session(struct metrics *metrics, const char *detail)
{
    metrics_record_session(metrics,
                           &(struct session_outcome){.result = SESSION_FAILED, .detail = detail});
}

static void each_reason_of_plugins_is_counted(void **state)
{
    (void)state;
    static const struct {
        const char *detail;
        uint64_t count;
    } kinds[] = {{"step 0: no token", 3}, {"no job", 1}, {"was not refused (200)", 2}};
    struct metrics *metrics = metrics_new(1);
    record_failed_session(metrics, "step 7: no token");
    record_failed_session(metrics, "step 0: no token");
    record_failed_session(metrics, "no job");
    record_failed_session(metrics, "step 12: no token");
    for (int i = 0; i < 2; i++) {
        struct request_outcome outcome = {.failure = FAILURE_PLUGIN,
                                          .detail = i ? "was not refused (201)" : kinds[2].detail};
        metrics_record_request(metrics, &outcome);
    }
    assert_int_equal(metrics->sample_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(metrics->samples[i].detail, kinds[i].detail);
        assert_int_equal(metrics->samples[i].count, kinds[i].count);
    }
    metrics_free(metrics);
}

/* Letters, as numbers are folded. */
static void record_some_reasons(struct metrics *shard, uint64_t seed)
{
    struct random random;
    random_init(&random, seed, 0);
    for (int i = 0; i < 2000; i++) {
        char detail[] = "reason ..., step 0";
        detail[7] = (char)('g' + random_below(&random, 10));
        detail[8] = (char)('g' + random_below(&random, 10));
        detail[17] = (char)('0' + random_below(&random, 10));
        record_failed_session(shard, detail);
    }
    struct request_outcome diverged = {.status = 503, .recorded_status = 200};
    metrics_record_request(shard, &diverged);
}

static void of_too_many_reasons_the_same_stay_in_any_order_and_no_status_goes(void **state)
{
    (void)state;
    struct metrics *totals[2] = {metrics_new(1), metrics_new(1)};
    struct metrics *shards[SHARDS];
    for (int i = 0; i < SHARDS; i++) {
        shards[i] = metrics_new(1);
        record_some_reasons(shards[i], (uint64_t)i + 1);
    }
    for (int i = 0; i < SHARDS; i++) {
        assert_int_equal(metrics_merge(totals[0], shards[i]), 0);
        assert_int_equal(metrics_merge(totals[1], shards[SHARDS - 1 - i]), 0);
    }
    assert_int_equal(totals[0]->sample_count, METRICS_MAX_REASONS + 1);
    assert_int_equal(totals[1]->sample_count, METRICS_MAX_REASONS + 1);
    for (uint32_t i = 0; i < totals[0]->sample_count; i++) {
        assert_true(has_sample(totals[1], &totals[0]->samples[i]));
        if (!totals[0]->samples[i].failure)
            assert_int_equal(totals[0]->samples[i].count, SHARDS);
    }
    for (int i = 0; i < SHARDS; i++)
        metrics_free(shards[i]);
    metrics_free(totals[0]);
    metrics_free(totals[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_that_differ_in_numbers_and_ids_are_one_reason),
        cmocka_unit_test(each_reason_of_plugins_is_counted),
        cmocka_unit_test(of_too_many_reasons_the_same_stay_in_any_order_and_no_status_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* rate_limit_ledger_test.c - the two bounds of what a target can have left: held against targets
 * that count for real, with any delay on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/rate_limit/keys.h"

#define BASE 1700000000000000ULL
#define PERIOD 1000000ULL

static uint64_t next_random(uint64_t *random)
{
    *random = *random * 6364136223846793005U + 1442695040888963407U;
    return *random >> 33;
}

/* A target that counts as the model says, on its own clock of arrivals. */
struct target {
    uint64_t window_us, times[64];
    double tokens;
    uint64_t filled_us;
    uint64_t count, passed;
};

static bool lets_through(struct target *target, enum ledger_kind kind, uint64_t count,
                         uint64_t at_us)
{
    uint64_t in_period = 0;
    switch (kind) {
    case LEDGER_WINDOW:
    case LEDGER_CLOCK: {
        bool is_new = kind == LEDGER_CLOCK ? at_us / PERIOD != target->window_us / PERIOD
                                           : at_us >= target->window_us + PERIOD;
        if (is_new) {
            target->window_us = at_us;
            target->count = 0;
        }
        return target->count < count && ++target->count;
    }
    case LEDGER_SLIDING:
        for (uint64_t i = 0; i < target->passed && i < 64; i++)
            in_period += target->times[i] + PERIOD > at_us;
        if (in_period >= count)
            return false;
        target->times[target->passed++ % 64] = at_us;
        return true;
    case LEDGER_BUCKET:
        if (!target->filled_us)
            target->tokens = (double)count;
        else
            target->tokens += (double)(at_us - target->filled_us) * (double)count / PERIOD;
        if (target->tokens > (double)count)
            target->tokens = (double)count;
        target->filled_us = at_us;
        return target->tokens >= 1 && (target->tokens -= 1, true);
    }
    return false;
}

/* An honest target is never blamed, neither way, in whatever order its answers come. */
static void an_honest_target_is_never_blamed(void **state)
{
    (void)state;
    struct pending {
        struct ledger_span span;
        bool passed;
    } pending[8];
    for (uint64_t seed = 1; seed <= 400; seed++) {
        enum ledger_kind kind = (enum ledger_kind)(seed % 4);
        const struct ledger_terms terms = {
            .kind = kind, .count = 1 + seed % 7, .period_us = PERIOD, .skew_us = 0};
        struct target target = {.count = 0};
        struct ledger ledger = {.is_used = false};
        uint64_t random = seed, now_us = BASE;
        size_t judged = 0, refused = 0;
        for (size_t round = 0; round < 60; round++) {
            size_t count = 1 + next_random(&random) % 8;
            now_us += next_random(&random) % (seed % 3 ? 400000 : 1500000);
            uint64_t arrival_us = now_us;
            for (size_t i = 0; i < count; i++) { /* at once; they arrive in this order */
                arrival_us += next_random(&random) % 30000;
                pending[i].span.sent_us = arrival_us - next_random(&random) % 40000;
                pending[i].span.answered_us = arrival_us + next_random(&random) % 40000;
                pending[i].passed = lets_through(&target, kind, terms.count, arrival_us);
            }
            now_us = arrival_us;
            for (size_t left = count; left > 0; left--) { /* in the order of their answers */
                size_t first = 0;
                for (size_t i = 1; i < left; i++)
                    if (pending[i].span.answered_us < pending[first].span.answered_us)
                        first = i;
                struct pending p = pending[first];
                pending[first] = pending[left - 1];
                now_us = p.span.answered_us > now_us ? p.span.answered_us : now_us;
                double most = ledger_most(&terms, &ledger, p.span);
                double least = ledger_least(&terms, &ledger, p.span) - (double)(left - 1);
                if (p.passed && most < 0.999)
                    fail_msg("seed %zu, kind %d, round %zu: one too many by %g", (size_t)seed,
                             (int)kind, round, 1 - most);
                if (!p.passed && least > 1.001)
                    fail_msg("seed %zu, kind %d, round %zu: too early, %g were left", (size_t)seed,
                             (int)kind, round, least);
                if (p.passed)
                    assert_int_equal(ledger_take(&terms, &ledger, p.span, true), 0);
                judged++;
                refused += !p.passed;
            }
        }
        if (terms.count < 3)
            assert_true(refused > 0 && refused < judged);
        ledger_fini(&ledger);
    }
}

/* One after another, without any doubt about when: the first too many is seen at once. */
static void one_too_many_and_one_too_early_are_seen(void **state)
{
    (void)state;
    for (int kind = LEDGER_WINDOW; kind <= LEDGER_BUCKET; kind++) {
        const struct ledger_terms terms = {
            .kind = (enum ledger_kind)kind, .count = 3, .period_us = 3600 * PERIOD};
        struct ledger ledger = {.is_used = false};
        uint64_t hour_us = BASE - BASE % terms.period_us;
        for (uint64_t i = 0; i < 3; i++) {
            struct ledger_span span = {hour_us + i * 1000, hour_us + i * 1000 + 500};
            assert_true(ledger_most(&terms, &ledger, span) >= 0.999);
            assert_true(ledger_least(&terms, &ledger, span) >= 0.999); /* a refusal is too early */
            ledger_take(&terms, &ledger, span, true);
        }
        struct ledger_span fourth = {hour_us + 4000, hour_us + 4500};
        assert_true(ledger_most(&terms, &ledger, fourth) < 0.999);
        assert_true(ledger_least(&terms, &ledger, fourth) < 0.999);
        ledger_take(&terms, &ledger, fourth, true);
        assert_true(ledger_most(&terms, &ledger, fourth) < 0.999); /* the fifth, too */
        struct ledger_span later = {hour_us + 2 * terms.period_us,
                                    hour_us + 2 * terms.period_us + 10};
        assert_true(ledger_most(&terms, &ledger, later) >= 2.999);
        assert_true(ledger_least(&terms, &ledger, later) >= 2.999);
        ledger_fini(&ledger);
    }
}

static void what_nobody_saw_answered_counts_for_the_strict_target_alone(void **state)
{
    (void)state;
    for (int kind = LEDGER_WINDOW; kind <= LEDGER_BUCKET; kind++) {
        const struct ledger_terms terms = {
            .kind = (enum ledger_kind)kind, .count = 1, .period_us = 3600 * PERIOD};
        struct ledger ledger = {.is_used = false};
        uint64_t hour_us = BASE - BASE % terms.period_us;
        ledger_take(&terms, &ledger, (struct ledger_span){hour_us, hour_us + 10}, false);
        struct ledger_span span = {hour_us + 100, hour_us + 110};
        assert_true(ledger_most(&terms, &ledger, span) >= 0.999);
        assert_true(ledger_least(&terms, &ledger, span) < 0.999);
        ledger_fini(&ledger);
    }
}

static void a_clock_that_is_off_is_no_reason_to_blame(void **state)
{
    (void)state;
    const struct ledger_terms terms = {
        .kind = LEDGER_CLOCK, .count = 1, .period_us = 60 * PERIOD, .skew_us = 2 * PERIOD};
    struct ledger ledger = {.is_used = false};
    uint64_t minute_us = BASE - BASE % terms.period_us;
    ledger_take(&terms, &ledger,
                (struct ledger_span){minute_us + 30 * PERIOD, minute_us + 30 * PERIOD + 1}, true);
    struct ledger_span near_end = {minute_us + 59 * PERIOD, minute_us + 59 * PERIOD + 1};
    assert_true(ledger_most(&terms, &ledger, near_end) >= 0.999);
    assert_true(ledger_least(&terms, &ledger, near_end) < 0.999);
    struct ledger_span within = {minute_us + 50 * PERIOD, minute_us + 50 * PERIOD + 1};
    assert_true(ledger_most(&terms, &ledger, within) < 0.999);
}

static void keys_are_found_again(void **state)
{
    (void)state;
    struct keys keys = {.count = 0};
    char text[16];
    struct key *first = keys_get(&keys, 0, "", 0);
    assert_non_null(first);
    for (uint32_t i = 0; i < 1000; i++) {
        int len = snprintf(text, sizeof text, "user-%u", i);
        struct key *key = keys_get(&keys, i % 3, text, (size_t)len);
        assert_non_null(key);
        key->in_flight = i + 1;
    }
    for (uint32_t i = 0; i < 1000; i++) {
        int len = snprintf(text, sizeof text, "user-%u", i);
        assert_int_equal(keys_get(&keys, i % 3, text, (size_t)len)->in_flight, i + 1);
        assert_int_equal(keys_get(&keys, i % 3 + 5, text, (size_t)len)->in_flight, 0);
    }
    assert_ptr_equal(keys_get(&keys, 0, "", 0), first);
    keys_fini(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_target_is_never_blamed),
        cmocka_unit_test(one_too_many_and_one_too_early_are_seen),
        cmocka_unit_test(what_nobody_saw_answered_counts_for_the_strict_target_alone),
        cmocka_unit_test(a_clock_that_is_off_is_no_reason_to_blame),
        cmocka_unit_test(keys_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

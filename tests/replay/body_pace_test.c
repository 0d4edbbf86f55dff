/* body_pace_test.c - a body at a pace: no faster, no slower, whenever the timers fire. */
#include "replay/transport/body_pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/random.h"

#define MBIT UINT64_C(125000)

/* Send `total` as its sender would, each timer late by up to `late_us`: when the last byte went. */
static uint64_t send_all(uint64_t bytes_per_s, uint64_t total, uint64_t late_us, size_t max)
{
    struct body_pace pace;
    struct random random;
    uint64_t now_us = 1000, sent = 0;
    random_init(&random, 7, 0);
    body_pace_begin(&pace, bytes_per_s, now_us);
    while (sent < total) {
        uint64_t wanted = total - sent < max ? total - sent : max;
        uint64_t next_us = body_pace_next_us(&pace, wanted, now_us);
        uint64_t allowed = body_pace_allows(&pace, wanted, now_us);
        if (allowed < wanted && next_us > now_us) {
            now_us = next_us + (late_us ? random_u64(&random) % late_us : 0);
            continue;
        }
        assert_true(allowed > 0);
        body_pace_spend(&pace, allowed);
        sent += allowed;
        /* Never ahead, from the first byte on. */
        assert_true(sent <= (now_us - 1000) * bytes_per_s / 1000000);
    }
    return now_us - 1000;
}

static void a_body_takes_as_long_as_its_pace_says(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes_per_s, total;
    } rows[] = {{MBIT, 2000000},
                {MBIT, 1},
                {1, 5},
                {19, 40},
                {1000000000, 3000000000},
                {3, 0},
                /* Less than a helping, and than what the bucket holds. */
                {MBIT, 3000},
                {MBIT, 6250},
                {MBIT, 20000},
                {MBIT, 31250},
                {8000, 1999}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t whole_us = body_pace_takes_us(rows[i].total, rows[i].bytes_per_s);
        for (int late = 0; late < 2; late++) {
            uint64_t took_us =
                send_all(rows[i].bytes_per_s, rows[i].total, late ? 40000 : 0, 16384);
            assert_true(took_us <= whole_us + BODY_PACE_STEP_US + 1);
            assert_true(took_us >= whole_us);
            if (!late)
                assert_true(took_us <= whole_us + 1);
        }
    }
}

static void time_that_stood_still_is_not_made_up_for_at_once(void **state)
{
    (void)state;
    struct body_pace pace;
    body_pace_begin(&pace, MBIT, 0);
    assert_int_equal(body_pace_allows(&pace, 1000000, UINT64_C(3600000000)),
                     MBIT * BODY_PACE_BUCKET_US / 1000000);
}

static void without_a_pace_everything_may_go(void **state)
{
    (void)state;
    struct body_pace pace;
    body_pace_begin(&pace, 0, 5);
    assert_int_equal(body_pace_allows(&pace, UINT32_MAX, 5), UINT32_MAX);
    body_pace_spend(&pace, UINT32_MAX);
    assert_int_equal(body_pace_next_us(&pace, UINT32_MAX, 5), 5);
    body_pace_begin(&pace, UINT64_MAX, 5); /* as good as none */
    assert_int_equal(body_pace_allows(&pace, UINT32_MAX, 5), UINT32_MAX);
    assert_int_equal(body_pace_takes_us(UINT64_MAX, UINT64_MAX), 0);
    assert_true(body_pace_takes_us(UINT64_MAX, 1) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_takes_as_long_as_its_pace_says),
        cmocka_unit_test(time_that_stood_still_is_not_made_up_for_at_once),
        cmocka_unit_test(without_a_pace_everything_may_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

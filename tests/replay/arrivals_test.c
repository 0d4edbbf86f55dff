/* arrivals_test.c - which session starts when, as which user: the same for the same seed, on any
 * worker. */
#include "replay/plan/arrivals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct plan_entry sessions[4] = {
    {.start_us = 0}, {.start_us = 1000000}, {.start_us = 1500000}, {.start_us = 4000000}};
static const struct plan plan = {
    .index = sessions, .session_count = 4, .span_us = 4000000, .mean_gap_us = 200000};

enum { MOST = 4096 };

static size_t draw_all(double scale, double speed, uint64_t seed, struct arrival *out)
{
    struct arrivals arrivals;
    size_t count = 0;
    arrivals_init(&arrivals, &plan, scale, speed, seed);
    while (count < MOST && arrivals_next(&arrivals, &out[count]) > 0)
        count++;
    arrivals_fini(&arrivals);
    return count;
}

static void at_scale_one_arrivals_are_the_recorded_ones(void **state)
{
    (void)state;
    struct arrival drawn[MOST];
    assert_int_equal(draw_all(1, 1, 7, drawn), 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(drawn[i].session, i);
        assert_int_equal(drawn[i].at_us, sessions[i].start_us);
        assert_int_equal(drawn[i].user, i);
    }
    assert_int_equal(draw_all(1, 5, 7, drawn), 4);
    assert_int_equal(drawn[1].at_us, 200000);
}

static void copies_start_inside_the_gap_to_the_next_arrival_and_not_in_step(void **state)
{
    (void)state;
    static const uint64_t mean_gap_us = 4000000 / 3; /* behind the last one */
    struct arrival drawn[MOST];
    for (uint64_t speed = 1; speed <= 5; speed += 4) {
        size_t count = draw_all(10, (double)speed, 7, drawn);
        assert_int_equal(count, 40);
        for (size_t i = 0; i < count; i++) {
            uint32_t session = drawn[i].session;
            uint64_t from_us = sessions[session].start_us;
            uint64_t end_us = session < 3 ? sessions[session + 1].start_us : from_us + mean_gap_us;
            assert_int_equal(session, i / 10);
            if (i % 10 == 0) /* the recorded one itself */
                assert_int_equal(drawn[i].at_us, from_us / speed);
            assert_true(drawn[i].at_us >= from_us / speed && drawn[i].at_us < end_us / speed);
            assert_true(i == 0 || drawn[i].at_us >= drawn[i - 1].at_us);
            assert_true(i == 0 || drawn[i].at_us != drawn[i - 1].at_us);
            assert_int_equal(drawn[i].user, i);
        }
    }
}

static void a_fraction_of_scale_is_drawn_and_right_on_average(void **state)
{
    (void)state;
    struct arrival drawn[MOST];
    size_t total = 0;
    for (uint64_t seed = 0; seed < 1000; seed++)
        total += draw_all(2.5, 1, seed, drawn);
    assert_true(total > 9800 && total < 10200); /* 4 sessions x 2.5 x 1000, 6 sigma is 190 */
}

static void one_seed_is_one_sequence_and_another_is_another(void **state)
{
    (void)state;
    struct arrival a[MOST], b[MOST], c[MOST];
    size_t count = draw_all(3.7, 2, 1, a);
    assert_int_equal(draw_all(3.7, 2, 1, b), count);
    assert_memory_equal(a, b, count * sizeof *a);
    size_t other = draw_all(3.7, 2, 2, c);
    assert_true(other != count || memcmp(a, c, count * sizeof *a) != 0);
}

static void closed_users_draw_every_session_and_stagger_within_a_think_time(void **state)
{
    (void)state;
    const struct pacing pacing = {PACING_THINK, 1, 2}, max = {PACING_MAX, 1, 1};
    int seen[4] = {0};
    for (uint64_t user = 0; user < 100; user++) {
        for (uint64_t n = 0; n < 40; n++)
            seen[arrivals_draw(&plan, 1, user, n)]++;
        assert_true(arrivals_stagger_us(&plan, &pacing, 1, user) <= 100000);
        assert_int_equal(arrivals_stagger_us(&plan, &max, 1, user), 0);
    }
    for (int i = 0; i < 4; i++)
        assert_true(seen[i] > 800 && seen[i] < 1200);
}

static void at_a_small_scale_there_may_be_no_session_at_all(void **state)
{
    (void)state;
    struct arrival drawn[MOST];
    assert_int_equal(draw_all(1e-9, 1, 7, drawn), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_scale_one_arrivals_are_the_recorded_ones),
        cmocka_unit_test(copies_start_inside_the_gap_to_the_next_arrival_and_not_in_step),
        cmocka_unit_test(a_fraction_of_scale_is_drawn_and_right_on_average),
        cmocka_unit_test(one_seed_is_one_sequence_and_another_is_another),
        cmocka_unit_test(at_a_small_scale_there_may_be_no_session_at_all),
        cmocka_unit_test(closed_users_draw_every_session_and_stagger_within_a_think_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

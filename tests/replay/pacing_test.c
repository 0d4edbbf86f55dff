/* pacing_test.c - speeds, and stages of users over time. */
#include "replay/plan/pacing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct stages stages_of(uint32_t start_users, const char *const *texts)
{
    struct stages stages = {.start_users = start_users};
    for (; *texts; texts++)
        assert_int_equal(stages_add(&stages, *texts), 0);
    return stages;
}

static void a_speed_divides_and_rounds_to_the_nearest(void **state)
{
    (void)state;
    assert_int_equal(pacing_scale_us(1000, 1), 1000);
    assert_int_equal(pacing_scale_us(1000, 5), 200);
    assert_int_equal(pacing_scale_us(1000, 3), 333);
    assert_int_equal(pacing_scale_us(1000, 0.5), 2000);
    assert_int_equal(pacing_scale_us(INT64_MAX, 1e-3), PACING_LONGEST_US);
    assert_int_equal(pacing_scale_us(1, 1e-300), PACING_LONGEST_US);
    assert_int_equal(pacing_scale_us(0, 7), 0);
}

static void stages_are_read_and_what_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "30s", ":10", "30s:", "30s:-1", "x:10", "30s:1.5", "30s:99999999999", "30s:1000001"};
    struct stages stages = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (stages_add(&stages, bad[i]) == 0)
            fail_msg("'%s' was taken for a stage", bad[i]);
    }
    assert_int_equal(stages.count, 0);
    assert_int_equal(stages_add(&stages, "1m30s:250"), 0);
    assert_int_equal(stages.items[0].duration_us, 90000000);
    assert_int_equal(stages.items[0].users, 250);
}

static void users_go_linearly_from_one_count_to_the_next(void **state)
{
    (void)state;
    static const char *const texts[] = {"10s:100", "10s:100", "5s:0", NULL};
    struct stages stages = stages_of(0, texts);
    static const struct {
        uint64_t at_ms;
        uint32_t users;
    } rows[] = {{0, 0},       {1000, 10},  {9900, 99}, {10000, 100}, {15000, 100},
                {20000, 100}, {22500, 50}, {24999, 0}, {25000, 0},   {99000, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(stages_users_at(&stages, rows[i].at_ms * 1000), rows[i].users);
    assert_int_equal(stages_duration_us(&stages), 25000000);
    assert_int_equal(stages_most_users(&stages), 100);
}

/* A user's start is the first moment at which the count has reached it: the two never disagree. */
static void a_user_starts_when_the_count_reaches_it(void **state)
{
    (void)state;
    static const char *const texts[] = {"2s:7", "1s:7", "3s:20", "1s:3", NULL};
    struct stages stages = stages_of(2, texts);
    for (uint32_t user = 0; user < 22; user++) {
        for (uint64_t from_us = 0; from_us < 8000000; from_us += 250000) {
            uint64_t at_us = stages_next_start_us(&stages, user, from_us);
            if (at_us == STAGES_NEVER) {
                for (uint64_t later_us = from_us; later_us < 7000000; later_us += 50000)
                    assert_true(stages_users_at(&stages, later_us) <= user);
                continue;
            }
            assert_true(at_us >= from_us);
            assert_true(stages_users_at(&stages, at_us) > user);
            assert_true(at_us == from_us || stages_users_at(&stages, at_us - 2) <= user);
        }
    }
}

static void constant_users_start_at_once_and_never_after_the_end(void **state)
{
    (void)state;
    struct stages stages = {.start_users = 50, .count = 1, .items = {{10000000, 50}}};
    assert_int_equal(stages_next_start_us(&stages, 49, 0), 0);
    assert_int_equal(stages_next_start_us(&stages, 49, 9999999), 9999999);
    assert_true(stages_next_start_us(&stages, 49, 10000000) == STAGES_NEVER);
    assert_true(stages_next_start_us(&stages, 50, 0) == STAGES_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_speed_divides_and_rounds_to_the_nearest),
        cmocka_unit_test(stages_are_read_and_what_is_none_is_refused),
        cmocka_unit_test(users_go_linearly_from_one_count_to_the_next),
        cmocka_unit_test(a_user_starts_when_the_count_reaches_it),
        cmocka_unit_test(constant_users_start_at_once_and_never_after_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

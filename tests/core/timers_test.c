/* timers_test.c - timers fire in order, against a sorted model, and cannot spin or starve a run. */
#include "core/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"

enum { TIMERS = 300 };

struct fixture {
    struct timers timers;
    struct timer timer[TIMERS];
    size_t fired[4 * TIMERS]; /* indexes, in order of firing */
    size_t fired_count;
};

static void note(struct timer *timer, void *owner, uint64_t now_us)
{
    struct fixture *fixture = owner;
    (void)now_us;
    assert_false(timer_is_set(timer));
    assert_true(fixture->fired_count < sizeof fixture->fired / sizeof fixture->fired[0]);
    fixture->fired[fixture->fired_count++] = (size_t)(timer - fixture->timer);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (!fixture)
        return -1;
    timers_init(&fixture->timers);
    for (size_t i = 0; i < TIMERS; i++)
        timer_init(&fixture->timer[i], note, fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    timers_fini(&fixture->timers);
    for (size_t i = 0; i < TIMERS; i++)
        assert_false(timer_is_set(&fixture->timer[i]));
    free(fixture);
    return 0;
}

static void without_timers_nothing_is_due(void **state)
{
    struct fixture *fixture = *state;
    assert_true(timers_next_us(&fixture->timers) == TIMERS_NONE_US);
    assert_int_equal(timers_run(&fixture->timers, UINT64_MAX), 0);
    timers_cancel(&fixture->timers, &fixture->timer[0]);
}

static void a_timer_fires_at_its_moment_and_not_before(void **state)
{
    struct fixture *fixture = *state;
    timers_set(&fixture->timers, &fixture->timer[0], 100);
    assert_int_equal(timers_next_us(&fixture->timers), 100);
    assert_int_equal(timers_run(&fixture->timers, 99), 0);
    assert_true(timer_is_set(&fixture->timer[0]));
    assert_int_equal(timers_run(&fixture->timers, 100), 1);
    assert_int_equal(timers_run(&fixture->timers, 100), 0);
}

static void equal_moments_fire_in_the_order_of_setting(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < TIMERS; i++)
        timers_set(&fixture->timers, &fixture->timer[i], 5);
    timers_set(&fixture->timers, &fixture->timer[0], 5); /* set anew: now the last */
    assert_int_equal(timers_run(&fixture->timers, 5), TIMERS);
    for (size_t i = 0; i < TIMERS; i++)
        assert_int_equal(fixture->fired[i], (i + 1) % TIMERS);
}

/* What the heap must do, done by looking at everything. */
struct model {
    uint64_t due_us[TIMERS];
    uint64_t order[TIMERS]; /* 0: not set */
};

static size_t first_of(const struct model *model)
{
    size_t first = TIMERS;
    for (size_t i = 0; i < TIMERS; i++) {
        if (!model->order[i])
            continue;
        if (first == TIMERS || model->due_us[i] < model->due_us[first] ||
            (model->due_us[i] == model->due_us[first] && model->order[i] < model->order[first]))
            first = i;
    }
    return first;
}

static void any_order_of_setting_moving_and_cancelling_agrees_with_a_model(void **state)
{
    struct fixture *fixture = *state;
    static struct model model;
    struct random random;
    uint64_t now_us = 0, order = 0;
    random_init(&random, 1, 0);
    for (int round = 0; round < 400; round++) {
        for (int i = 0; i < 40; i++) {
            size_t at = random_below(&random, TIMERS);
            if (random_below(&random, 3) == 0) {
                timers_cancel(&fixture->timers, &fixture->timer[at]);
                model.order[at] = 0;
            } else {
                /* Few moments, so that many are equal. */
                model.due_us[at] = now_us + random_below(&random, 50);
                model.order[at] = ++order;
                timers_set(&fixture->timers, &fixture->timer[at], model.due_us[at]);
            }
        }
        now_us += random_below(&random, 20);
        fixture->fired_count = 0;
        size_t fired = timers_run(&fixture->timers, now_us);
        assert_int_equal(fired, fixture->fired_count);
        for (size_t i = 0; i < fired; i++) {
            size_t expected = first_of(&model);
            assert_int_equal(fixture->fired[i], expected);
            model.order[expected] = 0;
        }
        size_t next = first_of(&model);
        uint64_t next_us = next == TIMERS ? TIMERS_NONE_US : model.due_us[next];
        assert_true(timers_next_us(&fixture->timers) == next_us && next_us > now_us);
    }
}

static void set_again_in_the_past(struct timer *timer, void *owner, uint64_t now_us)
{
    struct fixture *fixture = owner;
    note(timer, owner, now_us);
    timers_set(&fixture->timers, timer, 1);
}

static void a_timer_that_sets_itself_in_the_past_fires_once_a_run_and_starves_nobody(void **state)
{
    struct fixture *fixture = *state;
    fixture->timer[0].fire = set_again_in_the_past;
    timers_set(&fixture->timers, &fixture->timer[0], 10);
    for (size_t i = 1; i < 10; i++)
        timers_set(&fixture->timers, &fixture->timer[i], 20);
    assert_int_equal(timers_run(&fixture->timers, 20), 10);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(fixture->fired[i], i);
    assert_int_equal(timers_next_us(&fixture->timers), 20);
    assert_int_equal(timers_run(&fixture->timers, 21), 1);
}

static void cancel_the_next_two(struct timer *timer, void *owner, uint64_t now_us)
{
    struct fixture *fixture = owner;
    note(timer, owner, now_us);
    timers_cancel(&fixture->timers, timer + 1);
    timers_cancel(&fixture->timers, timer + 2);
}

static void a_timer_cancelled_by_one_that_fires_before_it_does_not_fire(void **state)
{
    struct fixture *fixture = *state;
    fixture->timer[0].fire = cancel_the_next_two;
    for (size_t i = 0; i < 5; i++)
        timers_set(&fixture->timers, &fixture->timer[i], 1);
    assert_int_equal(timers_run(&fixture->timers, 1), 3);
    assert_int_equal(fixture->fired[0], 0);
    assert_int_equal(fixture->fired[1], 3);
    assert_int_equal(fixture->fired[2], 4);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(without_timers_nothing_is_due),
        ROW(a_timer_fires_at_its_moment_and_not_before),
        ROW(equal_moments_fire_in_the_order_of_setting),
        ROW(any_order_of_setting_moving_and_cancelling_agrees_with_a_model),
        ROW(a_timer_that_sets_itself_in_the_past_fires_once_a_run_and_starves_nobody),
        ROW(a_timer_cancelled_by_one_that_fires_before_it_does_not_fire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

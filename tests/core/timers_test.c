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

static void count_only(struct timer *timer, void *owner, uint64_t now_us)
{
    struct fixture *fixture = owner;
    assert_true(timer->due_us <= now_us);
    fixture->fired_count++;
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

/* What the wheel must do, done by looking at everything. */
struct model {
    uint64_t due_us[TIMERS];
    uint64_t order[TIMERS]; /* 0: not set */
    uint64_t now_us, last_order;
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

static void set_both(struct fixture *fixture, struct model *model, size_t at, uint64_t due_us)
{
    timers_set(&fixture->timers, &fixture->timer[at], due_us);
    model->due_us[at] = due_us > model->now_us ? due_us : model->now_us;
    model->order[at] = ++model->last_order;
}

/* Run both at `now_us`, firing no more than `most`, and compare all that can be seen. */
static void run_both(struct fixture *fixture, struct model *model, uint64_t now_us, size_t most)
{
    size_t set_count = 0;
    fixture->fired_count = 0;
    size_t fired = timers_run_some(&fixture->timers, now_us, most);
    model->now_us = now_us;
    assert_int_equal(fired, fixture->fired_count);
    assert_true(fired <= most);
    for (size_t i = 0; i < fired; i++) {
        size_t expected = first_of(model);
        assert_int_equal(fixture->fired[i], expected);
        model->order[expected] = 0;
    }
    for (size_t i = 0; i < TIMERS; i++) {
        assert_int_equal(timer_is_set(&fixture->timer[i]), model->order[i] != 0);
        set_count += model->order[i] != 0;
    }
    size_t next = first_of(model);
    uint64_t next_us = next == TIMERS ? TIMERS_NONE_US : model->due_us[next];
    assert_true(fired == most || next_us > now_us);
    assert_true(timers_next_us(&fixture->timers) <= next_us);
    if (set_count <= 32)
        assert_true(timers_next_us(&fixture->timers) == next_us);
}

static void any_order_of_setting_moving_and_cancelling_agrees_with_a_model(void **state)
{
    struct fixture *fixture = *state;
    static struct model model;
    struct random random;
    random_init(&random, 1, 0);
    for (int round = 0; round < 4000; round++) {
        /* From few moments, so that many are equal, to hours, so that levels are gone through. */
        uint64_t horizon_us = UINT64_C(1) << random_below(&random, 34);
        size_t few = round % 100 < 50 ? 20 : TIMERS;
        for (int i = 0; i < 40; i++) {
            size_t at = random_below(&random, few);
            if (random_below(&random, 3) == 0) {
                timers_cancel(&fixture->timers, &fixture->timer[at]);
                model.order[at] = 0;
            } else {
                uint64_t ahead_us = random_below(&random, horizon_us);
                uint64_t back_us = random_below(&random, 4);
                uint64_t due_us = model.now_us + ahead_us;
                set_both(fixture, &model, at, due_us > back_us ? due_us - back_us : 0);
            }
            if (random_below(&random, 20) == 0) /* the time goes on, and nothing is run */
                timers_tell(&fixture->timers, ++model.now_us);
        }
        uint64_t now_us = model.now_us + random_below(&random, horizon_us);
        size_t most = random_below(&random, 2) ? SIZE_MAX : random_below(&random, 30);
        run_both(fixture, &model, now_us, most);
    }
}

static void the_most_distant_moment_is_one_like_any_other(void **state)
{
    struct fixture *fixture = *state;
    timers_set(&fixture->timers, &fixture->timer[0], UINT64_MAX - 1);
    timers_set(&fixture->timers, &fixture->timer[1], UINT64_C(1) << 60);
    timers_set(&fixture->timers, &fixture->timer[2], 3);
    assert_int_equal(timers_run(&fixture->timers, 3), 1);
    assert_true(timers_next_us(&fixture->timers) == UINT64_C(1) << 60);
    assert_int_equal(timers_run(&fixture->timers, UINT64_C(1) << 60), 1);
    assert_true(timers_next_us(&fixture->timers) == UINT64_MAX - 1);
    assert_int_equal(timers_run(&fixture->timers, UINT64_MAX - 2), 0);
    assert_int_equal(timers_run(&fixture->timers, UINT64_MAX - 1), 1);
    assert_int_equal(fixture->fired[2], 0);
}

static void one_moment_keeps_its_order_however_far_ahead_each_was_set(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t due_us = 5000000;
    for (size_t i = 0; i < TIMERS; i++) {
        /* The nearer the moment, the lower the level that a timer begins on. */
        uint64_t now_us = due_us - (due_us >> (i / 14));
        assert_int_equal(timers_run(&fixture->timers, now_us), 0);
        timers_set(&fixture->timers, &fixture->timer[i], due_us);
    }
    assert_int_equal(timers_run(&fixture->timers, due_us), TIMERS);
    for (size_t i = 0; i < TIMERS; i++)
        assert_int_equal(fixture->fired[i], i);
}

static void what_is_set_for_now_waits_behind_what_was_due_before(void **state)
{
    struct fixture *fixture = *state;
    timers_set(&fixture->timers, &fixture->timer[0], 105);
    timers_set(&fixture->timers, &fixture->timer[1], 100);
    timers_set(&fixture->timers, &fixture->timer[2], 99);
    timers_tell(&fixture->timers, 100);
    timers_set(&fixture->timers, &fixture->timer[3], 7); /* counts as 100, set after the other */
    timers_tell(&fixture->timers, 107);
    timers_set(&fixture->timers, &fixture->timer[4], 107);
    assert_int_equal(timers_next_us(&fixture->timers), 99);
    assert_int_equal(timers_run(&fixture->timers, 110), 5);
    const size_t expected[] = {2, 1, 3, 0, 4};
    assert_memory_equal(fixture->fired, expected, sizeof expected);
}

/* 100,000 timers, each of which is moved ahead and at last fires: what is done per timer. */
static void a_timer_among_100000_is_put_on_the_wheel_a_handful_of_times(void **state)
{
    (void)state;
    enum { MANY = 100000, HORIZON_US = 10000000 };
    static struct timers timers;
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct timer *timer = calloc(MANY, sizeof *timer);
    struct random random;
    size_t fired = 0, looks = 0;
    assert_non_null(timer);
    assert_non_null(fixture);
    random_init(&random, 1, 0);
    timers_init(&timers);
    for (size_t i = 0; i < MANY; i++) {
        timer_init(&timer[i], count_only, fixture);
        timers_set(&timers, &timer[i], 1 + random_below(&random, HORIZON_US));
        timers_set(&timers, &timer[i], 1 + random_below(&random, HORIZON_US));
    }
    assert_int_equal(timers.moves, 2 * MANY);
    for (; fired < MANY; looks++)
        fired += timers_run(&timers, timers_next_us(&timers));
    /* 10 s are on level 3: a timer is dealt out at most three times. */
    assert_true(timers.moves <= (2 + 3) * MANY);
    /* Timers share moments, crowded slots are looked at once more. */
    assert_true(looks < MANY + MANY / 10);
    assert_int_equal(fixture->fired_count, MANY);
    timers_fini(&timers);
    free(timer);
    free(fixture);
}

static void sparse_timers_are_not_looked_at_before_they_are_due(void **state)
{
    struct fixture *fixture = *state;
    uint64_t now_us = 0;
    for (size_t i = 0; i < 30; i++)
        timers_set(&fixture->timers, &fixture->timer[i], 1 + i * 1234567);
    for (size_t i = 0; i < 30; i++) {
        now_us = timers_next_us(&fixture->timers);
        assert_int_equal(now_us, 1 + i * 1234567);
        assert_false(timers_may_be_due(&fixture->timers, now_us - 1));
        assert_int_equal(timers_run(&fixture->timers, now_us), 1);
    }
    assert_true(timers_next_us(&fixture->timers) == TIMERS_NONE_US);
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
        ROW(the_most_distant_moment_is_one_like_any_other),
        ROW(one_moment_keeps_its_order_however_far_ahead_each_was_set),
        ROW(what_is_set_for_now_waits_behind_what_was_due_before),
        ROW(a_timer_among_100000_is_put_on_the_wheel_a_handful_of_times),
        ROW(sparse_timers_are_not_looked_at_before_they_are_due),
        ROW(a_timer_that_sets_itself_in_the_past_fires_once_a_run_and_starves_nobody),
        ROW(a_timer_cancelled_by_one_that_fires_before_it_does_not_fire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

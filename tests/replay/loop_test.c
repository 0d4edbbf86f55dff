/* loop_test.c - descriptors and timers: whose turn it is, and what time it is said to be. */
#include "replay/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* One of two pipes that are ready in the same pass; the first to be told frees the other. */
struct end {
    struct loop *loop;
    struct loop_watch watch;
    struct end *other;
    int fd;
    int *calls;
    struct end **last; /* told last, so not freed */
};

static void on_ready(struct loop_watch *watch, void *owner, int events)
{
    struct end *end = owner;
    (void)watch;
    (void)events;
    ++*end->calls;
    *end->last = end;
    if (!end->other)
        return;
    loop_watch_clear(end->loop, &end->other->watch);
    free(end->other);
    end->other = NULL;
}

static struct end *watch_ready_pipe(struct loop *loop, int *calls, struct end **last)
{
    int fds[2];
    struct end *end = calloc(1, sizeof *end);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    close(fds[1]);
    *end = (struct end){.loop = loop, .fd = fds[0], .calls = calls, .last = last};
    loop_watch_init(&end->watch, on_ready, end);
    assert_int_equal(loop_watch_set(loop, &end->watch, end->fd, LOOP_READ), 0);
    return end;
}

static void a_watch_that_an_earlier_event_freed_is_not_touched(void **state)
{
    (void)state;
    struct loop loop;
    struct error err;
    int calls = 0;
    assert_int_equal(loop_init(&loop, &err), 0);
    struct end *last = NULL;
    struct end *a = watch_ready_pipe(&loop, &calls, &last);
    struct end *b = watch_ready_pipe(&loop, &calls, &last);
    const int fds[] = {a->fd, b->fd};
    a->other = b;
    b->other = a;
    loop_pass(&loop, 1000000);
    assert_int_equal(calls, 1);
    assert_int_equal(loop.watch_count, 1);
    loop_pass(&loop, 1000000); /* the one that is left is told again */
    assert_int_equal(calls, 2);
    free(last);
    loop_fini(&loop);
    close(fds[0]);
    close(fds[1]);
}

/* What happened, in order: 'e' an event, 't' a timer. The clock is the test's. */
enum { CROWD = 1000 };
static uint64_t clock_us, clock_step_us;

static uint64_t fake_clock_us(void)
{
    clock_us += clock_step_us;
    return clock_us;
}

struct scene {
    struct loop loop;
    struct loop_watch watches[3];
    int fds[3];
    struct timer timer;
    struct timer crowd[CROWD];
    uint64_t work_us; /* what handling an event takes */
    uint64_t sent_us; /* of the request whose answer an event brings */
    uint64_t arrived_us[8];
    bool sets_timer;
    char log[2 * CROWD];
    size_t log_len;
};

static void note(struct scene *scene, char what)
{
    assert_true(scene->log_len + 1 < sizeof scene->log);
    scene->log[scene->log_len++] = what;
}

static void on_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct scene *scene = owner;
    assert_true(now_us >= timer->due_us);
    note(scene, 't');
}

static void on_event(struct loop_watch *watch, void *owner, int events)
{
    struct scene *scene = owner;
    assert_int_equal(events & LOOP_READ, LOOP_READ);
    scene->arrived_us[watch - scene->watches] = loop_arrived_us(&scene->loop, scene->sent_us);
    note(scene, 'e');
    clock_us += scene->work_us;
    if (scene->sets_timer)
        timers_set(&scene->loop.timers, &scene->timer, scene->loop.now_us);
    loop_watch_clear(&scene->loop, watch);
}

static struct scene *open_scene(size_t ready_count)
{
    struct error err;
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    clock_us = 0;
    clock_step_us = 0;
    assert_int_equal(loop_init(&scene->loop, &err), 0);
    scene->loop.clock_us = fake_clock_us;
    clock_us = 1000;
    loop_set_origin(&scene->loop, 1000);
    timer_init(&scene->timer, on_timer, scene);
    for (size_t i = 0; i < CROWD; i++)
        timer_init(&scene->crowd[i], on_timer, scene);
    for (size_t i = 0; i < 3; i++)
        scene->fds[i] = -1;
    for (size_t i = 0; i < ready_count; i++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        close(fds[1]); /* ready to read: the end */
        scene->fds[i] = fds[0];
        loop_watch_init(&scene->watches[i], on_event, scene);
        assert_int_equal(loop_watch_set(&scene->loop, &scene->watches[i], fds[0], LOOP_READ), 0);
    }
    return scene;
}

static void close_scene(struct scene *scene)
{
    for (size_t i = 0; i < 3 && scene->fds[i] >= 0; i++)
        close(scene->fds[i]);
    loop_fini(&scene->loop);
    free(scene);
}

static void what_an_event_makes_due_does_not_wait_for_the_rest_of_the_batch(void **state)
{
    (void)state;
    struct scene *scene = open_scene(3);
    scene->sets_timer = true;
    loop_pass(&scene->loop, 0);
    loop_pass(&scene->loop, 0);
    assert_string_equal(scene->log, "etetet");
    close_scene(scene);
}

static void what_comes_due_while_events_are_handled_is_run_between_them(void **state)
{
    (void)state;
    struct scene *scene = open_scene(3);
    scene->work_us = 100;
    timers_set(&scene->loop.timers, &scene->timer, 150);
    loop_pass(&scene->loop, 0);
    assert_string_equal(scene->log, "eete");
    close_scene(scene);
}

static void a_crowd_of_due_timers_leaves_descriptors_their_turns(void **state)
{
    (void)state;
    struct scene *scene = open_scene(3);
    for (size_t i = 0; i < CROWD; i++)
        timers_set(&scene->loop.timers, &scene->crowd[i], 0);
    for (int passes = 0; scene->log_len < CROWD + 3; passes++) {
        loop_pass(&scene->loop, 0);
        assert_true(passes < 10);
    }
    size_t before_first = strcspn(scene->log, "e");
    assert_true(before_first > 0 && before_first < CROWD / 2);
    for (const char *at = strchr(scene->log, 'e'); at; at = strchr(at + 1, 'e')) {
        const char *next = strchr(at + 1, 'e');
        assert_true(!next || next - at <= 10);
    }
    close_scene(scene);
}

static void an_answer_is_dated_when_the_wait_returned_unless_it_was_asked_for_since(void **state)
{
    (void)state;
    struct scene *scene = open_scene(3);
    clock_us = 1500;
    scene->sent_us = 200;
    scene->work_us = 70;
    loop_pass(&scene->loop, 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(scene->arrived_us[i], 500);
    close_scene(scene);

    scene = open_scene(3);
    clock_us = 1500;
    scene->sent_us = 500;
    scene->work_us = 70;
    loop_pass(&scene->loop, 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(scene->arrived_us[i], 500 + 70 * i);
    close_scene(scene);
}

static void what_came_while_it_stood_still_is_told_before_it_has_looked(void **state)
{
    (void)state;
    struct scene *scene = open_scene(2);
    scene->work_us = 500; /* the deadline, 300, passes while the first event is handled */
    assert_false(loop_has_looked(&scene->loop, 1));
    loop_pass(&scene->loop, 0);
    assert_string_equal(scene->log, "ee");
    assert_false(loop_has_looked(&scene->loop, 300));
    loop_pass(&scene->loop, 0);
    assert_true(loop_has_looked(&scene->loop, 300));
    close_scene(scene);
}

static void lag_is_from_one_wait_to_the_next_with_all_that_was_done_between(void **state)
{
    (void)state;
    struct scene *scene = open_scene(3);
    scene->work_us = 300;
    loop_pass(&scene->loop, 1000000);
    clock_us += 40; /* the caller's own work */
    loop_pass(&scene->loop, 0);
    assert_int_equal(loop_take_lag_us(&scene->loop), 3 * 300 + 40);
    loop_pass(&scene->loop, 0);
    assert_int_equal(loop_take_lag_us(&scene->loop), 0);
    close_scene(scene);
}

static void a_wait_that_lasts_too_long_is_lag(void **state)
{
    (void)state;
    struct scene *scene = open_scene(0);
    clock_step_us = 250; /* as if whatever is done took that long */
    timers_set(&scene->loop.timers, &scene->timer, 1);
    loop_pass(&scene->loop, 0); /* fires it; a wait of 0 takes 250 */
    loop_pass(&scene->loop, 0);
    assert_int_equal(loop_take_lag_us(&scene->loop), 500);
    close_scene(scene);
}

static void with_a_last_stretch_it_asks_until_the_moment_itself(void **state)
{
    (void)state;
    struct scene *scene = open_scene(0);
    clock_step_us = 1;
    scene->loop.spin_us = 500;
    timers_set(&scene->loop.timers, &scene->timer, 400);
    loop_pass(&scene->loop, 1000000);
    assert_string_equal(scene->log, "");
    assert_int_equal(scene->loop.now_us, 400);
    assert_true(scene->loop.spun_us > 390 && scene->loop.spun_us < 400);
    loop_pass(&scene->loop, 0);
    assert_string_equal(scene->log, "t");
    close_scene(scene);
}

static void an_event_ends_the_last_stretch(void **state)
{
    (void)state;
    struct scene *scene = open_scene(1);
    clock_step_us = 1;
    scene->loop.spin_us = 500;
    timers_set(&scene->loop.timers, &scene->timer, 400);
    loop_pass(&scene->loop, 1000000);
    assert_string_equal(scene->log, "e");
    assert_true(scene->loop.now_us < 10);
    close_scene(scene);
}

static void nothing_is_due_before_the_start_of_the_run(void **state)
{
    (void)state;
    struct scene *scene = open_scene(3);
    loop_set_origin(&scene->loop, clock_us + 100);
    timers_set(&scene->loop.timers, &scene->timer, 0);
    scene->work_us = 20;
    loop_pass(&scene->loop, 0);
    assert_string_equal(scene->log, "eee");
    assert_int_equal(scene->loop.now_us, 0);
    clock_us += 40;
    loop_pass(&scene->loop, 0);
    assert_string_equal(scene->log, "eeet");
    assert_int_equal(loop_take_lag_us(&scene->loop), 0);
    close_scene(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_that_an_earlier_event_freed_is_not_touched),
        cmocka_unit_test(what_an_event_makes_due_does_not_wait_for_the_rest_of_the_batch),
        cmocka_unit_test(what_comes_due_while_events_are_handled_is_run_between_them),
        cmocka_unit_test(a_crowd_of_due_timers_leaves_descriptors_their_turns),
        cmocka_unit_test(an_answer_is_dated_when_the_wait_returned_unless_it_was_asked_for_since),
        cmocka_unit_test(what_came_while_it_stood_still_is_told_before_it_has_looked),
        cmocka_unit_test(lag_is_from_one_wait_to_the_next_with_all_that_was_done_between),
        cmocka_unit_test(a_wait_that_lasts_too_long_is_lag),
        cmocka_unit_test(with_a_last_stretch_it_asks_until_the_moment_itself),
        cmocka_unit_test(an_event_ends_the_last_stretch),
        cmocka_unit_test(nothing_is_due_before_the_start_of_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

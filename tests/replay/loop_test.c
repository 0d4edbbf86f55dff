/* loop_test.c - descriptors and what their callbacks may do to each other within one pass. */
#include "replay/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_that_an_earlier_event_freed_is_not_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

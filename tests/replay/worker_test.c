/*
 * worker_test.c - a worker that ends: what it does for each of its users, counted.
 *
 * The target never answers, and the last of the users to be sent has the worker stopped: all are
 * under way then. user_end() as the worker calls it is counted on its way (ld's --wrap).
 */
#include "replay/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "tests/support/script_trace.h"

#define TRACE_FILE "worker_test.trace"

enum { USERS = 3000 }; /* leave in a dozen passes of the loop */

static struct worker worker;
static int sent, cancelled, opened, ended;
static char anything; /* what there is of a transport, a user and a call */

void __real_user_end(struct user *user, enum session_result result, const char *detail);
void __wrap_user_end(struct user *user, enum session_result result, const char *detail);

void __wrap_user_end(struct user *user, enum session_result result, const char *detail)
{
    ended++;
    __real_user_end(user, result, detail);
}

static int silent_open(struct transport **ret_transport, struct loop *loop,
                       const struct transport_options *options, struct error *err)
{
    (void)loop;
    (void)options;
    (void)err;
    *ret_transport = (struct transport *)(void *)&anything;
    return 0;
}

static void silent_close(struct transport *transport)
{
    (void)transport;
}

static struct transport_user *silent_user_open(struct transport *transport)
{
    (void)transport;
    opened++;
    return (struct transport_user *)(void *)&anything;
}

static void silent_user_close(struct transport_user *user)
{
    (void)user;
    opened--;
}

static struct transport_call *silent_send(struct transport_user *user,
                                          const struct transport_request *request,
                                          enum failure *ret_failure)
{
    (void)user;
    (void)request;
    (void)ret_failure;
    if (++sent == USERS)
        worker_stop(&worker);
    return (struct transport_call *)(void *)&anything;
}

static void silent_cancel(struct transport_call *call)
{
    (void)call;
    cancelled++;
}

static size_t no_connections(struct transport *transport)
{
    (void)transport;
    return 0;
}

static const struct transport_ops silent = {
    .name = "silent",
    .open = silent_open,
    .close = silent_close,
    .user_open = silent_user_open,
    .user_close = silent_user_close,
    .send = silent_send,
    .cancel = silent_cancel,
    .most_connections = no_connections,
};

/* `whole_bytes` 0: the plan is loaded; 1: it streams. */
static void stop_among_users(size_t whole_bytes)
{
    struct plan *plan = NULL;
    struct error err = {0};
    struct plugin_chain chain = {0};
    const struct plan_options options = {
        .target = bytes_of("http://127.0.0.1:9"), .max_bytes = 1 << 20, .whole_bytes = whole_bytes};
    if (script_trace_write(TRACE_FILE, "session one\n0 1 GET /a 200\n5 6 GET /b 200\n", &err) ||
        plan_build(&plan, TRACE_FILE, &options, &err))
        fail_msg("%s", err.text);
    assert_int_equal(plan->stream != NULL, whole_bytes == 1);
    struct replay_settings settings = {
        .plan = plan,
        .chain = &chain,
        .ops = &silent,
        .target = options.target,
        .pacing = {PACING_MAX, 1, 1},
        .stages = {.start_users = USERS},
        .scale = 1,
        .seed = 1,
        .max_in_flight = USERS,
        .worker_count = 1,
    };
    assert_int_equal(stages_add(&settings.stages, "1h:3000"), 0);
    sent = cancelled = opened = ended = 0;
    if (worker_init(&worker, &settings, 0, &err) || plan_stream_start(plan, NULL, 0, &err) ||
        worker_start(&worker, clock_now_us(), 0, &err))
        fail_msg("%s", err.text);
    worker_join(&worker);
    plan_stream_stop(plan);
    assert_int_equal(sent, USERS);
    assert_int_equal(ended, USERS); /* each is told once, however many passes they take to leave */
    assert_int_equal(cancelled, USERS);
    assert_int_equal(opened, 0);
    assert_null(worker.users);
    assert_null(worker.desk.waits);
    worker_fini(&worker);
    plan_free(plan);
    unlink(TRACE_FILE);
}

static void users_under_way_are_cancelled_once_each(void **state)
{
    (void)state;
    stop_among_users(0);
}

static void users_of_a_plan_that_streams_too(void **state)
{
    (void)state;
    stop_among_users(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_under_way_are_cancelled_once_each),
        cmocka_unit_test(users_of_a_plan_that_streams_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

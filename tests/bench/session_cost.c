/*
 * session_cost.c - what the session code costs above the transport: plays a trace's sessions over a
 * transport that answers everything at once with 200 and no bytes moved.
 *
 *     session_cost TRACE USERS PLAYS     every user plays the first session PLAYS times
 *
 * Run under callgrind; the slope over PLAYS is the cost of a request in instructions.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "replay/user.h"

enum { MAX_PLAN_BYTES = 1 << 30 };

struct transport {
    struct loop *loop;
};

struct transport_user {
    struct transport *transport;
    struct transport_call *idle;
};

struct transport_call {
    struct transport_call *next;
    struct transport_user *user;
    struct timer timer;
    struct transport_request request;
};

static const struct plan_session *session;
static uint64_t plays_left;

static void on_answer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct transport_call *call = owner;
    struct http_header headers[] = {{bytes_of("Content-Type"), bytes_of("text/plain")}};
    const struct transport_result result = {
        .waiting_us = 100,
        .bytes_sent = 400,
        .bytes_received = 200,
        .response = {.status = 200, .headers = headers, .header_count = 1}};
    (void)timer;
    (void)now_us;
    transport_done_fn done = call->request.done;
    void *done_owner = call->request.owner;
    call->next = call->user->idle;
    call->user->idle = call;
    done(done_owner, &result);
}

static struct transport_call *null_send(struct transport_user *user,
                                        const struct transport_request *request,
                                        enum failure *ret_failure)
{
    struct transport_call *call = user->idle;
    (void)ret_failure;
    if (call)
        user->idle = call->next;
    else
        call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    call->user = user;
    call->request = *request;
    timer_init(&call->timer, on_answer, call);
    timers_set(&user->transport->loop->timers, &call->timer, 0);
    return call;
}

static struct transport_user *null_user_open(struct transport *transport)
{
    struct transport_user *user = calloc(1, sizeof *user);
    if (user)
        user->transport = transport;
    return user;
}

static void null_user_close(struct transport_user *user)
{
    while (user->idle) {
        struct transport_call *next = user->idle->next;
        free(user->idle);
        user->idle = next;
    }
    free(user);
}

static void on_user_ended(void *owner, struct user *user)
{
    (void)owner;
    if (plays_left && plays_left--)
        user_play(user, session, user->env->loop->now_us);
}

int main(int argc, char **argv)
{
    const struct transport_ops ops = {.name = "null",
                                      .send = null_send,
                                      .user_open = null_user_open,
                                      .user_close = null_user_close};
    const struct plan_options options = {.target = bytes_of("http://127.0.0.1:80"),
                                         .max_bytes = MAX_PLAN_BYTES};
    struct loop loop;
    struct transport transport = {.loop = &loop};
    struct plugin_chain chain = {0};
    struct plan *plan;
    struct error err;
    if (argc != 4) {
        fprintf(stderr, "usage: session_cost TRACE USERS PLAYS\n");
        return 2;
    }
    size_t user_count = strtoul(argv[2], NULL, 10);
    if (loop_init(&loop, &err) || plan_build(&plan, argv[1], &options, &err))
        return error_report(&err);
    session = &plan->sessions[0];
    struct user_env env = {.loop = &loop,
                           .plan = plan,
                           .pacing = {.mode = PACING_MAX, .arrival_speed = 1, .think_speed = 1},
                           .ops = &ops,
                           .transport = &transport,
                           .target = options.target,
                           .chain = &chain,
                           .metrics = metrics_new(plan->endpoint_count + 1),
                           .max_in_flight = 10000,
                           .user_ended = on_user_ended};
    struct user **users = calloc(user_count, sizeof(struct user *));
    if (!users || !env.metrics)
        return 1;
    plays_left = user_count * strtoul(argv[3], NULL, 10);
    for (size_t i = 0; i < user_count; i++) {
        users[i] = user_new(&env, i);
        on_user_ended(NULL, users[i]);
    }
    uint64_t started_us = clock_now_us();
    while (env.users_active)
        timers_run(&loop.timers, loop_refresh(&loop));
    uint64_t requests = user_count * strtoul(argv[3], NULL, 10) * session->step_count;
    printf("%.3f us a request, %llu requests\n",
           (double)(clock_now_us() - started_us) / (double)requests, (unsigned long long)requests);
    for (size_t i = 0; i < user_count; i++)
        user_free(users[i]);
    free(users);
    user_env_fini(&env);
    metrics_free(env.metrics);
    plan_free(plan);
    loop_fini(&loop);
    return 0;
}

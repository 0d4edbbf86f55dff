/* run.c - one request on its way: pause, ask the plugins, send, judge the answer, finish. */
#include "replay/run.h"

#include <stdlib.h>

#include "core/url.h"
#include "replay/channel.h"

enum { MAX_COOKIE_BYTES = 64 * 1024, MAX_CHANGED_BYTES = 256 * 1024 * 1024 };

const char *run_state_name(enum run_state state)
{
    static const char *const names[] = {"paused", "queued", "sent", "adding", "held"};
    return names[state];
}

static void on_timer(struct timer *timer, void *owner, uint64_t now_us);
static void ask(struct run *run);
static void send_or_queue(struct run *run);

static struct run *run_new(struct user *user)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->user = user;
    arena_init(&run->arena, MAX_CHANGED_BYTES);
    buf_init(&run->cookies, MAX_COOKIE_BYTES);
    timer_init(&run->timer, on_timer, run);
    run->next = user->runs;
    if (run->next)
        run->next->previous = run;
    user->runs = run;
    user->runs_active++;
    return run;
}

void run_free_added(struct user *user, struct chain_added *list)
{
    while (list) {
        struct chain_added *next = list->next;
        chain_added_free(user->plugins, list);
        list = next;
    }
}

void run_release_slot(struct run *run)
{
    if (run->holds_slot)
        run->user->env->in_flight--;
    run->holds_slot = false;
}

static void run_free(struct run *run)
{
    struct user *user = run->user;
    run_release_slot(run);
    timers_cancel(&user->env->loop->timers, &run->timer);
    run_free_added(user, run->before);
    run_free_added(user, run->after);
    if (run->added)
        chain_added_free(user->plugins, run->added);
    if (run->previous)
        run->previous->next = run->next;
    else
        user->runs = run->next;
    if (run->next)
        run->next->previous = run->previous;
    user->runs_active--;
    arena_fini(&run->arena);
    buf_fini(&run->cookies);
    free(run);
}

static void leave_queue(struct run *run)
{
    struct user_env *env = run->user->env;
    struct run *before = NULL;
    for (struct run *at = env->queue_first; at; before = at, at = at->queue_next) {
        if (at != run)
            continue;
        if (before)
            before->queue_next = run->queue_next;
        else
            env->queue_first = run->queue_next;
        if (env->queue_last == run)
            env->queue_last = before;
        return;
    }
}

void run_drop(struct run *run)
{
    if (run->call)
        run->user->env->ops->cancel(run->call);
    if (run->state == RUN_QUEUED)
        leave_queue(run);
    run_free(run);
}

void run_pause(struct run *run, uint64_t at_us, enum run_next then)
{
    run->state = RUN_PAUSED;
    run->then = then;
    if (timers_set(&run->user->env->loop->timers, &run->timer, at_us))
        user_end(run->user, SESSION_FAILED, "no memory for a timer");
}

int run_start_step(struct user *user, const struct plan_step *step, uint64_t due_us)
{
    struct run *run = run_new(user);
    if (!run)
        return -1;
    run->step = step;
    run->due_us = due_us;
    run->own_request = (struct http_request){
        .method = step->method,
        .url = step->url,
        .body = step->body,
        .headers = step->headers,
        .header_count = step->header_count,
        .arena = &run->arena,
    };
    run->request = &run->own_request;
    if (step->kind == STEP_WS_MESSAGE)
        channel_message_ready(run);
    else
        run_pause(run, due_us, RUN_ASK);
    return 0;
}

/* A run without a request, for the sake of what it carries in `before`. */
static struct run *start_carrier(struct user *user, struct chain_added *list)
{
    struct run *run = run_new(user);
    if (!run) {
        run_free_added(user, list);
        return NULL;
    }
    run->before = list;
    run_pause(run, user_now_us(user), RUN_FINISH);
    return run;
}

void run_send_added(struct user *user, struct chain_added *list)
{
    if (list && !start_carrier(user, list))
        user_end(user, SESSION_FAILED, "no memory for a request");
}

int run_start_after(struct user *user, struct chain_added *list)
{
    struct run *run = start_carrier(user, list);
    if (!run)
        return -1;
    run->starts_session = true;
    return 0;
}

/* The next request that `run` waits for becomes a run of its own. */
static void start_child(struct run *run)
{
    struct user *user = run->user;
    struct run *child = run_new(user);
    if (!child) {
        user_end(user, SESSION_FAILED, "no memory for a request");
        return;
    }
    child->added = run->before;
    run->before = child->added->next;
    child->added->next = NULL;
    child->parent = run;
    child->request = &child->added->request;
    child->due_us = user_now_us(user);
    run->state = RUN_ADDING;
    run_pause(child, child->due_us, RUN_ASK);
}

/* The pause is over, or a child is done: first what is to be sent before, then what follows. */
static void go_on(struct run *run)
{
    if (run->before) {
        start_child(run);
        return;
    }
    bool is_message = run->step && run->step->kind == STEP_WS_MESSAGE;
    switch (run->then) {
    case RUN_RETRY:
        run->attempt++;
        run->holds = run->ask_from = 0;
        run->due_us = user_now_us(run->user);
        ask(run);
        break;
    case RUN_ASK:
        if (is_message)
            channel_message_ask(run);
        else
            ask(run);
        break;
    case RUN_SEND:
        if (is_message)
            channel_message_send(run);
        else
            send_or_queue(run);
        break;
    case RUN_FINISH:
        run_finish(run);
        break;
    }
}

static void on_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    (void)timer;
    (void)now_us;
    go_on(owner);
}

bool run_ends_session(struct user *user, const struct chain_outcome *outcome)
{
    if (outcome->verdict == REPRISE_FAIL)
        user_end(user, SESSION_FAILED, outcome->error);
    else if (outcome->verdict == REPRISE_END_SESSION)
        user_end(user, SESSION_ENDED, "ended by a plugin");
    else
        return false;
    return true;
}

struct chain_request_info run_info(const struct run *run)
{
    return (struct chain_request_info){
        .step = run->step ? (uint32_t)(run->step - run->user->session->steps) : 0,
        .attempt = run->attempt,
        .holds = run->holds,
        .ask_from = run->ask_from,
        .added = run->added,
    };
}

static void count_handled(struct run *run)
{
    if (run->step && !run->was_sent)
        run->user->steps_handled++;
    run->was_sent = true;
}

void run_append_after(struct run *run, struct chain_added *list)
{
    struct chain_added **end = &run->after;
    while (*end)
        end = &(*end)->next;
    *end = list;
}

static void hold(struct run *run, const struct chain_outcome *outcome, uint64_t at_us)
{
    run->holds++;
    run->ask_from = outcome->plugin;
    run->before = outcome->added;
    if (outcome->waits_for_answer && !outcome->added) {
        run->state = RUN_HELD;
        run->held_by = outcome->plugin;
        return;
    }
    run_pause(run, at_us, RUN_ASK);
}

static void ask(struct run *run)
{
    struct user *user = run->user;
    if (!user->plugins || !chain_wants(user->env->chain, CHAIN_REQUEST)) {
        send_or_queue(run);
        return;
    }
    struct chain_outcome outcome;
    struct chain_request_info info = run_info(run);
    uint64_t now_us = user_now_us(user);
    chain_request(user->plugins, now_us, run->request, &info, &outcome);
    if (run_ends_session(user, &outcome))
        return;
    uint64_t at_us = now_us + outcome.delay_us;
    if (outcome.verdict == REPRISE_HOLD) {
        hold(run, &outcome, at_us);
    } else if (outcome.verdict == REPRISE_SKIP) {
        count_handled(run);
        run->before = outcome.added;
        run_pause(run, at_us, RUN_FINISH);
    } else {
        run_append_after(run, outcome.added);
        if (outcome.delay_us) {
            run->due_us = at_us; /* a plugin's delay is think time */
            run_pause(run, at_us, RUN_SEND);
        } else {
            send_or_queue(run);
        }
    }
}

/* The Cookie value, unless a plugin set the header itself. */
static struct bytes cookies_of(struct run *run)
{
    const struct user *user = run->user;
    const struct http_request *request = run->request;
    struct bytes recorded = run->step ? run->step->recorded_cookies : (struct bytes){0};
    struct url url;
    if ((user->cookies.count == 0 && recorded.len == 0) || url_parse(request->url, &url))
        return (struct bytes){0};
    if (request->changes & HTTP_CHANGED_HEADERS || run->added) {
        if (http_headers_find(request->headers, request->header_count, bytes_of("cookie")).ptr)
            return (struct bytes){0};
    }
    int64_t unix_s = (user->env->unix_origin_us + (int64_t)user_now_us(user)) / 1000000;
    buf_clear(&run->cookies);
    cookie_jar_append(&user->cookies, url.target, recorded, unix_s, &run->cookies);
    return buf_bytes(&run->cookies);
}

static void on_done(void *owner, const struct transport_result *result)
{
    struct run *run = owner;
    run->call = NULL;
    run_judge(run, result);
}

static void transmit(struct run *run)
{
    struct user_env *env = run->user->env;
    bool is_prepared = run->step && !(run->request->changes & HTTP_CHANGED_HEADERS);
    bool is_watched = run->user->plugins && chain_wants(env->chain, CHAIN_RESPONSE);
    const struct transport_request request = {
        .http = run->request,
        .cookies = cookies_of(run),
        .prepared_key = is_prepared ? run->step->number : TRANSPORT_NOT_PREPARED,
        .keeps_body = is_watched && chain_wants_body(env->chain),
        .keeps_headers = is_watched,
        .done = on_done,
        .owner = run,
    };
    enum failure failure = FAILURE_NO_PORTS;
    run->state = RUN_SENT;
    run->holds_slot = true;
    env->in_flight++;
    count_handled(run);
    run->started_us = loop_read_clock(env->loop);
    if (run->step && run->step->kind == STEP_WS_CONNECT) {
        if (channel_connect(run, &request) == 0)
            return;
    } else {
        run->call = env->ops->send(run->user->connections, &request, &failure);
        if (run->call)
            return;
    }
    const struct transport_result result = {.failure = failure, .detail = "could not be started"};
    run_judge(run, &result);
}

static void send_or_queue(struct run *run)
{
    struct user_env *env = run->user->env;
    if (env->in_flight < env->max_in_flight) {
        transmit(run);
        return;
    }
    run->state = RUN_QUEUED;
    run->queue_next = NULL;
    if (env->queue_last)
        env->queue_last->queue_next = run;
    else
        env->queue_first = run;
    env->queue_last = run;
}

void run_send_queued(struct user_env *env)
{
    while (env->queue_first && env->in_flight < env->max_in_flight) {
        struct run *run = env->queue_first;
        env->queue_first = run->queue_next;
        if (!env->queue_first)
            env->queue_last = NULL;
        transmit(run);
    }
}

void run_finish(struct run *run)
{
    struct user *user = run->user;
    struct run *parent = run->parent;
    const struct plan_step *step = run->step;
    struct chain_added *after = run->after;
    bool starts_session = run->starts_session;
    run->after = NULL;
    if (starts_session)
        user_begin_steps(user);
    run_free(run);
    run_send_added(user, after);
    if (parent)
        run_pause(parent, user_now_us(user), parent->then);
    if (step)
        user_step_done(user, step);
    user_look_for_end(user);
}

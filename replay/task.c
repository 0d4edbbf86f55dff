/* task.c - one request on its way: pause, ask the plugins, send, judge the answer, finish. */
#include "replay/task.h"

#include <stdlib.h>

#include "replay/channel.h"
#include "replay/plugin_services.h"

enum { MAX_COOKIE_BYTES = 64 * 1024, MAX_CHANGED_BYTES = 256 * 1024 * 1024 };

const char *task_state_name(enum task_state state)
{
    static const char *const names[] = {"paused", "queued", "sent", "adding", "held", "waiting"};
    return names[state];
}

static void on_timer(struct timer *timer, void *owner, uint64_t now_us);
static void ask(struct task *task);
static void forget_holds(struct task *task);

/* A task that an earlier request has left is used again, with the memory it had grown. */
static struct task *take_task(struct user_env *env)
{
    struct task *task = env->idle_tasks;
    if (task) {
        env->idle_tasks = task->next;
        return task;
    }
    task = malloc(sizeof *task);
    if (task)
        buf_init(&task->cookies, MAX_COOKIE_BYTES);
    return task;
}

static struct task *task_new(struct user *user)
{
    struct task *task = take_task(user->env);
    if (!task)
        return NULL;
    struct buf cookies = task->cookies;
    *task = (struct task){.user = user, .cookies = cookies, .next = user->tasks};
    arena_init(&task->arena, MAX_CHANGED_BYTES);
    timer_init(&task->timer, on_timer, task);
    if (task->next)
        task->next->previous = task;
    user->tasks = task;
    user->tasks_active++;
    return task;
}

void task_pool_fini(struct user_env *env)
{
    while (env->idle_tasks) {
        struct task *next = env->idle_tasks->next;
        buf_fini(&env->idle_tasks->cookies);
        free(env->idle_tasks);
        env->idle_tasks = next;
    }
}

void task_free_added(struct user *user, struct chain_added *list)
{
    while (list) {
        struct chain_added *next = list->next;
        chain_added_free(user->plugins, list);
        list = next;
    }
}

void task_release_slot(struct task *task)
{
    struct user_env *env = task->user->env;
    if (task->holds_slot)
        env->in_flight--;
    if (task->is_awaited)
        silence_left(&env->silence, env->loop->now_us);
    task->holds_slot = task->is_awaited = false;
}

static void task_free(struct task *task)
{
    struct user *user = task->user;
    task_release_slot(task);
    task_drop_stream(task);
    timers_cancel(&user->env->loop->timers, &task->timer);
    task_free_added(user, task->before);
    task_free_added(user, task->after);
    channel_free_sends(task->sends);
    if (task->added)
        chain_added_free(user->plugins, task->added);
    if (task->previous)
        task->previous->next = task->next;
    else
        user->tasks = task->next;
    if (task->next)
        task->next->previous = task->previous;
    user->tasks_active--;
    http_request_fini(&task->own_request);
    arena_fini(&task->arena);
    task->next = user->env->idle_tasks;
    user->env->idle_tasks = task;
}

void task_drop(struct task *task)
{
    if (task->call) {
        const struct transport_result cancelled = {.failure = FAILURE_CANCELLED};
        task->user->env->ops->cancel(task->call);
        task_record(task, &cancelled, JUDGED_BY_STATUS, user_now_us(task->user));
    }
    if (task->state == TASK_QUEUED)
        task_leave_queue(task);
    task_free(task);
}

void task_pause(struct task *task, uint64_t at_us, enum task_next then)
{
    task->state = TASK_PAUSED;
    task->then = then;
    timers_set(&task->user->env->loop->timers, &task->timer, at_us);
}

int task_start_step(struct user *user, const struct plan_step *step, uint64_t due_us)
{
    struct task *task = task_new(user);
    if (!task)
        return -1;
    task->step = step;
    task->due_us = due_us;
    if (user->plugins)
        task->asks = chain_asks_about(user->plugins, task_step_number(task), NULL);
    task_take_recorded(task);
    task->request = &task->own_request;
    if (step->kind == STEP_WS_MESSAGE) {
        channel_message_ready(task);
    } else if (user_is_settled(user, step)) {
        task_count_handled(task);
        task_pause(task, user_now_us(user), TASK_FINISH);
    } else {
        task_pause(task, due_us, TASK_ASK);
    }
    return 0;
}

/* A task without a request, for the sake of what it carries in `before`. */
static struct task *start_carrier(struct user *user, struct chain_added *list, uint64_t at_us)
{
    struct task *task = task_new(user);
    if (!task) {
        task_free_added(user, list);
        return NULL;
    }
    task->before = list;
    task_pause(task, at_us, TASK_FINISH);
    return task;
}

void task_send_added(struct user *user, struct chain_added *list)
{
    if (list && !start_carrier(user, list, user_now_us(user)))
        user_end(user, SESSION_FAILED, "no memory for a request");
}

int task_start_after(struct user *user, struct chain_added *list, uint64_t at_us)
{
    struct task *task = start_carrier(user, list, at_us);
    if (!task)
        return -1;
    task->starts_session = true;
    return 0;
}

/* The next request that `task` waits for becomes a task of its own. */
static void start_child(struct task *task)
{
    struct user *user = task->user;
    struct task *child = task_new(user);
    if (!child) {
        user_end(user, SESSION_FAILED, "no memory for a request");
        return;
    }
    child->added = task->before;
    task->before = child->added->next;
    child->added->next = NULL;
    child->asks = chain_asks_about(user->plugins, 0, child->added);
    child->parent = task;
    child->request = &child->added->request;
    child->due_us = user_now_us(user);
    task->state = TASK_ADDING;
    task_pause(child, child->due_us, TASK_ASK);
}

/* The pause is over, or a child is done: first what is to be sent before, then what follows. */
static void go_on(struct task *task)
{
    if (task->before) {
        start_child(task);
        return;
    }
    bool is_message = task->step && task->step->kind == STEP_WS_MESSAGE;
    switch (task->then) {
    case TASK_RETRY:
        task->attempt++;
        forget_holds(task);
        task->due_us = user_now_us(task->user);
        ask(task);
        break;
    case TASK_ASK:
        if (!is_message)
            ask(task);
        else if (task_prepare_values(task))
            channel_message_ask(task);
        break;
    case TASK_SEND:
        if (!is_message)
            task_send(task);
        else if (task_prepare_values(task))
            channel_message_send(task);
        break;
    case TASK_FINISH:
        if (is_message)
            channel_message_finish(task);
        else
            task_finish(task);
        break;
    }
}

static void on_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct task *task = owner;
    (void)timer;
    (void)now_us;
    if (task->user->state != USER_PLAYING) /* it is dropped in a moment */
        return;
    if (task->state == TASK_WAITING)
        task_stop_waiting(task);
    else
        go_on(task);
}

bool task_ends_session(struct user *user, const struct chain_outcome *outcome)
{
    if (outcome->verdict == REPRISE_FAIL)
        user_end(user, SESSION_FAILED, outcome->error);
    else if (outcome->verdict == REPRISE_END_SESSION)
        user_end(user, SESSION_ENDED, "ended by a plugin");
    else
        return false;
    return true;
}

uint32_t task_step_number(const struct task *task)
{
    return task->step ? (uint32_t)(task->step - task->user->session->steps) : 0;
}

struct chain_request_info task_info(const struct task *task)
{
    return (struct chain_request_info){
        .step = task_step_number(task),
        .keeps_body = task->keeps_body,
        .attempt = task->attempt,
        .holds = task->holds,
        .ask_from = task->ask_from,
        .added = task->added,
        .by_plugin = task->repeats,
    };
}

struct chain_repeats *task_repeats(struct task *task, uint32_t plugin)
{
    if (!task->repeats)
        task->repeats =
            arena_zalloc(&task->arena, task->user->env->chain->count * sizeof *task->repeats);
    return task->repeats ? &task->repeats[plugin] : NULL;
}

/* Each attempt may be held as often as the first. */
static void forget_holds(struct task *task)
{
    task->holds = task->ask_from = 0;
    for (uint32_t i = 0; task->repeats && i < task->user->env->chain->count; i++)
        task->repeats[i].holds = 0;
}

void task_append_after(struct task *task, struct chain_added *list)
{
    struct chain_added **end = &task->after;
    while (*end)
        end = &(*end)->next;
    *end = list;
}

/* A request of this plugin that is to be sent once `task` is done, by whom it is sent for. */
static struct chain_added *take_from_behind(struct task *task, uint32_t plugin)
{
    for (struct task *parent = task->parent; parent; parent = parent->parent) {
        for (struct chain_added **at = &parent->before; *at; at = &(*at)->next) {
            struct chain_added *found = *at;
            if (found->plugin != plugin)
                continue;
            *at = found->next;
            found->next = NULL;
            return found;
        }
    }
    return NULL;
}

static void hold(struct task *task, const struct chain_outcome *outcome, uint64_t at_us)
{
    struct chain_repeats *repeats = task_repeats(task, outcome->plugin);
    if (repeats)
        repeats->holds++;
    task->holds++;
    task->ask_from = outcome->ask_from;
    task->held_by = outcome->plugin;
    task->before = outcome->added;
    if (outcome->waits_for_answer &&
        !outcome->added) /* each would wait for the other: it goes first */
        task->before = take_from_behind(task, outcome->plugin);
    if (outcome->waits_for_answer && !task->before) {
        task->state = TASK_HELD;
        return;
    }
    if (outcome->delay_us && !task->before)
        task->due_us = at_us; /* as any delay a plugin asks for */
    task_pause(task, at_us, TASK_ASK);
}

/* Behind a delay, unless that was asked for by who looked once more. */
static bool look_once_more(struct task *task, uint32_t ask_from)
{
    bool had_last_look = task->ask_from == ask_from;
    task->ask_from = ask_from;
    task->held_by = UINT32_MAX; /* nobody may wake it */
    return !had_last_look &&
           chain_asks_last(task->user->plugins, task_step_number(task), task->added);
}

static void ask(struct task *task)
{
    struct user *user = task->user;
    if (task->step && !task_has_its_values(task) && !task_prepare_values(task))
        return;
    if (!task_asks(task, CHAIN_REQUEST)) {
        task_send(task);
        return;
    }
    struct chain_outcome outcome;
    struct chain_request_info info = task_info(task);
    uint64_t now_us = user_now_us(user);
    task->is_asked = true;
    chain_request(user->plugins, now_us, task->request, &info, &outcome);
    task->is_asked = false;
    if (task_ends_session(user, &outcome))
        return;
    uint64_t at_us = now_us + outcome.delay_us;
    bool is_settled = task->step && user_is_settled(user, task->step);
    if (task->ask_from == 0) { /* else those before it have said what they want */
        task->keeps_body = 0;
        task->limit_us = 0;
    }
    task->keeps_body |= outcome.keeps_body;
    task->limit_us = chain_shorter_us(task->limit_us, outcome.limit_us);
    if (outcome.aimed_by)
        task->aimed_by = outcome.aimed_by;
    if (outcome.verdict == REPRISE_HOLD && !is_settled) {
        hold(task, &outcome, at_us);
    } else if (outcome.verdict == REPRISE_SKIP || is_settled) {
        task_count_handled(task);
        task->before = outcome.added;
        task_pause(task, at_us, TASK_FINISH);
    } else {
        task_append_after(task, outcome.added);
        if (outcome.delay_us) {
            task->due_us = at_us; /* a plugin's delay is think time */
            task_pause(task, at_us, look_once_more(task, outcome.ask_from) ? TASK_ASK : TASK_SEND);
        } else {
            task_send(task);
        }
    }
}

/* Requests that wait for another one of this plugin are asked again. */
static void wake_held(struct user *user, uint32_t plugin)
{
    for (struct task *task = user->tasks; task; task = task->next) {
        if (task->state == TASK_HELD && task->held_by == plugin)
            task_pause(task, user_now_us(user), TASK_ASK);
    }
}

void task_finish(struct task *task)
{
    struct user *user = task->user;
    struct task *parent = task->parent;
    const struct plan_step *step = task->step;
    struct chain_added *after = task->after;
    bool starts_session = task->starts_session;
    task->after = NULL;
    if (task->added)
        wake_held(user, task->added->plugin);
    if (starts_session)
        user_begin_steps(user);
    task_free(task);
    task_send_added(user, after);
    if (parent)
        task_pause(parent, user_now_us(user), parent->then);
    if (step)
        user_step_done(user, step);
    if (step && step->kind == STEP_WS_CONNECT)
        channel_connect_done(user, step);
    user_look_for_end(user);
}

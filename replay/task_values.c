/* task_values.c - the values of a task's step: waits for those it needs, puts them in; and those
 * that messages give. */
#include <stdio.h>
#include <stdlib.h>

#include "replay/channel.h"
#include "replay/plan/plan_bindings.h"
#include "replay/user_identity.h"

/* What of its producers' answers a request still needs. */
enum lack { LACKS_NOTHING, LACKS_LATER_EVENT, LACKS_ANSWER };

static enum lack lacks_of_producers(const struct task *task)
{
    const struct user *user = task->user;
    const struct step_bindings *bindings = task->step->bindings;
    enum lack lack = LACKS_NOTHING;
    for (uint32_t i = 0; i < bindings->producer_count; i++) {
        const struct producer_wait *wait = &bindings->producers[i];
        uint32_t come = user->values.messages[wait->value];
        if (user_is_done(user, &user->session->steps[wait->step]) ||
            (wait->events && come >= wait->events))
            continue;
        if (!wait->events || !come)
            return LACKS_ANSWER;
        lack = LACKS_LATER_EVENT;
    }
    return lack;
}

/* An answer that gives it something is still coming, and may set it again. */
static bool has_open_producer(const struct task *task)
{
    const struct user *user = task->user;
    const struct step_bindings *bindings = task->step->bindings;
    for (uint32_t i = 0; i < bindings->producer_count; i++) {
        if (!user_is_done(user, &user->session->steps[bindings->producers[i].step]))
            return true;
    }
    return false;
}

/* A message that has not come yet may come as long as its WebSocket is open, and no longer than
 * one that was recorded is waited for. */
static bool awaits_message(const struct task *task)
{
    const struct user *user = task->user;
    const struct step_bindings *bindings = task->step->bindings;
    for (uint32_t i = 0; i < bindings->wait_count && !task->has_waited; i++) {
        const struct message_wait *wait = &bindings->waits[i];
        enum channel_state state = user->channels[wait->channel].state;
        if (user->values.messages[wait->value] < wait->messages &&
            (state == CHANNEL_OPEN || state == CHANNEL_CLOSING))
            return true;
    }
    return false;
}

/* A message goes out behind those before it on its WebSocket. */
static bool is_behind_another(const struct task *task)
{
    const struct plan_step *step = task->step;
    if (step->kind != STEP_WS_MESSAGE || !task->user->tasks_waiting)
        return false;
    for (const struct task *other = task->user->tasks; other; other = other->next) {
        if (other->state == TASK_WAITING && other->step->kind == STEP_WS_MESSAGE &&
            other->step->channel == step->channel && other->step < step)
            return true;
    }
    return false;
}

/* For its producers, and no other: in open pacing; think and max wait for more than these. */
static bool has_to_wait(struct task *task)
{
    if (is_behind_another(task))
        return true;
    if (!task->step->bindings)
        return false;
    enum lack lack = lacks_of_producers(task);
    if (lack == LACKS_ANSWER)
        return true;
    /* An event that was recorded may come as long as the answer does, as a message may. */
    bool awaits_event = lack == LACKS_LATER_EVENT && !task->has_waited;
    if (!awaits_event && !awaits_message(task))
        return false;
    if (!timer_is_set(&task->timer))
        timers_set(&task->user->env->loop->timers, &task->timer,
                   user_now_us(task->user) + task->user->env->ws_wait_us);
    return true;
}

static bool lacks_value(const struct task *task)
{
    const struct step_bindings *bindings = task->step->bindings;
    for (uint32_t i = 0; i < bindings->need_count; i++) {
        if (!task->user->values.texts[bindings->needs[i]].ptr)
            return true;
    }
    return false;
}

/* A value is missing: false when the request is not sent because of it. */
static bool goes_without(struct task *task)
{
    struct user *user = task->user;
    char why[160];
    user->env->metrics->bindings_missing[user->env->on_missing]++;
    switch (user->env->on_missing) {
    case MISSING_RECORDED:
        return true;
    case MISSING_SKIP:
        task_pause(task, user_now_us(user), TASK_FINISH);
        return false;
    case MISSING_END:
    case MISSING_COUNT:
        break;
    }
    struct bytes path = bytes_from(task->step->url, user->env->plan->target_bytes);
    snprintf(why, sizeof why, "a value that %.*s %.80s needs was in no answer",
             BYTES_ARG(task->step->method), path.len ? path.ptr : "a message");
    user_end(user, SESSION_FAILED, why);
    return false;
}

bool task_has_what_it_needs(struct task *task)
{
    if (!task->step->bindings || task->goes_without || !lacks_value(task))
        return true;
    task->goes_without = true; /* counted once, however often it is sent */
    return goes_without(task);
}

bool task_prepare_values(struct task *task)
{
    if (task->has_values || !(task->step->bindings || task->step->kind == STEP_WS_MESSAGE))
        return task_renew_request(task);
    if (has_to_wait(task)) {
        task->state = TASK_WAITING;
        task->user->tasks_waiting++;
        return false;
    }
    if (!task->step->bindings)
        return true;
    user_take_moments(task->user, task->step->bindings);
    if (task->step->kind == STEP_WS_MESSAGE && !task_has_what_it_needs(task))
        return false;
    task->has_values = true;
    if (task->is_filled)
        return task_renew_request(task);
    if (task_fill_request(task)) {
        user_end(task->user, SESSION_FAILED, "no memory for a request");
        return false;
    }
    return true;
}

static bool is_producer(const struct plan_step *step, const struct task *of)
{
    const struct step_bindings *bindings = of->step ? of->step->bindings : NULL;
    for (uint32_t i = 0; bindings && i < bindings->producer_count; i++) {
        if (&of->user->session->steps[bindings->producers[i].step] == step)
            return true;
    }
    return false;
}

void task_wait_again(struct user *user, const struct plan_step *producer)
{
    for (struct task *task = user->tasks; task; task = task->next) {
        if (!task->has_values || task->state == TASK_SENT || !is_producer(producer, task))
            continue;
        task->has_values = false;
        if (task->state == TASK_QUEUED || task->then == TASK_SEND) /* plugins are through with it */
            task->ask_from = user->env->chain->count;
    }
}

void task_wake_waiting(struct user *user)
{
    for (struct task *task = user->tasks; task; task = task->next) {
        if (task->state != TASK_WAITING || has_to_wait(task))
            continue;
        user->tasks_waiting--;
        task_pause(task, user_now_us(user), TASK_ASK);
    }
}

void task_stop_waiting(struct task *task)
{
    task->has_waited = true;
    if (has_to_wait(task))
        return; /* its producers are to come yet */
    task->user->tasks_waiting--;
    task_pause(task, user_now_us(task->user), TASK_ASK);
}

int task_hold_values(struct task *task, const struct bytes **ret_values)
{
    const struct values *values = &task->user->values;
    const struct step_bindings *bindings = task->step ? task->step->bindings : NULL;
    *ret_values = values->texts;
    /* A transport cuts what is left of a request anew each time it can send on: a value that a
     * plugin replaces meanwhile may be of another length. */
    if (!bindings || !bindings->need_count)
        return 0;
    if (!task->user->channels_active && !bindings->wait_count && !has_open_producer(task))
        return 0;
    struct bytes *held = arena_zalloc(&task->arena, values->count * sizeof *held);
    if (!held)
        return -1;
    *ret_values = held;
    for (uint32_t i = 0; i < bindings->need_count; i++) {
        uint32_t need = bindings->needs[i];
        if (!values->texts[need].ptr)
            continue;
        held[need] = arena_copy(&task->arena, values->texts[need]);
        if (!held[need].ptr)
            return -1;
    }
    return 0;
}

struct bytes task_recorded_cookies(struct task *task)
{
    const struct step_bindings *bindings = task->step->bindings;
    struct bytes recorded = task->step->recorded_cookies;
    const struct bytes *values = task->user->values.texts;
    size_t len = recorded.len, from = 0, out_len = 0;
    if (!bindings || !bindings->cookie_slot_count)
        return recorded;
    for (uint32_t i = 0; i < bindings->cookie_slot_count; i++)
        len += values[bindings->cookie_slots[i].value].len;
    char *out = arena_alloc(&task->arena, len);
    if (!out)
        return recorded;
    for (uint32_t i = 0; i < bindings->cookie_slot_count; i++) {
        const struct request_slot *slot = &bindings->cookie_slots[i];
        const struct bytes *value = &values[slot->value];
        if (!value->ptr)
            continue;
        memcpy(out + out_len, recorded.ptr + from, slot->at - from);
        out_len += slot->at - from;
        memcpy(out + out_len, value->ptr, value->len);
        out_len += value->len;
        from = slot->at + slot->len;
    }
    memcpy(out + out_len, recorded.ptr + from, recorded.len - from);
    return bytes_make(out, out_len + recorded.len - from);
}

/* --- messages ----------------------------------------------------------------------------- */

void task_take_message(struct user *user, const struct plan_step *connect, struct bytes payload)
{
    const struct step_bindings *bindings = connect->bindings;
    if (!bindings || !bindings->message_birth_count)
        return;
    if (values_take_message(&user->values, bindings->message_births, bindings->message_birth_count,
                            payload, user_scratch(user->env)) &&
        user->tasks_waiting)
        task_wake_waiting(user);
}

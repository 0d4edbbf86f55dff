/* task_values.c - the values of a task's step: waits for those it needs, puts them in, takes new
 * ones. */
#include <stdio.h>

#include "replay/plan/plan_bindings.h"
#include "replay/task.h"

static bool has_producers(const struct task *task)
{
    const struct user *user = task->user;
    const struct step_bindings *bindings = task->step->bindings;
    for (uint32_t i = 0; i < bindings->producer_count; i++) {
        if (!user_is_done(user, &user->session->steps[bindings->producers[i]]))
            return false;
    }
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
    snprintf(why, sizeof why, "a value that %.*s %.80s needs was in no answer",
             BYTES_ARG(task->step->method), task->step->url.ptr + user->env->plan->target_bytes);
    user_end(user, SESSION_FAILED, why);
    return false;
}

/* Into the request itself, for whoever looks at it: a plugin, a WebSocket's upgrade. What is
 * changed in it from now on counts as changed by a plugin. */
static int fill(struct task *task)
{
    const struct request_cut *cut = task->step->bindings->cut;
    if (!cut || (!task->user->plugins && task->step->kind == STEP_REQUEST))
        return 0;
    if (request_cut_fill(cut, task->user->values.texts, task->request))
        return -1;
    task->is_filled = task->request->changes != 0;
    task->request->changes = 0;
    return 0;
}

bool task_prepare_values(struct task *task)
{
    if (task->has_values)
        return true;
    if (!has_producers(task)) { /* in open pacing: think and max wait for more than these */
        task->state = TASK_WAITING;
        task->user->tasks_waiting++;
        return false;
    }
    if (lacks_value(task) && !goes_without(task))
        return false;
    task->has_values = true;
    if (fill(task)) {
        user_end(task->user, SESSION_FAILED, "no memory for a request");
        return false;
    }
    return true;
}

void task_wake_waiting(struct user *user)
{
    for (struct task *task = user->tasks; task; task = task->next) {
        if (task->state != TASK_WAITING || !has_producers(task))
            continue;
        user->tasks_waiting--;
        task_pause(task, user_now_us(user), TASK_ASK);
    }
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

void task_take_values(struct task *task, const struct transport_result *result)
{
    const struct step_bindings *bindings = task->step->bindings;
    static const struct http_response none = {0};
    values_take(&task->user->values, bindings->births, bindings->birth_count,
                result->failure == FAILURE_NONE ? &result->response : &none);
}

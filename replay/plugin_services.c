/* plugin_services.c - does at once what plugins ask for while they are asked about a user. */
#include "replay/plugin_services.h"

#include <stdlib.h>

#include "replay/cookie_parse.h"
#include "replay/identities/identities.h"
#include "replay/plan/plan_bindings.h"
#include "replay/task.h"

bool user_is_settled(const struct user *user, const struct plan_step *step)
{
    uint32_t at = step->end_position;
    return user->settled && (user->settled[at / 8] >> at % 8 & 1) != 0;
}

static struct task *task_of(const struct user *user, const struct plan_step *step)
{
    struct task *task = user->tasks;
    while (task && task->step != step)
        task = task->next;
    return task;
}

/* It was on its way already, whatever it waited for: nothing is left but its end. The one that a
 * plugin is being asked about is ended by who asks. */
static void end_task(struct task *task)
{
    struct user *user = task->user;
    task->then = TASK_FINISH;
    task_count_handled(task);
    if (task->state == TASK_ADDING) /* once what was added for it is answered */
        return;
    if (task->state == TASK_WAITING)
        user->tasks_waiting--;
    task_pause(task, user_now_us(user), TASK_FINISH);
}

static int settle(void *owner, uint32_t number, const struct http_response *answer)
{
    struct user *user = owner;
    static const struct http_response none = {0};
    if (number >= user->session->step_count)
        return -1;
    const struct plan_step *step = &user->session->steps[number];
    struct task *task = task_of(user, step);
    bool is_too_late = task && (task->state == TASK_SENT || task->state == TASK_QUEUED ||
                                (task->state == TASK_PAUSED && task->then == TASK_FINISH));
    if (step->kind != STEP_REQUEST || user_is_done(user, step) || is_too_late)
        return -1;
    if (!user->settled && !(user->settled = calloc(user->session->step_count / 8 + 1, 1)))
        return -1;
    if (step->bindings)
        values_take(&user->values, step->bindings->births, step->bindings->birth_count,
                    answer ? answer : &none, user_scratch(user->env));
    user->env->metrics->steps_settled += !user_is_settled(user, step); /* the last answer counts */
    user->settled[step->end_position / 8] |= (unsigned char)(1u << step->end_position % 8);
    if (task && !task->is_asked)
        end_task(task);
    return 0;
}

/* Requests under way may still read the values they were sent with. */
static uint64_t values_in_use_since(const struct user *user)
{
    uint64_t since = VALUES_NOT_IN_USE;
    for (const struct task *task = user->tasks; task; task = task->next) {
        if (task->state == TASK_SENT && task->sent_with < since)
            since = task->sent_with;
    }
    return since;
}

static int replace_value(void *owner, struct bytes old, struct bytes value)
{
    struct user *user = owner;
    return values_replace(&user->values, user->session->value_forms, old, value,
                          values_in_use_since(user));
}

static struct bytes data(void *owner, struct bytes column)
{
    const struct user *user = owner;
    const struct identities *identities = user->env->identities;
    if (!identities_have_data(identities))
        return (struct bytes){0};
    const struct identity_rows *rows = &identities->rows;
    uint32_t number;
    if (!identity_rows_find_column(rows, column, &number))
        return (struct bytes){0};
    return identity_rows_cell(
        rows, identities_row(identities, user->env->seed, user->index, user->plays - 1), number);
}

static int request_of_step(void *owner, uint32_t number, struct http_request *request)
{
    const struct user *user = owner;
    if (number >= user->session->step_count)
        return -1;
    const struct plan_step *step = &user->session->steps[number];
    if (step->kind != STEP_REQUEST)
        return -1;
    struct http_request recorded = {
        .method = step->method,
        .url = step->url,
        .body = step->body,
        .headers = step->headers,
        .header_count = step->header_count,
        .arena = request->arena,
    };
    if (step->bindings && step->bindings->cut &&
        request_cut_fill(step->bindings->cut, user->values.texts, &recorded))
        return -1;
    return http_request_copy(request, &recorded);
}

static void wake(void *owner, uint32_t plugin)
{
    struct user *user = owner;
    for (struct task *task = user->tasks; task; task = task->next) {
        bool is_held = task->state == TASK_HELD ||
                       (task->state == TASK_PAUSED && task->then == TASK_ASK && task->holds);
        if (!is_held || task->held_by != plugin || task->is_asked)
            continue;
        if (task->due_us > user_now_us(user)) /* it had asked for a longer delay */
            task->due_us = user_now_us(user);
        task_pause(task, user_now_us(user), TASK_ASK);
    }
}

static bool is_cookie(struct bytes text, int64_t unix_s)
{
    struct set_cookie parsed;
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f) /* as in a header */
            return false;
    }
    return set_cookie_parse(text, unix_s, &parsed);
}

static int set_cookie(void *owner, uint32_t number, struct bytes text)
{
    struct user *user = owner;
    int64_t unix_s = (user->env->unix_origin_us + (int64_t)user_now_us(user)) / 1000000;
    struct bytes target = bytes_of("/");
    if (number != REPRISE_ADDED) {
        if (number >= user->session->step_count)
            return -1;
        target = bytes_from(user->session->steps[number].url, user->env->plan->target_bytes);
    }
    bool is_kept = is_cookie(text, unix_s) &&
                   cookie_jar_store(&user->cookies, &user->site, text, target, unix_s);
    return is_kept ? 0 : -1;
}

const struct chain_services plugin_services = {
    .settle = settle,
    .replace_value = replace_value,
    .data = data,
    .request_of_step = request_of_step,
    .wake = wake,
    .set_cookie = set_cookie,
};

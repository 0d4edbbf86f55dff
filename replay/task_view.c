/* task_view.c - what is done with an answer while it comes: the values that it gives are taken, and
 * the plugins that want to see it do. */
#include <stdlib.h>

#include "replay/birth_stream.h"
#include "replay/plan/plan_bindings.h"
#include "replay/task.h"

/* Of a body that is there at once plugins are shown so much in a piece, as of one that comes. */
enum { PIECE_BYTES = 16 * 1024 };

/* --- values ------------------------------------------------------------------------------- */

static struct birth_stream *take_stream(struct user_env *env)
{
    struct birth_stream *stream = env->idle_streams;
    if (stream) {
        env->idle_streams = stream->next;
        return stream;
    }
    stream = malloc(sizeof *stream);
    if (stream)
        birth_stream_init(stream);
    return stream;
}

void task_drop_stream(struct task *task)
{
    struct birth_stream *stream = task->births;
    if (!stream)
        return;
    task->births = NULL;
    birth_stream_fini(stream); /* what it has grown to is not kept for the next */
    birth_stream_init(stream);
    stream->next = task->user->env->idle_streams;
    task->user->env->idle_streams = stream;
}

void task_streams_fini(struct user_env *env)
{
    while (env->idle_streams) {
        struct birth_stream *next = env->idle_streams->next;
        birth_stream_fini(env->idle_streams);
        free(env->idle_streams);
        env->idle_streams = next;
    }
}

static bool gives_values(const struct task *task)
{
    return task->step && task->step->bindings && task->step->bindings->birth_count;
}

/* Whoever waits for what has come goes on, in a moment: not inside the transport. */
static void tell_news(struct task *task)
{
    struct user *user = task->user;
    bool has_news = task->births->has_news;
    task->births->has_news = false;
    if (has_news && user->tasks_waiting && user->state == USER_PLAYING)
        task_wake_waiting(user);
}

void task_take_values(struct task *task, const struct transport_result *result)
{
    const struct step_bindings *bindings = task->step->bindings;
    static const struct http_response none = {0};
    bool is_whole = result->failure == FAILURE_NONE;
    if (result->was_shown && task->births) { /* of one that broke off what it had given stays */
        if (is_whole)
            birth_stream_end(task->births);
        task_drop_stream(task);
        return;
    }
    task_drop_stream(task);
    values_take(&task->user->values, bindings->births, bindings->birth_count,
                is_whole ? &result->response : &none, user_scratch(task->user->env));
}

void task_take_back_values(struct task *task)
{
    struct values *values = &task->user->values;
    const struct step_bindings *bindings = task->step->bindings;
    if (!task->births)
        return; /* what is taken at an answer's end has not been taken */
    task_drop_stream(task);
    for (uint32_t i = 0; i < bindings->birth_count; i++) {
        values_forget(values, bindings->births[i].value);
        values->messages[bindings->births[i].value] = 0;
    }
    values->replaced++;
    task_wait_again(task->user, task->step);
}

/* --- plugins ------------------------------------------------------------------------------ */

/* False: they want no more of it. */
static bool show_plugins(struct task *task, const struct transport_result *so_far,
                         struct bytes piece)
{
    struct user *user = task->user;
    uint64_t now_us = user_now_us(user);
    struct chain_data shown = {.data = piece, .skipped = task->data_skipped};
    struct chain_outcome outcome;
    if (user->state != USER_PLAYING) /* it is dropped in a moment */
        return true;
    const struct chain_answer answer = task_chain_answer(task, so_far, now_us);
    chain_response_data(user->plugins, now_us, &answer, &shown, &outcome);
    task->data_skipped = shown.skipped;
    return task_ends_session(user, &outcome) || !shown.is_enough;
}

/* What came at once. */
static void show_whole(struct task *task, const struct transport_result *result)
{
    struct bytes rest = result->response.body;
    struct transport_result so_far = *result;
    so_far.response.body = (struct bytes){0};
    while (rest.len) {
        size_t len = rest.len < PIECE_BYTES ? rest.len : PIECE_BYTES;
        if (!show_plugins(task, &so_far, bytes_make(rest.ptr, len)))
            return;
        rest = bytes_from(rest, len);
    }
}

void task_view_done(struct task *task, const struct transport_result *result)
{
    if (result->response.body.len && !result->was_shown)
        show_whole(task, result);
    task_judge(task, result);
}

/* --- both --------------------------------------------------------------------------------- */

static void on_head(void *owner, const struct http_response *head)
{
    struct task *task = owner;
    if (!gives_values(task) || (!task->births && !(task->births = take_stream(task->user->env))))
        return;
    const struct step_bindings *bindings = task->step->bindings;
    birth_stream_begin(task->births, &task->user->values, user_scratch(task->user->env),
                       bindings->births, bindings->birth_count, head);
    tell_news(task);
}

static bool take_values(void *owner, const struct transport_result *none, struct bytes piece)
{
    struct task *task = owner;
    (void)none;
    if (!task->births) /* no memory */
        return true;
    birth_stream_feed(task->births, piece);
    tell_news(task);
    return true;
}

/* Values first: a plugin that sees the piece may have a request sent that needs them. */
static bool take_and_show(void *owner, const struct transport_result *so_far, struct bytes piece)
{
    take_values(owner, NULL, piece);
    return show_plugins(owner, so_far, piece);
}

const struct transport_viewer *task_viewer(const struct task *task)
{
    static const struct transport_viewer values = {on_head, take_values, false};
    static const struct transport_viewer values_and_plugins = {on_head, take_and_show, true};
    if (task->step && task->step->kind != STEP_REQUEST)
        return NULL; /* what answers an upgrade has no body */
    if (task_asks(task, CHAIN_RESPONSE_DATA))
        return &values_and_plugins;
    return gives_values(task) ? &values : NULL;
}

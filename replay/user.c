/* user.c - the books of one replayed user: steps done, steps unlocked, the session's end. */
#include "replay/user.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/url.h"
#include "replay/channel.h"
#include "replay/task.h"
#include "replay/user_identity.h"

enum { OPEN_AHEAD_US = 10000 };

const char *user_state_name(enum user_state state)
{
    static const char *const names[] = {"idle", "starting", "playing", "ending"};
    return names[state];
}

static void on_timer(struct timer *timer, void *owner, uint64_t now_us);

void user_env_fini(struct user_env *env)
{
    task_pool_fini(env);
    task_streams_fini(env);
    place_scratch_free(env->scratch);
    env->scratch = NULL;
}

struct place_scratch *user_scratch(struct user_env *env)
{
    if (!env->scratch)
        env->scratch = place_scratch_new();
    return env->scratch;
}

struct user *user_new(struct user_env *env, uint64_t index)
{
    struct user *user = calloc(1, sizeof *user);
    struct url target;
    if (!user)
        return NULL;
    user->env = env;
    user->index = index;
    cookie_jar_init(&user->cookies);
    if (url_parse(env->target, &target) == 0)
        user->site = (struct cookie_site){
            .host = target.host, .is_secure = target.is_secure, .stands_in = true};
    timer_init(&user->timer, on_timer, user);
    return user;
}

/* What is under way, dropped: no callback. */
static void drop_work(struct user *user)
{
    while (user->tasks)
        task_drop(user->tasks);
    for (uint32_t i = 0; user->channels && i < user->session->channel_count; i++)
        channel_drop(&user->channels[i]);
}

static void clear_session(struct user *user)
{
    drop_work(user);
    if (user->plugins)
        chain_user_free(user->plugins);
    user->plugins = NULL;
    free(user->channels);
    user->channels = NULL;
    free(user->done);
    free(user->settled);
    user->done = user->settled = NULL;
    cookie_jar_clear(&user->cookies);
    values_fini(&user->values);
    timers_cancel(&user->env->loop->timers, &user->timer);
    if (user->state != USER_IDLE)
        user->env->users_active--;
    user->state = USER_IDLE;
}

void user_free(struct user *user)
{
    if (!user)
        return;
    clear_session(user);
    if (user->connections)
        user->env->ops->user_close(user->connections);
    cookie_jar_fini(&user->cookies);
    free(user->detail);
    free(user);
}

int user_play(struct user *user, const struct plan_session *session, uint64_t start_us)
{
    assert(user->state == USER_IDLE);
    user->done = calloc(session->step_count / 8 + 1, 1);
    user->channels = calloc(session->channel_count + 1u, sizeof *user->channels);
    if (!user->done || !user->channels || values_init(&user->values, session->value_count))
        goto failed;
    if (user->env->chain_worker &&
        chain_concerned(user->env->chain, (uint64_t)session->session_id)) {
        const struct chain_play play = {.index = user->index + user->plays * user->env->play_stride,
                                        .plays = user->plays,
                                        .session_id = (uint64_t)session->session_id,
                                        .step_count = session->step_count,
                                        .owner = user};
        user->plugins = chain_user_new(user->env->chain_worker, &play);
        if (!user->plugins)
            goto failed;
    }
    user->session = session;
    user->start_us = start_us;
    if (session->own_count && user_take_identity(user))
        goto failed;
    user->next_step = user->done_count = user->steps_handled = user->tasks_waiting = 0;
    user->result = SESSION_DONE;
    free(user->detail);
    user->detail = NULL;
    timers_set(&user->env->loop->timers, &user->timer, start_us);
    user->plays++;
    user->state = USER_STARTING;
    struct user_env *env = user->env;
    env->users_active++;
    if (env->users_active > env->most_users)
        env->most_users = env->users_active;
    return 0;
failed:
    if (user->plugins)
        chain_user_free(user->plugins);
    user->plugins = NULL;
    values_fini(&user->values);
    free(user->done);
    free(user->channels);
    user->done = NULL;
    user->channels = NULL;
    return -1;
}

/* When a step that has just been unlocked is due. */
static uint64_t due_of(const struct user *user, const struct plan_step *step, uint64_t unlocked_us)
{
    const struct pacing *pacing = &user->env->pacing;
    switch (pacing->mode) {
    case PACING_OPEN:
        return user->start_us + pacing_scale_us(step->offset_us, pacing->think_speed);
    case PACING_THINK:
        return unlocked_us + pacing_scale_us(step->gap_us, pacing->think_speed);
    case PACING_MAX:
        break;
    }
    return unlocked_us;
}

static bool is_unlocked(const struct user *user, const struct plan_step *step)
{
    return step->needs <= user->done_count || user->env->pacing.mode == PACING_OPEN;
}

/* So that what is due later is no task yet, and a long session no crowd of them at its start. */
static bool is_far_ahead(struct user *user, uint64_t due_us)
{
    if (user->env->pacing.mode != PACING_OPEN || due_us <= user_now_us(user) + OPEN_AHEAD_US)
        return false;
    timers_set(&user->env->loop->timers, &user->timer, due_us - OPEN_AHEAD_US);
    return true;
}

static void unlock_steps(struct user *user, uint64_t unlocked_us)
{
    const struct plan_session *session = user->session;
    while (user->state == USER_PLAYING && user->next_step < session->step_count) {
        const struct plan_step *step = &session->steps[user->next_step];
        if (!is_unlocked(user, step))
            return;
        uint64_t due_us = due_of(user, step, unlocked_us);
        if (is_far_ahead(user, due_us))
            return;
        user->next_step++;
        if (task_start_step(user, step, due_us)) {
            user_end(user, SESSION_FAILED, "no memory for a request");
            return;
        }
    }
}

void user_step_done(struct user *user, const struct plan_step *step)
{
    uint32_t at = step->end_position;
    user->done[at / 8] |= (unsigned char)(1u << at % 8);
    uint32_t before = user->done_count;
    while (user->done_count < user->session->step_count &&
           user->done[user->done_count / 8] >> user->done_count % 8 & 1)
        user->done_count++;
    if (user->done_count > before)
        unlock_steps(user, user_now_us(user));
    if (user->tasks_waiting)
        task_wake_waiting(user);
}

void user_look_for_end(struct user *user)
{
    if (user->state == USER_PLAYING && user->done_count == user->session->step_count &&
        user->tasks_active == 0 && user->channels_active == 0)
        user_end(user, SESSION_DONE, "");
}

void user_end(struct user *user, enum session_result result, const char *detail)
{
    if (user->state == USER_ENDING || user->state == USER_IDLE)
        return;
    user->state = USER_ENDING;
    user->result = result;
    user->detail = detail && *detail ? strdup(detail) : NULL; /* without memory it is not said */
    /* Not here: we may be inside a callback of the very call that is to be dropped. */
    timers_set(&user->env->loop->timers, &user->timer, 0);
}

static void hand_back(struct user *user, uint64_t now_us)
{
    struct user_env *env = user->env;
    uint32_t not_sent = user->session->step_count - user->steps_handled;
    const struct session_outcome outcome = {
        .result = user->result,
        .duration_us = now_us > user->start_us ? now_us - user->start_us : 0,
        .steps_not_sent = not_sent,
        .detail = user->detail,
    };
    drop_work(user);
    if (env->watch && env->watch->session_ended)
        env->watch->session_ended(env->watch->owner, user);
    if (user->plugins)
        chain_session_end(user->plugins, now_us);
    metrics_record_session(env->metrics, &outcome);
    clear_session(user);
    task_send_queued(env);
    env->user_ended(env->owner, user);
}

static void begin(struct user *user, uint64_t now_us)
{
    struct user_env *env = user->env;
    env->metrics->sessions_started++;
    user->state = USER_PLAYING;
    if (!user->connections) {
        user->connections = env->ops->user_open(env->transport);
        if (!user->connections) {
            user_end(user, SESSION_FAILED, "no memory for connections");
            return;
        }
    }
    if (user->plugins && chain_wants(env->chain, CHAIN_SESSION_START)) {
        struct chain_outcome outcome;
        chain_session_start(user->plugins, now_us, &outcome);
        if (task_ends_session(user, &outcome))
            return;
        if (outcome.delay_us)
            user->start_us = now_us + outcome.delay_us;
        if (outcome.added) {
            if (task_start_after(user, outcome.added, now_us + outcome.delay_us))
                user_end(user, SESSION_FAILED, "no memory for a request");
            return; /* user_begin_steps() once they are answered */
        }
    }
    user_begin_steps(user);
}

void user_begin_steps(struct user *user)
{
    uint64_t now_us = user_now_us(user);
    if (user->start_us < now_us && user->tasks_active) /* plugins came first */
        user->start_us = now_us;
    unlock_steps(user, user->start_us);
    user_look_for_end(user);
}

static void on_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct user *user = owner;
    (void)timer;
    if (user->state == USER_STARTING)
        begin(user, now_us);
    else if (user->state == USER_PLAYING)
        unlock_steps(user, now_us);
    else if (user->state == USER_ENDING)
        hand_back(user, now_us);
}

/* channel.c - one WebSocket of one user, played against the recorded order of messages. */
#include "replay/channel.h"

#include <stdio.h>

#include "core/url.h"

enum { OPCODE_TEXT = 1, OPCODE_BINARY = 2, OPCODE_CLOSE = 8, CLOSE_NORMAL = 1000 };

static void record_end(const struct channel *channel, enum ws_event event, uint64_t value,
                       enum failure failure, const char *detail)
{
    const struct ws_outcome outcome = {.endpoint = channel->connect->endpoint,
                                       .event = event,
                                       .value = value,
                                       .failure = failure,
                                       .detail = detail};
    metrics_record_ws(channel->user->env->metrics, &outcome);
}

static void record(const struct channel *channel, enum ws_event event, uint64_t value)
{
    record_end(channel, event, value, FAILURE_NONE, NULL);
}

static struct loop *loop_of(const struct channel *channel)
{
    return channel->user->env->loop;
}

static void set_timer(struct channel *channel)
{
    const struct user_env *env = channel->user->env;
    timers_set(&env->loop->timers, &channel->timer, env->loop->now_us + env->ws_wait_us);
}

/* Those that are not done: before a retry, or while it was held, some may have been given up. */
static uint32_t count_messages(const struct user *user, uint32_t channel)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < user->session->step_count; i++) {
        const struct plan_step *step = &user->session->steps[i];
        count +=
            step->kind == STEP_WS_MESSAGE && step->channel == channel && !user_is_done(user, step);
    }
    return count;
}

static void finish_waiting(struct channel *channel)
{
    while (channel->waiting) {
        struct task *task = channel->waiting;
        channel->waiting = task->queue_next;
        task_finish(task);
    }
}

/* Given up and not come late either: these are missing. */
static void record_missing(struct channel *channel)
{
    for (; channel->given_up; channel->given_up--)
        record(channel, WS_MISSING, 1);
}

/* No more comes: messages that still wait are not sent. */
static void end(struct channel *channel)
{
    struct user *user = channel->user;
    if (channel->state == CHANNEL_OVER)
        return;
    channel->state = CHANNEL_OVER;
    user->channels_active--;
    timers_cancel(&loop_of(channel)->timers, &channel->timer);
    if (channel->ws)
        user->env->ops->ws_free(channel->ws);
    channel->ws = NULL;
    record_missing(channel);
    finish_waiting(channel);
    if (user->tasks_waiting) /* for a value of a message that does not come any more */
        task_wake_waiting(user);
    user_look_for_end(user);
}

/* Stop waiting for the messages up to `wanted`; one that comes yet makes good for one of them. */
static void give_up(struct channel *channel, uint32_t wanted)
{
    if (channel->received >= wanted)
        return;
    channel->given_up += wanted - channel->received;
    channel->received = wanted;
}

static void record_closed(const struct channel *channel, enum failure failure, const char *detail)
{
    record_end(channel, WS_CLOSED, loop_of(channel)->now_us - channel->opened_us, failure, detail);
}

/* However it came to that, what had not come is missing. */
static void end_open(struct channel *channel, enum failure failure, const char *detail)
{
    give_up(channel, channel->connect->server_messages);
    record_closed(channel, failure, detail);
    watch_closed(channel->user->env->watch, channel->watched, true);
    end(channel);
}

static void close_channel(struct channel *channel, int code)
{
    channel->state = CHANNEL_CLOSING;
    set_timer(channel);
    if (channel->user->env->ops->ws_send(channel->ws, OPCODE_CLOSE, (struct bytes){0}, code))
        end_open(channel, FAILURE_NONE, NULL);
}

/* All of the recording's messages are out and in: nothing keeps it open. */
static void look_for_close(struct channel *channel)
{
    if (channel->state != CHANNEL_OPEN || channel->messages_left || channel->waiting)
        return;
    if (channel->received >= channel->connect->server_messages)
        close_channel(channel, CLOSE_NORMAL);
    else if (!timer_is_set(&channel->timer))
        set_timer(channel);
}

/* The gap counts from the later of what it waited for: now. */
static void pause_message(struct task *task)
{
    const struct user *user = task->user;
    const struct pacing *pacing = &user->env->pacing;
    uint64_t due_us = user_now_us(user);
    if (pacing->mode == PACING_OPEN)
        due_us = user->start_us + pacing_scale_us(task->step->offset_us, pacing->think_speed);
    else if (pacing->mode == PACING_THINK)
        due_us += pacing_scale_us(task->step->gap_us, pacing->think_speed);
    task->due_us = due_us;
    task_pause(task, due_us, TASK_ASK);
}

static void append_waiting(struct channel *channel, struct task *task)
{
    struct task **at = &channel->waiting;
    while (*at)
        at = &(*at)->queue_next;
    task->queue_next = NULL;
    task->state = TASK_HELD;
    task->held_by = UINT32_MAX; /* no plugin's */
    *at = task;
}

/* In open pacing messages waited for the upgrade alone. */
static bool has_what_it_waits_for(const struct channel *channel, const struct task *task)
{
    return channel->received >= task->step->server_messages ||
           channel->user->env->pacing.mode == PACING_OPEN;
}

static void wake_waiting(struct channel *channel)
{
    while (channel->waiting && has_what_it_waits_for(channel, channel->waiting)) {
        struct task *task = channel->waiting;
        channel->waiting = task->queue_next;
        timers_cancel(&loop_of(channel)->timers, &channel->timer);
        pause_message(task);
    }
    if (channel->waiting && !timer_is_set(&channel->timer)) /* the one behind it waits as long */
        set_timer(channel);
}

void channel_message_ready(struct task *task)
{
    struct user *user = task->user;
    struct channel *channel = &user->channels[task->step->channel];
    /* Where one did not come, the server answers otherwise than recorded: go on in the recorded
     * rhythm alone until it has caught up, instead of waiting in vain again and again. */
    bool waits = channel->state == CHANNEL_OPEN && channel->given_up == 0 &&
                 channel->received < task->step->server_messages &&
                 user->env->pacing.mode != PACING_OPEN;
    if (channel->state == CHANNEL_OPEN && channel->given_up)
        give_up(channel, task->step->server_messages);
    if (!waits) {
        pause_message(task);
        return;
    }
    append_waiting(channel, task);
    set_timer(channel);
}

void channel_free_sends(struct chain_ws_send *sends)
{
    while (sends) {
        struct chain_ws_send *next = sends->next;
        chain_ws_send_free(sends);
        sends = next;
    }
}

static void send_plugin_messages(struct channel *channel, struct chain_ws_send *sends)
{
    while (sends) {
        struct chain_ws_send *next = sends->next;
        if (channel->state == CHANNEL_OPEN &&
            channel->user->env->ops->ws_send(
                channel->ws, sends->is_text ? OPCODE_TEXT : OPCODE_BINARY, sends->data, 0) == 0)
            record(channel, WS_MESSAGE_SENT, sends->data.len);
        chain_ws_send_free(sends);
        sends = next;
    }
}

/* Ask the plugins about a data message. False: the session has ended. */
static bool ask_plugins(struct channel *channel, struct chain_message *message,
                        struct chain_outcome *ret_outcome)
{
    struct user *user = channel->user;
    *ret_outcome = (struct chain_outcome){.verdict = REPRISE_CONTINUE};
    message->step = (uint32_t)(channel->connect - user->session->steps);
    message->index = channel->indices[message->is_outgoing]++;
    if (!user->plugins || !chain_asks(user->plugins, CHAIN_WS_MESSAGE, message->step, NULL))
        return true;
    chain_ws_message(user->plugins, user_now_us(user), message, ret_outcome);
    if (task_ends_session(user, ret_outcome))
        return false;
    task_send_added(user, ret_outcome->added);
    return true;
}

/* What plugins send comes behind the message they saw. */
static void send_behind(struct channel *channel, struct task *task)
{
    struct chain_ws_send *sends = task->sends;
    task->sends = NULL;
    send_plugin_messages(channel, sends);
}

/* Not sent, or sent: either way the recording's message is dealt with. */
static void finish_message(struct channel *channel, struct task *task)
{
    if (channel->messages_left)
        channel->messages_left--;
    task_finish(task);
    look_for_close(channel);
}

void channel_message_finish(struct task *task)
{
    finish_message(&task->user->channels[task->step->channel], task);
}

/* Its upgrade is still to come: held, queued, under way or to be tried again. */
static bool is_connect_left(const struct user *user, uint32_t channel)
{
    for (uint32_t i = 0; i < user->session->step_count; i++) {
        const struct plan_step *step = &user->session->steps[i];
        if (step->kind == STEP_WS_CONNECT && step->channel == channel)
            return !user_is_done(user, step);
    }
    return false;
}

void channel_connect_done(struct user *user, const struct plan_step *step)
{
    struct channel *channel = &user->channels[step->channel];
    if (channel->state == CHANNEL_IDLE || channel->state == CHANNEL_OVER)
        finish_waiting(channel);
}

void channel_message_ask(struct task *task)
{
    struct channel *channel = &task->user->channels[task->step->channel];
    if (channel->state != CHANNEL_OPEN && channel->state != CHANNEL_CLOSING &&
        is_connect_left(task->user, task->step->channel)) {
        append_waiting(channel, task); /* open pacing: due before its WebSocket is open */
        return;
    }
    if (channel->state != CHANNEL_OPEN || task->step->opcode > OPCODE_BINARY) {
        channel_message_send(task);
        return;
    }
    struct chain_outcome outcome;
    struct chain_message message = {
        .is_outgoing = true,
        .is_text = task->step->opcode == OPCODE_TEXT,
        .data = task->own_request.body.ptr ? task->own_request.body : bytes_of(""),
        .arena = &task->arena,
    };
    if (!ask_plugins(channel, &message, &outcome))
        return;
    if (message.data.ptr != task->own_request.body.ptr) { /* it stays as the plugin has it */
        task->own_request.body = message.data;
        task->own_request.changes |= HTTP_CHANGED_BODY;
    }
    task->sends = outcome.sends;
    if (outcome.verdict == REPRISE_SKIP) {
        task->user->steps_handled++;
        send_behind(channel, task);
        finish_message(channel, task);
    } else if (outcome.delay_us) {
        task->due_us = user_now_us(task->user) + outcome.delay_us;
        task_pause(task, task->due_us, TASK_SEND);
    } else {
        channel_message_send(task);
    }
}

static int valid_close_code(int code)
{
    /* 1005 and 1006 are never sent (RFC 6455 7.4.1). */
    bool is_sendable =
        code >= 1000 && code < 5000 && code != 1004 && code != 1005 && code != 1006 && code != 1015;
    return is_sendable ? code : CLOSE_NORMAL;
}

void channel_message_send(struct task *task)
{
    struct user *user = task->user;
    struct channel *channel = &user->channels[task->step->channel];
    struct bytes payload = task->own_request.body;
    int opcode = task->step->opcode;
    uint64_t now_us = loop_refresh(user->env->loop);
    if (channel->state != CHANNEL_OPEN) {
        finish_message(channel, task);
        return;
    }
    if (opcode == OPCODE_CLOSE) {
        user->steps_handled++;
        channel->messages_left = 0;
        close_channel(channel, valid_close_code(task->step->close_code));
        task_finish(task);
        return;
    }
    if (user->env->ops->ws_send(channel->ws, opcode, payload, 0) == 0) {
        user->steps_handled++;
        record(channel, WS_MESSAGE_SENT, payload.len);
        record(channel, WS_LATENESS, now_us > task->due_us ? now_us - task->due_us : 0);
        if (opcode <= OPCODE_BINARY) {
            channel->awaits_answer = true;
            channel->last_sent_us = now_us;
        }
    }
    send_behind(channel, task);
    finish_message(channel, task);
}

static void on_timer(struct timer *timer, void *owner, uint64_t now_us)
{
    struct channel *channel = owner;
    (void)timer;
    (void)now_us;
    if (channel->state == CHANNEL_CLOSING) {
        end_open(channel, FAILURE_NONE, NULL);
    } else if (channel->waiting) {
        give_up(channel, channel->waiting->step->server_messages);
        wake_waiting(channel);
    } else if (channel->messages_left == 0) {
        give_up(channel, channel->connect->server_messages);
        look_for_close(channel);
    }
}

static void on_open(void *owner, const struct transport_result *result)
{
    struct channel *channel = owner;
    struct task *task = channel->upgrade;
    channel->upgrade = NULL;
    channel->state = CHANNEL_OPEN;
    channel->opened_us = loop_refresh(loop_of(channel));
    record(channel, WS_CONNECTED, channel->opened_us - task->started_us);
    channel->watched = watch_opened(channel->user->env->watch, channel->user, task->step, result);
    task_judge(task, result);
    if (channel->state == CHANNEL_OPEN)
        wake_waiting(channel);
    look_for_close(channel);
}

static void on_message(void *owner, int opcode, struct bytes payload)
{
    struct channel *channel = owner;
    uint64_t now_us = loop_refresh(loop_of(channel));
    if (channel->state != CHANNEL_OPEN && channel->state != CHANNEL_CLOSING)
        return;
    record(channel, WS_MESSAGE_RECEIVED, payload.len);
    if (channel->watched)
        channel->user->env->watch->message(channel->watched, channel->connect, opcode, payload);
    if (channel->awaits_answer)
        record(channel, WS_ANSWER_WAIT, now_us - channel->last_sent_us);
    channel->awaits_answer = false;
    if (channel->given_up)
        channel->given_up--; /* late, and counted as received when it was given up */
    else if (++channel->received > channel->connect->server_messages)
        record(channel, WS_EXTRA, 1);
    if (channel->user->state != USER_PLAYING)
        return;
    task_take_message(channel->user, channel->connect, payload);
    struct chain_outcome outcome;
    struct chain_message message = {.is_text = opcode == OPCODE_TEXT, .data = payload};
    if (!ask_plugins(channel, &message, &outcome))
        return;
    send_plugin_messages(channel, outcome.sends);
    if (channel->state == CHANNEL_OPEN) /* else its timer is that of the closing handshake */
        wake_waiting(channel);
    if (channel->messages_left == 0 && timer_is_set(&channel->timer) &&
        channel->state == CHANNEL_OPEN)
        set_timer(channel);
    look_for_close(channel);
}

/* The handshake came to nothing: the task's answer says why. */
static void refuse(struct channel *channel, const struct transport_result *result)
{
    char detail[64] = "";
    struct task *task = channel->upgrade;
    channel->upgrade = NULL;
    if (result->failure == FAILURE_NONE)
        snprintf(detail, sizeof detail, "the upgrade was answered %d", result->response.status);
    bool is_answered = result->failure == FAILURE_NONE;
    record_end(channel, WS_CONNECT_FAILED, 0, is_answered ? FAILURE_PROTOCOL : result->failure,
               is_answered ? detail : result->detail);
    /* Messages that are due already go on waiting: the upgrade may be retried. */
    struct task *waiting = channel->waiting;
    channel->waiting = NULL;
    end(channel);
    channel->waiting = waiting;
    task_judge(task, result);
}

/* Breaking off is what the recorded server may have done too, once all was said. */
static bool broke_off(const struct channel *channel, enum failure failure)
{
    if (channel->state != CHANNEL_OPEN || failure == FAILURE_NONE)
        return false;
    return failure != FAILURE_RESET || channel->messages_left || channel->waiting ||
           channel->received < channel->connect->server_messages;
}

static void on_close(void *owner, const struct transport_result *result, int close_code)
{
    struct channel *channel = owner;
    (void)close_code;
    if (channel->state == CHANNEL_CONNECTING) {
        refuse(channel, result);
        return;
    }
    if (channel->state == CHANNEL_OVER)
        return;
    enum failure failure = broke_off(channel, result->failure) ? result->failure : FAILURE_NONE;
    end_open(channel, failure, result->detail);
}

int channel_connect(struct task *task, const struct transport_request *request)
{
    static const struct transport_ws_events events = {
        .on_open = on_open, .on_message = on_message, .on_close = on_close};
    struct user *user = task->user;
    struct channel *channel = &user->channels[task->step->channel];
    struct task *waiting = channel->waiting; /* of an attempt before this one */
    *channel = (struct channel){
        .user = user,
        .state = CHANNEL_CONNECTING,
        .connect = task->step,
        .upgrade = task,
        .waiting = waiting,
        .messages_left = count_messages(user, task->step->channel),
    };
    timer_init(&channel->timer, on_timer, channel);
    channel->ws = user->env->ops->ws_open(user->connections, request, &events, channel);
    if (!channel->ws) {
        struct url url;
        const struct ws_outcome outcome = {
            .endpoint = channel->connect->endpoint,
            .event = WS_CONNECT_FAILED,
            .failure = url_parse(request->http->url, &url) ? FAILURE_PROTOCOL : FAILURE_NO_FILES,
            .detail = "could not be started"};
        metrics_record_ws(user->env->metrics, &outcome);
        channel->state = CHANNEL_IDLE;
        channel->upgrade = NULL;
        return -1;
    }
    user->channels_active++;
    return 0;
}

void channel_drop(struct channel *channel)
{
    if (channel->state == CHANNEL_IDLE || channel->state == CHANNEL_OVER)
        return;
    if (channel->state == CHANNEL_CONNECTING)
        record_end(channel, WS_CONNECT_FAILED, 0, FAILURE_CANCELLED, NULL);
    else
        record_closed(channel, FAILURE_CANCELLED, NULL);
    watch_closed(channel->user->env->watch, channel->watched, false);
    record_missing(channel); /* given up; what had time yet is not */
    channel->state = CHANNEL_OVER;
    channel->upgrade = NULL;
    channel->user->channels_active--;
    timers_cancel(&loop_of(channel)->timers, &channel->timer);
    if (channel->ws)
        channel->user->env->ops->ws_free(channel->ws);
    channel->ws = NULL;
}

/* signals.c - ends of jobs that are told without being asked for: by a WebSocket, by an event of a
 * stream. */
#include <stdio.h>

#include "plugin.h"
#include "tellings.h"

/* A job that is asked for is asked once more, now: its answer has what the trace binds. */
void signals_seen(const reprise_call *call, struct live_job *job, enum job_state state,
                  const char *word)
{
    if (job->state != LIVE_RUNNING)
        return;
    if (state == STATE_RUNNING && !job->running_us)
        job->running_us = call->now_us;
    if (!state_is_final(state))
        return;
    if (job->recorded->poll_count == 0) {
        live_end(call, job, state, word);
        return;
    }
    job->next_us = call->now_us;
    call->host->wake(call);
}

bool signals_tell(const reprise_call *call, struct live_job *job, struct span name,
                  struct span message)
{
    const struct plugin_state *state = call->plugin;
    struct telling telling;
    if (!span_contains(message, span_of(job->id)))
        return false;
    telling_read(&state->rules.words, name, message, &telling);
    bool is_told =
        telling.state != STATE_UNKNOWN && answer_has_text(telling.root, span_of(job->id));
    if (is_told)
        signals_seen(call, job, telling.state, telling.word);
    telling_fini(&telling);
    return is_told;
}

void signals_unstash(const reprise_call *call, struct live_job *job)
{
    struct user_state *user = call->user;
    for (size_t i = 0; i < STASH_MAX; i++)
        if (user->stash[i].text)
            signals_tell(call, job, span_of(user->stash[i].name), span_of(user->stash[i].text));
}

/* A message may come before the answer that gives the job its id. */
void signals_stash(struct user_state *user, struct span name, struct span message)
{
    if (message.len > STASH_MAX_BYTES || name.len > STASH_NAME_BYTES)
        return;
    struct stashed *slot = &user->stash[user->stash_next++ % STASH_MAX];
    free(slot->text);
    slot->text = span_copy(message);
    snprintf(slot->name, sizeof slot->name, "%.*s", (int)name.len, name.len ? name.ptr : "");
}

int plugin_on_ws_message(const reprise_call *call, const reprise_ws_message *message)
{
    struct user_state *user = call->user;
    bool is_submitting = false, is_told = false;
    if (message->is_outgoing || !message->is_text || !message->data.ptr || !message->mark)
        return REPRISE_CONTINUE;
    for (uint32_t i = 0; i < user->count; i++) {
        struct live_job *job = &user->jobs[i];
        is_submitting |= job->state == LIVE_SENT;
        if (job->state == LIVE_RUNNING)
            is_told |= signals_tell(call, job, (struct span){0}, plugin_span(message->data));
    }
    if (is_submitting && !is_told)
        signals_stash(user, (struct span){0}, plugin_span(message->data));
    return REPRISE_CONTINUE;
}

/* signals.c - ends of jobs that are told without being asked for: by a WebSocket, by an event
 * stream. */
#include <stdio.h>

#include "plugin.h"

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

static bool tells_of(const reprise_call *call, struct live_job *job, struct span message)
{
    const struct plugin_state *state = call->plugin;
    struct state_found found;
    if (!span_contains(message, span_of(job->id)))
        return false;
    json_t *root = answer_parse(message);
    bool is_told = answer_find_event(&state->rules.words, root, &found) &&
                   answer_has_text(root, span_of(job->id));
    json_decref(root);
    if (is_told)
        signals_seen(call, job, found.state, found.word);
    return is_told;
}

void signals_unstash(const reprise_call *call, struct live_job *job)
{
    struct user_state *user = call->user;
    for (size_t i = 0; i < STASH_MAX; i++)
        if (user->stash[i])
            tells_of(call, job, span_of(user->stash[i]));
}

/* A message may come before the answer that gives the job its id. */
static void stash(struct user_state *user, struct span message)
{
    if (message.len > STASH_MAX_BYTES)
        return;
    char **slot = &user->stash[user->stash_next++ % STASH_MAX];
    free(*slot);
    *slot = span_copy(message);
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
            is_told |= tells_of(call, job, plugin_span(message->data));
    }
    if (is_submitting && !is_told)
        stash(user, plugin_span(message->data));
    return REPRISE_CONTINUE;
}

struct streaming {
    const reprise_call *call;
    struct live_job *job;
};

static int take_event(void *owner, const struct event *event)
{
    const struct streaming *streaming = owner;
    const struct plugin_state *state = streaming->call->plugin;
    const struct words *words = &state->rules.words;
    struct state_found found = {0};
    json_t *root = answer_parse(event->data);
    if (!answer_find_event(words, root, &found)) {
        found.state = words_event(words, event->name);
        if (found.state == STATE_UNKNOWN) /* data: done */
            found.state = words_event(words, event->data);
        snprintf(found.word, sizeof found.word, "%s", state_name(found.state));
    }
    json_decref(root);
    signals_seen(streaming->call, streaming->job, found.state, found.word);
    return state_is_final(found.state);
}

/* 1: an event has told that the job has ended; 0: not yet. */
static int feed(const reprise_call *call, struct live_job *job, struct span data)
{
    if (!job->events) {
        job->events = malloc(sizeof *job->events);
        if (!job->events)
            return 0;
        events_init(job->events);
    }
    return events_feed(job->events, data, take_event, &(struct streaming){call, job}) == 1;
}

static void forget_stream(struct live_job *job)
{
    if (job->events)
        events_fini(job->events);
    free(job->events);
    job->events = NULL;
}

int plugin_on_response_data(const reprise_call *call, const reprise_response *response,
                            reprise_bytes data)
{
    struct user_state *user = call->user;
    uint32_t mark = response->request->mark;
    if (MARK_ROLE(mark) != ROLE_STREAM || MARK_JOB(mark) >= user->count ||
        response->status / 100 != 2)
        return REPRISE_SKIP;
    struct live_job *job = &user->jobs[MARK_JOB(mark)];
    if (!feed(call, job, plugin_span(data)))
        return REPRISE_CONTINUE;
    if (job->recorded->ends_with_stream && call->host->end_response)
        call->host->end_response(call);
    return REPRISE_SKIP;
}

/* Without a word about the end it is opened again, as a browser does. */
int signals_stream_ended(const reprise_call *call, struct live_job *job,
                         const reprise_response *response)
{
    const struct plugin_state *state = call->plugin;
    if (response->body.ptr)
        feed(call, job, plugin_span(response->body));
    forget_stream(job);
    if (job->state != LIVE_RUNNING || job->recorded->poll_count || !job->recorded->has_ended ||
        response->status == 401)
        return REPRISE_CONTINUE;
    call->host->record(call, AI_POLL_ERRORS, 1);
    if (live_is_late(call, job))
        return live_give_up(call, job, true, "it has not ended by its deadline");
    if (++job->misses > state->missing)
        return live_give_up(call, job, false, "its event streams end without a word about it");
    call->host->delay_us(call, 1000000 + call->host->random(call) % 200000);
    return REPRISE_RETRY;
}

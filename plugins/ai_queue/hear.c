/* hear.c - the answers of submits and polls, and what follows from them. */
#include <stdio.h>

#include "plugin.h"

struct asked {
    const reprise_call *call;
    const reprise_response *response;
};

static struct span header(void *owner, const char *name)
{
    const struct asked *asked = owner;
    return plugin_span(asked->call->host->response_header(asked->call, asked->response, name));
}

static struct answer answer_of(const reprise_call *call, const reprise_response *response)
{
    struct asked asked = {call, response};
    return (struct answer){
        .status = response->status,
        .error = response->error,
        .content_type = header(&asked, "Content-Type"),
        .location = header(&asked, "Location"),
        .retry_after = header(&asked, "Retry-After"),
        .date = header(&asked, "Date"),
        .depth = header(&asked, "X-Queue-Depth"),
        .body = plugin_span(response->body),
        .unix_us = call->unix_us,
    };
}

static void note_depth(const reprise_call *call, const struct reading *reading)
{
    if (reading->has_depth)
        call->host->record(call, AI_QUEUE_DEPTH, reading->depth);
}

/* Is one more attempt within the deadline? Then it comes after a pause. */
static int submit_again(const reprise_call *call, struct live_job *job,
                        const struct reading *reading)
{
    static const struct backoff fallback = {
        .first_us = 1000000, .longest_us = 30000000, .factor = 2};
    const struct plugin_state *state = call->plugin;
    const struct backoff *delays = state->delays.first_us ? &state->delays : &fallback;
    uint64_t pause_us = backoff_delay_us(delays, job->submits - 1, call->host->random(call));
    if (reading->has_retry_after)
        pause_us =
            reading->retry_after_us + call->host->random(call) % (reading->retry_after_us / 10 + 1);
    if (call->now_us + pause_us - job->began_us >= state->deadline || job->submits >= state->cap)
        return live_give_up(call, job, true, NOT_TAKEN);
    call->host->delay_us(call, pause_us);
    return REPRISE_RETRY;
}

/* Of one of the jobs that were submitted together. */
static int hear_submitted(const reprise_call *call, struct live_job *job,
                          const reprise_response *response, const struct answer *answer)
{
    const struct plugin_state *state = call->plugin;
    struct asked asked = {call, response};
    struct reading reading;
    read_submit(&state->rules.words, job->recorded, answer, header, &asked, &reading);
    note_depth(call, &reading);
    switch (reading.kind) {
    case READ_TAKEN:
        live_begin(call, job, &reading, response);
        signals_unstash(call, job);
        return REPRISE_CONTINUE;
    case READ_LATER:
        call->host->record(call, AI_JOBS_REJECTED, 1);
        if (state->waits_when_full)
            return submit_again(call, job, &reading);
        job->state = LIVE_LOST;
        return REPRISE_CONTINUE;
    case READ_REFUSED:
        job->state = LIVE_NONE;
        return REPRISE_CONTINUE;
    default:
        break;
    }
    if (!response->status && live_is_late(call, job))
        return live_give_up(call, job, true, NOT_TAKEN);
    char why[READING_PROBLEM_BYTES + 40];
    snprintf(why, sizeof why, "its submit brought nothing: %s", reading.problem);
    return live_give_up(call, job, false, why);
}

/* A stream that broke off has no status, and may have begun the job. */
static int hear_taking(const reprise_call *call, struct live_job *job,
                       const reprise_response *response, const struct answer *answer)
{
    bool is_stream =
        job->recorded->answers_itself &&
        (response->status / 100 == 2 || (!response->status && job->state == LIVE_RUNNING));
    return is_stream ? streams_answer_ended(call, job, response)
                     : hear_submitted(call, job, response, answer);
}

static int hear_submit(const reprise_call *call, const reprise_response *response)
{
    struct user_state *user = call->user;
    struct answer answer = answer_of(call, response);
    int verdict = REPRISE_CONTINUE;
    for (uint32_t i = 0; i < user->count && verdict == REPRISE_CONTINUE; i++) {
        struct live_job *job = &user->jobs[i];
        if (job->recorded->submit_step != response->request->step)
            continue;
        job->submits++;
        verdict = hear_taking(call, job, response, &answer);
    }
    call->host->wake(call);
    return verdict;
}

/* One that was refused in the recording: here it may be taken, and what the recorded client sent
 * after it would be a second job. Refused again, that is left to the step that follows. */
static int hear_attempt(const reprise_call *call, const struct live_job *first,
                        const reprise_response *response)
{
    struct user_state *user = call->user;
    const struct job_recorded *recorded = first->recorded;
    bool is_later = response->status == 429 || response->status == 503;
    int verdict = REPRISE_CONTINUE;
    struct answer answer = answer_of(call, response);
    for (uint32_t i = 0; i < user->count && verdict == REPRISE_CONTINUE; i++) {
        struct live_job *job = &user->jobs[i];
        bool is_begun = job->state == LIVE_RUNNING && job->recorded->answers_itself;
        if (job->recorded->submit_step != recorded->submit_step ||
            (job->state != LIVE_SENT && !is_begun))
            continue;
        job->submits++;
        if (is_later)
            call->host->record(call, AI_JOBS_REJECTED, 1);
        else if (response->status / 100 == 2 || response->status == 303 || is_begun)
            verdict = hear_taking(call, job, response, &answer);
    }
    if (first->state == LIVE_RUNNING || first->state == LIVE_OVER) {
        for (uint32_t i = 0; i < recorded->attempt_count; i++)
            if (recorded->attempts[i] > response->request->step)
                call->host->settle_like(call, recorded->attempts[i], response);
        call->host->settle_like(call, recorded->submit_step, response);
    }
    call->host->wake(call);
    return verdict;
}

/* A job goes by another id from here on. */
static void move(const reprise_call *call, struct live_job *job, const char *id)
{
    reprise_bytes old = {job->id, strlen(job->id)}, fresh = {id, strlen(id)};
    call->host->replace_value(call, old, fresh);
    call->host->record(call, AI_JOBS_MOVED, 1);
    memcpy(job->previous_id, job->id, sizeof job->previous_id);
    snprintf(job->id, sizeof job->id, "%s", id);
}

/* Nothing in the trace asks for it again: this step has to. */
static bool is_last(const struct live_job *job, uint32_t step)
{
    const struct job_recorded *recorded = job->recorded;
    return recorded->poll_count == 0 || recorded->polls[recorded->poll_count - 1] <= step;
}

static int still_pending(const reprise_call *call, struct live_job *job, uint32_t step,
                         bool must_repeat)
{
    const struct plugin_state *state = call->plugin;
    if (live_is_late(call, job) || job->polls >= state->cap) {
        live_settle_polls(call, job, step, NULL);
        return live_give_up(call, job, true,
                            job->polls >= state->cap
                                ? "it has not ended after the most polls allowed"
                                : "it has not ended by its deadline");
    }
    if (must_repeat || (is_last(job, step) && job->recorded->has_ended))
        return REPRISE_RETRY;
    if (is_last(job, step))
        live_leave(call, job);
    return REPRISE_CONTINUE;
}

/* Answers that say nothing about the job: some of them in a row are put up with. */
static int hear_nothing(const reprise_call *call, struct live_job *job, uint32_t step,
                        const struct reading *reading)
{
    const struct plugin_state *state = call->plugin;
    bool is_asked_to_wait = reading->kind == READ_LATER && reading->has_retry_after;
    call->host->record(call, AI_POLL_ERRORS, 1);
    job->misses += !is_asked_to_wait;
    if (job->misses <= state->missing)
        return still_pending(call, job, step, true);
    char why[READING_PROBLEM_BYTES + 80];
    if (job->misses == 1)
        snprintf(why, sizeof why, "a poll brought nothing: %s", reading->problem);
    else
        snprintf(why, sizeof why, "%u polls in a row brought nothing: %s", job->misses,
                 reading->problem);
    live_settle_polls(call, job, step, NULL);
    return live_give_up(call, job, false, why);
}

static void note_unknown(const reprise_call *call, const struct live_job *job,
                         const struct reading *reading)
{
    if (reading->is_unknown && strcmp(job->word, reading->word) != 0)
        call->host->log(call, REPRISE_WARNING,
                        "job %s: its state '%s' is no word known here: taken for running; "
                        "done=, failed= or running= says what it means",
                        job->id, reading->word);
}

static int hear_state(const reprise_call *call, struct live_job *job,
                      const reprise_response *response, const struct reading *reading)
{
    uint32_t step = response->request->step;
    bool is_elsewhere = reading->kind == READ_MOVED && response->status / 100 != 2;
    note_unknown(call, job, reading);
    job->misses = 0;
    if (reading->word[0])
        memcpy(job->word, reading->word, sizeof job->word);
    if (reading->kind == READ_MOVED)
        move(call, job, reading->new_id);
    if (is_elsewhere) { /* asked there at once */
        job->next_us = call->now_us;
        return still_pending(call, job, step, true);
    }
    if (reading->state == STATE_RUNNING && !job->running_us)
        job->running_us = call->now_us;
    if (reading->kind != READ_ENDED)
        return still_pending(call, job, step, false);
    live_settle_polls(call, job, step, response);
    live_end(call, job, reading->state, reading->word);
    return REPRISE_CONTINUE;
}

static int hear_poll(const reprise_call *call, struct live_job *job,
                     const reprise_response *response)
{
    const struct plugin_state *state = call->plugin;
    struct answer answer = answer_of(call, response);
    struct reading reading;
    if (job->state != LIVE_RUNNING)
        return REPRISE_CONTINUE;
    read_poll(&state->rules.words, job->recorded, plugin_span(response->request->url),
              span_of(job->id), &answer, &reading);
    note_depth(call, &reading);
    job->polls++;
    job->last_gap_us = call->now_us - job->last_us;
    job->last_us = call->now_us;
    live_book_poll(call, job, &reading);
    switch (reading.kind) {
    case READ_REFUSED: /* by who asks for tokens: another plugin may save it, and asks us again */
        call->host->record(call, AI_POLL_ERRORS, 1);
        job->next_us = call->now_us;
        job->is_left = is_last(job, response->request->step);
        call->host->wake(call);
        return REPRISE_CONTINUE;
    case READ_MISSING:
    case READ_LATER:
        return hear_nothing(call, job, response->request->step, &reading);
    default:
        return hear_state(call, job, response, &reading);
    }
}

/* What it says of each of the jobs that were asked for by it. */
static int hear_list(const reprise_call *call, const reprise_response *response)
{
    struct user_state *user = call->user;
    int result = REPRISE_CONTINUE;
    for (uint32_t i = 0; i < user->count; i++) {
        struct live_job *job = &user->jobs[i];
        if (!job_has_poll(job->recorded, response->request->step))
            continue;
        int verdict = hear_poll(call, job, response);
        job->is_asked = verdict == REPRISE_RETRY;
        if (verdict == REPRISE_FAIL)
            return verdict;
        if (verdict == REPRISE_RETRY)
            result = verdict;
    }
    return result;
}

int plugin_on_response(const reprise_call *call, const reprise_response *response)
{
    struct user_state *user = call->user;
    uint32_t mark = response->request->mark, number = MARK_JOB(mark);
    if (response->request->step == REPRISE_ADDED || !mark || number >= user->count)
        return REPRISE_CONTINUE;
    switch (MARK_ROLE(mark)) {
    case ROLE_SUBMIT:
        return hear_submit(call, response);
    case ROLE_POLL: {
        int verdict = hear_poll(call, &user->jobs[number], response);
        user->jobs[number].is_asked = verdict == REPRISE_RETRY;
        return verdict;
    }
    case ROLE_LIST:
        return hear_list(call, response);
    case ROLE_STREAM:
        return streams_own_ended(call, &user->jobs[number], response);
    case ROLE_EVENTS:
        return streams_shared_ended(call, response);
    case ROLE_ATTEMPT:
        return hear_attempt(call, &user->jobs[number], response);
    default:
        return REPRISE_CONTINUE;
    }
}

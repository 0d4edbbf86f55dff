/* live.c - what becomes of a job of this user: begun, ended, given up; and when it is asked for. */
#include <inttypes.h>

#include "plugin.h"

enum { SHORTEST_PAUSE_US = 10000 };

static void count_in_flight(const reprise_call *call, int change)
{
    struct plugin_state *state = call->plugin;
    unsigned long long level = change > 0 ? atomic_fetch_add(&state->in_flight, 1) + 1
                                          : atomic_fetch_sub(&state->in_flight, 1) - 1;
    call->host->record(call, AI_JOBS_IN_FLIGHT, level);
}

void live_begin(const reprise_call *call, struct live_job *job, const struct reading *reading,
                const reprise_response *response)
{
    uint64_t ago_us =
        response->total_us > response->sent_us ? response->total_us - response->sent_us : 0;
    if (job->state == LIVE_RUNNING) /* submitted again, by whom this plugin does not know */
        live_leave(call, job);
    ago_us = ago_us < call->now_us ? ago_us : call->now_us;
    job->state = LIVE_RUNNING;
    memcpy(job->id, reading->new_id, sizeof job->id);
    job->previous_id[0] = '\0';
    job->submitted_us = call->now_us - ago_us;
    job->submitted_unix_us = call->unix_us - (int64_t)ago_us;
    job->last_us = call->now_us;
    job->running_us = reading->state == STATE_RUNNING ? call->now_us : 0;
    job->polls = job->misses = 0;
    job->last_gap_us = 0;
    memcpy(job->word, reading->word, sizeof job->word);
    job->is_asked = job->is_left = false;
    live_book_poll(call, job, reading);
    call->host->record(call, AI_JOBS, 1);
    count_in_flight(call, 1);
}

static void write_line(const reprise_call *call, const struct live_job *job, const char *state)
{
    struct plugin_state *plugin = call->plugin;
    joblog_add(&plugin->job_log, &(struct joblog_line){
                                     .id = job->id,
                                     .state = state,
                                     .submitted_unix_us = job->submitted_unix_us,
                                     .duration_us = call->now_us - job->submitted_us,
                                     .polls = job->polls,
                                     .last_gap_us = job->last_gap_us,
                                 });
}

static void be_over(const reprise_call *call, struct live_job *job, const char *state)
{
    write_line(call, job, state);
    job->state = LIVE_OVER;
    count_in_flight(call, -1);
    call->host->wake(call);
}

void live_end(const reprise_call *call, struct live_job *job, enum job_state state,
              const char *word)
{
    const reprise_host *host = call->host;
    if (job->state != LIVE_RUNNING)
        return;
    memmove(job->word, word, strlen(word) + 1);
    host->record(call, AI_JOB_DURATION, call->now_us - job->submitted_us);
    host->record(call, AI_JOB_POLLS, job->polls);
    if (job->running_us) {
        uint64_t waited_us =
            job->running_us > job->submitted_us ? job->running_us - job->submitted_us : 0;
        host->record(call, AI_JOB_QUEUE_WAIT, waited_us);
        host->record(call, AI_JOB_PROCESSING, call->now_us - job->running_us);
    }
    if (state == STATE_FAILED)
        host->record(call, AI_JOBS_FAILED, 1);
    be_over(call, job, state_name(state));
}

int live_give_up(const reprise_call *call, struct live_job *job, bool is_late, const char *why)
{
    const struct plugin_state *state = call->plugin;
    const reprise_host *host = call->host;
    uint64_t since_us = job->state == LIVE_RUNNING ? job->submitted_us : job->began_us;
    double seconds = (double)(call->now_us - since_us) / 1e6;
    bool is_running = job->state == LIVE_RUNNING;
    host->record(call, is_late ? AI_JOBS_TIMED_OUT : AI_JOBS_LOST, 1);
    if (is_running)
        host->record(call, AI_JOB_POLLS, job->polls);
    if (state->fails_on_timeout)
        host->error(call, "job %s of %s: %s (last state: %s, %.1f s, %" PRIu32 " polls)",
                    is_running ? job->id : "without an id", job->recorded->submit, why,
                    job->word[0] ? job->word : "none", seconds, job->polls);
    if (is_running)
        be_over(call, job, is_late ? "timed_out" : "lost");
    else
        host->wake(call);
    job->state = is_running ? LIVE_OVER : LIVE_LOST;
    return state->fails_on_timeout ? REPRISE_FAIL : REPRISE_CONTINUE;
}

void live_leave(const reprise_call *call, struct live_job *job)
{
    if (job->state == LIVE_RUNNING) {
        write_line(call, job, "left");
        job->state = LIVE_OVER;
        count_in_flight(call, -1);
    }
}

uint64_t live_deadline_us(const reprise_call *call, const struct live_job *job)
{
    const struct plugin_state *state = call->plugin;
    return job->began_us + state->deadline;
}

bool live_is_late(const reprise_call *call, const struct live_job *job)
{
    return call->now_us >= live_deadline_us(call, job);
}

static uint64_t rhythm_us(const reprise_call *call, const struct live_job *job)
{
    const struct plugin_state *state = call->plugin;
    uint64_t pause_us = job->polls == 0 ? job->recorded->first_delay_us
                                        : job_interval_us(&state->table, job->recorded);
    switch (state->rhythm_kind) {
    case RHYTHM_BACKOFF:
        return backoff_delay_us(&state->delays, job->polls, call->host->random(call));
    case RHYTHM_COMPRESSED:
        return call->think_speed > 0 ? (uint64_t)((double)pause_us / call->think_speed) : 0;
    case RHYTHM_RECORDED:
        break;
    }
    return pause_us;
}

/* Does Retry-After count: always where there is no room, else when it is asked for or the recorded
 * client went by it. */
static bool goes_by_retry_after(const struct plugin_state *state, const struct live_job *job,
                                const struct reading *reading)
{
    if (!reading->has_retry_after)
        return false;
    if (reading->kind == READ_LATER || state->retry_after_kind == RETRY_AFTER_ON)
        return true;
    return state->retry_after_kind == RETRY_AFTER_AUTO &&
           job->recorded->honoured > job->recorded->ignored;
}

static uint64_t pause_of(const reprise_call *call, const struct live_job *job,
                         const struct reading *reading)
{
    const struct plugin_state *state = call->plugin;
    uint64_t pause_us = rhythm_us(call, job);
    if (goes_by_retry_after(state, job, reading)) { /* and a little, so that not all come at once */
        pause_us = reading->retry_after_us;
        pause_us += call->host->random(call) % (pause_us / 10 + 1);
    }
    return pause_us > SHORTEST_PAUSE_US ? pause_us : SHORTEST_PAUSE_US;
}

/* A pause that would last beyond the deadline ends there: nobody is given up without having been
 * asked for once more. */
void live_book_poll(const reprise_call *call, struct live_job *job, const struct reading *reading)
{
    uint64_t deadline_us = live_deadline_us(call, job);
    job->next_us = call->now_us + pause_of(call, job, reading);
    if (job->next_us > deadline_us && call->now_us < deadline_us)
        job->next_us = deadline_us;
}

/* Does another job need this step yet? */
static bool is_wanted(const reprise_call *call, const struct live_job *job, uint32_t step)
{
    const struct user_state *user = call->user;
    for (uint32_t i = 0; job->recorded->list_pointer && i < user->count; i++) {
        const struct live_job *other = &user->jobs[i];
        if (other != job && other->state != LIVE_OVER && other->state != LIVE_LOST &&
            job_has_poll(other->recorded, step))
            return true;
    }
    return false;
}

void live_settle_polls(const reprise_call *call, const struct live_job *job, uint32_t after_step,
                       const reprise_response *response)
{
    const struct job_recorded *recorded = job->recorded;
    for (uint32_t i = 0; i < recorded->poll_count; i++) {
        uint32_t step = recorded->polls[i];
        if (is_wanted(call, job, step) || (step <= after_step && after_step != REPRISE_ADDED))
            continue;
        if (response)
            call->host->settle_like(call, step, response);
        else
            call->host->settle(call, step, NULL);
    }
}

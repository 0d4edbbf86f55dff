/*
 * ai_queue.c - replays a job as a loop until it is done, not as so many recorded polls.
 *
 *     --plugin ai_queue
 *     --plugin ai_queue:backoff=200ms..5s*1.5,deadline=10m
 *     --plugin ai_queue:submit=POST:/jobs,poll=/jobs/{id},id=/job/id,status=/job/phase,done=OK
 *
 * docs/plugins/ai_queue.md says what it recognises. The files here that know of the host are this
 * one, ask.c (requests), hear.c (answers), signals.c (WebSockets), streams.c (event streams) and
 * live.c (what becomes of a job); the others are functions of bytes.
 */
#include <errno.h>
#include <stdio.h>

#include "plugin.h"
#include "settings.h"

enum { MAX_CAP = 9999, MAX_TOLD = 8 };

static int refuse(const reprise_call *call, const char *problem)
{
    call->host->error(call, "%s", problem);
    return REPRISE_FAIL;
}

#define FOUND "found" /* of places that nobody has named */

static bool is_given(const char *place)
{
    return strcmp(place, FOUND) != 0;
}

static int read_rules(const reprise_call *call, struct plugin_state *state)
{
    char problem[SETTINGS_MAX_PROBLEM_BYTES];
    struct learn_rules *rules = &state->rules;
    rules->words = (struct words){state->waiting, state->running, state->done, state->failed};
    if (settings_words(&rules->words, problem))
        return refuse(call, problem);
    if (is_given(state->submit)) {
        if (settings_submit(state->submit, &state->owned[0], &state->owned[1], problem))
            return refuse(call, problem);
        rules->submit_method = state->owned[0];
        rules->submit_path = state->owned[1];
    }
    if (is_given(state->poll)) {
        if (settings_poll(state->poll, problem))
            return refuse(call, problem);
        rules->poll_path = state->poll;
    }
    if (strncmp(state->id, "header:", 7) == 0) {
        rules->id_header = state->id + 7;
        if (!rules->id_header[0])
            return refuse(call, "id: 'header:': no header; write header:Location");
    } else if (is_given(state->id)) {
        if (settings_pointer("id", state->id, &state->owned[2], problem))
            return refuse(call, problem);
        rules->id_pointer = state->owned[2];
    }
    if (is_given(state->status)) {
        if (settings_pointer("status", state->status, &state->owned[3], problem))
            return refuse(call, problem);
        rules->state_pointer = state->owned[3];
    }
    return REPRISE_CONTINUE;
}

static int read_choices(const reprise_call *call, struct plugin_state *state)
{
    char problem[SETTINGS_MAX_PROBLEM_BYTES];
    int rhythm = settings_choice("rhythm", state->rhythm, "recorded|compressed", problem);
    int retry_after =
        rhythm < 0 ? -1
                   : settings_choice("retry_after", state->retry_after, "auto|on|off", problem);
    int on_full =
        retry_after < 0 ? -1 : settings_choice("on_full", state->on_full, "wait|fail", problem);
    int on_timeout =
        on_full < 0 ? -1 : settings_choice("on_timeout", state->on_timeout, "fail|go-on", problem);
    if (on_timeout < 0)
        return refuse(call, problem);
    if (backoff_parse(state->backoff, &state->delays, problem))
        return refuse(call, problem);
    state->rhythm_kind = state->delays.first_us ? RHYTHM_BACKOFF : (enum rhythm)rhythm;
    state->retry_after_kind = (enum retry_after)retry_after;
    state->waits_when_full = on_full == 0;
    state->fails_on_timeout = on_timeout == 0;
    if (state->cap == 0 || state->cap > MAX_CAP)
        return refuse(call, "cap: it is from 1 to 9999");
    if (state->deadline == 0)
        return refuse(call, "deadline: it is longer than 0");
    return read_rules(call, state);
}

static int start(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    if (joblog_init(&state->job_log, state->log)) {
        call->host->error(call, "log: %s: %s", state->log, strerror(errno));
        return REPRISE_FAIL;
    }
    learn_init(&state->learn, &state->rules, &state->table);
    if (!call->host->settle_like || !call->host->keep_body)
        return refuse(call, "this reprise cannot settle steps that are not sent");
    return read_choices(call, state);
}

static int mark(void *owner, uint32_t step, uint32_t mark)
{
    const reprise_call *call = owner;
    return call->host->mark(call, step, mark);
}

/* Whether the trace has what options name. */
static void note_named(struct plugin_state *state, const reprise_recorded *recorded)
{
    const struct learn_rules *rules = &state->rules;
    struct span url = plugin_span(recorded->url);
    if (!url.len)
        return;
    if (rules->submit_path && span_is(plugin_span(recorded->method), rules->submit_method))
        state->has_submit |= url_matches(rules->submit_path, url, NULL);
    if (rules->poll_path)
        state->has_poll |= url_matches(rules->poll_path, url, NULL);
}

static int on_recorded(const reprise_call *call, const reprise_recorded *recorded)
{
    struct plugin_state *state = call->plugin;
    note_named(state, recorded);
    if (!learn_see(&state->learn, call->session_id, recorded, mark, (void *)call))
        return REPRISE_CONTINUE;
    call->host->error(call, "no memory for the jobs of the trace");
    return REPRISE_FAIL;
}

/* "/jobs/job_7x/status" as "/jobs/{id}/status". */
static void write_poll(const struct job_recorded *job, char *into, size_t size)
{
    struct span path = url_target(span_of(job->poll_url ? job->poll_url : ""));
    if (!job->poll_url)
        snprintf(into, size, "%s", job->has_stream ? "an event stream" : "a WebSocket");
    else if (!url_replace(path, span_of(job->id), span_of("{id}"), into, size))
        snprintf(into, size, "%.*s", (int)path.len, path.ptr);
}

static void tell_kind(const reprise_call *call, const struct job_recorded *job, size_t count)
{
    const struct plugin_state *state = call->plugin;
    char poll[300];
    write_poll(job, poll, sizeof poll);
    call->host->log(
        call, REPRISE_INFO,
        "%zu jobs: %s gives the id at %s%s, %s%s%s has the state at %s%s%s; asked %.3f s "
        "after the submit, then every %.3f s%s",
        count, job->submit, job->place->is_header ? "header " : "", job->place->name,
        job->poll_url ? job->poll_method : "", job->poll_url ? " " : "", poll,
        job->list_pointer ? job->list_pointer : "", job->list_pointer ? "/*" : "",
        job->state_pointer ? job->state_pointer : "its status", (double)job->first_delay_us / 1e6,
        (double)job_interval_us(&state->table, job) / 1e6,
        job->has_ended ? "" : "; the recording has not seen it end: played as recorded");
}

/* Jobs of one kind: submitted, named and asked for alike. */
static bool is_alike(const struct job_recorded *a, const struct job_recorded *b)
{
    char a_poll[300], b_poll[300];
    if (a->place != b->place || a->state_pointer != b->state_pointer ||
        a->has_ended != b->has_ended || strcmp(a->submit, b->submit) != 0)
        return false;
    write_poll(a, a_poll, sizeof a_poll);
    write_poll(b, b_poll, sizeof b_poll);
    return strcmp(a_poll, b_poll) == 0;
}

static void tell_nothing(const reprise_call *call)
{
    const struct plugin_state *state = call->plugin;
    if (state->rules.submit_path && !state->has_submit)
        call->host->log(call, REPRISE_WARNING,
                        "no job in the trace: submit=%s is no exchange of it", state->submit);
    else if (state->rules.poll_path && !state->has_poll)
        call->host->log(call, REPRISE_WARNING, "no job in the trace: nothing in it asks at poll=%s",
                        state->poll);
    else
        call->host->log(
            call, REPRISE_WARNING,
            "no job in the trace: no answer to a POST gives an id that a later "
            "request asks for a state; submit=, poll=, id= and status= say where they are");
}

static int on_recording_end(const reprise_call *call)
{
    const struct plugin_state *state = call->plugin;
    const struct job_recorded *kinds[MAX_TOLD];
    size_t counts[MAX_TOLD] = {0}, kind_count = 0, more = 0;
    if (!state->table.count)
        tell_nothing(call);
    for (size_t i = 0; i < state->table.count; i++) {
        const struct job_recorded *job = &state->table.jobs[i];
        size_t kind = 0;
        while (kind < kind_count && !is_alike(kinds[kind], job))
            kind++;
        if (kind == MAX_TOLD) {
            more++;
            continue;
        }
        if (kind == kind_count)
            kinds[kind_count++] = job;
        counts[kind]++;
    }
    for (size_t i = 0; i < kind_count; i++)
        tell_kind(call, kinds[i], counts[i]);
    if (more)
        call->host->log(call, REPRISE_INFO, "%zu jobs of other kinds", more);
    return REPRISE_CONTINUE;
}

static void stop(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    learn_fini(&state->learn);
    job_table_fini(&state->table);
    for (size_t i = 0; i < sizeof state->owned / sizeof state->owned[0]; i++)
        free(state->owned[i]);
    if (joblog_close(&state->job_log))
        call->host->log(call, REPRISE_WARNING, "log: %s: not all of it could be written",
                        state->log);
}

static int on_session_start(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    struct user_state *user = call->user;
    const struct job_session *session = job_table_find(&state->table, call->session_id);
    if (!session)
        return REPRISE_CONTINUE;
    if (joblog_begin(&state->job_log)) {
        call->host->error(call, "log: %s: %s", state->log, strerror(errno));
        return REPRISE_FAIL;
    }
    user->jobs = calloc(session->count, sizeof *user->jobs);
    if (!user->jobs)
        return refuse(call, "no memory for the jobs of a user");
    user->count = (uint32_t)session->count;
    for (uint32_t i = 0; i < user->count; i++)
        user->jobs[i].recorded = &state->table.jobs[session->first + i];
    return REPRISE_CONTINUE;
}

static void on_session_end(const reprise_call *call)
{
    struct user_state *user = call->user;
    for (uint32_t i = 0; i < user->count; i++) {
        live_leave(call, &user->jobs[i]);
    }
    streams_forget(user);
    for (size_t i = 0; i < STASH_MAX; i++)
        free(user->stash[i].text);
    free(user->jobs);
}

#define OWNER struct plugin_state

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, OWNER, rhythm, "recorded",
                   "when it is asked: recorded, or compressed as think times are"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, backoff, "",
                   "ask by a growing delay instead: 200ms..5s*1.5, with jitter"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, retry_after, "auto",
                   "Retry-After of polls: auto (if the recorded client went by it), on, off"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, on_full, "wait",
                   "429 and 503 on submit: wait and submit again, or fail (that job is left out)"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, on_timeout, "fail",
                   "a job that does not end: fail the user, or go-on without it"),
    REPRISE_OPTION(REPRISE_DURATION, OWNER, deadline, "5m", "for each job, from its submit"),
    REPRISE_OPTION(REPRISE_NUMBER, OWNER, cap, "1000", "most polls of a job"),
    REPRISE_OPTION(REPRISE_NUMBER, OWNER, missing, "3",
                   "polls in a row that may say nothing (404, 5xx, no JSON); 0: none"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, submit, FOUND, "what submits: POST:/jobs"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, poll, FOUND, "what asks: /jobs/{id}"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, id, FOUND,
                   "where the submit's answer has the id: /data/id, or header:Location"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, status, FOUND,
                   "where a poll's answer has the state: /state"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, waiting, "", "more words for waiting: held|parked"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, running, "", "more words for running"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, done, "", "more words for done"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, failed, "", "more words for failed"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, log, "", "a file with a line for each job; written anew"),
    REPRISE_OPTIONS_END,
};

static const reprise_metric metrics[] = {
    [AI_JOBS] = {"ai_jobs", "", "jobs that the target has taken", REPRISE_COUNTER, 0},
    [AI_JOB_DURATION] = {"ai_job_duration", "us", "from submitted to its end seen",
                         REPRISE_HISTOGRAM, 0},
    [AI_JOB_QUEUE_WAIT] = {"ai_job_queue_wait", "us", "from submitted to first seen running",
                           REPRISE_HISTOGRAM, 0},
    [AI_JOB_PROCESSING] = {"ai_job_processing", "us", "from first seen running to its end seen",
                           REPRISE_HISTOGRAM, 0},
    [AI_JOB_POLLS] = {"ai_job_polls", "", "polls of each job", REPRISE_HISTOGRAM, 0},
    [AI_JOBS_IN_FLIGHT] = {"ai_jobs_in_flight", "", "jobs that have not ended, at each change",
                           REPRISE_HISTOGRAM, 0},
    [AI_JOBS_REJECTED] = {"ai_jobs_rejected", "", "submits answered 429 or 503", REPRISE_COUNTER,
                          0},
    [AI_JOBS_FAILED] = {"ai_jobs_failed", "", "jobs that ended in a failed state", REPRISE_COUNTER,
                        0},
    [AI_JOBS_TIMED_OUT] = {"ai_jobs_timed_out", "", "jobs that met their deadline or cap",
                           REPRISE_COUNTER, 0},
    [AI_JOBS_LOST] = {"ai_jobs_lost", "", "jobs of which no usable answer came", REPRISE_COUNTER,
                      0},
    [AI_JOBS_MOVED] = {"ai_jobs_moved", "", "jobs that got another id", REPRISE_COUNTER, 0},
    [AI_QUEUE_DEPTH] = {"ai_queue_depth", "", "jobs waiting, as the target tells it",
                        REPRISE_HISTOGRAM, 0},
    [AI_POLL_ERRORS] = {"ai_poll_errors", "", "polls whose answer said nothing about the job",
                        REPRISE_COUNTER, 0},
    REPRISE_METRICS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
    .name = "ai_queue",
    .version = "1.0",
    .summary = "replays a job as a loop until it is done",
    .flags = REPRISE_MARKED_ONLY,
    .threads = REPRISE_PARALLEL, /* the log has a lock, the level is atomic */
    .max_holds = 10000,
    .max_retries = 10000,
    .plugin_size = sizeof(struct plugin_state),
    .user_size = sizeof(struct user_state),
    .options = options,
    .metrics = metrics,
    .start = start,
    .stop = stop,
    .on_recorded = on_recorded,
    .on_recording_end = on_recording_end,
    .on_session_start = on_session_start,
    .on_request = plugin_on_request,
    .on_response = plugin_on_response,
    .on_response_data = plugin_on_response_data,
    .on_ws_message = plugin_on_ws_message,
    .on_session_end = on_session_end,
};

REPRISE_REGISTER(plugin);

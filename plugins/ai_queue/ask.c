/* ask.c - before a marked step is sent: is it its time, and which job is it for. */
#include "bodies.h"
#include "plugin.h"

enum {
    LOOK_AGAIN_US = 1000000,
    LOOKS = 1000,
    LAST_ANSWER_US = 120000000,
    LAST_POLL_US = 1000000,
    MOMENT_US = 1000
};

static int put_into_body(const reprise_call *call, reprise_request *request, const char *old,
                         const char *id)
{
    size_t len = 0;
    char *body = body_replace(plugin_span(request->body), span_of(old), span_of(id), &len);
    int failed = body && call->host->set_body(call, request, body, len);
    free(body);
    return failed;
}

/* The live id in place of the recorded one, where no binding has put it. */
static int put_id(const reprise_call *call, reprise_request *request, const struct live_job *job)
{
    const char *const old[] = {job->previous_id, job->recorded->id};
    struct span url = plugin_span(request->url), id = span_of(job->id);
    char text[URL_MAX_BYTES];
    for (size_t i = 0; i < sizeof old / sizeof old[0]; i++) {
        if (!*old[i] || span_is(id, old[i]))
            continue;
        if (job->recorded->asks_by_body && put_into_body(call, request, old[i], job->id))
            return REPRISE_FAIL;
        if (!url_replace(url, span_of(old[i]), id, text, sizeof text))
            continue;
        return call->host->set_url(call, request, text) ? REPRISE_FAIL : REPRISE_CONTINUE;
    }
    return REPRISE_CONTINUE;
}

static int hold(const reprise_call *call, uint64_t for_us)
{
    call->host->delay_us(call, for_us);
    return REPRISE_HOLD;
}

/* The deadline ends what is silent, too; LAST_POLL_US for a poll that goes out there. A moment
 * more, so that it has passed when the answer is given up. */
static void limit(const reprise_call *call, const struct live_job *job, uint64_t least_us)
{
    uint64_t deadline_us = live_deadline_us(call, job);
    uint64_t left_us = deadline_us > call->now_us ? deadline_us - call->now_us : 0;
    if (call->host->limit_us)
        call->host->limit_us(call, (left_us > least_us ? left_us : least_us) + MOMENT_US);
}

static int drop(const reprise_call *call, const reprise_request *request)
{
    return call->host->settle(call, request->step, NULL) ? REPRISE_FAIL : REPRISE_SKIP;
}

/* Until something wakes it, at the latest at the deadline; looked at now and then, but no more than
 * LOOKS times, for a host counts holds. */
static int wait(const reprise_call *call, const struct live_job *job)
{
    const struct plugin_state *state = call->plugin;
    uint64_t deadline_us = live_deadline_us(call, job), for_us = state->deadline / LOOKS;
    if (for_us < LOOK_AGAIN_US)
        for_us = LOOK_AGAIN_US;
    if (call->now_us < deadline_us && deadline_us - call->now_us < for_us)
        for_us = deadline_us - call->now_us;
    return hold(call, for_us);
}

/* Nobody has answered its submit until its deadline: another plugin has left it out. */
static int give_up_submit(const reprise_call *call, const reprise_request *request,
                          struct live_job *job)
{
    int verdict = live_give_up(call, job, true, NOT_TAKEN);
    return verdict == REPRISE_FAIL ? verdict : drop(call, request);
}

static int ask_submit(const reprise_call *call, uint32_t submit_step)
{
    struct user_state *user = call->user;
    bool is_read_whole = false;
    for (uint32_t i = 0; i < user->count; i++) {
        struct live_job *job = &user->jobs[i];
        if (job->recorded->submit_step != submit_step)
            continue;
        limit(call, job, LAST_POLL_US);
        is_read_whole |= !job->recorded->answers_itself || !call->host->end_response;
        if (job->recorded->answers_itself)
            streams_begin(job);
        if (job->submits == 0)
            job->began_us = call->now_us;
        job->state = job->state == LIVE_RUNNING ? LIVE_RUNNING : LIVE_SENT;
    }
    if (is_read_whole) /* a stream is shown as it comes, and may be longer than what may be kept */
        call->host->keep_body(call);
    return REPRISE_CONTINUE;
}

static int ask_poll(const reprise_call *call, reprise_request *request, struct live_job *job)
{
    if (job->state == LIVE_OVER || job->state == LIVE_LOST)
        return drop(call, request);
    if (job->state == LIVE_NONE)
        return REPRISE_CONTINUE;
    if (job->state == LIVE_SENT)
        return live_is_late(call, job) ? give_up_submit(call, request, job) : wait(call, job);
    job->is_left = false;
    job->is_asked = true;
    if (call->now_us < job->next_us)
        return hold(call, job->next_us - call->now_us);
    call->host->keep_body(call);
    limit(call, job, LAST_POLL_US);
    return put_id(call, request, job);
}

/* One request for all jobs that the recorded client asked for by it: it waits until the first of
 * them is due, and for those that are being submitted. */
static int ask_list(const reprise_call *call, reprise_request *request)
{
    const struct user_state *user = call->user;
    const struct live_job *latest = NULL;
    uint64_t next_us = UINT64_MAX;
    bool is_wanted = false;
    for (uint32_t i = 0; i < user->count; i++) {
        struct live_job *job = &user->jobs[i];
        if (!job_has_poll(job->recorded, request->step))
            continue;
        if (job->state == LIVE_SENT && !live_is_late(call, job))
            return wait(call, job);
        if (job->state == LIVE_SENT && live_give_up(call, job, true, NOT_TAKEN) == REPRISE_FAIL)
            return REPRISE_FAIL;
        is_wanted |= job->state == LIVE_NONE || job->state == LIVE_RUNNING;
        if (job->state != LIVE_RUNNING)
            continue;
        job->is_left = false;
        job->is_asked = true;
        if (job->next_us < next_us)
            next_us = job->next_us;
        if (!latest || job->began_us > latest->began_us)
            latest = job;
    }
    if (!is_wanted)
        return drop(call, request);
    if (next_us != UINT64_MAX && call->now_us < next_us)
        return hold(call, next_us - call->now_us);
    call->host->keep_body(call);
    if (latest)
        limit(call, latest, LAST_POLL_US);
    for (uint32_t i = 0; i < user->count; i++) {
        const struct live_job *job = &user->jobs[i];
        if (job->state == LIVE_RUNNING && job_has_poll(job->recorded, request->step) &&
            put_id(call, request, job))
            return REPRISE_FAIL;
    }
    return REPRISE_CONTINUE;
}

/* Whatever else names the job waits until it has a name; results until it has ended. */
static int ask_other(const reprise_call *call, reprise_request *request, struct live_job *job,
                     enum job_role role)
{
    const struct job_recorded *recorded = job->recorded;
    if (job->state == LIVE_LOST)
        return drop(call, request);
    if (job->state == LIVE_NONE)
        return REPRISE_CONTINUE;
    if (job->state == LIVE_SENT)
        return live_is_late(call, job) ? give_up_submit(call, request, job) : wait(call, job);
    bool waits =
        role == ROLE_RESULT && recorded->has_ended && job->state == LIVE_RUNNING && !job->is_left;
    uint64_t last_us = live_deadline_us(call, job) + (job->is_asked ? LAST_ANSWER_US : 0);
    if (waits && call->now_us >= last_us)
        return live_give_up(call, job, true, "it has not ended by its deadline");
    if (waits)
        return wait(call, job);
    if (role == ROLE_STREAM) {
        streams_begin(job);
        if (streams_alone_tell(job) && job->state == LIVE_RUNNING)
            limit(call, job, LAST_POLL_US);
    }
    if (role == ROLE_STREAM && !call->host->end_response) /* a host without pieces of answers */
        call->host->keep_body(call);
    return put_id(call, request, job);
}

int plugin_on_request(const reprise_call *call, reprise_request *request)
{
    struct user_state *user = call->user;
    uint32_t number = MARK_JOB(request->mark);
    if (request->step == REPRISE_ADDED || !request->mark || number >= user->count)
        return REPRISE_CONTINUE;
    struct live_job *job = &user->jobs[number];
    enum job_role role = MARK_ROLE(request->mark);
    switch (role) {
    case ROLE_SUBMIT:
        return ask_submit(call, request->step);
    case ROLE_POLL:
        return ask_poll(call, request, job);
    case ROLE_LIST:
        return ask_list(call, request);
    case ROLE_RESULT:
    case ROLE_SIDE:
    case ROLE_STREAM:
        return ask_other(call, request, job, role);
    case ROLE_ATTEMPT:
        return ask_submit(call, job->recorded->submit_step);
    case ROLE_EVENTS:
        if (!call->host->end_response) /* a host without pieces of answers */
            call->host->keep_body(call);
        break;
    case ROLE_WATCH:
        break;
    }
    return REPRISE_CONTINUE;
}

/*
 * streams.c - event streams, live: of one job, of many, and as the answer of the submit itself.
 */
#include <stdio.h>

#include "plugin.h"
#include "tellings.h"

enum { REOPEN_US = 1000000, REOPEN_JITTER_US = 200000, MAX_IDLE_REOPENS = 100 };

struct streaming {
    const reprise_call *call;
    const reprise_response *response;
    struct live_job *job; /* NULL: all that the stream of this step tells of */
    uint32_t step;
};

static int open_again(const reprise_call *call)
{
    call->host->delay_us(call, REOPEN_US + call->host->random(call) % REOPEN_JITTER_US);
    return REPRISE_RETRY;
}

/* --- of one job ------------------------------------------------------------------------------- */

/* An answer of the submit itself: its first event says that it was taken. */
static void begin(const struct streaming *streaming, const struct telling *telling)
{
    struct reading reading = {.kind = READ_TAKEN, .state = telling->state};
    struct span id = telling->id.ptr && telling->id.len < READING_ID_BYTES
                         ? telling->id
                         : span_of(streaming->job->recorded->id);
    memcpy(reading.new_id, id.ptr, id.len);
    snprintf(reading.word, sizeof reading.word, "%s", telling->word);
    live_begin(streaming->call, streaming->job, &reading, streaming->response);
}

static int take_own(void *owner, const struct event *event)
{
    const struct streaming *streaming = owner;
    const struct plugin_state *state = streaming->call->plugin;
    struct live_job *job = streaming->job;
    struct telling telling;
    telling_read(&state->rules.words, event->name, event->data, &telling);
    bool says_something = telling.state != STATE_UNKNOWN || telling.id.ptr;
    if (job->recorded->answers_itself && job->state == LIVE_SENT && says_something)
        begin(streaming, &telling);
    signals_seen(streaming->call, job, telling.state, telling.word);
    bool is_over = state_is_final(telling.state);
    telling_fini(&telling);
    return is_over;
}

/* 1: an event has told that the job has ended; 0: not yet. */
static int feed_own(const reprise_call *call, struct live_job *job,
                    const reprise_response *response, struct span data)
{
    struct streaming streaming = {call, response, job, 0};
    if (!job->events) {
        job->events = malloc(sizeof *job->events);
        if (!job->events)
            return 0;
        events_init(job->events);
    }
    return events_feed(job->events, data, take_own, &streaming) == 1;
}

static void forget_own(struct live_job *job)
{
    if (job->events)
        events_fini(job->events);
    free(job->events);
    job->events = NULL;
}

/* Without a word about the end it is opened again, as a browser does. */
static int miss(const reprise_call *call, struct live_job *job)
{
    const struct plugin_state *state = call->plugin;
    call->host->record(call, AI_POLL_ERRORS, 1);
    if (live_is_late(call, job))
        return live_give_up(call, job, true, "it has not ended by its deadline");
    if (++job->misses > state->missing)
        return live_give_up(call, job, false, "its event streams end without a word about it");
    return REPRISE_RETRY;
}

/* What was shown piece by piece is not read once more. */
static void feed_whole(const reprise_call *call, struct live_job *job,
                       const reprise_response *response)
{
    if (response->body.ptr && !job->events)
        feed_own(call, job, response, plugin_span(response->body));
    forget_own(job);
}

void streams_begin(struct live_job *job)
{
    forget_own(job);
}

int streams_own_ended(const reprise_call *call, struct live_job *job,
                      const reprise_response *response)
{
    feed_whole(call, job, response);
    if (job->state != LIVE_RUNNING || job->recorded->poll_count || !job->recorded->has_ended ||
        response->status == 401)
        return REPRISE_CONTINUE;
    int verdict = miss(call, job);
    return verdict == REPRISE_RETRY ? open_again(call) : verdict;
}

int streams_answer_ended(const reprise_call *call, struct live_job *job,
                         const reprise_response *response)
{
    if (job->state == LIVE_SENT || job->state == LIVE_RUNNING)
        feed_whole(call, job, response);
    forget_own(job);
    if (job->state != LIVE_SENT && job->state != LIVE_RUNNING)
        return REPRISE_CONTINUE;
    if (live_is_late(call, job))
        return live_give_up(call, job, true, "it has not ended by its deadline");
    return live_give_up(call, job, false, "its event stream ended without a word about its end");
}

/* --- of many ---------------------------------------------------------------------------------- */

static bool is_told_by(const struct live_job *job, uint32_t step)
{
    return job->recorded->is_told && job->recorded->stream_step == step;
}

static int take_shared(void *owner, const struct event *event)
{
    const struct streaming *streaming = owner;
    struct user_state *user = streaming->call->user;
    bool is_submitting = false, is_told = false;
    for (uint32_t i = 0; i < user->count; i++) {
        struct live_job *job = &user->jobs[i];
        is_submitting |= job->state == LIVE_SENT;
        if (job->state == LIVE_RUNNING)
            is_told |= signals_tell(streaming->call, job, event->name, event->data);
    }
    if (is_submitting && !is_told)
        signals_stash(user, event->name, event->data);
    return 0;
}

static struct shared_stream *shared_of(struct user_state *user, uint32_t step)
{
    struct shared_stream *stream = user->streams;
    while (stream && stream->step != step)
        stream = stream->next;
    if (!stream && (stream = calloc(1, sizeof *stream))) {
        events_init(&stream->events);
        stream->step = step;
        stream->next = user->streams;
        user->streams = stream;
    }
    return stream;
}

/* Has the recording ended it with the last of its jobs, and have they all ended here? */
static bool is_done_with(const struct user_state *user, uint32_t step)
{
    bool is_done = false;
    for (uint32_t i = 0; i < user->count; i++) {
        const struct live_job *job = &user->jobs[i];
        if (!is_told_by(job, step))
            continue;
        if (job->state != LIVE_OVER && job->state != LIVE_LOST)
            return false;
        is_done |= job->recorded->ends_with_stream;
    }
    return is_done;
}

static void feed_shared(const reprise_call *call, const reprise_response *response,
                        struct span data)
{
    struct user_state *user = call->user;
    struct streaming streaming = {call, response, NULL, response->request->step};
    struct shared_stream *stream = shared_of(user, streaming.step);
    if (stream)
        events_feed(&stream->events, data, take_shared, &streaming);
}

int streams_shared_ended(const reprise_call *call, const reprise_response *response)
{
    struct user_state *user = call->user;
    uint32_t step = response->request->step;
    struct shared_stream *stream = shared_of(user, step);
    bool is_wanted = false, is_awaited = false;
    if (response->body.ptr && response->status / 100 == 2)
        feed_shared(call, response, plugin_span(response->body));
    if (!stream || response->status == 401)
        return REPRISE_CONTINUE;
    events_fini(&stream->events);
    events_init(&stream->events);
    for (uint32_t i = 0; i < user->count; i++) {
        struct live_job *job = &user->jobs[i];
        if (!is_told_by(job, step) || job->recorded->poll_count)
            continue;
        is_awaited |= job->state == LIVE_NONE || job->state == LIVE_SENT;
        if (job->state != LIVE_RUNNING)
            continue;
        int verdict = miss(call, job);
        if (verdict == REPRISE_FAIL)
            return verdict;
        is_wanted |= verdict == REPRISE_RETRY;
    }
    if (!is_wanted && is_awaited)
        is_wanted = stream->reopened++ < MAX_IDLE_REOPENS;
    return is_wanted ? open_again(call) : REPRISE_CONTINUE;
}

void streams_forget(struct user_state *user)
{
    for (uint32_t i = 0; i < user->count; i++)
        forget_own(&user->jobs[i]);
    while (user->streams) {
        struct shared_stream *next = user->streams->next;
        events_fini(&user->streams->events);
        free(user->streams);
        user->streams = next;
    }
}

bool streams_alone_tell(const struct live_job *job)
{
    return job->recorded->has_ended && !job->recorded->poll_count;
}

/* What is only told of and still runs at its deadline is given up then. */
static int heed_deadline(const reprise_call *call, struct live_job *job)
{
    bool is_waited_for =
        job->state == LIVE_RUNNING || (job->state == LIVE_SENT && job->recorded->answers_itself);
    if (!is_waited_for || !streams_alone_tell(job) || !live_is_late(call, job))
        return REPRISE_CONTINUE;
    return live_give_up(call, job, true, "it has not ended by its deadline");
}

static int take_of_one(const reprise_call *call, const reprise_response *response,
                       struct live_job *job, struct span data, bool *ret_may_end)
{
    if (feed_own(call, job, response, data)) {
        *ret_may_end = job->recorded->ends_with_stream && !job->recorded->answers_itself;
        return REPRISE_SKIP;
    }
    int verdict = heed_deadline(call, job);
    *ret_may_end = (job->state == LIVE_OVER || job->state == LIVE_LOST) &&
                   streams_alone_tell(job) && live_is_late(call, job);
    return verdict == REPRISE_CONTINUE && *ret_may_end ? REPRISE_SKIP : verdict;
}

static int take_of_many(const reprise_call *call, const reprise_response *response,
                        struct span data, bool *ret_may_end)
{
    struct user_state *user = call->user;
    uint32_t step = response->request->step;
    feed_shared(call, response, data);
    for (uint32_t i = 0; i < user->count; i++)
        if (is_told_by(&user->jobs[i], step) && heed_deadline(call, &user->jobs[i]) == REPRISE_FAIL)
            return REPRISE_FAIL;
    *ret_may_end = is_done_with(user, step);
    return *ret_may_end ? REPRISE_SKIP : REPRISE_CONTINUE;
}

/* The answer of a submit is what was asked for: only the deadline cuts it short. */
int plugin_on_response_data(const reprise_call *call, const reprise_response *response,
                            reprise_bytes data)
{
    struct user_state *user = call->user;
    uint32_t mark = response->request->mark;
    int verdict = REPRISE_SKIP;
    bool may_end = false;
    if (MARK_JOB(mark) >= user->count || response->status / 100 != 2)
        return REPRISE_SKIP;
    struct live_job *job = &user->jobs[MARK_JOB(mark)];
    switch (MARK_ROLE(mark)) {
    case ROLE_STREAM:
        verdict = take_of_one(call, response, job, plugin_span(data), &may_end);
        break;
    case ROLE_EVENTS:
        verdict = take_of_many(call, response, plugin_span(data), &may_end);
        break;
    case ROLE_ATTEMPT:
    case ROLE_SUBMIT:
        if (job->recorded->answers_itself)
            verdict = take_of_one(call, response, job, plugin_span(data), &may_end);
        break;
    default:
        break;
    }
    if (may_end && verdict == REPRISE_SKIP && call->host->end_response)
        call->host->end_response(call);
    return verdict;
}

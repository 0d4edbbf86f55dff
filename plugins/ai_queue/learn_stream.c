/*
 * learn_stream.c - event streams that tell of jobs: one of a job's own, one that tells of many by
 * their identifiers, one that is the answer of the submit itself.
 *
 * A stream of many may have been opened before its jobs were submitted: what it tells is kept until
 * a submit gives that identifier.
 */
#include "bodies.h"
#include "learn_parts.h"
#include "tellings.h"

struct streaming {
    struct seeing *seeing;
    bool is_last; /* the last event tells of an end */
    bool has_ended, has_waited;
    bool is_own; /* some event tells of an end and names nothing else */
    char *id;    /* the first one that an event goes by */
    bool has_failed;
};

struct naming {
    struct streaming *streaming;
    const char *own;
    size_t others;
};

static void count_other(void *owner, const struct id_place *place, struct span id)
{
    struct naming *naming = owner;
    const char *last = strrchr(place->name, '/');
    naming->others += last && words_id(span_of(last + 1)) && !span_is(id, naming->own);
}

static bool names_another(const struct telling *telling, const char *own)
{
    struct naming naming = {.own = own};
    if (answer_has_text(telling->root, span_of(own)))
        return false;
    answer_each_id(telling->root, count_other, &naming);
    return naming.others > 0;
}

static int look(void *owner, const struct event *event)
{
    struct streaming *streaming = owner;
    struct learn *learn = streaming->seeing->learn;
    const struct candidate *candidate = streaming->seeing->candidate;
    struct telling telling;
    telling_read(&learn->rules->words, event->name, event->data, &telling);
    streaming->is_last = state_is_final(telling.state);
    streaming->has_ended |= streaming->is_last;
    streaming->has_waited |= telling.state == STATE_WAITING || telling.state == STATE_RUNNING;
    streaming->is_own |=
        streaming->is_last && candidate && !names_another(&telling, candidate->value);
    if (!streaming->id && telling.id.ptr && telling.id.len < 128)
        streaming->id = span_copy(telling.id);
    telling_fini(&telling);
    return 0;
}

static int feed(struct seeing *seeing, events_fn each, void *owner)
{
    struct events events;
    events_init(&events);
    int failed = events_feed(&events, to_span(seeing->recorded->response_body), each, owner);
    events_fini(&events);
    return failed;
}

/* --- of many jobs ----------------------------------------------------------------------------- */

static int begin_told(struct seeing *seeing, uint32_t step, bool is_last)
{
    if (seeing->candidate->job >= 0 && learn_job(seeing)->has_ended)
        return 0;
    if (seeing->candidate->job < 0 && learn_begin_job(seeing))
        return -1;
    struct job_recorded *job = learn_job(seeing);
    job->is_told = job->has_stream = true;
    job->stream_step = step;
    job->ends_with_stream = is_last;
    job->has_ended |= !job->poll_url;
    return learn_mark(seeing, step, ROLE_EVENTS);
}

static void keep_told(void *owner, const struct id_place *place, struct span id)
{
    struct streaming *streaming = owner;
    struct seeing *seeing = streaming->seeing;
    struct learn *learn = seeing->learn;
    if (place->is_url || learn->told_count == LEARN_MAX_TOLD)
        return;
    seeing->candidate = learn_find(learn, id);
    if (seeing->candidate) {
        if (seeing->candidate->given.is_strong || seeing->candidate->job >= 0)
            streaming->has_failed |=
                begin_told(seeing, seeing->recorded->step, streaming->is_last) != 0;
        return;
    }
    if (!learn->told && !(learn->told = calloc(LEARN_MAX_TOLD, sizeof *learn->told))) {
        streaming->has_failed = true;
        return;
    }
    learn->told[learn->told_count++] =
        (struct told){span_copy(id), seeing->recorded->step, streaming->is_last};
    streaming->has_failed |= !learn->told[learn->told_count - 1].id;
}

static int keep_event(void *owner, const struct event *event)
{
    struct streaming *streaming = owner;
    struct telling telling;
    telling_read(&streaming->seeing->learn->rules->words, event->name, event->data, &telling);
    if (state_is_final(telling.state))
        answer_each_id(telling.root, keep_told, streaming);
    telling_fini(&telling);
    return streaming->has_failed;
}

int learn_told(struct seeing *seeing)
{
    struct learn *learn = seeing->learn;
    for (size_t i = 0; i < learn->told_count; i++) {
        struct candidate *candidate = learn_find(learn, span_of(learn->told[i].id));
        seeing->candidate = candidate;
        if (candidate && candidate->given.step == seeing->recorded->step &&
            candidate->given.is_strong && candidate->job < 0 &&
            begin_told(seeing, learn->told[i].step, learn->told[i].is_last))
            return -1;
    }
    return 0;
}

/* --- the three kinds -------------------------------------------------------------------------- */

int learn_stream(struct seeing *seeing)
{
    struct span id;
    seeing->candidate = learn_named(seeing->learn, to_span(seeing->recorded->url), &id);
    struct streaming streaming = {.seeing = seeing};
    int failed = feed(seeing, look, &streaming);
    free(streaming.id);
    streaming.id = NULL;
    if (failed || !streaming.has_ended)
        return failed;
    if (!streaming.is_own)
        return feed(seeing, keep_event, &streaming);
    if (seeing->candidate->job < 0 && learn_begin_job(seeing))
        return -1;
    struct job_recorded *job = learn_job(seeing);
    job->has_stream = true;
    job->has_ended = true;
    job->ends_with_stream = streaming.is_last;
    return learn_mark(seeing, seeing->recorded->step, ROLE_STREAM);
}

/* Words that come as they are made, and the end of them, are no job: it has waited, or run. */
int learn_answered(struct seeing *seeing, bool *ret_seen)
{
    struct streaming streaming = {.seeing = seeing};
    struct learn *learn = seeing->learn;
    int failed = feed(seeing, look, &streaming);
    if (failed || !streaming.is_last || !streaming.has_waited) {
        free(streaming.id);
        return failed;
    }
    struct span id = span_of(streaming.id ? streaming.id : "*");
    seeing->candidate = learn_find(learn, id);
    if (!seeing->candidate)
        seeing->candidate = learn_new(learn, id);
    free(streaming.id);
    *ret_seen = true;
    if (!seeing->candidate || learn_give(seeing, "an event of its stream") ||
        learn_begin_job(seeing))
        return -1;
    struct job_recorded *job = learn_job(seeing);
    job->answers_itself = job->has_stream = job->has_ended = true;
    return 0;
}

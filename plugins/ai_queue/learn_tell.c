/* learn_tell.c - what tells of a job without being asked: event streams, WebSockets. */
#include "events.h"
#include "learn_parts.h"

static int last_is_final(void *owner, const struct event *event)
{
    struct {
        const struct words *words;
        bool has_ended, is_last;
    } *seen = owner;
    struct state_found found;
    json_t *root = answer_parse(event->data);
    seen->is_last = state_is_final(words_event(seen->words, event->name)) ||
                    (answer_find_event(seen->words, root, &found) && state_is_final(found.state));
    seen->has_ended |= seen->is_last;
    json_decref(root);
    return 0;
}

int learn_stream(struct seeing *seeing)
{
    struct {
        const struct words *words;
        bool has_ended, is_last;
    } seen = {.words = &seeing->learn->rules->words};
    struct events events;
    events_init(&events);
    int failed =
        events_feed(&events, to_span(seeing->recorded->response_body), last_is_final, &seen);
    events_fini(&events);
    if (failed || !seen.has_ended)
        return failed;
    if (seeing->candidate->job < 0 && learn_begin_job(seeing))
        return -1;
    struct job_recorded *job = learn_job(seeing);
    job->has_stream = true;
    job->has_ended = true;
    job->ends_with_stream = seen.is_last;
    return learn_mark(seeing, seeing->recorded->step, ROLE_STREAM);
}

struct telling {
    struct seeing *seeing;
    enum job_state state;
    bool has_failed;
};

static void tell_of(void *owner, const struct id_place *place, struct span id)
{
    struct telling *telling = owner;
    struct seeing *seeing = telling->seeing;
    struct candidate *candidate = learn_find(seeing->learn, id);
    if (!candidate || place->is_url || candidate->given.step == seeing->recorded->step)
        return;
    seeing->candidate = candidate;
    if (candidate->job < 0 && (!candidate->given.is_strong || !state_is_final(telling->state)))
        return;
    if (candidate->job < 0 && learn_begin_job(seeing)) {
        telling->has_failed = true;
        return;
    }
    struct job_recorded *job = learn_job(seeing);
    if (state_is_final(telling->state)) {
        job->is_watched = true;
        job->has_ended |= !job->poll_url;
    }
    telling->has_failed |= learn_mark(seeing, seeing->recorded->step, ROLE_WATCH) != 0;
}

int learn_message(struct seeing *seeing)
{
    struct state_found found;
    json_t *root = answer_parse(to_span(seeing->recorded->request_body));
    struct telling telling = {.seeing = seeing};
    if (answer_find_event(&seeing->learn->rules->words, root, &found)) {
        telling.state = found.state;
        answer_each_id(root, tell_of, &telling);
    }
    json_decref(root);
    return telling.has_failed ? -1 : 0;
}

/* learn_tell.c - what tells of a job without being asked: messages of a WebSocket. */
#include "learn_parts.h"

struct messaging {
    struct seeing *seeing;
    enum job_state state;
    bool has_failed;
};

static void tell_of(void *owner, const struct id_place *place, struct span id)
{
    struct messaging *messaging = owner;
    struct seeing *seeing = messaging->seeing;
    struct candidate *candidate = learn_find(seeing->learn, id);
    if (!candidate || place->is_url || candidate->given.step == seeing->recorded->step)
        return;
    seeing->candidate = candidate;
    if (candidate->job < 0 && (!candidate->given.is_strong || !state_is_final(messaging->state)))
        return;
    if (candidate->job < 0 && learn_begin_job(seeing)) {
        messaging->has_failed = true;
        return;
    }
    struct job_recorded *job = learn_job(seeing);
    if (state_is_final(messaging->state)) {
        job->is_watched = true;
        job->has_ended |= !job->poll_url;
    }
    messaging->has_failed |= learn_mark(seeing, seeing->recorded->step, ROLE_WATCH) != 0;
}

int learn_message(struct seeing *seeing)
{
    struct state_found found;
    json_t *root = answer_parse(to_span(seeing->recorded->request_body));
    struct messaging messaging = {.seeing = seeing};
    if (answer_find_event(&seeing->learn->rules->words, root, &found)) {
        messaging.state = found.state;
        answer_each_id(root, tell_of, &messaging);
    }
    json_decref(root);
    return messaging.has_failed ? -1 : 0;
}

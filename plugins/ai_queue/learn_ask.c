/* learn_ask.c - what asks for a job: GETs that name it, and POSTs that ask. */
#include <stdio.h>

#include "bodies.h"
#include "learn_parts.h"

/* What a GET is about: the last identifier in its URL. */
struct candidate *learn_named(struct learn *learn, struct span url, struct span *ret_id)
{
    struct candidate *found = NULL;
    struct url_walk walk;
    struct url_part part;
    if (learn->rules->poll_path && url_matches(learn->rules->poll_path, url, ret_id))
        return learn_find(learn, *ret_id);
    url_walk(&walk, url);
    while (url_next(&walk, &part)) {
        struct candidate *one = part.value.len ? learn_find(learn, part.value) : NULL;
        if (one) {
            found = one;
            *ret_id = part.value;
        }
    }
    return found;
}

struct asking learn_asking_of(const reprise_recorded *recorded)
{
    return (struct asking){.step = recorded->step,
                           .began_us = recorded->began_us,
                           .ended_us = recorded->ended_us,
                           .retry_after_us = learn_retry_after_us(recorded)};
}

static void note_gap(const struct seeing *seeing, struct job_recorded *job,
                     const struct asking *asking)
{
    struct candidate *candidate = seeing->candidate;
    uint64_t gap_us = asking->began_us > candidate->last_answer_us
                          ? asking->began_us - candidate->last_answer_us
                          : 0;
    if (job->poll_count == 1) {
        job->first_delay_us = gap_us;
    } else {
        if (!job->gaps)
            job->gaps = calloc(1, sizeof *job->gaps);
        if (job->gaps)
            job_gap(job->gaps, gap_us);
        job_gap(&seeing->learn->table->gaps, gap_us);
    }
    if (candidate->retry_after_us) {
        bool is_honoured = gap_us >= candidate->retry_after_us - candidate->retry_after_us / 10;
        job->honoured += is_honoured;
        job->ignored += !is_honoured;
    }
    candidate->last_answer_us = asking->ended_us;
    candidate->retry_after_us = asking->retry_after_us;
}

int learn_add_asking(const struct seeing *seeing, const struct asking *asking, enum job_role role)
{
    struct job_recorded *job = learn_job(seeing);
    if (job->poll_count && job->polls[job->poll_count - 1] == asking->step)
        return 0; /* twice in one list */
    if (job_add_poll(job, asking->step) || learn_mark(seeing, asking->step, role))
        return -1;
    note_gap(seeing, job, asking);
    return 0;
}

int learn_asks_as(const struct seeing *seeing, struct job_recorded *job)
{
    struct span method = to_span(seeing->recorded->method);
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)(method.len > 16 ? 16 : method.len), method.ptr);
    free(job->poll_url);
    job->poll_url = span_copy(url_target(to_span(seeing->recorded->url)));
    job->poll_method = job_table_pointer(seeing->learn->table, name);
    job->asks_by_body = !span_is(method, "GET") && !span_is(method, "HEAD");
    return job->poll_url && job->poll_method ? 0 : -1;
}

bool learn_asks_alike(const struct seeing *seeing, const struct job_recorded *job)
{
    return span_is(to_span(seeing->recorded->method), job->poll_method) &&
           span_equal(url_path(to_span(seeing->recorded->url)), url_path(span_of(job->poll_url)));
}

void learn_forget_polls(struct job_recorded *job)
{
    free(job->poll_url);
    job->poll_url = NULL;
    job->list_pointer = job->list_id_pointer = job->state_pointer = job->poll_id_pointer = NULL;
    job->poll_count = job->honoured = job->ignored = 0;
    job->is_flag = false;
}

struct own_id {
    struct learn *learn;
    const char *value, *pointer;
};

static void note_own_id(void *owner, const struct id_place *place, struct span id)
{
    struct own_id *own = owner;
    if (!own->pointer && !place->is_url && span_is(id, own->value))
        own->pointer = job_table_pointer(own->learn->table, place->name);
}

static int add_poll(const struct seeing *seeing, const json_t *root,
                    const struct state_found *found, bool has_state)
{
    struct learn *learn = seeing->learn;
    const reprise_recorded *recorded = seeing->recorded;
    struct job_recorded *job = learn_job(seeing);
    if (!job->poll_url) {
        job->has_ended &= !job->is_told; /* of what is told, and when, polls know more */
        struct own_id own = {.learn = learn, .value = seeing->candidate->value};
        answer_each_id(root, note_own_id, &own);
        job->poll_id_pointer = own.pointer;
        if (learn_asks_as(seeing, job))
            return -1;
    }
    if (has_state && !job->state_pointer) {
        job->state_pointer = job_table_pointer(learn->table, found->pointer);
        job->is_flag = found->is_flag;
    }
    const struct asking asking = learn_asking_of(recorded);
    if (learn_add_asking(seeing, &asking, ROLE_POLL))
        return -1;
    bool is_by_status = !job->state_pointer && recorded->status / 100 == 2;
    job->has_ended |= (has_state && state_is_final(found->state)) || recorded->status == 303 ||
                      (is_by_status && recorded->status != 202);
    return 0;
}

/* A state that was asked for once on the way to something else: polls proper take its place. */
static void prefer_polls(const struct seeing *seeing, struct job_recorded *job)
{
    bool is_by_list = job->list_pointer != NULL;
    bool is_by_post = job->poll_count == 1 && strcmp(job->poll_method, "POST") == 0;
    if (job->poll_url && !job->has_ended && (is_by_list || is_by_post) &&
        !learn_asks_alike(seeing, job))
        learn_forget_polls(job);
}

/* A GET that names it. */
static int see_get(struct seeing *seeing)
{
    const reprise_recorded *recorded = seeing->recorded;
    const struct learn_rules *rules = seeing->learn->rules;
    struct candidate *candidate = seeing->candidate;
    struct state_found found = {0};
    bool has_job = candidate->job >= 0;
    struct job_recorded *job = has_job ? learn_job(seeing) : NULL;
    json_t *root = answer_parse(to_span(recorded->response_body));
    if (job && answer_find_state(&rules->words, root, candidate->given.skip, &found))
        prefer_polls(seeing, job);
    enum job_role other = job && job->has_ended ? ROLE_RESULT : ROLE_SIDE;
    bool is_other = job && (job->poll_url || job->answers_itself) &&
                    (job->has_ended || !learn_asks_alike(seeing, job));
    if (is_other ||
        (rules->poll_path && !url_matches(rules->poll_path, to_span(recorded->url), NULL))) {
        json_decref(root);
        return job ? learn_mark(seeing, recorded->step, other) : 0;
    }
    const char *pointer = job && job->state_pointer ? job->state_pointer : rules->state_pointer;
    bool has_state = pointer
                         ? answer_state_at(&rules->words, root, pointer, &found)
                         : answer_find_state(&rules->words, root, candidate->given.skip, &found);
    bool is_poll = has_state || recorded->status == 202 || (job && job->poll_url);
    int result = 0;
    if (is_poll && (has_job || !(result = learn_begin_job(seeing))))
        result = add_poll(seeing, root, &found, has_state);
    else if (!result && has_job)
        result = learn_mark(seeing, recorded->step, other);
    json_decref(root);
    return result;
}

/* Does the answer have a state that is not one of many? A batch tells its own beside those of its
 * jobs. */
static bool has_own_state(const struct seeing *seeing, const struct candidate *named)
{
    struct state_found found;
    json_t *root = named ? answer_parse(to_span(seeing->recorded->response_body)) : NULL;
    bool is_found = answer_find_state(&seeing->learn->rules->words, root,
                                      named ? named->given.skip : NULL, &found);
    json_decref(root);
    return is_found && !strstr(found.pointer, "/0/");
}

int learn_get(struct seeing *seeing)
{
    struct span id;
    bool is_list = false;
    int result = 0;
    struct candidate *named = learn_named(seeing->learn, to_span(seeing->recorded->url), &id);
    if (!has_own_state(seeing, named))
        result = learn_list(seeing, named, &is_list);
    seeing->candidate = named;
    return result || is_list || !named ? result : see_get(seeing);
}

/* --- by a POST -------------------------------------------------------------------------------- */

struct naming {
    struct learn *learn;
    struct candidate *best;
};

static int rank(const struct candidate *candidate)
{
    return candidate->job >= 0 ? 2 : candidate->given.is_strong;
}

/* A job that is known, one that was likely begun, the latest one. */
static void name_candidate(void *owner, struct span id)
{
    struct naming *naming = owner;
    struct candidate *one = learn_find(naming->learn, id), *best = naming->best;
    if (one && (!best || rank(one) > rank(best) ||
                (rank(one) == rank(best) && one->given.step >= best->given.step)))
        naming->best = one;
}

/* Is what has the state called otherwise? Then it is something else, that was begun here. */
static bool is_of_another(const struct seeing *seeing, const json_t *root, const char *pointer)
{
    char parent[POINTER_MAX_BYTES], number[32];
    const char *key;
    json_t *value;
    bool has_other = false;
    snprintf(parent, sizeof parent, "%s", pointer);
    char *last = strrchr(parent, '/');
    if (last)
        *last = '\0';
    json_object_foreach((json_t *)answer_at(root, parent), key, value)
    {
        struct span id = answer_text(value, number);
        if (!words_id(span_of(key)) || !url_is_id(id) || (!*parent && body_is_rpc(root)))
            continue;
        if (span_is(id, seeing->candidate->value))
            return false;
        has_other = true;
    }
    return has_other || learn_header(seeing->recorded, "Location").len ||
           learn_header(seeing->recorded, "Operation-Location").len;
}

static int begin_by_post(struct seeing *seeing, const json_t *root, const struct state_found *found,
                         bool is_again)
{
    struct candidate *candidate = seeing->candidate;
    if (is_again && candidate->before.submit) { /* the first of the two was no submit either */
        free(candidate->given.submit);
        candidate->given = candidate->before;
        candidate->before.submit = NULL;
        candidate->last_answer_us = candidate->given.ended_us;
        candidate->retry_after_us = 0;
    }
    if (learn_begin_job(seeing))
        return -1;
    struct job_recorded *job = learn_job(seeing);
    if (is_again &&
        (learn_asks_as(seeing, job) || learn_add_asking(seeing, &candidate->once, ROLE_POLL)))
        return -1;
    return add_poll(seeing, root, found, true);
}

/* One of a job that is known: asked for as before, or once it has ended. */
static int see_known(struct seeing *seeing, const json_t *root, const struct state_found *found,
                     bool *ret_seen)
{
    struct job_recorded *job = learn_job(seeing);
    if (!job->poll_url || job->list_pointer || !learn_asks_alike(seeing, job))
        return 0;
    *ret_seen = true;
    if (job->has_ended)
        return learn_mark(seeing, seeing->recorded->step, ROLE_RESULT);
    return add_poll(seeing, root, found, true);
}

static int see_post(struct seeing *seeing, const json_t *request, const json_t *root,
                    bool *ret_seen)
{
    const struct learn_rules *rules = seeing->learn->rules;
    struct candidate *candidate = seeing->candidate;
    struct span url = to_span(seeing->recorded->url);
    struct state_found found;
    const char *pointer = candidate->job >= 0 ? learn_job(seeing)->state_pointer : NULL;
    if (!pointer)
        pointer = rules->state_pointer;
    bool has_state = pointer
                         ? answer_state_at(&rules->words, root, pointer, &found)
                         : answer_find_state(&rules->words, root, candidate->given.skip, &found);
    bool is_named = rules->poll_path && url_matches(rules->poll_path, url, NULL);
    if (!has_state || (!is_named && is_of_another(seeing, root, found.pointer)))
        return 0;
    if (candidate->job >= 0)
        return see_known(seeing, root, &found, ret_seen);
    enum body_intent intent = is_named ? BODY_ASKS : body_intent(url, request);
    uint64_t hash = body_hash(url, request);
    bool is_again = candidate->once_hash == hash;
    bool is_likely = is_again || candidate->given.is_strong || !state_is_final(found.state);
    if (intent == BODY_CHANGES || !is_likely)
        return 0;
    if (intent != BODY_ASKS && !is_again) {
        candidate->once = learn_asking_of(seeing->recorded);
        candidate->once_hash = hash;
        return 0;
    }
    *ret_seen = true;
    return begin_by_post(seeing, root, &found, is_again);
}

int learn_post(struct seeing *seeing, bool *ret_seen)
{
    const reprise_recorded *recorded = seeing->recorded;
    const struct learn_rules *rules = seeing->learn->rules;
    struct span url = to_span(recorded->url), id;
    bool is_submit = rules->submit_path && url_matches(rules->submit_path, url, NULL);
    bool is_poll = rules->poll_path && url_matches(rules->poll_path, url, NULL);
    if (recorded->status / 100 != 2 || (is_submit || rules->poll_path ? !is_poll : false))
        return 0;
    json_t *request = answer_parse(to_span(recorded->request_body));
    struct naming naming = {.learn = seeing->learn, .best = learn_named(seeing->learn, url, &id)};
    int result = 0;
    body_each_id(request, name_candidate, &naming);
    bool asks = is_poll || body_intent(url, request) == BODY_ASKS;
    if (asks && !has_own_state(seeing, naming.best))
        result = learn_list(seeing, NULL, ret_seen);
    seeing->candidate = naming.best;
    if (!result && !*ret_seen && naming.best) {
        json_t *root = answer_parse(to_span(recorded->response_body));
        result = see_post(seeing, request, root, ret_seen);
        json_decref(root);
    }
    json_decref(request);
    return result;
}

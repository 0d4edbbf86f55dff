/* learn.c - the learner: which steps of a recorded session submit a job, ask for it, fetch results.
 */
#include "learn.h"

#include <stdio.h>

#include "backoff.h"
#include "events.h"

static struct span to_span(reprise_bytes bytes)
{
    return (struct span){bytes.ptr, bytes.len};
}

void learn_init(struct learn *learn, const struct learn_rules *rules, struct job_table *table)
{
    *learn = (struct learn){.rules = rules, .table = table};
}

static void forget_session(struct learn *learn)
{
    for (size_t i = 0; i < learn->count; i++) {
        free(learn->candidates[i].value);
        free(learn->candidates[i].submit);
    }
    learn->count = 0;
    memset(learn->slots, 0, sizeof learn->slots);
}

void learn_fini(struct learn *learn)
{
    forget_session(learn);
    free(learn->candidates);
    learn->candidates = NULL;
    learn->capacity = 0;
}

static size_t slot_of(struct span value)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < value.len; i++)
        hash = (hash ^ (unsigned char)value.ptr[i]) * UINT64_C(0x100000001b3);
    return (size_t)(hash >> 32 ^ hash) & (LEARN_SLOTS - 1);
}

static struct candidate *find_candidate(struct learn *learn, struct span value)
{
    size_t at = learn->slots[slot_of(value)];
    while (at && !span_is(value, learn->candidates[at - 1].value))
        at = learn->candidates[at - 1].next;
    return at ? &learn->candidates[at - 1] : NULL;
}

static struct span header_of(const reprise_recorded *recorded, const char *name)
{
    for (size_t i = 0; i < recorded->response_header_count; i++) {
        struct span own = to_span(recorded->response_headers[i].name);
        if (own.len == strlen(name) && span_begins_nocase(own, name))
            return to_span(recorded->response_headers[i].value);
    }
    return (struct span){0};
}

static uint64_t retry_after_of(const reprise_recorded *recorded)
{
    uint64_t us = 0;
    struct span date = header_of(recorded, "Date");
    return backoff_retry_after(header_of(recorded, "Retry-After"), date, 0, &us) ? us : 0;
}

/* --- what a submit gives ---------------------------------------------------------------------- */

struct giving {
    struct learn *learn;
    const reprise_recorded *recorded;
    const char *submit;
    bool is_strong, has_failed;
    const char *skip;
    size_t count;
};

/* A value that an earlier answer gave stays with that one, unless only this one looks like a submit
 * or the job before has ended. */
static bool may_take_over(const struct giving *giving, const struct candidate *known)
{
    if (known->step == giving->recorded->step || !giving->is_strong)
        return false;
    return !known->is_strong ||
           (known->job >= 0 && giving->learn->table->jobs[known->job].has_ended);
}

static int fill(struct giving *giving, struct candidate *candidate, const struct id_place *place)
{
    free(candidate->submit);
    candidate->submit = span_copy(span_of(giving->submit));
    candidate->place = place;
    candidate->other_place = NULL;
    candidate->step = giving->recorded->step;
    candidate->ended_us = candidate->last_answer_us = giving->recorded->ended_us;
    candidate->retry_after_us = retry_after_of(giving->recorded);
    candidate->skip = giving->skip;
    candidate->is_strong = giving->is_strong;
    candidate->job = -1;
    return candidate->submit ? 0 : -1;
}

static struct candidate *new_candidate(struct learn *learn, struct span id)
{
    if (learn->count == learn->capacity) {
        size_t capacity = learn->capacity ? learn->capacity * 2 : 64;
        struct candidate *grown = realloc(learn->candidates, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        learn->candidates = grown;
        learn->capacity = capacity;
    }
    struct candidate *fresh = &learn->candidates[learn->count];
    *fresh = (struct candidate){.value = span_copy(id)};
    if (!fresh->value)
        return NULL;
    size_t slot = slot_of(id);
    fresh->next = learn->slots[slot];
    learn->slots[slot] = ++learn->count;
    return fresh;
}

static void give(void *owner, const struct id_place *place, struct span id)
{
    struct giving *giving = owner;
    struct learn *learn = giving->learn;
    if (giving->count >= LEARN_MAX_IDS || learn->count >= LEARN_MAX_CANDIDATES || id.len > 128)
        return;
    giving->count++;
    struct candidate *known = find_candidate(learn, id);
    if (known && !may_take_over(giving, known)) {
        if (known->step == giving->recorded->step && !known->other_place)
            known->other_place = job_table_place(learn->table, place);
        return;
    }
    const struct id_place *shared = job_table_place(learn->table, place);
    if (!shared) /* thousands of places: a table of ids, not a submit */
        return;
    struct candidate *candidate = known ? known : new_candidate(learn, id);
    if (!candidate || fill(giving, candidate, shared))
        giving->has_failed = true;
}

static void give_header(struct giving *giving, const char *name)
{
    struct span url = header_of(giving->recorded, name);
    struct url_part part;
    char key[128];
    const struct learn_rules *rules = giving->learn->rules;
    if (!url.len || url.len > URL_MAX_BYTES || rules->id_pointer ||
        (rules->id_header && strcasecmp(rules->id_header, name) != 0))
        return;
    bool is_url = memchr(url.ptr, '/', url.len) != NULL;
    if (is_url ? !url_pick_id(url, &part) : !url_is_id(url))
        return;
    struct id_place place = {.is_header = true, .is_url = is_url, .name = name};
    if (is_url && part.is_query) {
        snprintf(key, sizeof key, "%.*s", (int)part.name.len, part.name.ptr);
        place.is_query = true;
        place.key = key;
    } else if (is_url) {
        place.index = part.index;
    }
    give(giving, &place, is_url ? part.value : url);
}

/* Options say where the id is: nowhere else then. */
static void give_body(struct giving *giving, const json_t *root)
{
    const struct learn_rules *rules = giving->learn->rules;
    char number[32];
    if (rules->id_header)
        return;
    if (!rules->id_pointer) {
        answer_each_id(root, give, giving);
        return;
    }
    struct span id = answer_text(answer_at(root, rules->id_pointer), number);
    if (id.len)
        give(giving, &(struct id_place){.name = rules->id_pointer}, id);
}

static int learn_submit(struct learn *learn, const reprise_recorded *recorded)
{
    const struct learn_rules *rules = learn->rules;
    static const char *const headers[] = {"Operation-Location", "Location", "Content-Location"};
    struct span method = to_span(recorded->method), path = url_path(to_span(recorded->url));
    bool is_wanted = rules->submit_path
                         ? span_is(method, rules->submit_method) &&
                               url_matches(rules->submit_path, to_span(recorded->url), NULL)
                         : span_is(method, "POST") || span_is(method, "PUT");
    if (!is_wanted || (recorded->status / 100 != 2 && recorded->status != 303))
        return 0;
    char submit[256];
    snprintf(submit, sizeof submit, "%.*s %.*s", (int)(method.len > 16 ? 16 : method.len),
             method.ptr, (int)(path.len > 200 ? 200 : path.len), path.ptr);
    struct giving giving = {.learn = learn, .recorded = recorded, .submit = submit};
    struct state_found found = {0};
    json_t *root = answer_parse(to_span(recorded->response_body));
    bool has_state = answer_find_state(&rules->words, root, NULL, &found);
    if (has_state && state_is_final(found.state)) { /* {"status":"success","data":{...}} */
        giving.skip = job_table_pointer(learn->table, found.pointer);
        has_state = answer_find_state(&rules->words, root, found.pointer, &found) &&
                    !state_is_final(found.state);
    }
    giving.is_strong = rules->submit_path || has_state || recorded->status == 202 ||
                       recorded->status == 303 || header_of(recorded, "Operation-Location").len;
    give_body(&giving, root);
    json_decref(root);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        give_header(&giving, headers[i]);
    if (rules->id_header)
        give_header(&giving, rules->id_header);
    return giving.has_failed ? -1 : 0;
}

/* --- what asks for it ------------------------------------------------------------------------- */

/* What a GET is about: the last identifier in its URL. */
static struct candidate *candidate_of(struct learn *learn, struct span url, struct span *ret_id)
{
    struct candidate *found = NULL;
    struct url_walk walk;
    struct url_part part;
    if (learn->rules->poll_path && url_matches(learn->rules->poll_path, url, ret_id))
        return find_candidate(learn, *ret_id);
    url_walk(&walk, url);
    while (url_next(&walk, &part)) {
        struct candidate *one = part.value.len ? find_candidate(learn, part.value) : NULL;
        if (one) {
            found = one;
            *ret_id = part.value;
        }
    }
    return found;
}

struct seeing {
    struct learn *learn;
    const reprise_recorded *recorded;
    struct candidate *candidate;
    learn_mark_fn mark;
    void *owner;
};

static struct job_recorded *job_of(const struct seeing *seeing)
{
    return &seeing->learn->table->jobs[seeing->candidate->job];
}

static int mark(const struct seeing *seeing, uint32_t step, enum job_role role)
{
    const struct job_session *session =
        job_table_find(seeing->learn->table, seeing->learn->session_id);
    size_t job = (size_t)seeing->candidate->job - session->first;
    return seeing->mark(seeing->owner, step, JOB_MARK(job, role));
}

static int begin_job(const struct seeing *seeing)
{
    struct learn *learn = seeing->learn;
    struct candidate *candidate = seeing->candidate;
    candidate->job = job_table_add(learn->table, learn->session_id);
    if (candidate->job < 0)
        return -1;
    struct job_recorded *job = job_of(seeing);
    job->submit_step = candidate->step;
    job->place = candidate->place;
    job->other_place = candidate->other_place;
    job->id = span_copy(span_of(candidate->value));
    job->submit = span_copy(span_of(candidate->submit));
    return job->id && job->submit ? mark(seeing, candidate->step, ROLE_SUBMIT) : -1;
}

static void note_gap(const struct seeing *seeing, struct job_recorded *job)
{
    struct candidate *candidate = seeing->candidate;
    const reprise_recorded *recorded = seeing->recorded;
    uint64_t gap_us = recorded->began_us > candidate->last_answer_us
                          ? recorded->began_us - candidate->last_answer_us
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
    candidate->last_answer_us = recorded->ended_us;
    candidate->retry_after_us = retry_after_of(recorded);
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
    struct job_recorded *job = job_of(seeing);
    if (!job->poll_url) {
        struct own_id own = {.learn = learn, .value = seeing->candidate->value};
        answer_each_id(root, note_own_id, &own);
        job->poll_id_pointer = own.pointer;
        job->poll_url = span_copy(url_target(to_span(recorded->url)));
        if (!job->poll_url)
            return -1;
    }
    if (has_state && !job->state_pointer) {
        job->state_pointer = job_table_pointer(learn->table, found->pointer);
        job->is_flag = found->is_flag;
    }
    if (job_add_poll(job, recorded->step) || mark(seeing, recorded->step, ROLE_POLL))
        return -1;
    note_gap(seeing, job);
    bool is_by_status = !job->state_pointer && recorded->status / 100 == 2;
    job->has_ended |= (has_state && state_is_final(found->state)) || recorded->status == 303 ||
                      (is_by_status && recorded->status != 202);
    return 0;
}

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

static int see_stream(struct seeing *seeing)
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
    if (seeing->candidate->job < 0 && begin_job(seeing))
        return -1;
    struct job_recorded *job = job_of(seeing);
    job->has_stream = true;
    job->has_ended = true;
    job->ends_with_stream = seen.is_last;
    return mark(seeing, seeing->recorded->step, ROLE_STREAM);
}

/* Does it ask as the first poll did: the same path, the id at the same place? */
static bool asks_alike(const struct job_recorded *job, struct span url)
{
    return span_equal(url_path(url), url_path(span_of(job->poll_url)));
}

static int see_get(struct seeing *seeing)
{
    const reprise_recorded *recorded = seeing->recorded;
    const struct learn_rules *rules = seeing->learn->rules;
    struct candidate *candidate = seeing->candidate;
    struct span url = to_span(recorded->url);
    struct state_found found = {0};
    bool has_job = candidate->job >= 0;
    struct job_recorded *job = has_job ? job_of(seeing) : NULL;
    if (span_begins_nocase(header_of(recorded, "Content-Type"), "text/event-stream"))
        return see_stream(seeing);
    enum job_role other = job && job->has_ended ? ROLE_RESULT : ROLE_SIDE;
    if (job && job->poll_url && (job->has_ended || !asks_alike(job, url)))
        return mark(seeing, recorded->step, other);
    if (rules->poll_path && !url_matches(rules->poll_path, url, NULL))
        return job ? mark(seeing, recorded->step, other) : 0;
    json_t *root = answer_parse(to_span(recorded->response_body));
    const char *pointer = job && job->state_pointer ? job->state_pointer : rules->state_pointer;
    bool has_state = pointer ? answer_state_at(&rules->words, root, pointer, &found)
                             : answer_find_state(&rules->words, root, candidate->skip, &found);
    bool is_poll = has_state || recorded->status == 202 || (job && job->poll_url);
    int result = 0;
    if (is_poll && (has_job || !(result = begin_job(seeing))))
        result = add_poll(seeing, root, &found, has_state);
    else if (!result && has_job)
        result = mark(seeing, recorded->step, other);
    json_decref(root);
    return result;
}

/* --- what tells of it ------------------------------------------------------------------------- */

struct telling {
    struct seeing *seeing;
    enum job_state state;
    bool has_failed;
};

static void tell_of(void *owner, const struct id_place *place, struct span id)
{
    struct telling *telling = owner;
    struct seeing *seeing = telling->seeing;
    struct candidate *candidate = find_candidate(seeing->learn, id);
    if (!candidate || place->is_url || candidate->step == seeing->recorded->step)
        return;
    seeing->candidate = candidate;
    if (candidate->job < 0 && (!candidate->is_strong || !state_is_final(telling->state)))
        return;
    if (candidate->job < 0 && begin_job(seeing)) {
        telling->has_failed = true;
        return;
    }
    struct job_recorded *job = job_of(seeing);
    if (state_is_final(telling->state)) {
        job->is_watched = true;
        job->has_ended |= !job->poll_url;
    }
    telling->has_failed |= mark(seeing, seeing->recorded->step, ROLE_WATCH) != 0;
}

static int see_message(struct seeing *seeing)
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

int learn_see(struct learn *learn, uint64_t session_id, const reprise_recorded *recorded,
              learn_mark_fn mark_step, void *owner)
{
    struct seeing seeing = {
        .learn = learn, .recorded = recorded, .mark = mark_step, .owner = owner};
    struct span id;
    if (!learn->has_session || learn->session_id != session_id) {
        forget_session(learn);
        learn->has_session = true;
        learn->session_id = session_id;
    }
    if (recorded->kind == REPRISE_RECORDED_MESSAGE_RECEIVED)
        return recorded->is_text && learn->count ? see_message(&seeing) : 0;
    if (recorded->kind != REPRISE_RECORDED_EXCHANGE)
        return 0;
    if (!span_is(to_span(recorded->method), "GET"))
        return learn_submit(learn, recorded);
    seeing.candidate = learn->count ? candidate_of(learn, to_span(recorded->url), &id) : NULL;
    return seeing.candidate ? see_get(&seeing) : 0;
}

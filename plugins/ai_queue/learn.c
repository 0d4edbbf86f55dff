/* learn.c - the learner: which steps of a recorded session submit a job, ask for it, fetch results.
 */
#include "learn_parts.h"

#include "backoff.h"

void learn_init(struct learn *learn, const struct learn_rules *rules, struct job_table *table)
{
    *learn = (struct learn){.rules = rules, .table = table};
}

static void forget_session(struct learn *learn)
{
    for (size_t i = 0; i < learn->count; i++) {
        free(learn->candidates[i].value);
        free(learn->candidates[i].given.submit);
        free(learn->candidates[i].before.submit);
    }
    for (size_t i = 0; i < learn->told_count; i++)
        free(learn->told[i].id);
    learn->count = learn->told_count = learn->refused_count = 0;
    memset(learn->slots, 0, sizeof learn->slots);
}

void learn_fini(struct learn *learn)
{
    forget_session(learn);
    free(learn->candidates);
    free(learn->told);
    learn->told = NULL;
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

struct candidate *learn_find(struct learn *learn, struct span value)
{
    size_t at = learn->slots[slot_of(value)];
    while (at && !span_is(value, learn->candidates[at - 1].value))
        at = learn->candidates[at - 1].next;
    return at ? &learn->candidates[at - 1] : NULL;
}

struct span learn_header(const reprise_recorded *recorded, const char *name)
{
    for (size_t i = 0; i < recorded->response_header_count; i++) {
        struct span own = to_span(recorded->response_headers[i].name);
        if (own.len == strlen(name) && span_begins_nocase(own, name))
            return to_span(recorded->response_headers[i].value);
    }
    return (struct span){0};
}

uint64_t learn_retry_after_us(const reprise_recorded *recorded)
{
    uint64_t us = 0;
    struct span date = learn_header(recorded, "Date");
    return backoff_retry_after(learn_header(recorded, "Retry-After"), date, 0, &us) ? us : 0;
}

struct candidate *learn_new(struct learn *learn, struct span id)
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

/* --- jobs ------------------------------------------------------------------------------------- */

int learn_mark(const struct seeing *seeing, uint32_t step, enum job_role role)
{
    const struct job_session *session =
        job_table_find(seeing->learn->table, seeing->learn->session_id);
    size_t job = (size_t)seeing->candidate->job - session->first;
    return seeing->mark(seeing->owner, step, JOB_MARK(job, role));
}

int learn_begin_job(const struct seeing *seeing)
{
    struct learn *learn = seeing->learn;
    struct candidate *candidate = seeing->candidate;
    candidate->job = job_table_add(learn->table, learn->session_id);
    if (candidate->job < 0)
        return -1;
    struct job_recorded *job = learn_job(seeing);
    job->submit_step = candidate->given.step;
    job->place = candidate->given.place;
    job->other_place = candidate->given.other_place;
    job->id = span_copy(span_of(candidate->value));
    job->submit = span_copy(span_of(candidate->given.submit));
    job->attempt_count = candidate->given.attempt_count;
    memcpy(job->attempts, candidate->given.attempts, sizeof job->attempts);
    for (uint32_t i = 0; i < job->attempt_count; i++)
        if (learn_mark(seeing, job->attempts[i], ROLE_ATTEMPT))
            return -1;
    return job->id && job->submit ? learn_mark(seeing, candidate->given.step, ROLE_SUBMIT) : -1;
}

static bool is_one_of(struct span text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_is(text, words[i]))
            return true;
    return false;
}

static int see_submit(struct seeing *seeing)
{
    return learn_submit(seeing->learn, seeing->recorded) || learn_told(seeing) ? -1 : 0;
}

/* A PUT, a PATCH and a DELETE change what they name. */
static int see_exchange(struct seeing *seeing)
{
    static const char *const safe[] = {"GET", "HEAD"}, *const change[] = {"PUT", "PATCH", "DELETE"};
    const reprise_recorded *recorded = seeing->recorded;
    struct span method = to_span(recorded->method);
    bool is_stream =
        recorded->status / 100 == 2 &&
        span_begins_nocase(learn_header(recorded, "Content-Type"), "text/event-stream");
    bool is_seen = false;
    int result = 0;
    if (is_one_of(method, safe, 2))
        return is_stream ? learn_stream(seeing) : seeing->learn->count ? learn_get(seeing) : 0;
    if (is_stream)
        result = learn_answered(seeing, &is_seen);
    else if (seeing->learn->count && !is_one_of(method, change, 3))
        result = learn_post(seeing, &is_seen);
    return result || is_seen ? result : see_submit(seeing);
}

int learn_see(struct learn *learn, uint64_t session_id, const reprise_recorded *recorded,
              learn_mark_fn mark_step, void *owner)
{
    struct seeing seeing = {
        .learn = learn, .recorded = recorded, .mark = mark_step, .owner = owner};
    learn->sent_hash = 0;
    if (!learn->has_session || learn->session_id != session_id) {
        forget_session(learn);
        learn->has_session = true;
        learn->session_id = session_id;
    }
    if (recorded->kind == REPRISE_RECORDED_MESSAGE_RECEIVED)
        return recorded->is_text && learn->count ? learn_message(&seeing) : 0;
    if (recorded->kind != REPRISE_RECORDED_EXCHANGE)
        return 0;
    return see_exchange(&seeing);
}

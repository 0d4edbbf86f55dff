/* learn_give.c - what the answer of a submit gives: identifiers, and where they stand. */
#include <stdio.h>

#include "bodies.h"
#include "learn_parts.h"

enum { SUBMIT_BYTES = 256 };

struct giving {
    struct learn *learn;
    const reprise_recorded *recorded;
    const char *submit;
    bool is_strong, is_rpc, has_failed;
    const char *skip;
    size_t count;
};

/* A value that an earlier answer gave stays with that one, unless only this one looks like a submit
 * or the job before has ended. */
static bool may_take_over(const struct giving *giving, const struct candidate *known)
{
    if (known->given.step == giving->recorded->step || !giving->is_strong)
        return false;
    return !known->given.is_strong ||
           (known->job >= 0 && giving->learn->table->jobs[known->job].has_ended);
}

/* What was sent, whole: megabytes of a file, perhaps, so once for all identifiers of its answer. */
static uint64_t hash_of(struct learn *learn, const reprise_recorded *recorded)
{
    if (learn->sent_hash)
        return learn->sent_hash;
    const struct span parts[] = {to_span(recorded->method), url_target(to_span(recorded->url)),
                                 to_span(recorded->request_body)};
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (size_t k = 0; k < parts[i].len; k++)
            hash = (hash ^ (unsigned char)parts[i].ptr[k]) * UINT64_C(0x100000001b3);
        hash = (hash ^ 0xff) * UINT64_C(0x100000001b3);
    }
    learn->sent_hashes++;
    learn->sent_hash = hash | 1;
    return learn->sent_hash;
}

static void keep_refused(struct learn *learn, const reprise_recorded *recorded)
{
    if (learn->refused_count < LEARN_MAX_REFUSED)
        learn->refused[learn->refused_count++] =
            (struct refused){hash_of(learn, recorded), recorded->step};
}

/* This one is accepted: those before that were the same were attempts at it. */
static void take_refused(struct learn *learn, const reprise_recorded *recorded, struct given *given)
{
    uint64_t hash = learn->refused_count ? hash_of(learn, recorded) : 0;
    given->attempt_count = 0;
    for (size_t i = 0; i < learn->refused_count; i++)
        if (learn->refused[i].hash == hash && learn->refused[i].step < recorded->step &&
            given->attempt_count < JOBS_MAX_ATTEMPTS)
            given->attempts[given->attempt_count++] = learn->refused[i].step;
}

/* They have had their answer: who sends the same later means something else. */
static void forget_refused(struct learn *learn, const reprise_recorded *recorded)
{
    uint64_t hash = learn->refused_count ? hash_of(learn, recorded) : 0;
    for (size_t i = 0; i < learn->refused_count; i++)
        if (learn->refused[i].hash == hash)
            learn->refused[i].hash = 0;
}

static int fill(struct giving *giving, struct candidate *candidate, const struct id_place *place)
{
    if (candidate->once_hash && !candidate->before.submit)
        candidate->before = candidate->given;
    else
        free(candidate->given.submit);
    candidate->given.submit = span_copy(span_of(giving->submit));
    candidate->given.place = place;
    candidate->given.other_place = NULL;
    candidate->given.step = giving->recorded->step;
    candidate->given.ended_us = candidate->last_answer_us = giving->recorded->ended_us;
    candidate->retry_after_us = learn_retry_after_us(giving->recorded);
    candidate->given.skip = giving->skip;
    candidate->given.is_strong = giving->is_strong;
    take_refused(giving->learn, giving->recorded, &candidate->given);
    candidate->job = -1;
    return candidate->given.submit ? 0 : -1;
}

static void give(void *owner, const struct id_place *place, struct span id)
{
    struct giving *giving = owner;
    struct learn *learn = giving->learn;
    if (giving->count >= LEARN_MAX_IDS || learn->count >= LEARN_MAX_CANDIDATES || id.len > 128)
        return;
    if (giving->is_rpc && !place->is_header && strcmp(place->name, "/id") == 0)
        return; /* the number of the call */
    giving->count++;
    struct candidate *known = learn_find(learn, id);
    if (known && !may_take_over(giving, known)) {
        if (known->given.step == giving->recorded->step && !known->given.other_place)
            known->given.other_place = job_table_place(learn->table, place);
        return;
    }
    const struct id_place *shared = job_table_place(learn->table, place);
    if (!shared) /* thousands of places: a table of ids, not a submit */
        return;
    struct candidate *candidate = known ? known : learn_new(learn, id);
    if (!candidate || fill(giving, candidate, shared))
        giving->has_failed = true;
}

static void give_header(struct giving *giving, const char *name)
{
    struct span url = learn_header(giving->recorded, name);
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

/* "POST /jobs" */
static void write_submit(const reprise_recorded *recorded, char into[SUBMIT_BYTES])
{
    struct span method = to_span(recorded->method), path = url_path(to_span(recorded->url));
    snprintf(into, SUBMIT_BYTES, "%.*s %.*s", (int)(method.len > 16 ? 16 : method.len), method.ptr,
             (int)(path.len > 200 ? 200 : path.len), path.ptr);
}

int learn_submit(struct learn *learn, const reprise_recorded *recorded)
{
    const struct learn_rules *rules = learn->rules;
    static const char *const headers[] = {"Operation-Location", "Location", "Content-Location"};
    struct span method = to_span(recorded->method);
    bool is_wanted = rules->submit_path
                         ? span_is(method, rules->submit_method) &&
                               url_matches(rules->submit_path, to_span(recorded->url), NULL)
                         : span_is(method, "POST") || span_is(method, "PUT");
    if (is_wanted && (recorded->status == 429 || recorded->status == 503))
        keep_refused(learn, recorded);
    if (!is_wanted || (recorded->status / 100 != 2 && recorded->status != 303))
        return 0;
    char submit[SUBMIT_BYTES];
    write_submit(recorded, submit);
    struct giving giving = {.learn = learn, .recorded = recorded, .submit = submit};
    struct state_found found = {0};
    json_t *root = answer_parse(to_span(recorded->response_body));
    giving.is_rpc = body_is_rpc(root);
    bool has_state = answer_find_state(&rules->words, root, NULL, &found);
    if (has_state && state_is_final(found.state)) { /* {"status":"success","data":{...}} */
        giving.skip = job_table_pointer(learn->table, found.pointer);
        has_state = answer_find_state(&rules->words, root, found.pointer, &found) &&
                    !state_is_final(found.state);
    }
    giving.is_strong = rules->submit_path || has_state || recorded->status == 202 ||
                       recorded->status == 303 || learn_header(recorded, "Operation-Location").len;
    give_body(&giving, root);
    json_decref(root);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        give_header(&giving, headers[i]);
    if (rules->id_header)
        give_header(&giving, rules->id_header);
    forget_refused(learn, recorded);
    return giving.has_failed ? -1 : 0;
}

int learn_give(struct seeing *seeing, const char *place)
{
    char submit[SUBMIT_BYTES];
    struct giving giving = {
        .learn = seeing->learn, .recorded = seeing->recorded, .submit = submit, .is_strong = true};
    const struct id_place *shared =
        job_table_place(seeing->learn->table, &(struct id_place){.name = place});
    write_submit(seeing->recorded, submit);
    return shared ? fill(&giving, seeing->candidate, shared) : -1;
}

/* readings.c - a live answer to a submit or a poll, read in the light of what was recorded. */
#include "readings.h"

#include <ctype.h>
#include <stdio.h>

#include "backoff.h"
#include "lists.h"

static void read_common(const struct answer *answer, const json_t *root, struct reading *ret)
{
    *ret = (struct reading){.kind = READ_MISSING};
    ret->has_retry_after = backoff_retry_after(answer->retry_after, answer->date, answer->unix_us,
                                               &ret->retry_after_us);
    char number[24];
    if (answer->depth.len && answer->depth.len < sizeof number &&
        isdigit((unsigned char)answer->depth.ptr[0])) {
        memcpy(number, answer->depth.ptr, answer->depth.len);
        number[answer->depth.len] = '\0';
        ret->depth = strtoull(number, NULL, 10);
        ret->has_depth = true;
    } else {
        ret->has_depth = answer_depth(root, &ret->depth);
    }
}

/* What came instead of what was expected, in a few words. */
static void say_what_came(const struct answer *answer, const char *wanted, struct reading *ret)
{
    struct span type = answer->content_type;
    size_t len = 0;
    while (len < type.len && len < 60 && type.ptr[len] != ';' &&
           isgraph((unsigned char)type.ptr[len]))
        len++;
    if (answer->status == 0)
        snprintf(ret->problem, sizeof ret->problem, "no answer: %.120s",
                 answer->error ? answer->error : "the connection failed");
    else if (answer->status / 100 != 2)
        snprintf(ret->problem, sizeof ret->problem, "status %u", answer->status);
    else if (len)
        snprintf(ret->problem, sizeof ret->problem, "status %u with %.*s and no %.100s",
                 answer->status, (int)len, type.ptr, wanted);
    else
        snprintf(ret->problem, sizeof ret->problem, "status %u and no %.100s", answer->status,
                 wanted);
}

static bool keep_id(struct span id, struct reading *ret)
{
    if (!id.len || id.len >= READING_ID_BYTES || memchr(id.ptr, '\0', id.len))
        return false;
    memcpy(ret->new_id, id.ptr, id.len);
    ret->new_id[id.len] = '\0';
    return true;
}

static bool take_id(const struct id_place *place, const json_t *root, reading_header_fn header,
                    void *owner, struct reading *ret)
{
    char number[32];
    if (!place)
        return false;
    struct span text = place->is_header ? header(owner, place->name)
                                        : answer_text(answer_at(root, place->name), number);
    if (text.len && place->is_url &&
        !url_value(text, place->is_query, place->index, span_of(place->key), &text))
        return false;
    return keep_id(text, ret);
}

void read_submit(const struct words *words, const struct job_recorded *job,
                 const struct answer *answer, reading_header_fn header, void *owner,
                 struct reading *ret)
{
    struct state_found found;
    json_t *root = answer_parse(answer->body);
    read_common(answer, root, ret);
    if (answer->status == 429 || answer->status == 503) {
        ret->kind = READ_LATER;
        snprintf(ret->problem, sizeof ret->problem, "status %u", answer->status);
    } else if (answer->status == 401 || answer->status == 407) {
        ret->kind = READ_REFUSED;
    } else if ((answer->status / 100 == 2 || answer->status == 303) &&
               (take_id(job->place, root, header, owner, ret) ||
                take_id(job->other_place, root, header, owner, ret))) {
        ret->kind = READ_TAKEN;
        if (job->state_pointer && answer_state_at(words, root, job->state_pointer, &found))
            ret->state = found.state;
        snprintf(ret->word, sizeof ret->word, "%s", "submitted");
    } else {
        char wanted[120];
        snprintf(wanted, sizeof wanted, "job's id at %s%.100s",
                 job->place->is_header ? "header " : "", job->place->name);
        say_what_came(answer, wanted, ret);
    }
    json_decref(root);
}

/* A Location that is the polled URL but for the id. */
static bool read_location(struct span url, struct span id, struct span location,
                          struct reading *ret)
{
    struct url_walk a_walk, b_walk;
    struct url_part a, b;
    struct span fresh = {0};
    url_walk(&a_walk, url_path(url));
    url_walk(&b_walk, url_path(location));
    while (url_next(&a_walk, &a)) {
        if (!url_next(&b_walk, &b))
            return false;
        if (span_equal(a.value, b.value))
            continue;
        if (!span_equal(a.value, id) || fresh.len)
            return false;
        fresh = b.value;
    }
    if (url_next(&b_walk, &b))
        return false;
    if (!fresh.len)
        url_value(location, true, 0, span_of("id"), &fresh);
    return fresh.len && !span_equal(fresh, id) && keep_id(fresh, ret);
}

static bool read_own_id(const struct job_recorded *job, const json_t *root, struct span id,
                        struct reading *ret)
{
    char number[32];
    if (!job->poll_id_pointer)
        return false;
    struct span own = answer_text(answer_at(root, job->poll_id_pointer), number);
    return own.len && url_is_id(own) && !span_equal(own, id) && keep_id(own, ret);
}

/* The state, wherever it is. False: there is none. */
static bool read_state(const struct words *words, const struct job_recorded *job,
                       const json_t *root, struct reading *ret)
{
    struct state_found found = {0};
    bool has_state = job->state_pointer && answer_state_at(words, root, job->state_pointer, &found);
    if (!has_state && found.word[0]) { /* it is there, in a word that is new */
        found.state = STATE_RUNNING;
        ret->is_unknown = has_state = true;
    }
    if (!has_state && job->is_flag && json_is_object(root)) { /* "done" comes with the end */
        found.state = STATE_RUNNING;
        has_state = true;
    }
    if (!has_state && job->state_pointer)
        has_state = answer_find_state(words, root, NULL, &found);
    if (has_state) {
        ret->state = found.state;
        snprintf(ret->word, sizeof ret->word, "%s", found.word);
    }
    return has_state;
}

static void read_good_poll(const struct words *words, const struct job_recorded *job,
                           struct span id, const struct answer *answer, const json_t *root,
                           struct reading *ret)
{
    bool is_by_status = !job->state_pointer;
    if (job->list_pointer &&
        !(root = list_find(root, job->list_pointer, job->list_id_pointer, id))) {
        char wanted[120];
        snprintf(wanted, sizeof wanted, "such job in the list at '%.60s'", job->list_pointer);
        say_what_came(answer, wanted, ret);
        return;
    }
    if (!read_state(words, job, root, ret)) {
        if (answer->status == 202) {
            ret->state = STATE_WAITING;
        } else if (is_by_status) {
            ret->state = STATE_DONE;
        } else {
            char wanted[120];
            snprintf(wanted, sizeof wanted, "state at %.100s", job->state_pointer);
            say_what_came(answer, wanted, ret);
            return;
        }
        snprintf(ret->word, sizeof ret->word, "%u", answer->status);
    }
    ret->kind = state_is_final(ret->state) ? READ_ENDED : READ_PENDING;
    if (read_own_id(job, root, id, ret) && ret->kind == READ_PENDING)
        ret->kind = READ_MOVED;
}

void read_poll(const struct words *words, const struct job_recorded *job, struct span url,
               struct span id, const struct answer *answer, struct reading *ret)
{
    uint32_t status = answer->status;
    json_t *root = answer_parse(answer->body);
    read_common(answer, root, ret);
    if (status / 100 == 2) {
        read_good_poll(words, job, id, answer, root, ret);
        if (status == 202 && ret->kind == READ_PENDING &&
            read_location(url, id, answer->location, ret))
            ret->kind = READ_MOVED;
    } else if (status / 100 == 3 && status != 304 &&
               read_location(url, id, answer->location, ret)) {
        ret->kind = READ_MOVED;
    } else if (status == 303 || status == 302) {
        ret->kind = READ_ENDED; /* what came of it is over there */
        ret->state = STATE_DONE;
        snprintf(ret->word, sizeof ret->word, "%u", status);
    } else if (status == 304) {
        ret->kind = READ_PENDING;
        ret->state = STATE_WAITING;
        snprintf(ret->word, sizeof ret->word, "304");
    } else if (status == 429 || status == 503) {
        ret->kind = READ_LATER;
        say_what_came(answer, "", ret);
    } else if (status == 401 || status == 407) {
        ret->kind = READ_REFUSED;
    } else {
        say_what_came(answer, "", ret);
    }
    json_decref(root);
}

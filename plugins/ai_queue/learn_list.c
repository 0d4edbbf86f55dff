/* learn_list.c - one list that is asked for all jobs, as it was recorded. */
#include "learn_parts.h"
#include "lists.h"

struct listing {
    struct seeing *seeing;
    const struct candidate *other; /* it is asked for by itself */
    bool is_seen, has_failed;
};

/* The list the job was first seen in, asked for as it was then. */
static bool is_the_same(const struct seeing *seeing, const struct job_recorded *job,
                        const struct list_item *item)
{
    return job->list_pointer && !job->has_ended && strcmp(job->list_pointer, item->list) == 0 &&
           learn_asks_alike(seeing, job);
}

static int begin(struct seeing *seeing, const struct list_item *item)
{
    struct job_table *table = seeing->learn->table;
    if (seeing->candidate->job < 0 && learn_begin_job(seeing))
        return -1;
    struct job_recorded *job = learn_job(seeing);
    job->list_pointer = job_table_pointer(table, item->list);
    job->list_id_pointer = job_table_pointer(table, item->id_pointer);
    job->state_pointer = job_table_pointer(table, item->found.pointer);
    job->is_flag = item->found.is_flag;
    if (!job->list_pointer || !job->list_id_pointer || !job->state_pointer)
        return -1;
    return learn_asks_as(seeing, job);
}

/* A state that nobody waits for is none: a note that is done was not queued. */
static bool may_begin(const struct candidate *candidate, const struct list_item *item)
{
    return candidate->given.is_strong ||
           (!item->found.is_flag && !state_is_final(item->found.state));
}

static int see_item(struct listing *listing, const struct list_item *item)
{
    struct seeing *seeing = listing->seeing;
    struct candidate *candidate = seeing->candidate;
    struct job_recorded *job = candidate->job >= 0 ? learn_job(seeing) : NULL;
    bool is_new = job ? !job->poll_url && !job->has_ended : may_begin(candidate, item);
    if (is_new && begin(seeing, item))
        return -1;
    job = candidate->job >= 0 ? learn_job(seeing) : NULL;
    if (!job || !is_the_same(seeing, job, item))
        return 0;
    const struct asking asking = learn_asking_of(seeing->recorded);
    listing->is_seen = true;
    job->has_ended |= state_is_final(item->found.state);
    return learn_add_asking(seeing, &asking, ROLE_LIST);
}

static void on_item(void *owner, const struct list_item *item)
{
    struct listing *listing = owner;
    struct candidate *candidate = learn_find(listing->seeing->learn, item->id);
    if (!candidate || candidate == listing->other || listing->has_failed)
        return;
    listing->seeing->candidate = candidate;
    listing->has_failed = see_item(listing, item) != 0;
}

int learn_list(struct seeing *seeing, const struct candidate *other, bool *ret_seen)
{
    const reprise_recorded *recorded = seeing->recorded;
    const struct learn_rules *rules = seeing->learn->rules;
    struct span body = to_span(recorded->response_body);
    struct listing listing = {.seeing = seeing, .other = other};
    bool is_elsewhere =
        rules->poll_path && !url_matches(rules->poll_path, to_span(recorded->url), NULL);
    if (recorded->status / 100 != 2 || is_elsewhere || rules->state_pointer || !body.len ||
        !memchr(body.ptr, '[', body.len))
        return 0;
    json_t *root = answer_parse(body);
    list_each(&rules->words, root, on_item, &listing);
    json_decref(root);
    *ret_seen = listing.is_seen;
    return listing.has_failed ? -1 : 0;
}

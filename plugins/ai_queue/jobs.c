/* jobs.c - the jobs of a trace, as a table. */
#include "jobs.h"

enum { MAX_SHARED = 4096, DEFAULT_INTERVAL_US = 1000000 };

void job_table_fini(struct job_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        struct job_recorded *job = &table->jobs[i];
        free(job->id);
        free(job->submit);
        free(job->poll_url);
        free(job->polls);
        free(job->gaps);
    }
    for (size_t i = 0; i < table->place_count; i++) {
        free((char *)table->places[i]->name);
        free((char *)table->places[i]->key);
        free(table->places[i]);
    }
    for (size_t i = 0; i < table->pointer_count; i++)
        free(table->pointers[i]);
    free(table->jobs);
    free(table->sessions);
    free(table->places);
    free(table->pointers);
    *table = (struct job_table){0};
}

/* The first session whose id is not below. */
static size_t lower_bound(const struct job_table *table, uint64_t session_id)
{
    size_t from = 0, to = table->session_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (table->sessions[middle].id < session_id)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

const struct job_session *job_table_find(const struct job_table *table, uint64_t session_id)
{
    size_t at = lower_bound(table, session_id);
    return at < table->session_count && table->sessions[at].id == session_id ? &table->sessions[at]
                                                                             : NULL;
}

/* Room for one more. -1: no memory, or `max` are there. */
static int grow(void **items, size_t count, size_t *capacity, size_t size, size_t max)
{
    if (count < *capacity)
        return 0;
    size_t wanted = *capacity ? *capacity * 2 : 16;
    void *grown = count < max ? realloc(*items, wanted * size) : NULL;
    if (!grown)
        return -1;
    *items = grown;
    *capacity = wanted;
    return 0;
}

int64_t job_table_add(struct job_table *table, uint64_t session_id)
{
    size_t at = lower_bound(table, session_id);
    bool is_there = at < table->session_count && table->sessions[at].id == session_id;
    if (grow((void **)&table->jobs, table->count, &table->capacity, sizeof *table->jobs,
             JOBS_MAX) ||
        (!is_there && grow((void **)&table->sessions, table->session_count,
                           &table->session_capacity, sizeof *table->sessions, JOBS_MAX)))
        return -1;
    if (!is_there) {
        memmove(&table->sessions[at + 1], &table->sessions[at],
                (table->session_count - at) * sizeof *table->sessions);
        table->sessions[at] = (struct job_session){.id = session_id, .first = table->count};
        table->session_count++;
    }
    table->sessions[at].count++;
    table->jobs[table->count] = (struct job_recorded){0};
    return (int64_t)table->count++;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

const struct id_place *job_table_place(struct job_table *table, const struct id_place *place)
{
    for (size_t i = 0; i < table->place_count; i++) {
        const struct id_place *known = table->places[i];
        if (known->is_header == place->is_header && known->is_url == place->is_url &&
            known->is_query == place->is_query && known->index == place->index &&
            same_text(known->name, place->name) && same_text(known->key, place->key))
            return known;
    }
    if (!table->places && !(table->places = calloc(MAX_SHARED, sizeof(struct id_place *))))
        return NULL;
    struct id_place *copy = table->place_count < MAX_SHARED ? malloc(sizeof *copy) : NULL;
    if (!copy)
        return NULL;
    *copy = *place;
    copy->name = span_copy(span_of(place->name));
    copy->key = place->key ? span_copy(span_of(place->key)) : NULL;
    table->places[table->place_count++] = copy;
    return copy->name && (copy->key || !place->key) ? copy : NULL;
}

const char *job_table_pointer(struct job_table *table, const char *pointer)
{
    for (size_t i = 0; i < table->pointer_count; i++)
        if (strcmp(table->pointers[i], pointer) == 0)
            return table->pointers[i];
    if (!table->pointers && !(table->pointers = calloc(MAX_SHARED, sizeof(char *))))
        return NULL;
    char *copy = table->pointer_count < MAX_SHARED ? span_copy(span_of(pointer)) : NULL;
    if (copy)
        table->pointers[table->pointer_count++] = copy;
    return copy;
}

int job_add_poll(struct job_recorded *job, uint32_t step)
{
    if (job->poll_count == job->poll_capacity) {
        uint32_t capacity = job->poll_capacity ? job->poll_capacity * 2 : 4;
        uint32_t *grown =
            capacity > JOBS_MAX_STEPS ? NULL : realloc(job->polls, capacity * sizeof *grown);
        if (!grown)
            return -1;
        job->polls = grown;
        job->poll_capacity = capacity;
    }
    job->polls[job->poll_count++] = step;
    return 0;
}

bool job_has_poll(const struct job_recorded *job, uint32_t step)
{
    uint32_t from = 0, to = job->poll_count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (job->polls[middle] < step)
            from = middle + 1;
        else
            to = middle;
    }
    return from < job->poll_count && job->polls[from] == step;
}

void job_gap(struct job_gaps *gaps, uint64_t us)
{
    uint32_t at = gaps->count;
    if (at == JOBS_MAX_GAPS)
        return;
    for (; at > 0 && gaps->us[at - 1] > us; at--)
        gaps->us[at] = gaps->us[at - 1];
    gaps->us[at] = us;
    gaps->count++;
}

uint64_t job_interval_us(const struct job_table *table, const struct job_recorded *job)
{
    const struct job_gaps *gaps = job->gaps && job->gaps->count ? job->gaps : &table->gaps;
    return gaps->count ? gaps->us[gaps->count / 2] : DEFAULT_INTERVAL_US;
}

/* plan_index.c - what is known of a trace before any session of it is loaded. */
#include <stdio.h>
#include <stdlib.h>

#include "core/grow.h"
#include "replay/identities/identities.h"
#include "replay/plan/plan_steps.h"

#define NOTHING_IN_IT UINT64_MAX /* a duration: as far as the session's row says */

/* More exchanges and messages than MAX_WHOLE_COUNT take too long to be loaded before the start. */
enum { MAX_WHOLE_COUNT = 100000 };

static int grow_endpoints(struct plan_builder *builder)
{
    struct plan *plan = builder->plan;
    struct bytes *names = grow_by_one(plan->endpoints, plan->endpoint_count,
                                      &builder->endpoint_capacity, sizeof *names, UINT32_MAX);
    if (!names)
        return -1;
    plan->endpoints = names;
    return 0;
}

int plan_endpoint(struct plan_builder *builder, int64_t endpoint_id, uint32_t *ret_endpoint,
                  struct error *err)
{
    struct plan *plan = builder->plan;
    struct plan_endpoint *known =
        map_get(&builder->endpoints, bytes_make(&endpoint_id, sizeof endpoint_id));
    if (known) {
        *ret_endpoint = known->index;
        return 0;
    }
    struct bytes name = bytes_of("(unknown)");
    if (trace_reader_endpoint_name(builder->reader, endpoint_id, &name, err) < 0)
        return -1;
    struct plan_endpoint *added = arena_alloc(&plan->names, sizeof *added);
    name = arena_copy(&plan->names, name);
    if (!added || !name.ptr || grow_endpoints(builder))
        return error_set(err, EXIT_TOOL, "no memory for the names of endpoints");
    *added = (struct plan_endpoint){.endpoint_id = endpoint_id, .index = plan->endpoint_count};
    if (map_set(&builder->endpoints, bytes_make(&added->endpoint_id, sizeof added->endpoint_id),
                added))
        return error_set(err, EXIT_TOOL, "no memory for the names of endpoints");
    plan->endpoints[plan->endpoint_count++] = name;
    *ret_endpoint = added->index;
    return 0;
}

void plan_endpoints_clear(struct plan_builder *builder)
{
    map_fini(&builder->endpoints);
    map_init(&builder->endpoints);
    builder->plan->endpoint_count = 0;
}

static void add_to_digest(struct digest_stream *digest, struct bytes text)
{
    uint64_t len = text.len;
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(len >> (8 * i));
    digest_add(digest, bytes_make(bytes, sizeof bytes));
    digest_add(digest, text);
}

static void add_facts(struct digest_stream *digest, const struct trace_facts *facts)
{
    char numbers[256];
    snprintf(numbers, sizeof numbers, "%lld %lld %llu %llu %llu", (long long)facts->origin_unix_us,
             (long long)facts->last_us, (unsigned long long)facts->packets,
             (unsigned long long)facts->payload_bytes, (unsigned long long)facts->stored_bytes);
    add_to_digest(digest, bytes_of(numbers));
    add_to_digest(digest, facts->source);
    add_to_digest(digest, facts->redaction);
}

/* Of all sessions: they say what is changed in the requests. */
static int add_bindings(struct digest_stream *digest, struct trace_reader *reader,
                        struct error *err)
{
    struct trace_binding binding;
    char ids[64];
    int more = trace_reader_start_bindings(reader, 0, err);
    while (more >= 0 && (more = trace_reader_next_binding(reader, &binding, err)) > 0) {
        snprintf(ids, sizeof ids, "%lld %lld", (long long)binding.born_exchange_id,
                 (long long)binding.used_exchange_id);
        add_to_digest(digest, bytes_of(ids));
        add_to_digest(digest, binding.born_place);
        add_to_digest(digest, binding.used_place);
        add_to_digest(digest, binding.state);
        add_to_digest(digest, binding.form);
    }
    return more;
}

int plan_endpoints_read(struct plan_builder *builder, struct error *err)
{
    struct plan *plan = builder->plan;
    struct digest_stream *digest = digest_new();
    int64_t endpoint_id;
    uint32_t index;
    int more;
    if (!digest)
        return error_set(err, EXIT_TOOL, "no memory for a digest");
    add_facts(digest, trace_reader_facts(builder->reader));
    more = trace_reader_start_endpoint_ids(builder->reader, err);
    while (more >= 0 &&
           (more = trace_reader_next_endpoint_id(builder->reader, &endpoint_id, err)) > 0) {
        if (plan_endpoint(builder, endpoint_id, &index, err))
            more = -1;
        else
            add_to_digest(digest, plan->endpoints[index]);
    }
    if (more == 0)
        more = add_bindings(digest, builder->reader, err);
    /* Exchanges without one: their sessions are not read yet. */
    if (more == 0)
        more = plan_endpoint(builder, 0, &index, err);
    plan->has_unknown_endpoint = more == 0;
    digest_finish(digest, plan->source_digest);
    return more;
}

static int add_entry(struct plan *plan, size_t *capacity, const struct trace_span *span)
{
    struct plan_entry *index =
        grow_by_one(plan->index, plan->session_count, capacity, sizeof *index, SIZE_MAX);
    if (!index)
        return -1;
    plan->index = index;
    uint64_t duration_us =
        span->last_us > span->first_us ? (uint64_t)span->last_us - (uint64_t)span->first_us : 0;
    if (span->exchange_count == 0 || span->first_us == TRACE_NO_MOMENT)
        duration_us = NOTHING_IN_IT;
    /* Moments may be negative in a capture that is not in order: make the trace's time unsigned. */
    plan->index[plan->session_count++] =
        (struct plan_entry){.session_id = span->session_id,
                            .start_us = (uint64_t)span->first_us - (uint64_t)INT64_MIN,
                            .duration_us = duration_us};
    return 0;
}

static int compare_entries(const void *a, const void *b)
{
    const struct plan_entry *x = a, *y = b;
    if (x->start_us != y->start_us)
        return x->start_us < y->start_us ? -1 : 1;
    return x->session_id < y->session_id ? -1 : x->session_id > y->session_id;
}

static bool is_sorted(const struct plan *plan)
{
    for (size_t i = 1; i < plan->session_count; i++) {
        if (compare_entries(&plan->index[i - 1], &plan->index[i]) > 0)
            return false;
    }
    return true;
}

void plan_index_settle(struct plan *plan)
{
    uint64_t duration_sum_us = 0;
    size_t kept = 0;
    for (size_t i = 0; i < plan->session_count; i++) {
        if (plan->index[i].duration_us != NOTHING_IN_IT)
            plan->index[kept++] = plan->index[i];
    }
    plan->session_count = kept;
    if (!kept)
        return;
    uint64_t first_us = plan->index[0].start_us;
    for (size_t i = 0; i < plan->session_count; i++) {
        plan->index[i].start_us -= first_us;
        duration_sum_us += plan->index[i].duration_us;
    }
    plan->span_us = plan->index[plan->session_count - 1].start_us;
    if (plan->step_count > plan->session_count)
        plan->mean_gap_us = duration_sum_us / (plan->step_count - plan->session_count);
}

static int compare_ids(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The sessions that log in and those for which --data has a row, each sorted. */
struct data_sessions {
    int64_t *ids[2]; /* with an account of the recording's; with a column */
    size_t counts[2], capacities[2];
};

static int add_data_session(struct data_sessions *sessions, bool has_column, int64_t session_id)
{
    size_t *count = &sessions->counts[has_column], *capacity = &sessions->capacities[has_column];
    int64_t *ids = grow_by_one(sessions->ids[has_column], *count, capacity, sizeof *ids, SIZE_MAX);
    if (!ids)
        return -1;
    sessions->ids[has_column] = ids;
    sessions->ids[has_column][(*count)++] = session_id;
    return 0;
}

static bool is_in(const struct data_sessions *sessions, bool has_column, int64_t session_id)
{
    return sessions->counts[has_column] &&
           bsearch(&session_id, sessions->ids[has_column], sessions->counts[has_column],
                   sizeof session_id, compare_ids);
}

int plan_index_accounts(struct plan_builder *builder, struct error *err)
{
    const struct identities *identities = builder->options.identities;
    struct plan *plan = builder->plan;
    struct data_sessions sessions = {0};
    struct bytes place;
    int64_t session_id;
    uint32_t column;
    int more = trace_reader_start_data_sessions(builder->reader, err);
    while (more >= 0 &&
           (more = trace_reader_next_data_session(builder->reader, &session_id, &place, err)) > 0) {
        bool has_column = identities_have_data(identities) &&
                          identity_rows_find_column(&identities->rows,
                                                    bytes_from(place, strlen("data:")), &column);
        if (add_data_session(&sessions, has_column, session_id))
            more = error_set(err, EXIT_TOOL, "no memory for an index of sessions");
    }
    for (int i = 0; i < 2; i++) {
        if (sessions.counts[i])
            qsort(sessions.ids[i], sessions.counts[i], sizeof *sessions.ids[i], compare_ids);
    }
    for (size_t i = 0; more == 0 && i < plan->session_count; i++) {
        struct plan_entry *entry = &plan->index[i];
        entry->has_account = is_in(&sessions, false, entry->session_id) &&
                             !is_in(&sessions, true, entry->session_id);
    }
    free(sessions.ids[0]);
    free(sessions.ids[1]);
    return more;
}

int plan_index_read(struct plan_builder *builder, bool *ret_is_large, struct error *err)
{
    struct plan *plan = builder->plan;
    struct trace_span span;
    size_t capacity = 0;
    int more;
    if (trace_reader_start_spans(builder->reader, err))
        return -1;
    while ((more = trace_reader_next_span(builder->reader, &span, err)) > 0) {
        if (add_entry(plan, &capacity, &span))
            return error_set(err, EXIT_TOOL, "no memory for an index of %zu sessions",
                             plan->session_count);
        plan->step_count += span.exchange_count + span.message_count;
    }
    if (more < 0)
        return -1;
    if (!is_sorted(plan)) /* as a capture writes them they are */
        qsort(plan->index, plan->session_count, sizeof *plan->index, compare_entries);
    *ret_is_large = plan->step_count > MAX_WHOLE_COUNT;
    return 0;
}

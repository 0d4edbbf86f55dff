/* survey.c - walks a trace's exchanges once, for the shapes of sessions and for noise. */
#include "replay/verify/survey.h"

#include <stdlib.h>

#include "core/grow.h"
#include "replay/verify/recorded.h"
#include "traces/correlate/binding_overlay.h"

enum { MAX_SHAPES_BYTES = 256 << 20 };

struct session_shape {
    int64_t session_id;
    uint64_t hash;     /* of its endpoints and statuses so far */
    uint64_t answered; /* exchanges */
};

static struct bytes key_of(const int64_t *id)
{
    return bytes_make(id, sizeof *id);
}

static int add_to_shape(struct survey *survey, const struct trace_exchange *exchange,
                        int64_t endpoint_id)
{
    struct session_shape *shape = map_get(&survey->shapes, key_of(&exchange->session_id));
    if (!shape) {
        shape = arena_zalloc(&survey->arena, sizeof *shape);
        if (!shape)
            return -1;
        shape->session_id = exchange->session_id;
        if (map_set(&survey->shapes, key_of(&shape->session_id), shape))
            return -1;
    }
    const int64_t step[3] = {(int64_t)shape->hash, endpoint_id, exchange->status};
    shape->hash = bytes_hash(bytes_make(step, sizeof step));
    shape->answered += exchange->status != 0;
    return 0;
}

static int note_large(struct survey *survey, int64_t exchange_id)
{
    int64_t *grown = grow_by_one(survey->large, survey->large_count, &survey->large_capacity,
                                 sizeof *grown, SIZE_MAX);
    if (!grown)
        return -1;
    survey->large = grown;
    survey->large[survey->large_count++] = exchange_id;
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

bool survey_is_large(const struct survey *survey, int64_t exchange_id)
{
    return survey->large_count && bsearch(&exchange_id, survey->large, survey->large_count,
                                          sizeof exchange_id, compare_ids);
}

static int learn(struct survey *survey, struct recorded *recorded, struct facts *facts,
                 const struct trace_exchange *exchange, int64_t endpoint_id, struct error *err)
{
    int64_t exchange_id = exchange->exchange_id;
    if (!exchange->status || !noise_wants(survey->noise, endpoint_id, exchange->status))
        return 0;
    int found = recorded_read(recorded, exchange_id, err);
    if (found <= 0)
        return found;
    if (recorded_facts(recorded, facts, err))
        return -1;
    noise_learn(survey->noise, recorded->endpoint_id, recorded->exchange.status, facts);
    return 0;
}

static int walk_exchanges(struct survey *survey, struct recorded *recorded, struct facts *facts,
                          uint64_t max_exchanges, struct error *err)
{
    struct trace_exchange exchange;
    int64_t endpoint_id;
    int more;
    if (trace_reader_start_exchanges(recorded->reader, 0, err))
        return -1;
    for (uint64_t i = 0; i < max_exchanges; i++) {
        more = trace_reader_next_exchange(recorded->reader, &exchange, &endpoint_id, err);
        if (more <= 0)
            return more;
        bool is_large = exchange.response_body_bytes >= SURVEY_LARGE_BYTES;
        if (add_to_shape(survey, &exchange, endpoint_id) ||
            (is_large && note_large(survey, exchange.exchange_id)))
            return error_set(err, EXIT_TOOL, "no memory for the sessions' shapes");
        if (learn(survey, recorded, facts, &exchange, endpoint_id, err))
            return -1;
    }
    return 0;
}

/* What is carried on is given anew each time. */
static int walk_bindings(struct survey *survey, struct trace_reader *reader, struct error *err)
{
    struct trace_binding binding;
    struct trace_exchange exchange;
    int64_t endpoint_id;
    int more;
    if (trace_reader_start_bindings(reader, 0, err))
        return -1;
    while ((more = trace_reader_next_binding(reader, &binding, err)) > 0) {
        struct bytes place = binding.born_place;
        const char *inner = place.len ? memmem(place.ptr, place.len, " > ", 3) : NULL;
        if (inner)
            place.len = (size_t)(inner - place.ptr);
        int found = trace_reader_get_exchange(reader, binding.born_exchange_id, &exchange,
                                              &endpoint_id, err);
        if (found < 0)
            return -1;
        if (found)
            noise_add(survey->noise, endpoint_id, exchange.status, place);
    }
    return more;
}

int survey_take(struct survey *survey, const char *trace_path,
                const struct binding_overlay *overlay, uint64_t max_exchanges, struct error *err)
{
    struct trace_reader *reader = NULL;
    struct recorded recorded = {0};
    struct facts facts;
    int result = -1;
    *survey = (struct survey){.noise = noise_new()};
    map_init(&survey->shapes);
    arena_init(&survey->arena, MAX_SHAPES_BYTES);
    facts_init(&facts);
    if (!survey->noise) {
        error_set(err, EXIT_TOOL, "no memory to look at the trace");
        goto out;
    }
    if (binding_overlay_open_reader(overlay, trace_path, &reader, err))
        goto out;
    if (recorded_init(&recorded, reader)) {
        error_set(err, EXIT_TOOL, "no memory to look at the trace");
        goto out;
    }
    if (walk_exchanges(survey, &recorded, &facts, max_exchanges, err) == 0)
        result = walk_bindings(survey, reader, err);
    if (survey->large_count)
        qsort(survey->large, survey->large_count, sizeof *survey->large, compare_ids);
out:
    recorded_fini(&recorded);
    facts_fini(&facts);
    if (reader)
        trace_reader_close(reader);
    return result;
}

void survey_fini(struct survey *survey)
{
    noise_free(survey->noise);
    map_fini(&survey->shapes);
    arena_fini(&survey->arena);
    free(survey->sessions);
    free(survey->large);
}

static bool is_among(const int64_t *ids, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == id)
            return true;
    }
    return false;
}

int survey_choose(struct survey *survey, const struct plan *plan, bool takes_all,
                  const int64_t *only, size_t only_count)
{
    struct map taken; /* by shape */
    int result = -1;
    map_init(&taken);
    survey->session_count = 0;
    survey->sessions = malloc((plan->session_count + 1) * sizeof *survey->sessions);
    if (!survey->sessions)
        return -1;
    for (uint32_t i = 0; i < plan->session_count; i++) {
        int64_t session_id = plan->index[i].session_id;
        struct session_shape *shape = map_get(&survey->shapes, key_of(&session_id));
        struct bytes key = shape ? bytes_make(&shape->hash, sizeof shape->hash) : bytes_of("");
        bool is_new = !shape || !map_get(&taken, key);
        if (shape && is_new && map_set(&taken, key, shape))
            goto out;
        if (!(only_count ? is_among(only, only_count, session_id) : takes_all || is_new))
            continue;
        survey->sessions[survey->session_count++] = i;
        survey->exchange_count += shape ? shape->answered : 0;
    }
    survey->shape_count = taken.count;
    result = 0;
out:
    map_fini(&taken);
    return result;
}

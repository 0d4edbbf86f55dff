/* binding_apply.c - from rules and sessions to rows. */
#include "traces/correlate/binding_apply.h"

#include <stdlib.h>

#include "core/grow.h"
#include "core/map.h"
#include "traces/correlate/exchange_values.h"
#include "traces/correlate/value_match.h"
#include "traces/endpoint.h"

enum { MAX_SESSION_BYTES = 256 * 1024 * 1024, MAX_LOOK_BACK = 1000 };

/* A rule as it is used: places parsed, endpoints found. */
struct compiled {
    struct place born, used;
    bool is_made;
    size_t last_birth;    /* of the session; index + 1 */
    int64_t last_session; /* that got a row */
};

/* Which rules an endpoint's exchanges are looked at for: sorted by endpoint. */
struct by_endpoint {
    int64_t endpoint_id;
    uint32_t rule;
    bool is_same; /* else it only fits: an id in its path may look like a word */
};

struct rule_list {
    struct by_endpoint *items;
    size_t count, capacity;
};

struct named_endpoint {
    int64_t endpoint_id;
    struct bytes name;
};

struct endpoint_list {
    struct named_endpoint *items;
    size_t count, capacity;
};

/* What an answer of a rule's born endpoint has at its born place. */
struct birth {
    size_t before; /* of the same rule; index + 1 */
    int64_t exchange_id, at_us;
    struct bytes text; /* .ptr NULL: in WebSocket messages, and known when it is asked for */
};

struct exchange_ref {
    int64_t exchange_id, endpoint_id;
};

struct apply {
    struct trace_reader *reader;
    struct exchange_values *values;
    const struct binding_rules *rules;
    struct applied *applied;
    struct compiled *compiled;
    struct rule_list born, used;
    /* of the session */
    int64_t session_id;
    struct exchange_ref *exchanges;
    size_t exchange_count, exchange_capacity;
    struct birth *births;
    size_t birth_count, birth_capacity;
    struct arena arena; /* texts of births */
    struct map made;    /* "new:uuid\0TEXT" to the exchange that carries it first */
};

static int no_memory(struct error *err)
{
    return error_set(err, EXIT_TOOL, "out of memory");
}

/* Room for one more. */
static int grow(void **items, size_t count, size_t *capacity, size_t item_bytes, struct error *err)
{
    void *grown = grow_by_one(*items, count, capacity, item_bytes, SIZE_MAX);
    if (!grown)
        return no_memory(err);
    *items = grown;
    return 0;
}

/* --- the rules ---------------------------------------------------------------------------- */

static int64_t id_of(const struct map *names, struct bytes name)
{
    return (int64_t)(intptr_t)map_get(names, name);
}

static int load_endpoints(struct apply *apply, struct endpoint_list *list, struct arena *arena,
                          struct error *err)
{
    int64_t endpoint_id;
    struct bytes name;
    int more;
    if (trace_reader_start_endpoint_ids(apply->reader, err))
        return -1;
    while ((more = trace_reader_next_endpoint_id(apply->reader, &endpoint_id, err)) == 1) {
        int found = trace_reader_endpoint_name(apply->reader, endpoint_id, &name, err);
        if (found < 0 ||
            grow((void **)&list->items, list->count, &list->capacity, sizeof *list->items, err))
            return -1;
        name = arena_copy(arena, name);
        if (!name.ptr)
            return no_memory(err);
        list->items[list->count++] = (struct named_endpoint){endpoint_id, name};
    }
    return more;
}

/* The endpoint of this name, and those of one path in which an id looks like a word. */
static int add_by_endpoint(struct rule_list *list, const struct endpoint_list *endpoints,
                           struct bytes name, uint32_t rule, struct error *err)
{
    for (size_t i = 0; i < endpoints->count; i++) {
        const struct named_endpoint *endpoint = &endpoints->items[i];
        if (!endpoint_fits(name, endpoint->name))
            continue;
        if (grow((void **)&list->items, list->count, &list->capacity, sizeof *list->items, err))
            return -1;
        list->items[list->count++] =
            (struct by_endpoint){endpoint->endpoint_id, rule, bytes_equal(name, endpoint->name)};
    }
    return 0;
}

static int compile_rule(struct apply *apply, uint32_t number, const struct endpoint_list *endpoints,
                        struct error *err)
{
    const struct binding_rule *rule = &apply->rules->items[number];
    struct compiled *compiled = &apply->compiled[number];
    struct applied_rule *applied = &apply->applied->rules[number];
    compiled->is_made = binding_place_is_made(rule->born_place);
    if (place_parse(rule->born_place, PLACE_IN_ANSWER, &compiled->born, err))
        return error_prefix(err, "'%.100s'", rule->born_place.ptr);
    if (place_parse(rule->used_place, PLACE_IN_REQUEST, &compiled->used, err))
        return error_prefix(err, "'%.100s'", rule->used_place.ptr);
    size_t born_before = apply->born.count, used_before = apply->used.count;
    if (!compiled->is_made &&
        add_by_endpoint(&apply->born, endpoints, rule->born_endpoint, number, err))
        return -1;
    if (add_by_endpoint(&apply->used, endpoints, rule->used_endpoint, number, err))
        return -1;
    applied->has_born_endpoint = compiled->is_made || apply->born.count > born_before;
    applied->has_used_endpoint = apply->used.count > used_before;
    return 0;
}

static int compare_by_endpoint(const void *a, const void *b)
{
    const struct by_endpoint *x = a, *y = b;
    if (x->endpoint_id != y->endpoint_id)
        return x->endpoint_id < y->endpoint_id ? -1 : 1;
    return x->rule < y->rule ? -1 : x->rule > y->rule;
}

static void sort_by_endpoint(struct rule_list *list)
{
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, compare_by_endpoint);
}

static int compile(struct apply *apply, struct error *err)
{
    size_t count = apply->rules->count;
    struct endpoint_list endpoints = {0};
    struct arena arena;
    arena_init(&arena, MAX_SESSION_BYTES);
    int result = load_endpoints(apply, &endpoints, &arena, err);
    for (uint32_t i = 0; i < count && result == 0; i++)
        result = compile_rule(apply, i, &endpoints, err);
    sort_by_endpoint(&apply->born);
    sort_by_endpoint(&apply->used);
    free(endpoints.items);
    arena_fini(&arena);
    return result;
}

/* Where an endpoint's rules begin in the list. */
static size_t first_of(const struct rule_list *list, int64_t endpoint_id)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->items[middle].endpoint_id < endpoint_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- a session ---------------------------------------------------------------------------- */

static int load_exchanges(struct apply *apply, struct error *err)
{
    struct trace_exchange exchange;
    int64_t endpoint_id;
    int more;
    apply->exchange_count = 0;
    if (trace_reader_start_exchanges(apply->reader, apply->session_id, err))
        return -1;
    while ((more = trace_reader_next_exchange(apply->reader, &exchange, &endpoint_id, err)) == 1) {
        if (grow((void **)&apply->exchanges, apply->exchange_count, &apply->exchange_capacity,
                 sizeof *apply->exchanges, err))
            return -1;
        apply->exchanges[apply->exchange_count++] =
            (struct exchange_ref){exchange.exchange_id, endpoint_id};
    }
    return more;
}

static int add_birth(struct apply *apply, uint32_t rule, int64_t exchange_id, struct error *err)
{
    struct compiled *compiled = &apply->compiled[rule];
    struct birth birth = {.before = compiled->last_birth, .exchange_id = exchange_id};
    struct exchange_facts facts;
    if (exchange_values_facts(apply->values, exchange_id, &facts, err) != 1)
        return -1;
    birth.at_us = exchange_gives_us(&facts, &compiled->born);
    if (birth.at_us == TRACE_NO_MOMENT)
        return 0;
    if (compiled->born.steps[0].kind != PLACE_WS) {
        struct bytes text;
        if (exchange_values_find(apply->values, exchange_id, PLACE_IN_ANSWER, &compiled->born,
                                 INT64_MAX, &text, NULL, err))
            return -1;
        if (!text.ptr || !text.len || text.len > VALUE_MATCH_MAX_BYTES)
            return 0;
        birth.text = arena_copy(&apply->arena, text);
        if (!birth.text.ptr)
            return error_set(err, EXIT_INPUT, "session %lld: its values take more than %d MB",
                             (long long)apply->session_id, MAX_SESSION_BYTES / 1024 / 1024);
    }
    if (grow((void **)&apply->births, apply->birth_count, &apply->birth_capacity,
             sizeof *apply->births, err))
        return -1;
    apply->births[apply->birth_count++] = birth;
    compiled->last_birth = apply->birth_count;
    return 0;
}

static int find_births(struct apply *apply, struct error *err)
{
    for (size_t i = 0; i < apply->exchange_count; i++) {
        const struct exchange_ref *exchange = &apply->exchanges[i];
        const struct rule_list *born = &apply->born;
        size_t at = first_of(born, exchange->endpoint_id);
        for (; at < born->count && born->items[at].endpoint_id == exchange->endpoint_id; at++) {
            if (add_birth(apply, born->items[at].rule, exchange->exchange_id, err))
                return -1;
        }
    }
    return 0;
}

static int add_row(struct apply *apply, uint32_t rule, int64_t born_exchange_id,
                   int64_t used_exchange_id, struct error *err)
{
    struct applied *applied = apply->applied;
    if (applied->row_count == BINDING_APPLY_MAX_ROWS)
        return error_set(err, EXIT_INPUT, "more than %d rows: apply fewer bindings at once",
                         BINDING_APPLY_MAX_ROWS);
    if (grow((void **)&applied->rows, applied->row_count, &applied->row_capacity,
             sizeof *applied->rows, err))
        return -1;
    applied->rows[applied->row_count++] =
        (struct applied_row){born_exchange_id, used_exchange_id, rule};
    applied->rules[rule].row_count++;
    applied->rules[rule].session_count += apply->compiled[rule].last_session != apply->session_id;
    apply->compiled[rule].last_session = apply->session_id;
    return 0;
}

/* The exchange that carries this text first, for a place that begins with new: or data:. */
static int find_first_carrier(struct apply *apply, uint32_t rule, int64_t exchange_id,
                              struct bytes text, int64_t *ret_exchange_id, struct error *err)
{
    struct bytes place = apply->rules->items[rule].born_place;
    struct bytes kind = bytes_from(place, strlen("new:"));
    *ret_exchange_id = 0;
    if (bytes_starts_with(place, bytes_of("new:")) && !value_is_made_as(text, kind))
        return 0;
    char *key = arena_alloc(&apply->arena, place.len + 1 + text.len);
    if (!key)
        return no_memory(err);
    memcpy(key, place.ptr, place.len);
    key[place.len] = '\0';
    memcpy(key + place.len + 1, text.ptr, text.len);
    struct bytes view = bytes_make(key, place.len + 1 + text.len);
    *ret_exchange_id = id_of(&apply->made, view);
    if (*ret_exchange_id)
        return 0;
    *ret_exchange_id = exchange_id;
    return map_set(&apply->made, view, (void *)(intptr_t)exchange_id) ? no_memory(err) : 0;
}

/* The latest answer before `at_us` whose value is in the text. */
static int find_producer(struct apply *apply, uint32_t rule, struct bytes text, int64_t at_us,
                         int64_t *ret_exchange_id, struct error *err)
{
    const struct compiled *compiled = &apply->compiled[rule];
    struct bytes form = apply->rules->items[rule].form;
    size_t looked = 0;
    *ret_exchange_id = 0;
    for (size_t i = compiled->last_birth; i && looked < MAX_LOOK_BACK;
         i = apply->births[i - 1].before) {
        const struct birth *birth = &apply->births[i - 1];
        struct bytes value = birth->text;
        if (birth->at_us > at_us)
            continue;
        looked++;
        if (!value.ptr && exchange_values_find(apply->values, birth->exchange_id, PLACE_IN_ANSWER,
                                               &compiled->born, at_us, &value, NULL, err))
            return -1;
        if (value.ptr && value_is_in(value, text, form)) {
            *ret_exchange_id = birth->exchange_id;
            return 0;
        }
    }
    return 0;
}

static int look_at_use(struct apply *apply, const struct by_endpoint *where, int64_t exchange_id,
                       struct error *err)
{
    uint32_t rule = where->rule;
    const struct compiled *compiled = &apply->compiled[rule];
    struct bytes found;
    int64_t at_us = 0, born_exchange_id = 0;
    if (exchange_values_find(apply->values, exchange_id, PLACE_IN_REQUEST, &compiled->used,
                             INT64_MAX, &found, &at_us, err))
        return -1;
    if (!found.ptr || !found.len || found.len > VALUE_MATCH_MAX_BYTES)
        return 0;
    if (compiled->is_made && !where->is_same)
        return 0; /* nothing but its form would say that it is one */
    apply->applied->rules[rule].used_count += where->is_same;
    /* What a producer is looked for in would go with the next question. */
    char *copy = malloc(found.len);
    if (!copy)
        return no_memory(err);
    memcpy(copy, found.ptr, found.len);
    struct bytes text = bytes_make(copy, found.len);
    int result = compiled->is_made
                     ? find_first_carrier(apply, rule, exchange_id, text, &born_exchange_id, err)
                     : find_producer(apply, rule, text, at_us, &born_exchange_id, err);
    free(copy);
    if (result == 0 && born_exchange_id) {
        apply->applied->rules[rule].used_count += !where->is_same;
        result = add_row(apply, rule, born_exchange_id, exchange_id, err);
    }
    return result;
}

static int apply_to_session(struct apply *apply, struct error *err)
{
    apply->birth_count = 0;
    arena_reset(&apply->arena);
    map_fini(&apply->made);
    map_init(&apply->made);
    for (size_t i = 0; i < apply->rules->count; i++)
        apply->compiled[i].last_birth = 0;
    if (load_exchanges(apply, err) || find_births(apply, err))
        return -1;
    for (size_t i = 0; i < apply->exchange_count; i++) {
        const struct exchange_ref *exchange = &apply->exchanges[i];
        const struct rule_list *used = &apply->used;
        size_t at = first_of(used, exchange->endpoint_id);
        for (; at < used->count && used->items[at].endpoint_id == exchange->endpoint_id; at++) {
            if (look_at_use(apply, &used->items[at], exchange->exchange_id, err))
                return -1;
        }
    }
    return 0;
}

/* --- all of them -------------------------------------------------------------------------- */

static int apply_to_all(struct apply *apply, struct error *err)
{
    struct trace_span span;
    int64_t *sessions = NULL;
    size_t count = 0, capacity = 0;
    int more, result = 0;
    if (trace_reader_start_spans(apply->reader, err))
        return -1;
    while ((more = trace_reader_next_span(apply->reader, &span, err)) == 1 && result == 0) {
        result = grow((void **)&sessions, count, &capacity, sizeof *sessions, err);
        if (result == 0)
            sessions[count++] = span.session_id;
    }
    for (size_t i = 0; i < count && result == 0 && more == 0; i++) {
        apply->session_id = sessions[i];
        result = apply_to_session(apply, err);
    }
    free(sessions);
    return result || more < 0 ? -1 : 0;
}

int binding_apply_find(struct trace_reader *reader, const struct binding_rules *rules,
                       struct applied *ret_applied, struct error *err)
{
    size_t count = rules->count + 1;
    struct apply apply = {.reader = reader, .rules = rules, .applied = ret_applied};
    *ret_applied = (struct applied){.rules = calloc(count, sizeof *ret_applied->rules)};
    apply.compiled = calloc(count, sizeof *apply.compiled);
    apply.values = exchange_values_new(reader);
    arena_init(&apply.arena, MAX_SESSION_BYTES);
    map_init(&apply.made);
    int result;
    if (!ret_applied->rules || !apply.compiled || !apply.values)
        result = no_memory(err);
    else
        result = compile(&apply, err) || apply_to_all(&apply, err) ? -1 : 0;
    map_fini(&apply.made);
    arena_fini(&apply.arena);
    exchange_values_free(apply.values);
    free(apply.births);
    free(apply.exchanges);
    free(apply.used.items);
    free(apply.born.items);
    free(apply.compiled);
    return result;
}

void applied_free(struct applied *applied)
{
    free(applied->rules);
    free(applied->rows);
    *applied = (struct applied){0};
}

const char *binding_apply_why_not(const struct applied_rule *rule)
{
    if (!rule->has_born_endpoint)
        return "this trace has no request of its born endpoint";
    if (!rule->has_used_endpoint)
        return "this trace has no request of its used endpoint";
    if (!rule->used_count)
        return "no request of its used endpoint has anything at the used place";
    return "no request carries a value that the born place had before in its session";
}

int binding_apply_store(struct binding_store *store, const struct binding_rules *rules,
                        const struct applied *applied, struct bytes evidence,
                        uint64_t *ret_replaced, struct error *err)
{
    *ret_replaced = 0;
    for (size_t i = 0; i < applied->row_count; i++) {
        const struct applied_row *row = &applied->rows[i];
        const struct binding_rule *rule = &rules->items[row->rule];
        const struct trace_binding binding = {.born_exchange_id = row->born_exchange_id,
                                              .born_place = rule->born_place,
                                              .used_exchange_id = row->used_exchange_id,
                                              .used_place = rule->used_place,
                                              .score = 1,
                                              .evidence = evidence,
                                              .state = rule->state,
                                              .form = rule->form};
        int64_t binding_id;
        uint64_t replaced;
        if (binding_store_put_edited(store, &binding, &binding_id, &replaced, err))
            return -1;
        *ret_replaced += replaced;
    }
    return 0;
}

/* fix.c - from a suggestion to rows of the trace, in every session that it holds for. */
#include "replay/verify/fix.h"

#include <stdlib.h>

#include "core/grow.h"
#include "replay/verify/likeness.h"
#include "replay/verify/recorded.h"
#include "traces/correlate/binding_store.h"
#include "traces/places/place_find.h"

enum {
    MAX_TEXT_BYTES = 64 << 20,
    MAX_BODY_BYTES = 16 << 20,
    MAX_ROWS = 1000000, /* of one suggestion */
    MAX_BINDINGS = 1000,
    MAX_OF_SESSION = 1 << 26 /* exchanges, and bindings */
};

/* An exchange of the session in hand. */
struct step {
    int64_t exchange_id, endpoint_id;
    int64_t began_us, ended_us;
};

struct row {
    int64_t born_exchange_id, used_exchange_id;
    bool is_percent;
};

/* A suggestion while its rows are looked for. */
struct search {
    struct recorded recorded;
    struct trace_reader *reader;
    struct place_scratch *scratch;
    struct buf value, body;
    struct http_header headers[HTTP1_MAX_HEADERS];
    struct place born, used;
    int64_t born_endpoint_id, used_endpoint_id;
    const struct findings *findings; /* of the round */
    int64_t own_exchange_id;         /* the suggestion's request */
    struct bytes used_text;          /* its place as written */
    int64_t *taken; /* requests of the session in hand that are bound there already */
    size_t taken_count, taken_capacity;
    struct step *steps;
    size_t step_count, step_capacity;
    struct row *rows;
    size_t row_count, row_capacity;
};

void fix_init(struct fix *fix, const char *trace_path)
{
    *fix = (struct fix){.trace_path = trace_path};
    arena_init(&fix->arena, MAX_TEXT_BYTES);
}

void fix_fini(struct fix *fix)
{
    arena_fini(&fix->arena);
    free(fix->bindings);
}

/* --- where it holds -------------------------------------------------------------------------- */

static int endpoint_of(struct search *search, int64_t exchange_id, int64_t *ret_endpoint_id,
                       struct error *err)
{
    struct trace_exchange exchange;
    int found =
        trace_reader_get_exchange(search->reader, exchange_id, &exchange, ret_endpoint_id, err);
    if (found == 0)
        return error_set(err, EXIT_TOOL, "exchange %lld is gone", (long long)exchange_id);
    return found < 0 ? -1 : 0;
}

/* What the request has at the used place, decoded, into search->value. .ptr NULL: nothing. */
static struct bytes read_used(struct search *search, int64_t exchange_id, bool *ret_is_percent,
                              struct error *err, int *ret_result)
{
    struct bytes value = {0};
    enum place_writing writing;
    *ret_result = recorded_read(&search->recorded, exchange_id, err);
    if (*ret_result != 1)
        return value;
    const struct trace_exchange *exchange = &search->recorded.exchange;
    buf_clear(&search->body);
    if (exchange->request_body_bytes <= MAX_BODY_BYTES &&
        trace_reader_get_body(search->reader, exchange->request_body_id, &search->body, err)) {
        *ret_result = -1;
        return value;
    }
    const struct message_view request = {
        .side = PLACE_IN_REQUEST,
        .target = exchange->target,
        .headers = search->headers,
        .header_count = recorded_split_headers(exchange->request_headers, search->headers),
        .body = buf_bytes(&search->body),
    };
    struct bytes written = place_locate(&search->used, &request, &writing);
    value = place_find(&search->used, &request, search->scratch);
    if (!value.ptr)
        return value;
    *ret_is_percent = written.ptr &&
                      (writing == PLACE_WRITTEN_PERCENT || writing == PLACE_WRITTEN_FORM) &&
                      !bytes_equal(written, value);
    buf_clear(&search->value);
    buf_append_bytes(&search->value, value);
    return buf_bytes(&search->value);
}

/* Did this answer give it? 1, 0, -1. */
static int was_given(struct search *search, int64_t exchange_id, struct bytes used,
                     struct error *err)
{
    int found = recorded_read(&search->recorded, exchange_id, err);
    if (found != 1)
        return found;
    const struct message_view answer = {.side = PLACE_IN_ANSWER,
                                        .headers = search->recorded.answer.headers,
                                        .header_count = search->recorded.answer.header_count,
                                        .body = search->recorded.answer.body};
    struct bytes born = place_find(&search->born, &answer, search->scratch);
    return born.len && used.len >= born.len && memmem(used.ptr, used.len, born.ptr, born.len);
}

/* The latest answer before the request that gave the value. -1 with err. */
static int find_row(struct search *search, const struct step *use, size_t before, struct error *err)
{
    struct row row = {.used_exchange_id = use->exchange_id};
    int result;
    struct bytes used = read_used(search, use->exchange_id, &row.is_percent, err, &result);
    if (result < 0 || !used.ptr)
        return result < 0 ? -1 : 0;
    for (size_t i = before; i > 0 && !row.born_exchange_id; i--) {
        const struct step *step = &search->steps[i - 1];
        if (step->endpoint_id != search->born_endpoint_id || step->ended_us == TRACE_NO_MOMENT ||
            step->ended_us > use->began_us)
            continue;
        result = was_given(search, step->exchange_id, used, err);
        if (result < 0)
            return -1;
        if (result)
            row.born_exchange_id = step->exchange_id;
    }
    if (!row.born_exchange_id || search->row_count == MAX_ROWS)
        return 0;
    struct row *grown = grow_by_one(search->rows, search->row_count, &search->row_capacity,
                                    sizeof *grown, MAX_ROWS);
    if (!grown)
        return error_set(err, EXIT_TOOL, "no memory for bindings");
    search->rows = grown;
    search->rows[search->row_count++] = row;
    return 0;
}

/* What was seen of a request says more of it than what holds for another one. */
static bool has_own_suggestion(const struct search *search, int64_t exchange_id)
{
    for (size_t i = 0; i < search->findings->count; i++) {
        const struct finding *finding = &search->findings->items[i];
        for (size_t j = 0; j < finding->suggestion_count; j++) {
            if (finding->suggestions[j].used_exchange_id == exchange_id &&
                bytes_equal(bytes_of(finding->suggestions[j].used_place), search->used_text))
                return exchange_id != search->own_exchange_id;
        }
    }
    return false;
}

/* What fills that place in a request already stays as it is. */
static int read_taken(struct search *search, int64_t session_id, struct error *err)
{
    struct trace_binding binding;
    int more;
    search->taken_count = 0;
    if (trace_reader_start_bindings(search->reader, session_id, err))
        return -1;
    while ((more = trace_reader_next_binding(search->reader, &binding, err)) > 0) {
        if (!bytes_equal(binding.used_place, search->used_text) ||
            !bytes_equal(binding.state, bytes_of("on")))
            continue;
        int64_t *grown = grow_by_one(search->taken, search->taken_count, &search->taken_capacity,
                                     sizeof *grown, MAX_OF_SESSION);
        if (!grown)
            return error_set(err, EXIT_TOOL, "no memory for bindings");
        search->taken = grown;
        search->taken[search->taken_count++] = binding.used_exchange_id;
    }
    return more;
}

static bool is_taken(const struct search *search, int64_t exchange_id)
{
    for (size_t i = 0; i < search->taken_count; i++) {
        if (search->taken[i] == exchange_id)
            return exchange_id != search->own_exchange_id;
    }
    return false;
}

static int look_at_session(struct search *search, int64_t session_id, struct error *err)
{
    struct trace_exchange exchange;
    struct step step;
    int more;
    search->step_count = 0;
    if (read_taken(search, session_id, err) ||
        trace_reader_start_exchanges(search->reader, session_id, err))
        return -1;
    while ((more = trace_reader_next_exchange(search->reader, &exchange, &step.endpoint_id, err)) >
           0) {
        struct step *grown = grow_by_one(search->steps, search->step_count, &search->step_capacity,
                                         sizeof *grown, MAX_OF_SESSION);
        if (!grown)
            return error_set(err, EXIT_TOOL, "no memory for a session");
        search->steps = grown;
        step.exchange_id = exchange.exchange_id;
        step.began_us = exchange.request_first_us;
        step.ended_us = exchange.response_last_us;
        search->steps[search->step_count++] = step;
    }
    for (size_t i = 0; i < search->step_count && more == 0; i++) {
        if (search->steps[i].endpoint_id == search->used_endpoint_id &&
            !is_taken(search, search->steps[i].exchange_id) &&
            !has_own_suggestion(search, search->steps[i].exchange_id) &&
            find_row(search, &search->steps[i], i, err))
            return -1;
    }
    return more;
}

static int find_rows(struct search *search, const struct suggestion *suggestion, struct error *err)
{
    struct trace_session session;
    int more;
    search->own_exchange_id = suggestion->used_exchange_id;
    search->used_text = bytes_of(suggestion->used_place);
    if (place_parse(bytes_of(suggestion->born_place), PLACE_IN_ANSWER, &search->born, err) ||
        place_parse(bytes_of(suggestion->used_place), PLACE_IN_REQUEST, &search->used, err) ||
        endpoint_of(search, suggestion->born_exchange_id, &search->born_endpoint_id, err) ||
        endpoint_of(search, suggestion->used_exchange_id, &search->used_endpoint_id, err) ||
        trace_reader_start_sessions(search->reader, err))
        return -1;
    while ((more = trace_reader_next_session(search->reader, &session, err)) > 0) {
        if (look_at_session(search, session.session_id, err))
            return -1;
    }
    return more;
}

static int search_open(struct search *search, const char *trace_path, struct error *err)
{
    buf_init(&search->value, PLACE_MAX_VALUE_BYTES);
    buf_init(&search->body, MAX_BODY_BYTES);
    search->scratch = place_scratch_new();
    if (trace_reader_open(&search->reader, trace_path, err))
        return -1;
    if (!search->scratch || recorded_init(&search->recorded, search->reader))
        return error_set(err, EXIT_TOOL, "no memory to look for bindings");
    return 0;
}

/* The rows stay. */
static void search_close(struct search *search)
{
    recorded_fini(&search->recorded);
    place_scratch_free(search->scratch);
    buf_fini(&search->value);
    buf_fini(&search->body);
    if (search->reader)
        trace_reader_close(search->reader);
    free(search->steps);
    free(search->taken);
}

/* --- rows ------------------------------------------------------------------------------------ */

static int put_rows(struct fix *fix, const struct search *search, struct fix_binding *binding,
                    struct binding_store *store, struct error *err)
{
    binding->binding_ids =
        arena_alloc(&fix->arena, (search->row_count + 1) * sizeof *binding->binding_ids);
    binding->used_exchange_ids =
        arena_alloc(&fix->arena, (search->row_count + 1) * sizeof *binding->used_exchange_ids);
    if (!binding->binding_ids || !binding->used_exchange_ids)
        return error_set(err, EXIT_TOOL, "no memory for bindings");
    for (size_t i = 0; i < search->row_count; i++) {
        const struct row *row = &search->rows[i];
        const struct trace_binding written = {
            .born_exchange_id = row->born_exchange_id,
            .born_place = bytes_of(binding->suggestion.born_place),
            .used_exchange_id = row->used_exchange_id,
            .used_place = bytes_of(binding->suggestion.used_place),
            .score = 1,
            .evidence = bytes_of("by verify --fix: another value in the live answer"),
            .state = bytes_of("on"),
            .form = bytes_of(row->is_percent ? "percent" : "raw"),
            .origin = bytes_of("edited"),
        };
        uint64_t replaced;
        if (binding_store_put_edited(store, &written, &binding->binding_ids[i], &replaced, err))
            return -1;
        binding->used_exchange_ids[i] = row->used_exchange_id;
        binding->row_count++;
    }
    return 0;
}

static int write_binding(struct fix *fix, const struct findings *findings,
                         struct fix_binding *binding, struct error *err)
{
    struct binding_store *store = NULL;
    struct search *search = calloc(1, sizeof *search);
    int result = -1;
    if (!search)
        return error_set(err, EXIT_TOOL, "no memory to look for bindings");
    search->findings = findings;
    bool is_found = search_open(search, fix->trace_path, err) == 0 &&
                    find_rows(search, &binding->suggestion, err) == 0;
    search_close(search); /* who reads the trace keeps the store waiting */
    if (is_found && binding_store_open(&store, fix->trace_path, err) == 0 &&
        binding_store_begin(store, err) == 0 && put_rows(fix, search, binding, store, err) == 0)
        result = binding_store_commit(store, err);
    if (store)
        binding_store_close(store);
    free(search->rows);
    free(search);
    return result;
}

static int take_back(struct fix *fix, struct fix_binding *binding, struct error *err)
{
    struct binding_store *store = NULL;
    int result = binding_store_open(&store, fix->trace_path, err);
    if (!result)
        result = binding_store_begin(store, err);
    for (size_t i = 0; i < binding->row_count && !result; i++) {
        if (binding_store_drop(store, binding->binding_ids[i], err) < 0)
            result = -1;
    }
    if (!result)
        result = binding_store_commit(store, err);
    if (store)
        binding_store_close(store);
    binding->outcome = FIX_TAKEN_BACK;
    return result;
}

/* --- what is tried --------------------------------------------------------------------------- */

/* Of itself, or as one of the places where another one holds. */
static bool was_tried(const struct fix *fix, const struct suggestion *suggestion)
{
    for (size_t i = 0; i < fix->count; i++) {
        const struct suggestion *tried = &fix->bindings[i].suggestion;
        if (strcmp(tried->used_place, suggestion->used_place) != 0 ||
            strcmp(tried->born_place, suggestion->born_place) != 0)
            continue;
        if (tried->used_exchange_id == suggestion->used_exchange_id)
            return true;
        for (size_t j = 0; j < fix->bindings[i].row_count; j++) {
            if (fix->bindings[i].used_exchange_ids[j] == suggestion->used_exchange_id)
                return true;
        }
    }
    return false;
}

static const char *copy_text(struct fix *fix, const char *text)
{
    return arena_printf(&fix->arena, "%s", text);
}

static int try_one(struct fix *fix, const struct findings *findings, int status,
                   const struct suggestion *suggestion, size_t *ret_count, struct error *err)
{
    bool is_of_message = bytes_starts_with(bytes_of(suggestion->used_place), bytes_of("ws:"));
    if (fix->count == MAX_BINDINGS || was_tried(fix, suggestion) || is_of_message)
        return 0; /* a message's is for people to try */
    struct fix_binding *grown =
        grow_by_one(fix->bindings, fix->count, &fix->capacity, sizeof *grown, MAX_BINDINGS);
    if (!grown)
        return error_set(err, EXIT_TOOL, "no memory for bindings");
    fix->bindings = grown;
    struct fix_binding *binding = &fix->bindings[fix->count];
    *binding =
        (struct fix_binding){.suggestion = *suggestion, .round = fix->rounds, .status = status};
    binding->suggestion.born_place = copy_text(fix, suggestion->born_place);
    binding->suggestion.used_place = copy_text(fix, suggestion->used_place);
    if (!binding->suggestion.born_place || !binding->suggestion.used_place)
        return error_set(err, EXIT_TOOL, "no memory for bindings");
    fix->count++;
    if (write_binding(fix, findings, binding, err))
        return error_prefix(err, "%s", fix->trace_path);
    *ret_count += binding->row_count > 0;
    return 0;
}

int fix_try(struct fix *fix, const struct findings *findings, size_t *ret_count, struct error *err)
{
    *ret_count = 0;
    fix->rounds++;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        for (size_t j = 0; j < finding->suggestion_count; j++) {
            if (try_one(fix, findings, finding->status, &finding->suggestions[j], ret_count, err))
                return -1;
        }
    }
    return 0;
}

int fix_undo_round(struct fix *fix, struct error *err)
{
    for (size_t i = 0; i < fix->count; i++) {
        struct fix_binding *binding = &fix->bindings[i];
        if (binding->round == fix->rounds && take_back(fix, binding, err))
            return -1;
    }
    return 0;
}

static bool is_refusal(int status)
{
    return status == 401 || status == 403;
}

/* The credential was taken, and what is wrong now is something else: an id that is not there. */
static bool has_passed(const struct fix_binding *binding, const struct finding *finding)
{
    struct bytes used = bytes_of(binding->suggestion.used_place);
    bool is_credential = bytes_starts_with(used, bytes_of("header:")) ||
                         bytes_starts_with(used, bytes_of("cookie:")) || name_is_credential(used);
    return is_credential && finding->kind == DIFFERS_STATUS && is_refusal(binding->status) &&
           finding->status >= 400 && finding->status < 500 && !is_refusal(finding->status);
}

/* Its request still has another status, or none. */
static bool has_not_helped(const struct fix_binding *binding, const struct findings *findings)
{
    if (binding->row_count == 0)
        return true;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        if (finding->exchange_id == binding->suggestion.used_exchange_id &&
            !has_passed(binding, finding) &&
            (finding->kind == DIFFERS_STATUS || finding->kind == DIFFERS_FAILURE ||
             finding->kind == DIFFERS_NOT_SENT))
            return true;
    }
    return false;
}

int fix_settle(struct fix *fix, const struct findings *findings, size_t *ret_undone,
               struct error *err)
{
    *ret_undone = 0;
    for (size_t i = 0; i < fix->count; i++) {
        struct fix_binding *binding = &fix->bindings[i];
        if (binding->outcome != FIX_TRYING)
            continue;
        binding->outcome = FIX_KEPT;
        if (!has_not_helped(binding, findings))
            continue;
        *ret_undone += binding->row_count > 0;
        if (take_back(fix, binding, err))
            return -1;
    }
    return 0;
}

/* fix.c - from a suggestion to rows of the trace, in every session that it holds for. */
#include "replay/verify/fix.h"

#include <stdlib.h>

#include "core/grow.h"
#include "core/map.h"
#include "replay/verify/likeness.h"
#include "traces/correlate/binding_store.h"

enum { MAX_TEXT_BYTES = 256 << 20, MAX_BINDINGS = 1000, MAX_KEY_BYTES = PLACE_MAX_BYTES + 32 };

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

/* What was seen of a request says more of it than what holds for another one. */
static bool has_own_suggestion(const struct findings *findings, const struct matched_row *row)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        for (size_t j = 0; j < finding->suggestion_count; j++) {
            if (finding->suggestions[j].used_exchange_id == row->used_exchange_id &&
                bytes_equal(bytes_of(finding->suggestions[j].used_place), row->used_place))
                return true;
        }
    }
    return false;
}

/* "17 path:2" */
static struct bytes write_key(struct buf *out, int64_t exchange_id, struct bytes place)
{
    buf_clear(out);
    buf_printf(out, "%lld %.*s", (long long)exchange_id, BYTES_ARG(place));
    return buf_bytes(out);
}

/* What fills a place already stays as it is: where rows of the trace go. */
static int read_taken(struct trace_reader *reader, struct arena *arena, struct map *taken,
                      struct error *err)
{
    struct trace_binding binding;
    struct buf key = BUF_INIT(MAX_KEY_BYTES);
    int more = trace_reader_start_bindings(reader, 0, err);
    while (more == 0 && (more = trace_reader_next_binding(reader, &binding, err)) == 1) {
        more = 0;
        if (!bytes_equal(binding.state, bytes_of("on")))
            continue;
        write_key(&key, binding.used_exchange_id, binding.used_place);
        struct bytes copy = arena_copy(arena, buf_bytes(&key));
        if (!copy.ptr || map_set(taken, copy, arena))
            more = error_set(err, EXIT_TOOL, "no memory for bindings");
    }
    buf_fini(&key);
    return more < 0 ? -1 : 0;
}

static void leave_out(const struct fix_binding *binding, const struct findings *findings,
                      const struct map *taken, struct matched *matched)
{
    const struct suggestion *own = &binding->suggestion;
    struct buf key = BUF_INIT(MAX_KEY_BYTES);
    size_t kept = 0;
    for (size_t i = 0; i < matched->count; i++) {
        const struct matched_row *row = &matched->rows[i];
        bool is_of_own = row->used_exchange_id == own->used_exchange_id;
        bool is_own = is_of_own && bytes_equal(row->used_place, bytes_of(own->used_place));
        write_key(&key, row->used_exchange_id, row->used_place);
        if (is_own ||
            (!map_get(taken, buf_bytes(&key)) && (is_of_own || !has_own_suggestion(findings, row))))
            matched->rows[kept++] = *row;
    }
    matched->count = kept;
    buf_fini(&key);
}

static int match(struct fix *fix, struct trace_reader *reader, struct fix_binding *binding,
                 struct matched *matched, struct error *err)
{
    const struct suggestion *suggestion = &binding->suggestion;
    struct binding_end used;
    const struct match_wanted wanted = {
        .born = &binding->born, .used = &used, .every_session = true};
    if (binding_end_around(&binding->born, PLACE_IN_ANSWER, suggestion->born_exchange_id,
                           suggestion->born_place, &fix->arena, err) ||
        binding_end_around(&used, PLACE_IN_REQUEST, suggestion->used_exchange_id,
                           suggestion->used_place, &fix->arena, err))
        return -1;
    return binding_match_find(reader, &wanted, matched, err);
}

/* *matched is to be freed after a failure, too. */
static int find_rows(struct fix *fix, const struct findings *findings, struct fix_binding *binding,
                     struct matched *matched, struct error *err)
{
    struct trace_reader *reader = NULL;
    struct arena arena;
    struct map taken;
    arena_init(&arena, MAX_TEXT_BYTES);
    map_init(&taken);
    int result = trace_reader_open(&reader, fix->trace_path, err) ||
                         match(fix, reader, binding, matched, err) ||
                         read_taken(reader, &arena, &taken, err)
                     ? -1
                     : 0;
    if (result == 0)
        leave_out(binding, findings, &taken, matched);
    if (reader)
        trace_reader_close(reader); /* who reads the trace keeps the store waiting */
    map_fini(&taken);
    arena_fini(&arena);
    return result;
}

/* --- rows ------------------------------------------------------------------------------------ */

static int put_rows(struct fix *fix, const struct matched *matched, struct fix_binding *binding,
                    struct binding_store *store, struct error *err)
{
    binding->rows = arena_alloc(&fix->arena, (matched->count + 1) * sizeof *binding->rows);
    if (!binding->rows)
        return error_set(err, EXIT_TOOL, "no memory for bindings");
    for (size_t i = 0; i < matched->count; i++) {
        const struct matched_row *row = &matched->rows[i];
        const struct trace_binding written = {
            .born_exchange_id = row->born_exchange_id,
            .born_place = row->born_place,
            .used_exchange_id = row->used_exchange_id,
            .used_place = row->used_place,
            .score = 1,
            .evidence = bytes_of("by verify --fix: another value in the live answer"),
            .state = bytes_of("on"),
            .form = bytes_of(row->form),
            .origin = bytes_of("edited"),
        };
        struct fix_row *put = &binding->rows[i];
        uint64_t replaced;
        *put = (struct fix_row){.used_exchange_id = row->used_exchange_id,
                                .used_place = arena_copy(&fix->arena, row->used_place)};
        if (!put->used_place.ptr)
            return error_set(err, EXIT_TOOL, "no memory for bindings");
        if (binding_store_put_edited(store, &written, &put->binding_id, &replaced, err))
            return -1;
        binding->row_count++;
    }
    return 0;
}

static int write_binding(struct fix *fix, const struct findings *findings,
                         struct fix_binding *binding, struct error *err)
{
    struct binding_store *store = NULL;
    struct matched matched = {0};
    int result = find_rows(fix, findings, binding, &matched, err);
    if (result == 0)
        result =
            binding_store_open(&store, fix->trace_path, err) || binding_store_begin(store, err) ||
                    put_rows(fix, &matched, binding, store, err) || binding_store_commit(store, err)
                ? -1
                : 0;
    if (store)
        binding_store_close(store);
    matched_free(&matched);
    return result;
}

static int take_back(struct fix *fix, struct fix_binding *binding, struct error *err)
{
    struct binding_store *store = NULL;
    int result = binding_store_open(&store, fix->trace_path, err);
    if (!result)
        result = binding_store_begin(store, err);
    for (size_t i = 0; i < binding->row_count && !result; i++) {
        if (binding_store_drop(store, binding->rows[i].binding_id, err) < 0)
            result = -1;
    }
    if (!result)
        result = binding_store_commit(store, err);
    if (store)
        binding_store_close(store);
    return result;
}

/* --- what is tried --------------------------------------------------------------------------- */

/* Does it stand for that place too? */
static bool covers(const struct fix_binding *tried, const struct suggestion *suggestion)
{
    struct bytes used = bytes_of(suggestion->used_place);
    bool is_same = strcmp(tried->suggestion.born_place, suggestion->born_place) == 0 ||
                   binding_end_has_place(&tried->born, bytes_of(suggestion->born_place));
    if (is_same && tried->suggestion.used_exchange_id == suggestion->used_exchange_id &&
        strcmp(tried->suggestion.used_place, suggestion->used_place) == 0)
        return true;
    for (size_t i = 0; i < tried->row_count && is_same; i++) {
        if (tried->rows[i].used_exchange_id == suggestion->used_exchange_id &&
            bytes_equal(tried->rows[i].used_place, used))
            return true;
    }
    return false;
}

/* Of itself, or as one of the places where another one holds. */
static bool was_tried(const struct fix *fix, const struct suggestion *suggestion)
{
    for (size_t i = 0; i < fix->count; i++) {
        if (covers(&fix->bindings[i], suggestion))
            return true;
    }
    return false;
}

static const char *copy_text(struct fix *fix, const char *text)
{
    return arena_printf(&fix->arena, "%s", text);
}

static int try_one(struct fix *fix, const struct findings *findings, const struct finding *finding,
                   const struct suggestion *suggestion, size_t *ret_count, struct error *err)
{
    if (fix->count == MAX_BINDINGS || was_tried(fix, suggestion))
        return 0;
    struct fix_binding *grown =
        grow_by_one(fix->bindings, fix->count, &fix->capacity, sizeof *grown, MAX_BINDINGS);
    if (!grown)
        return error_set(err, EXIT_TOOL, "no memory for bindings");
    fix->bindings = grown;
    struct fix_binding *binding = &fix->bindings[fix->count];
    *binding = (struct fix_binding){.suggestion = *suggestion,
                                    .round = fix->rounds,
                                    .kind = finding->kind,
                                    .status = finding->status,
                                    .place = copy_text(fix, finding->place)};
    binding->suggestion.born_place = copy_text(fix, suggestion->born_place);
    binding->suggestion.used_place = copy_text(fix, suggestion->used_place);
    if (!binding->suggestion.born_place || !binding->suggestion.used_place || !binding->place)
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
            if (try_one(fix, findings, finding, &finding->suggestions[j], ret_count, err))
                return -1;
        }
    }
    return 0;
}

/* What no request carried was not tried. */
static enum fix_outcome outcome_of(const struct fix_binding *binding, bool was_played)
{
    return was_played && binding->row_count ? FIX_TAKEN_BACK : FIX_NOT_TRIED;
}

int fix_undo_round(struct fix *fix, bool was_played, struct error *err)
{
    for (size_t i = 0; i < fix->count; i++) {
        struct fix_binding *binding = &fix->bindings[i];
        if (binding->round != fix->rounds)
            continue;
        binding->outcome = outcome_of(binding, was_played);
        if (take_back(fix, binding, err))
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

static bool is_of_content(enum difference_kind kind)
{
    return kind != DIFFERS_STATUS && kind != DIFFERS_FAILURE && kind != DIFFERS_NOT_SENT;
}

/* Its request still has another status, or none, or what it was suggested for. */
static bool has_not_helped(const struct fix_binding *binding, const struct findings *findings)
{
    if (binding->row_count == 0)
        return true;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        if (finding->exchange_id != binding->suggestion.used_exchange_id)
            continue;
        if (is_of_content(finding->kind)
                ? finding->kind == binding->kind && strcmp(finding->place, binding->place) == 0
                : !has_passed(binding, finding))
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
        binding->outcome = outcome_of(binding, true);
        if (take_back(fix, binding, err))
            return -1;
    }
    return 0;
}

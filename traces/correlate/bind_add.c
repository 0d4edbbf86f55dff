/* bind_add.c - `reprise bind TRACE add`. */
#include "traces/correlate/bind_add.h"

#include <stdlib.h>

#include "core/map.h"
#include "traces/correlate/binding_form.h"
#include "traces/correlate/binding_match.h"
#include "traces/correlate/binding_store.h"
#include "traces/correlate/trace_walk.h"
#include "traces/correlate/value_match.h"
#include "traces/printable.h"

enum {
    MAX_HINT_BYTES = 240,
    MAX_HINTS = 5,
    SHOWN_BYTES = 40,
    MAX_NAME_BYTES = 320,
    MAX_KEY_BYTES = 256 << 20
};

struct end {
    struct binding_end given;
    struct exchange_facts facts; /* of the exchange, where one was given */
    char endpoint[MAX_NAME_BYTES];
};

struct adding {
    const struct bind_add *add;
    struct trace_reader *reader;
    struct exchange_values *values;
    struct end born, used;
    bool is_many;
    size_t bound_already; /* from elsewhere, and left as they are */
    struct matched matched;
    struct buf value, carried; /* of the answer; at the request's place */
    const char *form;
};

static int look_up(struct adding *adding, struct end *end, struct error *err)
{
    struct bytes name = {0};
    int64_t exchange_id = end->given.exchange_id;
    if (!exchange_id)
        return 0;
    int found = exchange_values_facts(adding->values, exchange_id, &end->facts, err);
    if (found == 1 && end->facts.endpoint_id)
        found = trace_reader_endpoint_name(adding->reader, end->facts.endpoint_id, &name, err);
    if (found < 0)
        return -1;
    snprintf(end->endpoint, sizeof end->endpoint, "%.*s", BYTES_ARG(name));
    if (found == 1)
        return 0;
    return error_set(err, EXIT_INPUT,
                     "bind: %s: the trace has no exchange %lld; 'reprise inspect TRACE session N' "
                     "lists those of a session",
                     end->given.side == PLACE_IN_ANSWER ? "--born" : "--used",
                     (long long)exchange_id);
}

/* --- what is there instead ---------------------------------------------------------------- */

struct hints {
    struct bytes wanted; /* .ptr NULL: any value will do */
    enum place_side side;
    struct buf text;
    int count;
};

static void append_shown(struct buf *out, struct bytes text)
{
    struct bytes shown = utf8_cut(text, SHOWN_BYTES);
    for (size_t i = 0; i < shown.len; i++) {
        unsigned char c = (unsigned char)shown.ptr[i];
        buf_append_char(out, c < ' ' || c == 0x7f ? '.' : (char)c);
    }
    if (shown.len < text.len)
        buf_append_text(out, "...");
}

static int take_hint(void *owner, const struct place_value *value)
{
    struct hints *hints = owner;
    size_t before = hints->text.len;
    const struct place_step *first = &value->place->steps[0];
    /* "Date" may have the digits of any id; nothing of an answer comes from there. */
    if (first->kind == PLACE_HEADER && (hints->side == PLACE_IN_ANSWER || !hints->wanted.ptr) &&
        header_is_noise(first->name))
        return 0;
    if (hints->wanted.ptr && !value_is_in(hints->wanted, value->text, bytes_of("raw")) &&
        !(value->text.len >= 4 && value_is_in(value->text, hints->wanted, bytes_of("raw"))))
        return 0;
    if (hints->count)
        buf_append_text(&hints->text, ", ");
    place_format(value->place, &hints->text);
    buf_append_text(&hints->text, " '");
    append_shown(&hints->text, value->text);
    buf_append_text(&hints->text, "'");
    if (buf_failed(&hints->text)) { /* the last one did not fit */
        hints->text.len = before;
        return 1;
    }
    return ++hints->count == MAX_HINTS;
}

/* Places of that message, with their values: those that have `wanted`, or else the first few. */
static int find_hints(struct adding *adding, const struct end *end, struct bytes wanted,
                      struct hints *hints, struct error *err)
{
    *hints =
        (struct hints){.wanted = wanted, .side = end->given.side, .text = BUF_INIT(MAX_HINT_BYTES)};
    if (exchange_values_visit(adding->values, end->given.exchange_id, end->given.side, take_hint,
                              hints, err) < 0)
        return -1;
    return 0;
}

static int nothing_there(struct adding *adding, const struct end *end, struct bytes wanted,
                         struct error *err)
{
    struct hints hints;
    const char *which = end->given.side == PLACE_IN_ANSWER ? "answer" : "request";
    int result = find_hints(adding, end, wanted, &hints, err);
    bool has_wanted = hints.count > 0 && wanted.ptr;
    if (result == 0 && hints.count == 0 && wanted.ptr) {
        buf_fini(&hints.text);
        result = find_hints(adding, end, (struct bytes){0}, &hints, err);
    }
    if (result == 0)
        error_set(err, EXIT_INPUT, "bind: the %s of exchange %lld has nothing at '%.*s'; %s%s",
                  which, (long long)end->given.exchange_id,
                  (int)utf8_cut(end->given.place_text, 60).len, end->given.place_text.ptr,
                  has_wanted    ? "what the request carries is at: "
                  : hints.count ? "there is: "
                                : "it has no values at all",
                  buf_text(&hints.text));
    buf_fini(&hints.text);
    return -1;
}

static int not_carried(struct adding *adding, struct error *err)
{
    struct hints hints;
    struct buf shown = BUF_INIT(256);
    struct bytes value = buf_bytes(&adding->value);
    int result = find_hints(adding, &adding->used, value, &hints, err);
    append_shown(&shown, value);
    buf_append_text(&shown, "' is not in '");
    append_shown(&shown, buf_bytes(&adding->carried));
    if (result == 0)
        error_set(err, EXIT_INPUT, "bind: '%s', which exchange %lld has at %.*s%s%s; %s%s",
                  buf_text(&shown), (long long)adding->used.given.exchange_id,
                  (int)utf8_cut(adding->used.given.place_text, 60).len,
                  adding->used.given.place_text.ptr,
                  adding->add->form ? " (written as --form " : "",
                  adding->add->form ? adding->add->form : "",
                  hints.count ? "the request has it at: " : "nor anywhere else in that request",
                  buf_text(&hints.text));
    buf_fini(&hints.text);
    buf_fini(&shown);
    return -1;
}

/* --- the check ---------------------------------------------------------------------------- */

static int choose_form(struct adding *adding, struct error *err)
{
    const struct binding_end *used = &adding->used.given;
    if (binding_form_find(adding->values, used->exchange_id, &used->place,
                          buf_bytes(&adding->value), buf_bytes(&adding->carried), &adding->form,
                          err))
        return -1;
    return adding->form ? 0 : not_carried(adding, err);
}

static int check_value(struct adding *adding, struct error *err)
{
    struct bytes found;
    int64_t at_us = 0;
    const struct end *born = &adding->born, *used = &adding->used;
    if (exchange_values_find(adding->values, used->given.exchange_id, PLACE_IN_REQUEST,
                             &used->given.place, INT64_MAX, &found, &at_us, err))
        return -1;
    if (!found.ptr)
        return nothing_there(adding, used, (struct bytes){0}, err);
    buf_append_bytes(&adding->carried, found);
    adding->form = adding->add->form ? adding->add->form : "raw";
    if (adding->born.given.is_made)
        return 0;
    int64_t gives_us = exchange_gives_us(&born->facts, &born->given.place);
    if (gives_us == TRACE_NO_MOMENT || gives_us > at_us)
        return error_set(err, EXIT_INPUT,
                         "bind: the answer of exchange %lld had not come when exchange %lld "
                         "began: its value cannot come from there",
                         (long long)born->given.exchange_id, (long long)used->given.exchange_id);
    if (exchange_values_find(adding->values, born->given.exchange_id, PLACE_IN_ANSWER,
                             &born->given.place, at_us, &found, NULL, err))
        return -1;
    if (!found.ptr)
        return nothing_there(adding, born, buf_bytes(&adding->carried), err);
    buf_append_bytes(&adding->value, found);
    if (!adding->add->form)
        return choose_form(adding, err);
    return value_is_in(buf_bytes(&adding->value), buf_bytes(&adding->carried),
                       bytes_of(adding->add->form))
               ? 0
               : not_carried(adding, err);
}

/* Is it more than one place of one exchange? A '*' that nothing is named is a number. */
static int is_many(struct adding *adding, const struct end *end, bool *ret_is, struct error *err)
{
    const struct binding_end *given = &end->given;
    struct bytes found = {0};
    *ret_is = !given->exchange_id || !given->is_exact;
    if (*ret_is || bytes_index_of(given->place_text, '*') == given->place_text.len)
        return 0;
    if (exchange_values_find(adding->values, given->exchange_id, given->side, &given->place,
                             INT64_MAX, &found, NULL, err))
        return -1;
    *ret_is = !found.ptr;
    return 0;
}

static int check(struct adding *adding, struct error *err)
{
    const struct bind_add *add = adding->add;
    struct end *born = &adding->born, *used = &adding->used;
    bool is_born_many, is_used_many;
    if (add->form && !value_form_is_known(bytes_of(add->form)))
        return error_set(err, EXIT_INPUT, "bind: --form %.60s: there are " VALUE_FORM_WORDS,
                         add->form);
    if (binding_end_parse(&born->given, "--born", PLACE_IN_ANSWER, add->born, err) ||
        binding_end_parse(&used->given, "--used", PLACE_IN_REQUEST, add->used, err) ||
        look_up(adding, born, err) || look_up(adding, used, err))
        return -1;
    if (born->given.exchange_id && used->given.exchange_id &&
        born->facts.session_id != used->facts.session_id)
        return error_set(err, EXIT_INPUT,
                         "bind: exchange %lld is of session %lld and exchange %lld of session "
                         "%lld: no value goes from one user to another",
                         (long long)born->given.exchange_id, (long long)born->facts.session_id,
                         (long long)used->given.exchange_id, (long long)used->facts.session_id);
    if (is_many(adding, born, &is_born_many, err) || is_many(adding, used, &is_used_many, err))
        return -1;
    adding->is_many = is_born_many || is_used_many;
    if (!adding->is_many)
        return check_value(adding, err);
    adding->form = add->form ? add->form : used->given.form;
    return 0;
}

/* --- writing ------------------------------------------------------------------------------ */

static int add_one_row(struct adding *adding, struct error *err)
{
    struct matched *matched = &adding->matched;
    arena_init(&matched->arena, 2 * PLACE_MAX_BYTES + 65536);
    matched->rows = calloc(1, sizeof *matched->rows);
    if (!matched->rows)
        return error_set(err, EXIT_TOOL, "out of memory");
    matched->rows[0] = (struct matched_row){.born_exchange_id = adding->born.given.exchange_id,
                                            .used_exchange_id = adding->used.given.exchange_id,
                                            .born_place = adding->born.given.place_text,
                                            .used_place = adding->used.given.place_text,
                                            .form = adding->form};
    matched->count = 1;
    return 0;
}

/* "63 path:2": where a row goes. .ptr NULL without memory. */
static struct bytes key_of(struct arena *arena, int64_t exchange_id, struct bytes place)
{
    return bytes_of(arena_printf(arena, "%lld %.*s", (long long)exchange_id, BYTES_ARG(place)));
}

/* Rows whose places another binding fills already are not wanted: whoever gives an endpoint has not
 * looked at each of its requests. `rows`: by where they go. */
static int leave_bound(struct adding *adding, struct map *rows, struct error *err)
{
    struct trace_binding binding;
    int more;
    if (trace_reader_start_bindings(adding->reader, 0, err))
        return -1;
    while ((more = trace_reader_next_binding(adding->reader, &binding, err)) == 1) {
        struct buf key = BUF_INIT(PLACE_MAX_BYTES + 32);
        buf_printf(&key, "%lld %.*s", (long long)binding.used_exchange_id,
                   BYTES_ARG(binding.used_place));
        struct matched_row *row = map_get(rows, buf_bytes(&key));
        buf_fini(&key);
        if (row && bytes_equal(binding.state, bytes_of("on")) &&
            (binding.born_exchange_id != row->born_exchange_id ||
             !bytes_equal(binding.born_place, row->born_place)))
            row->form = NULL;
    }
    struct matched *matched = &adding->matched;
    size_t kept = 0;
    for (size_t i = 0; i < matched->count; i++) {
        if (matched->rows[i].form)
            matched->rows[kept++] = matched->rows[i];
    }
    adding->bound_already = matched->count - kept;
    matched->count = kept;
    return more;
}

static int leave_bound_ones(struct adding *adding, struct error *err)
{
    struct arena arena;
    struct map rows;
    int result = 0;
    arena_init(&arena, MAX_KEY_BYTES);
    map_init(&rows);
    for (size_t i = 0; i < adding->matched.count && result == 0; i++) {
        struct matched_row *row = &adding->matched.rows[i];
        struct bytes key = key_of(&arena, row->used_exchange_id, row->used_place);
        if (!key.ptr || map_set(&rows, key, row))
            result = error_set(err, EXIT_TOOL, "out of memory");
    }
    if (result == 0)
        result = leave_bound(adding, &rows, err);
    map_fini(&rows);
    arena_fini(&arena);
    return result;
}

static int find_rows(struct adding *adding, struct error *err)
{
    const struct match_wanted wanted = {.born = &adding->born.given,
                                        .used = &adding->used.given,
                                        .form = adding->form,
                                        .every_session = adding->add->every_session};
    if (!adding->is_many && !adding->add->every_session)
        return add_one_row(adding, err);
    if (binding_match_find(adding->reader, &wanted, &adding->matched, err))
        return -1;
    if (adding->matched.count)
        return adding->is_many ? leave_bound_ones(adding, err) : 0;
    return error_set(err, EXIT_INPUT,
                     "bind: no request has at '%.100s' what an answer before it, in its session, "
                     "has at '%.100s'",
                     adding->add->used, adding->add->born);
}

static int put_rows(const struct adding *adding, struct binding_store *store,
                    uint64_t *ret_replaced, struct error *err)
{
    *ret_replaced = 0;
    for (size_t i = 0; i < adding->matched.count; i++) {
        const struct matched_row *row = &adding->matched.rows[i];
        const struct trace_binding binding = {.born_exchange_id = row->born_exchange_id,
                                              .born_place = row->born_place,
                                              .used_exchange_id = row->used_exchange_id,
                                              .used_place = row->used_place,
                                              .score = 1,
                                              .evidence = bytes_of(adding->add->note),
                                              .state = bytes_of(adding->add->state),
                                              .form = bytes_of(row->form)};
        int64_t binding_id;
        uint64_t replaced;
        if (binding_store_put_edited(store, &binding, &binding_id, &replaced, err))
            return -1;
        *ret_replaced += replaced;
    }
    return 0;
}

static int write_rows(const struct adding *adding, uint64_t *ret_replaced, struct error *err)
{
    struct binding_store *store = NULL;
    int result =
        binding_store_open(&store, adding->add->trace, err) || binding_store_begin(store, err) ||
                put_rows(adding, store, ret_replaced, err) || binding_store_commit(store, err)
            ? -1
            : 0;
    binding_store_close(store);
    return result;
}

static void print_end(const struct end *end, FILE *out)
{
    const struct binding_end *given = &end->given;
    if (given->exchange_id)
        fprintf(out, "%lld %s ", (long long)given->exchange_id, end->endpoint);
    else if (given->endpoint.len)
        fprintf(out, "%.*s ", BYTES_ARG(given->endpoint));
    fprintf(out, "%.*s", BYTES_ARG(given->place_text));
}

static void say(const struct adding *adding, uint64_t replaced, FILE *out)
{
    print_end(&adding->born, out);
    fputs(" -> ", out);
    print_end(&adding->used, out);
    if (adding->form)
        fprintf(out, ", %s", adding->form);
    if (adding->is_many || adding->add->every_session)
        fprintf(out, ": %zu in %llu sessions", adding->matched.count,
                (unsigned long long)adding->matched.session_count);
    if (replaced)
        fprintf(out, "; %llu found bindings went", (unsigned long long)replaced);
    if (adding->bound_already)
        fprintf(out, "; %zu that another binding fills stay as they are", adding->bound_already);
    fputs("\n", out);
}

int bind_add(const struct bind_add *add, FILE *out, struct error *err)
{
    struct adding adding = {.add = add,
                            .value = BUF_INIT(PLACE_MAX_VALUE_BYTES),
                            .carried = BUF_INIT(PLACE_MAX_VALUE_BYTES)};
    uint64_t replaced = 0;
    int result = trace_reader_open(&adding.reader, add->trace, err);
    if (result == 0 && !(adding.values = exchange_values_new(adding.reader)))
        result = error_set(err, EXIT_TOOL, "out of memory");
    if (result == 0)
        result = check(&adding, err) || find_rows(&adding, err) ? -1 : 0;
    /* A reader that stands on a row would keep the writer waiting. */
    exchange_values_free(adding.values);
    trace_reader_close(adding.reader);
    if (result == 0)
        result = write_rows(&adding, &replaced, err);
    if (result == 0)
        say(&adding, replaced, out);
    matched_free(&adding.matched);
    buf_fini(&adding.value);
    buf_fini(&adding.carried);
    return result;
}

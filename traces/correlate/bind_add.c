/* bind_add.c - `reprise bind TRACE add`. */
#include "traces/correlate/bind_add.h"

#include <stdlib.h>

#include "traces/correlate/binding_apply.h"
#include "traces/correlate/exchange_values.h"
#include "traces/correlate/value_match.h"
#include "traces/printable.h"

enum { MAX_HINT_BYTES = 240, MAX_HINTS = 5, SHOWN_BYTES = 40, MAX_NAME_BYTES = 320 };

/* "17 body:/id" as it was given. */
struct end {
    const char *option; /* "--born" */
    enum place_side side;
    int64_t exchange_id;
    struct bytes place_text;
    struct place place;
    struct exchange_facts facts;
    char endpoint[MAX_NAME_BYTES];
};

struct adding {
    const struct bind_add *add;
    struct trace_reader *reader;
    struct exchange_values *values;
    struct end born, used;
    bool is_made;
    struct buf value, carried; /* of the answer; at the request's place */
    const char *form;
};

/* --- what was given ----------------------------------------------------------------------- */

static int parse_end(struct end *end, const char *text, struct error *err)
{
    struct bytes rest = bytes_trim(bytes_of(text));
    size_t space = bytes_index_of(rest, ' ');
    struct error why = {0};
    uint64_t id = 0;
    if (space == rest.len || !bytes_to_u64(bytes_make(rest.ptr, space), &id) || id == 0 ||
        id > INT64_MAX)
        return error_set(err, EXIT_INPUT,
                         "bind: %s '%.100s': give an exchange and a place in it, like '17 "
                         "body:/id'; 'reprise inspect TRACE session N' lists exchanges",
                         end->option, text);
    end->exchange_id = (int64_t)id;
    end->place_text = bytes_trim(bytes_from(rest, space + 1));
    if (place_parse(end->place_text, end->side, &end->place, &why))
        return error_set(err, EXIT_INPUT, "bind: %s: '%.*s': %.300s", end->option,
                         (int)utf8_cut(end->place_text, 100).len, end->place_text.ptr, why.text);
    return 0;
}

static int look_up(struct adding *adding, struct end *end, struct error *err)
{
    struct bytes name = {0};
    int found = exchange_values_facts(adding->values, end->exchange_id, &end->facts, err);
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
                     end->option, (long long)end->exchange_id);
}

/* --- what is there instead ---------------------------------------------------------------- */

struct hints {
    struct bytes wanted; /* .ptr NULL: any value will do */
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
    *hints = (struct hints){.wanted = wanted, .text = BUF_INIT(MAX_HINT_BYTES)};
    if (exchange_values_visit(adding->values, end->exchange_id, end->side, take_hint, hints, err) <
        0)
        return -1;
    return 0;
}

static int nothing_there(struct adding *adding, const struct end *end, struct bytes wanted,
                         struct error *err)
{
    struct hints hints;
    const char *which = end->side == PLACE_IN_ANSWER ? "answer" : "request";
    int result = find_hints(adding, end, wanted, &hints, err);
    bool has_wanted = hints.count > 0 && wanted.ptr;
    if (result == 0 && hints.count == 0 && wanted.ptr) {
        buf_fini(&hints.text);
        result = find_hints(adding, end, (struct bytes){0}, &hints, err);
    }
    if (result == 0)
        error_set(err, EXIT_INPUT, "bind: the %s of exchange %lld has nothing at '%.*s'; %s%s",
                  which, (long long)end->exchange_id, (int)utf8_cut(end->place_text, 60).len,
                  end->place_text.ptr,
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
                  buf_text(&shown), (long long)adding->used.exchange_id,
                  (int)utf8_cut(adding->used.place_text, 60).len, adding->used.place_text.ptr,
                  adding->add->form ? " (written as --form " : "",
                  adding->add->form ? adding->add->form : "",
                  hints.count ? "the request has it at: " : "nor anywhere else in that request",
                  buf_text(&hints.text));
    buf_fini(&hints.text);
    buf_fini(&shown);
    return -1;
}

/* --- the check ---------------------------------------------------------------------------- */

/* What the place wants undone: a value that stands there as it is needs nothing. */
static int choose_form(struct adding *adding, struct error *err)
{
    static const char *const coded[] = {"percent", "html", "base64", "base64url", "hex"};
    struct bytes value = buf_bytes(&adding->value), carried = buf_bytes(&adding->carried), written;
    enum place_kind kind = adding->used.place.steps[0].kind;
    bool is_escaped = kind == PLACE_PATH || kind == PLACE_QUERY || kind == PLACE_FORM;
    adding->form = "raw";
    if (value_is_in(value, carried, bytes_of("raw"))) {
        if (!is_escaped || exchange_values_written(adding->values, adding->used.exchange_id,
                                                   &adding->used.place, &written, err))
            return is_escaped ? -1 : 0;
        if (!value_is_in(value, written, bytes_of("raw")))
            adding->form = bytes_index_of(written, '+') < written.len ? "plus" : "percent";
        return 0;
    }
    for (size_t i = 0; i < sizeof coded / sizeof coded[0]; i++) {
        adding->form = coded[i];
        if (value_is_in(value, carried, bytes_of(coded[i])))
            return 0;
    }
    return not_carried(adding, err);
}

static int check_value(struct adding *adding, struct error *err)
{
    struct bytes found;
    int64_t at_us = 0;
    const struct end *born = &adding->born, *used = &adding->used;
    if (exchange_values_find(adding->values, used->exchange_id, PLACE_IN_REQUEST, &used->place,
                             INT64_MAX, &found, &at_us, err))
        return -1;
    if (!found.ptr)
        return nothing_there(adding, used, (struct bytes){0}, err);
    buf_append_bytes(&adding->carried, found);
    adding->form = adding->add->form ? adding->add->form : "raw";
    if (adding->is_made)
        return 0;
    if (born->facts.ends_us == TRACE_NO_MOMENT || born->facts.ends_us > at_us)
        return error_set(err, EXIT_INPUT,
                         "bind: the answer of exchange %lld had not ended when exchange %lld "
                         "began: its value cannot come from there",
                         (long long)born->exchange_id, (long long)used->exchange_id);
    if (exchange_values_find(adding->values, born->exchange_id, PLACE_IN_ANSWER, &born->place,
                             at_us, &found, NULL, err))
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

static int check(struct adding *adding, struct error *err)
{
    if (adding->add->form && !value_form_is_known(bytes_of(adding->add->form)))
        return error_set(err, EXIT_INPUT, "bind: --form %.60s: there are " VALUE_FORM_WORDS,
                         adding->add->form);
    if (parse_end(&adding->born, adding->add->born, err) ||
        parse_end(&adding->used, adding->add->used, err) || look_up(adding, &adding->born, err) ||
        look_up(adding, &adding->used, err))
        return -1;
    adding->is_made = binding_place_is_made(adding->born.place_text);
    if (adding->born.facts.session_id != adding->used.facts.session_id)
        return error_set(
            err, EXIT_INPUT,
            "bind: exchange %lld is of session %lld and exchange %lld of session "
            "%lld: no value goes from one user to another",
            (long long)adding->born.exchange_id, (long long)adding->born.facts.session_id,
            (long long)adding->used.exchange_id, (long long)adding->used.facts.session_id);
    return check_value(adding, err);
}

/* --- writing ------------------------------------------------------------------------------ */

static struct binding_rule rule_of(const struct adding *adding)
{
    return (struct binding_rule){
        .born_endpoint = bytes_of(adding->is_made ? "" : adding->born.endpoint),
        .born_place = adding->born.place_text,
        .used_endpoint = bytes_of(adding->used.endpoint),
        .used_place = adding->used.place_text,
        .form = bytes_of(adding->form),
        .state = bytes_of(adding->add->state),
    };
}

/* The rows of the rule: of all sessions, or of the one that was given. */
static int find_rows(struct adding *adding, struct binding_rules *rules, struct applied *applied,
                     struct error *err)
{
    const struct binding_rule rule = rule_of(adding);
    if (binding_rules_add(rules, &rule, err))
        return -1;
    if (adding->add->every_session)
        return binding_apply_find(adding->reader, rules, applied, err);
    applied->rows = calloc(1, sizeof *applied->rows);
    applied->rules = calloc(1, sizeof *applied->rules);
    if (!applied->rows || !applied->rules)
        return error_set(err, EXIT_TOOL, "out of memory");
    applied->rows[0] = (struct applied_row){.born_exchange_id = adding->born.exchange_id,
                                            .used_exchange_id = adding->used.exchange_id};
    applied->row_count = 1;
    applied->rules[0].session_count = 1;
    return 0;
}

static int write_rows(const struct adding *adding, const struct binding_rules *rules,
                      const struct applied *applied, uint64_t *ret_replaced, struct error *err)
{
    struct binding_store *store = NULL;
    int result = binding_store_open(&store, adding->add->trace, err) ||
                         binding_store_begin(store, err) ||
                         binding_apply_store(store, rules, applied, bytes_of(adding->add->note),
                                             ret_replaced, err) ||
                         binding_store_commit(store, err)
                     ? -1
                     : 0;
    binding_store_close(store);
    return result;
}

static void say(const struct adding *adding, const struct applied *applied, uint64_t replaced,
                FILE *out)
{
    fprintf(out, "%lld %s %.*s -> %lld %s %.*s, %s", (long long)adding->born.exchange_id,
            adding->born.endpoint, BYTES_ARG(adding->born.place_text),
            (long long)adding->used.exchange_id, adding->used.endpoint,
            BYTES_ARG(adding->used.place_text), adding->form);
    if (adding->add->every_session)
        fprintf(out, ": %zu in %llu sessions", applied->row_count,
                (unsigned long long)applied->rules[0].session_count);
    if (replaced)
        fprintf(out, "; %llu found bindings went", (unsigned long long)replaced);
    fputs("\n", out);
}

int bind_add(const struct bind_add *add, FILE *out, struct error *err)
{
    struct adding adding = {.add = add,
                            .born = {.option = "--born", .side = PLACE_IN_ANSWER},
                            .used = {.option = "--used", .side = PLACE_IN_REQUEST},
                            .value = BUF_INIT(PLACE_MAX_VALUE_BYTES),
                            .carried = BUF_INIT(PLACE_MAX_VALUE_BYTES)};
    struct binding_rules rules;
    struct applied applied = {0};
    uint64_t replaced = 0;
    binding_rules_init(&rules);
    int result = trace_reader_open(&adding.reader, add->trace, err);
    if (result == 0 && !(adding.values = exchange_values_new(adding.reader)))
        result = error_set(err, EXIT_TOOL, "out of memory");
    if (result == 0)
        result = check(&adding, err) || find_rows(&adding, &rules, &applied, err) ? -1 : 0;
    /* A reader that stands on a row would keep the writer waiting. */
    exchange_values_free(adding.values);
    trace_reader_close(adding.reader);
    if (result == 0)
        result = write_rows(&adding, &rules, &applied, &replaced, err);
    if (result == 0)
        say(&adding, &applied, replaced, out);
    applied_free(&applied);
    binding_rules_fini(&rules);
    buf_fini(&adding.value);
    buf_fini(&adding.carried);
    return result;
}

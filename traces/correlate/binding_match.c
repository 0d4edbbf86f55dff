/* binding_match.c - collects the values at both ends of a session, and holds them together. */
#include "traces/correlate/binding_match.h"

#include <stdlib.h>

#include "core/grow.h"
#include "core/map.h"
#include "traces/correlate/binding_form.h"
#include "traces/correlate/value_match.h"

enum {
    MAX_SESSION_BYTES = 256 << 20,
    MAX_ROW_BYTES = 256 << 20,
    MAX_MESSAGE_BYTES = 64 << 20,
    MAX_ITEMS = 1 << 24, /* of each list */
    OPCODE_BINARY = 2    /* text is below it, control frames are above */
};

/* What one message has at one place. */
struct value {
    int64_t exchange_id, at_us;
    struct bytes place, text;
};

struct values {
    struct value *items;
    size_t count, capacity;
};

/* An end, and what it is of in this trace. */
struct side {
    const struct binding_end *end;
    int64_t exchange_id;   /* 0: any of the endpoints */
    int64_t *endpoint_ids; /* those that have its name */
    size_t endpoint_count, endpoint_capacity;
    struct values values; /* of the session */
};

struct match {
    struct trace_reader *reader;
    const struct match_wanted *wanted;
    struct matched *matched;
    struct exchange_values *exchange_values;
    struct place_scratch *scratch, *second; /* one visits, one asks about what is visited */
    struct buf body, place;
    struct arena arena; /* of the session */
    struct side born, used;
    int64_t *exchange_ids, *exchange_endpoints; /* of the session */
    size_t exchange_count, id_capacity, endpoint_capacity;
    struct map carriers; /* of what the client made: text to the exchange that has it first */
};

static int no_memory(struct error *err)
{
    return error_set(err, EXIT_TOOL, "out of memory");
}

static int add_id(int64_t **ids, size_t count, size_t *capacity, int64_t id, struct error *err)
{
    int64_t *grown = grow_by_one(*ids, count, capacity, sizeof *grown, MAX_ITEMS);
    if (!grown)
        return no_memory(err);
    grown[count] = id;
    *ids = grown;
    return 0;
}

/* --- which exchanges ------------------------------------------------------------------------ */

static int find_endpoints(struct match *match, struct side *side, struct error *err)
{
    int64_t session_id, endpoint_id = 0;
    struct bytes name;
    int more;
    side->exchange_id = match->wanted->every_session ? 0 : side->end->exchange_id;
    if (side->end->exchange_id && match->wanted->every_session) {
        int found = trace_reader_get_exchange_ends(match->reader, side->end->exchange_id,
                                                   &session_id, &endpoint_id, err);
        return found < 0 ? -1
                         : add_id(&side->endpoint_ids, side->endpoint_count++,
                                  &side->endpoint_capacity, endpoint_id, err);
    }
    if (!side->end->endpoint.len)
        return 0;
    if (trace_reader_start_endpoint_ids(match->reader, err))
        return -1;
    while ((more = trace_reader_next_endpoint_id(match->reader, &endpoint_id, err)) == 1) {
        int found = trace_reader_endpoint_name(match->reader, endpoint_id, &name, err);
        if (found < 0)
            return -1;
        if (found == 1 && binding_end_has_endpoint(side->end, name) &&
            add_id(&side->endpoint_ids, side->endpoint_count++, &side->endpoint_capacity,
                   endpoint_id, err))
            return -1;
    }
    return more;
}

static bool is_of(const struct side *side, int64_t exchange_id, int64_t endpoint_id)
{
    if (side->exchange_id)
        return side->exchange_id == exchange_id;
    for (size_t i = 0; i < side->endpoint_count; i++) {
        if (side->endpoint_ids[i] == endpoint_id)
            return true;
    }
    return false;
}

/* --- what they have there ------------------------------------------------------------------- */

static int add_value(struct match *match, struct side *side, int64_t exchange_id, int64_t at_us,
                     struct bytes place, struct bytes text, struct error *err)
{
    struct values *list = &side->values;
    if (!text.len || text.len > VALUE_MATCH_MAX_BYTES || at_us == TRACE_NO_MOMENT)
        return 0;
    struct value *grown =
        grow_by_one(list->items, list->count, &list->capacity, sizeof *grown, MAX_ITEMS);
    if (!grown)
        return no_memory(err);
    list->items = grown;
    struct value value = {exchange_id, at_us, arena_copy(&match->arena, place),
                          arena_copy(&match->arena, text)};
    if (!value.place.ptr || !value.text.ptr)
        return error_set(err, EXIT_INPUT, "bind: the values of a session take more than %d MB",
                         MAX_SESSION_BYTES >> 20);
    list->items[list->count++] = value;
    return 0;
}

struct visiting {
    struct match *match;
    struct side *side;
    int64_t exchange_id, at_us;
    const struct place_step *message; /* NULL: a request or an answer */
    struct error *err;
};

static int on_value(void *owner, const struct place_value *value)
{
    struct visiting *visiting = owner;
    struct match *match = visiting->match;
    struct place whole =
        visiting->message ? place_behind(visiting->message, value->place) : *value->place;
    struct buf *place = &match->place;
    buf_clear(place);
    place_format(&whole, place);
    if (buf_failed(place) || !binding_end_has_place(visiting->side->end, buf_bytes(place)))
        return 0;
    return add_value(match, visiting->side, visiting->exchange_id, visiting->at_us,
                     buf_bytes(place), value->text, visiting->err);
}

/* Does the first step of a place choose this message of the server? What it chooses has something
 * at every place that was visited in it. */
static int on_server_value(void *owner, const struct place_value *value)
{
    struct visiting *visiting = owner;
    struct match *match = visiting->match;
    struct place whole = place_behind(visiting->message, value->place);
    const struct message_view view = {.side = PLACE_IN_ANSWER, .body = buf_bytes(&match->body)};
    return place_find(&whole, &view, match->second).ptr ? on_value(owner, value) : 0;
}

/* The step that says which of the server's messages. */
static int message_step(const struct binding_end *end, struct place *ret_place, struct error *err)
{
    const char *inner = memmem(end->place_text.ptr, end->place_text.len, " > ", 3);
    size_t len = inner ? (size_t)(inner - end->place_text.ptr) : end->place_text.len;
    return place_parse(bytes_make(end->place_text.ptr, len), PLACE_IN_ANSWER, ret_place, err);
}

static int take_messages(struct match *match, struct side *side, int64_t exchange_id,
                         struct error *err)
{
    enum place_side of = side->end->side;
    enum trace_sender sender = of == PLACE_IN_ANSWER ? TRACE_SERVER : TRACE_CLIENT;
    struct place chosen = {.step_count = 1, .steps = {{.kind = PLACE_WS}}};
    struct visiting visiting = {match, side, exchange_id, 0, &chosen.steps[0], err};
    struct trace_message message;
    int more;
    if ((of == PLACE_IN_ANSWER && message_step(side->end, &chosen, err)) ||
        trace_reader_start_messages(match->reader, exchange_id, err))
        return -1;
    while ((more = trace_reader_next_message(match->reader, &message, err)) == 1) {
        if (message.sender != sender || message.opcode > OPCODE_BINARY)
            continue;
        buf_clear(&match->body);
        if (trace_reader_get_body(match->reader, message.body_id, &match->body, err))
            return -1;
        if (of == PLACE_IN_REQUEST)
            chosen.steps[0].number++;
        visiting.at_us = sender == TRACE_SERVER ? message.last_us : message.first_us;
        if (place_visit_ws(buf_bytes(&match->body), of, match->scratch,
                           of == PLACE_IN_ANSWER ? on_server_value : on_value, &visiting))
            return -1;
    }
    return more;
}

static int take(struct match *match, struct side *side, int64_t exchange_id, struct error *err)
{
    const struct binding_end *end = side->end;
    struct visiting visiting = {match, side, exchange_id, 0, NULL, err};
    struct exchange_facts facts;
    struct bytes text;
    if (bytes_starts_with(end->place_text, bytes_of("ws:")))
        return take_messages(match, side, exchange_id, err);
    if (exchange_values_facts(match->exchange_values, exchange_id, &facts, err) < 0)
        return -1;
    visiting.at_us = end->side == PLACE_IN_REQUEST ? facts.begins_us
                     : end->is_exact               ? exchange_gives_us(&facts, &end->place)
                                                   : facts.ends_us;
    size_t before = side->values.count;
    if (end->is_exact) {
        if (exchange_values_find(match->exchange_values, exchange_id, end->side, &end->place,
                                 INT64_MAX, &text, NULL, err) ||
            add_value(match, side, exchange_id, visiting.at_us, end->place_text, text, err))
            return -1;
        if (side->values.count > before ||
            bytes_index_of(end->place_text, '*') == end->place_text.len)
            return 0;
    }
    return exchange_values_visit(match->exchange_values, exchange_id, end->side, on_value,
                                 &visiting, err)
               ? -1
               : 0;
}

/* --- which go together ---------------------------------------------------------------------- */

static int add_row(struct match *match, const struct value *use, int64_t born_exchange_id,
                   struct bytes born_place, const char *form, struct error *err)
{
    struct matched *matched = match->matched;
    struct matched_row *grown = grow_by_one(matched->rows, matched->count, &matched->capacity,
                                            sizeof *grown, BINDING_MATCH_MAX_ROWS);
    if (!grown)
        return error_set(err, EXIT_INPUT, "bind: more than %d rows: give ends that say more",
                         BINDING_MATCH_MAX_ROWS);
    matched->rows = grown;
    struct matched_row row = {born_exchange_id, use->exchange_id,
                              arena_copy(&matched->arena, born_place),
                              arena_copy(&matched->arena, use->place), form};
    if (!row.born_place.ptr || !row.used_place.ptr)
        return no_memory(err);
    matched->rows[matched->count++] = row;
    return 0;
}

/* *ret_form NULL: the use does not carry it. */
static int form_of(struct match *match, const struct value *born, const struct value *use,
                   const char **ret_form, struct error *err)
{
    const char *form = match->wanted->form;
    struct place place;
    if (form) {
        *ret_form = value_is_in(born->text, use->text, bytes_of(form)) ? form : NULL;
        return 0;
    }
    if (place_parse(use->place, PLACE_IN_REQUEST, &place, err))
        return -1;
    return binding_form_find(match->exchange_values, use->exchange_id, &place, born->text,
                             use->text, ret_form, err);
}

/* The latest that had come; of those of one moment the first. */
static int find_birth(struct match *match, const struct value *use, struct error *err)
{
    const struct values *births = &match->born.values;
    const struct value *best = NULL;
    const char *best_form = NULL, *form;
    for (size_t i = births->count; i > 0; i--) {
        const struct value *born = &births->items[i - 1];
        if (born->at_us > use->at_us || (best && born->at_us < best->at_us))
            continue;
        if (form_of(match, born, use, &form, err))
            return -1;
        if (!form)
            continue;
        best = born;
        best_form = form;
    }
    return best ? add_row(match, use, best->exchange_id, best->place, best_form, err) : 0;
}

/* --- made by the client --------------------------------------------------------------------- */

static int note_carrier(void *owner, const struct place_value *value)
{
    struct visiting *visiting = owner;
    int64_t *carrier = map_get(&visiting->match->carriers, value->text);
    if (carrier && !*carrier)
        *carrier = visiting->exchange_id;
    return 0;
}

static int note_carriers(struct match *match, int64_t exchange_id, struct error *err)
{
    struct visiting visiting = {.match = match, .exchange_id = exchange_id};
    struct trace_message message;
    int more;
    if (exchange_values_visit(match->exchange_values, exchange_id, PLACE_IN_REQUEST, note_carrier,
                              &visiting, err) < 0 ||
        trace_reader_start_messages(match->reader, exchange_id, err))
        return -1;
    while ((more = trace_reader_next_message(match->reader, &message, err)) == 1) {
        if (message.sender != TRACE_CLIENT || message.opcode > OPCODE_BINARY)
            continue;
        buf_clear(&match->body);
        if (trace_reader_get_body(match->reader, message.body_id, &match->body, err))
            return -1;
        place_visit_ws(buf_bytes(&match->body), PLACE_IN_REQUEST, match->scratch, note_carrier,
                       &visiting);
    }
    return more;
}

/* Each is born with the first request of the session that carries it. */
static int match_made(struct match *match, struct error *err)
{
    const struct values *uses = &match->used.values;
    struct bytes place = match->born.end->place_text;
    struct bytes kind = bytes_from(place, bytes_index_of(place, ':') + 1);
    bool is_new = bytes_starts_with(place, bytes_of("new:"));
    for (size_t i = 0; i < uses->count; i++) {
        int64_t *carrier = arena_zalloc(&match->arena, sizeof *carrier);
        if (!carrier || map_set(&match->carriers, uses->items[i].text, carrier))
            return no_memory(err);
    }
    for (size_t i = 0; i < match->exchange_count && uses->count; i++) {
        if (note_carriers(match, match->exchange_ids[i], err))
            return -1;
    }
    for (size_t i = 0; i < uses->count; i++) {
        const struct value *use = &uses->items[i];
        const int64_t *carrier = map_get(&match->carriers, use->text);
        if ((is_new && !value_is_made_as(use->text, kind)) || !carrier || !*carrier)
            continue;
        int64_t born = match->born.exchange_id ? match->born.exchange_id : *carrier;
        if (add_row(match, use, born, place, match->wanted->form ? match->wanted->form : "raw",
                    err))
            return -1;
    }
    return 0;
}

/* --- a session ------------------------------------------------------------------------------ */

static int load_exchanges(struct match *match, int64_t session_id, struct error *err)
{
    struct trace_exchange exchange;
    int64_t endpoint_id;
    int more;
    match->exchange_count = 0;
    if (trace_reader_start_exchanges(match->reader, session_id, err))
        return -1;
    while ((more = trace_reader_next_exchange(match->reader, &exchange, &endpoint_id, err)) == 1) {
        if (add_id(&match->exchange_ids, match->exchange_count, &match->id_capacity,
                   exchange.exchange_id, err) ||
            add_id(&match->exchange_endpoints, match->exchange_count, &match->endpoint_capacity,
                   endpoint_id, err))
            return -1;
        match->exchange_count++;
    }
    return more;
}

static int look_at_session(struct match *match, int64_t session_id, struct error *err)
{
    size_t before = match->matched->count;
    arena_reset(&match->arena);
    map_fini(&match->carriers);
    map_init(&match->carriers);
    match->born.values.count = match->used.values.count = 0;
    if (load_exchanges(match, session_id, err))
        return -1;
    for (size_t i = 0; i < match->exchange_count; i++) {
        int64_t id = match->exchange_ids[i], endpoint_id = match->exchange_endpoints[i];
        if (!match->born.end->is_made && is_of(&match->born, id, endpoint_id) &&
            take(match, &match->born, id, err))
            return -1;
        if (is_of(&match->used, id, endpoint_id) && take(match, &match->used, id, err))
            return -1;
    }
    if (match->born.end->is_made && match_made(match, err))
        return -1;
    for (size_t i = 0; i < match->used.values.count && !match->born.end->is_made; i++) {
        if (find_birth(match, &match->used.values.items[i], err))
            return -1;
    }
    match->matched->session_count += match->matched->count > before;
    return 0;
}

static int look_at_all(struct match *match, struct error *err)
{
    struct trace_span span;
    int64_t *sessions = NULL;
    size_t count = 0, capacity = 0;
    int more, result = 0;
    if (trace_reader_start_spans(match->reader, err))
        return -1;
    while ((more = trace_reader_next_span(match->reader, &span, err)) == 1 && result == 0)
        result = add_id(&sessions, count++, &capacity, span.session_id, err);
    for (size_t i = 0; i < count && result == 0 && more == 0; i++)
        result = look_at_session(match, sessions[i], err);
    free(sessions);
    return result || more < 0 ? -1 : 0;
}

/* All sessions, or that of the exchange which was given. */
static int look(struct match *match, struct error *err)
{
    int64_t exchange_id, session_id, endpoint_id;
    if (find_endpoints(match, &match->born, err) || find_endpoints(match, &match->used, err))
        return -1;
    exchange_id = match->used.exchange_id ? match->used.exchange_id : match->born.exchange_id;
    if (!exchange_id)
        return look_at_all(match, err);
    int found =
        trace_reader_get_exchange_ends(match->reader, exchange_id, &session_id, &endpoint_id, err);
    return found == 1 ? look_at_session(match, session_id, err) : found;
}

int binding_match_find(struct trace_reader *reader, const struct match_wanted *wanted,
                       struct matched *ret_matched, struct error *err)
{
    struct match match = {.reader = reader,
                          .wanted = wanted,
                          .matched = ret_matched,
                          .body = BUF_INIT(MAX_MESSAGE_BYTES),
                          .place = BUF_INIT(PLACE_MAX_BYTES),
                          .born = {.end = wanted->born},
                          .used = {.end = wanted->used}};
    *ret_matched = (struct matched){0};
    arena_init(&ret_matched->arena, MAX_ROW_BYTES);
    arena_init(&match.arena, MAX_SESSION_BYTES);
    map_init(&match.carriers);
    match.exchange_values = exchange_values_new(reader);
    match.scratch = place_scratch_new();
    match.second = place_scratch_new();
    int result =
        match.exchange_values && match.scratch && match.second ? look(&match, err) : no_memory(err);
    place_scratch_free(match.scratch);
    place_scratch_free(match.second);
    exchange_values_free(match.exchange_values);
    map_fini(&match.carriers);
    arena_fini(&match.arena);
    buf_fini(&match.body);
    buf_fini(&match.place);
    free(match.exchange_ids);
    free(match.exchange_endpoints);
    free(match.born.endpoint_ids);
    free(match.used.endpoint_ids);
    free(match.born.values.items);
    free(match.used.values.items);
    return result;
}

void matched_free(struct matched *matched)
{
    arena_fini(&matched->arena);
    free(matched->rows);
    *matched = (struct matched){0};
}

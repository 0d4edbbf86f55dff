/* plan_bindings.c - finds recorded values where a trace's bindings say, and makes slots of them. */
#include "replay/plan/plan_bindings.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/json_scan.h"
#include "replay/plan/plan_binder.h"
#include "traces/places/place_parts.h"

/* One row on its way to a birth and a use. */
struct row {
    const struct trace_binding *binding;
    uint32_t producer, consumer;
    struct place born, used;
    struct bytes value; /* recorded */
    enum value_form form;
    struct use use;
};

enum { MAX_HEADER_BYTES = 16 * 1024 * 1024, MAX_DECODED_BYTES = 64 * 1024 * 1024 };
enum { NOT_USED = 1 }; /* besides 0 and -1 */

static struct binder *binder_new(struct plan_builder *builder, struct plan_session *session)
{
    struct binder *binder = calloc(1, sizeof *binder);
    if (!binder)
        return NULL;
    binder->builder = builder;
    binder->session = session;
    buf_init(&binder->header_text, MAX_HEADER_BYTES);
    return binder;
}

static void binder_free(struct binder *binder)
{
    if (!binder)
        return;
    content_decoder_free(binder->decoder);
    buf_fini(&binder->header_text);
    free(binder->numbers);
    free(binder->births);
    free(binder->uses);
    free(binder);
}

static int lose(struct binder *binder, const struct trace_binding *binding, const char *why)
{
    plan_lose_binding(binder->builder, binding->binding_id, why);
    return NOT_USED;
}

static int lose_place(struct binder *binder, const struct trace_binding *binding,
                      const char *column, struct bytes place, const struct error *err)
{
    char why[300], shown[61];
    size_t len = place.len < sizeof shown ? place.len : sizeof shown - 1;
    for (size_t i = 0; i < len; i++)
        shown[i] = place.ptr[i] >= ' ' && place.ptr[i] < 0x7f ? place.ptr[i] : '?';
    shown[len] = '\0';
    snprintf(why, sizeof why, "%s '%s': %.200s", column, shown, err->text);
    return lose(binder, binding, why);
}

/* --- steps by exchange -------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
    const struct numbered_step *x = a, *y = b;
    return x->exchange_id < y->exchange_id ? -1 : x->exchange_id > y->exchange_id;
}

static int number_steps(struct binder *binder)
{
    uint32_t count = binder->session->step_count;
    if (binder->numbers)
        return 0;
    binder->numbers = malloc((count + 1) * sizeof *binder->numbers);
    if (!binder->numbers)
        return -1;
    /* Drafts and steps are in the same order; a message's exchange_id is 0. */
    for (uint32_t i = 0; i < count; i++)
        binder->numbers[i] = (struct numbered_step){binder->builder->drafts[i].exchange_id, i};
    qsort(binder->numbers, count, sizeof *binder->numbers, compare_numbers);
    return 0;
}

static bool find_step(const struct binder *binder, int64_t exchange_id, uint32_t *ret_step)
{
    const struct numbered_step wanted = {.exchange_id = exchange_id};
    const struct numbered_step *found =
        exchange_id > 0 ? bsearch(&wanted, binder->numbers, binder->session->step_count,
                                  sizeof *binder->numbers, compare_numbers)
                        : NULL;
    if (found)
        *ret_step = found->step;
    return found != NULL;
}

/* --- the recorded answer ------------------------------------------------------------------ */

static void split_headers(struct binder *binder)
{
    struct bytes rest = buf_bytes(&binder->header_text), line;
    size_t count = 0;
    while (count < HTTP1_MAX_HEADERS && bytes_split(&rest, '\n', &line)) {
        size_t colon = bytes_index_of(line, ':');
        if (colon < line.len)
            binder->headers[count++] = (struct http_header){
                bytes_make(line.ptr, colon), bytes_trim(bytes_from(line, colon + 1))};
    }
    binder->answer.headers = binder->headers;
    binder->answer.header_count = count;
}

/* A body that cannot be decoded has nothing in it. */
static int decode_answer(struct binder *binder, struct bytes body, struct error *err)
{
    struct http_response *answer = &binder->answer;
    const char *detail;
    answer->body = body;
    if (!http_headers_find(answer->headers, answer->header_count, bytes_of("content-encoding")).ptr)
        return 0;
    if (!binder->decoder && !(binder->decoder = content_decoder_new(MAX_DECODED_BYTES)))
        return error_set(err, EXIT_TOOL, "no memory to decode an answer");
    binder->is_undecoded = content_decode(binder->decoder, answer->headers, answer->header_count,
                                          body, &answer->body, &detail) != CONTENT_DECODED;
    if (binder->is_undecoded)
        answer->body = (struct bytes){0};
    return 0;
}

static int read_answer(struct binder *binder, int64_t exchange_id, struct error *err)
{
    struct plan_builder *builder = binder->builder;
    struct trace_exchange exchange;
    int64_t endpoint_id;
    if (binder->has_answer && binder->answer_id == exchange_id)
        return 0;
    int found =
        trace_reader_get_exchange(builder->reader, exchange_id, &exchange, &endpoint_id, err);
    if (found != 1)
        return found < 0 ? -1
                         : error_set(err, EXIT_INPUT, "exchange %lld is not there",
                                     (long long)exchange_id);
    binder->has_answer = true;
    binder->is_undecoded = false;
    binder->answer_id = exchange_id;
    binder->answer = (struct http_response){.status = exchange.status};
    buf_clear(&binder->header_text);
    buf_append_bytes(&binder->header_text, exchange.response_headers);
    split_headers(binder);
    buf_clear(&builder->scratch);
    if (trace_reader_get_body(builder->reader, exchange.response_body_id, &builder->scratch, err))
        return -1;
    return decode_answer(binder, buf_bytes(&builder->scratch), err);
}

static int find_value(struct binder *binder, struct row *row, struct error *err)
{
    struct birth birth = {.place = row->born};
    struct birth_found found;
    if (read_answer(binder, row->binding->born_exchange_id, err))
        return -1;
    births_find(&birth, 1, &binder->answer, &found);
    row->value = birth_read(&birth, &found, binder->room);
    if (row->value.ptr)
        return 0;
    if (row->born.steps[0].kind == PLACE_BODY && binder->is_undecoded)
        return lose(binder, row->binding,
                    "the recorded answer's Content-Encoding cannot be undone");
    return lose(binder, row->binding, "born_place: nothing is there in the recorded answer");
}

/* --- the recorded request ----------------------------------------------------------------- */

static struct bytes target_of(const struct request_cut *cut)
{
    struct bytes line = bytes_from(cut->head, cut->target_at);
    return bytes_make(line.ptr, bytes_index_of(line, ' '));
}

/* What is at the use's place, and which text it is part of. */
static struct bytes find_used(const struct binder *binder, struct row *row, struct bytes *ret_part)
{
    const struct plan_draft *draft = &binder->builder->drafts[row->consumer];
    const struct plan_step *step = &binder->session->steps[row->consumer];
    const struct place_step *place = &row->used.steps[0];
    struct json_wanted wanted = {.pointer = place->name};
    *ret_part = draft->cut.head;
    switch (place->kind) {
    case PLACE_PATH:
    case PLACE_QUERY:
        return place_find_in_url(place, target_of(&draft->cut));
    case PLACE_HEADER:
        return place_find_header(place, step->headers, step->header_count);
    case PLACE_COOKIE:
        *ret_part = step->recorded_cookies;
        return place_find_cookie(place, step->recorded_cookies);
    case PLACE_FORM:
        *ret_part = step->body;
        return place_find_field(place, step->body);
    default:
        break;
    }
    *ret_part = step->body;
    json_find(step->body, &wanted, 1);
    row->form = wanted.kind == JSON_SCAN_STRING ? VALUE_IN_JSON : VALUE_IN_BODY;
    return wanted.found;
}

/* One byte of a value at the start of `text`, written as it is or as %XX: bytes used, or 0. */
static size_t match_byte(struct bytes text, char wanted, bool plus_is_space)
{
    if (text.len && text.ptr[0] == '%' && text.len > 2) {
        int high = ascii_hex_value(text.ptr[1]), low = ascii_hex_value(text.ptr[2]);
        if (high >= 0 && low >= 0)
            return (char)(high << 4 | low) == wanted ? 3 : 0;
    }
    if (!text.len)
        return 0;
    return text.ptr[0] == wanted || (plus_is_space && text.ptr[0] == '+' && wanted == ' ');
}

/* Where the value is in the text, written with %XX; .ptr NULL: nowhere. */
static struct bytes find_encoded(struct bytes text, struct bytes value, bool plus_is_space)
{
    for (size_t at = 0; at < text.len; at++) {
        size_t len = 0, used = 1, i = 0;
        for (; i < value.len && used; i++) {
            used = match_byte(bytes_from(text, at + len), value.ptr[i], plus_is_space);
            len += used;
        }
        if (i == value.len && used)
            return bytes_make(text.ptr + at, len);
    }
    return (struct bytes){0};
}

static struct bytes find_plain(struct bytes text, struct bytes value)
{
    const char *found = text.len ? memmem(text.ptr, text.len, value.ptr, value.len) : NULL;
    return found ? bytes_make(found, value.len) : (struct bytes){0};
}

/* The form that row->used and the binding's word come to, and the value in the text by it. */
static int find_in_text(struct binder *binder, struct row *row, struct bytes text,
                        struct bytes *ret_found)
{
    enum place_kind kind = row->used.steps[0].kind;
    bool is_in_target = kind == PLACE_PATH || kind == PLACE_QUERY || kind == PLACE_FORM;
    struct bytes value = row->value, form = row->binding->form;
    if (bytes_equal(form, bytes_of("percent"))) {
        if (kind == PLACE_BODY)
            return lose(binder, row->binding, "form: percent is not for a JSON body");
        row->form = VALUE_PERCENT;
        *ret_found = find_encoded(text, value, kind == PLACE_QUERY || kind == PLACE_FORM);
    } else if (!bytes_equal(form, bytes_of("raw"))) {
        return lose(binder, row->binding, "form: this reprise knows raw and percent");
    } else if (kind == PLACE_BODY) {
        char *written = malloc(value.len * JSON_MAX_ESCAPE_BYTES);
        if (!written)
            return -1;
        size_t len = value_form_len(row->form, value);
        if (row->form == VALUE_IN_JSON)
            value_form_write(VALUE_IN_JSON, value, written);
        *ret_found =
            find_plain(text, row->form == VALUE_IN_JSON ? bytes_make(written, len) : value);
        free(written);
    } else {
        /* Where nothing shows whether it would be encoded it is: a live value may need it. */
        bool is_plain = value_form_len(VALUE_PERCENT, value) == value.len;
        row->form = !is_in_target ? VALUE_AS_IS : is_plain ? VALUE_PERCENT : VALUE_IN_TARGET;
        *ret_found = find_plain(text, value);
    }
    return 0;
}

static int find_use(struct binder *binder, struct row *row)
{
    const struct plan_step *step = &binder->session->steps[row->consumer];
    struct bytes part, found = {0}, text;
    if (step->kind == STEP_REQUEST && !step->cut)
        return lose(binder, row->binding, "its request is one that HTTP/1.1 cannot write");
    text = find_used(binder, row, &part);
    if (!text.ptr)
        return lose(binder, row->binding, "used_place: nothing is there in the recorded request");
    int result = find_in_text(binder, row, text, &found);
    if (result)
        return result;
    if (!found.ptr)
        return lose(binder, row->binding, "the value of the recorded answer is not in used_place");
    uintptr_t at = (uintptr_t)found.ptr - (uintptr_t)part.ptr;
    if (at > part.len || found.len > part.len - at) /* a header that is not in the head */
        return lose(binder, row->binding, "used_place: a header that HTTP/1.1 cannot write");
    row->use = (struct use){
        .step = row->consumer,
        .is_in_cookies = row->used.steps[0].kind == PLACE_COOKIE,
        .producer = row->producer,
        .binding_id = row->binding->binding_id,
        .slot = {.is_in_body =
                     row->used.steps[0].kind == PLACE_FORM || row->used.steps[0].kind == PLACE_BODY,
                 .at = (uint32_t)at,
                 .len = (uint32_t)found.len},
    };
    return 0;
}

/* --- births and uses ---------------------------------------------------------------------- */

static bool is_same_birth(const struct birth *a, const struct birth *b)
{
    return a->form == b->form && place_equal(&a->place, &b->place);
}

static void *grow(void *items, size_t count, size_t *capacity, size_t item_bytes)
{
    if (count < *capacity)
        return items;
    size_t wanted = *capacity ? *capacity * 2 : 16;
    void *grown = realloc(items, wanted * item_bytes);
    if (grown)
        *capacity = wanted;
    return grown;
}

/* The value that the row's use takes: one that another use has already, or a new one. Rows come by
 * the exchange of their birth, so only the last births can be the same. */
static int find_birth(struct binder *binder, const struct row *row, uint32_t *ret_value)
{
    struct birth birth = {.place = row->born, .form = row->form};
    uint32_t of_step = 0;
    for (size_t i = binder->birth_count; i > 0 && binder->births[i - 1].step == row->producer;
         i--) {
        *ret_value = (uint32_t)i - 1;
        if (is_same_birth(&binder->births[i - 1].birth, &birth))
            return 0;
        of_step++;
    }
    if (of_step == BIRTHS_MAX)
        return lose(binder, row->binding, "more values than an answer may give");
    struct born *grown =
        grow(binder->births, binder->birth_count, &binder->birth_capacity, sizeof *binder->births);
    if (!grown)
        return -1;
    binder->births = grown;
    birth.value = (uint32_t)binder->birth_count;
    if (place_copy(&row->born, binder->builder->arena, &birth.place)) /* it outlives the row */
        return -1;
    binder->births[binder->birth_count++] = (struct born){row->producer, birth};
    *ret_value = birth.value;
    return 0;
}

static int add_use(struct binder *binder, struct row *row)
{
    int result = find_birth(binder, row, &row->use.slot.value);
    if (result)
        return result;
    struct use *grown =
        grow(binder->uses, binder->use_count, &binder->use_capacity, sizeof *binder->uses);
    if (!grown)
        return -1;
    binder->uses = grown;
    binder->uses[binder->use_count++] = row->use;
    return 0;
}

static int out_of_memory(struct plan_builder *builder, struct error *err)
{
    builder->is_out_of_memory = true;
    return error_set(err, EXIT_INPUT, "no memory for them; raise --max-plan-size");
}

/* The grammar has more kinds of places than a plan takes values from and puts them into. */
static bool is_played(const struct place *place, bool is_born)
{
    enum place_kind kind = place->steps[0].kind, inner = place->steps[1].kind;
    bool is_known = kind == PLACE_BODY || kind == PLACE_HEADER || kind == PLACE_COOKIE;
    if (!is_born)
        is_known |= kind == PLACE_PATH || kind == PLACE_QUERY || kind == PLACE_FORM;
    if (place->step_count == 2)
        is_known &= is_born && (inner == PLACE_PATH || inner == PLACE_QUERY);
    return is_known && place->step_count <= 2 && !place->steps[0].name_is_escaped;
}

static int add_row(struct binder *binder, const struct trace_binding *binding, struct error *err)
{
    struct row row = {.binding = binding};
    struct error why;
    if (bytes_equal(binding->state, bytes_of("off")))
        return 0;
    if (!bytes_equal(binding->state, bytes_of("on")))
        return lose(binder, binding, "state: there are on and off");
    if (place_parse(binding->born_place, PLACE_IN_ANSWER, &row.born, &why))
        return lose_place(binder, binding, "born_place", binding->born_place, &why);
    if (place_parse(binding->used_place, PLACE_IN_REQUEST, &row.used, &why))
        return lose_place(binder, binding, "used_place", binding->used_place, &why);
    if (!is_played(&row.born, true))
        return lose(binder, binding, "born_place: this reprise takes no value from there");
    if (!is_played(&row.used, false))
        return lose(binder, binding, "used_place: this reprise puts no value there");
    if (number_steps(binder))
        return out_of_memory(binder->builder, err);
    if (!find_step(binder, binding->born_exchange_id, &row.producer) ||
        !find_step(binder, binding->used_exchange_id, &row.consumer))
        return lose(binder, binding, "its exchanges are not replayed in one session");
    const struct plan_step *steps = binder->session->steps;
    if (steps[row.producer].end_position >= steps[row.consumer].needs)
        return lose(binder, binding, "the answer had not ended when the request began");
    int result = find_value(binder, &row, err);
    if (result)
        return result;
    result = find_use(binder, &row);
    if (result == 0)
        result = add_use(binder, &row);
    return result < 0 ? out_of_memory(binder->builder, err) : result;
}

int plan_bind_session(struct plan_builder *builder, struct plan_session *session, struct error *err)
{
    struct trace_binding binding;
    struct binder *binder = NULL;
    int more, result = 0;
    if (trace_reader_start_bindings(builder->reader, session->session_id, err))
        return -1;
    while ((more = trace_reader_next_binding(builder->reader, &binding, err)) > 0 && result >= 0) {
        if (!binder && !(binder = binder_new(builder, session)))
            return out_of_memory(builder, err);
        result = add_row(binder, &binding, err);
    }
    if (binder && more == 0 && result >= 0)
        result = plan_make_slots(binder) ? out_of_memory(builder, err) : 0;
    if (result < 0 || more < 0)
        error_prefix(err, "the bindings of session %lld", (long long)session->session_id);
    binder_free(binder);
    return result < 0 || more < 0 ? -1 : 0;
}

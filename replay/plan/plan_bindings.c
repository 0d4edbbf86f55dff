/* plan_bindings.c - finds recorded values where a trace's bindings say, and makes slots of them. */
#include "replay/plan/plan_bindings.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/grow.h"
#include "replay/identities/identities.h"
#include "replay/plan/plan_binder.h"

enum {
    MAX_HEADER_BYTES = 16 * 1024 * 1024,
    MAX_DECODED_BYTES = 64 * 1024 * 1024,
    MAX_DATA_BYTES = 256 * 1024 * 1024 /* places and texts that --data replaces in one session */
};

int plan_lose_row(struct binder *binder, const struct row *row, const char *why)
{
    /* Where --data could not go is no row that somebody wrote. */
    return row->binding_id ? plan_lose_binding(binder->builder, row->binding_id, why) : NOT_USED;
}

static int lose_place(struct binder *binder, const struct row *row, const char *column,
                      struct bytes place, const struct error *err)
{
    char why[300], shown[61];
    size_t len = place.len < sizeof shown ? place.len : sizeof shown - 1;
    for (size_t i = 0; i < len; i++)
        shown[i] = place.ptr[i] >= ' ' && place.ptr[i] < 0x7f ? place.ptr[i] : '?';
    shown[len] = '\0';
    snprintf(why, sizeof why, "%s '%s': %.200s", column, shown, err->text);
    return plan_lose_row(binder, row, why);
}

/* --- steps by exchange -------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
    const struct numbered_step *x = a, *y = b;
    if (x->exchange_id != y->exchange_id)
        return x->exchange_id < y->exchange_id ? -1 : 1;
    return x->message < y->message ? -1 : x->message > y->message;
}

static int number_steps(struct binder *binder)
{
    uint32_t count = binder->session->step_count;
    binder->numbers = malloc((count + 1) * sizeof *binder->numbers);
    if (!binder->numbers)
        return -1;
    /* Drafts and steps are in the same order. */
    for (uint32_t i = 0; i < count; i++) {
        const struct plan_draft *draft = &binder->builder->drafts[i];
        binder->numbers[i] = (struct numbered_step){draft->exchange_id, draft->message_number, i};
    }
    qsort(binder->numbers, count, sizeof *binder->numbers, compare_numbers);
    return 0;
}

static void binder_free(struct binder *binder)
{
    if (!binder)
        return;
    content_decoder_free(binder->decoder);
    plan_owns_free(binder);
    plan_data_free(binder);
    plan_messages_free(binder);
    buf_fini(&binder->header_text);
    free(binder->numbers);
    free(binder->births);
    free(binder->uses);
    free(binder);
}

static struct binder *binder_new(struct plan_builder *builder, struct plan_session *session)
{
    struct binder *binder = calloc(1, sizeof *binder);
    if (!binder)
        return NULL;
    binder->builder = builder;
    binder->session = session;
    buf_init(&binder->header_text, MAX_HEADER_BYTES);
    arena_init(&binder->data_arena, MAX_DATA_BYTES);
    map_init(&binder->own_index);
    if (!builder->place_scratch)
        builder->place_scratch = place_scratch_new();
    binder->scratch = builder->place_scratch;
    if (binder->scratch && number_steps(binder) == 0)
        return binder;
    binder_free(binder);
    return NULL;
}

/* message 0: of the exchange itself. */
static bool find_step(const struct binder *binder, int64_t exchange_id, uint32_t message,
                      uint32_t *ret_step)
{
    const struct numbered_step wanted = {.exchange_id = exchange_id, .message = message};
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
    binder->answer_begun_us = exchange.response_first_us;
    buf_clear(&binder->header_text);
    buf_append_bytes(&binder->header_text, exchange.response_headers);
    split_headers(binder);
    buf_clear(&builder->scratch);
    if (trace_reader_get_body(builder->reader, exchange.response_body_id, &builder->scratch, err))
        return -1;
    return decode_answer(binder, buf_bytes(&builder->scratch), err);
}

/* Of the answer in hand. */
static int find_value(struct binder *binder, struct row *row)
{
    struct birth birth = {.place = row->born};
    births_begin(&binder->reader, &birth, 1, &binder->answer, binder->scratch);
    row->value = births_read(&binder->reader, &birth, 0);
    if (row->value.ptr)
        return 0;
    if (!birth_is_in_headers(&row->born) && binder->is_undecoded)
        return plan_lose_row(binder, row,
                             "the recorded answer's Content-Encoding cannot be undone");
    return plan_lose_row(binder, row, "born_place: nothing is there in the recorded answer");
}

/* --- births and uses ---------------------------------------------------------------------- */

static bool is_same_birth(const struct birth *a, const struct birth *b)
{
    return a->form == b->form && place_equal(&a->place, &b->place);
}

/* The value that the row's use takes: one that another use has already, or a new one. Rows come by
 * the exchange of their birth, so only the last births can be the same. */
static int find_birth(struct binder *binder, const struct row *row, uint32_t *ret_value)
{
    struct birth birth = {.form = row->form, .place = row->born};
    uint32_t of_step = 0;
    uint32_t most = birth_is_in_message(&birth.place) ? BIRTHS_MAX_OF_MESSAGES : BIRTHS_MAX;
    for (size_t i = binder->birth_count; i > 0 && binder->births[i - 1].step == row->producer;
         i--) {
        const struct birth *other = &binder->births[i - 1].birth;
        *ret_value = other->value;
        if (is_same_birth(other, &birth))
            return 0;
        of_step += birth_is_in_message(&other->place) == birth_is_in_message(&birth.place);
    }
    if (of_step == most)
        return plan_lose_row(binder, row, "more values than an answer may give");
    struct born *grown = grow_by_one(binder->births, binder->birth_count, &binder->birth_capacity,
                                     sizeof *binder->births, BINDER_MAX_ITEMS);
    if (!grown)
        return -1;
    binder->births = grown;
    birth.value = binder->value_count;
    if (place_copy(&row->born, binder->builder->arena, &birth.place)) /* it outlives the row */
        return -1;
    binder->births[binder->birth_count++] = (struct born){row->producer, birth};
    *ret_value = binder->value_count++;
    return 0;
}

int plan_add_use(struct binder *binder, const struct row *row, uint32_t value)
{
    struct use *grown = grow_by_one(binder->uses, binder->use_count, &binder->use_capacity,
                                    sizeof *binder->uses, BINDER_MAX_ITEMS);
    if (!grown)
        return -1;
    binder->uses = grown;
    struct use *use = &binder->uses[binder->use_count++];
    *use = row->use;
    use->is_asked_for = row->binding_id == 0;
    use->is_by_name = row->is_by_name;
    use->slot.value = value;
    return 0;
}

static int out_of_memory(struct plan_builder *builder, struct error *err)
{
    builder->is_out_of_memory = true;
    return error_set(err, EXIT_INPUT, "no memory for them; raise --max-plan-size");
}

/* The answer was not whole when the request began: the place has to be one that is there before its
 * end. */
static bool may_be_open(struct binder *binder, const struct row *row)
{
    int64_t begun_us = binder->builder->drafts[row->consumer].moments.begin_us;
    return row->producer < row->consumer && birth_moment(&row->born) != BORN_AT_END &&
           binder->answer_begun_us != TRACE_NO_MOMENT && binder->answer_begun_us <= begun_us;
}

static int find_in_answer(struct binder *binder, struct row *row, int64_t exchange_id,
                          struct error *err)
{
    const struct plan_step *steps = binder->session->steps;
    bool is_open = steps[row->producer].end_position >= steps[row->consumer].needs;
    if (read_answer(binder, exchange_id, err))
        return -1;
    if (is_open && !may_be_open(binder, row))
        return plan_lose_row(binder, row, "the answer had not ended when the request began");
    if (birth_moment(&row->born) == BORN_IN_EVENT && !binder->is_undecoded)
        return plan_find_in_events(binder, row, is_open);
    int result = find_value(binder, row);
    if (result == 0)
        result = plan_find_use(binder, row);
    if (result == 0)
        row->use.events = birth_moment(&row->born) != BORN_AT_END;
    return result;
}

/* A value of an answer, or of a WebSocket that it opened. */
static int add_born(struct binder *binder, struct row *row, int64_t exchange_id, struct error *err)
{
    const struct plan_step *steps = binder->session->steps;
    uint32_t value = 0;
    if (row->producer == NO_PRODUCER)
        return plan_lose_row(binder, row, "its exchanges are not replayed in one session");
    bool is_message = birth_is_in_message(&row->born);
    if (is_message && steps[row->producer].end_position >= steps[row->consumer].needs)
        return plan_lose_row(binder, row, "the answer had not ended when the request began");
    int result = is_message ? plan_find_in_messages(binder, row, exchange_id, err)
                            : find_in_answer(binder, row, exchange_id, err);
    if (result == 0)
        result = find_birth(binder, row, &value);
    return result == 0 ? plan_add_use(binder, row, value) : result;
}

static int add_row(struct binder *binder, const struct trace_binding *binding, struct error *err)
{
    struct row row = {.binding_id = binding->binding_id,
                      .born_exchange_id = binding->born_exchange_id,
                      .form_word = binding->form.len ? binding->form : bytes_of("raw"),
                      .producer = NO_PRODUCER};
    struct error why;
    err->exit_code = EXIT_DONE;
    if (bytes_equal(binding->state, bytes_of("off")))
        return 0;
    if (!bytes_equal(binding->state, bytes_of("on")))
        return plan_lose_row(binder, &row, "state: there are on and off");
    if (place_parse(binding->born_place, PLACE_IN_ANSWER, &row.born, &why))
        return lose_place(binder, &row, "born_place", binding->born_place, &why);
    if (place_parse(binding->used_place, PLACE_IN_REQUEST, &row.used, &why))
        return lose_place(binder, &row, "used_place", binding->used_place, &why);
    enum place_kind born = row.born.steps[0].kind;
    uint32_t message = row.used.steps[0].kind == PLACE_WS ? row.used.steps[0].number : 0;
    if (!find_step(binder, binding->used_exchange_id, message, &row.consumer))
        return plan_lose_row(binder, &row, "its exchanges are not replayed in one session");
    find_step(binder, binding->born_exchange_id, 0, &row.producer);
    int result = born == PLACE_NEW || born == PLACE_DATA
                     ? plan_add_own(binder, &row)
                     : add_born(binder, &row, binding->born_exchange_id, err);
    return result < 0 && err->exit_code == EXIT_DONE ? out_of_memory(binder->builder, err) : result;
}

static int read_rows(struct plan_builder *builder, struct plan_session *session,
                     struct binder **binder, struct error *err)
{
    struct trace_binding binding;
    int more, result = 0;
    if (trace_reader_start_bindings(builder->reader, session->session_id, err))
        return -1;
    while ((more = trace_reader_next_binding(builder->reader, &binding, err)) > 0) {
        if (!*binder && !(*binder = binder_new(builder, session)))
            return out_of_memory(builder, err);
        result = add_row(*binder, &binding, err);
        if (result < 0)
            return -1;
    }
    return more;
}

/* Who plays it is the recorded user, for want of a row. */
static void note_account(struct binder *binder)
{
    binder->session->has_account = binder->asks_for_data && !binder->has_data;
    binder->builder->data_sessions += binder->has_data;
}

int plan_bind_session(struct plan_builder *builder, struct plan_session *session, struct error *err)
{
    struct binder *binder = NULL;
    int result = 0;
    if (identities_have_data(builder->options.identities) &&
        !(binder = binder_new(builder, session)))
        return out_of_memory(builder, err);
    if (binder && plan_find_data(binder))
        result = out_of_memory(builder, err);
    if (!result)
        result = read_rows(builder, session, &binder, err);
    if (binder && !result && (plan_place_data(binder) || plan_make_slots(binder)))
        result = out_of_memory(builder, err);
    if (result)
        error_prefix(err, "the bindings of session %lld", (long long)session->session_id);
    else if (binder)
        note_account(binder);
    binder_free(binder);
    return result;
}

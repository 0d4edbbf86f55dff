/* exchange_values.c - recorded messages read as the places' code wants them. */
#include "traces/correlate/exchange_values.h"

#include <stdlib.h>

#include "traces/content_coding.h"
#include "traces/places/place_find.h"

enum { MAX_HEAD_BYTES = 16 * 1024 * 1024, MAX_BODY_BYTES = 64 * 1024 * 1024 };

struct exchange_values {
    struct trace_reader *reader;
    struct content_decoder *decoder;
    struct place_scratch *scratch;
    int64_t exchange_id; /* 0: none was read */
    enum place_side side;
    struct exchange_facts facts;
    struct buf head, body; /* what `view` is made of */
    struct http_header headers[HTTP1_MAX_HEADERS];
    struct message_view view;
};

struct exchange_values *exchange_values_new(struct trace_reader *reader)
{
    struct exchange_values *values = calloc(1, sizeof *values);
    if (!values)
        return NULL;
    values->reader = reader;
    buf_init(&values->head, MAX_HEAD_BYTES);
    buf_init(&values->body, MAX_BODY_BYTES);
    values->scratch = place_scratch_new();
    values->decoder = content_decoder_new(MAX_BODY_BYTES);
    if (values->scratch && values->decoder)
        return values;
    exchange_values_free(values);
    return NULL;
}

void exchange_values_free(struct exchange_values *values)
{
    if (!values)
        return;
    place_scratch_free(values->scratch);
    content_decoder_free(values->decoder);
    buf_fini(&values->head);
    buf_fini(&values->body);
    free(values);
}

/* --- an exchange -------------------------------------------------------------------------- */

static void split_headers(struct exchange_values *values, struct bytes lines)
{
    struct message_view *view = &values->view;
    struct bytes line;
    view->header_count = 0;
    while (view->header_count < HTTP1_MAX_HEADERS && bytes_split(&lines, '\n', &line)) {
        size_t colon = bytes_index_of(line, ':');
        if (colon < line.len)
            values->headers[view->header_count++] = (struct http_header){
                bytes_make(line.ptr, colon), bytes_trim(bytes_from(line, colon + 1))};
    }
    view->headers = values->headers;
}

static int take_body(struct exchange_values *values, int64_t body_id, struct error *err)
{
    struct message_view *view = &values->view;
    const char *detail;
    buf_clear(&values->body);
    view->body = (struct bytes){0};
    if (trace_reader_get_body(values->reader, body_id, &values->body, err))
        return -1;
    view->body = buf_bytes(&values->body);
    if (content_decode(values->decoder, view->headers, view->header_count, view->body, &view->body,
                       &detail) != CONTENT_DECODED)
        view->body = (struct bytes){0};
    return 0;
}

/* 1, 0 when there is none, -1. */
static int read_exchange(struct exchange_values *values, int64_t exchange_id, enum place_side side,
                         struct error *err)
{
    struct trace_exchange exchange;
    int64_t endpoint_id;
    bool is_answer = side == PLACE_IN_ANSWER;
    if (values->exchange_id == exchange_id && values->side == side)
        return 1;
    values->exchange_id = 0;
    int found =
        trace_reader_get_exchange(values->reader, exchange_id, &exchange, &endpoint_id, err);
    if (found != 1)
        return found;
    values->facts = (struct exchange_facts){.session_id = exchange.session_id,
                                            .endpoint_id = endpoint_id,
                                            .begins_us = exchange.request_first_us,
                                            .answered_us = exchange.response_first_us,
                                            .ends_us = exchange.response_last_us};
    struct bytes lines = is_answer ? exchange.response_headers : exchange.request_headers;
    int64_t body_id = is_answer ? exchange.response_body_id : exchange.request_body_id;
    buf_clear(&values->head);
    buf_append_bytes(&values->head, exchange.target);
    buf_append_bytes(&values->head, lines);
    if (buf_failed(&values->head))
        return error_set(err, EXIT_INPUT, "exchange %lld: a head of more than %d MB",
                         (long long)exchange_id, MAX_HEAD_BYTES / 1024 / 1024);
    struct bytes head = buf_bytes(&values->head);
    values->view = (struct message_view){.side = side};
    if (!is_answer)
        values->view.target = bytes_make(head.ptr, exchange.target.len);
    split_headers(values, bytes_from(head, exchange.target.len));
    if (take_body(values, body_id, err))
        return -1;
    values->exchange_id = exchange_id;
    values->side = side;
    return 1;
}

int exchange_values_facts(struct exchange_values *values, int64_t exchange_id,
                          struct exchange_facts *ret_facts, struct error *err)
{
    int found = values->exchange_id == exchange_id
                    ? 1
                    : read_exchange(values, exchange_id, PLACE_IN_REQUEST, err);
    if (found == 1)
        *ret_facts = values->facts;
    return found;
}

/* --- WebSocket messages ------------------------------------------------------------------- */

/* A request's place is in the n-th message of the client, an answer's in the latest that has it. */
static int find_in_messages(struct exchange_values *values, int64_t exchange_id,
                            enum place_side side, const struct place *place, int64_t before_us,
                            struct bytes *ret_text, int64_t *ret_at_us, struct error *err)
{
    const struct place_step *ws = &place->steps[0];
    enum trace_sender sender = side == PLACE_IN_ANSWER ? TRACE_SERVER : TRACE_CLIENT;
    struct trace_message message;
    uint32_t number = 0;
    int more;
    if (trace_reader_start_messages(values->reader, exchange_id, err))
        return -1;
    values->exchange_id = 0;
    buf_clear(&values->head);
    while ((more = trace_reader_next_message(values->reader, &message, err)) == 1) {
        if (message.sender != sender || message.opcode > 2)
            continue;
        if (side == PLACE_IN_ANSWER && message.last_us > before_us)
            break;
        if (side == PLACE_IN_REQUEST && ++number != ws->number)
            continue;
        buf_clear(&values->body);
        if (trace_reader_get_body(values->reader, message.body_id, &values->body, err))
            return -1;
        struct message_view view = {.side = side, .body = buf_bytes(&values->body)};
        struct bytes text = place_find(place, &view, values->scratch);
        if (!text.ptr)
            continue;
        buf_clear(&values->head);
        buf_append_bytes(&values->head, text);
        *ret_text = buf_bytes(&values->head);
        if (ret_at_us)
            *ret_at_us = sender == TRACE_SERVER ? message.last_us : message.first_us;
    }
    if (buf_failed(&values->head))
        return error_set(err, EXIT_TOOL, "out of memory");
    return more < 0 ? -1 : 0; /* 1: the rest comes too late */
}

/* --- questions ---------------------------------------------------------------------------- */

int exchange_values_find(struct exchange_values *values, int64_t exchange_id, enum place_side side,
                         const struct place *place, int64_t before_us, struct bytes *ret_text,
                         int64_t *ret_at_us, struct error *err)
{
    *ret_text = (struct bytes){0};
    if (place->steps[0].kind == PLACE_WS)
        return find_in_messages(values, exchange_id, side, place, before_us, ret_text, ret_at_us,
                                err);
    int found = read_exchange(values, exchange_id, side, err);
    if (found != 1)
        return found;
    *ret_text = place_find(place, &values->view, values->scratch);
    if (ret_at_us)
        *ret_at_us = side == PLACE_IN_ANSWER ? values->facts.ends_us : values->facts.begins_us;
    return 0;
}

int exchange_values_written(struct exchange_values *values, int64_t exchange_id,
                            const struct place *place, struct bytes *ret_text, struct error *err)
{
    enum place_writing writing;
    *ret_text = (struct bytes){0};
    int found = read_exchange(values, exchange_id, PLACE_IN_REQUEST, err);
    if (found == 1)
        *ret_text = place_locate(place, &values->view, &writing);
    return found < 0 ? -1 : 0;
}

int exchange_values_visit(struct exchange_values *values, int64_t exchange_id, enum place_side side,
                          place_value_fn visit, void *owner, struct error *err)
{
    int found = read_exchange(values, exchange_id, side, err);
    return found == 1 ? place_visit(&values->view, values->scratch, visit, owner) : found;
}

int64_t exchange_gives_us(const struct exchange_facts *facts, const struct place *place)
{
    switch (place->steps[0].kind) {
    case PLACE_HEADER:
    case PLACE_COOKIE:
    case PLACE_SSE:
    case PLACE_BODY:
        return facts->answered_us;
    default:
        return facts->ends_us;
    }
}

/* recorded.c - reads an exchange's rows from the trace and undoes what lies around the content. */
#include "replay/verify/recorded.h"

#include "traces/content_coding.h"

enum { MAX_HEADER_BYTES = 16 << 20, MAX_BODY_BYTES = 64 << 20 };

int recorded_init(struct recorded *recorded, struct trace_reader *reader)
{
    *recorded = (struct recorded){.reader = reader};
    buf_init(&recorded->header_text, MAX_HEADER_BYTES);
    buf_init(&recorded->body, MAX_BODY_BYTES);
    recorded->decoder = content_decoder_new(MAX_BODY_BYTES);
    return recorded->decoder ? 0 : -1;
}

void recorded_fini(struct recorded *recorded)
{
    content_decoder_free(recorded->decoder);
    buf_fini(&recorded->header_text);
    buf_fini(&recorded->body);
}

size_t recorded_split_headers(struct bytes block, struct http_header *headers)
{
    struct bytes line;
    size_t count = 0;
    while (count < HTTP1_MAX_HEADERS && bytes_split(&block, '\n', &line)) {
        size_t colon = bytes_index_of(line, ':');
        if (colon && colon < line.len)
            headers[count++] = (struct http_header){bytes_trim(bytes_make(line.ptr, colon)),
                                                    bytes_trim(bytes_from(line, colon + 1))};
    }
    return count;
}

/* A body over our limit, or cut in the trace, is not compared. */
static int read_body(struct recorded *recorded, struct error *err)
{
    const struct trace_exchange *exchange = &recorded->exchange;
    const char *detail;
    buf_clear(&recorded->body);
    recorded->has_body = false;
    if (exchange->response_body_bytes > MAX_BODY_BYTES)
        return 0;
    if (trace_reader_get_body(recorded->reader, exchange->response_body_id, &recorded->body, err))
        return -1;
    if (recorded->body.len != exchange->response_body_bytes)
        return 0;
    recorded->answer.body = buf_bytes(&recorded->body);
    recorded->has_body =
        content_decode(recorded->decoder, recorded->answer.headers, recorded->answer.header_count,
                       recorded->answer.body, &recorded->answer.body, &detail) == CONTENT_DECODED;
    return 0;
}

int recorded_read(struct recorded *recorded, int64_t exchange_id, struct error *err)
{
    int found = trace_reader_get_exchange(recorded->reader, exchange_id, &recorded->exchange,
                                          &recorded->endpoint_id, err);
    if (found != 1)
        return found;
    buf_clear(&recorded->header_text);
    buf_append_bytes(&recorded->header_text, recorded->exchange.response_headers);
    recorded->answer = (struct http_response){
        .status = recorded->exchange.status,
        .headers = recorded->headers,
        .header_count =
            recorded_split_headers(buf_bytes(&recorded->header_text), recorded->headers),
    };
    return read_body(recorded, err) ? -1 : 1;
}

static int add_messages(struct recorded *recorded, struct facts *facts, struct error *err)
{
    struct trace_message message;
    struct ws_kinds kinds = {.count = 0};
    int more;
    if (trace_reader_start_messages(recorded->reader, recorded->exchange.exchange_id, err))
        return -1;
    while ((more = trace_reader_next_message(recorded->reader, &message, err)) > 0) {
        if (message.sender != TRACE_SERVER || (message.opcode != 1 && message.opcode != 2))
            continue;
        buf_clear(&recorded->body);
        if (trace_reader_get_body(recorded->reader, message.body_id, &recorded->body, err))
            return -1;
        ws_kinds_add(&kinds, message.opcode, buf_bytes(&recorded->body));
    }
    ws_kinds_facts(&kinds, facts);
    return more;
}

int recorded_facts(struct recorded *recorded, struct facts *facts, struct error *err)
{
    const struct facts_answer answer = {.response = &recorded->answer,
                                        .authority = recorded->exchange.authority,
                                        .has_body =
                                            recorded->has_body && !recorded->exchange.is_websocket};
    facts_of_answer(facts, &answer);
    if (!recorded->exchange.is_websocket)
        return 0;
    if (add_messages(recorded, facts, err))
        return -1;
    facts_sort(facts);
    return 0;
}

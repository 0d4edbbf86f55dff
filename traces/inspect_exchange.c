/* inspect_exchange.c - one exchange or one message with all it holds; the raw bytes of a body. */
#include "core/units.h"
#include "traces/inspect.h"
#include "traces/inspect_json.h"
#include "traces/printable.h"

enum { SHOWN_BINARY_BYTES = 32 };

static int not_there(const struct inspect *inspect, const char *what, int64_t id, struct error *err)
{
    return error_set(err, EXIT_INPUT, "%s: no %s %lld; 'reprise inspect %s session N' lists them",
                     trace_reader_path(inspect->reader), what, (long long)id,
                     trace_reader_path(inspect->reader));
}

static int get_exchange(struct inspect *inspect, int64_t id, struct trace_exchange *exchange,
                        int64_t *ret_endpoint_id, struct error *err)
{
    int found = trace_reader_get_exchange(inspect->reader, id, exchange, ret_endpoint_id, err);
    return found == 0 ? not_there(inspect, "exchange", id, err) : found < 0 ? -1 : 0;
}

static int get_message(struct inspect *inspect, int64_t id, struct trace_message *message,
                       struct error *err)
{
    int found = trace_reader_get_message(inspect->reader, id, message, err);
    return found == 0 ? not_there(inspect, "message", id, err) : found < 0 ? -1 : 0;
}

/* The value of the first header of that name in "Name: value\n" lines. */
static struct bytes header_value(struct bytes headers, const char *name)
{
    struct bytes header;
    while (bytes_split(&headers, '\n', &header)) {
        size_t colon = bytes_index_of(header, ':');
        if (bytes_equal_nocase(bytes_make(header.ptr, colon), bytes_of(name)))
            return bytes_trim(bytes_from(header, colon + 1));
    }
    return (struct bytes){0};
}

/* What is said of a body that is not shown whole. */
struct body_note {
    struct bytes content_encoding;
    uint64_t recorded_bytes; /* as transferred */
};

static void print_content(struct inspect *inspect, struct bytes content,
                          const struct body_note *note)
{
    FILE *out = inspect->out;
    char size[UNITS_TEXT_BYTES];
    if (note->content_encoding.len) {
        fputs("  (content-encoding, stored as transferred: ", out);
        fwrite(note->content_encoding.ptr, 1,
               is_readable(note->content_encoding) ? note->content_encoding.len : 0, out);
        fputs(")\n", out);
    }
    if (note->recorded_bytes > content.len)
        fprintf(out, "  (%llu bytes were transferred, %zu of them are stored)\n",
                (unsigned long long)note->recorded_bytes, content.len);
    if (!is_readable(content)) {
        fprintf(out, "  (binary, %s: ", size_format(size, sizeof size, (double)content.len));
        print_hex(out, content, SHOWN_BINARY_BYTES);
        fputs(")\n", out);
        return;
    }
    struct bytes shown = utf8_cut(content, inspect->max_bytes);
    print_lines(out, "  ", shown);
    if (shown.len < content.len)
        fprintf(out, "  (%zu bytes more: --max-bytes, or --body for all)\n",
                content.len - shown.len);
}

static int print_body(struct inspect *inspect, int64_t body_id, const struct body_note *note,
                      struct error *err)
{
    struct buf content = BUF_INIT(INSPECT_MAX_BODY_BYTES);
    int result = trace_reader_get_body(inspect->reader, body_id, &content, err);
    if (result == 0 && (content.len || note->recorded_bytes))
        print_content(inspect, buf_bytes(&content), note);
    buf_fini(&content);
    return result;
}

/* The stored content up to --max-bytes, and whether there is more of it. */
static int json_body(struct inspect *inspect, struct json_line *line, enum inspect_part part,
                     int64_t body_id, struct error *err)
{
    static const struct {
        const char *content;
        const char *is_cut;
    } names[] = {[INSPECT_REQUEST] = {"request_body", "is_request_body_cut"},
                 [INSPECT_RESPONSE] = {"response_body", "is_response_body_cut"},
                 [INSPECT_MESSAGE] = {"body", "is_body_cut"}};
    struct buf content = BUF_INIT(INSPECT_MAX_BODY_BYTES);
    int result = trace_reader_get_body(inspect->reader, body_id, &content, err);
    if (result == 0 && body_id) {
        struct bytes shown = utf8_cut(buf_bytes(&content), inspect->max_bytes);
        json_line_text(line, names[part].content, shown);
        json_line_bool(line, names[part].is_cut, shown.len < content.len);
    }
    buf_fini(&content);
    return result;
}

static int exchange_json(struct inspect *inspect, const struct trace_exchange *exchange,
                         struct bytes endpoint, struct error *err)
{
    char flaws[TRACE_FLAWS_TEXT_BYTES];
    struct json_line line;
    json_line_start(&line);
    json_line_int(&line, "exchange_id", exchange->exchange_id);
    json_line_id(&line, "session_id", exchange->session_id);
    json_line_id(&line, "connection_id", exchange->connection_id);
    json_line_text(&line, "endpoint", endpoint);
    json_line_moment(&line, "request_first_us", exchange->request_first_us);
    json_line_moment(&line, "request_last_us", exchange->request_last_us);
    json_line_moment(&line, "response_first_us", exchange->response_first_us);
    json_line_moment(&line, "response_last_us", exchange->response_last_us);
    json_line_text(&line, "method", exchange->method);
    json_line_text(&line, "scheme", exchange->scheme);
    json_line_text(&line, "authority", exchange->authority);
    json_line_text(&line, "target", exchange->target);
    json_line_text(&line, "http_version", exchange->http_version);
    json_line_int(&line, "status", exchange->status);
    json_line_text(&line, "reason", exchange->reason);
    json_line_text(&line, "interim_statuses", exchange->interim_statuses);
    json_line_headers(&line, "request_headers", exchange->request_headers);
    json_line_headers(&line, "response_headers", exchange->response_headers);
    json_line_headers(&line, "request_trailers", exchange->request_trailers);
    json_line_headers(&line, "response_trailers", exchange->response_trailers);
    json_line_count(&line, "request_body_bytes", exchange->request_body_bytes);
    json_line_count(&line, "response_body_bytes", exchange->response_body_bytes);
    json_line_bool(&line, "is_websocket", exchange->is_websocket);
    json_line_text(&line, "flaws", bytes_of(trace_flaws_format(exchange->flaws, flaws)));
    int failed = json_body(inspect, &line, INSPECT_REQUEST, exchange->request_body_id, err) ||
                 json_body(inspect, &line, INSPECT_RESPONSE, exchange->response_body_id, err);
    struct error ignored;
    return json_line_end(&line, inspect->out, failed ? &ignored : err) || failed ? -1 : 0;
}

static void print_head(const struct trace_exchange *exchange, struct bytes endpoint, FILE *out)
{
    char first[INSPECT_MOMENT_BYTES], sent[INSPECT_MOMENT_BYTES], wait[INSPECT_MOMENT_BYTES],
        got[INSPECT_MOMENT_BYTES], flaws[TRACE_FLAWS_TEXT_BYTES];
    fprintf(out, "exchange %lld, session %lld, connection %lld\n", (long long)exchange->exchange_id,
            (long long)exchange->session_id, (long long)exchange->connection_id);
    print_lines(out, "endpoint  ", endpoint.len ? endpoint : bytes_of("-"));
    fprintf(out, "time      %s s, sent in %s, first byte after %s, received in %s\n",
            inspect_moment(exchange->request_first_us != TRACE_NO_MOMENT
                               ? exchange->request_first_us
                               : exchange->response_first_us,
                           first),
            inspect_span(exchange->request_first_us, exchange->request_last_us, sent),
            inspect_span(exchange->request_last_us, exchange->response_first_us, wait),
            inspect_span(exchange->response_first_us, exchange->response_last_us, got));
    if (exchange->flaws)
        fprintf(out, "flaws     %s\n", trace_flaws_format(exchange->flaws, flaws));
    if (exchange->interim_statuses.len)
        print_lines(out, "interim   ", exchange->interim_statuses);
}

/* Start line and headers: from parts that may hold anything but line ends. */
static void print_start_line(FILE *out, const char *arrow, const struct trace_exchange *exchange,
                             bool is_request)
{
    char room[8192];
    struct bytes text = {.ptr = room};
    int len;
    if (is_request)
        len = snprintf(room, sizeof room, "%.*s %.*s HTTP/%.*s", BYTES_ARG(exchange->method),
                       BYTES_ARG(exchange->target), BYTES_ARG(exchange->http_version));
    else
        len = snprintf(room, sizeof room, "HTTP/%.*s %d %.*s", BYTES_ARG(exchange->http_version),
                       exchange->status, BYTES_ARG(exchange->reason));
    text.len = len < (int)sizeof room ? (size_t)len : sizeof room - 1;
    print_lines(out, arrow, text);
}

static int exchange_text(struct inspect *inspect, const struct trace_exchange *exchange,
                         struct bytes endpoint, struct error *err)
{
    FILE *out = inspect->out;
    struct body_note note = {header_value(exchange->request_headers, "content-encoding"),
                             exchange->request_body_bytes};
    print_head(exchange, endpoint, out);
    fputc('\n', out);
    if (exchange->method.len) {
        print_start_line(out, "> ", exchange, true);
        print_lines(out, "> ", exchange->request_headers);
        if (print_body(inspect, exchange->request_body_id, &note, err))
            return -1;
        print_lines(out, "> (trailer) ", exchange->request_trailers);
    } else {
        fputs("> (the request was not seen)\n", out);
    }
    fputc('\n', out);
    if (!exchange->status) {
        fputs("< (no answer)\n", out);
        return 0;
    }
    note = (struct body_note){header_value(exchange->response_headers, "content-encoding"),
                              exchange->response_body_bytes};
    print_start_line(out, "< ", exchange, false);
    print_lines(out, "< ", exchange->response_headers);
    if (print_body(inspect, exchange->response_body_id, &note, err))
        return -1;
    print_lines(out, "< (trailer) ", exchange->response_trailers);
    return 0;
}

int inspect_exchange(struct inspect *inspect, int64_t exchange_id, struct error *err)
{
    struct trace_exchange exchange;
    int64_t endpoint_id = 0;
    struct bytes endpoint = bytes_of("");
    if (get_exchange(inspect, exchange_id, &exchange, &endpoint_id, err) ||
        trace_reader_endpoint_name(inspect->reader, endpoint_id, &endpoint, err) < 0)
        return -1;
    return inspect->is_json ? exchange_json(inspect, &exchange, endpoint, err)
                            : exchange_text(inspect, &exchange, endpoint, err);
}

static int message_json(struct inspect *inspect, const struct trace_message *message,
                        struct error *err)
{
    char flaws[TRACE_FLAWS_TEXT_BYTES];
    struct json_line line;
    json_line_start(&line);
    json_line_int(&line, "message_id", message->message_id);
    json_line_id(&line, "exchange_id", message->exchange_id);
    json_line_id(&line, "connection_id", message->connection_id);
    json_line_id(&line, "session_id", message->session_id);
    json_line_moment(&line, "first_us", message->first_us);
    json_line_moment(&line, "last_us", message->last_us);
    json_line_text(&line, "sender", bytes_of(trace_sender_name(message->sender)));
    json_line_int(&line, "opcode", message->opcode);
    json_line_int(&line, "frame_count", message->frame_count);
    json_line_bool(&line, "is_compressed", message->is_compressed);
    json_line_count(&line, "wire_bytes", message->wire_bytes);
    json_line_count(&line, "payload_bytes", message->payload_bytes);
    json_line_int(&line, "close_code", message->close_code);
    json_line_text(&line, "flaws", bytes_of(trace_flaws_format(message->flaws, flaws)));
    int failed = json_body(inspect, &line, INSPECT_MESSAGE, message->body_id, err);
    struct error ignored;
    return json_line_end(&line, inspect->out, failed ? &ignored : err) || failed ? -1 : 0;
}

int inspect_message(struct inspect *inspect, int64_t message_id, struct error *err)
{
    struct trace_message message;
    char first[INSPECT_MOMENT_BYTES], flaws[TRACE_FLAWS_TEXT_BYTES];
    if (get_message(inspect, message_id, &message, err))
        return -1;
    if (inspect->is_json)
        return message_json(inspect, &message, err);
    FILE *out = inspect->out;
    fprintf(out, "message %lld of exchange %lld, session %lld, connection %lld\n",
            (long long)message.message_id, (long long)message.exchange_id,
            (long long)message.session_id, (long long)message.connection_id);
    fprintf(out, "time      %s s\n", inspect_moment(message.first_us, first));
    fprintf(out, "sent by   %s: %s, %u frame%s%s\n", trace_sender_name(message.sender),
            inspect_opcode_name(message.opcode), message.frame_count,
            message.frame_count == 1 ? "" : "s",
            message.is_compressed ? ", compressed on the wire" : "");
    if (message.close_code)
        fprintf(out, "code      %d\n", message.close_code);
    if (message.flaws)
        fprintf(out, "flaws     %s\n", trace_flaws_format(message.flaws, flaws));
    fputc('\n', out);
    struct body_note note = {.recorded_bytes = message.body_id ? message.payload_bytes : 0};
    return print_body(inspect, message.body_id, &note, err);
}

int inspect_raw(struct inspect *inspect, enum inspect_part part, int64_t id, struct error *err)
{
    struct trace_exchange exchange = {0};
    struct trace_message message = {0};
    int64_t endpoint_id;
    int result = part == INSPECT_MESSAGE ? get_message(inspect, id, &message, err)
                                         : get_exchange(inspect, id, &exchange, &endpoint_id, err);
    if (result)
        return -1;
    int64_t body_id = part == INSPECT_REQUEST    ? exchange.request_body_id
                      : part == INSPECT_RESPONSE ? exchange.response_body_id
                                                 : message.body_id;
    struct buf content = BUF_INIT(INSPECT_MAX_BODY_BYTES);
    result = trace_reader_get_body(inspect->reader, body_id, &content, err);
    if (result == 0)
        fwrite(buf_bytes(&content).ptr, 1, content.len, inspect->out);
    buf_fini(&content);
    return result;
}

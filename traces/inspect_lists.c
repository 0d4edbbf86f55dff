/* inspect_lists.c - sessions, what happened in one of them, endpoints. */
#include "core/table.h"
#include "core/units.h"
#include "traces/inspect.h"
#include "traces/inspect_json.h"

char *inspect_moment(int64_t us, char out[INSPECT_MOMENT_BYTES])
{
    if (us == TRACE_NO_MOMENT)
        snprintf(out, INSPECT_MOMENT_BYTES, "-");
    else
        snprintf(out, INSPECT_MOMENT_BYTES, "%+.6f", (double)us / 1e6);
    return out;
}

char *inspect_span(int64_t from_us, int64_t to_us, char out[INSPECT_MOMENT_BYTES])
{
    if (from_us == TRACE_NO_MOMENT || to_us == TRACE_NO_MOMENT)
        snprintf(out, INSPECT_MOMENT_BYTES, "-");
    else
        duration_format(out, INSPECT_MOMENT_BYTES, (double)to_us - (double)from_us);
    return out;
}

const char *inspect_opcode_name(int opcode)
{
    switch (opcode) {
    case 1:
        return "text";
    case 2:
        return "binary";
    case 8:
        return "close";
    case 9:
        return "ping";
    case 10:
        return "pong";
    default:
        return "reserved";
    }
}

static int print_session_json(struct inspect *inspect, const struct trace_session *session,
                              struct error *err)
{
    char flaws[TRACE_FLAWS_TEXT_BYTES];
    struct json_line line;
    json_line_start(&line);
    json_line_int(&line, "session_id", session->session_id);
    json_line_text(&line, "identity_kind", bytes_of(trace_identity_name(session->identity_kind)));
    json_line_text(&line, "identity", session->identity);
    json_line_text(&line, "label", session->label);
    json_line_moment(&line, "first_us", session->first_us);
    json_line_moment(&line, "last_us", session->last_us);
    json_line_text(&line, "flaws", bytes_of(trace_flaws_format(session->flaws, flaws)));
    json_line_count(&line, "exchange_count", session->exchange_count);
    json_line_count(&line, "message_count", session->message_count);
    return json_line_end(&line, inspect->out, err);
}

static void add_session(struct table *table, const struct trace_session *session)
{
    char first[INSPECT_MOMENT_BYTES], length[INSPECT_MOMENT_BYTES], flaws[TRACE_FLAWS_TEXT_BYTES];
    table_row(table);
    table_cell(table, "%lld", (long long)session->session_id);
    table_cell(table, "%s", inspect_moment(session->first_us, first));
    table_cell(table, "%s", inspect_span(session->first_us, session->last_us, length));
    table_cell(table, "%llu", (unsigned long long)session->exchange_count);
    table_cell(table, "%llu", (unsigned long long)session->message_count);
    table_cell(table, "%.*s", BYTES_ARG(session->identity));
    table_cell(table, "%.*s", BYTES_ARG(session->label));
    table_cell(table, "%s", trace_flaws_format(session->flaws, flaws));
}

int inspect_sessions(struct inspect *inspect, struct error *err)
{
    struct trace_session session;
    struct table table;
    int found, result = 0;
    if (trace_reader_start_sessions(inspect->reader, err))
        return -1;
    table_init(&table, ">session|>start s|>length|>exchanges|>messages|identity|label|flaws",
               INSPECT_MAX_TABLE_BYTES);
    while ((found = trace_reader_next_session(inspect->reader, &session, err)) == 1) {
        if (!inspect->is_json)
            add_session(&table, &session);
        else if ((result = print_session_json(inspect, &session, err)) != 0)
            break;
    }
    if (!inspect->is_json)
        table_print(&table, inspect->out);
    table_fini(&table);
    return found < 0 ? -1 : result;
}

/* What happened in a session, exchanges and messages in one order of time. */
struct story {
    struct inspect *inspect;
    struct table table;
    int64_t first_us; /* of the session */
    struct trace_exchange exchange;
    struct trace_message message;
    int64_t endpoint_id;
    bool has_exchange; /* the next one of each, not shown yet */
    bool has_message;
};

static int next_exchange(struct story *story, struct error *err)
{
    int found = trace_reader_next_exchange(story->inspect->reader, &story->exchange,
                                           &story->endpoint_id, err);
    story->has_exchange = found == 1;
    return found < 0 ? -1 : 0;
}

static int next_message(struct story *story, struct error *err)
{
    int found = trace_reader_next_message(story->inspect->reader, &story->message, err);
    story->has_message = found == 1;
    return found < 0 ? -1 : 0;
}

static int64_t began_us(const struct trace_exchange *exchange)
{
    return exchange->request_first_us != TRACE_NO_MOMENT ? exchange->request_first_us
                                                         : exchange->response_first_us;
}

static void cell_relative(struct story *story, int64_t us)
{
    if (us == TRACE_NO_MOMENT || story->first_us == TRACE_NO_MOMENT)
        table_cell(&story->table, "-");
    else
        table_cell(&story->table, "%+.3f", ((double)us - (double)story->first_us) / 1e6);
}

static int tell_exchange(struct story *story, struct error *err)
{
    const struct trace_exchange *exchange = &story->exchange;
    char took[INSPECT_MOMENT_BYTES], flaws[TRACE_FLAWS_TEXT_BYTES], bytes[UNITS_TEXT_BYTES];
    trace_flaws_format(exchange->flaws, flaws);
    if (story->inspect->is_json) {
        struct json_line line;
        json_line_start(&line);
        json_line_text(&line, "kind", bytes_of("exchange"));
        json_line_int(&line, "exchange_id", exchange->exchange_id);
        json_line_id(&line, "connection_id", exchange->connection_id);
        json_line_moment(&line, "request_first_us", exchange->request_first_us);
        json_line_moment(&line, "response_last_us", exchange->response_last_us);
        json_line_text(&line, "method", exchange->method);
        json_line_text(&line, "authority", exchange->authority);
        json_line_text(&line, "target", exchange->target);
        json_line_int(&line, "status", exchange->status);
        json_line_count(&line, "request_body_bytes", exchange->request_body_bytes);
        json_line_count(&line, "response_body_bytes", exchange->response_body_bytes);
        json_line_bool(&line, "is_websocket", exchange->is_websocket);
        json_line_text(&line, "flaws", bytes_of(flaws));
        return json_line_end(&line, story->inspect->out, err);
    }
    table_row(&story->table);
    cell_relative(story, began_us(exchange));
    table_cell(&story->table, "exchange %lld", (long long)exchange->exchange_id);
    table_cell(&story->table, "%.*s %.*s",
               BYTES_ARG(exchange->method.len ? exchange->method : bytes_of("(not seen)")),
               BYTES_ARG(exchange->target));
    table_cell(&story->table, "%d", exchange->status);
    table_cell(&story->table, "%s",
               inspect_span(exchange->request_first_us, exchange->response_last_us, took));
    table_cell(&story->table, "%s",
               size_format(bytes, sizeof bytes, (double)exchange->response_body_bytes));
    table_cell(&story->table, "%s", flaws);
    return 0;
}

static int tell_message(struct story *story, struct error *err)
{
    const struct trace_message *message = &story->message;
    char flaws[TRACE_FLAWS_TEXT_BYTES], bytes[UNITS_TEXT_BYTES];
    trace_flaws_format(message->flaws, flaws);
    if (story->inspect->is_json) {
        struct json_line line;
        json_line_start(&line);
        json_line_text(&line, "kind", bytes_of("message"));
        json_line_int(&line, "message_id", message->message_id);
        json_line_id(&line, "exchange_id", message->exchange_id);
        json_line_moment(&line, "first_us", message->first_us);
        json_line_text(&line, "sender", bytes_of(trace_sender_name(message->sender)));
        json_line_int(&line, "opcode", message->opcode);
        json_line_count(&line, "payload_bytes", message->payload_bytes);
        json_line_int(&line, "close_code", message->close_code);
        json_line_text(&line, "flaws", bytes_of(flaws));
        return json_line_end(&line, story->inspect->out, err);
    }
    table_row(&story->table);
    cell_relative(story, message->first_us);
    table_cell(&story->table, "message %lld", (long long)message->message_id);
    table_cell(&story->table, "  %s %s of exchange %lld",
               message->sender == TRACE_CLIENT ? "->" : "<-", inspect_opcode_name(message->opcode),
               (long long)message->exchange_id);
    if (message->close_code)
        table_cell(&story->table, "%d", message->close_code);
    else
        table_cell(&story->table, "-");
    table_cell(&story->table, "-");
    table_cell(&story->table, "%s",
               size_format(bytes, sizeof bytes, (double)message->payload_bytes));
    table_cell(&story->table, "%s", flaws);
    return 0;
}

static int tell_all(struct story *story, struct error *err)
{
    if (next_exchange(story, err) || next_message(story, err))
        return -1;
    while (story->has_exchange || story->has_message) {
        bool is_exchange =
            story->has_exchange &&
            (!story->has_message || began_us(&story->exchange) <= story->message.first_us);
        int result = is_exchange ? tell_exchange(story, err) : tell_message(story, err);
        if (result == 0)
            result = is_exchange ? next_exchange(story, err) : next_message(story, err);
        if (result)
            return -1;
    }
    return 0;
}

int inspect_session(struct inspect *inspect, int64_t session_id, struct error *err)
{
    struct trace_session session;
    struct story story = {.inspect = inspect};
    int found = trace_reader_get_session(inspect->reader, session_id, &session, err);
    if (found == 0)
        return error_set(err, EXIT_INPUT,
                         "%s: no session %lld; 'reprise inspect %s sessions' lists them",
                         trace_reader_path(inspect->reader), (long long)session_id,
                         trace_reader_path(inspect->reader));
    if (found < 0 || trace_reader_start_exchanges(inspect->reader, session_id, err) ||
        trace_reader_start_session_messages(inspect->reader, session_id, err))
        return -1;
    story.first_us = session.first_us;
    if (inspect->is_json)
        return tell_all(&story, err);

    table_init(&story.table, ">session|>start s|>length|>exchanges|>messages|identity|label|flaws",
               INSPECT_MAX_TABLE_BYTES);
    add_session(&story.table, &session);
    table_print(&story.table, inspect->out);
    table_fini(&story.table);
    fputc('\n', inspect->out);
    table_init(&story.table, ">at s||what|>status|>took|>bytes|flaws", INSPECT_MAX_TABLE_BYTES);
    int result = tell_all(&story, err);
    table_print(&story.table, inspect->out);
    table_fini(&story.table);
    return result;
}

static int print_endpoint_json(struct inspect *inspect, const struct trace_endpoint_totals *totals,
                               struct error *err)
{
    struct json_line line;
    json_line_start(&line);
    json_line_id(&line, "endpoint_id", totals->endpoint_id);
    json_line_text(&line, "endpoint", totals->name);
    json_line_count(&line, "count", totals->count);
    json_line_count(&line, "errors", totals->errors);
    json_line_moment(&line, "p50_us", totals->p50_us);
    json_line_moment(&line, "p95_us", totals->p95_us);
    json_line_moment(&line, "max_us", totals->max_us);
    json_line_count(&line, "request_bytes", totals->request_bytes);
    json_line_count(&line, "response_bytes", totals->response_bytes);
    return json_line_end(&line, inspect->out, err);
}

static void add_endpoint(struct table *table, const struct trace_endpoint_totals *totals)
{
    char text[INSPECT_MOMENT_BYTES], bytes[UNITS_TEXT_BYTES];
    const int64_t durations[] = {totals->p50_us, totals->p95_us, totals->max_us};
    table_row(table);
    table_cell(table, "%.*s", BYTES_ARG(totals->name));
    table_cell(table, "%llu", (unsigned long long)totals->count);
    table_cell(table, "%llu", (unsigned long long)totals->errors);
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++)
        table_cell(table, "%s",
                   inspect_span(durations[i] == TRACE_NO_MOMENT ? TRACE_NO_MOMENT : 0, durations[i],
                                text));
    table_cell(table, "%s", size_format(bytes, sizeof bytes, (double)totals->request_bytes));
    table_cell(table, "%s", size_format(bytes, sizeof bytes, (double)totals->response_bytes));
}

int inspect_endpoints(struct inspect *inspect, size_t most, struct error *err)
{
    struct trace_endpoint_totals totals;
    struct table table;
    size_t count = 0;
    int found, result = 0;
    if (trace_reader_start_endpoints(inspect->reader, err))
        return -1;
    table_init(&table, "endpoint|>count|>errors|>p50|>p95|>max|>sent|>received",
               INSPECT_MAX_TABLE_BYTES);
    while ((found = trace_reader_next_endpoint(inspect->reader, &totals, err)) == 1) {
        count++;
        if (inspect->is_json)
            result = print_endpoint_json(inspect, &totals, err);
        else if (!most || count <= most)
            add_endpoint(&table, &totals);
        if (result)
            break;
    }
    if (!inspect->is_json) {
        table_print(&table, inspect->out);
        if (most && count > most)
            fprintf(inspect->out, "and %zu more: 'reprise inspect %s endpoints'\n", count - most,
                    trace_reader_path(inspect->reader));
    }
    table_fini(&table);
    return found < 0 ? -1 : result;
}

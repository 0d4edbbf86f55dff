/* rows.c - each struct of trace.h as a row: bound in the order of its columns, taken in it. */
#include "traces/rows.h"

static void text_out(struct row_out *row, const char *text)
{
    row_out_text(row, bytes_of(text));
}

static void flaws_out(struct row_out *row, uint32_t flaws)
{
    char text[TRACE_FLAWS_TEXT_BYTES];
    if (!flaws)
        row_out_text(row, bytes_of(""));
    else
        row_out_transient_text(row, bytes_of(trace_flaws_format(flaws, text)));
}

void facts_out(struct row_out *row, const struct trace_facts *facts)
{
    row_out_int(row, facts->origin_unix_us);
    row_out_text(row, facts->source);
    row_out_text(row, facts->tool_version);
    row_out_text(row, facts->redaction);
    row_out_int(row, facts->is_complete);
    row_out_moment(row, facts->last_us);
    row_out_count(row, facts->packets);
    row_out_count(row, facts->payload_bytes);
    row_out_count(row, facts->stored_bytes);
}

int facts_in(sqlite3_stmt *statement, struct trace_facts *facts, struct error *err)
{
    struct row_in row = row_in_start(statement);
    facts->origin_unix_us = row_in_int(&row, INT64_MIN, INT64_MAX);
    facts->source = row_in_text(&row);
    facts->tool_version = row_in_text(&row);
    facts->redaction = row_in_text(&row);
    facts->is_complete = row_in_bool(&row);
    facts->last_us = row_in_moment(&row);
    facts->packets = row_in_count(&row);
    facts->payload_bytes = row_in_count(&row);
    facts->stored_bytes = row_in_count(&row);
    return row_in_end(&row, "trace", 1, err);
}

void session_out(struct row_out *row, const struct trace_session *session)
{
    row_out_int(row, session->session_id);
    text_out(row, trace_identity_name(session->identity_kind));
    row_out_text(row, session->identity);
    row_out_text(row, session->label);
    row_out_moment(row, session->first_us);
    row_out_moment(row, session->last_us);
    flaws_out(row, session->flaws);
    row_out_count(row, session->exchange_count);
    row_out_count(row, session->message_count);
}

/* The value whose name is in the column: `names` are those of 0, 1, 2, ... */
typedef const char *(*name_of)(int value);

static int word_in(struct row_in *row, name_of name, int count, const char *wanted)
{
    struct bytes word = row_in_text(row);
    for (int value = 0; value < count; value++) {
        if (bytes_equal(word, bytes_of(name(value))))
            return value;
    }
    row_in_reject(row, wanted);
    return 0;
}

static const char *identity_name(int value)
{
    return trace_identity_name((enum trace_identity_kind)value);
}

static const char *end_name(int value)
{
    return trace_end_name((enum trace_connection_end)value);
}

static const char *sender_name(int value)
{
    return trace_sender_name((enum trace_sender)value);
}

static const char *reason_name(int value)
{
    return trace_reason_name((enum trace_reason)value);
}

static uint32_t flaws_in(struct row_in *row)
{
    struct bytes words = row_in_text(row);
    uint32_t flaws = 0;
    if (words.len && !trace_flaws_parse(words, &flaws))
        row_in_reject(row, "a list of flaws");
    return flaws;
}

int session_in(sqlite3_stmt *statement, struct trace_session *session, struct error *err)
{
    struct row_in row = row_in_start(statement);
    session->session_id = row_in_int(&row, INT64_MIN, INT64_MAX);
    session->identity_kind = (enum trace_identity_kind)word_in(
        &row, identity_name, TRACE_BY_HEADER + 1, "a kind of identity");
    session->identity = row_in_text(&row);
    session->label = row_in_text(&row);
    session->first_us = row_in_moment(&row);
    session->last_us = row_in_moment(&row);
    session->flaws = flaws_in(&row);
    session->exchange_count = row_in_count(&row);
    session->message_count = row_in_count(&row);
    return row_in_end(&row, "session", session->session_id, err);
}

void connection_out(struct row_out *row, const struct trace_connection *connection)
{
    row_out_int(row, connection->connection_id);
    row_out_text(row, connection->client_address);
    row_out_int(row, connection->client_port);
    row_out_text(row, connection->server_address);
    row_out_int(row, connection->server_port);
    row_out_int(row, connection->is_tls);
    row_out_text(row, connection->protocol);
    row_out_moment(row, connection->opened_us);
    row_out_moment(row, connection->closed_us);
    text_out(row, trace_end_name(connection->end));
    flaws_out(row, connection->flaws);
}

int connection_in(sqlite3_stmt *statement, struct trace_connection *connection, struct error *err)
{
    struct row_in row = row_in_start(statement);
    connection->connection_id = row_in_int(&row, INT64_MIN, INT64_MAX);
    connection->client_address = row_in_text(&row);
    connection->client_port = (uint16_t)row_in_int(&row, 0, UINT16_MAX);
    connection->server_address = row_in_text(&row);
    connection->server_port = (uint16_t)row_in_int(&row, 0, UINT16_MAX);
    connection->is_tls = row_in_bool(&row);
    connection->protocol = row_in_text(&row);
    connection->opened_us = row_in_moment(&row);
    connection->closed_us = row_in_moment(&row);
    connection->end = (enum trace_connection_end)word_in(&row, end_name, TRACE_END_EVICTED + 1,
                                                         "an end of a connection");
    connection->flaws = flaws_in(&row);
    return row_in_end(&row, "connection", connection->connection_id, err);
}

void exchange_out(struct row_out *row, const struct trace_exchange *exchange, int64_t endpoint_id)
{
    row_out_int(row, exchange->exchange_id);
    row_out_id(row, exchange->session_id);
    row_out_id(row, exchange->connection_id);
    row_out_id(row, endpoint_id);
    row_out_moment(row, exchange->request_first_us);
    row_out_moment(row, exchange->request_last_us);
    row_out_moment(row, exchange->response_first_us);
    row_out_moment(row, exchange->response_last_us);
    row_out_text(row, exchange->method);
    row_out_text(row, exchange->scheme);
    row_out_text(row, exchange->authority);
    row_out_text(row, exchange->target);
    row_out_text(row, exchange->http_version);
    row_out_int(row, exchange->status);
    row_out_text(row, exchange->reason);
    row_out_text(row, exchange->interim_statuses);
    row_out_id(row, exchange->request_body_id);
    row_out_id(row, exchange->response_body_id);
    row_out_count(row, exchange->request_body_bytes);
    row_out_count(row, exchange->response_body_bytes);
    flaws_out(row, exchange->flaws);
    row_out_int(row, exchange->is_websocket);
    row_out_text(row, exchange->request_headers);
    row_out_text(row, exchange->response_headers);
    row_out_text(row, exchange->request_trailers);
    row_out_text(row, exchange->response_trailers);
}

int exchange_in(sqlite3_stmt *statement, struct trace_exchange *exchange, int64_t *ret_endpoint_id,
                struct error *err)
{
    struct row_in row = row_in_start(statement);
    exchange->exchange_id = row_in_int(&row, INT64_MIN, INT64_MAX);
    exchange->session_id = row_in_id(&row);
    exchange->connection_id = row_in_id(&row);
    int64_t endpoint_id = row_in_id(&row);
    exchange->request_first_us = row_in_moment(&row);
    exchange->request_last_us = row_in_moment(&row);
    exchange->response_first_us = row_in_moment(&row);
    exchange->response_last_us = row_in_moment(&row);
    exchange->method = row_in_text(&row);
    exchange->scheme = row_in_text(&row);
    exchange->authority = row_in_text(&row);
    exchange->target = row_in_text(&row);
    exchange->http_version = row_in_text(&row);
    exchange->status = (int)row_in_int(&row, 0, 999);
    exchange->reason = row_in_text(&row);
    exchange->interim_statuses = row_in_text(&row);
    exchange->request_body_id = row_in_id(&row);
    exchange->response_body_id = row_in_id(&row);
    exchange->request_body_bytes = row_in_count(&row);
    exchange->response_body_bytes = row_in_count(&row);
    exchange->flaws = flaws_in(&row);
    exchange->is_websocket = row_in_bool(&row);
    exchange->request_headers = row_in_text(&row);
    exchange->response_headers = row_in_text(&row);
    exchange->request_trailers = row_in_text(&row);
    exchange->response_trailers = row_in_text(&row);
    if (row_in_end(&row, "exchange", exchange->exchange_id, err))
        return -1;
    *ret_endpoint_id = endpoint_id;
    return 0;
}

int request_in(sqlite3_stmt *statement, struct trace_exchange *exchange, int64_t *ret_endpoint_id,
               struct error *err)
{
    struct row_in row = row_in_start(statement);
    *exchange = (struct trace_exchange){0};
    exchange->exchange_id = row_in_int(&row, INT64_MIN, INT64_MAX);
    exchange->connection_id = row_in_id(&row);
    *ret_endpoint_id = row_in_id(&row);
    exchange->request_first_us = row_in_moment(&row);
    exchange->response_first_us = row_in_moment(&row);
    exchange->response_last_us = row_in_moment(&row);
    exchange->method = row_in_text(&row);
    exchange->authority = row_in_text(&row);
    exchange->target = row_in_text(&row);
    exchange->status = (int)row_in_int(&row, 0, 999);
    exchange->request_body_id = row_in_id(&row);
    exchange->request_body_bytes = row_in_count(&row);
    exchange->is_websocket = row_in_bool(&row);
    exchange->request_headers = row_in_text(&row);
    return row_in_end(&row, "exchange", exchange->exchange_id, err);
}

void message_out(struct row_out *row, const struct trace_message *message, int64_t message_id)
{
    row_out_int(row, message_id);
    row_out_id(row, message->exchange_id);
    row_out_id(row, message->connection_id);
    row_out_id(row, message->session_id);
    row_out_moment(row, message->first_us);
    row_out_moment(row, message->last_us);
    text_out(row, trace_sender_name(message->sender));
    row_out_int(row, message->opcode);
    row_out_int(row, message->frame_count);
    row_out_int(row, message->is_compressed);
    row_out_count(row, message->wire_bytes);
    row_out_count(row, message->payload_bytes);
    row_out_int(row, message->close_code);
    row_out_id(row, message->body_id);
    flaws_out(row, message->flaws);
}

int message_in(sqlite3_stmt *statement, struct trace_message *message, struct error *err)
{
    struct row_in row = row_in_start(statement);
    message->message_id = row_in_int(&row, INT64_MIN, INT64_MAX);
    message->exchange_id = row_in_id(&row);
    message->connection_id = row_in_id(&row);
    message->session_id = row_in_id(&row);
    message->first_us = row_in_moment(&row);
    message->last_us = row_in_moment(&row);
    message->sender = (enum trace_sender)word_in(&row, sender_name, TRACE_SERVER + 1, "a sender");
    message->opcode = (int)row_in_int(&row, 0, 15);
    message->frame_count = (uint32_t)row_in_int(&row, 0, UINT32_MAX);
    message->is_compressed = row_in_bool(&row);
    message->wire_bytes = row_in_count(&row);
    message->payload_bytes = row_in_count(&row);
    message->close_code = (int)row_in_int(&row, 0, UINT16_MAX);
    message->body_id = row_in_id(&row);
    message->flaws = flaws_in(&row);
    return row_in_end(&row, "message", message->message_id, err);
}

void ledger_out(struct row_out *row, const struct trace_ledger_entry *entry)
{
    row_out_id(row, entry->session_id);
    row_out_id(row, entry->connection_id);
    text_out(row, trace_reason_name(entry->reason));
    row_out_moment(row, entry->first_us);
    row_out_moment(row, entry->last_us);
    row_out_count(row, entry->packets);
    row_out_count(row, entry->payload_bytes);
    row_out_count(row, entry->missing_bytes);
    row_out_text(row, entry->detail);
}

int ledger_in(sqlite3_stmt *statement, struct trace_ledger_entry *entry, struct error *err)
{
    struct row_in row = row_in_start(statement);
    entry->session_id = row_in_id(&row);
    entry->connection_id = row_in_id(&row);
    entry->reason =
        (enum trace_reason)word_in(&row, reason_name, TRACE_REASON_COUNT, "a ledger reason");
    entry->first_us = row_in_moment(&row);
    entry->last_us = row_in_moment(&row);
    entry->packets = row_in_count(&row);
    entry->payload_bytes = row_in_count(&row);
    entry->missing_bytes = row_in_count(&row);
    entry->detail = row_in_text(&row);
    /* Its ledger_id is the column behind the list. */
    return row_in_end(&row, "ledger", sqlite3_column_int64(statement, row.next), err);
}

void binding_out(struct row_out *row, const struct trace_binding *binding)
{
    row_out_id(row, binding->born_exchange_id);
    row_out_text(row, binding->born_place);
    row_out_id(row, binding->used_exchange_id);
    row_out_text(row, binding->used_place);
    row_out_real(row, binding->score);
    row_out_text(row, binding->evidence);
    row_out_text(row, binding->state);
    row_out_text(row, binding->form);
    row_out_text(row, binding->origin);
}

int binding_in(sqlite3_stmt *statement, struct trace_binding *binding, struct error *err)
{
    struct row_in row = row_in_start(statement);
    binding->born_exchange_id = row_in_int(&row, INT64_MIN, INT64_MAX);
    binding->born_place = row_in_text(&row);
    binding->used_exchange_id = row_in_int(&row, INT64_MIN, INT64_MAX);
    binding->used_place = row_in_text(&row);
    binding->score = row_in_real(&row);
    binding->evidence = row_in_text(&row);
    binding->state = row_in_text(&row);
    binding->form = row_in_text(&row);
    binding->origin = row_in_text(&row);
    binding->binding_id = sqlite3_column_int64(statement, row.next);
    return row_in_end(&row, "binding", binding->binding_id, err);
}

/*
 * reader.c - reads a trace row by row, in memory that does not grow with it.
 *
 * A cursor over exchanges or messages is one statement where an index has their order, else two:
 * one yields ids in order (from SQLite's sorter, which goes to a temporary file when it becomes
 * large), one fetches the row of an id. So an order never makes SQLite hold rows.
 */
#include "traces/reader.h"

#include "traces/body.h"
#include "traces/digest.h"
#include "traces/reader_state.h"
#include "traces/rows.h"

/* Stand on the row of that id: 1, 0 when there is none, -1. */
static int seek(sqlite3_stmt *statement, int64_t id, struct error *err)
{
    sqlite3_reset(statement);
    sqlite3_bind_int64(statement, 1, id);
    return reader_step(statement, err);
}

/* What every function below returns: 1, 0, or -1 with the trace's name in front. */
static int done(const struct trace_reader *reader, int result, struct error *err)
{
    return result < 0 ? error_prefix(err, "%s", reader->path) : result;
}

int trace_reader_start_sessions(struct trace_reader *reader, struct error *err)
{
    (void)err;
    sqlite3_reset(reader->statements[SESSIONS]);
    return 0;
}

int trace_reader_next_session(struct trace_reader *reader, struct trace_session *session,
                              struct error *err)
{
    int found = reader_step(reader->statements[SESSIONS], err);
    if (found == 1 && session_in(reader->statements[SESSIONS], session, err))
        found = -1;
    return done(reader, found, err);
}

int trace_reader_start_spans(struct trace_reader *reader, struct error *err)
{
    (void)err;
    sqlite3_reset(reader->statements[SESSION_SPANS]);
    return 0;
}

int trace_reader_next_span(struct trace_reader *reader, struct trace_span *span, struct error *err)
{
    int found = reader_step(reader->statements[SESSION_SPANS], err);
    if (found == 1) {
        struct row_in row = row_in_start(reader->statements[SESSION_SPANS]);
        span->session_id = row_in_id(&row);
        span->first_us = row_in_moment(&row);
        span->last_us = row_in_moment(&row);
        span->exchange_count = row_in_count(&row);
        span->message_count = row_in_count(&row);
        if (row_in_end(&row, "session", span->session_id, err))
            found = -1;
    }
    return done(reader, found, err);
}

int trace_reader_start_connections(struct trace_reader *reader, struct error *err)
{
    (void)err;
    sqlite3_reset(reader->statements[CONNECTIONS]);
    return 0;
}

int trace_reader_next_connection(struct trace_reader *reader, struct trace_connection *connection,
                                 struct error *err)
{
    int found = reader_step(reader->statements[CONNECTIONS], err);
    if (found == 1 && connection_in(reader->statements[CONNECTIONS], connection, err))
        found = -1;
    return done(reader, found, err);
}

int trace_reader_start_ledger(struct trace_reader *reader, struct error *err)
{
    (void)err;
    sqlite3_reset(reader->statements[LEDGER]);
    return 0;
}

int trace_reader_next_ledger(struct trace_reader *reader, struct trace_ledger_entry *entry,
                             struct error *err)
{
    int found = reader_step(reader->statements[LEDGER], err);
    if (found == 1 && ledger_in(reader->statements[LEDGER], entry, err))
        found = -1;
    return done(reader, found, err);
}

int trace_reader_start_bindings(struct trace_reader *reader, int64_t session_id, struct error *err)
{
    (void)err;
    reader->bindings = reader->statements[session_id ? SESSION_BINDINGS : ALL_BINDINGS];
    sqlite3_reset(reader->bindings);
    if (session_id)
        sqlite3_bind_int64(reader->bindings, 1, session_id);
    return 0;
}

int trace_reader_next_binding(struct trace_reader *reader, struct trace_binding *binding,
                              struct error *err)
{
    int found = reader->has_bindings && reader->bindings ? reader_step(reader->bindings, err) : 0;
    if (found == 1 && binding_in(reader->bindings, binding, err))
        found = -1;
    return done(reader, found, err);
}

int trace_reader_start_data_sessions(struct trace_reader *reader, struct error *err)
{
    (void)err;
    sqlite3_reset(reader->statements[DATA_SESSIONS]);
    return 0;
}

int trace_reader_next_data_session(struct trace_reader *reader, int64_t *ret_session_id,
                                   struct bytes *ret_born_place, struct error *err)
{
    sqlite3_stmt *statement = reader->statements[DATA_SESSIONS];
    int found = reader->has_bindings ? reader_step(statement, err) : 0;
    if (found == 1) {
        struct row_in row = row_in_start(statement);
        *ret_session_id = row_in_id(&row);
        *ret_born_place = row_in_text(&row);
        if (row_in_end(&row, "binding of session", *ret_session_id, err))
            found = -1;
    }
    return done(reader, found, err);
}

int trace_reader_start_binding_rules(struct trace_reader *reader, struct error *err)
{
    (void)err;
    sqlite3_reset(reader->statements[BINDING_RULES]);
    return 0;
}

int trace_reader_next_binding_rule(struct trace_reader *reader, struct trace_binding_rule *rule,
                                   struct error *err)
{
    sqlite3_stmt *statement = reader->statements[BINDING_RULES];
    int found = reader_step(statement, err);
    if (found == 1) {
        struct row_in row = row_in_start(statement);
        rule->born_endpoint = row_in_text(&row);
        rule->born_place = row_in_text(&row);
        rule->used_endpoint = row_in_text(&row);
        rule->used_place = row_in_text(&row);
        rule->form = row_in_text(&row);
        rule->is_on = row_in_bool(&row);
        rule->count = row_in_count(&row);
        if (row_in_end(&row, "binding", 0, err))
            found = -1;
    }
    return done(reader, found, err);
}

static void start(struct trace_reader *reader, struct reader_cursor *cursor,
                  enum reader_statement statement, bool has_rows, int64_t parent_id)
{
    if (cursor->walked)
        sqlite3_reset(cursor->walked);
    cursor->walked = reader->statements[statement];
    cursor->has_rows = has_rows;
    if (parent_id)
        sqlite3_bind_int64(cursor->walked, 1, parent_id);
}

/* Stand on the next row, in *ret_rows; `by_id` fetches that of an id: 1, 0, -1. */
static int next_row(const struct reader_cursor *cursor, sqlite3_stmt *by_id, const char *table,
                    sqlite3_stmt **ret_rows, struct error *err)
{
    if (!cursor->walked)
        return 0;
    *ret_rows = cursor->has_rows ? cursor->walked : by_id;
    int found = reader_step(cursor->walked, err);
    if (found != 1) {
        sqlite3_reset(by_id);
        return found;
    }
    if (cursor->has_rows)
        return 1;
    int64_t id = sqlite3_column_int64(cursor->walked, 0);
    found = seek(by_id, id, err);
    if (found == 0)
        return error_set(err, EXIT_INPUT,
                         "%s %lld is in the index and not in the table: the file "
                         "is damaged",
                         table, (long long)id);
    return found;
}

int trace_reader_start_exchanges(struct trace_reader *reader, int64_t session_id, struct error *err)
{
    (void)err;
    start(reader, &reader->exchanges, session_id ? SESSION_EXCHANGES : ALL_EXCHANGE_IDS,
          session_id != 0, session_id);
    return 0;
}

int trace_reader_next_exchange(struct trace_reader *reader, struct trace_exchange *exchange,
                               int64_t *ret_endpoint_id, struct error *err)
{
    sqlite3_stmt *rows;
    int found =
        next_row(&reader->exchanges, reader->statements[NEXT_EXCHANGE], "exchange", &rows, err);
    if (found == 1 && exchange_in(rows, exchange, ret_endpoint_id, err))
        found = -1;
    return done(reader, found, err);
}

int trace_reader_start_requests(struct trace_reader *reader, int64_t session_id, struct error *err)
{
    (void)err;
    sqlite3_reset(reader->statements[SESSION_REQUESTS]);
    sqlite3_bind_int64(reader->statements[SESSION_REQUESTS], 1, session_id);
    return 0;
}

int trace_reader_next_request(struct trace_reader *reader, struct trace_exchange *exchange,
                              int64_t *ret_endpoint_id, struct error *err)
{
    int found = reader_step(reader->statements[SESSION_REQUESTS], err);
    if (found == 1 &&
        request_in(reader->statements[SESSION_REQUESTS], exchange, ret_endpoint_id, err))
        found = -1;
    return done(reader, found, err);
}

int trace_reader_start_messages(struct trace_reader *reader, int64_t exchange_id, struct error *err)
{
    (void)err;
    start(reader, &reader->messages, exchange_id ? EXCHANGE_MESSAGES : ALL_MESSAGE_IDS,
          exchange_id != 0, exchange_id);
    return 0;
}

int trace_reader_next_message(struct trace_reader *reader, struct trace_message *message,
                              struct error *err)
{
    sqlite3_stmt *rows;
    int found =
        next_row(&reader->messages, reader->statements[NEXT_MESSAGE], "message", &rows, err);
    if (found == 1 && message_in(rows, message, err))
        found = -1;
    return done(reader, found, err);
}

int trace_reader_start_session_messages(struct trace_reader *reader, int64_t session_id,
                                        struct error *err)
{
    (void)err;
    start(reader, &reader->messages, session_id ? SESSION_MESSAGE_IDS : ALL_MESSAGE_IDS, false,
          session_id);
    return 0;
}

int trace_reader_get_message(struct trace_reader *reader, int64_t message_id,
                             struct trace_message *message, struct error *err)
{
    int found = seek(reader->statements[GET_MESSAGE], message_id, err);
    if (found == 1 && message_in(reader->statements[GET_MESSAGE], message, err))
        found = -1;
    return done(reader, found, err);
}

int trace_reader_get_session(struct trace_reader *reader, int64_t session_id,
                             struct trace_session *session, struct error *err)
{
    int found = seek(reader->statements[GET_SESSION], session_id, err);
    if (found == 1 && session_in(reader->statements[GET_SESSION], session, err))
        found = -1;
    return done(reader, found, err);
}

int trace_reader_get_connection(struct trace_reader *reader, int64_t connection_id,
                                struct trace_connection *connection, struct error *err)
{
    int found = seek(reader->statements[GET_CONNECTION], connection_id, err);
    if (found == 1 && connection_in(reader->statements[GET_CONNECTION], connection, err))
        found = -1;
    return done(reader, found, err);
}

int trace_reader_get_exchange(struct trace_reader *reader, int64_t exchange_id,
                              struct trace_exchange *exchange, int64_t *ret_endpoint_id,
                              struct error *err)
{
    int found = seek(reader->statements[GET_EXCHANGE], exchange_id, err);
    if (found == 1 && exchange_in(reader->statements[GET_EXCHANGE], exchange, ret_endpoint_id, err))
        found = -1;
    return done(reader, found, err);
}

int trace_reader_get_exchange_ends(struct trace_reader *reader, int64_t exchange_id,
                                   int64_t *ret_session_id, int64_t *ret_endpoint_id,
                                   struct error *err)
{
    sqlite3_stmt *statement = reader->statements[EXCHANGE_ENDS];
    int found = seek(statement, exchange_id, err);
    if (found == 1) {
        struct row_in row = row_in_start(statement);
        *ret_session_id = row_in_id(&row);
        *ret_endpoint_id = row_in_id(&row);
        if (row_in_end(&row, "exchange", exchange_id, err))
            found = -1;
    }
    return done(reader, found, err);
}

int trace_reader_endpoint_name(struct trace_reader *reader, int64_t endpoint_id,
                               struct bytes *ret_name, struct error *err)
{
    sqlite3_stmt *statement = reader->statements[GET_ENDPOINT];
    int found = seek(statement, endpoint_id, err);
    if (found != 1)
        return done(reader, found, err);
    struct row_in row = row_in_start(statement);
    struct buf *name = &reader->endpoint_name;
    buf_clear(name);
    buf_append_bytes(name, row_in_text(&row));
    buf_append_char(name, ' ');
    buf_append_bytes(name, row_in_text(&row));
    if (row_in_end(&row, "endpoint", endpoint_id, err))
        return done(reader, -1, err);
    if (buf_failed(name))
        return done(reader,
                    error_set(err, EXIT_INPUT, "endpoint %lld: its name is over %d bytes",
                              (long long)endpoint_id, READER_MAX_NAME_BYTES),
                    err);
    *ret_name = buf_bytes(name);
    return 1;
}

int trace_reader_start_endpoint_ids(struct trace_reader *reader, struct error *err)
{
    (void)err;
    sqlite3_reset(reader->statements[ENDPOINT_IDS]);
    return 0;
}

int trace_reader_next_endpoint_id(struct trace_reader *reader, int64_t *ret_endpoint_id,
                                  struct error *err)
{
    int found = reader_step(reader->statements[ENDPOINT_IDS], err);
    if (found == 1)
        *ret_endpoint_id = sqlite3_column_int64(reader->statements[ENDPOINT_IDS], 0);
    return done(reader, found, err);
}

static int take_body(struct trace_reader *reader, int64_t body_id, struct buf *out,
                     struct error *err)
{
    sqlite3_stmt *statement = reader->statements[GET_BODY];
    struct row_in row = row_in_start(statement);
    unsigned char digest[DIGEST_BYTES];
    struct bytes hash = row_in_blob(&row);
    uint64_t content_bytes = row_in_count(&row);
    struct bytes word = row_in_text(&row);
    enum body_encoding encoding = BODY_RAW;
    if (bytes_equal(word, bytes_of(body_encoding_name(BODY_ZSTD))))
        encoding = BODY_ZSTD;
    else if (!bytes_equal(word, bytes_of(body_encoding_name(BODY_RAW))))
        row_in_reject(&row, "an encoding");
    struct bytes stored = row_in_blob(&row);
    if (row_in_end(&row, "body", body_id, err))
        return -1;
    size_t start = out->len;
    if (body_unpack(reader->packer, encoding, stored, content_bytes, out, err))
        return error_prefix(err, "body %lld", (long long)body_id);
    digest_of(bytes_from(buf_bytes(out), start), digest);
    if (!bytes_equal(hash, bytes_make(digest, sizeof digest)))
        return error_set(err, EXIT_INPUT,
                         "body %lld: its content is not the one of its hash: the file is damaged",
                         (long long)body_id);
    return 0;
}

int trace_reader_get_body(struct trace_reader *reader, int64_t body_id, struct buf *out,
                          struct error *err)
{
    sqlite3_stmt *statement = reader->statements[GET_BODY];
    if (body_id == 0)
        return 0;
    int found = seek(statement, body_id, err);
    if (found == 0)
        found = error_set(err, EXIT_INPUT, "body %lld is not there: the file is damaged",
                          (long long)body_id);
    int result = found == 1 ? take_body(reader, body_id, out, err) : -1;
    /* Give the content's memory back. */
    sqlite3_reset(statement);
    return done(reader, result, err);
}

int trace_reader_count(struct trace_reader *reader, struct trace_counts *counts, struct error *err)
{
    sqlite3_stmt *statement = reader->statements[COUNTS];
    sqlite3_reset(statement);
    int found = reader_step(statement, err);
    if (found == 1) {
        struct row_in row = row_in_start(statement);
        counts->sessions = row_in_count(&row);
        counts->connections = row_in_count(&row);
        counts->exchanges = row_in_count(&row);
        counts->messages = row_in_count(&row);
        counts->bodies = row_in_count(&row);
        counts->body_bytes = row_in_count(&row);
        counts->stored_bytes = row_in_count(&row);
        found = row_in_end(&row, "body", 0, err);
    }
    sqlite3_reset(statement);
    return done(reader, found, err);
}

int trace_reader_start_endpoints(struct trace_reader *reader, struct error *err)
{
    (void)err;
    sqlite3_reset(reader->statements[ENDPOINTS]);
    return 0;
}

int trace_reader_next_endpoint(struct trace_reader *reader, struct trace_endpoint_totals *totals,
                               struct error *err)
{
    sqlite3_stmt *statement = reader->statements[ENDPOINTS];
    int found = reader_step(statement, err);
    if (found == 1) {
        struct row_in row = row_in_start(statement);
        totals->endpoint_id = row_in_id(&row);
        totals->name = row_in_text(&row);
        totals->count = row_in_count(&row);
        totals->errors = row_in_count(&row);
        totals->p50_us = row_in_moment(&row);
        totals->p95_us = row_in_moment(&row);
        totals->max_us = row_in_moment(&row);
        totals->request_bytes = row_in_count(&row);
        totals->response_bytes = row_in_count(&row);
        if (row_in_end(&row, "endpoint", totals->endpoint_id, err))
            found = -1;
    }
    return done(reader, found, err);
}

/*
 * rows.h - each struct of trace.h as a row: one list of columns for writing and for reading.
 *
 * The order of a list is the order in which rows.c binds and takes the values.
 */
#ifndef REPRISE_TRACES_ROWS_H
#define REPRISE_TRACES_ROWS_H

#include "traces/db.h"
#include "traces/trace.h"

#define TRACE_COLUMNS                                                                              \
    "origin_unix_us, source, tool_version, redaction, is_complete, last_us, packets, "             \
    "payload_bytes, stored_bytes"
#define TRACE_PARAMETERS "?,?,?,?,?,?,?,?,?"

#define SESSION_COLUMNS                                                                            \
    "session_id, identity_kind, identity, label, first_us, last_us, flaws, exchange_count, "       \
    "message_count"
#define SESSION_PARAMETERS "?,?,?,?,?,?,?,?,?"

#define CONNECTION_COLUMNS                                                                         \
    "connection_id, client_address, client_port, server_address, server_port, is_tls, protocol, "  \
    "opened_us, closed_us, \"end\", flaws"
#define CONNECTION_PARAMETERS "?,?,?,?,?,?,?,?,?,?,?"

#define EXCHANGE_COLUMNS                                                                           \
    "exchange_id, session_id, connection_id, endpoint_id, request_first_us, request_last_us, "     \
    "response_first_us, response_last_us, method, scheme, authority, target, http_version, "       \
    "status, reason, interim_statuses, request_body_id, response_body_id, request_body_bytes, "    \
    "response_body_bytes, flaws, is_websocket, request_headers, response_headers, "                \
    "request_trailers, response_trailers"
#define EXCHANGE_PARAMETERS "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?"

/* What a replay asks of an exchange: half of its columns. */
#define REQUEST_COLUMNS                                                                            \
    "exchange_id, connection_id, endpoint_id, request_first_us, response_first_us, "               \
    "response_last_us, method, authority, target, status, request_body_id, request_body_bytes, "   \
    "is_websocket, request_headers"

#define MESSAGE_COLUMNS                                                                            \
    "message_id, exchange_id, connection_id, session_id, first_us, last_us, sender, opcode, "      \
    "frame_count, is_compressed, wire_bytes, payload_bytes, close_code, body_id, flaws"
#define MESSAGE_PARAMETERS "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?"

#define LEDGER_COLUMNS                                                                             \
    "session_id, connection_id, reason, first_us, last_us, packets, payload_bytes, "               \
    "missing_bytes, detail"
#define LEDGER_PARAMETERS "?,?,?,?,?,?,?,?,?"

#define BINDING_COLUMNS                                                                            \
    "born_exchange_id, born_place, used_exchange_id, used_place, score, evidence, state, form, "   \
    "origin"
#define BINDING_PARAMETERS "?,?,?,?,?,?,?,?,?"

void facts_out(struct row_out *row, const struct trace_facts *facts);
void session_out(struct row_out *row, const struct trace_session *session);
void connection_out(struct row_out *row, const struct trace_connection *connection);
void exchange_out(struct row_out *row, const struct trace_exchange *exchange, int64_t endpoint_id);
void message_out(struct row_out *row, const struct trace_message *message, int64_t message_id);
void binding_out(struct row_out *row, const struct trace_binding *binding);
void ledger_out(struct row_out *row, const struct trace_ledger_entry *entry);

/* From the row the statement stands on. */
int facts_in(sqlite3_stmt *statement, struct trace_facts *facts, struct error *err);
int session_in(sqlite3_stmt *statement, struct trace_session *session, struct error *err);
int connection_in(sqlite3_stmt *statement, struct trace_connection *connection, struct error *err);
int exchange_in(sqlite3_stmt *statement, struct trace_exchange *exchange, int64_t *ret_endpoint_id,
                struct error *err);
/* Of REQUEST_COLUMNS; the rest is 0. */
int request_in(sqlite3_stmt *statement, struct trace_exchange *exchange, int64_t *ret_endpoint_id,
               struct error *err);
int message_in(sqlite3_stmt *statement, struct trace_message *message, struct error *err);
/* Its binding_id is the column behind the list. */
int binding_in(sqlite3_stmt *statement, struct trace_binding *binding, struct error *err);
int ledger_in(sqlite3_stmt *statement, struct trace_ledger_entry *entry, struct error *err);

#endif

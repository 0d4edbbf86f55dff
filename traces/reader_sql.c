/* reader_sql.c - the questions that the reader asks of a trace. */
#include "traces/reader_sql.h"

#include "traces/rows.h"

const char *const reader_sql[READER_STATEMENTS] = {
    [SESSIONS] = "SELECT " SESSION_COLUMNS " FROM session ORDER BY first_us, session_id",
    [SESSION_SPANS] = "SELECT session_id, first_us, last_us, exchange_count, message_count"
                      " FROM session",
    [CONNECTIONS] = "SELECT " CONNECTION_COLUMNS " FROM connection ORDER BY connection_id",
    [LEDGER] = "SELECT " LEDGER_COLUMNS ", ledger_id FROM ledger ORDER BY ledger_id",
    [ANY_BINDING] = "SELECT EXISTS (SELECT 1 FROM binding INDEXED BY binding_by_use)",
    [ALL_BINDINGS] = "SELECT " BINDING_COLUMNS ", binding_id FROM binding ORDER BY binding_id",
    [SESSION_BINDINGS] = "SELECT " BINDING_COLUMNS ", binding_id FROM binding"
                         " WHERE used_exchange_id IN"
                         " (SELECT exchange_id FROM exchange WHERE session_id = ?)"
                         " ORDER BY born_exchange_id, binding_id",
    [DATA_SESSIONS] = "SELECT DISTINCT exchange.session_id, born_place FROM binding"
                      " JOIN exchange ON exchange_id = used_exchange_id"
                      " WHERE state = 'on' AND born_place LIKE 'data:%'",
    /* What the client makes has no endpoint that it comes from. Most rows of a rule say whether it
     * is on. */
    [BINDING_RULES] = "SELECT CASE WHEN born_place GLOB 'new:*' OR born_place GLOB 'data:*' THEN ''"
                      "  ELSE b.method || ' ' || b.template END,"
                      " born_place, u.method || ' ' || u.template, used_place, form,"
                      " 2 * sum(state = 'on') >= count(*), count(*)"
                      " FROM binding"
                      " JOIN exchange AS be ON be.exchange_id = born_exchange_id"
                      " JOIN endpoint AS b ON b.endpoint_id = be.endpoint_id"
                      " JOIN exchange AS ue ON ue.exchange_id = used_exchange_id"
                      " JOIN endpoint AS u ON u.endpoint_id = ue.endpoint_id"
                      " GROUP BY 1, 2, 3, 4, 5 ORDER BY min(binding_id)",
    [ALL_EXCHANGE_IDS] = "SELECT exchange_id FROM exchange ORDER BY request_first_us, exchange_id",
    [SESSION_EXCHANGES] = "SELECT " EXCHANGE_COLUMNS
                          " FROM exchange INDEXED BY exchange_by_session WHERE session_id = ?"
                          " ORDER BY request_first_us, exchange_id",
    [SESSION_REQUESTS] = "SELECT " REQUEST_COLUMNS
                         " FROM exchange INDEXED BY exchange_by_session WHERE session_id = ?"
                         " ORDER BY request_first_us, exchange_id",
    [NEXT_EXCHANGE] = "SELECT " EXCHANGE_COLUMNS " FROM exchange WHERE exchange_id = ?",
    [ALL_MESSAGE_IDS] = "SELECT message_id FROM message ORDER BY first_us, message_id",
    [EXCHANGE_MESSAGES] = "SELECT " MESSAGE_COLUMNS
                          " FROM message INDEXED BY message_by_exchange WHERE exchange_id = ?"
                          " ORDER BY first_us, message_id",
    [SESSION_MESSAGE_IDS] = "SELECT message_id FROM message WHERE exchange_id IN"
                            " (SELECT exchange_id FROM exchange WHERE session_id = ?)"
                            " ORDER BY first_us, message_id",
    [NEXT_MESSAGE] = "SELECT " MESSAGE_COLUMNS " FROM message WHERE message_id = ?",
    [GET_CONNECTION] = "SELECT " CONNECTION_COLUMNS " FROM connection WHERE connection_id = ?",
    [GET_SESSION] = "SELECT " SESSION_COLUMNS " FROM session WHERE session_id = ?",
    [GET_EXCHANGE] = "SELECT " EXCHANGE_COLUMNS " FROM exchange WHERE exchange_id = ?",
    /* Columns that come before the long ones: little of the row is read. */
    [EXCHANGE_ENDS] = "SELECT session_id, endpoint_id FROM exchange WHERE exchange_id = ?",
    [GET_MESSAGE] = "SELECT " MESSAGE_COLUMNS " FROM message WHERE message_id = ?",
    [GET_ENDPOINT] = "SELECT method, template FROM endpoint WHERE endpoint_id = ?",
    [ENDPOINT_IDS] = "SELECT endpoint_id FROM endpoint ORDER BY endpoint_id",
    [GET_BODY] = "SELECT hash, content_bytes, encoding, content FROM body WHERE body_id = ?",
    [GET_FACTS] = "SELECT " TRACE_COLUMNS " FROM trace WHERE trace_id = 1",
    [COUNTS] = "SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM connection),"
               " (SELECT count(*) FROM exchange), (SELECT count(*) FROM message),"
               " count(*), coalesce(sum(content_bytes), 0), coalesce(sum(length(content)), 0)"
               " FROM body",
    [ENDPOINTS] = "SELECT endpoint_id, endpoint, count, errors,"
                  " CAST(round(p50_ms * 1000) AS INTEGER), CAST(round(p95_ms * 1000) AS INTEGER),"
                  " CAST(round(max_ms * 1000) AS INTEGER), request_bytes, response_bytes"
                  " FROM endpoints",
};

/*
 * reader_sql.h - the questions that the reader asks of a trace, each prepared once.
 */
#ifndef REPRISE_TRACES_READER_SQL_H
#define REPRISE_TRACES_READER_SQL_H

enum reader_statement {
    SESSIONS,
    SESSION_SPANS,
    CONNECTIONS,
    LEDGER,
    ANY_BINDING,
    ALL_BINDINGS,
    SESSION_BINDINGS,
    DATA_SESSIONS,
    ALL_EXCHANGE_IDS,
    SESSION_EXCHANGES,
    SESSION_REQUESTS,
    NEXT_EXCHANGE,
    ALL_MESSAGE_IDS,
    EXCHANGE_MESSAGES,
    SESSION_MESSAGE_IDS,
    NEXT_MESSAGE,
    GET_SESSION,
    GET_CONNECTION,
    GET_EXCHANGE,
    EXCHANGE_ENDS,
    GET_MESSAGE,
    GET_ENDPOINT,
    ENDPOINT_IDS,
    GET_BODY,
    GET_FACTS,
    COUNTS,
    ENDPOINTS,
    READER_STATEMENTS
};

extern const char *const reader_sql[READER_STATEMENTS];

#endif

/*
 * reader_state.h - what the reader's files share: its struct, and one step of a statement.
 */
#ifndef REPRISE_TRACES_READER_STATE_H
#define REPRISE_TRACES_READER_STATE_H

#include "core/arena.h"
#include "traces/db.h"
#include "traces/reader.h"
#include "traces/reader_sql.h"

#define READER_MAX_NAME_BYTES (64 * 1024) /* of an endpoint */

struct body_packer;

struct trace_reader {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *statements[READER_STATEMENTS];
    sqlite3_stmt *exchange_ids; /* the one its cursor walks; borrowed from statements, or NULL */
    sqlite3_stmt *message_ids;
    sqlite3_stmt *bindings; /* the one its cursor walks */
    bool has_bindings;
    struct trace_facts facts; /* views of the arena */
    struct arena arena;
    struct body_packer *packer;
    struct buf endpoint_name;
};

/* 1 with a row, 0 at the end, -1. */
int reader_step(sqlite3_stmt *statement, struct error *err);

#endif

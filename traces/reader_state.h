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

enum { READER_OVERLAY_STATEMENTS = 2 };

struct body_packer;

/* Which statement a cursor walks. */
struct reader_cursor {
    sqlite3_stmt *walked; /* borrowed from the reader's statements, or NULL */
    bool has_rows;        /* it yields rows, not only their ids */
};

struct trace_reader {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *statements[READER_STATEMENTS];
    struct reader_cursor exchanges, messages;
    sqlite3_stmt *bindings; /* the one its cursor walks */
    bool has_bindings;
    sqlite3_stmt *overlay[READER_OVERLAY_STATEMENTS]; /* while rows are laid over the trace's */
    struct trace_facts facts;                         /* views of the arena */
    struct arena arena;
    struct body_packer *packer;
    struct buf endpoint_name;
};

/* 1 with a row, 0 at the end, -1. */
int reader_step(sqlite3_stmt *statement, struct error *err);

#endif

/*
 * db.h - SQLite as the trace store uses it: open, run, prepared rows out and in, errors in our
 * shape.
 *
 * A row going out binds its values in the order of the statement's parameters; a row coming in
 * takes them in the order of its columns and checks each type, because a file is input: the first
 * value that is not what it should be is remembered and reported by row_in_end(). Both are sticky,
 * so a row is a list of calls and one check.
 */
#ifndef REPRISE_TRACES_DB_H
#define REPRISE_TRACES_DB_H

#include <sqlite3.h>

#include "core/bytes.h"
#include "core/error.h"

/* `flags` of sqlite3_open_v2(). One connection belongs to one thread. */
int db_open(sqlite3 **ret_db, const char *path, int flags, struct error *err);
int db_exec(sqlite3 *db, const char *sql, struct error *err);
int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement, struct error *err);

/* The first column of the first row: "PRAGMA page_count". */
int db_query_int(sqlite3 *db, const char *sql, int64_t *ret_value, struct error *err);

/*
 * Is the file all there? SQLite takes what lies behind the end of a short file for
 * zeros, and an index with nothing in it looks just like that. One with a log beside it may be
 * shorter. -1 with err.
 */
int db_check_length(sqlite3 *db, const char *path, struct error *err);

/* Fill err from the connection's last error: disk full, damaged, in use, ... Returns -1. */
int db_fail(sqlite3 *db, struct error *err);

struct row_out {
    sqlite3_stmt *statement;
    int next; /* the parameter to bind next, from 1 */
    int code; /* SQLITE_OK, or the first failure */
};

static inline struct row_out row_out_start(sqlite3_stmt *statement)
{
    return (struct row_out){.statement = statement, .next = 1};
}

void row_out_int(struct row_out *row, int64_t value);
void row_out_real(struct row_out *row, double value);
void row_out_count(struct row_out *row,
                   uint64_t value);                   /* SQLite holds 63 bits: more is INT64_MAX */
void row_out_id(struct row_out *row, int64_t id);     /* 0 is NULL */
void row_out_moment(struct row_out *row, int64_t us); /* TRACE_NO_MOMENT is NULL */
void row_out_text(struct row_out *row, struct bytes text);
/* Copied: the others are borrowed until row_out_run(). */
void row_out_transient_text(struct row_out *row, struct bytes text);
void row_out_blob(struct row_out *row, struct bytes blob);
/* Step and reset; the bound bytes are not needed after it. */
int row_out_run(struct row_out *row, struct error *err);

struct row_in {
    sqlite3_stmt *statement;
    int next;           /* the column to take next, from 0 */
    const char *bad;    /* name of the first column that was not as it should be, or NULL */
    const char *wanted; /* what it should have been */
};

static inline struct row_in row_in_start(sqlite3_stmt *statement)
{
    return (struct row_in){.statement = statement};
}

/* 0 or "" for a value that is not as it should be. Views last until the statement's next step. */
int64_t row_in_int(struct row_in *row, int64_t min, int64_t max);
double row_in_real(struct row_in *row);
bool row_in_bool(struct row_in *row);
uint64_t row_in_count(struct row_in *row);
int64_t row_in_id(struct row_in *row);     /* NULL is 0 */
int64_t row_in_moment(struct row_in *row); /* NULL is TRACE_NO_MOMENT */
struct bytes row_in_text(struct row_in *row);
struct bytes row_in_blob(struct row_in *row);
/* The caller found the value just taken to be wrong. */
void row_in_reject(struct row_in *row, const char *wanted);
/* 0, or -1 with "TABLE ID: COLUMN is not ...: the file is damaged". */
int row_in_end(const struct row_in *row, const char *table, int64_t id, struct error *err);

#endif

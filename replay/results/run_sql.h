/*
 * run_sql.h - the run file's schema, and the few calls that the writer and the reader of it share.
 *
 * Only run_*.c include this.
 */
#ifndef REPRISE_REPLAY_RUN_SQL_H
#define REPRISE_REPLAY_RUN_SQL_H

#include <sqlite3.h>

#include "core/error.h"
#include "core/histogram.h"

#define RUN_APPLICATION_ID 0x5270526e /* "RpRn" */
#define RUN_VERSION 7

/* All tables and views, with what each column means. */
extern const char run_schema_sql[];

/* Fill err from the database's last failure: "run file: disk full; ...". Returns -1. */
int run_sql_error(sqlite3 *db, struct error *err);
int run_sql_exec(sqlite3 *db, const char *sql, struct error *err);
int run_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement, struct error *err);

/* A statement on its way: parameters are put, or columns taken, from left to right. */
struct sql_row {
    sqlite3_stmt *statement;
    int at;
    struct buf *scratch; /* for encoding histograms */
    bool has_failed;
};

struct sql_row sql_row_start(sqlite3_stmt *statement, struct buf *scratch);
void sql_put_u64(struct sql_row *row, uint64_t value);
void sql_put_text(struct sql_row *row, const char *text); /* NULL becomes "" */
void sql_put_real(struct sql_row *row, double value);
void sql_put_null(struct sql_row *row);
void sql_put_histogram(struct sql_row *row, const struct histogram *histogram);
/* Run it and make it ready for the next row. */
int sql_put_end(struct sql_row *row, struct error *err);

uint64_t sql_take_u64(struct sql_row *row);
double sql_take_real(struct sql_row *row);
const char *sql_take_text(struct sql_row *row); /* "" for NULL; valid until the next step */
bool sql_take_is_null(struct sql_row *row);     /* looks, does not move on */
/* Adds to `histogram`; sets has_failed when the bytes are no histogram. */
void sql_take_histogram(struct sql_row *row, struct histogram *histogram);

#endif

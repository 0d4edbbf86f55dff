/* run_sql.c - rows in and out of SQLite, and its failures as one line. */
#include "replay/results/run_sql.h"

int run_sql_error(sqlite3 *db, struct error *err)
{
    if (sqlite3_errcode(db) == SQLITE_FULL)
        return error_set(err, EXIT_TOOL, "disk full; what was measured before is kept");
    return error_set(err, EXIT_TOOL, "%s", sqlite3_errmsg(db));
}

int run_sql_exec(sqlite3 *db, const char *sql, struct error *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : run_sql_error(db, err);
}

int run_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement, struct error *err)
{
    if (sqlite3_prepare_v2(db, sql, -1, ret_statement, NULL) == SQLITE_OK)
        return 0;
    return run_sql_error(db, err);
}

struct sql_row sql_row_start(sqlite3_stmt *statement, struct buf *scratch)
{
    return (struct sql_row){.statement = statement, .scratch = scratch};
}

static void note(struct sql_row *row, int result)
{
    if (result != SQLITE_OK)
        row->has_failed = true;
}

void sql_put_u64(struct sql_row *row, uint64_t value)
{
    note(row, sqlite3_bind_int64(row->statement, ++row->at, (sqlite3_int64)value));
}

void sql_put_text(struct sql_row *row, const char *text)
{
    note(row, sqlite3_bind_text(row->statement, ++row->at, text ? text : "", -1, SQLITE_TRANSIENT));
}

void sql_put_real(struct sql_row *row, double value)
{
    note(row, sqlite3_bind_double(row->statement, ++row->at, value));
}

void sql_put_null(struct sql_row *row)
{
    note(row, sqlite3_bind_null(row->statement, ++row->at));
}

void sql_put_histogram(struct sql_row *row, const struct histogram *histogram)
{
    buf_clear(row->scratch);
    if (histogram_encode(histogram, row->scratch)) {
        row->has_failed = true;
        return;
    }
    note(row, sqlite3_bind_blob64(row->statement, ++row->at, buf_text(row->scratch),
                                  row->scratch->len, SQLITE_TRANSIENT));
}

int sql_put_end(struct sql_row *row, struct error *err)
{
    sqlite3 *db = sqlite3_db_handle(row->statement);
    int result = 0;
    if (row->has_failed)
        result = error_set(err, EXIT_TOOL, "no memory for a row");
    else if (sqlite3_step(row->statement) != SQLITE_DONE)
        result = run_sql_error(db, err);
    sqlite3_reset(row->statement);
    row->at = 0;
    return result;
}

uint64_t sql_take_u64(struct sql_row *row)
{
    return (uint64_t)sqlite3_column_int64(row->statement, row->at++);
}

double sql_take_real(struct sql_row *row)
{
    return sqlite3_column_double(row->statement, row->at++);
}

const char *sql_take_text(struct sql_row *row)
{
    const unsigned char *text = sqlite3_column_text(row->statement, row->at++);
    return text ? (const char *)text : "";
}

bool sql_take_is_null(struct sql_row *row)
{
    return sqlite3_column_type(row->statement, row->at) == SQLITE_NULL;
}

void sql_take_histogram(struct sql_row *row, struct histogram *histogram)
{
    const void *blob = sqlite3_column_blob(row->statement, row->at);
    int len = sqlite3_column_bytes(row->statement, row->at++);
    if (histogram_decode(histogram, bytes_make(blob, (size_t)len)))
        row->has_failed = true;
}

/* db.c - SQLite as the trace store uses it: open, run, prepared rows out and in. */
#include "traces/db.h"

#include <sys/stat.h>

#include "traces/trace.h"

int db_fail(sqlite3 *db, struct error *err)
{
    int code = sqlite3_extended_errcode(db);
    int system = sqlite3_system_errno(db);
    switch (code & 0xff) {
    case SQLITE_FULL:
        return error_set(err, EXIT_TOOL,
                         "the disk is full: free some space; what was committed is kept");
    case SQLITE_NOMEM:
        return error_set(err, EXIT_TOOL, "out of memory");
    case SQLITE_NOTADB:
        return error_set(err, EXIT_INPUT,
                         "not a reprise trace (not an SQLite file); 'reprise capture' makes one");
    case SQLITE_CORRUPT:
        return error_set(err, EXIT_INPUT, "the file is damaged (%s)", sqlite3_errmsg(db));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(err, EXIT_TOOL, "in use by another program: wait until it has ended");
    case SQLITE_IOERR:
        /* SQLite takes only ENOSPC for a full disk; a quota or a limit is one as well. */
        if (code == SQLITE_IOERR_WRITE)
            return error_set(err, EXIT_TOOL,
                             "cannot be written%s%s: look at free space, quota and 'ulimit -f'; "
                             "what was committed is kept",
                             system ? ": " : "", system ? strerror(system) : "");
        return error_set(err, EXIT_TOOL, "%s%s%s", sqlite3_errmsg(db), system ? ": " : "",
                         system ? strerror(system) : "");
    case SQLITE_TOOBIG:
        return error_set(err, EXIT_TOOL, "a value over SQLite's limit of 1,000,000,000 bytes");
    case SQLITE_CANTOPEN:
        return error_set(err, EXIT_INPUT, "cannot open%s%s: look at the path and its rights",
                         system ? ": " : "", system ? strerror(system) : "");
    default:
        return error_set(err, EXIT_TOOL, "SQLite: %s", sqlite3_errmsg(db));
    }
}

int db_open(sqlite3 **ret_db, const char *path, int flags, struct error *err)
{
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        if (db)
            db_fail(db, err);
        else
            error_set(err, EXIT_TOOL, "out of memory");
        sqlite3_close(db);
        return -1;
    }
    sqlite3_extended_result_codes(db, 1);
    *ret_db = db;
    return 0;
}

int db_exec(sqlite3 *db, const char *sql, struct error *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_fail(db, err);
}

int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement, struct error *err)
{
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL) !=
        SQLITE_OK)
        return db_fail(db, err);
    return 0;
}

int db_query_int(sqlite3 *db, const char *sql, int64_t *ret_value, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return db_fail(db, err);
    int result = 0;
    if (sqlite3_step(statement) == SQLITE_ROW)
        *ret_value = sqlite3_column_int64(statement, 0);
    else
        result = db_fail(db, err);
    sqlite3_finalize(statement);
    return result;
}

static void note(struct row_out *row, int code)
{
    if (row->code == SQLITE_OK)
        row->code = code;
}

int db_check_length(sqlite3 *db, const char *path, struct error *err)
{
    int64_t pages = 0, page_bytes = 0, has_log = 0;
    struct stat status;
    if (db_query_int(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &has_log, err) ||
        db_query_int(db, "PRAGMA page_count", &pages, err) ||
        db_query_int(db, "PRAGMA page_size", &page_bytes, err))
        return -1;
    /* Looked at last: a file that grows meanwhile is no short one. */
    if (!has_log && stat(path, &status) == 0 && status.st_size < pages * page_bytes)
        return error_set(err, EXIT_INPUT, "the file is damaged: %lld of its %lld bytes are missing",
                         (long long)(pages * page_bytes - status.st_size),
                         (long long)(pages * page_bytes));
    return 0;
}

void row_out_int(struct row_out *row, int64_t value)
{
    note(row, sqlite3_bind_int64(row->statement, row->next++, value));
}

void row_out_real(struct row_out *row, double value)
{
    note(row, sqlite3_bind_double(row->statement, row->next++, value));
}

void row_out_count(struct row_out *row, uint64_t value)
{
    row_out_int(row, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static void out_null(struct row_out *row)
{
    note(row, sqlite3_bind_null(row->statement, row->next++));
}

void row_out_id(struct row_out *row, int64_t id)
{
    if (id)
        row_out_int(row, id);
    else
        out_null(row);
}

void row_out_moment(struct row_out *row, int64_t us)
{
    if (us != TRACE_NO_MOMENT)
        row_out_int(row, us);
    else
        out_null(row);
}

void row_out_text(struct row_out *row, struct bytes text)
{
    note(row, sqlite3_bind_text64(row->statement, row->next++, text.ptr ? text.ptr : "", text.len,
                                  SQLITE_STATIC, SQLITE_UTF8));
}

void row_out_transient_text(struct row_out *row, struct bytes text)
{
    note(row, sqlite3_bind_text64(row->statement, row->next++, text.ptr, text.len, SQLITE_TRANSIENT,
                                  SQLITE_UTF8));
}

void row_out_blob(struct row_out *row, struct bytes blob)
{
    note(row, sqlite3_bind_blob64(row->statement, row->next++, blob.ptr ? blob.ptr : "", blob.len,
                                  SQLITE_STATIC));
}

int row_out_run(struct row_out *row, struct error *err)
{
    sqlite3 *db = sqlite3_db_handle(row->statement);
    if (row->code != SQLITE_OK)
        return db_fail(db, err);
    int code = sqlite3_step(row->statement);
    int result = code == SQLITE_DONE || code == SQLITE_ROW ? 0 : db_fail(db, err);
    sqlite3_reset(row->statement);
    return result;
}

void row_in_reject(struct row_in *row, const char *wanted)
{
    if (row->bad)
        return;
    row->bad = sqlite3_column_name(row->statement, row->next - 1);
    row->bad = row->bad ? row->bad : "a column";
    row->wanted = wanted;
}

static bool takes(struct row_in *row, int type, const char *wanted)
{
    if (sqlite3_column_type(row->statement, row->next++) == type)
        return true;
    row_in_reject(row, wanted);
    return false;
}

int64_t row_in_int(struct row_in *row, int64_t min, int64_t max)
{
    if (!takes(row, SQLITE_INTEGER, "an integer"))
        return 0;
    int64_t value = sqlite3_column_int64(row->statement, row->next - 1);
    if (value >= min && value <= max)
        return value;
    row_in_reject(row, "in its range");
    return 0;
}

double row_in_real(struct row_in *row)
{
    return takes(row, SQLITE_FLOAT, "a number")
               ? sqlite3_column_double(row->statement, row->next - 1)
               : 0;
}

bool row_in_bool(struct row_in *row)
{
    return row_in_int(row, 0, 1) == 1;
}

uint64_t row_in_count(struct row_in *row)
{
    return (uint64_t)row_in_int(row, 0, INT64_MAX);
}

static bool takes_null(struct row_in *row)
{
    if (sqlite3_column_type(row->statement, row->next) != SQLITE_NULL)
        return false;
    row->next++;
    return true;
}

int64_t row_in_id(struct row_in *row)
{
    return takes_null(row) ? 0 : row_in_int(row, 1, INT64_MAX);
}

int64_t row_in_moment(struct row_in *row)
{
    return takes_null(row) ? TRACE_NO_MOMENT : row_in_int(row, INT64_MIN + 1, INT64_MAX);
}

/* sqlite3_column_blob() of a text is its bytes as stored: no conversion, no terminator to make. */
static struct bytes take_bytes(struct row_in *row, int type, const char *wanted)
{
    if (!takes(row, type, wanted))
        return bytes_of("");
    const void *data = sqlite3_column_blob(row->statement, row->next - 1);
    int len = sqlite3_column_bytes(row->statement, row->next - 1);
    return data ? bytes_make(data, (size_t)len) : bytes_of("");
}

struct bytes row_in_text(struct row_in *row)
{
    return take_bytes(row, SQLITE_TEXT, "a text");
}

struct bytes row_in_blob(struct row_in *row)
{
    return take_bytes(row, SQLITE_BLOB, "a blob");
}

int row_in_end(const struct row_in *row, const char *table, int64_t id, struct error *err)
{
    if (!row->bad)
        return 0;
    return error_set(err, EXIT_INPUT, "%s %lld: %s is not %s: the file is damaged", table,
                     (long long)id, row->bad, row->wanted);
}

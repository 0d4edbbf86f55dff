/* store.c - accounts and data in SQLite, in memory or in a file. */
#include "tests/voicelab/store.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define STATEMENTS_MAX 96 /* distinct SQL texts in the program, with room */

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS account(id TEXT PRIMARY KEY, email TEXT UNIQUE NOT NULL,"
    "  name TEXT NOT NULL, salt TEXT NOT NULL, password TEXT NOT NULL, created_us INTEGER NOT "
    "NULL);"
    "CREATE TABLE IF NOT EXISTS login(id TEXT PRIMARY KEY, account TEXT NOT NULL,"
    "  revoked INTEGER NOT NULL DEFAULT 0, created_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS refresh(hash TEXT PRIMARY KEY, login TEXT NOT NULL,"
    "  expires_us INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS api_key(hash TEXT PRIMARY KEY, id TEXT NOT NULL,"
    "  account TEXT NOT NULL, created_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS admin_token(hash TEXT PRIMARY KEY, expires_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS upload(id TEXT PRIMARY KEY, account TEXT NOT NULL,"
    "  filename TEXT NOT NULL, title TEXT, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,"
    "  duration_ms INTEGER NOT NULL, created_us INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS upload_account ON upload(account, created_us);"
    "CREATE INDEX IF NOT EXISTS upload_sha256 ON upload(sha256);"
    /* Every content ever taken, so that refusing a second copy is one atomic insert. */
    "CREATE TABLE IF NOT EXISTS content(sha256 TEXT PRIMARY KEY);"
    "CREATE TABLE IF NOT EXISTS job(id TEXT PRIMARY KEY, account TEXT NOT NULL, batch TEXT,"
    "  upload TEXT, text TEXT, status TEXT NOT NULL, result TEXT, reason TEXT,"
    "  queued_us INTEGER NOT NULL, started_us INTEGER, ended_us INTEGER);"
    "CREATE INDEX IF NOT EXISTS job_account ON job(account, queued_us);"
    "CREATE INDEX IF NOT EXISTS job_batch ON job(batch) WHERE batch IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS batch(id TEXT PRIMARY KEY, account TEXT NOT NULL,"
    "  created_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS conversation(id TEXT PRIMARY KEY, account TEXT NOT NULL,"
    "  title TEXT NOT NULL, context TEXT NOT NULL, turns INTEGER NOT NULL DEFAULT 0,"
    "  created_us INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS conversation_account ON conversation(account, created_us);"
    "CREATE TABLE IF NOT EXISTS turn(conversation TEXT NOT NULL, number INTEGER NOT NULL,"
    "  text TEXT NOT NULL, reply TEXT NOT NULL, PRIMARY KEY(conversation, number));"
    "CREATE TABLE IF NOT EXISTS voice(number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL,"
    "  name TEXT NOT NULL, language TEXT NOT NULL, description TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS visitor(id TEXT PRIMARY KEY, csrf TEXT, created_us INTEGER NOT "
    "NULL);"
    "CREATE TABLE IF NOT EXISTS feedback(id TEXT PRIMARY KEY, visitor TEXT NOT NULL,"
    "  subject TEXT NOT NULL, message TEXT NOT NULL, created_us INTEGER NOT NULL);"
    /* A server that starts again has lost its queue: those jobs will never end by themselves. */
    "UPDATE job SET status = 'failed', reason = 'the server was restarted'"
    "  WHERE status IN ('queued', 'running');";

struct statement {
    const char *sql;
    sqlite3_stmt *handle;
};

struct store {
    sqlite3 *db;
    pthread_mutex_t lock; /* guards all of the below, and the connection */
    size_t statement_count;
    struct statement statements[STATEMENTS_MAX];
};

struct store *store_open(const char *path)
{
    struct store *store = calloc(1, sizeof *store);
    char *why = NULL;

    if (!store)
        return NULL;
    pthread_mutex_init(&store->lock, NULL);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path ? path : ":memory:", &store->db, flags, NULL) ||
        sqlite3_exec(store->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;", NULL, NULL,
                     &why) ||
        sqlite3_exec(store->db, schema, NULL, NULL, &why)) {
        fprintf(stderr, "voicelab: %s: %s; give --store a file this user may write\n",
                path ? path : "store in memory", why ? why : sqlite3_errmsg(store->db));
        sqlite3_free(why);
        store_close(store);
        return NULL;
    }
    return store;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < store->statement_count; i++)
        sqlite3_finalize(store->statements[i].handle);
    sqlite3_close(store->db);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

static sqlite3_stmt *prepare(struct store *store, const char *sql)
{
    for (size_t i = 0; i < store->statement_count; i++)
        if (store->statements[i].sql == sql)
            return store->statements[i].handle;

    assert(store->statement_count < STATEMENTS_MAX);
    sqlite3_stmt *handle = NULL;
    if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL)) {
        fprintf(stderr, "voicelab: store: %s in: %s\n", sqlite3_errmsg(store->db), sql);
        assert(!"every SQL text is ours and must compile");
    }
    store->statements[store->statement_count++] = (struct statement){sql, handle};
    return handle;
}

static sqlite3_stmt *bind(struct store *store, const char *sql, const char *types, va_list values)
{
    sqlite3_stmt *handle = prepare(store, sql);

    for (int i = 1; *types; types++, i++) {
        if (*types == 's')
            sqlite3_bind_text(handle, i, va_arg(values, const char *), -1, SQLITE_STATIC);
        else
            sqlite3_bind_int64(handle, i, va_arg(values, int64_t));
    }
    return handle;
}

static void unbind(sqlite3_stmt *handle)
{
    sqlite3_reset(handle);
    sqlite3_clear_bindings(handle);
}

int store_run(struct store *store, const char *sql, const char *types, ...)
{
    va_list values;
    int changed = -1;

    pthread_mutex_lock(&store->lock);
    va_start(values, types);
    sqlite3_stmt *handle = bind(store, sql, types, values);
    va_end(values);
    int code = sqlite3_step(handle);
    if (code == SQLITE_DONE)
        changed = sqlite3_changes(store->db);
    else if (code == SQLITE_CONSTRAINT)
        changed = STORE_CONFLICT;
    else
        fprintf(stderr, "voicelab: store: %s\n", sqlite3_errmsg(store->db));
    unbind(handle);
    pthread_mutex_unlock(&store->lock);
    return changed;
}

static json_t *column(sqlite3_stmt *handle, int i)
{
    switch (sqlite3_column_type(handle, i)) {
    case SQLITE_NULL:
        return json_null();
    case SQLITE_INTEGER:
        return json_integer(sqlite3_column_int64(handle, i));
    default:
        return json_string((const char *)sqlite3_column_text(handle, i));
    }
}

static json_t *select_rows(struct store *store, int max_rows, const char *sql, const char *types,
                           va_list values)
{
    json_t *rows = json_array();

    pthread_mutex_lock(&store->lock);
    sqlite3_stmt *handle = bind(store, sql, types, values);
    while (max_rows-- > 0 && sqlite3_step(handle) == SQLITE_ROW) {
        json_t *row = json_object();
        for (int i = 0; i < sqlite3_column_count(handle); i++)
            json_object_set_new(row, sqlite3_column_name(handle, i), column(handle, i));
        json_array_append_new(rows, row);
    }
    unbind(handle);
    pthread_mutex_unlock(&store->lock);
    return rows;
}

json_t *store_rows(struct store *store, const char *sql, const char *types, ...)
{
    va_list values;

    va_start(values, types);
    json_t *rows = select_rows(store, INT32_MAX, sql, types, values);
    va_end(values);
    return rows;
}

json_t *store_row(struct store *store, const char *sql, const char *types, ...)
{
    va_list values;

    va_start(values, types);
    json_t *rows = select_rows(store, 1, sql, types, values);
    va_end(values);
    json_t *row = json_incref(json_array_get(rows, 0));
    json_decref(rows);
    return row;
}

int64_t store_number(struct store *store, const char *sql, const char *types, ...)
{
    va_list values;
    int64_t number = 0;

    pthread_mutex_lock(&store->lock);
    va_start(values, types);
    sqlite3_stmt *handle = bind(store, sql, types, values);
    va_end(values);
    if (sqlite3_step(handle) == SQLITE_ROW)
        number = sqlite3_column_int64(handle, 0);
    unbind(handle);
    pthread_mutex_unlock(&store->lock);
    return number;
}

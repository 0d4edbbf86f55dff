/* schema.c - the tables and views of a trace, and which files are one. */
#include "traces/schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { BUSY_MS = 5000 };

/* Version 1. Columns that are asked for often come before headers and contents: SQLite reads a row
 * from its start and stops at the last column asked for. */
static const char version_1[] =
    "CREATE TABLE trace ("
    "  trace_id INTEGER PRIMARY KEY CHECK (trace_id = 1),"
    "  origin_unix_us INTEGER NOT NULL,"
    "  source TEXT NOT NULL,"
    "  tool_version TEXT NOT NULL,"
    "  redaction TEXT NOT NULL,"
    "  is_complete INTEGER NOT NULL,"
    "  last_us INTEGER,"
    "  packets INTEGER NOT NULL,"
    "  payload_bytes INTEGER NOT NULL,"
    "  stored_bytes INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE session ("
    "  session_id INTEGER PRIMARY KEY,"
    "  identity_kind TEXT NOT NULL,"
    "  identity TEXT NOT NULL,"
    "  label TEXT NOT NULL,"
    "  first_us INTEGER,"
    "  last_us INTEGER,"
    "  flaws TEXT NOT NULL,"
    "  exchange_count INTEGER NOT NULL,"
    "  message_count INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE connection ("
    "  connection_id INTEGER PRIMARY KEY,"
    "  client_address TEXT NOT NULL,"
    "  client_port INTEGER NOT NULL,"
    "  server_address TEXT NOT NULL,"
    "  server_port INTEGER NOT NULL,"
    "  is_tls INTEGER NOT NULL,"
    "  protocol TEXT NOT NULL,"
    "  opened_us INTEGER,"
    "  closed_us INTEGER,"
    "  \"end\" TEXT NOT NULL,"
    "  flaws TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE body ("
    "  body_id INTEGER PRIMARY KEY,"
    "  hash BLOB NOT NULL UNIQUE,"
    "  content_bytes INTEGER NOT NULL,"
    "  encoding TEXT NOT NULL,"
    "  content BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE endpoint ("
    "  endpoint_id INTEGER PRIMARY KEY,"
    "  method TEXT NOT NULL,"
    "  template TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE exchange ("
    "  exchange_id INTEGER PRIMARY KEY,"
    "  session_id INTEGER REFERENCES session,"
    "  connection_id INTEGER REFERENCES connection,"
    "  endpoint_id INTEGER REFERENCES endpoint,"
    "  request_first_us INTEGER,"
    "  request_last_us INTEGER,"
    "  response_first_us INTEGER,"
    "  response_last_us INTEGER,"
    "  method TEXT NOT NULL,"
    "  scheme TEXT NOT NULL,"
    "  authority TEXT NOT NULL,"
    "  target TEXT NOT NULL,"
    "  http_version TEXT NOT NULL,"
    "  status INTEGER NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  interim_statuses TEXT NOT NULL,"
    "  request_body_id INTEGER REFERENCES body,"
    "  response_body_id INTEGER REFERENCES body,"
    "  request_body_bytes INTEGER NOT NULL,"
    "  response_body_bytes INTEGER NOT NULL,"
    "  flaws TEXT NOT NULL,"
    "  is_websocket INTEGER NOT NULL,"
    "  request_headers TEXT NOT NULL,"
    "  response_headers TEXT NOT NULL,"
    "  request_trailers TEXT NOT NULL,"
    "  response_trailers TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX exchange_by_session ON exchange (session_id, request_first_us);"
    "CREATE TABLE message ("
    "  message_id INTEGER PRIMARY KEY,"
    "  exchange_id INTEGER REFERENCES exchange,"
    "  connection_id INTEGER REFERENCES connection,"
    "  session_id INTEGER REFERENCES session,"
    "  first_us INTEGER,"
    "  last_us INTEGER,"
    "  sender TEXT NOT NULL,"
    "  opcode INTEGER NOT NULL,"
    "  frame_count INTEGER NOT NULL,"
    "  is_compressed INTEGER NOT NULL,"
    "  wire_bytes INTEGER NOT NULL,"
    "  payload_bytes INTEGER NOT NULL,"
    "  close_code INTEGER NOT NULL,"
    "  body_id INTEGER REFERENCES body,"
    "  flaws TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX message_by_exchange ON message (exchange_id, first_us);"
    "CREATE TABLE binding ("
    "  binding_id INTEGER PRIMARY KEY,"
    "  born_exchange_id INTEGER NOT NULL REFERENCES exchange,"
    "  born_place TEXT NOT NULL,"
    "  used_exchange_id INTEGER NOT NULL REFERENCES exchange,"
    "  used_place TEXT NOT NULL,"
    "  score REAL NOT NULL,"
    "  evidence TEXT NOT NULL,"
    "  state TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE ledger ("
    "  ledger_id INTEGER PRIMARY KEY,"
    "  session_id INTEGER REFERENCES session,"
    "  connection_id INTEGER REFERENCES connection,"
    "  reason TEXT NOT NULL,"
    "  first_us INTEGER,"
    "  last_us INTEGER,"
    "  packets INTEGER NOT NULL,"
    "  payload_bytes INTEGER NOT NULL,"
    "  missing_bytes INTEGER NOT NULL,"
    "  detail TEXT NOT NULL"
    ") STRICT;"
    /* For people with sqlite3. `lines` holds a line end before each header, so that a name is found
     * only at the start of a line. */
    "CREATE VIEW requests AS"
    " SELECT exchange_id,"
    "  round(coalesce(request_first_us, response_first_us) / 1e6, 6) AS at_s,"
    "  session_id, method,"
    "  CASE WHEN target LIKE 'http%://%' THEN target"
    "       ELSE scheme || '://' || authority || target END AS url,"
    "  status,"
    "  round((response_last_us - request_first_us) / 1e3, 3) AS ms,"
    "  response_body_bytes AS bytes,"
    "  CASE WHEN place = 0 THEN ''"
    "       ELSE trim(substr(lines, place + 14,"
    "                        instr(substr(lines, place + 14), char(10)) - 1)) END AS content_type"
    " FROM (SELECT *, instr(lower(lines), char(10) || 'content-type:') AS place"
    "       FROM (SELECT *, char(10) || response_headers || char(10) AS lines FROM exchange));"
    "CREATE VIEW endpoints AS"
    " WITH ranked AS ("
    "  SELECT endpoint_id, response_last_us - request_first_us AS us,"
    "   row_number() OVER (PARTITION BY endpoint_id"
    "                      ORDER BY response_last_us - request_first_us) AS place,"
    "   count(*) OVER (PARTITION BY endpoint_id) AS places"
    "  FROM exchange WHERE response_last_us - request_first_us IS NOT NULL),"
    " timed AS ("
    "  SELECT endpoint_id,"
    "   max(us) FILTER (WHERE place = (places + 1) / 2) AS p50_us,"
    "   max(us) FILTER (WHERE place = (places * 95 + 99) / 100) AS p95_us,"
    "   avg(us) AS avg_us, max(us) AS max_us"
    "  FROM ranked GROUP BY endpoint_id),"
    " counted AS ("
    "  SELECT endpoint_id, count(*) AS count,"
    "   count(*) FILTER (WHERE status >= 400 OR status = 0) AS errors,"
    "   sum(request_body_bytes) AS request_bytes, sum(response_body_bytes) AS response_bytes"
    "  FROM exchange GROUP BY endpoint_id)"
    " SELECT endpoint_id, method || ' ' || template AS endpoint, count, errors,"
    "  round(p50_us / 1e3, 3) AS p50_ms, round(p95_us / 1e3, 3) AS p95_ms,"
    "  round(avg_us / 1e3, 3) AS avg_ms, round(max_us / 1e3, 3) AS max_ms,"
    "  request_bytes, response_bytes"
    " FROM counted JOIN endpoint USING (endpoint_id) LEFT JOIN timed USING (endpoint_id)"
    " ORDER BY count DESC, endpoint;"
    "CREATE VIEW timeline AS"
    " SELECT round(coalesce(request_first_us, response_first_us) / 1e6, 6) AS at_s, session_id,"
    "  'exchange' AS kind, exchange_id, NULL AS message_id,"
    "  method || ' ' || target || ' -> ' || status AS what,"
    "  request_body_bytes + response_body_bytes AS bytes"
    " FROM exchange"
    " UNION ALL"
    " SELECT round(first_us / 1e6, 6), session_id, 'message', exchange_id, message_id,"
    "  sender || ' ' || CASE opcode WHEN 1 THEN 'text' WHEN 2 THEN 'binary' WHEN 8 THEN 'close'"
    "   WHEN 9 THEN 'ping' WHEN 10 THEN 'pong' ELSE 'opcode ' || opcode END"
    "   || CASE WHEN close_code THEN ' ' || close_code ELSE '' END,"
    "  payload_bytes"
    " FROM message"
    " ORDER BY 1, 4, 5;";

/* Version 2: how a bound value is written where it is used, and the way from a session's requests
 * to their bindings. */
static const char version_2[] = "ALTER TABLE binding ADD COLUMN form TEXT NOT NULL DEFAULT 'raw';"
                                "CREATE INDEX binding_by_use ON binding (used_exchange_id);";

/* Version 3: which bindings a new correlation may remove. Whoever writes a row in SQL is a person.
 */
static const char version_3[] =
    "ALTER TABLE binding ADD COLUMN origin TEXT NOT NULL DEFAULT 'edited';";

static const char *const steps[SCHEMA_VERSION] = {version_1, version_2, version_3};

static int read_version(sqlite3 *db, int64_t *ret_version, struct error *err)
{
    return db_query_int(db, "PRAGMA user_version", ret_version, err);
}

/* Runs inside the caller's transaction. */
static int run_steps(sqlite3 *db, const char *const *list, int64_t from, int to, struct error *err)
{
    for (int64_t i = from; i < to; i++) {
        if (db_exec(db, list[i], err))
            return error_prefix(err, "bringing it to version %d", (int)i + 1);
    }
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", to);
    return db_exec(db, sql, err);
}

int schema_bring_up(sqlite3 *db, const char *const *list, int step_count, struct error *err)
{
    int64_t version = 0;
    if (read_version(db, &version, err))
        return -1;
    if (version == step_count)
        return 0;
    if (version > step_count)
        return error_set(
            err, EXIT_INPUT,
            "a trace of version %lld, this reprise reads up to %d: use a newer reprise",
            (long long)version, step_count);
    if (version < 0)
        return error_set(err, EXIT_INPUT, "a trace of version %lld: the file is damaged",
                         (long long)version);
    if (db_exec(db, "BEGIN IMMEDIATE", err))
        return error_prefix(err, "a trace of older version %lld that cannot be brought up to date",
                            (long long)version);
    /* Another process may have done it while we waited for the lock. */
    if (read_version(db, &version, err) == 0 &&
        (version >= step_count || run_steps(db, list, version, step_count, err) == 0) &&
        db_exec(db, "COMMIT", err) == 0)
        return 0;
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}

int schema_create(sqlite3 *db, struct error *err)
{
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d", SCHEMA_APPLICATION_ID);
    if (db_exec(db, "BEGIN IMMEDIATE", err))
        return -1;
    if (db_exec(db, sql, err) || run_steps(db, steps, 0, SCHEMA_VERSION, err)) {
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return -1;
    }
    return db_exec(db, "COMMIT", err);
}

int schema_check(sqlite3 *db, struct error *err)
{
    int64_t application_id = 0;
    if (db_query_int(db, "PRAGMA application_id", &application_id, err))
        return -1;
    if (application_id != SCHEMA_APPLICATION_ID)
        return error_set(err, EXIT_INPUT,
                         "not a reprise trace (an SQLite file with application_id %lld); 'reprise "
                         "capture' makes one",
                         (long long)application_id);
    return schema_bring_up(db, steps, SCHEMA_VERSION, err);
}

static int check_file(const char *path, struct error *err)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set(err, EXIT_INPUT, "%s; check the path: 'reprise capture' makes a trace",
                         strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(err, EXIT_INPUT, "not a file, so not a trace");
    return 0;
}

int schema_open(sqlite3 **ret_db, const char *path, const char *settings, struct error *err)
{
    /* Where the file may not be written SQLite opens it to read; a log left by a crash needs more
     * than that only when it lies in a folder that may not be written either. */
    if (check_file(path, err) || db_open(ret_db, path, SQLITE_OPEN_READWRITE, err))
        return -1;
    /* The file is input: nothing in its schema may run functions with effects, and a damaged page
     * is noticed. */
    sqlite3_db_config(*ret_db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(*ret_db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_busy_timeout(*ret_db, BUSY_MS);
    return db_exec(*ret_db, "PRAGMA cell_size_check = ON;", err) ||
                   db_exec(*ret_db, settings, err) || db_check_length(*ret_db, path, err) ||
                   schema_check(*ret_db, err)
               ? -1
               : 0;
}

int schema_prepare(sqlite3 *db, const char *const *sql, int count, sqlite3_stmt **ret_statements,
                   struct error *err)
{
    for (int i = 0; i < count; i++) {
        if (!db_prepare(db, sql[i], &ret_statements[i], err))
            continue;
        /* Its tables lack something that this version has. */
        if (sqlite3_errcode(db) == SQLITE_ERROR)
            error_set(err, EXIT_INPUT, "the file is damaged: %s", sqlite3_errmsg(db));
        return -1;
    }
    return 0;
}

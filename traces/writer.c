/*
 * writer.c - writes a trace: batched transactions, bodies stored once per content.
 *
 * A batch is one transaction. It begins with the first row and ends when a second has passed, or
 * earlier when it has become large:
 *
 *     idle --first row--> in a batch --tick, a second later--> idle
 *                                    --BATCH_ROWS, BATCH_BYTES--> idle
 *
 * After a failure the writer takes nothing more: each call returns that first failure.
 */
#include "traces/writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "traces/body_store.h"
#include "traces/endpoint_store.h"
#include "traces/rows.h"
#include "traces/schema.h"

enum {
    BATCH_US = 1000000,
    BATCH_ROWS = 50000,
    BATCH_BYTES = 8 * 1024 * 1024, /* half the page cache: a batch stays in memory until its end */
    PAGE_BYTES = 8192,             /* holds a dozen rows with headers */
    /* Another program may write to the trace while we do (someone with sqlite3): wait for it. */
    BUSY_MS = 10000,
    MAX_PATH_BYTES = 4096
};

enum statement {
    PUT_FACTS,
    PUT_SESSION,
    PUT_CONNECTION,
    ADD_EXCHANGE,
    ADD_MESSAGE,
    ADD_BINDING,
    ADD_LEDGER,
    BEGIN,
    COMMIT,
    STATEMENT_COUNT
};

static const char *const statement_sql[STATEMENT_COUNT] = {
    [PUT_FACTS] = "INSERT OR REPLACE INTO trace (" TRACE_COLUMNS ", trace_id)"
                  " VALUES (" TRACE_PARAMETERS ",1)",
    [PUT_SESSION] = "INSERT OR REPLACE INTO session (" SESSION_COLUMNS ")"
                    " VALUES (" SESSION_PARAMETERS ")",
    [PUT_CONNECTION] = "INSERT OR REPLACE INTO connection (" CONNECTION_COLUMNS ")"
                       " VALUES (" CONNECTION_PARAMETERS ")",
    [ADD_EXCHANGE] = "INSERT INTO exchange (" EXCHANGE_COLUMNS ") VALUES (" EXCHANGE_PARAMETERS ")",
    [ADD_MESSAGE] = "INSERT INTO message (" MESSAGE_COLUMNS ") VALUES (" MESSAGE_PARAMETERS ")",
    [ADD_BINDING] = "INSERT INTO binding (" BINDING_COLUMNS ") VALUES (" BINDING_PARAMETERS ")",
    [ADD_LEDGER] = "INSERT INTO ledger (" LEDGER_COLUMNS ") VALUES (" LEDGER_PARAMETERS ")",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
};

struct trace_writer {
    sqlite3 *db;
    char path[MAX_PATH_BYTES];
    uint64_t max_file_bytes;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    sqlite3_stmt *page_count;
    struct body_store *bodies;
    struct endpoint_store *endpoints;
    int64_t next_message_id;

    bool is_in_batch;
    uint64_t batch_rows;
    uint64_t batch_bytes;
    uint64_t batch_started_us; /* the tick before its first row: never later than that row */
    uint64_t last_tick_us;
    bool is_full;

    bool has_failed;
    struct error failure; /* the first one, path included */
};

static void writer_free(struct trace_writer *writer)
{
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(writer->statements[i]);
    sqlite3_finalize(writer->page_count);
    body_store_free(writer->bodies);
    endpoint_store_free(writer->endpoints);
    sqlite3_close(writer->db);
    free(writer);
}

/* Remember `failure` as the writer's, and report it. */
static int fail(struct trace_writer *writer, struct error *failure, struct error *err)
{
    error_prefix(failure, "%s", writer->path);
    if (!writer->has_failed)
        writer->failure = *failure;
    writer->has_failed = true;
    if (err)
        *err = writer->failure;
    return -1;
}

/* What SQLite keeps beside the file; it must not be taken for the new file's. */
static void remove_companions(const char *path)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
    char name[MAX_PATH_BYTES + 16];
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

/* SQLite's first bytes, and ours among them: application_id is at 68, big-endian. */
static bool is_trace_header(const unsigned char *header)
{
    const unsigned char *id = header + 68;
    uint32_t application_id =
        (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    return memcmp(header, "SQLite format 3", 16) == 0 && application_id == SCHEMA_APPLICATION_ID;
}

/* A writer keeps SQLite's shared lock for as long as it lives, between its batches too: that is how
 * a database in WAL mode is held open. It lies in the lock-byte page, at 1 GiB. Asked for and never
 * taken: SQLite's own exclusive lock would first recover the trace of a capture that was killed. */
static bool is_held(int fd)
{
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000000, .l_len = 512};
    return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* --force is for traces: what else bears the name, the capture being read even, is not lost. */
static int check_replaceable(const char *path, struct error *err)
{
    unsigned char header[100] = {0};
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, EXIT_INPUT, "cannot be replaced: %s", strerror(errno));
    int result = 0;
    ssize_t len = pread(fd, header, sizeof header, 0);
    if (len < 0)
        result = error_set(err, EXIT_INPUT, "cannot be replaced: %s", strerror(errno));
    else if (len > 0 && !is_trace_header(header))
        result = error_set(err, EXIT_INPUT,
                           "is no trace: --force replaces traces only; give another name");
    else if (is_held(fd))
        result = error_set(err, EXIT_INPUT,
                           "is being written by another capture, or read: wait until that has "
                           "ended, or give another name");
    close(fd);
    return result;
}

static int remove_existing(const char *path, const struct stat *status, bool replaces_existing,
                           struct error *err)
{
    if (!replaces_existing)
        return error_set(err, EXIT_INPUT, "exists already: remove it, --force, or another name");
    if (!S_ISREG(status->st_mode))
        return error_set(err, EXIT_INPUT, "exists and is not a file: it is not replaced");
    if (check_replaceable(path, err))
        return -1;
    return unlink(path) == 0
               ? 0
               : error_set(err, EXIT_INPUT, "cannot be replaced: %s", strerror(errno));
}

static int create_file(const char *path, bool replaces_existing, struct error *err)
{
    struct stat status;
    if (lstat(path, &status) == 0 && remove_existing(path, &status, replaces_existing, err))
        return -1;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(err, errno == ENOSPC ? EXIT_TOOL : EXIT_INPUT, "cannot be created: %s",
                         strerror(errno));
    close(fd);
    remove_companions(path);
    return 0;
}

static int prepare(struct trace_writer *writer, struct error *err)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        if (db_prepare(writer->db, statement_sql[i], &writer->statements[i], err))
            return -1;
    }
    if (db_prepare(writer->db, "PRAGMA page_count", &writer->page_count, err))
        return -1;
    writer->bodies = body_store_new(writer->db, err);
    if (!writer->bodies)
        return -1;
    writer->endpoints = endpoint_store_new(writer->db, err);
    return writer->endpoints ? 0 : -1;
}

static int write_facts(struct trace_writer *writer, const struct trace_facts *facts,
                       bool is_complete, struct error *err)
{
    struct trace_facts row_facts = *facts;
    row_facts.is_complete = is_complete;
    struct row_out row = row_out_start(writer->statements[PUT_FACTS]);
    facts_out(&row, &row_facts);
    return row_out_run(&row, err);
}

static int set_up(struct trace_writer *writer, bool replaces_existing,
                  const struct trace_facts *facts, struct error *err)
{
    if (create_file(writer->path, replaces_existing, err) ||
        db_open(&writer->db, writer->path, SQLITE_OPEN_READWRITE, err))
        return -1;
    /* In the file's first bytes before the log beside it takes over: it is known as a trace, and
     * may be replaced, when the capture is killed at once. */
    char first[128];
    snprintf(first, sizeof first, "PRAGMA page_size = %d; PRAGMA application_id = %d", PAGE_BYTES,
             SCHEMA_APPLICATION_ID);
    sqlite3_busy_timeout(writer->db, BUSY_MS);
    /* A checkpoint syncs: one in 32 MiB, not in 4. */
    return db_exec(writer->db, first, err) ||
                   db_exec(writer->db,
                           "PRAGMA journal_mode = WAL;"
                           "PRAGMA synchronous = NORMAL;"
                           "PRAGMA cache_size = -16384;"
                           "PRAGMA wal_autocheckpoint = 4096;",
                           err) ||
                   schema_create(writer->db, err) || prepare(writer, err) ||
                   write_facts(writer, facts, false, err)
               ? -1
               : 0;
}

int trace_writer_open(struct trace_writer **ret_writer, const char *path,
                      const struct trace_writer_options *options, const struct trace_facts *facts,
                      struct error *err)
{
    if (strlen(path) >= MAX_PATH_BYTES)
        return error_set(err, EXIT_INPUT, "the name of the trace is too long");
    struct trace_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return error_set(err, EXIT_TOOL, "%s: out of memory", path);
    memcpy(writer->path, path, strlen(path) + 1);
    writer->max_file_bytes = options->max_file_bytes;
    writer->next_message_id = 1;
    if (set_up(writer, options->replaces_existing, facts, err)) {
        writer_free(writer);
        return error_prefix(err, "%s", path);
    }
    *ret_writer = writer;
    return 0;
}

/* One column of one row, or of none. */
static int run_statement(sqlite3_stmt *statement, int64_t *ret_value, struct error *err)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW && ret_value)
        *ret_value = sqlite3_column_int64(statement, 0);
    int result =
        code == SQLITE_ROW || code == SQLITE_DONE ? 0 : db_fail(sqlite3_db_handle(statement), err);
    sqlite3_reset(statement);
    return result;
}

/* Of the file once the log beside it has been moved into it. */
static int measure(struct trace_writer *writer, struct error *err)
{
    int64_t pages = 0;
    if (run_statement(writer->page_count, &pages, err))
        return -1;
    writer->is_full =
        writer->max_file_bytes && (uint64_t)pages * PAGE_BYTES >= writer->max_file_bytes;
    return 0;
}

static int end_batch(struct trace_writer *writer, struct error *err)
{
    if (!writer->is_in_batch)
        return 0;
    if (run_statement(writer->statements[COMMIT], NULL, err) || measure(writer, err))
        return -1;
    writer->is_in_batch = false;
    writer->batch_rows = writer->batch_bytes = 0;
    return 0;
}

/* Before each row: 0, or -1 with the failure of now or of before. */
static int begin_row(struct trace_writer *writer, struct error *err)
{
    struct error failure = {0};
    if (writer->has_failed) {
        if (err)
            *err = writer->failure;
        return -1;
    }
    if (writer->is_in_batch)
        return 0;
    if (run_statement(writer->statements[BEGIN], NULL, &failure))
        return fail(writer, &failure, err);
    writer->is_in_batch = true;
    writer->batch_started_us = writer->last_tick_us;
    return 0;
}

/* After each row: `code` is what writing it returned. */
static int end_row(struct trace_writer *writer, int code, uint64_t added_bytes,
                   struct error *failure, struct error *err)
{
    writer->batch_rows++;
    writer->batch_bytes += added_bytes;
    if (code == 0 && (writer->batch_rows >= BATCH_ROWS || writer->batch_bytes >= BATCH_BYTES))
        code = end_batch(writer, failure);
    return code ? fail(writer, failure, err) : 0;
}

int trace_writer_put_session(struct trace_writer *writer, const struct trace_session *session,
                             struct error *err)
{
    struct error failure = {0};
    if (begin_row(writer, err))
        return -1;
    struct row_out row = row_out_start(writer->statements[PUT_SESSION]);
    session_out(&row, session);
    return end_row(writer, row_out_run(&row, &failure), 0, &failure, err);
}

int trace_writer_put_connection(struct trace_writer *writer,
                                const struct trace_connection *connection, struct error *err)
{
    struct error failure = {0};
    if (begin_row(writer, err))
        return -1;
    struct row_out row = row_out_start(writer->statements[PUT_CONNECTION]);
    connection_out(&row, connection);
    return end_row(writer, row_out_run(&row, &failure), 0, &failure, err);
}

int trace_writer_add_exchange(struct trace_writer *writer, const struct trace_exchange *exchange,
                              struct error *err)
{
    struct error failure = {0};
    int64_t endpoint_id = 0;
    if (begin_row(writer, err))
        return -1;
    int code = endpoint_store_find(writer->endpoints, exchange->method, exchange->target,
                                   &endpoint_id, &failure);
    if (code == 0) {
        struct row_out row = row_out_start(writer->statements[ADD_EXCHANGE]);
        exchange_out(&row, exchange, endpoint_id);
        code = row_out_run(&row, &failure);
    }
    uint64_t added_bytes = exchange->target.len + exchange->request_headers.len +
                           exchange->response_headers.len + exchange->request_trailers.len +
                           exchange->response_trailers.len;
    return end_row(writer, code, added_bytes, &failure, err);
}

int trace_writer_add_message(struct trace_writer *writer, const struct trace_message *message,
                             struct error *err)
{
    struct error failure = {0};
    if (begin_row(writer, err))
        return -1;
    struct row_out row = row_out_start(writer->statements[ADD_MESSAGE]);
    message_out(&row, message, writer->next_message_id);
    int code = row_out_run(&row, &failure);
    writer->next_message_id++;
    return end_row(writer, code, 0, &failure, err);
}

int trace_writer_add_binding(struct trace_writer *writer, const struct trace_binding *binding,
                             struct error *err)
{
    struct error failure = {0};
    if (begin_row(writer, err))
        return -1;
    struct row_out row = row_out_start(writer->statements[ADD_BINDING]);
    binding_out(&row, binding);
    return end_row(writer, row_out_run(&row, &failure), 0, &failure, err);
}

int trace_writer_add_ledger(struct trace_writer *writer, const struct trace_ledger_entry *entry,
                            struct error *err)
{
    struct error failure = {0};
    if (begin_row(writer, err))
        return -1;
    struct row_out row = row_out_start(writer->statements[ADD_LEDGER]);
    ledger_out(&row, entry);
    return end_row(writer, row_out_run(&row, &failure), entry->detail.len, &failure, err);
}

int trace_writer_put_body(struct trace_writer *writer, struct bytes content, int64_t *ret_body_id,
                          struct error *err)
{
    struct error failure = {0};
    int64_t body_id = 0;
    uint64_t added_bytes = 0;
    if (content.len) {
        if (begin_row(writer, err))
            return -1;
        int code = body_store_put(writer->bodies, content, &body_id, &added_bytes, &failure);
        if (end_row(writer, code, added_bytes, &failure, err))
            return -1;
    }
    *ret_body_id = body_id;
    return 0;
}

int trace_writer_tick(struct trace_writer *writer, uint64_t now_us, bool *ret_is_full,
                      struct error *err)
{
    struct error failure = {0};
    if (writer->has_failed) {
        if (err)
            *err = writer->failure;
        return -1;
    }
    bool is_first_tick = writer->last_tick_us == 0;
    writer->last_tick_us = now_us;
    if (is_first_tick)
        writer->batch_started_us = now_us;
    if (writer->is_in_batch && now_us - writer->batch_started_us >= BATCH_US &&
        end_batch(writer, &failure))
        return fail(writer, &failure, err);
    if (ret_is_full)
        *ret_is_full = writer->is_full;
    return 0;
}

int trace_writer_close(struct trace_writer *writer, const struct trace_facts *facts,
                       struct error *err)
{
    struct error failure = {0};
    int result = begin_row(writer, err);
    if (result == 0 && (write_facts(writer, facts, true, &failure) || end_batch(writer, &failure)))
        result = fail(writer, &failure, err);
    if (result == 0) {
        /* Someone who reads the trace now is not waited for: then the log beside the file stays,
         * and the last to close it moves it into the file. */
        sqlite3_busy_timeout(writer->db, 0);
        if (db_exec(writer->db, "PRAGMA wal_checkpoint(TRUNCATE)", &failure) &&
            sqlite3_errcode(writer->db) != SQLITE_BUSY)
            result = fail(writer, &failure, err);
        sqlite3_exec(writer->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    }
    writer_free(writer);
    return result;
}

void trace_writer_abandon(struct trace_writer *writer)
{
    if (!writer)
        return;
    struct error ignored;
    if (!writer->has_failed)
        end_batch(writer, &ignored);
    writer_free(writer);
}

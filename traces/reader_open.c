/* reader_open.c - opens a trace to be read: which files are one, and what is known before any row.
 */
#include <stdlib.h>

#include "traces/body.h"
#include "traces/reader_state.h"
#include "traces/rows.h"
#include "traces/schema.h"

enum { MAX_FACTS_BYTES = 1024 * 1024 };

int reader_step(sqlite3_stmt *statement, struct error *err)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return 1;
    if (code == SQLITE_DONE) {
        /* Not left to start over by itself. */
        sqlite3_reset(statement);
        return 0;
    }
    db_fail(sqlite3_db_handle(statement), err);
    sqlite3_reset(statement);
    return -1;
}

static int open_db(struct trace_reader *reader, struct error *err)
{
    /* A file cut short is an error, not a signal. */
    return schema_open(&reader->db, reader->path,
                       "PRAGMA mmap_size = 0; PRAGMA cache_size = -8192; PRAGMA temp_store = FILE;",
                       err) ||
                   db_exec(reader->db, "PRAGMA query_only = ON", err)
               ? -1
               : 0;
}

/* Copied: a statement that stays on its row would keep a writer beside us from tidying its log. */
static int load_facts(struct trace_reader *reader, struct error *err)
{
    sqlite3_stmt *statement = reader->statements[GET_FACTS];
    struct trace_facts facts;
    int found = reader_step(statement, err);
    if (found == 0)
        return error_set(err, EXIT_INPUT, "the file is damaged: its table `trace` is empty");
    if (found < 0 || facts_in(statement, &facts, err))
        return -1;
    facts.source = arena_copy(&reader->arena, facts.source);
    facts.tool_version = arena_copy(&reader->arena, facts.tool_version);
    facts.redaction = arena_copy(&reader->arena, facts.redaction);
    sqlite3_reset(statement);
    if (!facts.source.ptr || !facts.tool_version.ptr || !facts.redaction.ptr)
        return error_set(err, EXIT_INPUT, "the facts in its table `trace` are over %d bytes",
                         MAX_FACTS_BYTES);
    reader->facts = facts;
    return 0;
}

static int look_for_bindings(struct trace_reader *reader, struct error *err)
{
    sqlite3_stmt *statement = reader->statements[ANY_BINDING];
    if (reader_step(statement, err) < 0)
        return -1;
    reader->has_bindings = sqlite3_column_int(statement, 0) != 0;
    sqlite3_reset(statement);
    return 0;
}

int trace_reader_open(struct trace_reader **ret_reader, const char *path, struct error *err)
{
    struct trace_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return error_set(err, EXIT_TOOL, "%s: out of memory", path);
    buf_init(&reader->endpoint_name, READER_MAX_NAME_BYTES);
    arena_init(&reader->arena, MAX_FACTS_BYTES);
    reader->path = strdup(path);
    reader->packer = body_packer_new();
    int result;
    if (!reader->path || !reader->packer)
        result = error_set(err, EXIT_TOOL, "out of memory");
    else
        result = open_db(reader, err) ||
                         schema_prepare(reader->db, reader_sql, READER_STATEMENTS,
                                        reader->statements, err) ||
                         load_facts(reader, err) || look_for_bindings(reader, err)
                     ? -1
                     : 0;
    if (result) {
        trace_reader_close(reader);
        return error_prefix(err, "%s", path);
    }
    *ret_reader = reader;
    return 0;
}

void trace_reader_close(struct trace_reader *reader)
{
    if (!reader)
        return;
    for (int i = 0; i < READER_STATEMENTS; i++)
        sqlite3_finalize(reader->statements[i]);
    for (int i = 0; i < READER_OVERLAY_STATEMENTS; i++)
        sqlite3_finalize(reader->overlay[i]);
    sqlite3_close(reader->db);
    body_packer_free(reader->packer);
    buf_fini(&reader->endpoint_name);
    arena_fini(&reader->arena);
    free(reader->path);
    free(reader);
}

const struct trace_facts *trace_reader_facts(const struct trace_reader *reader)
{
    return &reader->facts;
}

const char *trace_reader_path(const struct trace_reader *reader)
{
    return reader->path;
}

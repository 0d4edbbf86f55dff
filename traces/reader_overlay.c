/* reader_overlay.c - bindings that one reader has besides those of its trace, or instead of them.
 *
 * A temporary table of the connection's own stands before the file's of the same name: every
 * statement that asks for `binding` asks it from then on, and the file is not written. */
#include "traces/reader_state.h"
#include "traces/rows.h"
#include "traces/schema.h"

static const char cover[] =
    "PRAGMA query_only = OFF;"
    "CREATE TEMP TABLE binding (binding_id INTEGER NOT NULL, born_exchange_id INTEGER NOT NULL,"
    " born_place TEXT NOT NULL, used_exchange_id INTEGER NOT NULL, used_place TEXT NOT NULL,"
    " score REAL NOT NULL, evidence TEXT NOT NULL, state TEXT NOT NULL, form TEXT NOT NULL,"
    " origin TEXT NOT NULL);"
    "INSERT INTO temp.binding (" BINDING_COLUMNS ", binding_id)"
    " SELECT " BINDING_COLUMNS ", binding_id FROM main.binding;"
    "CREATE INDEX temp.binding_by_use ON binding (used_exchange_id);";

/* Of several rows that are laid over one place each stays. */
static const char uncover_use[] = "DELETE FROM temp.binding WHERE used_exchange_id = ?"
                                  " AND used_place = ? AND binding_id > 0";
static const char add[] = "INSERT INTO temp.binding (" BINDING_COLUMNS ", binding_id)"
                          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

static int fail(const struct trace_reader *reader, struct error *err)
{
    return error_prefix(err, "%s", reader->path);
}

static void forget_statements(struct trace_reader *reader)
{
    for (int i = 0; i < READER_STATEMENTS; i++) {
        sqlite3_finalize(reader->statements[i]);
        reader->statements[i] = NULL;
    }
    reader->exchanges = reader->messages = (struct reader_cursor){0};
    reader->bindings = NULL;
}

int trace_reader_cover_bindings(struct trace_reader *reader, struct error *err)
{
    forget_statements(reader);
    if (db_exec(reader->db, cover, err) ||
        db_prepare(reader->db, uncover_use, &reader->overlay[0], err) ||
        db_prepare(reader->db, add, &reader->overlay[1], err) || db_exec(reader->db, "BEGIN", err))
        return fail(reader, err);
    return 0;
}

int trace_reader_lay_binding(struct trace_reader *reader, const struct trace_binding *binding,
                             uint64_t *ret_replaced, struct error *err)
{
    struct row_out gone = row_out_start(reader->overlay[0]);
    row_out_id(&gone, binding->used_exchange_id);
    row_out_text(&gone, binding->used_place);
    if (row_out_run(&gone, err))
        return fail(reader, err);
    *ret_replaced = (uint64_t)sqlite3_changes64(reader->db);
    struct row_out row = row_out_start(reader->overlay[1]);
    binding_out(&row, binding);
    row_out_int(&row, binding->binding_id);
    return row_out_run(&row, err) ? fail(reader, err) : 0;
}

int trace_reader_end_cover(struct trace_reader *reader, struct error *err)
{
    for (int i = 0; i < READER_OVERLAY_STATEMENTS; i++) {
        sqlite3_finalize(reader->overlay[i]);
        reader->overlay[i] = NULL;
    }
    if (db_exec(reader->db, "COMMIT; PRAGMA query_only = ON;", err) ||
        schema_prepare(reader->db, reader_sql, READER_STATEMENTS, reader->statements, err))
        return fail(reader, err);
    reader->has_bindings = true;
    return 0;
}

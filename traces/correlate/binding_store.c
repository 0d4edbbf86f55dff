/* binding_store.c - rows of `binding`, written in one transaction. */
#include "traces/correlate/binding_store.h"

#include <stdlib.h>

#include "traces/rows.h"
#include "traces/schema.h"

enum statement {
    BEGIN,
    COMMIT,
    ANY_EDITED,
    REMOVE_FOUND,
    ADD,
    IS_KEPT_AWAY,
    FIND_EDITED,
    REMOVE_FOUND_OF_USE,
    GET,
    CHANGE,
    DROP,
    STATEMENT_COUNT
};

static const char *const statement_sql[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ANY_EDITED] = "SELECT EXISTS (SELECT 1 FROM binding WHERE origin <> 'found')",
    [REMOVE_FOUND] = "DELETE FROM binding WHERE origin = 'found'",
    [ADD] = "INSERT INTO binding (" BINDING_COLUMNS ") VALUES (" BINDING_PARAMETERS ")",
    [IS_KEPT_AWAY] = "SELECT EXISTS (SELECT 1 FROM binding WHERE used_exchange_id = ?1"
                     " AND used_place = ?2 AND origin <> 'found'"
                     " AND (state = 'on' OR born_exchange_id = ?3 AND born_place = ?4))",
    [FIND_EDITED] = "SELECT binding_id FROM binding WHERE used_exchange_id = ?1"
                    " AND used_place = ?2 AND born_exchange_id = ?3 AND born_place = ?4"
                    " AND origin <> 'found'",
    [REMOVE_FOUND_OF_USE] = "DELETE FROM binding WHERE used_exchange_id = ?1"
                            " AND used_place = ?2 AND origin = 'found'"
                            " AND (?5 = 'on' OR born_exchange_id = ?3 AND born_place = ?4)",
    [GET] = "SELECT " BINDING_COLUMNS ", binding_id FROM binding WHERE binding_id = ?",
    [CHANGE] = "REPLACE INTO binding (" BINDING_COLUMNS ", binding_id)"
               " VALUES (" BINDING_PARAMETERS ",?)",
    [DROP] = "DELETE FROM binding WHERE binding_id = ?",
};

struct binding_store {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    bool is_open; /* a transaction */
    bool has_edited;
};

static int fail(const struct binding_store *store, struct error *err)
{
    return error_prefix(err, "%s", store->path);
}

static int open_db(struct binding_store *store, struct error *err)
{
    if (schema_open(&store->db, store->path, "PRAGMA cache_size = -16384;", err))
        return -1;
    if (sqlite3_db_readonly(store->db, "main"))
        return error_set(err, EXIT_INPUT,
                         "cannot be written: look at the rights of the file and of its folder");
    return schema_prepare(store->db, statement_sql, STATEMENT_COUNT, store->statements, err);
}

int binding_store_open(struct binding_store **ret_store, const char *path, struct error *err)
{
    struct binding_store *store = calloc(1, sizeof *store);
    if (!store || !(store->path = strdup(path))) {
        free(store);
        return error_set(err, EXIT_TOOL, "%s: out of memory", path);
    }
    if (open_db(store, err)) {
        binding_store_close(store);
        return error_prefix(err, "%s", path);
    }
    *ret_store = store;
    return 0;
}

void binding_store_close(struct binding_store *store)
{
    if (!store)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(store->statements[i]);
    /* Rolls an open transaction back. */
    sqlite3_close(store->db);
    free(store->path);
    free(store);
}

/* --- one statement ------------------------------------------------------------------------ */

static struct row_out start(const struct binding_store *store, enum statement which)
{
    sqlite3_reset(store->statements[which]);
    return row_out_start(store->statements[which]);
}

/* Whose answer is its first column: *ret_value, 0 for no row. Sets the statement back. */
static int ask(const struct binding_store *store, struct row_out *row, int64_t *ret_value,
               struct error *err)
{
    int code = row->code == SQLITE_OK ? sqlite3_step(row->statement) : SQLITE_ERROR;
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        db_fail(store->db, err);
        return fail(store, err);
    }
    *ret_value = code == SQLITE_ROW ? sqlite3_column_int64(row->statement, 0) : 0;
    sqlite3_reset(row->statement);
    return 0;
}

static int run(const struct binding_store *store, struct row_out *row, struct error *err)
{
    return row_out_run(row, err) ? fail(store, err) : 0;
}

/* The four columns by which two rows are the same. */
static struct row_out start_places(const struct binding_store *store, enum statement which,
                                   const struct trace_binding *binding)
{
    struct row_out row = start(store, which);
    row_out_id(&row, binding->used_exchange_id);
    row_out_text(&row, binding->used_place);
    row_out_id(&row, binding->born_exchange_id);
    row_out_text(&row, binding->born_place);
    return row;
}

/* --- verbs -------------------------------------------------------------------------------- */

int binding_store_begin(struct binding_store *store, struct error *err)
{
    struct row_out begin = start(store, BEGIN), edited = start(store, ANY_EDITED);
    int64_t has_edited = 0;
    if (run(store, &begin, err) || ask(store, &edited, &has_edited, err))
        return -1;
    store->has_edited = has_edited != 0;
    return 0;
}

int binding_store_commit(struct binding_store *store, struct error *err)
{
    struct row_out row = start(store, COMMIT);
    return run(store, &row, err);
}

int binding_store_remove_found(struct binding_store *store, uint64_t *ret_count, struct error *err)
{
    struct row_out row = start(store, REMOVE_FOUND);
    if (run(store, &row, err))
        return -1;
    *ret_count = (uint64_t)sqlite3_changes64(store->db);
    return 0;
}

int binding_store_add_found(struct binding_store *store, const struct trace_binding *binding,
                            struct error *err)
{
    struct trace_binding found = *binding;
    int64_t is_kept_away = 0;
    found.origin = bytes_of("found");
    if (store->has_edited) {
        struct row_out question = start_places(store, IS_KEPT_AWAY, binding);
        if (ask(store, &question, &is_kept_away, err))
            return -1;
    }
    if (is_kept_away)
        return 0;
    struct row_out row = start(store, ADD);
    binding_out(&row, &found);
    return run(store, &row, err) ? -1 : 1;
}

static int remove_found_of_use(struct binding_store *store, const struct trace_binding *binding,
                               uint64_t *ret_count, struct error *err)
{
    struct row_out row = start_places(store, REMOVE_FOUND_OF_USE, binding);
    row_out_text(&row, binding->state);
    if (run(store, &row, err))
        return -1;
    *ret_count = (uint64_t)sqlite3_changes64(store->db);
    return 0;
}

int binding_store_change(struct binding_store *store, const struct trace_binding *binding,
                         struct error *err)
{
    struct trace_binding edited = *binding;
    edited.origin = bytes_of("edited");
    uint64_t removed;
    if (remove_found_of_use(store, binding, &removed, err))
        return -1;
    struct row_out row = start(store, CHANGE);
    binding_out(&row, &edited);
    row_out_id(&row, binding->binding_id);
    store->has_edited = true;
    return run(store, &row, err);
}

int binding_store_put_edited(struct binding_store *store, const struct trace_binding *binding,
                             int64_t *ret_binding_id, uint64_t *ret_replaced, struct error *err)
{
    struct trace_binding edited = *binding;
    edited.origin = bytes_of("edited");
    if (remove_found_of_use(store, binding, ret_replaced, err))
        return -1;
    struct row_out question = start_places(store, FIND_EDITED, binding);
    if (ask(store, &question, &edited.binding_id, err))
        return -1;
    if (edited.binding_id) {
        *ret_binding_id = edited.binding_id;
        return binding_store_change(store, &edited, err);
    }
    struct row_out row = start(store, ADD);
    binding_out(&row, &edited);
    if (run(store, &row, err))
        return -1;
    store->has_edited = true;
    *ret_binding_id = sqlite3_last_insert_rowid(store->db);
    return 0;
}

int binding_store_get(struct binding_store *store, int64_t binding_id,
                      struct trace_binding *binding, struct error *err)
{
    struct row_out row = start(store, GET);
    row_out_id(&row, binding_id);
    int code = sqlite3_step(row.statement);
    if (code == SQLITE_DONE)
        return 0;
    if (code != SQLITE_ROW) {
        db_fail(store->db, err);
        return fail(store, err);
    }
    return binding_in(row.statement, binding, err) ? fail(store, err) : 1;
}

int binding_store_drop(struct binding_store *store, int64_t binding_id, struct error *err)
{
    struct row_out row = start(store, DROP);
    row_out_id(&row, binding_id);
    return run(store, &row, err) ? -1 : sqlite3_changes64(store->db) == 1;
}

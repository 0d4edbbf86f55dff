/* endpoint_store.c - method and target in, endpoint id out. */
#include "traces/endpoint_store.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/map.h"
#include "traces/endpoint.h"

enum {
    NAME_BYTES = ENDPOINT_MAX_METHOD_BYTES + 1 + ENDPOINT_TEMPLATE_BYTES,
    ARENA_BYTES = 4 * 1024 * 1024
};

struct endpoint_store {
    sqlite3_stmt *add;
    struct arena arena; /* the names */
    struct map ids;     /* "GET /jobs/{id}" -> the row's id, as a pointer's value */
    int64_t count;
    int64_t other_id; /* of the endpoint for what is over the limit; 0: not made yet */
};

struct endpoint_store *endpoint_store_new(sqlite3 *db, struct error *err)
{
    struct endpoint_store *store = calloc(1, sizeof *store);
    if (!store) {
        error_set(err, EXIT_TOOL, "out of memory");
        return NULL;
    }
    arena_init(&store->arena, ARENA_BYTES);
    map_init(&store->ids);
    if (db_prepare(db, "INSERT INTO endpoint (endpoint_id, method, template) VALUES (?,?,?)",
                   &store->add, err)) {
        endpoint_store_free(store);
        return NULL;
    }
    return store;
}

void endpoint_store_free(struct endpoint_store *store)
{
    if (!store)
        return;
    sqlite3_finalize(store->add);
    map_fini(&store->ids);
    arena_fini(&store->arena);
    free(store);
}

static int add_row(struct endpoint_store *store, struct bytes method, struct bytes template,
                   int64_t *ret_endpoint_id, struct error *err)
{
    struct row_out row = row_out_start(store->add);
    row_out_int(&row, store->count + 1);
    row_out_text(&row, method);
    row_out_text(&row, template);
    if (row_out_run(&row, err))
        return -1;
    *ret_endpoint_id = ++store->count;
    return 0;
}

static int other(struct endpoint_store *store, int64_t *ret_endpoint_id, struct error *err)
{
    if (!store->other_id &&
        add_row(store, bytes_of("*"), bytes_of("/{other}"), &store->other_id, err))
        return -1;
    *ret_endpoint_id = store->other_id;
    return 0;
}

int endpoint_store_find(struct endpoint_store *store, struct bytes method, struct bytes target,
                        int64_t *ret_endpoint_id, struct error *err)
{
    char name[NAME_BYTES];
    if (method.len == 0) {
        *ret_endpoint_id = 0;
        return 0;
    }
    if (method.len > ENDPOINT_MAX_METHOD_BYTES)
        method.len = ENDPOINT_MAX_METHOD_BYTES;
    memcpy(name, method.ptr, method.len);
    name[method.len] = ' ';
    struct bytes template = endpoint_template(target, name + method.len + 1);
    struct bytes key = bytes_make(name, method.len + 1 + template.len);
    int64_t endpoint_id = (intptr_t)map_get(&store->ids, key);
    if (!endpoint_id) {
        if (store->count >= ENDPOINT_MAX_COUNT)
            return other(store, ret_endpoint_id, err);
        struct bytes kept = arena_copy(&store->arena, key);
        if (!kept.ptr)
            return other(store, ret_endpoint_id, err);
        if (add_row(store, method, template, &endpoint_id, err))
            return -1;
        if (map_set(&store->ids, kept, (void *)(intptr_t)endpoint_id))
            return error_set(err, EXIT_TOOL, "out of memory");
    }
    *ret_endpoint_id = endpoint_id;
    return 0;
}

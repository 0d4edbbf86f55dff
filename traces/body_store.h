/*
 * body_store.h - content in, body id out: each content is stored once.
 *
 * A content is known by its SHA-256. Recently stored ones are remembered, so that a server that
 * gives the same answer again and again costs a hash, not a query.
 */
#ifndef REPRISE_TRACES_BODY_STORE_H
#define REPRISE_TRACES_BODY_STORE_H

#include "traces/db.h"

struct body_store;

/* Writes through `db`, which must outlive it and hold no body yet. */
struct body_store *body_store_new(sqlite3 *db, struct error *err);
void body_store_free(struct body_store *store);

/* *ret_added_bytes is what the file grew by, 0 when the content was there. */
int body_store_put(struct body_store *store, struct bytes content, int64_t *ret_body_id,
                   uint64_t *ret_added_bytes, struct error *err);

#endif

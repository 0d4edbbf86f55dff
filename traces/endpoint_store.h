/*
 * endpoint_store.h - method and target in, endpoint id out.
 *
 * At most ENDPOINT_MAX_COUNT endpoints are made: a site whose paths are all words would otherwise
 * have one for each. What comes after shares the endpoint `* /{other}`.
 */
#ifndef REPRISE_TRACES_ENDPOINT_STORE_H
#define REPRISE_TRACES_ENDPOINT_STORE_H

#include "traces/db.h"

/* With a name of at most 290 bytes each, under 4 MB of memory. */
#define ENDPOINT_MAX_COUNT 10000
#define ENDPOINT_MAX_METHOD_BYTES 32 /* a longer method is cut for the endpoint's name */

struct endpoint_store;

/* Writes through `db`, which must outlive it and hold no endpoint yet. */
struct endpoint_store *endpoint_store_new(sqlite3 *db, struct error *err);
void endpoint_store_free(struct endpoint_store *store);

/* 0 for a request without a method: it was not seen. */
int endpoint_store_find(struct endpoint_store *store, struct bytes method, struct bytes target,
                        int64_t *ret_endpoint_id, struct error *err);

#endif

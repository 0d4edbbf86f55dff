/*
 * binding_store.h - writes the bindings of a trace: those that correlation finds, and those that
 * people make.
 *
 *     open -> begin -> remove_found, add_found ... -> commit -> close
 *
 * Every row has an origin. Those that are 'found' belong to correlation, which replaces all of them
 * at once; all others are people's, and no correlation removes or changes one. Where a person's row
 * is on, nothing is found for its used place any more; one that is off keeps away the found row
 * between the same two places. So a decision that somebody took outlives every new correlation.
 *
 * A reader of the same trace that stands on a row keeps commit() waiting (some seconds, then it
 * fails as "in use"): close it, or let its cursors come to their end, first.
 */
#ifndef REPRISE_TRACES_CORRELATE_BINDING_STORE_H
#define REPRISE_TRACES_CORRELATE_BINDING_STORE_H

#include "core/error.h"
#include "traces/trace.h"

struct binding_store;

/* Brings an older trace up to date. EXIT_INPUT for what is no trace or may not be written. */
int binding_store_open(struct binding_store **ret_store, const char *path, struct error *err);
/* What was not committed is as it was before begin(). */
void binding_store_close(struct binding_store *store);

/* One transaction around all of the below. */
int binding_store_begin(struct binding_store *store, struct error *err);
int binding_store_commit(struct binding_store *store, struct error *err);

/* How many there were. */
int binding_store_remove_found(struct binding_store *store, uint64_t *ret_count, struct error *err);

/* Adds a row of origin 'found', whatever binding->origin says; its binding_id is given out by the
 * file. 1: it is there; 0: a person's row keeps it away; -1. */
int binding_store_add_found(struct binding_store *store, const struct trace_binding *binding,
                            struct error *err);

/*
 * Adds a row of origin 'edited', or changes the edited row that has the same two places of the same
 * two exchanges, and removes what was found for its used place: how many rows, in *ret_replaced.
 */
int binding_store_put_edited(struct binding_store *store, const struct trace_binding *binding,
                             int64_t *ret_binding_id, uint64_t *ret_replaced, struct error *err);

/* One row by its id: 1, 0 when there is none, -1. What is got lasts until the next call. */
int binding_store_get(struct binding_store *store, int64_t binding_id,
                      struct trace_binding *binding, struct error *err);
/* All columns of the row binding->binding_id, which is 'edited' from then on; found rows go as they
 * do in put_edited(). */
int binding_store_change(struct binding_store *store, const struct trace_binding *binding,
                         struct error *err);
int binding_store_drop(struct binding_store *store, int64_t binding_id, struct error *err);

#endif

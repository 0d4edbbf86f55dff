/*
 * run_store.h - the run file: one SQLite file per run, written second by second.
 *
 * RUN_FORMAT.md says what is in it. After each put the file holds everything measured up to then,
 * totals included: a run that is killed opens like any other and has lost at most its last second.
 * A write-ahead log is beside the file while the run goes on; a closed run is one file.
 */
#ifndef REPRISE_REPLAY_RUN_STORE_H
#define REPRISE_REPLAY_RUN_STORE_H

#include "core/error.h"
#include "replay/results/run_record.h"

struct run_store;

/* "shop-20260102T030405.run" for the trace "dir/shop.trace": in the working directory, in UTC;
 * "...-2.run" when that is there already. */
char *run_store_default_path(char *out, size_t out_size, const char *trace_path,
                             int64_t started_unix_us);

/* Make the file; an existing one is never written over. */
int run_store_open(struct run_store **ret_store, const char *path, const struct run_facts *facts,
                   struct error *err);

/*
 * Add one second: what all workers measured in it, merged. Costs a transaction of one row per
 * endpoint asked for. After a failure (disk full) it may be called again: the totals catch up, the
 * second that failed stays missing from the series.
 */
int run_store_put_second(struct run_store *store, const struct metrics *delta, uint32_t second,
                         uint64_t length_us, const struct health *health, struct error *err);

/* What was put so far; borrowed. The thresholds and the verdict are judged on these. */
const struct metrics *run_store_totals(const struct run_store *store);
const struct run_health *run_store_health(const struct run_store *store);

/* Write how it ended. */
int run_store_finish(struct run_store *store, const struct run_end *end, struct error *err);

/* Make one file of it and forget the store; a store that was not finished stays "running". */
void run_store_close(struct run_store *store);

/* Read a run: finished, cut off, or still going on. */
int run_store_load(struct run_record **ret_run, const char *path, struct error *err);

#endif

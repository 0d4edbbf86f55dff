/*
 * run_put.h - the run store's inside: its statements, and which values go to which row.
 *
 * Only run_store.c and run_put.c include this.
 */
#ifndef REPRISE_REPLAY_RUN_PUT_H
#define REPRISE_REPLAY_RUN_PUT_H

#include "replay/results/run_sql.h"
#include "replay/results/run_store.h"

enum insert {
    INSERT_RUN,
    INSERT_ENDPOINT,
    INSERT_SECOND,
    INSERT_TOTAL,
    INSERT_WS_SECOND,
    INSERT_WS_TOTAL,
    INSERT_SESSION_TOTAL,
    INSERT_SESSION_RESULT,
    INSERT_GENERATOR_SECOND,
    INSERT_WORKER_SECOND,
    INSERT_WORKER_TOTAL,
    INSERT_GENERATOR_TOTAL,
    INSERT_FAILURE,
    INSERT_DIVERGENCE,
    INSERT_CHECK_TOTAL,
    INSERT_CHECK_DIFFERENCE,
    INSERT_PLUGIN_METRIC,
    INSERT_PLUGIN_CALL,
    INSERT_THRESHOLD,
    INSERT_COUNT
};

struct run_store {
    struct arena arena; /* of the texts */
    const char *path;
    sqlite3 *db;
    sqlite3_stmt *inserts[INSERT_COUNT];
    sqlite3_stmt *forget_failures;
    sqlite3_stmt *add_sample;
    sqlite3_stmt *forget_reasons;
    sqlite3_stmt *put_reason;
    sqlite3_stmt *drop_reasons;
    sqlite3_stmt *set_duration;
    sqlite3_stmt *set_end;
    struct buf scratch;
    struct metrics *totals;
    struct run_health health;
    struct port_meter ports;
    struct run_plugin_metric plugin_metrics[METRICS_MAX_CUSTOM];
    uint32_t plugin_metric_count;
    bool must_write_all; /* a second could not be written: the totals in the file are behind */
};

/* Needs an open db, and the totals as they shall be. Each fills err and returns -1 on failure. */
int run_put_prepare(struct run_store *store, struct error *err);
void run_put_finalize(struct run_store *store);
int run_put_facts(struct run_store *store, const struct run_facts *facts, struct error *err);
int run_put_second(struct run_store *store, const struct metrics *delta,
                   const struct generator_second *generator, struct error *err);
int run_put_totals(struct run_store *store, struct error *err);

/* For the parts of run_put*.c: a row of this table, to be filled from the left. */
struct sql_row run_put_start(struct run_store *store, enum insert insert);

/* run_put_generator.c: the second's rows, and the total. */
int run_put_generator(struct run_store *store, const struct metrics *delta,
                      const struct generator_second *generator, struct error *err);
int run_put_generator_total(struct run_store *store, struct error *err);
int run_put_end(struct run_store *store, const struct run_end *end, struct error *err);

#endif

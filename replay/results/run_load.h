/*
 * run_load.h - the run reader's inside: a query under way, and what is read in another file.
 *
 * Only run_load*.c include this.
 */
#ifndef REPRISE_REPLAY_RUN_LOAD_H
#define REPRISE_REPLAY_RUN_LOAD_H

#include "replay/results/run_sql.h"
#include "replay/results/run_store.h"

struct load {
    sqlite3 *db;
    sqlite3_stmt *statement;
    struct sql_row row;
    struct run_record *run;
    struct error *err;
    uint32_t version; /* of the file, at most RUN_VERSION */
    bool is_out_of_memory;
};

/* Each fills load->err and returns -1 on failure. */
int run_load_start(struct load *load, const char *sql);
/* 1 with a row to take, 0 at the end, -1. */
int run_load_next(struct load *load);
int run_load_damaged(struct load *load, const char *table);
/* The next column, kept with the run; never NULL. */
const char *run_load_text(struct load *load);

/* run_load_generator.c */
int run_load_generator(struct load *load);
int run_load_generator_total(struct load *load);

/* run_load_lists.c */
int run_load_samples(struct load *load);
int run_load_reasons(struct load *load);
int run_load_divergences(struct load *load);
int run_load_checks(struct load *load);
int run_load_thresholds(struct load *load);
int run_load_plugin_calls(struct load *load);

#endif

/*
 * schema.h - the tables and views of a trace, and which files are one.
 *
 * FORMAT.md describes them. A version is the number of steps that made the file: a fresh one takes
 * them all, an older one those it lacks, in one transaction; a newer one is refused.
 */
#ifndef REPRISE_TRACES_SCHEMA_H
#define REPRISE_TRACES_SCHEMA_H

#include "traces/db.h"

#define SCHEMA_APPLICATION_ID 0x52705472 /* "RpTr" */
#define SCHEMA_VERSION 3

/* In a new and empty file. */
int schema_create(sqlite3 *db, struct error *err);

/* Is it a trace that this version can read? Brings an older one up to date. EXIT_INPUT if not. */
int schema_check(sqlite3 *db, struct error *err);

/* Opens the file of a trace that is there, to be read or changed, and checks it as above.
 * `settings`: PRAGMAs of the caller's. After -1 *ret_db may be open too: close it. */
int schema_open(sqlite3 **ret_db, const char *path, const char *settings, struct error *err);

/* All of a caller's statements; a file whose tables do not have what they ask for is damaged. */
int schema_prepare(sqlite3 *db, const char *const *sql, int count, sqlite3_stmt **ret_statements,
                   struct error *err);

/* The same as schema_check() for any list of steps; steps[0] makes an empty file version 1. */
int schema_bring_up(sqlite3 *db, const char *const *steps, int step_count, struct error *err);

#endif

/* store.h - accounts and data in SQLite, in memory or in a file.
 *
 * Safe from any thread: one connection, one lock, statements prepared once. `types` has one letter
 * a parameter: 's' const char * (NULL is SQL null), 'i' int64_t. SQL texts are string literals
 * (statements are kept by their address). What must be atomic is one statement: «UPDATE ... WHERE
 * what I believe still holds», and the count of changed rows tells whether it did. */
#ifndef VOICELAB_STORE_H
#define VOICELAB_STORE_H

#include <jansson.h>

struct store;

enum { STORE_CONFLICT = -2 }; /* a row with that key exists */

/* `path` NULL: in memory. NULL: one line is on stderr. */
struct store *store_open(const char *path);
void store_close(struct store *store);

/* Rows changed, STORE_CONFLICT, or -1 with a line on stderr. */
int store_run(struct store *store, const char *sql, const char *types, ...);

/* The rows as objects keyed by column name. Never NULL but for no memory; the caller's. */
json_t *store_rows(struct store *store, const char *sql, const char *types, ...);

/* The first row, or NULL when there is none. The caller's. */
json_t *store_row(struct store *store, const char *sql, const char *types, ...);

/* The first column of the first row as a number, or 0. */
int64_t store_number(struct store *store, const char *sql, const char *types, ...);

#endif

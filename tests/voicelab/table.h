/* table.h - a hash table from short strings to structs, with a stated maximum of entries.
 *
 * Not locked: the owner does that. Values keep their address until table_free. */
#ifndef VOICELAB_TABLE_H
#define VOICELAB_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct table;

typedef void table_visit_fn(void *context, const char *key, void *value);
typedef bool table_keep_fn(void *context, const char *key, void *value);

/* Entries hold `value_bytes`, zeroed when they are made. NULL: no memory. */
struct table *table_new(size_t value_bytes, size_t max_entries);
void table_free(struct table *table);

/* The entry of this key, made when it is missing. NULL: full (or no memory). */
void *table_get(struct table *table, const char *key);

size_t table_count(const struct table *table);
void table_each(struct table *table, table_visit_fn *visit, void *context);

/* Drops every entry for which `keep` says false. */
void table_sweep(struct table *table, table_keep_fn *keep, void *context);

#endif

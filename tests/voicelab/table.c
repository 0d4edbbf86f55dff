/* table.c - a hash table from short strings to structs, with a stated maximum of entries. */
#include "tests/voicelab/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Chains hang off a fixed array: at the maximum of 262,144 entries they are 16 long. */
#define BUCKETS 16384u

struct entry {
    struct entry *next;
    char *key;
    max_align_t value[];
};

struct table {
    size_t value_bytes;
    size_t max_entries;
    size_t count;
    struct entry *buckets[BUCKETS];
};

struct table *table_new(size_t value_bytes, size_t max_entries)
{
    struct table *table = calloc(1, sizeof *table);

    if (!table)
        return NULL;
    table->value_bytes = value_bytes;
    table->max_entries = max_entries;
    return table;
}

static void entry_free(struct entry *entry)
{
    free(entry->key);
    free(entry);
}

void table_free(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (table->buckets[i]) {
            struct entry *entry = table->buckets[i];
            table->buckets[i] = entry->next;
            entry_free(entry);
        }
    }
    free(table);
}

static uint32_t hash(const char *key)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 16777619u;
    return h;
}

void *table_get(struct table *table, const char *key)
{
    struct entry **bucket = &table->buckets[hash(key) % BUCKETS];

    for (struct entry *entry = *bucket; entry; entry = entry->next)
        if (strcmp(entry->key, key) == 0)
            return entry->value;
    if (table->count == table->max_entries)
        return NULL;

    struct entry *entry = calloc(1, sizeof *entry + table->value_bytes);
    if (!entry)
        return NULL;
    entry->key = strdup(key);
    if (!entry->key) {
        free(entry);
        return NULL;
    }
    entry->next = *bucket;
    *bucket = entry;
    table->count++;
    return entry->value;
}

size_t table_count(const struct table *table)
{
    return table->count;
}

void table_each(struct table *table, table_visit_fn *visit, void *context)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct entry *entry = table->buckets[i]; entry; entry = entry->next)
            visit(context, entry->key, entry->value);
}

void table_sweep(struct table *table, table_keep_fn *keep, void *context)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        struct entry **link = &table->buckets[i];
        while (*link) {
            struct entry *entry = *link;
            if (keep(context, entry->key, entry->value)) {
                link = &entry->next;
                continue;
            }
            *link = entry->next;
            table->count--;
            entry_free(entry);
        }
    }
}

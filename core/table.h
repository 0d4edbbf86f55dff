/*
 * table.h - rows of text printed as aligned columns.
 *
 * Cells are copied; control bytes in them are printed as '.', so that recorded data cannot drive a
 * terminal.
 */
#ifndef REPRISE_CORE_TABLE_H
#define REPRISE_CORE_TABLE_H

#include <stdio.h>

#include "core/arena.h"

#define TABLE_MAX_COLUMNS 16

struct table_row;

struct table {
    struct arena arena;
    struct table_row *first, *last;
    size_t column_count;
    const char *headings[TABLE_MAX_COLUMNS];
    bool is_right_aligned[TABLE_MAX_COLUMNS];
};

/* "started|>requests|status": '>' aligns a column to the right. At most max_bytes of cells are
 * kept. */
void table_init(struct table *table, const char *headings, size_t max_bytes);
void table_fini(struct table *table);

/* Fill the row from the left; too many cells are dropped. */
void table_row(struct table *table);
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Print headings and rows, then forget the rows. */
void table_print(struct table *table, FILE *out);

#endif

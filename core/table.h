/*
 * table.h - rows of text printed as aligned columns.
 *
 * Cells are copied; what is no UTF-8 or a control character in them is printed as '.', so that
 * recorded data cannot drive a terminal. A character counts as one column.
 */
#ifndef REPRISE_CORE_TABLE_H
#define REPRISE_CORE_TABLE_H

#include <stdio.h>

#include "core/arena.h"

#define TABLE_MAX_COLUMNS 16
#define TABLE_MAX_HEADING_BYTES 1024

struct table_row;

struct table {
    struct arena arena; /* of the rows */
    struct arena heading_arena;
    struct table_row *first, *last;
    bool is_row_open; /* `last` takes cells */
    size_t dropped_rows;
    size_t column_count;
    const char *headings[TABLE_MAX_COLUMNS];
    bool is_right_aligned[TABLE_MAX_COLUMNS];
};

/* "started|>requests|status": '>' aligns a column to the right. At most max_bytes of rows are
 * kept; table_print() says how many more there were. */
void table_init(struct table *table, const char *headings, size_t max_bytes);
void table_fini(struct table *table);

/* Fill the row from the left; too many cells are dropped. */
void table_row(struct table *table);
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes of the UTF-8 character at `text`; 0: it is none, or one that terminals obey. */
size_t table_printable_bytes(const char *text);

/* Print headings and rows, then forget the rows. */
void table_print(struct table *table, FILE *out);

#endif

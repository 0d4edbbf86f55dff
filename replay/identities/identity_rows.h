/*
 * identity_rows.h - what --data gives each user: a table of texts, read whole before anything is
 * sent.
 *
 * A file is CSV with a header row (RFC 4180), or JSON lines: objects of texts, numbers and words.
 * Each row has a cell for each column, or the file is refused: a row that lacks one is a mistake
 * that would show as one user's failure in the middle of a run.
 */
#ifndef REPRISE_REPLAY_IDENTITY_ROWS_H
#define REPRISE_REPLAY_IDENTITY_ROWS_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/error.h"

#define IDENTITY_MAX_COLUMNS 64
#define IDENTITY_MAX_FILE_BYTES (256u * 1024 * 1024)
#define IDENTITY_MAX_CELL_BYTES (64u * 1024)

struct identity_rows {
    struct bytes columns[IDENTITY_MAX_COLUMNS]; /* names, each once */
    uint32_t column_count;
    size_t count;     /* of rows */
    size_t *row_ends; /* in `cells` */
    size_t capacity;  /* of row_ends */
    struct buf cells; /* row by row: a length of four bytes, then the text */
    struct arena names;
};

/* -1 with err (EXIT_INPUT): which line, and what is wrong with it. identity_rows_fini() in either
 * case. */
int identity_rows_open(struct identity_rows *rows, const char *path, struct error *err);
int identity_rows_parse(struct identity_rows *rows, struct bytes content, struct error *err);
void identity_rows_fini(struct identity_rows *rows);

struct bytes identity_rows_cell(const struct identity_rows *rows, size_t row, uint32_t column);

/* False: there is no such column. Names ignore case where only that tells them apart. */
bool identity_rows_find_column(const struct identity_rows *rows, struct bytes name,
                               uint32_t *ret_column);

/* For identity_csv.c and identity_json.c: `line` is where the name or the row stands. */
int identity_rows_add_column(struct identity_rows *rows, struct bytes name, size_t line,
                             struct error *err);
int identity_rows_add_row(struct identity_rows *rows, const struct bytes *cells, size_t count,
                          size_t line, struct error *err);
int identity_csv_parse(struct identity_rows *rows, struct bytes content, struct error *err);
int identity_json_parse(struct identity_rows *rows, struct bytes content, struct error *err);

#endif

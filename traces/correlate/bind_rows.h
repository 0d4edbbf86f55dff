/*
 * bind_rows.h - which bindings of a trace somebody means: by their numbers, or by what the lists
 * print of their ends.
 */
#ifndef REPRISE_TRACES_CORRELATE_BIND_ROWS_H
#define REPRISE_TRACES_CORRELATE_BIND_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

struct bind_rows {
    int64_t *ids;
    size_t count, capacity;
};

/* Those with this end, or with both; NULL: with any. -1 with err, also when there is none.
 * bind_rows_fini() it in any case. */
int bind_rows_find(struct bind_rows *rows, const char *trace, const char *born, const char *used,
                   struct error *err);

/* One more, as text. -1 with err. */
int bind_rows_add(struct bind_rows *rows, const char *text, struct error *err);

void bind_rows_fini(struct bind_rows *rows);

#endif

/*
 * identity_columns.h - which columns of --data a trace's bindings ask for: for who gave others.
 */
#ifndef REPRISE_REPLAY_IDENTITY_COLUMNS_H
#define REPRISE_REPLAY_IDENTITY_COLUMNS_H

#include "core/buf.h"
#include "core/error.h"

struct binding_overlay;

/* "username (form:user of exchange 3), password (...)", each column once, the first of them; empty:
 * none, or the trace cannot be read. */
void identity_wanted_columns(const char *trace_path, const struct binding_overlay *overlay,
                             struct buf *out);

#endif

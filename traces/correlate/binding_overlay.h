/*
 * binding_overlay.h - a bindings file that is played without being put into the trace.
 *
 * Its rules are held against the sessions once, as an import does it, and the rows that come of it
 * are laid over the trace's own in every reader that is opened with it. Read-only after open(), so
 * threads may share it.
 */
#ifndef REPRISE_TRACES_CORRELATE_BINDING_OVERLAY_H
#define REPRISE_TRACES_CORRELATE_BINDING_OVERLAY_H

#include "core/error.h"
#include "traces/reader.h"

struct binding_overlay;

struct overlay_counts {
    size_t rules, fitting; /* in the file; those with a row in some session */
    size_t rows;           /* in the sessions */
    uint64_t replaced;     /* of the trace's own, which do not count beside them */
};

/* EXIT_INPUT with "NAME:LINE: what is wrong" for a file that is none. */
int binding_overlay_open(struct binding_overlay **ret_overlay, const char *trace_path,
                         const char *file_path, struct error *err);
void binding_overlay_close(struct binding_overlay *overlay);

struct overlay_counts binding_overlay_counts(const struct binding_overlay *overlay);
/* Warns of each rule that fits no session, with its line and why. */
void binding_overlay_warn(const struct binding_overlay *overlay);

/* trace_reader_open(), and the rows over the trace's own; overlay NULL: none. */
int binding_overlay_open_reader(const struct binding_overlay *overlay, const char *trace_path,
                                struct trace_reader **ret_reader, struct error *err);

#endif

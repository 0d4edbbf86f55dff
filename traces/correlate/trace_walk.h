/*
 * trace_walk.h - tells the finder a whole trace, session by session, in one pass.
 *
 * Codings of bodies are undone. An answer's body that comes again (the same content of the same
 * type) is read and taken apart once, as long as there is room for what was found in it.
 */
#ifndef REPRISE_TRACES_CORRELATE_TRACE_WALK_H
#define REPRISE_TRACES_CORRELATE_TRACE_WALK_H

#include "traces/correlate/finder.h"
#include "traces/reader.h"

struct walk_counts {
    uint64_t sessions, exchanges, messages;
    uint64_t bodies_read, bodies_again; /* of answers */
    uint64_t undecoded;                 /* bodies whose codings could not be undone */
    uint64_t too_large;                 /* bodies that were not looked at */
    uint64_t left_out; /* values that are too deep, too long or too many in their message */
};

int trace_walk(struct trace_reader *reader, struct finder *finder, struct walk_counts *ret_counts,
               struct error *err);

/* A header that says how, not what, or whose values have places of their own: Date, Cookie. */
bool header_is_noise(struct bytes name);

#endif

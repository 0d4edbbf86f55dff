/*
 * fix.h - bindings that verify suggested, written into the trace to be tried, and taken back where
 * they did not help.
 *
 * A suggestion is about one request. It is tried wherever the same holds: at every request of that
 * endpoint whose value at that place came with an answer of that other endpoint, from that place,
 * earlier in its session; of an array's elements and a WebSocket's messages at all of them. Rows
 * are people's ("edited"), so no later correlation takes them away.
 */
#ifndef REPRISE_REPLAY_VERIFY_FIX_H
#define REPRISE_REPLAY_VERIFY_FIX_H

#include "replay/verify/findings.h"
#include "traces/correlate/binding_match.h"

enum fix_outcome {
    FIX_TRYING,
    FIX_KEPT,
    FIX_TAKEN_BACK, /* it was played, and did not help */
    FIX_NOT_TRIED   /* no request to play it in, or the pass was stopped */
};

struct fix_row {
    int64_t binding_id, used_exchange_id;
    struct bytes used_place;
};

struct fix_binding {
    struct suggestion suggestion; /* texts are the fix's own */
    uint32_t round;
    /* What it was suggested for. */
    enum difference_kind kind;
    int status;
    const char *place;
    enum fix_outcome outcome;
    struct binding_end born; /* its place with a '*' for each number */
    size_t row_count;
    struct fix_row *rows;
};

struct fix {
    const char *trace_path; /* borrowed */
    struct arena arena;
    struct fix_binding *bindings;
    size_t count, capacity;
    uint32_t rounds;
};

void fix_init(struct fix *fix, const char *trace_path);
void fix_fini(struct fix *fix);

/* Write what the findings suggest and was not tried before; *ret_count: how many of them there are
 * rows for. -1 with err. */
int fix_try(struct fix *fix, const struct findings *findings, size_t *ret_count, struct error *err);

/* Take back those of the last round; was_played: its pass came to its end. */
int fix_undo_round(struct fix *fix, bool was_played, struct error *err);

/* Keep those whose request is answered as recorded now, or no longer has what they were suggested
 * for, or is no longer refused for its credential; take back the others; *ret_undone: how many. -1
 * with err. */
int fix_settle(struct fix *fix, const struct findings *findings, size_t *ret_undone,
               struct error *err);

#endif

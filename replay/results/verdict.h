/*
 * verdict.h - whether to believe a run: was it the target that was measured, or the generator?
 */
#ifndef REPRISE_REPLAY_VERDICT_H
#define REPRISE_REPLAY_VERDICT_H

#include "replay/results/run_record.h"

enum verdict_kind {
    VERDICT_VALID,
    VERDICT_TIGHT,   /* valid, but the generator was near its limit */
    VERDICT_HELD_UP, /* requests left late and not for want of CPU: the target or --max-in-flight */
    VERDICT_SHORT,   /* late, in a run too short to say why */
    VERDICT_INVALID, /* the generator was the limit: EXIT_INVALID */
    VERDICT_NOTHING  /* nothing was answered, so nothing was measured */
};

struct verdict {
    enum verdict_kind kind;
    char text[384]; /* one line: what, the figures, what to do */
};

/*
 * Lateness is that of HTTP requests, or of WebSocket messages where that is greater (against their
 * answers' wait). A run is late when lateness p99 is over 1 ms and over a tenth of response p99. A
 * late run is invalid when the generator is why: one worker over BUSY_PERCENT in a tenth of the
 * seconds; or its loop stood still for half of that lateness, and lateness is more than a third of
 * response (up to that it is tight). -1 without memory.
 */
int verdict_judge(const struct metrics *totals, const struct run_health *health,
                  struct verdict *ret_verdict);

#endif

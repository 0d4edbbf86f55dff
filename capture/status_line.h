/*
 * status_line.h - how a capture is going, on stderr: rewritten once a second on a terminal, a line
 * every ten seconds elsewhere.
 */
#ifndef REPRISE_CAPTURE_STATUS_LINE_H
#define REPRISE_CAPTURE_STATUS_LINE_H

#include <stdio.h>

#include "capture/recorder.h"

struct status_line {
    FILE *out;
    bool is_terminal;
    bool is_on_line; /* something stands on the terminal's line */
    uint64_t shown_at_us;
};

void status_line_init(struct status_line *status, FILE *out, uint64_t now_us);

/* Call often; shows when it is time to. */
void status_line_tick(struct status_line *status, const struct recorder_totals *totals,
                      uint64_t drops, uint64_t now_us);

/* Leave the line before something else is printed. */
void status_line_end(struct status_line *status);

#endif

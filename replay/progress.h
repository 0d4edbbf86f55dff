/*
 * progress.h - what people see while a run goes on, once a second.
 *
 * On a terminal one line that is written over; in a log a plain line every few seconds; with
 * --quiet nothing. The caller says what it is; nothing here looks at the clock.
 */
#ifndef REPRISE_REPLAY_PROGRESS_H
#define REPRISE_REPLAY_PROGRESS_H

#include <stdio.h>

#include "replay/metrics.h"

/* One moment of a run. The caller sets what is planned; progress_add() keeps the rest. */
struct progress {
    uint64_t duration_us;      /* planned; 0: not known */
    uint64_t planned_sessions; /* 0: as many as fit into the time */
    uint64_t elapsed_us;
    uint64_t sessions_ended;
    uint64_t ended; /* requests */
    uint64_t failed;
    /* Of the last second. */
    uint64_t users;
    uint64_t in_flight;
    double requests_per_sec;
    uint64_t service_p95_us;
    uint64_t lateness_p99_us;
    double busiest_percent; /* of its processor, the worker that was busiest */
    uint64_t queued;        /* requests that wait for --max-in-flight or a connection */
    bool has_samples;       /* false: nothing was answered in it */
};

/* Add one second's merged metrics: time and counts add up, the rest is replaced. -1 without
 * memory. */
int progress_add(struct progress *progress, const struct metrics *delta, uint64_t length_us);

enum { PROGRESS_TEXT_BYTES = 512 };

/*
 * "  42% [========>-----------]  12.3s  120 users  1523 req/s  p95 12.30ms  3 errors (0.1%)
 * lateness p99 210us  cpu 45%", and "  12 queued" where any are. Without duration or sessions to go
 * by there is no bar. Cut to `columns`, if that is not 0: the bar goes first, then the end.
 */
char *progress_text(char *out, size_t out_size, const struct progress *progress, uint32_t columns);

enum progress_mode { PROGRESS_QUIET, PROGRESS_LINES, PROGRESS_TERMINAL };

struct progress_display {
    enum progress_mode mode;
    FILE *out;
    uint64_t interval_us; /* between plain lines */
    uint64_t next_us;
    bool has_line; /* on the terminal, to be written over */
};

/* By what stderr is: a terminal, or not. */
void progress_display_init(struct progress_display *display, FILE *out, bool is_quiet);

/* Show it, if it is time to. */
void progress_show(struct progress_display *display, const struct progress *progress);

/* Take the line away, so that what is printed next starts on an empty one. */
void progress_clear(struct progress_display *display);

#endif

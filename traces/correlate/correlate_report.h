/*
 * correlate_report.h - what a correlation found, for people and for programs.
 */
#ifndef REPRISE_TRACES_CORRELATE_CORRELATE_REPORT_H
#define REPRISE_TRACES_CORRELATE_CORRELATE_REPORT_H

#include "traces/correlate/trace_walk.h"

struct correlate_totals {
    const char *path;
    bool is_dry_run;
    double min_score; /* from which rules bind */
    struct walk_counts walk;
    uint64_t bindings;  /* stored, or in a dry run found */
    uint64_t removed;   /* that an earlier correlation had found */
    uint64_t kept_away; /* by rows of people */
    uint64_t cpu_us;
};

/* -1 with err when there is no memory. */
int correlate_print(FILE *out, const struct finder *finder, const struct correlate_totals *totals,
                    struct error *err);
/* Lines of the kinds "rule", "near", "client", "unbound" and, at the end, "totals". */
int correlate_print_json(FILE *out, const struct finder *finder,
                         const struct correlate_totals *totals, struct error *err);

#endif

/*
 * report.h - a run for people and for programs, made from nothing but what its file holds.
 *
 * `reprise replay` ends with it and `reprise report RUN` prints it again. Percentiles come from the
 * histograms of core/histogram.h: at most 1/128 (0.8%) above the true value and never below it;
 * min, max and average are exact.
 */
#ifndef REPRISE_REPLAY_REPORT_H
#define REPRISE_REPLAY_REPORT_H

#include <stdio.h>

#include "core/error.h"
#include "replay/results/run_record.h"

/* The summary in k6's order: thresholds, totals, HTTP, WebSocket, network; then the generator's
 * own health and whether to believe the run. */
void report_print(const struct run_record *run, bool has_colour, FILE *out);

/*
 * The summary in the shape of k6's --summary-export: {"metrics": {NAME: {...}}}, times in
 * milliseconds. Beside k6's keys: "p(99)" and "count" of trends, the three clocks, submetrics by
 * endpoint ("http_req_duration{endpoint:GET /}"), and "run", "generator", "failures".
 */
int report_print_json(const struct run_record *run, FILE *out, struct error *err);

/* Whether it may be written there: not over a trace or a run, nor any other database. -1 with
 * EXIT_INPUT. */
int report_check_export(const char *path, struct error *err);

/* The same into a file, which appears whole or not at all. */
int report_export_json(const struct run_record *run, const char *path, struct error *err);

#endif

/*
 * verify_report.h - what came of a verification, for people and for programs.
 */
#ifndef REPRISE_REPLAY_VERIFY_VERIFY_REPORT_H
#define REPRISE_REPLAY_VERIFY_VERIFY_REPORT_H

#include <stdio.h>

#include "replay/verify/verify_run.h"

void verify_report_text(const struct verify_run *run, FILE *out);

/* -1 with err: it could not be written. */
int verify_report_json(const struct verify_run *run, FILE *out, struct error *err);

/* A suggestion as a command line: reprise bind T add --born "..." --used "...". */
void verify_report_command(const char *trace_path, const struct suggestion *suggestion, FILE *out);

#endif

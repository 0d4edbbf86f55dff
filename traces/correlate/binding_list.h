/*
 * binding_list.h - the bindings of a trace for people, or for a program.
 */
#ifndef REPRISE_TRACES_CORRELATE_BINDING_LIST_H
#define REPRISE_TRACES_CORRELATE_BINDING_LIST_H

#include <stdio.h>

#include "traces/reader.h"

/* As an aligned table, or one JSON object a line with the columns of `binding` and both endpoints.
 */
int binding_list(struct trace_reader *reader, bool is_json, FILE *out, struct error *err);

#endif

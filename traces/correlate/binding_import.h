/*
 * binding_import.h - a bindings file put into a trace: read, held against its sessions, written.
 */
#ifndef REPRISE_TRACES_CORRELATE_BINDING_IMPORT_H
#define REPRISE_TRACES_CORRELATE_BINDING_IMPORT_H

#include <stdio.h>

#include "core/error.h"

/* Says on `out` how many of its rules fit, on stderr which do not and why. `note` becomes the
 * evidence. All of the file is in the trace, or nothing. */
int binding_import(const char *trace, const char *path, const char *note, FILE *out,
                   struct error *err);

#endif

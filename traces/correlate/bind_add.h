/*
 * bind_add.h - a binding made by a person, looked at before it is written: do both places exist in
 * what was recorded, and is the value of the one in the other? Between ends that are many, every
 * binding for which that is so.
 */
#ifndef REPRISE_TRACES_CORRELATE_BIND_ADD_H
#define REPRISE_TRACES_CORRELATE_BIND_ADD_H

#include <stdbool.h>
#include <stdio.h>

#include "core/error.h"

struct bind_add {
    const char *trace;
    const char *born, *used; /* "17 body:/id" and what else binding_end.h reads */
    const char *form;        /* NULL: as the request has it */
    const char *state;       /* "on" or "off" */
    const char *note;        /* becomes the evidence */
    bool every_session;      /* the same between these endpoints, wherever it fits */
};

/* Says on `out` what was written. -1 with what is there instead. */
int bind_add(const struct bind_add *add, FILE *out, struct error *err);

#endif

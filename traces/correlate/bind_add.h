/*
 * bind_add.h - one binding made by a person, looked at before it is written: do both places exist
 * in what was recorded, and is the value of the one in the other?
 */
#ifndef REPRISE_TRACES_CORRELATE_BIND_ADD_H
#define REPRISE_TRACES_CORRELATE_BIND_ADD_H

#include <stdbool.h>
#include <stdio.h>

#include "core/error.h"

struct bind_add {
    const char *trace;
    const char *born, *used; /* "17 body:/id": an exchange and a place in it */
    const char *form;        /* NULL: as the request has it */
    const char *state;       /* "on" or "off" */
    const char *note;        /* becomes the evidence */
    bool every_session;      /* the same between these endpoints, wherever it fits */
};

/* Says on `out` what was written. -1 with what is there instead. */
int bind_add(const struct bind_add *add, FILE *out, struct error *err);

#endif

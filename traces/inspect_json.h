/*
 * inspect_json.h - one JSON object on one line, built field by field.
 *
 * Field names are those of FORMAT.md. A text that is not UTF-8 is told twice: NAME with U+FFFD for
 * what is none, NAME_hex with all its bytes.
 */
#ifndef REPRISE_TRACES_INSPECT_JSON_H
#define REPRISE_TRACES_INSPECT_JSON_H

#include <stdio.h>

#include "core/bytes.h"
#include "core/error.h"

struct json_t;

struct json_line {
    struct json_t *root;
    struct json_t *open; /* where fields go: the root, or the object inside it */
    bool has_failed;     /* without memory */
};

void json_line_start(struct json_line *line);
void json_line_text(struct json_line *line, const char *name, struct bytes text);
void json_line_count(struct json_line *line, const char *name, uint64_t value);
void json_line_int(struct json_line *line, const char *name, int64_t value);
void json_line_real(struct json_line *line, const char *name, double value);
void json_line_bool(struct json_line *line, const char *name, bool value);
void json_line_id(struct json_line *line, const char *name, int64_t id);     /* 0: null */
void json_line_moment(struct json_line *line, const char *name, int64_t us); /* none: null */
/* "Name: value\n" lines as [{"name":..., "value":...}, ...]. */
void json_line_headers(struct json_line *line, const char *name, struct bytes headers);
/* Between the two, fields belong to the object `name`. Not inside each other. */
void json_line_open(struct json_line *line, const char *name);
void json_line_close(struct json_line *line);
/* Print it and a line end, and free it. */
int json_line_end(struct json_line *line, FILE *out, struct error *err);

#endif

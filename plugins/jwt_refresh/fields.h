/*
 * fields.h - the strings and numbers of a JSON or form body as one flat list.
 *
 * A field's path is its JSON pointer; a form's field `name` is /name, and a body that is one bare
 * string (or a text that is a JWT) has the path "". What is nested deeper than FIELDS_MAX_DEPTH, or
 * behind the first FIELDS_MAX, is not listed.
 */
#ifndef JWT_REFRESH_FIELDS_H
#define JWT_REFRESH_FIELDS_H

#include "text.h"

enum {
    FIELDS_MAX = 4000,
    FIELDS_MAX_DEPTH = 24,
    FIELDS_MAX_PATH_BYTES = 256,
    FIELDS_MAX_BODY_BYTES = 1024 * 1024
};

struct field {
    char *path;
    char *text; /* decoded; a number as digits */
    size_t text_len;
    bool is_number;
};

struct fields {
    struct field *items;
    size_t count, capacity;
    bool is_form;
};

/* What is neither, or broken, has no fields. fields_free() in any case. */
void fields_parse(struct fields *fields, reprise_bytes content_type, reprise_bytes body);
void fields_free(struct fields *fields);

const struct field *fields_find(const struct fields *fields, const char *path);
reprise_bytes field_text(const struct field *field);
/* The last part of the path. */
reprise_bytes field_name(const struct field *field);

/* "data.token", "$.data.token", "/data/token": a pointer; the caller's. */
char *fields_path_of(const char *written);

#endif

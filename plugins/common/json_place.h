/*
 * json_place.h - where a value stands in the bytes of a JSON text, so that it can be replaced and
 * every other byte stays.
 *
 * A place is a JSON pointer (RFC 6901); a '*' as a token stands for every element of an array and
 * every member of an object. Of members with the same name all are found: which one a target takes
 * is its own affair.
 */
#ifndef PLUGINS_COMMON_JSON_PLACE_H
#define PLUGINS_COMMON_JSON_PLACE_H

#include "text.h"

enum { JSON_PLACE_MAX_DEPTH = 200, JSON_PLACE_MAX_TOKENS = 32 };

struct json_value {
    size_t at, len; /* a string: with its quotes */
    char kind;      /* '"', '0' a number, 't' true or false, 'n' null, '{', '[' */
};

/* Non-zero ends the search. */
typedef int (*json_place_fn)(void *owner, const struct json_value *value);

/* "" or '/' first, at most JSON_PLACE_MAX_TOKENS tokens, '~' only as ~0 and ~1. */
bool json_pointer_is_valid(const char *pointer);

/* The whole text is read, before `visit` is called for the first time it is known to be JSON.
 * How many values were found, or -1: it is no JSON, or too deep. */
int json_place_find(const char *text, size_t len, const char *pointer, json_place_fn visit,
                    void *owner);

/* A string of JSON, with its quotes, as UTF-8 without escapes. A lone surrogate is U+FFFD. */
void json_string_decode(const char *string, size_t len, struct text *into);
/* And back: only what must be escaped is. */
void json_string_encode(const char *bytes, size_t len, struct text *into);

/* Whether it would be a number in JSON. */
bool json_text_is_number(const char *bytes, size_t len);

#endif

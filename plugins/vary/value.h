/*
 * value.h - values that are made: templates like user-{n}-{hex8}@example.org, filled in.
 */
#ifndef VARY_VALUE_H
#define VARY_VALUE_H

#include "../common/text.h"

#include <stdint.h>

enum { VALUE_MAX_PROBLEM_BYTES = 200, VALUE_MAX_COUNT = 256 /* N of {hexN} */ };

#define VALUE_NAMES "uuid, time_iso, time_s, time_ms, hexN, digitsN, data:COLUMN"

/* What stands in the braces of one value. */
struct value_source {
    uint64_t random; /* moves on as it is drawn from */
    uint64_t n;      /* the user */
    uint64_t seq;    /* of this value among the user's own, from 1 */
    int64_t unix_us;
    const char *recorded; /* {value}, and its part behind '@' is {domain} */
    size_t recorded_bytes;
    /* A column of the user's row; NULL: there is none. */
    const char *(*column)(void *owner, const char *name, size_t *ret_bytes);
    void *owner;
};

/* uuid, hex16, data:email ...: without braces. */
bool value_is_known(const char *name, size_t len);

/* Braces are closed and hold what is known. 0, or -1 and what is wrong. */
int value_check(const char *form, char problem[VALUE_MAX_PROBLEM_BYTES]);

/* The form must have passed value_check(). -1: it wants a column that is not there. */
int value_make(const char *form, struct value_source *source, struct text *into);

/* For seeds: the next of a sequence that looks like chance. */
uint64_t value_mix(uint64_t seed, uint64_t with);
uint64_t value_hash(uint64_t seed, const char *bytes, size_t len);

#endif

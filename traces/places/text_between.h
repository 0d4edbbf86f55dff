/*
 * text_between.h - what stands between two texts, and the values of scripts and plain text that can
 * be found again that way.
 *
 *     var csrf = "4f2a";      left: csrf = "     right: "      the value: 4f2a
 *     token=4f2a              left: token=       right: the end of the line
 */
#ifndef REPRISE_TRACES_PLACES_TEXT_BETWEEN_H
#define REPRISE_TRACES_PLACES_TEXT_BETWEEN_H

#include "core/bytes.h"

/*
 * What follows the `number`th `left` (from 1), up to the next `right`. An empty `left` is the start
 * of the text, and there is one; an empty `right` is the end of the line or of the text. .ptr NULL:
 * there is none.
 */
struct bytes text_between(struct bytes text, struct bytes left, struct bytes right,
                          uint32_t number);

/* The number by which text_between() finds what begins at `at`, a pointer into the text; 0: none.
 * At most `most` bytes of the text are searched. */
uint32_t text_number_of(struct bytes text, struct bytes left, const char *at, size_t most);

struct text_value {
    struct bytes left, right, value;
    struct bytes name; /* what it is given to: csrf, token; empty for a text of one line */
};

/* The strings of a script that are given to a name: name = "value", "name": "value", name('value'),
 * without those that have escapes. */
bool script_value_next(struct bytes *rest, struct bytes script, struct text_value *ret_value);

/* The lines of a text that are name=value or name: value; or its one line. */
bool line_value_next(struct bytes *rest, struct bytes text, struct text_value *ret_value);

/* The JSON in a script: the `number`th (from 1) object whose first name is in quotes, or array,
 * that is closed; .ptr NULL: there is none. */
struct bytes script_json(struct bytes script, uint32_t number);

#endif

/*
 * place_visit.h - every value of a message with the place where it is.
 *
 *     {"jobs":[{"id":17}]}             body:/jobs/0/id                   17
 *     Location: /jobs/17?t=x           header:Location > path:2          17
 *     <input name=csrf value="a&amp;b">   html:input[csrf]               a&b
 *
 * How a body is read is said by its first bytes, and where they do not say it by Content-Type: JSON
 * that calls itself HTML is JSON. What is broken gives what comes before the break. place_find()
 * finds each value again by its place; only where a JSON object has a name twice it finds the
 * first.
 */
#ifndef REPRISE_TRACES_PLACES_PLACE_VISIT_H
#define REPRISE_TRACES_PLACES_PLACE_VISIT_H

#include "traces/places/place_find.h"

#define PLACE_MAX_VALUES 1000000u /* of one message */

struct place_value {
    const struct place *place; /* this and all views: for the time of the call */
    struct bytes text;         /* decoded; 1 to PLACE_MAX_VALUE_BYTES bytes */
    /* What people call it: the last name of a JSON pointer, a header, a field, the segment of a
     * path that is before it. May be empty. */
    struct bytes name;
    /* As it stands in the message; .ptr NULL for a value that is inside another. */
    struct bytes written;
    enum place_writing writing;
};

/* Non-zero ends the visit. */
typedef int (*place_value_fn)(void *owner, const struct place_value *value);

/* Returns what ended it, or 0: all values, or the first PLACE_MAX_VALUES of them. */
int place_visit(const struct message_view *message, struct place_scratch *scratch,
                place_value_fn visit, void *owner);

/* The same for a WebSocket message: places begin with body:, the caller puts the ws: step before
 * them. */
int place_visit_ws(struct bytes payload, enum place_side side, struct place_scratch *scratch,
                   place_value_fn visit, void *owner);

/* What the last visit with this scratch did not give, though it is there. */
struct place_gaps place_visit_gaps(const struct place_scratch *scratch);

#endif

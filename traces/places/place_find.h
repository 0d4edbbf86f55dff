/*
 * place_find.h - what is at a place in a message: in one pass, without memory of its own.
 *
 * The same code reads a recorded message and a live one, so it looks at nothing but the place: what
 * Content-Type says of a body does not matter here. A body comes with its content codings undone
 * (traces/content_coding.h).
 */
#ifndef REPRISE_TRACES_PLACES_PLACE_FIND_H
#define REPRISE_TRACES_PLACES_PLACE_FIND_H

#include "core/http1.h"
#include "traces/places/place.h"

#define PLACE_MAX_VALUE_BYTES (64u * 1024) /* what is longer is no value to carry */

struct message_view {
    enum place_side side;
    struct bytes target; /* of a request */
    const struct http_header *headers;
    size_t header_count;
    struct bytes body; /* for a place that begins with ws: the payload of one message */
};

/* Room for what has to be decoded: one for each thread, 300 KB. */
struct place_scratch;

struct place_scratch *place_scratch_new(void); /* NULL without memory */
void place_scratch_free(struct place_scratch *scratch);

/* What a limit kept a visit from, see place_visit_gaps(). */
struct place_gaps {
    uint64_t unvisited; /* values behind PLACE_MAX_VALUES; a part that is too deep counts as one */
    uint64_t too_long;  /* values of more than PLACE_MAX_VALUE_BYTES */
};

/*
 * What is there, its escapes undone: a view of the message or of the scratch, good until the
 * scratch is used again. .ptr NULL: nothing is there, `null` is, or more than
 * PLACE_MAX_VALUE_BYTES. A ws: place of an answer finds nothing in a message that its first step
 * does not choose; the number of a client's message is for the caller to count.
 */
struct bytes place_find(const struct place *place, const struct message_view *message,
                        struct place_scratch *scratch);

/* The same inside a text that the place's first step has led to. */
struct bytes place_find_inside(const struct place *place, struct bytes text,
                               struct place_scratch *scratch);

/* How a value is written where it stands. */
enum place_writing {
    PLACE_WRITTEN_PLAIN,
    PLACE_WRITTEN_PERCENT,     /* %XX */
    PLACE_WRITTEN_FORM,        /* %XX, and '+' for a space */
    PLACE_WRITTEN_JSON_STRING, /* between its quotes */
    PLACE_WRITTEN_JSON_WORD,   /* a number, true or false */
    PLACE_WRITTEN_HTML         /* &amp; */
};

/*
 * Where a request has it: a view of its target, of a header's value or of its body, of any length,
 * with its escapes. .ptr NULL: nowhere.
 */
struct bytes place_locate(const struct place *place, const struct message_view *message,
                          enum place_writing *ret_writing);

#endif

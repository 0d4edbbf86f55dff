/*
 * place_kinds.h - the words of the grammar of places, which names each kind takes, and who has such
 * a place; used by place.c and place_format.c only.
 */
#ifndef REPRISE_TRACES_PLACES_PLACE_KINDS_H
#define REPRISE_TRACES_PLACES_PLACE_KINDS_H

#include "traces/places/place.h"

/* What stands behind the kind's word. */
enum shape {
    SHAPE_POINTER, /* /jobs/0/id */
    SHAPE_TOKEN,   /* a name that needs no quotes, whatever it is */
    SHAPE_NAME,    /* a name, in quotes where it has a space */
    SHAPE_BRACKET, /* the same in brackets, which stand for the colon */
    SHAPE_NUMBER,
    SHAPE_WAY, /* /order/item[2]/@id */
    SHAPE_WS,
    SHAPE_TEXTS, /* two texts in quotes */
    SHAPE_NEW,
    SHAPE_NOTHING
};

enum { ANSWER = 1, REQUEST = 2, INSIDE = 4, NUMBERED = 8 }; /* INSIDE: behind " > " in an answer */

struct place_kind_facts {
    const char *word;
    enum shape shape;
    unsigned int is;
};

/* In the order of enum place_kind. */
enum { PLACE_KIND_COUNT = PLACE_DATA + 1 };
extern const struct place_kind_facts place_kinds[PLACE_KIND_COUNT];

#define PLACE_BETWEEN_STEPS " > "

/* Has it a control byte, or one of `never`? */
bool place_has_any(struct bytes text, const char *never);

/* Must it stand in quotes to be read again? */
bool place_needs_quotes(enum shape shape, struct bytes name);

#endif

/*
 * compare.h - the recorded answer's facts against the live one's: what differs, place by place.
 *
 * A pure function. The order of keys and headers is no difference, an array may be of another
 * length (not empty where it was not), ids, times and sizes may be others. What is missing is named
 * once, at the highest place.
 */
#ifndef REPRISE_REPLAY_VERIFY_COMPARE_H
#define REPRISE_REPLAY_VERIFY_COMPARE_H

#include "replay/verify/facts.h"

enum difference_kind {
    DIFFERS_FAILURE, /* no answer */
    DIFFERS_STATUS,
    DIFFERS_NOT_SENT, /* its session ended first */
    DIFFERS_MISSING,  /* recorded, and not in the live answer */
    DIFFERS_EXTRA,    /* the other way round */
    DIFFERS_TYPE,
    DIFFERS_VALUE,
    DIFFERENCE_KIND_COUNT
};

const char *difference_name(enum difference_kind kind); /* "failure", "status", "missing", ... */

struct difference {
    enum difference_kind kind;
    struct bytes place;          /* empty: of the whole answer */
    struct bytes name;           /* of what is there: see struct fact */
    struct bytes recorded, live; /* .ptr NULL: nothing */
};

typedef void (*difference_fn)(void *owner, const struct difference *difference);

/* Both sorted. */
void facts_compare(const struct facts *recorded, const struct facts *live, difference_fn found,
                   void *owner);

/* The container that a place of JSON is in, .ptr NULL for none: "body:/a/0" is in "body:/a". */
struct bytes place_parent(struct bytes place);

#endif

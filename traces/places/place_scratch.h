/*
 * place_scratch.h - the room in which values are decoded, one for each step of a place; used by
 * place_find*.c and place_visit*.c only.
 */
#ifndef REPRISE_TRACES_PLACES_PLACE_SCRATCH_H
#define REPRISE_TRACES_PLACES_PLACE_SCRATCH_H

#include "core/buf.h"
#include "traces/places/decode.h"
#include "traces/places/json_leaves.h"
#include "traces/places/place_counters.h"
#include "traces/places/place_find.h"

struct place_scratch {
    char rooms[PLACE_MAX_STEPS][PLACE_MAX_VALUE_BYTES];
    char name[PLACE_MAX_BYTES]; /* of the step in hand */
    char other[PLACE_MAX_BYTES];
    /* While visiting. */
    struct json_leaves leaves[PLACE_MAX_STEPS];
    struct place_counters counters;
    struct place_gaps gaps; /* of the visit */
    struct buf text;
};

static inline struct room place_room(struct place_scratch *scratch, uint32_t step)
{
    return (struct room){scratch->rooms[step], PLACE_MAX_VALUE_BYTES};
}

/* A step that decodes twice, the payload of a JSON Web Token and a claim in it: half for each. */
static inline struct room place_half_room(struct place_scratch *scratch, uint32_t step,
                                          uint32_t half)
{
    return (struct room){scratch->rooms[step] + half * (PLACE_MAX_VALUE_BYTES / 2),
                         PLACE_MAX_VALUE_BYTES / 2};
}

/* What is written so, decoded; .ptr NULL: it is none, or too long. */
struct bytes place_decode(struct bytes written, enum place_writing writing, struct room room);

/* Where in `header` values are separated by semicolons alone. */
bool place_has_only_semicolons(struct bytes header);

#endif

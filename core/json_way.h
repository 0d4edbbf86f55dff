/*
 * json_way.h - how far the way down into JSON text has followed the pointers that are wanted: what
 * json_scan.c and json_stream.c have in common.
 */
#ifndef REPRISE_CORE_JSON_WAY_H
#define REPRISE_CORE_JSON_WAY_H

#include "core/json_scan.h"

struct json_way {
    struct json_wanted *wanted;
    size_t count, found;
    uint32_t depth; /* of open containers */
    bool is_array[JSON_MAX_DEPTH];
    uint32_t index[JSON_MAX_DEPTH]; /* in the array, of the value in hand */
};

void json_way_start(struct json_way *way, struct json_wanted *wanted, size_t count);

/* Into the value named `name` (as written), or into the next of an array. True when something is
 * wanted there. */
bool json_way_step_in(struct json_way *way, struct bytes name);
/* Out of the value that it stepped into. */
void json_way_step_out(struct json_way *way);

/* Is something wanted inside the container in hand, and may it be opened? */
bool json_way_leads_on(const struct json_way *way);
void json_way_open(struct json_way *way, bool is_array);

/* Does this one want the scalar in hand, does any? */
bool json_way_wants(const struct json_way *way, size_t wanted);
bool json_way_is_wanted(const struct json_way *way);
/* It is found, for all that want it. */
void json_way_keep(struct json_way *way, struct bytes text, enum json_kind kind);

#endif

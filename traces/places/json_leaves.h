/*
 * json_leaves.h - walks over all scalars of JSON text with their pointers, one after another,
 * without memory of its own.
 *
 * What is broken ends the walk; json_find() finds each leaf that came before it by its pointer.
 * Left out is what is deeper than JSON_MAX_DEPTH, has a pointer of more than PLACE_MAX_BYTES, or a
 * name whose escapes are none.
 */
#ifndef REPRISE_TRACES_PLACES_JSON_LEAVES_H
#define REPRISE_TRACES_PLACES_JSON_LEAVES_H

#include "core/json_lex.h"
#include "traces/places/place.h"

struct json_leaf {
    struct bytes pointer; /* these two until the next call */
    struct bytes name;    /* the last of the pointer's tokens that is no index; may be empty */
    struct bytes written; /* view of the text; a string's without its quotes */
    enum json_kind kind;
};

struct json_leaves_level {
    bool is_array;
    uint16_t pointer_len, name_at, name_len; /* of the container itself */
    uint32_t index;
};

struct json_leaves {
    struct json_text text;
    bool is_behind_value, has_ended;
    uint32_t depth;
    size_t pointer_len;
    uint64_t left_out; /* values; a container that is not entered counts as one */
    uint16_t name_at, name_len;
    struct json_leaves_level levels[JSON_MAX_DEPTH];
    char pointer[PLACE_MAX_BYTES];
};

/*
 * Where the JSON of a text begins: at its first byte, or, when that begins none, behind what stands
 * before the first bracket of its first bytes: )]}', or while(1); or the 42 of a Socket.IO message.
 */
struct bytes json_part(struct bytes text);

void json_leaves_start(struct json_leaves *leaves, struct bytes text);
bool json_leaves_next(struct json_leaves *leaves, struct json_leaf *ret_leaf);

#endif

/*
 * identity_draw.h - values like recorded ones, that are none of them: same length and shape, drawn
 * from a seeded stream; moments from the clock that is passed in.
 */
#ifndef REPRISE_REPLAY_IDENTITY_DRAW_H
#define REPRISE_REPLAY_IDENTITY_DRAW_H

#include "core/random.h"
#include "replay/plan/own_values.h"

/* The part of `text` that has the kind's shape, all of it for kinds that have none; .ptr NULL:
 * there is none. */
struct bytes identity_find(enum own_kind kind, struct bytes text);

/* The room that identity_draw() may need. */
#define IDENTITY_MORE_BYTES 32

/* No moment, none of data. `room` has recorded.len + IDENTITY_MORE_BYTES. */
struct bytes identity_draw(enum own_kind kind, struct bytes recorded, struct random *random,
                           char *room);

/* A recorded moment. False: it is none. */
bool identity_read_moment(enum own_kind kind, struct bytes text, int64_t *ret_unix_us);

/* Another moment, written like it. `room` as above. */
struct bytes identity_write_moment(enum own_kind kind, struct bytes recorded, int64_t unix_us,
                                   char *room);

#endif

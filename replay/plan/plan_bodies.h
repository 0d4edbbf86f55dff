/*
 * plan_bodies.h - the bodies of loaded sessions, each once, for as long as one of them carries it.
 *
 * Not for more than one thread at a time.
 */
#ifndef REPRISE_REPLAY_PLAN_PLAN_BODIES_H
#define REPRISE_REPLAY_PLAN_PLAN_BODIES_H

#include "core/map.h"

struct plan_body {
    int64_t body_id; /* in the trace */
    uint32_t users;
    struct bytes content; /* behind the struct */
};

struct plan_bodies {
    struct map map; /* trace body id to struct plan_body */
    size_t used_bytes;
};

void plan_bodies_init(struct plan_bodies *bodies);
void plan_bodies_fini(struct plan_bodies *bodies);

/* One user more of a body; NULL when it is not there. */
struct plan_body *plan_bodies_take(struct plan_bodies *bodies, int64_t body_id);

/* A body that was not there, with its first user; the content is copied. NULL without memory. */
struct plan_body *plan_bodies_add(struct plan_bodies *bodies, int64_t body_id,
                                  struct bytes content);

/* One user less; the last one's body is freed. */
void plan_bodies_drop(struct plan_bodies *bodies, struct plan_body *body);

#endif

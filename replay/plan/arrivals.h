/*
 * arrivals.h - which session starts when, as which user: a pure function of plan, scale, speed and
 * seed.
 *
 * Every recorded session becomes floor(scale) or ceil(scale) copies, the fraction by a seeded draw.
 * The first copy starts at the recorded moment, the others at seeded moments inside the gap to the
 * next recorded arrival, so that copies never march in step. Every worker walks the same sequence
 * and takes its own users.
 */
#ifndef REPRISE_REPLAY_ARRIVALS_H
#define REPRISE_REPLAY_ARRIVALS_H

#include "core/random.h"
#include "replay/plan/pacing.h"
#include "replay/plan/plan.h"

struct arrival {
    uint64_t user;    /* from 0, in order of arrival */
    uint32_t session; /* index into plan.index */
    uint32_t copy;    /* of that session, from 0 */
    uint64_t at_us;   /* on the run's clock */
};

struct arrivals {
    const struct plan *plan;
    double scale;
    double speed;
    uint64_t seed;
    uint64_t next_user;
    uint32_t next_session;
    uint32_t copy, copy_count; /* of the session in hand */
    uint32_t capacity;
    uint64_t *moments; /* of the session in hand, sorted */
};

void arrivals_init(struct arrivals *arrivals, const struct plan *plan, double scale, double speed,
                   uint64_t seed);
void arrivals_fini(struct arrivals *arrivals);

/* 1 with the next arrival in order of time, 0 behind the last, -1 without memory. */
int arrivals_next(struct arrivals *arrivals, struct arrival *ret_arrival);

/* The session that user `user` plays as its n-th in the closed model. */
uint32_t arrivals_draw(const struct plan *plan, uint64_t seed, uint64_t user, uint64_t n);

/* When user `user` of the closed model first starts: spread over the plan's mean think time. */
uint64_t arrivals_stagger_us(const struct plan *plan, const struct pacing *pacing, uint64_t seed,
                             uint64_t user);

#endif

/*
 * noise.h - places of an endpoint's answers that differ by themselves: nobody's divergence.
 *
 * Learned, not listed: from recorded answers of one endpoint and status among each other (a value
 * that two sessions have different, a key that not all have), from the births of bindings (a value
 * that is carried on is a new one each time), and by the caller from two live passes. An index of
 * an array and a key that is an id count as any: "body:/jobs/0/id" is "body:/jobs/{any}/id".
 */
#ifndef REPRISE_REPLAY_VERIFY_NOISE_H
#define REPRISE_REPLAY_VERIFY_NOISE_H

#include "replay/verify/compare.h"

#define NOISE_MAX_ANSWERS 24 /* learned from, of each endpoint and status */

struct noise;

/* NULL without memory. */
struct noise *noise_new(void);
void noise_free(struct noise *noise);

/* Is another answer of this kind worth its reading? */
bool noise_wants(const struct noise *noise, int64_t endpoint_id, int status);

/* One recorded answer. Beyond its memory (64 MB) nothing more is learned. */
void noise_learn(struct noise *noise, int64_t endpoint_id, int status, const struct facts *facts);

/* A value at this place of this endpoint's answers is a new one each time. */
void noise_add(struct noise *noise, int64_t endpoint_id, int status, struct bytes place);

/* Nothing that is meant by it? A status or a missing answer always is. */
bool noise_covers(const struct noise *noise, int64_t endpoint_id, int status,
                  const struct difference *difference);

#endif

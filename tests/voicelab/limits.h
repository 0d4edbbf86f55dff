/* limits.h - rate limits: a token bucket per (limit, key).
 *
 * A limit of N per period lets N through at once and refills N per period: after N requests in no
 * time the next is refused, and allowed again period / N later. */
#ifndef VOICELAB_LIMITS_H
#define VOICELAB_LIMITS_H

#include <stdint.h>

#include "tests/voicelab/options.h"

struct limits;

struct limits *limits_new(void);
void limits_free(struct limits *limits);

/* 0: let through and counted; else refused, and microseconds until one would be let through.
 * `name` keeps the limits apart that share a key. */
uint64_t limits_take(struct limits *limits, const struct rate *rate, const char *name,
                     const char *key, uint64_t now_us);

#endif

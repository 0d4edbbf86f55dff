/*
 * random.h - a seeded generator per stream: same seed and stream, same numbers, on every machine.
 *
 * xoshiro256** (Blackman and Vigna, 2018), its state filled by SplitMix64. Not for secrets.
 */
#ifndef REPRISE_CORE_RANDOM_H
#define REPRISE_CORE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
};

/* Streams of one seed (a user, an arrival) are independent of each other. */
void random_init(struct random *random, uint64_t seed, uint64_t stream);

uint64_t random_u64(struct random *random);

/* [0, limit), unbiased; 0 when limit is 0. */
uint64_t random_below(struct random *random, uint64_t limit);

/* [0, 1) with 53 bits. */
double random_unit(struct random *random);

#endif

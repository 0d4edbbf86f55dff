/* random.c - xoshiro256**, seeded by SplitMix64. */
#include "core/random.h"

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15U;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

void random_init(struct random *random, uint64_t seed, uint64_t stream)
{
    uint64_t mixed = seed;
    mixed = splitmix(&mixed) ^ stream;
    for (int i = 0; i < 4; i++)
        random->state[i] = splitmix(&mixed);
}

uint64_t random_u64(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t random_below(struct random *random, uint64_t limit)
{
    if (limit == 0)
        return 0;
    /* The first 2^64 mod limit numbers would make small results more likely: draw again. */
    uint64_t threshold = (0 - limit) % limit;
    for (;;) {
        uint64_t drawn = random_u64(random);
        if (drawn >= threshold)
            return drawn % limit;
    }
}

double random_unit(struct random *random)
{
    return (double)(random_u64(random) >> 11) * 0x1p-53;
}

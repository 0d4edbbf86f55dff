/* words.c - transcripts and answers: words drawn from a seed, the same for the same seed. */
#include "tests/voicelab/words.h"

#include <stdio.h>
#include <string.h>

static const char *const vocabulary[] = {
    "the",     "meeting", "starts", "at",     "noon",     "please", "call",   "back",
    "about",   "invoice", "we",     "should", "review",   "budget", "before", "friday",
    "traffic", "was",     "slow",   "today",  "remember", "milk",   "and",    "coffee",
    "train",   "leaves",  "early",  "bring",  "your",     "notes",  "for",    "design",
};

uint64_t words_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t words_seed(const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    uint64_t h = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h;
}

void words_make(char out[WORDS_CAP], uint64_t seed, size_t count)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *word =
            vocabulary[words_mix(seed + i) % (sizeof vocabulary / sizeof *vocabulary)];
        if (used + strlen(word) + 2 > WORDS_CAP)
            return;
        used += (size_t)snprintf(out + used, WORDS_CAP - used, "%s%s", i ? " " : "", word);
    }
}

/* words.h - transcripts and answers: words drawn from a seed, the same for the same seed. */
#ifndef VOICELAB_WORDS_H
#define VOICELAB_WORDS_H

#include <stddef.h>
#include <stdint.h>

#define WORDS_CAP 512

/* Up to `count` words, as many as fit. */
void words_make(char out[WORDS_CAP], uint64_t seed, size_t count);

uint64_t words_seed(const void *bytes, size_t len);

/* The next value of a splitmix64 stream: also the generator of jitter and failures. */
uint64_t words_mix(uint64_t x);

#endif

/*
 * settings.h - the texts of options, as numbers: sizes by weight, shares, rates, kinds.
 */
#ifndef MULTIPART_AUDIO_SETTINGS_H
#define MULTIPART_AUDIO_SETTINGS_H

#include "pcm.h"

enum { SETTINGS_MAX_SIZES = 64, SETTINGS_MAX_PROBLEM_BYTES = 200 };

struct settings_size {
    uint64_t bytes;
    double up_to; /* of 100: the weights so far, added up */
};

struct settings_sizes {
    size_t count; /* 0: none were given */
    struct settings_size size[SETTINGS_MAX_SIZES];
};

/* All: 0, or -1 and what is wrong with the text. */

/* "50KB=26,200KB=74": weights must add up to 100; without any all weigh the same. A size
 * has a unit. */
int settings_sizes(const char *text, struct settings_sizes *ret, char *problem);

/* "10%" or "0.1" as 0 to 1. */
int settings_share(const char *text, double *ret, char *problem);

/* "1mbit" (a second; kbit, gbit), "64KB" or "1.5MB/s" as bytes a second; "" is 0. It has a unit. */
int settings_rate(const char *text, uint64_t *ret, char *problem);

int settings_kind(const char *text, enum pcm_kind *ret, char *problem);

/* The size that a number of 0 to 1 draws. */
uint64_t settings_draw(const struct settings_sizes *sizes, double at);

#endif

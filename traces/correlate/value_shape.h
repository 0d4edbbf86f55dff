/*
 * value_shape.h - what a value looks like: how hard it would be to have it by accident, and which
 * kind of value it is.
 *
 * Pure functions of the bytes. Bits are an estimate from below: a word of a language, a date, a
 * round number have few, a UUID has over a hundred.
 */
#ifndef REPRISE_TRACES_CORRELATE_VALUE_SHAPE_H
#define REPRISE_TRACES_CORRELATE_VALUE_SHAPE_H

#include "core/bytes.h"

#define SHAPE_MAX_BITS 128

/* Whoever guesses once has it with a chance of 2^-bits. 0 to SHAPE_MAX_BITS. */
unsigned shape_bits(struct bytes value);

/* Letters of one or more words and nothing else that would tell one from another: "en",
 * "application/json", "What is on today?". */
bool shape_is_wordlike(struct bytes value);

bool shape_is_uuid(struct bytes value);
/* Sixteen or more hexadecimal digits of one case, with a digit among them. */
bool shape_is_hex(struct bytes value);
/* A UUID, or hexadecimal digits, that a program draws by chance or by the clock. Not one that is
 * computed of something: a UUID of a name (version 3 and 5), digits as many as a checksum has. */
bool shape_is_drawn(struct bytes value);
bool shape_is_email(struct bytes value);
bool shape_is_number(struct bytes value); /* decimal digits only, no leading zero */

enum shape_time { SHAPE_NO_TIME, SHAPE_TIME_S, SHAPE_TIME_MS, SHAPE_TIME_ISO };

/* A moment within SHAPE_NEAR_US of now_unix_us, and how it is written. */
#define SHAPE_NEAR_US (300 * (int64_t)1000000)
enum shape_time shape_time_near(struct bytes value, int64_t now_unix_us);

#endif

/*
 * mentions.h - sixteen hexadecimal digits in a row that stand anywhere in a text, whatever is
 * around them.
 *
 * An id that the client drew was in no answer before, and "in" means more than as a value: names of
 * JSON objects, a UUID without its dashes or in capitals, a part of a script. Digits are found by
 * their number, dashes left out, at the start of a row, behind a dash, and everywhere in a row that
 * letters or an escape stick to.
 */
#ifndef REPRISE_TRACES_CORRELATE_MENTIONS_H
#define REPRISE_TRACES_CORRELATE_MENTIONS_H

#include "core/bytes.h"

typedef void (*mention_fn)(void *owner, uint64_t digits);
void mentions_scan(struct bytes text, mention_fn mention, void *owner);

/* The first sixteen digits of a UUID, or of hexadecimal digits; false: it has fewer. */
bool mention_of(struct bytes value, uint64_t *ret_digits);

#endif

/*
 * value_match.h - is a value of an answer what a request carries, in the form that a binding names?
 */
#ifndef REPRISE_TRACES_CORRELATE_VALUE_MATCH_H
#define REPRISE_TRACES_CORRELATE_VALUE_MATCH_H

#include "core/bytes.h"

/* The words of binding.form. */
bool value_form_is_known(struct bytes form);
const char *value_form_word(struct bytes form); /* the word itself; NULL: it is none */
#define VALUE_FORM_WORDS "raw, percent, plus, html, base64, base64url, hex"

/*
 * Is `value` in `text`, which has been decoded as its place wants it? Whole, or as a part that
 * stands for itself: a short one (VALUE_MATCH_SHORT_BYTES) not inside a longer word or number. A
 * value or text over VALUE_MATCH_MAX_BYTES is not looked at.
 */
#define VALUE_MATCH_SHORT_BYTES 8
#define VALUE_MATCH_MAX_BYTES (64u * 1024)
bool value_is_in(struct bytes value, struct bytes text, struct bytes form);

/* Could the client have made it in the way that new:KIND says: is it a UUID, all digits ...? */
bool value_is_made_as(struct bytes value, struct bytes kind);

#endif

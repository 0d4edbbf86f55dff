/*
 * value_codings.h - one coding of a text undone, where it looks like one.
 */
#ifndef REPRISE_TRACES_CORRELATE_VALUE_CODINGS_H
#define REPRISE_TRACES_CORRELATE_VALUE_CODINGS_H

#include "core/bytes.h"
#include "traces/correlate/sites.h"

#define CODING_MAX_BYTES 8192 /* of a text that is tried */

/* Into `out`. False: it is not written so, or what comes out is nothing to read. */
bool value_undo_coding(enum value_form_word form, struct bytes text, char out[CODING_MAX_BYTES],
                       size_t *ret_len);

#endif

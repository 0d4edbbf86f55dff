/*
 * edits.h - values replaced in a text, all other bytes kept.
 */
#ifndef VARY_EDITS_H
#define VARY_EDITS_H

#include "../common/text.h"

enum { EDITS_MAX = 1000 /* in one body; more stay as they are */ };

struct edit {
    size_t at, len;           /* in the old text */
    size_t new_at, new_bytes; /* in `fresh` */
};

struct edits {
    struct edit *edit;
    size_t count, capacity;
    struct text fresh; /* what is put in, one after another */
};

/* What was appended to edits->fresh since `new_at` goes in the place of len bytes at `at`. What
 * overlaps an earlier edit is left out. -1: no room, or left out. */
int edits_add(struct edits *edits, size_t at, size_t len, size_t new_at);

/* The old text with its edits, into `into`. */
void edits_apply(struct edits *edits, const char *text, size_t len, struct text *into);

void edits_clear(struct edits *edits);
void edits_fini(struct edits *edits);

#endif

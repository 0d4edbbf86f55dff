/*
 * seen.h - which content has been sent before, of the kinds that may be sent more than once:
 * numbers in a table that is asked from any thread, in time and memory that have a bound.
 */
#ifndef MULTIPART_AUDIO_SEEN_H
#define MULTIPART_AUDIO_SEEN_H

#include <stdbool.h>
#include <stdint.h>

/* Half of the slots at most are taken, so that the next free one is near. 8 MiB of addresses;
 * memory comes with the pages that are touched. */
enum { SEEN_SLOTS = 1 << 20, SEEN_MAX_KINDS = SEEN_SLOTS / 2, SEEN_MAX_STEPS = 256 };

enum seen_answer {
    SEEN_NEW,   /* the first time; remembered */
    SEEN_AGAIN, /* it was there */
    SEEN_FULL   /* it is not among those remembered, and there is no room for it */
};

struct seen;

struct seen *seen_new(void);       /* NULL: no memory */
void seen_free(struct seen *seen); /* may be NULL */

/* One answer SEEN_NEW for each number, however many threads ask. */
enum seen_answer seen_before(struct seen *seen, uint64_t kind);

#endif

/*
 * pairing.h - requests that wait for their answers, in order, and which of them an answer belongs
 * to when bytes were lost.
 *
 * Without losses it is a queue. When bytes of the answers are missing, what is known decides:
 *
 *  - A client that does not pipeline had the answer to a request before it sent the next one, and
 *    the streams come in causal order: of the requests delivered before the gap was reported all
 *    were answered in it when later requests exist.
 *  - For one that pipelines, the lost bytes divided by the size of an answer here say how many.
 *
 * When bytes of the requests are missing, a place is held for the request that was lost, so that
 * its answer is not taken for the next one's.
 */
#ifndef REPRISE_CAPTURE_PAIRING_H
#define REPRISE_CAPTURE_PAIRING_H

#include "capture/exchange.h"

struct pairing {
    struct exchange *first, *last;
    size_t count;
    bool is_pipelined;     /* a request was sent before the answer to the one before it */
    uint64_t answer_count; /* answers seen whole, and their bytes with heads */
    uint64_t answer_bytes;
};

void pairing_push(struct pairing *pairing, struct exchange *exchange);
struct exchange *pairing_pop(struct pairing *pairing); /* NULL when nobody waits */
/* An interim answer was not its last one: it is first in line again. */
void pairing_push_front(struct pairing *pairing, struct exchange *exchange);

/* Bytes of the answers are missing from here on. */
void pairing_mark_gap(struct pairing *pairing);

/* An answer came whole: what one is worth in bytes. */
void pairing_learn(struct pairing *pairing, uint64_t answer_bytes);

/* How many of the first in line lost their answer in `lost_bytes`; from_boundary: the first lost
 * byte was the first of an answer, or in its head. */
size_t pairing_lost_answers(const struct pairing *pairing, uint64_t lost_bytes, bool from_boundary);

#endif

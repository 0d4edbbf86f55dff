/* pairing.c - the queue of requests without answer, and its repair after losses. */
#include "capture/pairing.h"

void pairing_push(struct pairing *pairing, struct exchange *exchange)
{
    exchange->next = NULL;
    if (pairing->last)
        pairing->last->next = exchange;
    else
        pairing->first = exchange;
    pairing->last = exchange;
    pairing->count++;
}

void pairing_push_front(struct pairing *pairing, struct exchange *exchange)
{
    exchange->next = pairing->first;
    pairing->first = exchange;
    if (!pairing->last)
        pairing->last = exchange;
    pairing->count++;
}

struct exchange *pairing_pop(struct pairing *pairing)
{
    struct exchange *exchange = pairing->first;
    if (!exchange)
        return NULL;
    pairing->first = exchange->next;
    if (!pairing->first)
        pairing->last = NULL;
    exchange->next = NULL;
    pairing->count--;
    return exchange;
}

void pairing_mark_gap(struct pairing *pairing)
{
    for (struct exchange *each = pairing->first; each; each = each->next)
        each->was_before_gap = true;
}

void pairing_learn(struct pairing *pairing, uint64_t answer_bytes)
{
    pairing->answer_count++;
    pairing->answer_bytes += answer_bytes;
}

static size_t count_before_gap(const struct pairing *pairing)
{
    size_t count = 0;
    for (struct exchange *each = pairing->first; each && each->was_before_gap; each = each->next)
        count++;
    return count;
}

/* Rounded to the nearest from a boundary; inside an answer its own rest comes first: rounded down.
 */
static uint64_t answers_in(const struct pairing *pairing, uint64_t lost_bytes, bool from_boundary)
{
    if (pairing->answer_count == 0)
        return from_boundary;
    uint64_t size = pairing->answer_bytes / pairing->answer_count + 1;
    if (!from_boundary)
        return lost_bytes / size;
    uint64_t count = (lost_bytes + size / 2) / size;
    return count ? count : 1;
}

size_t pairing_lost_answers(const struct pairing *pairing, uint64_t lost_bytes, bool from_boundary)
{
    size_t before = count_before_gap(pairing);
    if (before == 0 || lost_bytes == 0)
        return 0;
    bool has_later = pairing->count > before;
    if (!pairing->is_pipelined && has_later)
        return before;
    /* The answer that is here belongs to somebody. */
    size_t most = has_later ? before : before - 1;
    uint64_t count = answers_in(pairing, lost_bytes, from_boundary);
    return count < most ? (size_t)count : most;
}

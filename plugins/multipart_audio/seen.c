/* seen.c - a table of numbers that only grows, up to half of its slots. */
#include "seen.h"

#include <pthread.h>
#include <stdlib.h>

struct seen {
    pthread_mutex_t lock;
    uint32_t kinds;
    uint64_t slots[SEEN_SLOTS]; /* 0: free */
};

struct seen *seen_new(void)
{
    struct seen *seen = calloc(1, sizeof *seen);
    if (seen)
        pthread_mutex_init(&seen->lock, NULL);
    return seen;
}

void seen_free(struct seen *seen)
{
    if (!seen)
        return;
    pthread_mutex_destroy(&seen->lock);
    free(seen);
}

/* Numbers that lie in a row must not end up in a row. */
static uint64_t spread(uint64_t kind)
{
    kind = (kind ^ kind >> 31) * 0x9e3779b97f4a7c15U;
    return kind ^ kind >> 29;
}

static enum seen_answer look(struct seen *seen, uint64_t kind)
{
    uint64_t first = spread(kind);
    for (uint32_t i = 0; i < SEEN_MAX_STEPS; i++) {
        uint64_t *slot = &seen->slots[(first + i) % SEEN_SLOTS];
        if (*slot == kind)
            return SEEN_AGAIN;
        if (*slot)
            continue;
        if (seen->kinds == SEEN_MAX_KINDS)
            return SEEN_FULL;
        *slot = kind;
        seen->kinds++;
        return SEEN_NEW;
    }
    return SEEN_FULL;
}

enum seen_answer seen_before(struct seen *seen, uint64_t kind)
{
    pthread_mutex_lock(&seen->lock);
    enum seen_answer answer = look(seen, kind ? kind : UINT64_MAX); /* 0 is a free slot */
    pthread_mutex_unlock(&seen->lock);
    return answer;
}

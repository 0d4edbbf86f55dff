/* memo.c - what one user was given: a table with open addressing. */
#include "memo.h"

#include <stdlib.h>

static struct memo_entry *slot_of(const struct memo *memo, uint64_t key)
{
    size_t at = (size_t)key & (memo->slot_count - 1);
    while (memo->slots[at].key && memo->slots[at].key != key)
        at = (at + 1) & (memo->slot_count - 1);
    return &memo->slots[at];
}

const struct memo_entry *memo_find(const struct memo *memo, uint64_t key)
{
    if (!memo->slot_count)
        return NULL;
    const struct memo_entry *entry = slot_of(memo, key ? key : 1);
    return entry->key ? entry : NULL;
}

static int grow(struct memo *memo)
{
    struct memo larger = {.slot_count = memo->slot_count ? memo->slot_count * 2 : 16,
                          .count = memo->count};
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    if (!larger.slots)
        return -1;
    for (size_t i = 0; i < memo->slot_count; i++)
        if (memo->slots[i].key)
            *slot_of(&larger, memo->slots[i].key) = memo->slots[i];
    free(memo->slots);
    *memo = larger;
    return 0;
}

void memo_add(struct memo *memo, struct memo_entry entry)
{
    if (memo->count == MEMO_MAX || ((memo->count + 1) * 4 > memo->slot_count * 3 && grow(memo)))
        return;
    entry.key = entry.key ? entry.key : 1;
    *slot_of(memo, entry.key) = entry;
    memo->count++;
}

void memo_fini(struct memo *memo)
{
    free(memo->slots);
    *memo = (struct memo){.count = 0};
}

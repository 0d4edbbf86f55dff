/*
 * memo.h - what one user was given: which values it has, and when they were made.
 */
#ifndef VARY_MEMO_H
#define VARY_MEMO_H

#include <stddef.h>
#include <stdint.h>

enum { MEMO_MAX = 20000 /* of a user; 24 bytes each, and room to grow */ };

struct memo_entry {
    uint64_t key; /* 0: free */
    uint64_t seq;
    int64_t unix_us;
};

struct memo {
    struct memo_entry *slots;
    size_t slot_count, count;
};

/* NULL: not there. */
const struct memo_entry *memo_find(const struct memo *memo, uint64_t key);
/* Not there yet. When there is no room it is forgotten. */
void memo_add(struct memo *memo, struct memo_entry entry);
void memo_fini(struct memo *memo);

#endif

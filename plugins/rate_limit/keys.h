/*
 * keys.h - the ledgers of all keys of all limits: a table that is found by limit and key. Not
 * locked; entries stay where they are until the table goes.
 */
#ifndef RATE_LIMIT_KEYS_H
#define RATE_LIMIT_KEYS_H

#include "ledger.h"

enum { KEYS_MAX = 1000000, KEYS_MAX_TEXT_BYTES = 4096 /* of longer ones the beginning counts */ };

struct key {
    struct key *next;
    uint64_t hash;
    uint32_t rule;      /* its place among the limits */
    uint32_t in_flight; /* requests that were sent and have no answer */
    struct ledger ledger;
    size_t text_bytes;
    char text[]; /* "" when the limit is for all */
};

struct keys {
    struct key **slots;
    size_t slot_count, count;
};

/* Made when it is not there. NULL: no memory, or over KEYS_MAX. */
struct key *keys_get(struct keys *keys, uint32_t rule, const char *text, size_t text_bytes);

void keys_fini(struct keys *keys);

#endif

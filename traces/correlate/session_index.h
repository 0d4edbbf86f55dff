/*
 * session_index.h - what the answers of one session have given so far, and what its requests have
 * carried, by the hash of the value.
 *
 * Values themselves are not kept: two of them are equal when their hashes are (SipHash, 64 bits,
 * under a key of the process). An answer waits until its end before its values count. A value that
 * comes again at the same site replaces the one before: only the latest can be the one that is
 * used.
 */
#ifndef REPRISE_TRACES_CORRELATE_SESSION_INDEX_H
#define REPRISE_TRACES_CORRELATE_SESSION_INDEX_H

#include "traces/correlate/sites.h"

#define SESSION_MAX_BIRTHS                                                                         \
    (2 * 1000 * 1000)       /* 100 MB with the table; more are counted, not kept                   \
                             */
#define SESSION_MAX_SAME 12 /* births of one value: the first and the last ones */

#define SESSION_MAX_MENTIONS (1 << 20)

/* A value of an answer, before the endpoint is known: these are kept by body. A place of
 * SITES_NONE: digits that it mentions, see mentions.h. */
struct given {
    uint64_t hash;
    uint32_t place;
    uint32_t numbers[SITES_NUMBERS];
};

struct birth {
    int64_t exchange_id;
    int64_t first_us; /* when the site first gave the value */
    uint32_t site;
    uint32_t numbers[SITES_NUMBERS];
    uint32_t next; /* of the same value, SITES_NONE at the end */
    bool is_echo;  /* its own request carried the value */
    bool is_late;  /* an earlier request did */
};

struct carried {
    uint32_t first_use; /* its number in the session */
    uint32_t request;   /* the last one that carried it */
};

struct session_index {
    struct sites *sites;
    struct id_map values;   /* hash to the first birth */
    struct id_map carried;  /* hash to struct carried */
    struct id_map given;    /* site to how many births it had */
    struct id_map cookies;  /* places cookie:NAME that an answer has set */
    struct id_map mentions; /* digits that an answer or a request's head had, see mentions.h */
    struct birth *births;
    size_t birth_count, birth_capacity;
    struct carried *carriers;
    size_t carrier_count, carrier_capacity;
    struct waiting **waiting; /* answers that have not ended, a heap by their end */
    size_t waiting_count, waiting_capacity;
    uint32_t request; /* counts requests */
    uint64_t left_out;
    bool is_full_of_mentions; /* not all are known */
    bool is_out_of_memory;
};

void session_index_init(struct session_index *index, struct sites *sites);
void session_index_fini(struct session_index *index);
void session_index_clear(struct session_index *index); /* the next session */

/* An answer to the request that was sent last, and when it ended. The items are copied. */
struct answer_seen {
    int64_t exchange_id;
    uint32_t endpoint;
    int64_t ended_us;
    bool is_success;
};
void session_index_answer(struct session_index *index, const struct answer_seen *answer,
                          const struct given *items, size_t count);

/* All that had ended by then counts from now on. */
typedef void (*session_answered_fn)(void *owner, uint32_t endpoint);
void session_index_advance(struct session_index *index, int64_t now_us,
                           session_answered_fn answered, void *owner);

/* The births of a value, or NULL; go on by session_index_next(). */
const struct birth *session_index_find(const struct session_index *index, uint64_t hash);
const struct birth *session_index_next(const struct session_index *index,
                                       const struct birth *birth);
/* How many values the site has given so far. */
uint32_t session_index_given(const struct session_index *index, uint32_t site);

void session_index_mention(struct session_index *index, uint64_t digits);
/* True also when it is not known. */
bool session_index_mentions(const struct session_index *index, uint64_t digits);

/* Has a request carried it before? The number of the use that did first, or SITES_NONE. */
uint32_t session_index_carried(const struct session_index *index, uint64_t hash);
void session_index_carry(struct session_index *index, uint64_t hash, uint32_t use);

#endif

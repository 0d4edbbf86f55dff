/*
 * spool.h - what was seen of all sessions, in order, on its way to be read several times.
 *
 * A trace is walked once; the uses of values in it, each with the births it could come from, go
 * into a file without a name in $TMPDIR. Rules are learned from it and bindings decided by it, in
 * memory that does not grow with the trace.
 */
#ifndef REPRISE_TRACES_CORRELATE_SPOOL_H
#define REPRISE_TRACES_CORRELATE_SPOOL_H

#include <stdio.h>

#include "core/error.h"
#include "traces/correlate/sites.h"

#define SPOOL_MAX_CANDIDATES 64

enum spool_kind { SPOOL_END, SPOOL_SESSION, SPOOL_ANSWERED, SPOOL_USE };

/* Who made a value that no answer gave, as far as the value and its name say. */
enum client_kind {
    CLIENT_NONE,
    CLIENT_UUID,
    CLIENT_HEX,
    CLIENT_TIME_S,
    CLIENT_TIME_MS,
    CLIENT_TIME_ISO,
    CLIENT_NEW_EMAIL, /* of a signup */
    CLIENT_NEW_TEXT,
    CLIENT_EMAIL, /* of a login */
    CLIENT_USERNAME,
    CLIENT_PASSWORD,
    CLIENT_BASIC /* both in one header */
};

/* A place of a request, with what is there. */
struct spool_use {
    int64_t exchange_id;
    int64_t at_us;
    int64_t gap_exchange_id; /* whose answer came before and was not looked at whole; 0: none */
    uint64_t hash;
    uint32_t site;
    uint32_t number;  /* in the session, from 0 */
    uint32_t carrier; /* the first use of the same value: its own number, or an earlier one */
    uint32_t numbers[SITES_NUMBERS];
    uint32_t variant; /* of the whole as it is */
    uint32_t len;
    uint16_t candidate_count;
    uint8_t bits;
    uint8_t client;      /* enum client_kind */
    bool is_drawn;       /* its kind holds only if other sessions say so too: drawn.h */
    bool is_repeat;      /* the same value was at the same site before */
    bool is_from_before; /* a cookie or a credential that no answer of the session gave */
};

/* Where it, or a part of it, may come from. */
struct spool_candidate {
    int64_t exchange_id;
    int64_t first_us; /* when it was given there for the first time in the session */
    uint64_t hash;
    uint32_t born;    /* site; SITES_NONE: a request carried it first, see `carrier` */
    uint32_t carrier; /* a use of the session */
    uint32_t numbers[SITES_NUMBERS];
    uint32_t variant;
    uint32_t given;   /* values that the site had given by then */
    uint32_t at, len; /* in the text that is at the use's place */
    uint8_t bits;
    bool is_echo, is_late, is_whole, is_wordlike, is_one_word;
};

struct spool_session {
    int64_t session_id;
    uint64_t user; /* equal for sessions of one user */
};

struct spool_entry {
    enum spool_kind kind;
    struct spool_session session;
    uint32_t endpoint; /* SPOOL_ANSWERED: for the first time in the session */
    struct spool_use use;
    struct spool_candidate candidates[SPOOL_MAX_CANDIDATES];
};

struct spool;

int spool_open(struct spool **ret_spool, struct error *err);
void spool_close(struct spool *spool);

/* A failure is kept and told by spool_rewind(). */
void spool_write(struct spool *spool, const struct spool_entry *entry);

/* Read from the start. -1: it could not all be written. */
int spool_rewind(struct spool *spool, struct error *err);
/* 1, 0 at the end, -1. */
int spool_read(struct spool *spool, struct spool_entry *entry, struct error *err);

uint64_t spool_bytes(const struct spool *spool);

#endif

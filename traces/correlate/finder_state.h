/*
 * finder_state.h - what the finder's files share.
 */
#ifndef REPRISE_TRACES_CORRELATE_FINDER_STATE_H
#define REPRISE_TRACES_CORRELATE_FINDER_STATE_H

#include "traces/correlate/finder.h"

#define FINDER_MAX_CARRIED 4096 /* values of one request */
#define FINDER_MAX_REQUEST_BYTES (4u * 1024 * 1024)

/* A value of the request that is being told. */
struct carried_value {
    uint32_t place, site;
    uint32_t numbers[SITES_NUMBERS];
    struct bytes text; /* of the finder's arena */
    uint64_t hash;
    uint8_t written_as; /* enum value_form_word */
    uint8_t client;     /* enum client_kind */
    uint32_t number;    /* of its use */
    bool is_new;        /* carried for the first time in the session */
    bool is_drawn;      /* as in struct spool_use */
};

struct finder {
    struct sites sites;
    struct session_index index;
    struct rules *rules;
    struct spool *spool;
    struct arena arena; /* of the request */
    struct finder_request request;
    uint32_t endpoint;
    struct carried_value *carried;
    size_t carried_count;
    struct id_map uses;     /* a site and a value: seen before in the session */
    struct id_map answered; /* endpoints that have answered in the session */
    struct id_map reads;    /* paths, with their ids, of which a GET was answered with 200 */
    uint64_t path;          /* of the request, by hash */
    uint8_t *clients;       /* enum client_kind of each use of the session */
    size_t client_capacity;
    uint32_t use_count; /* of the session */
    /* The session's first answer to end that was not looked at whole; 0: none. */
    int64_t gap_exchange_id, gap_us;
    /* When the first answer ended that the client had from before the recording (304); 0: none. */
    int64_t unseen_us;
    struct spool_entry entry;
    struct finder_counts counts;
    bool is_out_of_memory;
};

/* lookups.c: fills finder->entry.candidates for one value. */
void finder_look_up(struct finder *finder, const struct carried_value *value);

/* client_values.c: says of each value of the request which kind of a client's own it would be. */
void finder_judge_clients(struct finder *finder);

#endif

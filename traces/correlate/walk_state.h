/*
 * walk_state.h - what the files of the walk share.
 */
#ifndef REPRISE_TRACES_CORRELATE_WALK_STATE_H
#define REPRISE_TRACES_CORRELATE_WALK_STATE_H

#include "traces/content_coding.h"
#include "traces/correlate/trace_walk.h"
#include "traces/places/place_visit.h"

#define WALK_MAX_BODY_BYTES (32u * 1024 * 1024) /* a larger one is not looked at */

struct body_cache;

/* A growing list of values of one answer. */
struct given_list {
    struct given *items;
    size_t count, capacity;
    bool is_out_of_memory;
};

struct walk {
    struct trace_reader *reader;
    struct finder *finder;
    struct place_scratch *scratch;
    struct content_decoder *decoder;
    struct body_cache *cache;
    struct buf body, place; /* of one message; of one place */
    struct http_header headers[HTTP1_MAX_HEADERS];
    struct given_list given;
    struct bytes prefix; /* "ws:3 > " before each place, or empty */
    struct walk_counts counts;
    bool is_partial; /* the message: not all of it was looked at */
    /* Endpoints by id, with their names. */
    struct id_map endpoint_ids;
    struct arena names;
    struct bytes *endpoints;
    size_t endpoint_count, endpoint_capacity;
    /* Upgrades of the session: their endpoint and how many messages the client has sent. */
    struct id_map upgrade_ids;
    struct upgrade {
        int64_t endpoint_id;
        uint32_t sent;
    } * upgrades;
    size_t upgrade_count, upgrade_capacity;
};

/* walk_values.c: the values of one message into the finder, or into walk->given. -1 with err. */
int walk_request(struct walk *walk, const struct trace_exchange *exchange, struct error *err);
int walk_answer(struct walk *walk, const struct trace_exchange *exchange, struct error *err);
int walk_client_message(struct walk *walk, const struct trace_message *message, uint32_t number,
                        struct error *err);
int walk_server_message(struct walk *walk, const struct trace_message *message, struct error *err);

/* body_cache.c: what answers' bodies gave, by content. */
struct body_cache *body_cache_new(size_t max_bytes);
void body_cache_free(struct body_cache *cache);
/* NULL: not there. Until the next body_cache_put(). */
const struct given *body_cache_get(struct body_cache *cache, uint64_t key, size_t *ret_count,
                                   bool *ret_is_partial);
void body_cache_put(struct body_cache *cache, uint64_t key, const struct given *items, size_t count,
                    bool is_partial);

#endif

/* trace_walk.c - exchanges and messages of each session, merged by time. */
#include "traces/correlate/trace_walk.h"

#include <stdlib.h>

#include "core/grow.h"
#include "core/map.h"
#include "traces/correlate/walk_state.h"

enum {
    MAX_NAMES_BYTES = 16 * 1024 * 1024,
    MAX_CACHE_BYTES = 64 * 1024 * 1024,
    MAX_DECODED_BYTES = 64 * 1024 * 1024
};

static void walk_fini(struct walk *walk)
{
    place_scratch_free(walk->scratch);
    content_decoder_free(walk->decoder);
    body_cache_free(walk->cache);
    buf_fini(&walk->body);
    buf_fini(&walk->place);
    arena_fini(&walk->names);
    id_map_fini(&walk->endpoint_ids);
    id_map_fini(&walk->upgrade_ids);
    free(walk->given.items);
    free(walk->endpoints);
    free(walk->upgrades);
    free(walk);
}

static struct walk *walk_new(struct trace_reader *reader, struct finder *finder)
{
    struct walk *walk = calloc(1, sizeof *walk);
    if (!walk)
        return NULL;
    walk->reader = reader;
    walk->finder = finder;
    walk->scratch = place_scratch_new();
    walk->decoder = content_decoder_new(MAX_DECODED_BYTES);
    walk->cache = body_cache_new(MAX_CACHE_BYTES);
    buf_init(&walk->body, WALK_MAX_BODY_BYTES);
    buf_init(&walk->place, 2 * PLACE_MAX_BYTES);
    arena_init(&walk->names, MAX_NAMES_BYTES);
    if (walk->scratch && walk->decoder && walk->cache)
        return walk;
    walk_fini(walk);
    return NULL;
}

/* Of "GET /jobs/{id}", kept: asked of the file once. */
static int endpoint_name(struct walk *walk, int64_t endpoint_id, struct bytes *ret_name,
                         struct error *err)
{
    struct bytes name = bytes_of("* /{other}");
    uint32_t *at = id_map_at(&walk->endpoint_ids, (uint64_t)endpoint_id);
    if (!at)
        return error_set(err, EXIT_TOOL, "out of memory");
    if (*at != ID_MAP_NONE) {
        *ret_name = walk->endpoints[*at];
        return 0;
    }
    if (endpoint_id && trace_reader_endpoint_name(walk->reader, endpoint_id, &name, err) < 0)
        return -1;
    struct bytes *grown = grow_by_one(walk->endpoints, walk->endpoint_count,
                                      &walk->endpoint_capacity, sizeof *grown, UINT32_MAX);
    if (!grown)
        return error_set(err, EXIT_TOOL, "out of memory");
    walk->endpoints = grown;
    struct bytes kept = arena_copy(&walk->names, name);
    if (!kept.ptr)
        return error_set(err, EXIT_TOOL, "no memory for the names of endpoints");
    *at = (uint32_t)walk->endpoint_count;
    *ret_name = walk->endpoints[walk->endpoint_count++] = kept;
    return 0;
}

static int note_upgrade(struct walk *walk, int64_t exchange_id, int64_t endpoint_id,
                        struct error *err)
{
    uint32_t *at = id_map_at(&walk->upgrade_ids, (uint64_t)exchange_id);
    struct upgrade *grown = at ? grow_by_one(walk->upgrades, walk->upgrade_count,
                                             &walk->upgrade_capacity, sizeof *grown, UINT32_MAX)
                               : NULL;
    if (!grown)
        return error_set(err, EXIT_TOOL, "out of memory");
    walk->upgrades = grown;
    *at = (uint32_t)walk->upgrade_count;
    walk->upgrades[walk->upgrade_count++] = (struct upgrade){.endpoint_id = endpoint_id};
    return 0;
}

static int take_exchange(struct walk *walk, const struct trace_exchange *exchange,
                         int64_t endpoint_id, struct error *err)
{
    struct bytes endpoint;
    int64_t origin_us = trace_reader_facts(walk->reader)->origin_unix_us;
    walk->counts.exchanges++;
    if (!exchange->method.len || exchange->request_first_us == TRACE_NO_MOMENT)
        return 0;
    if (endpoint_name(walk, endpoint_id, &endpoint, err))
        return -1;
    const struct finder_request request = {
        .exchange_id = exchange->exchange_id,
        .endpoint_id = endpoint_id,
        .endpoint = endpoint,
        .at_us = exchange->request_first_us,
        .at_unix_us = origin_us + exchange->request_first_us,
        .status = exchange->status,
    };
    finder_request(walk->finder, &request);
    if (walk_request(walk, exchange, err))
        return -1;
    finder_send(walk->finder);
    if (exchange->is_websocket && note_upgrade(walk, exchange->exchange_id, endpoint_id, err))
        return -1;
    if (!exchange->status || exchange->response_last_us == TRACE_NO_MOMENT)
        return 0;
    if (walk_answer(walk, exchange, err))
        return -1;
    const struct finder_answer answer = {
        .exchange_id = exchange->exchange_id,
        .endpoint_id = endpoint_id,
        .endpoint = endpoint,
        .ended_us = exchange->response_last_us,
        .status = exchange->status,
        .is_partial = walk->is_partial,
    };
    finder_answer(walk->finder, &answer, walk->given.items, walk->given.count);
    return 0;
}

static int take_message(struct walk *walk, const struct trace_message *message, struct error *err)
{
    uint32_t at = id_map_get(&walk->upgrade_ids, (uint64_t)message->exchange_id);
    bool is_data = message->opcode == 1 || message->opcode == 2;
    struct bytes endpoint;
    walk->counts.messages++;
    if (at == ID_MAP_NONE || !is_data)
        return 0;
    struct upgrade *upgrade = &walk->upgrades[at];
    uint32_t number = message->sender == TRACE_CLIENT ? ++upgrade->sent : 0;
    if (message->opcode != 1)
        return 0;
    if (endpoint_name(walk, upgrade->endpoint_id, &endpoint, err))
        return -1;
    if (message->sender == TRACE_CLIENT) {
        const struct finder_request request = {
            .exchange_id = message->exchange_id,
            .endpoint_id = upgrade->endpoint_id,
            .endpoint = endpoint,
            .at_us = message->first_us,
            .at_unix_us = trace_reader_facts(walk->reader)->origin_unix_us + message->first_us,
            .status = 101,
        };
        finder_request(walk->finder, &request);
        if (walk_client_message(walk, message, number, err))
            return -1;
        finder_send(walk->finder);
        return 0;
    }
    if (walk_server_message(walk, message, err))
        return -1;
    const struct finder_answer answer = {
        .exchange_id = message->exchange_id,
        .endpoint_id = upgrade->endpoint_id,
        .endpoint = endpoint,
        .ended_us = message->last_us,
        .status = 101,
        .is_partial = walk->is_partial,
    };
    finder_answer(walk->finder, &answer, walk->given.items, walk->given.count);
    return 0;
}

/* --- a session ---------------------------------------------------------------------------- */

struct session_walk {
    struct walk *walk;
    struct trace_exchange exchange;
    struct trace_message message;
    int64_t endpoint_id;
    bool has_exchange, has_message;
};

static int next_exchange(struct session_walk *session, struct error *err)
{
    int found = trace_reader_next_exchange(session->walk->reader, &session->exchange,
                                           &session->endpoint_id, err);
    session->has_exchange = found == 1;
    return found < 0 ? -1 : 0;
}

static int next_message(struct session_walk *session, struct error *err)
{
    int found = trace_reader_next_message(session->walk->reader, &session->message, err);
    session->has_message = found == 1;
    return found < 0 ? -1 : 0;
}

/* Two sessions seen from one address may be two users; two with one cookie are one. */
static uint64_t user_of(const struct trace_session *session)
{
    if (session->identity_kind == TRACE_BY_ADDRESS)
        return (uint64_t)session->session_id;
    return bytes_hash(session->identity);
}

static int take_session(struct walk *walk, const struct trace_session *row, struct error *err)
{
    struct session_walk session = {.walk = walk};
    walk->counts.sessions++;
    walk->upgrade_count = 0;
    id_map_clear(&walk->upgrade_ids);
    finder_begin_session(walk->finder, row->session_id, user_of(row));
    if (trace_reader_start_exchanges(walk->reader, row->session_id, err) ||
        next_exchange(&session, err))
        return -1;
    if (row->message_count &&
        (trace_reader_start_session_messages(walk->reader, row->session_id, err) ||
         next_message(&session, err)))
        return -1;
    while (session.has_exchange || session.has_message) {
        bool is_exchange =
            session.has_exchange &&
            (!session.has_message || session.exchange.request_first_us <= session.message.first_us);
        int result = is_exchange ? take_exchange(walk, &session.exchange, session.endpoint_id, err)
                                 : take_message(walk, &session.message, err);
        if (result == 0)
            result = is_exchange ? next_exchange(&session, err) : next_message(&session, err);
        if (result)
            return -1;
    }
    finder_end_session(walk->finder);
    return 0;
}

int trace_walk(struct trace_reader *reader, struct finder *finder, struct walk_counts *ret_counts,
               struct error *err)
{
    struct walk *walk = walk_new(reader, finder);
    struct trace_session session;
    int found = 1;
    if (!walk)
        return error_set(err, EXIT_TOOL, "out of memory");
    if (trace_reader_start_sessions(reader, err))
        found = -1;
    while (found == 1 && (found = trace_reader_next_session(reader, &session, err)) == 1) {
        if (take_session(walk, &session, err))
            found = -1;
    }
    *ret_counts = walk->counts;
    walk_fini(walk);
    return found;
}

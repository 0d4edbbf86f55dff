/* finder.c - one session after the other: what is given, what is carried, and into the spool. */
#include "traces/correlate/finder.h"

#include <stdlib.h>

#include "core/grow.h"
#include "core/map.h"
#include "traces/correlate/finder_state.h"
#include "traces/correlate/mentions.h"
#include "traces/correlate/value_shape.h"

enum {
    MAX_SITES_BYTES = 192 * 1024 * 1024,
    MAX_VALUE_BYTES = 64 * 1024 /* more is not carried at replay */
};

int finder_new(struct finder **ret_finder, struct error *err)
{
    struct finder *finder = calloc(1, sizeof *finder);
    if (!finder)
        return error_set(err, EXIT_TOOL, "out of memory");
    sites_init(&finder->sites, MAX_SITES_BYTES);
    session_index_init(&finder->index, &finder->sites);
    arena_init(&finder->arena, FINDER_MAX_REQUEST_BYTES);
    finder->carried = calloc(FINDER_MAX_CARRIED, sizeof *finder->carried);
    if (!finder->carried)
        error_set(err, EXIT_TOOL, "out of memory");
    if (!finder->carried || spool_open(&finder->spool, err) ||
        rules_new(&finder->rules, &finder->sites, err)) {
        finder_free(finder);
        return -1;
    }
    *ret_finder = finder;
    return 0;
}

void finder_free(struct finder *finder)
{
    if (!finder)
        return;
    rules_free(finder->rules);
    session_index_fini(&finder->index);
    sites_fini(&finder->sites);
    arena_fini(&finder->arena);
    id_map_fini(&finder->uses);
    id_map_fini(&finder->answered);
    id_map_fini(&finder->reads);
    spool_close(finder->spool);
    free(finder->carried);
    free(finder->clients);
    free(finder);
}

void finder_begin_session(struct finder *finder, int64_t session_id, uint64_t user)
{
    session_index_clear(&finder->index);
    id_map_clear(&finder->uses);
    id_map_clear(&finder->answered);
    id_map_clear(&finder->reads);
    finder->use_count = 0;
    finder->gap_exchange_id = finder->unseen_us = 0;
    finder->counts.sessions++;
    finder->entry.kind = SPOOL_SESSION;
    finder->entry.session = (struct spool_session){session_id, user};
    spool_write(finder->spool, &finder->entry);
}

void finder_end_session(struct finder *finder)
{
    finder->counts.left_out += finder->index.left_out;
    finder->index.left_out = 0;
    if (finder->index.is_out_of_memory)
        finder->is_out_of_memory = true;
    session_index_clear(&finder->index);
}

static void answered(void *owner, uint32_t endpoint)
{
    struct finder *finder = owner;
    uint32_t *at = id_map_at(&finder->answered, endpoint);
    if (!at) {
        finder->is_out_of_memory = true;
        return;
    }
    if (*at != ID_MAP_NONE)
        return;
    *at = 1;
    finder->entry.kind = SPOOL_ANSWERED;
    finder->entry.endpoint = endpoint;
    spool_write(finder->spool, &finder->entry);
}

void finder_request(struct finder *finder, const struct finder_request *request)
{
    session_index_advance(&finder->index, request->at_us, answered, finder);
    finder->index.request++;
    finder->counts.requests++;
    finder->request = *request;
    finder->endpoint = sites_endpoint(&finder->sites, request->endpoint_id, request->endpoint);
    finder->carried_count = 0;
    arena_reset(&finder->arena);
}

static void mention(void *owner, uint64_t digits)
{
    struct finder *finder = owner;
    session_index_mention(&finder->index, digits);
}

void finder_mentioned(struct finder *finder, struct bytes text)
{
    mentions_scan(text, mention, finder);
}

void finder_carries(struct finder *finder, struct bytes place, struct bytes name, struct bytes text,
                    enum value_form_word written_as)
{
    struct carried_value value = {.written_as = (uint8_t)written_as};
    if (!text.len || text.len > MAX_VALUE_BYTES || finder->endpoint == SITES_NONE)
        return;
    finder->counts.values_carried++;
    value.place = sites_place(&finder->sites, place, name, value.numbers);
    value.site = sites_site(&finder->sites, finder->endpoint, value.place);
    if (value.site == SITES_NONE)
        return;
    bool has_room = finder->carried_count < FINDER_MAX_CARRIED;
    if (has_room)
        value.text = arena_copy(&finder->arena, text);
    if (!value.text.ptr) {
        finder->counts.left_out++;
        return;
    }
    value.hash = bytes_hash(text);
    if (!finder->sites.places[value.place].is_body)
        finder_mentioned(finder, text);
    finder->carried[finder->carried_count++] = value;
}

/* --- from a request to the spool ---------------------------------------------------------- */

static int note_client(struct finder *finder, uint32_t number, enum client_kind kind)
{
    /* Numbers are given in order. */
    uint8_t *grown =
        grow_by_one(finder->clients, number, &finder->client_capacity, sizeof *grown, UINT32_MAX);
    if (!grown) {
        finder->is_out_of_memory = true;
        return -1;
    }
    finder->clients = grown;
    finder->clients[number] = (uint8_t)kind;
    return 0;
}

/* A cookie that the target set: the user's jar has it at replay. */
static bool is_in_jar(const struct finder *finder, const struct carried_value *value)
{
    return finder->sites.places[value->place].is_cookie &&
           id_map_get(&finder->index.cookies, value->place) != ID_MAP_NONE;
}

static bool is_credential(const struct finder *finder, const struct carried_value *value)
{
    const struct site_place *place = &finder->sites.places[value->place];
    return place->is_cookie ||
           (place->class == NAME_IS_CREDENTIAL && shape_bits(value->text) >= 24) ||
           (place->is_header && place->class == NAME_IS_ID && shape_bits(value->text) >= 24);
}

/* Numbers its use: which it is in the session, and which use carried the value first. */
static int number_use(struct finder *finder, struct carried_value *value)
{
    value->number = finder->use_count++;
    value->is_new = session_index_carried(&finder->index, value->hash) == SITES_NONE;
    session_index_carry(&finder->index, value->hash, value->number);
    return note_client(finder, value->number, (enum client_kind)value->client);
}

static void spool_value(struct finder *finder, const struct carried_value *value)
{
    struct spool_use *use = &finder->entry.use;
    uint32_t *seen =
        id_map_at(&finder->uses, value->hash ^ ((uint64_t)value->site + 1) * 0x9e3779b97f4a7c15U);
    finder->entry.kind = SPOOL_USE;
    *use = (struct spool_use){
        .exchange_id = finder->request.exchange_id,
        .at_us = finder->request.at_us,
        .hash = value->hash,
        .site = value->site,
        .number = value->number,
        .carrier = session_index_carried(&finder->index, value->hash),
        .len = (uint32_t)value->text.len,
        .variant =
            sites_variant(&finder->sites, value->site, (enum value_form_word)value->written_as,
                          (struct bytes){0}, (struct bytes){0}),
        .bits = (uint8_t)shape_bits(value->text),
        .client = value->client,
        .is_drawn = value->is_drawn,
        .is_repeat = seen && *seen != ID_MAP_NONE,
    };
    memcpy(use->numbers, value->numbers, sizeof use->numbers);
    if (seen)
        *seen = 1;
    finder_look_up(finder, value);
    use->is_from_before = !use->candidate_count && use->carrier == use->number &&
                          value->client == CLIENT_NONE && is_credential(finder, value);
    if (use->is_from_before && finder->gap_exchange_id && finder->gap_us <= finder->request.at_us)
        use->gap_exchange_id = finder->gap_exchange_id;
    spool_write(finder->spool, &finder->entry);
}

/* The template, and what stands in its place; the query is not of it. */
static uint64_t path_of(const struct finder *finder)
{
    struct bytes template = finder->endpoint == SITES_NONE
                                ? bytes_of("")
                                : finder->sites.endpoints[finder->endpoint].path;
    uint64_t path = bytes_hash(template);
    for (size_t i = 0; i < finder->carried_count; i++) {
        if (finder->sites.places[finder->carried[i].place].is_path)
            path = path * 0x9e3779b97f4a7c15U + finder->carried[i].hash;
    }
    return path;
}

/* What the client made comes first, so that parts of other values of this request find it; an id
 * that it drew also before other values that name it. */
void finder_send(struct finder *finder)
{
    size_t count = finder->carried_count, kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_in_jar(finder, &finder->carried[i]))
            finder->carried[kept++] = finder->carried[i];
    }
    finder->carried_count = kept;
    finder->path = path_of(finder);
    finder_judge_clients(finder);
    for (int is_drawn = 1; is_drawn >= 0; is_drawn--) {
        for (size_t i = 0; i < kept; i++) {
            struct carried_value *value = &finder->carried[i];
            if (value->is_drawn == is_drawn && number_use(finder, value))
                return;
        }
    }
    for (int is_first = 1; is_first >= 0; is_first--) {
        for (size_t i = 0; i < kept; i++) {
            const struct carried_value *value = &finder->carried[i];
            if ((value->is_new && value->client != CLIENT_NONE) == is_first)
                spool_value(finder, value);
        }
    }
}

/* --- answers ------------------------------------------------------------------------------ */

/* What could be anything is nothing to look for. */
static bool is_worth_keeping(struct bytes text)
{
    static const char *const never[] = {"true", "false", "null", "none", "undefined", NULL};
    if (!text.len || text.len > MAX_VALUE_BYTES)
        return false;
    for (const char *const *word = never; text.len <= 9 && *word; word++) {
        if (bytes_equal_nocase(text, bytes_of(*word)))
            return false;
    }
    return text.len > 1 || ascii_is_alnum(text.ptr[0]);
}

bool finder_given(struct finder *finder, struct bytes place, struct bytes name, struct bytes text,
                  struct given *ret_given)
{
    if (!is_worth_keeping(text))
        return false;
    finder->counts.values_given++;
    ret_given->place = sites_place(&finder->sites, place, name, ret_given->numbers);
    ret_given->hash = bytes_hash(text);
    return ret_given->place != SITES_NONE;
}

/* A page that had not changed was read by the client before the recording, or from another one. */
static void note_status(struct finder *finder, const struct finder_answer *answer)
{
    bool is_get = bytes_starts_with(answer->endpoint, bytes_of("GET "));
    bool is_known = id_map_get(&finder->reads, finder->path) != ID_MAP_NONE;
    if (answer->status == 304 && !is_known &&
        (!finder->unseen_us || answer->ended_us < finder->unseen_us))
        finder->unseen_us = answer->ended_us;
    if (answer->status != 200 || !is_get)
        return;
    uint32_t *at = id_map_at(&finder->reads, finder->path);
    if (at)
        *at = 1;
    else
        finder->is_out_of_memory = true;
}

void finder_answer(struct finder *finder, const struct finder_answer *answer,
                   const struct given *items, size_t count)
{
    const struct answer_seen seen = {
        .exchange_id = answer->exchange_id,
        .endpoint = sites_endpoint(&finder->sites, answer->endpoint_id, answer->endpoint),
        .ended_us = answer->ended_us,
        .is_success = answer->status >= 100 && answer->status < 400,
    };
    session_index_answer(&finder->index, &seen, items, count);
    note_status(finder, answer);
    if (answer->is_partial && (!finder->gap_exchange_id || answer->ended_us < finder->gap_us)) {
        finder->gap_exchange_id = answer->exchange_id;
        finder->gap_us = answer->ended_us;
    }
}

/* --- the end ------------------------------------------------------------------------------ */

int finder_decide(struct finder *finder, const struct rules_options *options,
                  const struct rules_sink *sink, struct error *err)
{
    finder->counts.left_out += finder->sites.left_out;
    /* What the largest session needed is not needed any more. */
    session_index_fini(&finder->index);
    session_index_init(&finder->index, &finder->sites);
    id_map_fini(&finder->uses);
    if (finder->is_out_of_memory || finder->sites.is_out_of_memory)
        return error_set(err, EXIT_TOOL, "out of memory");
    return rules_learn(finder->rules, finder->spool, options, err) ||
                   rules_decide(finder->rules, finder->spool, options, sink, err)
               ? -1
               : 0;
}

const struct sites *finder_sites(const struct finder *finder)
{
    return &finder->sites;
}

const struct rules *finder_rules(const struct finder *finder)
{
    return finder->rules;
}

struct finder_counts finder_counts(const struct finder *finder)
{
    struct finder_counts counts = finder->counts;
    counts.left_out += rules_left_out(finder->rules);
    counts.spool_bytes = spool_bytes(finder->spool);
    return counts;
}

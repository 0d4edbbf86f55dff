/* decide.c - one producer for each use: the reading of the spool that makes bindings. */
#include <math.h>
#include <stdlib.h>

#include "core/grow.h"
#include "traces/correlate/rules_state.h"

enum { SUSPICIOUS_BITS = 40, STRONG_ODDS = 8 };

static const float CLIENT_SCORE = 0.9F;

struct decision {
    const struct rules_options *options;
    const struct rules_sink *sink;
    struct rules *rules;
    const struct spool_use *use;
    uint32_t session; /* stamp of the one that client values are numbered in */
    bool is_bound;    /* at least in part */
};

/* --- which producer ----------------------------------------------------------------------- */

static const struct site_place *born_place(const struct rules *rules,
                                           const struct spool_candidate *candidate)
{
    return &rules->sites->places[rules->sites->sites[candidate->born].place];
}

static double coverage(const struct rules *rules, const struct spool_use *use,
                       const struct rule *rule)
{
    return (double)rule->uses / rules->uses[use->site].uses;
}

/* Above zero: a is to be preferred. */
static double prefer(struct rules *rules, const struct spool_use *use,
                     const struct spool_candidate *a, const struct spool_candidate *b)
{
    const struct rule *x = rules_find(rules, a), *y = rules_find(rules, b);
    const struct sites *sites = rules->sites;
    double odds = fmin(x->log_odds, STRONG_ODDS) - fmin(y->log_odds, STRONG_ODDS);
    double covers = coverage(rules, use, x) - coverage(rules, use, y);
    int agree = sites_agree(sites, a->born, use->site) - sites_agree(sites, b->born, use->site);
    if (a->is_echo != b->is_echo)
        return b->is_echo ? 1 : -1;
    if (fabs(odds) > 1)
        return odds;
    /* Of several lists it is the one that was looked at last. */
    if (born_place(rules, a)->has_numbers && born_place(rules, b)->has_numbers &&
        a->exchange_id != b->exchange_id)
        return (double)(a->exchange_id - b->exchange_id);
    if (agree)
        return agree;
    if (fabs(covers) > 0.05)
        return covers;
    int plain = born_place(rules, b)->has_numbers - born_place(rules, a)->has_numbers;
    if (plain)
        return plain;
    plain = born_place(rules, b)->is_text - born_place(rules, a)->is_text;
    if (plain)
        return plain;
    /* What a POST answers it has made; a GET only shows it. */
    int made = sites->endpoints[sites->sites[a->born].endpoint].is_unsafe -
               sites->endpoints[sites->sites[b->born].endpoint].is_unsafe;
    return made ? made : (double)(a->exchange_id - b->exchange_id);
}

static bool is_good(struct decision *decision, const struct spool_candidate *candidate)
{
    const struct rule *rule = rules_find(decision->rules, candidate);
    return rule && rule->score >= decision->options->min_score;
}

/* --- bindings ----------------------------------------------------------------------------- */

static int emit(struct decision *decision, const struct trace_binding *wanted, uint32_t variant,
                struct error *err)
{
    struct rules *rules = decision->rules;
    const struct spool_use *use = decision->use;
    struct trace_binding binding = *wanted;
    buf_clear(&rules->used_text);
    sites_write_place(rules->sites, rules->sites->sites[use->site].place, use->numbers,
                      &rules->used_text);
    binding.used_exchange_id = use->exchange_id;
    binding.used_place = buf_bytes(&rules->used_text);
    binding.born_place = buf_bytes(&rules->born_text);
    binding.state = bytes_of("on");
    binding.form =
        bytes_of(value_form_word_name((enum value_form_word)rules->sites->variants[variant].form));
    decision->is_bound = true;
    return decision->sink->bind(decision->sink->owner, &binding, err);
}

static struct bytes evidence_of(struct rules *rules, struct rule *rule)
{
    if (!rule->text.ptr) {
        struct buf text = BUF_INIT(512);
        rule_evidence(rules, rule, &text);
        rule->text = arena_copy(&rules->texts, buf_bytes(&text));
        buf_fini(&text);
    }
    return rule->text.ptr ? rule->text : bytes_of("");
}

static int bind_born(struct decision *decision, const struct spool_candidate *candidate,
                     struct error *err)
{
    struct rules *rules = decision->rules;
    struct rule *rule = rules_find(rules, candidate);
    rule->bound++;
    buf_clear(&rules->born_text);
    sites_write_place(rules->sites, rules->sites->sites[candidate->born].place, candidate->numbers,
                      &rules->born_text);
    const struct trace_binding binding = {.born_exchange_id = candidate->exchange_id,
                                          .score = round((double)rule->score * 1000) / 1000,
                                          .evidence = evidence_of(rules, rule)};
    return emit(decision, &binding, candidate->variant, err);
}

/* `kind`: of a part of the value, CLIENT_NONE for the origin's own. */
static int bind_client(struct decision *decision, const struct origin *origin,
                       enum client_kind kind, uint32_t variant, struct error *err)
{
    struct rules *rules = decision->rules;
    struct client_rule *rule = &rules->clients[rules->uses[origin->site].client];
    struct buf text = BUF_INIT(512);
    rule->uses++;
    buf_clear(&rules->born_text);
    client_place_write(kind == CLIENT_NONE ? origin->kind : kind, origin->number,
                       &rules->born_text);
    client_evidence(rule, &text);
    const struct trace_binding binding = {.born_exchange_id = origin->exchange_id,
                                          .score = round((double)rule->score * 1000) / 1000,
                                          .evidence = buf_bytes(&text)};
    int result = emit(decision, &binding, variant, err);
    buf_fini(&text);
    return result;
}

/* The best one for each part of the text that is at the use's place. */
static int bind_best(struct decision *decision, const struct spool_entry *entry, struct error *err)
{
    const struct spool_use *use = &entry->use;
    const struct spool_candidate *all = entry->candidates;
    for (uint16_t i = 0; i < use->candidate_count; i++) {
        const struct spool_candidate *best = NULL;
        bool is_first = true;
        for (uint16_t k = 0; k < use->candidate_count; k++) {
            if (all[k].at != all[i].at || all[k].len != all[i].len)
                continue;
            is_first = is_first && k >= i;
            if (is_good(decision, &all[k]) &&
                (!best || prefer(decision->rules, use, &all[k], best) > 0))
                best = &all[k];
        }
        if (is_first && best && bind_born(decision, best, err))
            return -1;
    }
    return 0;
}

/* --- what the client made ----------------------------------------------------------------- */

static struct origin *origin_of(struct rules *rules, uint32_t number)
{
    if (number >= rules->origin_capacity || rules->origins[number].session != rules->session)
        return NULL;
    return &rules->origins[number];
}

static struct client_rule *client_rule_of(struct rules *rules, const struct spool_use *use)
{
    struct use_site *site = &rules->uses[use->site];
    if (site->client == SITES_NONE) {
        struct client_rule *grown = grow_by_one(rules->clients, rules->client_count,
                                                &rules->client_capacity, sizeof *grown, SITES_NONE);
        if (!grown)
            return NULL;
        rules->clients = grown;
        rules->clients[rules->client_count] = (struct client_rule){.site = use->site,
                                                                   .kind = use->client,
                                                                   .is_drawn = use->is_drawn,
                                                                   .score = CLIENT_SCORE};
        site->client = (uint32_t)rules->client_count++;
    }
    return &rules->clients[site->client];
}

/* A second account in one session is another column. What is made anew needs no number: two values
 * are told apart by what was recorded. */
static uint32_t next_number(struct rules *rules, const struct spool_use *use)
{
    uint32_t *at = use->client >= CLIENT_EMAIL ? id_map_at(&rules->numbers, use->client) : NULL;
    if (!at)
        return 1;
    return *at = *at == ID_MAP_NONE ? 1 : *at + 1;
}

static int make_origin(struct rules *rules, const struct spool_use *use, struct origin **ret_origin,
                       struct error *err)
{
    struct client_rule *rule = client_rule_of(rules, use);
    if (use->number >= rules->origin_capacity) {
        size_t wanted = rules->origin_capacity ? rules->origin_capacity : 256;
        while (wanted <= use->number)
            wanted *= 2;
        struct origin *grown = realloc(rules->origins, wanted * sizeof *grown);
        if (!grown)
            return error_set(err, EXIT_TOOL, "out of memory");
        memset(grown + rules->origin_capacity, 0,
               (wanted - rules->origin_capacity) * sizeof *grown);
        rules->origins = grown;
        rules->origin_capacity = wanted;
    }
    if (!rule)
        return error_set(err, EXIT_TOOL, "out of memory");
    rule->values++;
    if (rule->last_session != rules->session) {
        rule->last_session = rules->session;
        rule->sessions++;
    }
    struct origin *origin = &rules->origins[use->number];
    *origin = (struct origin){.session = rules->session,
                              .number = next_number(rules, use),
                              .site = use->site,
                              .exchange_id = use->exchange_id,
                              .kind = (enum client_kind)use->client};
    *ret_origin = origin;
    return 0;
}

/* A "nonce" that several users have is a constant; unless one of them was given it. */
static bool is_made(const struct rules *rules, const struct spool_entry *entry)
{
    const struct spool_use *use = &entry->use;
    const struct use_site *site = &rules->uses[use->site];
    if (use->client == CLIENT_NONE || use->carrier != use->number)
        return false;
    if (use->client != CLIENT_UUID && use->client != CLIENT_HEX)
        return true;
    if (use->is_drawn)
        return drawn_is_made(rules, use);
    return use_is_given(use, entry->candidates) ? rules_share(site, use->hash) <= 0
                                                : !rules_is_had(site, use->hash);
}

/* Two columns in one header, which is written in base64. */
static int bind_basic(struct decision *decision, const struct origin *origin, struct error *err)
{
    struct bytes nothing = {0};
    uint32_t variant =
        sites_variant(decision->rules->sites, decision->use->site, WORD_BASE64, nothing, nothing);
    if (variant == SITES_NONE)
        return error_set(err, EXIT_TOOL, "out of memory");
    return bind_client(decision, origin, CLIENT_USERNAME, variant, err) ||
                   bind_client(decision, origin, CLIENT_PASSWORD, variant, err)
               ? -1
               : 0;
}

static int bind_to_client(struct decision *decision, const struct spool_entry *entry,
                          struct error *err)
{
    struct rules *rules = decision->rules;
    const struct spool_use *use = &entry->use;
    struct origin *origin = origin_of(rules, use->carrier);
    if (!origin && is_made(rules, entry) && make_origin(rules, use, &origin, err))
        return -1;
    if (origin && origin->kind == CLIENT_BASIC)
        return bind_basic(decision, origin, err);
    if (origin)
        return bind_client(decision, origin, CLIENT_NONE, use->variant, err);
    for (uint16_t i = 0; i < use->candidate_count; i++) {
        const struct spool_candidate *candidate = &entry->candidates[i];
        origin = candidate->born == SITES_NONE ? origin_of(rules, candidate->carrier) : NULL;
        if (origin && bind_client(decision, origin, CLIENT_NONE, candidate->variant, err))
            return -1;
    }
    return 0;
}

/* --- what is left ------------------------------------------------------------------------- */

static int note_unbound(struct rules *rules, const struct spool_use *use, struct error *err)
{
    struct use_site *site = &rules->uses[use->site];
    if (site->unbound == SITES_NONE) {
        struct unbound *grown = grow_by_one(rules->unbound, rules->unbound_count,
                                            &rules->unbound_capacity, sizeof *grown, SITES_NONE);
        if (!grown)
            return error_set(err, EXIT_TOOL, "out of memory");
        rules->unbound = grown;
        rules->unbound[rules->unbound_count] =
            (struct unbound){.site = use->site, .exchange_id = use->exchange_id};
        site->unbound = (uint32_t)rules->unbound_count++;
    }
    struct unbound *unbound = &rules->unbound[site->unbound];
    unbound->uses++;
    if (use->is_from_before && !use->gap_exchange_id)
        unbound->is_from_before = true;
    else if (use->is_from_before && !unbound->gap_exchange_id)
        unbound->gap_exchange_id = use->gap_exchange_id;
    if (unbound->last_session != rules->session) {
        unbound->last_session = rules->session;
        unbound->sessions++;
    }
    return 0;
}

static int decide_use(struct rules *rules, const struct spool_entry *entry, void *owner,
                      struct error *err)
{
    struct decision *decision = owner;
    const struct spool_use *use = &entry->use;
    decision->use = use;
    decision->is_bound = false;
    if (decision->session != rules->session)
        id_map_clear(&rules->numbers);
    decision->session = rules->session;
    if (bind_best(decision, entry, err))
        return -1;
    if (!decision->is_bound && bind_to_client(decision, entry, err))
        return -1;
    const struct site_place *place = &rules->sites->places[rules->sites->sites[use->site].place];
    bool is_repeated_credential = use->is_from_before && use->is_repeat;
    bool is_password = name_identity_of(place->name) == IDENTITY_PASSWORD; /* a person's choice */
    if (decision->is_bound || is_repeated_credential || is_password ||
        (!use->is_from_before && use->bits < SUSPICIOUS_BITS))
        return 0;
    return note_unbound(rules, use, err);
}

int rules_decide(struct rules *rules, struct spool *spool, const struct rules_options *options,
                 const struct rules_sink *sink, struct error *err)
{
    struct decision decision = {.options = options, .sink = sink, .rules = rules};
    return rules_read(rules, spool, decide_use, &decision, err);
}

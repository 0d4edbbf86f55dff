/* rules.c - learning: what speaks for and against each rule in all sessions. */
#include "traces/correlate/rules.h"

#include <math.h>
#include <stdlib.h>

#include "core/grow.h"
#include "traces/correlate/rules_state.h"

enum {
    CLEAR_BITS =
        24, /* no word, and equal by accident never: then one that all have is from there */
    MAX_EVIDENCE = 40,
    MAX_AGAINST = 12,
    MAX_TEXT_BYTES = 32 * 1024 * 1024
};

/* The table of docs/correlation.md, in units of the natural logarithm. */
static const double START = -6, USED_NAME = 3, USED_NO_ID = -2, USED_PATH_WORD = 1,
                    STATIC_LINK = -3, BORN_NAME = 2, BORN_NO_ID = -1, NAMES_AGREE = 2,
                    CLASSES_AGREE = 1, NAMES_DIFFER = -2, WORDLIKE = -2, NEVER = -60,
                    PART_OF_TEXT = -1, HOLDS = 0.9, GIVEN_DIFFERS = 1, MISS = 2.3, CONSTANT = -3,
                    CONSTANT_SCORE = 0.6;

int rules_new(struct rules **ret_rules, struct sites *sites, struct error *err)
{
    struct rules *rules = calloc(1, sizeof *rules);
    if (!rules)
        return error_set(err, EXIT_TOOL, "out of memory");
    rules->sites = sites;
    arena_init(&rules->texts, MAX_TEXT_BYTES);
    buf_init(&rules->born_text, SITES_MAX_PLACE_BYTES + 64);
    buf_init(&rules->used_text, SITES_MAX_PLACE_BYTES + 64);
    *ret_rules = rules;
    return 0;
}

void rules_free(struct rules *rules)
{
    if (!rules)
        return;
    for (uint32_t i = 0; i < rules->use_count; i++)
        free(rules->uses[i].tally);
    for (size_t i = 0; i < rules->count; i++)
        free(rules->list[i].values);
    endpoint_folds_fini(&rules->folds);
    arena_fini(&rules->texts);
    id_map_fini(&rules->by_pair);
    id_map_fini(&rules->numbers);
    id_map_fini(&rules->drawn_by_hash);
    free(rules->drawn);
    buf_fini(&rules->born_text);
    buf_fini(&rules->used_text);
    free(rules->list);
    free(rules->uses);
    free(rules->answered);
    free(rules->unbound);
    free(rules->clients);
    free(rules->origins);
    free(rules);
}

int rules_read(struct rules *rules, struct spool *spool, rules_take_fn take, void *owner,
               struct error *err)
{
    struct spool_entry *entry = malloc(sizeof *entry);
    int found = entry ? 1 : error_set(err, EXIT_TOOL, "out of memory");
    rules->session = rules->stamp = 0;
    if (rules->answered)
        memset(rules->answered, 0, rules->sites->endpoint_count * sizeof *rules->answered);
    if (found == 1 && spool_rewind(spool, err))
        found = -1;
    while (found == 1 && (found = spool_read(spool, entry, err)) == 1) {
        endpoint_folds_apply(&rules->folds, entry);
        if (entry->kind == SPOOL_SESSION) {
            rules->session++;
            rules->user = entry->session.user;
        } else if (entry->kind == SPOOL_ANSWERED) {
            rules->answered[entry->endpoint] = rules->session;
        } else {
            rules->stamp++;
            if (take(rules, entry, owner, err))
                found = -1;
        }
    }
    free(entry);
    return found;
}

/* --- what the names say ------------------------------------------------------------------- */

/* Is the segment of the path that is used there one that the endpoint takes for an id? */
static bool is_id_segment(const struct site_endpoint *endpoint, uint32_t number)
{
    struct bytes rest = bytes_from(endpoint->path, 1), segment;
    for (uint32_t i = 1; bytes_split(&rest, '/', &segment); i++) {
        if (i == number)
            return bytes_index_of(segment, '{') < segment.len;
    }
    return false;
}

/* A file that an application consists of: its place is not one that an answer chooses. */
static bool is_part_of_page(struct bytes path)
{
    static const char *const ends[] = {".js",  ".mjs", ".css",  ".map",   ".png", ".svg", ".ico",
                                       ".gif", ".jpg", ".woff", ".woff2", ".ttf", NULL};
    for (const char *const *end = ends; *end; end++) {
        size_t len = strlen(*end);
        if (path.len >= len && bytes_equal_nocase(bytes_from(path, path.len - len), bytes_of(*end)))
            return true;
    }
    return false;
}

/* A word in a path that a link has too is where the application has its pages; a name of several,
 * as of a file, that Location gave is what was made there. */
static double used_segment(const struct site_endpoint *endpoint, uint32_t number,
                           const struct site_place *from, bool is_one_word)
{
    if (is_id_segment(endpoint, number))
        return USED_NAME;
    if (is_part_of_page(endpoint->path))
        return NEVER;
    if (from->is_path && !is_one_word &&
        bytes_starts_with_nocase(from->text, bytes_of("header:location")))
        return USED_NAME;
    return from->is_path ? STATIC_LINK : USED_PATH_WORD;
}

static bool is_telling(enum name_class class)
{
    return class == NAME_IS_ID || class == NAME_IS_CREDENTIAL || class == NAME_IS_CURSOR;
}

/* If-None-Match and its like say what the client has of this page: many pages have one date, and
 * all empty ones the same ETag. What a POST has made may be at another place. */
static bool is_of_another_page(const struct sites *sites, const struct site *born,
                               const struct site *used)
{
    const struct site_place *to = &sites->places[used->place], *from = &sites->places[born->place];
    return to->is_header && from->is_header && !sites->endpoints[born->endpoint].is_unsafe &&
           bytes_starts_with_nocase(to->name, bytes_of("if-")) &&
           !bytes_equal(sites->endpoints[born->endpoint].path,
                        sites->endpoints[used->endpoint].path);
}

static double prior_of(const struct sites *sites, const struct spool_candidate *candidate)
{
    uint32_t used_site = sites->variants[candidate->variant].site;
    const struct site *used = &sites->sites[used_site], *born = &sites->sites[candidate->born];
    const struct site_place *to = &sites->places[used->place], *from = &sites->places[born->place];
    double odds = START;
    if (to->is_path)
        odds += used_segment(&sites->endpoints[used->endpoint], to->path_segment, from,
                             candidate->is_one_word);
    else if (is_telling(to->class))
        odds += USED_NAME;
    else if (to->class == NAME_IS_NO_ID)
        odds += USED_NO_ID;
    if (from->is_path || is_telling(from->class))
        odds += BORN_NAME;
    else if (from->class == NAME_IS_NO_ID)
        odds += BORN_NO_ID;
    int agree = sites_agree(sites, candidate->born, used_site);
    odds += agree == 2 ? NAMES_AGREE : agree == 1 ? CLASSES_AGREE : agree < 0 ? NAMES_DIFFER : 0;
    if (is_of_another_page(sites, born, used))
        odds += NEVER;
    if (!candidate->is_whole && to->class != NAME_IS_CREDENTIAL)
        odds += PART_OF_TEXT;
    return odds;
}

/* --- rules -------------------------------------------------------------------------------- */

struct rule *rules_find(struct rules *rules, const struct spool_candidate *candidate)
{
    if (candidate->born == SITES_NONE)
        return NULL;
    uint32_t found = id_map_get(&rules->by_pair, id_pair(candidate->born, candidate->variant));
    return found == ID_MAP_NONE ? NULL : &rules->list[found];
}

static struct rule *find_or_add(struct rules *rules, const struct spool_candidate *candidate)
{
    struct rule *rule = rules_find(rules, candidate);
    if (rule || rules->count == RULES_MAX)
        return rule;
    struct rule *grown =
        grow_by_one(rules->list, rules->count, &rules->capacity, sizeof *rules->list, RULES_MAX);
    if (grown)
        rules->list = grown;
    uint32_t *at =
        grown ? id_map_at(&rules->by_pair, id_pair(candidate->born, candidate->variant)) : NULL;
    if (!at)
        return NULL;
    struct use_site *use = &rules->uses[rules->sites->variants[candidate->variant].site];
    *at = (uint32_t)rules->count;
    rules->list[rules->count] = (struct rule){
        .born = candidate->born,
        .variant = candidate->variant,
        .next = use->first_rule,
        .min_len = UINT32_MAX,
        .bits = UINT8_MAX,
        .first_user = rules->user,
        .is_part = !candidate->is_whole,
        .is_wordlike = candidate->is_wordlike,
        .prior = (float)prior_of(rules->sites, candidate),
    };
    use->first_rule = (uint32_t)rules->count;
    return &rules->list[rules->count++];
}

static void count_match(struct rules *rules, struct rule *rule,
                        const struct spool_candidate *candidate)
{
    if (rule->last_match == rules->stamp)
        return;
    rule->last_match = rules->stamp;
    rule->uses++;
    if (rule->last_session != rules->session) {
        rule->last_session = rules->session;
        rule->sessions++;
    }
    rule->has_users = rule->has_users || rule->first_user != rules->user;
    rule->min_len = candidate->len < rule->min_len ? candidate->len : rule->min_len;
    rule->max_len = candidate->len > rule->max_len ? candidate->len : rule->max_len;
    rule->bits = candidate->bits < rule->bits ? candidate->bits : rule->bits;
    rule->is_wordlike = rule->is_wordlike && candidate->is_wordlike;
}

/* "Untitled.ipynb" for one user and "Untitled1.ipynb" for another: the server made it up, also
 * where the two are used at endpoints that have nothing in common. */
static void note_given(const struct rules *rules, struct use_site *born, uint64_t hash)
{
    if (!born->has_given) {
        born->has_given = true;
        born->given_hash = hash;
        born->given_user = rules->user;
    } else if (born->given_user != rules->user && born->given_hash != hash) {
        born->gives_differ = true;
    }
}

static void tally_value(struct rules *rules, struct use_site *use, uint64_t hash, bool is_given)
{
    struct tally *tally = use->tally;
    uint32_t i = 0;
    if (!tally && !(tally = use->tally = calloc(1, sizeof *tally)))
        return; /* nothing is known then of how common its values are */
    while (i < tally->count && tally->values[i] != hash)
        i++;
    if (i == TALLY_VALUES || (i < tally->count && tally->last_session[i] == rules->session))
        return;
    tally->count += i == tally->count;
    tally->values[i] = hash;
    tally->sessions[i]++;
    tally->given[i] += is_given;
    tally->last_session[i] = rules->session;
}

double rules_share(const struct use_site *use, uint64_t hash)
{
    if (!use->has_users || !use->tally || use->sessions < 2)
        return 0;
    for (uint32_t i = 0; i < use->tally->count; i++) {
        if (use->tally->values[i] == hash)
            return (double)(use->tally->sessions[i] - 1) / (use->sessions - 1);
    }
    return 0;
}

/* What an answer gave to a session says nothing of what clients send of themselves. */
bool rules_is_had(const struct use_site *use, uint64_t hash)
{
    if (!use->has_users || !use->tally)
        return false;
    for (uint32_t i = 0; i < use->tally->count; i++) {
        if (use->tally->values[i] == hash)
            return use->tally->sessions[i] - use->tally->given[i] > 1;
    }
    return false;
}

/* The first reading: which rules there are, and how common the values of each used site. */
static int count_use(struct rules *rules, const struct spool_entry *entry, void *owner,
                     struct error *err)
{
    const struct spool_use *use = &entry->use;
    struct use_site *site = &rules->uses[use->site];
    (void)owner;
    if (!site->uses)
        site->first_user = rules->user;
    site->uses++;
    site->has_users = site->has_users || site->first_user != rules->user;
    if (site->last_session != rules->session) {
        site->last_session = rules->session;
        site->sessions++;
    }
    if (!use->is_repeat)
        tally_value(rules, site, use->hash, use_is_given(use, entry->candidates));
    if (drawn_note(rules, use, err))
        return -1;
    for (uint16_t i = 0; i < use->candidate_count; i++) {
        const struct spool_candidate *candidate = &entry->candidates[i];
        struct rule *rule = candidate->born == SITES_NONE ? NULL : find_or_add(rules, candidate);
        if (candidate->born != SITES_NONE && candidate->is_whole)
            note_given(rules, &rules->uses[candidate->born], candidate->hash);
        if (rule)
            count_match(rules, rule, candidate);
        else if (candidate->born != SITES_NONE)
            rules->left_out++;
    }
    return 0;
}

/* --- weighing ----------------------------------------------------------------------------- */

/* True when the value has not counted for this rule yet. */
static bool is_new_value(struct rule *rule, uint64_t hash)
{
    for (uint32_t i = 0; i < rule->distinct; i++) {
        if (rule->values[i] == hash)
            return false;
    }
    if (rule->distinct == RULE_VALUES)
        return false;
    if (!rule->values && !(rule->values = malloc(RULE_VALUES * sizeof *rule->values)))
        return false;
    rule->values[rule->distinct++] = hash;
    return true;
}

/* How likely it would be to be among what the site gave if it did not come from there. */
static double accident(const struct use_site *site, const struct spool_use *use,
                       const struct spool_candidate *candidate)
{
    double chance = candidate->given * exp2(-(double)candidate->bits);
    bool is_clear = candidate->bits >= CLEAR_BITS && !candidate->is_wordlike;
    double share = is_clear ? 0 : rules_share(site, use->hash);
    return fmin(HOLDS, fmax(chance, share));
}

static void count_misses(struct rules *rules, const struct use_site *site)
{
    uint32_t at = site->first_rule;
    for (int i = 0; at != SITES_NONE && i < RULES_OF_SITE; i++) {
        struct rule *rule = &rules->list[at];
        uint32_t endpoint = rules->sites->sites[rule->born].endpoint;
        if (rule->last_match != rules->stamp && rules->answered[endpoint] == rules->session)
            rule->misses++;
        at = rule->next;
    }
}

/* `owner`: the score from which a rule explains a use so that others need not. */
static int weigh_use(struct rules *rules, const struct spool_entry *entry, void *owner,
                     struct error *err)
{
    const struct spool_use *use = &entry->use;
    const struct use_site *site = &rules->uses[use->site];
    double enough = *(const double *)owner;
    bool is_explained = false;
    (void)err;
    drawn_doubt(rules, entry);
    if (use->is_repeat)
        return 0;
    for (uint16_t i = 0; i < use->candidate_count; i++) {
        const struct spool_candidate *candidate = &entry->candidates[i];
        struct rule *rule = rules_find(rules, candidate);
        if (!rule)
            continue;
        rule->last_match = rules->stamp;
        is_explained = is_explained || rule->score >= enough;
        if (!candidate->is_echo && !candidate->is_late && is_new_value(rule, candidate->hash))
            rule->evidence += log(HOLDS / accident(site, use, candidate));
    }
    if (!is_explained && (use->client == CLIENT_NONE || use->is_drawn))
        count_misses(rules, site);
    return 0;
}

static void score(const struct rules *rules, struct rule *rule)
{
    const double word = rule->is_wordlike ? WORDLIKE : 0;
    bool is_constant = rule->distinct == 1 && rule->sessions >= 2 && rule->has_users;
    double odds = rule->prior + word + fmin(rule->evidence, MAX_EVIDENCE) -
                  fmin(MISS * rule->misses, MAX_AGAINST);
    if (is_constant && (rule->bits < CLEAR_BITS || rule->is_wordlike))
        odds += CONSTANT;
    if (rule->sessions == 1 && rules->uses[rule->born].gives_differ)
        odds += GIVEN_DIFFERS;
    rule->log_odds = (float)odds;
    rule->score = (float)(1 / (1 + exp(-odds)));
    if (is_constant && rule->score > CONSTANT_SCORE)
        rule->score = (float)CONSTANT_SCORE;
}

static int weigh(struct rules *rules, struct spool *spool, double enough, struct error *err)
{
    for (size_t i = 0; i < rules->count; i++) {
        rules->list[i].evidence = 0;
        rules->list[i].misses = rules->list[i].distinct = rules->list[i].last_match = 0;
    }
    if (rules_read(rules, spool, weigh_use, &enough, err))
        return -1;
    for (size_t i = 0; i < rules->count; i++)
        score(rules, &rules->list[i]);
    return 0;
}

int rules_learn(struct rules *rules, struct spool *spool, const struct rules_options *options,
                struct error *err)
{
    const struct sites *sites = rules->sites;
    (void)options;
    if (endpoint_folds_find(&rules->folds, rules->sites, spool, err))
        return -1;
    rules->use_count = sites->site_count;
    rules->uses = calloc(rules->use_count + 1, sizeof *rules->uses);
    rules->answered = calloc(sites->endpoint_count + 1, sizeof *rules->answered);
    if (!rules->uses || !rules->answered) {
        rules->use_count = 0;
        return error_set(err, EXIT_TOOL, "out of memory");
    }
    for (uint32_t i = 0; i < rules->use_count; i++)
        rules->uses[i].first_rule = rules->uses[i].unbound = rules->uses[i].client = SITES_NONE;
    /* First every rule explains what it matches, then only those that have turned out to be true.
     */
    if (rules_read(rules, spool, count_use, NULL, err) || weigh(rules, spool, 0, err) ||
        weigh(rules, spool, 0.5, err))
        return -1;
    drawn_settle(rules);
    return 0;
}

const struct rule *rules_list(const struct rules *rules, size_t *ret_count)
{
    *ret_count = rules->count;
    return rules->list;
}

const struct unbound *rules_unbound(const struct rules *rules, size_t *ret_count)
{
    *ret_count = rules->unbound_count;
    return rules->unbound;
}

const struct client_rule *rules_clients(const struct rules *rules, size_t *ret_count)
{
    *ret_count = rules->client_count;
    return rules->clients;
}

uint64_t rules_left_out(const struct rules *rules)
{
    return rules->left_out;
}

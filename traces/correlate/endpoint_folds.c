/* endpoint_folds.c - which word-like segments of paths are ids by what answers gave. */
#include "traces/correlate/endpoint_folds.h"

#include <stdlib.h>

#include "core/grow.h"
#include "core/map.h"
#include "traces/word_odds.h"

enum {
    MAX_GIVEN = 1 << 20,
    MAX_ROUNDS = 4,   /* ids below ids that look like words, too: /voices/ID/clips/ID */
    MAX_SEGMENT = 31, /* of a path, as far as its bits reach */
    NAME_ODDS = -15 * WORD_ODDS_BIT, /* with less it is a name: settings, getUserInfo */
    MIN_ID_BYTES = 6
};

/* A segment of a path that a place of an answer gave, in some session. */
struct given_segment {
    uint32_t endpoint, number; /* of the segment, from 1 */
    uint32_t born_place;
    bool is_named_so;  /* GET /voices gave an id, and it is in /voices/ID */
    struct bytes text; /* of the template */
};

struct search {
    struct sites *sites;
    struct id_map seen; /* a site of a path and one that gave it */
    struct given_segment *given;
    size_t given_count, given_capacity;
    uint32_t *folded; /* by endpoint: bit N for segment N */
    /* Of the round, by the path before the segment and the place that gave it. */
    struct id_map ids, words;
    bool is_out_of_memory;
};

static bool is_id(struct bytes segment)
{
    return bytes_index_of(segment, '{') < segment.len;
}

/* --- what was given ----------------------------------------------------------------------- */

/* "path:2" alone, not a part of another value: 2; else 0. */
static uint32_t segment_of(const struct site_place *place)
{
    bool is_own = place->is_path && bytes_starts_with(place->text, bytes_of("path:")) &&
                  place->path_segment <= MAX_SEGMENT;
    return is_own ? place->path_segment : 0;
}

static struct bytes segment_text(const struct site_endpoint *endpoint, uint32_t number)
{
    struct bytes rest = bytes_from(endpoint->path, 1), segment;
    for (uint32_t i = 1; bytes_split(&rest, '/', &segment); i++) {
        if (i == number)
            return segment;
    }
    return (struct bytes){0};
}

static void add_given(struct search *search, uint32_t use_site, uint32_t number, uint32_t born_site)
{
    const struct sites *sites = search->sites;
    const struct site *use = &sites->sites[use_site];
    uint32_t born_place = sites->sites[born_site].place;
    uint32_t *seen = id_map_at(&search->seen, id_pair(use_site, born_site));
    if (!seen)
        search->is_out_of_memory = true;
    if (!seen || *seen != ID_MAP_NONE)
        return;
    *seen = 1;
    struct bytes text = segment_text(&sites->endpoints[use->endpoint], number);
    struct given_segment *grown =
        text.len ? grow_by_one(search->given, search->given_count, &search->given_capacity,
                               sizeof *grown, MAX_GIVEN)
                 : NULL;
    if (!grown)
        return; /* over the limit the template is all that is known */
    search->given = grown;
    search->given[search->given_count++] = (struct given_segment){
        .endpoint = use->endpoint,
        .number = number,
        .born_place = born_place,
        .is_named_so = sites->places[born_place].class == NAME_IS_ID &&
                       sites_agree(sites, born_site, use_site) == 2,
        .text = text,
    };
}

static int read_given(struct search *search, struct spool *spool, struct error *err)
{
    const struct sites *sites = search->sites;
    struct spool_entry *entry = malloc(sizeof *entry);
    if (!entry)
        return error_set(err, EXIT_TOOL, "out of memory");
    int found = spool_rewind(spool, err) ? -1 : 1;
    while (found == 1 && (found = spool_read(spool, entry, err)) == 1) {
        if (entry->kind != SPOOL_USE)
            continue;
        uint32_t number = segment_of(&sites->places[sites->sites[entry->use.site].place]);
        for (uint16_t i = 0; number && i < entry->use.candidate_count; i++) {
            const struct spool_candidate *candidate = &entry->candidates[i];
            if (candidate->born != SITES_NONE && candidate->is_whole && !candidate->is_late &&
                !candidate->is_echo)
                add_given(search, entry->use.site, number, candidate->born);
        }
    }
    free(entry);
    return found;
}

/* --- what follows ------------------------------------------------------------------------- */

/* The path before the segment, ids taken out as far as they are known, and the place that gave the
 * segment. The method is left out: what DELETE is told is what GET was. */
static uint64_t family_of(const struct search *search, const struct given_segment *given)
{
    struct bytes rest = bytes_from(search->sites->endpoints[given->endpoint].path, 1), segment;
    uint32_t folded = search->folded[given->endpoint];
    uint64_t hash = given->born_place;
    for (uint32_t i = 1; i < given->number && bytes_split(&rest, '/', &segment); i++) {
        bool is_folded = folded >> i & 1 || is_id(segment);
        hash = hash * 0x9e3779b97f4a7c15U + bytes_hash(is_folded ? bytes_of("{id}") : segment);
    }
    return hash ^ given->number;
}

/* Somebody may have chosen it, but hardly as a name: mixed case or digits, and no words in it. */
static bool looks_made(struct bytes text)
{
    struct bytes behind = bytes_from(text, 1);
    bool has_digit = false, has_capital = false, has_small = false;
    for (size_t i = 0; i < behind.len; i++) {
        has_digit |= ascii_is_digit(behind.ptr[i]);
        has_capital |= behind.ptr[i] >= 'A' && behind.ptr[i] <= 'Z';
        has_small |= behind.ptr[i] >= 'a' && behind.ptr[i] <= 'z';
    }
    return text.len >= MIN_ID_BYTES && (has_digit || (has_capital && has_small)) &&
           word_odds_of_chance(text) > NAME_ODDS;
}

static bool is_folded(const struct search *search, const struct given_segment *given)
{
    return is_id(given->text) || search->folded[given->endpoint] >> given->number & 1;
}

/* Which families have ids, and which have different words: the map has the word's first number, or
 * SEVERAL. */
enum { SEVERAL = UINT32_MAX - 1 };

static void note_families(struct search *search)
{
    id_map_clear(&search->ids);
    id_map_clear(&search->words);
    for (size_t i = 0; i < search->given_count; i++) {
        const struct given_segment *given = &search->given[i];
        bool is_known = is_folded(search, given);
        uint32_t *at =
            id_map_at(is_known ? &search->ids : &search->words, family_of(search, given));
        if (!at) {
            search->is_out_of_memory = true;
            return;
        }
        if (is_known || *at == ID_MAP_NONE)
            *at = (uint32_t)i;
        else if (*at != SEVERAL && !bytes_equal(search->given[*at].text, given->text))
            *at = SEVERAL;
    }
}

/* A link may give anything: /jobs/new stands beside /jobs/4711. */
static bool is_given_as_id(const struct search *search, const struct given_segment *given)
{
    const struct site_place *born = &search->sites->places[given->born_place];
    uint64_t family = family_of(search, given);
    bool is_made = looks_made(given->text);
    if (id_map_get(&search->ids, family) != ID_MAP_NONE && (is_made || !born->is_path))
        return true;
    if (born->is_path)
        return false;
    bool varies = id_map_get(&search->words, family) == SEVERAL;
    return given->is_named_so || (is_made && born->class == NAME_IS_ID) ||
           (varies && !born->has_numbers);
}

static bool fold_round(struct search *search)
{
    bool has_changed = false;
    note_families(search);
    for (size_t i = 0; i < search->given_count && !search->is_out_of_memory; i++) {
        const struct given_segment *given = &search->given[i];
        if (is_folded(search, given) || !is_given_as_id(search, given))
            continue;
        search->folded[given->endpoint] |= (uint32_t)1 << given->number;
        has_changed = true;
    }
    return has_changed;
}

/* --- the maps ----------------------------------------------------------------------------- */

static int alloc_maps(struct endpoint_folds *folds, const struct sites *sites)
{
    folds->endpoints = malloc((sites->endpoint_count + 1) * sizeof *folds->endpoints);
    folds->sites = malloc((sites->site_count + 1) * sizeof *folds->sites);
    folds->variants = malloc((sites->variant_count + 1) * sizeof *folds->variants);
    if (!folds->endpoints || !folds->sites || !folds->variants)
        return -1;
    folds->endpoint_count = sites->endpoint_count;
    folds->site_count = sites->site_count;
    folds->variant_count = sites->variant_count;
    return 0;
}

static uint32_t or_itself(uint32_t found, uint32_t number)
{
    return found == SITES_NONE ? number : found;
}

static void fill_maps(struct endpoint_folds *folds, struct sites *sites, const uint32_t *folded)
{
    for (uint32_t i = 0; i < folds->endpoint_count; i++)
        folds->endpoints[i] =
            folded[i] ? or_itself(sites_folded_endpoint(sites, i, folded[i]), i) : i;
    for (uint32_t i = 0; i < folds->site_count; i++) {
        struct site site = sites->sites[i];
        uint32_t endpoint = folds->endpoints[site.endpoint];
        folds->sites[i] =
            endpoint == site.endpoint ? i : or_itself(sites_site(sites, endpoint, site.place), i);
    }
    for (uint32_t i = 0; i < folds->variant_count; i++) {
        struct site_variant variant = sites->variants[i];
        uint32_t site = folds->sites[variant.site];
        folds->variants[i] =
            site == variant.site
                ? i
                : or_itself(sites_variant(sites, site, (enum value_form_word)variant.form,
                                          variant.left, variant.right),
                            i);
    }
}

int endpoint_folds_find(struct endpoint_folds *folds, struct sites *sites, struct spool *spool,
                        struct error *err)
{
    struct search search = {.sites = sites};
    bool has_any = false;
    *folds = (struct endpoint_folds){0};
    search.folded = calloc(sites->endpoint_count + 1, sizeof *search.folded);
    int result = search.folded ? read_given(&search, spool, err)
                               : error_set(err, EXIT_TOOL, "out of memory");
    for (int i = 0; result == 0 && i < MAX_ROUNDS && fold_round(&search); i++)
        has_any = true;
    if (result == 0 && has_any && alloc_maps(folds, sites))
        search.is_out_of_memory = true;
    if (result == 0 && search.is_out_of_memory)
        result = error_set(err, EXIT_TOOL, "out of memory");
    if (result == 0 && has_any)
        fill_maps(folds, sites, search.folded);
    id_map_fini(&search.seen);
    id_map_fini(&search.ids);
    id_map_fini(&search.words);
    free(search.given);
    free(search.folded);
    return result;
}

void endpoint_folds_fini(struct endpoint_folds *folds)
{
    free(folds->endpoints);
    free(folds->sites);
    free(folds->variants);
    *folds = (struct endpoint_folds){0};
}

void endpoint_folds_apply(const struct endpoint_folds *folds, struct spool_entry *entry)
{
    struct spool_use *use = &entry->use;
    if (entry->kind == SPOOL_ANSWERED && entry->endpoint < folds->endpoint_count)
        entry->endpoint = folds->endpoints[entry->endpoint];
    if (entry->kind != SPOOL_USE)
        return;
    if (use->site < folds->site_count)
        use->site = folds->sites[use->site];
    if (use->variant < folds->variant_count)
        use->variant = folds->variants[use->variant];
    for (uint16_t i = 0; i < use->candidate_count; i++) {
        struct spool_candidate *candidate = &entry->candidates[i];
        if (candidate->born < folds->site_count)
            candidate->born = folds->sites[candidate->born];
        if (candidate->variant < folds->variant_count)
            candidate->variant = folds->variants[candidate->variant];
    }
}

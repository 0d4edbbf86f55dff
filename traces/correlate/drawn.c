/* drawn.c - a table of ids that may be drawn, by their hash, and places where they are. */
#include "traces/correlate/drawn.h"

#include "core/grow.h"
#include "traces/correlate/rules_state.h"

enum { MAX_DRAWN = 1 << 20 }; /* more are left as recorded */

bool use_is_given(const struct spool_use *use, const struct spool_candidate *candidates)
{
    for (uint16_t i = 0; i < use->candidate_count; i++) {
        if (candidates[i].born != SITES_NONE && candidates[i].is_whole && !candidates[i].is_echo &&
            !candidates[i].is_late)
            return true;
    }
    return false;
}

static struct drawn *find(const struct rules *rules, uint64_t hash)
{
    uint32_t at = rules->drawn_count ? id_map_get(&rules->drawn_by_hash, hash) : ID_MAP_NONE;
    return at == ID_MAP_NONE ? NULL : &rules->drawn[at];
}

int drawn_note(struct rules *rules, const struct spool_use *use, struct error *err)
{
    if (!use->is_drawn || find(rules, use->hash) || rules->drawn_count == MAX_DRAWN)
        return 0;
    uint32_t *at = id_map_at(&rules->drawn_by_hash, use->hash);
    struct drawn *grown = at ? grow_by_one(rules->drawn, rules->drawn_count, &rules->drawn_capacity,
                                           sizeof *grown, MAX_DRAWN)
                             : NULL;
    if (!grown)
        return error_set(err, EXIT_TOOL, "out of memory");
    rules->drawn = grown;
    *at = (uint32_t)rules->drawn_count;
    rules->drawn[rules->drawn_count++] = (struct drawn){
        .site = use->site, .session = rules->session, .user = rules->user, .at_us = use->at_us};
    return 0;
}

void drawn_doubt(struct rules *rules, const struct spool_entry *entry)
{
    const struct spool_use *use = &entry->use;
    struct drawn *drawn = find(rules, use->hash);
    if (!drawn || drawn->session == rules->session)
        return;
    if (!use_is_given(use, entry->candidates))
        drawn->is_had = true;
    for (uint16_t i = 0; i < use->candidate_count; i++) {
        const struct spool_candidate *candidate = &entry->candidates[i];
        if (candidate->born != SITES_NONE && candidate->is_whole &&
            candidate->first_us < drawn->at_us)
            drawn->is_had = true;
    }
}

void drawn_settle(struct rules *rules)
{
    for (size_t i = 0; i < rules->drawn_count; i++) {
        const struct drawn *drawn = &rules->drawn[i];
        struct use_site *site = &rules->uses[drawn->site];
        if (!site->has_drawn)
            site->drawn_user = drawn->user;
        site->has_drawn = true;
        site->drawn_differ = site->drawn_differ || site->drawn_user != drawn->user;
        site->drawn_had = site->drawn_had || drawn->is_had;
    }
}

bool drawn_is_made(const struct rules *rules, const struct spool_use *use)
{
    const struct drawn *drawn = find(rules, use->hash);
    return drawn && drawn->session == rules->session && rules->uses[drawn->site].drawn_differ &&
           !rules->uses[drawn->site].drawn_had;
}

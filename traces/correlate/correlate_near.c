/* correlate_near.c - of all rules below the score the few that a person would want to see. */
#include "traces/correlate/correlate_near.h"

#include <math.h>
#include <stdlib.h>

static const double LEAST_SCORE = 0.1;

uint32_t near_hundredths(const struct rule *rule)
{
    return (uint32_t)floor((double)rule->score * 100);
}

static bool is_telling(const struct site_place *place)
{
    return place->class == NAME_IS_ID || place->class == NAME_IS_CREDENTIAL ||
           place->class == NAME_IS_CURSOR;
}

/* One use of a value under a name that says nothing is an accident too often. */
static bool is_credible(const struct sites *sites, const struct rule *rule)
{
    uint32_t used = sites->variants[rule->variant].site;
    return rule->uses > 1 || sites_agree(sites, rule->born, used) > 0 ||
           is_telling(&sites->places[sites->sites[used].place]);
}

/* A higher score goes before a lower one, and what falls out at the end is forgotten. */
static void insert(struct near_rules *near, const struct rule *rule)
{
    size_t at = near->count < NEAR_MAX ? near->count++ : NEAR_MAX;
    while (at > 0 && near->list[at - 1]->score < rule->score) {
        if (at < NEAR_MAX)
            near->list[at] = near->list[at - 1];
        at--;
    }
    if (at < NEAR_MAX)
        near->list[at] = rule;
}

int correlate_near(const struct finder *finder, double min_score, struct near_rules *ret_near)
{
    const struct sites *sites = finder_sites(finder);
    size_t count, client_count;
    const struct rule *rules = rules_list(finder_rules(finder), &count);
    const struct client_rule *clients = rules_clients(finder_rules(finder), &client_count);
    const struct rule **best = calloc((size_t)sites->site_count + 1, sizeof *best);
    bool *is_filled = calloc((size_t)sites->site_count + 1, sizeof *is_filled);
    *ret_near = (struct near_rules){0};
    for (size_t i = 0; best && is_filled && i < client_count; i++)
        is_filled[clients[i].site] = true;
    for (size_t i = 0; best && is_filled && i < count; i++) {
        const struct rule *rule = &rules[i];
        uint32_t used = sites->variants[rule->variant].site;
        bool is_near = (double)rule->score >= LEAST_SCORE && (double)rule->score < min_score;
        is_filled[used] = is_filled[used] || rule->bound;
        if (is_near && is_credible(sites, rule) && (!best[used] || best[used]->score < rule->score))
            best[used] = rule;
    }
    for (uint32_t i = 0; best && is_filled && i < sites->site_count; i++) {
        if (best[i] && !is_filled[i])
            insert(ret_near, best[i]);
    }
    int result = best && is_filled ? 0 : -1;
    free(best);
    free(is_filled);
    return result;
}

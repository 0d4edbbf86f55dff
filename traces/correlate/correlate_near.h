/*
 * correlate_near.h - rules that did not bind and nearly did: the first to look at when a value
 * stays as recorded.
 */
#ifndef REPRISE_TRACES_CORRELATE_CORRELATE_NEAR_H
#define REPRISE_TRACES_CORRELATE_CORRELATE_NEAR_H

#include "traces/correlate/finder.h"

#define NEAR_MAX 10

struct near_rules {
    const struct rule *list[NEAR_MAX]; /* the highest score first */
    size_t count;
};

/* Of places that nothing else fills, the best rule of each; -1 without memory. */
int correlate_near(const struct finder *finder, double min_score, struct near_rules *ret_near);

/* The --min-score that takes the rule, in hundredths. */
uint32_t near_hundredths(const struct rule *rule);

#endif

/*
 * endpoint_folds.h - endpoints that are one, though an id in their path looks like a word.
 *
 * A template is made from one path, which cannot tell vc_Banana from a name that somebody chose.
 * All sessions together can: a segment that an answer gave before, from a place that gives ids
 * under the same path, or other words under it, is none of the endpoint's own words.
 */
#ifndef REPRISE_TRACES_CORRELATE_ENDPOINT_FOLDS_H
#define REPRISE_TRACES_CORRELATE_ENDPOINT_FOLDS_H

#include "traces/correlate/spool.h"

/* By number, which one stands for it; what is behind the counts stands for itself. */
struct endpoint_folds {
    uint32_t *endpoints, *sites, *variants;
    uint32_t endpoint_count, site_count, variant_count;
};

/* Reads the spool once and adds to the sites what stands for several. All zeros: nothing does. */
int endpoint_folds_find(struct endpoint_folds *folds, struct sites *sites, struct spool *spool,
                        struct error *err);
void endpoint_folds_fini(struct endpoint_folds *folds);

/* What was read, as the folded sites have it. */
void endpoint_folds_apply(const struct endpoint_folds *folds, struct spool_entry *entry);

#endif

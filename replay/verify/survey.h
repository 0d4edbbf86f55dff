/*
 * survey.h - one walk over a trace before it is verified: which sessions are worth playing, and
 * what of its answers differs by itself.
 */
#ifndef REPRISE_REPLAY_VERIFY_SURVEY_H
#define REPRISE_REPLAY_VERIFY_SURVEY_H

#include "core/map.h"
#include "replay/plan/plan.h"
#include "replay/verify/noise.h"
#include "traces/reader.h"

struct survey {
    struct noise *noise;
    uint32_t *sessions; /* chosen, as indices into plan.index */
    uint32_t session_count;
    uint64_t exchange_count; /* of those, with an answer to compare */
    size_t shape_count;      /* distinct sequences of endpoints and statuses */
    int64_t *large;          /* exchanges whose answers are too large to be compared, ascending */
    size_t large_count, large_capacity;
    struct map shapes; /* its own: by session */
    struct arena arena;
};

/* Exchanges that are looked at for noise and shapes; a larger trace is judged by its beginning. */
#define SURVEY_MAX_EXCHANGES 1000000

#define SURVEY_LARGE_BYTES (16u << 20)

/* Looks at the first max_exchanges. -1 with err; survey_fini() it in either case. */
int survey_take(struct survey *survey, const char *trace_path,
                const struct binding_overlay *overlay, uint64_t max_exchanges, struct error *err);
void survey_fini(struct survey *survey);

/* The first session of each shape, or all; `only`: ids, when there are any. -1 without memory. */
int survey_choose(struct survey *survey, const struct plan *plan, bool takes_all,
                  const int64_t *only, size_t only_count);

/* An answer that is not to be kept for a comparison: its recorded body is of SURVEY_LARGE_BYTES. */
bool survey_is_large(const struct survey *survey, int64_t exchange_id);

#endif

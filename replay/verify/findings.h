/*
 * findings.h - what a pass over the sessions found: divergences with their causes, one list.
 *
 * Texts are for people already: shortened, secrets masked. The live value's hash is kept so that a
 * second pass can tell what the target does differently each time.
 */
#ifndef REPRISE_REPLAY_VERIFY_FINDINGS_H
#define REPRISE_REPLAY_VERIFY_FINDINGS_H

#include "core/arena.h"
#include "core/error.h"
#include "replay/verify/compare.h"

#define FINDINGS_OF_EXCHANGE 200 /* listed; the rest of one exchange is the same story */
#define SUGGESTIONS_MAX 4        /* of one finding */

/* A binding that may mend it; texts are the findings' own. */
struct suggestion {
    int64_t born_exchange_id, used_exchange_id;
    const char *born_place, *used_place;
};

struct finding {
    int64_t session_id, exchange_id;
    const char *endpoint; /* "POST /jobs" */
    enum difference_kind kind;
    int status, recorded_status;
    const char *place;           /* "" of the whole answer */
    const char *recorded, *live; /* for people; "" for nothing */
    uint64_t live_hash;
    const char *cause; /* NULL: none can be shown */
    size_t suggestion_count;
    struct suggestion suggestions[SUGGESTIONS_MAX];
};

/* An exchange that was compared. */
struct compared {
    int64_t exchange_id;
    bool has_content; /* its status was the recorded one */
    bool has_diverged;
};

struct findings {
    struct arena arena;
    struct finding *items;
    size_t count, capacity;
    struct compared *compared;
    size_t compared_count, compared_capacity;
    uint64_t diverged;       /* of those compared */
    uint64_t noise;          /* differences that were none */
    uint64_t unknown_bodies; /* compared without: too large, or cut in the trace */
};

void findings_init(struct findings *findings);
void findings_fini(struct findings *findings);

/* The next exchange; its findings follow. -1 without memory. */
int findings_begin(struct findings *findings, int64_t exchange_id, bool has_content);

/* A copy whose texts are to be the findings' own: findings_text(). NULL: not listed, though counted
 * (too many of one exchange), or without memory. */
struct finding *findings_add(struct findings *findings, const struct finding *finding);
const char *findings_text(struct findings *findings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Take out what `second`, another pass over the same sessions, has otherwise: a place with another
 * live value there, or with none of the difference. A status or a failure stays. */
void findings_drop_unsteady(struct findings *findings, const struct findings *second);

/* Of the exchanges that were compared, from 0 to 100; 0 when there are none. */
double findings_percent(const struct findings *findings);

#endif

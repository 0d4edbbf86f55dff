/*
 * cause.h - why an answer is another than recorded: what its request carried as it was recorded,
 * and where that came from.
 *
 * Every value of the recorded request that no binding and no cookie jar replaced is looked for in
 * the session's earlier answers, the latest first. Where the live answer has another value there,
 * the target knows nothing of the recorded one: a binding from there is suggested. Where that
 * answer did not come, the divergence follows from it. A credential that no answer gave is older
 * than the recording.
 */
#ifndef REPRISE_REPLAY_VERIFY_CAUSE_H
#define REPRISE_REPLAY_VERIFY_CAUSE_H

#include "replay/plan/plan.h"
#include "replay/verify/findings.h"
#include "replay/verify/live.h"
#include "replay/verify/recorded.h"
#include "traces/places/place_visit.h"

struct bound_place;

struct cause_search {
    struct trace_reader *reader; /* borrowed, as what follows */
    const struct plan_session *session;
    const struct live_session *live;
    struct bytes target_authority;
    uint64_t unix_s; /* now */
    struct findings *findings;
    uint64_t seed;          /* of what clients made */
    bool has_own_seed;      /* no run before had it */
    bool leaves_pauses_out; /* this pass: the recorded gaps were not waited for */
    /* Its own. */
    struct recorded recorded;
    struct buf body, place; /* of a request; of what is looked at */
    struct http_header request_headers[HTTP1_MAX_HEADERS];
    struct place_scratch *scratch, *live_scratch;
    struct arena arena; /* of the session's bindings */
    struct bound_place *bound;
    int64_t gap_exchange_id; /* whose answer was not looked at whole, for the finding; 0: none */
    uint32_t answers_left;   /* to be read for this session: a limit */
};

/* -1 without memory; cause_search_fini() it in either case. */
int cause_search_init(struct cause_search *search, struct trace_reader *reader);
void cause_search_fini(struct cause_search *search);

/* From here on for this session. -1 with err. */
int cause_search_begin(struct cause_search *search, const struct plan_session *session,
                       const struct live_session *live, struct error *err);

/* The binding that fills this place of a request, or NULL. */
const struct bound_place *cause_find_bound(const struct cause_search *search, int64_t exchange_id,
                                           struct bytes place);

/* Fill cause and suggestions of a finding about the answer of this step. -1 with err: the trace
 * cannot be read. */
int cause_find(struct cause_search *search, const struct plan_step *step, struct finding *finding,
               struct error *err);

/* The same of a finding about the messages behind this upgrade. */
int cause_find_in_messages(struct cause_search *search, const struct plan_step *connect,
                           struct finding *finding, struct error *err);

#endif

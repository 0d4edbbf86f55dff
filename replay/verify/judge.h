/*
 * judge.h - holds a user's session against the recorded one: gathers its answers as they come, and
 * compares them when the session is over.
 *
 * One user at a time, so nothing is timed while it reads the trace on the worker's thread.
 */
#ifndef REPRISE_REPLAY_VERIFY_JUDGE_H
#define REPRISE_REPLAY_VERIFY_JUDGE_H

#include "replay/answer_watch.h"
#include "replay/verify/cause.h"
#include "replay/verify/survey.h"

struct judge {
    struct trace_reader *reader;
    const struct survey *survey; /* borrowed */
    struct bytes target_authority;
    uint64_t unix_s; /* when the pass began */
    struct findings *findings;
    struct answer_watch watch; /* for the workers' settings */
    struct live_session live;
    struct map states; /* "status\0queued": texts by name that the session in hand was answered */
    struct arena state_arena;
    struct recorded recorded;
    struct facts recorded_facts, live_facts;
    struct cause_search causes;
    bool finds_causes;
    struct error error; /* exit_code 0: none; what is compared is not complete otherwise */
};

/* -1 with err; judge_fini() it in either case. */
int judge_init(struct judge *judge, const char *trace_path, const struct binding_overlay *overlay,
               struct error *err);
void judge_fini(struct judge *judge);

#endif

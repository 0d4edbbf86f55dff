/*
 * replay_run.h - one run from its plan to its verdict: what replay_cmd.c prepares and carries out.
 */
#ifndef REPRISE_REPLAY_REPLAY_RUN_H
#define REPRISE_REPLAY_REPLAY_RUN_H

#include "replay/director.h"
#include "replay/plan/plan_digest.h"
#include "replay/progress.h"
#include "replay/replay_options.h"
#include "replay/results/run_store.h"
#include "replay/results/thresholds.h"
#include "replay/verify/checker.h"

struct replay_run {
    struct replay_options options;
    struct identities identities;
    struct binding_overlay *overlay; /* of --bindings where this run has read it, or NULL */
    struct plan *plan;
    struct plugin_chain chain;
    bool chain_is_open, chain_is_started;
    struct thresholds thresholds;
    struct checker *checker; /* NULL without --check */
    char digest[PLAN_DIGEST_TEXT_BYTES];
    struct plan_outline outline;
    char run_path[1024];
    bool has_file;      /* made by this run */
    struct arena texts; /* of the facts */
    struct run_facts facts;
    struct run_store *store;
    struct progress progress;
    struct progress_display display;
    struct health_meter meter;
};

/* Build the plan, load the plugins, parse the thresholds: all that can be wrong before anything is
 * sent. replay_run_fini() in any case. */
int replay_run_prepare(struct replay_run *run, int argc, char **argv, struct error *err);
void replay_run_fini(struct replay_run *run);

/* Play it, write the run file. *ret_exit_code is what the measurement says; -1 with err when the
 * tool failed. */
int replay_run_play(struct replay_run *run, enum exit_code *ret_exit_code, struct error *err);

#endif

/*
 * verify_run.h - plays the chosen sessions, once or twice, and gives back what diverged.
 */
#ifndef REPRISE_REPLAY_VERIFY_VERIFY_RUN_H
#define REPRISE_REPLAY_VERIFY_VERIFY_RUN_H

#include "replay/verify/fix.h"
#include "replay/verify/survey.h"
#include "replay/verify/verify_options.h"

struct verify_run {
    struct verify_options options;
    int argc; /* the command line, for plugins and messages */
    char **argv;
    struct binding_overlay *overlay; /* of --bindings, or NULL */
    struct survey survey;
    size_t recorded_sessions; /* in the trace */
    uint32_t passes;          /* that were played, those of --fix included */
    bool was_stopped;         /* by a signal: what was compared is kept */
    struct findings findings;
    struct fix fix; /* with --fix */
};

/* -1 with err. verify_run_fini() it in either case. */
int verify_run_play(struct verify_run *run, struct error *err);
void verify_run_fini(struct verify_run *run);

/* Above --max-divergence? */
bool verify_run_has_diverged(const struct verify_run *run);

#endif

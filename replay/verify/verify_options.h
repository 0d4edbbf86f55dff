/*
 * verify_options.h - the command line of `reprise verify`: what is its own, and the options of a
 * replay that say how the target is reached.
 */
#ifndef REPRISE_REPLAY_VERIFY_VERIFY_OPTIONS_H
#define REPRISE_REPLAY_VERIFY_VERIFY_OPTIONS_H

#include "replay/replay_options.h"

struct verify_options {
    struct replay_options replay; /* pacing max, one worker */
    bool takes_all_sessions;
    int64_t only[CLI_MAX_LIST]; /* session ids; none: by shape */
    size_t only_count;
    uint32_t passes;     /* 1 or 2 */
    double most_percent; /* --max-divergence */
    bool fixes;          /* --fix: suggestions are tried, and kept in the trace where they help */
    bool prints_json;
    bool has_own_seed; /* drawn for this run, as none was given */
};

/* drawn_seed: for a run that is given none. *ret_outcome CLI_HELP_SHOWN: nothing else is to be
 * done. -1 with err (EXIT_INPUT). */
int verify_options_parse(int argc, char **argv, uint64_t drawn_seed, struct verify_options *options,
                         enum cli_outcome *ret_outcome, struct error *err);

#endif

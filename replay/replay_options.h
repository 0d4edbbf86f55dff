/*
 * replay_options.h - the command line of `reprise replay` as values, checked.
 */
#ifndef REPRISE_REPLAY_REPLAY_OPTIONS_H
#define REPRISE_REPLAY_REPLAY_OPTIONS_H

#include "core/cli.h"
#include "replay/identities/identities.h"
#include "replay/target.h"
#include "replay/worker.h"

struct replay_options {
    const char *trace_path;
    char target[TARGET_MAX_BYTES];
    const char *run_path; /* NULL: made from the trace's name */
    const char *summary_export_path;
    struct cli_list plugins;
    struct cli_list plugin_folders;
    struct cli_list thresholds;
    uint64_t max_plan_bytes;
    double check_share; /* of the answers that are compared with the recording, 0 to 1 */
    struct identity_options identities;
    const char *bindings_path;             /* --bindings, or NULL */
    const struct binding_overlay *overlay; /* what has been read of it; NULL: nothing yet */
    bool is_quiet;
    bool is_verbose;
    bool is_dry_run;
    bool prints_json;
    bool is_strict;                  /* an invalid measurement is a failure */
    struct replay_settings settings; /* without plan, chain and transport.step_count */
};

/* *ret_outcome CLI_HELP_SHOWN: nothing else is to be done. -1 with err (EXIT_INPUT). */
int replay_options_parse(int argc, char **argv, struct replay_options *ret_options,
                         enum cli_outcome *ret_outcome, struct error *err);

/* One trace was given, or -1 with err in the verb's name. */
int replay_options_one_trace(const char *verb, const struct cli_arguments *arguments,
                             struct error *err);

#endif

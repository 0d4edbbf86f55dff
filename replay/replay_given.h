/*
 * replay_given.h - a replay's options as they are typed, and the one table of their rows: all of it
 * is the command line of `replay`, some of it that of `verify`.
 */
#ifndef REPRISE_REPLAY_REPLAY_GIVEN_H
#define REPRISE_REPLAY_REPLAY_GIVEN_H

#include "replay/replay_options.h"

#define REPLAY_OPTION_COUNT 44
#define REPLAY_NOT_GIVEN UINT64_MAX /* of a number that has no default */

/* Before checks. */
struct replay_given {
    struct replay_options options; /* what goes there unchecked */
    const char *target, *transport, *http, *proxy_url, *pacing, *timing, *affinity;
    const char *timestamps, *on_missing, *check_percent;
    struct cli_list allowed_targets, bind_addresses, stages;
    double scale, speed, arrival_speed, think_speed;
    uint64_t users, duration_us, seed, workers, max_in_flight, timeout_us, ws_timeout_us, grace_us;
    bool is_insecure;
    const char *ca_path;
};

/* The defaults, which the rows' help says. */
void replay_given_init(struct replay_given *given);

/* All rows, which write to `given`, and the end of a table. */
void replay_given_rows(struct replay_given *given, struct cli_option out[REPLAY_OPTION_COUNT + 1]);

/* The row of this name, of which there is one; `group` begins with it, or NULL. */
struct cli_option replay_given_row(const char *name, const char *group, struct replay_given *given);

/* What goes with what, and into given->options (replay_options.c). -1 with err (EXIT_INPUT) in the
 * words of replay. */
int replay_given_check(struct replay_given *given, const char *trace_path, struct error *err);

#endif

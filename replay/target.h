/*
 * target.h - where the load goes, and whether it may.
 *
 * A loopback target needs nothing. Any other has to be named a second time, with --allow-target, so
 * that a recorded or mistyped address never receives load by accident.
 */
#ifndef REPRISE_REPLAY_TARGET_H
#define REPRISE_REPLAY_TARGET_H

#include "core/bytes.h"
#include "core/cli.h"
#include "core/error.h"

#define TARGET_MAX_BYTES 512

/*
 * Check "http://HOST[:PORT]" or "https://...", resolve its host, compare it with the allowed ones.
 * The origin without a trailing slash goes into `out`. -1 with err (EXIT_INPUT).
 */
int target_check(const char *text, const struct cli_list *allowed, char out[TARGET_MAX_BYTES],
                 struct error *err);

/*
 * With an origin that target_check() has made: does one of the source addresses of --bind go with
 * one of its host's addresses? -1 with err (EXIT_INPUT): every connection would fail. What is no
 * address, and a name that is not resolved just now, is nobody's fault here.
 */
int target_check_sources(const char *origin, const struct cli_list *sources, struct error *err);

/* May a request that a plugin aimed at `url` be sent? To the target's origin, to an address of this
 * machine, to an allowed host. No name is looked up. */
bool target_permits(struct bytes url, struct bytes origin, const struct cli_list *allowed);

#endif

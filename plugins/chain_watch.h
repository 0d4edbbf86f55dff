/*
 * chain_watch.h - ends the process, with plugin and callback named, when a callback outside of the
 * run's workers does not return: start, on_recorded, on_recording_end, stop, and all of them in a
 * trial.
 *
 * A thread that looks every 100 ms at one guard. There is no file to finish: before start() none
 * has been begun, and stop() comes once it is closed.
 */
#ifndef REPRISE_PLUGINS_CHAIN_WATCH_H
#define REPRISE_PLUGINS_CHAIN_WATCH_H

#include "core/error.h"
#include "plugins/guard.h"

struct chain_watch;

/* `limit_us` is of one callback. Nothing to undo after -1. */
int chain_watch_start(struct chain_watch **ret_watch, struct guard *guard, uint64_t limit_us,
                      struct error *err);
/* No-op for NULL. */
void chain_watch_stop(struct chain_watch *watch);

/* From now on look at this guard, and no more at the one before; no-op for NULL. */
void chain_watch_turn(struct chain_watch *watch, struct guard *guard);

#endif

/*
 * plugin_recorded.h - shows plugins what was recorded, before the run: each session's exchanges and
 * messages, numbered as the steps that they became.
 */
#ifndef REPRISE_REPLAY_PLUGIN_RECORDED_H
#define REPRISE_REPLAY_PLUGIN_RECORDED_H

#include "plugins/chain.h"
#include "replay/plan/plan.h"

/* Reads each session's rows again, unless no plugin wants to see them; where the plan streams its
 * sessions too, one at a time. Then says that it was all. -1 with err. */
int plugin_show_recorded(const struct plan *plan, const char *trace_path,
                         const struct plan_options *options, struct plugin_chain *chain,
                         struct error *err);

#endif

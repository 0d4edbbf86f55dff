/* settings.h - whether the options make sense, said before the run instead of nothing during it. */
#ifndef JWT_REFRESH_SETTINGS_H
#define JWT_REFRESH_SETTINGS_H

#include "state.h"

/* In start(). False, with the host's reason: one of them does not. Sets life_us. */
bool settings_check(const reprise_call *call, struct plugin_state *state);

/* "header X-Token", "cookie sid", "query token": the name; NULL: it is none of these. */
const char *settings_token_name(const char *written);

/* What the options name and the trace does not have; one line each. */
void settings_tell_unmet(const reprise_call *call);

#endif

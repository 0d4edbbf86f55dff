/*
 * plugin_services.h - what plugins may do to a replayed user besides deciding: steps answered
 * without being sent, values replaced, the user's data, recorded requests anew.
 */
#ifndef REPRISE_REPLAY_PLUGIN_SERVICES_H
#define REPRISE_REPLAY_PLUGIN_SERVICES_H

#include "replay/user.h"

/* `owner` is a struct user that plays. */
extern const struct chain_services plugin_services;

/* A plugin has answered this step: it is not sent. */
bool user_is_settled(const struct user *user, const struct plan_step *step);

#endif

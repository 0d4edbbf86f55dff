/*
 * user_identity.h - what a user brings along to a session: the ids, names and addresses that its
 * client makes, and its row of --data.
 *
 * All are drawn when the session starts, from a stream of the seed that is this user's and this
 * session's alone; moments when the first request that carries them is sent.
 */
#ifndef REPRISE_REPLAY_USER_IDENTITY_H
#define REPRISE_REPLAY_USER_IDENTITY_H

#include "replay/task.h"

struct step_bindings;

/* For user_play(): user->session and user->values are there. -1 without memory. */
int user_take_identity(struct user *user);

/* Those moments of a step that have not been sent before are now. */
void user_take_moments(struct user *user, const struct step_bindings *bindings);

#endif

/*
 * play.h - users who play a small script against the fake target, on a clock that the test moves.
 *
 *     play_prepare --> (change play.env, a plugin chain for instance) --> play_start ...
 *                  --> play_expect, fake_run --> play_end
 *
 * What the target answers (fake_answers and the like) is set before, and forgotten at the end.
 */
#ifndef REPRISE_TESTS_SUPPORT_PLAY_H
#define REPRISE_TESTS_SUPPORT_PLAY_H

#include "replay/user.h"
#include "tests/support/fake_target.h"

enum { PLAY_MAX_USERS = 2 };

struct play {
    struct loop loop;
    struct plan *plan;
    struct plugin_chain no_plugins;
    struct user_env env;
    struct user *users[PLAY_MAX_USERS];
    int ended; /* users, so far */
};

/* Who the users of the next play_prepare() are; NULL: as recorded. */
extern const struct identities *play_identities;

/* From a script in the words of script_trace.h; the test fails where it is none. */
void play_prepare(struct play *play, const char *script, struct pacing pacing);

/* User `number` plays the first session from start_us on. */
void play_start(struct play *play, int number, uint64_t start_us);

/* Play all of it, and compare what reached the target, and when. */
void play_expect(struct play *play, const char *log);

void play_end(struct play *play);

#endif

/*
 * identity_accounts.h - how many users would play an account that another user plays as well.
 *
 * An account is that of a recorded session which logs in, and for which --data has no row. In the
 * open model each of its copies is another user; in the closed one any two users may draw it.
 */
#ifndef REPRISE_REPLAY_IDENTITY_ACCOUNTS_H
#define REPRISE_REPLAY_IDENTITY_ACCOUNTS_H

#include "replay/worker.h"

struct binding_overlay;

struct shared_accounts {
    uint64_t users, accounts; /* 0: nobody shares one */
};

/* -1 without memory. */
int identity_count_accounts(const struct replay_settings *settings,
                            struct shared_accounts *ret_shared);

/* Where the bindings are; borrowed. */
struct identity_source {
    const char *trace_path; /* NULL: nowhere to look them up for a message */
    const struct binding_overlay *overlay;
    bool has_plugins; /* that may ask for columns which no request names */
};

/* All that can be wrong with who the users are before anything is sent; `users` is how many there
 * will be. What is wrong but asked for is a warning. -1 with err. */
int identity_check(const struct replay_settings *settings, const struct identity_source *source,
                   uint64_t users, struct error *err);

#endif

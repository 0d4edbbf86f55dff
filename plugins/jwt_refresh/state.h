/*
 * state.h - what the plugin keeps: its options, what the trace taught it, and each user's tokens.
 *
 * A user's credential on its way:
 *
 *           login, signing                  due, or a 401
 *     NONE ----------------> GOOD ---------------------------------> NEEDS_REFRESH
 *                           ^ ^ |  ... without a refresh token            |  the next request that
 *                           | | +----------> NEEDS_LOGIN                  v  carries it asks
 *                           | |                  ^    |  asks         REFRESHING
 *                           | +----- LOGGING_IN <+----+                 |  |
 *                           |            |       +---- refused, no token + |
 *                           |            v refused, too often              |
 *                           |      the user fails                          |
 *                           +----------------------------------------------+
 *     ENDED: after a recorded logout, until the next login
 */
#ifndef JWT_REFRESH_STATE_H
#define JWT_REFRESH_STATE_H

#include "calendar.h"
#include "metric.h"
#include "recording.h"
#include "sign.h"
#include "target_clock.h"

enum {
    MAX_UNSAVED = 3,
    MAX_STATUSES = 8,
    MAX_RETRIED = 32,
    MAX_WHY_BYTES = 200,
    MAX_LOST_LINES = 5
};

/* A share of a token's life, or a time. */
struct span {
    bool is_share;
    double share;
    int64_t us;
};

struct plugin_state {
    /* Options, as written. */
    const char *login, *refresh, *refresh_body;
    const char *access, *refresh_token, *expires, *token;
    const char *margin, *jitter, *recorded, *clock, *statuses;
    const char *sign, *key, *sub, *life;
    uint64_t tries;

    /* Made of them in start(). */
    struct span margin_span, jitter_span;
    uint64_t life_us; /* 0: as recorded */
    bool keeps_recorded, trusts_own_clock;
    uint32_t status_list[MAX_STATUSES];
    size_t status_count;
    char *access_path, *refresh_path, *expires_path;
    struct recording *recording;
    struct signer *signer; /* NULL: nothing is signed here */
    struct calendar calendar;
    _Atomic int has_warned; /* of a token that cannot be believed */
    _Atomic uint64_t lost;  /* users of whom a line was to be said */
};

enum live_state {
    LIVE_NONE,
    LIVE_GOOD,
    LIVE_NEEDS_REFRESH,
    LIVE_NEEDS_LOGIN,
    LIVE_REFRESHING,
    LIVE_LOGGING_IN,
    LIVE_ENDED
};

/* One credential of one user. All moments are since 1970, of our clock. */
struct live {
    enum live_state state;
    char *access, *refresh;
    char *previous; /* the access token before */
    uint32_t login_step;
    int64_t renew_at_us; /* 0: only after a 401 */
    int64_t good_until_us, good_from_us;
    int64_t life_us;
    int64_t guessed_exp_us; /* signed before the target's clock was known; 0: no guess */
    int64_t slot_at_us;     /* when its renewal may be sent; 0: it has not asked */
    int64_t shorter_us;     /* how much earlier than expected a token has died */
    uint32_t given;         /* access tokens so far */
    uint32_t unsaved;       /* new ones in a row that were refused as well */
    uint32_t unsaved_at;    /* the last of them, of `given` */
    bool is_given_up;       /* 401s are left to the results */
    int64_t chance_at_us;   /* until then, where the token's end is not known */
    bool is_in_calendar;
    bool has_blamed_others;  /* its login was refused, and what that carries was renewed */
    uint32_t login_status;   /* its recorded login was refused with this and no token came since */
    char why[MAX_WHY_BYTES]; /* the last refresh failed */
};

/* A step, and which attempt of it was refused. */
struct retried {
    uint32_t step, attempt;
};

struct user {
    const struct session_note *session; /* NULL: nothing to do for this user */
    struct target_clock clock;
    struct live live[RECORDING_MAX_CREDENTIALS];
    struct retried retried[MAX_RETRIED]; /* sent again after a 401, not answered otherwise since */
    uint32_t retried_count;
    bool is_lost; /* counted: once, whatever else comes */
};

#endif

/*
 * own_values.h - the values that a session's user brings along: no answer gives them.
 *
 * What the recorded client made (an id, a nonce, a mail address, a moment) is made anew for every
 * user and session, equal where it was equal; what says who the user is comes from its row of
 * --data.
 */
#ifndef REPRISE_REPLAY_PLAN_OWN_VALUES_H
#define REPRISE_REPLAY_PLAN_OWN_VALUES_H

#include "replay/plan/value_forms.h"
#include "traces/places/place.h"

enum own_kind {
    OWN_UUID = PLACE_NEW_UUID,
    OWN_HEX = PLACE_NEW_HEX,
    OWN_DIGITS = PLACE_NEW_DIGITS,
    OWN_TEXT = PLACE_NEW_TEXT, /* letters for letters, digits for digits */
    OWN_EMAIL = PLACE_NEW_EMAIL,
    OWN_TIME_S = PLACE_NEW_TIME_S,
    OWN_TIME_MS = PLACE_NEW_TIME_MS,
    OWN_TIME_ISO = PLACE_NEW_TIME_ISO,
    OWN_DATA = PLACE_NEW_COUNT, /* of the user's row */
    OWN_JOINED                  /* "user:password" of Basic credentials */
};

#define OWN_NONE UINT32_MAX

/* One of the forms in which requests carry it. */
struct own_target {
    uint32_t value; /* index into the user's values */
    enum value_form form;
};

struct own_value {
    enum own_kind kind;
    uint32_t column;       /* OWN_DATA */
    struct bytes recorded; /* what it is made like */
    int64_t ahead_us;      /* of a moment: recorded so much later than the request that has it was
                              begun */
    /* OWN_JOINED: two own values before this one, or, where that is OWN_NONE, a text. */
    uint32_t parts[2];
    struct bytes literals[2];
    uint32_t target_count;
    struct own_target *targets;
};

static inline bool own_is_moment(enum own_kind kind)
{
    return kind == OWN_TIME_S || kind == OWN_TIME_MS || kind == OWN_TIME_ISO;
}

#endif

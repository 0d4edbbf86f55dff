/*
 * target_clock.h - how far the target's clock is ahead of ours, from the Date of its answers.
 *
 * A Date is cut to whole seconds, and was written somewhere between asking and receiving: each
 * answer says that the difference lies within a second and a bit. What answer after answer leaves
 * is soon much narrower. A Date that contradicts what is known (a second back end, a clock that was
 * set) starts again from itself.
 */
#ifndef JWT_REFRESH_TARGET_CLOCK_H
#define JWT_REFRESH_TARGET_CLOCK_H

#include "text.h"

struct target_clock {
    bool is_known;
    int64_t least_us, most_us; /* target minus ours */
    int64_t heard_us;          /* the last answer's coming, of our clock since 1970 */
    /* Sent and received between these moments, an answer has the same Date again. */
    int64_t quiet_from_us, quiet_until_us;
};

/* Any of the three forms of RFC 9110, 5.6.7. */
bool target_clock_parse(reprise_bytes date, int64_t *ret_unix_s);

/* Whether its Date may say more than is known; most do not, and need not be looked at. */
bool target_clock_may_learn(const struct target_clock *clock, int64_t sent_us, int64_t received_us);

/* One answer: asked for and received at these moments of our clock, since 1970. */
void target_clock_hear(struct target_clock *clock, int64_t date_unix_s, int64_t sent_us,
                       int64_t received_us);

#endif

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
};

/* Any of the three forms of RFC 9110, 5.6.7. */
bool target_clock_parse(reprise_bytes date, int64_t *ret_unix_s);

/* One answer: asked for and received at these moments of our clock, since 1970. */
void target_clock_hear(struct target_clock *clock, int64_t date_unix_s, int64_t sent_us,
                       int64_t received_us);

#endif

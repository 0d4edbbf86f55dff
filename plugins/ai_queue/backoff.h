/*
 * backoff.h - how long to wait before asking again: a growing delay with jitter, or what
 * Retry-After says.
 */
#ifndef AI_QUEUE_BACKOFF_H
#define AI_QUEUE_BACKOFF_H

#include <stdint.h>

#include "text.h"

enum { BACKOFF_MAX_PROBLEM_BYTES = 200 };
#define BACKOFF_MAX_US (UINT64_C(24) * 3600 * 1000000)

/* first_us is 0: none was asked for. */
struct backoff {
    uint64_t first_us, longest_us;
    double factor;
};

/* "200ms..5s*1.5", "1s" (always that), "" (none). -1: `problem` says why. */
int backoff_parse(const char *text, struct backoff *ret, char problem[BACKOFF_MAX_PROBLEM_BYTES]);

/* Before the attempt that follows `attempt` (from 0): the full delay, less up to a quarter of it by
 * `random`. */
uint64_t backoff_delay_us(const struct backoff *backoff, uint32_t attempt, uint64_t random);

/* Retry-After: seconds or a date (RFC 9110, 10.2.3). A date is compared with the answer's own Date
 * where it has one, so that the target's clock does not matter. False: there is none that can be
 * read. At most a day. */
bool backoff_retry_after(struct span retry_after, struct span date, int64_t unix_us,
                         uint64_t *ret_us);

#endif

/*
 * headers.h - what an answer says about limits: Retry-After, RateLimit (the drafts' two forms) and
 * X-RateLimit-*.
 */
#ifndef RATE_LIMIT_HEADERS_H
#define RATE_LIMIT_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Retry-After: seconds, or a date (RFC 9110 5.6.7, the one form that is sent today) seen from
 * `unix_us`. false: it is neither. A date that has passed is 0. */
bool headers_retry_after(const char *text, size_t len, int64_t unix_us, uint64_t *ret_us);

struct headers_quota {
    bool has_remaining, has_limit;
    uint64_t remaining, limit;
};

/* RateLimit: "name";r=4;t=30 or limit=5, remaining=4, reset=30. Of several the one with the least
 * left. What cannot be read is not there. */
void headers_ratelimit(const char *text, size_t len, struct headers_quota *quota);

/* A header that is one number, maybe with parameters behind it: 4 or 100;w=60. */
bool headers_number(const char *text, size_t len, uint64_t *ret);

#endif

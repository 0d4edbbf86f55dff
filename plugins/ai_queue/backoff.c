/* backoff.c - how long to wait before asking again. */
#include "backoff.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

static bool read_decimal(const char **at, double *ret)
{
    char *end;
    size_t len = strspn(*at, "0123456789.");
    if (!isdigit((unsigned char)**at) || len > 15)
        return false;
    *ret = strtod(*at, &end);
    if (end != *at + len && strncmp(*at + len - 2, "..", 2) != 0)
        return false;
    *at = end;
    return true;
}

/* 200ms, 1.5s, 2m; stops behind the unit. */
static bool read_duration(const char **at, uint64_t *ret_us)
{
    static const struct {
        const char *unit;
        double us;
    } units[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 60e6}, {"h", 3600e6}};
    double value;
    if (!read_decimal(at, &value))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t len = strlen(units[i].unit);
        if (strncmp(*at, units[i].unit, len) != 0 || isalpha((unsigned char)(*at)[len]))
            continue;
        if (value * units[i].us > (double)BACKOFF_MAX_US)
            return false;
        *ret_us = (uint64_t)(value * units[i].us + 0.5);
        *at += len;
        return true;
    }
    return false;
}

static int say(char *problem, const char *text, const char *reason)
{
    snprintf(problem, BACKOFF_MAX_PROBLEM_BYTES, "backoff: '%.60s': %s", text, reason);
    return -1;
}

int backoff_parse(const char *text, struct backoff *ret, char problem[BACKOFF_MAX_PROBLEM_BYTES])
{
    const char *at = text;
    struct backoff backoff = {.factor = 1};
    *ret = backoff;
    if (!*text)
        return 0;
    if (!read_duration(&at, &backoff.first_us) || backoff.first_us == 0)
        return say(problem, text, "no delay; write 200ms..5s*1.5");
    backoff.longest_us = backoff.first_us;
    if (strncmp(at, "..", 2) == 0) {
        at += 2;
        backoff.factor = 2;
        if (!read_duration(&at, &backoff.longest_us))
            return say(problem, text, "no longest delay; write 200ms..5s*1.5");
        if (backoff.longest_us < backoff.first_us)
            return say(problem, text, "its longest delay is shorter than its first");
    }
    if (*at == '*') {
        at++;
        if (!read_decimal(&at, &backoff.factor) || backoff.factor < 1 || backoff.factor > 100)
            return say(problem, text, "no factor from 1 to 100; write 200ms..5s*1.5");
    }
    if (*at)
        return say(problem, text, "something follows; write 200ms..5s*1.5");
    *ret = backoff;
    return 0;
}

uint64_t backoff_delay_us(const struct backoff *backoff, uint32_t attempt, uint64_t random)
{
    double delay = (double)backoff->first_us;
    for (uint32_t i = 0; i < attempt && delay < (double)backoff->longest_us; i++) {
        delay *= backoff->factor;
        if (backoff->factor <= 1)
            break;
    }
    if (delay > (double)backoff->longest_us)
        delay = (double)backoff->longest_us;
    double share = (double)(random >> 11) * 0x1p-53; /* 0 up to, not including, 1 */
    return (uint64_t)(delay * (1 - share / 4));
}

/* The three forms of an HTTP date (RFC 9110, 5.6.7), all in GMT. */
static bool read_date(struct span text, int64_t *ret_s)
{
    static const char *const formats[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                          "%a %b %e %H:%M:%S %Y"};
    char copy[64];
    if (!text.len || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct tm tm = {0};
        const char *end = strptime(copy, formats[i], &tm);
        if (end && !*end) {
            *ret_s = (int64_t)timegm(&tm);
            return true;
        }
    }
    return false;
}

bool backoff_retry_after(struct span retry_after, struct span date, int64_t unix_us,
                         uint64_t *ret_us)
{
    const uint64_t longest_s = BACKOFF_MAX_US / 1000000;
    uint64_t seconds = 0;
    size_t digits = 0;
    while (digits < retry_after.len && isdigit((unsigned char)retry_after.ptr[digits])) {
        if (seconds <= longest_s)
            seconds = seconds * 10 + (uint64_t)(retry_after.ptr[digits] - '0');
        digits++;
    }
    if (digits && digits == retry_after.len) {
        *ret_us = (seconds < longest_s ? seconds : longest_s) * 1000000;
        return true;
    }
    int64_t at_s, now_s;
    if (!read_date(retry_after, &at_s))
        return false;
    if (!read_date(date, &now_s))
        now_s = unix_us / 1000000;
    seconds = at_s > now_s ? (uint64_t)(at_s - now_s) : 0;
    *ret_us = (seconds < longest_s ? seconds : longest_s) * 1000000;
    return true;
}

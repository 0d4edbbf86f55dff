/* headers.c - what an answer says about limits. */
#include "headers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAX_NUMBER 1000000000000ULL

/* More than MAX_NUMBER is MAX_NUMBER: too much, not nothing. */
static size_t read_digits(const char *text, size_t len, uint64_t *ret)
{
    uint64_t value = 0;
    size_t at = 0;
    for (; at < len && text[at] >= '0' && text[at] <= '9'; at++) {
        value = value * 10 + (uint64_t)(text[at] - '0');
        if (value > MAX_NUMBER)
            value = MAX_NUMBER;
    }
    *ret = value;
    return at;
}

static size_t spaces(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len && (text[at] == ' ' || text[at] == '\t'))
        at++;
    return at;
}

/* Days since 1970-01-01 of the Gregorian calendar; years begin in March, so that the leap day is
 * the last one. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, year_of_era = year % 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" as seconds since 1970. */
static bool read_date(const char *text, size_t len, int64_t *ret_s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char copy[32], name[4];
    int day, year, hour, minute, second, used = 0;
    if (len != 29)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (sscanf(copy, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &day, name, &year, &hour,
               &minute, &second, &used) != 6 ||
        used != 29 || year < 1970 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 60)
        return false;
    for (int64_t month = 0; month < 12; month++)
        if (strncmp(name, months + month * 3, 3) == 0) {
            *ret_s =
                days_since_1970(year, month + 1, day) * 86400 + hour * 3600 + minute * 60 + second;
            return true;
        }
    return false;
}

bool headers_retry_after(const char *text, size_t len, int64_t unix_us, uint64_t *ret_us)
{
    uint64_t seconds;
    int64_t date_s;
    size_t used = read_digits(text, len, &seconds);
    if (used && used + spaces(text + used, len - used) == len) {
        *ret_us = seconds * 1000000;
        return true;
    }
    if (!read_date(text, len, &date_s))
        return false;
    int64_t wait_us = date_s * 1000000 - unix_us;
    *ret_us = wait_us > 0 ? (uint64_t)wait_us : 0;
    return true;
}

bool headers_number(const char *text, size_t len, uint64_t *ret)
{
    size_t used = read_digits(text, len, ret);
    return used && (used == len || strchr(" \t;,", text[used]));
}

static bool is_name(const char *text, size_t len, const char *name)
{
    return len == strlen(name) && strncasecmp(text, name, len) == 0;
}

/* Up to the next of `ends` that is not inside quotes. */
static size_t token_end(const char *text, size_t len, const char *ends)
{
    bool is_quoted = false;
    for (size_t at = 0; at < len; at++) {
        if (text[at] == '"')
            is_quoted = !is_quoted;
        else if (text[at] == '\\' && is_quoted)
            at++;
        else if (!is_quoted && text[at] && strchr(ends, text[at]))
            return at;
    }
    return len;
}

void headers_ratelimit(const char *text, size_t len, struct headers_quota *quota)
{
    while (len) {
        size_t item = token_end(text, len, ",;"), skipped = spaces(text, item);
        const char *name = text + skipped, *equals = memchr(name, '=', item - skipped);
        uint64_t value;
        if (equals && headers_number(equals + 1, item - (size_t)(equals + 1 - text), &value)) {
            size_t name_bytes = (size_t)(equals - name);
            bool is_left = is_name(name, name_bytes, "r") || is_name(name, name_bytes, "remaining");
            if (is_left && (!quota->has_remaining || value < quota->remaining)) {
                quota->has_remaining = true;
                quota->remaining = value;
            }
            if (is_name(name, name_bytes, "limit") && !quota->has_limit) {
                quota->has_limit = true;
                quota->limit = value;
            }
        }
        item += item < len;
        text += item;
        len -= item;
    }
}

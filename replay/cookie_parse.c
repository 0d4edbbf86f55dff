/* cookie_parse.c - reads a Set-Cookie header as RFC 6265 5.2 has it: forgiving, the last word
 * counts. */
#include "replay/cookie_parse.h"

#include <time.h>

/* 5.1.1, in the order in which a token is tried. */
struct date_parts {
    bool has_time, has_day, has_month, has_year;
    int hour, minute, second, day, month, year;
};

static bool is_date_delimiter(unsigned char c)
{
    return c == 0x09 || (c >= 0x20 && c <= 0x2f) || (c >= 0x3b && c <= 0x40) ||
           (c >= 0x5b && c <= 0x60) || (c >= 0x7b && c <= 0x7e);
}

/* `least` to `most` digits and no further one: bytes used, or 0. */
static size_t read_digits(struct bytes text, size_t least, size_t most, int *ret_value)
{
    size_t len = 0;
    int value = 0;
    while (len < text.len && len < most && ascii_is_digit(text.ptr[len]))
        value = value * 10 + (text.ptr[len++] - '0');
    if (len < least || (len < text.len && ascii_is_digit(text.ptr[len])))
        return 0;
    *ret_value = value;
    return len;
}

static bool read_time(struct bytes token, struct date_parts *parts)
{
    int *const fields[] = {&parts->hour, &parts->minute, &parts->second};
    for (int i = 0; i < 3; i++) {
        size_t len = read_digits(token, 1, 2, fields[i]);
        if (!len || (i < 2 && (len == token.len || token.ptr[len] != ':')))
            return false;
        token = bytes_from(token, len + 1);
    }
    return true;
}

static bool read_month(struct bytes token, int *ret_month)
{
    static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                         "jul", "aug", "sep", "oct", "nov", "dec"};
    for (int i = 0; i < 12; i++) {
        if (!bytes_starts_with_nocase(token, bytes_of(months[i])))
            continue;
        *ret_month = i;
        return true;
    }
    return false;
}

static void read_token(struct bytes token, struct date_parts *parts)
{
    if (!parts->has_time && read_time(token, parts))
        parts->has_time = true;
    else if (!parts->has_day && read_digits(token, 1, 2, &parts->day))
        parts->has_day = true;
    else if (!parts->has_month && read_month(token, &parts->month))
        parts->has_month = true;
    else if (!parts->has_year && read_digits(token, 2, 4, &parts->year))
        parts->has_year = true;
}

bool cookie_date_parse(struct bytes text, int64_t *ret_unix_s)
{
    struct date_parts parts = {0};
    for (size_t at = 0, end; at < text.len; at = end + 1) {
        for (end = at; end < text.len && !is_date_delimiter((unsigned char)text.ptr[end]);)
            end++;
        if (end > at)
            read_token(bytes_make(text.ptr + at, end - at), &parts);
    }
    if (!parts.has_time || !parts.has_day || !parts.has_month || !parts.has_year)
        return false;
    if (parts.year < 100)
        parts.year += parts.year < 70 ? 2000 : 1900;
    if (parts.day < 1 || parts.day > 31 || parts.year < 1601 || parts.hour > 23 ||
        parts.minute > 59 || parts.second > 59)
        return false;
    struct tm moment = {.tm_sec = parts.second,
                        .tm_min = parts.minute,
                        .tm_hour = parts.hour,
                        .tm_mday = parts.day,
                        .tm_mon = parts.month,
                        .tm_year = parts.year - 1900};
    int64_t unix_s = (int64_t)timegm(&moment);
    if (moment.tm_mday != parts.day) /* there is no such day */
        return false;
    *ret_unix_s = unix_s;
    return true;
}

/* 5.2.2: what is no number is ignored, one that is too large means for ever. */
static bool parse_max_age(struct bytes value, int64_t now_unix_s, int64_t *ret_expires_unix_s)
{
    bool is_negative = value.len && value.ptr[0] == '-';
    struct bytes digits = bytes_from(value, is_negative);
    uint64_t seconds = UINT32_MAX;
    if (digits.len == 0)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (!ascii_is_digit(digits.ptr[i]))
            return false;
    }
    if (!bytes_to_u64(digits, &seconds) || seconds > UINT32_MAX)
        seconds = UINT32_MAX;
    *ret_expires_unix_s = is_negative || seconds == 0 ? 0 : now_unix_s + (int64_t)seconds;
    return true;
}

static void read_attributes(struct bytes rest, int64_t now_unix_s, struct set_cookie *cookie)
{
    bool has_max_age = false;
    struct bytes part;
    while (bytes_split(&rest, ';', &part)) {
        size_t equals = bytes_index_of(part, '=');
        struct bytes name = bytes_trim(bytes_make(part.ptr, equals));
        struct bytes value = bytes_trim(bytes_from(part, equals + 1));
        if (bytes_equal_nocase(name, bytes_of("path"))) {
            cookie->path = value.len && value.ptr[0] == '/' ? value : (struct bytes){0};
        } else if (bytes_equal_nocase(name, bytes_of("domain")) && value.len) {
            cookie->domain = bytes_from(value, value.ptr[0] == '.');
        } else if (bytes_equal_nocase(name, bytes_of("secure"))) {
            cookie->is_secure = true;
        } else if (bytes_equal_nocase(name, bytes_of("max-age"))) {
            /* wins over Expires (5.3, 3) */
            has_max_age |= parse_max_age(value, now_unix_s, &cookie->expires_unix_s);
        } else if (bytes_equal_nocase(name, bytes_of("expires")) && !has_max_age) {
            cookie_date_parse(value, &cookie->expires_unix_s);
        }
    }
}

bool set_cookie_parse(struct bytes text, int64_t now_unix_s, struct set_cookie *ret_cookie)
{
    size_t pair_len = bytes_index_of(text, ';');
    struct bytes pair = bytes_make(text.ptr, pair_len);
    size_t equals = bytes_index_of(pair, '=');
    struct set_cookie cookie = {
        .name = bytes_trim(bytes_make(pair.ptr, equals)),
        .value = bytes_trim(bytes_from(pair, equals + 1)),
        .expires_unix_s = COOKIE_FOR_EVER,
    };
    if (equals == pair.len || cookie.name.len == 0)
        return false;
    read_attributes(bytes_from(text, pair_len + 1), now_unix_s, &cookie);
    *ret_cookie = cookie;
    return true;
}

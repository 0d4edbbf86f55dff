/* identity_moment.c - moments as clients write them: read from a recording, written for the live
 * clock. */
#include <stdio.h>
#include <time.h>

#include "replay/identities/identity_draw.h"

enum { SECOND_US = 1000000, ISO_DATE_BYTES = 10, ISO_MINUTE_BYTES = 16, ISO_SECOND_BYTES = 19 };

static int number_at(struct bytes text, size_t at, size_t len)
{
    int value = 0;
    for (size_t i = at; i < at + len && i < text.len; i++)
        value = value * 10 + (text.ptr[i] - '0');
    return value;
}

/* Digits behind a '.', as microseconds; *ret_len with the '.'. */
static int64_t read_fraction(struct bytes text, size_t at, size_t *ret_len)
{
    int64_t us = 0, unit = SECOND_US;
    size_t end = at + 1;
    *ret_len = 0;
    if (at >= text.len || text.ptr[at] != '.')
        return 0;
    for (; end < text.len && ascii_is_digit(text.ptr[end]); end++) {
        unit /= 10;
        us += (text.ptr[end] - '0') * unit;
    }
    *ret_len = end - at;
    return us;
}

static void write_fraction(int64_t us, size_t len, char *out)
{
    int64_t unit = SECOND_US;
    if (len)
        out[0] = '.';
    for (size_t i = 1; i < len; i++) {
        unit /= 10;
        out[i] = '0';
        if (unit)
            out[i] = (char)('0' + us / unit % 10);
    }
}

/* What an ISO moment has behind its date. */
struct iso_shape {
    bool has_time, has_seconds;
    size_t fraction_len; /* with its '.' */
    int64_t zone_us;     /* local time is so much ahead of UTC */
};

static struct iso_shape shape_of(struct bytes text, int64_t *ret_fraction_us)
{
    struct iso_shape shape = {.has_time = text.len >= ISO_MINUTE_BYTES,
                              .has_seconds = text.len >= ISO_SECOND_BYTES &&
                                             text.ptr[ISO_MINUTE_BYTES] == ':'};
    size_t at = shape.has_seconds ? ISO_SECOND_BYTES : ISO_MINUTE_BYTES;
    *ret_fraction_us = 0;
    if (!shape.has_time)
        return shape;
    if (shape.has_seconds)
        *ret_fraction_us = read_fraction(text, at, &shape.fraction_len);
    at += shape.fraction_len;
    if (text.len >= at + 6 && (text.ptr[at] == '+' || text.ptr[at] == '-')) {
        int minutes = number_at(text, at + 1, 2) * 60 + number_at(text, at + 4, 2);
        shape.zone_us = (int64_t)(text.ptr[at] == '-' ? -minutes : minutes) * 60 * SECOND_US;
    }
    return shape;
}

static bool read_iso(struct bytes text, int64_t *ret_unix_us)
{
    int64_t fraction_us;
    struct iso_shape shape = shape_of(text, &fraction_us);
    struct tm moment = {.tm_year = number_at(text, 0, 4) - 1900,
                        .tm_mon = number_at(text, 5, 2) - 1,
                        .tm_mday = number_at(text, 8, 2)};
    if (moment.tm_mon < 0 || moment.tm_mon > 11 || moment.tm_mday < 1 || moment.tm_mday > 31)
        return false;
    if (shape.has_time) {
        moment.tm_hour = number_at(text, 11, 2);
        moment.tm_min = number_at(text, 14, 2);
    }
    if (shape.has_seconds)
        moment.tm_sec = number_at(text, 17, 2);
    *ret_unix_us = (int64_t)timegm(&moment) * SECOND_US + fraction_us - shape.zone_us;
    return true;
}

bool identity_read_moment(enum own_kind kind, struct bytes text, int64_t *ret_unix_us)
{
    uint64_t count;
    size_t fraction_len;
    if (!bytes_equal(identity_find(kind, text), text) || !text.len)
        return false;
    if (kind == OWN_TIME_ISO)
        return read_iso(text, ret_unix_us);
    if (!bytes_to_u64(bytes_make(text.ptr, bytes_index_of(text, '.')), &count))
        return false;
    *ret_unix_us = kind == OWN_TIME_MS
                       ? (int64_t)count * 1000
                       : (int64_t)count * SECOND_US +
                             read_fraction(text, bytes_index_of(text, '.'), &fraction_len);
    return true;
}

static struct bytes write_iso(struct bytes recorded, int64_t unix_us, char *room)
{
    int64_t fraction_us;
    struct iso_shape shape = shape_of(recorded, &fraction_us);
    struct tm parts;
    char text[64];
    unix_us += shape.zone_us;
    time_t unix_s = (time_t)(unix_us / SECOND_US);
    size_t len = !shape.has_time      ? ISO_DATE_BYTES
                 : !shape.has_seconds ? ISO_MINUTE_BYTES
                                      : ISO_SECOND_BYTES;
    memcpy(room, recorded.ptr, recorded.len); /* what stands between the numbers, and the zone */
    if (!gmtime_r(&unix_s, &parts) ||
        snprintf(text, sizeof text, "%04d-%02d-%02d%c%02d:%02d:%02d", parts.tm_year + 1900,
                 parts.tm_mon + 1, parts.tm_mday, shape.has_time ? recorded.ptr[10] : 'T',
                 parts.tm_hour, parts.tm_min, parts.tm_sec) != ISO_SECOND_BYTES)
        return bytes_make(room, recorded.len);
    memcpy(room, text, len);
    write_fraction(unix_us % SECOND_US, shape.fraction_len, room + len);
    return bytes_make(room, recorded.len);
}

struct bytes identity_write_moment(enum own_kind kind, struct bytes recorded, int64_t unix_us,
                                   char *room)
{
    char text[32];
    size_t fraction_len;
    if (unix_us < 0)
        unix_us = 0;
    if (kind == OWN_TIME_ISO)
        return write_iso(recorded, unix_us, room);
    int64_t count = unix_us / (kind == OWN_TIME_MS ? 1000 : SECOND_US);
    int len = snprintf(text, sizeof text, "%lld", (long long)count);
    memcpy(room, text, (size_t)len);
    read_fraction(recorded, bytes_index_of(recorded, '.'), &fraction_len);
    write_fraction(unix_us % SECOND_US, fraction_len, room + len);
    return bytes_make(room, (size_t)len + fraction_len);
}

/* units.c - reads and writes durations and sizes the way people do. */
#include "core/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    double factor;
};

/* A number without sign, exponent, "inf" or "nan"; *end moves behind it. */
static int parse_number(const char *text, const char **end, double *ret_value)
{
    size_t len = strspn(text, "0123456789.");
    char digits[32];
    if (len == 0 || len >= sizeof digits)
        return -1;
    memcpy(digits, text, len);
    digits[len] = '\0';
    char *stopped;
    *ret_value = strtod(digits, &stopped);
    if (*stopped)
        return -1;
    *end = text + len;
    return 0;
}

static const struct unit *find_unit(const struct unit *units, const char *text, size_t len)
{
    for (; units->name; units++) {
        if (strlen(units->name) == len && memcmp(units->name, text, len) == 0)
            return units;
    }
    return NULL;
}

int duration_parse_us(const char *text, uint64_t *ret_us)
{
    static const struct unit units[] = {{"us", 1},     {"ms", 1e3},    {"s", 1e6}, {"m", 60e6},
                                        {"h", 3600e6}, {"d", 86400e6}, {NULL, 0}};
    double total = 0;
    if (!*text)
        return -1;
    for (const char *at = text; *at;) {
        double value;
        if (parse_number(at, &at, &value))
            return -1;
        size_t len = strcspn(at, "0123456789.");
        if (len == 0 && at != text && !*at && strspn(text, "0123456789.") == strlen(text)) {
            total = value * 1e6;
            break;
        }
        const struct unit *unit = find_unit(units, at, len);
        if (!unit)
            return -1;
        total += value * unit->factor;
        at += len;
    }
    if (!(total >= 0 && total < 1e18))
        return -1;
    *ret_us = (uint64_t)llround(total);
    return 0;
}

int size_parse_bytes(const char *text, uint64_t *ret_bytes)
{
    static const struct unit units[] = {
        {"", 1},         {"B", 1},     {"k", 1e3},      {"K", 1e3},      {"kB", 1e3},
        {"KB", 1e3},     {"M", 1e6},   {"MB", 1e6},     {"G", 1e9},      {"GB", 1e9},
        {"T", 1e12},     {"TB", 1e12}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30},
        {"TiB", 0x1p40}, {NULL, 0}};
    double value;
    const char *at;
    if (parse_number(text, &at, &value))
        return -1;
    const struct unit *unit = find_unit(units, at, strlen(at));
    if (!unit || !(value * unit->factor < 1e18))
        return -1;
    *ret_bytes = (uint64_t)llround(value * unit->factor);
    return 0;
}

int percent_parse(const char *text, double *ret_percent)
{
    double value;
    const char *at;
    if (parse_number(text, &at, &value) || (*at && strcmp(at, "%") != 0) || !(value <= 100))
        return -1;
    *ret_percent = value;
    return 0;
}

static void format_minutes(char *out, size_t out_size, double us)
{
    if (us < 3600e6)
        snprintf(out, out_size, "%.0fm%02.0fs", floor(us / 60e6), floor(fmod(us, 60e6) / 1e6));
    else
        snprintf(out, out_size, "%.0fh%02.0fm", floor(us / 3600e6), floor(fmod(us, 3600e6) / 60e6));
}

char *duration_format(char *out, size_t out_size, double us)
{
    /* The limits are where rounding would show "1000us", "1000.00ms" or "60.00s". */
    if (us < 999.5)
        snprintf(out, out_size, "%.0fus", us);
    else if (us < 999.995e3)
        snprintf(out, out_size, "%.2fms", us / 1e3);
    else if (us < 59.995e6)
        snprintf(out, out_size, "%.2fs", us / 1e6);
    else
        format_minutes(out, out_size, fmax(us, 60e6));
    return out;
}

char *size_format(char *out, size_t out_size, double bytes)
{
    static const char *const names[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t i = 0;
    while (bytes >= 999.95 && i + 1 < sizeof names / sizeof names[0]) {
        bytes /= 1000;
        i++;
    }
    snprintf(out, out_size, i ? "%.1f %s" : "%.0f %s", bytes, names[i]);
    return out;
}

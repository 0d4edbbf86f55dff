/* settings.c - the texts of options, as numbers. */
#include "settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int say(char *problem, const char *option, const char *text, size_t len, const char *reason)
{
    snprintf(problem, SETTINGS_MAX_PROBLEM_BYTES, "%s: '%.*s': %s", option,
             (int)(len > 60 ? 60 : len), text, reason);
    return -1;
}

/* A number without sign and exponent, and what follows it. */
static bool read_number(const char *text, const char **ret_end, double *ret)
{
    char *end;
    if (!isdigit((unsigned char)text[0]) || strspn(text, "0123456789.") > 18)
        return false;
    *ret = strtod(text, &end);
    *ret_end = text + strspn(text, "0123456789.");
    return end == *ret_end;
}

static bool unit_is(const char *text, size_t len, const char *unit)
{
    return strlen(unit) == len && strncasecmp(text, unit, len) == 0;
}

static bool read_bytes(const char *text, size_t len, uint64_t *ret)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"", 1},         {"B", 1},        {"K", 1e3},     {"KB", 1e3},
                 {"M", 1e6},      {"MB", 1e6},     {"G", 1e9},     {"GB", 1e9},
                 {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}};
    const char *unit;
    double value;
    if (!read_number(text, &unit, &value) || unit > text + len)
        return false;
    size_t unit_bytes = len - (size_t)(unit - text);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (unit_is(unit, unit_bytes, units[i].unit) && value * units[i].factor < 1e15) {
            *ret = (uint64_t)(value * units[i].factor + 0.5);
            return true;
        }
    return false;
}

static int read_size(const char *text, size_t len, struct settings_size *ret, bool *ret_has_weight,
                     char *problem)
{
    const char *equals = memchr(text, '=', len), *end;
    size_t size_len = equals ? (size_t)(equals - text) : len;
    if (size_len && strchr("0123456789.", text[size_len - 1]))
        return say(problem, "sizes", text, len, "no unit; write 10B, 50KB or 2MB");
    ret->up_to = 1;
    *ret_has_weight = equals != NULL;
    if (!read_bytes(text, size_len, &ret->bytes) || ret->bytes == 0)
        return say(problem, "sizes", text, len, "no size; write 50KB=26,200KB=74");
    if (!equals)
        return 0;
    if (!read_number(equals + 1, &end, &ret->up_to) || (size_t)(end - text) + (*end == '%') != len)
        return say(problem, "sizes", text, len, "no weight; write 50KB=26,200KB=74");
    return 0;
}

int settings_sizes(const char *text, struct settings_sizes *ret, char *problem)
{
    size_t weighted = 0;
    double sum = 0;
    ret->count = 0;
    while (*text) {
        size_t len = strcspn(text, ",");
        bool has_weight = false;
        struct settings_size *size = &ret->size[ret->count];
        if (ret->count == SETTINGS_MAX_SIZES)
            return say(problem, "sizes", text, len, "more than 64 sizes");
        if (read_size(text, len, size, &has_weight, problem))
            return -1;
        sum += size->up_to;
        size->up_to = sum;
        weighted += has_weight;
        ret->count++;
        text += len + (text[len] == ',');
    }
    if (weighted && weighted != ret->count) {
        snprintf(problem, SETTINGS_MAX_PROBLEM_BYTES,
                 "sizes: %zu of %zu have a weight; give all one, or none", weighted, ret->count);
        return -1;
    }
    if (weighted && (sum < 99.999 || sum > 100.001)) {
        snprintf(problem, SETTINGS_MAX_PROBLEM_BYTES, "sizes: the weights add up to %g, not to 100",
                 sum);
        return -1;
    }
    for (size_t i = 0; i < ret->count; i++)
        ret->size[i].up_to /= sum;
    return 0;
}

uint64_t settings_draw(const struct settings_sizes *sizes, double at)
{
    for (size_t i = 0; i + 1 < sizes->count; i++)
        if (at < sizes->size[i].up_to)
            return sizes->size[i].bytes;
    return sizes->count ? sizes->size[sizes->count - 1].bytes : 0;
}

int settings_share(const char *text, double *ret, char *problem)
{
    const char *end;
    double value;
    bool is_number = read_number(text, &end, &value);
    if (is_number && strcmp(end, "%") == 0)
        value /= 100;
    else if (is_number && *end)
        is_number = false;
    if (!is_number || value > 1)
        return say(problem, "dup", text, strlen(text), "no share; write 10% or 0.1");
    *ret = value;
    return 0;
}

int settings_rate(const char *text, uint64_t *ret, char *problem)
{
    static const struct {
        const char *unit;
        double factor;
    } bits[] = {{"bit", 1.0 / 8}, {"kbit", 1e3 / 8}, {"mbit", 1e6 / 8}, {"gbit", 1e9 / 8}};
    size_t len = strlen(text);
    const char *unit;
    double value;
    *ret = 0;
    if (len == 0)
        return 0;
    if (len > 2 && strcmp(text + len - 2, "/s") == 0)
        len -= 2;
    if (!read_number(text, &unit, &value) || unit > text + len)
        return say(problem, "rate", text, len, "no rate; write 1mbit, 500kbit or 64KB");
    if (unit == text + len && value > 0)
        return say(problem, "rate", text, len, "no unit; write 1mbit, 500kbit or 64KB");
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        if (unit_is(unit, len - (size_t)(unit - text), bits[i].unit)) {
            *ret = (uint64_t)(value * bits[i].factor + 0.5);
            return *ret ? 0 : say(problem, "rate", text, len, "0; without rate= it has no limit");
        }
    if (!read_bytes(text, len, ret))
        return say(problem, "rate", text, len, "no rate; write 1mbit, 500kbit or 64KB");
    return *ret ? 0 : say(problem, "rate", text, len, "0; without rate= it has no limit");
}

int settings_kind(const char *text, enum pcm_kind *ret, char *problem)
{
    static const char *const kinds[] = {
        [PCM_TONE] = "tone", [PCM_NOISE] = "noise", [PCM_SILENCE] = "silence"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(text, kinds[i]) == 0) {
            *ret = (enum pcm_kind)i;
            return 0;
        }
    return say(problem, "kind", text, strlen(text), "it is tone, noise or silence");
}

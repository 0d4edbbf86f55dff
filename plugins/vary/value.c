/* value.c - values that are made, from templates. */
#include "value.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind {
    KIND_NONE,
    KIND_UUID,
    KIND_TIME_ISO,
    KIND_TIME_S,
    KIND_TIME_MS,
    KIND_HEX,
    KIND_DIGITS,
    KIND_DATA,
    KIND_N,
    KIND_SEQ,
    KIND_VALUE,
    KIND_DOMAIN
};

uint64_t value_mix(uint64_t seed, uint64_t with)
{
    uint64_t z = seed + 0x9e3779b97f4a7c15U * (with + 1); /* SplitMix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

uint64_t value_hash(uint64_t seed, const char *bytes, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325U ^ seed; /* FNV-1a */
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3U;
    return value_mix(hash, len);
}

static bool is_name(const char *name, size_t len, const char *wanted)
{
    return len == strlen(wanted) && memcmp(name, wanted, len) == 0;
}

/* "hex16" for the word "hex": 16; 0: something else. */
static size_t count_behind(const char *name, size_t len, const char *word)
{
    size_t word_bytes = strlen(word), count = 0;
    if (len <= word_bytes || len > word_bytes + 3 || memcmp(name, word, word_bytes) != 0)
        return 0;
    for (size_t i = word_bytes; i < len; i++) {
        if (!isdigit((unsigned char)name[i]))
            return 0;
        count = count * 10 + (size_t)(name[i] - '0');
    }
    return count <= VALUE_MAX_COUNT ? count : 0;
}

static enum kind kind_of(const char *name, size_t len, size_t *ret_count)
{
    static const struct {
        const char *name;
        enum kind kind;
    } kinds[] = {{"uuid", KIND_UUID},     {"time_iso", KIND_TIME_ISO},
                 {"time_s", KIND_TIME_S}, {"time_ms", KIND_TIME_MS},
                 {"n", KIND_N},           {"seq", KIND_SEQ},
                 {"value", KIND_VALUE},   {"domain", KIND_DOMAIN}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (is_name(name, len, kinds[i].name))
            return kinds[i].kind;
    if ((*ret_count = count_behind(name, len, "hex")))
        return KIND_HEX;
    if ((*ret_count = count_behind(name, len, "digits")))
        return KIND_DIGITS;
    return len > 5 && memcmp(name, "data:", 5) == 0 ? KIND_DATA : KIND_NONE;
}

bool value_is_known(const char *name, size_t len)
{
    size_t count;
    enum kind kind = kind_of(name, len, &count);
    return kind != KIND_NONE && kind != KIND_N && kind != KIND_SEQ;
}

int value_check(const char *form, char problem[VALUE_MAX_PROBLEM_BYTES])
{
    size_t count;
    for (const char *open; (open = strchr(form, '{'));) {
        size_t len = strcspn(open + 1, "}");
        if (!open[1 + len]) {
            snprintf(problem, VALUE_MAX_PROBLEM_BYTES, "a '{' is not closed");
            return -1;
        }
        if (kind_of(open + 1, len, &count) == KIND_NONE) {
            snprintf(problem, VALUE_MAX_PROBLEM_BYTES,
                     "{%.*s} is none of n, seq, value, domain, " VALUE_NAMES " (N to 256)",
                     (int)(len < 40 ? len : 40), open + 1);
            return -1;
        }
        form = open + len + 2;
    }
    return 0;
}

static uint64_t draw(struct value_source *source)
{
    return source->random = value_mix(source->random, 1);
}

static void append_letters(struct value_source *source, const char *letters, size_t letter_count,
                           size_t count, struct text *into)
{
    for (size_t i = 0; i < count; i++)
        text_append(into, &letters[(draw(source) >> 16) % letter_count], 1);
}

/* RFC 9562, version 4. */
static void append_uuid(struct value_source *source, struct text *into)
{
    char text[40];
    uint64_t high = draw(source), low = draw(source);
    high = (high & ~UINT64_C(0xf000)) | 0x4000;
    low = (low & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
    snprintf(text, sizeof text,
             "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64, high >> 32,
             high >> 16 & 0xffff, high & 0xffff, low >> 48, low & UINT64_C(0xffffffffffff));
    text_append_string(into, text);
}

/* Of the Gregorian calendar; its years begin in March here, so that the leap day is the last. */
static void append_iso(int64_t unix_us, struct text *into)
{
    char text[64];
    int64_t seconds = unix_us / 1000000, days = seconds / 86400 + 719468;
    int64_t era = days / 146097, day_of_era = days % 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153, day = day_of_year - (153 * month + 2) / 5 + 1;
    month += month < 10 ? 3 : -9;
    int64_t year = era * 400 + year_of_era + (month <= 2), second = seconds % 86400;
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year, (int)month,
             (int)day, (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60),
             (int)(unix_us / 1000 % 1000));
    text_append_string(into, text);
}

static void append_number(uint64_t number, struct text *into)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    text_append_string(into, text);
}

static void append_domain(const struct value_source *source, struct text *into)
{
    const char *at =
        source->recorded_bytes ? memchr(source->recorded, '@', source->recorded_bytes) : NULL;
    if (at && at + 1 < source->recorded + source->recorded_bytes)
        text_append(into, at + 1, source->recorded_bytes - (size_t)(at + 1 - source->recorded));
    else
        text_append_string(into, "example.org");
}

static int append_column(struct value_source *source, const char *name, size_t len,
                         struct text *into)
{
    char column[256];
    size_t bytes;
    if (len >= sizeof column || !source->column)
        return -1;
    memcpy(column, name, len);
    column[len] = '\0';
    const char *text = source->column(source->owner, column, &bytes);
    if (!text)
        return -1;
    text_append(into, text, bytes);
    return 0;
}

static int append_kind(const char *name, size_t len, struct value_source *source, struct text *into)
{
    size_t count = 0;
    switch (kind_of(name, len, &count)) {
    case KIND_UUID:
        append_uuid(source, into);
        break;
    case KIND_TIME_ISO:
        append_iso(source->unix_us, into);
        break;
    case KIND_TIME_S:
        append_number((uint64_t)source->unix_us / 1000000, into);
        break;
    case KIND_TIME_MS:
        append_number((uint64_t)source->unix_us / 1000, into);
        break;
    case KIND_HEX:
        append_letters(source, "0123456789abcdef", 16, count, into);
        break;
    case KIND_DIGITS: /* no zero first: it may be a number */
        append_letters(source, "123456789", 9, 1, into);
        append_letters(source, "0123456789", 10, count - 1, into);
        break;
    case KIND_DATA:
        return append_column(source, name + 5, len - 5, into);
    case KIND_N:
        append_number(source->n, into);
        break;
    case KIND_SEQ:
        append_number(source->seq, into);
        break;
    case KIND_VALUE:
        text_append(into, source->recorded, source->recorded_bytes);
        break;
    case KIND_DOMAIN:
        append_domain(source, into);
        break;
    case KIND_NONE:
        break;
    }
    return 0;
}

int value_make(const char *form, struct value_source *source, struct text *into)
{
    for (;;) {
        size_t plain = strcspn(form, "{");
        text_append(into, form, plain);
        form += plain;
        if (!*form)
            return 0;
        size_t len = strcspn(form + 1, "}");
        if (append_kind(form + 1, len, source, into))
            return -1;
        form += len + 2;
    }
}

/* identity_draw.c - draws ids, names and mail addresses that look like the recorded ones. */
#include "replay/identities/identity_draw.h"

/* --- finding ------------------------------------------------------------------------------ */

/* `pattern`: x a hex digit, d a digit, all else itself. */
static bool has_pattern(struct bytes text, size_t at, const char *pattern)
{
    for (size_t i = 0; pattern[i]; i++) {
        if (at + i >= text.len)
            return false;
        char c = text.ptr[at + i];
        bool fits = pattern[i] == 'x'   ? ascii_hex_value(c) >= 0
                    : pattern[i] == 'd' ? ascii_is_digit(c)
                                        : c == pattern[i];
        if (!fits)
            return false;
    }
    return true;
}

/* A whole word of that pattern: no letter or digit on either side. */
static struct bytes find_pattern(struct bytes text, const char *pattern)
{
    size_t len = strlen(pattern);
    for (size_t at = 0; at + len <= text.len; at++) {
        if ((at && ascii_is_alnum(text.ptr[at - 1])) || !has_pattern(text, at, pattern))
            continue;
        if (at + len == text.len || !ascii_is_alnum(text.ptr[at + len]))
            return bytes_make(text.ptr + at, len);
    }
    return (struct bytes){0};
}

static bool is_of_address(char c, bool is_local)
{
    return ascii_is_alnum(c) || c == '.' || c == '-' ||
           (is_local && (c == '_' || c == '+' || c == '%'));
}

static struct bytes find_email(struct bytes text)
{
    for (size_t at = bytes_index_of(text, '@'); at < text.len; at++) {
        size_t from = at, to = at + 1;
        if (text.ptr[at] != '@')
            continue;
        while (from && is_of_address(text.ptr[from - 1], true))
            from--;
        while (to < text.len && is_of_address(text.ptr[to], false))
            to++;
        while (to > at + 1 && !ascii_is_alnum(text.ptr[to - 1]))
            to--;
        if (from < at && to > at + 1)
            return bytes_make(text.ptr + from, to - from);
    }
    return (struct bytes){0};
}

static size_t count_digits(struct bytes text, size_t at)
{
    size_t len = 0;
    while (at + len < text.len && ascii_is_digit(text.ptr[at + len]))
        len++;
    return len;
}

/* Seconds may have a fraction. */
static struct bytes find_count(struct bytes text, const char *pattern, bool has_fraction)
{
    struct bytes found = find_pattern(text, pattern);
    size_t end = found.ptr ? (size_t)(found.ptr - text.ptr) + found.len : text.len;
    if (has_fraction && end < text.len && text.ptr[end] == '.') {
        size_t digits = count_digits(text, end + 1);
        found.len += digits ? digits + 1 : 0;
    }
    return found;
}

/* "2026-11-21", then perhaps "T17:51", ":22", ".123", "Z" or "+01:00". */
static struct bytes find_iso(struct bytes text)
{
    for (size_t at = 0; at < text.len; at++) {
        if ((at && ascii_is_alnum(text.ptr[at - 1])) || !has_pattern(text, at, "dddd-dd-dd"))
            continue;
        size_t len = 10;
        bool has_time = has_pattern(text, at + len, "Tdd:dd") ||
                        has_pattern(text, at + len, "tdd:dd") ||
                        has_pattern(text, at + len, " dd:dd");
        len += has_time ? 6 : 0;
        if (has_time && has_pattern(text, at + len, ":dd"))
            len += 3;
        if (has_time && has_pattern(text, at + len, ".d"))
            len += 1 + count_digits(text, at + len + 1);
        if (has_time &&
            (has_pattern(text, at + len, "+dd:dd") || has_pattern(text, at + len, "-dd:dd")))
            len += 6;
        else if (has_time && (has_pattern(text, at + len, "Z") || has_pattern(text, at + len, "z")))
            len += 1;
        return bytes_make(text.ptr + at, len);
    }
    return (struct bytes){0};
}

struct bytes identity_find(enum own_kind kind, struct bytes text)
{
    struct bytes found;
    switch (kind) {
    case OWN_UUID:
        found = find_pattern(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
        return found.ptr ? found : find_pattern(text, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    case OWN_EMAIL:
        return find_email(text);
    case OWN_TIME_S:
        return find_count(text, "dddddddddd", true);
    case OWN_TIME_MS:
        return find_count(text, "ddddddddddddd", false);
    case OWN_TIME_ISO:
        return find_iso(text);
    default:
        return text;
    }
}

/* --- drawing ------------------------------------------------------------------------------ */

static bool has_upper(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z')
            return true;
    }
    return false;
}

static struct bytes draw_hex(struct bytes recorded, struct random *random, char *room)
{
    const char *digits = has_upper(recorded) ? "0123456789ABCDEF" : "0123456789abcdef";
    for (size_t i = 0; i < recorded.len; i++)
        room[i] = ascii_hex_value(recorded.ptr[i]) < 0 ? recorded.ptr[i]
                                                       : digits[random_below(random, 16)];
    return bytes_make(room, recorded.len);
}

/* The nibble that says the version stays; that of the variant stays one (RFC 9562 4). */
static struct bytes draw_uuid(struct bytes recorded, struct random *random, char *room)
{
    size_t version_at = recorded.len == 36 ? 14 : 12, variant_at = recorded.len == 36 ? 19 : 16;
    struct bytes drawn = draw_hex(recorded, random, room);
    if (recorded.len <= variant_at)
        return drawn;
    int variant = ascii_hex_value(recorded.ptr[variant_at]);
    const char *variants = has_upper(recorded) ? "89AB" : "89ab";
    room[version_at] = recorded.ptr[version_at];
    room[variant_at] = variant >= 8 && variant <= 11 ? variants[random_below(random, 4)]
                                                     : recorded.ptr[variant_at];
    return drawn;
}

/* A number does not begin with a zero that it did not have. */
static char draw_digit(struct bytes recorded, size_t at, struct random *random)
{
    bool is_first = at == 0 || !ascii_is_digit(recorded.ptr[at - 1]);
    if (is_first && recorded.ptr[at] != '0')
        return (char)('1' + random_below(random, 9));
    return (char)('0' + random_below(random, 10));
}

static struct bytes draw_text(struct bytes recorded, bool has_letters, struct random *random,
                              char *room)
{
    for (size_t i = 0; i < recorded.len; i++) {
        char c = recorded.ptr[i];
        if (ascii_is_digit(c))
            room[i] = draw_digit(recorded, i, random);
        else if (has_letters && ascii_is_alpha(c))
            room[i] = (char)((c >= 'a' ? 'a' : 'A') + random_below(random, 26));
        else
            room[i] = c;
    }
    return bytes_make(room, recorded.len);
}

/* The name up to its first digit, so that it looks like somebody's, and 62 bits of chance: at the
 * recorded domain, which the target may ask for. */
static struct bytes draw_email(struct bytes recorded, struct random *random, char *room)
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    enum { STEM_BYTES = 40, CHANCE_BYTES = 12 };
    size_t at_sign = bytes_index_of(recorded, '@'), len = 0;
    while (len < at_sign && len < STEM_BYTES && ascii_is_alpha(recorded.ptr[len]))
        len++;
    if (len)
        memcpy(room, recorded.ptr, len);
    else
        room[len++] = 'u';
    bool has_tag = bytes_index_of(bytes_make(recorded.ptr, at_sign), '+') < at_sign;
    room[len++] = has_tag ? '+' : '.';
    for (int i = 0; i < CHANCE_BYTES; i++)
        room[len++] = alphabet[random_below(random, 36)];
    memcpy(room + len, recorded.ptr + at_sign, recorded.len - at_sign);
    return bytes_make(room, len + recorded.len - at_sign);
}

struct bytes identity_draw(enum own_kind kind, struct bytes recorded, struct random *random,
                           char *room)
{
    switch (kind) {
    case OWN_UUID:
        return draw_uuid(recorded, random, room);
    case OWN_HEX:
        return draw_hex(recorded, random, room);
    case OWN_EMAIL:
        return draw_email(recorded, random, room);
    case OWN_DIGITS:
        return draw_text(recorded, false, random, room);
    default:
        return draw_text(recorded, true, random, room);
    }
}

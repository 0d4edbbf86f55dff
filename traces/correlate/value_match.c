/* value_match.c - values in the forms in which requests carry them. */
#include "traces/correlate/value_match.h"

#include <stdlib.h>

static bool is_word(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c);
}

/* Not with more of a word at either end, unless it is long enough to be no accident. */
static bool stands_alone(struct bytes text, size_t at, size_t len)
{
    if (len >= VALUE_MATCH_SHORT_BYTES)
        return true;
    bool begins_inside = at > 0 && is_word(text.ptr[at - 1]) && is_word(text.ptr[at]);
    bool ends_inside =
        at + len < text.len && is_word(text.ptr[at + len - 1]) && is_word(text.ptr[at + len]);
    return !begins_inside && !ends_inside;
}

static bool is_part(struct bytes value, struct bytes text)
{
    struct bytes rest = text;
    const char *found;
    if (!value.len)
        return false;
    while (rest.len >= value.len && (found = memmem(rest.ptr, rest.len, value.ptr, value.len))) {
        size_t at = (size_t)(found - text.ptr);
        if (stands_alone(text, at, value.len))
            return true;
        rest = bytes_from(text, at + 1);
    }
    return false;
}

/* --- forms: of each the value as it is written, at most six bytes for one --------------------- */

enum { MAX_GROWTH = 6 };

static size_t write_html(struct bytes value, char *out)
{
    static const struct {
        char c;
        const char *escape;
    } escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        const char *escape = NULL;
        for (size_t e = 0; e < sizeof escapes / sizeof escapes[0]; e++)
            escape = escapes[e].c == value.ptr[i] ? escapes[e].escape : escape;
        if (escape) {
            memcpy(out + len, escape, strlen(escape));
            len += strlen(escape);
        } else {
            out[len++] = value.ptr[i];
        }
    }
    return len;
}

/* Without padding: what comes behind it is none of the value's. */
static size_t write_base64(struct bytes value, const char *last_two, char *out)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    size_t len = 0;
    uint32_t bits = 0;
    int bit_count = 0;
    for (size_t i = 0; i <= value.len; i++) {
        if (i < value.len) {
            bits = bits << 8 | (unsigned char)value.ptr[i];
            bit_count += 8;
        } else if (bit_count) {
            bits <<= 6 - bit_count;
            bit_count = 6;
        }
        for (; bit_count >= 6; bit_count -= 6) {
            uint32_t digit = bits >> (bit_count - 6) & 63;
            out[len++] = digit < 62 ? first[digit] : last_two[digit - 62];
        }
    }
    return len;
}

static size_t write_hex(struct bytes value, const char *digits, char *out)
{
    for (size_t i = 0; i < value.len; i++) {
        out[2 * i] = digits[(unsigned char)value.ptr[i] >> 4];
        out[2 * i + 1] = digits[(unsigned char)value.ptr[i] & 15];
    }
    return 2 * value.len;
}

static size_t undo_percent(struct bytes text, bool plus_is_space, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int high = -1, low = -1;
        if (text.ptr[i] == '%' && i + 2 < text.len) {
            high = ascii_hex_value(text.ptr[i + 1]);
            low = ascii_hex_value(text.ptr[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            out[len++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[len++] = plus_is_space && text.ptr[i] == '+' ? ' ' : text.ptr[i];
        }
    }
    return len;
}

enum form { RAW, PERCENT, PLUS, HTML, BASE64, BASE64URL, HEX, FORM_COUNT };

static const char *const forms[FORM_COUNT] = {"raw",    "percent",   "plus", "html",
                                              "base64", "base64url", "hex"};

static enum form form_of(struct bytes word)
{
    int form = 0;
    while (form < FORM_COUNT && !bytes_equal(word, bytes_of(forms[form])))
        form++;
    return (enum form)form;
}

bool value_form_is_known(struct bytes form)
{
    return form_of(form) != FORM_COUNT;
}

static bool is_written_in(struct bytes value, struct bytes text, enum form form, char *room)
{
    switch (form) {
    case PERCENT:
    case PLUS:
        return is_part(value, bytes_make(room, undo_percent(text, form == PLUS, room)));
    case HTML:
        return is_part(bytes_make(room, write_html(value, room)), text);
    case BASE64:
        return is_part(bytes_make(room, write_base64(value, "+/", room)), text);
    case BASE64URL:
        return is_part(bytes_make(room, write_base64(value, "-_", room)), text);
    case HEX:
        return is_part(bytes_make(room, write_hex(value, "0123456789abcdef", room)), text) ||
               is_part(bytes_make(room, write_hex(value, "0123456789ABCDEF", room)), text);
    case RAW:
    case FORM_COUNT:
        break;
    }
    return false;
}

bool value_is_in(struct bytes value, struct bytes text, struct bytes form)
{
    enum form wanted = form_of(form);
    if (value.len > VALUE_MATCH_MAX_BYTES || text.len > VALUE_MATCH_MAX_BYTES)
        return false;
    /* What a place has undone already is there as it is. */
    bool is_undone = wanted == RAW || wanted == PERCENT || wanted == PLUS || wanted == HTML;
    if (is_undone && is_part(value, text))
        return true;
    size_t longer = value.len > text.len ? value.len : text.len;
    char *room = malloc(longer * MAX_GROWTH + 1);
    bool is_in = room && is_written_in(value, text, wanted, room);
    free(room);
    return is_in;
}

/* --- made by the client ------------------------------------------------------------------- */

static bool is_pattern(struct bytes value, const char *pattern, bool is_whole)
{
    size_t len = strlen(pattern);
    if (is_whole ? value.len != len : value.len < len)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = value.ptr[i];
        bool fits = pattern[i] == 'x'   ? ascii_hex_value(c) >= 0
                    : pattern[i] == '9' ? ascii_is_digit(c)
                                        : c == pattern[i];
        if (!fits)
            return false;
    }
    return true;
}

static bool all_of(struct bytes value, bool (*is_one)(char))
{
    for (size_t i = 0; i < value.len; i++) {
        if (!is_one(value.ptr[i]))
            return false;
    }
    return value.len > 0;
}

static bool is_hex(char c)
{
    return ascii_hex_value(c) >= 0;
}

bool value_is_made_as(struct bytes value, struct bytes kind)
{
    if (bytes_equal(kind, bytes_of("uuid")))
        return is_pattern(value, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", true);
    if (bytes_equal(kind, bytes_of("hex")))
        return all_of(value, is_hex);
    if (bytes_equal(kind, bytes_of("digits")))
        return all_of(value, ascii_is_digit);
    if (bytes_equal(kind, bytes_of("email")))
        return bytes_index_of(value, '@') < value.len;
    if (bytes_equal(kind, bytes_of("time_s")))
        return is_pattern(value, "9999999999", false) && value.len < 13;
    if (bytes_equal(kind, bytes_of("time_ms")))
        return is_pattern(value, "9999999999999", false);
    if (bytes_equal(kind, bytes_of("time_iso")))
        return is_pattern(value, "9999-99-99", false);
    return value.len > 0;
}

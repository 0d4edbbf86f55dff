/* value_match.c - values in the forms in which requests carry them. */
#include "traces/correlate/value_match.h"

#include <stdlib.h>

#include "core/html_references.h"
#include "core/text_codings.h"

/* Not with more of a word at either end, unless it is long enough to be no accident. */
static bool stands_alone(struct bytes text, size_t at, size_t len)
{
    if (len >= VALUE_MATCH_SHORT_BYTES)
        return true;
    bool begins_inside = at > 0 && ascii_is_alnum(text.ptr[at - 1]) && ascii_is_alnum(text.ptr[at]);
    bool ends_inside = at + len < text.len && ascii_is_alnum(text.ptr[at + len - 1]) &&
                       ascii_is_alnum(text.ptr[at + len]);
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

/* --- forms --------------------------------------------------------------------------------- */

enum { MAX_GROWTH = 2 }; /* hex; base64 of a byte is four */

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

const char *value_form_word(struct bytes form)
{
    return value_form_is_known(form) ? forms[form_of(form)] : NULL;
}

/* What was written into the room, which has place for every form. */
static struct bytes text_in(const char *room, ssize_t len)
{
    return bytes_make(room, len < 0 ? 0 : (size_t)len);
}

/* base64 without padding: what comes behind it is none of the value's. */
static bool is_written_in(struct bytes value, struct bytes text, enum form form, char *room,
                          size_t room_size)
{
    enum base64_alphabet alphabet = form == BASE64URL ? BASE64_URL : BASE64_STANDARD;
    switch (form) {
    case PERCENT:
    case PLUS:
        return is_part(value, text_in(room, percent_read(text, form == PLUS, room, room_size)));
    case HTML:
        return is_part(value, text_in(room, html_read(text, room, room_size)));
    case BASE64:
    case BASE64URL:
        return is_part(text_in(room, base64_write(value, alphabet, false, room, room_size)), text);
    case HEX:
        return is_part(text_in(room, hex_write(value, false, room, room_size)), text) ||
               is_part(text_in(room, hex_write(value, true, room, room_size)), text);
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
    size_t room_size = longer * MAX_GROWTH + 4;
    char *room = malloc(room_size);
    bool is_in = room && is_written_in(value, text, wanted, room, room_size);
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

/* value_codings.c - percent, HTML, base64, base64url and hexadecimal codings undone. */
#include "traces/correlate/value_codings.h"

enum { MIN_CODED_BYTES = 8 };

static bool undo_percent(struct bytes text, char *out, size_t *ret_len)
{
    size_t len = 0;
    bool has_any = false;
    for (size_t i = 0; i < text.len; i++) {
        int high = i + 2 < text.len ? ascii_hex_value(text.ptr[i + 1]) : -1;
        int low = i + 2 < text.len ? ascii_hex_value(text.ptr[i + 2]) : -1;
        if (text.ptr[i] == '%' && high >= 0 && low >= 0) {
            out[len++] = (char)(high << 4 | low);
            i += 2;
            has_any = true;
        } else {
            out[len++] = text.ptr[i];
        }
    }
    *ret_len = len;
    return has_any;
}

static bool undo_html(struct bytes text, char *out, size_t *ret_len)
{
    static const struct entity {
        const char *name;
        char c;
    } entities[] = {{"&amp;", '&'},  {"&lt;", '<'},   {"&gt;", '>'},
                    {"&quot;", '"'}, {"&#39;", '\''}, {"&#x27;", '\''}};
    size_t len = 0;
    bool has_any = false;
    while (text.len) {
        size_t used = 1;
        char c = text.ptr[0];
        for (size_t i = 0; c == '&' && i < sizeof entities / sizeof entities[0]; i++) {
            if (!bytes_starts_with(text, bytes_of(entities[i].name)))
                continue;
            c = entities[i].c;
            used = strlen(entities[i].name);
            has_any = true;
            break;
        }
        out[len++] = c;
        text = bytes_from(text, used);
    }
    *ret_len = len;
    return has_any;
}

static int base64_digit(char c, bool is_url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (ascii_is_digit(c))
        return c - '0' + 52;
    if (c == (is_url ? '-' : '+'))
        return 62;
    return c == (is_url ? '_' : '/') ? 63 : -1;
}

static bool undo_base64(struct bytes text, bool is_url, char *out, size_t *ret_len)
{
    uint32_t bits = 0;
    int held = 0;
    size_t len = 0;
    while (text.len && text.ptr[text.len - 1] == '=')
        text.len--;
    if (text.len < MIN_CODED_BYTES || text.len % 4 == 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = base64_digit(text.ptr[i], is_url);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[len++] = (char)(bits >> held & 0xff);
        }
    }
    *ret_len = len;
    return true;
}

static bool undo_hex(struct bytes text, char *out, size_t *ret_len)
{
    if (text.len < MIN_CODED_BYTES || text.len % 2)
        return false;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = ascii_hex_value(text.ptr[i]), low = ascii_hex_value(text.ptr[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (char)(high << 4 | low);
    }
    *ret_len = text.len / 2;
    return true;
}

/* Most of what can be read as base64 is none: then what comes out is not text. */
static bool is_readable(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f)
            return false;
    }
    return len > 0;
}

bool value_undo_coding(enum value_form_word form, struct bytes text, char out[CODING_MAX_BYTES],
                       size_t *ret_len)
{
    if (text.len > CODING_MAX_BYTES)
        return false;
    switch (form) {
    case WORD_PERCENT:
        return undo_percent(text, out, ret_len);
    case WORD_HTML:
        return undo_html(text, out, ret_len);
    case WORD_BASE64:
    case WORD_BASE64URL:
        return undo_base64(text, form == WORD_BASE64URL, out, ret_len) &&
               is_readable(out, *ret_len);
    case WORD_HEX:
        return undo_hex(text, out, ret_len) && is_readable(out, *ret_len);
    case WORD_RAW:
    case WORD_PLUS: /* only where the message says so */
        break;
    }
    return false;
}

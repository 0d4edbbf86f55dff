/* value_codings.c - percent, HTML, base64, base64url and hexadecimal codings undone. */
#include "traces/correlate/value_codings.h"

#include "core/html_references.h"
#include "core/text_codings.h"

enum { MIN_CODED_BYTES = 8 };

static bool undo_percent(struct bytes text, char *out, size_t *ret_len)
{
    ssize_t len = percent_read(text, false, out, CODING_MAX_BYTES);
    *ret_len = len < 0 ? 0 : (size_t)len;
    return len >= 0 && *ret_len < text.len;
}

static bool undo_html(struct bytes text, char *out, size_t *ret_len)
{
    ssize_t len = html_read(text, out, CODING_MAX_BYTES);
    *ret_len = len < 0 ? 0 : (size_t)len;
    return len >= 0 && *ret_len < text.len;
}

static bool undo_base64(struct bytes text, bool is_url, char *out, size_t *ret_len)
{
    struct bytes digits = base64_without_padding(text);
    if (digits.len < MIN_CODED_BYTES)
        return false;
    ssize_t len = base64_read(digits, is_url ? BASE64_URL : BASE64_STANDARD, out, CODING_MAX_BYTES);
    *ret_len = len < 0 ? 0 : (size_t)len;
    return len >= 0;
}

static bool undo_hex(struct bytes text, char *out, size_t *ret_len)
{
    ssize_t len = text.len < MIN_CODED_BYTES ? -1 : hex_read(text, out, CODING_MAX_BYTES);
    *ret_len = len < 0 ? 0 : (size_t)len;
    return len >= 0;
}

bool value_undo_coding(enum value_form_word form, struct bytes text, char out[CODING_MAX_BYTES],
                       size_t *ret_len)
{
    if (text.len > CODING_MAX_BYTES)
        return false;
    /* Most of what can be read as base64 is none: then what comes out is not text. */
    switch (form) {
    case WORD_PERCENT:
        return undo_percent(text, out, ret_len);
    case WORD_HTML:
        return undo_html(text, out, ret_len);
    case WORD_BASE64:
    case WORD_BASE64URL:
        return undo_base64(text, form == WORD_BASE64URL, out, ret_len) &&
               bytes_are_ascii_text(bytes_make(out, *ret_len));
    case WORD_HEX:
        return undo_hex(text, out, ret_len) && bytes_are_ascii_text(bytes_make(out, *ret_len));
    case WORD_RAW:
    case WORD_PLUS: /* only where the message says so */
        break;
    }
    return false;
}

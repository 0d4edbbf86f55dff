/* value_forms.c - writes values as their places want them, and reads recorded ones. */
#include "replay/plan/value_forms.h"

#include "core/html_references.h"
#include "core/json_scan.h"
#include "core/text_codings.h"

/* RFC 3986 2.3. */
static bool is_unreserved(unsigned char c)
{
    return ascii_is_alnum((char)c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static bool stays(enum value_form where, unsigned char c)
{
    if (where == VALUE_PERCENT)
        return is_unreserved(c);
    if (where == VALUE_PLUS)
        return is_unreserved(c) || c == ' ';
    if (where == VALUE_IN_TARGET)
        return is_unreserved(c) || (c && strchr("!$'()*+,;=:@%", c));
    if (where == VALUE_IN_FILENAME)
        return c != '"' && c != '\r' && c != '\n';
    return where == VALUE_IN_JSON ? c >= 0x20 && c != '"' && c != '\\' : true;
}

size_t value_form_len(enum value_form form, struct bytes text)
{
    enum value_form where = form & VALUE_WHERE;
    size_t len = text.len;
    if (where == VALUE_AS_IS || where == VALUE_IN_BODY)
        return len;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (!stays(where, c))
            len += where != VALUE_IN_JSON ? 2 : c < 0x20 ? 5 : 1;
    }
    return len;
}

void value_form_write(enum value_form form, struct bytes text, char *out)
{
    enum value_form where = form & VALUE_WHERE;
    if (where == VALUE_AS_IS || where == VALUE_IN_BODY) {
        if (text.len)
            memcpy(out, text.ptr, text.len);
        return;
    }
    if (where == VALUE_IN_JSON) {
        json_escape(text, out, text.len * JSON_MAX_ESCAPE_BYTES);
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (stays(where, c)) {
            *out++ = where == VALUE_PLUS && c == ' ' ? '+' : (char)c;
        } else {
            percent_write_byte(c, out);
            out += 3;
        }
    }
}

/* --- codings ------------------------------------------------------------------------------ */

ssize_t value_form_code(enum value_form form, struct bytes text, char *out, size_t out_size)
{
    switch ((int)(form & VALUE_CODING)) {
    case VALUE_HTML:
        return html_write(text, out, out_size);
    case VALUE_BASE64:
        return base64_write(text, BASE64_STANDARD, true, out, out_size);
    case VALUE_BASE64_BARE:
        return base64_write(text, BASE64_STANDARD, false, out, out_size);
    case VALUE_BASE64URL:
        return base64_write(text, BASE64_URL, true, out, out_size);
    case VALUE_BASE64URL_BARE:
        return base64_write(text, BASE64_URL, false, out, out_size);
    case VALUE_HEX:
        return hex_write(text, false, out, out_size);
    case VALUE_HEX_UPPER:
        return hex_write(text, true, out, out_size);
    default:
        break;
    }
    if (text.len > out_size)
        return -1;
    if (text.len)
        memcpy(out, text.ptr, text.len);
    return (ssize_t)text.len;
}

ssize_t value_form_decode(enum value_form form, struct bytes text, char *out)
{
    switch ((int)(form & VALUE_CODING)) {
    case 0:
        if (text.len)
            memcpy(out, text.ptr, text.len);
        return (ssize_t)text.len;
    case VALUE_HTML:
        return html_read(text, out, text.len);
    case VALUE_HEX:
    case VALUE_HEX_UPPER:
        return hex_read(text, out, text.len);
    default:
        return base64_read(base64_without_padding(text), BASE64_EITHER, out, text.len);
    }
}

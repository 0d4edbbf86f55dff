/* value_forms.c - writes values as their places want them, and reads recorded ones. */
#include "replay/plan/value_forms.h"

#include "core/json_scan.h"

/* RFC 3986 2.3. */
static bool is_unreserved(unsigned char c)
{
    return ascii_is_alpha((char)c) || ascii_is_digit((char)c) || c == '-' || c == '.' || c == '_' ||
           c == '~';
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
    static const char hex[] = "0123456789ABCDEF";
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
            *out++ = '%';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
        }
    }
}

/* --- codings ------------------------------------------------------------------------------ */

static const char base64_digits[2][65] = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

static ssize_t write_base64(struct bytes text, bool is_url, bool is_padded, char *out,
                            size_t out_size)
{
    const char *digits = base64_digits[is_url];
    size_t len = 0;
    if (out_size / 4 < text.len / 3 + 1)
        return -1;
    for (size_t i = 0; i < text.len; i += 3) {
        size_t left = text.len - i < 3 ? text.len - i : 3;
        uint32_t bits = 0;
        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < left ? (unsigned char)text.ptr[i + j] : 0);
        for (size_t j = 0; j < 4; j++) {
            if (j <= left)
                out[len++] = digits[bits >> (18 - 6 * j) & 63];
            else if (is_padded)
                out[len++] = '=';
        }
    }
    return (ssize_t)len;
}

static ssize_t write_hex(struct bytes text, const char *digits, char *out, size_t out_size)
{
    if (text.len > out_size / 2)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        out[2 * i] = digits[(unsigned char)text.ptr[i] >> 4];
        out[2 * i + 1] = digits[(unsigned char)text.ptr[i] & 15];
    }
    return (ssize_t)(2 * text.len);
}

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static ssize_t write_html(struct bytes text, char *out, size_t out_size)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *entity = entity_of(text.ptr[i]);
        struct bytes piece = entity ? bytes_of(entity) : bytes_make(text.ptr + i, 1);
        if (piece.len > out_size - len)
            return -1;
        memcpy(out + len, piece.ptr, piece.len);
        len += piece.len;
    }
    return (ssize_t)len;
}

ssize_t value_form_code(enum value_form form, struct bytes text, char *out, size_t out_size)
{
    switch ((int)(form & VALUE_CODING)) {
    case VALUE_HTML:
        return write_html(text, out, out_size);
    case VALUE_BASE64:
        return write_base64(text, false, true, out, out_size);
    case VALUE_BASE64_BARE:
        return write_base64(text, false, false, out, out_size);
    case VALUE_BASE64URL:
        return write_base64(text, true, true, out, out_size);
    case VALUE_BASE64URL_BARE:
        return write_base64(text, true, false, out, out_size);
    case VALUE_HEX:
        return write_hex(text, "0123456789abcdef", out, out_size);
    case VALUE_HEX_UPPER:
        return write_hex(text, "0123456789ABCDEF", out, out_size);
    default:
        break;
    }
    if (text.len > out_size)
        return -1;
    if (text.len)
        memcpy(out, text.ptr, text.len);
    return (ssize_t)text.len;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (ascii_is_digit(c))
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static ssize_t read_base64(struct bytes text, char *out)
{
    uint32_t bits = 0;
    size_t len = 0, digits = 0;
    while (text.len && text.ptr[text.len - 1] == '=')
        text.len--;
    for (; digits < text.len; digits++) {
        int value = base64_value(text.ptr[digits]);
        if (value < 0)
            return -1;
        bits = bits << 6 | (uint32_t)value;
        if (digits % 4)
            out[len++] = (char)(bits >> (6 - 2 * (digits % 4)) & 0xff);
    }
    return digits % 4 == 1 ? -1 : (ssize_t)len;
}

static ssize_t read_hex(struct bytes text, char *out)
{
    if (text.len % 2)
        return -1;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = ascii_hex_value(text.ptr[i]), low = ascii_hex_value(text.ptr[i + 1]);
        if (high < 0 || low < 0)
            return -1;
        out[i / 2] = (char)(high << 4 | low);
    }
    return (ssize_t)(text.len / 2);
}

ssize_t value_form_decode(enum value_form form, struct bytes text, char *out)
{
    switch ((int)(form & VALUE_CODING)) {
    case 0:
        if (text.len)
            memcpy(out, text.ptr, text.len);
        return (ssize_t)text.len;
    case VALUE_HTML:
        return -1;
    case VALUE_HEX:
    case VALUE_HEX_UPPER:
        return read_hex(text, out);
    default:
        return read_base64(text, out);
    }
}

size_t value_form_unescape(struct bytes text, bool plus_is_space, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int high = -1, low = -1;
        if (text.ptr[i] == '%' && text.len - i > 2) {
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

/* json_lex.c - takes JSON text apart into its tokens. */
#include "core/json_lex.h"

static size_t put_utf8(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(first[len] | code);
    return len;
}

/* The four digits of a \u escape; -1 when they are not. */
static int32_t hex4(struct bytes text)
{
    int32_t value = 0;
    if (text.len < 4)
        return -1;
    for (size_t i = 0; i < 4; i++) {
        int digit = ascii_hex_value(text.ptr[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

size_t json_take_escape(struct bytes text, char out[4], size_t *ret_len)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (text.len < 2)
        return 0;
    *ret_len = 1;
    if (text.ptr[1] != 'u') {
        const char *found = text.ptr[1] ? strchr(letters, text.ptr[1]) : NULL;
        out[0] = found ? values[found - letters] : 0;
        return found ? 2 : 0;
    }
    int32_t code = hex4(bytes_from(text, 2));
    if (code < 0 || (code >= 0xdc00 && code < 0xe000))
        return 0;
    if (code < 0xd800 || code >= 0xe000) {
        *ret_len = put_utf8((uint32_t)code, out);
        return 6;
    }
    struct bytes low_half = bytes_from(text, 6);
    if (!bytes_starts_with(low_half, bytes_of("\\u")))
        return 0;
    int32_t low = hex4(bytes_from(low_half, 2));
    if (low < 0xdc00 || low >= 0xe000)
        return 0;
    *ret_len =
        put_utf8(0x10000u + ((uint32_t)(code - 0xd800) << 10) + (uint32_t)(low - 0xdc00), out);
    return 12;
}

ssize_t json_unescape(struct bytes written, char *out, size_t out_size)
{
    size_t len = 0;
    while (written.len) {
        size_t plain = bytes_index_of(written, '\\');
        if (plain > out_size - len)
            return -1;
        if (plain)
            memcpy(out + len, written.ptr, plain);
        len += plain;
        written = bytes_from(written, plain);
        if (!written.len)
            break;
        char text[4];
        size_t text_len, used = json_take_escape(written, text, &text_len);
        if (!used || text_len > out_size - len)
            return -1;
        memcpy(out + len, text, text_len);
        len += text_len;
        written = bytes_from(written, used);
    }
    return (ssize_t)len;
}

ssize_t json_escape(struct bytes text, char *out, size_t out_size)
{
    static const char hex[] = "0123456789abcdef";
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        size_t need = c < 0x20 ? 6 : c == '"' || c == '\\' ? 2 : 1;
        if (need > out_size - len)
            return -1;
        if (need == 6) {
            memcpy(out + len, "\\u00", 4);
            out[len + 4] = hex[c >> 4];
            out[len + 5] = hex[c & 15];
        } else {
            if (need == 2)
                out[len] = '\\';
            out[len + need - 1] = (char)c;
        }
        len += need;
    }
    return (ssize_t)len;
}

/* --- tokens ------------------------------------------------------------------------------- */

struct json_text json_text_of(struct bytes text)
{
    if (bytes_starts_with(text, bytes_of("\xef\xbb\xbf")))
        text = bytes_from(text, 3);
    return (struct json_text){text.ptr, text.ptr + text.len};
}

enum { SHORT_BYTES = 16 }; /* up to here a loop is faster than a call */

/* The quote that ends the string, `at` inside it; NULL: there is none. */
static const char *find_quote(const char *at, const char *end)
{
    const char *near = end - at > SHORT_BYTES ? at + SHORT_BYTES : end, *quote = NULL;
    while (at < near && *at != '"')
        at += *at == '\\' ? 2 : 1;
    if (at < near)
        return at;
    while (at < end) {
        /* A quote stays the next one until an escape has gone past it. */
        if ((!quote || quote < at) && !(quote = memchr(at, '"', (size_t)(end - at))))
            return NULL;
        const char *escape = memchr(at, '\\', (size_t)(quote - at));
        if (!escape)
            return quote;
        at = escape + 2;
    }
    return NULL;
}

bool json_take_string(struct json_text *text, struct bytes *ret_content)
{
    const char *quote = find_quote(text->at + 1, text->end);
    if (!quote)
        return false;
    *ret_content = bytes_make(text->at + 1, (size_t)(quote - text->at - 1));
    text->at = quote + 1;
    return true;
}

bool json_skip_container(struct json_text *text)
{
    size_t open = 0;
    struct bytes content;
    while (text->at < text->end) {
        char c = *text->at;
        if (c == '"') {
            if (!json_take_string(text, &content))
                return false;
            continue;
        }
        text->at++;
        if (c == '{' || c == '[')
            open++;
        else if ((c == '}' || c == ']') && --open == 0)
            return true;
    }
    return false;
}

/* RFC 8259 section 6. */
static bool is_number(struct bytes text)
{
    size_t i = text.len && text.ptr[0] == '-', start = i;
    while (i < text.len && ascii_is_digit(text.ptr[i]))
        i++;
    if (i == start || (text.ptr[start] == '0' && i > start + 1))
        return false;
    if (i < text.len && text.ptr[i] == '.') {
        start = ++i;
        while (i < text.len && ascii_is_digit(text.ptr[i]))
            i++;
        if (i == start)
            return false;
    }
    if (i < text.len && (text.ptr[i] | 0x20) == 'e') {
        i++;
        i += i < text.len && (text.ptr[i] == '+' || text.ptr[i] == '-');
        start = i;
        while (i < text.len && ascii_is_digit(text.ptr[i]))
            i++;
        if (i == start)
            return false;
    }
    return i == text.len;
}

/* A number or a word. */
static bool take_word(struct json_text *text, struct bytes *ret_word, enum json_kind *ret_kind)
{
    static const char *const words[] = {"true", "false", "null"};
    const char *start = text->at;
    while (text->at < text->end &&
           (ascii_is_alnum(*text->at) || *text->at == '-' || *text->at == '+' || *text->at == '.'))
        text->at++;
    *ret_word = bytes_make(start, (size_t)(text->at - start));
    *ret_kind = JSON_SCAN_NUMBER;
    for (size_t i = 0; i < 3; i++) {
        if (bytes_equal(*ret_word, bytes_of(words[i]))) {
            *ret_kind = (enum json_kind)(JSON_SCAN_TRUE + i);
            return true;
        }
    }
    return is_number(*ret_word);
}

bool json_take_scalar(struct json_text *text, struct bytes *ret_written, enum json_kind *ret_kind)
{
    *ret_kind = JSON_SCAN_STRING;
    return *text->at == '"' ? json_take_string(text, ret_written)
                            : take_word(text, ret_written, ret_kind);
}

/* fields.c - where a field's value stands in a=1&b=2. */
#include "fields.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next decoded byte of at..end; how many bytes it took. */
static size_t decode_one(const char *at, const char *end, char *ret)
{
    if (*at == '%' && end - at >= 3 && hex_value(at[1]) >= 0 && hex_value(at[2]) >= 0) {
        *ret = (char)(hex_value(at[1]) << 4 | hex_value(at[2]));
        return 3;
    }
    *ret = *at == '+' ? ' ' : *at;
    return 1;
}

void field_decode(const char *text, size_t len, struct text *into)
{
    for (const char *at = text, *end = text + len; at < end;) {
        char c;
        at += decode_one(at, end, &c);
        text_append(into, &c, 1);
    }
}

static bool name_is(const char *text, size_t len, const char *name)
{
    const char *at = text, *end = text + len;
    while (at < end) {
        char c;
        at += decode_one(at, end, &c);
        if (!*name || c != *name++)
            return false;
    }
    return !*name;
}

bool field_find(const char *text, size_t len, const char *name, size_t index, size_t *ret_at,
                size_t *ret_len)
{
    for (size_t at = 0; at < len;) {
        const char *amp = memchr(text + at, '&', len - at);
        size_t end = amp ? (size_t)(amp - text) : len;
        const char *equals = memchr(text + at, '=', end - at);
        size_t name_end = equals ? (size_t)(equals - text) : end;
        if (equals && name_is(text + at, name_end - at, name) && index-- == 0) {
            *ret_at = name_end + 1;
            *ret_len = end - name_end - 1;
            return true;
        }
        at = end + 1;
    }
    return false;
}

void field_encode(const char *bytes, size_t len, struct text *into)
{
    for (size_t i = 0; i < len; i++) {
        char escaped[4];
        unsigned char c = (unsigned char)bytes[i];
        if (c < 0x80 && (isalnum(c) || strchr("-._~", c)) && c) {
            text_append(into, &bytes[i], 1);
            continue;
        }
        snprintf(escaped, sizeof escaped, "%%%02X", c);
        text_append_string(into, escaped);
    }
}

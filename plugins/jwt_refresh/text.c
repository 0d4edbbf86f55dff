/* text.c - small words about pieces of text: equal, begins, holds, kept, replaced. */
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

reprise_bytes text_of(const char *string)
{
    return (reprise_bytes){string, string ? strlen(string) : 0};
}

bool text_equal(reprise_bytes a, reprise_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool text_is(reprise_bytes text, const char *word)
{
    return text.len == strlen(word) && (!text.len || strncasecmp(text.ptr, word, text.len) == 0);
}

bool text_begins(reprise_bytes text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && strncasecmp(text.ptr, word, len) == 0;
}

bool text_ends(reprise_bytes text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && strncasecmp(text.ptr + text.len - len, word, len) == 0;
}

bool text_has(reprise_bytes text, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (strncasecmp(text.ptr + i, word, len) == 0)
            return true;
    }
    return false;
}

ptrdiff_t text_find(reprise_bytes hay, reprise_bytes needle)
{
    if (!needle.len || hay.len < needle.len)
        return -1;
    const char *found = memmem(hay.ptr, hay.len, needle.ptr, needle.len);
    return found ? found - hay.ptr : -1;
}

char *text_copy(reprise_bytes text)
{
    char *copy = malloc(text.len + 1);
    if (!copy)
        return NULL;
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

reprise_bytes text_trim(reprise_bytes text)
{
    while (text.len && isspace((unsigned char)text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len && isspace((unsigned char)text.ptr[text.len - 1]))
        text.len--;
    return text;
}

reprise_bytes text_cut(reprise_bytes *rest, char mark)
{
    const char *at = rest->len ? memchr(rest->ptr, mark, rest->len) : NULL;
    reprise_bytes first = {rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len};
    size_t used = first.len + (at != NULL);
    if (used)
        rest->ptr += used;
    rest->len -= used;
    return first;
}

bool text_number(reprise_bytes text, int64_t *ret_number)
{
    int64_t number = 0;
    if (!text.len || text.len > 15)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        number = number * 10 + (text.ptr[i] - '0');
    }
    *ret_number = number;
    return true;
}

void text_key(reprise_bytes name, char *out, size_t out_bytes)
{
    size_t len = 0;
    for (size_t i = 0; i < name.len && len + 1 < out_bytes; i++) {
        if (isalnum((unsigned char)name.ptr[i]))
            out[len++] = (char)tolower((unsigned char)name.ptr[i]);
    }
    out[len] = '\0';
}

char *text_encode(reprise_bytes text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = malloc(text.len * 3 + 1);
    size_t len = 0;
    if (!out)
        return NULL;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (isalnum(c) || memchr("-._~", c, 4)) {
            out[len++] = (char)c;
        } else {
            out[len++] = '%';
            out[len++] = digits[c >> 4];
            out[len++] = digits[c & 15];
        }
    }
    out[len] = '\0';
    return out;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

size_t text_decode(char *text, size_t len)
{
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        int high = i + 2 < len && text[i] == '%' ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        if (low >= 0) {
            text[out++] = (char)(high << 4 | low);
            i += 2;
        } else {
            text[out++] = text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

static char *replace_all(reprise_bytes text, reprise_bytes old, reprise_bytes value,
                         size_t *ret_len)
{
    size_t count = 0, len = 0;
    reprise_bytes rest = text;
    for (ptrdiff_t at; (at = text_find(rest, old)) >= 0; count++)
        rest = text_from(rest.ptr + at + old.len, rest.len - (size_t)at - old.len);
    char *out = count ? malloc(text.len + count * value.len + 1) : NULL;
    if (!out)
        return NULL;
    rest = text;
    for (ptrdiff_t at; (at = text_find(rest, old)) >= 0;) {
        memcpy(out + len, rest.ptr, (size_t)at);
        len += (size_t)at;
        memcpy(out + len, value.ptr, value.len);
        len += value.len;
        rest = text_from(rest.ptr + at + old.len, rest.len - (size_t)at - old.len);
    }
    if (rest.len)
        memcpy(out + len, rest.ptr, rest.len);
    len += rest.len;
    out[len] = '\0';
    *ret_len = len;
    return out;
}

char *text_replace(reprise_bytes text, reprise_bytes old, reprise_bytes value, size_t *ret_len)
{
    char *out = replace_all(text, old, value, ret_len);
    char *old_encoded = out ? NULL : text_encode(old);
    char *encoded = old_encoded ? text_encode(value) : NULL;
    if (encoded && !text_equal(text_of(old_encoded), old))
        out = replace_all(text, text_of(old_encoded), text_of(encoded), ret_len);
    free(old_encoded);
    free(encoded);
    return out;
}

reprise_bytes text_header(const reprise_header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (text_is(headers[i].name, name))
            return headers[i].value;
    }
    return (reprise_bytes){NULL, 0};
}

reprise_bytes text_url_target(reprise_bytes url)
{
    ptrdiff_t at = text_find(url, text_of("://"));
    reprise_bytes rest = url;
    if (at >= 0)
        rest = text_from(url.ptr + at + 3, url.len - (size_t)at - 3);
    while (rest.len && rest.ptr[0] != '/' && rest.ptr[0] != '?') {
        rest.ptr++;
        rest.len--;
    }
    return rest;
}

reprise_bytes text_url_path(reprise_bytes url)
{
    reprise_bytes target = text_url_target(url);
    return text_cut(&target, '?');
}

/* json_place.c - where a value stands in the bytes of a JSON text: one pass to see that it is JSON,
 * one to find. */
#include "json_place.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct scan {
    const char *text;
    size_t len, at;
    const char *pointer; /* NULL: only look whether it is JSON */
    json_place_fn visit;
    void *owner;
    int found;
    bool is_over;
};

/* `rest`: what of the pointer is left at this depth; NULL: this is not on its way. */
static bool read_value(struct scan *scan, const char *rest, int depth);

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->len && strchr(" \t\r\n", scan->text[scan->at]) && scan->text[scan->at])
        scan->at++;
}

static bool take(struct scan *scan, char c)
{
    if (scan->at >= scan->len || scan->text[scan->at] != c)
        return false;
    scan->at++;
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_string(struct scan *scan)
{
    if (!take(scan, '"'))
        return false;
    while (scan->at < scan->len) {
        unsigned char c = (unsigned char)scan->text[scan->at++];
        if (c == '"')
            return true;
        if (c < 0x20)
            return false;
        if (c != '\\')
            continue;
        char escape = scan->at < scan->len ? scan->text[scan->at++] : '\0';
        if (!escape || !strchr("\"\\/bfnrtu", escape))
            return false;
        for (int i = 0; escape == 'u' && i < 4; i++)
            if (scan->at >= scan->len || hex_value(scan->text[scan->at++]) < 0)
                return false;
    }
    return false;
}

static size_t digits(const char *text, size_t len)
{
    size_t count = 0;
    while (count < len && text[count] >= '0' && text[count] <= '9')
        count++;
    return count;
}

/* How many bytes of the text are a number; 0: none. */
static size_t number_bytes(const char *text, size_t len)
{
    size_t at = len > 0 && text[0] == '-';
    size_t whole = digits(text + at, len - at);
    if (!whole || (whole > 1 && text[at] == '0'))
        return 0;
    at += whole;
    if (at < len && text[at] == '.') {
        size_t part = digits(text + at + 1, len - at - 1);
        if (!part)
            return 0;
        at += 1 + part;
    }
    if (at < len && (text[at] | 0x20) == 'e') {
        size_t sign = at + 1 < len && (text[at + 1] == '+' || text[at + 1] == '-');
        size_t power = digits(text + at + 1 + sign, len - at - 1 - sign);
        if (!power)
            return 0;
        at += 1 + sign + power;
    }
    return at;
}

bool json_text_is_number(const char *bytes, size_t len)
{
    return len > 0 && number_bytes(bytes, len) == len;
}

static bool take_word(struct scan *scan, const char *word)
{
    size_t len = strlen(word);
    if (scan->len - scan->at < len || memcmp(scan->text + scan->at, word, len) != 0)
        return false;
    scan->at += len;
    return true;
}

/* Whether a name, or an index as text, is the first token of `rest` ("/token/..."). */
static bool token_is(const char *rest, const char *name, size_t len)
{
    size_t used = 0;
    rest++;
    if (rest[0] == '*' && (!rest[1] || rest[1] == '/'))
        return true;
    for (; *rest && *rest != '/'; rest++) {
        char c = *rest;
        if (c == '~')
            c = *++rest == '1' ? '/' : '~';
        if (used == len || name[used++] != c)
            return false;
    }
    return used == len;
}

static const char *token_end(const char *rest)
{
    return rest + 1 + strcspn(rest + 1, "/");
}

static bool name_is(const char *rest, const char *string, size_t len)
{
    if (!memchr(string, '\\', len))
        return token_is(rest, string + 1, len - 2);
    struct text name = {.ptr = NULL};
    json_string_decode(string, len, &name);
    bool is_it = !name.has_failed && token_is(rest, name.ptr ? name.ptr : "", name.len);
    text_fini(&name);
    return is_it;
}

static bool read_object(struct scan *scan, const char *rest, int depth)
{
    skip_space(scan);
    if (take(scan, '}'))
        return true;
    do {
        skip_space(scan);
        size_t name = scan->at;
        if (!read_string(scan))
            return false;
        bool is_it = rest && *rest && name_is(rest, scan->text + name, scan->at - name);
        skip_space(scan);
        if (!take(scan, ':') || !read_value(scan, is_it ? token_end(rest) : NULL, depth + 1))
            return false;
        skip_space(scan);
    } while (take(scan, ','));
    return take(scan, '}');
}

static bool read_array(struct scan *scan, const char *rest, int depth)
{
    skip_space(scan);
    if (take(scan, ']'))
        return true;
    size_t index = 0;
    do {
        char number[24];
        int len = snprintf(number, sizeof number, "%zu", index++);
        bool is_it = rest && *rest && token_is(rest, number, (size_t)len);
        if (!read_value(scan, is_it ? token_end(rest) : NULL, depth + 1))
            return false;
        skip_space(scan);
    } while (take(scan, ','));
    return take(scan, ']');
}

static bool read_any(struct scan *scan, const char *rest, int depth, char *ret_kind)
{
    char c = scan->at < scan->len ? scan->text[scan->at] : '\0';
    *ret_kind = c;
    if (c == '"')
        return read_string(scan);
    if (c == '{' || c == '[') {
        if (depth == JSON_PLACE_MAX_DEPTH)
            return false;
        scan->at++;
        return c == '{' ? read_object(scan, rest, depth) : read_array(scan, rest, depth);
    }
    if (c == 't' || c == 'f') {
        *ret_kind = 't';
        return take_word(scan, c == 't' ? "true" : "false");
    }
    if (c == 'n')
        return take_word(scan, "null");
    *ret_kind = '0';
    size_t bytes = number_bytes(scan->text + scan->at, scan->len - scan->at);
    scan->at += bytes;
    return bytes > 0;
}

static bool read_value(struct scan *scan, const char *rest, int depth)
{
    struct json_value value;
    skip_space(scan);
    value.at = scan->at;
    if (!read_any(scan, rest, depth, &value.kind))
        return false;
    value.len = scan->at - value.at;
    if (rest && !*rest && !scan->is_over) {
        scan->found++;
        scan->is_over = scan->visit(scan->owner, &value) != 0;
    }
    return true;
}

int json_place_find(const char *text, size_t len, const char *pointer, json_place_fn visit,
                    void *owner)
{
    struct scan look = {.text = text, .len = len};
    if (!read_value(&look, NULL, 0))
        return -1;
    skip_space(&look);
    if (look.at != len)
        return -1;
    struct scan find = {.text = text, .len = len, .visit = visit, .owner = owner};
    read_value(&find, pointer, 0);
    return find.found;
}

bool json_pointer_is_valid(const char *pointer)
{
    size_t tokens = 0;
    if (*pointer && *pointer != '/')
        return false;
    for (; *pointer; pointer++) {
        tokens += *pointer == '/';
        if (*pointer == '~' && pointer[1] != '0' && pointer[1] != '1')
            return false;
    }
    return tokens <= JSON_PLACE_MAX_TOKENS;
}

static void append_code_point(struct text *into, uint32_t code)
{
    char bytes[4];
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len; i-- > 1; code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    bytes[0] = (char)(leads[len] | code);
    text_append(into, bytes, len);
}

/* The four digits behind "\u"; -1: they are not there. */
static int32_t read_unit(const char *at, const char *end)
{
    int32_t unit = 0;
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

void json_string_decode(const char *string, size_t len, struct text *into)
{
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *at = string + 1, *end = string + len - 1;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((escape ? escape : end) - at);
        text_append(into, at, plain);
        at += plain;
        if (end - at < 2)
            return;
        int32_t unit = read_unit(at, end);
        if (unit < 0) {
            const char *found = at[1] ? strchr(escapes, at[1]) : NULL;
            if (found)
                text_append(into, &meant[found - escapes], 1);
            at += 2;
            continue;
        }
        at += 6;
        int32_t low = unit >= 0xd800 && unit < 0xdc00 ? read_unit(at, end) : -1;
        if (low >= 0xdc00 && low < 0xe000) {
            append_code_point(into, 0x10000 + ((uint32_t)(unit - 0xd800) << 10) +
                                        (uint32_t)(low - 0xdc00));
            at += 6;
        } else {
            append_code_point(into, unit >= 0xd800 && unit < 0xe000 ? 0xfffd : (uint32_t)unit);
        }
    }
}

void json_string_encode(const char *bytes, size_t len, struct text *into)
{
    text_append(into, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        char escaped[8];
        if (c == '"' || c == '\\')
            snprintf(escaped, sizeof escaped, "\\%c", c);
        else if (c < 0x20)
            snprintf(escaped, sizeof escaped, "\\u%04x", c);
        else {
            text_append(into, &bytes[i], 1);
            continue;
        }
        text_append_string(into, escaped);
    }
    text_append(into, "\"", 1);
}

/* mime.c - the head of a part and the parameters of its headers, read where they lie. */
#include "mime.h"

#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trim(struct span text)
{
    while (text.len && is_blank(text.ptr[0]))
        text.ptr++, text.len--;
    while (text.len && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

bool mime_is(struct span text, const char *word)
{
    return text.len == strlen(word) && mime_begins(text, word);
}

bool mime_begins(struct span text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.ptr && text.len >= len && strncasecmp(text.ptr, prefix, len) == 0;
}

/* The bytes of the line at the front, with its CRLF and the folded lines behind it. */
static size_t line_bytes(struct span text)
{
    size_t at = 0;
    for (;;) {
        const char *end = memmem(text.ptr + at, text.len - at, "\r\n", 2);
        if (!end)
            return text.len;
        at = (size_t)(end - text.ptr) + 2;
        if (at >= text.len || (text.ptr[at] != ' ' && text.ptr[at] != '\t'))
            return at;
    }
}

struct span mime_header(struct span head, const char *name)
{
    while (head.len) {
        size_t len = line_bytes(head);
        const char *colon = memchr(head.ptr, ':', len);
        if (colon) {
            struct span found = trim((struct span){head.ptr, (size_t)(colon - head.ptr)});
            size_t used = (size_t)(colon - head.ptr) + 1;
            if (mime_is(found, name))
                return trim((struct span){head.ptr + used, len - used});
        }
        head.ptr += len;
        head.len -= len;
    }
    return (struct span){NULL, 0};
}

/* A backslash that hides what follows it: a quote or a backslash. Others are of Windows paths. */
static bool is_escape(struct span text, size_t at)
{
    return text.ptr[at] == '\\' && at + 1 < text.len &&
           (text.ptr[at + 1] == '"' || text.ptr[at + 1] == '\\');
}

/* A quoted string at the front: the bytes up to the quote that closes it, or all. */
static size_t quoted_bytes(struct span text)
{
    size_t at = 1;
    while (at < text.len && text.ptr[at] != '"')
        at += is_escape(text, at) ? 2 : 1;
    return at < text.len ? at : text.len;
}

/* Takes `name=value` (or what else stands there) off the front, up to its ';'. */
static struct span next_param(struct span *text, struct span *ret_value)
{
    size_t at = 0;
    struct span value = {NULL, 0};
    while (at < text->len && text->ptr[at] != '=' && text->ptr[at] != ';')
        at++;
    struct span name = trim((struct span){text->ptr, at});
    if (at < text->len && text->ptr[at] == '=') {
        for (at++; at < text->len && is_blank(text->ptr[at]);)
            at++;
        struct span rest = {text->ptr + at, text->len - at};
        if (rest.len && rest.ptr[0] == '"') {
            size_t len = quoted_bytes(rest);
            value = (struct span){rest.ptr + 1, len - 1};
        } else {
            const char *end = rest.len ? memchr(rest.ptr, ';', rest.len) : NULL;
            value = trim((struct span){rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len});
        }
        at = (size_t)(value.ptr - text->ptr) + value.len;
    }
    while (at < text->len && text->ptr[at] != ';')
        at++;
    at += at < text->len;
    text->ptr += at;
    text->len -= at;
    *ret_value = value;
    return name;
}

struct span mime_param(struct span value, const char *name)
{
    struct span found;
    if (!value.ptr)
        return (struct span){NULL, 0};
    next_param(&value, &found); /* the value itself */
    while (value.len) {
        struct span has_name = next_param(&value, &found);
        if (found.ptr && mime_is(has_name, name))
            return found;
    }
    return (struct span){NULL, 0};
}

size_t mime_unquote(struct span raw, char *into, size_t size)
{
    size_t len = 0;
    for (size_t at = 0; at < raw.len && len + 1 < size; at++) {
        at += is_escape(raw, at);
        into[len++] = raw.ptr[at];
    }
    if (size)
        into[len] = '\0';
    return len;
}

struct span mime_type(struct span value)
{
    const char *end = value.len ? memchr(value.ptr, ';', value.len) : NULL;
    return trim((struct span){value.ptr, end ? (size_t)(end - value.ptr) : value.len});
}

struct mime_file_name mime_file_name(struct span disposition)
{
    struct mime_file_name name = {.plain = mime_param(disposition, "filename"),
                                  .extended = mime_param(disposition, "filename*")};
    for (int i = 0; i < 2 && name.extended.ptr; i++) {
        const char *quote = memchr(name.extended.ptr, '\'', name.extended.len);
        size_t used = quote ? (size_t)(quote - name.extended.ptr) + 1 : 0;
        name.extended =
            quote ? (struct span){quote + 1, name.extended.len - used} : (struct span){NULL, 0};
    }
    return name;
}

size_t mime_stem_bytes(struct span name)
{
    const char *dot = name.len ? memrchr(name.ptr, '.', name.len) : NULL;
    return dot && dot != name.ptr ? (size_t)(dot - name.ptr) : name.len;
}

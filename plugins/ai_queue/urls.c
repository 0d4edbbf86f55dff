/* urls.c - the segments and query values of a URL: where an identifier stands in it. */
#include "urls.h"

#include <ctype.h>

struct span url_target(struct span url)
{
    const char *scheme = url.len ? memmem(url.ptr, url.len, "://", 3) : NULL;
    const char *query = url.len ? memchr(url.ptr, '?', url.len) : NULL;
    if (scheme && (!query || scheme < query) && url.ptr[0] != '/') {
        size_t skip = (size_t)(scheme - url.ptr) + 3;
        while (skip < url.len && url.ptr[skip] != '/' && url.ptr[skip] != '?')
            skip++;
        url = (struct span){url.ptr + skip, url.len - skip};
    }
    const char *fragment = url.len ? memchr(url.ptr, '#', url.len) : NULL;
    if (fragment)
        url.len = (size_t)(fragment - url.ptr);
    return url;
}

struct span url_path(struct span url)
{
    struct span target = url_target(url);
    const char *query = target.len ? memchr(target.ptr, '?', target.len) : NULL;
    if (query)
        target.len = (size_t)(query - target.ptr);
    return target;
}

void url_walk(struct url_walk *walk, struct span url)
{
    *walk = (struct url_walk){.rest = url_target(url)};
}

static size_t until(struct span text, const char *ends)
{
    size_t len = 0;
    while (len < text.len && (!text.ptr[len] || !strchr(ends, text.ptr[len])))
        len++;
    return len;
}

static void drop(struct span *text, size_t len)
{
    text->ptr += len;
    text->len -= len;
}

bool url_next(struct url_walk *walk, struct url_part *ret)
{
    struct span *rest = &walk->rest;
    while (rest->len) {
        if (!walk->is_in_query && rest->ptr[0] == '?') {
            walk->is_in_query = true;
            drop(rest, 1);
            continue;
        }
        if (rest->ptr[0] == '/' || rest->ptr[0] == '&') {
            drop(rest, 1);
            continue;
        }
        size_t len = until(*rest, walk->is_in_query ? "&" : "/?");
        struct span whole = {rest->ptr, len};
        drop(rest, len);
        if (!walk->is_in_query) {
            *ret = (struct url_part){.index = walk->index++, .value = whole};
            return true;
        }
        size_t name_len = until(whole, "=");
        *ret = (struct url_part){.is_query = true, .name = {whole.ptr, name_len}};
        if (name_len < len)
            ret->value = (struct span){whole.ptr + name_len + 1, len - name_len - 1};
        return true;
    }
    return false;
}

bool url_value(struct span url, bool is_query, uint32_t index, struct span name, struct span *ret)
{
    struct url_walk walk;
    struct url_part part;
    url_walk(&walk, url);
    while (url_next(&walk, &part)) {
        if (part.is_query != is_query || !part.value.len ||
            (is_query ? !span_equal(part.name, name) : part.index != index))
            continue;
        *ret = part.value;
        return true;
    }
    return false;
}

bool url_is_id(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (!isalnum(c) && (c == '\0' || !strchr("_-.:~", c)))
            return false;
    }
    return text.len > 0 && text.len <= 128;
}

static bool has_digit(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (isdigit((unsigned char)text.ptr[i]))
            return true;
    return false;
}

/* "v1" and its like are versions. */
static bool is_version(struct span text)
{
    return text.len <= 3 && text.len >= 2 && (text.ptr[0] == 'v' || text.ptr[0] == 'V') &&
           isdigit((unsigned char)text.ptr[1]);
}

bool url_pick_id(struct span url, struct url_part *ret)
{
    struct url_walk walk;
    struct url_part part, last = {0}, likely = {0};
    url_walk(&walk, url);
    while (url_next(&walk, &part)) {
        if (!url_is_id(part.value))
            continue;
        if (!part.is_query)
            last = part;
        /* a query goes with the path: /jobs/7?api-version=2024 is job 7 */
        if (has_digit(part.value) && !is_version(part.value) &&
            !(part.is_query && likely.value.ptr))
            likely = part;
    }
    *ret = likely.value.ptr ? likely : last;
    return ret->value.ptr != NULL;
}

size_t url_replace(struct span url, struct span old, struct span value, char *into, size_t size)
{
    struct url_walk walk;
    struct url_part part;
    const char *from = url.ptr;
    size_t used = 0, count = 0;
    url_walk(&walk, url);
    while (url_next(&walk, &part)) {
        if (!part.value.len || !span_equal(part.value, old))
            continue;
        size_t before = (size_t)(part.value.ptr - from);
        if (used + before + value.len >= size)
            return 0;
        memcpy(into + used, from, before);
        memcpy(into + used + before, value.ptr, value.len);
        used += before + value.len;
        from = part.value.ptr + part.value.len;
        count++;
    }
    size_t left = (size_t)(url.ptr + url.len - from);
    if (!count || used + left >= size)
        return 0;
    memcpy(into + used, from, left);
    into[used + left] = '\0';
    return used + left;
}

static bool is_wildcard(struct span part)
{
    return span_is(part, "*") ||
           (part.len >= 2 && part.ptr[0] == '{' && part.ptr[part.len - 1] == '}');
}

bool url_matches(const char *template, struct span url, struct span *ret_id)
{
    struct url_walk wanted_walk, walk;
    struct url_part wanted, part;
    struct span id = {0};
    bool is_named = false;
    url_walk(&wanted_walk, span_of(template));
    url_walk(&walk, url_path(url));
    while (url_next(&wanted_walk, &wanted)) {
        bool is_there = wanted.is_query ? url_value(url, true, 0, wanted.name, &part.value)
                                        : url_next(&walk, &part);
        if (!is_there)
            return false;
        if (!is_wildcard(wanted.value)) {
            if (!span_equal(wanted.value, part.value))
                return false;
            continue;
        }
        if (!is_named)
            id = part.value;
        is_named |= span_is(wanted.value, "{id}");
    }
    if (ret_id)
        *ret_id = id;
    return !url_next(&walk, &part);
}

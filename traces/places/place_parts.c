/* place_parts.c - finds headers, cookies, parts of URLs and fields, as they are written. */
#include "traces/places/place_parts.h"

#include "core/url.h"

static const struct bytes nothing = {0};

struct bytes place_find_header(const struct place_step *step, const struct http_header *headers,
                               size_t count)
{
    uint32_t left = step->number;
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal_nocase(headers[i].name, step->name) && --left == 0)
            return headers[i].value;
    }
    return nothing;
}

/* One "name=value": its value when it is the one that is looked for. */
static bool is_pair(struct bytes pair, struct bytes name, struct bytes *ret_value)
{
    size_t equals = bytes_index_of(pair, '=');
    if (!bytes_equal(bytes_trim(bytes_make(pair.ptr, equals)), name))
        return false;
    *ret_value = equals == pair.len ? bytes_from(pair, equals) : bytes_from(pair, equals + 1);
    return true;
}

struct bytes place_find_set_cookie(const struct place_step *step, const struct http_header *headers,
                                   size_t count, struct bytes *ret_line)
{
    uint32_t left = step->number;
    for (size_t i = 0; i < count; i++) {
        struct bytes line = headers[i].value, value;
        if (!bytes_equal_nocase(headers[i].name, bytes_of("set-cookie")))
            continue;
        line.len = bytes_index_of(line, ';');
        if (!is_pair(line, step->name, &value) || --left)
            continue;
        if (ret_line)
            *ret_line = headers[i].value;
        return bytes_trim(value);
    }
    return nothing;
}

/* The pair that brings *left to 0. */
static struct bytes find_pair(struct bytes name, struct bytes rest, char separator, uint32_t *left)
{
    struct bytes pair, value;
    while (bytes_split(&rest, separator, &pair)) {
        if (is_pair(pair, name, &value) && --*left == 0)
            return value;
    }
    return nothing;
}

struct bytes place_find_cookie(const struct place_step *step, struct bytes cookies)
{
    uint32_t left = step->number;
    struct bytes value = find_pair(step->name, cookies, ';', &left);
    return value.ptr ? bytes_trim(value) : value;
}

struct bytes place_find_in_cookies(const struct place_step *step, const struct http_header *headers,
                                   size_t count)
{
    uint32_t left = step->number;
    for (size_t i = 0; i < count; i++) {
        if (!bytes_equal_nocase(headers[i].name, bytes_of("cookie")))
            continue;
        struct bytes value = find_pair(step->name, headers[i].value, ';', &left);
        if (value.ptr)
            return bytes_trim(value);
    }
    return nothing;
}

struct bytes place_find_field(const struct place_step *step, struct bytes fields)
{
    uint32_t left = step->number;
    return find_pair(step->name, fields, '&', &left);
}

static struct bytes find_segment(uint32_t number, struct bytes path)
{
    struct bytes segment;
    if (!path.len)
        return nothing;
    if (path.ptr[0] == '/')
        path = bytes_from(path, 1);
    while (bytes_split(&path, '/', &segment)) {
        if (--number == 0)
            return segment;
    }
    return nothing;
}

struct bytes place_url_target(struct bytes text)
{
    struct url url;
    if (text.len && text.ptr[0] != '/' && url_parse(text, &url) == 0) {
        /* The "/" of a URL without a path is none of the text's bytes. */
        size_t at = url.scheme.len + 3 + url.authority.len;
        text = bytes_from(text, at);
    }
    text.len = bytes_index_of(text, '#');
    return text;
}

struct bytes place_find_in_url(const struct place_step *step, struct bytes text)
{
    text = place_url_target(text);
    size_t query = bytes_index_of(text, '?');
    if (step->kind == PLACE_PATH)
        return find_segment(step->number, bytes_make(text.ptr, query));
    return query == text.len ? nothing : place_find_field(step, bytes_from(text, query + 1));
}

bool place_url_begins_with(struct bytes url, struct bytes prefix)
{
    struct bytes target = place_url_target(url);
    if (url.len > PLACE_MAX_URL_BYTES || !bytes_starts_with(target, prefix))
        return false;
    char last = prefix.len ? prefix.ptr[prefix.len - 1] : '/';
    return last == '/' || last == '?' || target.len == prefix.len || target.ptr[prefix.len] == '?';
}

/* header_params.c - parameters and links in the values of headers. */
#include "traces/places/header_params.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_separator(char c, bool only_semicolons)
{
    return c == ';' || (c == ',' && !only_semicolons);
}

static void skip_space(struct bytes *rest)
{
    while (rest->len && is_space(rest->ptr[0]))
        *rest = bytes_from(*rest, 1);
}

/* Standing on a quote: what is between it and the next, and past that. Without a next: all. */
static struct bytes take_quoted(struct bytes *rest)
{
    size_t end = 1;
    while (end < rest->len && rest->ptr[end] != '"')
        end += rest->ptr[end] == '\\' ? 2 : 1;
    if (end > rest->len)
        end = rest->len;
    struct bytes content = bytes_make(rest->ptr + 1, end - 1);
    *rest = bytes_from(*rest, end + 1);
    return content;
}

/* Up to a separator, without the space at its end. */
static struct bytes take_unquoted(struct bytes *rest, bool only_semicolons)
{
    size_t end = 0;
    while (end < rest->len && !is_separator(rest->ptr[end], only_semicolons))
        end++;
    struct bytes value = bytes_make(rest->ptr, end);
    while (value.len && is_space(value.ptr[value.len - 1]))
        value.len--;
    *rest = bytes_from(*rest, end);
    return value;
}

bool header_param_next(struct bytes *rest, bool only_semicolons, struct header_param *ret_param)
{
    while (rest->len) {
        size_t end = 0;
        if (is_space(rest->ptr[0]) || is_separator(rest->ptr[0], only_semicolons) ||
            rest->ptr[0] == '=') {
            *rest = bytes_from(*rest, 1);
            continue;
        }
        if (rest->ptr[0] == '"') {
            take_quoted(rest);
            continue;
        }
        while (end < rest->len && rest->ptr[end] != '=' && rest->ptr[end] != '"' &&
               !is_space(rest->ptr[end]) && !is_separator(rest->ptr[end], only_semicolons))
            end++;
        ret_param->name = bytes_make(rest->ptr, end);
        *rest = bytes_from(*rest, end);
        skip_space(rest);
        if (!rest->len || rest->ptr[0] != '=')
            continue; /* a scheme, or a word alone */
        *rest = bytes_from(*rest, 1);
        skip_space(rest);
        ret_param->is_quoted = rest->len && rest->ptr[0] == '"';
        ret_param->value =
            ret_param->is_quoted ? take_quoted(rest) : take_unquoted(rest, only_semicolons);
        return true;
    }
    return false;
}

bool header_param_find(struct bytes value, bool only_semicolons, struct bytes name, uint32_t number,
                       struct header_param *ret_param)
{
    while (header_param_next(&value, only_semicolons, ret_param)) {
        if (bytes_equal_nocase(ret_param->name, name) && --number == 0)
            return true;
    }
    return false;
}

/* To the comma that ends a link, over quotes. */
static struct bytes take_link_params(struct bytes *rest)
{
    struct bytes all = *rest;
    while (rest->len && rest->ptr[0] != ',') {
        if (rest->ptr[0] == '"')
            take_quoted(rest);
        else
            *rest = bytes_from(*rest, 1);
    }
    return bytes_make(all.ptr, all.len - rest->len);
}

bool header_link_next(struct bytes *rest, struct header_link *ret_link)
{
    struct header_param relation;
    size_t open = bytes_index_of(*rest, '<');
    struct bytes target = bytes_from(*rest, open + 1);
    size_t close = bytes_index_of(target, '>');
    if (open == rest->len || close == target.len)
        return false;
    ret_link->target = bytes_make(target.ptr, close);
    *rest = bytes_from(target, close + 1);
    struct bytes params = take_link_params(rest);
    bool has_relation = header_param_find(params, true, bytes_of("rel"), 1, &relation);
    ret_link->relations = has_relation ? relation.value : bytes_make(params.ptr, 0);
    return true;
}

bool header_link_is(const struct header_link *link, struct bytes relation)
{
    struct bytes rest = link->relations, word;
    while (bytes_split(&rest, ' ', &word)) {
        if (bytes_equal_nocase(word, relation))
            return true;
    }
    return false;
}

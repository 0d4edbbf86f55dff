/* json_way.c - matches names and indices of JSON text with the tokens of JSON pointers. */
#include "core/json_way.h"

/* The pointer's token at token_at, without its '/'. */
static struct bytes token_of(const struct json_wanted *wanted)
{
    struct bytes rest = bytes_from(wanted->pointer, wanted->token_at + 1);
    return bytes_make(rest.ptr, bytes_index_of(rest, '/'));
}

/* An object's name as written, and a token: the same once the escapes of both are undone? */
static bool is_same_name(struct bytes name, struct bytes token)
{
    while (name.len) {
        char text[4] = {name.ptr[0]};
        size_t text_len = 1, used = 1;
        if (name.ptr[0] == '\\' && !(used = json_take_escape(name, text, &text_len)))
            return false;
        name = bytes_from(name, used);
        for (size_t i = 0; i < text_len; i++) {
            bool is_escape = token.len > 1 && token.ptr[0] == '~';
            if (!token.len)
                return false;
            if ((is_escape ? token.ptr[1] == '0' ? '~' : '/' : token.ptr[0]) != text[i])
                return false;
            token = bytes_from(token, is_escape ? 2 : 1);
        }
    }
    return token.len == 0;
}

static bool names_match(struct bytes name, struct bytes token)
{
    return bytes_equal(name, token) ? bytes_index_of(name, '\\') == name.len
                                    : is_same_name(name, token);
}

/* RFC 6901 section 4: digits without a leading zero. */
static bool is_index(struct bytes token, uint32_t index)
{
    uint64_t value;
    return bytes_to_u64(token, &value) && value == index && (token.len == 1 || token.ptr[0] != '0');
}

void json_way_start(struct json_way *way, struct json_wanted *wanted, size_t count)
{
    way->wanted = wanted;
    way->count = count;
    way->found = 0;
    way->depth = 0;
    for (size_t i = 0; i < count; i++) {
        wanted[i].found = (struct bytes){0};
        wanted[i].tokens = wanted[i].token_at = 0;
    }
}

/* Is this the way to a value inside the one in hand (`is_whole`: to itself)? */
static bool is_on_way(const struct json_way *way, const struct json_wanted *wanted, bool is_whole)
{
    return !wanted->found.ptr && wanted->tokens == way->depth &&
           (wanted->token_at == wanted->pointer.len) == is_whole;
}

bool json_way_step_in(struct json_way *way, struct bytes name)
{
    uint32_t level = way->depth - 1;
    bool is_any = false;
    for (size_t i = 0; i < way->count; i++) {
        struct json_wanted *wanted = &way->wanted[i];
        if (wanted->found.ptr || wanted->tokens != level || wanted->token_at == wanted->pointer.len)
            continue;
        struct bytes token = token_of(wanted);
        if (way->is_array[level] ? !is_index(token, way->index[level]) : !names_match(name, token))
            continue;
        wanted->tokens++;
        wanted->token_at += (uint32_t)token.len + 1;
        is_any = true;
    }
    return is_any;
}

void json_way_step_out(struct json_way *way)
{
    for (size_t i = 0; i < way->count; i++) {
        struct json_wanted *wanted = &way->wanted[i];
        if (wanted->found.ptr || wanted->tokens != way->depth)
            continue;
        wanted->tokens--;
        while (wanted->pointer.ptr[--wanted->token_at] != '/')
            continue;
    }
}

bool json_way_leads_on(const struct json_way *way)
{
    bool leads_on = false;
    for (size_t i = 0; i < way->count; i++)
        leads_on |= is_on_way(way, &way->wanted[i], false);
    return leads_on && way->depth < JSON_MAX_DEPTH;
}

void json_way_open(struct json_way *way, bool is_array)
{
    way->is_array[way->depth] = is_array;
    way->index[way->depth++] = 0;
}

bool json_way_wants(const struct json_way *way, size_t wanted)
{
    return is_on_way(way, &way->wanted[wanted], true);
}

bool json_way_is_wanted(const struct json_way *way)
{
    bool is_any = false;
    for (size_t i = 0; i < way->count; i++)
        is_any |= json_way_wants(way, i);
    return is_any;
}

void json_way_keep(struct json_way *way, struct bytes text, enum json_kind kind)
{
    for (size_t i = 0; i < way->count; i++) {
        struct json_wanted *wanted = &way->wanted[i];
        if (!is_on_way(way, wanted, true))
            continue;
        wanted->found = text;
        wanted->kind = kind;
        way->found++;
    }
}

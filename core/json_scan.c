/* json_scan.c - walks down JSON text along the pointers that are wanted, and past everything else.
 */
#include "core/json_scan.h"

struct scan {
    struct json_text text;
    struct json_wanted *wanted;
    size_t count, found;
    uint32_t depth; /* of open containers */
    bool is_array[JSON_MAX_DEPTH];
    uint32_t index[JSON_MAX_DEPTH]; /* in the array, of the value in hand */
};

bool json_pointer_is_valid(struct bytes pointer)
{
    if (pointer.len && pointer.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < pointer.len; i++) {
        bool is_escape = pointer.ptr[i] == '~';
        if (is_escape &&
            (i + 1 == pointer.len || (pointer.ptr[i + 1] != '0' && pointer.ptr[i + 1] != '1')))
            return false;
    }
    return true;
}

/* --- pointers ----------------------------------------------------------------------------- */

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

/* Is this the way to a value inside the one in hand (`is_whole`: to itself)? */
static bool is_on_way(const struct scan *scan, const struct json_wanted *wanted, bool is_whole)
{
    return !wanted->found.ptr && wanted->tokens == scan->depth &&
           (wanted->token_at == wanted->pointer.len) == is_whole;
}

/* Into the value named `name`, or into the next of an array. True when something is wanted there.
 */
static bool step_in(struct scan *scan, struct bytes name)
{
    uint32_t level = scan->depth - 1;
    bool is_any = false;
    for (size_t i = 0; i < scan->count; i++) {
        struct json_wanted *wanted = &scan->wanted[i];
        if (wanted->found.ptr || wanted->tokens != level || wanted->token_at == wanted->pointer.len)
            continue;
        struct bytes token = token_of(wanted);
        if (scan->is_array[level] ? !is_index(token, scan->index[level])
                                  : !names_match(name, token))
            continue;
        wanted->tokens++;
        wanted->token_at += (uint32_t)token.len + 1;
        is_any = true;
    }
    return is_any;
}

/* Out of the value that step_in() went into. */
static void step_out(struct scan *scan)
{
    for (size_t i = 0; i < scan->count; i++) {
        struct json_wanted *wanted = &scan->wanted[i];
        if (wanted->found.ptr || wanted->tokens != scan->depth)
            continue;
        wanted->tokens--;
        while (wanted->pointer.ptr[--wanted->token_at] != '/')
            continue;
    }
}

/* --- the walk ----------------------------------------------------------------------------- */

static void keep_found(struct scan *scan, struct bytes text, enum json_kind kind)
{
    for (size_t i = 0; i < scan->count; i++) {
        struct json_wanted *wanted = &scan->wanted[i];
        if (!is_on_way(scan, wanted, true))
            continue;
        wanted->found = text;
        wanted->kind = kind;
        scan->found++;
    }
}

static bool take_scalar(struct scan *scan, bool is_wanted)
{
    struct bytes text;
    enum json_kind kind;
    bool is_good = json_take_scalar(&scan->text, &text, &kind);
    if (is_good && is_wanted)
        keep_found(scan, text, kind);
    return is_good;
}

/* The value at scan->text.at: taken or passed over, or, a container on the way to something,
 * opened. */
static bool begin_value(struct scan *scan, bool is_wanted, bool *ret_is_open)
{
    json_skip_space(&scan->text);
    *ret_is_open = false;
    if (scan->text.at == scan->text.end)
        return false;
    if (*scan->text.at != '{' && *scan->text.at != '[')
        return take_scalar(scan, is_wanted);
    bool leads_on = false;
    for (size_t i = 0; is_wanted && i < scan->count; i++)
        leads_on |= is_on_way(scan, &scan->wanted[i], false);
    if (!leads_on || scan->depth == JSON_MAX_DEPTH)
        return json_skip_container(&scan->text);
    scan->is_array[scan->depth] = *scan->text.at++ == '[';
    scan->index[scan->depth++] = 0;
    *ret_is_open = true;
    return true;
}

/* Past "name" and ':' of an object's next member; nothing to do in an array. */
static bool take_name(struct scan *scan, struct bytes *ret_name)
{
    *ret_name = (struct bytes){0};
    if (scan->is_array[scan->depth - 1])
        return true;
    json_skip_space(&scan->text);
    if (scan->text.at == scan->text.end || *scan->text.at != '"' ||
        !json_take_string(&scan->text, ret_name))
        return false;
    json_skip_space(&scan->text);
    return scan->text.at < scan->text.end && *scan->text.at++ == ':';
}

/* Behind a value: out of all containers that end here, and past the comma. False at the text's end.
 */
static bool end_value(struct scan *scan)
{
    while (scan->depth) {
        step_out(scan);
        json_skip_space(&scan->text);
        if (scan->text.at == scan->text.end)
            return false;
        char c = *scan->text.at++;
        if (c == ',') {
            scan->index[scan->depth - 1]++;
            return true;
        }
        if (c != (scan->is_array[scan->depth - 1] ? ']' : '}'))
            return false;
        scan->depth--;
    }
    return false;
}

static bool is_empty_container(struct scan *scan)
{
    json_skip_space(&scan->text);
    return scan->text.at < scan->text.end && (*scan->text.at == ']' || *scan->text.at == '}');
}

size_t json_find(struct bytes text, struct json_wanted *wanted, size_t count)
{
    struct scan scan = {.wanted = wanted, .count = count};
    bool is_open, is_wanted = true;
    scan.text = json_text_of(text);
    for (size_t i = 0; i < count; i++) {
        wanted[i].found = (struct bytes){0};
        wanted[i].tokens = wanted[i].token_at = 0;
    }
    if (text.len == 0 || !begin_value(&scan, true, &is_open))
        return scan.found;
    while (scan.found < count) {
        struct bytes name;
        if (is_open && is_empty_container(&scan)) {
            scan.text.at++;
            scan.depth--;
            is_open = false;
        }
        if (!is_open && !end_value(&scan))
            break;
        if (!take_name(&scan, &name))
            break;
        is_wanted = step_in(&scan, name);
        if (!begin_value(&scan, is_wanted, &is_open))
            break;
    }
    return scan.found;
}

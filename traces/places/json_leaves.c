/* json_leaves.c - a walk over JSON text from one scalar to the next. */
#include "traces/places/json_leaves.h"

#include <stdio.h>

struct bytes json_part(struct bytes text)
{
    struct json_text rest = json_text_of(text);
    json_skip_space(&rest);
    struct bytes part = bytes_make(rest.at, (size_t)(rest.end - rest.at));
    if (!part.len || strchr("{[\"", part.ptr[0]))
        return part;
    for (size_t i = 0; i < part.len && i < JSON_MAX_PREFIX_BYTES; i++) {
        if (part.ptr[i] == '{' || part.ptr[i] == '[')
            return bytes_from(part, i);
    }
    return part;
}

void json_leaves_start(struct json_leaves *leaves, struct bytes text)
{
    leaves->text = json_text_of(text);
    leaves->is_behind_value = false;
    leaves->has_ended = !text.len;
    leaves->depth = 0;
    leaves->pointer_len = 0;
    leaves->left_out = 0;
    leaves->name_at = leaves->name_len = 0;
}

/* RFC 6901 section 3: '~' is ~0 and '/' is ~1 in a token. */
static bool append_escaped(struct json_leaves *leaves, struct bytes name)
{
    char *out = leaves->pointer;
    size_t len = leaves->pointer_len;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_special = c == '~' || c == '/';
        if (len + 1 + is_special > sizeof leaves->pointer)
            return false;
        if (is_special)
            out[len++] = '~';
        out[len++] = c == '~' ? '0' : c == '/' ? '1' : c;
    }
    leaves->pointer_len = len;
    return true;
}

/* False: the name has no pointer. */
static bool append_name(struct json_leaves *leaves, struct bytes written)
{
    char room[PLACE_MAX_BYTES];
    if (leaves->pointer_len == sizeof leaves->pointer)
        return false;
    leaves->pointer[leaves->pointer_len++] = '/';
    if (bytes_index_of(written, '\\') < written.len) {
        ssize_t len = json_unescape(written, room, sizeof room);
        if (len < 0)
            return false;
        written = bytes_make(room, (size_t)len);
    }
    size_t at = leaves->pointer_len;
    if (!append_escaped(leaves, written))
        return false;
    leaves->name_at = (uint16_t)at;
    leaves->name_len = (uint16_t)(leaves->pointer_len - at);
    return true;
}

static bool append_index(struct json_leaves *leaves, uint32_t index)
{
    char digits[12];
    int len = snprintf(digits, sizeof digits, "/%u", index);
    if ((size_t)len > sizeof leaves->pointer - leaves->pointer_len)
        return false;
    memcpy(leaves->pointer + leaves->pointer_len, digits, (size_t)len);
    leaves->pointer_len += (size_t)len;
    return true;
}

/* Behind a value: out of all containers that end here and past the comma. False: the end. */
static bool end_value(struct json_leaves *leaves)
{
    struct json_text *text = &leaves->text;
    while (leaves->depth) {
        struct json_leaves_level *level = &leaves->levels[leaves->depth - 1];
        json_skip_space(text);
        if (text->at == text->end)
            return false;
        char c = *text->at++;
        if (c == ',') {
            level->index++;
            return true;
        }
        if (c != (level->is_array ? ']' : '}'))
            return false;
        leaves->depth--;
    }
    return false;
}

/* Onto the next value of the container: its pointer. False at what is broken. */
static bool begin_member(struct json_leaves *leaves, bool *ret_has_pointer)
{
    struct json_text *text = &leaves->text;
    struct json_leaves_level *level = &leaves->levels[leaves->depth - 1];
    struct bytes name;
    leaves->pointer_len = level->pointer_len;
    leaves->name_at = level->name_at;
    leaves->name_len = level->name_len;
    if (level->is_array) {
        *ret_has_pointer = append_index(leaves, level->index);
        return true;
    }
    json_skip_space(text);
    if (text->at == text->end || *text->at != '"' || !json_take_string(text, &name))
        return false;
    json_skip_space(text);
    *ret_has_pointer = append_name(leaves, name);
    return text->at < text->end && *text->at++ == ':';
}

/* Standing on an opening bracket: into the container, or past it when it is empty or too deep. */
static bool enter(struct json_leaves *leaves, bool has_pointer)
{
    struct json_text *text = &leaves->text;
    if (!has_pointer || leaves->depth == JSON_MAX_DEPTH) {
        leaves->is_behind_value = true;
        leaves->left_out++;
        return json_skip_container(text);
    }
    bool is_array = *text->at++ == '[';
    leaves->levels[leaves->depth++] =
        (struct json_leaves_level){.is_array = is_array,
                                   .pointer_len = (uint16_t)leaves->pointer_len,
                                   .name_at = leaves->name_at,
                                   .name_len = leaves->name_len};
    json_skip_space(text);
    leaves->is_behind_value = text->at < text->end && *text->at == (is_array ? ']' : '}');
    if (leaves->is_behind_value) {
        text->at++;
        leaves->depth--;
    }
    return true;
}

bool json_leaves_next(struct json_leaves *leaves, struct json_leaf *ret_leaf)
{
    struct json_text *text = &leaves->text;
    while (!leaves->has_ended) {
        bool has_pointer = true;
        leaves->has_ended = true; /* until all went well */
        if (leaves->is_behind_value && !end_value(leaves))
            break;
        if (leaves->depth && !begin_member(leaves, &has_pointer))
            break;
        json_skip_space(text);
        if (text->at == text->end)
            break;
        if (*text->at == '{' || *text->at == '[') {
            leaves->has_ended = !enter(leaves, has_pointer);
            continue;
        }
        if (!json_take_scalar(text, &ret_leaf->written, &ret_leaf->kind))
            break;
        leaves->is_behind_value = true;
        leaves->has_ended = false;
        if (!has_pointer) {
            leaves->left_out++;
            continue;
        }
        ret_leaf->pointer = bytes_make(leaves->pointer, leaves->pointer_len);
        ret_leaf->name = bytes_make(leaves->pointer + leaves->name_at, leaves->name_len);
        return true;
    }
    return false;
}

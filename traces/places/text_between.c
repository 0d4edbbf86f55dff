/* text_between.c - finds what stands between two texts, and the values of scripts and lines. */
#include "traces/places/text_between.h"

#include "core/json_lex.h"

enum { MAX_LEFT_BYTES = 120, MAX_UNCLOSED = 16 }; /* brackets that are looked behind in vain */

static const struct bytes nothing = {0};

static const char *find(struct bytes text, struct bytes wanted)
{
    return text.len ? memmem(text.ptr, text.len, wanted.ptr, wanted.len) : NULL;
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static struct bytes line_of(struct bytes text)
{
    size_t end = 0;
    while (end < text.len && !is_line_end(text.ptr[end]))
        end++;
    return bytes_make(text.ptr, end);
}

struct bytes text_between(struct bytes text, struct bytes left, struct bytes right, uint32_t number)
{
    struct bytes rest = text;
    if (!left.len && number != 1)
        return nothing;
    for (; left.len && number; number--) {
        const char *found = find(rest, left);
        if (!found)
            return nothing;
        rest = bytes_from(text, (size_t)(found - text.ptr) + left.len);
    }
    if (!right.len)
        return rest.ptr ? line_of(rest) : nothing;
    const char *end = find(rest, right);
    return end ? bytes_make(rest.ptr, (size_t)(end - rest.ptr)) : nothing;
}

uint32_t text_number_of(struct bytes text, struct bytes left, const char *at, size_t most)
{
    struct bytes rest = text;
    if ((size_t)(at - text.ptr) > most)
        return 0;
    if (!left.len)
        return at == text.ptr;
    for (uint32_t number = 1;; number++) {
        const char *found = find(rest, left);
        if (!found || found + left.len > at)
            return 0;
        if (found + left.len == at)
            return number;
        rest = bytes_from(text, (size_t)(found - text.ptr) + left.len);
    }
}

/* --- scripts ------------------------------------------------------------------------------ */

static bool is_word(char c)
{
    return ascii_is_alnum(c) || c == '_' || c == '$' || c == '.' || c == '-';
}

static const char *behind_spaces(const char *start, const char *at)
{
    while (at > start && (at[-1] == ' ' || at[-1] == '\t'))
        at--;
    return at;
}

/* From the name that the string at `quote` is given to up to the string: "csrf = ". False: to none.
 */
static bool find_left(const char *start, const char *quote, struct text_value *value)
{
    const char *at = behind_spaces(start, quote);
    if (at == start || (at[-1] != '=' && at[-1] != ':' && at[-1] != '('))
        return false;
    at = behind_spaces(start, at - 1);
    char name_quote = at > start && (at[-1] == '"' || at[-1] == '\'') ? at[-1] : '\0';
    const char *name_end = at - (name_quote != '\0'), *name = name_end;
    while (name > start && is_word(name[-1]) && quote - name < MAX_LEFT_BYTES)
        name--;
    const char *left = name;
    if (name_quote && left > start && left[-1] == name_quote)
        left--;
    value->name = bytes_make(name, (size_t)(name_end - name));
    value->left = bytes_make(left, (size_t)(quote + 1 - left));
    return value->name.len && value->left.len <= MAX_LEFT_BYTES;
}

bool script_value_next(struct bytes *rest, struct bytes script, struct text_value *ret_value)
{
    while (rest->len) {
        const char *quote = rest->ptr;
        *rest = bytes_from(*rest, 1);
        if (*quote != '"' && *quote != '\'' && *quote != '`')
            continue;
        size_t end = 0;
        bool has_escape = false;
        while (end < rest->len && rest->ptr[end] != *quote && !is_line_end(rest->ptr[end])) {
            has_escape |= rest->ptr[end] == '\\';
            end += rest->ptr[end] == '\\' ? 2 : 1;
        }
        if (end >= rest->len)
            end = rest->len;
        ret_value->value = bytes_make(rest->ptr, end);
        ret_value->right = bytes_make(quote, 1);
        bool is_closed = end < rest->len && rest->ptr[end] == *quote;
        *rest = bytes_from(*rest, end + 1);
        if (is_closed && end && !has_escape && find_left(script.ptr, quote, ret_value))
            return true;
    }
    return false;
}

/* --- lines -------------------------------------------------------------------------------- */

/* "name=value", "name: value". */
static bool split_line(struct bytes line, struct text_value *value)
{
    size_t end = 0;
    while (end < line.len && is_word(line.ptr[end]))
        end++;
    value->name = bytes_make(line.ptr, end);
    while (end < line.len && line.ptr[end] == ' ')
        end++;
    if (!value->name.len || end == line.len || (line.ptr[end] != '=' && line.ptr[end] != ':'))
        return false;
    end++;
    while (end < line.len && (line.ptr[end] == ' ' || line.ptr[end] == '\t'))
        end++;
    value->left = bytes_make(line.ptr, end);
    value->value = bytes_from(line, end);
    return value->value.len && end <= MAX_LEFT_BYTES;
}

bool line_value_next(struct bytes *rest, struct bytes text, struct text_value *ret_value)
{
    while (rest->len) {
        struct bytes line = line_of(*rest), behind = bytes_from(*rest, line.len);
        bool is_whole = line.ptr == text.ptr;
        while (behind.len && is_line_end(behind.ptr[0]))
            behind = bytes_from(behind, 1);
        *rest = behind;
        ret_value->right = bytes_make(line.ptr, 0);
        if (split_line(line, ret_value))
            return true;
        if (is_whole && line.len && !behind.len) {
            ret_value->name = ret_value->left = ret_value->right;
            ret_value->value = line;
            return true;
        }
    }
    return false;
}

/* --- JSON --------------------------------------------------------------------------------- */

/* Could the bracket at `at` begin JSON, and no block of code and no index? */
static bool begins_json(struct bytes script, const char *at)
{
    const char *end = script.ptr + script.len, *before = behind_spaces(script.ptr, at);
    struct json_text inside = {at + 1, end};
    json_skip_space(&inside);
    if (inside.at == end)
        return false;
    if (*at == '{')
        return *inside.at == '"' || *inside.at == '}';
    return before == script.ptr || (!is_word(before[-1]) && before[-1] != ')' && before[-1] != ']');
}

struct bytes script_json(struct bytes script, uint32_t number)
{
    const char *end = script.ptr + script.len;
    int unclosed = 0;
    for (const char *at = script.ptr; at < end && unclosed < MAX_UNCLOSED; at++) {
        struct json_text text = {at, end};
        if ((*at != '{' && *at != '[') || !begins_json(script, at))
            continue;
        if (!json_skip_container(&text)) {
            unclosed++;
            continue;
        }
        if (--number == 0)
            return bytes_make(at, (size_t)(text.at - at));
        at = text.at - 1;
    }
    return nothing;
}

/* body_format.c - guesses what a body is. */
#include "traces/places/body_format.h"

#include "core/json_lex.h"

enum { LOOKED_AT_BYTES = 512 };

static bool has_word(struct bytes text, const char *word)
{
    struct bytes wanted = bytes_of(word);
    for (; text.len >= wanted.len; text = bytes_from(text, 1)) {
        if (bytes_starts_with_nocase(text, wanted))
            return true;
    }
    return false;
}

/* `{"a"` or `[1`, as no form and no text begins. */
static bool begins_json(struct json_text text)
{
    if (text.at == text.end || (*text.at != '{' && *text.at != '['))
        return false;
    bool is_object = *text.at++ == '{';
    json_skip_space(&text);
    if (text.at == text.end)
        return false;
    char c = *text.at;
    return is_object ? c == '"' || c == '}'
                     : strchr("{[\"]-", c) || ascii_is_digit(c) || strchr("tfn", c);
}

static enum body_format markup_of(struct bytes type, struct bytes start)
{
    if (has_word(start, "<html") || has_word(start, "<!doctype html") || has_word(type, "html"))
        return BODY_HTML;
    if (bytes_starts_with(start, bytes_of("<?xml")) || has_word(type, "xml"))
        return BODY_XML;
    return BODY_HTML;
}

static bool begins_event(struct bytes start)
{
    return bytes_starts_with(start, bytes_of("data:")) ||
           bytes_starts_with(start, bytes_of("event:")) ||
           bytes_starts_with(start, bytes_of("retry:"));
}

enum body_format body_format_of(struct bytes content_type, struct bytes body)
{
    struct json_text rest = json_text_of(body);
    json_skip_space(&rest);
    struct bytes start = bytes_make(rest.at, (size_t)(rest.end - rest.at));
    struct bytes type = bytes_make(content_type.ptr, bytes_index_of(content_type, ';'));
    if (start.len > LOOKED_AT_BYTES)
        start.len = LOOKED_AT_BYTES;
    if (has_word(type, "multipart/"))
        return BODY_MULTIPART;
    if (begins_json(rest))
        return BODY_JSON;
    if (start.len && start.ptr[0] == '<' && !has_word(type, "svg"))
        return markup_of(type, start);
    if (has_word(type, "x-www-form-urlencoded"))
        return BODY_FORM;
    if (has_word(type, "event-stream") || (!type.len && begins_event(start)))
        return BODY_EVENTS;
    if (has_word(type, "json"))
        return BODY_JSON;
    if (has_word(type, "html"))
        return BODY_HTML;
    if (has_word(type, "javascript") || has_word(type, "ecmascript"))
        return BODY_SCRIPT;
    bool is_text = bytes_starts_with_nocase(type, bytes_of("text/")) || !type.len;
    return is_text && bytes_index_of(start, '\0') == start.len ? BODY_TEXT : BODY_OPAQUE;
}

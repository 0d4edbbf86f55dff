/* place_kinds.c - the table of the grammar's words, and what a name of each may be. */
#include "traces/places/place_kinds.h"

#include "core/http1.h"
#include "core/json_scan.h"

const struct place_kind_facts place_kinds[PLACE_KIND_COUNT] = {
    [PLACE_BODY] = {"body", SHAPE_POINTER, ANSWER | REQUEST | INSIDE},
    [PLACE_HEADER] = {"header", SHAPE_TOKEN, ANSWER | REQUEST | NUMBERED},
    [PLACE_COOKIE] = {"cookie", SHAPE_TOKEN, ANSWER | REQUEST | NUMBERED},
    [PLACE_PATH] = {"path", SHAPE_NUMBER, REQUEST | INSIDE},
    [PLACE_QUERY] = {"query", SHAPE_TOKEN, REQUEST | INSIDE | NUMBERED},
    [PLACE_FORM] = {"form", SHAPE_TOKEN, ANSWER | REQUEST | NUMBERED},
    [PLACE_MULTIPART] = {"multipart", SHAPE_NAME, REQUEST | NUMBERED},
    [PLACE_FILENAME] = {"filename", SHAPE_NOTHING, 0},
    [PLACE_HTML_INPUT] = {"html:input", SHAPE_BRACKET, ANSWER | NUMBERED},
    [PLACE_HTML_META] = {"html:meta", SHAPE_BRACKET, ANSWER | NUMBERED},
    [PLACE_HTML_DATA] = {"html:data", SHAPE_BRACKET, ANSWER | NUMBERED},
    [PLACE_HTML_HREF] = {"html:href", SHAPE_BRACKET, ANSWER | NUMBERED},
    [PLACE_HTML_SCRIPT] = {"html:script", SHAPE_BRACKET, ANSWER | NUMBERED},
    [PLACE_XML] = {"xml", SHAPE_WAY, ANSWER | REQUEST},
    [PLACE_SSE] = {"sse", SHAPE_NAME, ANSWER | NUMBERED},
    [PLACE_WS] = {"ws", SHAPE_WS, ANSWER | REQUEST},
    [PLACE_TEXT] = {"text", SHAPE_TEXTS, ANSWER | REQUEST | INSIDE | NUMBERED},
    [PLACE_JWT] = {"jwt", SHAPE_POINTER, INSIDE},
    [PLACE_LINK] = {"link", SHAPE_TOKEN, INSIDE | NUMBERED},
    [PLACE_PARAM] = {"param", SHAPE_TOKEN, INSIDE | NUMBERED},
    [PLACE_BASE64] = {"base64", SHAPE_NOTHING, INSIDE},
    [PLACE_PERCENT] = {"percent", SHAPE_NOTHING, INSIDE},
    [PLACE_NEW] = {"new", SHAPE_NEW, ANSWER},
    [PLACE_DATA] = {"data", SHAPE_NAME, ANSWER},
};

static const char *const new_names[PLACE_NEW_COUNT] = {
    [PLACE_NEW_UUID] = "uuid",       [PLACE_NEW_HEX] = "hex",
    [PLACE_NEW_DIGITS] = "digits",   [PLACE_NEW_TEXT] = "text",
    [PLACE_NEW_EMAIL] = "email",     [PLACE_NEW_TIME_S] = "time_s",
    [PLACE_NEW_TIME_MS] = "time_ms", [PLACE_NEW_TIME_ISO] = "time_iso",
};

const char *place_kind_name(enum place_kind kind)
{
    return place_kinds[kind].word;
}

const char *place_new_name(enum place_new kind)
{
    return new_names[kind];
}

bool place_has_any(struct bytes text, const char *never)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7f || strchr(never, c))
            return true;
    }
    return false;
}

/* "item" or "item[2]". */
static bool is_element(struct bytes text)
{
    uint64_t number;
    size_t bracket = bytes_index_of(text, '[');
    struct bytes digits = bytes_from(text, bracket + 1);
    if (bracket < text.len) {
        if (digits.len < 2 || digits.ptr[--digits.len] != ']' || digits.ptr[0] == '0' ||
            !bytes_to_u64(digits, &number) || number > UINT32_MAX)
            return false;
        text.len = bracket;
    }
    return text.len && !place_has_any(text, " /@[]<>=&'\"");
}

/* "/order/item[2]/@id": elements, the last of which may be an attribute. */
static bool is_way(struct bytes text)
{
    struct bytes rest = bytes_from(text, 1), part;
    size_t count = 0;
    if (!text.len || text.ptr[0] != '/')
        return false;
    while (bytes_split(&rest, '/', &part)) {
        if (count++ && !rest.ptr && part.len > 1 && part.ptr[0] == '@')
            return !place_has_any(bytes_from(part, 1), " /@[]<>=&'\"");
        if (!is_element(part))
            return false;
    }
    return true;
}

bool place_name_is_valid(enum place_kind kind, struct bytes name)
{
    switch (kind) {
    case PLACE_BODY:
    case PLACE_JWT:
        return json_pointer_is_valid(name);
    case PLACE_HEADER:
    case PLACE_PARAM:
        return http1_is_token(name);
    case PLACE_COOKIE:
        return name.len && !place_has_any(name, "=;, \t");
    case PLACE_QUERY:
    case PLACE_FORM:
        return name.len && !place_has_any(name, "=&#? \t");
    case PLACE_LINK:
        return name.len && !place_has_any(name, " \"");
    case PLACE_XML:
        return is_way(name);
    case PLACE_TEXT:
        return true;
    default:
        return name.len > 0;
    }
}

struct bytes place_text(struct bytes text, bool is_escaped, char room[PLACE_MAX_BYTES])
{
    if (!is_escaped)
        return text;
    ssize_t len = json_unescape(text, room, PLACE_MAX_BYTES);
    return bytes_make(room, len < 0 ? 0 : (size_t)len);
}

bool place_needs_quotes(enum shape shape, struct bytes name)
{
    if (shape == SHAPE_POINTER)
        return place_has_any(name, ">");
    if (shape == SHAPE_WS)
        return place_has_any(name, ">=");
    if (shape == SHAPE_NAME || shape == SHAPE_BRACKET)
        return !name.len || name.ptr[0] == '"' || place_has_any(name, " ");
    return shape == SHAPE_TEXTS;
}

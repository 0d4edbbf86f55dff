/* html_walk.c - a scan over the tags of a page from one value to the next. */
#include "traces/places/html_walk.h"

struct attribute {
    struct bytes name, value; /* value.ptr NULL: it has none */
};

/* What a tag says that is looked at as a whole. */
struct tag {
    struct bytes element, name, id, value, content, property;
    bool is_selected;
};

void html_walk_start(struct html_walk *walk, struct bytes page)
{
    *walk = (struct html_walk){.rest = page};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_named(struct bytes name, const char *wanted)
{
    return bytes_equal_nocase(name, bytes_of(wanted));
}

static struct bytes skip_space(struct bytes text)
{
    while (text.len && is_space(text.ptr[0]))
        text = bytes_from(text, 1);
    return text;
}

static struct bytes trim(struct bytes text)
{
    text = skip_space(text);
    while (text.len && is_space(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* --- tags --------------------------------------------------------------------------------- */

static struct bytes take_value(struct bytes *rest)
{
    char quote = rest->len ? rest->ptr[0] : '\0';
    size_t end = 0;
    if (quote == '"' || quote == '\'') {
        struct bytes value = bytes_from(*rest, 1);
        value.len = bytes_index_of(value, quote);
        *rest = bytes_from(*rest, value.len + 2);
        return value;
    }
    while (end < rest->len && !is_space(rest->ptr[end]) && rest->ptr[end] != '>')
        end++;
    struct bytes value = bytes_make(rest->ptr, end);
    *rest = bytes_from(*rest, end);
    return value;
}

/* The next attribute at the front of *rest, which is left at the tag's '>'. */
static bool next_attribute(struct bytes *rest, struct attribute *ret_attribute)
{
    size_t end = 0;
    while (rest->len && (is_space(rest->ptr[0]) || rest->ptr[0] == '/'))
        *rest = bytes_from(*rest, 1);
    if (!rest->len || rest->ptr[0] == '>')
        return false;
    do /* a name may begin with '=' */
        end++;
    while (end < rest->len && !is_space(rest->ptr[end]) && !strchr("/>=", rest->ptr[end]));
    *ret_attribute = (struct attribute){.name = bytes_make(rest->ptr, end)};
    *rest = bytes_from(*rest, end);
    *rest = skip_space(*rest);
    if (!rest->len || rest->ptr[0] != '=')
        return true;
    *rest = skip_space(bytes_from(*rest, 1));
    ret_attribute->value = take_value(rest);
    return true;
}

static void keep_attribute(struct tag *tag, const struct attribute *attribute)
{
    const struct {
        const char *name;
        struct bytes *value;
    } wanted[] = {
        {"name", &tag->name},         {"id", &tag->id},
        {"value", &tag->value},       {"content", &tag->content},
        {"property", &tag->property},
    };
    if (is_named(attribute->name, "selected"))
        tag->is_selected = true;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (!wanted[i].value->ptr && is_named(attribute->name, wanted[i].name))
            *wanted[i].value = attribute->value;
    }
}

/* Standing behind '<' at an element's name: the tag, and behind its '>'. False: it has no end. */
static bool take_tag(struct html_walk *walk, struct tag *ret_tag)
{
    struct bytes rest = walk->rest, attributes;
    struct attribute attribute;
    size_t end = 0;
    while (end < rest.len && !is_space(rest.ptr[end]) && !strchr("/>", rest.ptr[end]))
        end++;
    *ret_tag = (struct tag){.element = bytes_make(rest.ptr, end)};
    attributes = rest = bytes_from(rest, end);
    while (next_attribute(&rest, &attribute))
        keep_attribute(ret_tag, &attribute);
    if (!rest.len) {
        walk->rest = rest;
        return false;
    }
    walk->attributes = bytes_make(attributes.ptr, attributes.len - rest.len);
    walk->rest = bytes_from(rest, 1);
    return true;
}

/* Up to "</element", and past that. Without it: all. */
static struct bytes take_content(struct html_walk *walk, const char *element)
{
    struct bytes rest = walk->rest, all = rest, name = bytes_of(element);
    while (rest.len) {
        rest = bytes_from(rest, bytes_index_of(rest, '<'));
        if (rest.len > 1 && rest.ptr[1] == '/' &&
            bytes_starts_with_nocase(bytes_from(rest, 2), name))
            break;
        rest = bytes_from(rest, 1);
    }
    walk->rest = bytes_from(rest, 2 + name.len);
    return bytes_make(all.ptr, all.len - rest.len);
}

/* Past "<!...>" and "<?...>", which `rest` begins with; a comment to its own end. */
static struct bytes skip_declaration(struct bytes rest)
{
    if (!bytes_starts_with(rest, bytes_of("<!--")))
        return bytes_from(rest, bytes_index_of(rest, '>') + 1);
    struct bytes inside = bytes_from(rest, 2); /* "<!-->" is whole */
    const char *end = inside.len ? memmem(inside.ptr, inside.len, "-->", 3) : NULL;
    return bytes_from(inside, end ? (size_t)(end - inside.ptr) + 3 : inside.len);
}

/* --- values ------------------------------------------------------------------------------- */

static bool give(struct html_item *item, enum place_kind kind, struct bytes name,
                 struct bytes value)
{
    *item = (struct html_item){.kind = kind, .name = name, .value = value};
    return name.len && value.len;
}

/* Of a select what is chosen counts, or its first option. */
static bool end_select(struct html_walk *walk, struct html_item *item)
{
    bool was_in = walk->is_in_select;
    walk->is_in_select = false;
    return was_in && give(item, PLACE_HTML_INPUT, walk->select_name, walk->select_value);
}

static void add_option(struct html_walk *walk, const struct tag *tag)
{
    struct bytes text = trim(bytes_make(walk->rest.ptr, bytes_index_of(walk->rest, '<')));
    bool is_first = !walk->select_value.ptr;
    if (walk->is_in_select && !walk->has_chosen && (is_first || tag->is_selected))
        walk->select_value = tag->value.ptr ? tag->value : text;
    walk->has_chosen |= tag->is_selected;
}

static bool take_textarea(struct html_walk *walk, const struct tag *tag, struct html_item *item)
{
    struct bytes text = take_content(walk, "textarea");
    if (bytes_starts_with(text, bytes_of("\r\n"))) /* one line end at its start is none of it */
        text = bytes_from(text, 2);
    else if (bytes_starts_with(text, bytes_of("\n")))
        text = bytes_from(text, 1);
    return give(item, PLACE_HTML_INPUT, tag->name, text);
}

/* What the element itself gives; its data attributes and URLs are left in walk->attributes. */
static bool take_element(struct html_walk *walk, const struct tag *tag, struct html_item *item)
{
    if (is_named(tag->element, "input") || is_named(tag->element, "button"))
        return give(item, PLACE_HTML_INPUT, tag->name, tag->value);
    if (is_named(tag->element, "meta"))
        return give(item, PLACE_HTML_META, tag->name.len ? tag->name : tag->property, tag->content);
    if (is_named(tag->element, "textarea"))
        return take_textarea(walk, tag, item);
    if (is_named(tag->element, "script")) {
        *item = (struct html_item){.kind = PLACE_HTML_SCRIPT,
                                   .name = tag->id,
                                   .value = take_content(walk, "script"),
                                   .script = ++walk->script_count};
        return item->value.len > 0;
    }
    if (is_named(tag->element, "style"))
        take_content(walk, "style");
    if (is_named(tag->element, "option"))
        add_option(walk, tag);
    if (!is_named(tag->element, "select"))
        return false;
    bool has_item = end_select(walk, item);
    walk->is_in_select = true;
    walk->has_chosen = false;
    walk->select_name = tag->name;
    walk->select_value = (struct bytes){0};
    return has_item;
}

/* The next data attribute or URL of the tag in hand. */
static bool take_attribute(struct html_walk *walk, struct html_item *item)
{
    static const struct bytes data = {"data-", 5};
    struct attribute attribute;
    while (walk->attributes.len && next_attribute(&walk->attributes, &attribute)) {
        struct bytes name = attribute.name;
        if (!attribute.value.len)
            continue;
        if (name.len > data.len && bytes_starts_with_nocase(name, data))
            return give(item, PLACE_HTML_DATA, bytes_from(name, data.len), attribute.value);
        if (is_named(name, "href") || is_named(name, "src") || is_named(name, "action")) {
            *item = (struct html_item){.kind = PLACE_HTML_HREF, .value = attribute.value};
            return true;
        }
    }
    walk->attributes.len = 0;
    return false;
}

bool html_walk_next(struct html_walk *walk, struct html_item *ret_item)
{
    struct tag tag;
    for (;;) {
        if (take_attribute(walk, ret_item))
            return true;
        walk->rest = bytes_from(walk->rest, bytes_index_of(walk->rest, '<'));
        if (walk->rest.len < 2)
            return end_select(walk, ret_item);
        char c = walk->rest.ptr[1];
        if (c == '!' || c == '?') {
            walk->rest = skip_declaration(walk->rest);
        } else if (c == '/') {
            bool is_select =
                bytes_starts_with_nocase(bytes_from(walk->rest, 2), bytes_of("select"));
            walk->rest = bytes_from(walk->rest, 2);
            if (is_select && end_select(walk, ret_item))
                return true;
        } else {
            walk->rest = bytes_from(walk->rest, 1);
            if (ascii_is_alpha(c) && take_tag(walk, &tag) && take_element(walk, &tag, ret_item))
                return true;
        }
    }
}

/* xml_walk.c - goes through XML from tag to tag, and finds one value by the way to it. */
#include "traces/places/xml_walk.h"

void xml_walk_start(struct xml_walk *walk, struct bytes text)
{
    walk->rest = text;
    walk->is_empty_element = false;
    walk->depth = 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
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

/* Behind the first `end`; nothing without one. */
static struct bytes behind(struct bytes text, const char *end)
{
    const char *found = text.len ? memmem(text.ptr, text.len, end, strlen(end)) : NULL;
    return found ? bytes_from(text, (size_t)(found - text.ptr) + strlen(end))
                 : bytes_from(text, text.len);
}

/* "<!DOCTYPE ... [ ... ]>" */
static struct bytes skip_doctype(struct bytes text)
{
    size_t close = bytes_index_of(text, '>'), bracket = bytes_index_of(text, '[');
    return bracket < close ? behind(behind(text, "]"), ">") : bytes_from(text, close + 1);
}

static struct bytes take_name(struct bytes *rest)
{
    size_t end = 0;
    while (end < rest->len && !is_space(rest->ptr[end]) && !strchr("/>=<'\"", rest->ptr[end]))
        end++;
    struct bytes name = bytes_make(rest->ptr, end);
    *rest = bytes_from(*rest, end);
    return name;
}

bool xml_attribute_next(struct bytes *rest, struct xml_attribute *ret_attribute)
{
    *rest = skip_space(*rest);
    ret_attribute->name = take_name(rest);
    *rest = skip_space(*rest);
    if (!ret_attribute->name.len || !rest->len || rest->ptr[0] != '=')
        return false;
    *rest = skip_space(bytes_from(*rest, 1));
    if (!rest->len || (rest->ptr[0] != '"' && rest->ptr[0] != '\''))
        return false;
    struct bytes value = bytes_from(*rest, 1);
    value.len = bytes_index_of(value, rest->ptr[0]);
    if (value.len + 1 >= rest->len)
        return false;
    ret_attribute->value = value;
    *rest = bytes_from(*rest, value.len + 2);
    return true;
}

/* Standing behind "</". */
static bool take_end(struct xml_walk *walk, struct xml_event *event)
{
    event->kind = XML_END;
    event->name = take_name(&walk->rest);
    walk->rest = skip_space(walk->rest);
    if (!walk->rest.len || walk->rest.ptr[0] != '>' || !walk->depth ||
        !bytes_equal(walk->open[walk->depth - 1], event->name))
        return false;
    walk->rest = bytes_from(walk->rest, 1);
    walk->depth--;
    return true;
}

/* Standing behind '<' at a name. */
static bool take_start(struct xml_walk *walk, struct xml_event *event)
{
    struct xml_attribute attribute;
    event->kind = XML_START;
    event->name = take_name(&walk->rest);
    if (!event->name.len || walk->depth == XML_MAX_DEPTH)
        return false;
    struct bytes start = walk->rest;
    while (xml_attribute_next(&walk->rest, &attribute))
        continue;
    event->attributes = bytes_make(start.ptr, start.len - walk->rest.len);
    walk->is_empty_element = walk->rest.len && walk->rest.ptr[0] == '/';
    if (walk->is_empty_element)
        walk->rest = bytes_from(walk->rest, 1);
    if (!walk->rest.len || walk->rest.ptr[0] != '>')
        return false;
    walk->rest = bytes_from(walk->rest, 1);
    walk->open[walk->depth++] = event->name;
    return true;
}

static bool take_text(struct xml_walk *walk, struct xml_event *event, struct bytes text,
                      size_t used, bool is_plain)
{
    *event = (struct xml_event){.kind = XML_TEXT, .text = text, .is_plain = is_plain};
    walk->rest = bytes_from(walk->rest, used);
    return true;
}

static bool take_cdata(struct xml_walk *walk, struct xml_event *event)
{
    struct bytes text = bytes_from(walk->rest, 9), after = behind(text, "]]>");
    size_t used = walk->rest.len - after.len;
    bool is_closed = used >= 12 && bytes_equal(bytes_make(after.ptr - 3, 3), bytes_of("]]>"));
    text.len = is_closed ? used - 12 : 0;
    return is_closed && take_text(walk, event, text, used, true);
}

bool xml_walk_next(struct xml_walk *walk, struct xml_event *ret_event)
{
    if (walk->is_empty_element) {
        walk->is_empty_element = false;
        *ret_event = (struct xml_event){.kind = XML_END, .name = walk->open[--walk->depth]};
        return true;
    }
    while (walk->rest.len) {
        struct bytes rest = walk->rest;
        size_t tag = bytes_index_of(rest, '<');
        *ret_event = (struct xml_event){0};
        if (tag)
            return tag < rest.len &&
                   take_text(walk, ret_event, bytes_make(rest.ptr, tag), tag, false);
        if (bytes_starts_with(rest, bytes_of("<!--"))) {
            walk->rest = behind(bytes_from(rest, 4), "-->");
        } else if (bytes_starts_with(rest, bytes_of("<![CDATA["))) {
            return take_cdata(walk, ret_event);
        } else if (bytes_starts_with(rest, bytes_of("<!"))) {
            walk->rest = skip_doctype(rest);
        } else if (bytes_starts_with(rest, bytes_of("<?"))) {
            walk->rest = behind(rest, "?>");
        } else if (bytes_starts_with(rest, bytes_of("</"))) {
            walk->rest = bytes_from(rest, 2);
            return take_end(walk, ret_event);
        } else {
            walk->rest = bytes_from(rest, 1);
            return take_start(walk, ret_event);
        }
    }
    return false;
}

/* --- text --------------------------------------------------------------------------------- */

void xml_text_add(struct xml_text *text, const struct xml_event *event, struct room room)
{
    struct bytes piece = event->text;
    if (!text->pieces++) {
        *text = (struct xml_text){.written = piece, .pieces = 1, .is_plain = event->is_plain};
        return;
    }
    if (text->written.ptr) { /* no longer a view: into the room with it */
        struct bytes first = text->is_plain ? text->written : decode_html(text->written, room);
        text->written = (struct bytes){0};
        text->len = first.ptr && first.len <= room.len ? first.len : SIZE_MAX;
        if (text->len < SIZE_MAX)
            memmove(room.ptr, first.ptr, first.len);
    }
    if (text->len == SIZE_MAX)
        return;
    struct room left = {room.ptr + text->len, room.len - text->len};
    if (!event->is_plain)
        piece = decode_html(piece, left);
    if (!piece.ptr || piece.len > left.len) {
        text->len = SIZE_MAX;
        return;
    }
    memmove(left.ptr, piece.ptr, piece.len);
    text->len += piece.len;
}

void xml_text_end(struct xml_text *text, struct room room)
{
    if (text->written.ptr) {
        text->written = trim(text->written);
        text->text = text->is_plain ? text->written : decode_html(text->written, room);
    } else if (text->pieces && text->len < SIZE_MAX) {
        text->text = trim(bytes_make(room.ptr, text->len));
    }
}

/* --- one value ---------------------------------------------------------------------------- */

/* A way on its way: which of its steps the elements around have matched. */
struct search {
    struct bytes step, rest; /* the step that is looked for now, and what comes behind it */
    uint32_t matched, left;  /* steps matched; elements of that name, up to the step's own */
};

/* The step's name without its number, which becomes search->left. */
static void begin_step(struct search *search)
{
    uint64_t number = 1;
    if (!bytes_split(&search->rest, '/', &search->step))
        search->step = (struct bytes){0};
    size_t bracket = bytes_index_of(search->step, '[');
    if (bracket < search->step.len) {
        struct bytes digits = bytes_from(search->step, bracket + 1);
        digits.len--;
        bytes_to_u64(digits, &number);
        search->step.len = bracket;
    }
    search->left = (uint32_t)number;
}

static bool is_attribute(const struct search *search)
{
    return search->step.len && search->step.ptr[0] == '@';
}

static void find_attribute(struct bytes name, struct bytes attributes, struct room room,
                           struct xml_text *text)
{
    struct xml_attribute attribute;
    while (xml_attribute_next(&attributes, &attribute)) {
        if (!bytes_equal(attribute.name, name))
            continue;
        text->written = attribute.value;
        text->text = decode_html(attribute.value, room);
        return;
    }
}

/* True: what is looked for has been found, or cannot be any more. */
static bool see_start(struct search *search, const struct xml_walk *walk,
                      const struct xml_event *event, struct room room, struct xml_text *text)
{
    if (!search->step.ptr) /* an element inside the one whose text was looked for */
        return true;
    if (search->matched + 1 != walk->depth || !bytes_equal(event->name, search->step))
        return false;
    if (--search->left)
        return false;
    search->matched++;
    begin_step(search);
    if (is_attribute(search)) {
        find_attribute(bytes_from(search->step, 1), event->attributes, room, text);
        return true;
    }
    return false;
}

void xml_find(struct bytes way, struct bytes document, struct room room, struct xml_text *ret_text)
{
    struct search search = {.rest = bytes_from(way, 1)};
    struct xml_walk walk;
    struct xml_event event;
    *ret_text = (struct xml_text){0};
    xml_walk_start(&walk, document);
    begin_step(&search);
    while (xml_walk_next(&walk, &event)) {
        bool is_inside = !search.step.ptr;
        if (event.kind == XML_TEXT && is_inside)
            xml_text_add(ret_text, &event, room);
        if (event.kind == XML_START && see_start(&search, &walk, &event, room, ret_text)) {
            if (is_inside)
                *ret_text = (struct xml_text){0};
            return;
        }
        /* An element ends whose inside was searched in vain, or whose text this was. */
        if (event.kind == XML_END && search.matched > walk.depth) {
            if (is_inside)
                xml_text_end(ret_text, room);
            return;
        }
    }
    *ret_text = (struct xml_text){0};
}

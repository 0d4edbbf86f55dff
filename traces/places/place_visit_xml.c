/* place_visit_xml.c - gives the values of XML: attributes, and the text of elements without others
 * in them. */
#include <stdio.h>

#include "core/map.h"
#include "traces/places/place_visitor.h"
#include "traces/places/xml_walk.h"

struct xml_level {
    size_t way_len;  /* of the way to the element itself */
    uint64_t serial; /* of the element in the document: its children are counted under it */
    bool has_child;
    struct bytes name;
    struct xml_text text;
};

struct xml_visit {
    struct visitor *visitor;
    struct xml_walk walk;
    uint64_t elements;
    char way[PLACE_MAX_BYTES];
    struct xml_level levels[XML_MAX_DEPTH + 1]; /* [0] is around the root */
};

static bool append_way(struct xml_visit *xml, size_t *len, struct bytes text)
{
    if (text.len > sizeof xml->way - *len)
        return false;
    memcpy(xml->way + *len, text.ptr, text.len);
    *len += text.len;
    return true;
}

/* "/item[2]" behind the parent's way; false: it is too long, or the element has no number. */
static bool begin_way(struct xml_visit *xml, struct bytes name)
{
    struct xml_level *parent = &xml->levels[xml->walk.depth - 1], *level = parent + 1;
    struct {
        uint64_t parent, name;
    } key = {parent->serial, bytes_hash(name)};
    char digits[16] = "";
    uint32_t number = place_count(&xml->visitor->scratch->counters, PLACE_XML,
                                  bytes_make(&key, sizeof key), false);
    *level =
        (struct xml_level){.way_len = parent->way_len, .serial = ++xml->elements, .name = name};
    parent->has_child = true;
    if (number > 1)
        snprintf(digits, sizeof digits, "[%u]", number);
    return number && parent->way_len != SIZE_MAX &&
           append_way(xml, &level->way_len, bytes_of("/")) &&
           append_way(xml, &level->way_len, name) &&
           append_way(xml, &level->way_len, bytes_of(digits));
}

static void give_xml(struct xml_visit *xml, size_t way_len, struct bytes name, struct bytes text,
                     struct bytes written, bool is_plain)
{
    const struct found_value value = {
        .step = {.kind = PLACE_XML, .name = bytes_make(xml->way, way_len), .number = 1},
        .text = text,
        .name = name,
        .written = written,
        .writing = is_plain ? PLACE_WRITTEN_PLAIN : PLACE_WRITTEN_HTML,
    };
    if (place_name_is_valid(PLACE_XML, value.step.name))
        visitor_give(xml->visitor, 0, &value);
}

static void see_start(struct xml_visit *xml, const struct xml_event *event)
{
    struct xml_level *level = &xml->levels[xml->walk.depth];
    struct bytes rest = event->attributes;
    struct room room = place_room(xml->visitor->scratch, 0);
    struct xml_attribute attribute;
    struct place_counters *counters = &xml->visitor->scratch->counters;
    if (!begin_way(xml, event->name)) {
        level->way_len = SIZE_MAX;
        return;
    }
    while (!visitor_is_done(xml->visitor) && xml_attribute_next(&rest, &attribute)) {
        size_t len = level->way_len;
        struct {
            uint64_t serial, name;
        } key = {level->serial, bytes_hash(attribute.name)};
        /* One that is there twice is found the first time. */
        if (place_count(counters, COUNTED_ATTRIBUTES, bytes_make(&key, sizeof key), false) == 1 &&
            append_way(xml, &len, bytes_of("/@")) && append_way(xml, &len, attribute.name))
            give_xml(xml, len, attribute.name, decode_html(attribute.value, room), attribute.value,
                     false);
    }
}

static void see_end(struct xml_visit *xml)
{
    struct xml_level *level = &xml->levels[xml->walk.depth + 1];
    if (level->has_child || level->way_len == SIZE_MAX || !level->text.pieces)
        return;
    xml_text_end(&level->text, place_room(xml->visitor->scratch, 0));
    give_xml(xml, level->way_len, level->name, level->text.text, level->text.written,
             level->text.is_plain);
}

void visit_xml(struct visitor *visitor, struct bytes document)
{
    struct xml_visit xml = {.visitor = visitor};
    struct xml_event event;
    xml_walk_start(&xml.walk, document);
    while (!visitor_is_done(visitor) && xml_walk_next(&xml.walk, &event)) {
        if (event.kind == XML_START)
            see_start(&xml, &event);
        else if (event.kind == XML_END)
            see_end(&xml);
        else if (xml.walk.depth)
            xml_text_add(&xml.levels[xml.walk.depth].text, &event, place_room(visitor->scratch, 0));
    }
}

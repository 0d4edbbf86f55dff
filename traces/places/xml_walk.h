/*
 * xml_walk.h - goes through XML from tag to tag, and finds one value by the way to it.
 *
 * A scan and no validation: entities of a DTD stay as they are written, and the walk ends where
 * tags do not match. Views of the text and no memory.
 */
#ifndef REPRISE_TRACES_PLACES_XML_WALK_H
#define REPRISE_TRACES_PLACES_XML_WALK_H

#include "traces/places/decode.h"

#define XML_MAX_DEPTH 64 /* elements around a value; deeper ones are not found */

enum xml_event_kind { XML_START, XML_END, XML_TEXT };

struct xml_event {
    enum xml_event_kind kind;
    struct bytes name;       /* of an element */
    struct bytes attributes; /* of XML_START, for xml_attribute_next() */
    struct bytes text;       /* of XML_TEXT */
    bool is_plain;           /* CDATA: without escapes */
};

struct xml_walk {
    struct bytes rest, name;
    bool is_empty_element; /* its end is the next event */
    uint32_t depth;
    struct bytes open[XML_MAX_DEPTH]; /* names of the elements that are open */
};

void xml_walk_start(struct xml_walk *walk, struct bytes text);
bool xml_walk_next(struct xml_walk *walk, struct xml_event *ret_event);

struct xml_attribute {
    struct bytes name, value; /* the value as written */
};

bool xml_attribute_next(struct bytes *rest, struct xml_attribute *ret_attribute);

/*
 * The text of an element: what XML_TEXT events bring between its tags, one after another. One that
 * stands there in one piece is a view; else it is put together in the room.
 */
struct xml_text {
    struct bytes text;    /* decoded, without space at its ends; .ptr NULL: too long for the room */
    struct bytes written; /* .ptr NULL: of several pieces */
    uint32_t pieces;
    size_t len;
    bool is_plain;
};

void xml_text_add(struct xml_text *text, const struct xml_event *event, struct room room);
void xml_text_end(struct xml_text *text, struct room room);

/* What is at "/order/item[2]/@id": *ret_text as above; .text.ptr NULL: nothing. */
void xml_find(struct bytes way, struct bytes document, struct room room, struct xml_text *ret_text);

#endif

/* place_locate.c - where in a message a value stands, as it is written there. */
#include "core/json_scan.h"
#include "traces/places/json_leaves.h"
#include "traces/places/multipart.h"
#include "traces/places/place_find.h"
#include "traces/places/place_parts.h"
#include "traces/places/text_between.h"
#include "traces/places/xml_walk.h"

static const struct bytes nothing = {0};

static struct bytes name_of(const struct place_step *step, char room[PLACE_MAX_BYTES])
{
    return place_text(step->name, step->name_is_escaped, room);
}

static struct bytes locate_json(const struct place_step *step, struct bytes text,
                                enum place_writing *writing)
{
    char room[PLACE_MAX_BYTES];
    struct json_wanted wanted = {.pointer = name_of(step, room)};
    if (!json_find(json_part(text), &wanted, 1) || wanted.kind == JSON_SCAN_NULL)
        return nothing;
    *writing =
        wanted.kind == JSON_SCAN_STRING ? PLACE_WRITTEN_JSON_STRING : PLACE_WRITTEN_JSON_WORD;
    return wanted.found;
}

static struct bytes content_type(const struct message_view *message)
{
    const struct place_step step = {
        .kind = PLACE_HEADER, .number = 1, .name = bytes_of("content-type")};
    return place_find_header(&step, message->headers, message->header_count);
}

static struct bytes locate_part(const struct place *place, const struct message_view *message)
{
    char room[PLACE_MAX_BYTES];
    struct bytes name = name_of(&place->steps[0], room);
    uint32_t left = place->steps[0].number;
    struct multipart multipart;
    struct multipart_part part;
    if (!multipart_start(&multipart, content_type(message), message->body))
        return nothing;
    while (multipart_next(&multipart, &part)) {
        if (part.name.ptr && bytes_equal(part.name, name) && --left == 0)
            return place->step_count > 1 ? part.filename : part.content;
    }
    return nothing;
}

/* CDATA is written as it is. Text of several pieces stands nowhere as one. */
static struct bytes locate_xml(const struct place_step *step, struct bytes document,
                               enum place_writing *writing)
{
    char room[1];
    struct xml_text text;
    xml_find(step->name, document, (struct room){room, 0}, &text);
    *writing = text.is_plain ? PLACE_WRITTEN_PLAIN : PLACE_WRITTEN_HTML;
    return text.written;
}

static struct bytes locate_text(const struct place_step *step, struct bytes text)
{
    char left[PLACE_MAX_BYTES], right[PLACE_MAX_BYTES];
    return text_between(text, name_of(step, left),
                        place_text(step->other, step->other_is_escaped, right), step->number);
}

struct bytes place_locate(const struct place *place, const struct message_view *message,
                          enum place_writing *ret_writing)
{
    const struct place_step *step = &place->steps[0];
    bool is_ws = place->step_count && step->kind == PLACE_WS;
    *ret_writing = PLACE_WRITTEN_PLAIN;
    if (is_ws && place->step_count > 1)
        return locate_json(&place->steps[1], message->body, ret_writing);
    if (!place->step_count || is_ws)
        return message->body;
    switch (step->kind) {
    case PLACE_BODY:
        return locate_json(step, message->body, ret_writing);
    case PLACE_HEADER:
        return place_find_header(step, message->headers, message->header_count);
    case PLACE_COOKIE:
        return place_find_in_cookies(step, message->headers, message->header_count);
    case PLACE_PATH:
        *ret_writing = PLACE_WRITTEN_PERCENT;
        return place_find_in_url(step, message->target);
    case PLACE_QUERY:
        *ret_writing = PLACE_WRITTEN_FORM;
        return place_find_in_url(step, message->target);
    case PLACE_FORM:
        *ret_writing = PLACE_WRITTEN_FORM;
        return place_find_field(step, message->body);
    case PLACE_MULTIPART:
        return locate_part(place, message);
    case PLACE_XML:
        return locate_xml(step, message->body, ret_writing);
    case PLACE_TEXT:
        return locate_text(step, message->body);
    default:
        return nothing;
    }
}

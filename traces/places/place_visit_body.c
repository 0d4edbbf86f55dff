/* place_visit_body.c - gives the values of a body: which walker it is for, events, multipart. */
#include <stdlib.h>

#include "core/grow.h"
#include "core/map.h"
#include "traces/places/body_format.h"
#include "traces/places/event_stream.h"
#include "traces/places/multipart.h"
#include "traces/places/place_parts.h"
#include "traces/places/place_visitor.h"

enum { MAX_EVENTS = 256 * 1024, MAX_TEXT_BYTES = 64 * 1024 };

/* --- events ------------------------------------------------------------------------------- */

struct numbered_event {
    struct stream_event event;
    uint32_t number; /* of its type */
};

/* True the first time for this type and pointer: since events are visited from the last on, that
 * is the one which a place without a number leads to. */
static bool is_latest(struct visitor *visitor, const struct stream_event *event,
                      struct bytes pointer)
{
    struct {
        uint64_t type, pointer;
    } key = {bytes_hash(event->type), pointer.ptr ? bytes_hash(pointer) : 0};
    return !visitor->has_later_events &&
           place_count(&visitor->scratch->counters, COUNTED_EVENT_VALUES,
                       bytes_make(&key, sizeof key), false) == 1;
}

static void visit_event_json(struct visitor *visitor, const struct numbered_event *numbered,
                             struct bytes data)
{
    struct json_leaves *leaves = &visitor->scratch->leaves[1];
    struct json_leaf leaf;
    json_leaves_start(leaves, data);
    while (!visitor_is_done(visitor) && json_leaves_next(leaves, &leaf)) {
        enum place_writing writing =
            leaf.kind == JSON_SCAN_STRING ? PLACE_WRITTEN_JSON_STRING : PLACE_WRITTEN_JSON_WORD;
        struct found_value value = {
            .step = {.kind = PLACE_BODY, .name = leaf.pointer, .number = 1},
            .text = place_decode(leaf.written, writing, place_room(visitor->scratch, 1)),
            .name = leaf.name,
            .writing = writing,
        };
        if (leaf.kind == JSON_SCAN_NULL || !value.text.ptr)
            continue;
        visitor->place.steps[0].number =
            is_latest(visitor, &numbered->event, leaf.pointer) ? 0 : numbered->number;
        visitor_give(visitor, 1, &value);
    }
    visitor_leave_out(visitor, leaves->left_out);
}

static void visit_event(struct visitor *visitor, const struct numbered_event *numbered)
{
    const struct stream_event *event = &numbered->event;
    struct bytes data = stream_event_data(event, place_room(visitor->scratch, 0));
    struct found_value value = {
        .step = {.kind = PLACE_SSE, .name = event->type}, .text = data, .name = event->type};
    if (!data.ptr)
        return;
    value.step.number = is_latest(visitor, event, (struct bytes){0}) ? 0 : numbered->number;
    if (data.len && (data.ptr[0] == '{' || data.ptr[0] == '[')) {
        visitor->place.steps[0] = value.step;
        visit_event_json(visitor, numbered, data);
        visitor->place.step_count = 0;
    } else {
        visitor_give(visitor, 0, &value);
    }
}

static void visit_events(struct visitor *visitor, struct bytes stream)
{
    struct numbered_event *events = NULL, numbered;
    size_t count = 0, capacity = 0;
    struct bytes rest = event_stream_start(stream);
    while (stream_event_next(&rest, &numbered.event)) {
        visitor->has_later_events = true; /* until it is one of the list */
        struct numbered_event *grown =
            grow_by_one(events, count, &capacity, sizeof *events, MAX_EVENTS);
        if (!grown)
            break;
        events = grown;
        numbered.number =
            place_count(&visitor->scratch->counters, PLACE_SSE, numbered.event.type, false);
        if (!numbered.number)
            break;
        events[count++] = numbered;
        visitor->has_later_events = false;
    }
    while (count && !visitor_is_done(visitor))
        visit_event(visitor, &events[--count]);
    free(events);
}

/* --- multipart ---------------------------------------------------------------------------- */

static void visit_multipart(struct visitor *visitor, struct bytes content_type)
{
    struct place_counters *counters = &visitor->scratch->counters;
    struct multipart multipart;
    struct multipart_part part;
    if (!multipart_start(&multipart, content_type, visitor->message->body))
        return;
    while (!visitor_is_done(visitor) && multipart_next(&multipart, &part)) {
        const struct place_step step = {
            .kind = PLACE_MULTIPART,
            .name = part.name,
            .number = part.name.len ? place_count(counters, PLACE_MULTIPART, part.name, false) : 0,
        };
        bool is_file = part.filename.ptr != NULL;
        struct bytes text = is_file ? part.filename : part.content;
        struct found_value value = {.step = step, .text = text, .name = part.name, .written = text};
        if (!step.number)
            continue;
        if (is_file) {
            visitor->place.steps[0] = step;
            value.step = (struct place_step){.kind = PLACE_FILENAME, .number = 1};
        }
        visitor_give(visitor, is_file, &value);
        visitor->place.step_count = 0;
    }
}

/* --- bodies ------------------------------------------------------------------------------- */

void visit_body(struct visitor *visitor)
{
    const struct message_view *message = visitor->message;
    const struct place_step step = {
        .kind = PLACE_HEADER, .name = bytes_of("content-type"), .number = 1};
    struct bytes type = place_find_header(&step, message->headers, message->header_count);
    bool is_answer = message->side == PLACE_IN_ANSWER;
    enum body_format format = body_format_of(type, message->body);
    switch (format) {
    case BODY_JSON:
        visit_json(visitor, 0, PLACE_BODY, json_part(message->body),
                   place_room(visitor->scratch, 0));
        break;
    case BODY_FORM:
        visit_fields(visitor, PLACE_FORM, message->body);
        break;
    case BODY_MULTIPART:
        if (!is_answer)
            visit_multipart(visitor, type);
        break;
    case BODY_HTML:
        if (is_answer)
            visit_html(visitor, message->body);
        break;
    case BODY_XML:
        visit_xml(visitor, message->body);
        break;
    case BODY_EVENTS:
        if (is_answer)
            visit_events(visitor, message->body);
        break;
    case BODY_SCRIPT:
    case BODY_TEXT:
        if (message->body.len <= MAX_TEXT_BYTES)
            visit_text(visitor, 0, message->body, format == BODY_SCRIPT);
        break;
    case BODY_OPAQUE:
        break;
    }
}

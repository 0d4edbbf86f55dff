/* place_find.c - leads along the steps of a place to what is there in a message. */
#include "traces/places/place_find.h"

#include <stdlib.h>

#include "core/json_scan.h"
#include "traces/places/event_stream.h"
#include "traces/places/header_params.h"
#include "traces/places/html_walk.h"
#include "traces/places/place_parts.h"
#include "traces/places/place_scratch.h"
#include "traces/places/text_between.h"
#include "traces/places/xml_walk.h"

static const struct bytes nothing = {0};

struct place_scratch *place_scratch_new(void)
{
    struct place_scratch *scratch = malloc(sizeof *scratch);
    if (!scratch)
        return NULL;
    place_counters_init(&scratch->counters);
    buf_init(&scratch->text, PLACE_MAX_BYTES);
    return scratch;
}

void place_scratch_free(struct place_scratch *scratch)
{
    if (!scratch)
        return;
    place_counters_fini(&scratch->counters);
    buf_fini(&scratch->text);
    free(scratch);
}

struct bytes place_decode(struct bytes written, enum place_writing writing, struct room room)
{
    struct bytes text = written;
    if (!written.ptr)
        return nothing;
    if (writing == PLACE_WRITTEN_PERCENT || writing == PLACE_WRITTEN_FORM)
        text = decode_percent(written, writing == PLACE_WRITTEN_FORM, room);
    else if (writing == PLACE_WRITTEN_JSON_STRING)
        text = decode_json(written, room);
    else if (writing == PLACE_WRITTEN_HTML)
        text = decode_html(written, room);
    return text.len <= room.len ? text : nothing;
}

bool place_has_only_semicolons(struct bytes header)
{
    return bytes_equal_nocase(header, bytes_of("set-cookie"));
}

static struct bytes name_of(const struct place_step *step, struct place_scratch *scratch)
{
    return place_text(step->name, step->name_is_escaped, scratch->name);
}

static struct bytes other_of(const struct place_step *step, struct place_scratch *scratch)
{
    return place_text(step->other, step->other_is_escaped, scratch->other);
}

/* --- one step inside a text --------------------------------------------------------------- */

static struct bytes find_json(struct bytes pointer, struct bytes text, struct room room)
{
    struct json_wanted wanted = {.pointer = pointer};
    if (!json_find(json_part(text), &wanted, 1) || wanted.kind == JSON_SCAN_NULL)
        return nothing;
    return place_decode(wanted.found,
                        wanted.kind == JSON_SCAN_STRING ? PLACE_WRITTEN_JSON_STRING
                                                        : PLACE_WRITTEN_JSON_WORD,
                        room);
}

static struct bytes find_claim(struct bytes pointer, struct bytes text,
                               struct place_scratch *scratch, uint32_t at)
{
    struct bytes payload = decode_jwt(text, place_half_room(scratch, at, 0));
    return payload.ptr ? find_json(pointer, payload, place_half_room(scratch, at, 1)) : nothing;
}

static struct bytes find_link(const struct place_step *step, struct bytes text)
{
    struct header_link link;
    uint32_t left = step->number;
    while (header_link_next(&text, &link)) {
        if (header_link_is(&link, step->name) && --left == 0)
            return link.target;
    }
    return nothing;
}

/* `outer`: what the parameter is one of. */
static struct bytes find_param(const struct place_step *step, const struct place_step *outer,
                               struct bytes text, struct room room)
{
    struct header_param param;
    bool only_semicolons = outer->kind == PLACE_COOKIE ||
                           (outer->kind == PLACE_HEADER && place_has_only_semicolons(outer->name));
    if (!header_param_find(text, only_semicolons, step->name, step->number, &param))
        return nothing;
    return param.is_quoted ? decode_quoted(param.value, room) : param.value;
}

static struct bytes find_inside(const struct place *place, uint32_t at, struct bytes text,
                                struct place_scratch *scratch)
{
    const struct place_step *step = &place->steps[at];
    struct room room = place_room(scratch, at);
    switch (step->kind) {
    case PLACE_BODY:
        return find_json(name_of(step, scratch), text, room);
    case PLACE_PATH:
        return place_decode(place_find_in_url(step, text), PLACE_WRITTEN_PERCENT, room);
    case PLACE_QUERY:
        return place_decode(place_find_in_url(step, text), PLACE_WRITTEN_FORM, room);
    case PLACE_TEXT:
        return text_between(text, name_of(step, scratch), other_of(step, scratch), step->number);
    case PLACE_JWT:
        return find_claim(name_of(step, scratch), text, scratch, at);
    case PLACE_LINK:
        return find_link(step, text);
    case PLACE_PARAM:
        return find_param(step, &place->steps[at - 1], text, room);
    case PLACE_BASE64:
        return decode_base64(text, room);
    case PLACE_PERCENT:
        return decode_percent(text, false, room);
    default:
        return nothing;
    }
}

/* From the step `at` on. */
static struct bytes find_rest(const struct place *place, uint32_t at, struct bytes text,
                              struct place_scratch *scratch)
{
    for (; at < place->step_count && text.ptr; at++)
        text = find_inside(place, at, text, scratch);
    return text;
}

/* --- the first step ----------------------------------------------------------------------- */

static struct bytes find_attribute(const struct place_step *step, struct bytes page,
                                   struct place_scratch *scratch)
{
    struct bytes name = name_of(step, scratch);
    bool ignores_case = step->kind == PLACE_HTML_DATA;
    uint32_t left = step->number;
    struct html_walk walk;
    struct html_item item;
    html_walk_start(&walk, page);
    while (html_walk_next(&walk, &item)) {
        bool is_it = item.kind == step->kind && (ignores_case ? bytes_equal_nocase(item.name, name)
                                                              : bytes_equal(item.name, name));
        if (is_it && --left == 0)
            return place_decode(item.value, PLACE_WRITTEN_HTML, place_room(scratch, 0));
    }
    return nothing;
}

static struct bytes find_url(const struct place_step *step, struct bytes page,
                             struct place_scratch *scratch)
{
    struct bytes prefix = name_of(step, scratch);
    uint32_t left = step->number;
    struct html_walk walk;
    struct html_item item;
    html_walk_start(&walk, page);
    while (html_walk_next(&walk, &item)) {
        if (item.kind != PLACE_HTML_HREF)
            continue;
        struct bytes url = place_decode(item.value, PLACE_WRITTEN_HTML, place_room(scratch, 0));
        if (url.ptr && place_url_begins_with(url, prefix) && --left == 0)
            return url;
    }
    return nothing;
}

static struct bytes find_script(const struct place *place, struct bytes page,
                                struct place_scratch *scratch)
{
    const struct place_step *step = &place->steps[0];
    struct bytes name = name_of(step, scratch);
    uint64_t number = 0;
    bool is_number = bytes_to_u64(name, &number);
    struct html_walk walk;
    struct html_item item;
    html_walk_start(&walk, page);
    while (html_walk_next(&walk, &item)) {
        if (item.kind != PLACE_HTML_SCRIPT ||
            (is_number ? item.script != number : !bytes_equal(item.name, name)))
            continue;
        bool is_json = place->step_count > 1 && place->steps[1].kind == PLACE_BODY;
        return is_json ? script_json(item.value, step->number) : item.value;
    }
    return nothing;
}

/* The event's data along the rest of the place. */
static struct bytes find_in_event(const struct place *place, const struct stream_event *event,
                                  struct place_scratch *scratch)
{
    return find_rest(place, 1, stream_event_data(event, place_room(scratch, 0)), scratch);
}

/* What an earlier event gave is lost with the rooms, so the last that gave something is read
 * again. */
static struct bytes find_in_events(const struct place *place, struct bytes stream,
                                   struct place_scratch *scratch)
{
    const struct place_step *step = &place->steps[0];
    char room[PLACE_MAX_BYTES];
    struct bytes type = place_text(step->name, step->name_is_escaped, room);
    struct bytes rest = event_stream_start(stream);
    struct stream_event event, last;
    bool has_last = false;
    uint32_t left = step->number;
    while (stream_event_next(&rest, &event)) {
        if (!bytes_equal(event.type, type))
            continue;
        if (step->number && --left)
            continue;
        if (step->number)
            return find_in_event(place, &event, scratch);
        if (find_in_event(place, &event, scratch).ptr) {
            last = event;
            has_last = true;
        }
    }
    return has_last ? find_in_event(place, &last, scratch) : nothing;
}

/* A message of the server's that the step chooses, or any of the client's. */
static bool is_chosen(const struct place_step *step, const struct message_view *message,
                      struct place_scratch *scratch)
{
    if (message->side == PLACE_IN_REQUEST || !step->name.ptr)
        return true;
    struct bytes found = find_json(name_of(step, scratch), message->body, place_room(scratch, 0));
    return found.ptr && bytes_equal(found, other_of(step, scratch));
}

/* An answer's cookie: what is inside it are its attributes, behind its value. */
static struct bytes find_set_cookie(const struct place *place, const struct message_view *message)
{
    struct bytes line = nothing;
    struct bytes value =
        place_find_set_cookie(&place->steps[0], message->headers, message->header_count, &line);
    if (value.ptr && place->step_count > 1 && place->steps[1].kind == PLACE_PARAM)
        return bytes_from(line, bytes_index_of(line, ';'));
    return value;
}

static struct bytes find_first(const struct place *place, const struct message_view *message,
                               struct place_scratch *scratch)
{
    const struct place_step *step = &place->steps[0];
    struct xml_text text;
    enum place_writing writing;
    switch (step->kind) {
    case PLACE_COOKIE:
        if (message->side == PLACE_IN_ANSWER)
            return find_set_cookie(place, message);
        break;
    case PLACE_HTML_INPUT:
    case PLACE_HTML_META:
    case PLACE_HTML_DATA:
        return find_attribute(step, message->body, scratch);
    case PLACE_HTML_HREF:
        return find_url(step, message->body, scratch);
    case PLACE_HTML_SCRIPT:
        return find_script(place, message->body, scratch);
    case PLACE_XML:
        xml_find(step->name, message->body, place_room(scratch, 0), &text);
        return text.text;
    case PLACE_WS:
        return is_chosen(step, message, scratch) ? message->body : nothing;
    case PLACE_BODY:
        return find_json(name_of(step, scratch), message->body, place_room(scratch, 0));
    default:
        break;
    }
    struct bytes written = place_locate(place, message, &writing);
    return place_decode(written, writing, place_room(scratch, 0));
}

struct bytes place_find_inside(const struct place *place, struct bytes text,
                               struct place_scratch *scratch)
{
    text = find_rest(place, 1, text, scratch);
    return text.len <= PLACE_MAX_VALUE_BYTES ? text : nothing;
}

struct bytes place_find(const struct place *place, const struct message_view *message,
                        struct place_scratch *scratch)
{
    struct bytes text;
    if (!place->step_count)
        return nothing;
    if (place->steps[0].kind == PLACE_SSE) {
        text = find_in_events(place, message->body, scratch);
    } else {
        text = find_first(place, message, scratch);
        if (place->step_count > 1 && place->steps[1].kind != PLACE_FILENAME)
            text = find_rest(place, 1, text, scratch);
    }
    return text.len <= PLACE_MAX_VALUE_BYTES ? text : nothing;
}

/* place_visit_html.c - gives the values of a page, and of scripts and plain text. */
#include <stdio.h>

#include "traces/endpoint.h"
#include "traces/places/html_walk.h"
#include "traces/places/place_parts.h"
#include "traces/places/place_visitor.h"
#include "traces/places/text_between.h"

enum {
    MAX_TEXT_VALUES = 256,                 /* of one text */
    MAX_SEARCHED_BYTES = 256 * 1024,       /* of a text, for the number of one value */
    MAX_SCRIPT_BYTES = 64 * 1024,          /* of one whose strings are looked at; JSON: any */
    MAX_JSON_PARTS = 16,                   /* of one script */
    MAX_STEMS = ENDPOINT_MAX_SEGMENTS + 2, /* of a URL */
};

/* --- text --------------------------------------------------------------------------------- */

void visit_text(struct visitor *visitor, uint32_t level, struct bytes text, bool is_script)
{
    struct bytes rest = text;
    struct text_value found;
    for (int i = 0; i < MAX_TEXT_VALUES && !visitor_is_done(visitor); i++) {
        if (is_script ? !script_value_next(&rest, text, &found)
                      : !line_value_next(&rest, text, &found))
            break;
        uint32_t number = text_number_of(text, found.left, found.value.ptr, MAX_SEARCHED_BYTES);
        struct found_value value = {
            .step = {.kind = PLACE_TEXT,
                     .name = found.left,
                     .other = found.right,
                     .number = number},
            .text = found.value,
            .name = found.name,
            .written = level ? (struct bytes){0} : found.value,
        };
        if (number)
            visitor_give(visitor, level, &value);
    }
}

/* --- pages -------------------------------------------------------------------------------- */

static void give_attribute(struct visitor *visitor, const struct html_item *item)
{
    struct place_scratch *scratch = visitor->scratch;
    struct found_value value = {
        .step = {.kind = item->kind, .name = item->name},
        .text = place_decode(item->value, PLACE_WRITTEN_HTML, place_room(scratch, 0)),
        .name = item->name,
        .written = item->value,
        .writing = PLACE_WRITTEN_HTML,
    };
    value.step.number =
        place_count(&scratch->counters, item->kind, item->name, item->kind == PLACE_HTML_DATA);
    if (value.step.number)
        visitor_give(visitor, 0, &value);
}

/* What a URL is known by: what comes before its first id, or its path. */
static struct bytes stem_of(struct bytes target)
{
    char template[ENDPOINT_TEMPLATE_BYTES];
    size_t query = bytes_index_of(target, '?');
    struct bytes path = bytes_make(target.ptr, query), shape = endpoint_template(path, template);
    shape.len = bytes_index_of(shape, '{');
    if (shape.len < path.len && bytes_starts_with(path, shape))
        while (shape.len && path.ptr[shape.len - 1] != '/')
            shape.len--;
    else
        shape.len = path.len + (query < target.len);
    return bytes_make(target.ptr, shape.len);
}

/* Under all that it begins with as place_url_begins_with() has it: returns the number for `stem`,
 * 0 for one behind too many others. */
static uint32_t count_url(struct visitor *visitor, struct bytes target, struct bytes stem)
{
    struct place_counters *counters = &visitor->scratch->counters;
    uint32_t number = 0;
    size_t path_len = bytes_index_of(target, '?'), last = path_len + (path_len < target.len);
    for (size_t len = 1, stems = 0; len <= last && stems < MAX_STEMS; len++) {
        if (len < path_len && target.ptr[len - 1] != '/')
            continue;
        uint32_t count = place_count(counters, COUNTED_URLS, bytes_make(target.ptr, len), false);
        stems++;
        if (len == stem.len)
            number = count;
    }
    return number;
}

static void give_url(struct visitor *visitor, struct bytes written)
{
    struct bytes url = place_decode(written, PLACE_WRITTEN_HTML, place_room(visitor->scratch, 0));
    if (!url.ptr || url.len > PLACE_MAX_URL_BYTES)
        return;
    struct bytes target = place_url_target(url), stem = stem_of(target);
    struct found_value value = {
        .step = {.kind = PLACE_HTML_HREF, .name = stem},
        .text = url,
        .name = stem,
        .written = written,
        .writing = PLACE_WRITTEN_HTML,
        .is_url = true,
    };
    value.step.number = count_url(visitor, target, stem);
    if (value.step.number)
        visitor_give(visitor, 0, &value);
}

/* Its JSON, and the strings of one that has none. */
static void visit_script(struct visitor *visitor, const struct html_item *item)
{
    char digits[12];
    uint64_t number;
    bool has_id =
        item->name.len && !bytes_to_u64(item->name, &number) &&
        place_count(&visitor->scratch->counters, PLACE_HTML_SCRIPT, item->name, false) == 1;
    snprintf(digits, sizeof digits, "%u", item->script);
    struct place_step step = {
        .kind = PLACE_HTML_SCRIPT, .name = has_id ? item->name : bytes_of(digits), .number = 1};
    struct bytes json = script_json(item->value, 1), begin = json_part(item->value);
    bool is_json = json.ptr && json.ptr == begin.ptr;
    for (; json.ptr && !visitor_is_done(visitor); json = script_json(item->value, step.number)) {
        visitor->place.steps[0] = step;
        visit_json(visitor, 1, PLACE_BODY, json, place_room(visitor->scratch, 1));
        if (step.number++ == MAX_JSON_PARTS)
            break;
    }
    step.number = 1;
    visitor->place.steps[0] = step;
    if (!is_json && item->value.len <= MAX_SCRIPT_BYTES)
        visit_text(visitor, 1, item->value, true);
    visitor->place.step_count = 0;
}

void visit_html(struct visitor *visitor, struct bytes page)
{
    struct html_walk walk;
    struct html_item item;
    html_walk_start(&walk, page);
    while (!visitor_is_done(visitor) && html_walk_next(&walk, &item)) {
        if (item.kind == PLACE_HTML_HREF)
            give_url(visitor, item.value);
        else if (item.kind == PLACE_HTML_SCRIPT)
            visit_script(visitor, &item);
        else
            give_attribute(visitor, &item);
    }
}

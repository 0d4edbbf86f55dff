/* place_visit_html.c - gives the values of a page, and of scripts and plain text. */
#include <stdio.h>

#include "traces/endpoint.h"
#include "traces/places/html_walk.h"
#include "traces/places/place_parts.h"
#include "traces/places/place_visitor.h"
#include "traces/places/text_between.h"

enum {
    MAX_TEXT_VALUES = 256,           /* of one text */
    MAX_SEARCHED_BYTES = 256 * 1024, /* of a text, for the number of one value */
    MAX_SCRIPT_BYTES = 64 * 1024,    /* of one whose strings are looked at; JSON: any */
    MAX_JSON_PARTS = 16,             /* of one script */
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

/* /wiki/OpenStreetMap, /dl/GgOaiWbe: what changes between capitals and small letters so often may
 * be another one in the next page, word or not. */
static bool may_vary(struct bytes segment)
{
    size_t changes = 0;
    for (size_t i = 2; i < segment.len; i++) {
        char before = segment.ptr[i - 1], c = segment.ptr[i];
        changes += ascii_is_alpha(before) && ascii_is_alpha(c) && (before < 'a') != (c < 'a');
    }
    return changes >= 3;
}

/* The bytes of the path before its first segment that may vary. */
static size_t steady_bytes(struct bytes path)
{
    struct bytes rest = path, segment;
    while (bytes_split(&rest, '/', &segment)) {
        if (may_vary(segment))
            return (size_t)(segment.ptr - path.ptr);
    }
    return path.len;
}

/* What a URL is known by: what comes before its first id, or its path. */
static struct bytes stem_of(struct bytes target)
{
    char template[ENDPOINT_TEMPLATE_BYTES];
    size_t query = bytes_index_of(target, '?');
    struct bytes path = bytes_make(target.ptr, query), shape = endpoint_template(path, template);
    size_t steady = steady_bytes(path);
    shape.len = bytes_index_of(shape, '{');
    if (shape.len < path.len && bytes_starts_with(path, shape))
        while (shape.len && path.ptr[shape.len - 1] != '/')
            shape.len--;
    else
        shape.len = path.len + (query < target.len);
    return bytes_make(target.ptr, steady < path.len && steady < shape.len ? steady : shape.len);
}

/* Under all that it begins with as place_url_begins_with() has it. */
static void count_link(struct visitor *visitor, struct link_numbers *link)
{
    struct place_counters *counters = &visitor->scratch->counters;
    struct bytes target = link->target;
    size_t path_len = bytes_index_of(target, '?'), last = path_len + (path_len < target.len);
    for (size_t len = 1; len <= last && link->count < LINK_MAX_NUMBERS; len++) {
        if (len < path_len && target.ptr[len - 1] != '/')
            continue;
        link->of[link->count++] = (struct link_number){
            .prefix_bytes = len,
            .number = place_count(counters, COUNTED_URLS, bytes_make(target.ptr, len), false),
        };
    }
}

static uint32_t number_under(const struct link_numbers *link, size_t prefix_bytes)
{
    for (size_t i = 0; i < link->count; i++) {
        if (link->of[i].prefix_bytes == prefix_bytes)
            return link->of[i].number;
    }
    return 0;
}

static struct place_step link_step(const struct link_numbers *link, size_t prefix_bytes)
{
    return (struct place_step){.kind = PLACE_HTML_HREF,
                               .name = bytes_make(link->target.ptr, prefix_bytes),
                               .number = number_under(link, prefix_bytes)};
}

bool visitor_name_link(struct visitor *visitor, struct bytes segment)
{
    const struct link_numbers *link = visitor->link;
    size_t before = (size_t)(segment.ptr - link->target.ptr);
    visitor->place.steps[0] = link_step(link, before < link->stem.len ? before : link->stem.len);
    return visitor->place.steps[0].number > 0;
}

/* The path up to its last segment, and that of it: "/a/b/" of "/a/b/c" and "/a/b/c/". 0: nothing
 * would be left but "/". */
static size_t parent_bytes(struct bytes path)
{
    size_t len = path.len;
    while (len && path.ptr[len - 1] == '/')
        len--;
    while (len && path.ptr[len - 1] != '/')
        len--;
    return len > 1 && path.ptr[len - 2] != '/' ? len : 0;
}

/* All words, one of them may be another user's: only other sessions show which. Their order decides
 * where nothing else does, and the last one is the one to take. */
bool visitor_name_link_by_less(struct visitor *visitor, uint32_t level)
{
    const struct link_numbers *link = visitor->link;
    struct bytes path = bytes_make(link->target.ptr, bytes_index_of(link->target, '?'));
    size_t lens[LINK_MAX_NAMES];
    uint32_t count = 0;
    while (link->stem.len >= path.len && count < LINK_MAX_NAMES &&
           (path.len = parent_bytes(path)) > 0)
        lens[count++] = path.len;
    if (level >= count)
        return false;
    visitor->place.steps[0] = link_step(link, lens[count - 1 - level]);
    return visitor->place.steps[0].number > 0;
}

/* By how much the URL as a whole is known, too; 0: a file is known by its name. */
static size_t bytes_of_whole(const struct link_numbers *link)
{
    struct bytes path = bytes_make(link->target.ptr, bytes_index_of(link->target, '?'));
    size_t less = link->stem.len >= path.len ? parent_bytes(path) : 0;
    struct bytes last = bytes_from(path, less);
    return bytes_index_of(last, '.') == last.len ? less : 0;
}

static void give_url(struct visitor *visitor, struct bytes written)
{
    struct bytes url = place_decode(written, PLACE_WRITTEN_HTML, place_room(visitor->scratch, 0));
    if (!url.ptr || url.len > PLACE_MAX_URL_BYTES)
        return;
    struct link_numbers link = {.target = place_url_target(url)};
    link.stem = stem_of(link.target);
    count_link(visitor, &link);
    struct found_value value = {
        .step = link_step(&link, link.stem.len),
        .text = url,
        .name = link.stem,
        .written = written,
        .writing = PLACE_WRITTEN_HTML,
        .is_url = true,
    };
    if (!value.step.number)
        return;
    visitor->link = &link;
    visitor_give(visitor, 0, &value);
    visitor->link = NULL;
    size_t less = bytes_of_whole(&link);
    if (!less)
        return;
    value.step = link_step(&link, less);
    value.is_again = true;
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

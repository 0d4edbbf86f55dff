/* place_visit_inside.c - what a value of an answer may hold: JSON, a URL, a token, base64, %XX. */
#include "core/text_codings.h"
#include "traces/places/place_parts.h"
#include "traces/places/place_visitor.h"

enum {
    MAX_PARAMETERS = 64,   /* of a URL */
    MIN_BASE64_BYTES = 16, /* of what is not JSON when decoded */
};

/* A name that stands twice in its object: json_find() goes to the first, and so a later one has no
 * place. Without room to count, all are taken for the first. */
static bool is_repeated(struct visitor *visitor, uint32_t level, struct bytes pointer)
{
    return level == 0 &&
           place_count(&visitor->scratch->counters, COUNTED_LEAVES, pointer, false) > 1;
}

void visit_json(struct visitor *visitor, uint32_t level, enum place_kind kind, struct bytes text,
                struct room room)
{
    struct json_leaves *leaves = &visitor->scratch->leaves[level];
    struct json_leaf leaf;
    json_leaves_start(leaves, text);
    while (!visitor->result && json_leaves_next(leaves, &leaf)) {
        if (visitor_is_done(visitor)) { /* the rest is counted */
            visitor_leave_out(visitor, leaf.kind != JSON_SCAN_NULL);
            continue;
        }
        bool is_string = leaf.kind == JSON_SCAN_STRING;
        enum place_writing writing =
            is_string ? PLACE_WRITTEN_JSON_STRING : PLACE_WRITTEN_JSON_WORD;
        struct found_value value = {
            .step = {.kind = kind, .name = leaf.pointer, .number = 1},
            .text = place_decode(leaf.written, writing, room),
            .name = leaf.name,
            .written = level ? (struct bytes){0} : leaf.written,
            .writing = writing,
        };
        if (is_repeated(visitor, level, leaf.pointer))
            continue;
        if (leaf.kind != JSON_SCAN_NULL)
            visitor_give(visitor, level, &value);
        if (!value.text.ptr && leaf.written.len > PLACE_MAX_VALUE_BYTES)
            visitor->scratch->gaps.too_long++;
    }
    visitor_leave_out(visitor, leaves->left_out);
}

/* --- URLs --------------------------------------------------------------------------------- */

static bool looks_like_url(struct bytes text)
{
    static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
    if (text.len > 1 && text.ptr[0] == '/')
        return true;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (bytes_starts_with_nocase(text, bytes_of(schemes[i])))
            return true;
    }
    return false;
}

/* Which of the parameters of that name it is. */
static uint32_t number_among(struct bytes fields, struct bytes name, const char *written)
{
    struct place_step step = {.kind = PLACE_QUERY, .name = name, .number = 1};
    while (step.number <= MAX_PARAMETERS) {
        struct bytes found = place_find_field(&step, fields);
        if (!found.ptr || found.ptr == written)
            return found.ptr ? step.number : 0;
        step.number++;
    }
    return 0;
}

static void visit_parameters(struct visitor *visitor, uint32_t level, struct bytes fields)
{
    struct bytes rest = fields, pair;
    for (int i = 0; i < MAX_PARAMETERS && bytes_split(&rest, '&', &pair); i++) {
        size_t equals = bytes_index_of(pair, '=');
        struct bytes name = bytes_trim(bytes_make(pair.ptr, equals));
        struct bytes written = bytes_from(pair, equals + 1);
        if (!place_name_is_valid(PLACE_QUERY, name) || !written.len)
            continue;
        struct found_value value = {
            .step = {.kind = PLACE_QUERY,
                     .name = name,
                     .number = number_among(fields, name, written.ptr)},
            .text = place_decode(written, PLACE_WRITTEN_FORM, place_room(visitor->scratch, level)),
            .name = name,
            .writing = PLACE_WRITTEN_FORM,
        };
        if (value.step.number)
            visitor_give(visitor, level, &value);
    }
}

static void visit_url(struct visitor *visitor, uint32_t level, struct bytes text, struct bytes name)
{
    struct bytes target = place_url_target(text);
    size_t query = bytes_index_of(target, '?');
    struct place_step stem = visitor->place.steps[level - 1];
    visit_path(visitor, level, bytes_make(target.ptr, query), name);
    visitor->place.steps[level - 1] = stem; /* each segment of a link has its own */
    if (query == target.len)
        return;
    visit_parameters(visitor, level, bytes_from(target, query + 1));
    for (uint32_t i = 0; level == 1 && visitor->link && visitor_name_link_by_less(visitor, i); i++)
        visit_parameters(visitor, level, bytes_from(target, query + 1));
}

/* --- encoded ------------------------------------------------------------------------------ */

static bool is_percent_encoded(struct bytes text)
{
    return percent_value(bytes_from(text, bytes_index_of(text, '%'))) >= 0;
}

/* Random text of base64's letters does not decode to what can be read. */
static bool is_base64(struct bytes text, struct room room, struct bytes *ret_decoded)
{
    if (text.len < MIN_BASE64_BYTES || text.len > PLACE_MAX_VALUE_BYTES)
        return false;
    *ret_decoded = decode_base64(text, room);
    return ret_decoded->ptr && bytes_are_ascii_text(*ret_decoded);
}

static void give_decoded(struct visitor *visitor, uint32_t level, enum place_kind kind,
                         struct bytes text, struct bytes name)
{
    const struct found_value value = {
        .step = {.kind = kind, .number = 1}, .text = text, .name = name};
    visitor_give(visitor, level, &value);
}

static bool looks_like_jwt(struct bytes text)
{
    const char *start = text.len ? memmem(text.ptr, text.len, "eyJ", 3) : NULL;
    return start && (start == text.ptr || start[-1] == ' ') && bytes_index_of(text, '.') < text.len;
}

void visit_inside(struct visitor *visitor, struct bytes text, struct bytes name, bool is_url)
{
    uint32_t level = visitor->place.step_count;
    struct place_scratch *scratch = visitor->scratch;
    struct bytes decoded;
    if (level >= visitor->max_steps || visitor_is_done(visitor) || text.len < 2)
        return;
    if (text.ptr[0] == '{' || text.ptr[0] == '[') {
        visit_json(visitor, level, PLACE_BODY, text, place_room(scratch, level));
        return;
    }
    if (is_url || looks_like_url(text)) {
        if (text.len <= PLACE_MAX_URL_BYTES)
            visit_url(visitor, level, text, name);
        return;
    }
    if (looks_like_jwt(text) &&
        (decoded = decode_jwt(text, place_half_room(scratch, level, 0))).ptr) {
        visit_json(visitor, level, PLACE_JWT, decoded, place_half_room(scratch, level, 1));
        return;
    }
    if (is_percent_encoded(text) &&
        (decoded = decode_percent(text, false, place_room(scratch, level))).ptr)
        give_decoded(visitor, level, PLACE_PERCENT, decoded, name);
    else if (is_base64(text, place_room(scratch, level), &decoded))
        give_decoded(visitor, level, PLACE_BASE64, decoded, name);
}

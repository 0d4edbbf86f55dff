/* place_visit.c - gives the values of a message's head, and what the walkers find in its body. */
#include "traces/places/place_visit.h"

#include "traces/places/header_params.h"
#include "traces/places/place_parts.h"
#include "traces/places/place_visitor.h"

enum { SURE_NAME_BYTES = 600 }; /* names of so many bytes fit into a place, however written */

/* Can the place be written, in PLACE_MAX_BYTES? */
static bool can_be_written(struct visitor *visitor)
{
    const struct place *place = &visitor->place;
    size_t len = 0;
    for (uint32_t i = 0; i < place->step_count; i++)
        len += place->steps[i].name.len + place->steps[i].other.len;
    if (len <= SURE_NAME_BYTES)
        return true;
    struct buf *text = &visitor->scratch->text;
    buf_clear(text);
    place_format(place, text);
    return !buf_failed(text);
}

void visitor_give(struct visitor *visitor, uint32_t level, const struct found_value *found)
{
    struct place_value value = {
        .place = &visitor->place,
        .text = found->text,
        .name = found->name,
        .written = found->written,
        .writing = found->writing,
    };
    if (visitor_is_done(visitor) || level >= visitor->max_steps || !found->text.len)
        return;
    if (found->text.len > PLACE_MAX_VALUE_BYTES) {
        visitor->scratch->gaps.too_long++;
        return;
    }
    visitor->place.steps[level] = found->step;
    visitor->place.step_count = level + 1;
    bool is_writable = can_be_written(visitor);
    if (is_writable && --visitor->values_left == 0) {
        visitor_leave_out(visitor, 1);
    } else if (is_writable) {
        visitor->result = visitor->visit(visitor->owner, &value);
        if (visitor->message->side == PLACE_IN_ANSWER &&
            found->writing != PLACE_WRITTEN_JSON_WORD && !found->is_again)
            visit_inside(visitor, found->text, found->name, found->is_url);
    }
    visitor->place.step_count = level;
}

/* --- names and values --------------------------------------------------------------------- */

/* "a = b": the name without space, and what is behind the '='. */
static struct bytes split_pair(struct bytes pair, struct bytes *ret_value)
{
    size_t equals = bytes_index_of(pair, '=');
    *ret_value = bytes_from(pair, equals + 1);
    return bytes_trim(bytes_make(pair.ptr, equals));
}

void visit_fields(struct visitor *visitor, enum place_kind kind, struct bytes fields)
{
    struct bytes pair, written;
    while (!visitor_is_done(visitor) && bytes_split(&fields, '&', &pair)) {
        struct bytes name = split_pair(pair, &written);
        if (!place_name_is_valid(kind, name))
            continue;
        struct found_value value = {
            .step = {.kind = kind, .name = name},
            .text = place_decode(written, PLACE_WRITTEN_FORM, place_room(visitor->scratch, 0)),
            .name = name,
            .written = written,
            .writing = PLACE_WRITTEN_FORM,
        };
        value.step.number = place_count(&visitor->scratch->counters, kind, name, false);
        if (value.step.number)
            visitor_give(visitor, 0, &value);
    }
}

void visit_path(struct visitor *visitor, uint32_t level, struct bytes path, struct bytes name)
{
    struct bytes segment;
    if (path.len && path.ptr[0] == '/')
        path = bytes_from(path, 1);
    for (uint32_t number = 1; !visitor_is_done(visitor) && bytes_split(&path, '/', &segment);
         number++) {
        struct found_value value = {
            .step = {.kind = PLACE_PATH, .number = number},
            .text =
                place_decode(segment, PLACE_WRITTEN_PERCENT, place_room(visitor->scratch, level)),
            .name = name,
            .written = level ? (struct bytes){0} : segment,
            .writing = PLACE_WRITTEN_PERCENT,
        };
        if (level != 1 || !visitor->link || visitor_name_link(visitor, segment))
            visitor_give(visitor, level, &value);
        name = segment;
    }
}

static void visit_target(struct visitor *visitor, struct bytes target)
{
    target = place_url_target(target);
    size_t query = bytes_index_of(target, '?');
    visit_path(visitor, 0, bytes_make(target.ptr, query), (struct bytes){0});
    if (query < target.len)
        visit_fields(visitor, PLACE_QUERY, bytes_from(target, query + 1));
}

/* --- headers ------------------------------------------------------------------------------ */

/* False: it is no cookie. */
static bool give_cookie(struct visitor *visitor, struct bytes pair, struct place_step *ret_step)
{
    struct bytes written, name = split_pair(pair, &written);
    if (!place_name_is_valid(PLACE_COOKIE, name))
        return false;
    *ret_step = (struct place_step){
        .kind = PLACE_COOKIE,
        .name = name,
        .number = place_count(&visitor->scratch->counters, PLACE_COOKIE, name, false),
    };
    const struct found_value value = {
        .step = *ret_step,
        .text = bytes_trim(written),
        .name = name,
        .written = bytes_trim(written),
    };
    if (ret_step->number)
        visitor_give(visitor, 0, &value);
    return ret_step->number > 0;
}

static void visit_cookies(struct visitor *visitor, struct bytes rest)
{
    struct bytes pair;
    struct place_step step;
    while (!visitor_is_done(visitor) && bytes_split(&rest, ';', &pair))
        give_cookie(visitor, pair, &step);
}

/* What is at the step, a header or a cookie, has parameters. */
static void visit_params(struct visitor *visitor, const struct place_step *step, struct bytes text,
                         bool only_semicolons)
{
    struct header_param param, same;
    struct bytes rest = text;
    visitor->place.steps[0] = *step;
    visitor->place.step_count = 1;
    for (uint32_t at = 0; !visitor_is_done(visitor) && at < 64; at++) {
        uint32_t number = 1;
        if (!header_param_next(&rest, only_semicolons, &param))
            break;
        if (!place_name_is_valid(PLACE_PARAM, param.name))
            continue;
        while (header_param_find(text, only_semicolons, param.name, number, &same) &&
               same.value.ptr != param.value.ptr)
            number++;
        struct room room = place_room(visitor->scratch, 1);
        struct found_value value = {
            .step = {.kind = PLACE_PARAM, .name = param.name, .number = number},
            .text = param.is_quoted ? decode_quoted(param.value, room) : param.value,
            .name = param.name,
        };
        visitor_give(visitor, 1, &value);
    }
    visitor->place.step_count = 0;
}

static void visit_set_cookie(struct visitor *visitor, struct bytes line)
{
    struct place_step step;
    size_t end = bytes_index_of(line, ';');
    if (give_cookie(visitor, bytes_make(line.ptr, end), &step))
        visit_params(visitor, &step, bytes_from(line, end), true);
}

/* Which link of this relation in the header it is; 0 when the link itself has had it. */
static uint32_t count_relation(struct visitor *visitor, uint32_t header, uint32_t link,
                               struct bytes relation)
{
    struct place_counters *counters = &visitor->scratch->counters;
    if (place_count(counters, COUNTED_IN_LINK + link, relation, true) != 1)
        return 0;
    return place_count(counters, COUNTED_IN_HEADER + header, relation, true);
}

static void visit_links(struct visitor *visitor, const struct place_step *step, struct bytes rest)
{
    struct header_link link;
    struct bytes word;
    visitor->place.steps[0] = *step;
    visitor->place.step_count = 1;
    while (!visitor_is_done(visitor) && header_link_next(&rest, &link)) {
        visitor->links++;
        while (bytes_split(&link.relations, ' ', &word)) {
            struct found_value value = {
                .step = {.kind = PLACE_LINK, .name = word},
                .text = link.target,
                .name = word,
                .is_url = true,
            };
            if (!place_name_is_valid(PLACE_LINK, word))
                continue;
            value.step.number = count_relation(visitor, step->number, visitor->links, word);
            if (value.step.number)
                visitor_give(visitor, 1, &value);
        }
    }
    visitor->place.step_count = 0;
}

/* Of other headers parameters are the same for everybody, or no values: max-age=0. */
static bool has_params(struct bytes name)
{
    static const char *const names[] = {"www-authenticate",    "proxy-authenticate",
                                        "authentication-info", "proxy-authentication-info",
                                        "content-disposition", "refresh"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_equal_nocase(name, bytes_of(names[i])))
            return true;
    }
    return bytes_starts_with_nocase(name, bytes_of("x-"));
}

static bool is_named(const struct http_header *header, const char *name)
{
    return bytes_equal_nocase(header->name, bytes_of(name));
}

static void visit_header(struct visitor *visitor, const struct http_header *header)
{
    bool is_answer = visitor->message->side == PLACE_IN_ANSWER;
    struct found_value value = {
        .step = {.kind = PLACE_HEADER, .name = header->name},
        .text = header->value,
        .name = header->name,
        .written = header->value,
        .is_url = is_named(header, "location") || is_named(header, "content-location"),
    };
    if (!place_name_is_valid(PLACE_HEADER, header->name))
        return;
    if (is_named(header, is_answer ? "set-cookie" : "cookie")) {
        if (is_answer)
            visit_set_cookie(visitor, header->value);
        else
            visit_cookies(visitor, header->value);
        return;
    }
    value.step.number = place_count(&visitor->scratch->counters, PLACE_HEADER, header->name, true);
    if (!value.step.number)
        return;
    visitor_give(visitor, 0, &value);
    if (!is_answer || header->value.len > PLACE_MAX_VALUE_BYTES)
        return;
    if (is_named(header, "link"))
        visit_links(visitor, &value.step, header->value);
    else if (has_params(header->name))
        visit_params(visitor, &value.step, header->value, false);
}

/* --- messages ----------------------------------------------------------------------------- */

int place_visit(const struct message_view *message, struct place_scratch *scratch,
                place_value_fn visit, void *owner)
{
    struct visitor visitor = {
        .message = message,
        .scratch = scratch,
        .visit = visit,
        .owner = owner,
        .max_steps = PLACE_MAX_STEPS,
        .values_left = PLACE_MAX_VALUES + 1,
    };
    place_counters_reset(&scratch->counters);
    scratch->gaps = (struct place_gaps){0};
    if (message->side == PLACE_IN_REQUEST)
        visit_target(&visitor, message->target);
    for (size_t i = 0; i < message->header_count && !visitor_is_done(&visitor); i++)
        visit_header(&visitor, &message->headers[i]);
    if (message->body.len && !visitor_is_done(&visitor))
        visit_body(&visitor);
    return visitor.result;
}

int place_visit_ws(struct bytes payload, enum place_side side, struct place_scratch *scratch,
                   place_value_fn visit, void *owner)
{
    const struct message_view message = {.side = side, .body = payload};
    struct visitor visitor = {
        .message = &message,
        .scratch = scratch,
        .visit = visit,
        .owner = owner,
        .max_steps = PLACE_MAX_STEPS - 1,
        .values_left = PLACE_MAX_VALUES + 1,
    };
    place_counters_reset(&scratch->counters);
    scratch->gaps = (struct place_gaps){0};
    visit_json(&visitor, 0, PLACE_BODY, json_part(payload), place_room(scratch, 0));
    return visitor.result;
}

struct place_gaps place_visit_gaps(const struct place_scratch *scratch)
{
    return scratch->gaps;
}

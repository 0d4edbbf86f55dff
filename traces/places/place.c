/* place.c - reads places: from a line of text to its steps. */
#include "traces/places/place.h"

#include "core/json_scan.h"
#include "traces/places/place_kinds.h"

static const struct bytes between_steps = {PLACE_BETWEEN_STEPS, sizeof PLACE_BETWEEN_STEPS - 1};

/* All of take_*() take from the front of *rest. */

static struct bytes take(struct bytes *rest, size_t len)
{
    struct bytes taken = bytes_make(rest->ptr, len);
    *rest = bytes_from(*rest, len);
    return taken;
}

/* Up to " > ". */
static struct bytes take_step(struct bytes *rest)
{
    const char *found =
        rest->len ? memmem(rest->ptr, rest->len, between_steps.ptr, between_steps.len) : NULL;
    return take(rest, found ? (size_t)(found - rest->ptr) : rest->len);
}

/* "..." with JSON's escapes: what is between the quotes. */
static bool take_quoted(struct bytes *rest, struct bytes *ret_text, bool *ret_is_escaped)
{
    char room[PLACE_MAX_BYTES];
    size_t end = 1;
    if (!rest->len || rest->ptr[0] != '"')
        return false;
    while (end < rest->len && rest->ptr[end] != '"')
        end += rest->ptr[end] == '\\' ? 2 : 1;
    if (end >= rest->len)
        return false;
    *ret_text = bytes_make(rest->ptr + 1, end - 1);
    *ret_is_escaped = bytes_index_of(*ret_text, '\\') < ret_text->len;
    for (size_t i = 0; i < ret_text->len; i++) {
        if ((unsigned char)ret_text->ptr[i] < 0x20)
            return false;
    }
    *rest = bytes_from(*rest, end + 1);
    return json_unescape(*ret_text, room, sizeof room) >= 0;
}

static bool number_of(struct bytes text, uint32_t *ret_number)
{
    uint64_t number;
    if (!bytes_to_u64(text, &number) || number == 0 || number > UINT32_MAX || text.ptr[0] == '0')
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

/* A name in quotes or without, of a kind that has such a name. */
static bool take_name(struct bytes *rest, struct place_step *step)
{
    char room[PLACE_MAX_BYTES];
    enum shape shape = place_kinds[step->kind].shape;
    if (shape != SHAPE_TOKEN && rest->len && rest->ptr[0] == '"') {
        if (!take_quoted(rest, &step->name, &step->name_is_escaped))
            return false;
    } else if (shape == SHAPE_POINTER) {
        step->name = take_step(rest);
        if (place_has_any(step->name, ""))
            return false;
    } else {
        step->name = take(rest, bytes_index_of(*rest, ' '));
        if (shape == SHAPE_BRACKET && step->name.len && step->name.ptr[step->name.len - 1] == ']') {
            step->name.len--;
            *rest = bytes_make(rest->ptr - 1, rest->len + 1);
        }
        if (place_needs_quotes(shape, step->name))
            return false;
    }
    return place_name_is_valid(step->kind, place_text(step->name, step->name_is_escaped, room));
}

static int parse_pointer(struct bytes *rest, struct place_step *step, struct error *err)
{
    if (!take_name(rest, step))
        return error_set(err, EXIT_INPUT, "%s: takes a JSON pointer like /jobs/0/id",
                         place_kinds[step->kind].word);
    return 0;
}

static int parse_name(struct bytes *rest, struct place_step *step, struct error *err)
{
    if (!take_name(rest, step))
        return error_set(err, EXIT_INPUT, "%s: takes a name, as it is written in the message",
                         place_kinds[step->kind].word);
    return 0;
}

static int parse_bracket(struct bytes *rest, struct place_step *step, struct error *err)
{
    bool is_good = take_name(rest, step) && rest->len && rest->ptr[0] == ']';
    if (!is_good)
        return error_set(err, EXIT_INPUT,
                         "%s takes a name in brackets, and one with a space in "
                         "quotes in them",
                         place_kinds[step->kind].word);
    take(rest, 1);
    return 0;
}

static int parse_way(struct bytes *rest, struct place_step *step, struct error *err)
{
    if (!take_name(rest, step))
        return error_set(err, EXIT_INPUT,
                         "xml: takes the way to an element like /order/item[2]/@id");
    return 0;
}

static int parse_number(struct bytes *rest, struct place_step *step, struct error *err)
{
    if (!number_of(take_step(rest), &step->number))
        return error_set(err, EXIT_INPUT, "path: takes the number of a segment, from 1");
    return 0;
}

/* "/type=hello", or nothing. */
static bool take_ws_choice(struct bytes *rest, struct place_step *step)
{
    char room[PLACE_MAX_BYTES];
    if (!rest->len || rest->ptr[0] == ' ')
        return true;
    if (rest->ptr[0] == '"') {
        if (!take_quoted(rest, &step->name, &step->name_is_escaped))
            return false;
    } else {
        struct bytes whole = *rest, pointer = take_step(&whole);
        step->name = take(rest, bytes_index_of(pointer, '='));
        if (place_has_any(step->name, ""))
            return false;
    }
    if (!rest->len || rest->ptr[0] != '=' ||
        !json_pointer_is_valid(place_text(step->name, step->name_is_escaped, room)))
        return false;
    take(rest, 1);
    if (rest->len && rest->ptr[0] == '"')
        return take_quoted(rest, &step->other, &step->other_is_escaped);
    step->other = take(rest, bytes_index_of(*rest, ' '));
    return !place_needs_quotes(SHAPE_NAME, step->other);
}

static int parse_ws(struct bytes *rest, enum place_side side, struct place_step *step,
                    struct error *err)
{
    step->number = 0;
    if (side == PLACE_IN_REQUEST && !number_of(take_step(rest), &step->number))
        return error_set(err, EXIT_INPUT, "ws: takes the number of a client's message, from 1");
    if (side == PLACE_IN_ANSWER && !take_ws_choice(rest, step))
        return error_set(err, EXIT_INPUT,
                         "ws: takes nothing, or a JSON pointer and what is there: /type=hello");
    return 0;
}

static int parse_texts(struct bytes *rest, struct place_step *step, struct error *err)
{
    bool is_good = take_quoted(rest, &step->name, &step->name_is_escaped) && rest->len &&
                   take(rest, 1).ptr[0] == ' ' &&
                   take_quoted(rest, &step->other, &step->other_is_escaped);
    if (!is_good)
        return error_set(err, EXIT_INPUT,
                         "text: takes what is left and right of it, each in "
                         "quotes as in JSON: text:\"id=\" \";\"");
    return 0;
}

static int parse_new(struct bytes *rest, struct place_step *step, struct error *err)
{
    struct bytes word = take_step(rest);
    for (uint32_t i = 0; i < PLACE_NEW_COUNT; i++) {
        if (bytes_equal(word, bytes_of(place_new_name((enum place_new)i)))) {
            step->number = i;
            return 0;
        }
    }
    return error_set(err, EXIT_INPUT,
                     "new: knows uuid, hex, digits, text, email, time_s, time_ms "
                     "and time_iso");
}

/* The part behind the kind's word, and behind it the number. */
static int parse_rest(struct bytes *rest, enum place_side side, struct place_step *step,
                      struct error *err)
{
    const struct place_kind_facts *kind = &place_kinds[step->kind];
    int result = 0;
    switch (kind->shape) {
    case SHAPE_POINTER:
        result = parse_pointer(rest, step, err);
        break;
    case SHAPE_TOKEN:
    case SHAPE_NAME:
        result = parse_name(rest, step, err);
        break;
    case SHAPE_BRACKET:
        result = parse_bracket(rest, step, err);
        break;
    case SHAPE_NUMBER:
        result = parse_number(rest, step, err);
        break;
    case SHAPE_WAY:
        result = parse_way(rest, step, err);
        break;
    case SHAPE_WS:
        result = parse_ws(rest, side, step, err);
        break;
    case SHAPE_TEXTS:
        result = parse_texts(rest, step, err);
        break;
    case SHAPE_NEW:
        result = parse_new(rest, step, err);
        break;
    case SHAPE_NOTHING:
        break;
    }
    if (result || !rest->len || bytes_starts_with(*rest, between_steps))
        return result;
    struct bytes number = take_step(rest);
    if (!(kind->is & NUMBERED))
        return error_set(err, EXIT_INPUT, "nothing but ' > ' may follow %s: here", kind->word);
    if (number.ptr[0] != ' ' || !number_of(bytes_from(number, 1), &step->number))
        return error_set(err, EXIT_INPUT, "behind %s: NAME only a number may follow, from 1",
                         kind->word);
    return 0;
}

/* The kind's word and what ends it: a colon, or the bracket that the name stands in. */
static bool take_kind(struct bytes *rest, struct place_step *step)
{
    for (int kind = 0; kind < PLACE_KIND_COUNT; kind++) {
        struct bytes word = bytes_of(place_kinds[kind].word);
        char end = place_kinds[kind].shape == SHAPE_BRACKET ? '[' : ':';
        if (!bytes_starts_with(*rest, word) || rest->len == word.len || rest->ptr[word.len] != end)
            continue;
        take(rest, word.len + 1);
        *step = (struct place_step){.kind = (enum place_kind)kind, .number = 1};
        if (kind == PLACE_SSE)
            step->number = 0;
        return true;
    }
    return false;
}

static int parse_step(struct bytes *rest, enum place_side side, struct place_step *step,
                      struct error *err)
{
    if (take_kind(rest, step))
        return parse_rest(rest, side, step, err);
    if (bytes_starts_with(*rest, bytes_of("html:")))
        return error_set(err, EXIT_INPUT,
                         "html: knows input[NAME], meta[NAME], data[NAME], "
                         "href[/prefix/] and script[ID]");
    if (bytes_index_of(*rest, ':') == rest->len)
        return error_set(err, EXIT_INPUT, "no place: it begins like body: or header:");
    return error_set(err, EXIT_INPUT, "this reprise knows no such kind of place");
}

/* May the step stand where it stands? */
static int check_step(const struct place *place, enum place_side side, struct error *err)
{
    const struct place_step *step = &place->steps[place->step_count - 1];
    const struct place_kind_facts *kind = &place_kinds[step->kind];
    if (place->step_count == 1) {
        if (kind->is & (side == PLACE_IN_ANSWER ? ANSWER : REQUEST))
            return 0;
        return error_set(err, EXIT_INPUT,
                         "%s has no %s:", side == PLACE_IN_ANSWER ? "an answer" : "a request",
                         kind->word);
    }
    enum place_kind outer = place->steps[place->step_count - 2].kind;
    if (side == PLACE_IN_REQUEST) {
        if ((outer == PLACE_MULTIPART && step->kind == PLACE_FILENAME) ||
            (outer == PLACE_WS && step->kind == PLACE_BODY))
            return 0;
        return error_set(err, EXIT_INPUT,
                         "behind ' > ', in a request's place, comes filename: of "
                         "a multipart: or body: of a ws:");
    }
    if (outer == PLACE_NEW || outer == PLACE_DATA)
        return error_set(err, EXIT_INPUT, "nothing is inside %s:", place_kinds[outer].word);
    if (!(kind->is & INSIDE))
        return error_set(err, EXIT_INPUT,
                         "behind ' > ', in an answer's place, comes body:, path:, "
                         "query:, text:, jwt:, link:, param:, base64: or "
                         "percent:");
    return 0;
}

int place_parse(struct bytes text, enum place_side side, struct place *ret_place, struct error *err)
{
    struct place place = {0};
    struct bytes rest = text;
    if (text.len > PLACE_MAX_BYTES)
        return error_set(err, EXIT_INPUT, "longer than %d bytes", PLACE_MAX_BYTES);
    do {
        if (place.step_count == PLACE_MAX_STEPS)
            return error_set(err, EXIT_INPUT, "more than %d steps", PLACE_MAX_STEPS);
        if (place.step_count)
            take(&rest, between_steps.len);
        if (parse_step(&rest, side, &place.steps[place.step_count++], err) ||
            check_step(&place, side, err))
            return -1;
    } while (rest.len);
    *ret_place = place;
    return 0;
}

/* place.c - the grammar of places, and the way to them in a message. */
#include "traces/place.h"

#include "core/json_scan.h"
#include "core/url.h"

/* The words of the grammar, in the order of enum place_kind, and who has such a place. */
static const struct kind {
    const char *word;
    bool in_answer, in_request, inside; /* inside: behind " > " */
    bool is_numbered;                   /* may end in " 2": the second of that name */
} kinds[] = {
    [PLACE_BODY] = {"body", true, true, false, false},
    [PLACE_HEADER] = {"header", true, true, false, true},
    [PLACE_COOKIE] = {"cookie", true, true, false, true},
    [PLACE_PATH] = {"path", false, true, true, false},
    [PLACE_QUERY] = {"query", false, true, true, true},
    [PLACE_FORM] = {"form", false, true, false, true},
};

enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

static bool number_of(struct bytes text, uint32_t *ret_number)
{
    uint64_t number;
    if (!bytes_to_u64(text, &number) || number == 0 || number > UINT32_MAX || text.ptr[0] == '0')
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

static bool name_is_valid(const struct place_step *step)
{
    const char *never = "";
    if (step->kind == PLACE_HEADER)
        return http1_is_token(step->name);
    if (step->kind == PLACE_COOKIE)
        never = "=;, \t";
    else
        never = "=&#? \t";
    for (size_t i = 0; i < step->name.len; i++) {
        unsigned char c = (unsigned char)step->name.ptr[i];
        if (c < 0x20 || c == 0x7f || strchr(never, c))
            return false;
    }
    return step->name.len > 0;
}

/* The part behind "kind:". */
static int parse_rest(struct bytes rest, struct place_step *step, struct error *err)
{
    const char *word = kinds[step->kind].word;
    step->number = 1;
    if (step->kind == PLACE_PATH) {
        if (!number_of(rest, &step->number))
            return error_set(err, EXIT_INPUT, "path: takes the number of a segment, from 1");
        return 0;
    }
    step->name = rest;
    if (step->kind == PLACE_BODY) {
        if (!json_pointer_is_valid(rest))
            return error_set(err, EXIT_INPUT, "body: takes a JSON pointer like /jobs/0/id");
        return 0;
    }
    size_t space = bytes_index_of(rest, ' ');
    if (space < rest.len) {
        step->name.len = space;
        if (!number_of(bytes_from(rest, space + 1), &step->number))
            return error_set(err, EXIT_INPUT, "behind %s: NAME only a number may follow, from 1",
                             word);
    }
    if (!name_is_valid(step))
        return error_set(err, EXIT_INPUT, "%s: takes a name, as it is written in the message",
                         word);
    return 0;
}

static int parse_step(struct bytes text, struct place_step *step, struct error *err)
{
    size_t colon = bytes_index_of(text, ':');
    struct bytes word = bytes_make(text.ptr, colon);
    *step = (struct place_step){0};
    if (colon == text.len)
        return error_set(err, EXIT_INPUT, "no place: it begins like body: or header:");
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        if (!bytes_equal(word, bytes_of(kinds[kind].word)))
            continue;
        step->kind = (enum place_kind)kind;
        return parse_rest(bytes_from(text, colon + 1), step, err);
    }
    return error_set(err, EXIT_INPUT, "this reprise knows no such kind of place");
}

/* Where " > " begins, or text.len. */
static size_t find_inner(struct bytes text)
{
    const char *found = text.len ? memmem(text.ptr, text.len, " > ", 3) : NULL;
    return found ? (size_t)(found - text.ptr) : text.len;
}

int place_parse(struct bytes text, enum place_side side, struct place *ret_place, struct error *err)
{
    struct place place = {0};
    size_t inner_at = find_inner(text);
    if (text.len > PLACE_MAX_BYTES)
        return error_set(err, EXIT_INPUT, "longer than %d bytes", PLACE_MAX_BYTES);
    if (parse_step(bytes_make(text.ptr, inner_at), &place.step, err))
        return -1;
    const struct kind *kind = &kinds[place.step.kind];
    if (side == PLACE_IN_ANSWER ? !kind->in_answer : !kind->in_request)
        return error_set(err, EXIT_INPUT,
                         "%s has no %s:", side == PLACE_IN_ANSWER ? "an answer" : "a request",
                         kind->word);
    if (inner_at < text.len) {
        place.has_inner = true;
        if (parse_step(bytes_from(text, inner_at + 3), &place.inner, err))
            return -1;
        if (side != PLACE_IN_ANSWER || !kinds[place.inner.kind].inside)
            return error_set(err, EXIT_INPUT,
                             "behind ' > ', in an answer's place, comes path: or query:");
    }
    *ret_place = place;
    return 0;
}

static void format_step(const struct place_step *step, struct buf *out)
{
    buf_printf(out, "%s:", kinds[step->kind].word);
    if (step->kind == PLACE_PATH)
        buf_printf(out, "%u", step->number);
    else
        buf_append_bytes(out, step->name);
    if (kinds[step->kind].is_numbered && step->number > 1)
        buf_printf(out, " %u", step->number);
}

void place_format(const struct place *place, struct buf *out)
{
    format_step(&place->step, out);
    if (place->has_inner) {
        buf_append_text(out, " > ");
        format_step(&place->inner, out);
    }
}

/* --- in a message ------------------------------------------------------------------------- */

static const struct bytes nothing = {0};

struct bytes place_find_header(const struct place_step *step, const struct http_header *headers,
                               size_t count)
{
    uint32_t left = step->number;
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal_nocase(headers[i].name, step->name) && --left == 0)
            return headers[i].value;
    }
    return nothing;
}

/* One "name=value": its value when it is the one that is looked for. */
static bool is_pair(struct bytes pair, struct bytes name, struct bytes *ret_value)
{
    size_t equals = bytes_index_of(pair, '=');
    if (!bytes_equal(bytes_trim(bytes_make(pair.ptr, equals)), name))
        return false;
    *ret_value = equals == pair.len ? bytes_from(pair, equals) : bytes_from(pair, equals + 1);
    return true;
}

struct bytes place_find_set_cookie(const struct place_step *step, const struct http_header *headers,
                                   size_t count)
{
    uint32_t left = step->number;
    for (size_t i = 0; i < count; i++) {
        struct bytes line = headers[i].value, value;
        if (!bytes_equal_nocase(headers[i].name, bytes_of("set-cookie")))
            continue;
        line.len = bytes_index_of(line, ';');
        if (is_pair(line, step->name, &value) && --left == 0)
            return bytes_trim(value);
    }
    return nothing;
}

static struct bytes find_pair(const struct place_step *step, struct bytes rest, char separator)
{
    uint32_t left = step->number;
    struct bytes pair, value;
    while (bytes_split(&rest, separator, &pair)) {
        if (is_pair(pair, step->name, &value) && --left == 0)
            return value;
    }
    return nothing;
}

struct bytes place_find_cookie(const struct place_step *step, struct bytes cookies)
{
    struct bytes value = find_pair(step, cookies, ';');
    return value.ptr ? bytes_trim(value) : value;
}

struct bytes place_find_field(const struct place_step *step, struct bytes fields)
{
    return find_pair(step, fields, '&');
}

static struct bytes find_segment(uint32_t number, struct bytes path)
{
    struct bytes segment;
    if (!path.len)
        return nothing;
    if (path.ptr[0] == '/')
        path = bytes_from(path, 1);
    while (bytes_split(&path, '/', &segment)) {
        if (--number == 0)
            return segment;
    }
    return nothing;
}

struct bytes place_find_in_url(const struct place_step *step, struct bytes text)
{
    struct url url;
    if (text.len && text.ptr[0] != '/' && url_parse(text, &url) == 0) {
        /* The "/" of a URL without a path is none of the text's bytes. */
        size_t at = url.scheme.len + 3 + url.authority.len;
        text = bytes_from(text, at);
    }
    text.len = bytes_index_of(text, '#');
    size_t query = bytes_index_of(text, '?');
    if (step->kind == PLACE_PATH)
        return find_segment(step->number, bytes_make(text.ptr, query));
    return query == text.len ? nothing : place_find_field(step, bytes_from(text, query + 1));
}

/* binding_end.c - reads an end of a binding, and holds rows against it. */
#include "traces/correlate/binding_end.h"

#include "traces/correlate/binding_file.h"
#include "traces/correlate/sites.h"
#include "traces/correlate/value_match.h"
#include "traces/printable.h"

enum { MAX_ENDPOINT_BYTES = 1024, SHOWN_BYTES = 100 };

/* --- what was given ----------------------------------------------------------------------- */

static struct bytes first_word(struct bytes text)
{
    return bytes_make(text.ptr, bytes_index_of(text, ' '));
}

/* Method and template, "GET /jobs/{id}", from the front: no method has a colon in it, every place
 * has one. */
static struct bytes take_endpoint(struct bytes *rest)
{
    struct bytes method = first_word(*rest);
    if (bytes_index_of(method, ':') < method.len || method.len == rest->len)
        return (struct bytes){0};
    struct bytes template = first_word(bytes_from(*rest, method.len + 1));
    struct bytes endpoint = bytes_make(rest->ptr, method.len + 1 + template.len);
    *rest = bytes_trim(bytes_from(*rest, endpoint.len));
    return endpoint;
}

/* " as percent" from the end. */
static const char *take_form(struct bytes *text)
{
    const char *as = NULL;
    for (size_t i = text->len; i >= 4 && !as; i--) {
        if (memcmp(text->ptr + i - 4, " as ", 4) == 0)
            as = text->ptr + i - 4;
    }
    if (!as)
        return NULL;
    const char *form =
        value_form_word(bytes_make(as + 4, (size_t)(text->ptr + text->len - as) - 4));
    if (form)
        text->len = (size_t)(as - text->ptr);
    return form;
}

/* With a number for each '*' it has to be a place. */
static bool is_pattern(struct bytes text, enum place_side side)
{
    char room[PLACE_MAX_BYTES];
    struct place place;
    struct error ignored = {0};
    if (text.len > sizeof room || bytes_index_of(text, '*') == text.len)
        return false;
    for (size_t i = 0; i < text.len; i++)
        room[i] = text.ptr[i] == '*' ? '1' : text.ptr[i];
    return place_parse(bytes_make(room, text.len), side, &place, &ignored) == 0;
}

int binding_end_parse(struct binding_end *end, const char *option, enum place_side side,
                      const char *text, struct error *err)
{
    struct bytes rest = bytes_trim(bytes_of(text)), word = first_word(rest);
    struct error why = {0};
    uint64_t id = 0;
    *end = (struct binding_end){.side = side};
    if (word.len < rest.len && bytes_to_u64(word, &id) && id > 0 && id <= INT64_MAX) {
        end->exchange_id = (int64_t)id;
        rest = bytes_trim(bytes_from(rest, word.len + 1));
        take_endpoint(&rest);
    } else {
        end->endpoint = take_endpoint(&rest);
        if (end->endpoint.len && side == PLACE_IN_REQUEST)
            end->form = take_form(&rest);
    }
    end->place_text = rest;
    end->is_made = side == PLACE_IN_ANSWER && binding_place_is_made(rest);
    if (!end->exchange_id && !end->endpoint.len && !end->is_made)
        return error_set(
            err, EXIT_INPUT,
            "bind: %s '%.100s': give an exchange and a place in it, like '17 "
            "body:/id', or an endpoint, like 'GET /jobs/{id} path:2'; 'reprise inspect "
            "TRACE session N' lists exchanges",
            option, text);
    end->is_exact = place_parse(rest, side, &end->place, &why) == 0;
    if (!end->is_exact && !is_pattern(rest, side))
        return error_set(err, EXIT_INPUT, "bind: %s: '%.*s': %.300s", option,
                         (int)utf8_cut(rest, SHOWN_BYTES).len, rest.ptr, why.text);
    return 0;
}

int binding_end_around(struct binding_end *end, enum place_side side, int64_t exchange_id,
                       const char *place, struct arena *arena, struct error *err)
{
    struct buf pattern = BUF_INIT(PLACE_MAX_BYTES);
    bool has_pattern = sites_place_pattern(bytes_of(place), &pattern);
    const char *text = arena_printf(arena, "%lld %s", (long long)exchange_id,
                                    has_pattern ? buf_text(&pattern) : place);
    buf_fini(&pattern);
    return text ? binding_end_parse(end, "an end", side, text, err)
                : error_set(err, EXIT_TOOL, "no memory for bindings");
}

/* --- what it is of ------------------------------------------------------------------------ */

bool binding_end_has_place(const struct binding_end *end, struct bytes place)
{
    struct bytes wanted = end->place_text;
    size_t at = 0;
    for (size_t i = 0; i < wanted.len; i++) {
        bool is_there = at < place.len && place.ptr[at] == wanted.ptr[i];
        size_t digits = 0;
        while (!is_there && wanted.ptr[i] == '*' && at + digits < place.len &&
               ascii_is_digit(place.ptr[at + digits]))
            digits++;
        if (!is_there && !digits)
            return false;
        at += is_there ? 1 : digits;
    }
    return at == place.len;
}

bool binding_end_has_endpoint(const struct binding_end *end, struct bytes name)
{
    struct buf room = BUF_INIT(MAX_ENDPOINT_BYTES);
    bool has = bytes_equal(end->endpoint, name) ||
               bytes_equal(end->endpoint, sites_endpoint_name(name, &room));
    buf_fini(&room);
    return has;
}

int binding_end_has_row(const struct binding_end *end, struct trace_reader *reader,
                        const struct trace_binding *binding, bool *ret_has, struct error *err)
{
    bool is_answer = end->side == PLACE_IN_ANSWER;
    int64_t exchange_id = is_answer ? binding->born_exchange_id : binding->used_exchange_id;
    int64_t session_id, endpoint_id = 0;
    struct bytes name = {0};
    *ret_has = binding_end_has_place(end, is_answer ? binding->born_place : binding->used_place);
    if (end->form)
        *ret_has &= bytes_equal(bytes_of(end->form), binding->form);
    if (end->exchange_id)
        *ret_has &= end->exchange_id == exchange_id;
    if (!*ret_has || !end->endpoint.len)
        return 0;
    int found = trace_reader_get_exchange_ends(reader, exchange_id, &session_id, &endpoint_id, err);
    if (found == 1 && endpoint_id)
        found = trace_reader_endpoint_name(reader, endpoint_id, &name, err);
    *ret_has = found == 1 && binding_end_has_endpoint(end, name);
    return found < 0 ? -1 : 0;
}

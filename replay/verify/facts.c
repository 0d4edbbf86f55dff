/* facts.c - the sorted list itself, and what an answer's body is taken for. */
#include "replay/verify/facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/grow.h"

enum { MAX_PLACE_BYTES = 4096, SHORT_TEXT_BYTES = 256 };

void facts_init(struct facts *facts)
{
    *facts = (struct facts){0};
    arena_init(&facts->arena, FACTS_MAX_BYTES);
}

void facts_fini(struct facts *facts)
{
    arena_fini(&facts->arena);
    free(facts->items);
    facts->items = NULL;
    facts->count = facts->capacity = 0;
}

void facts_clear(struct facts *facts)
{
    arena_reset(&facts->arena);
    facts->count = 0;
    facts->is_cut = false;
}

static struct bytes cut(struct bytes text)
{
    return bytes_make(text.ptr ? text.ptr : "",
                      text.len < FACT_MAX_TEXT ? text.len : FACT_MAX_TEXT);
}

int facts_add(struct facts *facts, const struct fact *fact)
{
    struct fact *grown =
        grow_by_one(facts->items, facts->count, &facts->capacity, sizeof *grown, FACTS_MAX);
    if (!grown) {
        facts->is_cut = true;
        return -1;
    }
    facts->items = grown;
    struct fact *added = &facts->items[facts->count];
    *added = *fact;
    added->place = arena_copy(&facts->arena, fact->place);
    added->text = arena_copy(&facts->arena, cut(fact->text));
    added->name = arena_copy(&facts->arena, cut(fact->name));
    if (!added->place.ptr || !added->text.ptr || !added->name.ptr) {
        facts->is_cut = true;
        return -1;
    }
    facts->count++;
    return 0;
}

void facts_add_at(struct facts *facts, enum fact_kind kind, char type, struct bytes name,
                  struct bytes text, const char *format, ...)
{
    char place[MAX_PLACE_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(place, sizeof place, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof place) {
        facts->is_cut = true;
        return;
    }
    const struct fact fact = {.place = bytes_make(place, (size_t)len),
                              .text = text,
                              .name = name,
                              .kind = kind,
                              .type = type};
    facts_add(facts, &fact);
}

static int compare_places(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Of one place in the order of the message, which is that of their texts' copies in `items`. */
static int compare_facts(const void *a, const void *b)
{
    const struct fact *x = *(const struct fact *const *)a, *y = *(const struct fact *const *)b;
    int order = compare_places(x->place, y->place);
    return order ? order : (x > y) - (x < y);
}

/* "header:link" a second time is "header:link 2". */
static void number_doubles(struct facts *facts)
{
    uint32_t number = 1;
    struct bytes first = {0};
    for (size_t i = 0; i < facts->count; i++) {
        struct fact *fact = &facts->items[i];
        bool is_double = first.ptr && bytes_equal(first, fact->place);
        number = is_double ? number + 1 : 1;
        if (!is_double) {
            first = fact->place;
            continue;
        }
        const char *numbered =
            arena_printf(&facts->arena, "%.*s %u", BYTES_ARG(fact->place), number);
        if (numbered)
            fact->place = bytes_of(numbered);
    }
}

static void put_in_order(struct facts *facts)
{
    const struct fact **order = malloc((facts->count + 1) * sizeof *order);
    struct fact *sorted = malloc((facts->count + 1) * sizeof *sorted);
    if (order && sorted) {
        for (size_t i = 0; i < facts->count; i++)
            order[i] = &facts->items[i];
        qsort(order, facts->count, sizeof *order, compare_facts);
        for (size_t i = 0; i < facts->count; i++)
            sorted[i] = *order[i];
        memcpy(facts->items, sorted, facts->count * sizeof *sorted);
    } else {
        facts->is_cut = true; /* nothing can be found in what is not sorted */
        facts->count = 0;
    }
    free(order);
    free(sorted);
}

void facts_sort(struct facts *facts)
{
    if (facts->count == 0)
        return;
    put_in_order(facts);
    number_doubles(facts);
    put_in_order(facts);
}

const struct fact *facts_find(const struct facts *facts, struct bytes place)
{
    size_t from = 0, to = facts->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = compare_places(facts->items[middle].place, place);
        if (order == 0)
            return &facts->items[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

/* --- an answer ------------------------------------------------------------------------------- */

static void add_size(struct facts *facts, struct bytes body)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%zu", body.len);
    facts_add_at(facts, FACT_SIZE, 'n', bytes_of("size"), bytes_make(text, (size_t)len), "size:");
}

static bool contains(struct bytes type, const char *part)
{
    return type.len && memmem(type.ptr, type.len, part, strlen(part));
}

/* The media type without parameters, in lower case. */
static struct bytes media_type(const struct http_response *response, char out[128])
{
    struct bytes value =
        http_headers_find(response->headers, response->header_count, bytes_of("content-type"));
    value = bytes_trim(bytes_make(value.ptr, bytes_index_of(value, ';')));
    size_t len = value.len < 128 ? value.len : 128;
    for (size_t i = 0; i < len; i++)
        out[i] = ascii_lower(value.ptr[i]);
    return bytes_make(out, len);
}

static bool begins_as_json(struct bytes body)
{
    size_t i = 0;
    while (i < body.len && memchr(" \t\r\n", body.ptr[i], 4))
        i++;
    return i < body.len && (body.ptr[i] == '{' || body.ptr[i] == '[');
}

static void add_body(struct facts *facts, const struct http_response *response)
{
    char room[128];
    struct bytes body = response->body, type = media_type(response, room);
    if (!body.len) {
        facts_add_at(facts, FACT_VALUE, 't', bytes_of("body"), bytes_of("empty"), "empty:");
        return;
    }
    bool may_be_json = contains(type, "json") || begins_as_json(body);
    if (may_be_json && facts_add_json(facts, body) == 0)
        return;
    if (contains(type, "json"))
        facts_add_at(facts, FACT_VALUE, 't', bytes_of("body"), bytes_of("not JSON"), "body:");
    if (contains(type, "html") || contains(type, "xml")) {
        facts_add_markup(facts, body, contains(type, "html"));
        add_size(facts, body);
    } else if (contains(type, "event-stream")) {
        facts_add_events(facts, body);
    } else if (bytes_equal(type, bytes_of("text/plain")) && body.len <= SHORT_TEXT_BYTES) {
        facts_add_at(facts, FACT_VALUE, 't', bytes_of("body"), body, "text:");
    } else {
        add_size(facts, body);
    }
}

/* An absolute URL of the server itself says the same as a path. */
static void drop_origin(struct facts *facts, struct bytes authority)
{
    for (size_t i = 0; i < facts->count && authority.len; i++) {
        struct fact *fact = &facts->items[i];
        const char *found;
        while (fact->text.len >= authority.len &&
               (found = memmem(fact->text.ptr, fact->text.len, authority.ptr, authority.len))) {
            size_t before = (size_t)(found - fact->text.ptr);
            const char *without =
                arena_printf(&facts->arena, "%.*s%.*s", (int)before, fact->text.ptr,
                             (int)(fact->text.len - before - authority.len), found + authority.len);
            if (!without)
                return;
            fact->text = bytes_of(without);
        }
    }
}

void facts_of_answer(struct facts *facts, const struct facts_answer *answer)
{
    facts_clear(facts);
    facts_add_headers(facts, answer->response->headers, answer->response->header_count);
    if (answer->has_body)
        add_body(facts, answer->response);
    drop_origin(facts, answer->authority);
    facts_sort(facts);
}

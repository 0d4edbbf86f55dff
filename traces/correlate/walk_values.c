/* walk_values.c - one message taken apart: which of its values the finder is told. */
#include <stdlib.h>

#include "core/grow.h"
#include "core/json_scan.h"
#include "core/map.h"
#include "traces/correlate/mentions.h"
#include "traces/correlate/walk_state.h"

/* Headers that say how, not what; and those that have places of their own. */
static const char *const noise_names[] = {"accept",
                                          "accept-charset",
                                          "accept-encoding",
                                          "accept-language",
                                          "accept-ranges",
                                          "age",
                                          "allow",
                                          "alt-svc",
                                          "cache-control",
                                          "connection",
                                          "content-encoding",
                                          "content-language",
                                          "content-length",
                                          "content-security-policy",
                                          "content-type",
                                          "cookie",
                                          "date",
                                          "dnt",
                                          "expect",
                                          "expires",
                                          "host",
                                          "keep-alive",
                                          "origin",
                                          "pragma",
                                          "priority",
                                          "range",
                                          "referer",
                                          "server",
                                          "set-cookie",
                                          "strict-transport-security",
                                          "te",
                                          "trailer",
                                          "transfer-encoding",
                                          "upgrade",
                                          "upgrade-insecure-requests",
                                          "user-agent",
                                          "vary",
                                          "via",
                                          "x-content-type-options",
                                          "x-frame-options",
                                          "x-powered-by",
                                          "x-requested-with",
                                          "x-xss-protection",
                                          "referrer-policy",
                                          "permissions-policy",
                                          "retry-after",
                                          "report-to",
                                          "nel",
                                          "x-forwarded-for",
                                          "x-forwarded-proto",
                                          "x-forwarded-host",
                                          "x-real-ip",
                                          "content-disposition",
                                          "www-authenticate",
                                          "purpose",
                                          "save-data"};
static const char *const noise_prefixes[] = {"sec-", "access-control-", "cross-origin-",
                                             "x-ratelimit-"};

bool header_is_noise(struct bytes name)
{
    for (size_t i = 0; i < sizeof noise_names / sizeof noise_names[0]; i++) {
        if (bytes_equal_nocase(name, bytes_of(noise_names[i])))
            return true;
    }
    for (size_t i = 0; i < sizeof noise_prefixes / sizeof noise_prefixes[0]; i++) {
        if (bytes_starts_with_nocase(name, bytes_of(noise_prefixes[i])))
            return true;
    }
    return false;
}

static bool is_left_out(const struct place_value *value)
{
    const struct place_step *first = &value->place->steps[0];
    if (first->kind == PLACE_HEADER)
        return header_is_noise(first->name);
    return first->kind == PLACE_COOKIE && value->place->step_count > 1 &&
           value->place->steps[1].kind == PLACE_PARAM;
}

static struct bytes place_of(struct walk *walk, const struct place_value *value)
{
    buf_clear(&walk->place);
    buf_append_bytes(&walk->place, walk->prefix);
    place_format(value->place, &walk->place);
    return buf_bytes(&walk->place);
}

static enum value_form_word form_of(const struct place_value *value)
{
    bool is_percent =
        value->writing == PLACE_WRITTEN_PERCENT || value->writing == PLACE_WRITTEN_FORM;
    if (!is_percent || bytes_equal(value->written, value->text))
        return WORD_RAW;
    bool has_plus = bytes_index_of(value->written, '+') < value->written.len;
    bool has_space = bytes_index_of(value->text, ' ') < value->text.len;
    return value->writing == PLACE_WRITTEN_FORM && has_plus && has_space ? WORD_PLUS : WORD_PERCENT;
}

static int tell_carried(void *owner, const struct place_value *value)
{
    struct walk *walk = owner;
    /* What is inside of another value is found as a part of that one. */
    if (is_left_out(value) || !value->written.ptr)
        return 0;
    finder_carries(walk->finder, place_of(walk, value), value->name, value->text, form_of(value));
    return 0;
}

static int tell_given(void *owner, const struct place_value *value)
{
    struct walk *walk = owner;
    struct given_list *list = &walk->given;
    if (is_left_out(value))
        return 0;
    struct given *grown =
        grow_by_one(list->items, list->count, &list->capacity, sizeof *grown, SIZE_MAX);
    if (!grown) {
        list->is_out_of_memory = true;
        return 1;
    }
    list->items = grown;
    list->count += finder_given(walk->finder, place_of(walk, value), value->name, value->text,
                                &list->items[list->count]);
    return 0;
}

/* Behind each visit. A value that is too long is none that a request would carry. */
static void count_gaps(struct walk *walk)
{
    struct place_gaps gaps = place_visit_gaps(walk->scratch);
    walk->counts.left_out += gaps.unvisited + gaps.too_long;
    walk->is_partial = walk->is_partial || gaps.unvisited;
}

/* Kept with the body's values. */
static void add_mention(void *owner, uint64_t digits)
{
    struct given_list *list = owner;
    struct given *grown =
        grow_by_one(list->items, list->count, &list->capacity, sizeof *grown, SIZE_MAX);
    if (!grown) {
        list->is_out_of_memory = true;
        return;
    }
    list->items = grown;
    list->items[list->count++] = (struct given){.hash = digits, .place = SITES_NONE};
}

/* --- exchanges ---------------------------------------------------------------------------- */

static size_t split_headers(struct walk *walk, struct bytes lines)
{
    struct bytes line;
    size_t count = 0;
    while (count < HTTP1_MAX_HEADERS && bytes_split(&lines, '\n', &line)) {
        size_t colon = bytes_index_of(line, ':');
        if (colon < line.len)
            walk->headers[count++] = (struct http_header){bytes_make(line.ptr, colon),
                                                          bytes_trim(bytes_from(line, colon + 1))};
    }
    return count;
}

static struct bytes find_header(const struct http_header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal_nocase(headers[i].name, bytes_of(name)))
            return headers[i].value;
    }
    return (struct bytes){0};
}

/* The body with its codings undone; empty where that cannot be. */
static int read_body(struct walk *walk, int64_t body_id, uint64_t body_bytes, size_t header_count,
                     struct bytes *ret_body, struct error *err)
{
    const char *detail;
    *ret_body = (struct bytes){0};
    buf_clear(&walk->body);
    if (!body_id)
        return 0;
    if (body_bytes > WALK_MAX_BODY_BYTES) {
        walk->counts.too_large++;
        walk->is_partial = true;
        return 0;
    }
    if (trace_reader_get_body(walk->reader, body_id, &walk->body, err))
        return -1;
    *ret_body = buf_bytes(&walk->body);
    if (find_header(walk->headers, header_count, "content-encoding").ptr &&
        content_decode(walk->decoder, walk->headers, header_count, *ret_body, ret_body, &detail) !=
            CONTENT_DECODED) {
        walk->counts.undecoded++;
        walk->is_partial = true;
        *ret_body = (struct bytes){0};
    }
    return 0;
}

int walk_request(struct walk *walk, const struct trace_exchange *exchange, struct error *err)
{
    struct message_view view = {.side = PLACE_IN_REQUEST,
                                .target = exchange->target,
                                .headers = walk->headers,
                                .header_count = split_headers(walk, exchange->request_headers)};
    if (read_body(walk, exchange->request_body_id, exchange->request_body_bytes, view.header_count,
                  &view.body, err))
        return -1;
    walk->prefix = (struct bytes){0};
    finder_mentioned(walk->finder, exchange->target);
    finder_mentioned(walk->finder, exchange->request_headers);
    place_visit(&view, walk->scratch, tell_carried, walk);
    count_gaps(walk);
    return 0;
}

/* How a body is taken apart hangs on its type too. */
static uint64_t key_of(const struct trace_exchange *exchange, const struct http_header *headers,
                       size_t count)
{
    uint64_t key = (uint64_t)exchange->response_body_id * 0x9e3779b97f4a7c15U;
    key ^= bytes_hash(find_header(headers, count, "content-type"));
    return key ^ bytes_hash(find_header(headers, count, "content-encoding")) << 1;
}

static int out_of_memory(struct error *err)
{
    return error_set(err, EXIT_TOOL, "out of memory");
}

int walk_answer(struct walk *walk, const struct trace_exchange *exchange, struct error *err)
{
    size_t count = split_headers(walk, exchange->response_headers), cached = 0;
    struct message_view head = {
        .side = PLACE_IN_ANSWER, .headers = walk->headers, .header_count = count};
    struct given_list *list = &walk->given;
    walk->prefix = (struct bytes){0};
    list->count = 0;
    walk->is_partial = false;
    place_visit(&head, walk->scratch, tell_given, walk);
    count_gaps(walk);
    mentions_scan(exchange->response_headers, add_mention, list);
    size_t of_head = list->count;
    bool is_cached_partial = false;
    uint64_t key = key_of(exchange, walk->headers, count);
    const struct given *items = exchange->response_body_id
                                    ? body_cache_get(walk->cache, key, &cached, &is_cached_partial)
                                    : NULL;
    walk->counts.bodies_again += items != NULL;
    walk->is_partial = walk->is_partial || is_cached_partial;
    for (size_t i = 0; i < cached; i++) {
        struct given *grown =
            grow_by_one(list->items, list->count, &list->capacity, sizeof *grown, SIZE_MAX);
        if (!grown)
            return out_of_memory(err);
        list->items = grown;
        list->items[list->count++] = items[i];
    }
    if (!items && exchange->response_body_id) {
        struct http_header type = {bytes_of("content-type"),
                                   find_header(walk->headers, count, "content-type")};
        struct message_view view = {
            .side = PLACE_IN_ANSWER, .headers = &type, .header_count = type.value.ptr != NULL};
        if (read_body(walk, exchange->response_body_id, exchange->response_body_bytes, count,
                      &view.body, err))
            return -1;
        walk->counts.bodies_read++;
        place_visit(&view, walk->scratch, tell_given, walk);
        count_gaps(walk);
        mentions_scan(view.body, add_mention, list);
        body_cache_put(walk->cache, key, list->items + of_head, list->count - of_head,
                       walk->is_partial);
    }
    return list->is_out_of_memory ? out_of_memory(err) : 0;
}

/* --- WebSocket messages ------------------------------------------------------------------- */

static int read_message(struct walk *walk, const struct trace_message *message, struct error *err)
{
    buf_clear(&walk->body);
    if (message->payload_bytes > WALK_MAX_BODY_BYTES) {
        walk->counts.too_large++;
        walk->is_partial = true;
        return 0;
    }
    return trace_reader_get_body(walk->reader, message->body_id, &walk->body, err);
}

int walk_client_message(struct walk *walk, const struct trace_message *message, uint32_t number,
                        struct error *err)
{
    char prefix[32];
    int len = snprintf(prefix, sizeof prefix, "ws:%u > ", number);
    if (read_message(walk, message, err))
        return -1;
    walk->prefix = bytes_make(prefix, (size_t)len);
    place_visit_ws(buf_bytes(&walk->body), PLACE_IN_REQUEST, walk->scratch, tell_carried, walk);
    count_gaps(walk);
    walk->prefix = (struct bytes){0};
    return 0;
}

/* What kind of message it says it is, in a word that needs no quotes. */
static bool is_plain(struct bytes word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        if (!ascii_is_alnum(c) && !(c && strchr("_.-/:", c)))
            return false;
    }
    return word.len > 0 && word.len <= 64;
}

static size_t write_prefix(struct bytes payload, char *out, size_t size)
{
    static const char *const pointers[] = {"/type",    "/event",    "/kind",
                                           "/op",      "/action",   "/method",
                                           "/channel", "/msg_type", "/header/msg_type"};
    enum { COUNT = sizeof pointers / sizeof pointers[0] };
    struct json_wanted wanted[COUNT] = {0};
    for (int i = 0; i < COUNT; i++)
        wanted[i].pointer = bytes_of(pointers[i]);
    json_find(payload, wanted, COUNT);
    for (int i = 0; i < COUNT; i++) {
        if (wanted[i].found.ptr && wanted[i].kind == JSON_SCAN_STRING && is_plain(wanted[i].found))
            return (size_t)snprintf(out, size, "ws:%s=%.*s > ", pointers[i],
                                    BYTES_ARG(wanted[i].found));
    }
    return (size_t)snprintf(out, size, "ws: > ");
}

int walk_server_message(struct walk *walk, const struct trace_message *message, struct error *err)
{
    char prefix[128];
    walk->given.count = 0;
    walk->is_partial = false;
    if (read_message(walk, message, err))
        return -1;
    struct bytes payload = buf_bytes(&walk->body);
    walk->prefix = bytes_make(prefix, write_prefix(payload, prefix, sizeof prefix));
    place_visit_ws(payload, PLACE_IN_ANSWER, walk->scratch, tell_given, walk);
    mentions_scan(payload, add_mention, &walk->given);
    count_gaps(walk);
    walk->prefix = (struct bytes){0};
    return walk->given.is_out_of_memory ? out_of_memory(err) : 0;
}

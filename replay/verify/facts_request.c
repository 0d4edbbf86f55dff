/* facts_request.c - the values that a recorded request carries, each at its place. */
#include <stdio.h>

#include "core/url.h"
#include "replay/verify/facts.h"

/* Percent-encoding undone; in queries and forms '+' is a space. */
static struct bytes decode(struct bytes text, bool plus_is_space, char *out, size_t out_size)
{
    size_t len = 0;
    while (text.len && len < out_size) {
        int high = -1, low = -1;
        if (text.ptr[0] == '%' && text.len > 2) {
            high = ascii_hex_value(text.ptr[1]);
            low = ascii_hex_value(text.ptr[2]);
        }
        bool is_escape = high >= 0 && low >= 0;
        char byte = text.ptr[0];
        if (plus_is_space && byte == '+')
            byte = ' ';
        if (is_escape)
            byte = (char)(high << 4 | low);
        out[len++] = byte;
        text = bytes_from(text, is_escape ? 3 : 1);
    }
    return bytes_make(out, len);
}

static void add_fields(struct facts *facts, const char *kind, struct bytes fields)
{
    char room[FACT_MAX_TEXT];
    struct bytes field;
    while (bytes_split(&fields, '&', &field)) {
        size_t equals = bytes_index_of(field, '=');
        struct bytes name = bytes_make(field.ptr, equals);
        if (equals < field.len)
            facts_add_at(facts, FACT_VALUE, 't', name,
                         decode(bytes_from(field, equals + 1), true, room, sizeof room), "%s:%.*s",
                         kind, BYTES_ARG(name));
    }
}

static void add_target(struct facts *facts, struct bytes target)
{
    char room[FACT_MAX_TEXT];
    struct url url;
    struct bytes segment;
    if (url_parse(target, &url) == 0)
        target = url.target;
    target = bytes_make(target.ptr, bytes_index_of(target, '#'));
    size_t question = bytes_index_of(target, '?');
    struct bytes path = bytes_make(target.ptr, question);
    if (path.len && path.ptr[0] == '/')
        path = bytes_from(path, 1);
    for (uint32_t i = 1; bytes_split(&path, '/', &segment); i++)
        facts_add_at(facts, FACT_VALUE, 't', bytes_of("path"),
                     decode(segment, false, room, sizeof room), "path:%u", i);
    if (question < target.len)
        add_fields(facts, "query", bytes_from(target, question + 1));
}

static void add_cookies(struct facts *facts, struct bytes value)
{
    struct bytes pair;
    while (bytes_split(&value, ';', &pair)) {
        size_t equals = bytes_index_of(pair, '=');
        struct bytes name = bytes_trim(bytes_make(pair.ptr, equals));
        if (equals < pair.len)
            facts_add_at(facts, FACT_VALUE, 't', name, bytes_trim(bytes_from(pair, equals + 1)),
                         "cookie:%.*s", BYTES_ARG(name));
    }
}

/* What a client says of itself and of the connection; nothing of it comes from an answer. */
static bool is_of_client(struct bytes name)
{
    static const char *const names[] = {"host",
                                        "user-agent",
                                        "connection",
                                        "content-length",
                                        "content-type",
                                        "content-encoding",
                                        "transfer-encoding",
                                        "origin",
                                        "referer",
                                        "cache-control",
                                        "pragma",
                                        "dnt",
                                        "te",
                                        "upgrade",
                                        "expect",
                                        "priority",
                                        "range",
                                        "date",
                                        "keep-alive",
                                        "upgrade-insecure-requests"};
    static const char *const prefixes[] = {"accept", "sec-", "proxy-", "access-control-"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_equal_nocase(name, bytes_of(names[i])))
            return true;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (bytes_starts_with_nocase(name, bytes_of(prefixes[i])))
            return true;
    }
    return false;
}

/* The media type of the request's body, as it stands. */
static struct bytes add_headers(struct facts *facts, struct bytes block)
{
    struct bytes line, type = {0};
    while (bytes_split(&block, '\n', &line)) {
        size_t colon = bytes_index_of(line, ':');
        if (colon == line.len)
            continue;
        struct bytes name = bytes_trim(bytes_make(line.ptr, colon));
        struct bytes value = bytes_trim(bytes_from(line, colon + 1));
        if (bytes_equal_nocase(name, bytes_of("content-type")))
            type = value;
        else if (bytes_equal_nocase(name, bytes_of("cookie")))
            add_cookies(facts, value);
        else if (!is_of_client(name))
            facts_add_at(facts, FACT_VALUE, 't', name, value, "header:%.*s", BYTES_ARG(name));
    }
    return type;
}

void facts_of_request(struct facts *facts, const struct facts_request *request)
{
    facts_clear(facts);
    add_target(facts, request->target);
    struct bytes type = add_headers(facts, request->headers);
    if (bytes_starts_with_nocase(type, bytes_of("application/x-www-form-urlencoded")))
        add_fields(facts, "form", request->body);
    else if (request->body.len)
        facts_add_json(facts, request->body);
    facts_sort(facts);
}

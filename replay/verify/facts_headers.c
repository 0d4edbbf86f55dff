/* facts_headers.c - which of an answer's headers count, and how: the one table of it. */
#include <stdio.h>

#include "core/url.h"
#include "replay/verify/facts.h"

enum header_rule {
    RULE_IGNORED, /* the server's own business, or different each time */
    RULE_PRESENT, /* that it is there */
    RULE_VALUE,   /* what it says, but for ids and counts in it */
    RULE_TYPE,    /* what stands before the first ';' */
    RULE_WORD,    /* its first word */
    RULE_URL,     /* where it leads, but for ids */
    RULE_COOKIE   /* the names of the cookies it sets */
};

/*
 * The first row that fits counts; a name with '*' at its end is a prefix, at its start a suffix.
 * What no row names has to be there when it was recorded.
 */
static const struct {
    const char *name;
    enum header_rule rule;
} rules[] = {
    /* what clients act on */
    {"content-type", RULE_TYPE},
    {"location", RULE_URL},
    {"set-cookie", RULE_COOKIE},
    {"www-authenticate", RULE_WORD},
    {"content-disposition", RULE_TYPE},
    {"cache-control", RULE_VALUE},
    {"vary", RULE_PRESENT},
    {"allow", RULE_VALUE},
    {"accept-ranges", RULE_IGNORED},
    {"content-range", RULE_PRESENT},
    {"retry-after", RULE_PRESENT},
    {"link", RULE_PRESENT},
    {"access-control-*", RULE_PRESENT},
    {"sec-websocket-protocol", RULE_VALUE},
    /* security */
    {"strict-transport-security", RULE_PRESENT},
    {"content-security-policy*", RULE_PRESENT},
    {"x-content-type-options", RULE_VALUE},
    {"x-frame-options", RULE_VALUE},
    {"referrer-policy", RULE_VALUE},
    {"permissions-policy", RULE_PRESENT},
    {"cross-origin-*", RULE_VALUE},
    /* dates and ages */
    {"date", RULE_IGNORED},
    {"age", RULE_IGNORED},
    {"expires", RULE_IGNORED},
    {"last-modified", RULE_IGNORED},
    /* validators and digests of what is compared itself */
    {"etag", RULE_IGNORED},
    {"content-md5", RULE_IGNORED},
    {"*digest", RULE_IGNORED},
    /* framing, codings and the connection */
    {"content-length", RULE_IGNORED},
    {"content-encoding", RULE_IGNORED},
    {"transfer-encoding", RULE_IGNORED},
    {"connection", RULE_IGNORED},
    {"keep-alive", RULE_IGNORED},
    {"proxy-*", RULE_IGNORED},
    {"trailer", RULE_IGNORED},
    {"upgrade", RULE_IGNORED},
    {"sec-websocket-*", RULE_IGNORED},
    {"alt-svc", RULE_IGNORED},
    {"accept-ch*", RULE_IGNORED},
    {"critical-ch", RULE_IGNORED},
    /* ids of requests, traces and spans */
    {"*request-id", RULE_IGNORED},
    {"*correlation-id", RULE_IGNORED},
    {"*trace-id", RULE_IGNORED},
    {"*span-id", RULE_IGNORED},
    {"traceparent", RULE_IGNORED},
    {"tracestate", RULE_IGNORED},
    {"traceresponse", RULE_IGNORED},
    {"x-b3-*", RULE_IGNORED},
    {"x-amz-*", RULE_IGNORED},
    {"x-amzn-*", RULE_IGNORED},
    {"x-cloud-trace*", RULE_IGNORED},
    /* who served it, and how long it took */
    {"server", RULE_IGNORED},
    {"server-timing", RULE_IGNORED},
    {"x-powered-by", RULE_IGNORED},
    {"x-runtime", RULE_IGNORED},
    {"x-response-time", RULE_IGNORED},
    {"x-process-time", RULE_IGNORED},
    {"via", RULE_IGNORED},
    {"x-cache*", RULE_IGNORED},
    {"x-served-by", RULE_IGNORED},
    {"x-timer", RULE_IGNORED},
    {"x-varnish", RULE_IGNORED},
    {"cf-*", RULE_IGNORED},
    {"x-envoy-*", RULE_IGNORED},
    {"x-kong-*", RULE_IGNORED},
    {"x-vercel-*", RULE_IGNORED},
    {"x-forwarded-*", RULE_IGNORED},
    /* what is left of a quota */
    {"*ratelimit*", RULE_IGNORED},
    {"*rate-limit*", RULE_IGNORED},
    {"ratelimit*", RULE_IGNORED},
    /* reporting */
    {"nel", RULE_IGNORED},
    {"report-to", RULE_IGNORED},
    {"reporting-endpoints", RULE_IGNORED},
};

static bool contains_nocase(struct bytes name, struct bytes part)
{
    for (size_t i = 0; i + part.len <= name.len; i++) {
        if (bytes_equal_nocase(bytes_make(name.ptr + i, part.len), part))
            return true;
    }
    return false;
}

static bool fits(const char *pattern, struct bytes name)
{
    struct bytes text = bytes_of(pattern);
    bool is_suffix = text.ptr[0] == '*', is_prefix = text.ptr[text.len - 1] == '*';
    text = bytes_make(text.ptr + is_suffix, text.len - is_suffix - is_prefix);
    if (is_suffix && is_prefix)
        return contains_nocase(name, text);
    if (is_suffix)
        return name.len >= text.len &&
               bytes_equal_nocase(bytes_from(name, name.len - text.len), text);
    return is_prefix ? bytes_starts_with_nocase(name, text) : bytes_equal_nocase(name, text);
}

static enum header_rule rule_of(struct bytes name)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (fits(rules[i].name, name))
            return rules[i].rule;
    }
    return RULE_PRESENT;
}

static void lower(struct bytes text, char *out, size_t out_size)
{
    size_t len = text.len < out_size - 1 ? text.len : out_size - 1;
    for (size_t i = 0; i < len; i++)
        out[i] = ascii_lower(text.ptr[i]);
    out[len] = '\0';
}

static void add_cookie(struct facts *facts, struct bytes value)
{
    struct bytes pair = bytes_make(value.ptr, bytes_index_of(value, ';'));
    size_t equals = bytes_index_of(pair, '=');
    struct bytes name = bytes_trim(bytes_make(pair.ptr, equals));
    if (name.len)
        facts_add_at(facts, FACT_PRESENT, 't', name, bytes_trim(bytes_from(pair, equals + 1)),
                     "cookie:%.*s", BYTES_ARG(name));
}

/* Its parts may be carried on: "header:location > path:2". */
static void add_url_parts(struct facts *facts, const char *name, struct bytes text)
{
    struct url url;
    struct bytes part;
    if (url_parse(text, &url) == 0)
        text = url.target;
    text = bytes_make(text.ptr, bytes_index_of(text, '#'));
    size_t question = bytes_index_of(text, '?');
    struct bytes path = bytes_make(text.ptr, question), query = bytes_from(text, question + 1);
    if (path.len && path.ptr[0] == '/')
        path = bytes_from(path, 1);
    for (uint32_t i = 1; bytes_split(&path, '/', &part); i++)
        facts_add_at(facts, FACT_HIDDEN, 't', bytes_of("id"), part, "header:%s > path:%u", name, i);
    while (query.len && bytes_split(&query, '&', &part)) {
        size_t equals = bytes_index_of(part, '=');
        struct bytes field = bytes_make(part.ptr, equals);
        facts_add_at(facts, FACT_HIDDEN, 't', field, bytes_from(part, equals + 1),
                     "header:%s > query:%.*s", name, BYTES_ARG(field));
    }
}

static void add_header(struct facts *facts, const struct http_header *header)
{
    char name[256], value[512];
    struct bytes text = header->value;
    enum fact_kind kind = FACT_VALUE;
    lower(header->name, name, sizeof name);
    switch (rule_of(header->name)) {
    case RULE_COOKIE:
        add_cookie(facts, text);
        return;
    case RULE_TYPE:
        lower(bytes_trim(bytes_make(text.ptr, bytes_index_of(text, ';'))), value, sizeof value);
        text = bytes_of(value);
        break;
    case RULE_WORD:
        lower(bytes_make(text.ptr, bytes_index_of(text, ' ')), value, sizeof value);
        text = bytes_of(value);
        break;
    case RULE_URL:
        add_url_parts(facts, name, text);
        break;
    case RULE_VALUE:
        break;
    case RULE_PRESENT:
        kind = FACT_PRESENT;
        break;
    case RULE_IGNORED:
        kind = FACT_HIDDEN;
        break;
    }
    facts_add_at(facts, kind, 't', bytes_of(name), text, "header:%s", name);
}

void facts_add_headers(struct facts *facts, const struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_header(facts, &headers[i]);
}

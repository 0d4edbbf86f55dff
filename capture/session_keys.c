/* session_keys.c - finds session cookies and tokens by the names people give them. */
#include "capture/session_keys.h"

#include "capture/session_names.h"
#include "core/map.h"
#include "core/text_codings.h"

enum {
    MIN_VALUE_BYTES = 2, /* of a cookie or token; what session_value_is_flag() knows is none */
    MAX_VALUE_BYTES = 8192,
    MAX_NAME_BYTES = 64,
    MAX_SCANNED_BYTES = 64 * 1024, /* of a body */
    MAX_CODED_BYTES = 8 * 1024     /* a login's answer is small; undoing each answer would cost */
};

/* Where in a message a value stands. */
enum place { IN_QUERY, IN_REQUEST_BODY, IN_ANSWER_BODY, IN_ANSWER_LINK };

static struct session_key key_of(enum trace_identity_kind kind, struct bytes name,
                                 struct bytes value)
{
    struct session_key key = {.kind = kind, .name = name, .value = value};
    key.class = (uint64_t)kind + (kind == TRACE_BY_COOKIE ? bytes_hash(name) : 0);
    key.hash = bytes_hash(value);
    if (value.len < SESSION_LONG_VALUE_BYTES)
        key.hash ^= key.class * UINT64_C(0x9e3779b97f4a7c15);
    return key;
}

struct session_key session_cookie_key(struct bytes name, struct bytes value)
{
    return key_of(TRACE_BY_COOKIE, name, value);
}

static void add_key(struct session_keys *keys, enum trace_identity_kind kind, struct bytes name,
                    struct bytes value)
{
    if (keys->count == SESSION_MAX_KEYS || value.len > MAX_VALUE_BYTES)
        return;
    if (value.len < (kind == TRACE_BY_HEADER ? 1 : MIN_VALUE_BYTES))
        return;
    if (kind != TRACE_BY_HEADER && session_value_is_flag(value))
        return;
    keys->items[keys->count++] = key_of(kind, name, value);
}

static void add_login(struct session_keys *keys, struct bytes value)
{
    if (keys->count == SESSION_MAX_KEYS || value.len < 3 || value.len > MAX_VALUE_BYTES)
        return;
    keys->items[keys->count++] =
        (struct session_key){.hash = bytes_hash(value) ^ SESSION_CLASS_LOGIN,
                             .class = SESSION_CLASS_LOGIN,
                             .kind = TRACE_BY_ADDRESS,
                             .value = value};
}

/* "Bearer abc": abc. */
static struct bytes without_scheme(struct bytes value)
{
    struct bytes secret = bytes_trim(bytes_from(value, bytes_index_of(value, ' ')));
    return secret.len ? secret : value;
}

/* As it is written elsewhere; what is too long for that stays as it is. */
static struct bytes decoded(struct session_keys *keys, struct bytes value)
{
    char *out = keys->decoded + keys->decoded_bytes;
    ssize_t bytes;
    if (bytes_index_of(value, '%') == value.len)
        return value;
    bytes = percent_read(value, false, out, sizeof keys->decoded - keys->decoded_bytes);
    if (bytes < 0)
        return value;
    keys->decoded_bytes += (size_t)bytes;
    return bytes_make(out, (size_t)bytes);
}

/* In a query a name alone says little ("?session=12"): the value must look the part, or have been
 * handed out. */
static void add_from_query(struct session_keys *keys, enum place place, struct bytes name,
                           struct bytes value)
{
    size_t before = keys->count;
    if (session_name_is_passing(name) ||
        !(session_name_is_query_token(name) || session_name_is_key(name)))
        return;
    value = without_scheme(decoded(keys, value));
    if (place == IN_ANSWER_LINK && !session_value_is_random(value))
        return;
    add_key(keys, TRACE_BY_TOKEN, (struct bytes){0}, value);
    if (keys->count > before)
        keys->items[before].is_weak = place == IN_ANSWER_LINK || !session_value_is_random(value);
}

static void add_pairs(struct session_keys *keys, enum place place, struct bytes query);

/* "/files/7?ticket=...", "/#access_token=..." */
static void add_link(struct session_keys *keys, struct bytes link)
{
    size_t query = bytes_index_of(link, '?'), fragment = bytes_index_of(link, '#');
    if (query < fragment)
        add_pairs(keys, IN_ANSWER_LINK, bytes_make(link.ptr + query + 1, fragment - query - 1));
    if (fragment < link.len)
        add_pairs(keys, IN_ANSWER_LINK, bytes_from(link, fragment + 1));
}

/* A value by its name. */
static void add_named(struct session_keys *keys, enum place place, struct bytes name,
                      struct bytes value)
{
    size_t before = keys->count;
    if (place == IN_QUERY || place == IN_ANSWER_LINK)
        add_from_query(keys, place, name, value);
    else if (place == IN_ANSWER_BODY && session_value_is_wording(value))
        return;
    else if (session_name_is_token(name))
        add_key(keys, TRACE_BY_TOKEN, (struct bytes){0}, value);
    else if (place == IN_ANSWER_BODY && value.len >= SESSION_LONG_VALUE_BYTES &&
             session_name_is_key(name))
        add_key(keys, TRACE_BY_TOKEN, (struct bytes){0}, value);
    else if (place == IN_REQUEST_BODY && session_name_is_login(name))
        add_login(keys, value);
    else if (place == IN_ANSWER_BODY)
        add_link(keys, value);
    if (keys->count == before || keys->items[before].kind != TRACE_BY_TOKEN)
        return;
    if (place == IN_ANSWER_LINK || session_name_is_lent(name))
        keys->items[before].class = SESSION_CLASS_LENT;
    else if (session_name_is_key(name))
        keys->items[before].class = SESSION_CLASS_API_KEY;
}

static void add_api_key(struct session_keys *keys, struct bytes value)
{
    size_t before = keys->count;
    add_key(keys, TRACE_BY_TOKEN, (struct bytes){0}, value);
    if (keys->count > before)
        keys->items[before].class = SESSION_CLASS_API_KEY;
}

/* Basic credentials may be a program's: whoever asks for a token through it sends the same. */
static void add_authorization(struct session_keys *keys, struct bytes value, bool is_basic)
{
    struct bytes scheme = bytes_make(value.ptr, bytes_index_of(value, ' '));
    /* Digest answers change with every request. */
    if (bytes_equal_nocase(scheme, bytes_of("digest")) ||
        bytes_equal_nocase(scheme, bytes_of("basic")) != is_basic)
        return;
    if (is_basic)
        add_api_key(keys, without_scheme(value));
    else
        add_key(keys, TRACE_BY_TOKEN, (struct bytes){0}, without_scheme(value));
}

static void add_cookies(struct session_keys *keys, struct bytes value)
{
    struct bytes cookie;
    while (bytes_split(&value, ';', &cookie)) {
        size_t equals = bytes_index_of(cookie, '=');
        struct bytes name = bytes_trim(bytes_make(cookie.ptr, equals));
        if (equals < cookie.len && session_name_is_cookie(name))
            add_key(keys, TRACE_BY_COOKIE, name, bytes_trim(bytes_from(cookie, equals + 1)));
    }
}

/* Any other cookie may be one that an answer handed out, in JSON or under another name. */
static void add_weak_cookies(struct session_keys *keys, struct bytes value)
{
    struct bytes cookie;
    while (bytes_split(&value, ';', &cookie)) {
        size_t equals = bytes_index_of(cookie, '=');
        struct bytes name = bytes_trim(bytes_make(cookie.ptr, equals));
        struct bytes content = bytes_trim(bytes_from(cookie, equals + 1));
        size_t before = keys->count;
        if (content.len >= SESSION_LONG_VALUE_BYTES && !session_name_is_cookie(name))
            add_key(keys, TRACE_BY_COOKIE, name, content);
        if (keys->count > before)
            keys->items[before].is_weak = true;
    }
}

static void add_pairs(struct session_keys *keys, enum place place, struct bytes query)
{
    struct bytes pair;
    while (bytes_split(&query, '&', &pair)) {
        size_t equals = bytes_index_of(pair, '=');
        struct bytes name = bytes_make(pair.ptr, equals);
        if (equals < pair.len)
            add_named(keys, place, name, bytes_from(pair, equals + 1));
    }
}

bool session_next_header(struct bytes *headers, struct bytes *ret_name, struct bytes *ret_value)
{
    struct bytes line;
    if (headers->len == 0 || !bytes_split(headers, '\n', &line))
        return false;
    size_t colon = bytes_index_of(line, ':');
    *ret_name = bytes_make(line.ptr, colon);
    *ret_value = bytes_trim(bytes_from(line, colon + 1));
    return true;
}

struct bytes session_header_of(struct bytes headers, const char *name)
{
    struct bytes wanted = bytes_of(name), found, value;
    while (session_next_header(&headers, &found, &value)) {
        if (bytes_equal_nocase(found, wanted))
            return value;
    }
    return (struct bytes){0};
}

/* "X-Admin-Token": a token if an answer handed it out; others change with every request. */
static void add_weak_headers(struct session_keys *keys, struct bytes headers)
{
    struct bytes name, value;
    while (session_next_header(&headers, &name, &value)) {
        if (name.len == 0 || value.len < SESSION_LONG_VALUE_BYTES ||
            ascii_lower(name.ptr[0]) != 'x' || !session_name_is_token(name))
            continue;
        size_t before = keys->count;
        add_key(keys, TRACE_BY_TOKEN, (struct bytes){0}, value);
        if (keys->count > before)
            keys->items[before].is_weak = true;
    }
}

/* Strong ones first; among equals the order stays. */
static void sort_weak_last(struct session_keys *keys)
{
    struct session_key weak[SESSION_MAX_KEYS];
    size_t weak_count = 0, count = 0;
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->items[i].is_weak)
            weak[weak_count++] = keys->items[i];
        else
            keys->items[count++] = keys->items[i];
    }
    for (size_t i = 0; i < weak_count; i++)
        keys->items[count++] = weak[i];
}

void session_keys_of_request(struct session_keys *keys, struct bytes headers, struct bytes target,
                             const char *session_header)
{
    struct bytes name, value, rest = headers, cookies = {0}, api_key = {0}, authorization = {0};
    struct bytes wanted = bytes_of(session_header);
    keys->count = keys->decoded_bytes = 0;
    while (session_next_header(&rest, &name, &value)) {
        if (wanted.len && bytes_equal_nocase(name, wanted))
            add_key(keys, TRACE_BY_HEADER, name, value);
        else if (bytes_equal_nocase(name, bytes_of("authorization")))
            authorization = value;
        else if (bytes_equal_nocase(name, bytes_of("cookie")))
            cookies = value;
        else if (bytes_equal_nocase(name, bytes_of("x-api-key")) ||
                 bytes_equal_nocase(name, bytes_of("apikey")))
            api_key = value;
        else if (bytes_equal_nocase(name, bytes_of("x-auth-token")))
            add_key(keys, TRACE_BY_TOKEN, (struct bytes){0}, value);
    }
    if (authorization.len)
        add_authorization(keys, authorization, false);
    size_t query = bytes_index_of(target, '?');
    if (query < target.len)
        add_pairs(keys, IN_QUERY, bytes_from(target, query + 1));
    if (cookies.len)
        add_cookies(keys, cookies);
    if (api_key.len)
        add_api_key(keys, api_key);
    if (authorization.len)
        add_authorization(keys, authorization, true);
    if (cookies.len)
        add_weak_cookies(keys, cookies);
    add_weak_headers(keys, headers);
    sort_weak_last(keys);
}

/* Just behind a string's closing quote, or in.len; escapes are stepped over. */
static size_t string_end(struct bytes in, size_t from)
{
    while (from < in.len && in.ptr[from] != '"')
        from += in.ptr[from] == '\\' ? 2 : 1;
    return from < in.len ? from : in.len;
}

static size_t skip_space(struct bytes in, size_t at)
{
    while (at < in.len &&
           (in.ptr[at] == ' ' || in.ptr[at] == '\t' || in.ptr[at] == '\r' || in.ptr[at] == '\n'))
        at++;
    return at;
}

/* Every "name": "value" at any depth. Not a parser: what is no JSON gives no or odd pairs. */
static void add_json(struct session_keys *keys, enum place place, struct bytes in)
{
    size_t at = 0;
    while ((at += bytes_index_of(bytes_from(in, at), '"')) < in.len) {
        size_t end = string_end(in, at + 1);
        struct bytes name = bytes_make(in.ptr + at + 1, end - at - 1);
        at = skip_space(in, end + 1);
        if (at >= in.len)
            return;
        if (in.ptr[at] != ':')
            continue;
        at = skip_space(in, at + 1);
        if (at >= in.len || in.ptr[at] != '"')
            continue;
        end = string_end(in, at + 1);
        struct bytes value = bytes_make(in.ptr + at + 1, end - at - 1);
        add_named(keys, place, name, value);
        at = end + 1;
        if (at >= in.len)
            return;
    }
}

/* "_token=...&email=...", "user%5Bemail%5D=..."; not "--boundary" and a header with "=" in it. */
static bool is_form(struct bytes body)
{
    size_t name_bytes = bytes_index_of(body, '=');
    for (size_t i = 0; i < name_bytes && i < MAX_NAME_BYTES; i++) {
        if (!ascii_is_alnum(body.ptr[i]) && !strchr("_-.%+*$@:![]()~", body.ptr[i]))
            return false;
    }
    return name_bytes > 0 && name_bytes < MAX_NAME_BYTES && name_bytes < body.len;
}

static void add_body(struct session_keys *keys, enum place place, struct bytes body)
{
    if (body.len > MAX_SCANNED_BYTES)
        body.len = MAX_SCANNED_BYTES;
    size_t start = skip_space(body, 0);
    /* Engine.IO's packets: 0{"sid":"..."}, and before them 96:0{"sid":"..."} */
    while (start < body.len && (ascii_is_digit(body.ptr[start]) || body.ptr[start] == ':'))
        start++;
    if (start == body.len)
        return;
    if (body.ptr[start] == '{' || body.ptr[start] == '[')
        add_json(keys, place, body);
    else if (place == IN_REQUEST_BODY && is_form(body))
        add_pairs(keys, place, body);
}

void session_keys_of_body(struct session_keys *keys, struct bytes body)
{
    keys->count = keys->decoded_bytes = 0;
    add_body(keys, IN_REQUEST_BODY, body);
}

struct bytes session_plain_body(struct content_decoder *decoder, struct bytes headers,
                                struct bytes body)
{
    struct bytes coding = session_header_of(headers, "content-encoding"), plain = {0};
    const char *detail;
    if (coding.len == 0 || body.len == 0)
        return body;
    if (!decoder || body.len > MAX_CODED_BYTES ||
        !session_text_contains_nocase(session_header_of(headers, "content-type"), "json"))
        return plain;
    const struct http_header header = {.name = bytes_of("content-encoding"), .value = coding};
    if (content_decode(decoder, &header, 1, body, &plain, &detail) != CONTENT_DECODED)
        plain = (struct bytes){0};
    return plain;
}

bool session_cookie_tells(struct bytes name, struct bytes value, struct bytes line)
{
    if (session_value_is_flag(value))
        return false;
    if (session_name_is_cookie(name))
        return true;
    /* Scripts of the page may not read it: it is there to tell who it is. */
    if (value.len < SESSION_LONG_VALUE_BYTES)
        return false;
    return session_text_contains_nocase(line, "httponly") ||
           (session_name_is_of_forms(name) && session_value_is_random(value));
}

static void add_set_cookie(struct session_keys *keys, struct bytes line)
{
    struct bytes pair = bytes_make(line.ptr, bytes_index_of(line, ';'));
    size_t equals = bytes_index_of(pair, '=');
    struct bytes name = bytes_trim(bytes_make(pair.ptr, equals));
    keys->has_set_cookie = true;
    add_cookies(keys, pair);
    if (session_cookie_tells(name, bytes_trim(bytes_from(pair, equals + 1)), line))
        add_weak_cookies(keys, pair);
}

/* "Authorization: Bearer ..." of a login's answer; another header's token may be one beside it. */
static void add_born_header(struct session_keys *keys, struct bytes name, struct bytes value)
{
    size_t before = keys->count;
    char first = name.len ? ascii_lower(name.ptr[0]) : 0;
    if (value.len < SESSION_LONG_VALUE_BYTES || (first != 'x' && first != 'a'))
        return; /* of most headers no more is looked at: "X-Auth-Token", "Access-Token" */
    bool is_login = bytes_equal_nocase(name, bytes_of("authorization")) ||
                    bytes_equal_nocase(name, bytes_of("x-auth-token"));
    value = without_scheme(value);
    if ((is_login || session_name_is_token(name)) && session_value_is_random(value))
        add_key(keys, TRACE_BY_TOKEN, (struct bytes){0}, value);
    if (keys->count > before && !is_login) {
        keys->items[before].is_weak = true;
        keys->items[before].class = SESSION_CLASS_LENT;
    }
}

void session_keys_of_response(struct session_keys *keys, struct bytes headers, struct bytes body)
{
    struct bytes name, value;
    keys->count = keys->decoded_bytes = 0;
    keys->has_set_cookie = false;
    while (session_next_header(&headers, &name, &value)) {
        if (bytes_equal_nocase(name, bytes_of("set-cookie")))
            add_set_cookie(keys, value);
        else if (bytes_equal_nocase(name, bytes_of("location")))
            add_link(keys, value);
        else
            add_born_header(keys, name, value);
    }
    add_body(keys, IN_ANSWER_BODY, body);
}

/* Of "[2001:db8::1]:80", "10.0.0.7:80" the address; empty: it is none. */
static struct bytes address_in(struct bytes text)
{
    enum { MAX_ADDRESS_BYTES = 45 };
    text = bytes_trim(text);
    if (text.len && text.ptr[0] == '"')
        text = bytes_make(text.ptr + 1, bytes_index_of(bytes_from(text, 1), '"'));
    size_t colon = bytes_index_of(text, ':');
    bool has_one_colon = colon < text.len &&
                         bytes_index_of(bytes_from(text, colon + 1), ':') == text.len - colon - 1;
    if (text.len && text.ptr[0] == '[')
        text = bytes_make(text.ptr + 1, bytes_index_of(bytes_from(text, 1), ']'));
    else if (has_one_colon)
        text.len = colon;
    bool has_mark = false;
    for (size_t i = 0; i < text.len; i++) {
        bool is_mark = text.ptr[i] == '.' || text.ptr[i] == ':';
        if (!is_mark && ascii_hex_value(text.ptr[i]) < 0)
            return (struct bytes){0};
        has_mark = has_mark || is_mark;
    }
    return has_mark && text.len <= MAX_ADDRESS_BYTES ? text : (struct bytes){0};
}

/* "proto=https;for=192.0.2.1" */
static struct bytes address_of_forwarded(struct bytes element)
{
    struct bytes part;
    while (bytes_split(&element, ';', &part)) {
        part = bytes_trim(part);
        if (bytes_starts_with_nocase(part, bytes_of("for=")))
            return address_in(bytes_from(part, 4));
    }
    return (struct bytes){0};
}

struct bytes session_forwarded_for(struct bytes headers)
{
    struct bytes name, value, best = {0};
    while (session_next_header(&headers, &name, &value)) {
        char first = name.len ? ascii_lower(name.ptr[0]) : 0;
        if (first != 'x' && first != 'f')
            continue;
        if (bytes_equal_nocase(name, bytes_of("x-real-ip")) && !best.len)
            best = address_in(value);
        value.len = bytes_index_of(value, ',');
        if (bytes_equal_nocase(name, bytes_of("x-forwarded-for")))
            return address_in(value);
        if (bytes_equal_nocase(name, bytes_of("forwarded")))
            best = address_of_forwarded(value);
    }
    return best;
}

/* session_keys.c - finds session cookies and tokens by the names people give them. */
#include "capture/session_keys.h"

#include "core/map.h"

enum {
    MIN_VALUE_BYTES = 2,   /* of a cookie or token; what is_flag() knows is none */
    LONG_VALUE_BYTES = 16, /* long enough to be one user's wherever it is carried */
    MAX_VALUE_BYTES = 8192,
    MAX_NAME_BYTES = 64,
    MAX_SCANNED_BYTES = 64 * 1024 /* of a body */
};

static bool contains_nocase(struct bytes in, const char *word)
{
    struct bytes wanted = bytes_of(word);
    for (size_t i = 0; i + wanted.len <= in.len; i++) {
        if (bytes_equal_nocase(bytes_make(in.ptr + i, wanted.len), wanted))
            return true;
    }
    return false;
}

static bool contains_any(struct bytes in, const char *const *words)
{
    for (; *words; words++) {
        if (contains_nocase(in, *words))
            return true;
    }
    return false;
}

/* Names that look like a secret and are none: they change from page to page. */
static bool is_passing_name(struct bytes name)
{
    static const char *const words[] = {"csrf", "xsrf", "page", "expire", "type", "consent", NULL};
    return contains_any(name, words);
}

static bool is_cookie_name(struct bytes name)
{
    static const char *const words[] = {"sess", "token", "auth", "jwt", "login", NULL};
    if (is_passing_name(name))
        return false;
    bool ends_with_sid =
        name.len >= 3 && bytes_equal_nocase(bytes_from(name, name.len - 3), bytes_of("sid"));
    return ends_with_sid || contains_any(name, words);
}

static bool is_token_name(struct bytes name)
{
    static const char *const words[] = {"token",  "jwt",     "session", "api_key",
                                        "apikey", "api-key", "ticket",  NULL};
    if (is_passing_name(name))
        return false;
    return contains_any(name, words) || bytes_equal_nocase(name, bytes_of("sid"));
}

/* What an answer that makes an API key calls it. */
static bool is_key_name(struct bytes name)
{
    static const char *const words[] = {"api_key", "apikey", "api-key", "secret", NULL};
    return bytes_equal_nocase(name, bytes_of("key")) || contains_any(name, words);
}

/* "ann@x.org": whose signup and whose login it is, before there is a token. */
static bool is_login_name(struct bytes name)
{
    static const char *const names[] = {"username", "user_name", "login", "userid", "user_id"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (bytes_equal_nocase(name, bytes_of(names[i])))
            return true;
    }
    return contains_nocase(name, "email");
}

/* "true", "1": says something about the user, not who it is. */
static bool is_flag(struct bytes value)
{
    static const char *const words[] = {"true", "false", "yes", "no",      "on",  "off",
                                        "null", "none",  "ok",  "deleted", "all", "undefined"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (bytes_equal_nocase(value, bytes_of(words[i])))
            return true;
    }
    return false;
}

/* Where in a message a value stands. */
enum place { IN_QUERY, IN_REQUEST_BODY, IN_ANSWER_BODY };

static void add_key(struct session_keys *keys, enum trace_identity_kind kind, struct bytes name,
                    struct bytes value)
{
    if (keys->count == SESSION_MAX_KEYS || value.len > MAX_VALUE_BYTES)
        return;
    if (value.len < (kind == TRACE_BY_HEADER ? 1 : MIN_VALUE_BYTES))
        return;
    if (kind != TRACE_BY_HEADER && is_flag(value))
        return;
    struct session_key key = {.kind = kind, .name = name, .value = value};
    key.class = (uint64_t)kind + (kind == TRACE_BY_COOKIE ? bytes_hash(name) : 0);
    key.hash = bytes_hash(value);
    if (value.len < LONG_VALUE_BYTES)
        key.hash ^= key.class * UINT64_C(0x9e3779b97f4a7c15);
    keys->items[keys->count++] = key;
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

/* What a page shows under such a name: an application's texts have "session": "Session" and
 * "token": "Your token". */
static bool is_wording(struct bytes value)
{
    bool has_only_letters = true;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == ' ')
            return true;
        has_only_letters = has_only_letters && ascii_is_alpha(value.ptr[i]);
    }
    return has_only_letters && value.len < LONG_VALUE_BYTES;
}

/* A value by its name. */
static void add_named(struct session_keys *keys, enum place place, struct bytes name,
                      struct bytes value)
{
    size_t before = keys->count;
    if (place == IN_ANSWER_BODY && is_wording(value))
        return;
    if (is_token_name(name))
        add_key(keys, TRACE_BY_TOKEN, (struct bytes){0}, value);
    else if (place == IN_ANSWER_BODY && value.len >= LONG_VALUE_BYTES && is_key_name(name))
        add_key(keys, TRACE_BY_TOKEN, (struct bytes){0}, value);
    else if (place == IN_REQUEST_BODY && is_login_name(name))
        add_login(keys, value);
    if (keys->count > before && place == IN_ANSWER_BODY && is_key_name(name))
        keys->items[before].class = SESSION_CLASS_API_KEY;
}

static void add_authorization(struct session_keys *keys, struct bytes value)
{
    size_t space = bytes_index_of(value, ' ');
    struct bytes scheme = bytes_make(value.ptr, space);
    /* Digest answers change with every request. */
    if (bytes_equal_nocase(scheme, bytes_of("digest")))
        return;
    struct bytes secret = bytes_trim(bytes_from(value, space));
    add_key(keys, TRACE_BY_TOKEN, (struct bytes){0}, secret.len ? secret : value);
}

static void add_cookies(struct session_keys *keys, struct bytes value)
{
    struct bytes cookie;
    while (bytes_split(&value, ';', &cookie)) {
        size_t equals = bytes_index_of(cookie, '=');
        struct bytes name = bytes_trim(bytes_make(cookie.ptr, equals));
        if (equals < cookie.len && is_cookie_name(name))
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
        if (content.len >= LONG_VALUE_BYTES && !is_cookie_name(name))
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

/* The next line's name and value. */
static bool next_header(struct bytes *headers, struct bytes *ret_name, struct bytes *ret_value)
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
    while (next_header(&headers, &found, &value)) {
        if (bytes_equal_nocase(found, wanted))
            return value;
    }
    return (struct bytes){0};
}

/* "X-Admin-Token": a token if an answer handed it out; others change with every request. */
static void add_weak_headers(struct session_keys *keys, struct bytes headers)
{
    struct bytes name, value;
    while (next_header(&headers, &name, &value)) {
        if (name.len == 0 || value.len < LONG_VALUE_BYTES || ascii_lower(name.ptr[0]) != 'x' ||
            !is_token_name(name))
            continue;
        size_t before = keys->count;
        add_key(keys, TRACE_BY_TOKEN, (struct bytes){0}, value);
        if (keys->count > before)
            keys->items[before].is_weak = true;
    }
}

void session_keys_of_request(struct session_keys *keys, struct bytes headers, struct bytes target,
                             const char *session_header)
{
    struct bytes name, value, rest = headers, cookies = {0}, authorization = {0};
    struct bytes wanted = bytes_of(session_header);
    keys->count = 0;
    while (next_header(&rest, &name, &value)) {
        if (wanted.len && bytes_equal_nocase(name, wanted))
            add_key(keys, TRACE_BY_HEADER, name, value);
        else if (bytes_equal_nocase(name, bytes_of("authorization")))
            authorization = value;
        else if (bytes_equal_nocase(name, bytes_of("cookie")))
            cookies = value;
        else if (bytes_equal_nocase(name, bytes_of("x-api-key")) ||
                 bytes_equal_nocase(name, bytes_of("x-auth-token")))
            add_key(keys, TRACE_BY_TOKEN, (struct bytes){0}, value);
    }
    if (authorization.len)
        add_authorization(keys, authorization);
    size_t query = bytes_index_of(target, '?');
    if (query < target.len)
        add_pairs(keys, IN_QUERY, bytes_from(target, query + 1));
    if (cookies.len) {
        add_cookies(keys, cookies);
        add_weak_cookies(keys, cookies);
    }
    add_weak_headers(keys, headers);
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

static void add_body(struct session_keys *keys, enum place place, struct bytes body)
{
    if (body.len > MAX_SCANNED_BYTES)
        body.len = MAX_SCANNED_BYTES;
    size_t start = skip_space(body, 0);
    if (start == body.len)
        return;
    if (body.ptr[start] == '{' || body.ptr[start] == '[')
        add_json(keys, place, body);
    else if (place == IN_REQUEST_BODY && ascii_is_alpha(body.ptr[start]) &&
             bytes_index_of(body, '=') < MAX_NAME_BYTES)
        add_pairs(keys, place, body);
}

void session_keys_of_body(struct session_keys *keys, struct bytes body)
{
    keys->count = 0;
    add_body(keys, IN_REQUEST_BODY, body);
}

void session_keys_of_response(struct session_keys *keys, struct bytes headers, struct bytes body)
{
    struct bytes name, value;
    keys->count = 0;
    while (next_header(&headers, &name, &value)) {
        if (!bytes_equal_nocase(name, bytes_of("set-cookie")))
            continue;
        /* Scripts of the page may not read it: it is there to tell who it is. */
        bool is_hidden = contains_nocase(value, "httponly");
        value.len = bytes_index_of(value, ';');
        add_cookies(keys, value);
        if (is_hidden)
            add_weak_cookies(keys, value);
    }
    add_body(keys, IN_ANSWER_BODY, body);
}

/* session_jar.c - Set-Cookie lines into the jar, and the ways in which one client comes by two
 * values without sending the first. */
#include "capture/session_jar.h"

#include <stdlib.h>

#include "capture/session_names.h"
#include "core/map.h"

enum {
    MAX_COOKIES = 16,
    MIN_VALUE_BYTES = 8 /* a shorter one is a setting, or a test's */
};

/* One line of an answer. */
struct set_cookie {
    struct session_key key;
    uint64_t id;
    int64_t expires_us;
    bool is_deletion;
    bool is_secure;
    bool is_for_target; /* had the client had it, the request would have carried it */
};

static uint64_t mixed(uint64_t hash, uint64_t other)
{
    return (hash ^ other) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Without case and port: cookies do not tell a host's ports apart. */
static uint64_t hash_of_host(struct bytes host)
{
    char lower[256];
    size_t len = host.len && host.ptr[0] == '[' ? host.len : bytes_index_of(host, ':');
    if (len > sizeof lower)
        len = sizeof lower;
    for (size_t i = 0; i < len; i++)
        lower[i] = ascii_lower(host.ptr[i]);
    return bytes_hash(bytes_make(lower, len));
}

/* Of "/a/b?x" and of "http://host/a/b?x": "/a/b". */
static struct bytes path_of(struct bytes target)
{
    if (bytes_starts_with_nocase(target, bytes_of("http://")) ||
        bytes_starts_with_nocase(target, bytes_of("https://"))) {
        size_t host = bytes_index_of(target, '/') + 2;
        target = bytes_from(target, host + bytes_index_of(bytes_from(target, host), '/'));
    }
    target.len = bytes_index_of(target, '?');
    return target;
}

/* RFC 6265, 5.1.4 */
static struct bytes default_path(struct bytes path)
{
    size_t last = 0;
    for (size_t i = 0; i < path.len; i++)
        last = path.ptr[i] == '/' ? i : last;
    return last ? bytes_make(path.ptr, last) : bytes_of("/");
}

static bool path_matches(struct bytes path, struct bytes cookie_path)
{
    if (cookie_path.len == 0 || !bytes_starts_with(path, cookie_path))
        return false;
    return path.len == cookie_path.len || cookie_path.ptr[cookie_path.len - 1] == '/' ||
           path.ptr[cookie_path.len] == '/';
}

/* Beside Max-Age only the year in which servers let die what they take back: a date would need the
 * server's clock. */
static void read_attributes(struct set_cookie *cookie, const struct jar_exchange *exchange,
                            struct bytes attributes)
{
    struct bytes attribute, path = path_of(exchange->target), cookie_path = default_path(path);
    uint64_t seconds, host = hash_of_host(session_header_of(exchange->request_headers, "host"));
    while (bytes_split(&attributes, ';', &attribute)) {
        size_t equals = bytes_index_of(attribute, '=');
        struct bytes name = bytes_trim(bytes_make(attribute.ptr, equals));
        struct bytes value = bytes_trim(bytes_from(attribute, equals + 1));
        if (bytes_equal_nocase(name, bytes_of("path")) && value.len && value.ptr[0] == '/')
            cookie_path = value;
        else if (bytes_equal_nocase(name, bytes_of("domain")) && value.len)
            host = hash_of_host(bytes_from(value, value.ptr[0] == '.'));
        else if (bytes_equal_nocase(name, bytes_of("secure")))
            cookie->is_secure = true;
        else if (bytes_equal_nocase(name, bytes_of("max-age")) && value.len) {
            if (value.ptr[0] == '-' || bytes_equal(value, bytes_of("0")))
                cookie->is_deletion = true;
            else if (bytes_to_u64(value, &seconds) && seconds < UINT32_MAX)
                cookie->expires_us = exchange->last_us + (int64_t)seconds * 1000000;
        } else if (bytes_equal_nocase(name, bytes_of("expires")))
            cookie->is_deletion =
                cookie->is_deletion || session_text_contains_nocase(value, "1970");
    }
    cookie->id = mixed(mixed(bytes_hash(cookie->key.name), host), bytes_hash(cookie_path));
    cookie->is_for_target = path_matches(path, cookie_path);
}

/* The next one that is of use. */
static bool next_set_cookie(struct bytes *headers, const struct jar_exchange *exchange,
                            struct set_cookie *cookie)
{
    struct bytes header, line;
    while (session_next_header(headers, &header, &line)) {
        if (!bytes_equal_nocase(header, bytes_of("set-cookie")))
            continue;
        size_t end = bytes_index_of(line, ';'), equals = bytes_index_of(line, '=');
        if (equals >= end)
            continue;
        struct bytes name = bytes_trim(bytes_make(line.ptr, equals));
        struct bytes value = bytes_trim(bytes_make(line.ptr + equals + 1, end - equals - 1));
        *cookie =
            (struct set_cookie){.expires_us = INT64_MAX, .key = session_cookie_key(name, value)};
        read_attributes(cookie, exchange, bytes_from(line, end + 1));
        if (value.len < MIN_VALUE_BYTES)
            cookie->is_deletion = true; /* "", "deleted" */
        else if (!session_cookie_tells(name, value, line))
            continue;
        return true;
    }
    return false;
}

static struct jar_cookie *find(const struct session_jar *jar, uint64_t id)
{
    for (size_t i = 0; i < jar->count; i++) {
        if (jar->cookies[i].id == id)
            return &jar->cookies[i];
    }
    return NULL;
}

static bool was_sent_with(struct bytes request_headers, struct bytes name)
{
    struct bytes header, value, pair;
    while (session_next_header(&request_headers, &header, &value)) {
        while (bytes_equal_nocase(header, bytes_of("cookie")) && bytes_split(&value, ';', &pair)) {
            if (bytes_equal(bytes_trim(bytes_make(pair.ptr, bytes_index_of(pair, '='))), name))
                return true;
        }
    }
    return false;
}

static uint64_t hash_of_user_agent(const struct jar_exchange *exchange)
{
    return bytes_hash(session_header_of(exchange->request_headers, "user-agent"));
}

/* What a browser asks for without cookies, and whose cookies it does not keep. */
static bool is_without_credentials(const struct jar_exchange *exchange)
{
    struct bytes path = path_of(exchange->target);
    static const char *const manifests[] = {"manifest.json", ".webmanifest"};
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(manifests[i]);
        if (path.len >= len &&
            bytes_equal(bytes_from(path, path.len - len), bytes_of(manifests[i])))
            return true;
    }
    return session_header_of(exchange->request_headers, "access-control-request-method").len > 0;
}

/* From a page of another site a browser sends no cookie that is SameSite. */
static bool is_from_another_site(const struct jar_exchange *exchange)
{
    struct bytes origin = session_header_of(exchange->request_headers, "origin");
    size_t slash = bytes_index_of(origin, '/');
    return origin.len && hash_of_host(bytes_from(origin, slash + 2)) !=
                             hash_of_host(session_header_of(exchange->request_headers, "host"));
}

static enum jar_owner owner_by(const struct jar_cookie *kept, const struct set_cookie *given,
                               const struct jar_exchange *exchange)
{
    if (!kept || kept->hash == 0 || given->is_deletion || kept->hash == given->key.hash)
        return JAR_SAYS_NOTHING;
    if (exchange->first_us > kept->expires_us || !given->is_for_target ||
        was_sent_with(exchange->request_headers, given->key.name))
        return JAR_SAYS_NOTHING;
    if (kept->is_secure && !kept->was_sent &&
        !bytes_equal_nocase(session_header_of(exchange->request_headers, "x-forwarded-proto"),
                            bytes_of("https")))
        return JAR_IS_UNSURE; /* in clear text it is not sent back */
    if (kept->user_agent != hash_of_user_agent(exchange))
        return JAR_IS_ANOTHERS;
    if (exchange->first_us <= kept->first_until_us && kept->target != bytes_hash(exchange->target))
        return JAR_IS_UNSURE; /* a browser's first requests, side by side */
    if (exchange->is_same_connection && !kept->was_sent)
        return JAR_IS_UNSURE; /* a client that keeps no cookies */
    return is_from_another_site(exchange) ? JAR_IS_UNSURE : JAR_IS_ANOTHERS;
}

enum jar_owner session_jar_owner(const struct session_jar *jar, const struct jar_exchange *exchange)
{
    struct bytes headers = exchange->response_headers;
    struct set_cookie given;
    enum jar_owner owner = JAR_SAYS_NOTHING;
    if (jar->count == 0 || is_without_credentials(exchange))
        return owner;
    while (owner != JAR_IS_ANOTHERS && next_set_cookie(&headers, exchange, &given)) {
        enum jar_owner by_this = owner_by(find(jar, given.id), &given, exchange);
        owner = by_this > owner ? by_this : owner;
    }
    return owner;
}

/* Room for one more, or NULL. */
static struct jar_cookie *new_cookie(struct session_jar *jar)
{
    if (jar->count == MAX_COOKIES)
        return NULL;
    struct jar_cookie *grown = realloc(jar->cookies, (jar->count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    jar->cookies = grown;
    return &grown[jar->count++];
}

void session_jar_add(struct session_jar *jar, const struct jar_exchange *exchange)
{
    struct bytes headers = exchange->response_headers;
    struct set_cookie given;
    if (is_without_credentials(exchange))
        return;
    while (next_set_cookie(&headers, exchange, &given)) {
        struct jar_cookie *kept = find(jar, given.id);
        if (given.is_deletion) {
            if (kept)
                kept->hash = 0;
            continue;
        }
        bool is_first = !kept || kept->hash == 0 || exchange->first_us > kept->expires_us;
        if (!kept && !(kept = new_cookie(jar)))
            return;
        if (is_first)
            *kept = (struct jar_cookie){.id = given.id,
                                        .target = bytes_hash(exchange->target),
                                        .user_agent = hash_of_user_agent(exchange),
                                        .first_until_us = exchange->last_us};
        kept->class = given.key.class;
        kept->hash = given.key.hash;
        kept->expires_us = given.expires_us;
        kept->is_secure = given.is_secure;
    }
}

void session_jar_note_sent(struct session_jar *jar, const struct session_keys *keys)
{
    for (size_t i = 0; i < jar->count; i++) {
        struct jar_cookie *kept = &jar->cookies[i];
        for (size_t k = 0; k < keys->count && !kept->was_sent; k++)
            kept->was_sent =
                keys->items[k].class == kept->class && keys->items[k].hash == kept->hash;
    }
}

void session_jar_fini(struct session_jar *jar)
{
    free(jar->cookies);
    *jar = (struct session_jar){0};
}

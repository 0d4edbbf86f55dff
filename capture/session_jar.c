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
static void read_attributes(struct jar_gift *gift, const struct jar_exchange *exchange,
                            struct bytes name, struct bytes attributes)
{
    struct bytes attribute, path = path_of(exchange->target), cookie_path = default_path(path);
    struct bytes host = {0};
    uint64_t seconds;
    while (bytes_split(&attributes, ';', &attribute)) {
        size_t equals = bytes_index_of(attribute, '=');
        struct bytes key = bytes_trim(bytes_make(attribute.ptr, equals));
        struct bytes value = bytes_trim(bytes_from(attribute, equals + 1));
        if (bytes_equal_nocase(key, bytes_of("path")) && value.len && value.ptr[0] == '/')
            cookie_path = value;
        else if (bytes_equal_nocase(key, bytes_of("domain")) && value.len)
            host = bytes_from(value, value.ptr[0] == '.');
        else if (bytes_equal_nocase(key, bytes_of("secure")))
            gift->is_secure = true;
        else if (bytes_equal_nocase(key, bytes_of("max-age")) && value.len) {
            if (value.ptr[0] == '-' || bytes_equal(value, bytes_of("0")))
                gift->is_deletion = true;
            else if (bytes_to_u64(value, &seconds) && seconds < UINT32_MAX)
                gift->expires_us = exchange->last_us + (int64_t)seconds * 1000000;
        } else if (bytes_equal_nocase(key, bytes_of("expires")))
            gift->is_deletion = gift->is_deletion || session_text_contains_nocase(value, "1970");
    }
    if (host.len == 0)
        host = session_header_of(exchange->request_headers, "host");
    gift->id = mixed(mixed(bytes_hash(name), hash_of_host(host)), bytes_hash(cookie_path));
    gift->is_for_target = path_matches(path, cookie_path);
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

/* False: it is of no use here. */
static bool read_gift(struct jar_gift *gift, const struct jar_exchange *exchange, struct bytes line)
{
    size_t end = bytes_index_of(line, ';'), equals = bytes_index_of(line, '=');
    if (equals >= end)
        return false;
    struct bytes name = bytes_trim(bytes_make(line.ptr, equals));
    struct bytes value = bytes_trim(bytes_make(line.ptr + equals + 1, end - equals - 1));
    bool is_deletion = value.len < MIN_VALUE_BYTES; /* "", "deleted" */
    if (!is_deletion && !session_cookie_tells(name, value, line))
        return false;
    struct session_key key = session_cookie_key(name, value);
    *gift = (struct jar_gift){.class = key.class,
                              .hash = key.hash,
                              .expires_us = INT64_MAX,
                              .is_deletion = is_deletion,
                              .was_sent = was_sent_with(exchange->request_headers, name)};
    read_attributes(gift, exchange, name, bytes_from(line, end + 1));
    return true;
}

static struct jar_cookie *find(const struct session_jar *jar, uint64_t id)
{
    for (size_t i = 0; i < jar->count; i++) {
        if (jar->cookies[i].id == id)
            return &jar->cookies[i];
    }
    return NULL;
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

void session_jar_read(struct jar_gifts *gifts, const struct jar_exchange *exchange)
{
    struct bytes headers = exchange->response_headers, name, value;
    gifts->count = 0;
    if (is_without_credentials(exchange))
        return;
    while (gifts->count < JAR_MAX_GIFTS && session_next_header(&headers, &name, &value)) {
        if (bytes_equal_nocase(name, bytes_of("set-cookie")))
            gifts->count += read_gift(&gifts->items[gifts->count], exchange, value);
    }
    if (gifts->count == 0)
        return;
    headers = exchange->request_headers;
    gifts->target = bytes_hash(exchange->target);
    gifts->user_agent = bytes_hash(session_header_of(headers, "user-agent"));
    gifts->first_us = exchange->first_us;
    gifts->last_us = exchange->last_us;
    gifts->is_from_another_site = is_from_another_site(exchange);
    gifts->is_over_tls =
        bytes_equal_nocase(session_header_of(headers, "x-forwarded-proto"), bytes_of("https"));
}

static enum jar_owner owner_by(const struct jar_cookie *kept, const struct jar_gift *gift,
                               const struct jar_gifts *gifts, bool is_same_connection)
{
    if (!kept || kept->hash == 0 || gift->is_deletion || kept->hash == gift->hash)
        return JAR_SAYS_NOTHING;
    if (gifts->first_us > kept->expires_us || !gift->is_for_target || gift->was_sent)
        return JAR_SAYS_NOTHING;
    if (kept->is_secure && !kept->was_sent && !gifts->is_over_tls)
        return JAR_IS_UNSURE; /* in clear text it is not sent back */
    if (kept->user_agent != gifts->user_agent)
        return JAR_IS_ANOTHERS;
    if (gifts->first_us <= kept->first_until_us && kept->target != gifts->target)
        return JAR_IS_UNSURE; /* a browser's first requests, side by side */
    if (is_same_connection && !kept->was_sent)
        return JAR_IS_UNSURE; /* a client that keeps no cookies */
    return gifts->is_from_another_site ? JAR_IS_UNSURE : JAR_IS_ANOTHERS;
}

enum jar_owner session_jar_owner(const struct session_jar *jar, const struct jar_gifts *gifts,
                                 bool is_same_connection)
{
    enum jar_owner owner = JAR_SAYS_NOTHING;
    for (size_t i = 0; i < gifts->count && jar->count; i++) {
        const struct jar_gift *gift = &gifts->items[i];
        enum jar_owner by_this = owner_by(find(jar, gift->id), gift, gifts, is_same_connection);
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

void session_jar_add(struct session_jar *jar, const struct jar_gifts *gifts)
{
    for (size_t i = 0; i < gifts->count; i++) {
        const struct jar_gift *gift = &gifts->items[i];
        struct jar_cookie *kept = find(jar, gift->id);
        if (gift->is_deletion) {
            if (kept)
                kept->hash = 0;
            continue;
        }
        bool is_first = !kept || kept->hash == 0 || gifts->first_us > kept->expires_us;
        if (!kept && !(kept = new_cookie(jar)))
            return;
        if (is_first)
            *kept = (struct jar_cookie){.id = gift->id,
                                        .target = gifts->target,
                                        .user_agent = gifts->user_agent,
                                        .first_until_us = gifts->last_us};
        kept->class = gift->class;
        kept->hash = gift->hash;
        kept->expires_us = gift->expires_us;
        kept->is_secure = gift->is_secure;
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

/* cookie_jar.c - stores what answers set and says what requests carry. */
#include "replay/cookie_jar.h"

#include <stdlib.h>
#include <time.h>

void cookie_jar_init(struct cookie_jar *jar)
{
    *jar = (struct cookie_jar){0};
}

void cookie_jar_clear(struct cookie_jar *jar)
{
    for (size_t i = 0; i < jar->count; i++)
        free(jar->cookies[i].text);
    jar->count = 0;
}

void cookie_jar_fini(struct cookie_jar *jar)
{
    cookie_jar_clear(jar);
    free(jar->cookies);
    jar->cookies = NULL;
    jar->capacity = 0;
}

static struct bytes name_of(const struct cookie *cookie)
{
    return bytes_make(cookie->text, cookie->name_len);
}

static struct bytes path_of(const struct cookie *cookie)
{
    return bytes_make(cookie->text + cookie->text_len + 1, cookie->path_len);
}

static struct bytes request_path(struct bytes target)
{
    return bytes_make(target.ptr, bytes_index_of(target, '?'));
}

/* RFC 6265 5.2.2: what is no number is ignored, one that is too large means for ever. */
static bool parse_max_age(struct bytes value, int64_t now_unix_s, int64_t *ret_expires_unix_s)
{
    bool is_negative = value.len && value.ptr[0] == '-';
    struct bytes digits = bytes_from(value, is_negative);
    uint64_t seconds = UINT32_MAX;
    if (digits.len == 0)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (!ascii_is_digit(digits.ptr[i]))
            return false;
    }
    if (!bytes_to_u64(digits, &seconds) || seconds > UINT32_MAX)
        seconds = UINT32_MAX;
    *ret_expires_unix_s = is_negative || seconds == 0 ? 0 : now_unix_s + (int64_t)seconds;
    return true;
}

/* RFC 6265 5.1.4. */
static struct bytes default_path(struct bytes path)
{
    size_t slash = path.len;
    while (slash > 0 && path.ptr[slash - 1] != '/')
        slash--;
    return slash <= 1 ? bytes_of("/") : bytes_make(path.ptr, slash - 1);
}

static bool path_matches(struct bytes request, struct bytes cookie)
{
    if (!bytes_starts_with(request, cookie))
        return false;
    return request.len == cookie.len || cookie.ptr[cookie.len - 1] == '/' ||
           request.ptr[cookie.len] == '/';
}

static int64_t parse_expires(struct bytes value)
{
    static const char *const formats[] = {"%a, %d %b %Y %H:%M:%S", "%a, %d-%b-%Y %H:%M:%S",
                                          "%A, %d-%b-%y %H:%M:%S", "%a %b %d %H:%M:%S %Y"};
    char text[64];
    if (value.len >= sizeof text)
        return INT64_MAX;
    memcpy(text, value.ptr, value.len);
    text[value.len] = '\0';
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct tm parts = {0};
        if (!strptime(text, formats[i], &parts))
            continue;
        int year = parts.tm_year + 1900; /* of two digits it may be (RFC 6265 5.1.1) */
        if (year >= 0 && year < 100)
            parts.tm_year += year < 70 ? 2000 : 1900;
        return (int64_t)timegm(&parts);
    }
    return INT64_MAX;
}

struct attributes {
    struct bytes path;
    int64_t expires_unix_s;
};

static struct attributes parse_attributes(struct bytes rest, struct bytes path, int64_t now_unix_s)
{
    struct attributes found = {.path = default_path(path), .expires_unix_s = INT64_MAX};
    bool has_max_age = false;
    struct bytes part;
    while (bytes_split(&rest, ';', &part)) {
        size_t equals = bytes_index_of(part, '=');
        struct bytes name = bytes_trim(bytes_make(part.ptr, equals));
        struct bytes value = bytes_trim(bytes_from(part, equals + 1));
        if (bytes_equal_nocase(name, bytes_of("path")) && value.len && value.ptr[0] == '/') {
            found.path = value;
        } else if (bytes_equal_nocase(name, bytes_of("max-age"))) {
            /* wins over Expires (5.3, 3) */
            has_max_age |= parse_max_age(value, now_unix_s, &found.expires_unix_s);
        } else if (bytes_equal_nocase(name, bytes_of("expires")) && !has_max_age) {
            found.expires_unix_s = parse_expires(value);
        }
    }
    return found;
}

static struct cookie *find(const struct cookie_jar *jar, struct bytes name, struct bytes path)
{
    for (size_t i = 0; i < jar->count; i++) {
        struct cookie *cookie = &jar->cookies[i];
        if (bytes_equal(name_of(cookie), name) && bytes_equal(path_of(cookie), path))
            return cookie;
    }
    return NULL;
}

static int grow(struct cookie_jar *jar)
{
    size_t capacity = jar->capacity ? 2 * jar->capacity : 4;
    struct cookie *cookies = realloc(jar->cookies, capacity * sizeof *cookies);
    if (!cookies)
        return -1;
    jar->cookies = cookies;
    jar->capacity = capacity;
    return 0;
}

/* Behind those of its path's length or longer, the order in which they are sent (5.4, 2). */
static struct cookie *add_slot(struct cookie_jar *jar, size_t path_len)
{
    if (jar->count == COOKIE_JAR_MAX_COOKIES)
        return NULL;
    if (jar->count == jar->capacity && grow(jar))
        return NULL;
    size_t at = jar->count++;
    for (; at && jar->cookies[at - 1].path_len < path_len; at--)
        jar->cookies[at] = jar->cookies[at - 1];
    jar->cookies[at] = (struct cookie){0};
    return &jar->cookies[at];
}

void cookie_jar_store(struct cookie_jar *jar, struct bytes set_cookie, struct bytes target,
                      int64_t now_unix_s)
{
    size_t pair_len = bytes_index_of(set_cookie, ';');
    struct bytes pair = bytes_trim(bytes_make(set_cookie.ptr, pair_len));
    size_t equals = bytes_index_of(pair, '=');
    struct bytes name = bytes_trim(bytes_make(pair.ptr, equals));
    struct bytes value = bytes_trim(bytes_from(pair, equals + 1));
    if (name.len == 0 || equals == pair.len || name.len + value.len > COOKIE_MAX_BYTES)
        return;
    struct attributes attributes =
        parse_attributes(bytes_from(set_cookie, pair_len + 1), request_path(target), now_unix_s);
    if (attributes.path.len > COOKIE_MAX_BYTES)
        return;
    size_t text_len = name.len + 1 + value.len;
    char *text = malloc(text_len + 1 + attributes.path.len + 1);
    struct cookie *cookie = find(jar, name, attributes.path);
    if (text && !cookie)
        cookie = add_slot(jar, attributes.path.len);
    if (!text || !cookie) {
        free(text);
        return;
    }
    memcpy(text, name.ptr, name.len);
    text[name.len] = '=';
    memcpy(text + name.len + 1, value.ptr, value.len);
    text[text_len] = '\0';
    memcpy(text + text_len + 1, attributes.path.ptr, attributes.path.len);
    text[text_len + 1 + attributes.path.len] = '\0';
    free(cookie->text);
    *cookie = (struct cookie){
        .text = text,
        .name_len = (uint32_t)name.len,
        .text_len = (uint32_t)text_len,
        .path_len = (uint32_t)attributes.path.len,
        .is_deleted = attributes.expires_unix_s <= now_unix_s,
        .expires_unix_s = attributes.expires_unix_s,
    };
}

static bool knows_name(const struct cookie_jar *jar, struct bytes name)
{
    for (size_t i = 0; i < jar->count; i++) {
        if (bytes_equal(name_of(&jar->cookies[i]), name))
            return true;
    }
    return false;
}

static void append_pair(struct buf *out, size_t start, struct bytes pair)
{
    if (out->len > start)
        buf_append_text(out, "; ");
    buf_append_bytes(out, pair);
}

void cookie_jar_append(const struct cookie_jar *jar, struct bytes target, struct bytes recorded,
                       int64_t now_unix_s, struct buf *out)
{
    size_t start = out->len;
    struct bytes path = request_path(target), part;
    for (size_t i = 0; i < jar->count; i++) {
        const struct cookie *cookie = &jar->cookies[i];
        if (!cookie->is_deleted && cookie->expires_unix_s > now_unix_s &&
            path_matches(path, path_of(cookie)))
            append_pair(out, start, bytes_make(cookie->text, cookie->text_len));
    }
    while (bytes_split(&recorded, ';', &part)) {
        part = bytes_trim(part);
        struct bytes name = bytes_make(part.ptr, bytes_index_of(part, '='));
        if (part.len && !knows_name(jar, bytes_trim(name)))
            append_pair(out, start, part);
    }
}

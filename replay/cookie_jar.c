/* cookie_jar.c - stores what answers set and says what requests carry. */
#include "replay/cookie_jar.h"

#include <stdlib.h>

#include "replay/cookie_parse.h"

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

static struct bytes domain_of(const struct cookie *cookie)
{
    return bytes_make(cookie->text + cookie->text_len + 1 + cookie->path_len + 1,
                      cookie->domain_len);
}

static struct bytes request_path(struct bytes target)
{
    return bytes_make(target.ptr, bytes_index_of(target, '?'));
}

/* 5.1.4. */
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

static bool is_address(struct bytes host)
{
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] == ':')
            return true;
        if (!ascii_is_digit(host.ptr[i]) && host.ptr[i] != '.')
            return false;
    }
    return true;
}

/* 5.1.3. */
static bool domain_matches(struct bytes host, struct bytes domain)
{
    if (bytes_equal_nocase(host, domain))
        return true;
    return domain.len && host.len > domain.len + 1 && host.ptr[host.len - domain.len - 1] == '.' &&
           bytes_equal_nocase(bytes_from(host, host.len - domain.len), domain) && !is_address(host);
}

/* Whose the cookie is (5.3, 4 to 6); false: nobody's, it is refused. */
static bool choose_domain(struct bytes said, const struct cookie_site *site, struct cookie *cookie,
                          struct bytes *ret_domain)
{
    bool is_suffix = bytes_index_of(said, '.') == said.len;
    *ret_domain = site->host;
    cookie->is_host_only = true;
    if (said.len == 0 || (is_suffix && bytes_equal_nocase(said, site->host)))
        return true;
    if (is_suffix)
        return false;
    if (!domain_matches(site->host, said))
        return site->stands_in;
    *ret_domain = said;
    cookie->is_host_only = false;
    return true;
}

static bool is_for(const struct cookie *cookie, struct bytes host)
{
    return cookie->is_host_only ? bytes_equal_nocase(host, domain_of(cookie))
                                : domain_matches(host, domain_of(cookie));
}

static bool is_gone(const struct cookie *cookie, int64_t now_unix_s)
{
    return cookie->is_deleted || cookie->expires_unix_s <= now_unix_s;
}

static void take_out(struct cookie_jar *jar, size_t at)
{
    free(jar->cookies[at].text);
    jar->count--;
    memmove(&jar->cookies[at], &jar->cookies[at + 1], (jar->count - at) * sizeof *jar->cookies);
}

/* What is gone goes first, then the oldest (5.3, behind 12). */
static void make_room(struct cookie_jar *jar, int64_t now_unix_s)
{
    size_t at = 0;
    for (size_t i = 1; i < jar->count; i++) {
        const struct cookie *cookie = &jar->cookies[i], *chosen = &jar->cookies[at];
        bool is_gone_too = is_gone(cookie, now_unix_s), was_gone = is_gone(chosen, now_unix_s);
        if (is_gone_too == was_gone ? cookie->order < chosen->order : is_gone_too)
            at = i;
    }
    take_out(jar, at);
}

static struct cookie *add_slot(struct cookie_jar *jar, size_t path_len, int64_t now_unix_s)
{
    if (jar->count == COOKIE_JAR_MAX_COOKIES)
        make_room(jar, now_unix_s);
    if (jar->count == jar->capacity) {
        size_t capacity = jar->capacity ? 2 * jar->capacity : 4;
        struct cookie *cookies = realloc(jar->cookies, capacity * sizeof *cookies);
        if (!cookies)
            return NULL;
        jar->cookies = cookies;
        jar->capacity = capacity;
    }
    size_t at = jar->count++;
    for (; at && jar->cookies[at - 1].path_len < path_len; at--)
        jar->cookies[at] = jar->cookies[at - 1];
    jar->cookies[at] = (struct cookie){.order = jar->next_order++};
    return &jar->cookies[at];
}

/* The one of that name, path and domain. One that is gone is no longer there: what is set anew is
 * new, and sent behind the others. */
static struct cookie *find(struct cookie_jar *jar, struct bytes name, struct bytes path,
                           struct bytes domain, int64_t now_unix_s)
{
    for (size_t i = 0; i < jar->count; i++) {
        struct cookie *cookie = &jar->cookies[i];
        if (!bytes_equal(name_of(cookie), name) || !bytes_equal(path_of(cookie), path) ||
            !bytes_equal_nocase(domain_of(cookie), domain))
            continue;
        if (!is_gone(cookie, now_unix_s))
            return cookie;
        take_out(jar, i);
        return NULL;
    }
    return NULL;
}

/* `cookie` has all but its texts. */
static void put(struct cookie_jar *jar, struct cookie cookie, const struct set_cookie *set,
                struct bytes path, struct bytes domain, int64_t now_unix_s)
{
    size_t text_len = set->name.len + 1 + set->value.len;
    char *text = malloc(text_len + 1 + path.len + 1 + domain.len + 1);
    if (!text)
        return;
    struct cookie *slot = find(jar, set->name, path, domain, now_unix_s);
    if (!slot && !(slot = add_slot(jar, path.len, now_unix_s))) {
        free(text);
        return;
    }
    char *at = text;
    memcpy(at, set->name.ptr, set->name.len);
    at[set->name.len] = '=';
    memcpy(at + set->name.len + 1, set->value.ptr, set->value.len);
    at[text_len] = '\0';
    at += text_len + 1;
    memcpy(at, path.ptr, path.len);
    at[path.len] = '\0';
    at += path.len + 1;
    memcpy(at, domain.ptr, domain.len);
    at[domain.len] = '\0';
    free(slot->text);
    cookie.text = text;
    cookie.name_len = (uint32_t)set->name.len;
    cookie.text_len = (uint32_t)text_len;
    cookie.path_len = (uint32_t)path.len;
    cookie.domain_len = (uint32_t)domain.len;
    cookie.order = slot->order; /* as old as the one it replaces (5.3, 11) */
    *slot = cookie;
}

bool cookie_jar_store(struct cookie_jar *jar, const struct cookie_site *site,
                      struct bytes set_cookie, struct bytes target, int64_t now_unix_s)
{
    struct set_cookie set;
    struct cookie cookie = {0};
    struct bytes domain;
    if (!set_cookie_parse(set_cookie, now_unix_s, &set) ||
        !choose_domain(set.domain, site, &cookie, &domain))
        return false;
    struct bytes path = set.path.len ? set.path : default_path(request_path(target));
    if (set.name.len + set.value.len > COOKIE_MAX_BYTES || path.len > COOKIE_MAX_BYTES ||
        domain.len == 0 || domain.len > COOKIE_MAX_BYTES)
        return false;
    cookie.is_secure = set.is_secure && site->is_secure;
    cookie.expires_unix_s = set.expires_unix_s;
    cookie.is_deleted = set.expires_unix_s <= now_unix_s;
    put(jar, cookie, &set, path, domain, now_unix_s);
    return true;
}

static bool knows_name(const struct cookie_jar *jar, struct bytes host, struct bytes name)
{
    for (size_t i = 0; i < jar->count; i++) {
        if (bytes_equal(name_of(&jar->cookies[i]), name) && is_for(&jar->cookies[i], host))
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

void cookie_jar_append(const struct cookie_jar *jar, const struct cookie_site *site,
                       struct bytes target, struct bytes recorded, int64_t now_unix_s,
                       struct buf *out)
{
    size_t start = out->len;
    struct bytes path = request_path(target), part;
    for (size_t i = 0; i < jar->count; i++) {
        const struct cookie *cookie = &jar->cookies[i];
        if (!is_gone(cookie, now_unix_s) && path_matches(path, path_of(cookie)) &&
            is_for(cookie, site->host) && (site->is_secure || !cookie->is_secure))
            append_pair(out, start, bytes_make(cookie->text, cookie->text_len));
    }
    while (bytes_split(&recorded, ';', &part)) {
        part = bytes_trim(part);
        struct bytes name = bytes_trim(bytes_make(part.ptr, bytes_index_of(part, '=')));
        if (part.len && !knows_name(jar, site->host, name))
            append_pair(out, start, part);
    }
}

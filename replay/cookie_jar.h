/*
 * cookie_jar.h - the cookies of one replayed user (RFC 6265 sections 5.3 and 5.4).
 *
 * Live cookies win over recorded ones of the same name; recorded cookies that the target never set
 * (made by a script, or older than the recording) go out as recorded, unless the target has deleted
 * them. Two deliberate differences from a browser, because a recording of one host is replayed
 * against another: the target stands for the recorded host, so a Domain that is not the target's
 * makes its cookie one of the target alone instead of refusing it; and Secure hides a cookie from
 * plain http only when it came over TLS. Of public suffixes only those of one label ("com") are
 * known: a cookie for one of them is refused.
 */
#ifndef REPRISE_REPLAY_COOKIE_JAR_H
#define REPRISE_REPLAY_COOKIE_JAR_H

#include "core/buf.h"

#define COOKIE_JAR_MAX_COOKIES 180
#define COOKIE_MAX_BYTES 8192 /* name and value together; of a path; of a domain */

/* Who answers, or is asked. */
struct cookie_site {
    struct bytes host; /* without port */
    bool is_secure;    /* over TLS */
    bool stands_in;    /* the run's target, which stands for the recorded host */
};

struct cookie {
    char *text; /* "name=value", owned, then path and domain, in one allocation */
    uint32_t name_len;
    uint32_t text_len;
    uint32_t path_len;   /* behind text, after a '\0' */
    uint32_t domain_len; /* behind the path, after a '\0' */
    uint32_t order;      /* of creation */
    bool is_host_only;
    bool is_secure;
    bool is_deleted;        /* kept so that the recorded one is not sent either */
    int64_t expires_unix_s; /* INT64_MAX: with the session */
};

struct cookie_jar {
    struct cookie *cookies; /* as they are sent: longer paths first, then the older one (5.4, 2);
                               grows by doubling: most visits carry two or three */
    size_t count;
    size_t capacity;
    uint32_t next_order;
};

void cookie_jar_init(struct cookie_jar *jar);
void cookie_jar_fini(struct cookie_jar *jar);

/* Forget all: a new visit. */
void cookie_jar_clear(struct cookie_jar *jar);

/* The value of a Set-Cookie header in the site's answer to a request for `target`. Malformed ones
 * are ignored; in a full jar the oldest makes room. */
bool cookie_jar_store(struct cookie_jar *jar, const struct cookie_site *site,
                      struct bytes set_cookie, struct bytes target, int64_t now_unix_s);

/* Append the Cookie value for a request: live cookies, then the recorded ones not known to the jar.
 */
void cookie_jar_append(const struct cookie_jar *jar, const struct cookie_site *site,
                       struct bytes target, struct bytes recorded, int64_t now_unix_s,
                       struct buf *out);

#endif

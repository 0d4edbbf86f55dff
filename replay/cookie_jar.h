/*
 * cookie_jar.h - the cookies of one replayed user, toward one target (RFC 6265 sections 5.2
 * to 5.4).
 *
 * Live cookies win over recorded ones of the same name; recorded cookies that the target never set
 * (made by a script, or older than the recording) go out as recorded, unless the target has deleted
 * them. Two deliberate differences from a browser, because a recording of one host is replayed
 * against another: a Domain that is not the target's does not refuse a cookie, and Secure does not
 * hide it from plain http.
 */
#ifndef REPRISE_REPLAY_COOKIE_JAR_H
#define REPRISE_REPLAY_COOKIE_JAR_H

#include "core/buf.h"

#define COOKIE_JAR_MAX_COOKIES 180
#define COOKIE_MAX_BYTES 8192 /* name and value together */

struct cookie {
    char *text; /* "name=value", owned, then the path, in one allocation */
    uint32_t name_len;
    uint32_t text_len;
    uint32_t path_len;      /* behind text, after a '\0' */
    bool is_deleted;        /* kept so that the recorded one is not sent either */
    int64_t expires_unix_s; /* INT64_MAX: with the session */
};

struct cookie_jar {
    struct cookie *cookies; /* grows by doubling: most visits carry two or three */
    size_t count;
    size_t capacity;
};

void cookie_jar_init(struct cookie_jar *jar);
void cookie_jar_fini(struct cookie_jar *jar);

/* Forget all: a new visit. */
void cookie_jar_clear(struct cookie_jar *jar);

/* The value of a Set-Cookie header in the answer to a request for `target`. Malformed ones are
 * ignored. */
void cookie_jar_store(struct cookie_jar *jar, struct bytes set_cookie, struct bytes target,
                      int64_t now_unix_s);

/* Append the Cookie value for a request: live cookies, then the recorded ones not known to the jar.
 */
void cookie_jar_append(const struct cookie_jar *jar, struct bytes target, struct bytes recorded,
                       int64_t now_unix_s, struct buf *out);

#endif

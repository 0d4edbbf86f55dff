/*
 * session_jar.h - the cookies that a session's client keeps. Who is handed another value of one of
 * them, and did not send it, has an empty jar: that is somebody else.
 *
 * Only cookies that tell users apart are in it: those of a session by their name, those that
 * scripts may not read, and the ones against forged requests. Values are hashes, as in
 * session_keys.h.
 */
#ifndef REPRISE_CAPTURE_SESSION_JAR_H
#define REPRISE_CAPTURE_SESSION_JAR_H

#include "capture/session_keys.h"

struct jar_cookie {
    uint64_t id;                 /* name, domain and path */
    uint64_t class;              /* the key's */
    uint64_t hash;               /* of the value; 0: deleted */
    uint64_t target, user_agent; /* of the request that was handed the first value */
    int64_t first_until_us;      /* when that answer was over */
    int64_t expires_us;          /* INT64_MAX: with the session */
    bool is_secure;
    bool was_sent; /* the client has shown that it keeps it */
};

struct session_jar {
    struct jar_cookie *cookies;
    size_t count;
};

struct jar_exchange {
    struct bytes request_headers;
    struct bytes target;
    struct bytes response_headers;
    int64_t first_us;
    int64_t last_us;
};

enum { JAR_MAX_GIFTS = 8 };

/* One Set-Cookie. */
struct jar_gift {
    uint64_t id, class, hash; /* as in jar_cookie */
    int64_t expires_us;
    bool is_deletion;
    bool is_secure;
    bool is_for_target; /* had the client had the cookie, the request would have carried it */
    bool was_sent;      /* under the name: it carried some value */
};

/* What an answer puts into the client's jar, and what else of the exchange speaks for or against
 * its being another's. */
struct jar_gifts {
    size_t count;
    struct jar_gift items[JAR_MAX_GIFTS];
    uint64_t target, user_agent;
    int64_t first_us;
    int64_t last_us;
    bool is_from_another_site;
    bool is_over_tls; /* in front of a proxy */
};

enum jar_owner {
    JAR_SAYS_NOTHING,
    JAR_IS_UNSURE, /* another value, and one client may have come by it */
    JAR_IS_ANOTHERS
};

void session_jar_read(struct jar_gifts *gifts, const struct jar_exchange *exchange);

/* Whose jar did the exchange come from, as far as this one tells? is_same_connection: as the
 * session's last exchange, and no proxy's. */
enum jar_owner session_jar_owner(const struct session_jar *jar, const struct jar_gifts *gifts,
                                 bool is_same_connection);

/* Without memory the jar stays as it is. */
void session_jar_add(struct session_jar *jar, const struct jar_gifts *gifts);

/* The client sent these. */
void session_jar_note_sent(struct session_jar *jar, const struct session_keys *keys);

void session_jar_fini(struct session_jar *jar);

#endif

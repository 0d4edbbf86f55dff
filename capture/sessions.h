/*
 * sessions.h - exchanges to users: which visit an exchange belongs to.
 *
 * A session holds a set of keys (session_keys.h) and learns more: what an answer hands out is its
 * own, so that signup, login, token and the token that replaces it are one user, even when many
 * share one address. In order:
 *
 *  1. a key that a live session holds: that session;
 *  2. a key nobody holds: the session of this connection or the one of this address,
 *     unless it holds another key of the same class (then it is another user's): it takes the key;
 *  3. no key, but a body with a token or login name that a live session holds: that session;
 *  4. no key: the connection's session; else the one of this address; unless it holds another
 *     login name, or its token and this answer hands out another, or the answer shows that the
 *     client's cookie jar is another one (session_jar.h);
 *  5. else a new session.
 *
 * "The one of this address" is the only session there or, of several, one without keys. What a
 * proxy says that it asks for is the address, and then a connection's session counts at that
 * address only.
 *
 * An API key, and Basic credentials, are a user's own until somebody sends or is given a token or a
 * cookie of another user beside them: from then on they are the application's, and say nothing.
 *
 * A session that was idle for longer than the gap has ended, and its keys begin a new one.
 */
#ifndef REPRISE_CAPTURE_SESSIONS_H
#define REPRISE_CAPTURE_SESSIONS_H

#include "capture/session_keys.h"

struct session_options {
    const char *header; /* --session-header, or NULL; borrowed */
    int64_t idle_gap_us;
    size_t max_sessions; /* live ones; over it the one idle for longest ends */
};

/* What is told of an exchange. */
struct session_sighting {
    struct bytes address; /* the client's, without port */
    struct bytes request_headers;
    struct bytes target;
    struct bytes response_headers;
    struct bytes response_body;       /* when at hand */
    const struct session_hint *hints; /* of the request's body; ends with hash 0, or NULL */
    int64_t connection_session_id;    /* of the exchange before it on the connection, or 0 */
    int64_t first_us;
    int64_t last_us;
    uint32_t flaws;
};

struct sessions;

/* on_row: a session as it is now; called for a new one before sessions_add_exchange() gives out its
 * id, by sessions_flush(), and when one ends. */
struct sessions *sessions_new(const struct session_options *options,
                              void (*on_row)(void *owner, const struct trace_session *row),
                              void *owner);
void sessions_free(struct sessions *sessions);

/* The session's id; 0 without memory. */
int64_t sessions_add_exchange(struct sessions *sessions, const struct session_sighting *sighting);
void sessions_add_message(struct sessions *sessions, int64_t session_id, int64_t at_us,
                          uint32_t flaws);

/* Rows of all that changed. */
void sessions_flush(struct sessions *sessions);
uint64_t sessions_count(const struct sessions *sessions); /* made so far */
/* Of them, those that several users share as far as their cookies tell; their labels say so. */
uint64_t sessions_mixed_count(const struct sessions *sessions);

#endif

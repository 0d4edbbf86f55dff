/*
 * session_keys.h - what in an exchange tells one user from another: session cookies, tokens, a
 * header that the user names.
 *
 * A key is a hash under a key of this process: the values themselves are kept nowhere.
 */
#ifndef REPRISE_CAPTURE_SESSION_KEYS_H
#define REPRISE_CAPTURE_SESSION_KEYS_H

#include "core/bytes.h"
#include "traces/trace.h"

struct session_key {
    uint64_t hash;  /* of the value, and of the name too when the value is short */
    uint64_t class; /* keys of one class, two values: two users */
    enum trace_identity_kind kind;
    bool is_weak;       /* its name says nothing: it counts only where an answer handed it out */
    struct bytes name;  /* of the cookie or header; empty for a token */
    struct bytes value; /* borrowed, for the identity's text */
};

/* A key without its value: for a request's body, which is stored before its answer is here. */
struct session_hint {
    uint64_t hash; /* 0: none */
    uint64_t class;
};

#define SESSION_MAX_KEYS 16
/* No kind has these numbers, and no hash is this small. */
#define SESSION_CLASS_LOGIN 100
#define SESSION_CLASS_API_KEY                                                                      \
    101 /* beside a token: who has one may have made the other with it                             \
         */

struct session_keys {
    size_t count; /* strongest first */
    struct session_key items[SESSION_MAX_KEYS];
};

/* Of a request: header lines as stored ("Name: value\n"), the target's query. session_header: the
 * name given with --session-header, or NULL. */
void session_keys_of_request(struct session_keys *keys, struct bytes headers, struct bytes target,
                             const char *session_header);

/* What an answer hands out: Set-Cookie, tokens in a JSON body. */
void session_keys_of_response(struct session_keys *keys, struct bytes headers, struct bytes body);

/* Of a request's JSON or form body: tokens, and the name a user signs up and logs in with, which is
 * of the class SESSION_CLASS_LOGIN. */
void session_keys_of_body(struct session_keys *keys, struct bytes body);

/* The first header of that name in header lines as stored. */
struct bytes session_header_of(struct bytes headers, const char *name);

#endif

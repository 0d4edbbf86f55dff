/*
 * session_keys.h - what in an exchange tells one user from another: session cookies, tokens, a
 * header that the user names.
 *
 * A key is a hash under a key of this process: the values themselves are kept nowhere.
 */
#ifndef REPRISE_CAPTURE_SESSION_KEYS_H
#define REPRISE_CAPTURE_SESSION_KEYS_H

#include "core/bytes.h"
#include "traces/content_coding.h"
#include "traces/trace.h"

struct session_key {
    uint64_t hash;  /* of the value, and of the name too when the value is short */
    uint64_t class; /* keys of one class, two values: two users */
    enum trace_identity_kind kind;
    bool is_weak;      /* name or value say nothing: it counts only where an answer handed it out */
    struct bytes name; /* of the cookie or header; empty for a token */
    struct bytes value; /* borrowed, for the identity's text */
};

/* A key without its value: for a request's body, which is stored before its answer is here. */
struct session_hint {
    uint64_t hash; /* 0: none */
    uint64_t class;
};

enum {
    SESSION_MAX_KEYS = 16,
    SESSION_MAX_DECODED_BYTES = 2048,
    SESSION_MAX_PLAIN_BYTES = 64 * 1024 /* of an answer, its codings undone */
};

/* Classes beside the kinds; no kind has these numbers, and no hash is this small. */
enum {
    SESSION_CLASS_LOGIN = 100,
    /* An API key, or a program's Basic credentials: one user's own (who has a token may have made
     * it), or the application's, which all its users send beside what is their own. */
    SESSION_CLASS_API_KEY = 101,
    /* One user has several beside a token: the number of a socket or of a talk, a ticket, what the
     * links of an answer carry. */
    SESSION_CLASS_LENT = 102
};

struct session_keys {
    size_t count; /* strongest first, weak ones last */
    struct session_key items[SESSION_MAX_KEYS];
    bool has_set_cookie;  /* of a response */
    size_t decoded_bytes; /* of values that were written with %XX */
    char decoded[SESSION_MAX_DECODED_BYTES];
};

/* Of a request: header lines as stored ("Name: value\n"), the target's query. session_header: the
 * name given with --session-header, or NULL. */
void session_keys_of_request(struct session_keys *keys, struct bytes headers, struct bytes target,
                             const char *session_header);

/* What an answer hands out: Set-Cookie, tokens in a JSON body, in headers, and in the query or the
 * fragment of Location and of a JSON body's links. Weak ones may be the sender's beside others. */
void session_keys_of_response(struct session_keys *keys, struct bytes headers, struct bytes body);

/* The body of a JSON answer without its content codings, good until the next call. As it is where
 * there is none; empty where it cannot be undone or is larger than an answer to a login. */
struct bytes session_plain_body(struct content_decoder *decoder, struct bytes headers,
                                struct bytes body);

/* Of a request's JSON or form body: tokens, and the name a user signs up and logs in with, which is
 * of the class SESSION_CLASS_LOGIN. */
void session_keys_of_body(struct session_keys *keys, struct bytes body);

/* A cookie as a key, strong or weak. */
struct session_key session_cookie_key(struct bytes name, struct bytes value);

/* Is a cookie that an answer hands out (`line`: with its attributes) one user's own? */
bool session_cookie_tells(struct bytes name, struct bytes value, struct bytes line);

/* The next of header lines as stored, taken off. */
bool session_next_header(struct bytes *headers, struct bytes *ret_name, struct bytes *ret_value);

/* The first header of that name in header lines as stored. */
struct bytes session_header_of(struct bytes headers, const char *name);

/* Whom a proxy says that it speaks for (X-Forwarded-For, Forwarded, X-Real-IP: the first address);
 * empty: it says nothing that is an address. */
struct bytes session_forwarded_for(struct bytes headers);

#endif

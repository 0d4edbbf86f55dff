/*
 * recording.h - what the trace says about tokens: which exchanges of each session give one, which
 * carry one, and how a new one is asked for.
 *
 * Fed exchange by exchange before the run, then read-only and shared by all users. A credential is
 * one line of tokens of a session: what a login gave and each refresh replaced. One whose token is
 * carried but was given by no recorded answer is foreign: only signing can renew it.
 */
#ifndef JWT_REFRESH_RECORDING_H
#define JWT_REFRESH_RECORDING_H

#include "answer.h"

enum {
    RECORDING_MAX_CREDENTIALS = 4, /* of a session; more are left as they are */
    RECORDING_MAX_USES = 3,        /* tokens in one request */
    RECORDING_MAX_TOKENS = 64,     /* of a session that are looked for; then the oldest is not */
    RECORDING_MAX_TEMPLATES = 16,
    RECORDING_MAX_COOKIES = 3,                 /* that carry one credential */
    RECORDING_MAX_SEARCHED_BYTES = 256 * 1024, /* of a request or a message, for tokens */
    RECORDING_MAX_KEPT_BYTES = 64 * 1024       /* of an answer that may have to be given again */
};

#define RECORDING_NO_STEP UINT32_MAX

/* What to look for when names do not say it; all may be NULL. */
struct recording_hints {
    const char *login, *refresh; /* "POST:/path" */
    struct answer_hints answer;
    const char *token_name; /* the header, cookie or query parameter that carries the token */
    bool signs; /* answers of logins are given again, too, and cookies may be foreign tokens */
};

enum use_in {
    USE_IN_HEADER,
    USE_IN_COOKIE,
    USE_IN_QUERY,
    USE_IN_BODY,
    USE_IN_MESSAGE /* of the WebSocket that the request opens; struct message_token has which */
};

/* One token in one recorded request. */
struct token_use {
    uint32_t credential;
    enum use_in in;
    char *name;     /* header, cookie, parameter; else empty */
    char *prefix;   /* what stands before it in a header: "Bearer " */
    char *suffix;   /* and behind it */
    char *recorded; /* the token itself */
};

/* What a session does about tokens in one step. */
enum step_role { ROLE_LOGIN = 1, ROLE_REFRESH = 2, ROLE_LOGOUT = 4 };

struct step_note {
    uint32_t step;
    uint32_t roles;
    uint32_t credential; /* of the roles */
    uint32_t use_count;
    struct token_use uses[RECORDING_MAX_USES];
    /* Of a login and a refresh. */
    char *access, *refresh; /* given by the recorded answer; NULL: none */
    char *spent;            /* the refresh token in the request */
    /* The recorded answer; status 0: it was not kept. */
    uint32_t status;
    reprise_header *headers;
    size_t header_count;
    reprise_bytes body;
};

/* A refresh as one session made it, for sessions that made none. */
struct refresh_template {
    char *login; /* "POST /path" of the login that gave what it spends */
    char *method, *url;
    reprise_header *headers;
    size_t header_count;
    reprise_bytes body;
    char *spent, *access; /* in it; access may be NULL */
};

/* A token that the client sent over a WebSocket. */
struct message_token {
    uint32_t step; /* that opened it */
    uint32_t credential;
    char *recorded;
};

/* A cookie that carries a credential. Of a token_use. */
struct token_cookie {
    const char *name, *prefix, *suffix;
};

struct credential_note {
    struct answer_places places;
    uint32_t login_step;   /* the first; RECORDING_NO_STEP: foreign */
    uint32_t refresh_step; /* the first of this session */
    char *login;           /* "POST /path" */
    char *first;           /* the first token, for its claims */
    bool is_cookie;        /* kept by the jar, renewed by login alone unless it is a JWT */
    bool has_refresh;      /* a refresh token came with it */
    uint32_t use_count;
    struct token_cookie cookies[RECORDING_MAX_COOKIES];
    uint32_t cookie_count;
};

struct session_note {
    uint64_t session_id;
    struct credential_note credentials[RECORDING_MAX_CREDENTIALS];
    uint32_t credential_count;
    struct step_note *steps;
    uint32_t step_count, step_capacity;
    struct message_token *messages;
    uint32_t message_count, message_capacity;
};

struct recording;

struct recording *recording_new(const struct recording_hints *hints);
void recording_free(struct recording *recording);

/* The next exchange. Steps that have a note are told to `noted`, more than once perhaps; a step's
 * mark is its place in steps, from 1. -1: no memory. */
typedef void (*recording_noted_fn)(void *owner, uint32_t step, uint32_t mark);
int recording_add(struct recording *recording, uint64_t session_id,
                  const reprise_recorded *recorded, recording_noted_fn noted, void *owner);

/* NULL when there is nothing about tokens in it. */
const struct session_note *recording_find(const struct recording *recording, uint64_t session_id);
const struct step_note *session_step(const struct session_note *session, uint32_t mark);
/* The latest note of that step, or NULL. */
const struct step_note *session_step_at(const struct session_note *session, uint32_t step);
const struct refresh_template *recording_template(const struct recording *recording,
                                                  const char *login);

/* How often the trace had what the user named. */
struct hint_hits {
    uint64_t login, refresh;                 /* exchanges */
    uint64_t access, refresh_token, expires; /* places in answers of logins and refreshes */
};
const struct hint_hits *recording_hits(const struct recording *recording);

struct recording_summary {
    uint64_t sessions;                   /* in the trace */
    uint64_t logins, refreshes, foreign; /* sessions that have one */
    char login[96], refresh[96];         /* of the first: "POST /path" */
};
void recording_sum_up(const struct recording *recording, struct recording_summary *ret_summary);

#endif

/* tokens.h - access tokens (JWT, HS256), rotating refresh tokens, admin tokens and API keys.
 *
 * An access token carries sub (account), sid (login), jti, iat and exp. It is good until `exp`,
 * which is rounded up: a life of 5 s is never shorter than the expires_in that was promised, and
 * at most 1 s longer. A refresh token is good once; showing it a second time revokes the login and
 * everything that came of it (RFC 6819, 5.2.2.3). */
#ifndef VOICELAB_TOKENS_H
#define VOICELAB_TOKENS_H

#include <jansson.h>

#include "tests/voicelab/options.h"
#include "tests/voicelab/secret.h"

struct tokens;
struct store;

enum token_state {
    TOKEN_GOOD,
    TOKEN_MISSING,
    TOKEN_INVALID, /* not one of ours, or changed */
    TOKEN_EXPIRED,
    TOKEN_REVOKED, /* its login was ended */
    TOKEN_REUSED,  /* a refresh token shown for the second time */
};

/* Who a request is from. Empty strings: nobody. */
struct identity {
    char account[ID_CAP];
    char login[ID_CAP];
    char session[ID_CAP + 8]; /* the key in sessions.h */
};

/* A random signing key unless the options give one. */
struct tokens *tokens_new(const struct options *options, struct store *store);
void tokens_free(struct tokens *tokens);

const char *tokens_state_name(enum token_state state);

/* The body of a login's answer: access_token, refresh_token, lifetimes. The caller's. */
json_t *tokens_login(struct tokens *tokens, const char *account, struct identity *ret_identity);

/* Trades a refresh token for a new pair. *ret_pair (the caller's) is set only with TOKEN_GOOD. */
enum token_state tokens_refresh(struct tokens *tokens, const char *refresh_token,
                                struct identity *ret_identity, json_t **ret_pair);

void tokens_end_login(struct tokens *tokens, const char *login);

enum token_state tokens_check_access(struct tokens *tokens, const char *jwt,
                                     struct identity *ret_identity);

void tokens_make_admin(struct tokens *tokens, char out[ID_CAP]);
enum token_state tokens_check_admin(struct tokens *tokens, const char *token,
                                    struct identity *ret_identity);

/* `account` NULL: the key of --api-key, owned by an account of its own. */
void tokens_add_api_key(struct tokens *tokens, const char *account, const char *key,
                        char ret_id[ID_CAP]);
enum token_state tokens_check_api_key(struct tokens *tokens, const char *key,
                                      struct identity *ret_identity);

#endif

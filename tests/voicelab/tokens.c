/* tokens.c - access tokens (JWT, HS256), rotating refresh tokens, admin tokens and API keys. */
#include "tests/voicelab/tokens.h"

#include <assert.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/voicelab/clock.h"
#include "tests/voicelab/store.h"

struct tokens {
    const struct options *options;
    struct store *store;
    unsigned char random_key[32];
    const unsigned char *key; /* random_key, or the option's text */
    int key_bytes;
};

struct tokens *tokens_new(const struct options *options, struct store *store)
{
    struct tokens *tokens = calloc(1, sizeof *tokens);
    char id[ID_CAP];

    if (!tokens)
        return NULL;
    tokens->options = options;
    tokens->store = store;
    if (options->secret) {
        tokens->key = (const unsigned char *)options->secret;
        tokens->key_bytes = (int)strlen(options->secret);
    } else {
        secret_bytes(tokens->random_key, sizeof tokens->random_key);
        tokens->key = tokens->random_key;
        tokens->key_bytes = sizeof tokens->random_key;
    }
    if (options->api_key)
        tokens_add_api_key(tokens, NULL, options->api_key, id);
    return tokens;
}

void tokens_free(struct tokens *tokens)
{
    free(tokens);
}

const char *tokens_state_name(enum token_state state)
{
    static const char *const names[] = {
        [TOKEN_GOOD] = "token_good",       [TOKEN_MISSING] = "token_missing",
        [TOKEN_INVALID] = "token_invalid", [TOKEN_EXPIRED] = "token_expired",
        [TOKEN_REVOKED] = "token_revoked", [TOKEN_REUSED] = "token_reused",
    };
    return names[state];
}

static char *make_access(const struct tokens *tokens, const char *account, const char *login)
{
    char token_id[ID_CAP];
    jwt_t *jwt = NULL;
    uint64_t now_us = clock_unix_us();
    uint64_t exp_s = (now_us + tokens->options->access_ttl_us + 999999u) / 1000000u;

    secret_id(token_id, "", 16);
    if (jwt_new(&jwt))
        return NULL;
    jwt_add_grant(jwt, "iss", "voicelab");
    jwt_add_grant(jwt, "sub", account);
    jwt_add_grant(jwt, "sid", login);
    jwt_add_grant(jwt, "jti", token_id);
    jwt_add_grant_int(jwt, "iat", (long)(now_us / 1000000u));
    jwt_add_grant_int(jwt, "exp", (long)exp_s);
    jwt_set_alg(jwt, JWT_ALG_HS256, tokens->key, tokens->key_bytes);
    char *text = jwt_encode_str(jwt);
    jwt_free(jwt);
    return text;
}

static json_t *make_pair(struct tokens *tokens, const struct identity *identity)
{
    const struct options *options = tokens->options;
    char refresh[ID_CAP], hash[SHA256_HEX_CAP];

    secret_id(refresh, "rt_", 40);
    secret_sha256(refresh, strlen(refresh), hash);
    store_run(tokens->store, "INSERT INTO refresh(hash, login, expires_us) VALUES(?, ?, ?)", "ssi",
              hash, identity->login, (int64_t)(clock_unix_us() + options->refresh_ttl_us));
    char *access = make_access(tokens, identity->account, identity->login);
    if (!access)
        return NULL;
    json_t *pair =
        json_pack("{s:s, s:s, s:I, s:s, s:I}", "access_token", access, "token_type", "Bearer",
                  "expires_in", (json_int_t)(options->access_ttl_us / 1000000u), "refresh_token",
                  refresh, "refresh_expires_in", (json_int_t)(options->refresh_ttl_us / 1000000u));
    free(access);
    return pair;
}

static void identify(struct identity *identity, const char *account, const char *login)
{
    snprintf(identity->account, sizeof identity->account, "%s", account);
    snprintf(identity->login, sizeof identity->login, "%s", login);
    snprintf(identity->session, sizeof identity->session, "login:%s", login);
}

json_t *tokens_login(struct tokens *tokens, const char *account, struct identity *ret_identity)
{
    char login[ID_CAP];

    secret_id(login, "lg_", 16);
    store_run(tokens->store, "INSERT INTO login(id, account, created_us) VALUES(?, ?, ?)", "ssi",
              login, account, (int64_t)clock_unix_us());
    identify(ret_identity, account, login);
    return make_pair(tokens, ret_identity);
}

void tokens_end_login(struct tokens *tokens, const char *login)
{
    store_run(tokens->store, "UPDATE login SET revoked = 1 WHERE id = ?", "s", login);
}

static enum token_state use_refresh(struct tokens *tokens, const char *hash, json_t *row)
{
    if (json_integer_value(json_object_get(row, "revoked")))
        return TOKEN_REVOKED;
    /* Asked for before the expiry: an old token shown again is a theft however old it is. */
    if (store_run(tokens->store, "UPDATE refresh SET used = 1 WHERE hash = ? AND used = 0", "s",
                  hash) != 1) {
        tokens_end_login(tokens, json_string_value(json_object_get(row, "login")));
        return TOKEN_REUSED;
    }
    if (json_integer_value(json_object_get(row, "expires_us")) <= (int64_t)clock_unix_us())
        return TOKEN_EXPIRED;
    return TOKEN_GOOD;
}

enum token_state tokens_refresh(struct tokens *tokens, const char *refresh_token,
                                struct identity *ret_identity, json_t **ret_pair)
{
    char hash[SHA256_HEX_CAP];

    secret_sha256(refresh_token, strlen(refresh_token), hash);
    json_t *row = store_row(tokens->store,
                            "SELECT login, account, revoked, expires_us FROM refresh JOIN login"
                            " ON login.id = refresh.login WHERE hash = ?",
                            "s", hash);
    if (!row)
        return TOKEN_INVALID;
    identify(ret_identity, json_string_value(json_object_get(row, "account")),
             json_string_value(json_object_get(row, "login")));
    enum token_state state = use_refresh(tokens, hash, row);
    if (state == TOKEN_GOOD)
        *ret_pair = make_pair(tokens, ret_identity);
    json_decref(row);
    return state;
}

/* The signature is good: are the claims, and does the login still stand? */
static enum token_state check_claims(struct tokens *tokens, jwt_t *jwt,
                                     struct identity *ret_identity)
{
    const char *account = jwt_get_grant(jwt, "sub");
    const char *login = jwt_get_grant(jwt, "sid");
    long exp_s = jwt_get_grant_int(jwt, "exp");

    if (jwt_get_alg(jwt) != JWT_ALG_HS256 || !account || !login || exp_s <= 0)
        return TOKEN_INVALID;
    if (clock_unix_us() >= (uint64_t)exp_s * 1000000u)
        return TOKEN_EXPIRED;
    json_t *row = store_row(tokens->store, "SELECT revoked FROM login WHERE id = ? AND account = ?",
                            "ss", login, account);
    if (!row)
        return TOKEN_INVALID; /* a known key, but another instance's accounts */
    bool is_revoked = json_integer_value(json_object_get(row, "revoked"));
    json_decref(row);
    if (is_revoked)
        return TOKEN_REVOKED;
    identify(ret_identity, account, login);
    return TOKEN_GOOD;
}

enum token_state tokens_check_access(struct tokens *tokens, const char *text,
                                     struct identity *ret_identity)
{
    jwt_t *jwt = NULL;

    if (jwt_decode(&jwt, text, tokens->key, tokens->key_bytes))
        return TOKEN_INVALID;
    enum token_state state = check_claims(tokens, jwt, ret_identity);
    jwt_free(jwt);
    return state;
}

void tokens_make_admin(struct tokens *tokens, char out[ID_CAP])
{
    char hash[SHA256_HEX_CAP];

    secret_id(out, "adm_", 32);
    secret_sha256(out, strlen(out), hash);
    store_run(tokens->store, "INSERT INTO admin_token(hash, expires_us) VALUES(?, ?)", "si", hash,
              (int64_t)(clock_unix_us() + tokens->options->admin_ttl_us));
}

enum token_state tokens_check_admin(struct tokens *tokens, const char *token,
                                    struct identity *ret_identity)
{
    char hash[SHA256_HEX_CAP];

    secret_sha256(token, strlen(token), hash);
    json_t *row =
        store_row(tokens->store, "SELECT expires_us FROM admin_token WHERE hash = ?", "s", hash);
    if (!row)
        return TOKEN_INVALID;
    int64_t expires_us = json_integer_value(json_object_get(row, "expires_us"));
    json_decref(row);
    if (expires_us <= (int64_t)clock_unix_us())
        return TOKEN_EXPIRED;
    snprintf(ret_identity->session, sizeof ret_identity->session, "admin:%.16s", hash);
    return TOKEN_GOOD;
}

void tokens_add_api_key(struct tokens *tokens, const char *account, const char *key,
                        char ret_id[ID_CAP])
{
    char hash[SHA256_HEX_CAP];

    secret_id(ret_id, "key_", 12);
    secret_sha256(key, strlen(key), hash);
    store_run(tokens->store,
              "INSERT OR IGNORE INTO api_key(hash, id, account, created_us) VALUES(?, ?, ?, ?)",
              "sssi", hash, ret_id, account ? account : ret_id, (int64_t)clock_unix_us());
}

enum token_state tokens_check_api_key(struct tokens *tokens, const char *key,
                                      struct identity *ret_identity)
{
    char hash[SHA256_HEX_CAP];

    secret_sha256(key, strlen(key), hash);
    json_t *row =
        store_row(tokens->store, "SELECT id, account FROM api_key WHERE hash = ?", "s", hash);
    if (!row)
        return TOKEN_INVALID;
    snprintf(ret_identity->account, sizeof ret_identity->account, "%s",
             json_string_value(json_object_get(row, "account")));
    snprintf(ret_identity->session, sizeof ret_identity->session, "key:%s",
             json_string_value(json_object_get(row, "id")));
    json_decref(row);
    return TOKEN_GOOD;
}

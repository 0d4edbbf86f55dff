/* accounts.c - signing up, logging in, staying logged in, and API keys. */
#include <ctype.h>
#include <openssl/crypto.h>
#include <string.h>

#include "tests/voicelab/app.h"
#include "tests/voicelab/clock.h"
#include "tests/voicelab/gate.h"
#include "tests/voicelab/handlers.h"
#include "tests/voicelab/metrics.h"
#include "tests/voicelab/options.h"
#include "tests/voicelab/request.h"
#include "tests/voicelab/store.h"

#define EMAIL_MAX 200

/* Enough of an address to catch a client that fills in the wrong field. */
static bool is_email(const char *text)
{
    const char *at = strchr(text, '@');

    return at && at != text && strchr(at + 1, '.') && !strpbrk(text, " \t\r\n,;<>");
}

static void lower(char *out, size_t capacity, const char *text)
{
    size_t i = 0;

    for (; text[i] && i + 1 < capacity; i++)
        out[i] = (char)tolower((unsigned char)text[i]);
    out[i] = '\0';
}

static void signup(struct request *rq, const char *given_email, const char *password,
                   const char *name)
{
    char id[ID_CAP], salt[ID_CAP], hash[SHA256_HEX_CAP], email[EMAIL_MAX + 1];

    if (!is_email(given_email) || strlen(password) < 8) {
        reply_error(rq, 422, "bad_field",
                    "email must be an address, password have 8 characters or more");
        return;
    }
    lower(email, sizeof email, given_email);
    secret_uuid(id);
    secret_id(salt, "", 16);
    secret_password(password, salt, hash);
    int changed = store_run(rq->app->store,
                            "INSERT INTO account(id, email, name, salt, password, created_us)"
                            " VALUES(?, ?, ?, ?, ?, ?)",
                            "sssssi", id, email, name, salt, hash, (int64_t)rq->arrived_us);
    if (changed == STORE_CONFLICT) {
        reply_error(rq, 409, "email_taken", "there is an account with this email");
        return;
    }
    reply_header(rq, "Location", "/me");
    reply_json(rq, 201, json_pack("{s:s, s:s, s:s}", "id", id, "email", email, "name", name));
}

void accounts_signup(struct request *rq)
{
    gate_limit_signup(rq);
    json_t *object = request_is_answered(rq) ? NULL : request_json(rq);

    if (!object)
        return;
    const char *email = request_text(rq, object, "email", EMAIL_MAX);
    const char *password = email ? request_text(rq, object, "password", 200) : NULL;
    const char *name = password ? request_text(rq, object, "name", 100) : NULL;
    if (name)
        signup(rq, email, password, name);
    json_decref(object);
}

/* The account's row (the caller's) when the password is right. */
static json_t *authenticate(struct request *rq, const char *given_email, const char *password)
{
    char email[EMAIL_MAX + 1], hash[SHA256_HEX_CAP];

    lower(email, sizeof email, given_email);
    json_t *row = store_row(rq->app->store,
                            "SELECT id, email, name, salt, password FROM account WHERE email = ?",
                            "s", email);
    if (!row)
        return NULL;
    secret_password(password, json_string_value(json_object_get(row, "salt")), hash);
    const char *stored = json_string_value(json_object_get(row, "password"));
    if (CRYPTO_memcmp(hash, stored, SHA256_HEX_CAP) == 0)
        return row;
    json_decref(row);
    return NULL;
}

void accounts_login(struct request *rq)
{
    json_t *object = request_json(rq);

    if (!object)
        return;
    const char *email = request_text(rq, object, "email", EMAIL_MAX);
    const char *password = email ? request_text(rq, object, "password", 200) : NULL;
    json_t *row = password ? authenticate(rq, email, password) : NULL;
    if (row) {
        json_t *pair = tokens_login(rq->app->tokens, json_string_value(json_object_get(row, "id")),
                                    &rq->identity);
        json_object_set_new(pair, "user",
                            json_pack("{s:O, s:O, s:O}", "id", json_object_get(row, "id"), "email",
                                      json_object_get(row, "email"), "name",
                                      json_object_get(row, "name")));
        metrics_add(rq->app->metrics, COUNT_LOGINS, 1);
        sessions_reach(rq->app->sessions, rq->identity.session, MILESTONE_LOGIN);
        reply_header(rq, "Cache-Control", "no-store");
        reply_json(rq, 200, pair);
    } else {
        reply_error(rq, 401, "bad_credentials", "email or password is wrong");
    }
    json_decref(row);
    json_decref(object);
}

void accounts_refresh(struct request *rq)
{
    json_t *object = request_json(rq);
    json_t *pair = NULL;

    if (!object)
        return;
    const char *token = request_text(rq, object, "refresh_token", ID_CAP - 1);
    if (token) {
        enum token_state state = tokens_refresh(rq->app->tokens, token, &rq->identity, &pair);
        if (state == TOKEN_GOOD) {
            metrics_add(rq->app->metrics, COUNT_REFRESHES, 1);
            sessions_reach(rq->app->sessions, rq->identity.session, MILESTONE_REFRESH);
            reply_header(rq, "Cache-Control", "no-store");
            reply_json(rq, 200, pair);
        } else {
            metrics_add(rq->app->metrics, COUNT_REJECTED_TOKEN, 1);
            if (state == TOKEN_REUSED)
                metrics_add(rq->app->metrics, COUNT_REFRESH_REUSES, 1);
            reply_error(rq, 401, tokens_state_name(state),
                        "this refresh token is not good (any more)");
        }
    }
    json_decref(object);
}

void accounts_logout(struct request *rq)
{
    tokens_end_login(rq->app->tokens, rq->identity.login);
    reply_empty(rq, 204);
}

void accounts_me(struct request *rq)
{
    json_t *row = store_row(
        rq->app->store,
        "SELECT id, email, name, (SELECT count(*) FROM upload WHERE account = a.id) AS uploads,"
        " (SELECT count(*) FROM conversation WHERE account = a.id) AS conversations"
        " FROM account AS a WHERE id = ?",
        "s", rq->identity.account);

    if (row)
        reply_json(rq, 200, row);
    else
        reply_error(rq, 404, "not_found", "the account is gone");
}

void accounts_make_api_key(struct request *rq)
{
    char key[ID_CAP], id[ID_CAP];

    secret_id(key, "vk_", 36);
    tokens_add_api_key(rq->app->tokens, rq->identity.account, key, id);
    reply_header(rq, "Cache-Control", "no-store");
    reply_json(rq, 201, json_pack("{s:s, s:s}", "id", id, "key", key));
}

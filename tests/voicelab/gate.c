/* gate.c - what every request passes before its handler: route, limits, identity, size. */
#include "tests/voicelab/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/voicelab/app.h"
#include "tests/voicelab/clock.h"
#include "tests/voicelab/limits.h"
#include "tests/voicelab/metrics.h"
#include "tests/voicelab/misbehave.h"
#include "tests/voicelab/options.h"
#include "tests/voicelab/request.h"
#include "tests/voicelab/routes.h"
#include "tests/voicelab/upload.h"

static void limit(struct request *rq, const struct rate *rate, const char *name, const char *key,
                  enum counter refused)
{
    uint64_t wait_us = limits_take(rq->app->limits, rate, name, key, clock_monotonic_us());

    if (wait_us == 0 || request_is_answered(rq))
        return;
    metrics_add(rq->app->metrics, refused, 1);
    reply_header(rq, "Retry-After", "%ju", (uintmax_t)((wait_us + 999999u) / 1000000u));
    reply_header(rq, "X-RateLimit-Limit", "%ju", (uintmax_t)rate->count);
    reply_error(rq, 429, "rate_limited", "the %s limit is %ju per %ju s; try again in %.3f s", name,
                (uintmax_t)rate->count, (uintmax_t)(rate->period_us / 1000000u),
                (double)wait_us / 1e6);
}

void gate_limit_signup(struct request *rq)
{
    limit(rq, &rq->app->options->signup_limit, "signup", rq->address, COUNT_REJECTED_SIGNUP);
}

const char *gate_bearer(const struct request *rq)
{
    const char *header = request_header(rq, "Authorization");

    if (header && strncasecmp(header, "Bearer ", 7) == 0)
        return header + 7;
    /* Browsers cannot set headers on a WebSocket: there, and only there, the query will do. */
    if (rq->route && strncmp(rq->route->path, "/ws/", 4) == 0)
        return request_query(rq, "token");
    return NULL;
}

static enum token_state identify(struct request *rq)
{
    struct tokens *tokens = rq->app->tokens;
    const char *text;

    switch (rq->route->auth) {
    case AUTH_NONE:
        return TOKEN_GOOD;
    case AUTH_USER:
        text = gate_bearer(rq);
        return text ? tokens_check_access(tokens, text, &rq->identity) : TOKEN_MISSING;
    case AUTH_API_KEY:
        text = request_header(rq, "X-API-Key");
        return text ? tokens_check_api_key(tokens, text, &rq->identity) : TOKEN_MISSING;
    case AUTH_ADMIN:
        text = request_header(rq, "X-Admin-Token");
        if (!text)
            text = request_cookie(rq, "vl_admin");
        return text ? tokens_check_admin(tokens, text, &rq->identity) : TOKEN_MISSING;
    }
    return TOKEN_INVALID;
}

static void check_identity(struct request *rq)
{
    enum token_state state = identify(rq);

    if (state == TOKEN_GOOD) {
        if (rq->identity.account[0])
            limit(rq, &rq->app->options->user_limit, "user", rq->identity.account,
                  COUNT_REJECTED_USER);
        return;
    }
    metrics_add(rq->app->metrics, COUNT_REJECTED_TOKEN, 1);
    if (state == TOKEN_MISSING)
        reply_header(rq, "WWW-Authenticate", "Bearer realm=\"voicelab\"");
    else
        reply_header(rq, "WWW-Authenticate", "Bearer realm=\"voicelab\", error=\"invalid_token\"");
    reply_error(rq, 401, tokens_state_name(state), "this path needs %s",
                rq->route->auth == AUTH_API_KEY ? "a valid X-API-Key header"
                : rq->route->auth == AUTH_ADMIN ? "a valid admin token (POST /admin/login)"
                                                : "a valid access token (POST /auth/login)");
}

static void check_size(struct request *rq)
{
    const char *stated = request_header(rq, "Content-Length");
    uint64_t max_bytes =
        rq->route->body == BODY_MULTIPART ? rq->app->options->max_upload_bytes : JSON_BODY_MAX;

    if (!stated || strtoull(stated, NULL, 10) <= max_bytes || request_is_answered(rq))
        return;
    metrics_add(rq->app->metrics, COUNT_REJECTED_SIZE, 1);
    reply_error(rq, 413, "too_large", "a body here may have %ju bytes", (uintmax_t)max_bytes);
}

static void refuse_unrouted(struct request *rq, const char *allow)
{
    if (*allow) {
        reply_header(rq, "Allow", "%s", allow);
        reply_error(rq, 405, "method_not_allowed", "this path answers %s", allow);
    } else {
        reply_error(rq, 404, "no_such_path", "there is nothing at this path");
    }
}

void gate_enter(struct request *rq, const char *method, const char *path)
{
    char allow[64];

    snprintf(rq->method, sizeof rq->method, "%s", method);
    rq->route = routes_find(method, path, rq->param, &rq->route_index, allow);
    rq->method_slot = strcmp(method, "HEAD") == 0;

    if (!rq->route || !rq->route->is_exempt) {
        limit(rq, &rq->app->options->address_limit, "address", rq->address, COUNT_REJECTED_ADDRESS);
        misbehave_leak(rq->app->misbehaviour);
    }
    if (request_is_answered(rq))
        return;
    if (!rq->route) {
        refuse_unrouted(rq, allow);
        return;
    }
    check_identity(rq);
    check_size(rq);
    if (request_is_answered(rq) || rq->route->is_exempt)
        return;
    if (misbehave_fails(rq->app->misbehaviour)) {
        metrics_add(rq->app->metrics, COUNT_FAILED_ON_PURPOSE, 1);
        reply_error(rq, 500, "failed_on_purpose", "--fail-rate asked for this");
        return;
    }
    if (rq->route->body == BODY_MULTIPART)
        upload_begin(rq);
}

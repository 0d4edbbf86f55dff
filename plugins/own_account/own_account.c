/*
 * own_account.c - gives every replayed user an account and a login of its own.
 *
 *     --plugin own_account
 *     --plugin own_account:carry="access_token refresh_token context_id"
 *
 * Emails in JSON requests become the user's own: ada@shop.org is sent as ada+u17@shop.org, the same
 * at signup and at login. Fields named in `carry` are remembered from JSON answers and put into
 * later JSON requests that have a field of that name; the first of them also goes into the
 * Authorization header where the recording has a Bearer token. What a program would need a JSON
 * library for (escapes, nesting, two fields of one name) is left as it is: this is the plugin to
 * copy and outgrow.
 *
 * Safe to copy: options are only read and all else belongs to one user, so users run in parallel.
 */
#include "reprise_plugin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CARRIED = 4, MAX_NAME_BYTES = 48, MAX_VALUE_BYTES = 2048, MAX_BODY_BYTES = 1 << 20 };

struct plugin_state {
    const char *carry; /* option */
    size_t carried_count;
    char carried[MAX_CARRIED][MAX_NAME_BYTES];
};

struct user {
    char values[MAX_CARRIED][MAX_VALUE_BYTES]; /* empty: none has come yet */
};

enum { EMAILS, CARRIED }; /* places in `metrics` */

static int start(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    const char *at = state->carry;
    while (*at) {
        size_t len = strcspn(at, " ");
        if (len >= MAX_NAME_BYTES || (len && state->carried_count == MAX_CARRIED)) {
            call->host->error(call, "carry: at most %d names of at most %d bytes", MAX_CARRIED,
                              MAX_NAME_BYTES - 1);
            return REPRISE_FAIL;
        }
        if (len)
            memcpy(state->carried[state->carried_count++], at, len);
        at += len + (at[len] == ' ');
    }
    return REPRISE_CONTINUE;
}

/* The string value of the first field of that name, without its quotes; ptr NULL when there is
 * none. */
static reprise_bytes find_field(reprise_bytes body, const char *name)
{
    reprise_bytes none = {NULL, 0};
    char quoted[MAX_NAME_BYTES + 2];
    int quoted_len = snprintf(quoted, sizeof quoted, "\"%s\"", name);
    const char *at = body.ptr ? memmem(body.ptr, body.len, quoted, (size_t)quoted_len) : NULL;
    if (!at)
        return none;
    const char *end = body.ptr + body.len;
    for (at += quoted_len; at < end && (*at == ' ' || *at == ':'); at++)
        continue;
    if (at == end || *at != '"')
        return none;
    const char *close = memchr(at + 1, '"', (size_t)(end - at - 1));
    reprise_bytes value = {at + 1, close ? (size_t)(close - at - 1) : 0};
    return close && !memchr(value.ptr, '\\', value.len) ? value : none;
}

/* `len` bytes at `at`, inside the body, make room for `text`. -1: no memory, or the host refused.
 */
static int set_field(const reprise_call *call, reprise_request *request, const char *at, size_t len,
                     const char *text)
{
    size_t before = (size_t)(at - request->body.ptr), text_len = strlen(text);
    size_t behind = request->body.len - before - len;
    char *body = malloc(before + text_len + behind + 1);
    if (!body)
        return -1;
    memcpy(body, request->body.ptr, before);
    memcpy(body + before, text, text_len);
    memcpy(body + before + text_len, at + len, behind);
    int result = call->host->set_body(call, request, body, before + text_len + behind);
    free(body);
    return result;
}

static int own_email(const reprise_call *call, reprise_request *request)
{
    char tag[32];
    reprise_bytes email = find_field(request->body, "email");
    const char *at = email.ptr ? memchr(email.ptr, '@', email.len) : NULL;
    if (!at)
        return 0;
    snprintf(tag, sizeof tag, "+u%" PRIu64, call->user_index);
    call->host->record(call, EMAILS, 1);
    return set_field(call, request, at, 0, tag);
}

static int on_request(const reprise_call *call, reprise_request *request)
{
    const struct plugin_state *state = call->plugin;
    const struct user *user = call->user;
    char bearer[MAX_VALUE_BYTES + 8];
    if (request->body.len > MAX_BODY_BYTES)
        return REPRISE_CONTINUE;
    if (own_email(call, request))
        return REPRISE_FAIL;
    for (size_t i = 0; i < state->carried_count; i++) {
        reprise_bytes field = find_field(request->body, state->carried[i]);
        if (!field.ptr || !user->values[i][0])
            continue;
        if (set_field(call, request, field.ptr, field.len, user->values[i]))
            return REPRISE_FAIL;
        call->host->record(call, CARRIED, 1);
    }
    reprise_bytes recorded = call->host->request_header(call, request, "Authorization");
    if (!state->carried_count || !user->values[0][0] || !recorded.ptr ||
        strncmp(recorded.ptr, "Bearer ", 7) != 0)
        return REPRISE_CONTINUE;
    snprintf(bearer, sizeof bearer, "Bearer %s", user->values[0]);
    if (call->host->set_header(call, request, "Authorization", bearer))
        return REPRISE_FAIL;
    call->host->record(call, CARRIED, 1);
    return REPRISE_CONTINUE;
}

static int on_response(const reprise_call *call, const reprise_response *response)
{
    const struct plugin_state *state = call->plugin;
    struct user *user = call->user;
    for (size_t i = 0; i < state->carried_count; i++) {
        reprise_bytes value = find_field(response->body, state->carried[i]);
        if (!value.ptr || value.len >= MAX_VALUE_BYTES)
            continue;
        memcpy(user->values[i], value.ptr, value.len);
        user->values[i][value.len] = '\0';
    }
    return REPRISE_CONTINUE;
}

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, struct plugin_state, carry, "access_token refresh_token",
                   "JSON fields to carry from answers to requests; the first is the Bearer token"),
    REPRISE_OPTIONS_END,
};

static const reprise_metric metrics[] = {
    [EMAILS] = {"own_account_emails", "", "emails made the user's own", REPRISE_COUNTER, 0},
    [CARRIED] = {"own_account_carried", "", "values carried into requests", REPRISE_COUNTER, 0},
    REPRISE_METRICS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
    .name = "own_account",
    .version = "1.0",
    .summary = "gives every replayed user an account and a login of its own",
    .flags = REPRISE_WANT_BODY,
    .threads = REPRISE_PARALLEL,
    .plugin_size = sizeof(struct plugin_state),
    .user_size = sizeof(struct user),
    .options = options,
    .metrics = metrics,
    .start = start,
    .on_request = on_request,
    .on_response = on_response,
};

REPRISE_REGISTER(plugin);

/*
 * everything.c - a login in front of what needs one: adds, holds, retries, delays, rewrites, skips,
 * talks on WebSockets and records. The tests' largest plugin; what real ones do, in small.
 */
#include "reprise_plugin.h"

#include <stdio.h>
#include <string.h>

enum { LOGIN = 1 };
enum { LOGINS, LOGIN_US };

struct options {
    const char *login_path;
    uint64_t backoff;
    uint32_t announce;
    uint32_t logins_seen; /* of all users: the plugin is serial, so nothing guards it */
};

struct user {
    char authorization[256];
    uint32_t is_logging_in;
};

static int log_in(const reprise_call *call, struct user *user)
{
    const struct options *options = call->plugin;
    reprise_request *login = call->host->new_request(call, NULL, LOGIN);
    if (!login || call->host->set_method(call, login, "POST") ||
        call->host->set_url(call, login, options->login_path) ||
        call->host->set_header(call, login, "Content-Type", "application/json") ||
        call->host->set_body(call, login, "{\"user\":1}", 10) || call->host->send(call, login))
        return -1;
    user->is_logging_in = 1;
    return 0;
}

static int on_request(const reprise_call *call, reprise_request *request)
{
    struct user *user = call->user;
    if (request->tag == LOGIN)
        return REPRISE_CONTINUE;
    if (strstr(request->url.ptr, "/login"))
        return REPRISE_SKIP; /* the recorded one: this plugin does it */
    if (user->authorization[0])
        return call->host->set_header(call, request, "Authorization", user->authorization)
                   ? REPRISE_FAIL
                   : REPRISE_CONTINUE;
    if (!user->is_logging_in && log_in(call, user))
        return REPRISE_FAIL;
    return REPRISE_HOLD;
}

static int keep_token(const reprise_call *call, const reprise_response *response)
{
    struct options *options = call->plugin;
    struct user *user = call->user;
    reprise_bytes token = call->host->response_header(call, response, "X-Token");
    user->is_logging_in = 0;
    options->logins_seen++;
    call->host->record(call, LOGINS, 1);
    call->host->record(call, LOGIN_US, response->total_us);
    if (!token.ptr || token.len > sizeof user->authorization - 8) {
        call->host->error(call, "login answered %u without a usable X-Token", response->status);
        return REPRISE_FAIL;
    }
    snprintf(user->authorization, sizeof user->authorization, "Bearer %s", token.ptr);
    return REPRISE_CONTINUE;
}

static int on_response(const reprise_call *call, const reprise_response *response)
{
    const struct options *options = call->plugin;
    struct user *user = call->user;
    if (response->request->tag == LOGIN)
        return keep_token(call, response);
    if (response->status == 401) {
        user->authorization[0] = '\0';
        return log_in(call, user) ? REPRISE_FAIL : REPRISE_RETRY;
    }
    if (response->status == 503) {
        call->host->delay_us(call, options->backoff);
        return REPRISE_RETRY;
    }
    return REPRISE_CONTINUE;
}

static int on_ws_message(const reprise_call *call, const reprise_ws_message *message)
{
    const struct options *options = call->plugin;
    const struct user *user = call->user;
    if (!message->is_outgoing) {
        if (strcmp(message->data.ptr, "ping") == 0)
            return call->host->ws_send(call, "pong", 4, 1) ? REPRISE_FAIL : REPRISE_SKIP;
        return REPRISE_CONTINUE;
    }
    if (message->index == 0 && message->is_text) {
        if (call->host->ws_replace(call, user->authorization, strlen(user->authorization)))
            return REPRISE_FAIL;
        if (options->announce && call->host->ws_send(call, "ready", 5, 1))
            return REPRISE_FAIL;
    }
    return REPRISE_CONTINUE;
}

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, struct options, login_path, "/login", "what answers X-Token"),
    REPRISE_OPTION(REPRISE_DURATION, struct options, backoff, "250ms", "wait after a 503"),
    REPRISE_OPTION(REPRISE_SWITCH, struct options, announce, "off", "say so on WebSockets"),
    REPRISE_OPTIONS_END,
};

static const reprise_metric metrics[] = {
    [LOGINS] = {"logins", "", "logins answered", REPRISE_COUNTER, 0},
    [LOGIN_US] = {"login_duration", "us", "due to last byte", REPRISE_HISTOGRAM, 0},
    REPRISE_METRICS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
    .name = "everything",
    .version = "1.0",
    .summary = "logs in, holds, retries, delays and talks on WebSockets",
    .plugin_size = sizeof(struct options),
    .user_size = sizeof(struct user),
    .options = options,
    .metrics = metrics,
    .on_request = on_request,
    .on_response = on_response,
    .on_ws_message = on_ws_message,
};

REPRISE_REGISTER(plugin);

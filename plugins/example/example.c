/*
 * example.c - gives every user's requests a header of its own, and counts them.
 *
 *     --plugin example                       X-User: user-0, user-1, ...
 *     --plugin example:header=X-Tester,name=load
 *
 * Safe to copy: everything that is written belongs to one user, so users may run in parallel.
 */
#include "reprise_plugin.h"

#include <inttypes.h>
#include <stdio.h>

struct options {
    const char *header;
    const char *name;
};

struct user {
    char value[128];
};

enum { MARKED_REQUESTS }; /* places in `metrics` */

static int on_session_start(const reprise_call *call)
{
    const struct options *options = call->plugin;
    struct user *user = call->user;
    int len =
        snprintf(user->value, sizeof user->value, "%s-%" PRIu64, options->name, call->user_index);
    if (len < 0 || (size_t)len >= sizeof user->value) {
        call->host->error(call, "name=%.20s... is too long", options->name);
        return REPRISE_FAIL;
    }
    return REPRISE_CONTINUE;
}

static int on_request(const reprise_call *call, reprise_request *request)
{
    const struct options *options = call->plugin;
    const struct user *user = call->user;
    if (call->host->set_header(call, request, options->header, user->value))
        return REPRISE_FAIL;
    call->host->record(call, MARKED_REQUESTS, 1);
    return REPRISE_CONTINUE;
}

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, struct options, header, "X-User", "the header to set"),
    REPRISE_OPTION(REPRISE_STRING, struct options, name, "user", "what its value starts with"),
    REPRISE_OPTIONS_END,
};

static const reprise_metric metrics[] = {
    [MARKED_REQUESTS] = {"example_requests", "", "requests that got the header", REPRISE_COUNTER,
                         0},
    REPRISE_METRICS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
    .name = "example",
    .version = "1.0",
    .summary = "gives every user's requests a header of its own",
    .threads = REPRISE_PARALLEL,
    .plugin_size = sizeof(struct options),
    .user_size = sizeof(struct user),
    .options = options,
    .metrics = metrics,
    .on_session_start = on_session_start,
    .on_request = on_request,
};

REPRISE_REGISTER(plugin);

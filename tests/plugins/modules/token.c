/* token.c - gives every request the token it is told to: the smallest plugin that keeps a replayed
 * user alive. */
#include "reprise_plugin.h"

#include <stdio.h>

struct options {
    const char *token;
};

static int on_request(const reprise_call *call, reprise_request *request)
{
    const struct options *options = call->plugin;
    char value[4096];
    int len = snprintf(value, sizeof value, "Bearer %s", options->token);
    if (len < 0 || (size_t)len >= sizeof value ||
        call->host->set_header(call, request, "Authorization", value))
        return REPRISE_FAIL;
    return REPRISE_CONTINUE;
}

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, struct options, token, NULL, "what follows Bearer"),
    REPRISE_OPTIONS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,       .name = "token",
    .threads = REPRISE_PARALLEL, .plugin_size = sizeof(struct options),
    .options = options,          .on_request = on_request,
};

REPRISE_REGISTER(plugin);

/* misbehaves.c - does while a run goes on what no plugin should: stands still, answers nonsense. */
#include "reprise_plugin.h"

#include <poll.h>

struct options {
    uint64_t stall;
    uint64_t verdict;
};

static int on_request(const reprise_call *call, reprise_request *request)
{
    const struct options *options = call->plugin;
    (void)request;
    if (options->stall)
        poll(NULL, 0, (int)(options->stall / 1000));
    return (int)options->verdict;
}

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_DURATION, struct options, stall, "0ms", "keep the event loop this long"),
    REPRISE_OPTION(REPRISE_NUMBER, struct options, verdict, "0", "what on_request answers"),
    REPRISE_OPTIONS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER, .name = "misbehaves",     .plugin_size = sizeof(struct options),
    .options = options,    .on_request = on_request,
};

REPRISE_REGISTER(plugin);

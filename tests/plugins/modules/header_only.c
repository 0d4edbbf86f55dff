/* header_only.c - includes the interface alone and uses each of its macros; compiled as every C and
 * C++ a plugin may be written in. */
#include "reprise_plugin.h"

struct settings {
    const char *text;
    uint64_t count;
    double share;
    uint32_t is_on;
};

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, struct settings, text, NULL, "some text"),
    REPRISE_OPTION(REPRISE_NUMBER, struct settings, count, "1", "a number"),
    REPRISE_OPTION(REPRISE_REAL, struct settings, share, "0.5", "a real number"),
    REPRISE_OPTION(REPRISE_SWITCH, struct settings, is_on, "off", "a switch"),
    REPRISE_OPTIONS_END,
};

static const reprise_metric metrics[] = {
    {"things", "", "things seen", REPRISE_COUNTER, 0},
    REPRISE_METRICS_END,
};

static int on_request(const reprise_call *call, reprise_request *request)
{
    reprise_bytes value = call->host->request_header(call, request, "Accept");
    call->host->log(call, REPRISE_DEBUG, "%zu bytes", value.len);
    call->host->record(call, 0, 1);
    return REPRISE_CONTINUE;
}

#if defined(__cplusplus) && __cplusplus < 202002L
static reprise_plugin fill()
{
    reprise_plugin filled = reprise_plugin_make("header_only");
    filled.plugin_size = sizeof(settings);
    filled.options = options;
    filled.metrics = metrics;
    filled.on_request = on_request;
    return filled;
}
static const reprise_plugin plugin = fill();
#else
#ifdef __cplusplus
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER, .name = "header_only", .plugin_size = sizeof(struct settings),
    .options = options,    .metrics = metrics,    .on_request = on_request,
};
#endif

REPRISE_REGISTER(plugin);

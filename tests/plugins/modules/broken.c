/* broken.c - plugins that must not load, one for each BROKEN_... it is compiled with. */
#include "reprise_plugin.h"

struct options {
    uint32_t narrow;
    uint64_t wide;
};

static int start(const reprise_call *call)
{
#if defined(BROKEN_START)
    call->host->error(call, "the weights add up to 90%%, not 100%%");
    return REPRISE_FAIL;
#elif defined(BROKEN_START_VERDICT)
    (void)call;
    return REPRISE_SKIP;
#else
    (void)call;
    return REPRISE_CONTINUE;
#endif
}

static const reprise_option options[] = {
#if defined(BROKEN_OPTION_FIELD)
    REPRISE_OPTION(REPRISE_DURATION, struct options, narrow, "1s", "a field too small"),
#elif defined(BROKEN_OPTION_OUTSIDE)
    {"wide", "1", "behind the end", REPRISE_NUMBER, 4096, 8, 0},
#elif defined(BROKEN_OPTION_FALLBACK)
    REPRISE_OPTION(REPRISE_DURATION, struct options, wide, "soon", "no duration"),
#elif defined(BROKEN_OPTION_TYPE)
    {"wide", "1", "of no type", 77, 8, 8, 0},
#else
    REPRISE_OPTION(REPRISE_NUMBER, struct options, wide, "1", "a number"),
#endif
    REPRISE_OPTIONS_END,
};

static const reprise_metric metrics[] = {
#if defined(BROKEN_METRIC)
    {"Not A Name", "", "", REPRISE_COUNTER, 0},
#endif
    REPRISE_METRICS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
#if !defined(BROKEN_NAME)
    .name = "broken",
#endif
#if defined(BROKEN_THREADS)
    .threads = 9,
#endif
    .plugin_size = sizeof(struct options),
    .options = options,
    .metrics = metrics,
    .start = start,
};

#if defined(BROKEN_ENTRY)
REPRISE_EXPORT const reprise_plugin *another_name(void);
const reprise_plugin *another_name(void)
{
    return &plugin;
}
#elif defined(BROKEN_VERSION)
/* What a plugin would say that was built with another header. */
static reprise_plugin changed;

REPRISE_EXPORT const reprise_plugin *reprise_plugin_entry(void);
const reprise_plugin *reprise_plugin_entry(void)
{
    changed = plugin;
    BROKEN_VERSION;
    return &changed;
}
#elif defined(BROKEN_NULL)
REPRISE_EXPORT const reprise_plugin *reprise_plugin_entry(void);
const reprise_plugin *reprise_plugin_entry(void)
{
    (void)plugin;
    return NULL;
}
#else
REPRISE_REGISTER(plugin);
#endif

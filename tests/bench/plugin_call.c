/*
 * plugin_call.c - what asking one plugin costs beyond the plugin's own work: nanoseconds of a call
 * through the chain to a callback that does nothing, or one thing.
 *
 *     plugin_call [CALLS]
 */
#include "tests/bench/call_rig.h"

enum { DEFAULT_CALLS = 1000000 };

static int nothing(const reprise_call *call, reprise_request *request)
{
    (void)call;
    (void)request;
    return REPRISE_CONTINUE;
}

static int record_one(const reprise_call *call, reprise_request *request)
{
    (void)request;
    call->host->record(call, 0, 1);
    return REPRISE_CONTINUE;
}

static int read_header(const reprise_call *call, reprise_request *request)
{
    reprise_bytes accept = call->host->request_header(call, request, "Accept");
    return accept.ptr ? REPRISE_CONTINUE : REPRISE_FAIL;
}

static int set_one(const reprise_call *call, reprise_request *request)
{
    return call->host->set_header(call, request, "X-User", "user-1234") ? REPRISE_FAIL
                                                                        : REPRISE_CONTINUE;
}

static const reprise_metric metrics[] = {{"calls", "", "calls", REPRISE_COUNTER, 0},
                                         REPRISE_METRICS_END};

static void on_record(void *owner, uint32_t metric, bool is_histogram, uint64_t value)
{
    uint64_t *sum = owner;
    (void)metric;
    (void)is_histogram;
    *sum += value;
}

static void measure(const char *name, const reprise_plugin *plugin, uint64_t calls)
{
    struct rig rig = {0};
    struct error err = {.text = ""};
    const struct plugin loaded = {.api = *plugin, .path = strdup("here")};
    uint64_t sum = 0;
    if (chain_reserve(&rig.chain, 1, &err) || chain_adopt(&rig.chain, &loaded, NULL, &err) ||
        rig_start(&rig, on_record, &sum, &err))
        rig_fail(err.text);
    printf("| %s | %.1f |\n", name, rig_best_ns(&rig, calls));
    rig_stop(&rig);
}

#define PLUGIN(...)                                                                                \
    (&(const reprise_plugin){REPRISE_PLUGIN_HEADER, .name = "p", .metrics = metrics, __VA_ARGS__})

int main(int argc, char **argv)
{
    uint64_t calls = argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_CALLS;
    if (!calls)
        calls = DEFAULT_CALLS;
    printf("| on_request | ns a call |\n|---|---|\n");
    measure("there is none", PLUGIN(.threads = REPRISE_PARALLEL), calls);
    measure(
        "of marked steps, and this is none",
        PLUGIN(.threads = REPRISE_PARALLEL, .flags = REPRISE_MARKED_ONLY, .on_request = nothing),
        calls);
    measure("does nothing", PLUGIN(.threads = REPRISE_PARALLEL, .on_request = nothing), calls);
    measure("the same, serial", PLUGIN(.on_request = nothing), calls);
    measure("records a value", PLUGIN(.threads = REPRISE_PARALLEL, .on_request = record_one),
            calls);
    measure("reads a header", PLUGIN(.threads = REPRISE_PARALLEL, .on_request = read_header),
            calls);
    measure("sets a header", PLUGIN(.threads = REPRISE_PARALLEL, .on_request = set_one), calls);
    return 0;
}

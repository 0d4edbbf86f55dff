/*
 * plugin_call.c - what asking one plugin costs beyond the plugin's own work: nanoseconds of a call
 * through the chain to a callback that does nothing, or one thing.
 *
 *     plugin_call [CALLS]
 *
 * Of each case the best of seven rounds: what else runs on the machine only adds to it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "plugins/host.h"

enum { ROUNDS = 7, DEFAULT_CALLS = 1000000 };

struct rig {
    struct plugin_chain chain;
    struct chain_worker *worker;
    struct chain_user *user;
    struct arena arena;
};

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

static void set_up(struct rig *rig, const reprise_plugin *plugin, uint64_t *sum)
{
    struct error err;
    const struct plugin loaded = {.api = *plugin, .path = strdup("here")};
    const struct chain_options options = {.target_url = "http://127.0.0.1:8080"};
    const struct chain_play play = {.session_id = 1, .step_count = 8};
    if (chain_reserve(&rig->chain, 1, &err) || chain_adopt(&rig->chain, &loaded, NULL, &err) ||
        chain_start(&rig->chain, &options, &err)) {
        fprintf(stderr, "plugin_call: %s\n", err.text);
        exit(1);
    }
    rig->worker = chain_worker_new(&rig->chain, on_record, sum);
    rig->user = chain_user_new(rig->worker, &play);
    if (!rig->worker || !rig->user)
        exit(1);
    arena_init(&rig->arena, 1 << 20);
}

static void tear_down(struct rig *rig)
{
    chain_user_free(rig->user);
    chain_worker_free(rig->worker);
    chain_stop(&rig->chain, 0);
    chain_close(&rig->chain);
    arena_fini(&rig->arena);
}

static double round_ns(struct rig *rig, uint64_t calls)
{
    static const struct http_header headers[] = {
        {{"User-Agent", 10}, {"Mozilla/5.0", 11}},
        {{"Accept", 6}, {"text/html", 9}},
    };
    const struct chain_request_info info = {.step = 3};
    uint64_t began_ns = clock_now_ns();
    for (uint64_t i = 0; i < calls; i++) {
        struct http_request request = {
            .method = {"GET", 3},
            .url = {"http://127.0.0.1:8080/shop/items/7", 34},
            .headers = headers,
            .header_count = 2,
            .arena = &rig->arena,
        };
        struct chain_outcome outcome;
        if (!chain_asks(rig->user, CHAIN_REQUEST, info.step, NULL))
            continue;
        chain_request(rig->user, i, &request, &info, &outcome);
        if (outcome.verdict != REPRISE_CONTINUE)
            exit(1);
        arena_reset(&rig->arena);
    }
    return (double)(clock_now_ns() - began_ns) / (double)calls;
}

static void measure(const char *name, const reprise_plugin *plugin, uint64_t calls)
{
    struct rig rig = {0};
    double best = 0;
    uint64_t sum = 0;
    set_up(&rig, plugin, &sum);
    for (int i = 0; i < ROUNDS; i++) {
        double ns = round_ns(&rig, calls);
        best = i == 0 || ns < best ? ns : best;
    }
    tear_down(&rig);
    printf("| %s | %.1f |\n", name, best);
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

/*
 * script_call.c - what a callback costs when it is in Lua: nanoseconds of a call through the chain
 * to a script that does nothing, or one thing.
 *
 *     script_call PLUGIN-FOLDER [CALLS]
 *
 * Of each case the best of seven rounds: what else runs on the machine only adds to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "plugins/host.h"

enum { ROUNDS = 7, DEFAULT_CALLS = 300000 };

struct rig {
    struct plugin_chain chain;
    struct chain_worker *worker;
    struct chain_user *user;
    struct arena arena;
};

static void set_up(struct rig *rig, const char *folder, const char *script)
{
    struct error err = {.text = ""};
    char folder_of_ours[] = "/tmp/script-call-XXXXXX"; /* nothing is taken from /tmp itself */
    char path[60], spec[80];
    const char *only = spec;
    const struct plugin_search search = {&folder, 1};
    const struct chain_options options = {.target_url = "http://127.0.0.1:8080"};
    const struct chain_play play = {.session_id = 1, .step_count = 8};
    struct chain_outcome outcome;
    if (!mkdtemp(folder_of_ours))
        exit(1);
    snprintf(path, sizeof path, "%s/call.lua", folder_of_ours);
    FILE *file = fopen(path, "w");
    if (!file || fputs(script, file) < 0 || fclose(file))
        exit(1);
    snprintf(spec, sizeof spec, "script:file=%s", path);
    if (chain_open(&rig->chain, &only, 1, &search, &err) ||
        chain_start(&rig->chain, &options, &err)) {
        fprintf(stderr, "script_call: %s\n", err.text);
        unlink(path);
        rmdir(folder_of_ours);
        exit(1);
    }
    unlink(path);
    rmdir(folder_of_ours);
    rig->worker = chain_worker_new(&rig->chain, NULL, NULL);
    rig->user = chain_user_new(rig->worker, &play);
    if (!rig->worker || !rig->user)
        exit(1);
    chain_session_start(rig->user, 0, &outcome);
    arena_init(&rig->arena, 1 << 20);
}

static void tear_down(struct rig *rig)
{
    chain_session_end(rig->user, 0);
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
            .method = {"POST", 4},
            .url = {"http://127.0.0.1:8080/shop/items/7", 34},
            .headers = headers,
            .header_count = 2,
            .body = {"{\"item\":7,\"count\":1}", 20},
            .arena = &rig->arena,
        };
        struct chain_outcome outcome;
        chain_request(rig->user, i, &request, &info, &outcome);
        if (outcome.verdict != REPRISE_CONTINUE) {
            fprintf(stderr, "script_call: %s\n", outcome.error);
            exit(1);
        }
        arena_reset(&rig->arena);
    }
    return (double)(clock_now_ns() - began_ns) / (double)calls;
}

static void measure(const char *name, const char *folder, const char *script, uint64_t calls)
{
    struct rig rig = {0};
    double best = 0;
    set_up(&rig, folder, script);
    for (int i = 0; i < ROUNDS; i++) {
        double ns = round_ns(&rig, calls);
        best = i == 0 || ns < best ? ns : best;
    }
    tear_down(&rig);
    printf("| %s | %.0f |\n", name, best);
}

#define ON_REQUEST(body) "function on_request(user, request) " body " end"

int main(int argc, char **argv)
{
    uint64_t calls = argc > 2 ? strtoull(argv[2], NULL, 10) : DEFAULT_CALLS;
    const char *folder = argc > 1 ? argv[1] : ".";
    calls = calls ? calls : DEFAULT_CALLS;
    printf("| on_request in Lua | ns a call |\n|---|---|\n");
    measure("the script has none", folder, "", calls);
    measure("does nothing", folder, ON_REQUEST(""), calls);
    measure("counts in `user`", folder, ON_REQUEST("user.n = (user.n or 0) + 1"), calls);
    measure("reads a header", folder, ON_REQUEST("local x = request.headers['Accept']"), calls);
    measure("sets a header", folder, ON_REQUEST("request.headers['X-User'] = 'user-1234'"), calls);
    measure("reads and writes a JSON body", folder,
            ON_REQUEST("local b = json.decode(request.body) b.count = 2 "
                       "request.body = json.encode(b)"),
            calls);
    measure("signs with HMAC-SHA256", folder,
            ON_REQUEST("request.headers['X-Sign'] = hex.encode(hmac_sha256('key', request.body))"),
            calls);
    return 0;
}

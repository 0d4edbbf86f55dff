/*
 * script_call.c - what a callback costs when it is in Lua: nanoseconds of a call through the chain
 * to a script that does nothing, or one thing.
 *
 *     script_call PLUGIN-FOLDER [CALLS]
 */
#include <unistd.h>

#include "tests/bench/call_rig.h"

enum { DEFAULT_CALLS = 300000 };

static void measure(const char *name, const char *folder, const char *script, uint64_t calls)
{
    struct rig rig = {0};
    struct error err = {.text = ""};
    char folder_of_ours[] = "/tmp/script-call-XXXXXX"; /* nothing is taken from /tmp itself */
    char path[60], spec[80];
    const char *only = spec;
    const struct plugin_search search = {&folder, 1};
    if (!mkdtemp(folder_of_ours))
        rig_fail("no folder in /tmp");
    snprintf(path, sizeof path, "%s/call.lua", folder_of_ours);
    FILE *file = fopen(path, "w");
    if (!file || fputs(script, file) < 0 || fclose(file))
        rig_fail("no file in /tmp");
    snprintf(spec, sizeof spec, "script:file=%s", path);
    int code = chain_open(&rig.chain, &only, 1, &search, &err);
    if (code == 0)
        code = rig_start(&rig, NULL, NULL, &err); /* reads the script */
    unlink(path);
    rmdir(folder_of_ours);
    if (code)
        rig_fail(err.text);
    printf("| %s | %.0f |\n", name, rig_best_ns(&rig, calls));
    rig_stop(&rig);
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

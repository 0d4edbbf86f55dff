/*
 * script.c - the callbacks of a plugin in Lua, for those who write no C.
 *
 *     --plugin script:file=./sign.lua
 *     --plugin script:file=./sign.lua,args=secret,limit=1000000,memory=16MB
 *
 * docs/plugins/script.md is the manual, with its cost. This file is the plugin; vm.c has the
 * states, bind_*.c what a script can say.
 */
#include "vm.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_uint_fast64_t instances;

static int refuse(const reprise_call *call, const char *file, const char *problem)
{
    call->host->error(call, "%s: %s", file, problem);
    return REPRISE_FAIL;
}

/* Who can put another script in its place speaks for us: the rule of a plugin's own file. `path`
 * is absolute and is cut. */
static bool is_in_closed_folders(char *path)
{
    struct stat folder;
    bool is_own = true;
    for (char *slash; (slash = strrchr(path, '/')); is_own = false) {
        bool is_root = slash == path;
        slash[is_root] = '\0';
        if (stat(path, &folder) ||
            (folder.st_mode & S_IWOTH && (is_own || !(folder.st_mode & S_ISVTX))))
            return false;
        if (is_root)
            return true;
    }
    return true;
}

/* Of a link, both where it is and where it leads. */
static int check_folders(const reprise_call *call, const char *file)
{
    char here[PATH_MAX], given[2 * PATH_MAX], resolved[PATH_MAX];
    bool is_whole = file[0] == '/';
    if (!realpath(file, resolved) || !(is_whole || getcwd(here, sizeof here)) ||
        snprintf(given, sizeof given, "%s%s%s", is_whole ? "" : here, is_whole ? "" : "/", file) >=
            (int)sizeof given)
        return refuse(call, file, "no such file, or its path is too long");
    if (is_in_closed_folders(given) && is_in_closed_folders(resolved))
        return REPRISE_CONTINUE;
    return refuse(call, file,
                  "everybody may write its folder, or rename one above it; move it to a folder of "
                  "your own");
}

static int read_file(const reprise_call *call, struct plugin_state *state)
{
    struct stat found;
    FILE *file = fopen(state->file, "rb");
    if (!file || fstat(fileno(file), &found) || !S_ISREG(found.st_mode)) {
        if (file)
            fclose(file);
        return refuse(call, state->file, "no such file, or it cannot be read");
    }
    bool is_open_to_all = (found.st_mode & S_IWOTH) != 0;
    bool is_long = found.st_size > SCRIPT_MAX_FILE_BYTES;
    state->source = is_open_to_all || is_long ? NULL : malloc((size_t)found.st_size + 1);
    if (state->source)
        state->source_bytes = fread(state->source, 1, (size_t)found.st_size, file);
    fclose(file);
    if (is_open_to_all)
        return refuse(call, state->file, "everybody may write it: chmod o-w");
    if (check_folders(call, state->file) != REPRISE_CONTINUE)
        return REPRISE_FAIL;
    return state->source ? REPRISE_CONTINUE
                         : refuse(call, state->file, "longer than 4 MiB, or no memory");
}

static int start(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    pthread_mutex_init(&state->lock, NULL);
    state->instance = atomic_fetch_add(&instances, 1) + 1;
    if (state->limit == 0 || state->memory < 100000)
        return refuse(call, state->file, "limit is at least 1, memory at least 100KB");
    if (read_file(call, state) != REPRISE_CONTINUE)
        return REPRISE_FAIL;
    state->first = vm_here(call);
    state->is_started = true;
    return state->first ? REPRISE_CONTINUE : REPRISE_FAIL;
}

static void stop(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    while (state->all) {
        struct vm *vm = state->all;
        state->all = vm->next;
        vm_free(vm);
    }
    free(state->source);
    pthread_mutex_destroy(&state->lock);
}

static bool has(const struct user_state *user, enum script_callback callback)
{
    return user->vm && user->vm->callbacks[callback] != LUA_NOREF;
}

static int run(const reprise_call *call, enum script_callback callback, bool is_final)
{
    struct user_state *user = call->user;
    user->vm->user = user;
    int verdict = vm_run(user->vm, call, callback, is_final);
    user->vm->user = NULL;
    return verdict;
}

static int on_session_start(const reprise_call *call)
{
    struct user_state *user = call->user;
    user->table = LUA_NOREF;
    user->vm = vm_here(call);
    if (!user->vm)
        return REPRISE_FAIL;
    return has(user, SCRIPT_SESSION_START) ? run(call, SCRIPT_SESSION_START, false)
                                           : REPRISE_CONTINUE;
}

static int on_request(const reprise_call *call, reprise_request *request)
{
    struct user_state *user = call->user;
    if (!has(user, SCRIPT_REQUEST))
        return REPRISE_CONTINUE;
    user->vm->request = request;
    user->vm->can_change = true;
    return run(call, SCRIPT_REQUEST, false);
}

static int on_response(const reprise_call *call, const reprise_response *response)
{
    struct user_state *user = call->user;
    if (!has(user, SCRIPT_RESPONSE))
        return REPRISE_CONTINUE;
    user->vm->response = response;
    /* Only looked at: can_change is what lets a script write. */
    user->vm->request = (reprise_request *)response->request;
    user->vm->can_change = false;
    return run(call, SCRIPT_RESPONSE, false);
}

static int on_ws_message(const reprise_call *call, const reprise_ws_message *message)
{
    struct user_state *user = call->user;
    if (!has(user, SCRIPT_WS_MESSAGE))
        return REPRISE_CONTINUE;
    user->vm->message = message;
    return run(call, SCRIPT_WS_MESSAGE, false);
}

static void on_session_end(const reprise_call *call)
{
    struct user_state *user = call->user;
    if (has(user, SCRIPT_SESSION_END))
        run(call, SCRIPT_SESSION_END, true);
    if (user->vm && user->table != LUA_NOREF)
        luaL_unref(user->vm->lua, LUA_REGISTRYINDEX, user->table); /* reuses its slot: no memory */
}

static int on_recorded(const reprise_call *call, const reprise_recorded *recorded)
{
    struct plugin_state *state = call->plugin;
    if (state->first->callbacks[SCRIPT_RECORDED] == LUA_NOREF)
        return REPRISE_END_SESSION;
    state->first->recorded = recorded;
    return vm_run(state->first, call, SCRIPT_RECORDED, false);
}

static int on_recording_end(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    return state->first->callbacks[SCRIPT_RECORDING_END] == LUA_NOREF
               ? REPRISE_CONTINUE
               : vm_run(state->first, call, SCRIPT_RECORDING_END, false);
}

#define OWNER struct plugin_state

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, OWNER, file, NULL, "the script"),
    REPRISE_OPTION(REPRISE_STRING, OWNER, args, "", "text that the script finds as `args`"),
    REPRISE_OPTION(REPRISE_NUMBER, OWNER, limit, "10000000",
                   "Lua instructions in one callback, before it is cut off"),
    REPRISE_OPTION(REPRISE_SIZE, OWNER, memory, "64MiB",
                   "of each Lua state; there is one a worker"),
    {"unsafe", "off", "io, os, package, coroutine, debug and load, too", REPRISE_SWITCH,
     offsetof(OWNER, is_unsafe), REPRISE_SIZE_OF(OWNER, is_unsafe), 0},
    REPRISE_OPTIONS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
    .name = "script",
    .version = "1.0",
    .summary = "the callbacks of a plugin in Lua",
    .threads = REPRISE_PARALLEL, /* a state for each thread; a user never leaves its own */
    .max_holds = 10000,
    .max_retries = 10000,
    .plugin_size = sizeof(struct plugin_state),
    .user_size = sizeof(struct user_state),
    .options = options,
    .start = start,
    .stop = stop,
    .on_session_start = on_session_start,
    .on_request = on_request,
    .on_response = on_response,
    .on_ws_message = on_ws_message,
    .on_session_end = on_session_end,
    .on_recorded = on_recorded,
    .on_recording_end = on_recording_end,
};

REPRISE_REGISTER(plugin);

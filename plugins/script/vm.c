/* vm.c - Lua states for the threads of a run, with limits of memory and instructions. */
#include "vm.h"

#include <lualib.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct {
    uint64_t instance;
    struct vm *vm;
} here;

static const char *const callback_names[] = {
    [SCRIPT_SESSION_START] = "on_session_start", [SCRIPT_REQUEST] = "on_request",
    [SCRIPT_RESPONSE] = "on_response",           [SCRIPT_WS_MESSAGE] = "on_ws_message",
    [SCRIPT_SESSION_END] = "on_session_end",     [SCRIPT_RECORDED] = "on_recorded",
    [SCRIPT_RECORDING_END] = "on_recording_end"};

static const char *const object_names[] = {[OBJECT_USER] = "user",
                                           [OBJECT_REQUEST] = "request",
                                           [OBJECT_RESPONSE] = "response",
                                           [OBJECT_MESSAGE] = "message",
                                           [OBJECT_RECORDED] = "exchange",
                                           [OBJECT_REQUEST_HEADERS] = "headers",
                                           [OBJECT_RESPONSE_HEADERS] = "headers",
                                           [OBJECT_RECORDED_REQUEST_HEADERS] = "headers",
                                           [OBJECT_RECORDED_RESPONSE_HEADERS] = "headers"};

/* What Lua holds of an object is a number in place of a pointer, which takes no memory: of which
 * call it is, and what. What it is about is in the vm, as long as the call lasts. */
enum { OBJECT_BITS = 4 };
_Static_assert(OBJECT_COUNT <= 1 << OBJECT_BITS, "a handle has room for every object");
_Static_assert(sizeof(void *) >= sizeof(uint64_t), "a handle has room for every call");

static uint64_t handle_at(lua_State *lua, int at)
{
    return lua_islightuserdata(lua, at) ? (uintptr_t)lua_touserdata(lua, at) : 0;
}

static enum script_object object_of(uint64_t handle)
{
    return (enum script_object)(handle & ((1 << OBJECT_BITS) - 1));
}

/* --- limits ---------------------------------------------------------------------------------- */

static void *allocate(void *owner, void *old, size_t old_bytes, size_t new_bytes)
{
    struct vm *vm = owner;
    size_t had_bytes = old ? old_bytes : 0; /* of a new block old_bytes says what it is for */
    if (new_bytes == 0) {
        free(old);
        vm->used_bytes -= had_bytes;
        return NULL;
    }
    if (new_bytes > had_bytes && new_bytes - had_bytes > vm->state->memory - vm->used_bytes)
        return NULL; /* Lua collects garbage and asks again before it gives up */
    void *block = realloc(old, new_bytes);
    if (block)
        vm->used_bytes = vm->used_bytes - had_bytes + new_bytes;
    return block;
}

/* After the first time at every instruction, so that no pcall() of the script gets around it. */
static void on_count(lua_State *lua, lua_Debug *activation)
{
    struct vm *vm = vm_of(lua);
    (void)activation;
    if (!vm->is_over) {
        vm->is_over = true;
        lua_sethook(lua, on_count, LUA_MASKCOUNT, 1);
    }
    luaL_where(lua, 0); /* a hook has no place of its own on the stack */
    lua_pushfstring(lua, "more than %I instructions in one call; limit= raises that",
                    (LUAI_UACINT)vm->state->limit);
    lua_concat(lua, 2);
    lua_error(lua);
}

static void begin_count(struct vm *vm)
{
    uint64_t limit = vm->state->limit;
    vm->is_over = false;
    lua_sethook(vm->lua, on_count, LUA_MASKCOUNT, (int)(limit < 1000000000 ? limit : 1000000000));
}

/* --- what a script finds --------------------------------------------------------------------- */

/* Finalisers run when nobody counts instructions. */
static int set_metatable(lua_State *lua)
{
    luaL_checktype(lua, 1, LUA_TTABLE);
    luaL_argexpected(lua, lua_isnoneornil(lua, 2) || lua_istable(lua, 2), 2, "nil or table");
    if (luaL_getmetafield(lua, 1, "__metatable") != LUA_TNIL)
        return luaL_error(lua, "cannot change a protected metatable");
    lua_settop(lua, 2);
    if (lua_istable(lua, 2)) {
        lua_pushstring(lua, "__gc");
        if (lua_rawget(lua, 2) != LUA_TNIL)
            return luaL_error(lua, "__gc is not to be had without unsafe=on");
        lua_settop(lua, 2);
    }
    lua_setmetatable(lua, 1);
    return 1;
}

static void open_libraries(lua_State *lua, bool is_unsafe)
{
    static const luaL_Reg safe[] = {
        {LUA_GNAME, luaopen_base},        {LUA_TABLIBNAME, luaopen_table},
        {LUA_STRLIBNAME, luaopen_string}, {LUA_MATHLIBNAME, luaopen_math},
        {LUA_UTF8LIBNAME, luaopen_utf8},  {NULL, NULL}};
    /* Files, compiled code, a will of its own about garbage, and numbers no seed repeats. */
    static const char *const gone[] = {"dofile", "loadfile", "load", "collectgarbage", NULL};
    if (is_unsafe) {
        luaL_openlibs(lua);
        return;
    }
    for (const luaL_Reg *library = safe; library->func; library++) {
        luaL_requiref(lua, library->name, library->func, 1);
        lua_pop(lua, 1);
    }
    for (size_t i = 0; gone[i]; i++) {
        lua_pushnil(lua);
        lua_setglobal(lua, gone[i]);
    }
    lua_getglobal(lua, LUA_MATHLIBNAME);
    lua_pushnil(lua);
    lua_setfield(lua, -2, "random");
    lua_pushnil(lua);
    lua_setfield(lua, -2, "randomseed");
    lua_pop(lua, 1);
    lua_pushcfunction(lua, set_metatable);
    lua_setglobal(lua, "setmetatable");
}

/* print() and warn(): the level is an upvalue. */
static int print_line(lua_State *lua)
{
    struct vm *vm = vm_of(lua);
    luaL_Buffer line;
    int count = lua_gettop(lua);
    luaL_buffinit(lua, &line);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&line, ' ');
        luaL_tolstring(lua, i, NULL);
        luaL_addvalue(&line);
    }
    luaL_pushresult(&line);
    if (vm->call)
        vm->call->host->log(vm->call,
                            (enum reprise_log_level)lua_tointeger(lua, lua_upvalueindex(1)), "%s",
                            lua_tostring(lua, -1));
    return 0;
}

static void add_log(lua_State *lua, const char *name, enum reprise_log_level level)
{
    lua_pushinteger(lua, level);
    lua_pushcclosure(lua, print_line, 1);
    lua_setglobal(lua, name);
}

/* metric("name" [, "counter" | "histogram" [, unit]]): while the file itself runs. */
static int add_metric(lua_State *lua)
{
    static const char *const kinds[] = {"counter", "histogram", NULL};
    struct vm *vm = vm_of(lua);
    struct plugin_state *state = vm->state;
    const char *name = luaL_checkstring(lua, 1);
    int kind = luaL_checkoption(lua, 2, "counter", kinds);
    const char *unit = luaL_optstring(lua, 3, "");
    if (state->is_started)
        return 0; /* the first state has added it */
    if (strlen(name) >= SCRIPT_MAX_NAME_BYTES || strlen(unit) >= sizeof state->metrics[0].unit)
        return luaL_error(lua, "metric(): a name has at most 48 bytes, a unit 15");
    if (state->metric_count == SCRIPT_MAX_METRICS)
        return luaL_error(lua, "metric(): more than 48 metrics");
    struct script_metric *metric = &state->metrics[state->metric_count];
    memcpy(metric->name, name, strlen(name) + 1);
    memcpy(metric->unit, unit, strlen(unit) + 1);
    metric->number = vm->call->host->metric(vm->call, metric->name, metric->unit,
                                            kind ? REPRISE_HISTOGRAM : REPRISE_COUNTER);
    if (metric->number == REPRISE_NO_METRIC)
        return vm_refused(lua, "metric()");
    state->metric_count++;
    return 0;
}

void vm_bind_object(lua_State *lua, struct vm *vm, enum script_object object, lua_CFunction index,
                    lua_CFunction newindex, const luaL_Reg *methods)
{
    vm->index[object] = index;
    vm->newindex[object] = newindex;
    lua_newtable(lua);
    if (methods)
        luaL_setfuncs(lua, methods, 0);
    vm->methods[object] = luaL_ref(lua, LUA_REGISTRYINDEX);
}

/* They have one metatable, as Lua has it for all values of this kind: these look which it is. */
static int object_index(lua_State *lua)
{
    return vm_of(lua)->index[vm_object_at(lua, 1)](lua);
}

static int object_newindex(lua_State *lua)
{
    enum script_object object = vm_object_at(lua, 1);
    lua_CFunction newindex = vm_of(lua)->newindex[object];
    if (!newindex)
        return luaL_error(lua, "%s.%s cannot be set", object_names[object],
                          luaL_tolstring(lua, 2, NULL));
    return newindex(lua);
}

static int object_pairs(lua_State *lua)
{
    enum script_object object = vm_object_at(lua, 1);
    if (object < OBJECT_REQUEST_HEADERS)
        return luaL_error(lua, "pairs() of %s: only headers have them", object_names[object]);
    return bind_headers_pairs(lua);
}

static void bind_objects(lua_State *lua, struct vm *vm)
{
    static const luaL_Reg functions[] = {{"__index", object_index},
                                         {"__newindex", object_newindex},
                                         {"__pairs", object_pairs},
                                         {NULL, NULL}};
    bind_user(lua, vm);
    bind_messages(lua, vm);
    bind_headers(lua, vm);
    lua_pushlightuserdata(lua, NULL);
    luaL_newlib(lua, functions);
    lua_pushliteral(lua, "protected");
    lua_setfield(lua, -2, "__metatable");
    lua_setmetatable(lua, -2);
    lua_pop(lua, 1);
}

int vm_push_method(lua_State *lua, enum script_object object, int name)
{
    name = lua_absindex(lua, name);
    lua_rawgeti(lua, LUA_REGISTRYINDEX, vm_of(lua)->methods[object]);
    lua_pushvalue(lua, name);
    return lua_rawget(lua, -2) != LUA_TNIL;
}

/* --- life ------------------------------------------------------------------------------------ */

/* A name that begins like a callback's and is none is misspelt, or hoped for. */
static void warn_of_no_callbacks(lua_State *lua, struct vm *vm)
{
    lua_pushglobaltable(lua);
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1)) {
        const char *name = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "";
        bool is_none = strncmp(name, "on_", 3) == 0 && lua_isfunction(lua, -1);
        for (int i = 0; is_none && i < SCRIPT_CALLBACKS; i++)
            is_none = strcmp(name, callback_names[i]) != 0;
        if (is_none)
            vm->call->host->log(vm->call, REPRISE_WARNING,
                                "%s: %.80s is no callback and is never called; those are "
                                "on_recorded, on_recording_end, on_session_start, on_request, "
                                "on_response, on_ws_message and on_session_end",
                                vm->state->file, name);
    }
    lua_pop(lua, 1);
}

/* Everything that may raise an error, inside a protected call. */
static int set_up(lua_State *lua)
{
    struct vm *vm = vm_of(lua);
    const struct plugin_state *state = vm->state;
    open_libraries(lua, state->is_unsafe);
    add_log(lua, "print", REPRISE_INFO);
    add_log(lua, "warn", REPRISE_WARNING);
    lua_register(lua, "metric", add_metric);
    lua_pushstring(lua, state->args);
    lua_setglobal(lua, "args");
    bind_objects(lua, vm);
    bind_helpers(lua);
    bind_json(lua);
    lua_pushfstring(lua, "@%s", state->file);
    if (luaL_loadbufferx(lua, state->source, state->source_bytes, lua_tostring(lua, -1),
                         state->is_unsafe ? "bt" : "t"))
        return lua_error(lua);
    begin_count(vm);
    lua_call(lua, 0, 0);
    for (int i = 0; i < SCRIPT_CALLBACKS; i++) {
        int type = lua_getglobal(lua, callback_names[i]);
        if (type != LUA_TFUNCTION && type != LUA_TNIL)
            return luaL_error(lua, "%s: %s is no function", state->file, callback_names[i]);
        vm->callbacks[i] = type == LUA_TNIL ? LUA_NOREF : luaL_ref(lua, LUA_REGISTRYINDEX);
    }
    if (!state->is_started) /* once, and not for each worker */
        warn_of_no_callbacks(lua, vm);
    return 0;
}

static const char *message_of(lua_State *lua)
{
    const char *text = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : NULL;
    return text ? text : "an error that is no text";
}

static struct vm *vm_new(const reprise_call *call)
{
    struct vm *vm = calloc(1, sizeof *vm);
    if (!vm)
        return NULL;
    vm->state = call->plugin;
    for (int i = 0; i < SCRIPT_CALLBACKS; i++)
        vm->callbacks[i] = LUA_NOREF;
    vm->lua = lua_newstate(allocate, vm);
    if (!vm->lua) {
        free(vm);
        return NULL;
    }
    *(struct vm **)lua_getextraspace(vm->lua) = vm;
    vm->call = call;
    lua_pushcfunction(vm->lua, set_up);
    if (lua_pcall(vm->lua, 0, 0, 0)) {
        call->host->error(call, "%s", message_of(vm->lua));
        vm_free(vm);
        return NULL;
    }
    vm->call = NULL;
    return vm;
}

void vm_free(struct vm *vm)
{
    vm->call = NULL;
    lua_sethook(vm->lua, NULL, 0, 0);
    lua_close(vm->lua);
    free(vm);
}

struct vm *vm_here(const reprise_call *call)
{
    struct plugin_state *state = call->plugin;
    if (here.vm && here.instance == state->instance)
        return here.vm;
    struct vm *vm = vm_new(call);
    if (!vm) {
        call->host->error(call, "no memory for a Lua state of at most %llu bytes",
                          (unsigned long long)state->memory);
        return NULL;
    }
    pthread_mutex_lock(&state->lock);
    vm->next = state->all;
    state->all = vm;
    pthread_mutex_unlock(&state->lock);
    here.vm = vm;
    here.instance = state->instance;
    return vm;
}

/* --- a call ---------------------------------------------------------------------------------- */

void vm_push_object(lua_State *lua, enum script_object object)
{
    uint64_t handle = vm_of(lua)->serial << OBJECT_BITS | object;
    lua_pushlightuserdata(lua, (void *)(uintptr_t)handle); /* serials begin at 1: never NULL */
}

enum script_object vm_object_at(lua_State *lua, int at)
{
    const struct vm *vm = vm_of(lua);
    uint64_t handle = handle_at(lua, at);
    if (!handle || object_of(handle) >= OBJECT_COUNT)
        luaL_error(lua, "%s where user, request, response, message, exchange or headers belong",
                   luaL_typename(lua, at));
    if (handle >> OBJECT_BITS != vm->serial || !vm->call)
        luaL_error(lua, "%s: only inside its own callback", object_names[object_of(handle)]);
    return object_of(handle);
}

const reprise_call *vm_call_of(lua_State *lua, enum script_object object)
{
    const reprise_call *call = vm_call(lua);
    if (vm_object_at(lua, 1) != object)
        luaL_error(lua, "a function of %s: call it with ':'", object_names[object]);
    return call;
}

void vm_push_bytes(lua_State *lua, reprise_bytes bytes)
{
    if (bytes.ptr)
        lua_pushlstring(lua, bytes.ptr, bytes.len);
    else
        lua_pushnil(lua);
}

const reprise_call *vm_call(lua_State *lua)
{
    struct vm *vm = vm_of(lua);
    if (!vm->call || !vm->state->is_started)
        luaL_error(lua, "only inside a callback");
    return vm->call;
}

int vm_refused(lua_State *lua, const char *what)
{
    vm_of(lua)->was_refused = true;
    return luaL_error(lua, "%s was refused", what);
}

static int read_verdict(lua_State *lua, enum script_callback callback)
{
    static const struct {
        const char *word;
        int verdict;
    } words[] = {{"continue", REPRISE_CONTINUE}, {"skip", REPRISE_SKIP},
                 {"hold", REPRISE_HOLD},         {"retry", REPRISE_RETRY},
                 {"end", REPRISE_END_SESSION},   {"end_session", REPRISE_END_SESSION},
                 {"fail", REPRISE_FAIL}};
    if (lua_isnil(lua, -1))
        return REPRISE_CONTINUE;
    const char *word = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : "";
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i].word) == 0)
            return words[i].verdict;
    return luaL_error(lua,
                      "%s returned %s; it is nothing, or \"skip\", \"hold\", \"retry\", "
                      "\"end\" or \"fail\"",
                      callback_names[callback], luaL_tolstring(lua, -1, NULL));
}

static int call_script(lua_State *lua)
{
    static const enum script_object about[] = {[SCRIPT_REQUEST] = OBJECT_REQUEST,
                                               [SCRIPT_RESPONSE] = OBJECT_RESPONSE,
                                               [SCRIPT_WS_MESSAGE] = OBJECT_MESSAGE,
                                               [SCRIPT_RECORDED] = OBJECT_RECORDED};
    struct vm *vm = vm_of(lua);
    enum script_callback callback = (enum script_callback)lua_tointeger(lua, 1);
    bool is_about_user = callback != SCRIPT_RECORDED && callback != SCRIPT_RECORDING_END;
    bool has_second = callback != SCRIPT_SESSION_START && callback != SCRIPT_SESSION_END &&
                      callback != SCRIPT_RECORDING_END;
    lua_rawgeti(lua, LUA_REGISTRYINDEX, vm->callbacks[callback]);
    if (is_about_user)
        vm_push_object(lua, OBJECT_USER);
    if (has_second)
        vm_push_object(lua, about[callback]);
    lua_call(lua, is_about_user + has_second, 1);
    lua_pushinteger(lua, read_verdict(lua, callback));
    return 1;
}

int vm_run(struct vm *vm, const reprise_call *call, enum script_callback callback, bool is_final)
{
    lua_State *lua = vm->lua;
    int verdict = REPRISE_FAIL;
    vm->call = call;
    vm->serial++;
    vm->was_refused = false;
    begin_count(vm);
    lua_pushcfunction(lua, call_script);
    lua_pushinteger(lua, callback);
    if (lua_pcall(lua, 1, 1, 0) == LUA_OK) {
        verdict = (int)lua_tointeger(lua, -1);
        if (verdict == REPRISE_FAIL)
            call->host->error(call, "%s: %s said so", vm->state->file, callback_names[callback]);
    } else {
        const char *message = message_of(lua);
        /* A host function that refused has given its own reason; where it was belongs to it. */
        if (is_final || vm->was_refused)
            call->host->log(call, REPRISE_WARNING, "%s: %s", callback_names[callback], message);
        call->host->error(call, "%s", message);
    }
    lua_settop(lua, 0);
    vm->call = NULL;
    vm->request = NULL;
    vm->response = NULL;
    vm->message = NULL;
    vm->recorded = NULL;
    return verdict;
}

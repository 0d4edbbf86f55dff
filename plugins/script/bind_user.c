/* bind_user.c - `user` in a script: whose call it is, what it can ask of the host, and what the
 * script keeps for it. */
#include "vm.h"

#include <string.h>

static const char *const members[] = {"index",  "session_id", "now",   "unix",
                                      "target", "step_count", "speed", NULL};

static int push_member(lua_State *lua, const reprise_call *call, const char *name)
{
    if (strcmp(name, "index") == 0)
        lua_pushinteger(lua, (lua_Integer)call->user_index);
    else if (strcmp(name, "session_id") == 0)
        lua_pushinteger(lua, (lua_Integer)call->session_id);
    else if (strcmp(name, "now") == 0)
        lua_pushnumber(lua, (double)call->now_us / 1e6);
    else if (strcmp(name, "unix") == 0)
        lua_pushnumber(lua, (double)call->unix_us / 1e6);
    else if (strcmp(name, "target") == 0)
        vm_push_bytes(lua, call->target);
    else if (strcmp(name, "step_count") == 0)
        lua_pushinteger(lua, call->step_count);
    else if (strcmp(name, "speed") == 0)
        lua_pushnumber(lua, call->think_speed);
    else
        return 0;
    return 1;
}

static int user_index(lua_State *lua)
{
    struct vm *vm = vm_of(lua);
    const reprise_call *call = vm_call_of(lua, OBJECT_USER);
    if (vm_push_method(lua, OBJECT_USER, 2))
        return 1;
    if (lua_type(lua, 2) == LUA_TSTRING && push_member(lua, call, lua_tostring(lua, 2)))
        return 1;
    if (!vm->user || vm->user->table == LUA_NOREF)
        return 0;
    lua_rawgeti(lua, LUA_REGISTRYINDEX, vm->user->table);
    lua_pushvalue(lua, 2);
    lua_rawget(lua, -2);
    return 1;
}

static int user_newindex(lua_State *lua)
{
    struct vm *vm = vm_of(lua);
    vm_call_of(lua, OBJECT_USER);
    const char *name = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "";
    for (size_t i = 0; members[i]; i++)
        if (strcmp(name, members[i]) == 0)
            return luaL_error(lua, "user.%s cannot be set", name);
    if (!vm->user)
        return luaL_error(lua, "there is no user here");
    if (vm->user->table == LUA_NOREF) {
        lua_newtable(lua);
        vm->user->table = luaL_ref(lua, LUA_REGISTRYINDEX);
    }
    lua_rawgeti(lua, LUA_REGISTRYINDEX, vm->user->table);
    lua_pushvalue(lua, 2);
    lua_pushvalue(lua, 3);
    lua_rawset(lua, -3);
    return 0;
}

static reprise_bytes bytes_at(lua_State *lua, int at)
{
    reprise_bytes bytes = {NULL, 0};
    bytes.ptr = luaL_checklstring(lua, at, &bytes.len);
    return bytes;
}

static int user_delay(lua_State *lua)
{
    const reprise_call *call = vm_call_of(lua, OBJECT_USER);
    double seconds = luaL_checknumber(lua, 2);
    luaL_argcheck(lua, seconds >= 0 && seconds <= 86400, 2, "seconds, 0 to 86400");
    call->host->delay_us(call, (uint64_t)(seconds * 1e6));
    return 0;
}

static int user_record(lua_State *lua)
{
    const reprise_call *call = vm_call_of(lua, OBJECT_USER);
    const struct plugin_state *state = vm_of(lua)->state;
    const char *name = luaL_checkstring(lua, 2);
    double value = luaL_optnumber(lua, 3, 1);
    for (size_t i = 0; i < state->metric_count; i++) {
        const struct script_metric *metric = &state->metrics[i];
        if (strcmp(metric->name, name) != 0)
            continue;
        bool is_time = strcmp(metric->unit, "us") == 0; /* seconds here, as everywhere else */
        value = is_time ? value * 1e6 : value;
        luaL_argcheck(lua, value >= 0 && value <= 1e18, 3, "not negative, and no more than 1e18");
        call->host->record(call, metric->number, (uint64_t)(value + 0.5));
        return 0;
    }
    return luaL_error(lua, "there is no metric '%s'; metric(\"%s\") beside the callbacks makes one",
                      name, name);
}

/* user:random(): 0 to 1; user:random(n): 1 to n. */
static int user_random(lua_State *lua)
{
    const reprise_call *call = vm_call_of(lua, OBJECT_USER);
    lua_Integer most = luaL_optinteger(lua, 2, 0);
    luaL_argcheck(lua, most >= 0, 2, "1 or more");
    uint64_t drawn = call->host->random(call);
    if (most)
        lua_pushinteger(lua, (lua_Integer)(drawn % (uint64_t)most) + 1);
    else
        lua_pushnumber(lua, (double)(drawn >> 11) * 0x1p-53);
    return 1;
}

static int user_log(lua_State *lua)
{
    static const char *const levels[] = {"debug", "info", "warning", NULL};
    const reprise_call *call = vm_call_of(lua, OBJECT_USER);
    const char *text = luaL_checkstring(lua, 2);
    int level = luaL_checkoption(lua, 3, "info", levels);
    call->host->log(call, (enum reprise_log_level)level, "%s", text);
    return 0;
}

static int user_judge(lua_State *lua)
{
    static const char *const words[] = {"expected", "unexpected", NULL};
    const reprise_call *call = vm_call_of(lua, OBJECT_USER);
    int word = luaL_checkoption(lua, 2, NULL, words);
    const char *reason = luaL_optstring(lua, 3, "the script says so");
    if (call->host->judge(call, word ? REPRISE_UNEXPECTED : REPRISE_EXPECTED, reason))
        return vm_refused(lua, "user:judge()");
    return 0;
}

static int user_replace_value(lua_State *lua)
{
    const reprise_call *call = vm_call_of(lua, OBJECT_USER);
    int count = call->host->replace_value(call, bytes_at(lua, 2), bytes_at(lua, 3));
    if (count < 0)
        return vm_refused(lua, "user:replace_value()");
    lua_pushinteger(lua, count);
    return 1;
}

static int user_data(lua_State *lua)
{
    const reprise_call *call = vm_call_of(lua, OBJECT_USER);
    vm_push_bytes(lua, call->host->data(call, luaL_checkstring(lua, 2)));
    return 1;
}

static int user_wake(lua_State *lua)
{
    const reprise_call *call = vm_call_of(lua, OBJECT_USER);
    call->host->wake(call);
    return 0;
}

/* The field of the table, on top of the stack, when it is there and can be `type`: a number,
 * a text or a table. */
static bool take_field(lua_State *lua, int table, const char *call_name, const char *name, int type)
{
    if (lua_getfield(lua, table, name) == LUA_TNIL)
        return false;
    int is_whole;
    (void)lua_tointegerx(lua, -1, &is_whole);
    bool fits = type == LUA_TSTRING   ? lua_isstring(lua, -1)
                : type == LUA_TNUMBER ? is_whole
                                      : lua_istable(lua, -1);
    if (!fits)
        luaL_error(lua, "user:%s: %s is a %s, not %s", call_name, name,
                   type == LUA_TSTRING   ? "text"
                   : type == LUA_TNUMBER ? "whole number"
                                         : "table",
                   lua_type(lua, -1) == LUA_TSTRING
                       ? lua_pushfstring(lua, "'%s'", lua_tostring(lua, -1))
                       : luaL_tolstring(lua, -1, NULL));
    return true;
}

/* The rows of a table of headers, for settle(): as many as there is room for. */
static size_t read_headers(lua_State *lua, int table, reprise_header *rows, size_t most)
{
    size_t count = 0;
    lua_pushnil(lua);
    while (lua_next(lua, table)) {
        if (count == most || lua_type(lua, -2) != LUA_TSTRING || !lua_isstring(lua, -1))
            luaL_error(lua, "headers: names with values, at most %d", (int)most);
        reprise_header *row = &rows[count++];
        row->value.ptr = lua_tolstring(lua, -1, &row->value.len);
        row->name.ptr = lua_tolstring(lua, -2, &row->name.len);
        /* The value stays on the stack, below the key: a number as text lives nowhere else. */
        lua_insert(lua, -2);
    }
    return count;
}

/* user:settle(step [, {status=200, headers={...}, body="..."}]) */
static int user_settle(lua_State *lua)
{
    enum { MOST = 32 };
    const reprise_call *call = vm_call_of(lua, OBJECT_USER);
    uint32_t step = (uint32_t)luaL_checkinteger(lua, 2);
    reprise_header headers[MOST];
    reprise_answer answer = {.size = sizeof answer, .status = 200, .headers = headers};
    bool has_answer = !lua_isnoneornil(lua, 3);
    luaL_checkstack(lua, 3 * MOST, "headers");
    if (has_answer) {
        luaL_checktype(lua, 3, LUA_TTABLE);
        if (take_field(lua, 3, "settle()", "status", LUA_TNUMBER))
            answer.status = (uint32_t)lua_tointeger(lua, -1);
        if (take_field(lua, 3, "settle()", "body", LUA_TSTRING))
            answer.body.ptr = lua_tolstring(lua, -1, &answer.body.len);
        if (take_field(lua, 3, "settle()", "headers", LUA_TTABLE))
            answer.header_count = read_headers(lua, lua_gettop(lua), headers, MOST);
    }
    if (call->host->settle(call, step, has_answer ? &answer : NULL))
        return vm_refused(lua, "user:settle()");
    return 0;
}

static int user_settle_like(lua_State *lua)
{
    const reprise_call *call = vm_call_of(lua, OBJECT_USER);
    const reprise_response *response = vm_of(lua)->response;
    uint32_t step = (uint32_t)luaL_checkinteger(lua, 2);
    if (!response || call->host->settle_like(call, step, response))
        return vm_refused(lua, "user:settle_like()");
    return 0;
}

static reprise_request *start_request(lua_State *lua, const reprise_call *call)
{
    uint32_t tag = 0;
    if (take_field(lua, 2, "send()", "tag", LUA_TNUMBER))
        tag = (uint32_t)lua_tointeger(lua, -1);
    if (take_field(lua, 2, "send()", "step", LUA_TNUMBER))
        return call->host->new_request_of_step(call, (uint32_t)lua_tointeger(lua, -1), tag);
    bool is_like = lua_getfield(lua, 2, "like") != LUA_TNIL;
    if (is_like && vm_object_at(lua, -1) != OBJECT_REQUEST)
        luaL_error(lua, "user:send(): like is a request");
    return call->host->new_request(call, is_like ? vm_of(lua)->request : NULL, tag);
}

/* user:send{method=, url=, headers={}, body=, tag=, like=request, step=} */
static int user_send(lua_State *lua)
{
    const reprise_call *call = vm_call_of(lua, OBJECT_USER);
    const reprise_host *host = call->host;
    size_t len;
    luaL_checktype(lua, 2, LUA_TTABLE);
    reprise_request *request = start_request(lua, call);
    if (!request)
        return vm_refused(lua, "user:send()");
    if (take_field(lua, 2, "send()", "method", LUA_TSTRING) &&
        host->set_method(call, request, lua_tostring(lua, -1)))
        return vm_refused(lua, "user:send(): its method");
    if (take_field(lua, 2, "send()", "url", LUA_TSTRING) &&
        host->set_url(call, request, lua_tostring(lua, -1)))
        return vm_refused(lua, "user:send(): its url");
    if (take_field(lua, 2, "send()", "headers", LUA_TTABLE)) {
        lua_pushnil(lua);
        while (lua_next(lua, -2)) {
            if (lua_type(lua, -2) != LUA_TSTRING || !lua_isstring(lua, -1))
                return luaL_error(lua, "user:send(): headers are names with values");
            if (host->set_header(call, request, lua_tostring(lua, -2), lua_tostring(lua, -1)))
                return vm_refused(lua, "user:send(): a header");
            lua_pop(lua, 1);
        }
    }
    if (take_field(lua, 2, "send()", "body", LUA_TSTRING)) {
        const char *body = lua_tolstring(lua, -1, &len);
        if (host->set_body(call, request, body, len))
            return vm_refused(lua, "user:send(): its body");
    }
    if (host->send(call, request))
        return vm_refused(lua, "user:send()");
    return 0;
}

void bind_user(lua_State *lua, struct vm *vm)
{
    static const luaL_Reg methods[] = {
        {"delay", user_delay},   {"record", user_record},
        {"random", user_random}, {"log", user_log},
        {"judge", user_judge},   {"replace_value", user_replace_value},
        {"data", user_data},     {"wake", user_wake},
        {"settle", user_settle}, {"settle_like", user_settle_like},
        {"send", user_send},     {NULL, NULL}};
    vm_bind_object(lua, vm, OBJECT_USER, user_index, user_newindex, methods);
}

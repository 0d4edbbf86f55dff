/* bind_messages.c - `request`, `response`, `message` and `exchange` in a script. */
#include "vm.h"

#include <string.h>

/* What a row of the table is read from; all of them are looked at by name. */
enum kind { BYTES, TEXT, U32, U64, SECONDS, FLAG, CTEXT, OBJECT };

struct member {
    const char *name;
    enum kind kind;
    size_t offset; /* OBJECT: which */
};

static void push_text(lua_State *lua, reprise_bytes bytes)
{
    lua_pushlstring(lua, bytes.ptr ? bytes.ptr : "", bytes.ptr ? bytes.len : 0);
}

static int push_of(lua_State *lua, const void *owner, const struct member *members)
{
    const char *name = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "";
    for (; members->name; members++) {
        const char *field = (const char *)owner + members->offset;
        if (strcmp(name, members->name) != 0)
            continue;
        switch (members->kind) {
        case BYTES:
            vm_push_bytes(lua, *(const reprise_bytes *)(const void *)field);
            return 1;
        case TEXT: /* as BYTES, but what is not there is empty */
            push_text(lua, *(const reprise_bytes *)(const void *)field);
            return 1;
        case U32:
            lua_pushinteger(lua, *(const uint32_t *)(const void *)field);
            return 1;
        case U64:
            lua_pushinteger(lua, (lua_Integer) * (const uint64_t *)(const void *)field);
            return 1;
        case SECONDS:
            lua_pushnumber(lua, (double)*(const uint64_t *)(const void *)field / 1e6);
            return 1;
        case FLAG:
            lua_pushboolean(lua, *(const uint32_t *)(const void *)field != 0);
            return 1;
        case CTEXT:
            lua_pushstring(lua, *(const char *const *)(const void *)field);
            return 1;
        case OBJECT:
            vm_push_object(lua, (enum script_object)members->offset);
            return 1;
        }
    }
    return 0;
}

/* A method of that name, or a field. */
static int index_of(lua_State *lua, const void *owner, const struct member *members,
                    enum script_object object, const char *what)
{
    vm_call_of(lua, object);
    if (vm_push_method(lua, object, 2))
        return 1;
    if (!owner)
        return luaL_error(lua, "%s: only inside its own callback", what);
    if (push_of(lua, owner, members))
        return 1;
    return luaL_error(lua, "%s has no '%s'", what, luaL_tolstring(lua, 2, NULL));
}

#define FIELD(kind, owner, field)                                                                  \
    {                                                                                              \
#field, kind, offsetof(owner, field)                                                       \
    }

/* --- request --------------------------------------------------------------------------------- */

static int request_index(lua_State *lua)
{
    static const struct member members[] = {
        FIELD(BYTES, reprise_request, method),       FIELD(BYTES, reprise_request, url),
        FIELD(BYTES, reprise_request, body),         FIELD(U32, reprise_request, attempt),
        FIELD(U32, reprise_request, holds),          FIELD(U32, reprise_request, tag),
        FIELD(U32, reprise_request, mark),           FIELD(U64, reprise_request, body_bytes),
        {"headers", OBJECT, OBJECT_REQUEST_HEADERS}, {NULL, BYTES, 0}};
    const reprise_request *request = vm_of(lua)->request;
    vm_call_of(lua, OBJECT_REQUEST);
    const char *name = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "";
    if (request && strcmp(name, "step") == 0) { /* nil: added */
        if (request->step == REPRISE_ADDED)
            lua_pushnil(lua);
        else
            lua_pushinteger(lua, request->step);
        return 1;
    }
    /* nil: it is made while it is sent, so nobody has it */
    if (request && strcmp(name, "body") == 0 && (request->body.ptr || request->body_bytes == 0)) {
        push_text(lua, request->body);
        return 1;
    }
    return index_of(lua, request, members, OBJECT_REQUEST, "request");
}

static int request_newindex(lua_State *lua)
{
    struct vm *vm = vm_of(lua);
    const reprise_call *call = vm_call_of(lua, OBJECT_REQUEST);
    const char *name = luaL_checkstring(lua, 2);
    reprise_request *request = vm->request;
    size_t len;
    const char *value = luaL_optlstring(lua, 3, "", &len);
    if (!request || !vm->can_change)
        return luaL_error(lua, "request.%s: only on_request can change it", name);
    int result;
    if (strcmp(name, "url") == 0)
        result = call->host->set_url(call, request, value);
    else if (strcmp(name, "method") == 0)
        result = call->host->set_method(call, request, value);
    else if (strcmp(name, "body") == 0)
        result = call->host->set_body(call, request, value, len);
    else
        return luaL_error(lua, "request.%s cannot be set", name);
    if (result) {
        lua_pushfstring(lua, "request.%s", name);
        return vm_refused(lua, lua_tostring(lua, -1));
    }
    return 0;
}

static int request_keep_body(lua_State *lua)
{
    const reprise_call *call = vm_call_of(lua, OBJECT_REQUEST);
    call->host->keep_body(call);
    return 0;
}

/* --- response -------------------------------------------------------------------------------- */

static int response_index(lua_State *lua)
{
    static const struct member members[] = {
        FIELD(U32, reprise_response, status),
        FIELD(U32, reprise_response, recorded_status),
        FIELD(CTEXT, reprise_response, error),
        FIELD(BYTES, reprise_response, body),
        FIELD(U64, reprise_response, body_bytes),
        {"first_byte", SECONDS, offsetof(reprise_response, first_byte_us)},
        {"total", SECONDS, offsetof(reprise_response, total_us)},
        {"sent", SECONDS, offsetof(reprise_response, sent_us)},
        {"headers", OBJECT, OBJECT_RESPONSE_HEADERS},
        {"request", OBJECT, OBJECT_REQUEST},
        {NULL, BYTES, 0}};
    const reprise_response *response = vm_of(lua)->response;
    const char *name = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "";
    vm_call_of(lua, OBJECT_RESPONSE);
    /* nil: nobody kept it, or there was no answer */
    if (response && strcmp(name, "body") == 0 && response->status && response->body_bytes == 0) {
        push_text(lua, response->body);
        return 1;
    }
    return index_of(lua, response, members, OBJECT_RESPONSE, "response");
}

/* --- message --------------------------------------------------------------------------------- */

static int message_index(lua_State *lua)
{
    static const struct member members[] = {FIELD(U32, reprise_ws_message, step),
                                            FIELD(U32, reprise_ws_message, index),
                                            FIELD(FLAG, reprise_ws_message, is_outgoing),
                                            FIELD(FLAG, reprise_ws_message, is_text),
                                            FIELD(BYTES, reprise_ws_message, data),
                                            FIELD(U32, reprise_ws_message, mark),
                                            {NULL, BYTES, 0}};
    return index_of(lua, vm_of(lua)->message, members, OBJECT_MESSAGE, "message");
}

static int message_newindex(lua_State *lua)
{
    const reprise_call *call = vm_call_of(lua, OBJECT_MESSAGE);
    const char *name = luaL_checkstring(lua, 2);
    size_t len;
    if (strcmp(name, "data") != 0)
        return luaL_error(lua, "message.%s cannot be set", name);
    const char *data = luaL_checklstring(lua, 3, &len);
    if (call->host->ws_replace(call, data, len))
        return vm_refused(lua, "message.data");
    return 0;
}

/* message:send(data [, is_text]): text unless it is false. */
static int message_send(lua_State *lua)
{
    const reprise_call *call = vm_call_of(lua, OBJECT_MESSAGE);
    size_t len;
    const char *data = luaL_checklstring(lua, 2, &len);
    bool is_text = lua_isnoneornil(lua, 3) || lua_toboolean(lua, 3);
    if (call->host->ws_send(call, data, len, is_text))
        return vm_refused(lua, "message:send()");
    return 0;
}

/* --- exchange -------------------------------------------------------------------------------- */

static int recorded_index(lua_State *lua)
{
    static const char *const kinds[] = {"exchange", "connect", "sent", "received"};
    static const struct member members[] = {
        FIELD(U32, reprise_recorded, step),
        FIELD(U32, reprise_recorded, status),
        FIELD(FLAG, reprise_recorded, is_text),
        FIELD(BYTES, reprise_recorded, method),
        FIELD(BYTES, reprise_recorded, url),
        FIELD(TEXT, reprise_recorded, request_body),
        FIELD(BYTES, reprise_recorded, response_body),
        {"began", SECONDS, offsetof(reprise_recorded, began_us)},
        {"ended", SECONDS, offsetof(reprise_recorded, ended_us)},
        {"request_headers", OBJECT, OBJECT_RECORDED_REQUEST_HEADERS},
        {"response_headers", OBJECT, OBJECT_RECORDED_RESPONSE_HEADERS},
        {NULL, BYTES, 0}};
    const struct vm *vm = vm_of(lua);
    vm_call_of(lua, OBJECT_RECORDED);
    const char *name = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "";
    if (vm->recorded && strcmp(name, "kind") == 0) {
        lua_pushstring(lua, kinds[vm->recorded->kind < 4 ? vm->recorded->kind : 0]);
        return 1;
    }
    if (vm->recorded && strcmp(name, "session_id") == 0) {
        lua_pushinteger(lua, (lua_Integer)vm->call->session_id);
        return 1;
    }
    return index_of(lua, vm->recorded, members, OBJECT_RECORDED, "exchange");
}

/* exchange:mark(mark [, step]) */
static int recorded_mark(lua_State *lua)
{
    const reprise_call *call = vm_call_of(lua, OBJECT_RECORDED);
    const reprise_recorded *recorded = vm_of(lua)->recorded;
    uint32_t mark = (uint32_t)luaL_checkinteger(lua, 2);
    if (!recorded)
        return luaL_error(lua, "exchange: only inside on_recorded");
    if (call->host->mark(call, (uint32_t)luaL_optinteger(lua, 3, recorded->step), mark))
        return vm_refused(lua, "exchange:mark()");
    return 0;
}

void bind_messages(lua_State *lua, struct vm *vm)
{
    static const luaL_Reg of_request[] = {{"keep_body", request_keep_body}, {NULL, NULL}};
    static const luaL_Reg of_message[] = {{"send", message_send}, {NULL, NULL}};
    static const luaL_Reg of_recorded[] = {{"mark", recorded_mark}, {NULL, NULL}};
    vm_bind_object(lua, vm, OBJECT_REQUEST, request_index, request_newindex, of_request);
    vm_bind_object(lua, vm, OBJECT_RESPONSE, response_index, NULL, NULL);
    vm_bind_object(lua, vm, OBJECT_MESSAGE, message_index, message_newindex, of_message);
    vm_bind_object(lua, vm, OBJECT_RECORDED, recorded_index, NULL, of_recorded);
}

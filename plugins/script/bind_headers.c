/* bind_headers.c - headers in a script: headers["Name"], set where they can be, and pairs(). */
#include "vm.h"

#include <strings.h>

/* The `index`-th row. false: behind the last, or not inside the callback. */
static bool row_at(lua_State *lua, enum script_object object, size_t index, reprise_bytes *ret_name,
                   reprise_bytes *ret_value)
{
    const struct vm *vm = vm_of(lua);
    const reprise_call *call = vm_call(lua);
    const reprise_recorded *recorded = vm->recorded;
    if (object == OBJECT_REQUEST_HEADERS && vm->request)
        return call->host->request_header_at(call, vm->request, index, ret_name, ret_value);
    if (object == OBJECT_RESPONSE_HEADERS && vm->response)
        return call->host->response_header_at(call, vm->response, index, ret_name, ret_value);
    bool is_request = object == OBJECT_RECORDED_REQUEST_HEADERS;
    if (!recorded || (!is_request && object != OBJECT_RECORDED_RESPONSE_HEADERS) ||
        index >= (is_request ? recorded->request_header_count : recorded->response_header_count))
        return false;
    const reprise_header *row =
        &(is_request ? recorded->request_headers : recorded->response_headers)[index];
    *ret_name = row->name;
    *ret_value = row->value;
    return true;
}

static int headers_index(lua_State *lua)
{
    const struct vm *vm = vm_of(lua);
    const reprise_call *call = vm_call(lua);
    enum script_object object = vm_object_at(lua, 1);
    size_t len;
    const char *name = luaL_checklstring(lua, 2, &len);
    reprise_bytes row_name, value;
    if (object == OBJECT_REQUEST_HEADERS && vm->request) {
        vm_push_bytes(lua, call->host->request_header(call, vm->request, name));
        return 1;
    }
    if (object == OBJECT_RESPONSE_HEADERS && vm->response) {
        vm_push_bytes(lua, call->host->response_header(call, vm->response, name));
        return 1;
    }
    for (size_t i = 0; row_at(lua, object, i, &row_name, &value); i++)
        if (row_name.len == len && strncasecmp(row_name.ptr, name, len) == 0) {
            vm_push_bytes(lua, value);
            return 1;
        }
    return 0;
}

/* nil removes it. */
static int headers_newindex(lua_State *lua)
{
    const struct vm *vm = vm_of(lua);
    const reprise_call *call = vm_call(lua);
    const char *name = luaL_checkstring(lua, 2);
    const char *value = luaL_optstring(lua, 3, NULL);
    if (vm_object_at(lua, 1) != OBJECT_REQUEST_HEADERS || !vm->request || !vm->can_change)
        return luaL_error(lua, "headers[\"%s\"]: only on_request can change them", name);
    if (call->host->set_header(call, vm->request, name, value)) {
        lua_pushfstring(lua, "headers[\"%s\"]", name);
        return vm_refused(lua, lua_tostring(lua, -1));
    }
    return 0;
}

static int headers_next(lua_State *lua)
{
    reprise_bytes name, value;
    lua_Integer index = lua_tointeger(lua, lua_upvalueindex(1));
    lua_pushinteger(lua, index + 1);
    lua_replace(lua, lua_upvalueindex(1));
    if (!row_at(lua, vm_object_at(lua, 1), (size_t)index, &name, &value))
        return 0;
    vm_push_bytes(lua, name);
    vm_push_bytes(lua, value);
    return 2;
}

/* In order, and repeated ones each. */
int bind_headers_pairs(lua_State *lua)
{
    lua_pushinteger(lua, 0);
    lua_pushcclosure(lua, headers_next, 1);
    lua_pushvalue(lua, 1);
    return 2;
}

void bind_headers(lua_State *lua, struct vm *vm)
{
    static const enum script_object objects[] = {OBJECT_REQUEST_HEADERS, OBJECT_RESPONSE_HEADERS,
                                                 OBJECT_RECORDED_REQUEST_HEADERS,
                                                 OBJECT_RECORDED_RESPONSE_HEADERS};
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++)
        vm_bind_object(lua, vm, objects[i], headers_index, headers_newindex, NULL);
}

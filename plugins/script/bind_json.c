/* bind_json.c - json.decode and json.encode in a script. */
#include "vm.h"

#include <jansson.h>
#include <string.h>

enum { MAX_DEPTH = 100 };

#define BOX "reprise json"
/* Its address is the key of the metatable of lists: found without allocating. */
static const char list_key;

/* What jansson has made goes with this, also when Lua leaves by an error. */
static json_t **new_box(lua_State *lua)
{
    json_t **box = lua_newuserdatauv(lua, sizeof *box, 0);
    *box = NULL;
    luaL_setmetatable(lua, BOX);
    return box;
}

static int free_box(lua_State *lua)
{
    json_t **box = luaL_checkudata(lua, 1, BOX);
    json_decref(*box);
    *box = NULL;
    return 0;
}

static void push_null(lua_State *lua)
{
    lua_pushlightuserdata(lua, NULL);
}

static void push_value(lua_State *lua, json_t *value, int depth)
{
    const char *name;
    size_t name_bytes;
    json_t *member;
    luaL_checkstack(lua, 4, "json");
    if (depth > MAX_DEPTH)
        luaL_error(lua, "json.decode(): deeper than 100");
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        lua_createtable(lua, 0, (int)json_object_size(value));
        json_object_keylen_foreach(value, name, name_bytes, member)
        {
            lua_pushlstring(lua, name, name_bytes);
            push_value(lua, member, depth + 1);
            lua_rawset(lua, -3);
        }
        break;
    case JSON_ARRAY:
        lua_createtable(lua, (int)json_array_size(value), 0);
        lua_rawgetp(lua, LUA_REGISTRYINDEX, &list_key);
        lua_setmetatable(lua, -2);
        for (size_t i = 0; i < json_array_size(value); i++) {
            push_value(lua, json_array_get(value, i), depth + 1);
            lua_rawseti(lua, -2, (lua_Integer)i + 1);
        }
        break;
    case JSON_STRING:
        lua_pushlstring(lua, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        lua_pushinteger(lua, json_integer_value(value));
        break;
    case JSON_REAL:
        lua_pushnumber(lua, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(lua, json_is_true(value));
        break;
    case JSON_NULL:
        push_null(lua);
        break;
    }
}

/* json.decode(text): the value; nil and why when it is no JSON. */
static int decode(lua_State *lua)
{
    json_error_t error;
    size_t len;
    if (lua_isnoneornil(lua, 1)) { /* an answer without a body */
        lua_pushnil(lua);
        lua_pushliteral(lua, "there is no text");
        return 2;
    }
    const char *text = luaL_checklstring(lua, 1, &len);
    json_t **box = new_box(lua);
    *box = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!*box) {
        lua_pushnil(lua);
        lua_pushfstring(lua, "line %d: %s", error.line, error.text);
        return 2;
    }
    push_value(lua, *box, 0);
    json_decref(*box); /* now, and not when Lua gets round to it */
    *box = NULL;
    return 1;
}

static json_t *make_value(lua_State *lua, int at, int depth);

static bool is_array(lua_State *lua, int at)
{
    if (lua_getmetatable(lua, at)) {
        lua_rawgetp(lua, LUA_REGISTRYINDEX, &list_key);
        bool is_one = lua_rawequal(lua, -1, -2);
        lua_pop(lua, 2);
        if (is_one)
            return true;
    }
    return lua_rawlen(lua, at) > 0;
}

static json_t *make_table(lua_State *lua, int at, int depth)
{
    json_t *table = is_array(lua, at) ? json_array() : json_object();
    size_t len, count = lua_rawlen(lua, at);
    bool is_good = table != NULL;
    for (size_t i = 1; is_good && json_is_array(table) && i <= count; i++) {
        lua_rawgeti(lua, at, (lua_Integer)i);
        is_good = json_array_append_new(table, make_value(lua, lua_gettop(lua), depth + 1)) == 0;
        lua_pop(lua, 1);
    }
    if (json_is_object(table))
        lua_pushnil(lua);
    while (is_good && json_is_object(table) && lua_next(lua, at)) {
        is_good = lua_type(lua, -2) == LUA_TSTRING;
        const char *name = is_good ? lua_tolstring(lua, -2, &len) : NULL;
        json_t *value = is_good ? make_value(lua, lua_gettop(lua), depth + 1) : NULL;
        is_good = is_good && json_object_setn_new(table, name, len, value) == 0;
        lua_pop(lua, 1);
    }
    if (is_good)
        return table;
    json_decref(table);
    return NULL;
}

/* NULL: it cannot be JSON. Raises no error: nothing here allocates in Lua. */
static json_t *make_value(lua_State *lua, int at, int depth)
{
    size_t len;
    if (depth > MAX_DEPTH || !lua_checkstack(lua, 6))
        return NULL;
    switch (lua_type(lua, at)) {
    case LUA_TTABLE:
        return make_table(lua, at, depth);
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(lua, at));
    case LUA_TNUMBER:
        return lua_isinteger(lua, at) ? json_integer(lua_tointeger(lua, at))
                                      : json_real(lua_tonumber(lua, at));
    case LUA_TSTRING: {
        const char *text = lua_tolstring(lua, at, &len);
        return json_stringn(text, len);
    }
    case LUA_TLIGHTUSERDATA:
        return lua_touserdata(lua, at) ? NULL : json_null();
    default:
        return NULL;
    }
}

/* json.encode(value): compact, members in the order of their names. */
static int encode(lua_State *lua)
{
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS;
    luaL_Buffer out;
    luaL_checkany(lua, 1);
    lua_settop(lua, 1);
    json_t **box = new_box(lua);
    *box = make_value(lua, 1, 0);
    lua_settop(lua, 2);
    if (!*box)
        return luaL_error(lua, "json.encode(): tables with texts as names, lists, UTF-8 texts, "
                               "finite numbers, true, false and json.null, to a depth of 100");
    /* Into a buffer of Lua's that is large enough: what jansson holds on the way cannot be lost. */
    size_t len = json_dumpb(*box, NULL, 0, flags);
    char *into = luaL_buffinitsize(lua, &out, len + 1);
    luaL_pushresultsize(&out, json_dumpb(*box, into, len, flags));
    return 1;
}

/* json.array(table): it is a list, also when it is empty. */
static int array(lua_State *lua)
{
    if (lua_isnoneornil(lua, 1)) {
        lua_settop(lua, 0);
        lua_newtable(lua);
    }
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 1);
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &list_key);
    lua_setmetatable(lua, 1);
    return 1;
}

void bind_json(lua_State *lua)
{
    static const luaL_Reg functions[] = {
        {"decode", decode}, {"encode", encode}, {"array", array}, {NULL, NULL}};
    luaL_newmetatable(lua, BOX);
    lua_pushcfunction(lua, free_box);
    lua_setfield(lua, -2, "__gc");
    lua_pop(lua, 1);
    lua_newtable(lua);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &list_key);
    luaL_newlib(lua, functions);
    push_null(lua);
    lua_setfield(lua, -2, "null");
    lua_setglobal(lua, "json");
}

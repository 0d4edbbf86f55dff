/*
 * vm.h - Lua states for the threads of a run: each has the script loaded, its own memory limit and
 * a limit of instructions, and knows the call that it is in.
 *
 * A user belongs to one thread for life, so its Lua table lives in the state of that thread and
 * nothing is locked in a callback. States share no values.
 */
#ifndef SCRIPT_VM_H
#define SCRIPT_VM_H

#include "reprise_plugin.h"

#include <lauxlib.h>
#include <lua.h>
#include <pthread.h>
#include <stdbool.h>

enum { SCRIPT_MAX_METRICS = 48, SCRIPT_MAX_NAME_BYTES = 49, SCRIPT_MAX_FILE_BYTES = 4 << 20 };

enum script_callback {
    SCRIPT_SESSION_START,
    SCRIPT_REQUEST,
    SCRIPT_RESPONSE,
    SCRIPT_WS_MESSAGE,
    SCRIPT_SESSION_END,
    SCRIPT_RECORDED,
    SCRIPT_RECORDING_END,
    SCRIPT_CALLBACKS
};

/* The objects a callback is given: of that call alone, so that one kept is told from today's. */
enum script_object {
    OBJECT_USER,
    OBJECT_REQUEST,
    OBJECT_RESPONSE,
    OBJECT_MESSAGE,
    OBJECT_RECORDED,
    OBJECT_REQUEST_HEADERS,
    OBJECT_RESPONSE_HEADERS,
    OBJECT_RECORDED_REQUEST_HEADERS,
    OBJECT_RECORDED_RESPONSE_HEADERS,
    OBJECT_COUNT
};

struct script_metric {
    char name[SCRIPT_MAX_NAME_BYTES];
    char unit[16];
    uint32_t number;
};

struct plugin_state {
    const char *file, *args; /* options, down to is_unsafe */
    uint64_t limit, memory;
    uint32_t is_unsafe;
    char *source;
    size_t source_bytes;
    uint64_t instance; /* tells this run's states from those of one before it */
    bool is_started;   /* no metric can be added any more */
    size_t metric_count;
    struct script_metric metrics[SCRIPT_MAX_METRICS];
    struct vm *first;     /* what comes before the users runs in it */
    pthread_mutex_t lock; /* guards the list */
    struct vm *all;
};

struct user_state {
    struct vm *vm; /* of its thread */
    int table;     /* what the script keeps in `user`: a reference; LUA_NOREF: nothing yet */
};

struct vm {
    struct vm *next;
    struct plugin_state *state;
    lua_State *lua;
    size_t used_bytes;
    bool is_over;                    /* this call has had its instructions */
    int callbacks[SCRIPT_CALLBACKS]; /* references; LUA_NOREF: the script has none */
    uint64_t serial;                 /* of the call in hand, or the last one */
    int methods[OBJECT_COUNT];       /* references to tables of functions */
    lua_CFunction index[OBJECT_COUNT], newindex[OBJECT_COUNT];
    /* The call in hand; NULL outside, and what it is not about. */
    const reprise_call *call;
    struct user_state *user;
    reprise_request *request;
    bool can_change; /* the request */
    const reprise_response *response;
    const reprise_ws_message *message;
    const reprise_recorded *recorded;
    bool was_refused; /* a host function has said why */
};

static inline struct vm *vm_of(lua_State *lua)
{
    return *(struct vm **)lua_getextraspace(lua);
}

/* Of this thread; made when it is the first time. NULL with error() said. */
struct vm *vm_here(const reprise_call *call);

void vm_free(struct vm *vm);

/*
 * The callback with what vm->call and the others say: a verdict. An error is said with error(), or
 * with log() where `is_final` (nobody can fail any more).
 */
int vm_run(struct vm *vm, const reprise_call *call, enum script_callback callback, bool is_final);

/* For functions of the script, inside a callback only. */

/* The call in hand; raises an error outside of one, as while the file itself runs. */
const reprise_call *vm_call(lua_State *lua);

/* Raises an error: what a host function refused, whose reason the host keeps. */
int vm_refused(lua_State *lua, const char *what);

/* vm_call(), for a function of the object at 1: an error, too, when it is of another callback. */
const reprise_call *vm_call_of(lua_State *lua, enum script_object object);

/* Which of them it is at `at`. An error: none, or one of another callback. */
enum script_object vm_object_at(lua_State *lua, int at);

void vm_push_object(lua_State *lua, enum script_object object);
void vm_push_bytes(lua_State *lua, reprise_bytes bytes);

/* Whether the object has a function of the name at `name`; it, or nil, is on top. */
int vm_push_method(lua_State *lua, enum script_object object, int name);

/* What the files beside this one add to a new state. */
void bind_user(lua_State *lua, struct vm *vm);
void bind_messages(lua_State *lua, struct vm *vm);
void bind_headers(lua_State *lua, struct vm *vm);
int bind_headers_pairs(lua_State *lua);
void bind_helpers(lua_State *lua);
void bind_json(lua_State *lua);

/* An object of that name with __index and, unless NULL, __newindex; methods may be NULL. */
void vm_bind_object(lua_State *lua, struct vm *vm, enum script_object object, lua_CFunction index,
                    lua_CFunction newindex, const luaL_Reg *methods);

#endif

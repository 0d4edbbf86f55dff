// cpp.cpp - a plugin in C++: state with a constructor per user, names kept in a std::string.
#include "reprise_plugin.h"

#include <new>
#include <string>

namespace
{
struct Options {
    const char *prefix;
};

struct User {
    std::string marker;
};

int on_session_start(const reprise_call *call)
{
    const Options *options = static_cast<const Options *>(call->plugin);
    User *user = new (call->user) User();
    user->marker = std::string(options->prefix) + "-" + std::to_string(call->user_index);
    return REPRISE_CONTINUE;
}

int on_request(const reprise_call *call, reprise_request *request)
{
    const User *user = static_cast<const User *>(call->user);
    return call->host->set_header(call, request, "X-Cpp", user->marker.c_str()) ? REPRISE_FAIL
                                                                                : REPRISE_CONTINUE;
}

void on_session_end(const reprise_call *call)
{
    static_cast<User *>(call->user)->~User();
}

const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_STRING, Options, prefix, "cpp", "what the value starts with"),
    REPRISE_OPTIONS_END,
};

reprise_plugin fill()
{
    reprise_plugin filled = reprise_plugin_make("cpp");
    filled.threads = REPRISE_PARALLEL;
    filled.plugin_size = sizeof(Options);
    filled.user_size = sizeof(User);
    filled.options = options;
    filled.on_session_start = on_session_start;
    filled.on_request = on_request;
    filled.on_session_end = on_session_end;
    return filled;
}

const reprise_plugin plugin = fill();
} // namespace

REPRISE_REGISTER(plugin);

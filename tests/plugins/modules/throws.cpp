// throws.cpp - lets an exception leave a callback, which no plugin should.
#include "reprise_plugin.h"

#include <stdexcept>

namespace
{
int on_request(const reprise_call *, reprise_request *)
{
    throw std::runtime_error("nobody catches this");
}

reprise_plugin fill()
{
    reprise_plugin filled = reprise_plugin_make("throws");
    filled.on_request = on_request;
    return filled;
}

const reprise_plugin plugin = fill();
} // namespace

REPRISE_REGISTER(plugin);

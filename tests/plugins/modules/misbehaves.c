/* misbehaves.c - does while a run goes on what no plugin should: stands still, answers nonsense,
 * crashes in each way there is. */
#define _GNU_SOURCE
#include "reprise_plugin.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct options {
    uint64_t stall;
    uint64_t verdict;
    uint64_t after;
    const char *how;
    const char *where;
};

static volatile int nought;
static char *volatile nowhere;

/* Its own frame each time, whatever the compiler makes of it. */
static int recurse(int depth)
{
    volatile char frame[4096];
    frame[0] = (char)depth;
    return nought ? depth : recurse(depth + 1) + frame[0];
}

/* A mapping of a file that has no such byte. */
static int touch_behind_the_end(void)
{
    FILE *file = tmpfile();
    if (!file)
        return 0;
    const char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
    return map == MAP_FAILED ? 0 : *(const volatile char *)map;
}

static int crash(const char *how)
{
    if (strcmp(how, "segv") == 0)
        *nowhere = 1;
    else if (strcmp(how, "recurse") == 0)
        return recurse(0);
    else if (strcmp(how, "bus") == 0)
        return touch_behind_the_end();
    else if (strcmp(how, "ill") == 0)
        raise(SIGILL);
    else if (strcmp(how, "fpe") == 0)
        nought = 100 / nought; /* 1 / x is no division to a compiler */
    else if (strcmp(how, "abort") == 0)
        abort();
    else if (strcmp(how, "loop") == 0)
        while (!nought)
            ;
    return 0;
}

static int misbehave(const reprise_call *call, const char *where)
{
    struct options *options = call->plugin;
    if (!*options->how || strcmp(options->where, where) != 0)
        return 0;
    if (options->after == 0)
        return crash(options->how);
    options->after--;
    return 0;
}

static int start(const reprise_call *call)
{
    return misbehave(call, "start");
}

static void stop(const reprise_call *call)
{
    misbehave(call, "stop");
}

static int on_recorded(const reprise_call *call, const reprise_recorded *recorded)
{
    (void)recorded;
    return misbehave(call, "on_recorded");
}

static int on_recording_end(const reprise_call *call)
{
    return misbehave(call, "on_recording_end");
}

static int on_request(const reprise_call *call, reprise_request *request)
{
    const struct options *options = call->plugin;
    (void)request;
    if (options->stall)
        poll(NULL, 0, (int)(options->stall / 1000));
    misbehave(call, "on_request");
    return (int)options->verdict;
}

static int on_response(const reprise_call *call, const reprise_response *response)
{
    (void)response;
    return misbehave(call, "on_response");
}

static void on_session_end(const reprise_call *call)
{
    misbehave(call, "on_session_end");
}

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_DURATION, struct options, stall, "0ms", "keep the event loop this long"),
    REPRISE_OPTION(REPRISE_NUMBER, struct options, verdict, "0", "what on_request answers"),
    REPRISE_OPTION(REPRISE_NUMBER, struct options, after, "0", "calls that go well before"),
    REPRISE_OPTION(REPRISE_STRING, struct options, how, "",
                   "segv, recurse, bus, ill, fpe, abort, loop"),
    REPRISE_OPTION(REPRISE_STRING, struct options, where, "on_request", "the callback that does"),
    REPRISE_OPTIONS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
    .name = "misbehaves",
    .plugin_size = sizeof(struct options),
    .options = options,
    .start = start,
    .stop = stop,
    .on_request = on_request,
    .on_response = on_response,
    .on_session_end = on_session_end,
    .on_recorded = on_recorded,
    .on_recording_end = on_recording_end,
};

REPRISE_REGISTER(plugin);

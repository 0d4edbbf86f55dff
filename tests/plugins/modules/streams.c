/* streams.c - sends bodies that are made while they are sent, and has seen enough of long answers:
 * each PUT goes to /put/USER with `size` bytes of the user's own letter. */
#include "reprise_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    uint64_t size;
    uint64_t rate;
    uint64_t enough;
    uint64_t fails_at;
};

struct user {
    uint64_t made, released, seen;
};

struct stream {
    struct user *user;
    uint64_t fails_at;
    int letter;
};

enum { TOO_SOON, MADE, KEPT, RECORDED_BYTES, SEEN_BYTES };

static int64_t read_stream(void *state, uint64_t offset, void *into, size_t max)
{
    const struct stream *stream = state;
    if (stream->fails_at && offset >= stream->fails_at)
        return -1;
    memset(into, stream->letter, max);
    return (int64_t)max;
}

static void release_stream(void *state)
{
    struct stream *stream = state;
    stream->user->released++;
    free(stream);
}

static int set_stream(const reprise_call *call, reprise_request *request, int letter)
{
    const struct options *options = call->plugin;
    struct user *user = call->user;
    struct stream *stream = malloc(sizeof *stream);
    if (!stream)
        return -1;
    *stream = (struct stream){.user = user, .fails_at = options->fails_at, .letter = letter};
    const reprise_body_source source = {.size = sizeof source,
                                        .body_bytes = options->size,
                                        .read = read_stream,
                                        .release = release_stream,
                                        .state = stream,
                                        .bytes_per_s = options->rate};
    user->made++;
    return call->host->set_body_source(call, request, &source);
}

static int on_request(const reprise_call *call, reprise_request *request)
{
    char url[64];
    int letter = 'a' + (int)(call->user_index % 26);
    if (strcmp(request->method.ptr, "PUT") != 0)
        return REPRISE_CONTINUE;
    call->host->record(call, RECORDED_BYTES, call->host->request_body_at(call, request, 0).len);
    snprintf(url, sizeof url, "/put/%llu", (unsigned long long)call->user_index);
    if (set_stream(call, request, letter) || call->host->set_url(call, request, url))
        return REPRISE_FAIL;
    return REPRISE_CONTINUE;
}

static int on_response(const reprise_call *call, const reprise_response *response)
{
    const struct options *options = call->plugin;
    if (strcmp(response->request->method.ptr, "PUT") != 0 || !response->status || !options->rate)
        return REPRISE_CONTINUE;
    uint64_t least_us = response->request->body_bytes * 1000000 / options->rate;
    call->host->record(call, TOO_SOON, response->sent_us < least_us);
    return REPRISE_CONTINUE;
}

static int on_response_data(const reprise_call *call, const reprise_response *response,
                            reprise_bytes data)
{
    const struct options *options = call->plugin;
    struct user *user = call->user;
    (void)response;
    user->seen += data.len;
    if (options->enough && user->seen >= options->enough)
        call->host->end_response(call);
    return REPRISE_CONTINUE;
}

static void on_session_end(const reprise_call *call)
{
    const struct user *user = call->user;
    call->host->record(call, MADE, user->made);
    call->host->record(call, KEPT, user->made - user->released);
    call->host->record(call, SEEN_BYTES, user->seen);
}

static const reprise_option options[] = {
    REPRISE_OPTION(REPRISE_SIZE, struct options, size, "2MB", "of each body"),
    REPRISE_OPTION(REPRISE_SIZE, struct options, rate, "0", "bytes a second; 0: all at once"),
    REPRISE_OPTION(REPRISE_SIZE, struct options, enough, "0", "of a user's answers; 0: all"),
    REPRISE_OPTION(REPRISE_SIZE, struct options, fails_at, "0", "where reading fails; 0: nowhere"),
    REPRISE_OPTIONS_END,
};

static const reprise_metric metrics[] = {
    [TOO_SOON] = {"streams_too_soon", "", "sent faster than the pace", REPRISE_COUNTER, 0},
    [MADE] = {"streams_made", "", "bodies", REPRISE_COUNTER, 0},
    [KEPT] = {"streams_kept", "", "bodies not released", REPRISE_COUNTER, 0},
    [RECORDED_BYTES] = {"streams_recorded", "bytes", "of recorded bodies", REPRISE_COUNTER, 0},
    [SEEN_BYTES] = {"streams_seen", "bytes", "of answers", REPRISE_COUNTER, 0},
    REPRISE_METRICS_END,
};

static const reprise_plugin plugin = {
    REPRISE_PLUGIN_HEADER,
    .name = "streams",
    .flags = REPRISE_NO_REQUEST_BODY,
    .threads = REPRISE_PARALLEL,
    .plugin_size = sizeof(struct options),
    .user_size = sizeof(struct user),
    .options = options,
    .metrics = metrics,
    .on_request = on_request,
    .on_response = on_response,
    .on_response_data = on_response_data,
    .on_session_end = on_session_end,
};

REPRISE_REGISTER(plugin);

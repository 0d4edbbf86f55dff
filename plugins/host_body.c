/*
 * host_body.c - bodies of plugins: a request's as it lies, or made while it is sent; an answer's,
 * cut short.
 *
 * A source that a plugin has given belongs to its request from then on. It is released when the
 * request gives it up, between callbacks: what is replaced inside one waits for its end.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "plugins/host.h"

struct chain_source {
    struct http_body_source base; /* what the transport reads */
    struct chain_source *next;    /* worker->given_up */
    struct chain_worker *worker;
    uint32_t plugin;
    reprise_body_source theirs;
    char failure[400];
};

static struct chain_plugin *enter(struct chain_worker *worker, uint32_t index, const char *doing)
{
    struct chain_plugin *plugin = &worker->chain->plugins[index];
    if (plugin->loaded.api.threads == REPRISE_SERIAL)
        pthread_mutex_lock(&plugin->serial);
    guard_enter(&worker->guard, plugin->loaded.api.name, doing);
    return plugin;
}

static void leave(struct chain_worker *worker, struct chain_plugin *plugin)
{
    guard_leave(&worker->guard);
    if (plugin->loaded.api.threads == REPRISE_SERIAL)
        pthread_mutex_unlock(&plugin->serial);
}

/* With what the plugin says of it, while it may still be entered. */
static void keep_failure(struct chain_source *source, const char *name, uint64_t offset,
                         int64_t got)
{
    const reprise_body_source *theirs = &source->theirs;
    const char *reason = got <= 0 && theirs->reason ? theirs->reason(theirs->state) : NULL;
    snprintf(source->failure, sizeof source->failure,
             "plugin %s: its body source %s at byte %llu of %llu%s%s", name,
             got > 0 ? "gave more than it was asked for" : "failed", (unsigned long long)offset,
             (unsigned long long)source->base.body_bytes, reason ? ": " : "", reason ? reason : "");
    host_make_one_line(source->failure);
}

static ssize_t read_source(struct http_body_source *base, uint64_t offset, void *into, size_t max)
{
    struct chain_source *source = (struct chain_source *)base;
    struct chain_plugin *plugin = enter(source->worker, source->plugin, "read() of its body");
    uint64_t began_ns = clock_now_ns();
    int64_t got = source->theirs.read(source->theirs.state, offset, into, max);
    uint64_t ended_ns = clock_now_ns();
    bool is_good = got > 0 && (uint64_t)got <= max;
    if (!is_good)
        keep_failure(source, plugin->loaded.api.name, offset, got);
    leave(source->worker, plugin);
    chain_count_time(source->worker, source->plugin, CHAIN_BODY_READ, ended_ns - began_ns);
    if (is_good)
        return (ssize_t)got;
    base->failure = source->failure;
    return -1;
}

static void release_source(struct http_body_source *base)
{
    struct chain_source *source = (struct chain_source *)base;
    if (source->theirs.release) {
        struct chain_plugin *plugin =
            enter(source->worker, source->plugin, "release() of its body");
        source->theirs.release(source->theirs.state);
        leave(source->worker, plugin);
    }
    free(source);
}

void host_give_up_source(struct chain_worker *worker, struct http_body_source *base)
{
    struct chain_source *source = (struct chain_source *)base;
    if (!source)
        return;
    source->next = worker->given_up;
    worker->given_up = source;
}

void host_release_sources(struct chain_worker *worker)
{
    while (worker->given_up) {
        struct chain_source *source = worker->given_up;
        worker->given_up = source->next;
        release_source(&source->base);
    }
}

static int take_source(struct chain_worker *worker, reprise_request *view,
                       struct chain_source *source)
{
    struct http_request *request = host_changeable(worker, view, "set_body_source");
    if (!request) {
        host_give_up_source(worker, &source->base);
        return -1;
    }
    if (!source->theirs.read || source->theirs.body_bytes > INT64_MAX) {
        host_give_up_source(worker, &source->base);
        return host_refuse(worker, source->theirs.read ? "set_body_source(): no body is that long"
                                                       : "set_body_source(): it has no read()");
    }
    host_give_up_source(worker, http_request_take_source(request));
    http_request_set_source(request, &source->base); /* it is none of those that are refused */
    view->body = (reprise_bytes){0};
    view->body_bytes = source->base.body_bytes;
    return 0;
}

int host_set_body_source(const reprise_call *call, reprise_request *request,
                         const reprise_body_source *source)
{
    struct chain_worker *worker = host_worker(call, "set_body_source");
    if (!source || source->size < sizeof *source)
        return worker ? host_refuse(worker, "set_body_source(): there is none, or its size is "
                                            "wrong")
                      : -1;
    struct chain_source *copy = worker ? calloc(1, sizeof *copy) : NULL;
    if (!copy) {
        if (source->release)
            source->release(source->state);
        return worker ? host_refuse(worker, "set_body_source(): no memory") : -1;
    }
    copy->base = (struct http_body_source){.body_bytes = source->body_bytes,
                                           .bytes_per_s = source->bytes_per_s,
                                           .read = read_source,
                                           .release = release_source};
    copy->worker = worker;
    copy->plugin = worker->plugin_index;
    copy->theirs = *source;
    return take_source(worker, request, copy);
}

reprise_bytes host_request_body_at(const reprise_call *call, const reprise_request *request,
                                   size_t index)
{
    struct chain_worker *worker = host_worker(call, "request_body_at");
    const struct http_request *found =
        worker ? host_readable(worker, request, "request_body_at") : NULL;
    if (!found)
        return (reprise_bytes){0};
    struct bytes piece = {0};
    if (found->body_pieces && index < found->body_piece_count)
        piece = found->body_pieces[index];
    else if (!found->body_pieces && index == 0 && found->body.len)
        piece = found->body;
    return (reprise_bytes){.ptr = piece.ptr, .len = piece.len};
}

/* Joined only for a plugin that looks at it: others cost nothing by it, however large it is. */
void host_view_body(struct chain_worker *worker, struct http_request *request,
                    reprise_request *view)
{
    bool is_hidden = worker->plugin->loaded.api.flags & REPRISE_NO_REQUEST_BODY || request->source;
    view->body_bytes = http_request_body_bytes(request);
    view->body = (reprise_bytes){0};
    if (is_hidden || http_request_join_body(request))
        return;
    view->body = (reprise_bytes){.ptr = request->body.ptr, .len = request->body.len};
}

void host_end_response(const reprise_call *call)
{
    struct chain_worker *worker = host_worker(call, "end_response");
    if (!worker)
        return;
    if (worker->data)
        worker->data->is_enough = true;
    else
        host_refuse(worker, "end_response(): only in on_response_data");
}

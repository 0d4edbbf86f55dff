/* host_request.c - the requests in a plugin's hands: reading, rewriting and adding them. */
#include <assert.h>
#include <stdlib.h>

#include "core/url.h"
#include "plugins/host.h"

static reprise_bytes to_plugin(struct bytes bytes)
{
    return (reprise_bytes){.ptr = bytes.ptr, .len = bytes.len};
}

/* A copy that ends with the promised '\0'; views of the plan or of an answer need not have one. */
static reprise_bytes terminated(struct chain_worker *worker, struct bytes bytes)
{
    if (!bytes.ptr)
        return (reprise_bytes){0};
    struct bytes copy = arena_copy(&worker->scratch, bytes);
    if (!copy.ptr)
        host_refuse(worker, "more than %d bytes read in one callback", CHAIN_MAX_SCRATCH_BYTES);
    return to_plugin(copy);
}

void host_view_request(const struct http_request *request, reprise_request *view)
{
    assert(host_ends_with_nul(request->method) && host_ends_with_nul(request->url));
    view->method = to_plugin(request->method);
    view->url = to_plugin(request->url);
}

void host_drop_fresh(struct chain_worker *worker)
{
    while (worker->fresh) {
        struct chain_added *added = worker->fresh;
        worker->fresh = added->next;
        worker->user->added_in_step--;
        http_request_fini(&added->request);
        arena_fini(&added->arena);
        free(added);
    }
}

/* The request behind a plugin's pointer, found without touching what it points to. */
static struct http_request *find_request(struct chain_worker *worker,
                                         const reprise_request *request)
{
    if (request && request == &worker->request_view && worker->request)
        return worker->request;
    for (struct chain_added *added = worker->fresh; added; added = added->next) {
        if (request == &added->view)
            return &added->request;
    }
    return NULL;
}

const struct http_request *host_readable(struct chain_worker *worker,
                                         const reprise_request *request, const char *function)
{
    const struct http_request *found = find_request(worker, request);
    if (!found)
        host_refuse(worker, "%s(): that request is not of this callback, or was sent", function);
    return found;
}

struct http_request *host_changeable(struct chain_worker *worker, const reprise_request *request,
                                     const char *function)
{
    struct http_request *found = find_request(worker, request);
    if (found && found == worker->request && worker->callback != CHAIN_REQUEST)
        found = NULL;
    if (!found)
        host_refuse(worker, "%s(): that request cannot be changed in this callback", function);
    return found;
}

reprise_bytes host_request_header(const reprise_call *call, const reprise_request *request,
                                  const char *name)
{
    struct chain_worker *worker = host_worker(call, "request_header");
    const struct http_request *found =
        worker ? host_readable(worker, request, "request_header") : NULL;
    if (!found || !name)
        return (reprise_bytes){0};
    return terminated(worker,
                      http_headers_find(found->headers, found->header_count, bytes_of(name)));
}

static const struct http_response *
response_of(struct chain_worker *worker, const reprise_response *response, const char *function)
{
    if (worker->answer && response == &worker->response_view)
        return worker->answer->response;
    host_refuse(worker, "%s(): that response is not of this callback", function);
    return NULL;
}

reprise_bytes host_response_header(const reprise_call *call, const reprise_response *response,
                                   const char *name)
{
    struct chain_worker *worker = host_worker(call, "response_header");
    const struct http_response *found =
        worker ? response_of(worker, response, "response_header") : NULL;
    if (!found || !name)
        return (reprise_bytes){0};
    return terminated(worker,
                      http_headers_find(found->headers, found->header_count, bytes_of(name)));
}

static int header_at(struct chain_worker *worker, const struct http_header *headers, size_t count,
                     size_t index, reprise_bytes *ret_name, reprise_bytes *ret_value)
{
    if (index >= count || !ret_name || !ret_value)
        return 0;
    *ret_name = terminated(worker, headers[index].name);
    *ret_value = terminated(worker, headers[index].value);
    return 1;
}

int host_request_header_at(const reprise_call *call, const reprise_request *request, size_t index,
                           reprise_bytes *ret_name, reprise_bytes *ret_value)
{
    struct chain_worker *worker = host_worker(call, "request_header_at");
    const struct http_request *found =
        worker ? host_readable(worker, request, "request_header_at") : NULL;
    if (!found)
        return 0;
    return header_at(worker, found->headers, found->header_count, index, ret_name, ret_value);
}

int host_response_header_at(const reprise_call *call, const reprise_response *response,
                            size_t index, reprise_bytes *ret_name, reprise_bytes *ret_value)
{
    struct chain_worker *worker = host_worker(call, "response_header_at");
    const struct http_response *found =
        worker ? response_of(worker, response, "response_header_at") : NULL;
    if (!found)
        return 0;
    return header_at(worker, found->headers, found->header_count, index, ret_name, ret_value);
}

int host_set_method(const reprise_call *call, reprise_request *request, const char *method)
{
    struct chain_worker *worker = host_worker(call, "set_method");
    struct http_request *found = worker ? host_changeable(worker, request, "set_method") : NULL;
    if (!found)
        return -1;
    if (!method || http_request_set_method(found, bytes_of(method)))
        return host_refuse(worker, "set_method(): '%.40s' is no method", method ? method : "");
    request->method = to_plugin(found->method);
    return 0;
}

/* `url`, or, when it is only a path, the scheme and host of `base` with it. .ptr NULL: neither. */
static struct bytes resolve(struct chain_worker *worker, struct bytes base, const char *url)
{
    struct url parts;
    if (url[0] != '/')
        return url_parse(bytes_of(url), &parts) ? (struct bytes){0} : bytes_of(url);
    if (url_parse(base, &parts))
        return (struct bytes){0};
    return bytes_of(arena_printf(&worker->scratch, "%.*s://%.*s%s", BYTES_ARG(parts.scheme),
                                 BYTES_ARG(parts.authority), url));
}

int host_set_url(const reprise_call *call, reprise_request *request, const char *url)
{
    struct chain_worker *worker = host_worker(call, "set_url");
    struct http_request *found = worker ? host_changeable(worker, request, "set_url") : NULL;
    if (!found)
        return -1;
    struct bytes resolved = url ? resolve(worker, found->url, url) : (struct bytes){0};
    if (!resolved.ptr || http_request_set_url(found, resolved))
        return host_refuse(worker, "set_url(): '%.100s' is no URL of http, https, ws or wss",
                           url ? url : "");
    request->url = to_plugin(found->url);
    if (found == worker->request)
        worker->outcome->aimed_by = worker->plugin_index + 1;
    return 0;
}

int host_set_header(const reprise_call *call, reprise_request *request, const char *name,
                    const char *value)
{
    struct chain_worker *worker = host_worker(call, "set_header");
    struct http_request *found = worker ? host_changeable(worker, request, "set_header") : NULL;
    if (!found)
        return -1;
    if (!name || http_request_set_header(found, bytes_of(name), bytes_of(value)))
        return host_refuse(worker, "set_header(): '%.60s' or its value is not valid in a header",
                           name ? name : "");
    return 0;
}

int host_set_body(const reprise_call *call, reprise_request *request, const void *data, size_t len)
{
    struct chain_worker *worker = host_worker(call, "set_body");
    struct http_request *found = worker ? host_changeable(worker, request, "set_body") : NULL;
    if (!found)
        return -1;
    struct http_body_source *source = http_request_take_source(found);
    if ((!data && len) || http_request_set_body(found, bytes_make(data, len))) {
        found->source = source;
        return host_refuse(worker, "set_body(): no room for %zu bytes", len);
    }
    host_give_up_source(worker, source);
    host_view_body(worker, found, request);
    return 0;
}

/* A GET of "/" where the run is aimed at, or else where the request in hand goes; without either
 * the url stays empty. */
static int start_empty(struct chain_worker *worker, struct http_request *request)
{
    struct bytes base = worker->request ? worker->request->url : (struct bytes){0};
    const char *target = worker->chain->options.target_url;
    struct bytes url = resolve(worker, target ? bytes_of(target) : base, "/");
    if (http_request_set_method(request, bytes_of("GET")))
        return -1;
    return url.ptr ? http_request_set_url(request, url) : 0;
}

static bool can_add(struct chain_worker *worker, const char *function)
{
    if (worker->callback != CHAIN_SESSION_START && worker->callback != CHAIN_REQUEST &&
        worker->callback != CHAIN_RESPONSE) {
        host_refuse(worker, "%s(): no request can be added in %s", function,
                    chain_callback_name(worker->callback));
        return false;
    }
    return true;
}

struct chain_added *host_add_request(struct chain_worker *worker, const char *function,
                                     uint32_t tag)
{
    if (!can_add(worker, function))
        return NULL;
    uint32_t max_added = worker->chain->options.max_added;
    if (worker->user->added_in_step >= max_added) {
        host_refuse(worker, "more than %u requests added in one step of the session", max_added);
        return NULL;
    }
    struct chain_added *added = calloc(1, sizeof *added);
    if (!added) {
        host_refuse(worker, "no memory for an added request");
        return NULL;
    }
    arena_init(&added->arena, CHAIN_MAX_ADDED_BYTES);
    added->request.arena = &added->arena;
    added->plugin = worker->plugin_index;
    added->tag = tag;
    added->next = worker->fresh;
    worker->fresh = added; /* from here on host_drop_fresh() frees it */
    worker->user->added_in_step++;
    return added;
}

reprise_request *host_show_added(struct chain_worker *worker, struct chain_added *added)
{
    added->view = (reprise_request){.step = REPRISE_ADDED, .tag = added->tag};
    host_view_request(&added->request, &added->view);
    host_view_body(worker, &added->request, &added->view);
    return &added->view;
}

reprise_request *host_new_request(const reprise_call *call, const reprise_request *like,
                                  uint32_t tag)
{
    struct chain_worker *worker = host_worker(call, "new_request");
    const struct http_request *model = NULL;
    if (!worker || (like && !(model = host_readable(worker, like, "new_request"))))
        return NULL;
    struct chain_added *added = host_add_request(worker, "new_request", tag);
    if (!added)
        return NULL;
    if (model ? http_request_copy(&added->request, model) : start_empty(worker, &added->request)) {
        host_refuse(worker, "no memory for an added request");
        return NULL;
    }
    return host_show_added(worker, added);
}

int host_send_request(const reprise_call *call, reprise_request *request)
{
    struct chain_worker *worker = host_worker(call, "send");
    if (!worker)
        return -1;
    struct chain_added **link = &worker->fresh;
    while (*link && &(*link)->view != request)
        link = &(*link)->next;
    struct chain_added *added = *link;
    struct url parts;
    if (!added)
        return host_refuse(worker,
                           "send(): that request is not from new_request(), or was sent before");
    if (url_parse(added->request.url, &parts) ||
        bytes_starts_with_nocase(parts.scheme, bytes_of("ws")))
        return host_refuse(worker,
                           "send(): the added request has no http or https URL; set_url() it");
    *link = added->next;
    added->next = NULL;
    if (worker->last_added)
        worker->last_added->next = added;
    else
        worker->outcome->added = added;
    worker->last_added = added;
    worker->outcome->added_count++;
    worker->user->states[worker->plugin_index].pending++;
    return 0;
}

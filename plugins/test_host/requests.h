/*
 * requests.h - test_host.h's functions about requests, bodies and answers.
 */
#ifndef REPRISE_TEST_HOST_REQUESTS_H
#define REPRISE_TEST_HOST_REQUESTS_H

#include "plugins/test_host/state.h"

static inline reprise_bytes test_host_request_header_(const reprise_call *call,
                                                      const reprise_request *view, const char *name)
{
    const struct test_host_request *request = (const struct test_host_request *)(const void *)view;
    (void)call;
    return test_host_find(request->headers, request->header_count, name);
}

static inline reprise_bytes
test_host_response_header_(const reprise_call *call, const reprise_response *view, const char *name)
{
    (void)view;
    return test_host_find(test_host_of(call)->response.headers,
                          test_host_of(call)->response.header_count, name);
}

static inline int test_host_at(const struct test_host_header *headers, size_t count, size_t index,
                               reprise_bytes *ret_name, reprise_bytes *ret_value)
{
    if (index >= count)
        return 0;
    ret_name->ptr = headers[index].name;
    ret_name->len = strlen(headers[index].name);
    ret_value->ptr = headers[index].value;
    ret_value->len = strlen(headers[index].value);
    return 1;
}

static inline int test_host_request_at_(const reprise_call *call, const reprise_request *view,
                                        size_t index, reprise_bytes *ret_name,
                                        reprise_bytes *ret_value)
{
    const struct test_host_request *request = (const struct test_host_request *)(const void *)view;
    (void)call;
    return test_host_at(request->headers, request->header_count, index, ret_name, ret_value);
}

static inline int test_host_response_at_(const reprise_call *call, const reprise_response *view,
                                         size_t index, reprise_bytes *ret_name,
                                         reprise_bytes *ret_value)
{
    const struct test_host_response *response = &test_host_of(call)->response;
    (void)view;
    return test_host_at(response->headers, response->header_count, index, ret_name, ret_value);
}

static inline int test_host_set_method_(const reprise_call *call, reprise_request *view,
                                        const char *method)
{
    struct test_host *host = test_host_of(call);
    if (!test_host_change(host, view, "set_method(): not in this callback"))
        return -1;
    if (!method || !*method || strpbrk(method, " \r\n"))
        return test_host_no(host, "set_method(): that is no method");
    view->method = test_host_text(host, method);
    return 0;
}

static inline int test_host_set_url_(const reprise_call *call, reprise_request *view,
                                     const char *url)
{
    struct test_host *host = test_host_of(call);
    char joined[4096];
    if (!test_host_change(host, view, "set_url(): not in this callback"))
        return -1;
    const char *scheme = view->url.ptr ? strstr(view->url.ptr, "://") : NULL;
    if (url && *url == '/' && scheme) {
        size_t base = (size_t)(scheme - view->url.ptr) + 3;
        base += strcspn(view->url.ptr + base, "/?#");
        snprintf(joined, sizeof joined, "%.*s%s", (int)base, view->url.ptr, url);
        url = joined;
    }
    if (!url || (strncmp(url, "http", 4) != 0 && strncmp(url, "ws", 2) != 0) || !strstr(url, "://"))
        return test_host_no(host, "set_url(): that is no URL of http, https, ws or wss");
    view->url = test_host_text(host, url);
    return 0;
}

static inline int test_host_set_header_(const reprise_call *call, reprise_request *view,
                                        const char *name, const char *value)
{
    struct test_host *host = test_host_of(call);
    struct test_host_request *request =
        test_host_change(host, view, "set_header(): not in this callback");
    return request ? test_host_put(host, request->headers, &request->header_count, name, value)
                   : -1;
}

static inline void test_host_release(struct test_host_request *request)
{
    if (request->has_source && request->source.release)
        request->source.release(request->source.state);
    request->has_source = 0;
}

static inline void test_host_show_body(struct test_host *host, struct test_host_request *request,
                                       reprise_bytes body)
{
    const reprise_bytes none = {NULL, 0};
    request->body = body;
    request->view.body = host->plugin->flags & REPRISE_NO_REQUEST_BODY ? none : body;
    request->view.body_bytes = body.len;
}

static inline int test_host_set_body_(const reprise_call *call, reprise_request *view,
                                      const void *data, size_t len)
{
    struct test_host *host = test_host_of(call);
    struct test_host_request *request =
        test_host_change(host, view, "set_body(): not in this callback");
    if (!request)
        return -1;
    if (!data && len)
        return test_host_no(host, "set_body(): a length and no data");
    test_host_release(request);
    test_host_show_body(host, request, test_host_keep(host, data ? data : "", len));
    return 0;
}

static inline int test_host_set_source_(const reprise_call *call, reprise_request *view,
                                        const reprise_body_source *source)
{
    struct test_host *host = test_host_of(call);
    struct test_host_request *request =
        test_host_change(host, view, "set_body_source(): not in this callback");
    if (!request || !source || source->size < sizeof *source || !source->read) {
        if (source && source->size >= sizeof *source && source->release)
            source->release(source->state);
        return test_host_no(host, "set_body_source(): it has no read(), or its size is wrong");
    }
    test_host_release(request);
    request->source = *source;
    request->has_source = 1;
    test_host_show_body(host, request, test_host_keep(host, NULL, 0));
    view->body_bytes = source->body_bytes;
    return 0;
}

static inline reprise_bytes test_host_body_at_(const reprise_call *call,
                                               const reprise_request *view, size_t index)
{
    const reprise_bytes none = {NULL, 0};
    const struct test_host_request *request = (const struct test_host_request *)(const void *)view;
    (void)call; /* in two pieces, so that nobody relies on one */
    reprise_bytes whole = request->body;
    size_t half = whole.len / 2;
    if (!whole.ptr || index > 1 || !whole.len)
        return none;
    whole.ptr += index ? half : 0;
    whole.len = index ? whole.len - half : half;
    return whole;
}

static inline reprise_request *test_host_new_(const reprise_call *call, const reprise_request *like,
                                              uint32_t tag)
{
    struct test_host *host = test_host_of(call);
    if (host->callback != TEST_HOST_SESSION_START && host->callback != TEST_HOST_REQUEST &&
        host->callback != TEST_HOST_RESPONSE) {
        test_host_no(host, "new_request(): no request can be added in this callback");
        return NULL;
    }
    struct test_host_request *fresh =
        (struct test_host_request *)test_host_alloc(host, sizeof *fresh);
    char url[1024];
    snprintf(url, sizeof url, "%s/", call->target.ptr);
    if (like)
        memcpy((void *)fresh, (const void *)like, sizeof *fresh);
    else
        fresh->view.method = test_host_text(host, "GET");
    if (!like)
        fresh->view.url = test_host_text(host, url);
    fresh->has_source = fresh->is_sent = 0;
    fresh->view.step = REPRISE_ADDED;
    fresh->view.attempt = fresh->view.holds = fresh->view.mark = 0;
    fresh->view.tag = tag;
    host->added[test_host_room(host->added_count++)] = fresh;
    return &fresh->view;
}

static inline const struct test_host_step *test_host_step_of(const struct test_host_list *list,
                                                             uint32_t step)
{
    for (size_t i = list->count; i-- > 0;) {
        if (list->items[i].step == step)
            return &list->items[i];
    }
    return NULL;
}

static inline reprise_request *test_host_new_of_step_(const reprise_call *call, uint32_t step,
                                                      uint32_t tag)
{
    struct test_host *host = test_host_of(call);
    const struct test_host_step *found = test_host_step_of(&host->recorded, step);
    reprise_request *view = found ? test_host_new_(call, NULL, tag) : NULL;
    if (!view) {
        test_host_no(host, "new_request_of_step(): the session has no such request");
        return NULL;
    }
    view->method = found->first;
    view->url = found->second;
    test_host_show_body(host, host->added[host->added_count - 1], found->third);
    return view;
}

static inline int test_host_send_(const reprise_call *call, reprise_request *view)
{
    struct test_host *host = test_host_of(call);
    struct test_host_request *request =
        view == &host->request.view ? NULL : test_host_change(host, view, "send(): sent before");
    if (!request)
        return test_host_no(host, "send(): that request is not from new_request()");
    request->is_sent = 1;
    return 0;
}

#endif

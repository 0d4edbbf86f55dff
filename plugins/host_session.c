/* host_session.c - what a plugin may do to the rest of its user's session: marks, steps that are
 * answered without being sent, judgements, values, the user's data. */
#include <stdio.h>

#include "plugins/host.h"

static struct bytes to_host(reprise_bytes bytes)
{
    return bytes_make(bytes.ptr, bytes.len);
}

int host_mark(const reprise_call *call, uint32_t step, uint32_t mark)
{
    struct chain_worker *worker = host_worker(call, "mark");
    if (!worker)
        return -1;
    if (worker->callback != CHAIN_RECORDED)
        return host_refuse(worker, "mark(): only in on_recorded");
    if (step >= worker->call.step_count)
        return host_refuse(worker, "mark(): the session has no step %u", step);
    if (chain_mark(worker->chain, worker->plugin_index, step, mark))
        return host_refuse(worker, "mark(): no memory");
    return 0;
}

/* The services, in a callback that has a user. */
static const struct chain_services *services_of(struct chain_worker *worker, const char *function)
{
    if (worker && worker->user && worker->services)
        return worker->services;
    if (worker)
        host_refuse(worker, "%s(): there is no user in %s", function,
                    chain_callback_name(worker->callback));
    return NULL;
}

static void *owner_of(const struct chain_worker *worker)
{
    return worker->user->play.owner;
}

reprise_request *host_new_request_of_step(const reprise_call *call, uint32_t step, uint32_t tag)
{
    static const char name[] = "new_request_of_step";
    struct chain_worker *worker = host_worker(call, name);
    const struct chain_services *services = services_of(worker, name);
    struct chain_added *added = services ? host_add_request(worker, name, tag) : NULL;
    if (!added)
        return NULL;
    if (services->request_of_step(owner_of(worker), step, &added->request)) {
        host_refuse(worker, "%s(): the session has no request %u", name, step);
        return NULL;
    }
    return host_show_added(worker, added);
}

static int settle(struct chain_worker *worker, const char *function, uint32_t step,
                  const struct http_response *answer)
{
    const struct chain_services *services = services_of(worker, function);
    if (!services)
        return -1;
    if (worker->callback == CHAIN_SESSION_START || worker->callback == CHAIN_SESSION_END)
        return host_refuse(worker, "%s(): not in %s", function,
                           chain_callback_name(worker->callback));
    if (services->settle(owner_of(worker), step, answer))
        return host_refuse(worker, "%s(): step %u was sent, or is no request", function, step);
    return 0;
}

static bool is_there(reprise_bytes bytes)
{
    return bytes.ptr || !bytes.len;
}

int host_settle(const reprise_call *call, uint32_t step, const reprise_answer *answer)
{
    struct chain_worker *worker = host_worker(call, "settle");
    if (!worker)
        return -1;
    if (!answer)
        return settle(worker, "settle", step, NULL);
    if (answer->size < sizeof *answer || answer->header_count > HTTP_MAX_HEADERS ||
        (answer->header_count && !answer->headers))
        return host_refuse(worker,
                           "settle(): the answer's size is wrong, or it has more than %d "
                           "headers",
                           HTTP_MAX_HEADERS);
    if (answer->status < 100 || answer->status > 999)
        return host_refuse(worker, "settle(): %u is no status of an answer; NULL is none",
                           answer->status);
    bool is_whole = is_there(answer->body);
    for (size_t i = 0; i < answer->header_count; i++)
        is_whole &= is_there(answer->headers[i].name) && is_there(answer->headers[i].value);
    if (!is_whole)
        return host_refuse(worker, "settle(): the answer has bytes with a length and no ptr");
    struct http_header *headers =
        arena_alloc(&worker->scratch, (answer->header_count + 1) * sizeof *headers);
    if (!headers)
        return host_refuse(worker, "settle(): no memory");
    for (size_t i = 0; i < answer->header_count; i++)
        headers[i] = (struct http_header){.name = to_host(answer->headers[i].name),
                                          .value = to_host(answer->headers[i].value)};
    const struct http_response given = {
        .status = (int)answer->status,
        .headers = headers,
        .header_count = answer->header_count,
        .body = to_host(answer->body),
    };
    return settle(worker, "settle", step, &given);
}

int host_settle_like(const reprise_call *call, uint32_t step, const reprise_response *response)
{
    struct chain_worker *worker = host_worker(call, "settle_like");
    if (!worker)
        return -1;
    if (!worker->answer || response != &worker->response_view)
        return host_refuse(worker, "settle_like(): that response is not of this callback");
    return settle(worker, "settle_like", step, worker->answer->response);
}

int host_judge(const reprise_call *call, enum reprise_judgement judgement, const char *reason)
{
    struct chain_worker *worker = host_worker(call, "judge");
    if (!worker)
        return -1;
    if (worker->callback != CHAIN_RESPONSE)
        return host_refuse(worker, "judge(): only in on_response");
    if (judgement != REPRISE_EXPECTED && judgement != REPRISE_UNEXPECTED)
        return host_refuse(worker, "judge(): %d is no judgement", (int)judgement);
    if (judgement == REPRISE_EXPECTED && !worker->response_view.status)
        return host_refuse(worker, "judge(): nothing was answered, so nothing can be expected of "
                                   "it");
    if (worker->outcome->judgement)
        return 0;
    snprintf(worker->judged, sizeof worker->judged, "plugin %s: %s",
             worker->plugin->loaded.api.name, reason ? reason : "no reason given");
    for (char *c = worker->judged; *c; c++)
        *c = (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c;
    worker->outcome->judgement = judgement;
    worker->outcome->judged = worker->judged;
    return 0;
}

int host_replace_value(const reprise_call *call, reprise_bytes old, reprise_bytes value)
{
    struct chain_worker *worker = host_worker(call, "replace_value");
    const struct chain_services *services = services_of(worker, "replace_value");
    if (!services)
        return -1;
    if (!old.ptr || !old.len || !value.ptr)
        return host_refuse(worker, "replace_value(): both have to be there");
    int count = services->replace_value(owner_of(worker), to_host(old), to_host(value));
    return count >= 0 ? count
                      : host_refuse(worker, "replace_value(): the value cannot go where the old "
                                            "one was");
}

int host_set_cookie(const reprise_call *call, uint32_t step, const char *set_cookie)
{
    struct chain_worker *worker = host_worker(call, "set_cookie");
    const struct chain_services *services = services_of(worker, "set_cookie");
    if (!services)
        return -1;
    if (!set_cookie || services->set_cookie(owner_of(worker), step, bytes_of(set_cookie)))
        return host_refuse(worker,
                           "set_cookie(): '%.60s' is no cookie, too long for one or not for the "
                           "target, or there is no such step",
                           set_cookie ? set_cookie : "");
    return 0;
}

reprise_bytes host_data(const reprise_call *call, const char *column)
{
    struct chain_worker *worker = host_worker(call, "data");
    const struct chain_services *services = services_of(worker, "data");
    if (!services || !column)
        return (reprise_bytes){0};
    struct bytes text = services->data(owner_of(worker), bytes_of(column));
    struct bytes copy = text.ptr ? arena_copy(&worker->scratch, text) : text;
    if (text.ptr && !copy.ptr)
        host_refuse(worker, "data(): more than %d bytes read in one callback",
                    CHAIN_MAX_SCRATCH_BYTES);
    return (reprise_bytes){copy.ptr, copy.len};
}

void host_wake(const reprise_call *call)
{
    struct chain_worker *worker = host_worker(call, "wake");
    const struct chain_services *services = services_of(worker, "wake");
    if (services)
        services->wake(owner_of(worker), worker->plugin_index);
}

void host_keep_body(const reprise_call *call)
{
    struct chain_worker *worker = host_worker(call, "keep_body");
    if (!worker)
        return;
    if (worker->callback == CHAIN_REQUEST)
        worker->outcome->keeps_body |= 1u << worker->plugin_index;
    else
        host_refuse(worker, "keep_body(): only in on_request");
}

void host_limit_us(const reprise_call *call, uint64_t limit_us)
{
    struct chain_worker *worker = host_worker(call, "limit_us");
    if (!worker)
        return;
    if (worker->callback != CHAIN_REQUEST)
        host_refuse(worker, "limit_us(): only in on_request");
    else
        worker->outcome->limit_us = chain_shorter_us(worker->outcome->limit_us, limit_us);
}

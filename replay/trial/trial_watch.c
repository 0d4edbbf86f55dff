/*
 * trial_watch.c - the tap on the chain: a copy before each callback, the difference after it, and
 * what the plugin decided, added, settled and replaced.
 */
#include "replay/trial/trial_watch.h"

#include <stdlib.h>

#include "core/grow.h"
#include "plugins/host.h"
#include "replay/plugin_services.h"

enum { MAX_EVENTS = 1000000, MAX_BEFORE_BYTES = 128 << 20, MAX_LINES_BYTES = 1 << 20 };

const char *trial_verdict_name(enum reprise_verdict verdict)
{
    static const char *const names[] = {"CONTINUE", "SKIP", "HOLD", "RETRY", "END_SESSION", "FAIL"};
    return names[verdict];
}

/* Services have no owner but the user: the one trial of this thread. */
static _Thread_local struct trial_watch *watching;

static void before_callback(void *owner, const struct chain_worker *worker)
{
    struct trial_watch *watch = owner;
    arena_reset(&watch->before);
    buf_clear(&watch->lines);
    watch->request = (struct http_request){0};
    watch->message = (struct bytes){0};
    if (worker->request) {
        struct http_request *copy = &watch->request;
        copy->arena = &watch->before;
        http_request_copy(copy, worker->request);
        copy->source = worker->request->source; /* to be compared, not owned */
    }
    if (worker->message)
        watch->message = arena_copy(&watch->before, worker->message->data);
}

static void note_added(struct trial_watch *watch, const struct chain_worker *worker)
{
    for (const struct chain_added *added = worker->outcome->added; added; added = added->next) {
        if (added->plugin == worker->plugin_index)
            buf_printf(&watch->lines, "adds %.*s %.*s, tag %u\n", BYTES_ARG(added->request.method),
                       BYTES_ARG(added->request.url), added->tag);
    }
}

static void note_outcome(struct trial_watch *watch, const struct chain_worker *worker)
{
    const struct chain_outcome *outcome = worker->outcome;
    note_added(watch, worker);
    if (outcome->delay_us)
        buf_printf(&watch->lines, "delay %g ms\n", (double)outcome->delay_us / 1000);
    if (outcome->judgement)
        buf_printf(&watch->lines, "judged %s: %s\n",
                   outcome->judgement == REPRISE_EXPECTED ? "expected" : "unexpected",
                   outcome->judged);
    for (const struct chain_ws_send *send = outcome->sends; send; send = send->next)
        trial_diff_body(&watch->lines, (struct bytes){0}, send->data);
    if (outcome->error)
        buf_printf(&watch->lines, "%s\n", outcome->error);
}

static const char *subject_of(struct trial *trial, const struct chain_worker *worker)
{
    if (worker->message)
        return arena_printf(&trial->texts, "step %u message %u %s", worker->message->step,
                            worker->message->index,
                            worker->message->is_outgoing ? "to the server" : "from the server");
    if (!worker->info || !worker->request)
        return "";
    const struct http_request *request = worker->request;
    const char *status =
        worker->answer ? arena_printf(&trial->texts, " -> %d", worker->answer->response->status)
                       : "";
    const char *attempt = worker->info->attempt
                              ? arena_printf(&trial->texts, ", attempt %u", worker->info->attempt)
                              : "";
    if (worker->info->added)
        return arena_printf(&trial->texts, "added, tag %u: %.*s %.*s%s%s", worker->info->added->tag,
                            BYTES_ARG(request->method), BYTES_ARG(request->url), attempt, status);
    return arena_printf(&trial->texts, "step %u: %.*s %.*s%s%s", worker->info->step,
                        BYTES_ARG(request->method), BYTES_ARG(request->url), attempt, status);
}

static void keep_event(struct trial *trial, const struct chain_worker *worker,
                       enum reprise_verdict verdict, const struct buf *lines)
{
    struct trial_event *grown = grow_by_one(trial->events, trial->event_count,
                                            &trial->event_capacity, sizeof *grown, MAX_EVENTS);
    if (!grown)
        return;
    trial->events = grown;
    trial->events[trial->event_count++] = (struct trial_event){
        .at_us = worker->call.now_us,
        .plugin = worker->plugin->loaded.api.name,
        .callback = chain_callback_name(worker->callback),
        .subject = subject_of(trial, worker),
        .verdict = trial_verdict_name(verdict),
        .lines = arena_copy(&trial->texts, buf_bytes(lines)).ptr,
    };
    if (trial->events_out) {
        trial_print_event(&trial->events[trial->event_count - 1], trial->events_out);
        fflush(trial->events_out);
    }
}

static void after_callback(void *owner, const struct chain_worker *worker)
{
    struct trial_watch *watch = owner;
    const struct chain_outcome *outcome = worker->outcome;
    bool is_its = outcome->verdict != REPRISE_CONTINUE && outcome->plugin == worker->plugin_index;
    if (worker->request && worker->callback == CHAIN_REQUEST)
        trial_diff_request(&watch->lines, &watch->request, worker->request);
    if (worker->message)
        trial_diff_body(&watch->lines, watch->message, worker->message->data);
    note_outcome(watch, worker);
    if (watch->lines.len || is_its)
        keep_event(watch->trial, worker, is_its ? outcome->verdict : REPRISE_CONTINUE,
                   &watch->lines);
}

void trial_watch_init(struct trial_watch *watch, struct trial *trial)
{
    *watch = (struct trial_watch){.trial = trial};
    watch->tap =
        (struct chain_tap){.owner = watch, .before = before_callback, .after = after_callback};
    arena_init(&watch->before, MAX_BEFORE_BYTES);
    buf_init(&watch->lines, MAX_LINES_BYTES);
}

void trial_watch_fini(struct trial_watch *watch)
{
    arena_fini(&watch->before);
    buf_fini(&watch->lines);
}

void trial_watch_record(void *owner, uint32_t metric, bool is_histogram, uint64_t value)
{
    struct trial_watch *watch = owner;
    struct trial_metric *kept = &watch->trial->metrics[metric];
    (void)is_histogram;
    kept->count++;
    kept->sum += value;
    kept->last = value;
}

static int settle(void *owner, uint32_t step, const struct http_response *answer)
{
    int result = plugin_services.settle(owner, step, answer);
    if (answer)
        buf_printf(&watching->lines, "%s step %u with %d and %zu bytes\n",
                   result ? "cannot settle" : "settles", step, answer->status, answer->body.len);
    else
        buf_printf(&watching->lines, "%s step %u without an answer\n",
                   result ? "cannot settle" : "settles", step);
    return result;
}

static int replace_value(void *owner, struct bytes old, struct bytes value)
{
    int count = plugin_services.replace_value(owner, old, value);
    buf_printf(&watching->lines, "replaces a value in %d places:\n", count < 0 ? 0 : count);
    trial_diff_body(&watching->lines, old, value);
    return count;
}

static int set_cookie(void *owner, uint32_t step, struct bytes text)
{
    int result = plugin_services.set_cookie(owner, step, text);
    buf_printf(&watching->lines, "%s a cookie: %.*s\n", result ? "cannot set" : "sets",
               BYTES_ARG(text));
    return result;
}

static struct bytes data(void *owner, struct bytes column)
{
    return plugin_services.data(owner, column);
}

static int request_of_step(void *owner, uint32_t step, struct http_request *request)
{
    return plugin_services.request_of_step(owner, step, request);
}

static void wake(void *owner, uint32_t plugin)
{
    buf_append_text(&watching->lines, "wakes the requests it holds\n");
    plugin_services.wake(owner, plugin);
}

const struct chain_services *trial_watch_services(struct trial_watch *watch)
{
    static const struct chain_services services = {
        .settle = settle,
        .replace_value = replace_value,
        .data = data,
        .request_of_step = request_of_step,
        .wake = wake,
        .set_cookie = set_cookie,
    };
    watching = watch;
    return &services;
}

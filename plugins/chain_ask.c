/*
 * chain_ask.c - one call of the chain: each plugin is asked in turn, its verdict judged, its time
 * counted.
 *
 * Nothing a plugin answers is believed before it is checked against what its callback may answer
 * and against the limits of the run.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/log.h"
#include "plugins/host.h"

/* The verdicts of each callback, one bit each: the table in reprise_plugin.h. */
#define BIT(verdict) (1U << (verdict))
#define ALWAYS (BIT(REPRISE_CONTINUE) | BIT(REPRISE_FAIL))
static const uint32_t allowed[CHAIN_CALLBACK_COUNT] = {
    [CHAIN_START] = ALWAYS,
    [CHAIN_STOP] = ALWAYS,
    [CHAIN_SESSION_START] = ALWAYS | BIT(REPRISE_END_SESSION),
    [CHAIN_REQUEST] = ALWAYS | BIT(REPRISE_SKIP) | BIT(REPRISE_HOLD) | BIT(REPRISE_END_SESSION),
    [CHAIN_RESPONSE] = ALWAYS | BIT(REPRISE_RETRY) | BIT(REPRISE_END_SESSION),
    [CHAIN_WS_MESSAGE] = ALWAYS | BIT(REPRISE_SKIP) | BIT(REPRISE_END_SESSION),
    [CHAIN_SESSION_END] = ALWAYS,
    [CHAIN_RECORDED] = ALWAYS | BIT(REPRISE_SKIP) | BIT(REPRISE_END_SESSION),
    [CHAIN_RESPONSE_DATA] = ALWAYS | BIT(REPRISE_SKIP) | BIT(REPRISE_END_SESSION),
    [CHAIN_RECORDING_END] = ALWAYS,
};

/* These are about one step, and plugins may look at marked ones only. */
#define ABOUT_STEPS                                                                                \
    (BIT(CHAIN_REQUEST) | BIT(CHAIN_RESPONSE) | BIT(CHAIN_RESPONSE_DATA) | BIT(CHAIN_WS_MESSAGE))

/* Nobody waits in these but the beginning and the end of the run. */
#define OUTSIDE_THE_LOOP                                                                           \
    (BIT(CHAIN_START) | BIT(CHAIN_STOP) | BIT(CHAIN_RECORDED) | BIT(CHAIN_RECORDING_END))

static uint32_t mark_of(const struct chain_user *user, uint32_t plugin, uint32_t step)
{
    return user->marks && step < user->play.step_count
               ? user->marks[(size_t)plugin * user->play.step_count + step]
               : 0;
}

static bool is_asked(const struct chain_worker *worker, uint32_t index)
{
    const struct chain_plugin *plugin = &worker->chain->plugins[index];
    if (!(plugin->callbacks >> worker->callback & 1) ||
        (worker->user && !(worker->user->concerned >> index & 1)))
        return false;
    if (!(plugin->loaded.api.flags & REPRISE_MARKED_ONLY) || !(ABOUT_STEPS & BIT(worker->callback)))
        return true;
    if (worker->info && worker->info->added)
        return worker->info->added->plugin == index;
    return mark_of(worker->user, index, worker->step) != 0;
}

uint32_t chain_asks_about(const struct chain_user *user, uint32_t step,
                          const struct chain_added *added)
{
    const struct plugin_chain *chain = user->worker->chain;
    uint32_t by_marks =
        added ? chain->plugins[added->plugin].callbacks : mark_of(user, chain->count, step);
    return (chain->wants_always | by_marks) & ABOUT_STEPS;
}

bool chain_asks_last(const struct chain_user *user, uint32_t step, const struct chain_added *added)
{
    const struct plugin_chain *chain = user->worker->chain;
    return chain->asks_last && chain_asks(user, CHAIN_REQUEST, step, added);
}

void chain_begin(struct chain_worker *worker, struct chain_user *user, enum chain_callback callback,
                 uint64_t now_us, struct chain_outcome *outcome)
{
    const struct chain_options *options = &worker->chain->options;
    *outcome = (struct chain_outcome){.verdict = REPRISE_CONTINUE};
    arena_reset(&worker->scratch);
    worker->user = user;
    worker->callback = callback;
    worker->outcome = outcome;
    worker->last_added = NULL;
    worker->last_send = NULL;
    worker->request = NULL;
    worker->answer = NULL;
    worker->message = NULL;
    worker->info = NULL;
    worker->recorded = NULL;
    worker->data = NULL;
    worker->step = REPRISE_ADDED;
    worker->call.user_index = user ? user->play.index : 0;
    worker->call.session_id = user ? user->play.session_id : 0;
    worker->call.step_count = user ? user->play.step_count : 0;
    worker->call.now_us = now_us;
    worker->call.unix_us = options->unix_us + (int64_t)(now_us - options->now_us);
}

/* What differs from plugin to plugin in what they are shown. */
static void turn_to(struct chain_worker *worker, uint32_t index)
{
    struct chain_plugin *plugin = &worker->chain->plugins[index];
    worker->plugin = plugin;
    worker->plugin_index = index;
    worker->send_count = 0;
    worker->reason[0] = '\0';
    worker->call.plugin = plugin->instance;
    worker->call.user = worker->user ? worker->user->states[index].user : NULL;
    if (worker->info) {
        const struct chain_added *added = worker->info->added;
        worker->request_view.tag = added && added->plugin == index ? added->tag : 0;
        worker->request_view.mark = added ? 0 : mark_of(worker->user, index, worker->step);
        host_view_body(worker, worker->request, &worker->request_view);
        assert(host_ends_with_nul(worker->request->body_pieces ? (struct bytes){0}
                                                               : worker->request->body));
    }
    if (worker->message)
        worker->message_view.mark = mark_of(worker->user, index, worker->step);
    if (worker->answer) {
        bool wants_body = !worker->data && (plugin->loaded.api.flags & REPRISE_WANT_BODY ||
                                            worker->answer->info.keeps_body >> index & 1);
        struct bytes body = worker->answer->response->body;
        assert(!wants_body || host_ends_with_nul(body));
        worker->response_view.body =
            wants_body ? (reprise_bytes){body.ptr, body.len} : (reprise_bytes){0};
    }
}

static int run_callback(struct chain_worker *worker)
{
    const reprise_plugin *api = &worker->plugin->loaded.api;
    const reprise_call *call = &worker->call;
    switch (worker->callback) {
    case CHAIN_START:
        return api->start(call);
    case CHAIN_STOP:
        api->stop(call);
        return REPRISE_CONTINUE;
    case CHAIN_SESSION_START:
        return api->on_session_start(call);
    case CHAIN_REQUEST:
        return api->on_request(call, &worker->request_view);
    case CHAIN_RESPONSE:
        return api->on_response(call, &worker->response_view);
    case CHAIN_WS_MESSAGE:
        return api->on_ws_message(call, &worker->message_view);
    case CHAIN_SESSION_END:
        api->on_session_end(call);
        return REPRISE_CONTINUE;
    case CHAIN_RECORDED:
        return api->on_recorded(call, worker->recorded);
    case CHAIN_RESPONSE_DATA:
        return api->on_response_data(
            call, &worker->response_view,
            (reprise_bytes){worker->message_data.data, worker->message_data.len});
    case CHAIN_RECORDING_END:
        return api->on_recording_end(call);
    case CHAIN_BODY_READ:
    case CHAIN_CALLBACK_COUNT:
        break;
    }
    return REPRISE_CONTINUE;
}

void chain_count_time(struct chain_worker *worker, uint32_t plugin, enum chain_callback callback,
                      uint64_t ns)
{
    struct chain_calls *calls = &worker->stats.calls[plugin][callback];
    uint64_t budget_us = worker->chain->options.budget_us;
    calls->count++;
    calls->total_ns += ns;
    if (ns > calls->max_ns)
        calls->max_ns = ns;
    if (ns <= budget_us * 1000 || OUTSIDE_THE_LOOP & BIT(callback))
        return;
    if (calls->slow++ == 0)
        log_warning("plugin %s: %s took %.1f ms on the event loop, its budget is %.1f ms; further "
                    "slow calls are counted",
                    chain_plugin_name(worker->chain, plugin), chain_callback_name(callback),
                    (double)ns / 1e6, (double)budget_us / 1e3);
}

static enum reprise_verdict fail(struct chain_worker *worker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static enum reprise_verdict fail(struct chain_worker *worker, const char *format, ...)
{
    int used = snprintf(worker->failure, sizeof worker->failure,
                        "plugin %s: %s: ", worker->plugin->loaded.api.name,
                        chain_callback_name(worker->callback));
    va_list args;
    va_start(args, format);
    vsnprintf(worker->failure + used, sizeof worker->failure - (size_t)used, format, args);
    va_end(args);
    worker->outcome->error = worker->failure;
    return REPRISE_FAIL;
}

/* How often a plugin may hold or retry: its own figure, or the default. */
static uint32_t limit_of(uint32_t asked_for, uint32_t fallback)
{
    if (asked_for == 0)
        return fallback;
    return asked_for < CHAIN_MAX_REPEATS ? asked_for : CHAIN_MAX_REPEATS;
}

/* A plugin's limits are about what it does itself: others may wait for as long as they must. */
static struct chain_repeats repeats_of(const struct chain_worker *worker)
{
    const struct chain_request_info *info = worker->info;
    if (info->by_plugin)
        return info->by_plugin[worker->plugin_index];
    return (struct chain_repeats){(uint16_t)info->holds, (uint16_t)info->attempt};
}

static enum reprise_verdict judge_hold(struct chain_worker *worker)
{
    const struct chain_request_info *info = worker->info;
    uint32_t limit = limit_of(worker->plugin->loaded.api.max_holds, CHAIN_DEFAULT_HOLDS);
    if (repeats_of(worker).holds >= limit)
        return fail(worker, "held one request %u times, its limit; max_holds raises it", limit);
    if (worker->outcome->added || worker->outcome->delay_us)
        return REPRISE_HOLD;
    /* A request that waits for one added by the same plugin must not be that one itself. */
    bool is_own = info->added && info->added->plugin == worker->plugin_index;
    if (is_own || worker->user->states[worker->plugin_index].pending == 0)
        return fail(worker, "held a request with nothing to wait for: no request was added, no "
                            "delay asked for");
    worker->outcome->waits_for_answer = true;
    return REPRISE_HOLD;
}

static enum reprise_verdict judge(struct chain_worker *worker, int answer)
{
    if (answer < 0 || answer > REPRISE_FAIL || !(allowed[worker->callback] & BIT(answer)))
        return fail(worker, "answered %d, which is no verdict of this callback", answer);
    if (answer == REPRISE_FAIL)
        return fail(worker, "%s", worker->reason[0] ? worker->reason : "failed without a reason");
    if (answer == REPRISE_HOLD)
        return judge_hold(worker);
    if (answer == REPRISE_RETRY) {
        uint32_t limit = limit_of(worker->plugin->loaded.api.max_retries, CHAIN_DEFAULT_RETRIES);
        if (repeats_of(worker).retries >= limit)
            return fail(worker, "retried one request %u times, its limit; max_retries raises it",
                        limit);
    }
    return (enum reprise_verdict)answer;
}

enum reprise_verdict chain_ask(struct chain_worker *worker, uint32_t index)
{
    if (!is_asked(worker, index))
        return REPRISE_CONTINUE;
    turn_to(worker, index);
    if (worker->tap)
        worker->tap->before(worker->tap->owner, worker);
    bool is_serial = worker->plugin->loaded.api.threads == REPRISE_SERIAL;
    if (is_serial)
        pthread_mutex_lock(&worker->plugin->serial);
    uint64_t began_ns = clock_now_ns();
    worker->is_live = true;
    guard_enter(&worker->guard, worker->plugin->loaded.api.name,
                chain_callback_name(worker->callback));
    int answer = run_callback(worker);
    guard_leave(&worker->guard);
    worker->is_live = false;
    uint64_t ended_ns = clock_now_ns();
    if (is_serial)
        pthread_mutex_unlock(&worker->plugin->serial);
    chain_count_time(worker, index, worker->callback, ended_ns - began_ns);
    host_drop_fresh(worker);
    host_release_sources(worker);
    enum reprise_verdict verdict = judge(worker, answer);
    if (verdict != REPRISE_CONTINUE) {
        worker->outcome->verdict = verdict;
        worker->outcome->plugin = index;
    }
    if (worker->tap)
        worker->tap->after(worker->tap->owner, worker);
    return verdict;
}

/* Leave nothing behind that points to the caller's memory; a user that is done sends no more. */
static void end_call(struct chain_worker *worker)
{
    struct chain_outcome *outcome = worker->outcome;
    bool is_over = outcome->verdict == REPRISE_FAIL || outcome->verdict == REPRISE_END_SESSION;
    while (is_over && outcome->added) {
        struct chain_added *added = outcome->added;
        outcome->added = added->next;
        outcome->added_count--;
        chain_added_free(worker->user, added);
    }
    while (is_over && outcome->sends) {
        struct chain_ws_send *send = outcome->sends;
        outcome->sends = send->next;
        chain_ws_send_free(send);
    }
    if (worker->message_data.capacity > CHAIN_MAX_SCRATCH_BYTES)
        buf_release(&worker->message_data); /* one large message is no reason to keep as much */
    worker->request = NULL;
    worker->info = NULL;
    worker->answer = NULL;
    worker->message = NULL;
    worker->data = NULL;
    worker->outcome = NULL;
}

static void show_request(struct chain_worker *worker, const struct http_request *request,
                         const struct chain_request_info *info)
{
    worker->info = info;
    worker->step = info->added ? REPRISE_ADDED : info->step;
    worker->request_view = (reprise_request){
        .step = info->added ? REPRISE_ADDED : info->step,
        .attempt = info->attempt,
        .holds = info->holds,
    };
    host_view_request(request, &worker->request_view);
}

void chain_session_start(struct chain_user *user, uint64_t now_us,
                         struct chain_outcome *ret_outcome)
{
    struct chain_worker *worker = user->worker;
    chain_begin(worker, user, CHAIN_SESSION_START, now_us, ret_outcome);
    for (uint32_t i = 0; i < worker->chain->count; i++) {
        user->reached_count = i + 1;
        if (chain_ask(worker, i) != REPRISE_CONTINUE)
            break;
    }
    end_call(worker);
}

static void ask_in_order(struct chain_worker *worker, uint32_t from)
{
    uint32_t count = worker->chain->count, at = from;
    while (at < count && chain_ask(worker, at) == REPRISE_CONTINUE)
        at++;
    worker->outcome->ask_from = at; /* a delay: all have been asked */
}

/* Those before `asked_from` were asked before the request waited; behind one of them others look at
 * what it may have changed. Who waits again here is followed by this look alone: the rest have said
 * what they want. */
static void ask_last(struct chain_worker *worker, uint32_t asked_from)
{
    const struct plugin_chain *chain = worker->chain;
    bool has_asked = false;
    for (uint32_t i = 0; i < chain->count; i++) {
        bool wants_look = chain->plugins[i].loaded.api.flags & REPRISE_ASK_LAST;
        if (!wants_look || !(i < asked_from || has_asked))
            continue;
        has_asked = true;
        if (chain_ask(worker, i) != REPRISE_CONTINUE)
            break;
    }
    worker->outcome->ask_from = chain->count;
}

void chain_request(struct chain_user *user, uint64_t now_us, struct http_request *request,
                   const struct chain_request_info *info, struct chain_outcome *ret_outcome)
{
    struct chain_worker *worker = user->worker;
    chain_begin(worker, user, CHAIN_REQUEST, now_us, ret_outcome);
    if (!info->added && info->attempt == 0 && info->holds == 0 && info->ask_from == 0)
        user->added_in_step = 0;
    if (!chain_wants(worker->chain, CHAIN_REQUEST))
        return;
    worker->request = request;
    show_request(worker, request, info);
    ask_in_order(worker, info->ask_from);
    if (ret_outcome->verdict == REPRISE_CONTINUE && info->ask_from)
        ask_last(worker, info->ask_from);
    end_call(worker);
}

static void show_answer(struct chain_worker *worker, const struct chain_answer *answer)
{
    /* Only looked at: changeable() in host.c refuses outside on_request. */
    worker->request = (struct http_request *)answer->request;
    worker->answer = answer;
    show_request(worker, answer->request, &answer->info);
    worker->response_view = (reprise_response){
        .request = &worker->request_view,
        .status = (uint32_t)answer->response->status,
        .recorded_status = (uint32_t)answer->recorded_status,
        .error = answer->error,
        .first_byte_us = answer->first_byte_us,
        .total_us = answer->total_us,
        .sent_us = answer->sent_us,
        .body_bytes = answer->body_bytes,
    };
}

void chain_response(struct chain_user *user, uint64_t now_us, const struct chain_answer *answer,
                    struct chain_outcome *ret_outcome)
{
    struct chain_worker *worker = user->worker;
    chain_begin(worker, user, CHAIN_RESPONSE, now_us, ret_outcome);
    if (!chain_wants(worker->chain, CHAIN_RESPONSE))
        return;
    show_answer(worker, answer);
    for (uint32_t i = worker->chain->count; i-- > 0;) {
        if (chain_ask(worker, i) != REPRISE_CONTINUE)
            break;
    }
    end_call(worker);
}

void chain_response_data(struct chain_user *user, uint64_t now_us,
                         const struct chain_answer *answer, struct chain_data *data,
                         struct chain_outcome *ret_outcome)
{
    struct chain_worker *worker = user->worker;
    chain_begin(worker, user, CHAIN_RESPONSE_DATA, now_us, ret_outcome);
    if (!chain_wants(worker->chain, CHAIN_RESPONSE_DATA))
        return;
    worker->data = data;
    show_answer(worker, answer);
    buf_clear(&worker->message_data);
    if (buf_append_bytes(&worker->message_data, data->data))
        data->data.len = 0; /* no memory for a few KB: nobody is told */
    for (uint32_t i = worker->chain->count; i-- > 0 && data->data.len;) {
        if (data->skipped >> i & 1)
            continue;
        enum reprise_verdict verdict = chain_ask(worker, i);
        if (verdict == REPRISE_SKIP) {
            data->skipped |= 1u << i;
            ret_outcome->verdict = REPRISE_CONTINUE;
        } else if (verdict != REPRISE_CONTINUE) {
            break;
        }
    }
    end_call(worker);
}

void chain_ws_message(struct chain_user *user, uint64_t now_us, struct chain_message *message,
                      struct chain_outcome *ret_outcome)
{
    struct chain_worker *worker = user->worker;
    chain_begin(worker, user, CHAIN_WS_MESSAGE, now_us, ret_outcome);
    if (!chain_wants(worker->chain, CHAIN_WS_MESSAGE))
        return;
    worker->message = message;
    worker->step = message->step;
    buf_clear(&worker->message_data);
    buf_append_bytes(&worker->message_data, message->data);
    struct bytes data =
        buf_failed(&worker->message_data) ? (struct bytes){0} : buf_bytes(&worker->message_data);
    worker->message_view = (reprise_ws_message){
        .step = message->step,
        .index = message->index,
        .is_outgoing = message->is_outgoing,
        .is_text = message->is_text,
        .data = {.ptr = data.ptr, .len = data.len},
    };
    uint32_t count = worker->chain->count;
    for (uint32_t i = 0; i < count; i++) {
        if (chain_ask(worker, message->is_outgoing ? i : count - 1 - i) != REPRISE_CONTINUE)
            break;
    }
    end_call(worker);
}

void chain_session_end(struct chain_user *user, uint64_t now_us)
{
    struct chain_worker *worker = user->worker;
    while (user->reached_count) {
        struct chain_outcome outcome;
        chain_begin(worker, user, CHAIN_SESSION_END, now_us, &outcome);
        chain_ask(worker, --user->reached_count);
        end_call(worker);
    }
}

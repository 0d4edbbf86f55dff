/* task_send.c - from a task to the transport: its cookies, whether it may go there, its turn. */
#include "core/url.h"
#include "replay/channel.h"
#include "replay/plan/plan_bindings.h"
#include "replay/target.h"
#include "replay/task.h"

void task_count_handled(struct task *task)
{
    if (task->step && !task->was_sent)
        task->user->steps_handled++;
    task->was_sent = true;
}

/* The request target: of a planned URL what follows the origin; and whom it asks. */
static bool target_of(const struct task *task, struct cookie_site *ret_site,
                      struct bytes *ret_target)
{
    const struct user_env *env = task->user->env;
    struct url url;
    *ret_site = task->user->site;
    if (task->step && !(task->request->changes & HTTP_CHANGED_URL)) {
        *ret_target = bytes_from(task->request->url, env->plan->target_bytes);
        return true;
    }
    if (url_parse(task->request->url, &url))
        return false;
    *ret_site = (struct cookie_site){.host = url.host, .is_secure = url.is_secure};
    *ret_target = url.target;
    return true;
}

/* The Cookie value, unless a plugin set the header itself. */
static struct bytes cookies_of(struct task *task)
{
    const struct user *user = task->user;
    const struct http_request *request = task->request;
    struct bytes recorded = task->step ? task_recorded_cookies(task) : (struct bytes){0};
    struct cookie_site site;
    struct bytes target;
    bool may_have_one = request->changes & HTTP_CHANGED_HEADERS || task->added;
    /* The plan's headers have none: it is one of those that were set. */
    bool is_noted = !task->added && request->edit_count <= HTTP_MAX_EDITS;
    if (may_have_one && http_headers_find(is_noted ? request->edits : request->headers,
                                          is_noted ? request->edit_count : request->header_count,
                                          bytes_of("cookie"))
                            .ptr)
        return (struct bytes){0};
    if (user->cookies.count == 0)
        return recorded;
    if (!target_of(task, &site, &target))
        return (struct bytes){0};
    int64_t unix_s = (user->env->unix_origin_us + (int64_t)user_now_us(user)) / 1000000;
    buf_clear(&task->cookies);
    cookie_jar_append(&user->cookies, &site, target, recorded, unix_s, &task->cookies);
    return buf_bytes(&task->cookies);
}

static void on_done(void *owner, const struct transport_result *result)
{
    struct task *task = owner;
    task->call = NULL;
    if (task_asks(task, CHAIN_RESPONSE_DATA))
        task_view_done(task, result);
    else
        task_judge(task, result);
}

/* The step as it was cut ahead of time: values come into it by themselves, and of what plugins
 * changed a few headers can. */
static const struct request_cut *cut_of(const struct task *task)
{
    const struct request_cut *cut = task->step ? task->step->cut : NULL;
    return cut && request_cut_takes(cut, task->request) ? cut : NULL;
}

/* A body that takes its time is no silence of the target's. */
static bool is_answered_soon(const struct task *task)
{
    const struct http_body_source *source = task->request->source;
    return !(task->step && task->step->was_long) && !(source && source->bytes_per_s);
}

static void transmit(struct task *task)
{
    struct user_env *env = task->user->env;
    if (task->step && !task_has_its_values(task) && !task_prepare_values(task))
        return;
    bool is_watched = task_asks(task, CHAIN_RESPONSE);
    enum watch_wish wish = env->watch ? task_watch_wish(task) : WATCH_NOTHING;
    const struct step_bindings *born = task->step ? task->step->bindings : NULL;
    const struct transport_viewer *viewer =
        born || task_asks(task, CHAIN_RESPONSE_DATA) ? task_viewer(task) : NULL;
    const struct bytes *values;
    bool has_values = task_hold_values(task, &values) == 0;
    const struct transport_request request = {
        .http = task->request,
        .cut = cut_of(task),
        .is_filled = task->is_filled,
        .values = values,
        .closes_connection = task->step && task->step->closes_connection,
        .max_connections = task->user->session->connection_count,
        .cookies = cookies_of(task),
        .keeps_body = (is_watched && (chain_wants_body(env->chain) || task->keeps_body)) ||
                      wish == WATCH_BODY,
        .limit_us = task->limit_us,
        .viewer = viewer,
        .keeps_headers = is_watched || (viewer && viewer->wants_so_far) ||
                         (born && born->keeps_headers) || wish != WATCH_NOTHING,
        .done = on_done,
        .owner = task,
    };
    enum failure failure = FAILURE_NO_FILES;
    task->state = TASK_SENT;
    task->holds_slot = true;
    env->in_flight++;
    if (env->in_flight > env->most_in_flight)
        env->most_in_flight = env->in_flight;
    task_count_handled(task);
    task->started_us = loop_read_clock(env->loop);
    task->is_awaited = is_answered_soon(task);
    task->data_skipped = 0;
    task->sent_with = task->user->values.replaced;
    if (task->is_awaited)
        silence_asked(&env->silence, task->started_us);
    if (task->step && task->step->kind == STEP_WS_CONNECT) {
        if (has_values && channel_connect(task, &request) == 0)
            return;
    } else if (has_values) {
        task->call = env->ops->send(task->user->connections, &request, &failure);
        if (task->call)
            return;
    }
    const struct transport_result result = {.failure = failure, .detail = "could not be started"};
    task_judge(task, &result);
}

/* Plugins may aim a request elsewhere, but not around --allow-target. */
static bool is_permitted(const struct task *task)
{
    const struct user_env *env = task->user->env;
    bool is_as_planned = !task->added && !(task->request->changes & HTTP_CHANGED_URL);
    return is_as_planned || target_permits(task->request->url, env->target, env->allowed_targets);
}

static const char *where_it_was_aimed(struct task *task)
{
    uint32_t plugin = task->aimed_by ? task->aimed_by - 1 : task->added ? task->added->plugin : 0;
    struct url url = {0};
    url_parse(task->request->url, &url);
    const char *text = arena_printf(
        &task->arena, "plugin %s: aimed it at %.*s, which --allow-target does not name",
        chain_plugin_name(task->user->env->chain, plugin),
        (int)(url.host.len < 100 ? url.host.len : 100), url.host.ptr ? url.host.ptr : "");
    return text ? text : "a plugin aimed it at a host that --allow-target does not name";
}

void task_send(struct task *task)
{
    struct user_env *env = task->user->env;
    if (task->step && task->step->bindings && !task_has_what_it_needs(task))
        return;
    if (!is_permitted(task)) {
        const struct transport_result refused = {.failure = FAILURE_PLUGIN,
                                                 .detail = where_it_was_aimed(task)};
        task->started_us = loop_read_clock(env->loop);
        task_judge(task, &refused);
        return;
    }
    if (env->in_flight < env->max_in_flight) {
        transmit(task);
        return;
    }
    task->state = TASK_QUEUED;
    task->queue_next = NULL;
    task->queue_previous = env->queue_last;
    if (env->queue_last)
        env->queue_last->queue_next = task;
    else
        env->queue_first = task;
    env->queue_last = task;
    if (++env->queued > env->most_queued)
        env->most_queued = env->queued;
}

void task_send_queued(struct user_env *env)
{
    if (env->is_sending_queued) /* one that failed at once: the caller below goes on with the next
                                 */
        return;
    env->is_sending_queued = true;
    while (env->queue_first && env->in_flight < env->max_in_flight) {
        struct task *task = env->queue_first;
        task_leave_queue(task);
        task->state = TASK_PAUSED;
        if (task->user->state == USER_PLAYING) /* else it is dropped in a moment */
            transmit(task);
    }
    env->is_sending_queued = false;
}

void task_leave_queue(struct task *task)
{
    struct user_env *env = task->user->env;
    env->queued--;
    if (task->queue_previous)
        task->queue_previous->queue_next = task->queue_next;
    else
        env->queue_first = task->queue_next;
    if (task->queue_next)
        task->queue_next->queue_previous = task->queue_previous;
    else
        env->queue_last = task->queue_previous;
}

/* task_answer.c - what an answer means for its task: clocks, cookies, the plugins' judgement. */
#include "core/url.h"
#include "replay/channel.h"
#include "replay/task.h"

static uint64_t since(uint64_t from_us, uint64_t to_us)
{
    return to_us > from_us ? to_us - from_us : 0;
}

void task_record(struct task *task, const struct transport_result *result,
                 enum request_judgement judgement, uint64_t now_us)
{
    const struct user_env *env = task->user->env;
    enum request_origin origin = task->attempt ? ORIGIN_RETRIED
                                 : task->added ? ORIGIN_ADDED
                                               : ORIGIN_RECORDED;
    uint64_t connecting_us = result->dns_us + result->connect_us + result->tls_us;
    uint64_t service_us = result->sending_us + result->waiting_us + result->receiving_us;
    if (result->failure != FAILURE_NONE)
        service_us = since(task->started_us + connecting_us, now_us);
    const struct request_outcome outcome = {
        .endpoint = task->step ? task->step->endpoint : env->plan->endpoint_count,
        .origin = origin,
        .failure = result->failure,
        .judgement = judgement,
        .status = result->response.status,
        .recorded_status = task->step ? task->step->recorded_status : 0,
        .due_us = task->due_us,
        .lateness_us = since(task->due_us, task->started_us),
        .dns_us = result->dns_us,
        .connect_us = result->connect_us,
        .tls_us = result->tls_us,
        .sending_us = result->sending_us,
        .waiting_us = result->waiting_us,
        .receiving_us = result->receiving_us,
        .service_us = service_us,
        .response_us = since(task->due_us, now_us),
        .kernel_us = result->kernel_us,
        .bytes_sent = result->bytes_sent,
        .bytes_received = result->bytes_received,
        .detail = result->detail,
    };
    metrics_record_request(env->metrics, &outcome);
}

static void store_cookies(struct task *task, const struct http_response *response)
{
    struct user *user = task->user;
    for (size_t i = 0; i < response->header_count; i++) {
        struct url url;
        if (!bytes_equal_nocase(response->headers[i].name, bytes_of("set-cookie")))
            continue;
        int64_t unix_s = (user->env->unix_origin_us + (int64_t)user_now_us(user)) / 1000000;
        if (url_parse(task->request->url, &url))
            continue;
        const struct cookie_site site = {
            .host = url.host,
            .is_secure = url.is_secure,
            .stands_in = bytes_equal_nocase(url.host, user->site.host),
        };
        cookie_jar_store(&user->cookies, &site, response->headers[i].value, url.target, unix_s);
    }
}

enum watch_wish task_watch_wish(const struct task *task)
{
    const struct answer_watch *watch = task->user->env->watch;
    if (!watch || !task->step || task->step->kind == STEP_WS_MESSAGE)
        return WATCH_NOTHING;
    return watch->wants(watch->owner, task->user, task->step);
}

struct chain_answer task_chain_answer(const struct task *task,
                                      const struct transport_result *result, uint64_t now_us)
{
    uint64_t sent_us = since(task->due_us, task->started_us) + result->dns_us + result->connect_us +
                       result->tls_us + result->sending_us;
    return (struct chain_answer){
        .request = task->request,
        .info = task_info(task),
        .response = &result->response,
        .error = result->failure == FAILURE_NONE ? NULL
                 : result->detail                ? result->detail
                                                 : failure_name(result->failure),
        .recorded_status = task->step ? task->step->recorded_status : 0,
        .first_byte_us = sent_us + result->waiting_us,
        .total_us = since(task->due_us, now_us),
        .sent_us = sent_us,
        .body_bytes = result->body_bytes,
    };
}

/* Ask the plugins about the answer. False: nothing comes of it. */
static bool ask_plugins(struct task *task, const struct transport_result *result, uint64_t now_us,
                        struct chain_outcome *ret_outcome)
{
    struct user *user = task->user;
    *ret_outcome = (struct chain_outcome){.verdict = REPRISE_CONTINUE};
    if (user->state != USER_PLAYING || !task_asks(task, CHAIN_RESPONSE))
        return false;
    const struct chain_answer answer = task_chain_answer(task, result, now_us);
    task->is_asked = true;
    chain_response(user->plugins, now_us, &answer, ret_outcome);
    task->is_asked = false;
    return true;
}

/* Carry out what they decided. True: something else follows than the task's end. */
static bool follow_plugins(struct task *task, const struct chain_outcome *outcome, uint64_t now_us)
{
    struct user *user = task->user;
    if (task_ends_session(user, outcome))
        return true;
    if (outcome->verdict == REPRISE_RETRY) {
        if (task->step && task->step->kind == STEP_WS_CONNECT)
            channel_drop(&user->channels[task->step->channel]);
        struct chain_repeats *repeats = task_repeats(task, outcome->plugin);
        if (repeats)
            repeats->retries++;
        /* What was to follow the answer follows this one: the retry may be held for it. */
        task_send_added(user, task->after);
        task->after = NULL;
        task->before = outcome->added;
        task_pause(task, now_us + outcome->delay_us, TASK_RETRY);
        return true;
    }
    task_append_after(task, outcome->added);
    if (!outcome->delay_us)
        return false;
    task_pause(task, now_us + outcome->delay_us, TASK_FINISH);
    return true;
}

/* What the run counts it as: an answer that is asked for again is none of its results. */
static void record_judged(struct task *task, const struct transport_result *result,
                          const struct chain_outcome *outcome, uint64_t now_us)
{
    enum request_judgement judgement = outcome->verdict == REPRISE_RETRY        ? JUDGED_WITHDRAWN
                                       : outcome->judgement == REPRISE_EXPECTED ? JUDGED_EXPECTED
                                                                                : JUDGED_BY_STATUS;
    struct transport_result judged = *result;
    if (outcome->judgement == REPRISE_UNEXPECTED && judgement == JUDGED_BY_STATUS &&
        result->failure == FAILURE_NONE) {
        judged.failure = FAILURE_PLUGIN;
        judged.detail = outcome->judged;
    }
    task_record(task, &judged, judgement, now_us);
}

void task_judge(struct task *task, const struct transport_result *result)
{
    struct user *user = task->user;
    struct user_env *env = user->env;
    uint64_t now_us = loop_refresh(env->loop); /* the answer may be of this very pass */
    if (result->failure == FAILURE_NONE)
        silence_broken(&env->silence, now_us);
    task_release_slot(task);
    store_cookies(task, &result->response);
    struct chain_outcome outcome;
    bool is_judged = ask_plugins(task, result, now_us, &outcome);
    bool is_withdrawn = outcome.verdict == REPRISE_RETRY;
    if (!task->step || task->step->kind == STEP_REQUEST)
        record_judged(task, result, &outcome, now_us);
    if (task->step && task->step->bindings && is_withdrawn)
        task_take_back_values(task);
    else if (task->step && task->step->bindings)
        task_take_values(task, result);
    bool is_watched = env->watch && task_watch_wish(task) != WATCH_NOTHING;
    const struct plan_step *step = task->step;
    bool goes_on =
        user->state == USER_PLAYING && !(is_judged && follow_plugins(task, &outcome, now_us));
    if (is_watched && !is_withdrawn)
        env->watch->answered(env->watch->owner, user, step, result);
    if (goes_on)
        task_finish(task);
    task_send_queued(env);
}

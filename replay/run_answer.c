/* run_answer.c - what an answer means for its run: clocks, cookies, the plugins' judgement. */
#include "core/url.h"
#include "replay/channel.h"
#include "replay/run.h"

static uint64_t since(uint64_t from_us, uint64_t to_us)
{
    return to_us > from_us ? to_us - from_us : 0;
}

static void record(struct run *run, const struct transport_result *result, uint64_t now_us)
{
    const struct user_env *env = run->user->env;
    enum request_origin origin = run->attempt ? ORIGIN_RETRIED
                                 : run->added ? ORIGIN_ADDED
                                              : ORIGIN_RECORDED;
    uint64_t connecting_us = result->dns_us + result->connect_us + result->tls_us;
    uint64_t service_us = result->sending_us + result->waiting_us + result->receiving_us;
    if (result->failure != FAILURE_NONE)
        service_us = since(run->started_us + connecting_us, now_us);
    const struct request_outcome outcome = {
        .endpoint = run->step ? run->step->endpoint : env->plan->endpoint_count,
        .origin = origin,
        .failure = result->failure,
        .status = result->response.status,
        .recorded_status = run->step ? run->step->recorded_status : 0,
        .due_us = run->due_us,
        .lateness_us = since(run->due_us, run->started_us),
        .dns_us = result->dns_us,
        .connect_us = result->connect_us,
        .tls_us = result->tls_us,
        .sending_us = result->sending_us,
        .waiting_us = result->waiting_us,
        .receiving_us = result->receiving_us,
        .service_us = service_us,
        .response_us = since(run->due_us, now_us),
        .bytes_sent = result->bytes_sent,
        .bytes_received = result->bytes_received,
        .detail = result->detail,
    };
    metrics_record_request(env->metrics, &outcome);
}

static void store_cookies(struct run *run, const struct http_response *response)
{
    struct user *user = run->user;
    struct url url;
    int64_t unix_s = (user->env->unix_origin_us + (int64_t)user_now_us(user)) / 1000000;
    for (size_t i = 0; i < response->header_count; i++) {
        if (!bytes_equal_nocase(response->headers[i].name, bytes_of("set-cookie")))
            continue;
        if (url_parse(run->request->url, &url) == 0)
            cookie_jar_store(&user->cookies, response->headers[i].value, url.target, unix_s);
    }
}

/* Requests that wait for another one of this plugin are asked again. */
static void wake_held(struct user *user, uint32_t plugin)
{
    for (struct run *run = user->runs; run; run = run->next) {
        if (run->state == RUN_HELD && run->held_by == plugin)
            run_pause(run, user_now_us(user), RUN_ASK);
    }
}

/* Ask the plugins about the answer. True when that decided what follows. */
static bool judged_by_plugins(struct run *run, const struct transport_result *result,
                              uint64_t now_us)
{
    struct user *user = run->user;
    if (!user->plugins || !chain_wants(user->env->chain, CHAIN_RESPONSE))
        return false;
    uint64_t before_us = result->dns_us + result->connect_us + result->tls_us + result->sending_us +
                         result->waiting_us;
    const struct chain_answer answer = {
        .request = run->request,
        .info = run_info(run),
        .response = &result->response,
        .error = result->failure == FAILURE_NONE ? NULL
                 : result->detail                ? result->detail
                                                 : failure_name(result->failure),
        .recorded_status = run->step ? run->step->recorded_status : 0,
        .first_byte_us = since(run->due_us, run->started_us) + before_us,
        .total_us = since(run->due_us, now_us),
    };
    struct chain_outcome outcome;
    chain_response(user->plugins, now_us, &answer, &outcome);
    if (run_ends_session(user, &outcome))
        return true;
    if (run->added)
        wake_held(user, run->added->plugin);
    if (outcome.verdict == REPRISE_RETRY) {
        if (run->step && run->step->kind == STEP_WS_CONNECT)
            channel_drop(&user->channels[run->step->channel]);
        run->before = outcome.added;
        run_pause(run, now_us + outcome.delay_us, RUN_RETRY);
        return true;
    }
    run_append_after(run, outcome.added);
    if (!outcome.delay_us)
        return false;
    run_pause(run, now_us + outcome.delay_us, RUN_FINISH);
    return true;
}

void run_judge(struct run *run, const struct transport_result *result)
{
    struct user *user = run->user;
    struct user_env *env = user->env;
    uint64_t now_us = user_now_us(user);
    run_release_slot(run);
    if (!run->step || run->step->kind == STEP_REQUEST)
        record(run, result, now_us);
    store_cookies(run, &result->response);
    if (user->state == USER_PLAYING && !judged_by_plugins(run, result, now_us))
        run_finish(run);
    run_send_queued(env);
}

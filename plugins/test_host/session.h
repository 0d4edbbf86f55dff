/*
 * session.h - test_host.h's functions about the rest of a session, and the table of all.
 */
#ifndef REPRISE_TEST_HOST_SESSION_H
#define REPRISE_TEST_HOST_SESSION_H

#include "plugins/test_host/requests.h"

static inline int test_host_ws_replace_(const reprise_call *call, const void *data, size_t len)
{
    struct test_host *host = test_host_of(call);
    if (host->callback != TEST_HOST_WS)
        return test_host_no(host, "ws_replace(): no outgoing message is in hand");
    host->ws_replaced = host->message.data = test_host_keep(host, data, len);
    return 0;
}

static inline int test_host_ws_send_(const reprise_call *call, const void *data, size_t len,
                                     int is_text)
{
    struct test_host *host = test_host_of(call);
    (void)is_text;
    if (host->callback != TEST_HOST_WS)
        return test_host_no(host, "ws_send(): only in on_ws_message");
    host->ws_sent[test_host_room(host->ws_sent_count++)] = test_host_keep(host, data, len);
    return 0;
}

static inline void test_host_delay_(const reprise_call *call, uint64_t delay_us)
{
    struct test_host *host = test_host_of(call);
    const uint64_t most_us = UINT64_C(24) * 3600 * 1000000;
    delay_us = delay_us < most_us ? delay_us : most_us;
    host->delay_us = delay_us > host->delay_us ? delay_us : host->delay_us;
}

static inline uint64_t test_host_random_(const reprise_call *call)
{
    uint64_t *state = &test_host_of(call)->random_state; /* splitmix64 */
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline uint32_t test_host_metric_(const reprise_call *call, const char *name,
                                         const char *unit, enum reprise_metric_kind kind)
{
    struct test_host *host = test_host_of(call);
    (void)unit;
    (void)kind;
    if (host->callback != TEST_HOST_START || !name || test_host_room(host->metric_count) > 63) {
        test_host_no(host, "metric(): only in start()");
        return REPRISE_NO_METRIC;
    }
    return (uint32_t)host->metric_count++;
}

static inline void test_host_record_(const reprise_call *call, uint32_t metric, uint64_t value)
{
    struct test_host *host = test_host_of(call);
    if (metric >= host->metric_count) {
        test_host_no(host, "record(): there is no such metric");
        return;
    }
    host->metrics[metric].count++;
    host->metrics[metric].sum += value;
    host->metrics[metric].last = value;
}

static inline void test_host_log_(const reprise_call *call, enum reprise_log_level level,
                                  const char *format, ...)
{
    struct test_host *host = test_host_of(call);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(host->log, sizeof host->log, format, arguments);
    va_end(arguments);
    host->log_lines++;
    if (host->prints_log)
        fprintf(stderr, "%d %s: %s\n", (int)level, host->plugin->name, host->log);
}

static inline void test_host_error_(const reprise_call *call, const char *format, ...)
{
    struct test_host *host = test_host_of(call);
    va_list arguments;
    va_start(arguments, format);
    if (!host->error[0])
        vsnprintf(host->error, sizeof host->error, format, arguments);
    va_end(arguments);
}

static inline int test_host_mark_(const reprise_call *call, uint32_t step, uint32_t mark)
{
    struct test_host *host = test_host_of(call);
    if (host->callback != TEST_HOST_RECORDED || step >= call->step_count)
        return test_host_no(host, "mark(): only in on_recorded, of a step of the session");
    struct test_host_step *kept = test_host_add(&host->marked);
    kept->step = step;
    kept->status = mark;
    return 0;
}

static inline int test_host_settle_(const reprise_call *call, uint32_t step,
                                    const reprise_answer *answer)
{
    struct test_host *host = test_host_of(call);
    if (answer && answer->size < sizeof *answer)
        return test_host_no(host, "settle(): the answer's size is wrong");
    if (host->settle_gives)
        return test_host_no(host, "settle(): the step was sent, or is no request");
    struct test_host_step *kept = test_host_add(&host->settled);
    kept->step = step;
    kept->status = answer ? answer->status : 0;
    if (answer)
        kept->first = test_host_keep(host, answer->body.ptr, answer->body.len);
    return 0;
}

static inline int test_host_settle_like_(const reprise_call *call, uint32_t step,
                                         const reprise_response *response)
{
    reprise_answer answer;
    memset(&answer, 0, sizeof answer);
    answer.size = sizeof answer;
    answer.status = response->status;
    answer.body = response->body;
    return test_host_settle_(call, step, &answer);
}

static inline int test_host_judge_(const reprise_call *call, enum reprise_judgement judgement,
                                   const char *reason)
{
    struct test_host *host = test_host_of(call);
    if (host->callback != TEST_HOST_RESPONSE)
        return test_host_no(host, "judge(): only in on_response");
    if (judgement == REPRISE_EXPECTED && !host->response.view.status)
        return test_host_no(host, "judge(): nothing was answered");
    host->judgement = (int)judgement;
    snprintf(host->judged, sizeof host->judged, "%s", reason ? reason : "");
    return 0;
}

static inline int test_host_replace_(const reprise_call *call, reprise_bytes old,
                                     reprise_bytes value)
{
    struct test_host *host = test_host_of(call);
    if (!old.ptr || !old.len || !value.ptr)
        return test_host_no(host, "replace_value(): both have to be there");
    struct test_host_step *kept = test_host_add(&host->replaced);
    kept->first = test_host_keep(host, old.ptr, old.len);
    kept->second = test_host_keep(host, value.ptr, value.len);
    return host->replace_gives;
}

static inline int test_host_set_cookie_(const reprise_call *call, uint32_t step,
                                        const char *set_cookie)
{
    struct test_host *host = test_host_of(call);
    const char *equals = set_cookie ? strchr(set_cookie, '=') : NULL;
    if (!equals || equals == set_cookie)
        return test_host_no(host, "set_cookie(): no cookie, or no such step");
    struct test_host_step *kept = test_host_add(&host->cookies);
    kept->step = step;
    kept->first = test_host_keep(host, set_cookie, strlen(set_cookie));
    return 0;
}

static inline reprise_bytes test_host_data_(const reprise_call *call, const char *column)
{
    const struct test_host_list *data = &test_host_of(call)->data;
    const reprise_bytes none = {NULL, 0};
    for (size_t i = data->count; column && i-- > 0;) {
        if (strcmp(data->items[i].first.ptr, column) == 0)
            return data->items[i].second;
    }
    return none;
}

static inline void test_host_wake_(const reprise_call *call)
{
    test_host_of(call)->wakes++;
}

static inline void test_host_keep_body_(const reprise_call *call)
{
    test_host_of(call)->keeps_body = 1;
}

static inline void test_host_limit_(const reprise_call *call, uint64_t limit_us)
{
    struct test_host *host = test_host_of(call);
    if (host->callback != TEST_HOST_REQUEST) {
        test_host_no(host, "limit_us(): only in on_request");
        return;
    }
    if (!host->limit_us || (limit_us && limit_us < host->limit_us))
        host->limit_us = limit_us;
}

static inline void test_host_end_response_(const reprise_call *call)
{
    test_host_of(call)->ends_response = 1;
}

static inline void test_host_fill(reprise_host *table)
{
    table->size = sizeof *table;
    table->abi_major = REPRISE_ABI_MAJOR;
    table->abi_minor = REPRISE_ABI_MINOR;
    table->request_header = test_host_request_header_;
    table->response_header = test_host_response_header_;
    table->request_header_at = test_host_request_at_;
    table->response_header_at = test_host_response_at_;
    table->set_method = test_host_set_method_;
    table->set_url = test_host_set_url_;
    table->set_header = test_host_set_header_;
    table->set_body = test_host_set_body_;
    table->new_request = test_host_new_;
    table->send = test_host_send_;
    table->ws_replace = test_host_ws_replace_;
    table->ws_send = test_host_ws_send_;
    table->delay_us = test_host_delay_;
    table->random = test_host_random_;
    table->metric = test_host_metric_;
    table->record = test_host_record_;
    table->log = test_host_log_;
    table->error = test_host_error_;
    table->mark = test_host_mark_;
    table->new_request_of_step = test_host_new_of_step_;
    table->settle = test_host_settle_;
    table->settle_like = test_host_settle_like_;
    table->judge = test_host_judge_;
    table->replace_value = test_host_replace_;
    table->set_cookie = test_host_set_cookie_;
    table->data = test_host_data_;
    table->wake = test_host_wake_;
    table->keep_body = test_host_keep_body_;
    table->request_body_at = test_host_body_at_;
    table->set_body_source = test_host_set_source_;
    table->end_response = test_host_end_response_;
    table->limit_us = test_host_limit_;
}

#endif

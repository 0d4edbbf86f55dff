/*
 * ai_queue_host.h - ai_queue as it is loaded: one user, a clock that only the test moves, and all
 * that the plugin asks for kept to be looked at.
 */
#ifndef REPRISE_TESTS_PLUGINS_AI_QUEUE_HOST_H
#define REPRISE_TESTS_PLUGINS_AI_QUEUE_HOST_H

#include "plugins/ai_queue/plugin.h"
#include "tests/plugins/ai_queue_session.h"

/* settled: 'n' with nothing, 'l' like the answer in hand; headers: of the answer in hand. */
#define HOST_KEEPS                                                                                 \
    char url[200], body[400], replaced[200], settled[SESSION_MAX_STEPS + 1];                       \
    uint64_t limit_us;                                                                             \
    int woken, ended_responses, kept_bodies;                                                       \
    const char *headers;
#include "tests/plugins/small_host.h"

static inline reprise_bytes response_header(const reprise_call *call,
                                            const reprise_response *response, const char *name)
{
    (void)call, (void)response;
    reprise_header headers[SESSION_MAX_HEADERS];
    size_t count = seen_headers(host.headers, headers);
    for (size_t i = 0; i < count; i++)
        if (headers[i].name.len == strlen(name) &&
            strncasecmp(headers[i].name.ptr, name, headers[i].name.len) == 0)
            return headers[i].value;
    return (reprise_bytes){NULL, 0};
}

static inline int set_url(const reprise_call *call, reprise_request *request, const char *url)
{
    (void)call;
    snprintf(host.url, sizeof host.url, "%s", url);
    request->url = text_of(host.url);
    return 0;
}

static inline int set_body(const reprise_call *call, reprise_request *request, const void *data,
                           size_t len)
{
    (void)call;
    snprintf(host.body, sizeof host.body, "%.*s", (int)len, (const char *)data);
    request->body = text_of(host.body);
    return 0;
}

static inline uint64_t draw_random(const reprise_call *call)
{
    (void)call;
    return 0;
}

static inline int settle(const reprise_call *call, uint32_t step, const reprise_answer *answer)
{
    (void)call;
    assert_null(answer);
    host.settled[step] = 'n';
    return 0;
}

static inline int settle_like(const reprise_call *call, uint32_t step,
                              const reprise_response *response)
{
    (void)call;
    assert_non_null(response);
    host.settled[step] = 'l';
    return 0;
}

static inline int replace_value(const reprise_call *call, reprise_bytes old, reprise_bytes value)
{
    (void)call;
    snprintf(host.replaced, sizeof host.replaced, "%s>%s", old.ptr, value.ptr);
    return 0;
}

static inline void wake(const reprise_call *call)
{
    (void)call;
    host.woken++;
}

static inline void keep_body(const reprise_call *call)
{
    (void)call;
    host.kept_bodies++;
}

static inline void limit_us(const reprise_call *call, uint64_t us)
{
    (void)call;
    host.limit_us = us;
}

static inline void end_response(const reprise_call *call)
{
    (void)call;
    host.ended_responses++;
}

static inline int start_with(const char *const *options)
{
    host_prepare(&(reprise_host){.response_header = response_header,
                                 .set_url = set_url,
                                 .set_body = set_body,
                                 .random = draw_random,
                                 .settle = settle,
                                 .settle_like = settle_like,
                                 .replace_value = replace_value,
                                 .wake = wake,
                                 .keep_body = keep_body,
                                 .end_response = end_response,
                                 .limit_us = limit_us});
    memset(host.settled, '.', SESSION_MAX_STEPS);
    host.call.session_id = 1;
    host.call.think_speed = 5;
    host.call.unix_us = 1000000000;
    host.call.step_count = SESSION_MAX_STEPS;
    return host_start(options);
}

static inline void stop(void)
{
    host_stop();
}

static inline void pass(uint64_t ms)
{
    host.call.now_us += ms * 1000;
    host.call.unix_us += (int64_t)ms * 1000;
}

static inline void show(const struct seen *steps, size_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        reprise_header headers[SESSION_MAX_HEADERS];
        reprise_recorded recorded = seen_recorded(&steps[i], i, headers);
        assert_int_equal(plugin->on_recorded(&host.call, &recorded), REPRISE_CONTINUE);
    }
    assert_int_equal(plugin->on_recording_end(&host.call), REPRISE_CONTINUE);
    assert_int_equal(plugin->on_session_start(&host.call), REPRISE_CONTINUE);
}

/* Step 0 submits job j1, 1 to 3 ask for it every 250 ms, 4 fetches the result. */
static inline void show_job(void)
{
    static const struct seen steps[] = {
        {"POST", "http://t/jobs", 202, NULL, "{\"id\":\"j1\"}", 0, 100, 0},
        {"GET", "http://t/jobs/j1", 200, NULL, "{\"id\":\"j1\",\"status\":\"queued\"}", 500, 510,
         0},
        {"GET", "http://t/jobs/j1", 200, NULL, "{\"id\":\"j1\",\"status\":\"running\"}", 760, 770,
         0},
        {"GET", "http://t/jobs/j1", 200, NULL, "{\"id\":\"j1\",\"status\":\"done\"}", 1020, 1030,
         0},
        {"GET", "http://t/jobs/j1/result", 200, NULL, "hi", 1100, 1200, 0},
    };
    show(steps, 5);
}

static reprise_request request;

static inline int ask(uint32_t step, const char *url)
{
    host.delay_us = host.limit_us = 0;
    request = (reprise_request){.step = step, .mark = host.marks[step], .url = text_of(url)};
    return plugin->on_request(&host.call, &request);
}

/* The same with a body, which is in host.body as it would be sent. */
static inline int ask_with(uint32_t step, const char *url, const char *body)
{
    host.delay_us = 0;
    snprintf(host.body, sizeof host.body, "%s", body);
    request = (reprise_request){
        .step = step, .mark = host.marks[step], .url = text_of(url), .body = text_of(body)};
    return plugin->on_request(&host.call, &request);
}

/* The marks as letters: s(ubmit) p(oll) r(esult) o(ther) e(vents) l(ist) m(any told by events)
 * a(ttempt) w(atch), '.': none. */
static inline const char *roles(size_t count)
{
    static char text[SESSION_MAX_STEPS + 1];
    for (size_t i = 0; i < count; i++)
        text[i] = ".sproelmaw"[MARK_ROLE(host.marks[i])];
    text[count] = '\0';
    return text;
}

static inline int answer(uint32_t status, const char *headers, const char *body)
{
    host.headers = headers;
    host.delay_us = 0;
    reprise_response response = {.request = &request,
                                 .status = status,
                                 .error = status ? NULL : "connection refused",
                                 .total_us = 2000,
                                 .sent_us = 1000,
                                 .body = text_of(body)};
    return plugin->on_response(&host.call, &response);
}

/* Submitted, and accepted as n1. */
static inline void submit(void)
{
    assert_int_equal(ask(0, "http://t/jobs"), REPRISE_CONTINUE);
    pass(5);
    assert_int_equal(answer(202, NULL, "{\"id\":\"n1\"}"), REPRISE_CONTINUE);
}

static inline int ask_when_due(uint32_t step)
{
    int verdict;
    while ((verdict = ask(step, "http://t/jobs/j1")) == REPRISE_HOLD)
        pass(host.delay_us / 1000);
    return verdict;
}

/* Asked when it is time: the hold before it, in ms. */
static inline uint64_t poll_when_due(uint32_t step)
{
    uint64_t began_us = host.call.now_us;
    assert_int_equal(ask_when_due(step), REPRISE_CONTINUE);
    uint64_t held_us = host.call.now_us - began_us;
    assert_true(span_is(plugin_span(request.url), "http://t/jobs/n1"));
    return held_us / 1000;
}

#define QUEUED "{\"id\":\"n1\",\"status\":\"queued\"}"
#define RUNNING "{\"id\":\"n1\",\"status\":\"running\"}"
#define DONE "{\"id\":\"n1\",\"status\":\"done\"}"

static inline int data(const char *text)
{
    const reprise_response response = {.request = &request, .status = 200};
    return plugin->on_response_data(&host.call, &response, text_of(text));
}

static inline void show_stream(void)
{
    static const struct seen steps[] = {
        {"POST", "http://t/jobs", 202, NULL, "{\"id\":\"j1\"}", 0, 100, 0},
        {"GET", "http://t/jobs/j1/events", 200, "Content-Type: text/event-stream",
         "data: {\"status\":\"done\"}\n\n", 500, 510, 0},
        {"GET", "http://t/jobs/j1/result", 200, NULL, "hi", 950, 960, 0},
    };
    show(steps, 3);
    submit();
    assert_int_equal(ask(1, "http://t/jobs/j1/events"), REPRISE_CONTINUE);
    assert_string_equal(host.url, "http://t/jobs/n1/events");
}

#endif

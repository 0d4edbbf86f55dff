/*
 * test_host.h - a host for unit tests of a plugin's callbacks: no reprise, no network, no library.
 *
 *     struct test_host host;
 *     test_host_init(&host, &plugin, "key=secret");       options as after --plugin NAME:
 *     test_host_give_request(&host, "POST", "https://api.test/v1/jobs", "{}");
 *     assert(test_host_on_request(&host) == REPRISE_CONTINUE);
 *     assert(strcmp(test_host_header_of(&host, "X-Signature"), "...") == 0);
 *     test_host_fini(&host);
 *
 * A test puts things into the host (the call, the request in hand, an answer, rows of --data), asks
 * the plugin, and looks at what the host has kept: everything below that is marked "kept". Kept
 * things of one callback (delay, error, judgement, messages sent) are cleared before the next;
 * counts, metrics, settled steps and added requests stay until test_host_forget().
 *
 * It says no where the real host says no about arguments and callbacks, in fewer words. It does not
 * play: what a verdict leads to is the test's to do. One user at a time, one thread.
 * C11 and later, C++11 and later.
 */
#ifndef REPRISE_TEST_HOST_H
#define REPRISE_TEST_HOST_H

#include "plugins/test_host/session.h"

/* An option's text into its field; 0: it is not written like one of its type. */
static inline int test_host_option(struct test_host *host, const reprise_option *option,
                                   const char *text)
{
    static const struct {
        const char *unit;
        uint32_t type;
        double times;
    } units[] = {
        {"", REPRISE_SIZE, 1},        {"KB", REPRISE_SIZE, 1e3},      {"KiB", REPRISE_SIZE, 1024},
        {"MB", REPRISE_SIZE, 1e6},    {"MiB", REPRISE_SIZE, 1048576}, {"GB", REPRISE_SIZE, 1e9},
        {"us", REPRISE_DURATION, 1},  {"ms", REPRISE_DURATION, 1e3},  {"s", REPRISE_DURATION, 1e6},
        {"m", REPRISE_DURATION, 6e7}, {"h", REPRISE_DURATION, 3.6e9}, {"", REPRISE_NUMBER, 1},
        {"", REPRISE_REAL, 1},
    };
    char *field = (char *)host->call.plugin + option->offset;
    if (option->type == REPRISE_STRING) {
        const char *kept = test_host_text(host, text).ptr;
        memcpy(field, &kept, sizeof kept);
        return 1;
    }
    if (option->type == REPRISE_SWITCH) {
        uint32_t is_on = strcmp(text, "on") == 0 || !*text;
        memcpy(field, &is_on, sizeof is_on);
        return is_on || strcmp(text, "off") == 0;
    }
    char *end;
    double value = strtod(text, &end);
    for (size_t i = 0; end != text && value >= 0 && i < sizeof units / sizeof units[0]; i++) {
        if (units[i].type != option->type || strcmp(units[i].unit, end) != 0)
            continue;
        uint64_t whole = (uint64_t)(value * units[i].times);
        memcpy(field, option->type == REPRISE_REAL ? (void *)&value : (void *)&whole, 8);
        return 1;
    }
    return 0;
}

/* NAME=VALUE of `given`, or its fallback; "\\," is a comma. -1: required, or written wrongly. */
static inline int test_host_set_option(struct test_host *host, const reprise_option *option,
                                       const char *given)
{
    char text[1024];
    const char *value = option->fallback;
    size_t name_len = strlen(option->name);
    for (const char *at = given ? given : ""; *at; at += *at == ',') {
        size_t used = 0;
        for (; *at && *at != ',' && used < sizeof text - 1; at++) {
            at += at[0] == '\\' && at[1] == ',';
            text[used++] = *at;
        }
        text[used] = '\0';
        if (strncmp(text, option->name, name_len) == 0 && strchr("=", text[name_len])) {
            value = test_host_text(host, text[name_len] ? text + name_len + 1 : "").ptr;
            break;
        }
    }
    return value && test_host_option(host, option, value) ? 0 : -1;
}

static inline void test_host_ready(struct test_host *host, int callback)
{
    const reprise_bytes none = {NULL, 0};
    host->callback = callback;
    host->delay_us = host->limit_us = 0;
    host->error[0] = host->judged[0] = '\0';
    host->judgement = host->keeps_body = host->ends_response = 0;
    host->ws_replaced = none;
    host->ws_sent_count = 0;
}

static inline int test_host_done(struct test_host *host, int verdict)
{
    host->callback = TEST_HOST_NONE;
    return verdict;
}

/* --- life ---------------------------------------------------------------------------------- */

/* Another user with a state of its own; the one before is gone. */
static inline void test_host_user(struct test_host *host, uint64_t user_index)
{
    host->call.user_index = user_index;
    host->call.user = test_host_alloc(host, host->plugin->user_size);
    host->random_state = user_index * 1000003 + 1;
}

/* start() is the test's to call. What was kept goes, the plugin's and the user's state stay. */
static inline void test_host_forget(struct test_host *host)
{
    for (size_t i = 0; i < host->added_count; i++)
        test_host_release(host->added[i]);
    host->added_count = host->settled.count = host->replaced.count = host->marked.count =
        host->cookies.count = 0;
    host->wakes = host->log_lines = 0;
    host->log[0] = '\0';
    memset(host->metrics, 0, sizeof host->metrics);
    test_host_ready(host, TEST_HOST_NONE);
}

/* `options` as on the command line, or NULL. 0, or -1 when one does not fit: `error` says which. */
static inline int test_host_init(struct test_host *host, const reprise_plugin *plugin,
                                 const char *options)
{
    memset((void *)host, 0, sizeof *host);
    host->plugin = plugin;
    host->replace_gives = 1;
    test_host_fill(&host->table);
    host->call.host = &host->table;
    host->call.internal = host;
    host->call.plugin = test_host_alloc(host, plugin->plugin_size);
    host->call.target = test_host_text(host, "https://target.test");
    host->call.unix_us = INT64_C(1767225600000000); /* 2026-01-01 */
    host->call.think_speed = 1;
    host->call.step_count = 10;
    test_host_user(host, 0);
    while (plugin->metrics && plugin->metrics[host->metric_count].name)
        host->metric_count++;
    for (const reprise_option *option = plugin->options; option && option->name; option++) {
        if (test_host_set_option(host, option, options)) {
            snprintf(host->error, sizeof host->error, "option %s: missing, or written wrongly",
                     option->name);
            return -1;
        }
    }
    return 0;
}

static inline void test_host_fini(struct test_host *host)
{
    test_host_release(&host->request);
    test_host_forget(host);
    for (size_t i = 0; i < host->block_count; i++)
        free(host->blocks[i]);
    free(host->blocks);
    host->blocks = NULL;
    host->block_count = 0;
}

/* --- what the plugin is shown -------------------------------------------------------------- */

/* In hand from now on: step 0 of the session, first attempt, no headers; change host->request.view
 * for others. The answer in hand becomes its answer. */
static inline void test_host_give_request(struct test_host *host, const char *method,
                                          const char *url, const char *body)
{
    test_host_release(&host->request);
    memset((void *)&host->request, 0, sizeof host->request);
    host->request.view.method = test_host_text(host, method);
    host->request.view.url = test_host_text(host, url);
    test_host_show_body(host, &host->request, test_host_text(host, body ? body : ""));
    memset((void *)&host->response, 0, sizeof host->response);
    host->response.view.request = &host->request.view;
}

static inline void test_host_give_request_header(struct test_host *host, const char *name,
                                                 const char *value)
{
    test_host_put(host, host->request.headers, &host->request.header_count, name, value);
}

/* The answer to the request in hand; recorded_status 200. body NULL: none. */
static inline void test_host_give_response(struct test_host *host, uint32_t status,
                                           const char *body)
{
    memset((void *)&host->response, 0, sizeof host->response);
    host->response.view.request = &host->request.view;
    host->response.view.status = status;
    host->response.view.recorded_status = 200;
    host->response.view.body = test_host_text(host, body);
    host->response.view.body_bytes = host->response.view.body.len;
    host->response.view.error = status ? NULL : "connection refused";
}

static inline void test_host_give_response_header(struct test_host *host, const char *name,
                                                  const char *value)
{
    size_t at = test_host_room(host->response.header_count++); /* headers of answers repeat */
    host->response.headers[at].name = test_host_text(host, name).ptr;
    host->response.headers[at].value = test_host_text(host, value).ptr;
}

/* A column of this user's row. */
static inline void test_host_give_data(struct test_host *host, const char *column, const char *text)
{
    struct test_host_step *kept = test_host_add(&host->data);
    kept->first = test_host_text(host, column);
    kept->second = test_host_text(host, text);
}

/* What new_request_of_step() has for this step. */
static inline void test_host_give_step(struct test_host *host, uint32_t step, const char *method,
                                       const char *url, const char *body)
{
    struct test_host_step *kept = test_host_add(&host->recorded);
    kept->step = step;
    kept->first = test_host_text(host, method);
    kept->second = test_host_text(host, url);
    kept->third = test_host_text(host, body ? body : "");
}

/* --- asking the plugin: its verdict; REPRISE_CONTINUE where it has no such callback --------- */

#define TEST_HOST_ASK(host, which, callback, ...)                                                  \
    (test_host_ready(host, which),                                                                 \
     test_host_done(host, (host)->plugin->callback ? (host)->plugin->callback(__VA_ARGS__) : 0))

static inline int test_host_start(struct test_host *host)
{
    return TEST_HOST_ASK(host, TEST_HOST_START, start, &host->call);
}

static inline int test_host_on_recorded(struct test_host *host, const reprise_recorded *recorded)
{
    return TEST_HOST_ASK(host, TEST_HOST_RECORDED, on_recorded, &host->call, recorded);
}

/* The test says when everything was shown. */
static inline int test_host_on_recording_end(struct test_host *host)
{
    return TEST_HOST_ASK(host, TEST_HOST_RECORDING_END, on_recording_end, &host->call);
}

static inline int test_host_on_session_start(struct test_host *host)
{
    return TEST_HOST_ASK(host, TEST_HOST_SESSION_START, on_session_start, &host->call);
}

/* With the mark that the plugin has given this step, if any. */
static inline int test_host_on_request(struct test_host *host)
{
    const struct test_host_step *mark = test_host_step_of(&host->marked, host->request.view.step);
    if (mark)
        host->request.view.mark = mark->status;
    return TEST_HOST_ASK(host, TEST_HOST_REQUEST, on_request, &host->call, &host->request.view);
}

static inline int test_host_on_response(struct test_host *host)
{
    return TEST_HOST_ASK(host, TEST_HOST_RESPONSE, on_response, &host->call, &host->response.view);
}

static inline int test_host_on_response_data(struct test_host *host, const char *data)
{
    return TEST_HOST_ASK(host, TEST_HOST_DATA, on_response_data, &host->call, &host->response.view,
                         test_host_text(host, data));
}

/* Of the WebSocket that the request in hand has opened. */
static inline int test_host_on_ws_message(struct test_host *host, int is_outgoing, const char *data)
{
    const struct test_host_step *mark = test_host_step_of(&host->marked, host->request.view.step);
    memset((void *)&host->message, 0, sizeof host->message);
    host->message.step = host->request.view.step;
    host->message.mark = mark ? mark->status : 0;
    host->message.is_outgoing = is_outgoing != 0;
    host->message.is_text = 1;
    host->message.data = test_host_text(host, data);
    return TEST_HOST_ASK(host, TEST_HOST_WS, on_ws_message, &host->call, &host->message);
}

static inline void test_host_on_session_end(struct test_host *host)
{
    test_host_ready(host, TEST_HOST_END);
    if (host->plugin->on_session_end)
        host->plugin->on_session_end(&host->call);
    host->callback = TEST_HOST_NONE;
}

static inline void test_host_stop(struct test_host *host)
{
    test_host_ready(host, TEST_HOST_END);
    if (host->plugin->stop)
        host->plugin->stop(&host->call);
    host->callback = TEST_HOST_NONE;
}

/* --- what came of it ----------------------------------------------------------------------- */

/* Of the request in hand; NULL: it has none. */
static inline const char *test_host_header_of(const struct test_host *host, const char *name)
{
    return test_host_find(host->request.headers, host->request.header_count, name).ptr;
}

/* The body as it would be sent, a source read in steps of `step_bytes`. ptr is NULL when the source
 * fails (its reason is the host's error then), gives too much, or other bytes when it is read
 * again. */
static inline reprise_bytes
test_host_body(struct test_host *host, const struct test_host_request *request, size_t step_bytes)
{
    const reprise_bytes none = {NULL, 0};
    if (!request->has_source)
        return request->body;
    size_t len = (size_t)request->source.body_bytes;
    char *twice[2];
    for (int i = 0; i < 2; i++) {
        twice[i] = (char *)test_host_alloc(host, len + 1);
        for (size_t at = 0; at < len;) {
            size_t most = len - at < step_bytes ? len - at : step_bytes;
            int64_t got = request->source.read(request->source.state, at, twice[i] + at, most);
            if (got <= 0 && request->source.reason) {
                const char *reason = request->source.reason(request->source.state);
                snprintf(host->error, sizeof host->error, "%s", reason ? reason : "");
            }
            if (got <= 0 || (uint64_t)got > most)
                return none;
            at += (size_t)got;
        }
    }
    const reprise_bytes body = {twice[0], len};
    return memcmp(twice[0], twice[1], len) == 0 ? body : none;
}

#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
#endif

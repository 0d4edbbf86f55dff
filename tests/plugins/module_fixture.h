/*
 * module_fixture.h - a plugin of ours from its file on a real chain: users, requests and answers as
 * the test writes them, what it recorded by name. Nothing is sent.
 */
#ifndef REPRISE_TESTS_PLUGINS_MODULE_FIXTURE_H
#define REPRISE_TESTS_PLUGINS_MODULE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/host.h"

#ifndef TEST_BINARY_DIR
#define TEST_BINARY_DIR "." /* the build says where it is; so the header compiles alone */
#endif

enum { MODULE_USERS = 8, MODULE_HEADERS = 16 };

struct module {
    struct plugin_chain chain;
    struct chain_worker *worker;
    struct chain_user *users[MODULE_USERS];
    struct arena arena;
    uint64_t sums[CHAIN_MAX_METRICS], counts[CHAIN_MAX_METRICS];
    const char *columns[4][2]; /* what --data has for every user: column, value */
    uint32_t settled_step;
    int settled_status;
    char settled_body[256];
    char replaced[256];       /* "old -> new" */
    struct http_request like; /* what new_request_of_step() gives */
};

/* One request on its way through the chain. */
struct asked {
    struct http_request request;
    struct chain_request_info info;
    struct chain_outcome outcome;
    struct http_header headers[MODULE_HEADERS];
};

static inline void module_record(void *owner, uint32_t metric, bool is_histogram, uint64_t value)
{
    struct module *m = owner;
    (void)is_histogram;
    m->sums[metric] += value;
    m->counts[metric]++;
}

static inline int module_settle(void *owner, uint32_t step, const struct http_response *answer)
{
    struct module *m = owner;
    m->settled_step = step;
    m->settled_status = answer ? answer->status : 0;
    snprintf(m->settled_body, sizeof m->settled_body, "%.*s", answer ? (int)answer->body.len : 0,
             answer && answer->body.ptr ? answer->body.ptr : "");
    return 0;
}

static inline int module_replace(void *owner, struct bytes old, struct bytes value)
{
    struct module *m = owner;
    snprintf(m->replaced, sizeof m->replaced, "%.*s -> %.*s", BYTES_ARG(old), BYTES_ARG(value));
    return 2;
}

static inline struct bytes module_data(void *owner, struct bytes column)
{
    struct module *m = owner;
    for (size_t i = 0; i < 4 && m->columns[i][0]; i++)
        if (bytes_equal(column, bytes_of(m->columns[i][0])))
            return bytes_of(m->columns[i][1]);
    return (struct bytes){0};
}

static inline int module_open(struct module *m, const char *spec, struct error *err)
{
    const char *folder = TEST_BINARY_DIR "/reprise-plugins";
    const struct plugin_search search = {&folder, 1};
    const struct chain_options options = {
        .seed = 42, .unix_us = 1700000000000000, .target_url = "http://target.test"};
    memset(m, 0, sizeof *m);
    *err = (struct error){.text = ""};
    if (chain_open(&m->chain, &spec, 1, &search, err))
        return -1;
    if (chain_start(&m->chain, &options, err)) {
        chain_close(&m->chain);
        return -1;
    }
    return 0;
}

/* The start must fail, and say this. */
static inline void module_refuses(const char *spec, const char *reason)
{
    struct module m;
    struct error err;
    if (module_open(&m, spec, &err) == 0)
        fail_msg("%s was taken", spec);
    if (!strstr(err.text, reason))
        fail_msg("%s: '%s' does not say '%s'", spec, err.text, reason);
}

/* What is shown of the trace comes between the two. */
static inline void module_load(struct module *m, const char *spec)
{
    struct error err;
    if (module_open(m, spec, &err))
        fail_msg("%s", err.text);
}

static inline void module_begin(struct module *m)
{
    static const struct chain_services services = {
        .settle = module_settle, .replace_value = module_replace, .data = module_data};
    struct error err;
    if (chain_recording_end(&m->chain, &err))
        fail_msg("%s", err.text);
    m->worker = chain_worker_new(&m->chain, module_record, m);
    chain_worker_serve(m->worker, &services, 1);
    arena_init(&m->arena, 16 * 1024 * 1024);
}

static inline void module_start(struct module *m, const char *spec)
{
    module_load(m, spec);
    module_begin(m);
}

/* The verdict of its on_session_start is in `ret`, which may be NULL. */
static inline struct chain_user *module_user(struct module *m, uint64_t index,
                                             struct chain_outcome *ret)
{
    struct chain_outcome outcome;
    if (!m->users[index]) {
        m->users[index] = chain_user_new(
            m->worker,
            &(struct chain_play){.index = index, .session_id = 7, .step_count = 20, .owner = m});
        chain_session_start(m->users[index], 0, ret ? ret : &outcome);
    }
    return m->users[index];
}

/* "POST /path" with headers "Name: value", NULL behind the last. */
static inline struct asked module_request(struct module *m, uint32_t step, const char *line,
                                          const char *body, const char *const *headers)
{
    struct asked asked = {.info = {.step = step}};
    size_t method_len = strcspn(line, " "), count = 0;
    char *url = arena_alloc(&m->arena, 1024);
    snprintf(url, 1024, "http://target.test%s", line + method_len + 1);
    for (; headers && headers[count]; count++) {
        const char *colon = strchr(headers[count], ':');
        asked.headers[count] =
            (struct http_header){.name = {headers[count], (size_t)(colon - headers[count])},
                                 .value = bytes_of(colon + 2)};
    }
    asked.request =
        (struct http_request){.method = arena_copy(&m->arena, bytes_make(line, method_len)),
                              .url = bytes_of(url),
                              .body = bytes_of(body),
                              .header_count = count,
                              .arena = &m->arena};
    return asked;
}

static inline enum reprise_verdict module_ask(struct module *m, uint64_t user, uint64_t now_us,
                                              struct asked *asked)
{
    if (!asked->request.own_headers)
        asked->request.headers = asked->headers;
    chain_request(module_user(m, user, NULL), now_us, &asked->request, &asked->info,
                  &asked->outcome);
    return asked->outcome.verdict;
}

/* The answer to it, `total_us` after it was due. */
static inline enum reprise_verdict module_answer(struct module *m, uint64_t user, uint64_t now_us,
                                                 struct asked *asked, int status, const char *body,
                                                 uint64_t total_us, const char *const *headers)
{
    struct http_header rows[MODULE_HEADERS];
    size_t count = 0;
    for (; headers && headers[count]; count++) {
        const char *colon = strchr(headers[count], ':');
        rows[count] =
            (struct http_header){.name = {headers[count], (size_t)(colon - headers[count])},
                                 .value = bytes_of(colon + 2)};
    }
    const struct http_response response = {
        .status = status, .headers = rows, .header_count = count, .body = bytes_of(body)};
    const struct chain_answer answer = {.request = &asked->request,
                                        .info = asked->info,
                                        .response = &response,
                                        .error = status ? NULL : "connection refused",
                                        .recorded_status = 200,
                                        .body_bytes = response.body.len,
                                        .first_byte_us = total_us,
                                        .total_us = total_us};
    chain_response(module_user(m, user, NULL), now_us, &answer, &asked->outcome);
    return asked->outcome.verdict;
}

/* A counter's sum; a histogram's too. */
static inline uint64_t module_counted(const struct module *m, const char *metric)
{
    for (uint32_t i = 0; i < m->chain.metric_count; i++)
        if (strcmp(m->chain.metrics[i].name, metric) == 0)
            return m->sums[i];
    fail_msg("there is no metric %s", metric);
    return 0;
}

static inline const char *module_header(const struct asked *asked, const char *name)
{
    struct bytes value =
        http_headers_find(asked->request.headers, asked->request.header_count, bytes_of(name));
    return value.ptr ? value.ptr : "(none)";
}

static inline void module_stop(struct module *m)
{
    for (size_t i = 0; i < MODULE_USERS; i++)
        if (m->users[i]) {
            chain_session_end(m->users[i], 1);
            chain_user_free(m->users[i]);
        }
    chain_worker_free(m->worker);
    chain_stop(&m->chain, 1);
    chain_close(&m->chain);
    arena_fini(&m->arena);
}

#endif

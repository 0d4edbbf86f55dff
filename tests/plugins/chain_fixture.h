/*
 * chain_fixture.h - a started chain whose plugins are written in the test itself, one user of it,
 * and a request to ask about. No file is loaded and nothing is sent.
 */
#ifndef REPRISE_TESTS_PLUGINS_CHAIN_FIXTURE_H
#define REPRISE_TESTS_PLUGINS_CHAIN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plugins/host.h"

/* PLUGIN("first", .on_request = holds): a plugin on the spot. */
#define PLUGIN(plugin_name, ...)                                                                   \
    (&(const reprise_plugin){REPRISE_PLUGIN_HEADER, .name = (plugin_name), __VA_ARGS__})

struct recorded {
    uint32_t metric;
    bool is_histogram;
    uint64_t value;
};

struct fixture {
    struct plugin_chain chain;
    struct chain_worker *worker;
    struct chain_user *user;
    struct arena arena;
    struct http_request request; /* GET https://target.test/jobs/7?x=1 with Accept and Cookie */
    struct chain_request_info info;
    struct chain_outcome outcome;
    size_t recorded_count;
    struct recorded recorded[256];
};

static inline void fixture_record(void *owner, uint32_t metric, bool is_histogram, uint64_t value)
{
    struct fixture *fx = owner;
    assert_true(fx->recorded_count < 256);
    fx->recorded[fx->recorded_count++] = (struct recorded){metric, is_histogram, value};
}

/* Headers are views into longer text: what replay hands over of them need not be terminated. */
static inline void fixture_request(struct fixture *fx)
{
    static const char text[] = "Accept: text/html Cookie: a=1;b";
    static const struct http_header headers[] = {
        {.name = {text, 6}, .value = {text + 8, 9}},
        {.name = {text + 18, 6}, .value = {text + 26, 3}},
    };
    fx->request = (struct http_request){
        .method = bytes_of("GET"),
        .url = bytes_of("https://target.test/jobs/7?x=1"),
        .body = {"recorded", 8},
        .headers = headers,
        .header_count = 2,
        .arena = &fx->arena,
    };
    fx->info = (struct chain_request_info){.step = 3};
}

/* Fails the test when the chain does not start. Ends with NULL. */
static inline void fixture_start(struct fixture *fx, const reprise_plugin *const *plugins)
{
    struct error err = {.text = ""};
    size_t count = 0;
    memset(fx, 0, sizeof *fx);
    while (plugins[count])
        count++;
    assert_int_equal(chain_reserve(&fx->chain, count ? count : 1, &err), 0);
    for (size_t i = 0; i < count; i++) {
        const struct plugin loaded = {.api = *plugins[i], .path = strdup("here")};
        assert_int_equal(chain_adopt(&fx->chain, &loaded, NULL, &err), 0);
    }
    const struct chain_options options = {
        .seed = 42, .now_us = 1000, .unix_us = 5000000, .target_url = "https://target.test:8443"};
    if (chain_start(&fx->chain, &options, &err))
        fail_msg("%s", err.text);
    fx->worker = chain_worker_new(&fx->chain, fixture_record, fx);
    fx->user = chain_user_new(fx->worker,
                              &(struct chain_play){.index = 5, .session_id = 77, .step_count = 20});
    arena_init(&fx->arena, 1024 * 1024);
    fixture_request(fx);
}

static inline void fixture_free_outcome(struct fixture *fx)
{
    while (fx->outcome.added) {
        struct chain_added *added = fx->outcome.added;
        fx->outcome.added = added->next;
        chain_added_free(fx->user, added);
    }
    while (fx->outcome.sends) {
        struct chain_ws_send *send = fx->outcome.sends;
        fx->outcome.sends = send->next;
        chain_ws_send_free(send);
    }
}

static inline void fixture_stop(struct fixture *fx)
{
    fixture_free_outcome(fx);
    chain_session_end(fx->user, 9000);
    chain_user_free(fx->user);
    chain_worker_free(fx->worker);
    chain_stop(&fx->chain, 9001);
    chain_close(&fx->chain);
    arena_fini(&fx->arena);
}

/* Ask about the fixture's request; what an earlier call added is freed. */
static inline enum reprise_verdict fixture_ask(struct fixture *fx)
{
    fixture_free_outcome(fx);
    chain_request(fx->user, 2000, &fx->request, &fx->info, &fx->outcome);
    return fx->outcome.verdict;
}

/* The same for its answer; `body` must be a string. */
static inline enum reprise_verdict fixture_answer(struct fixture *fx, int status, const char *body)
{
    static const struct http_header headers[] = {
        {.name = {"Set-Cookie", 10}, .value = {"a=1", 3}},
        {.name = {"X-Token", 7}, .value = {"t0ken", 5}},
        {.name = {"set-cookie", 10}, .value = {"b=2", 3}},
    };
    const struct http_response response = {.status = status,
                                           .headers = headers,
                                           .header_count = status ? 3 : 0,
                                           .body = bytes_of(body)};
    const struct chain_answer answer = {
        .request = &fx->request,
        .info = fx->info,
        .response = &response,
        .error = status ? NULL : "connection refused",
        .recorded_status = 200,
        .first_byte_us = 150,
        .total_us = 200,
    };
    fixture_free_outcome(fx);
    chain_response(fx->user, 3000, &answer, &fx->outcome);
    return fx->outcome.verdict;
}

#endif

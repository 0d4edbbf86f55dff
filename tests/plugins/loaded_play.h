/*
 * loaded_play.h - one user of a recorded script, played by the engine with plugins of ours as they
 * are loaded, on the test's clock.
 *
 *     loaded_prepare --> (loaded_run_until, as often as the target is to change its mind) -->
 *     loaded_run, loaded_expect_no_failures --> loaded_end
 */
#ifndef REPRISE_TESTS_PLUGINS_LOADED_PLAY_H
#define REPRISE_TESTS_PLUGINS_LOADED_PLAY_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "replay/plugin_recorded.h"
#include "replay/plugin_services.h"
#include "replay/user.h"
#include "tests/support/fake_target.h"
#include "tests/support/script_trace.h"

#ifndef TEST_BINARY_DIR
#define TEST_BINARY_DIR "." /* the build says where it is; so the header compiles alone */
#endif

#define LOADED_UNIX_US INT64_C(1700000000000000)

static struct {
    struct loop loop;
    struct plan *plan;
    struct plugin_chain chain;
    struct user_env env;
    struct user *user;
    int ended;
    uint64_t sums[CHAIN_MAX_METRICS];
} play;

static inline void loaded_on_metric(void *owner, uint32_t metric, bool is_histogram, uint64_t value)
{
    (void)owner, (void)is_histogram;
    play.sums[metric] += value;
}

static inline void loaded_on_user_ended(void *owner, struct user *user)
{
    (void)owner, (void)user;
    play.ended++;
}

/* `specs` as on the command line, NULL at the end; the user is at the start. */
static inline void loaded_prepare(const char *script, const char *const *specs,
                                  const struct transport_ops *ops, double speed)
{
    size_t count = 0;
    const char *folder = TEST_BINARY_DIR "/reprise-plugins";
    const struct plugin_search search = {&folder, 1};
    const struct plan_options options = {.target = bytes_of("http://target:80"),
                                         .max_bytes = 64 << 20};
    const struct chain_options chain_options = {.seed = 42, .target_url = "http://target:80"};
    struct error err = {.text = ""};
    char path[256];
    while (specs[count])
        count++;
    memset(&play, 0, sizeof play);
    fake_now_us = 0;
    snprintf(path, sizeof path, "%s.trace", program_invocation_short_name);
    if (script_trace_write(path, script, &err) || plan_build(&play.plan, path, &options, &err) ||
        chain_open(&play.chain, specs, count, &search, &err) ||
        chain_start(&play.chain, &chain_options, &err) ||
        plugin_show_recorded(play.plan, path, &options, &play.chain, &err) ||
        loop_init(&play.loop, &err))
        fail_msg("%s", err.text);
    unlink(path);
    chain_set_origin(&play.chain, LOADED_UNIX_US);
    play.loop.clock_us = fake_clock_us;
    loop_set_origin(&play.loop, 0);
    play.env = (struct user_env){
        .loop = &play.loop,
        .plan = play.plan,
        .pacing = {PACING_THINK, speed, 1},
        .ops = ops,
        .target = bytes_of("http://target:80"),
        .chain = &play.chain,
        .chain_worker = chain_worker_new(&play.chain, loaded_on_metric, NULL),
        .metrics = metrics_new(play.plan->endpoint_count + 1),
        .unix_origin_us = LOADED_UNIX_US,
        .ws_wait_us = 1000000,
        .max_in_flight = 100,
        .user_ended = loaded_on_user_ended,
    };
    chain_worker_serve(play.env.chain_worker, &plugin_services, speed);
    assert_int_equal(ops->open(&play.env.transport, &play.loop, NULL, &err), 0);
    play.user = user_new(&play.env, 0);
    assert_int_equal(user_play(play.user, &play.plan->sessions[0], 0), 0);
}

static inline void loaded_run_until(uint64_t us)
{
    fake_run(&play.loop, us);
}

static inline void loaded_run(void)
{
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(play.ended, 1);
}

/* All went well but for what is told. */
static inline void loaded_expect_no_failures(void)
{
    const struct metrics *metrics = play.env.metrics;
    for (uint32_t i = 0; i < metrics->sample_count; i++)
        print_message("%s\n", metrics->samples[i].detail);
    assert_int_equal(metrics->sessions_by_result[SESSION_FAILED], 0);
}

static inline uint64_t loaded_sum(const char *metric)
{
    for (uint32_t i = 0; i < play.chain.metric_count; i++)
        if (strcmp(play.chain.metrics[i].name, metric) == 0)
            return play.sums[i];
    fail_msg("there is no metric %s", metric);
    return 0;
}

static inline void loaded_end(void)
{
    const struct transport_ops *ops = play.env.ops;
    struct chain_worker *worker = play.env.chain_worker;
    user_free(play.user);
    user_env_fini(&play.env);
    fake_run(&play.loop, UINT64_MAX - 1);
    ops->close(play.env.transport);
    metrics_free(play.env.metrics);
    loop_fini(&play.loop);
    chain_worker_free(worker);
    chain_stop(&play.chain, 0);
    chain_close(&play.chain);
    plan_free(play.plan);
}

#endif

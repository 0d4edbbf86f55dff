/*
 * call_rig.h - one user of one plugin, asked about the same request over and over: nanoseconds of a
 * call through the chain. The program says how the plugin gets into the chain.
 *
 * Of each case the best of seven rounds: what else runs on the machine only adds to it.
 */
#ifndef REPRISE_TESTS_BENCH_CALL_RIG_H
#define REPRISE_TESTS_BENCH_CALL_RIG_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "plugins/host.h"

enum { RIG_ROUNDS = 7 };

struct rig {
    struct plugin_chain chain; /* the plugin is in it; the program's part */
    struct chain_worker *worker;
    struct chain_user *user;
    struct arena arena;
};

static inline void rig_fail(const char *why)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, why);
    exit(1);
}

/* -1 with err: the plugin refused. */
static inline int rig_start(struct rig *rig, chain_record_fn record, void *owner, struct error *err)
{
    const struct chain_options options = {.target_url = "http://127.0.0.1:8080"};
    const struct chain_play play = {.session_id = 1, .step_count = 8};
    struct chain_outcome outcome;
    if (chain_start(&rig->chain, &options, err))
        return -1;
    rig->worker = chain_worker_new(&rig->chain, record, owner);
    rig->user = chain_user_new(rig->worker, &play);
    if (!rig->worker || !rig->user)
        rig_fail("no memory");
    chain_session_start(rig->user, 0, &outcome);
    arena_init(&rig->arena, 1 << 20);
    return 0;
}

static inline void rig_stop(struct rig *rig)
{
    chain_session_end(rig->user, 0);
    chain_user_free(rig->user);
    chain_worker_free(rig->worker);
    chain_stop(&rig->chain, 0);
    chain_close(&rig->chain);
    arena_fini(&rig->arena);
}

static inline double rig_round_ns(struct rig *rig, uint64_t calls)
{
    static const struct http_header headers[] = {
        {{"User-Agent", 10}, {"Mozilla/5.0", 11}},
        {{"Accept", 6}, {"text/html", 9}},
    };
    const struct chain_request_info info = {.step = 3};
    uint64_t began_ns = clock_now_ns();
    for (uint64_t i = 0; i < calls; i++) {
        struct http_request request = {
            .method = {"POST", 4},
            .url = {"http://127.0.0.1:8080/shop/items/7", 34},
            .headers = headers,
            .header_count = 2,
            .body = {"{\"item\":7,\"count\":1}", 20},
            .arena = &rig->arena,
        };
        struct chain_outcome outcome;
        if (!chain_asks(rig->user, CHAIN_REQUEST, info.step, NULL))
            continue;
        chain_request(rig->user, i, &request, &info, &outcome);
        if (outcome.verdict != REPRISE_CONTINUE)
            rig_fail(outcome.error);
        arena_reset(&rig->arena);
    }
    return (double)(clock_now_ns() - began_ns) / (double)calls;
}

static inline double rig_best_ns(struct rig *rig, uint64_t calls)
{
    double best_ns = 0;
    for (int i = 0; i < RIG_ROUNDS; i++) {
        double ns = rig_round_ns(rig, calls);
        best_ns = i == 0 || ns < best_ns ? ns : best_ns;
    }
    return best_ns;
}

#endif

/*
 * chain_play.h - one user who plays a small script against the fake target, with plugins that are
 * written in the test itself.
 *
 *     chain_play_start(script, plugins) --> (change play.env) --> chain_play_end(log)
 */
#ifndef REPRISE_TESTS_PLUGINS_CHAIN_PLAY_H
#define REPRISE_TESTS_PLUGINS_CHAIN_PLAY_H

#include "replay/plugin_services.h"
#include "tests/plugins/chain_fixture.h"
#include "tests/support/play.h"

static struct play play;
static struct fixture fx; /* its chain and worker */
static int calls;         /* of the plugins, as each test counts them */

/* Ready to begin: plugins have been started, nobody has been shown the recording. */
static inline void chain_play_prepare(const char *script, const reprise_plugin *const *plugins)
{
    calls = 0;
    fixture_start(&fx, plugins);
    play_prepare(&play, script, (struct pacing){PACING_THINK, 1, 1});
    fake_logs_all = true;
    play.env.chain = &fx.chain;
    play.env.chain_worker = fx.worker;
    chain_worker_serve(fx.worker, &plugin_services, 1);
}

/* `plugins` ends with NULL. */
static inline void chain_play_start(const char *script, const reprise_plugin *const *plugins)
{
    chain_play_prepare(script, plugins);
    play_start(&play, 0, 0);
}

/* Without a look at what was sent. */
static inline void chain_play_fini(void)
{
    play_end(&play);
    fixture_stop(&fx);
}

/* Plays it to its end: what was sent is `log`, and nothing is under way. */
static inline void chain_play_end(const char *log)
{
    play_expect(&play, log);
    assert_int_equal(play.ended, 1);
    assert_int_equal(play.env.in_flight, 0);
    chain_play_fini();
}

#endif

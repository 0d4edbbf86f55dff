/* play.c - sets up a plan, a loop and users, and takes them down again. */
#include "tests/support/play.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/script_trace.h"

const struct identities *play_identities;

static void on_user_ended(void *owner, struct user *user)
{
    struct play *play = owner;
    (void)user;
    play->ended++;
}

/* Tests run side by side in one folder: a file of its own for each. */
static struct plan *plan_of(const char *script)
{
    const struct plan_options options = {.target = bytes_of("http://target:80"),
                                         .max_bytes = 64 << 20,
                                         .identities = play_identities};
    struct plan *plan = NULL;
    struct error err;
    char path[256];
    snprintf(path, sizeof path, "%s.trace", program_invocation_short_name);
    if (script_trace_write(path, script, &err) || plan_build(&plan, path, &options, &err))
        fail_msg("%s", err.text);
    unlink(path);
    if (plan->binding_losses.count)
        fail_msg("%s", plan->binding_losses.first);
    return plan;
}

void play_prepare(struct play *play, const char *script, struct pacing pacing)
{
    struct error err;
    *play = (struct play){.plan = plan_of(script)};
    buf_clear(&fake_log);
    buf_append_text(&fake_log, "");
    fake_now_us = 0;
    assert_int_equal(loop_init(&play->loop, &err), 0);
    play->loop.clock_us = fake_clock_us;
    loop_set_origin(&play->loop, 0);
    play->env = (struct user_env){
        .loop = &play->loop,
        .plan = play->plan,
        .pacing = pacing,
        .ops = &fake_target,
        .target = bytes_of("http://target:80"),
        .chain = &play->no_plugins,
        .identities = play_identities,
        .metrics = metrics_new(play->plan->endpoint_count + 1),
        .ws_wait_us = 1000000,
        .max_in_flight = 100,
        .user_ended = on_user_ended,
        .owner = play,
    };
    assert_int_equal(fake_target.open(&play->env.transport, &play->loop, NULL, &err), 0);
}

void play_start(struct play *play, int number, uint64_t start_us)
{
    play->users[number] = user_new(&play->env, (uint64_t)number);
    assert_non_null(play->users[number]);
    assert_int_equal(user_play(play->users[number], &play->plan->sessions[0], start_us), 0);
}

void play_expect(struct play *play, const char *log)
{
    fake_run(&play->loop, UINT64_MAX - 1);
    assert_string_equal(buf_text(&fake_log), log);
}

void play_end(struct play *play)
{
    for (int i = 0; i < PLAY_MAX_USERS; i++)
        user_free(play->users[i]);
    user_env_fini(&play->env);
    fake_run(&play->loop, UINT64_MAX - 1);
    fake_target.close(play->env.transport);
    metrics_free(play->env.metrics);
    loop_fini(&play->loop);
    plan_free(play->plan);
    play_identities = NULL;
    fake_answers = NULL;
    fake_pushes = NULL;
    fake_headers = NULL;
    fake_pieces = NULL;
    fake_logs_all = false;
}

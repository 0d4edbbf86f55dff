/* user_watch_test.c - who looks at a user's answers sees the last word on each, and nothing else.
 */
#include "tests/plugins/chain_fixture.h"
#include "tests/support/play.h"

static struct play play;
static struct fixture fx;
static struct buf seen;
static enum watch_wish wish;

static enum watch_wish wants(void *owner, const struct user *user, const struct plan_step *step)
{
    (void)owner;
    (void)user;
    return step->exchange_id == 2 ? WATCH_NOTHING : wish;
}

static void answered(void *owner, const struct user *user, const struct plan_step *step,
                     const struct transport_result *result)
{
    (void)owner;
    assert_ptr_equal(user, play.users[0]);
    buf_printf(&seen, "%d: %s %d %.*s\n", (int)step->exchange_id, failure_name(result->failure),
               result->response.status, BYTES_ARG(result->response.body));
}

static void *opened(void *owner, const struct user *user, const struct plan_step *connect,
                    const struct transport_result *result)
{
    (void)owner;
    (void)user;
    buf_printf(&seen, "%d: opened %d\n", (int)connect->exchange_id, result->response.status);
    return wish == WATCH_NOTHING ? NULL : &seen;
}

static void message(void *socket, const struct plan_step *connect, int opcode, struct bytes payload)
{
    assert_ptr_equal(socket, &seen);
    buf_printf(&seen, "%d: message %d %.*s\n", (int)connect->exchange_id, opcode,
               BYTES_ARG(payload));
}

static void closed(void *owner, void *socket, bool is_whole)
{
    (void)owner;
    buf_printf(socket, "closed %s\n", is_whole ? "whole" : "broken off");
}

static void session_ended(void *owner, const struct user *user)
{
    (void)owner;
    assert_non_null(user->session);
    buf_printf(&seen, "ended %s\n", session_result_name(user->result));
}

static const struct answer_watch watch = {.wants = wants,
                                          .answered = answered,
                                          .opened = opened,
                                          .message = message,
                                          .closed = closed,
                                          .session_ended = session_ended};

static void expect(const char *script, const reprise_plugin *const *plugins, const char *lines)
{
    buf_init(&seen, 1 << 16);
    fixture_start(&fx, plugins);
    play_prepare(&play, script, (struct pacing){PACING_MAX, 1, 1});
    play.env.target = bytes_of("https://target.test:8443");
    play.env.chain = &fx.chain;
    play.env.chain_worker = plugins[0] ? fx.worker : NULL;
    play.env.watch = &watch;
    play_start(&play, 0, 0);
    fake_run(&play.loop, UINT64_MAX - 1);
    assert_int_equal(play.ended, 1);
    assert_string_equal(buf_text(&seen), lines);
    play_end(&play);
    fixture_stop(&fx);
    buf_fini(&seen);
}

static const reprise_plugin *const no_plugins[] = {NULL};

#define SCRIPT "session s\n0 10 GET /a 200\n20 30 GET /b 200\n40 50 GET /c 200\n"

static const struct fake_answer answers[] = {{"GET /a", 10, 200, 0, NULL, "first"},
                                             {"GET /b", 10, 200, 0, NULL, "second"},
                                             {"GET /c", 10, 0, FAILURE_RESET, NULL, NULL},
                                             {0}};

static void what_is_wanted_is_kept_and_nothing_more(void **state)
{
    (void)state;
    fake_answers = answers;
    wish = WATCH_BODY;
    expect(SCRIPT, no_plugins, "1: none 200 first\n3: reset 0 \nended done\n");
    fake_answers = answers;
    wish = WATCH_HEAD;
    expect(SCRIPT, no_plugins, "1: none 200 \n3: reset 0 \nended done\n");
    fake_answers = answers;
    wish = WATCH_NOTHING;
    expect(SCRIPT, no_plugins, "ended done\n");
}

static int retry_first(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    return response->request->step != REPRISE_ADDED && response->request->attempt == 0
               ? REPRISE_RETRY
               : REPRISE_CONTINUE;
}

static void an_answer_that_a_plugin_asks_for_again_is_not_the_last_word(void **state)
{
    (void)state;
    static const struct fake_answer numbered[] = {{"GET /a", 10, 200, 0, NULL, "of $N"}, {0}};
    fake_answers = numbered;
    wish = WATCH_BODY;
    expect("session s\n0 10 GET /a 200\n",
           (const reprise_plugin *[]){PLUGIN("p", .on_response = retry_first), NULL},
           "1: none 200 of 2\nended done\n");
}

static int end_session(const reprise_call *call, const reprise_response *response)
{
    (void)call;
    (void)response;
    return REPRISE_END_SESSION;
}

static void one_that_ends_its_session_is_seen_before_the_end(void **state)
{
    (void)state;
    fake_answers = answers;
    wish = WATCH_BODY;
    expect(SCRIPT, (const reprise_plugin *[]){PLUGIN("p", .on_response = end_session), NULL},
           "1: none 200 first\nended ended\n");
}

static void messages_come_with_the_upgrade_that_they_are_behind(void **state)
{
    (void)state;
    static const struct fake_push pushes[] = {{-1, 5, "hello"}, {0, 5, "you too"}, {0}};
    fake_pushes = pushes;
    wish = WATCH_BODY;
    expect("session s\n0 10 WS /live\n< 20 hello\n> 30 hi\n< 40 you too\n", no_plugins,
           "1: opened 101\n1: none 101 \n1: message 1 hello\n1: message 1 you too\n"
           "closed whole\nended done\n");
    fake_pushes = NULL;
}

static void messages_of_a_websocket_that_nobody_wants_are_not_shown(void **state)
{
    (void)state;
    static const struct fake_push pushes[] = {{-1, 5, "hello"}, {0}};
    fake_pushes = pushes;
    wish = WATCH_NOTHING;
    expect("session s\n0 10 WS /live\n< 20 hello\n", no_plugins, "1: opened 101\nended done\n");
    fake_pushes = NULL;
}

static int end_at_message(const reprise_call *call, const reprise_ws_message *message)
{
    (void)call;
    (void)message;
    return REPRISE_END_SESSION;
}

static void a_websocket_that_is_broken_off_is_not_whole(void **state)
{
    (void)state;
    static const struct fake_push pushes[] = {{-1, 5, "hello"}, {0}};
    fake_pushes = pushes;
    wish = WATCH_BODY;
    expect("session s\n0 10 WS /live\n< 20 hello\n< 30 and more\n",
           (const reprise_plugin *[]){PLUGIN("p", .on_ws_message = end_at_message), NULL},
           "1: opened 101\n1: none 101 \n1: message 1 hello\nclosed broken off\nended ended\n");
    fake_pushes = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wanted_is_kept_and_nothing_more),
        cmocka_unit_test(an_answer_that_a_plugin_asks_for_again_is_not_the_last_word),
        cmocka_unit_test(one_that_ends_its_session_is_seen_before_the_end),
        cmocka_unit_test(messages_come_with_the_upgrade_that_they_are_behind),
        cmocka_unit_test(messages_of_a_websocket_that_nobody_wants_are_not_shown),
        cmocka_unit_test(a_websocket_that_is_broken_off_is_not_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

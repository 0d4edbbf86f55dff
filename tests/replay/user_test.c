/* user_test.c - whole sessions played by one user against a scripted target on a clock of our own.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/play.h"

static struct play play;

static void start(const char *script, struct pacing pacing)
{
    play_prepare(&play, script, pacing);
    play_start(&play, 0, 0);
}

static void end(void)
{
    play_end(&play);
}

static struct pacing think(double speed)
{
    return (struct pacing){PACING_THINK, speed, speed};
}

static void expect(const char *log)
{
    play_expect(&play, log);
}

static void a_gap_counts_from_the_live_answer(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /a", 50, 200, 0, NULL, NULL}, {0}};
    fake_answers = answers;
    start("session s\n0 10 GET /a 200\n30 40 GET /b 200\n", think(1));
    expect("0 GET /a\n70 GET /b\n");
    assert_int_equal(play.ended, 1);
    end();
}

static void speed_divides_gaps_and_leaves_answers_alone(void **state)
{
    (void)state;
    start("session s\n0 10 GET /a 200\n60 70 GET /b 200\n", think(5));
    expect("0 GET /a\n20 GET /b\n"); /* 10 for the answer, 50 / 5 for the gap */
    end();
}

static void what_ran_in_parallel_runs_in_parallel(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"GET /b", 100, 200, 0, NULL, NULL}, {"GET /a", 10, 200, 0, NULL, NULL}, {0}};
    fake_answers = answers;
    /* /c began when both had ended: it waits for the slower one, whichever that is now. */
    start("session s\n0 50 GET /a 200\n10 20 GET /b 200\n60 70 GET /c 200\n", think(1));
    expect("0 GET /a\n10 GET /b\n120 GET /c\n");
    end();
}

static void only_what_had_ended_is_waited_for(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /slow", 500, 200, 0, NULL, NULL}, {0}};
    fake_answers = answers;
    start("session s\n0 100 GET /slow 200\n5 15 GET /a 200\n25 35 GET /b 200\n", think(1));
    expect("0 GET /slow\n5 GET /a\n25 GET /b\n");
    assert_int_equal(play.ended, 1);
    end();
}

static void a_request_that_was_never_answered_holds_nobody_up(void **state)
{
    (void)state;
    start("session s\n0 - GET /lost 0\n20 30 GET /a 200\n", think(1));
    expect("0 GET /lost\n20 GET /a\n");
    assert_int_equal(play.ended, 1);
    end();
}

static void open_pacing_keeps_recorded_offsets_whatever_answers_do(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /a", 500, 200, 0, NULL, NULL}, {0}};
    fake_answers = answers;
    start("session s\n0 10 GET /a 200\n30 40 GET /b 200\n60 70 GET /c 200\n",
          (struct pacing){PACING_OPEN, 1, 2});
    expect("0 GET /a\n15 GET /b\n30 GET /c\n");
    end();
}

static void a_long_open_session_makes_no_task_of_what_is_due_much_later(void **state)
{
    (void)state;
    start("session s\n0 1 GET /a 200\n500 501 GET /b 200\n1000 1001 GET /c 200\n"
          "1000 1001 GET /d 200\n",
          (struct pacing){PACING_OPEN, 1, 1});
    fake_run(&play.loop, 0);
    assert_int_equal(play.users[0]->tasks_active, 1);
    fake_run(&play.loop, 499999);
    assert_int_equal(play.users[0]->tasks_active, 1);
    fake_run(&play.loop, 999999);
    assert_int_equal(play.users[0]->tasks_active, 2);
    expect("0 GET /a\n500 GET /b\n1000 GET /c\n1000 GET /d\n");
    assert_int_equal(play.ended, 1);
    end();
}

static void max_pacing_leaves_the_gaps_out(void **state)
{
    (void)state;
    start("session s\n0 10 GET /a 200\n5000 5010 GET /b 200\n", (struct pacing){PACING_MAX, 1, 1});
    expect("0 GET /a\n10 GET /b\n");
    end();
}

static void a_failed_request_is_counted_and_the_session_goes_on(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"GET /a", 3, 0, FAILURE_RESET, NULL, NULL}, {"GET /b", 10, 500, 0, NULL, NULL}, {0}};
    fake_answers = answers;
    start("session s\n0 10 GET /a 200\n30 40 GET /b 200\n50 60 GET /c 200\n", think(1));
    expect("0 GET /a\n23 GET /b\n43 GET /c\n");
    const struct endpoint_metrics *endpoints = play.env.metrics->endpoints;
    assert_int_equal(endpoints[0].by_failure[FAILURE_RESET], 1);
    assert_int_equal(endpoints[1].failed, 1);
    assert_int_equal(endpoints[1].diverged, 1);
    assert_int_equal(endpoints[2].failed, 0);
    assert_int_equal(play.env.metrics->sessions_by_result[SESSION_DONE], 1);
    end();
}

static void an_error_that_was_recorded_as_one_is_no_failure(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /a", 10, 404, 0, NULL, NULL}, {0}};
    fake_answers = answers;
    start("session s\n0 10 GET /a 404\n", think(1));
    expect("0 GET /a\n");
    assert_int_equal(play.env.metrics->endpoints[0].failed, 0);
    end();
}

static void live_cookies_replace_recorded_ones(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {
        {"GET /login", 10, 200, 0, "sid=live; Path=/; HttpOnly", NULL}, {0}};
    fake_answers = answers;
    start(
        "session s\n0 10 GET /login 200\n20 30 GET /a 200\nheader Cookie: sid=recorded; lang=de\n",
        think(1));
    expect("0 GET /login\n20 GET /a\n  cookie sid=live; lang=de\n");
    end();
}

static void over_max_in_flight_requests_wait_and_their_lateness_shows(void **state)
{
    (void)state;
    start("session s\n0 10 GET /a 200\n0 10 GET /b 200\n", think(1));
    play.env.max_in_flight = 1;
    expect("0 GET /a\n10 GET /b\n");
    assert_int_equal(play.env.metrics->endpoints[1].clocks[CLOCK_LATENESS].max, 10000);
    assert_int_equal(play.env.metrics->endpoints[1].clocks[CLOCK_RESPONSE].max, 20000);
    assert_int_equal(play.env.metrics->endpoints[1].clocks[CLOCK_SERVICE].max, 10000);
    end();
}

static const char websocket_script[] = "session s\n"
                                       "0 5 WS /live\n"
                                       "> 15 hello\n"
                                       "< 35 hello to you\n"
                                       "> 45 thanks\n"
                                       "> 50 close 1000\n";

static struct transport_call *refuse_to_send(struct transport_user *user,
                                             const struct transport_request *request,
                                             enum failure *ret_failure)
{
    (void)user;
    (void)request;
    *ret_failure = FAILURE_NO_FILES;
    return NULL;
}

/* One frame of the stack for each would be too many. */
static void a_long_queue_whose_sends_all_fail_at_once_is_worked_off(void **state)
{
    (void)state;
    enum { COUNT = 60000 };
    struct transport_ops refusing = fake_target;
    struct buf script = BUF_INIT(COUNT * 32);
    refusing.send = refuse_to_send;
    static const struct fake_answer answers[] = {{"GET /slow", 1000, 200, 0, NULL, NULL}, {0}};
    fake_answers = answers;
    buf_append_text(&script, "session s\n0 9 GET /slow 200\n");
    for (int i = 0; i < COUNT; i++)
        buf_append_text(&script, "1 9 GET /n 200\n");
    start(buf_text(&script), think(1));
    play.env.max_in_flight = 1;
    fake_run(&play.loop, 500000);
    play.env.ops = &refusing;
    fake_run(&play.loop, UINT64_MAX - 1);
    play.env.ops = &fake_target;
    assert_int_equal(play.env.metrics->sessions_by_result[SESSION_DONE], 1);
    assert_int_equal(play.env.metrics->endpoints[1].by_failure[FAILURE_NO_FILES], COUNT);
    end();
    buf_fini(&script);
}

static void a_message_waits_for_the_server_messages_before_it(void **state)
{
    (void)state;
    static const struct fake_push pushes[] = {{0, 200, "hello to you"}, {0}};
    fake_pushes = pushes;
    start(websocket_script, think(1));
    expect("0 WS /live\n15 > hello\n225 > thanks\n230 > close 1000\n");
    const struct ws_metrics *ws = &play.env.metrics->ws;
    assert_int_equal(ws->events[WS_MESSAGE_SENT], 2);
    assert_int_equal(ws->events[WS_MESSAGE_RECEIVED], 1);
    assert_int_equal(ws->events[WS_MISSING], 0);
    assert_int_equal(ws->answer_wait.max, 200000);
    assert_int_equal(play.ended, 1);
    end();
}

static void a_server_message_that_does_not_come_is_missed_and_no_longer_waited_for(void **state)
{
    (void)state;
    start(websocket_script, think(1));
    expect("0 WS /live\n15 > hello\n1025 > thanks\n1030 > close 1000\n"); /* ws_wait_us is 1 s */
    assert_int_equal(play.env.metrics->ws.events[WS_MISSING], 1);
    assert_int_equal(play.ended, 1);
    end();
}

static void a_websocket_whose_close_was_not_recorded_closes_when_all_is_said(void **state)
{
    (void)state;
    static const struct fake_push pushes[] = {{0, 20, "one"}, {0, 30, "two"}, {0}};
    fake_pushes = pushes;
    start("session s\n0 5 WS /live\n> 15 hello\n< 20 one\n< 25 two\n", think(1));
    expect("0 WS /live\n15 > hello\n45 > close 1000\n");
    assert_int_equal(play.ended, 1);
    end();
}

static void messages_of_a_websocket_that_was_closed_are_not_sent_and_counted(void **state)
{
    (void)state;
    static const struct fake_push pushes[] = {{0, 2, "close"}, {0}};
    fake_pushes = pushes;
    start(websocket_script, think(1));
    expect("0 WS /live\n15 > hello\n");
    assert_int_equal(play.ended, 1);
    assert_int_equal(play.env.metrics->steps_not_sent, 2);
    end();
}

static void a_websocket_that_breaks_off_has_failed_unless_all_was_said(void **state)
{
    (void)state;
    static const struct fake_push early[] = {{0, 2, "break"}, {0}};
    static const struct fake_push late[] = {{0, 20, "one"}, {0, 20, "break"}, {0}};
    fake_pushes = early;
    start(websocket_script, think(1));
    expect("0 WS /live\n15 > hello\n");
    assert_int_equal(play.env.metrics->ws.by_failure[FAILURE_RESET], 1);
    assert_int_equal(play.env.metrics->ws.events[WS_CLOSED], 1);
    end();

    fake_pushes = late;
    start("session s\n0 5 WS /live\n> 15 hello\n< 20 one\n", think(1));
    expect("0 WS /live\n15 > hello\n35 > close 1000\n");
    assert_int_equal(play.env.metrics->ws.by_failure[FAILURE_RESET], 0);
    end();
}

static int leave_close_unanswered(struct transport_ws *ws, int opcode, struct bytes payload,
                                  int close_code)
{
    return opcode == 8 ? 0 : fake_target.ws_send(ws, opcode, payload, close_code);
}

static int fail_to_close(struct transport_ws *ws, int opcode, struct bytes payload, int close_code)
{
    return opcode == 8 ? -1 : fake_target.ws_send(ws, opcode, payload, close_code);
}

/* Answered, not answered, not even sent: the counts are the same. */
static void what_had_not_come_when_a_websocket_closed_is_missing(void **state)
{
    (void)state;
    struct transport_ops ways[] = {fake_target, fake_target, fake_target};
    ways[1].ws_send = leave_close_unanswered;
    ways[2].ws_send = fail_to_close;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        play_prepare(&play, "session s\n0 5 WS /live\n> 15 hello\n> 20 close 1000\n< 25 bye\n",
                     think(1));
        play.env.ops = &ways[i];
        play_start(&play, 0, 0);
        fake_run(&play.loop, 5000000);
        const struct ws_metrics *ws = &play.env.metrics->ws;
        assert_int_equal(ws->events[WS_MESSAGE_SENT], 1);
        assert_int_equal(ws->events[WS_MISSING], 1);
        assert_int_equal(ws->events[WS_CLOSED], 1);
        assert_int_equal(play.ended, 1);
        play.env.ops = &fake_target;
        end();
    }
}

static void an_open_websocket_that_is_dropped_counts_as_closed(void **state)
{
    (void)state;
    start(websocket_script, think(1));
    fake_run(&play.loop, 500000); /* the server's message may come yet */
    user_end(play.users[0], SESSION_CANCELLED, "the run ended first");
    fake_run(&play.loop, 1027000);
    const struct ws_metrics *ws = &play.env.metrics->ws;
    assert_int_equal(ws->events[WS_CONNECTED], 1);
    assert_int_equal(ws->events[WS_CLOSED], 1);
    assert_int_equal(ws->events[WS_MISSING], 0);
    assert_int_equal(ws->session_duration.count, 0);
    assert_int_equal(ws->by_failure[FAILURE_CANCELLED], 0);
    end();

    start(websocket_script, think(1));
    fake_run(&play.loop, 1026000); /* it was given up */
    user_end(play.users[0], SESSION_CANCELLED, "the run ended first");
    fake_run(&play.loop, 1027000);
    ws = &play.env.metrics->ws;
    assert_int_equal(ws->events[WS_CLOSED], 1);
    assert_int_equal(ws->events[WS_MISSING], 1);
    end();
}

static void open_pacing_sends_messages_once_the_websocket_is_open(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /slow", 100, 200, 0, NULL, NULL}, {0}};
    /* Due while the handshake is under way, and before a server message that never comes. */
    start(websocket_script, (struct pacing){PACING_OPEN, 1, 10});
    expect("0 WS /live\n5 > hello\n5 > thanks\n5 > close 1000\n");
    assert_int_equal(play.ended, 1);
    end();

    /* Due while the upgrade itself has to wait for its turn. */
    fake_answers = answers;
    start("session s\n0 10 GET /slow 200\n1 5 WS /live\n> 15 hello\n> 45 thanks\n",
          (struct pacing){PACING_OPEN, 1, 1});
    play.env.max_in_flight = 1;
    expect("0 GET /slow\n100 WS /live\n105 > hello\n105 > thanks\n105 > close 1000\n");
    assert_int_equal(play.ended, 1);
    assert_int_equal(play.env.metrics->steps_not_sent, 0);
    end();
}

static void a_session_that_is_ended_drops_what_is_under_way(void **state)
{
    (void)state;
    static const struct fake_answer answers[] = {{"GET /a", -1, 200, 0, NULL, NULL}, {0}};
    fake_answers = answers;
    start("session s\n0 10 GET /a 200\n20 30 GET /b 200\n", think(1));
    fake_run(&play.loop, 5000);
    user_end(play.users[0], SESSION_CANCELLED, "the run ended first");
    expect("0 GET /a\n");
    assert_int_equal(play.env.metrics->sessions_by_result[SESSION_CANCELLED], 1);
    assert_int_equal(play.env.metrics->steps_not_sent, 1);
    assert_int_equal(play.env.in_flight, 0);
    /* It did reach the target: counted as sent, and as nobody's failure. */
    assert_int_equal(play.env.metrics->endpoints[0].requests, 1);
    assert_int_equal(play.env.metrics->endpoints[0].by_failure[FAILURE_CANCELLED], 1);
    assert_int_equal(play.env.metrics->endpoints[0].failed, 0);
    end();
}

static void an_upgrade_that_is_dropped_counts_as_cancelled(void **state)
{
    (void)state;
    start("session s\n0 5 WS /live\n> 15 hello\n", think(1));
    fake_run(&play.loop, 2000); /* it is answered at 5 ms */
    user_end(play.users[0], SESSION_CANCELLED, "the run ended first");
    expect("0 WS /live\n");
    const struct ws_metrics *ws = &play.env.metrics->ws;
    assert_int_equal(ws->by_failure[FAILURE_CANCELLED], 1);
    assert_int_equal(ws->events[WS_CONNECT_FAILED], 0);
    assert_int_equal(play.env.metrics->sample_count, 0);
    assert_int_equal(play.env.metrics->steps_not_sent, 1); /* the message */
    assert_int_equal(play.env.in_flight, 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_counts_from_the_live_answer),
        cmocka_unit_test(speed_divides_gaps_and_leaves_answers_alone),
        cmocka_unit_test(what_ran_in_parallel_runs_in_parallel),
        cmocka_unit_test(only_what_had_ended_is_waited_for),
        cmocka_unit_test(a_request_that_was_never_answered_holds_nobody_up),
        cmocka_unit_test(open_pacing_keeps_recorded_offsets_whatever_answers_do),
        cmocka_unit_test(a_long_open_session_makes_no_task_of_what_is_due_much_later),
        cmocka_unit_test(max_pacing_leaves_the_gaps_out),
        cmocka_unit_test(a_failed_request_is_counted_and_the_session_goes_on),
        cmocka_unit_test(an_error_that_was_recorded_as_one_is_no_failure),
        cmocka_unit_test(live_cookies_replace_recorded_ones),
        cmocka_unit_test(over_max_in_flight_requests_wait_and_their_lateness_shows),
        cmocka_unit_test(a_long_queue_whose_sends_all_fail_at_once_is_worked_off),
        cmocka_unit_test(a_message_waits_for_the_server_messages_before_it),
        cmocka_unit_test(a_server_message_that_does_not_come_is_missed_and_no_longer_waited_for),
        cmocka_unit_test(a_websocket_whose_close_was_not_recorded_closes_when_all_is_said),
        cmocka_unit_test(messages_of_a_websocket_that_was_closed_are_not_sent_and_counted),
        cmocka_unit_test(a_websocket_that_breaks_off_has_failed_unless_all_was_said),
        cmocka_unit_test(what_had_not_come_when_a_websocket_closed_is_missing),
        cmocka_unit_test(an_open_websocket_that_is_dropped_counts_as_closed),
        cmocka_unit_test(open_pacing_sends_messages_once_the_websocket_is_open),
        cmocka_unit_test(a_session_that_is_ended_drops_what_is_under_way),
        cmocka_unit_test(an_upgrade_that_is_dropped_counts_as_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

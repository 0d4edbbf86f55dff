/* plan_test.c - from a recorded trace to what is sent, and what waits for what. */
#include "replay/plan/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/http_message.h"
#include "replay/plan/plan_steps.h"
#include "tests/support/script_trace.h"

#define TRACE_FILE "plan_test.trace"

static struct plan *build(const char *script)
{
    struct plan *plan = NULL;
    struct error err = {0};
    const struct plan_options options = {.target = bytes_of("http://127.0.0.1:8080"),
                                         .max_bytes = 64 << 20};
    if (script_trace_write(TRACE_FILE, script, &err) ||
        plan_build(&plan, TRACE_FILE, &options, &err))
        fail_msg("%s", err.text);
    unlink(TRACE_FILE);
    return plan;
}

static struct bytes header(const struct plan_step *step, const char *name)
{
    return http_headers_find(step->headers, step->header_count, bytes_of(name));
}

static void expect_bytes(struct bytes got, const char *expected)
{
    if (!bytes_equal(got, bytes_of(expected)))
        fail_msg("'%.*s' is not '%s'", BYTES_ARG(got), expected);
}

static void urls_are_the_recorded_targets_on_the_new_origin(void **state)
{
    (void)state;
    struct plan *plan = build("session a\n"
                              "0 1 GET /a/../b?q=%20x 200\n"
                              "2 3 GET http://recorded.example/proxied?x=1 200\n");
    expect_bytes(plan->sessions[0].steps[0].url, "http://127.0.0.1:8080/a/../b?q=%20x");
    expect_bytes(plan->sessions[0].steps[1].url, "http://127.0.0.1:8080/proxied?x=1");
    plan_free(plan);
}

static void headers_of_one_connection_are_left_out_and_the_rest_keeps_order_and_case(void **state)
{
    (void)state;
    struct plan *plan = build("session a\n"
                              "0 1 POST /a 200 body\n"
                              "header X-First: 1\n"
                              "header Connection: keep-alive, X-Hop\n"
                              "header X-Hop: gone\n"
                              "header Keep-Alive: timeout=5\n"
                              "header Transfer-Encoding: chunked\n"
                              "header Content-Length: 99\n"
                              "header Cookie: sid=1; lang=de\n"
                              "header x-SECOND: 2\n");
    const struct plan_step *step = &plan->sessions[0].steps[0];
    assert_int_equal(step->header_count, 2);
    expect_bytes(step->headers[0].name, "X-First");
    expect_bytes(step->headers[1].name, "x-SECOND");
    expect_bytes(step->recorded_cookies, "sid=1; lang=de");
    expect_bytes(step->body, "body");
    plan_free(plan);
}

static void expect_head(const struct plan_step *step, const char *expected)
{
    assert_non_null(step->cut);
    expect_bytes(step->cut->head, expected);
}

static void a_head_keeps_the_order_of_the_recorded_client(void **state)
{
    (void)state;
    struct plan *plan = build("session a\n"
                              "0 1 POST /a?x=1#part 200 body\n"
                              "header X-First: 1\n"
                              "header Connection: keep-alive\n"
                              "header content-length: 99\n"
                              "header Cookie: sid=1; lang=de\n"
                              "header Origin: http://recorded.example\n"
                              "header x-SECOND:\n");
    const struct plan_step *step = &plan->sessions[0].steps[0];
    const struct request_cut *cut = step->cut;
    expect_head(step, "POST /a?x=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX-First: 1\r\n"
                      "Content-Length: 4\r\nOrigin: http://127.0.0.1:8080\r\nx-SECOND: \r\n\r\n");
    assert_memory_equal(cut->head.ptr + cut->target_at, "/a?x=1 ", 7);
    assert_memory_equal(cut->head.ptr + cut->cookie_at, "Origin", 6);
    assert_memory_equal(cut->head.ptr + cut->length_at, "4\r\n", 3);
    assert_int_equal(cut->length_len, 1);
    assert_ptr_equal(step->headers[0].name.ptr, strstr(cut->head.ptr, "X-First"));
    assert_int_equal(plan->sessions[0].connection_count, 1);
    plan_free(plan);
}

static void what_the_recorded_client_did_not_send_is_added_where_it_must_be(void **state)
{
    (void)state;
    struct plan *plan = build("session a\n"
                              "0 1 GET /a 200\n"
                              "no-host\n"
                              "header Content-Length: 0\n"
                              "2 3 PUT http://recorded.example?q 200\n"
                              "4 5 DELETE http://recorded.example 200 why\n");
    const struct plan_step *steps = plan->sessions[0].steps;
    expect_head(&steps[0], "GET /a HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
    assert_int_equal(steps[0].cut->length_len, 0);
    expect_head(&steps[1], "PUT /?q HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Length: 0\r\n\r\n");
    assert_memory_equal(steps[1].cut->head.ptr + steps[1].cut->target_at, "?q ", 3);
    expect_head(&steps[2],
                "DELETE / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Length: 3\r\n\r\n");
    assert_int_equal(steps[2].cut->cookie_at, steps[2].cut->head.len - 2);
    plan_free(plan);
}

static void a_line_that_is_none_is_left_out_of_the_head_and_kept_for_plugins(void **state)
{
    (void)state;
    struct plan *plan = build("session a\n0 1 GET /a 200\nheader X-Bad: a\rX-Evil: 1\n"
                              "header X-Good: 1\n");
    const struct plan_step *step = &plan->sessions[0].steps[0];
    expect_head(step, "GET /a HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX-Good: 1\r\n\r\n");
    assert_int_equal(step->header_count, 2);
    expect_bytes(header(step, "x-bad"), "a\rX-Evil: 1");
    plan_free(plan);
}

static void what_http_1_1_cannot_write_has_no_cut(void **state)
{
    (void)state;
    struct plan *plan = build("session a\n2 3 WS /live\nheader X-A: 1\n> 4 hello\n");
    const struct plan_step *steps = plan->sessions[0].steps;
    for (int i = 0; i < 2; i++)
        assert_null(steps[i].cut);
    expect_bytes(header(&steps[0], "x-a"), "1");
    plan_free(plan);
}

static void connections_are_the_requests_under_way_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        uint32_t count;
    } rows[] = {
        {"session s\n0 10 GET /a 200\n10 20 GET /b 200\n20 20 GET /c 200\n20 30 GET /d 200\n", 1},
        {"session s\n0 60 GET /a 200\n20 100 GET /b 200\n70 220 GET /c 200\n110 150 GET /d 200\n",
         2},
        {"session s\n0 9 GET /a 200\n1 8 GET /b 200\n2 3 GET /c 200\n4 5 GET /d 200\n", 3},
        {"session s\n0 - GET /a 200\n5 9 GET /b 200\n", 2},
        {"session s\n0 5 WS /live\n> 15 hello\n16 20 GET /a 200\n", 1},
        {"session s\n0 5 WS /live\n> 15 hello\n", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct plan *plan = build(rows[i].script);
        if (plan->sessions[0].connection_count != rows[i].count)
            fail_msg("row %zu: %u connections", i, plan->sessions[0].connection_count);
        plan_free(plan);
    }
}

static void a_connection_that_did_not_outlive_its_last_request_is_closed_behind_it(void **state)
{
    (void)state;
    static const struct {
        const char *script, *closes; /* a letter for each step: c closes its connection */
    } rows[] = {
        {"session s\n0 10 GET /a 200\n20 30 GET /b 200\nclosed 40\n50 60 GET /c 200\n", ".c."},
        {"session s\n0 10 GET /a 200\nclosed 11\n20 30 GET /b 200\nclosed 31\n", "c."},
        /* It was open as long as its user had anything to ask. */
        {"session s\n0 10 GET /a 200\nclosed 90\n20 30 GET /b 200\n", ".."},
        {"session s\n0 10 GET /a 200\n20 30 GET /b 200\n", ".."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct plan *plan = build(rows[i].script);
        char closes[8] = "";
        for (uint32_t j = 0; j < plan->sessions[0].step_count; j++)
            closes[j] = plan->sessions[0].steps[j].closes_connection ? 'c' : '.';
        assert_string_equal(closes, rows[i].closes);
        plan_free(plan);
    }
}

static void origin_and_referer_of_the_recorded_site_name_the_target(void **state)
{
    (void)state;
    static const struct {
        const char *recorded, *replayed;
    } rows[] = {
        {"https://recorded.example", "http://127.0.0.1:8080"},
        {"http://recorded.example/form?x=1", "http://127.0.0.1:8080/form?x=1"},
        {"http://RECORDED.example?q", "http://127.0.0.1:8080?q"},
        {"https://recorded.example.evil/", "https://recorded.example.evil/"},
        {"https://other.example/page", "https://other.example/page"},
        {"null", "null"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char script[512];
        snprintf(script, sizeof script,
                 "session a\n0 1 POST /a 200\nheader Origin: %s\nheader Referer: %s\n"
                 "header X-Page: %s\n",
                 rows[i].recorded, rows[i].recorded, rows[i].recorded);
        struct plan *plan = build(script);
        const struct plan_step *step = &plan->sessions[0].steps[0];
        expect_bytes(header(step, "origin"), rows[i].replayed);
        expect_bytes(header(step, "referer"), rows[i].replayed);
        expect_bytes(header(step, "x-page"), rows[i].recorded);
        plan_free(plan);
    }
}

struct need {
    uint32_t needs;
    uint64_t gap_ms;
};

static void expect_needs(const struct plan_session *session, const struct need *needs, size_t count)
{
    assert_int_equal(session->step_count, count);
    for (size_t i = 0; i < count; i++) {
        if (session->steps[i].needs != needs[i].needs ||
            session->steps[i].gap_us != needs[i].gap_ms * 1000)
            fail_msg("step %zu needs %u after %llu us", i, session->steps[i].needs,
                     (unsigned long long)session->steps[i].gap_us);
    }
}

/* The drawing of plan.h. */
static void predecessors_are_a_prefix_of_what_ended(void **state)
{
    (void)state;
    struct plan *plan = build("session s\n"
                              "0 60 GET /a 200\n"
                              "20 100 GET /b 200\n"
                              "70 220 GET /c 200\n"
                              "110 150 GET /d 200\n");
    static const struct need needs[] = {{0, 0}, {0, 20}, {1, 10}, {2, 10}};
    expect_needs(&plan->sessions[0], needs, 4);
    static const uint32_t end_order[] = {0, 1, 3, 2};
    assert_memory_equal(plan->sessions[0].end_order, end_order, sizeof end_order);
    plan_free(plan);
}

static void what_begins_the_moment_another_ends_waits_for_it(void **state)
{
    (void)state;
    struct plan *plan = build("session s\n0 10 GET /a 200\n10 20 GET /b 200\n20 20 GET /c 200\n"
                              "20 30 GET /d 200\n");
    static const struct need needs[] = {{0, 0}, {1, 0}, {2, 0}, {3, 0}};
    expect_needs(&plan->sessions[0], needs, 4);
    plan_free(plan);
}

static void a_message_waits_for_its_websocket_and_the_messages_before_it(void **state)
{
    (void)state;
    struct plan *plan = build("session s\n"
                              "0 5 WS /live\n"
                              "> 15 hello\n"
                              "< 30 hello to you\n"
                              "< 35 and welcome\n"
                              "> 45 thanks\n"
                              "> 50 close 1000\n"
                              "60 70 GET /after 200\n");
    const struct plan_session *session = &plan->sessions[0];
    static const struct need needs[] = {{0, 0}, {1, 10}, {2, 10}, {3, 5}, {4, 10}};
    expect_needs(session, needs, 5);
    assert_int_equal(session->channel_count, 1);
    assert_int_equal(session->steps[0].kind, STEP_WS_CONNECT);
    assert_int_equal(session->steps[0].server_messages, 2);
    assert_int_equal(session->steps[1].server_messages, 0);
    assert_int_equal(session->steps[2].server_messages, 2);
    assert_int_equal(session->steps[3].close_code, 1000);
    plan_free(plan);
}

static void sessions_count_from_the_first_ones_start(void **state)
{
    (void)state;
    struct plan *plan = build("session late\n5000 5001 GET /b 200\n"
                              "session early\n2000 2001 GET /a 200\n2500 2501 GET /a 200\n");
    assert_int_equal(plan->session_count, 2);
    assert_int_equal(plan->sessions[0].session_id, 2);
    assert_int_equal(plan->sessions[0].start_us, 0);
    assert_int_equal(plan->sessions[0].duration_us, 500000);
    assert_int_equal(plan->sessions[1].start_us, 3000000);
    assert_int_equal(plan->index[0].session_id, 2);
    assert_int_equal(plan->index[0].duration_us, 500000);
    assert_int_equal(plan->index[1].start_us, 3000000);
    assert_int_equal(plan->span_us, 3000000);
    assert_int_equal(plan->step_count, 3);
    assert_int_equal(plan->endpoint_count, 2);
    plan_free(plan);
}

static void what_cannot_be_sent_again_is_left_out_and_counted(void **state)
{
    (void)state;
    struct plan *plan = build("session s\n0 1 CONNECT host:443 200\n2 3 OPTIONS * 200\n"
                              "4 5 GET /a 200\n");
    assert_int_equal(plan->unplayable, 2);
    assert_int_equal(plan->sessions[0].step_count, 1);
    plan_free(plan);
}

static void what_no_request_line_can_say_is_left_out_and_counted(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target;
        bool is_played;
    } rows[] = {
        {"GET", "/a?x=1", true},
        {"GET", "//twice//%zz", true},
        {"GET", "/~a/{b}|c^`\"<>\\[0]?q='\xc3\xbc\xff'", true}, /* as browsers send them */
        {"PROPFIND", "http://recorded.example?x", true},
        {"M-SEARCH", "/", true},
        {"GET", "/a\r\nX: y", false},
        {"GET", "/a b", false},
        {"GET", "/a\tb", false},
        {"GET", "/a\x7f", false},
        {"GET", "/a\x01", false},
        {"GET", "http://recorded.example:99999/", false},
        {"GET", "http://recorded.example/a b", false},
        {"GET", "a", false},
        {"GET", "", false},
        {"GE T", "/", false},
        {"GET\r\nX:", "/", false},
        {"GE(T", "/", false},
        {"", "/", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct trace_exchange exchange = {.method = bytes_of(rows[i].method),
                                                .target = bytes_of(rows[i].target)};
        if (plan_exchange_is_playable(&exchange) != rows[i].is_played)
            fail_msg("row %zu: %s %s", i, rows[i].method, rows[i].target);
    }
    struct plan *plan = build("session s\n0 1 GET /a\tb 200\n2 3 GE(T /a 200\n4 5 GET /a 200\n");
    assert_int_equal(plan->unplayable, 2);
    assert_int_equal(plan->sessions[0].step_count, 1);
    plan_free(plan);
}

static void a_trace_without_a_playable_request_is_refused(void **state)
{
    (void)state;
    struct plan *plan = NULL;
    struct error err = {0};
    const struct plan_options options = {.target = bytes_of("http://127.0.0.1"),
                                         .max_bytes = 1 << 20};
    assert_int_equal(script_trace_write(TRACE_FILE, "session s\n", &err), 0);
    assert_int_equal(plan_build(&plan, TRACE_FILE, &options, &err), -1);
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_non_null(strstr(err.text, "no session with a request"));
    unlink(TRACE_FILE);
}

static void what_took_a_second_when_it_was_recorded_is_known(void **state)
{
    (void)state;
    struct plan *plan = build("session a\n"
                              "0 999 GET /quick 200\n"
                              "1000 2000 GET /poll 200\n");
    assert_false(plan->sessions[0].steps[0].was_long);
    assert_true(plan->sessions[0].steps[1].was_long);
    plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_the_recorded_targets_on_the_new_origin),
        cmocka_unit_test(headers_of_one_connection_are_left_out_and_the_rest_keeps_order_and_case),
        cmocka_unit_test(a_head_keeps_the_order_of_the_recorded_client),
        cmocka_unit_test(what_the_recorded_client_did_not_send_is_added_where_it_must_be),
        cmocka_unit_test(a_line_that_is_none_is_left_out_of_the_head_and_kept_for_plugins),
        cmocka_unit_test(what_http_1_1_cannot_write_has_no_cut),
        cmocka_unit_test(connections_are_the_requests_under_way_at_once),
        cmocka_unit_test(a_connection_that_did_not_outlive_its_last_request_is_closed_behind_it),
        cmocka_unit_test(origin_and_referer_of_the_recorded_site_name_the_target),
        cmocka_unit_test(predecessors_are_a_prefix_of_what_ended),
        cmocka_unit_test(what_begins_the_moment_another_ends_waits_for_it),
        cmocka_unit_test(a_message_waits_for_its_websocket_and_the_messages_before_it),
        cmocka_unit_test(sessions_count_from_the_first_ones_start),
        cmocka_unit_test(what_cannot_be_sent_again_is_left_out_and_counted),
        cmocka_unit_test(what_no_request_line_can_say_is_left_out_and_counted),
        cmocka_unit_test(a_trace_without_a_playable_request_is_refused),
        cmocka_unit_test(what_took_a_second_when_it_was_recorded_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* jwt_refresh_messages_test.c - recorded tokens in what is sent over WebSockets are the user's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plugins/test_host/test_host.h"

const reprise_plugin *reprise_plugin_entry(void);

#define RECORDED "recorded-access-token-1"
#define RENEWED "recorded-access-token-2"
#define LIVE "the-users-own-token"

enum { LOGIN, SOCKET, REFRESH, OTHER_SOCKET };

static struct test_host host;

static reprise_bytes bytes(const char *text)
{
    return (reprise_bytes){text, strlen(text)};
}

static void show(uint32_t kind, uint32_t step, const char *url, const char *request,
                 const char *answer)
{
    static const reprise_header json = {{"Content-Type", 12}, {"application/json", 16}};
    const reprise_recorded recorded = {
        .kind = kind,
        .step = step,
        .status = kind == REPRISE_RECORDED_WS_CONNECT ? 101 : 200,
        .is_text = 1,
        .method = bytes(answer ? "POST" : "GET"),
        .url = bytes(url),
        .request_body = bytes(request),
        .response_body = bytes(answer ? answer : ""),
        .request_headers = &json,
        .response_headers = &json,
        .request_header_count = 1,
        .response_header_count = 1,
    };
    assert_int_equal(test_host_on_recorded(&host, &recorded), REPRISE_CONTINUE);
}

/* A login, a WebSocket that is told the token and later a renewed one, and one that is told none.
 */
static int set_up(void **state)
{
    (void)state;
    assert_int_equal(test_host_init(&host, reprise_plugin_entry(), NULL), 0);
    assert_int_equal(test_host_start(&host), REPRISE_CONTINUE);
    show(REPRISE_RECORDED_EXCHANGE, LOGIN, "https://target.test/login",
         "{\"email\":\"a@b.c\",\"password\":\"pw\"}",
         "{\"access_token\":\"" RECORDED "\",\"refresh_token\":\"recorded-refresh-1\","
         "\"expires_in\":60}");
    show(REPRISE_RECORDED_WS_CONNECT, SOCKET, "wss://target.test/live", "", NULL);
    show(REPRISE_RECORDED_MESSAGE_SENT, SOCKET, "wss://target.test/live",
         "{\"auth\":\"" RECORDED "\"}", NULL);
    show(REPRISE_RECORDED_EXCHANGE, REFRESH, "https://target.test/refresh",
         "{\"refresh_token\":\"recorded-refresh-1\"}",
         "{\"access_token\":\"" RENEWED "\",\"refresh_token\":\"recorded-refresh-2\"}");
    show(REPRISE_RECORDED_MESSAGE_SENT, SOCKET, "wss://target.test/live",
         "{\"auth\":\"" RENEWED "\"}", NULL);
    show(REPRISE_RECORDED_WS_CONNECT, OTHER_SOCKET, "wss://target.test/news", "", NULL);
    show(REPRISE_RECORDED_MESSAGE_SENT, OTHER_SOCKET, "wss://target.test/news", "{\"n\":1}", NULL);
    assert_int_equal(test_host_on_recording_end(&host), REPRISE_CONTINUE);
    assert_int_equal(test_host_on_session_start(&host), REPRISE_CONTINUE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_host_on_session_end(&host);
    test_host_stop(&host);
    test_host_fini(&host);
    return 0;
}

static void log_in(void)
{
    test_host_give_request(&host, "POST", "https://target.test/login", "{}");
    assert_int_equal(test_host_on_request(&host), REPRISE_CONTINUE);
    test_host_give_response(&host, 200, "{\"access_token\":\"" LIVE "\"}");
    test_host_give_response_header(&host, "Content-Type", "application/json");
    assert_int_equal(test_host_on_response(&host), REPRISE_CONTINUE);
}

static void open_socket(uint32_t step)
{
    test_host_give_request(&host, "GET", "wss://target.test/live", "");
    host.request.view.step = step;
}

/* What is sent in place of `message`; "" when it goes as it is. */
static const char *sent(const char *message)
{
    assert_int_equal(test_host_on_ws_message(&host, 1, message), REPRISE_CONTINUE);
    return host.ws_replaced.ptr ? host.ws_replaced.ptr : "";
}

static void each_recorded_token_is_exchanged_for_the_users(void **state)
{
    (void)state;
    log_in();
    open_socket(SOCKET);
    assert_int_equal(test_host_on_request(&host), REPRISE_CONTINUE);
    assert_string_equal(sent("{\"auth\":\"" RECORDED "\"}"), "{\"auth\":\"" LIVE "\"}");
    assert_string_equal(sent("{\"auth\":\"" RENEWED "\"}"), "{\"auth\":\"" LIVE "\"}");
    assert_string_equal(sent("[\"" RENEWED "\",\"" RECORDED "\",\"" RENEWED "\"]"),
                        "[\"" LIVE "\",\"" LIVE "\",\"" LIVE "\"]");
}

static void a_message_without_one_goes_as_it_is(void **state)
{
    (void)state;
    log_in();
    open_socket(SOCKET);
    assert_string_equal(sent("{\"auth\":\"" LIVE "\"}"), ""); /* a binding put it there */
    assert_string_equal(sent("{\"n\":1}"), "");
    assert_int_equal(test_host_on_ws_message(&host, 0, "{\"auth\":\"" RECORDED "\"}"),
                     REPRISE_CONTINUE);
    assert_null(host.ws_replaced.ptr);
}

static void before_there_is_a_token_it_goes_as_it_was_recorded(void **state)
{
    (void)state;
    open_socket(SOCKET);
    assert_string_equal(sent("{\"auth\":\"" RECORDED "\"}"), "");
}

static void a_socket_that_is_told_none_is_not_looked_at(void **state)
{
    (void)state;
    assert_non_null(test_host_step_of(&host.marked, SOCKET));
    assert_null(test_host_step_of(&host.marked, OTHER_SOCKET));
}

/* Its first message is no later than the request that opens it. */
static void the_socket_is_opened_with_a_good_token(void **state)
{
    (void)state;
    test_host_give_step(&host, REFRESH, "POST", "https://target.test/refresh",
                        "{\"refresh_token\":\"recorded-refresh-1\"}");
    test_host_give_request(&host, "POST", "https://target.test/login", "{}");
    assert_int_equal(test_host_on_request(&host), REPRISE_CONTINUE);
    test_host_give_response(&host, 200,
                            "{\"access_token\":\"" LIVE
                            "\",\"refresh_token\":\"live-refresh-1\",\"expires_in\":60}");
    test_host_give_response_header(&host, "Content-Type", "application/json");
    assert_int_equal(test_host_on_response(&host), REPRISE_CONTINUE);
    host.call.unix_us += 3600 * INT64_C(1000000);
    open_socket(SOCKET);
    assert_int_equal(test_host_on_request(&host), REPRISE_HOLD);
    assert_int_equal(host.added_count, 1);
    assert_true(host.added[0]->is_sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define PLAYED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        PLAYED(each_recorded_token_is_exchanged_for_the_users),
        PLAYED(a_message_without_one_goes_as_it_is),
        PLAYED(before_there_is_a_token_it_goes_as_it_was_recorded),
        PLAYED(a_socket_that_is_told_none_is_not_looked_at),
        PLAYED(the_socket_is_opened_with_a_good_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

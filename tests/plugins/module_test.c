/* module_test.c - whole plugins from files, played through as replay plays them, without a network.
 */
#include "tests/plugins/chain_fixture.h"

#include <unistd.h>

#define MODULES TEST_BINARY_DIR "/test-plugins"

static void open_module(struct fixture *fx, const char *spec)
{
    struct error err = {.text = ""};
    const char *own_folder = TEST_BINARY_DIR "/reprise-plugins";
    const struct plugin_search search = {&own_folder, 1};
    memset(fx, 0, sizeof *fx);
    if (chain_open(&fx->chain, &spec, 1, &search, &err))
        fail_msg("%s", err.text);
    const struct chain_options options = {.seed = 1, .target_url = "http://127.0.0.1:8080"};
    assert_int_equal(chain_start(&fx->chain, &options, &err), 0);
    fx->worker = chain_worker_new(&fx->chain, fixture_record, fx);
    fx->user = chain_user_new(fx->worker,
                              &(struct chain_play){.index = 5, .session_id = 77, .step_count = 20});
    arena_init(&fx->arena, 1024 * 1024);
    fixture_request(fx);
    chain_session_start(fx->user, 1000, &fx->outcome);
}

/* What replay does with the first of the added requests: ask, send, hand over the answer. */
static struct chain_outcome play_added(struct fixture *fx, int status)
{
    static const struct http_header headers[] = {
        {.name = {"X-Token", 7}, .value = {"t0ken", 5}},
    };
    struct chain_added *added = fx->outcome.added;
    struct chain_outcome outcome;
    assert_non_null(added);
    const struct chain_request_info info = {.added = added};
    chain_request(fx->user, 2100, &added->request, &info, &outcome);
    assert_int_equal(outcome.verdict, REPRISE_CONTINUE);
    const struct http_response response = {
        .status = status, .headers = headers, .header_count = status == 200};
    const struct chain_answer answer = {
        .request = &added->request, .info = info, .response = &response, .total_us = 4321};
    chain_response(fx->user, 2200, &answer, &outcome);
    fx->outcome.added = added->next;
    chain_added_free(fx->user, added);
    return outcome;
}

static const char *header_of(const struct http_request *request, const char *name)
{
    struct bytes value = http_headers_find(request->headers, request->header_count, bytes_of(name));
    return value.ptr ? value.ptr : "(none)";
}

static void a_login_is_added_in_front_of_the_first_request(void **state)
{
    (void)state;
    struct fixture fx;
    open_module(&fx, MODULES "/everything.so:login-path=/v1/login");
    assert_int_equal(fixture_ask(&fx), REPRISE_HOLD);
    assert_int_equal(fx.outcome.added_count, 1);
    assert_string_equal(fx.outcome.added->request.url.ptr, "http://127.0.0.1:8080/v1/login");
    assert_string_equal(fx.outcome.added->request.method.ptr, "POST");
    assert_string_equal(fx.outcome.added->request.body.ptr, "{\"user\":1}");
    assert_int_equal(play_added(&fx, 200).verdict, REPRISE_CONTINUE);
    fx.info.holds = 1;
    assert_int_equal(fixture_ask(&fx), REPRISE_CONTINUE);
    assert_string_equal(header_of(&fx.request, "authorization"), "Bearer t0ken");
    assert_int_equal(fx.recorded_count, 2);
    assert_string_equal(fx.chain.metrics[fx.recorded[1].metric].name, "login_duration");
    assert_int_equal(fx.recorded[1].value, 4321);
    fixture_stop(&fx);
}

static void a_401_logs_in_again_and_retries(void **state)
{
    (void)state;
    struct fixture fx;
    open_module(&fx, MODULES "/everything.so");
    fixture_ask(&fx);
    play_added(&fx, 200);
    assert_int_equal(fixture_answer(&fx, 401, NULL), REPRISE_RETRY);
    assert_int_equal(fx.outcome.added_count, 1);
    play_added(&fx, 200);
    fx.info.attempt = 1;
    assert_int_equal(fixture_ask(&fx), REPRISE_CONTINUE);
    fixture_stop(&fx);
}

static void a_503_is_retried_after_the_delay_of_its_option(void **state)
{
    (void)state;
    struct fixture fx;
    open_module(&fx, MODULES "/everything.so:backoff=2s");
    assert_int_equal(fixture_answer(&fx, 503, NULL), REPRISE_RETRY);
    assert_int_equal(fx.outcome.delay_us, 2000000);
    assert_null(fx.outcome.added);
    fixture_stop(&fx);
}

static void a_login_that_gives_no_token_fails_the_user_with_the_plugins_words(void **state)
{
    (void)state;
    struct fixture fx;
    open_module(&fx, MODULES "/everything.so");
    fixture_ask(&fx);
    struct chain_outcome outcome = play_added(&fx, 500);
    assert_int_equal(outcome.verdict, REPRISE_FAIL);
    assert_string_equal(outcome.error, "plugin everything: on_response: login answered 500 without "
                                       "a usable X-Token");
    fixture_stop(&fx);
}

static void the_recorded_login_is_skipped(void **state)
{
    (void)state;
    struct fixture fx;
    open_module(&fx, MODULES "/everything.so");
    fx.request.url = bytes_of("http://127.0.0.1:8080/login");
    assert_int_equal(fixture_ask(&fx), REPRISE_SKIP);
    fixture_stop(&fx);
}

static void the_first_websocket_message_carries_the_token_and_pings_are_answered(void **state)
{
    (void)state;
    struct fixture fx;
    struct chain_message first = {.is_outgoing = true, .is_text = true, .data = {"old token", 9}};
    struct chain_message ping = {.is_text = true, .data = {"ping", 4}};
    open_module(&fx, MODULES "/everything.so:announce");
    fixture_ask(&fx);
    play_added(&fx, 200);
    fixture_free_outcome(&fx);
    first.arena = &fx.arena;
    chain_ws_message(fx.user, 3000, &first, &fx.outcome);
    assert_string_equal(first.data.ptr, "Bearer t0ken");
    assert_string_equal(fx.outcome.sends->data.ptr, "ready");
    fixture_free_outcome(&fx);
    chain_ws_message(fx.user, 3000, &ping, &fx.outcome);
    assert_int_equal(fx.outcome.verdict, REPRISE_SKIP);
    assert_string_equal(fx.outcome.sends->data.ptr, "pong");
    fixture_stop(&fx);
}

static void the_example_gives_each_user_its_own_header_and_counts(void **state)
{
    (void)state;
    struct fixture fx;
    open_module(&fx, "example:name=load,header=X-Tester");
    assert_int_equal(fixture_ask(&fx), REPRISE_CONTINUE);
    assert_string_equal(header_of(&fx.request, "X-Tester"), "load-5");
    assert_int_equal(fx.recorded_count, 1);
    assert_string_equal(fx.chain.metrics[fx.recorded[0].metric].name, "example_requests");
    fixture_stop(&fx);
}

/* The answer has Retry-After: `wait`. */
static enum reprise_verdict answer_busy(struct fixture *fx, int recorded_status, const char *wait)
{
    const struct http_header header = {.name = {"Retry-After", 11}, .value = bytes_of(wait)};
    const struct http_response response = {.status = 503, .headers = &header, .header_count = 1};
    const struct chain_answer answer = {.request = &fx->request,
                                        .info = fx->info,
                                        .response = &response,
                                        .recorded_status = recorded_status};
    chain_response(fx->user, 3000, &answer, &fx->outcome);
    return fx->outcome.verdict;
}

static void the_worked_plugin_of_the_documentation_waits_as_it_is_asked_to(void **state)
{
    (void)state;
    struct fixture fx;
    open_module(&fx, MODULES "/polite.so:longest=10s,jitter=0s");
    assert_int_equal(answer_busy(&fx, 200, "7"), REPRISE_RETRY);
    assert_int_equal(fx.outcome.delay_us, 7000000);
    assert_int_equal(fx.recorded_count, 2);
    assert_int_equal(fx.recorded[1].value, 7000000);
    assert_int_equal(answer_busy(&fx, 503, "7"), REPRISE_CONTINUE);
    assert_int_equal(answer_busy(&fx, 200, "Fri, 20 Nov 2026 20:00:00 GMT"), REPRISE_CONTINUE);
    assert_int_equal(answer_busy(&fx, 200, "18446744073710"), REPRISE_FAIL); /* times 10^6 wraps */
    assert_int_equal(answer_busy(&fx, 200, "11"), REPRISE_FAIL);
    assert_string_equal(fx.outcome.error,
                        "plugin polite: on_response: asked to wait 11 s, which is "
                        "over longest");
    fixture_stop(&fx);
}

static void a_plugin_in_c_plus_plus_has_objects_per_user(void **state)
{
    (void)state;
    struct fixture fx;
    if (access(MODULES "/cpp.so", F_OK)) {
        print_message("skipped: no C++ compiler was there when this was configured\n");
        skip();
    }
    /* Longer than a std::string keeps in itself: a destructor that is not called is a leak. */
    open_module(&fx, MODULES "/cpp.so:prefix=a-prefix-that-needs-memory-of-its-own");
    assert_int_equal(fixture_ask(&fx), REPRISE_CONTINUE);
    assert_string_equal(header_of(&fx.request, "X-Cpp"), "a-prefix-that-needs-memory-of-its-own-5");
    fixture_stop(&fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_is_added_in_front_of_the_first_request),
        cmocka_unit_test(a_401_logs_in_again_and_retries),
        cmocka_unit_test(a_503_is_retried_after_the_delay_of_its_option),
        cmocka_unit_test(a_login_that_gives_no_token_fails_the_user_with_the_plugins_words),
        cmocka_unit_test(the_recorded_login_is_skipped),
        cmocka_unit_test(the_first_websocket_message_carries_the_token_and_pings_are_answered),
        cmocka_unit_test(the_example_gives_each_user_its_own_header_and_counts),
        cmocka_unit_test(the_worked_plugin_of_the_documentation_waits_as_it_is_asked_to),
        cmocka_unit_test(a_plugin_in_c_plus_plus_has_objects_per_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

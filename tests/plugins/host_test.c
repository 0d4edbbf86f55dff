/* host_test.c - the host table: what a plugin reads, rewrites and records, and what it may not. */
#include "tests/plugins/chain_fixture.h"

#include <stdio.h>

/* What a plugin keeps although it must not: good for nothing once its callback has returned. */
static struct {
    const reprise_call *call;
    reprise_request *request;
    const reprise_response *response;
} kept;

static int rewrite(const reprise_call *call, reprise_request *request)
{
    const reprise_host *host = call->host;
    assert_string_equal(request->method.ptr, "GET");
    assert_string_equal(request->url.ptr, "https://target.test/jobs/7?x=1");
    assert_int_equal(request->step, 3);
    assert_string_equal(host->request_header(call, request, "ACCEPT").ptr, "text/html");
    assert_null(host->request_header(call, request, "Absent").ptr);
    assert_int_equal(host->set_method(call, request, "PUT"), 0);
    assert_int_equal(host->set_url(call, request, "/jobs/8"), 0);
    assert_string_equal(request->url.ptr, "https://target.test/jobs/8");
    assert_int_equal(host->set_header(call, request, "accept", NULL), 0);
    assert_null(host->request_header(call, request, "Accept").ptr);
    assert_int_equal(host->set_header(call, request, "X-New", "1"), 0);
    assert_int_equal(host->set_body(call, request, "a\0b", 3), 0);
    assert_int_equal(request->body.len, 3);
    assert_int_equal(request->body.ptr[3], '\0');
    return REPRISE_CONTINUE;
}

static int sees_the_rewriting(const reprise_call *call, reprise_request *request)
{
    reprise_bytes name, value;
    assert_string_equal(request->method.ptr, "PUT");
    assert_string_equal(request->url.ptr, "https://target.test/jobs/8");
    assert_int_equal(call->host->request_header_at(call, request, 1, &name, &value), 1);
    assert_string_equal(name.ptr, "X-New");
    assert_string_equal(value.ptr, "1");
    assert_int_equal(call->host->request_header_at(call, request, 2, &name, &value), 0);
    return REPRISE_CONTINUE;
}

static void a_rewritten_request_reaches_the_next_plugin_and_the_replay(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(&fx,
                  (const reprise_plugin *[]){PLUGIN("a", .on_request = rewrite),
                                             PLUGIN("b", .on_request = sees_the_rewriting), NULL});
    assert_int_equal(fixture_ask(&fx), REPRISE_CONTINUE);
    assert_string_equal(fx.request.url.ptr, "https://target.test/jobs/8");
    assert_memory_equal(fx.request.body.ptr, "a\0b", 3);
    assert_int_equal(fx.request.changes, HTTP_CHANGED_METHOD | HTTP_CHANGED_URL |
                                             HTTP_CHANGED_HEADERS | HTTP_CHANGED_BODY);
    fixture_stop(&fx);
}

static int set_what_is_not_valid(const reprise_call *call, reprise_request *request)
{
    const reprise_host *host = call->host;
    assert_int_equal(host->set_header(call, request, "X-A", "1\r\nX-B: 2"), -1);
    assert_int_equal(host->set_header(call, request, "X:A", "1"), -1);
    assert_int_equal(host->set_header(call, request, NULL, "1"), -1);
    assert_int_equal(host->set_method(call, request, "GET /"), -1);
    assert_int_equal(host->set_method(call, request, NULL), -1);
    assert_int_equal(host->set_url(call, request, "gopher://x/"), -1);
    assert_int_equal(host->set_url(call, request, "jobs/8"), -1);
    assert_int_equal(host->set_url(call, request, "/a b"), -1);
    assert_int_equal(host->set_url(call, request, ""), -1);
    assert_int_equal(host->set_body(call, request, NULL, 5), -1);
    return REPRISE_FAIL;
}

static void values_that_are_not_valid_change_nothing_and_are_the_reason_of_the_failure(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(
        &fx, (const reprise_plugin *[]){PLUGIN("a", .on_request = set_what_is_not_valid), NULL});
    assert_int_equal(fixture_ask(&fx), REPRISE_FAIL);
    assert_string_equal(fx.outcome.error, "plugin a: on_request: set_header(): 'X-A' or its value "
                                          "is not valid in a header");
    assert_memory_equal(fx.request.url.ptr, "https://target.test/jobs/7?x=1", 30);
    assert_memory_equal(fx.request.method.ptr, "GET", 3);
    assert_int_equal(fx.request.header_count, 2);
    assert_memory_equal(fx.request.body.ptr, "recorded", 8);
    fixture_stop(&fx);
}

static int keep_request(const reprise_call *call, reprise_request *request)
{
    (void)request;
    if (!kept.call) {
        kept.call = call;
        kept.request = call->host->new_request(call, NULL, 1); /* never sent: freed */
        return REPRISE_CONTINUE;
    }
    assert_int_equal(call->host->set_header(call, kept.request, "A", "1"), -1);
    assert_int_equal(call->host->send(call, kept.request), -1);
    assert_null(call->host->new_request(call, kept.request, 1));
    assert_null(call->host->request_header(call, kept.request, "A").ptr);
    assert_int_equal(call->host->set_header(call, NULL, "A", "1"), -1);
    assert_int_equal(call->host->send(call, request), -1); /* in hand, not from new_request() */
    return REPRISE_FAIL;
}

static void a_request_kept_from_an_earlier_callback_is_refused_untouched(void **state)
{
    (void)state;
    struct fixture fx;
    kept.call = NULL;
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("a", .on_request = keep_request), NULL});
    assert_int_equal(fixture_ask(&fx), REPRISE_CONTINUE);
    assert_int_equal(fixture_ask(&fx), REPRISE_FAIL);
    assert_non_null(strstr(fx.outcome.error, "set_header(): that request cannot be changed"));
    /* Between callbacks the call itself is good for nothing. */
    assert_int_equal(host_table.set_url(kept.call, kept.request, "/"), -1);
    assert_null(host_table.new_request(kept.call, NULL, 1));
    assert_int_equal(host_table.random(kept.call), 0);
    assert_int_equal(host_table.ws_send(kept.call, "x", 1, 1), -1);
    assert_int_equal(host_table.metric(kept.call, "late", "", REPRISE_COUNTER), REPRISE_NO_METRIC);
    host_table.delay_us(kept.call, 1);
    host_table.record(kept.call, 0, 1);
    host_table.error(kept.call, "too late");
    host_table.log(kept.call, REPRISE_WARNING, "too late");
    assert_int_equal(host_table.send(NULL, NULL), -1);
    fixture_stop(&fx);
}

static int read_answer(const reprise_call *call, const reprise_response *response)
{
    reprise_bytes name, value;
    const reprise_host *host = call->host;
    assert_int_equal(response->status, 201);
    assert_int_equal(response->recorded_status, 200);
    assert_int_equal(response->total_us, 200);
    assert_int_equal(response->first_byte_us, 150);
    assert_null(response->error);
    assert_string_equal(response->request->method.ptr, "GET");
    assert_string_equal(host->response_header(call, response, "set-cookie").ptr, "a=1");
    assert_int_equal(host->response_header_at(call, response, 2, &name, &value), 1);
    assert_string_equal(value.ptr, "b=2");
    assert_int_equal(host->response_header_at(call, response, 3, &name, &value), 0);
    /* The answered request is there to be read and to be copied. */
    assert_string_equal(host->request_header(call, response->request, "Cookie").ptr, "a=1");
    reprise_request *again = host->new_request(call, response->request, 4);
    assert_non_null(again);
    assert_int_equal(host->send(call, again), 0);
    assert_int_equal(host->set_url(call, (reprise_request *)response->request, "/x"), -1);
    return response->body.ptr ? REPRISE_RETRY : REPRISE_CONTINUE;
}

static void an_answer_is_read_and_its_request_is_copied_but_not_changed(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("a", .on_response = read_answer), NULL});
    assert_int_equal(fixture_answer(&fx, 201, "{}"), REPRISE_CONTINUE);
    assert_int_equal(fx.outcome.added_count, 1);
    assert_string_equal(fx.outcome.added->request.url.ptr, "https://target.test/jobs/7?x=1");
    fixture_stop(&fx);
}

static void only_a_plugin_that_asked_for_bodies_is_shown_them(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(&fx,
                  (const reprise_plugin *[]){
                      PLUGIN("a", .flags = REPRISE_WANT_BODY, .on_response = read_answer), NULL});
    assert_true(chain_wants_body(&fx.chain));
    assert_int_equal(fixture_answer(&fx, 201, "{}"), REPRISE_RETRY);
    assert_int_equal(fixture_answer(&fx, 201, NULL), REPRISE_CONTINUE);
    fixture_stop(&fx);
}

static int no_answer(const reprise_call *call, const reprise_response *response)
{
    assert_int_equal(response->status, 0);
    call->host->error(call, "%s:\nstep %u", response->error, response->request->step);
    call->host->error(call, "a second reason");
    return REPRISE_FAIL;
}

static void the_first_error_of_a_callback_is_kept_on_one_line(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("a", .on_response = no_answer), NULL});
    assert_int_equal(fixture_answer(&fx, 0, NULL), REPRISE_FAIL);
    assert_string_equal(fx.outcome.error, "plugin a: on_response: connection refused: step 3");
    fixture_stop(&fx);
}

static int talk(const reprise_call *call, const reprise_ws_message *message)
{
    const reprise_host *host = call->host;
    assert_int_equal(message->step, 2);
    assert_int_equal(message->index, 9);
    if (!message->is_outgoing) {
        assert_int_equal(host->ws_replace(call, "no", 2), -1);
        return host->ws_send(call, "\1\2", 2, 0) ? REPRISE_FAIL : REPRISE_SKIP;
    }
    assert_int_equal(host->ws_replace(call, "new", 3), 0);
    assert_string_equal(message->data.ptr, "new");
    assert_int_equal(host->ws_send(call, "one", 3, 1), 0);
    assert_int_equal(host->ws_send(call, NULL, 0, 1), 0);
    assert_null(host->new_request(call, NULL, 1));
    return REPRISE_CONTINUE;
}

static int sees_new(const reprise_call *call, const reprise_ws_message *message)
{
    (void)call;
    assert_string_equal(message->data.ptr, message->is_outgoing ? "new" : "old");
    return REPRISE_CONTINUE;
}

static void websocket_messages_are_replaced_dropped_and_joined_by_others(void **state)
{
    (void)state;
    struct fixture fx;
    struct chain_message message = {
        .step = 2, .index = 9, .is_outgoing = true, .data = {"old", 3}, .arena = NULL};
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("a", .on_ws_message = talk),
                                                  PLUGIN("b", .on_ws_message = sees_new), NULL});
    message.arena = &fx.arena;
    chain_ws_message(fx.user, 2000, &message, &fx.outcome);
    assert_int_equal(fx.outcome.verdict, REPRISE_CONTINUE);
    assert_string_equal(message.data.ptr, "new");
    assert_string_equal(fx.outcome.sends->data.ptr, "one");
    assert_true(fx.outcome.sends->is_text);
    assert_int_equal(fx.outcome.sends->next->data.len, 0);
    assert_null(fx.outcome.sends->next->next);
    fixture_free_outcome(&fx);
    message = (struct chain_message){.step = 2, .index = 9, .data = {"old", 3}};
    chain_ws_message(fx.user, 2000, &message, &fx.outcome);
    assert_int_equal(fx.outcome.verdict, REPRISE_SKIP);
    assert_int_equal(fx.outcome.sends->data.len, 2);
    assert_false(fx.outcome.sends->is_text);
    fixture_stop(&fx);
}

static int send_without_end(const reprise_call *call, const reprise_ws_message *message)
{
    (void)message;
    while (call->host->ws_send(call, "x", 1, 1) == 0)
        continue;
    return REPRISE_FAIL;
}

static void messages_sent_in_one_callback_have_a_limit(void **state)
{
    (void)state;
    struct fixture fx;
    struct chain_message message = {.data = {"x", 1}};
    fixture_start(&fx,
                  (const reprise_plugin *[]){PLUGIN("a", .on_ws_message = send_without_end), NULL});
    chain_ws_message(fx.user, 2000, &message, &fx.outcome);
    assert_int_equal(fx.outcome.verdict, REPRISE_FAIL);
    assert_null(fx.outcome.sends);
    assert_non_null(strstr(fx.outcome.error, "at most 64 messages"));
    fixture_stop(&fx);
}

static const reprise_metric two_metrics[] = {
    {"polls", "", "polls sent", REPRISE_COUNTER, 0},
    {"job_duration", "us", "submitted to done", REPRISE_HISTOGRAM, 0},
    REPRISE_METRICS_END,
};

static int add_third_metric(const reprise_call *call)
{
    assert_int_equal(call->host->metric(call, "extra", "bytes", REPRISE_COUNTER), 2);
    assert_int_equal(call->host->metric(call, "polls", "", REPRISE_COUNTER), REPRISE_NO_METRIC);
    assert_int_equal(call->host->metric(call, "Bad Name", "", REPRISE_COUNTER), REPRISE_NO_METRIC);
    return REPRISE_CONTINUE;
}

static int record_all(const reprise_call *call, reprise_request *request)
{
    (void)request;
    call->host->record(call, 1, 1234);
    call->host->record(call, 2, 55);
    call->host->record(call, 3, 1); /* there is no such metric */
    assert_int_equal(call->host->metric(call, "late", "", REPRISE_COUNTER), REPRISE_NO_METRIC);
    return REPRISE_CONTINUE;
}

static const reprise_metric first_metric[] = {
    {"other", "", "of the plugin before", REPRISE_COUNTER, 0},
    REPRISE_METRICS_END,
};

static void metrics_have_one_number_per_plugin_and_one_index_per_run(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(
        &fx, (const reprise_plugin *[]){PLUGIN("a", .metrics = first_metric),
                                        PLUGIN("b", .metrics = two_metrics,
                                               .start = add_third_metric, .on_request = record_all),
                                        NULL});
    assert_int_equal(fx.chain.metric_count, 4);
    assert_string_equal(fx.chain.metrics[2].name, "job_duration");
    assert_string_equal(fx.chain.metrics[2].unit, "us");
    assert_true(fx.chain.metrics[2].is_histogram);
    assert_int_equal(fx.chain.metrics[2].plugin, 1);
    fixture_ask(&fx);
    assert_int_equal(fx.recorded_count, 2);
    assert_int_equal(fx.recorded[0].metric, 2);
    assert_true(fx.recorded[0].is_histogram);
    assert_int_equal(fx.recorded[0].value, 1234);
    assert_int_equal(fx.recorded[1].metric, 3);
    assert_false(fx.recorded[1].is_histogram);
    fixture_stop(&fx);
}

static int fill_metrics(const reprise_call *call)
{
    char name[32];
    for (int i = 0; i < CHAIN_MAX_METRICS; i++) {
        snprintf(name, sizeof name, "metric_%d", i);
        assert_int_equal(call->host->metric(call, name, "", REPRISE_COUNTER), i);
    }
    assert_int_equal(call->host->metric(call, "one_more", "", REPRISE_COUNTER), REPRISE_NO_METRIC);
    return REPRISE_CONTINUE;
}

static void a_run_has_room_for_64_metrics_of_plugins(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("a", .start = fill_metrics), NULL});
    assert_int_equal(fx.chain.metric_count, 64);
    fixture_stop(&fx);
}

static uint64_t drawn[3];

static int draw(const reprise_call *call, reprise_request *request)
{
    (void)request;
    for (int i = 0; i < 3; i++)
        drawn[i] = call->host->random(call);
    return REPRISE_CONTINUE;
}

static void draw_for(const char *name, uint64_t user_index, uint64_t *ret_drawn)
{
    struct fixture fx;
    fixture_start(&fx, (const reprise_plugin *[]){PLUGIN("before", .on_request = draw),
                                                  PLUGIN(name, .on_request = draw), NULL});
    chain_user_free(fx.user);
    fx.user = chain_user_new(
        fx.worker, &(struct chain_play){.index = user_index, .session_id = 77, .step_count = 20});
    fixture_ask(&fx);
    fixture_stop(&fx);
    memcpy(ret_drawn, drawn, sizeof drawn);
}

static void random_numbers_depend_on_seed_plugin_and_user_alone(void **state)
{
    (void)state;
    uint64_t first[3], again[3], other_user[3], other_plugin[3];
    draw_for("a", 1, first);
    draw_for("a", 1, again);
    draw_for("a", 2, other_user);
    draw_for("b", 1, other_plugin);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, other_user, sizeof first);
    assert_memory_not_equal(first, other_plugin, sizeof first);
    assert_int_not_equal(first[0], first[1]);
}

static int64_t expected_unix_us;

static int look_at_call(const reprise_call *call, reprise_request *request)
{
    (void)request;
    const uint64_t *user = call->user;
    assert_int_equal(*user, 0); /* zeroed, aligned */
    assert_int_equal((uintptr_t)user % 16, 0);
    assert_int_equal(call->user_index, 5);
    assert_int_equal(call->session_id, 77);
    assert_int_equal(call->now_us, 2000);
    assert_int_equal(call->unix_us, expected_unix_us);
    assert_string_equal(call->target.ptr, "https://target.test:8443");
    return REPRISE_CONTINUE;
}

static int start_has_no_user(const reprise_call *call)
{
    assert_null(call->user);
    assert_null(call->host->new_request(call, NULL, 1));
    return REPRISE_CONTINUE;
}

static void a_call_says_who_and_when(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(
        &fx, (const reprise_plugin *[]){PLUGIN("a", .user_size = 1),
                                        PLUGIN("b", .user_size = 24, .start = start_has_no_user,
                                               .on_request = look_at_call),
                                        NULL});
    expected_unix_us = 5000000 + 1000; /* the clock of the run stood at 1000 */
    assert_int_equal(fixture_ask(&fx), REPRISE_CONTINUE);
    chain_set_origin(&fx.chain, 7000000); /* the run began later than the plugins */
    expected_unix_us = 7000000 + 2000;
    assert_int_equal(fixture_ask(&fx), REPRISE_CONTINUE);
    fixture_stop(&fx);
}

static int add_without_url(const reprise_call *call)
{
    reprise_request *added = call->host->new_request(call, NULL, 1);
    assert_non_null(added);
    if (call->target.len == 0) {
        assert_int_equal(call->host->send(call, added), -1);
        assert_int_equal(call->host->set_url(call, added, "/relative"), -1);
        assert_int_equal(call->host->set_url(call, added, "ws://x/"), 0);
        assert_int_equal(call->host->send(call, added), -1); /* not a WebSocket */
        assert_int_equal(call->host->set_url(call, added, "http://x/"), 0);
    }
    return call->host->send(call, added) ? REPRISE_FAIL : REPRISE_CONTINUE;
}

static void a_request_added_at_the_session_start_goes_to_the_target(void **state)
{
    (void)state;
    struct fixture fx;
    fixture_start(
        &fx, (const reprise_plugin *[]){PLUGIN("a", .on_session_start = add_without_url), NULL});
    chain_session_start(fx.user, 1500, &fx.outcome);
    assert_int_equal(fx.outcome.verdict, REPRISE_CONTINUE);
    assert_string_equal(fx.outcome.added->request.url.ptr, "https://target.test:8443/");
    fixture_free_outcome(&fx);
    fx.chain.options.target_url = NULL;
    fx.worker->call.target = (reprise_bytes){"", 0};
    chain_session_start(fx.user, 1500, &fx.outcome);
    assert_int_equal(fx.outcome.verdict, REPRISE_CONTINUE);
    assert_string_equal(fx.outcome.added->request.url.ptr, "http://x/");
    fixture_stop(&fx);
}

static int reads_as_text(const reprise_call *call, const reprise_ws_message *message)
{
    (void)call;
    assert_int_equal(message->data.len, 4);
    assert_string_equal(message->data.ptr, "ping");
    return REPRISE_SKIP;
}

static void a_message_ends_with_a_zero_byte_even_when_what_was_received_does_not(void **state)
{
    (void)state;
    struct fixture fx;
    char *received = malloc(4); /* exactly: a byte behind it is an error of its own */
    memcpy(received, "ping", 4);
    struct chain_message message = {.is_text = true, .data = {received, 4}};
    fixture_start(&fx,
                  (const reprise_plugin *[]){PLUGIN("a", .on_ws_message = reads_as_text), NULL});
    chain_ws_message(fx.user, 2000, &message, &fx.outcome);
    assert_int_equal(fx.outcome.verdict, REPRISE_SKIP);
    fixture_stop(&fx);
    free(received);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rewritten_request_reaches_the_next_plugin_and_the_replay),
        cmocka_unit_test(
            values_that_are_not_valid_change_nothing_and_are_the_reason_of_the_failure),
        cmocka_unit_test(a_request_kept_from_an_earlier_callback_is_refused_untouched),
        cmocka_unit_test(an_answer_is_read_and_its_request_is_copied_but_not_changed),
        cmocka_unit_test(only_a_plugin_that_asked_for_bodies_is_shown_them),
        cmocka_unit_test(the_first_error_of_a_callback_is_kept_on_one_line),
        cmocka_unit_test(websocket_messages_are_replaced_dropped_and_joined_by_others),
        cmocka_unit_test(a_message_ends_with_a_zero_byte_even_when_what_was_received_does_not),
        cmocka_unit_test(messages_sent_in_one_callback_have_a_limit),
        cmocka_unit_test(metrics_have_one_number_per_plugin_and_one_index_per_run),
        cmocka_unit_test(a_run_has_room_for_64_metrics_of_plugins),
        cmocka_unit_test(random_numbers_depend_on_seed_plugin_and_user_alone),
        cmocka_unit_test(a_call_says_who_and_when),
        cmocka_unit_test(a_request_added_at_the_session_start_goes_to_the_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

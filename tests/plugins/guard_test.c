/* guard_test.c - who is inside of which plugin, and for how long; crashes are e2e's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/plugins/chain_fixture.h"

static const char *seen_plugin, *seen_doing;

static int looks_at_its_guard(const reprise_call *call, reprise_request *request)
{
    (void)call;
    (void)request;
    seen_plugin = guard_of_thread ? atomic_load(&guard_of_thread->plugin) : NULL;
    seen_doing = guard_of_thread ? atomic_load(&guard_of_thread->doing) : NULL;
    return REPRISE_CONTINUE;
}

static void a_thread_is_inside_of_a_plugin_only_while_its_callback_runs(void **state)
{
    (void)state;
    struct fixture fx;
    const reprise_plugin *plugins[] = {PLUGIN("first", .on_request = looks_at_its_guard), NULL};
    fixture_start(&fx, plugins);
    assert_int_equal(fixture_ask(&fx), REPRISE_CONTINUE);
    assert_string_equal(seen_plugin, "first");
    assert_string_equal(seen_doing, "on_request");
    assert_null(guard_of_thread);
    assert_null(atomic_load(&chain_worker_guard(fx.worker)->plugin));
    fixture_stop(&fx);
}

static int64_t look_and_read(void *owner, uint64_t offset, void *into, size_t max)
{
    (void)owner;
    (void)offset;
    seen_plugin = guard_of_thread ? atomic_load(&guard_of_thread->plugin) : NULL;
    seen_doing = guard_of_thread ? atomic_load(&guard_of_thread->doing) : NULL;
    memset(into, 'x', max);
    return (int64_t)max;
}

static void look_and_release(void *owner)
{
    (void)owner;
    seen_doing = guard_of_thread ? atomic_load(&guard_of_thread->doing) : NULL;
}

static int gives_a_source(const reprise_call *call, reprise_request *request)
{
    const reprise_body_source source = {
        .size = sizeof source, .body_bytes = 4, .read = look_and_read, .release = look_and_release};
    return call->host->set_body_source(call, request, &source);
}

/* Between callbacks, when the transport asks for more. */
static void reading_a_body_is_being_inside_too(void **state)
{
    (void)state;
    struct fixture fx;
    char into[4];
    const reprise_plugin *plugins[] = {PLUGIN("first", .on_request = gives_a_source), NULL};
    fixture_start(&fx, plugins);
    assert_int_equal(fixture_ask(&fx), REPRISE_CONTINUE);
    assert_int_equal(http_request_read_body(&fx.request, 0, into, sizeof into), 4);
    assert_string_equal(seen_plugin, "first");
    assert_string_equal(seen_doing, "read() of its body");
    http_request_fini(&fx.request);
    assert_string_equal(seen_doing, "release() of its body");
    assert_null(guard_of_thread);
    fixture_stop(&fx);
}

static void time_inside_adds_up_while_it_is_the_same_call(void **state)
{
    (void)state;
    struct guard guard = {0};
    struct guard_watch watch = {0};
    assert_int_equal(guard_look(&watch, &guard, 50, 50), 0);
    guard_enter(&guard, "p", "on_request");
    assert_int_equal(guard_look(&watch, &guard, 100, 50), 0); /* begun since the last look */
    assert_int_equal(guard_look(&watch, &guard, 150, 50), 50);
    assert_int_equal(guard_look(&watch, &guard, 210, 50), 110);
    guard_leave(&guard);
    guard_enter(&guard, "p", "on_request"); /* another call */
    assert_int_equal(guard_look(&watch, &guard, 260, 50), 0);
    assert_int_equal(guard_look(&watch, &guard, 310, 50), 50);
    guard_leave(&guard);
    assert_int_equal(guard_look(&watch, &guard, 360, 50), 0);
}

static void a_process_that_was_stopped_has_not_been_inside_for_as_long(void **state)
{
    (void)state;
    struct guard guard = {0};
    struct guard_watch watch = {0};
    guard_enter(&guard, "p", "on_request");
    guard_look(&watch, &guard, 100, 50);
    assert_int_equal(guard_look(&watch, &guard, 60000100, 50), 100);
    guard_leave(&guard);
}

static int settle_nothing(void *owner, uint32_t step, const struct http_response *answer)
{
    (void)owner;
    (void)step;
    (void)answer;
    return 0;
}

/* Lengths of what is not there, and a delay of half a million years. */
static int gives_garbage(const reprise_call *call, reprise_request *request)
{
    const reprise_host *host = call->host;
    const reprise_bytes hollow = {NULL, 5}, text = {"text", 4};
    const reprise_header header = {hollow, text};
    const reprise_answer bodiless = {.size = sizeof bodiless, .status = 200, .body = hollow};
    const reprise_answer headless = {
        .size = sizeof headless, .status = 200, .headers = &header, .header_count = 1};
    const reprise_answer missing = {.size = sizeof missing, .header_count = 3};
    const reprise_answer sizeless = {.status = 200};
    assert_int_equal(host->set_body(call, request, NULL, 5), -1);
    assert_int_equal(host->set_url(call, request, NULL), -1);
    assert_int_equal(host->set_method(call, request, NULL), -1);
    assert_int_equal(host->set_header(call, request, NULL, NULL), -1);
    assert_int_equal(host->settle(call, 3, &bodiless), -1);
    assert_int_equal(host->settle(call, 3, &headless), -1);
    assert_int_equal(host->settle(call, 3, &missing), -1);
    assert_int_equal(host->settle(call, 3, &sizeless), -1);
    assert_int_equal(host->replace_value(call, hollow, text), -1);
    assert_int_equal(host->replace_value(call, text, hollow), -1);
    assert_int_equal(host->send(call, NULL), -1);
    assert_int_equal(host->set_body_source(call, request, NULL), -1);
    assert_null(host->data(call, NULL).ptr);
    host->record(call, 77, 1);
    host->delay_us(call, UINT64_MAX);
    return REPRISE_CONTINUE;
}

static void garbage_is_refused_and_delays_have_an_end(void **state)
{
    (void)state;
    struct fixture fx;
    const reprise_plugin *plugins[] = {PLUGIN("hollow", .on_request = gives_garbage), NULL};
    const struct chain_services services = {.settle = settle_nothing};
    fixture_start(&fx, plugins);
    chain_worker_serve(fx.worker, &services, 1);
    assert_int_equal(fixture_ask(&fx), REPRISE_CONTINUE);
    assert_true(fx.outcome.delay_us == CHAIN_MAX_DELAY_US);
    fixture_stop(&fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_is_inside_of_a_plugin_only_while_its_callback_runs),
        cmocka_unit_test(reading_a_body_is_being_inside_too),
        cmocka_unit_test(time_inside_adds_up_while_it_is_the_same_call),
        cmocka_unit_test(a_process_that_was_stopped_has_not_been_inside_for_as_long),
        cmocka_unit_test(garbage_is_refused_and_delays_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

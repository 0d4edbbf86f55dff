/* plugin_recorded_test.c - what plugins are shown of a trace before the run, from whole plans and
 * from those that stream. */
#include "replay/plugin_recorded.h"

#include <unistd.h>

#include "tests/plugins/chain_fixture.h"
#include "tests/support/folder.h"
#include "tests/support/script_trace.h"

#define SCRIPT                                                                                     \
    "session a\n0 12 POST /login 200 user=x\nheader X-Shop: 1\nanswer {\"token\":\"t\"}\n"         \
    "answer-header X-Id: 7\n50 55 WS /live 101\n> 60 hello\n< 70 hello to you\n> 80 bye\n"         \
    "> 95 late\n90 - GET /c 0\nsession b\n5 30 GET /b 404\n"

static struct buf seen;

/* The header promises it. */
static void expect_end(reprise_bytes text)
{
    if (text.ptr)
        assert_int_equal(text.ptr[text.len], '\0');
}

static void expect_ends(const reprise_recorded *recorded)
{
    expect_end(recorded->method);
    expect_end(recorded->url);
    expect_end(recorded->request_body);
    expect_end(recorded->response_body);
    for (size_t i = 0; i < recorded->request_header_count; i++) {
        expect_end(recorded->request_headers[i].name);
        expect_end(recorded->request_headers[i].value);
    }
    for (size_t i = 0; i < recorded->response_header_count; i++) {
        expect_end(recorded->response_headers[i].name);
        expect_end(recorded->response_headers[i].value);
    }
}

static int tell(const reprise_call *call, const reprise_recorded *recorded)
{
    expect_ends(recorded);
    static const char *const kinds[] = {"exchange", "connect", "sent", "received"};
    buf_printf(&seen, "%d.%u/%u %s %.*s %.*s %u %lu-%lu '%.*s' '%.*s'", (int)call->session_id,
               recorded->step, call->step_count, kinds[recorded->kind], (int)recorded->method.len,
               recorded->method.ptr, (int)recorded->url.len, recorded->url.ptr, recorded->status,
               (unsigned long)recorded->began_us / 1000, (unsigned long)recorded->ended_us / 1000,
               (int)recorded->request_body.len, recorded->request_body.ptr,
               (int)recorded->response_body.len, recorded->response_body.ptr);
    for (size_t i = 0; i < recorded->request_header_count; i++) {
        if (recorded->request_headers[i].name.ptr[0] == 'X')
            buf_append_text(&seen, " +request");
    }
    for (size_t i = 0; i < recorded->response_header_count; i++) {
        if (recorded->response_headers[i].name.ptr[0] == 'X')
            buf_append_text(&seen, " +answer");
    }
    buf_append_text(&seen, "\n");
    return REPRISE_CONTINUE;
}

static int tell_the_first(const reprise_call *call, const reprise_recorded *recorded)
{
    tell(call, recorded);
    return REPRISE_SKIP;
}

static int tell_one(const reprise_call *call, const reprise_recorded *recorded)
{
    tell(call, recorded);
    return REPRISE_END_SESSION;
}

static int refuse(const reprise_call *call, const reprise_recorded *recorded)
{
    call->host->error(call, "step %u is none of mine", recorded->step);
    return REPRISE_FAIL;
}

static int tell_the_end(const reprise_call *call)
{
    buf_printf(&seen, "end %s\n", call->user ? "of a user" : "of all");
    return REPRISE_CONTINUE;
}

static int refuse_at_the_end(const reprise_call *call)
{
    call->host->error(call, "nothing was found");
    return REPRISE_FAIL;
}

static int go_on_holding(const reprise_call *call)
{
    (void)call;
    return REPRISE_HOLD;
}

static int show(const reprise_plugin *plugin, size_t whole_bytes, struct error *err)
{
    const struct plan_options options = {
        .target = bytes_of("http://target:80"), .max_bytes = 64 << 20, .whole_bytes = whole_bytes};
    struct fixture fx;
    struct plan *plan;
    const char *path = folder_file("recorded.trace");
    buf_clear(&seen);
    if (script_trace_write(path, SCRIPT, err) || plan_build(&plan, path, &options, err))
        fail_msg("%s", err->text);
    assert_true((whole_bytes == 0) == (plan->stream == NULL));
    fixture_start(&fx, (const reprise_plugin *[]){plugin, NULL});
    int result = plugin_show_recorded(plan, path, &options, &fx.chain, err);
    fixture_stop(&fx);
    plan_free(plan);
    return result;
}

#define ALL                                                                                        \
    "1.0/6 exchange POST http://target:80/login 200 0-12 'user=x' '{\"token\":\"t\"}' +request "   \
    "+answer\n"                                                                                    \
    "1.1/6 connect GET http://target:80/live 101 50-55 '' ''\n"                                    \
    "1.1/6 sent   0 60-60 'hello' ''\n1.1/6 received   0 70-70 'hello to you' ''\n"                \
    "1.1/6 sent   0 80-80 'bye' ''\n1.4/6 exchange GET http://target:80/c 0 90-0 '' ''\n"          \
    "1.1/6 sent   0 95-95 'late' ''\n"                                                             \
    "2.0/1 exchange GET http://target:80/b 404 0-25 '' ''\n"

static void everything_is_shown_with_its_step(void **state)
{
    (void)state;
    struct error err;
    const reprise_plugin *plugin = PLUGIN("p", .on_recorded = tell);
    assert_int_equal(show(plugin, 0, &err), 0);
    assert_string_equal(buf_text(&seen), ALL);
    assert_int_equal(show(plugin, 1, &err), 0); /* the plan streams */
    assert_string_equal(buf_text(&seen), ALL);
}

static void a_plugin_that_has_seen_enough_is_shown_no_more(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(show(PLUGIN("p", .on_recorded = tell_the_first), 0, &err), 0);
    assert_non_null(strstr(buf_text(&seen), "1.0/6"));
    assert_null(strstr(buf_text(&seen), "1.1/6"));
    assert_non_null(strstr(buf_text(&seen), "2.0/1"));
    assert_int_equal(show(PLUGIN("p", .on_recorded = tell_one), 0, &err), 0);
    assert_null(strstr(buf_text(&seen), "2.0/1"));
}

static void a_plugin_that_fails_there_stops_the_start(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(show(PLUGIN("p", .on_recorded = refuse), 0, &err), -1);
    assert_string_equal(err.text, "plugin p: on_recorded: step 0 is none of mine");
    assert_int_equal(err.exit_code, EXIT_INPUT);
}

static size_t ends(void)
{
    size_t count = 0;
    for (const char *at = buf_text(&seen); (at = strstr(at, "end of all\n")); at++)
        count++;
    return count;
}

static void the_end_comes_once_behind_everything(void **state)
{
    (void)state;
    struct error err;
    const reprise_plugin *plugin =
        PLUGIN("p", .on_recorded = tell, .on_recording_end = tell_the_end);
    assert_int_equal(show(plugin, 0, &err), 0);
    assert_string_equal(buf_text(&seen), ALL "end of all\n");
    assert_int_equal(show(plugin, 1, &err), 0);
    assert_string_equal(buf_text(&seen), ALL "end of all\n");
}

static void the_end_comes_to_those_that_saw_little_or_nothing(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(
        show(PLUGIN("p", .on_recorded = tell_one, .on_recording_end = tell_the_end), 0, &err), 0);
    assert_int_equal(ends(), 1);
    assert_null(strstr(buf_text(&seen), "1.1/6"));
    assert_int_equal(show(PLUGIN("p", .on_recording_end = tell_the_end), 0, &err), 0);
    assert_string_equal(buf_text(&seen), "end of all\n");
    assert_int_equal(
        show(PLUGIN("p", .flags = REPRISE_MARKED_ONLY, .on_recording_end = tell_the_end), 0, &err),
        0);
    assert_string_equal(buf_text(&seen), "end of all\n");
}

static void what_fails_at_the_end_stops_the_start(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(show(PLUGIN("p", .on_recording_end = refuse_at_the_end), 0, &err), -1);
    assert_string_equal(err.text, "plugin p: on_recording_end: nothing was found");
    assert_int_equal(err.exit_code, EXIT_INPUT);
    assert_int_equal(show(PLUGIN("p", .on_recording_end = go_on_holding), 0, &err), -1);
    assert_string_equal(
        err.text, "plugin p: on_recording_end: answered 2, which is no verdict of this callback");
    assert_int_equal(
        show(PLUGIN("p", .on_recorded = refuse, .on_recording_end = tell_the_end), 0, &err), -1);
    assert_int_equal(ends(), 0); /* the recording was not shown to its end */
}

static int set_up(void **state)
{
    buf_init(&seen, 1 << 20);
    return folder_make(state);
}

static int tear_down(void **state)
{
    buf_fini(&seen);
    return folder_remove(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_shown_with_its_step),
        cmocka_unit_test(a_plugin_that_has_seen_enough_is_shown_no_more),
        cmocka_unit_test(a_plugin_that_fails_there_stops_the_start),
        cmocka_unit_test(the_end_comes_once_behind_everything),
        cmocka_unit_test(the_end_comes_to_those_that_saw_little_or_nothing),
        cmocka_unit_test(what_fails_at_the_end_stops_the_start),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* binding_apply_test.c - rules by endpoint become rows of those sessions where both ends are. */
#include "traces/correlate/binding_apply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/script_trace.h"
#include "tests/traces/sample.h"

static struct sample_folder folder;
static char path[SAMPLE_PATH_BYTES];

static int make_folder(void **state)
{
    (void)state;
    sample_folder_make(&folder);
    sample_path(&folder, "t.trace", path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    sample_folder_remove(&folder);
    return 0;
}

/* The rows of one rule as "BORN->USED BORN->USED". */
static void expect_rows(const char *script, const struct binding_rule *rule, const char *wanted)
{
    struct trace_reader *reader;
    struct binding_rules rules;
    struct applied applied;
    char got[1024] = "";
    size_t len = 0;
    assert_done(script_trace_write(path, script, &err));
    assert_done(trace_reader_open(&reader, path, &err));
    binding_rules_init(&rules);
    assert_done(binding_rules_add(&rules, rule, &err));
    assert_done(binding_apply_find(reader, &rules, &applied, &err));
    for (size_t i = 0; i < applied.row_count; i++)
        len += (size_t)snprintf(got + len, sizeof got - len, "%s%lld->%lld", i ? " " : "",
                                (long long)applied.rows[i].born_exchange_id,
                                (long long)applied.rows[i].used_exchange_id);
    assert_string_equal(got, wanted);
    assert_int_equal(applied.rules[0].row_count, applied.row_count);
    applied_free(&applied);
    binding_rules_fini(&rules);
    trace_reader_close(reader);
}

static struct binding_rule rule(const char *born, const char *born_place, const char *used,
                                const char *used_place)
{
    return (struct binding_rule){
        .born_endpoint = bytes_of(born),
        .born_place = bytes_of(born_place),
        .used_endpoint = bytes_of(used),
        .used_place = bytes_of(used_place),
        .form = bytes_of("raw"),
        .state = bytes_of("on"),
    };
}

static void the_latest_answer_that_has_it_gives_it(void **state)
{
    (void)state;
    struct binding_rule token = rule("POST /login", "body:/token", "GET /me", "header:X-Token");
    expect_rows("session a\n"
                "0 10 POST /login 200\nanswer {\"token\":\"one\"}\n"
                "20 30 GET /me 200\nheader X-Token: one\n"
                "40 50 POST /login 200\nanswer {\"token\":\"two\"}\n"
                "60 70 GET /me 200\nheader X-Token: two\n"
                "80 90 POST /login 200\nanswer {\"token\":\"one\"}\n"
                "100 110 GET /me 200\nheader X-Token: one\n"
                "120 130 GET /me 200\nheader X-Token: three\n"
                "140 150 GET /me 200\n",
                &token, "1->2 3->4 5->6");
}

static void nothing_goes_from_one_user_to_another_or_back_in_time(void **state)
{
    (void)state;
    struct binding_rule token = rule("POST /login", "body:/token", "GET /me", "header:X-Token");
    expect_rows("session a\n"
                "0 10 POST /login 200\nanswer {\"token\":\"one\"}\n"
                "session b\n"
                "20 30 GET /me 200\nheader X-Token: one\n"
                "40 80 POST /login 200\nanswer {\"token\":\"two\"}\n"
                "60 70 GET /me 200\nheader X-Token: two\n"
                "90 95 GET /me 200\nheader X-Token: two\n",
                &token, "3->5");
}

static void a_message_of_a_websocket_takes_what_came_before_it(void **state)
{
    (void)state;
    struct binding_rule within =
        rule("GET /live", "ws:/type=ready > body:/id", "GET /live", "ws:2 > body:/id");
    expect_rows("session a\n"
                "0 1 WS /live\n"
                "> 2 {\"hello\":true}\n"
                "< 3 {\"type\":\"ready\",\"id\":\"abc\"}\n"
                "< 4 {\"type\":\"other\",\"id\":\"def\"}\n"
                "> 5 {\"id\":\"abc\"}\n"
                "> 9 close 1000\n"
                "session b\n"
                "10 11 WS /live\n"
                "> 12 {\"hello\":true}\n"
                "> 13 {\"id\":\"abc\"}\n"
                "< 14 {\"type\":\"ready\",\"id\":\"abc\"}\n"
                "> 19 close 1000\n",
                &within, "1->1");
}

static void what_a_client_made_is_born_with_the_first_that_carries_it(void **state)
{
    (void)state;
    struct binding_rule made = rule("", "new:digits", "GET /a", "query:n");
    expect_rows("session a\n"
                "0 1 GET /a?n=77001 200\n"
                "2 3 GET /a?n=88002 200\n"
                "4 5 GET /a?n=77001 200\n"
                "6 7 GET /a?n=word 200\n"
                "session b\n"
                "8 9 GET /a?n=77001 200\n",
                &made, "1->1 2->2 1->3 5->5");
}

static void a_rule_of_another_application_finds_nothing(void **state)
{
    (void)state;
    struct binding_rule other = rule("POST /sign-in", "body:/token", "GET /me", "header:X-Token");
    struct binding_rule places = rule("POST /login", "html:input[csrf]", "GET /me", "form:csrf");
    const char *script = "session a\n"
                         "0 10 POST /login 200\nanswer {\"token\":\"one\"}\n"
                         "20 30 GET /me 200\nheader X-Token: one\n";
    expect_rows(script, &other, "");
    expect_rows(script, &places, "");
}

static void a_rule_for_an_id_holds_for_one_that_looks_like_a_word(void **state)
{
    (void)state;
    struct binding_rule voice = rule("GET /voices", "body:/id", "GET /voices/{id}", "path:2");
    expect_rows("session a\n"
                "0 10 GET /voices 200\nanswer {\"id\":\"vc_banana\"}\n"
                "20 30 GET /voices/vc_banana 200\n"
                "40 50 GET /voices/search 200\n"
                "60 70 GET /voices/vc_2Xk9PqWz7a 200\n",
                &voice, "1->2");
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(the_latest_answer_that_has_it_gives_it),
        in_folder(nothing_goes_from_one_user_to_another_or_back_in_time),
        in_folder(a_message_of_a_websocket_takes_what_came_before_it),
        in_folder(what_a_client_made_is_born_with_the_first_that_carries_it),
        in_folder(a_rule_for_an_id_holds_for_one_that_looks_like_a_word),
        in_folder(a_rule_of_another_application_finds_nothing),
    };
    return cmocka_run_group_tests_name("binding_apply", tests, NULL, NULL);
}

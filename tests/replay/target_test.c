/* target_test.c - where load may go, and in which words it is refused elsewhere. */
#include "replay/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void loopback_needs_no_permission(void **state)
{
    (void)state;
    static const struct {
        const char *text, *origin;
    } rows[] = {{"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
                {"http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
                {"http://127.9.8.7", "http://127.9.8.7"},
                {"https://[::1]:8443", "https://[::1]:8443"},
                {"http://localhost:1", "http://localhost:1"}};
    const struct cli_list none = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[TARGET_MAX_BYTES];
        struct error err = {0};
        if (target_check(rows[i].text, &none, out, &err))
            fail_msg("%s: %s", rows[i].text, err.text);
        assert_string_equal(out, rows[i].origin);
    }
}

static void what_is_no_target_is_refused_in_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {{"", "expected http://HOST"},
                {"127.0.0.1:80", "expected http://HOST"},
                {"ftp://127.0.0.1", "expected http://HOST"},
                {"ws://127.0.0.1", "expected http://HOST"},
                {"http://user:pw@127.0.0.1", "expected http://HOST"},
                {"http://127.0.0.1:0", "expected http://HOST"},
                {"http://127.0.0.1:65536", "expected http://HOST"},
                {"http://127.0.0.1/app", "leave out '/app'"},
                {"http://192.0.2.1", "--allow-target 192.0.2.1"},
                {"http://[2001:db8::1]", "--allow-target 2001:db8::1"},
                {"http://no.such.host.invalid", "'getent ahosts no.such.host.invalid' shows"}};
    const struct cli_list none = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[TARGET_MAX_BYTES];
        struct error err = {0};
        assert_int_equal(target_check(rows[i].text, &none, out, &err), -1);
        assert_int_equal(err.exit_code, EXIT_INPUT);
        if (!strstr(err.text, rows[i].says))
            fail_msg("%s: '%s' does not say '%s'", rows[i].text, err.text, rows[i].says);
    }
}

static void source_addresses_that_cannot_reach_the_target_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *origin;
        struct cli_list sources;
        const char *says; /* NULL: they can */
    } rows[] = {
        {"http://127.0.0.1:80", {0}, NULL},
        {"http://127.0.0.1:80", {1, {"127.0.0.2"}}, NULL},
        {"http://127.0.0.1:80", {1, {"::1"}}, "--bind ::1: the target 127.0.0.1 has IPv4 "},
        {"http://127.0.0.1:80", {2, {"::1", "127.0.0.2"}}, NULL}, /* one of them is enough */
        {"https://[::1]:80", {1, {"127.0.0.2"}}, "--bind 127.0.0.2: the target ::1 has IPv6 "},
        {"https://[::1]:80", {1, {"::1"}}, NULL},
        {"http://127.0.0.1:80", {1, {"lo"}}, NULL}, /* no address at all: said by who binds */
        {"http://no.such.host.invalid", {1, {"::1"}}, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err = {0};
        int result = target_check_sources(rows[i].origin, &rows[i].sources, &err);
        assert_int_equal(result, rows[i].says ? -1 : 0);
        if (!rows[i].says)
            continue;
        assert_int_equal(err.exit_code, EXIT_INPUT);
        assert_int_equal(strncmp(err.text, rows[i].says, strlen(rows[i].says)), 0);
    }
}

static void another_host_has_to_be_named_twice(void **state)
{
    (void)state;
    char out[TARGET_MAX_BYTES];
    struct error err = {0};
    const struct cli_list other = {1, {"192.0.2.2"}}, named = {2, {"192.0.2.2", "192.0.2.1"}};
    assert_int_equal(target_check("http://192.0.2.1:80", &other, out, &err), -1);
    assert_int_equal(target_check("http://192.0.2.1:80", &named, out, &err), 0);
}

static void a_plugin_may_aim_at_the_target_this_machine_and_what_is_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool is_permitted;
    } rows[] = {{"https://staging.example", true},
                {"https://staging.example/login", true},
                {"https://staging.example?x=1", true},
                {"https://staging.example.evil/login", false},
                {"https://staging.example:8443/login", false},
                {"https://auth.example/token", true},
                {"https://AUTH.example:9000/token", true},
                {"https://prod.example/", false},
                {"http://127.0.0.1:9/x", true},
                {"http://[::1]:9/x", true},
                {"http://localhost/x", true},
                {"http://127.0.0.1.evil/", false},
                {"http://user@prod.example/", false},
                {"/relative", false}};
    const struct cli_list allowed = {1, {"auth.example"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (target_permits(bytes_of(rows[i].url), bytes_of("https://staging.example"), &allowed) !=
            rows[i].is_permitted)
            fail_msg("%s", rows[i].url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_needs_no_permission),
        cmocka_unit_test(what_is_no_target_is_refused_in_one_line),
        cmocka_unit_test(source_addresses_that_cannot_reach_the_target_are_refused),
        cmocka_unit_test(another_host_has_to_be_named_twice),
        cmocka_unit_test(a_plugin_may_aim_at_the_target_this_machine_and_what_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
